//! The author's self-test: every lab's solution, starter and attempts, each judged and compared with what is declared.

mod fixes;

use std::collections::BTreeSet;

use mslab_core::lab::{Folder, Lab};
use mslab_core::plan::Plan;
use mslab_core::report::{Report, Status};

use crate::check::{self, Bench, Means, Options, Subject};
use crate::failure::{Failure, Result};
use crate::labs::write_folder;
use crate::progress::Listener;

pub(crate) use fixes::{build_fixes, fixes_of};

/// One folder with what must come of it.
pub(crate) struct Case {
    /// `solution`, `starter` or `attempts/NAME`.
    pub(crate) name: String,
    /// Its files.
    pub(crate) files: Folder,
    /// Keys of exactly those checks that fail.
    fails: BTreeSet<String>,
    /// Keys of exactly those checks that are not reached.
    skipped: BTreeSet<String>,
}

/// Every case of a lab.
pub(crate) fn cases(lab: &Lab, attempts: bool) -> Result<Vec<Case>> {
    let set = |keys: &[String]| keys.iter().cloned().collect();
    let starter = &lab.definition.starter;
    let mut cases = vec![
        Case {
            name: "solution".into(),
            files: lab.solution(),
            fails: BTreeSet::new(),
            skipped: BTreeSet::new(),
        },
        Case {
            name: "starter".into(),
            files: lab.starter(),
            fails: set(&starter.fails),
            skipped: set(&starter.skipped),
        },
    ];
    if attempts {
        cases.extend(lab.attempts()?.into_iter().map(|a| Case {
            name: format!("attempts/{}", a.name),
            fails: set(&a.expected.fails),
            skipped: set(&a.expected.skipped),
            files: a.files,
        }));
    }
    Ok(cases)
}

/// What came of a case.
pub(crate) struct Proof {
    /// The report.
    pub(crate) report: Report,
    /// How it differs from what is declared, a line each; nothing where it agrees.
    pub(crate) differences: Vec<String>,
}

/// Builds and judges a case.
pub(crate) async fn prove(
    lab: &Lab,
    plan: &Plan,
    case: &Case,
    bench: &Bench,
    listener: &dyn Listener,
    options: &Options,
) -> Result<Proof> {
    let report = examine(lab, plan, &case.files, bench, listener, options).await?;
    let differences = differences(case, &report);
    Ok(Proof {
        report,
        differences,
    })
}

/// Judges files as if a learner had written them.
pub(crate) async fn examine(
    lab: &Lab,
    plan: &Plan,
    files: &Folder,
    bench: &Bench,
    listener: &dyn Listener,
    options: &Options,
) -> Result<Report> {
    let dir = tempfile::tempdir().map_err(|e| Failure::file("make", &std::env::temp_dir(), &e))?;
    write_folder(dir.path(), files)?;
    let canary = crate::workspace::random_text();
    let subject = Subject {
        lab,
        plan,
        dir: dir.path(),
        canary: &canary,
    };
    // Boxed: `--verify-fix` comes back here from inside a check.
    Box::pin(check::examine(
        &subject,
        &Means::Engine(bench),
        options,
        listener,
    ))
    .await
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
