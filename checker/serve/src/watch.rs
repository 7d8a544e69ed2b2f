//! What changes on the disk: the learner's files by another editor, the progress by the terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::desk::Desk;

/// Editors write a file in several moves; this long a silence ends a save.
const QUIET: Duration = Duration::from_millis(80);
/// Where nothing is told of changes, they are looked for this often.
const LOOK: Duration = Duration::from_secs(2);
/// Where they are told: not every disk tells of all.
const LOOK_ALL_THE_SAME: Duration = Duration::from_secs(10);

/// What mslab keeps in a workspace.
const MEMORY: &str = ".mslab";

/// A folder, told apart from another one in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Folder {
    dir: PathBuf,
    identity: Option<(u64, u64)>,
}

impl Folder {
    /// The folder that is at `dir` now.
    fn at(dir: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(dir)
            .ok()
            .filter(std::fs::Metadata::is_dir)?;
        Some(Self {
            dir: dir.to_owned(),
            identity: identity(&metadata),
        })
    }
}

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "other systems have none")]
fn identity(metadata: &std::fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(metadata: &std::fs::Metadata) -> Option<(u64, u64)> {
    let made = metadata.created().ok()?;
    let since = made.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some((since.as_secs(), u64::from(since.subsec_nanos())))
}

/// The folders that are watched.
pub(crate) struct Watched {
    root: PathBuf,
    state: Mutex<State>,
}

struct State {
    /// `None` where the system cannot watch: then the files are looked at from time to time.
    watcher: Option<RecommendedWatcher>,
    folders: BTreeMap<String, Folder>,
}

/// The paths that have changed.
pub(crate) type Changes = mpsc::UnboundedReceiver<PathBuf>;

impl Watched {
    /// Watches the workspace `root` itself, and what mslab keeps there.
    pub(crate) fn new(root: &Path) -> (Self, Changes) {
        let (sender, changes) = mpsc::unbounded_channel();
        let tell = move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            let by_somebody = matches!(
                event.kind,
                EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_)
            );
            if by_somebody {
                for path in event.paths {
                    // The receiver is gone only when the program ends.
                    let _ = sender.send(path);
                }
            }
        };
        let mut watcher = notify::recommended_watcher(tell).ok();
        // Paths are told as they were given.
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        if let Some(w) = &mut watcher {
            let memory = root.join(MEMORY);
            // Nothing is lost but news: what cannot be watched is looked at from time to time.
            for folder in [&root, &memory, &memory.join("reports")] {
                let _ = w.watch(folder, RecursiveMode::NonRecursive);
            }
        }
        let state = Mutex::new(State {
            watcher,
            folders: BTreeMap::new(),
        });
        (Self { root, state }, changes)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches an exercise's folder. False where it is watched already.
    pub(crate) fn add(&self, exercise: &str, dir: &Path) -> bool {
        if self.state().folders.contains_key(exercise) {
            return false;
        }
        self.again(exercise, dir);
        true
    }

    /// Watches an exercise's folder, which may be another one than before.
    pub(crate) fn again(&self, exercise: &str, dir: &Path) {
        let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        let mut state = self.state();
        if let Some(watcher) = &mut state.watcher {
            let _ = watcher.unwatch(&dir);
            let _ = watcher.watch(&dir, RecursiveMode::Recursive);
        }
        if let Some(folder) = Folder::at(&dir) {
            state.folders.insert(exercise.to_owned(), folder);
        }
    }

    fn forget(&self, exercise: &str) {
        let mut state = self.state();
        if let Some(gone) = state.folders.remove(exercise)
            && let Some(watcher) = &mut state.watcher
        {
            let _ = watcher.unwatch(&gone.dir);
        }
    }

    fn folders(&self) -> Vec<(String, Folder)> {
        let state = self.state();
        let folders = state.folders.iter();
        folders.map(|(e, d)| (e.clone(), d.clone())).collect()
    }
}

/// Follows the changes until the desk is gone.
pub(crate) async fn follow(desk: Weak<Desk>, mut changes: Changes) {
    // Without a watcher, nobody holds the other end.
    let mut look = LOOK_ALL_THE_SAME;
    loop {
        let mut paths = BTreeSet::new();
        match tokio::time::timeout(look, changes.recv()).await {
            Ok(Some(path)) => {
                paths.insert(path);
                while let Ok(Some(path)) = tokio::time::timeout(QUIET, changes.recv()).await {
                    // A package manager at work: which of its files these are does not matter.
                    if paths.len() < 10_000 {
                        paths.insert(path);
                    }
                }
            }
            Ok(None) => {
                look = LOOK;
                tokio::time::sleep(look).await;
            }
            Err(_) => {}
        }
        let Some(desk) = desk.upgrade() else { return };
        // Looking at files may wait for the disk.
        let looked = tokio::task::spawn_blocking(move || sort_out(&desk, &paths));
        let _ = looked.await;
    }
}

fn sort_out(desk: &Arc<Desk>, paths: &BTreeSet<PathBuf>) {
    for (exercise, folder) in desk.watched.folders() {
        let Some(now) = Folder::at(&folder.dir) else {
            // Taken away. The next who asks for the exercise has it made anew.
            desk.watched.forget(&exercise);
            continue;
        };
        if now != folder {
            desk.replaced(&exercise);
            continue;
        }
        let below: Vec<PathBuf> = paths
            .iter()
            .filter(|p| p.starts_with(&folder.dir) && **p != folder.dir)
            .filter(|p| !p.components().any(|c| c.as_os_str() == "node_modules"))
            .cloned()
            .collect();
        // Without news, a look at the files themselves: not every disk tells of its changes.
        if !below.is_empty() || paths.is_empty() {
            desk.changed(&exercise, &below);
        }
    }
    let memory = desk.watched.root.join(MEMORY);
    if paths.is_empty() || paths.iter().any(|p| p.starts_with(&memory)) {
        desk.reports();
        desk.progress();
    }
}
