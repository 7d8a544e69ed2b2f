//! Evidence that needs no engine, and the reasons for evidence that is left out.

use std::fs;
use std::path::Path;

use mslab_core::diagnostic::Files;
use mslab_core::evidence::{BuildEvidence, Evidence, Need, Observed};
use mslab_core::judge;
use mslab_core::plan::Plan;
use mslab_core::source::Source;
use mslab_engine::context::Sent;

use super::{Subject, Unsaved};
use crate::failure::{Failure, Result};

/// Text files up to this size are read whole; the engine itself takes no larger Dockerfile.
const TEXT_LIMIT: u64 = 16 << 20;

/// Why there is no evidence beyond the text: left out on purpose, or not to be had.
#[derive(Debug, Clone)]
pub(crate) enum Reason {
    /// No engine answered; why.
    NoEngine(String),
    /// `--static`
    Static,
    /// What is being typed in a page.
    Typed,
    /// `--file`
    File,
    /// `--image` or `--archive`: there is no build to look at.
    NotBuilt,
    /// `--no-run`
    NotRun,
    /// `--image` or `--archive`: the image need not come from the text.
    NotText,
}

impl Reason {
    /// The reason in words.
    pub(crate) fn text(&self) -> String {
        let why = match self {
            Self::NoEngine(why) => return why.clone(),
            Self::Static => "--static looks at the text only",
            Self::Typed => "while you type, only the text is; Check builds it",
            Self::File => "--file looks at the text only",
            Self::NotBuilt => "nothing was built or started",
            Self::NotText => "an image was given, and the text is not what made it",
            Self::NotRun => "--no-run starts no container",
        };
        format!("{}{why}", judge::ON_PURPOSE)
    }

    fn unseen<T>(&self) -> Observed<T> {
        match self {
            Self::NoEngine(why) => Observed::Failed(why.clone()),
            _ => Observed::Skipped(self.text()),
        }
    }
}

/// The learner's text files that checks may look at: what `learner` and `manifests` of the lab name, every Dockerfile
/// of a build with its ignore file, and `package.json`.
pub(crate) fn read_text_files(subject: &Subject<'_>) -> Result<Files> {
    let mut names: Vec<String> = subject.lab.definition.files.learner.clone();
    names.extend(subject.plan.manifests.iter().cloned());
    for build in &subject.plan.builds {
        names.push(format!("{}.dockerignore", build.dockerfile));
        names.push(build.dockerfile.clone());
    }
    names.extend([
        ".dockerignore".to_owned(),
        "package.json".to_owned(),
        "package-lock.json".to_owned(),
    ]);
    let mut files = Files::new();
    for name in names {
        let path = subject.dir.join(&name);
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            continue;
        };
        if metadata.is_file() && metadata.len() <= TEXT_LIMIT {
            files.insert(name.clone(), read(&path, &name)?);
        } else if metadata.is_dir() {
            for (below, file) in crate::labs::read_folder(&path)? {
                let name = format!("{}/{below}", name.trim_end_matches('/'));
                files.insert(name.clone(), Source::new(name, file.bytes.as_ref()));
            }
        }
    }
    Ok(files)
}

/// One text file under the name that people know it by.
pub(crate) fn read(path: &Path, name: &str) -> Result<Source> {
    let bytes = fs::read(path).map_err(|e| Failure::named_file(path, &e))?;
    Ok(Source::new(name, bytes))
}

/// The evidence of the text alone; everything else is not there, for `reason`.
pub(crate) fn of_text(files: Files, plan: &Plan, reason: &Reason) -> Evidence {
    let dockerfiles = judge::read_sources(&files, &plan.builds);
    let mut evidence = Evidence {
        files,
        dockerfiles,
        ..Evidence::default()
    };
    for build in &plan.builds {
        let skipped = BuildEvidence {
            outcome: reason.unseen(),
            ..BuildEvidence::default()
        };
        evidence.builds.insert(build.key.clone(), skipped);
    }
    for check in &plan.checks {
        evidence.extras.insert(check.key.clone(), reason.unseen());
    }
    evidence
}

/// The lists of what each Dockerfile's build context holds, if a check asks for them.
pub(super) fn add_contexts(evidence: &mut Evidence, subject: &Subject<'_>, unsaved: &Unsaved) {
    if !subject.plan.needs().any(|(_, need)| need == Need::Context) {
        return;
    }
    for build in &subject.plan.builds {
        let text = |name: &str| match unsaved.get(name) {
            Some(text) => text.as_ref().map(|t| t.clone().into_bytes()),
            None => fs::read(subject.dir.join(name)).ok(),
        };
        let seen = match Sent::with_texts(subject.dir, &build.dockerfile, text) {
            Ok(Sent { context, ignore }) => {
                Observed::Seen(context.evidence(ignore.map(|(name, _)| name)))
            }
            Err(e) => Observed::Failed(format!("{e}. {}", e.help())),
        };
        evidence.contexts.insert(build.dockerfile.clone(), seen);
    }
}
