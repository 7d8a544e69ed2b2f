//! The person at the terminal: how many are done and failing, and what is being built now.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Mutex;

use indicatif::ProgressBar;
use mslab_core::report::Outcome;
use mslab_core::units::Millis;
use mslab_grade::gradebook::Finish;
use mslab_grade::run::{Event, Listener};

use crate::args::Global;
use crate::progress::{BAR, bar, printable};
use crate::terminal::{DIM, paint};

/// One moving line. Without a terminal a line for each submission that is done; with `--quiet` nothing.
pub(crate) struct ClassProgress {
    bar: Option<ProgressBar>,
    lines: bool,
    verbose: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    passed: usize,
    failing: usize,
    not_graded: usize,
    now: BTreeMap<String, String>,
}

impl ClassProgress {
    /// A listener as the options want it.
    pub(crate) fn new(global: &Global) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let moving = terminal && !global.verbose && !global.quiet;
        Self {
            bar: moving.then(|| bar(BAR)),
            lines: !global.quiet && !moving,
            verbose: global.verbose,
            state: Mutex::default(),
        }
    }

    fn line(&self, text: &str) {
        if self.lines {
            anstream::eprintln!("{}", paint(DIM, printable(text)));
        }
    }

    fn show(&self, state: &State) {
        let Some(bar) = &self.bar else { return };
        let mut parts = vec![
            format!("{} passed", state.passed),
            format!("{} failing", state.failing),
        ];
        if state.not_graded > 0 {
            parts.push(format!("{} not graded", state.not_graded));
        }
        parts.extend(state.now.iter().map(|(who, what)| format!("{who}: {what}")));
        bar.set_message(printable(&parts.join(" · ")));
    }
}

/// Whose work it is, in a few words.
fn who(students: &[String]) -> String {
    match students {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

impl Listener for ClassProgress {
    fn on(&self, event: Event<'_>) {
        let Ok(mut state) = self.state.lock() else {
            return;
        };
        match event {
            Event::Planned { work, submissions } => {
                if let Some(bar) = &self.bar {
                    bar.set_length(submissions as u64);
                }
                let same = match submissions - work.min(submissions) {
                    0 => String::new(),
                    _ => format!(", {work} distinct"),
                };
                self.line(&format!("{submissions} to judge{same}"));
            }
            Event::Started { job } => {
                state.now.insert(who(&job.students), "begins".to_owned());
            }
            Event::Doing { students, what } => {
                if self.verbose {
                    self.line(&format!("{}: {what}", who(students)));
                }
                state.now.insert(who(students), what);
            }
            Event::Ended { students, finish } => {
                let count = students.len();
                let who = who(students);
                state.now.remove(&who);
                let came = match finish {
                    Finish::Judged(report) => {
                        match report.outcome {
                            Outcome::Passed => state.passed += count,
                            Outcome::Failed | Outcome::Error => state.failing += count,
                        }
                        format!("{} of {} points", report.score, report.max_score)
                    }
                    Finish::Refused(reason) => {
                        state.failing += count;
                        format!("refused: {reason}")
                    }
                    Finish::Environment(reason) => {
                        state.not_graded += count;
                        format!("not graded: {reason}")
                    }
                    Finish::Again(_) | Finish::Stopped => return,
                };
                if let Some(bar) = &self.bar {
                    bar.inc(count as u64);
                }
                self.line(&format!("{who}: {came}"));
            }
            Event::Waiting { reason, delay } => {
                let delay = Millis(delay.as_millis().try_into().unwrap_or(u64::MAX));
                let text = format!("the environment failed, waiting {delay}: {reason}");
                match &self.bar {
                    Some(bar) => bar.suspend(|| anstream::eprintln!("{}", printable(&text))),
                    None => self.line(&text),
                }
            }
        }
        self.show(&state);
    }
}

impl Drop for ClassProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
