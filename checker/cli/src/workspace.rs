//! The learner's folder: where it is, what it remembers, and how it is written without losing anything.

mod state;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use mslab_core::lab::{Folder, Lab};
use mslab_core::report::Report;

pub(crate) use state::{ExerciseState, Progress, State};
pub(crate) use state::{random_text, write_as_it_comes, write_whole};

use crate::failure::{Failure, Result};
use crate::labs::{Labs, read_folder, write_folder};

const MARKER: &str = "mslab-workspace.toml";

/// A learner's folder.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
}

/// What the folder that a command was started in belongs to.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// The workspace: found, or the one to be made inside a repository.
    pub(crate) workspace: Option<Workspace>,
    /// The labs: the repository's own, or those in the binary.
    pub(crate) labs: Labs,
    /// The exercise folder that the command was started in.
    pub(crate) inside: Option<String>,
}

impl Surroundings {
    /// Looks from `here` upwards.
    pub(crate) fn find(here: &Path) -> Self {
        let repository = here.ancestors().find(|d| is_repository(d));
        let labs = repository.map_or(Labs::Carried, |r| Labs::Folder(r.join("labs")));
        let workspace = match here.ancestors().find(|d| is_workspace(d)) {
            Some(root) => Some(Workspace {
                root: root.to_owned(),
            }),
            None => repository.map(|r| Workspace {
                root: r.join("workspace"),
            }),
        };
        let inside = workspace.as_ref().and_then(|w| {
            let first = here.strip_prefix(&w.root).ok()?.components().next()?;
            let name = first.as_os_str().to_string_lossy().into_owned();
            name.starts_with("exercise-").then_some(name)
        });
        Self {
            workspace,
            labs,
            inside,
        }
    }

    /// Looks from the current folder upwards.
    pub(crate) fn here() -> Result<Self> {
        let here = std::env::current_dir()
            .map_err(|e| Failure::file("find", Path::new("the current folder"), &e))?;
        Ok(Self::find(&here))
    }

    /// The workspace.
    pub(crate) fn workspace(&self) -> Result<&Workspace> {
        self.workspace.as_ref().ok_or_else(|| {
            Failure::usage("there is no workspace here").help(
                "Go to the one that you made, or make one: `mslab init DIR`, or `mslab init` for this folder.",
            )
        })
    }
}

/// Whether `dir` is a workspace's own folder.
pub(crate) fn is_workspace(dir: &Path) -> bool {
    dir.join(MARKER).is_file()
}

/// When a file was last written; `None` where there is none.
fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|m| m.modified()).ok()
}

fn is_repository(dir: &Path) -> bool {
    dir.join("checker/cli/Cargo.toml").is_file() && dir.join("labs").is_dir()
}

impl Workspace {
    /// A workspace in `root`, made if it is not there.
    pub(crate) fn make(root: &Path) -> Result<Self> {
        let workspace = Self {
            root: root.to_owned(),
        };
        workspace.ensure_marker()?;
        Ok(workspace)
    }

    fn ensure_marker(&self) -> Result<()> {
        let marker = self.root.join(MARKER);
        if marker.is_file() {
            return Ok(());
        }
        fs::create_dir_all(&self.root).map_err(|e| Failure::file("make", &self.root, &e))?;
        let text = "# This folder is an mslab workspace: one folder for each exercise, edited by you.\n\
                    # `mslab list` shows where you are, `mslab check` checks the next exercise.\nschema = 1\n";
        state::write_atomically(&marker, text.as_bytes())
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What mslab keeps in it for itself.
    pub(crate) fn memory(&self) -> PathBuf {
        self.root.join(".mslab")
    }

    /// An exercise's folder, whether it is there or not.
    pub(crate) fn exercise_dir(&self, lab: &Lab) -> PathBuf {
        self.root.join(lab.workspace_folder())
    }

    /// The same, for a lab of which only the folder's name is known: `05-go-scratch`.
    pub(crate) fn dir_of(&self, lab: &str) -> PathBuf {
        self.root.join(format!("exercise-{lab}"))
    }

    /// Makes an exercise's folder from its starter. False where it was there already: nothing is touched then.
    pub(crate) fn make_exercise(&self, lab: &Lab) -> Result<bool> {
        let dir = self.exercise_dir(lab);
        if dir.exists() {
            return Ok(false);
        }
        self.ensure_marker()?;
        self.write_task(lab)?;
        // Made beside its place and then moved, so that an interruption leaves no half of an exercise.
        let making = tempfile::Builder::new()
            .prefix(".mslab-making-")
            .tempdir_in(&self.root)
            .map_err(|e| Failure::file("write to", &self.root, &e))?;
        write_folder(making.path(), &lab.starter())?;
        open_to_all(making.path()).map_err(|e| Failure::file("write", making.path(), &e))?;
        let made = making.keep();
        if let Err(e) = fs::rename(&made, &dir) {
            let _ = fs::remove_dir_all(&made);
            // Another run made it at the same moment.
            if dir.exists() {
                return Ok(false);
            }
            return Err(Failure::file("make", &dir, &e));
        }
        Ok(true)
    }

    /// Puts the starter's files back, and forgets what came of the old ones. What the learner had is kept, and the
    /// backup's path returned.
    pub(crate) fn reset(&self, lab: &Lab) -> Result<Option<PathBuf>> {
        let backup = self.put_back(lab)?;
        self.forget_report(&lab.exercise());
        self.update(|state| {
            let exercise = state.exercises.entry(lab.exercise()).or_default();
            exercise.progress = Progress::New;
            exercise.points = 0;
            exercise.hints.clear();
        })?;
        Ok(backup)
    }

    fn put_back(&self, lab: &Lab) -> Result<Option<PathBuf>> {
        let dir = self.exercise_dir(lab);
        if !dir.exists() {
            self.make_exercise(lab)?;
            return Ok(None);
        }
        let backups = self.memory().join("backups");
        fs::create_dir_all(&backups).map_err(|e| Failure::file("make", &backups, &e))?;
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_secs());
        let mut backup = backups.join(format!("{}-{seconds}", lab.workspace_folder()));
        let mut n = 1;
        while backup.exists() {
            n += 1;
            backup = backups.join(format!("{}-{seconds}-{n}", lab.workspace_folder()));
        }
        fs::rename(&dir, &backup).map_err(|e| Failure::file("move", &dir, &e))?;
        self.make_exercise(lab)?;
        Ok(Some(backup))
    }

    /// The learner's files of an exercise, the whole folder.
    pub(crate) fn read_exercise(&self, lab: &Lab) -> Result<Folder> {
        read_folder(&self.exercise_dir(lab))
    }

    /// The random text that stands for every secret in this workspace: made once, and kept.
    pub(crate) fn canary(&self) -> Result<String> {
        match state::read(&self.root)?.canary {
            Some(canary) => Ok(canary),
            None => self.update(|s| s.canary.get_or_insert_with(random_text).clone()),
        }
    }

    /// Keeps an exercise's newest report, for `mslab hint`. One that looked at a part only takes no whole one's place.
    pub(crate) fn keep_report(&self, report: &Report) -> Result<()> {
        let kept = self.last_report(&report.exercise);
        if report.partial && kept.is_some_and(|k| !k.partial) {
            return Ok(());
        }
        let dir = self.memory().join("reports");
        fs::create_dir_all(&dir).map_err(|e| Failure::file("make", &dir, &e))?;
        let path = dir.join(format!("{}.json", report.exercise));
        let bytes = serde_json::to_vec(report)
            .map_err(|e| Failure::environment("cannot write the report").because(&e))?;
        state::write_whole(&path, &bytes)
    }

    /// The exercise's newest report. `None` where there is none, or none that this version can read.
    pub(crate) fn last_report(&self, exercise: &str) -> Option<Report> {
        serde_json::from_slice(&fs::read(self.report_path(exercise)).ok()?).ok()
    }

    /// Of these the exercise that was checked last.
    pub(crate) fn checked_last(&self, labs: &[Lab]) -> Option<Lab> {
        let when = |lab: &&Lab| modified(&self.report_path(&lab.exercise()));
        let checked = labs.iter().filter(|l| when(l).is_some());
        checked.max_by_key(when).cloned()
    }

    /// Where an exercise's newest report is kept.
    pub(crate) fn report_path(&self, exercise: &str) -> PathBuf {
        self.memory()
            .join("reports")
            .join(format!("{exercise}.json"))
    }

    /// Whether one of the learner's files was changed after the newest report was kept.
    pub(crate) fn changed_since_report(&self, lab: &Lab) -> bool {
        let Some(kept) = modified(&self.report_path(&lab.exercise())) else {
            return false;
        };
        let dir = self.exercise_dir(lab);
        let learner = lab.definition.files.learner.iter();
        let later = |path: &String| modified(&dir.join(path)).is_some_and(|m| m > kept);
        learner.into_iter().any(later)
    }

    /// Forgets an exercise's newest report.
    fn forget_report(&self, exercise: &str) {
        // That there is none is what is wanted.
        let _ = fs::remove_file(self.report_path(exercise));
    }

    /// Where an exercise's task is written: beside its folder, so that it is in no build context.
    pub(crate) fn task_path(&self, lab: &Lab) -> PathBuf {
        self.root.join(format!("{}.md", lab.workspace_folder()))
    }

    fn write_task(&self, lab: &Lab) -> Result<()> {
        match lab.files.get("README.md") {
            Some(task) => state::write_atomically(&self.task_path(lab), &task.bytes),
            None => Ok(()),
        }
    }

    /// What is remembered.
    pub(crate) fn state(&self) -> Result<State> {
        state::read(&self.root)
    }

    /// Changes what is remembered; two runs at once wait for each other.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T> {
        self.ensure_marker()?;
        state::update(&self.root, change)
    }
}

/// A temporary folder is its owner's alone; an exercise is like any other folder.
#[cfg(unix)]
fn open_to_all(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn open_to_all(_: &Path) -> std::io::Result<()> {
    Ok(())
}
