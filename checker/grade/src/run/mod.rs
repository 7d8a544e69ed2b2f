//! Has each distinct submission judged once, and writes every step down before it is taken.

mod patience;
pub mod recorded;
mod take_in;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use mslab_core::report::{Outcome, Report};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

pub use patience::{DELAYS, delays};
pub use take_in::{TakeInError, TakenIn, take_in};

use crate::gradebook::{Basis, Finish, Gradebook, GradebookError, Job};
use crate::submission::Trusted;
use patience::Patience;

/// Where a judge says what it is doing, in a few words.
pub type Tell<'a> = &'a (dyn Fn(String) + Send + Sync);

/// What judges one submission.
pub trait Judge {
    /// Why judging cannot go on at all, such as a lab that is broken.
    type Error;

    /// Judges the files of `job` by the lab. Progress goes to `tell`. A cancelled token ends it soon, and leaves
    /// nothing behind.
    fn judge(
        &self,
        trusted: &Trusted,
        job: &Job,
        tell: Tell<'_>,
        cancel: &CancellationToken,
    ) -> impl Future<Output = Result<Judged, Self::Error>>;
}

/// What came of judging.
#[derive(Debug, Clone)]
pub enum Judged {
    /// A verdict. One whose outcome is `error` counts as a failure of the environment.
    Report(Box<Report>),
    /// One of the instructor's rules is broken, and nothing was run: no points, for this reason.
    Refused(String),
    /// The environment failed, for this reason: tried again, and never a zero.
    Environment(String),
    /// The token was cancelled.
    Stopped,
}

/// Something that happens while a class is graded.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// This is to be judged.
    Planned {
        /// How many distinct submissions.
        work: usize,
        /// How many with those that are the same as another.
        submissions: usize,
    },
    /// Judging begins.
    Started {
        /// What.
        job: &'a Job,
    },
    /// What is being done for it.
    Doing {
        /// Whose work it is, by id.
        students: &'a [String],
        /// In a few words.
        what: String,
    },
    /// Judging has ended, and is written down.
    Ended {
        /// Whose work it is, by id.
        students: &'a [String],
        /// How it ended.
        finish: &'a Finish,
    },
    /// The environment failed; nothing new begins for a while.
    Waiting {
        /// Why.
        reason: &'a str,
        /// How long.
        delay: Duration,
    },
}

/// Who is told. Nothing depends on it.
pub trait Listener: Send + Sync {
    /// Something happened.
    fn on(&self, event: Event<'_>);
}

/// Nobody.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Listener for Silent {
    fn on(&self, _: Event<'_>) {}
}

/// How a class is judged.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many submissions at the same time; at least one.
    pub jobs: usize,
    /// What grades are made with.
    pub basis: Basis,
    /// Tries again what the environment failed for in an earlier run.
    pub retry_environment: bool,
    /// How long to wait before each new attempt after the environment failed; [`DELAYS`] is a good choice.
    pub delays: Vec<Duration>,
    /// Stops the run, which can be started again.
    pub cancel: CancellationToken,
}

/// Why a run ended early. It can be started again, and goes on where it was.
#[derive(Debug, thiserror::Error)]
pub enum RunError<E> {
    /// The gradebook failed.
    #[error(transparent)]
    Gradebook(#[from] GradebookError),
    /// Judging cannot go on.
    #[error("judging cannot go on")]
    Judge(E),
    /// It was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// What one judging came to.
struct Done<E> {
    job: Job,
    attempts: u32,
    judged: Result<Judged, E>,
}

/// Judges everything that waits in the gradebook.
///
/// # Errors
/// The gradebook cannot be written, judging cannot go on, or the run was cancelled. What was finished is written down,
/// what had begun waits again.
pub async fn judge_all<J: Judge>(
    book: &mut Gradebook,
    labs: &[Trusted],
    judge: &J,
    options: &Options,
    listener: &dyn Listener,
) -> Result<(), RunError<J::Error>> {
    book.recover(options.retry_environment)?;
    let by_digest: BTreeMap<&str, &Trusted> = labs.iter().map(|l| (l.digest.as_str(), l)).collect();
    let digests: BTreeSet<String> = labs.iter().map(|l| l.digest.clone()).collect();
    let waiting = book.waiting(&digests, &options.basis)?;
    listener.on(Event::Planned {
        work: waiting.len(),
        submissions: waiting.iter().map(|w| w.students as usize).sum(),
    });
    let mut queue: VecDeque<(i64, u32)> = waiting.iter().map(|w| (w.id, w.attempts)).collect();

    // Once this is cancelled nothing begins any more, and what runs ends soon.
    let stop = options.cancel.child_token();
    let mut patience = Patience::new(&options.delays);
    let mut later: BTreeMap<(Instant, i64), u32> = BTreeMap::new();
    let mut running = FuturesUnordered::new();
    let mut ended: Vec<(Vec<String>, i64, Finish)> = Vec::new();
    let mut fatal = None;
    loop {
        let mut begin = Vec::new();
        while !stop.is_cancelled() && running.len() + begin.len() < options.jobs.max(1) {
            let now = Instant::now();
            let due = later
                .first_key_value()
                .is_some_and(|((at, _), _)| *at <= now);
            let next = if due {
                later.pop_first().map(|((_, id), attempts)| (id, attempts))
            } else if patience.holds(now) {
                None
            } else {
                queue.pop_front()
            };
            let Some(next) = next else { break };
            begin.push(next);
        }
        if !ended.is_empty() || !begin.is_empty() {
            match write(book, &ended, &begin, &options.delays).await {
                Ok(jobs) => {
                    for (students, _, finish) in ended.drain(..) {
                        let (students, finish) = (&students[..], &finish);
                        listener.on(Event::Ended { students, finish });
                    }
                    for (job, (_, attempts)) in jobs.into_iter().zip(begin) {
                        listener.on(Event::Started { job: &job });
                        running.push(one(job, attempts, judge, &by_digest, listener, &stop));
                    }
                }
                Err(e) => {
                    // What cannot be written down is done again the next time.
                    ended.clear();
                    fatal = fatal.or(Some(RunError::Gradebook(e)));
                    stop.cancel();
                }
            }
        }
        let over = stop.is_cancelled() || queue.is_empty() && later.is_empty();
        if running.is_empty() && over {
            break;
        }
        let wake = patience.until(later.first_key_value().map(|((at, _), _)| *at));
        let done = tokio::select! {
            Some(done) = running.next() => done,
            () = stop.cancelled(), if running.is_empty() => continue,
            () = sleep_until(wake), if !stop.is_cancelled() => continue,
        };
        // What has ended by now is written in one go.
        let mut all = vec![done];
        while let Some(Some(done)) = running.next().now_or_never() {
            all.push(done);
        }
        for done in all {
            let id = done.job.id;
            let finish = match done.judged {
                Ok(judged) => {
                    let (finish, waiting) = finish(judged, done.attempts, &mut patience);
                    if let (Finish::Again(attempts), Some((reason, delay))) = (&finish, &waiting) {
                        let (reason, delay) = (reason.as_str(), *delay);
                        listener.on(Event::Waiting { reason, delay });
                        later.insert((Instant::now() + delay, id), *attempts);
                    }
                    finish
                }
                Err(e) => {
                    fatal = fatal.or(Some(RunError::Judge(e)));
                    stop.cancel();
                    Finish::Stopped
                }
            };
            ended.push((done.job.students, id, finish));
        }
    }
    match fatal {
        Some(e) => Err(e),
        None if options.cancel.is_cancelled() => Err(RunError::Cancelled),
        None => Ok(()),
    }
}

async fn one<J: Judge>(
    job: Job,
    attempts: u32,
    judge: &J,
    labs: &BTreeMap<&str, &Trusted>,
    listener: &dyn Listener,
    stop: &CancellationToken,
) -> Done<J::Error> {
    let tell = |what: String| {
        let students = &job.students[..];
        listener.on(Event::Doing { students, what });
    };
    let judged = match labs.get(job.lab.as_str()) {
        Some(trusted) => judge.judge(trusted, &job, &tell, stop).await,
        // What waits was chosen by these very labs.
        None => Ok(Judged::Stopped),
    };
    Done {
        job,
        attempts,
        judged,
    }
}

/// What a verdict means for the gradebook, and how long to wait before it is tried again.
fn finish(
    judged: Judged,
    attempts: u32,
    patience: &mut Patience<'_>,
) -> (Finish, Option<(String, Duration)>) {
    let reason = match judged {
        Judged::Report(report) if report.outcome == Outcome::Error => fault(&report),
        Judged::Report(report) => {
            patience.reward();
            return (Finish::Judged(report), None);
        }
        Judged::Refused(reason) => return (Finish::Refused(reason), None),
        Judged::Stopped => return (Finish::Stopped, None),
        Judged::Environment(reason) => reason,
    };
    match patience.after(attempts + 1, Instant::now()) {
        Some(delay) => (Finish::Again(attempts + 1), Some((reason, delay))),
        None => (Finish::Environment(reason), None),
    }
}

/// Why a report is no verdict.
fn fault(report: &Report) -> String {
    use mslab_core::report::Status;
    let errors = report.checks.iter().filter(|c| c.status == Status::Error);
    let first = errors.map(|c| c.message.clone()).next();
    first.unwrap_or_else(|| "nothing could be looked at".to_owned())
}

/// Writes a step; where the disk is full, again after a while.
async fn write(
    book: &mut Gradebook,
    ended: &[(Vec<String>, i64, Finish)],
    begin: &[(i64, u32)],
    delays: &[Duration],
) -> Result<Vec<Job>, GradebookError> {
    let ended: Vec<(i64, Finish)> = ended.iter().map(|(_, id, f)| (*id, f.clone())).collect();
    let begin: Vec<i64> = begin.iter().map(|(id, _)| *id).collect();
    let mut delays = delays.iter();
    loop {
        match (book.step(&ended, &begin), delays.next()) {
            (Err(GradebookError::DiskFull(_)), Some(delay)) => sleep(*delay).await,
            (result, _) => return result,
        }
    }
}
