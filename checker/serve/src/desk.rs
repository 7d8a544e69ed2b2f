//! All that the server's parts share, and what follows from what: an edit stops the run, a check moves the progress.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use mslab_core::image::inspect::Inspection;

use crate::api::{
    Course, Event, Exercise, ExerciseSummary, File, Problem, Progress, ResetDone, Save, StopReason,
};
use crate::events::Board;
use crate::files::{NotSaved, Place, unknown_file};
use crate::room::{Answer, Room};
use crate::run::Runs;
use crate::watch::Watched;

/// What is shared.
pub(crate) struct Desk {
    pub(crate) room: Arc<dyn Room>,
    pub(crate) board: Arc<Board>,
    pub(crate) runs: Arc<Runs>,
    pub(crate) watched: Watched,
    /// The page of each exercise's card.
    pages: BTreeMap<String, String>,
    state: Mutex<State>,
    /// Held while a file is compared and written.
    saving: Mutex<()>,
}

#[derive(Default)]
struct State {
    /// The revision of each file that the pages know.
    known: HashMap<String, BTreeMap<String, Option<String>>>,
    /// The list that was told last.
    told: Vec<ExerciseSummary>,
    images: HashMap<String, BTreeMap<String, Inspection>>,
    /// When each report was kept.
    reports: HashMap<String, Option<SystemTime>>,
}

impl Desk {
    pub(crate) fn new(
        room: Arc<dyn Room>,
        board: Arc<Board>,
        watched: Watched,
        pages: BTreeMap<String, String>,
    ) -> Self {
        Self {
            runs: Arc::new(Runs::new(room.clone(), board.clone())),
            room,
            board,
            watched,
            pages,
            state: Mutex::default(),
            saving: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn list(&self) -> Answer<Vec<ExerciseSummary>> {
        let mut list = self.room.course()?;
        for summary in &mut list {
            summary.page = self.pages.get(&summary.exercise).cloned();
        }
        Ok(list)
    }

    /// Where the learner is in the whole course.
    pub(crate) fn course(&self) -> Answer<Course> {
        // First the number, then what it stands for: what happens in between is told again, and not lost.
        let (last_event, run) = (self.board.last(), self.runs.current());
        let exercises = self.list()?;
        Ok(Course {
            instance: self.board.instance().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            workspace: self.room.root().display().to_string(),
            passed: exercises
                .iter()
                .filter(|e| e.progress == Progress::Passed)
                .count(),
            points: exercises.iter().map(|e| e.points).sum(),
            max_points: exercises.iter().map(|e| e.max_points).sum(),
            exercises,
            run,
            last_event,
        })
    }

    /// Tells everybody of progress, if there is any.
    pub(crate) fn progress(&self) {
        // A state that cannot be read now is read when it changes the next time.
        let Ok(exercises) = self.list() else { return };
        let mut state = self.state();
        if state.told != exercises {
            let first = state.told.is_empty();
            state.told.clone_from(&exercises);
            if !first {
                self.board.tell(Event::Progress { exercises });
            }
        }
    }

    /// An exercise's folder, made and watched.
    pub(crate) fn open(&self, exercise: &str) -> Answer<Place> {
        let place = self.room.place(exercise)?;
        if self.watched.add(exercise, &place.dir) || place.made {
            self.learn(exercise, &place);
        }
        if place.made {
            self.tell_to_fetch(exercise);
        }
        Ok(place)
    }

    /// Takes the files for known as they are.
    fn learn(&self, exercise: &str, place: &Place) {
        let files = place.all().into_iter().map(|f| (f.name, f.revision));
        let files = files.collect();
        self.state().known.insert(exercise.to_owned(), files);
        self.report_is_new(exercise);
    }

    /// All that a card needs.
    pub(crate) fn exercise(&self, name: &str) -> Answer<Exercise> {
        let place = self.open(name)?;
        let about = self.room.about(name)?;
        let mut summary = about.summary;
        summary.page = self.pages.get(&summary.exercise).cloned();
        let folder = place.dir.file_name();
        Ok(Exercise {
            folder: folder.map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
            made: place.made,
            files: place.all(),
            report: about.report,
            changed_since_report: about.changed_since_report,
            images: self.state().images.get(name).cloned().unwrap_or_default(),
            goals: about.goals,
            hints: about.hints,
            solution_open: summary.ever_passed,
            summary,
        })
    }

    /// One file.
    pub(crate) fn file(&self, exercise: &str, name: &str) -> Answer<File> {
        let place = self.open(exercise)?;
        place.read(name).ok_or_else(|| unknown_file(&place, name))
    }

    /// Saves one file. A run that looks at it is stopped: it would judge what is no more.
    pub(crate) fn save(&self, exercise: &str, name: &str, save: &Save) -> Result<File, NotSaved> {
        let place = self.open(exercise)?;
        let file = {
            let _one_at_a_time = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
            place.save(name, save)?
        };
        self.seen(exercise, [(file.name.clone(), file.revision.clone())]);
        Ok(file)
    }

    /// Takes note of files as they are now. Those that are new are told, and stop the run that looks at them.
    fn seen(&self, exercise: &str, files: impl IntoIterator<Item = (String, Option<String>)>) {
        let changed: Vec<_> = {
            let mut state = self.state();
            let known = state.known.entry(exercise.to_owned()).or_default();
            let is_new = |(name, revision): &(String, Option<String>)| {
                let old = known.insert(name.clone(), revision.clone());
                old.is_none_or(|old| old != *revision)
            };
            files.into_iter().filter(is_new).collect()
        };
        if changed.is_empty() {
            return;
        }
        self.runs.stop(Some(exercise), StopReason::Edited);
        for (name, revision) in changed {
            self.board.tell(Event::File {
                exercise: exercise.to_owned(),
                name,
                revision,
            });
        }
    }

    /// Paths below an exercise's folder have changed, by whomever.
    pub(crate) fn changed(&self, exercise: &str, paths: &[PathBuf]) {
        let Ok(place) = self.room.place(exercise) else {
            return;
        };
        let files = place.all().into_iter().map(|f| (f.name, f.revision));
        self.seen(exercise, files);
        // The rest of the build context: what was written after the run began to look.
        if let Some(since) = self.runs.looks_at(exercise) {
            let is_later = |path: &PathBuf| {
                let there = path.symlink_metadata();
                let newest = there.or_else(|_| path.parent().unwrap_or(path).symlink_metadata());
                newest.and_then(|m| m.modified()).is_ok_and(|at| at > since)
            };
            if paths.iter().any(is_later) {
                self.runs.stop(Some(exercise), StopReason::Edited);
            }
        }
    }

    /// An exercise's folder is another one now: reset in the terminal.
    pub(crate) fn replaced(&self, exercise: &str) {
        self.runs.stop(Some(exercise), StopReason::Edited);
        if let Ok(place) = self.room.place(exercise) {
            self.watched.again(exercise, &place.dir);
            self.learn(exercise, &place);
        }
        self.tell_to_fetch(exercise);
    }

    fn tell_to_fetch(&self, exercise: &str) {
        self.board.tell(Event::Exercise {
            exercise: exercise.to_owned(),
        });
    }

    /// Reports may have been kept by another program: those that were are to be fetched.
    pub(crate) fn reports(&self) {
        let exercises: Vec<String> = self.state().known.keys().cloned().collect();
        for exercise in exercises {
            if self.report_is_new(&exercise) && self.runs.looks_at(&exercise).is_none() {
                self.tell_to_fetch(&exercise);
            }
        }
    }

    /// Whether the kept report is another one than the last time this was asked.
    fn report_is_new(&self, exercise: &str) -> bool {
        let kept = self.room.report_path(exercise);
        let at = kept.and_then(|p| p.metadata().ok()?.modified().ok());
        let old = self.state().reports.insert(exercise.to_owned(), at);
        old.is_none_or(|old| old != at)
    }

    /// Begins a check of an exercise that is open.
    pub(crate) fn check(self: &Arc<Self>, exercise: &str) -> Answer<u64> {
        let desk = self.clone();
        self.runs.start(exercise, move |exercise, checked| {
            if let Some(checked) = checked {
                let images = checked.images.clone();
                desk.state().images.insert(exercise.to_owned(), images);
                desk.report_is_new(exercise);
            }
            desk.progress();
        })
    }

    /// Puts the starter back.
    pub(crate) async fn reset(self: Arc<Self>, exercise: String) -> Answer<ResetDone> {
        self.runs.settle(&exercise, StopReason::Asked).await;
        let desk = self.clone();
        waiting(move || {
            let done = {
                let _one_at_a_time = desk.saving.lock().unwrap_or_else(PoisonError::into_inner);
                desk.room.reset(&exercise)?
            };
            let place = desk.room.place(&exercise)?;
            desk.watched.again(&exercise, &place.dir);
            desk.learn(&exercise, &place);
            desk.state().images.remove(&exercise);
            desk.report_is_new(&exercise);
            desk.tell_to_fetch(&exercise);
            desk.progress();
            Ok(done)
        })
        .await
    }
}

/// Does what may wait for the disk where waiting holds nobody up.
pub(crate) async fn waiting<T: Send + 'static>(
    work: impl FnOnce() -> Answer<T> + Send + 'static,
) -> Answer<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|e| {
        Err(Problem {
            code: crate::api::Code::Failed,
            message: format!("it broke off: {e}"),
            help: "This is a fault of mslab's: please report it.".to_owned(),
        })
    })
}
