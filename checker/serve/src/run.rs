//! The check that is running: one at a time, told to everybody, ended by a newer one or by an edit.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use crate::api::{Code, End, Event, News, Problem, Run, StopReason};
use crate::events::Board;
use crate::log::{Log, Out};
use crate::room::{Answer, Checked, Room};

/// How long lines of a log wait for others to come with them.
const GATHER: Duration = Duration::from_millis(80);

/// Where a room says what a check is doing.
pub struct Teller {
    board: Arc<Board>,
    run: u64,
    log: Mutex<Log>,
}

impl fmt::Debug for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Teller").field("run", &self.run).finish()
    }
}

impl Teller {
    /// Something happened. What steps have written before comes first.
    pub fn news(&self, news: News) {
        let ended = matches!(news, News::Building { .. });
        self.flush(ended);
        self.tell(news);
    }

    /// A step has written something.
    pub fn log(&self, step: usize, bytes: &[u8]) {
        self.lock().take(step, bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, news: News) {
        let run = self.run;
        self.board.tell(Event::Run { run, news });
    }

    fn flush(&self, ended: bool) {
        let mut log = self.lock();
        for out in log.flush(ended) {
            self.tell(match out {
                Out::Lines(step, text) => News::Log { step, text },
                Out::Cut => News::LogCut,
            });
        }
    }
}

/// The checks of a room.
pub(crate) struct Runs {
    room: Arc<dyn Room>,
    board: Arc<Board>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: u64,
    current: Option<Current>,
    /// The server ends: nothing begins any more.
    closed: bool,
}

struct Current {
    run: Run,
    /// When it began to look at the files.
    since: SystemTime,
    stop: Arc<Stop>,
}

/// How a run is stopped, and why it was.
#[derive(Default)]
struct Stop {
    cancel: CancellationToken,
    why: Mutex<Option<StopReason>>,
    /// Cancelled when the run has ended, however it did.
    ended: CancellationToken,
}

impl Stop {
    /// The first reason is the one that is told.
    fn because(&self, why: StopReason) {
        self.why
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(why);
        self.cancel.cancel();
    }

    fn reason(&self) -> Option<StopReason> {
        *self.why.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runs {
    pub(crate) fn new(room: Arc<dyn Room>, board: Arc<Board>) -> Self {
        Self {
            room,
            board,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run that is under way.
    pub(crate) fn current(&self) -> Option<Run> {
        self.state().current.as_ref().map(|c| c.run.clone())
    }

    /// When the run that is under way began to look at `exercise`; `None` where none does.
    pub(crate) fn looks_at(&self, exercise: &str) -> Option<SystemTime> {
        let state = self.state();
        let current = state.current.as_ref();
        current
            .filter(|c| c.run.exercise == exercise)
            .map(|c| c.since)
    }

    /// Begins to check `exercise`, after the run that is under way has been stopped. `ended` hears what came of it.
    pub(crate) fn start(
        self: &Arc<Self>,
        exercise: &str,
        ended: impl FnOnce(&str, Option<&Checked>) + Send + 'static,
    ) -> Answer<u64> {
        let mut state = self.state();
        if state.closed {
            return Err(Problem {
                code: Code::Failed,
                message: "the server is ending".to_owned(),
                help: "Start it again: `mslab serve`.".to_owned(),
            });
        }
        let previous = state.current.take().map(|c| {
            c.stop.because(StopReason::NewerCheck);
            c.stop
        });
        state.last += 1;
        let run = Run {
            run: state.last,
            exercise: exercise.to_owned(),
            first_event: self.board.last() + 1,
        };
        let stop = Arc::new(Stop::default());
        let number = run.run;
        let exercise = exercise.to_owned();
        let go = self
            .clone()
            .go(number, exercise, stop.clone(), previous, ended);
        tokio::spawn(go);
        state.current = Some(Current {
            run,
            since: SystemTime::now(),
            stop,
        });
        Ok(number)
    }

    async fn go(
        self: Arc<Self>,
        run: u64,
        exercise: String,
        stop: Arc<Stop>,
        previous: Option<Arc<Stop>>,
        ended: impl FnOnce(&str, Option<&Checked>) + Send,
    ) {
        let _ended = stop.ended.clone().drop_guard();
        if let Some(previous) = previous {
            // It ends soon: it has been cancelled. How it ended it has said itself.
            previous.ended.cancelled().await;
        }
        let begun = Event::RunStarted {
            run,
            exercise: exercise.clone(),
        };
        let first_event = self.board.tell(begun);
        self.begins(run, first_event);
        let teller = Arc::new(Teller {
            board: self.board.clone(),
            run,
            log: Mutex::default(),
        });
        let result = if stop.cancel.is_cancelled() {
            Err(None)
        } else {
            self.look(&exercise, &teller, &stop).await.map_err(Some)
        };
        teller.flush(true);
        let (end, checked) = match (result, stop.reason()) {
            // What it saw is kept, even if it was to be stopped a moment later.
            (Ok(checked), _) => {
                let end = End::Report {
                    shown: Box::new(checked.shown.clone()),
                    images: checked.images.clone(),
                };
                (end, Some(checked))
            }
            (Err(_), Some(why)) => (End::Stopped { why }, None),
            (Err(Some(error)), None) => (End::Failed { error }, None),
            (Err(None), None) => {
                let why = StopReason::Asked;
                (End::Stopped { why }, None)
            }
        };
        ended(&exercise, checked.as_ref());
        {
            let mut state = self.state();
            if state.current.as_ref().is_some_and(|c| c.run.run == run) {
                state.current = None;
            }
        }
        self.board.tell(Event::RunEnded { run, exercise, end });
    }

    fn begins(&self, run: u64, first_event: u64) {
        let mut state = self.state();
        if let Some(current) = state.current.as_mut().filter(|c| c.run.run == run) {
            current.run.first_event = first_event;
            current.since = SystemTime::now();
        }
    }

    async fn look(&self, exercise: &str, teller: &Arc<Teller>, stop: &Stop) -> Answer<Checked> {
        let check =
            self.room
                .clone()
                .check(exercise.to_owned(), teller.clone(), stop.cancel.clone());
        let mut check = tokio::spawn(check);
        let mut tick = tokio::time::interval(GATHER);
        loop {
            tokio::select! {
                done = &mut check => return done.unwrap_or_else(|e| Err(Problem {
                    code: Code::Failed,
                    message: format!("the check broke off: {e}"),
                    help: "This is a fault of mslab's: please report it, with the Dockerfile.".to_owned(),
                })),
                _ = tick.tick() => teller.flush(false),
            }
        }
    }

    /// Stops the run that is under way, or only one of `exercise`, and returns its number.
    pub(crate) fn stop(&self, exercise: Option<&str>, why: StopReason) -> Option<u64> {
        let state = self.state();
        let current = state.current.as_ref()?;
        if exercise.is_some_and(|e| e != current.run.exercise) {
            return None;
        }
        current.stop.because(why);
        Some(current.run.run)
    }

    /// Stops the run of `exercise`, if there is one, and waits until it has left its files alone.
    pub(crate) async fn settle(&self, exercise: &str, why: StopReason) {
        let stop = {
            let state = self.state();
            let current = state.current.as_ref();
            current
                .filter(|c| c.run.exercise == exercise)
                .map(|c| c.stop.clone())
        };
        if let Some(stop) = stop {
            stop.because(why);
            stop.ended.cancelled().await;
        }
    }

    /// Stops what is running, and waits for its end; nothing begins after that.
    pub(crate) async fn close(&self) {
        let stop = {
            let mut state = self.state();
            state.closed = true;
            state.current.as_ref().map(|c| c.stop.clone())
        };
        if let Some(stop) = stop {
            stop.because(StopReason::ServerEnds);
            stop.ended.cancelled().await;
        }
    }
}
