//! Every fix that a report offers: applied, built, and judged again.

use mslab_core::diagnostic::{Edit, Files, Fix};
use mslab_core::lab::{Folder, FolderFile};
use mslab_core::report::{CheckReport, Report, Status, Verified};
use mslab_core::source::Source;

use super::Prover;
use crate::check::{Bench, Options, Subject};
use crate::exit::Exit;
use crate::failure::Result;
use crate::progress::Listener;

/// A fix that was tried.
pub(crate) struct FixTrial {
    /// Key of the check that offered it.
    pub(crate) key: String,
    /// What it does.
    pub(crate) title: String,
    /// Why it does not hold; nothing where it does.
    pub(crate) trouble: Vec<String>,
}

impl Prover<'_> {
    /// Tries every fix of `report`, which judged `files`.
    pub(super) async fn fixes_of(&self, files: &Folder, report: &Report) -> Result<Vec<FixTrial>> {
        let mut trials = Vec::new();
        for check in &report.checks {
            let Some(fix) = &check.fix else { continue };
            let edits: Vec<Edit> = fix.edits.iter().map(|e| e.edit.clone()).collect();
            let after = match &apply(files, &edits) {
                Some(edited) => Some(self.examine(edited).await?),
                None => None,
            };
            let trouble = after.map_or_else(
                || vec!["the edits do not fit the files".to_owned()],
                |a| worse(check, report, &a),
            );
            trials.push(FixTrial {
                key: check.key.clone(),
                title: fix.title.clone(),
                trouble,
            });
        }
        Ok(trials)
    }
}

/// `files` with the edits made; `None` where they do not fit.
fn apply(files: &Folder, edits: &[Edit]) -> Option<Folder> {
    let touched = |p: &String| edits.iter().any(|e| e.file == *p);
    let sources: Files = files
        .iter()
        .filter(|(p, _)| touched(p))
        .map(|(p, f)| (p.clone(), Source::new(p.as_str(), f.bytes.as_ref())))
        .collect();
    let fix = Fix {
        title: String::new(),
        edits: edits.to_vec(),
    };
    let mut out = files.clone();
    for (path, source) in fix.apply(&sources).ok()? {
        let executable = files.get(&path).is_some_and(|f| f.executable);
        out.insert(
            path,
            FolderFile {
                bytes: source.bytes().to_vec().into(),
                executable,
            },
        );
    }
    Some(out)
}

/// What a fix failed to mend, and what it broke.
fn worse(mended: &CheckReport, before: &Report, after: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for (old, new) in before.checks.iter().zip(&after.checks) {
        let must_pass = old.key == mended.key || old.status == Status::Passed;
        if must_pass && new.status != Status::Passed {
            let what = if old.key == mended.key {
                "does not mend"
            } else {
                "breaks"
            };
            lines.push(format!("{what} `{}`: {}", new.key, new.message));
        }
    }
    lines
}

/// `--verify-fix`: builds every fix that is offered, marks those that hold, and takes back those that do not.
pub(crate) async fn build_fixes(
    subject: &Subject<'_>,
    bench: &Bench,
    options: &Options,
    listener: &dyn Listener,
    report: &mut Report,
) -> Result<()> {
    let files = crate::labs::read_folder(subject.dir)?;
    // The copies' own fixes need no building.
    let options = Options {
        verify_fixes: false,
        ..options.clone()
    };
    let prover = Prover {
        lab: subject.lab,
        plan: subject.plan,
        bench,
        kept: None,
        listener,
        options: &options,
    };
    let trials = match prover.fixes_of(&files, report).await {
        Ok(trials) => trials,
        // The verdict on the work stands, and the fixes stay what they are: tried on the text.
        Err(f) if f.exit == Exit::Environment && !options.cancel.is_cancelled() => return Ok(()),
        Err(f) => return Err(f),
    };
    for trial in trials {
        let Some(check) = report.checks.iter_mut().find(|c| c.key == trial.key) else {
            continue;
        };
        match &mut check.fix {
            Some(fix) if trial.trouble.is_empty() => fix.verified = Verified::Build,
            fix => *fix = None,
        }
    }
    Ok(())
}
