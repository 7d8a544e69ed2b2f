//! The author's self-test: every lab's solution, starter and attempts, each judged and compared with what is declared.

mod board;
mod fixes;
mod kept;
mod mutant;
pub(crate) mod stored;

use std::collections::BTreeSet;

use mslab_core::lab::{Folder, Lab};
use mslab_core::plan::Plan;
use mslab_core::report::{Report, Status};
use mslab_engine::Feature;

use crate::check::evidence::Reason;
use crate::check::{self, Bench, Means, Options, Subject};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::labs::write_folder;
use crate::progress::Listener;

pub(crate) use board::Board;
pub(crate) use fixes::{FixTrial, build_fixes};
pub(crate) use kept::Kept;
pub(crate) use mutant::{Expectation, noticed_by};

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
    /// What is expected of it, if it is a mutant.
    mutant: Option<Expectation>,
}

impl Case {
    /// Whether it is an attempt, whose report is stored.
    pub(crate) fn is_attempt(&self) -> bool {
        self.name.starts_with("attempts/")
    }

    /// What is expected of it, if it is a mutant.
    pub(crate) fn mutant(&self) -> Option<&Expectation> {
        self.mutant.as_ref()
    }

    /// A case of which every check must pass.
    fn plain(name: &str, files: Folder) -> Self {
        Self {
            name: name.to_owned(),
            files,
            fails: BTreeSet::new(),
            skipped: BTreeSet::new(),
            requires: Vec::new(),
            stored: None,
            mutant: None,
        }
    }

    /// What it needs and the engine has not.
    pub(crate) fn lacks(&self, bench: &Bench) -> Vec<&'static str> {
        let able = bench.engine.identity().capabilities();
        let lacking = self.requires.iter().filter(|f| !able.supports(**f));
        lacking.map(|f| f.name()).collect()
    }
}

/// Which cases of a lab are looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    /// The attempts.
    pub(crate) attempts: bool,
    /// The solution's mutants.
    pub(crate) mutants: bool,
}

/// A lab's solution and starter, and what else is in `scope`.
pub(crate) fn cases(lab: &Lab, plan: &Plan, scope: Scope) -> Result<Vec<Case>> {
    let set = |keys: &[String]| keys.iter().cloned().collect();
    let starter = &lab.definition.starter;
    let mut cases = vec![
        Case::plain("solution", lab.solution()),
        Case {
            fails: set(&starter.fails),
            skipped: set(&starter.skipped),
            ..Case::plain("starter", lab.starter())
        },
    ];
    if scope.attempts {
        for attempt in lab.attempts()? {
            let name = format!("attempts/{}", attempt.name);
            let stored = lab.files.get(&format!("{name}/{}", stored::NAME));
            cases.push(Case {
                fails: set(&attempt.expected.fails),
                skipped: set(&attempt.expected.skipped),
                requires: features(lab, &name, &attempt.expected.requires)?,
                stored: stored.map(|f| f.bytes.to_vec()),
                ..Case::plain(&name, attempt.files)
            });
        }
    }
    if scope.mutants {
        cases.extend(mutant::cases(lab, plan)?);
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
        let report = match case.mutant.is_some() {
            true => self.examine_mutant(&case.files).await?,
            false => self.examine(&case.files).await?,
        };
        let trials = if fixes {
            self.fixes_of(&case.files, &report).await?
        } else {
            Vec::new()
        };
        Ok(Proof {
            differences: match &case.mutant {
                Some(expectation) => expectation.differences(&report),
                None => differences(case, &report),
            },
            report,
            trials,
        })
    }

    /// Judges a mutant: that one check notices is enough, and where the text shows it nothing is built.
    async fn examine_mutant(&self, files: &Folder) -> Result<Report> {
        let report = self
            .on_disk(files, async |subject| {
                check::of_text(subject, &Reason::Static)
            })
            .await?;
        if mutant::noticed_by(&report).is_empty() {
            return self.examine(files).await;
        }
        Ok(report)
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
        let means = Means::Engine(self.bench);
        self.on_disk(files, async |subject| {
            // Boxed: `--verify-fix` comes back here from inside a check.
            Box::pin(check::examine(subject, &means, self.options, self.listener)).await
        })
        .await
    }

    /// Does `work` on files as a learner has them: in a folder.
    async fn on_disk<T>(
        &self,
        files: &Folder,
        work: impl AsyncFnOnce(&Subject<'_>) -> Result<T>,
    ) -> Result<T> {
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
        work(&subject).await
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
