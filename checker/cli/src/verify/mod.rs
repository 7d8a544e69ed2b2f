//! The author's self-test: every lab's solution, starter and attempts, each judged and compared with what is declared.

mod board;
mod fixes;
mod kept;
pub(crate) mod stored;

use std::collections::BTreeSet;

use mslab_core::lab::{Folder, Lab};
use mslab_core::plan::Plan;
use mslab_core::report::{Report, Status};
use mslab_engine::Feature;

use crate::check::{self, Bench, Means, Options, Subject};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::labs::write_folder;
use crate::progress::Listener;

pub(crate) use board::Board;
pub(crate) use fixes::{FixTrial, build_fixes};
pub(crate) use kept::Kept;

/// One folder with what must come of it.
pub(crate) struct Case {
    /// `solution`, `starter` or `attempts/NAME`.
    pub(crate) name: String,
    /// Its files.
    files: Folder,
    /// Keys of exactly those checks that fail.
    fails: BTreeSet<String>,
    /// Keys of exactly those checks that are not reached.
    skipped: BTreeSet<String>,
    /// What an engine must know to build it.
    requires: Vec<Feature>,
    /// The report that is stored beside it.
    stored: Option<Vec<u8>>,
}

impl Case {
    /// Whether it is an attempt, whose report is stored.
    pub(crate) fn is_attempt(&self) -> bool {
        self.name.starts_with("attempts/")
    }

    /// What it needs and the engine has not.
    pub(crate) fn lacks(&self, bench: &Bench) -> Vec<&'static str> {
        let able = bench.engine.identity().capabilities();
        let lacking = self.requires.iter().filter(|f| !able.supports(**f));
        lacking.map(|f| f.name()).collect()
    }
}

/// Every case of a lab.
pub(crate) fn cases(lab: &Lab, attempts: bool) -> Result<Vec<Case>> {
    let set = |keys: &[String]| keys.iter().cloned().collect();
    let starter = &lab.definition.starter;
    let plain = |name: &str, files, fails, skipped| Case {
        name: name.to_owned(),
        files,
        fails,
        skipped,
        requires: Vec::new(),
        stored: None,
    };
    let mut cases = vec![
        plain("solution", lab.solution(), BTreeSet::new(), BTreeSet::new()),
        plain(
            "starter",
            lab.starter(),
            set(&starter.fails),
            set(&starter.skipped),
        ),
    ];
    if !attempts {
        return Ok(cases);
    }
    for attempt in lab.attempts()? {
        let name = format!("attempts/{}", attempt.name);
        let stored = lab.files.get(&format!("{name}/{}", stored::NAME));
        cases.push(Case {
            requires: features(lab, &name, &attempt.expected.requires)?,
            stored: stored.map(|f| f.bytes.to_vec()),
            ..plain(
                &name,
                attempt.files,
                set(&attempt.expected.fails),
                set(&attempt.expected.skipped),
            )
        });
    }
    Ok(cases)
}

fn features(lab: &Lab, case: &str, names: &[String]) -> Result<Vec<Feature>> {
    let known = || {
        let names: Vec<_> = Feature::ALL.iter().map(|f| f.name()).collect();
        format!("Engine features are {}.", names.join(", "))
    };
    let find = |name: &String| {
        Feature::from_name(name).ok_or_else(|| {
            let message = format!("{}, {case}: no feature is called `{name}`", lab.exercise());
            Failure::usage(message).help(known())
        })
    };
    names.iter().map(find).collect()
}

/// What came of a case.
pub(crate) struct Proof {
    /// The report.
    pub(crate) report: Report,
    /// How it differs from what is declared, a line each; nothing where it agrees.
    pub(crate) differences: Vec<String>,
    /// The fixes that it offers, tried.
    pub(crate) trials: Vec<FixTrial>,
}

impl Proof {
    /// Whether the verdicts are as declared and all fixes that were tried hold.
    pub(crate) fn agrees(&self) -> bool {
        self.differences.is_empty() && self.trials.iter().all(|t| t.trouble.is_empty())
    }

    /// The report to store beside an attempt.
    pub(crate) fn to_store(&self) -> Report {
        stored::normal(&self.report, &self.trials)
    }

    /// How what is stored differs from what was found.
    pub(crate) fn stale(&self, case: &Case) -> Option<String> {
        stored::stale(case.stored.as_deref(), &self.report)
    }
}

/// Judges folders as if a learner had written them.
#[derive(Clone, Copy)]
pub(crate) struct Prover<'a> {
    /// The lab.
    pub(crate) lab: &'a Lab,
    /// Its plan.
    pub(crate) plan: &'a Plan,
    /// The engine.
    pub(crate) bench: &'a Bench,
    /// What earlier runs found; nothing where all is to be looked at now.
    pub(crate) kept: Option<&'a Kept>,
    /// Who is told what goes on.
    pub(crate) listener: &'a dyn Listener,
    /// What the person asked for.
    pub(crate) options: &'a Options,
}

impl Prover<'_> {
    /// Builds and judges a case, and every fix that it offers. When the environment fails, once more.
    pub(crate) async fn prove(&self, case: &Case, fixes: bool) -> Result<Proof> {
        let mut proof = self.once(case, fixes).await;
        let environment = matches!(&proof, Err(f) if f.exit == Exit::Environment)
            && !self.options.cancel.is_cancelled();
        if environment {
            proof = self.once(case, fixes).await;
        }
        proof.map_err(|f| f.at(format!("{}, {}", self.lab.exercise(), case.name)))
    }

    async fn once(&self, case: &Case, fixes: bool) -> Result<Proof> {
        let report = self.examine(&case.files).await?;
        let trials = if fixes {
            self.fixes_of(&case.files, &report).await?
        } else {
            Vec::new()
        };
        Ok(Proof {
            differences: differences(case, &report),
            report,
            trials,
        })
    }

    /// Judges files. That a check could not look is the environment's failure.
    async fn examine(&self, files: &Folder) -> Result<Report> {
        let key = match self.kept {
            Some(kept) => kept.key(self.lab, self.plan, files, self.bench).await?,
            None => None,
        };
        if let (Some(kept), Some(key)) = (self.kept, &key)
            && let Some(report) = kept.find(key)
        {
            return Ok(report);
        }
        let report = self.look(files).await?;
        if let Some(check) = report.checks.iter().find(|c| c.status == Status::Error) {
            let message = format!("`{}` could not look: {}", check.key, check.message);
            return Err(Failure::environment(message).help("`mslab doctor` says what is missing."));
        }
        if let (Some(kept), Some(key)) = (self.kept, &key) {
            kept.keep(key, &report);
        }
        Ok(report)
    }

    async fn look(&self, files: &Folder) -> Result<Report> {
        let dir =
            tempfile::tempdir().map_err(|e| Failure::file("make", &std::env::temp_dir(), &e))?;
        write_folder(dir.path(), files)?;
        let canary = crate::workspace::random_text();
        let subject = Subject {
            lab: self.lab,
            plan: self.plan,
            dir: dir.path(),
            canary: &canary,
        };
        // Boxed: `--verify-fix` comes back here from inside a check.
        Box::pin(check::examine(
            &subject,
            &Means::Engine(self.bench),
            self.options,
            self.listener,
        ))
        .await
    }
}

fn differences(case: &Case, report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for check in &report.checks {
        let wanted = if case.fails.contains(&check.key) {
            Status::Failed
        } else if case.skipped.contains(&check.key) {
            Status::Skipped
        } else {
            Status::Passed
        };
        if check.status != wanted {
            let (is, should) = (name(check.status), name(wanted));
            lines.push(format!(
                "`{}` {is} where it should have {should}: {}",
                check.key, check.message
            ));
        }
    }
    lines
}

fn name(status: Status) -> &'static str {
    match status {
        Status::Passed => "passed",
        Status::Failed => "failed",
        Status::Skipped => "been skipped",
        Status::Error => "given an error",
    }
}
