//! What a workspace remembers: `.mslab/state.json`, locked, and written whole or not at all.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Result};

const VERSION: u32 = 1;

/// The whole memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    version: u32,
    /// The random text that stands for every secret in this workspace; made once and searched for ever after.
    #[serde(default)]
    pub(crate) canary: Option<String>,
    /// By exercise: `exercise-5`.
    #[serde(default)]
    pub(crate) exercises: BTreeMap<String, ExerciseState>,
}

/// What is remembered of an exercise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExerciseState {
    /// How far it is.
    #[serde(default)]
    pub(crate) progress: Progress,
    /// Points of the last whole check.
    #[serde(default)]
    pub(crate) points: u32,
    /// Whether it ever passed: from then on the solution is open.
    #[serde(default)]
    pub(crate) ever_passed: bool,
    /// Hint level by check key: 1 to 3.
    #[serde(default)]
    pub(crate) hints: BTreeMap<String, u8>,
}

/// How far an exercise is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Progress {
    /// Not checked yet.
    #[default]
    New,
    /// The last check failed.
    Failed,
    /// The last check passed.
    Passed,
}

impl State {
    fn fresh() -> Self {
        Self {
            version: VERSION,
            canary: None,
            exercises: BTreeMap::new(),
        }
    }

    /// What is remembered of an exercise; nothing yet is the default.
    pub(crate) fn exercise(&self, name: &str) -> ExerciseState {
        self.exercises.get(name).cloned().unwrap_or_default()
    }
}

/// A text that nobody can guess and no image holds by chance.
pub(crate) fn random_text() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    // A RandomState's keys come from the system's randomness, and no two are alike.
    let word = || RandomState::new().hash_one(0);
    format!("mslab-canary-{:016x}{:016x}", word(), word())
}

/// Reads the memory of the workspace `root`; a fresh one where there is none.
pub(super) fn read(root: &Path) -> Result<State> {
    let path = root.join(".mslab/state.json");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(State::fresh()),
        Err(e) => return Err(Failure::file("read", &path, &e)),
    };
    match serde_json::from_slice::<State>(&bytes) {
        Ok(state) if state.version > VERSION => Err(Failure::usage(format!(
            "{} was written by a newer mslab (version {} of the format)",
            path.display(),
            state.version
        ))
        .help("Use that mslab, or a newer one.")),
        Ok(state) => Ok(state),
        Err(_) => {
            let kept = path.with_extension("json.damaged");
            fs::rename(&path, &kept).map_err(|e| Failure::file("move", &path, &e))?;
            anstream::eprintln!(
                "note: {} could not be read; it is kept as {}, and your files are untouched",
                path.display(),
                kept.display()
            );
            Ok(State::fresh())
        }
    }
}

/// Changes the memory of the workspace `root` while nobody else does.
pub(super) fn update<T>(root: &Path, change: impl FnOnce(&mut State) -> T) -> Result<T> {
    let dir = root.join(".mslab");
    fs::create_dir_all(&dir).map_err(|e| Failure::file("make", &dir, &e))?;
    let lock_path = dir.join("lock");
    let lock = File::create(&lock_path).map_err(|e| Failure::file("write", &lock_path, &e))?;
    lock.lock()
        .map_err(|e| Failure::file("lock", &lock_path, &e))?;
    let mut state = read(root)?;
    let result = change(&mut state);
    let mut text = serde_json::to_vec_pretty(&state)
        .map_err(|e| Failure::environment("cannot write the state").because(&e))?;
    text.push(b'\n');
    write_atomically(&dir.join("state.json"), &text)?;
    Ok(result)
}

/// Writes a file so that a reader sees the old one or the new one, never a part.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    put(path, bytes, File::sync_all)
}

/// Writes a file whole or not at all, without waiting for the disk: for what can be made again.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    put(path, bytes, |_| Ok(()))
}

/// Like [`write_whole`], for what is too long to be held at once.
pub(crate) fn write_as_it_comes(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let failed = |e: &std::io::Error| Failure::file("write", path, e);
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(|e| failed(&e))?;
    let mut buffered = BufWriter::new(&mut file);
    write(&mut buffered)?;
    buffered.flush().map_err(|e| failed(&e))?;
    drop(buffered);
    readable_by_all(file.as_file()).map_err(|e| failed(&e))?;
    file.persist(path).map_err(|e| failed(&e.error))?;
    Ok(())
}

fn put(path: &Path, bytes: &[u8], sync: fn(&File) -> std::io::Result<()>) -> Result<()> {
    let failed = |e: &std::io::Error| Failure::file("write", path, e);
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(|e| failed(&e))?;
    file.write_all(bytes).map_err(|e| failed(&e))?;
    sync(file.as_file()).map_err(|e| failed(&e))?;
    readable_by_all(file.as_file()).map_err(|e| failed(&e))?;
    file.persist(path).map_err(|e| failed(&e.error))?;
    Ok(())
}

#[cfg(unix)]
fn readable_by_all(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_state_is_kept_and_begun_again() {
        let dir = tempfile::tempdir().unwrap();
        update(dir.path(), |s| {
            s.exercises.entry("exercise-1".into()).or_default().points = 7;
        })
        .unwrap();
        assert_eq!(read(dir.path()).unwrap().exercise("exercise-1").points, 7);
        fs::write(dir.path().join(".mslab/state.json"), b"{ not json").unwrap();
        let fresh = read(dir.path()).unwrap();
        assert_eq!(fresh, State::fresh());
        assert_eq!(
            fs::read(dir.path().join(".mslab/state.json.damaged")).unwrap(),
            b"{ not json"
        );
    }

    #[test]
    fn two_at_once_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        update(dir.path(), |s| {
                            s.exercises.entry("e".into()).or_default().points += 1;
                        })
                        .unwrap();
                    }
                });
            }
        });
        assert_eq!(read(dir.path()).unwrap().exercise("e").points, 80);
    }
}
