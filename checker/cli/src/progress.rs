//! What is going on, told while it goes on. Only listens: nothing depends on it.

use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use mslab_core::judge::Glance;
use mslab_core::text::escape;
use mslab_core::units::{Bytes, Millis};
use mslab_engine::{BuildEvent, PullEvent};

use crate::args::Global;
use crate::terminal::{DIM, paint};

/// Something that happens during a check.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// A build begins: what for, and the learner's Dockerfile if it is built from one.
    Building(String, Option<String>),
    /// News of the build.
    Build(BuildEvent),
    /// An image is read: bytes so far.
    Reading(u64),
    /// A container is asked: the check's key.
    Probing(String),
    /// A check can be judged: its key, the points that it can earn, and its verdict.
    Verdict(String, u32, Glance),
    /// An image is fetched.
    Pulling(String),
    /// News of that.
    Pull(PullEvent),
    /// All is looked at.
    Done,
}

/// Who is told.
pub(crate) trait Listener: Send + Sync {
    /// Something happened.
    fn on(&self, event: Event);

    /// Whether verdicts are to be told one by one, as soon as each can be had.
    fn wants_verdicts(&self) -> bool {
        false
    }
}

/// Nobody.
pub(crate) struct Silent;

impl Listener for Silent {
    fn on(&self, _: Event) {}
}

/// The person at the terminal: one moving line, gone at the end. Without a terminal, or with `--verbose`, plain lines.
pub(crate) struct Terminal {
    bar: Option<ProgressBar>,
    verbose: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    what: String,
    done: u64,
    total: u64,
}

impl Terminal {
    /// A listener as the options want it.
    pub(crate) fn listener(global: &Global) -> Box<dyn Listener> {
        if global.quiet {
            return Box::new(Silent);
        }
        let bar = (std::io::stderr().is_terminal() && !global.verbose).then(|| bar(SPINNER));
        Box::new(Self {
            bar,
            verbose: global.verbose,
            state: Mutex::default(),
        })
    }

    fn show(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(printable(text));
        }
    }

    fn build_event(&self, state: &mut State, event: BuildEvent) {
        match event {
            BuildEvent::Planned { steps } => {
                state.total = steps as u64;
                if let Some(bar) = &self.bar {
                    bar.set_style(style(BAR));
                    bar.set_length(state.total);
                }
            }
            BuildEvent::Started { name, .. } => self.show(&format!("{} · {name}", state.what)),
            BuildEvent::Done {
                name,
                lines,
                internal: false,
                cached,
                duration_ms,
                error,
                ..
            } => {
                state.done = (state.done + 1).min(state.total.max(1));
                if let Some(bar) = &self.bar {
                    bar.set_position(state.done);
                }
                let line = lines.map_or_else(String::new, |l| format!("line {:<4}", l.first));
                let time = match (cached, &error) {
                    (_, Some(_)) => "FAILED".to_owned(),
                    (true, None) => "CACHED".to_owned(),
                    (false, None) => Millis(duration_ms).to_string(),
                };
                self.line(&format!("  {time:>8}  {line} {name}"));
            }
            BuildEvent::Log { bytes, .. } => {
                let text = String::from_utf8_lossy(&bytes);
                if let Some(last) = text.lines().rev().find(|l| !l.trim().is_empty()) {
                    self.show(&format!("{} · {last}", state.what));
                }
            }
            BuildEvent::Transfer {
                item,
                current,
                total,
                ..
            } if total > 0 => {
                self.show(&format!(
                    "{} · {item} {} of {}",
                    state.what,
                    Bytes(current),
                    Bytes(total)
                ));
            }
            BuildEvent::Done { .. } | BuildEvent::Transfer { .. } | BuildEvent::Warning { .. } => {}
        }
    }

    fn line(&self, text: &str) {
        if self.verbose {
            anstream::eprintln!("{}", paint(DIM, printable(text)));
        }
    }
}

const SPINNER: &str = "{spinner:.cyan} {wide_msg} {elapsed:.dim}";
pub(crate) const BAR: &str =
    "{spinner:.cyan} [{bar:18.cyan/dim}] {pos}/{len} {wide_msg} {elapsed:.dim}";

/// A moving line on standard error.
pub(crate) fn bar(template: &str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    bar.set_style(style(template));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .progress_chars("━╸─")
}

/// `text` without control characters, and with nothing that a CI which shows it takes for a command: neither a build's
/// log nor a name may steer the reader.
pub(crate) fn printable(text: &str) -> String {
    let blank = |c: char| if c.is_control() { ' ' } else { c };
    escape::ci_log(&text.chars().map(blank).collect::<String>())
}

impl Listener for Terminal {
    fn on(&self, event: Event) {
        let Ok(mut state) = self.state.lock() else {
            return;
        };
        match event {
            Event::Building(what, _) => {
                *state = State {
                    what,
                    ..State::default()
                };
                if let Some(bar) = &self.bar {
                    bar.set_style(style(SPINNER));
                    bar.set_position(0);
                }
                self.show(&format!("building {}", state.what));
                self.line(&format!("building {}", state.what));
            }
            Event::Build(event) => self.build_event(&mut state, event),
            Event::Reading(bytes) => {
                self.show(&format!("reading the image · {}", Bytes(bytes)));
            }
            Event::Probing(key) => {
                self.show(&format!("starting the image for `{key}`"));
                self.line(&format!("starting the image for `{key}`"));
            }
            Event::Pulling(what) => {
                *state = State {
                    what,
                    ..State::default()
                };
                self.show(&format!("pulling {}", state.what));
            }
            Event::Pull(PullEvent {
                status,
                current,
                total,
                ..
            }) => {
                let of = if total > 0 {
                    format!(" {} of {}", Bytes(current), Bytes(total))
                } else {
                    String::new()
                };
                self.show(&format!("pulling {} · {status}{of}", state.what));
            }
            // They come with the report.
            Event::Verdict(..) => {}
            Event::Done => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
