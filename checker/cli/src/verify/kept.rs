//! What cases came to before, so that a repeated verify repeats nothing and an interrupted one goes on.
//!
//! A result is found again only by the same lab, the same files, the same program, the same engine and the same base
//! images. One that cannot be read is judged anew; failing to write is only slower the next time.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use mslab_core::lab::{Folder, FolderFile, Lab, digest};
use mslab_core::plan::Plan;
use mslab_core::report::Report;
use mslab_core::source::Source;
use mslab_core::stages::Needs;

use crate::check::{Bench, cache_folder};
use crate::failure::{Failure, Result};

/// What nobody asked for in this time is forgotten.
const OLD: Duration = Duration::from_secs(30 * 24 * 3600);

/// Results of earlier runs.
pub(crate) struct Kept {
    folder: PathBuf,
    /// What this run judges with: the program and the engine. Nothing where the program cannot read itself.
    by: Option<String>,
    again: bool,
    found: AtomicUsize,
}

impl Kept {
    /// The results kept for this user. With `again` none is taken from there.
    pub(crate) async fn open(bench: &Bench, again: bool) -> Result<Self> {
        let folder = folder();
        forget_old(&folder);
        let engine = bench.report().await?;
        let engine = [
            engine.name,
            engine.version,
            engine.image_store,
            engine.platform,
        ];
        let program = std::env::current_exe().and_then(fs::read).ok();
        let by = program
            .map(|bytes| digest_of([("program", bytes), ("engine", engine.join("\n").into())]));
        Ok(Self {
            folder,
            by,
            again,
            found: AtomicUsize::new(0),
        })
    }

    /// How many results were there already, from this run or earlier ones.
    pub(crate) fn found(&self) -> usize {
        self.found.load(Ordering::Relaxed)
    }

    /// What `files` are kept under; `None` where a base image is not on the engine, so that nobody knows which one the
    /// build will have.
    pub(super) async fn key(
        &self,
        lab: &Lab,
        plan: &Plan,
        files: &Folder,
        bench: &Bench,
    ) -> Result<Option<String>> {
        let Some(by) = &self.by else { return Ok(None) };
        let mut names = BTreeSet::new();
        // The starter and the solution are built too, to compare with.
        for folder in [files, &lab.starter(), &lab.solution()] {
            names.extend(bases(plan, folder));
        }
        let mut text = String::new();
        for name in names {
            let Some(base) = bench.bases.find(&bench.engine, &name).await? else {
                return Ok(None);
            };
            text.push_str(&format!("{name} {}\n", base.diff_ids.join(" ")));
        }
        Ok(Some(digest_of([
            ("lab", lab.digest().into_bytes()),
            ("files", digest(files).into_bytes()),
            ("by", by.clone().into_bytes()),
            ("bases", text.into_bytes()),
        ])))
    }

    /// The report kept under `key`.
    pub(super) fn find(&self, key: &str) -> Option<Report> {
        if self.again {
            return None;
        }
        let path = self.folder.join(key);
        let report = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        if let Ok(file) = fs::File::open(&path) {
            // Only how long it stays depends on this.
            let _ = file.set_modified(SystemTime::now());
        }
        self.found.fetch_add(1, Ordering::Relaxed);
        Some(report)
    }

    /// Keeps a report, whole or not at all.
    pub(super) fn keep(&self, key: &str, report: &Report) {
        let write = || {
            fs::create_dir_all(&self.folder)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(&serde_json::to_vec(report)?)?;
            file.persist(self.folder.join(key))?;
            Ok::<_, std::io::Error>(())
        };
        let _ = write();
    }

    /// Forgets everything, and says how many bytes that was.
    pub(crate) fn forget() -> Result<u64> {
        let folder = folder();
        let Ok(entries) = fs::read_dir(&folder) else {
            return Ok(0);
        };
        let bytes = entries
            .flatten()
            .filter_map(|e| e.metadata().ok())
            .map(|m| m.len())
            .sum();
        fs::remove_dir_all(&folder).map_err(|e| Failure::file("clear", &folder, &e))?;
        Ok(bytes)
    }
}

fn folder() -> PathBuf {
    cache_folder().join("verify")
}

fn forget_old(folder: &PathBuf) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|m| m.modified()).ok();
        if age
            .and_then(|t| t.elapsed().ok())
            .is_some_and(|age| age > OLD)
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The images that the Dockerfiles of `files` name.
fn bases(plan: &Plan, files: &Folder) -> BTreeSet<String> {
    let texts = files
        .iter()
        .filter(|(p, _)| plan.builds.iter().any(|b| b.dockerfile == **p))
        .map(|(p, f)| (p.clone(), Source::new(p.as_str(), f.bytes.as_ref())))
        .collect();
    let sources = mslab_core::judge::read_sources(&texts, &plan.builds);
    let edges = sources.values().flat_map(|s| s.graph.edges.iter());
    edges
        .filter_map(|e| match &e.needs {
            Needs::Image(name) => Some(name.clone()),
            _ => None,
        })
        .collect()
}

fn digest_of<const N: usize>(parts: [(&str, Vec<u8>); N]) -> String {
    let folder: Folder = parts
        .into_iter()
        .map(|(name, bytes)| {
            let file = FolderFile {
                bytes: bytes.into(),
                executable: false,
            };
            (name.to_owned(), file)
        })
        .collect();
    digest(&folder)
}
