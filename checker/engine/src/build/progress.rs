//! A build's steps, merged from the many small messages in which the engine tells of them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bollard_buildkit_proto::google::protobuf::Timestamp;
use bollard_buildkit_proto::moby::buildkit::v1::{StatusResponse, Vertex};
use bollard_buildkit_proto::pb;

use super::twins;

/// Lines of the Dockerfile, from 1, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lines {
    /// First line.
    pub first: usize,
    /// Last line.
    pub last: usize,
}

/// One step of a build.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// As the engine names it: `[builder 3/5] RUN npm ci`.
    pub name: String,
    /// BuildKit's digest of the step; empty on engines without BuildKit.
    pub digest: String,
    /// The instruction's lines, where the engine says.
    pub lines: Option<Lines>,
    /// Whether it is the engine's own (`[internal] …`, exporting) and no line of the Dockerfile.
    pub internal: bool,
    /// Whether the result came from the cache.
    pub cached: bool,
    /// When it started, in milliseconds since 1970 by the engine's clock.
    pub started_ms: Option<u64>,
    /// How long it took, once it is over.
    pub duration_ms: Option<u64>,
    /// Why it failed.
    pub error: Option<String>,
    /// The end of its log.
    pub log: Vec<u8>,
}

/// What happens during a build. Step numbers count from 0 in order of appearance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildEvent {
    /// How many lines of the Dockerfile will run; known once the engine has read it.
    Planned {
        /// Number of steps.
        steps: usize,
    },
    /// A step begins.
    Started {
        /// Its number.
        step: usize,
        /// Its name.
        name: String,
        /// Its lines.
        lines: Option<Lines>,
        /// Whether it is the engine's own.
        internal: bool,
    },
    /// A step is over.
    Done {
        /// Its number.
        step: usize,
        /// Its name.
        name: String,
        /// Its lines.
        lines: Option<Lines>,
        /// Whether it is the engine's own.
        internal: bool,
        /// Whether the result came from the cache.
        cached: bool,
        /// Wall time.
        duration_ms: u64,
        /// Why it failed, if it did.
        error: Option<String>,
    },
    /// Output of a step.
    Log {
        /// The step's number.
        step: usize,
        /// Bytes as they came.
        bytes: Vec<u8>,
    },
    /// Bytes moved for a step: a layer being pulled or written.
    Transfer {
        /// The step's number.
        step: usize,
        /// What moves: a layer's digest, `extracting …`.
        item: String,
        /// Bytes so far.
        current: u64,
        /// Bytes in all; 0 where that is not known.
        total: u64,
    },
    /// The engine's own linter has something to say.
    Warning {
        /// One line.
        message: String,
        /// Lines of the Dockerfile.
        lines: Option<Lines>,
        /// Where the rule is documented.
        url: String,
    },
}

/// Collects steps, and passes on what happens.
pub(crate) struct Progress<'a> {
    state: Mutex<State>,
    listener: &'a (dyn Fn(BuildEvent) + Send + Sync),
    step_log_limit: usize,
}

#[derive(Default)]
struct State {
    steps: Vec<Step>,
    by_digest: HashMap<String, usize>,
    lines: HashMap<String, Lines>,
    log_left: usize,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(
        step_log_limit: usize,
        log_limit: usize,
        listener: &'a (dyn Fn(BuildEvent) + Send + Sync),
    ) -> Self {
        Self {
            state: Mutex::new(State {
                log_left: log_limit,
                ..State::default()
            }),
            listener,
            step_log_limit,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, events: Vec<BuildEvent>) {
        for event in events {
            (self.listener)(event);
        }
    }

    /// The steps so far; those that never ended have no duration.
    pub(crate) fn finish(&self) -> Vec<Step> {
        let mut steps = std::mem::take(&mut self.state().steps);
        twins::join(&mut steps);
        steps
    }

    /// Takes the gateway's map from steps to lines.
    pub(crate) fn source_map(&self, definitions: &[pb::Definition]) {
        let mut found: HashMap<String, Lines> = HashMap::new();
        for source in definitions.iter().filter_map(|d| d.source.as_ref()) {
            for (digest, locations) in &source.locations {
                let ranges = locations.locations.iter().flat_map(|l| &l.ranges);
                if let Some(lines) = cover(ranges) {
                    found.insert(digest.clone(), lines);
                }
            }
        }
        let planned = BuildEvent::Planned { steps: found.len() };
        {
            let mut state = self.state();
            for step in &mut state.steps {
                step.lines = step.lines.or_else(|| found.get(&step.digest).copied());
            }
            state.lines = found;
        }
        self.tell(vec![planned]);
    }

    /// Takes one message of the status stream.
    pub(crate) fn status(&self, message: &StatusResponse) {
        let mut events = Vec::new();
        {
            let mut state = self.state();
            for vertex in &message.vertexes {
                state.vertex(vertex, &mut events);
            }
            for status in &message.statuses {
                if let Some(&step) = state.by_digest.get(&status.vertex) {
                    events.push(BuildEvent::Transfer {
                        step,
                        item: status.id.clone(),
                        current: u64::try_from(status.current).unwrap_or(0),
                        total: u64::try_from(status.total).unwrap_or(0),
                    });
                }
            }
            for log in &message.logs {
                if let Some(&step) = state.by_digest.get(&log.vertex) {
                    state.log(step, &log.msg, self.step_log_limit, &mut events);
                }
            }
        }
        for warning in &message.warnings {
            events.push(BuildEvent::Warning {
                message: String::from_utf8_lossy(&warning.short).into_owned(),
                lines: cover(warning.ranges.iter()),
                url: warning.url.clone(),
            });
        }
        self.tell(events);
    }

    /// A step of an engine that tells of one at a time: begins it, and ends the one before.
    pub(crate) fn begin(
        &self,
        name: String,
        lines: Option<Lines>,
        total: usize,
        now_ms: u64,
    ) -> usize {
        let mut events = Vec::new();
        let step = {
            let mut state = self.state();
            if state.steps.is_empty() && total > 0 {
                events.push(BuildEvent::Planned { steps: total });
            }
            state.end_last(None, now_ms, &mut events);
            let step = state.steps.len();
            events.push(BuildEvent::Started {
                step,
                name: name.clone(),
                lines,
                internal: false,
            });
            state.steps.push(Step {
                name,
                lines,
                started_ms: Some(now_ms),
                ..Step::default()
            });
            step
        };
        self.tell(events);
        step
    }

    /// Output of the step that runs, on an engine that tells of one at a time.
    pub(crate) fn output(&self, bytes: &[u8]) {
        let mut events = Vec::new();
        {
            let mut state = self.state();
            if let Some(step) = state.steps.len().checked_sub(1) {
                state.log(step, bytes, self.step_log_limit, &mut events);
            }
        }
        self.tell(events);
    }

    /// The step that runs came from the cache.
    pub(crate) fn cached(&self) {
        if let Some(last) = self.state().steps.last_mut() {
            last.cached = true;
        }
    }

    /// The step that runs is over.
    pub(crate) fn end(&self, error: Option<String>, now_ms: u64) {
        let mut events = Vec::new();
        self.state().end_last(error, now_ms, &mut events);
        self.tell(events);
    }
}

impl State {
    fn vertex(&mut self, vertex: &Vertex, events: &mut Vec<BuildEvent>) {
        let step = match self.by_digest.get(&vertex.digest) {
            Some(&step) => step,
            None => {
                self.by_digest
                    .insert(vertex.digest.clone(), self.steps.len());
                self.steps.push(Step {
                    digest: vertex.digest.clone(),
                    lines: self.lines.get(&vertex.digest).copied(),
                    ..Step::default()
                });
                self.steps.len() - 1
            }
        };
        let s = &mut self.steps[step];
        s.name.clone_from(&vertex.name);
        s.internal = is_internal(&vertex.name);
        s.cached |= vertex.cached;
        if let Some(started) = vertex.started.as_ref().map(stamp) {
            let again = vertex.completed.is_none()
                && s.duration_ms.is_some()
                && s.started_ms != Some(started);
            if again {
                // It was shared with a build that was cancelled, and runs once more for this one.
                s.duration_ms = None;
                s.error = None;
                s.log.clear();
            }
            if again || s.started_ms.is_none() {
                events.push(BuildEvent::Started {
                    step,
                    name: s.name.clone(),
                    lines: s.lines,
                    internal: s.internal,
                });
            }
            s.started_ms = Some(started);
        }
        if !vertex.error.is_empty() {
            s.error = Some(vertex.error.clone());
        }
        if let Some(completed) = vertex.completed.as_ref().map(stamp) {
            let duration_ms = completed.saturating_sub(s.started_ms.unwrap_or(completed));
            let first = s.duration_ms.is_none();
            s.duration_ms = Some(duration_ms);
            if first {
                events.push(BuildEvent::Done {
                    step,
                    name: s.name.clone(),
                    lines: s.lines,
                    internal: s.internal,
                    cached: s.cached,
                    duration_ms,
                    error: s.error.clone(),
                });
            }
        }
    }

    /// Keeps the end of a step's log, and passes on what the limit leaves.
    fn log(&mut self, step: usize, bytes: &[u8], keep: usize, events: &mut Vec<BuildEvent>) {
        let log = &mut self.steps[step].log;
        log.extend_from_slice(bytes);
        // Cut seldom: moving the end down for every line would cost the square of the log.
        if log.len() > keep.saturating_mul(2) {
            log.drain(..log.len() - keep);
        }
        let passed = bytes.len().min(self.log_left);
        self.log_left -= passed;
        if passed > 0 {
            events.push(BuildEvent::Log {
                step,
                bytes: bytes[..passed].to_vec(),
            });
        }
    }

    fn end_last(&mut self, error: Option<String>, now_ms: u64, events: &mut Vec<BuildEvent>) {
        let step = self.steps.len().wrapping_sub(1);
        let Some(last) = self.steps.last_mut().filter(|s| s.duration_ms.is_none()) else {
            return;
        };
        let duration_ms = now_ms.saturating_sub(last.started_ms.unwrap_or(now_ms));
        last.duration_ms = Some(duration_ms);
        last.error.clone_from(&error);
        events.push(BuildEvent::Done {
            step,
            name: last.name.clone(),
            lines: last.lines,
            internal: false,
            cached: last.cached,
            duration_ms,
            error,
        });
    }
}

/// BuildKit names its own steps `[internal] …`, and those of the export without brackets.
fn is_internal(name: &str) -> bool {
    name.starts_with("[internal]") || !name.starts_with('[')
}

fn stamp(t: &Timestamp) -> u64 {
    let seconds = u64::try_from(t.seconds).unwrap_or(0);
    let nanos = u64::try_from(t.nanos).unwrap_or(0);
    seconds
        .saturating_mul(1000)
        .saturating_add(nanos / 1_000_000)
}

/// The smallest range that covers all.
fn cover<'a>(ranges: impl Iterator<Item = &'a pb::Range>) -> Option<Lines> {
    let line = |p: &Option<pb::Position>| {
        p.as_ref()
            .and_then(|p| usize::try_from(p.line).ok())
            .filter(|l| *l > 0)
    };
    ranges
        .filter_map(|r| {
            let first = line(&r.start)?;
            Some(Lines {
                first,
                last: line(&r.end).unwrap_or(first).max(first),
            })
        })
        .reduce(|a, b| Lines {
            first: a.first.min(b.first),
            last: a.last.max(b.last),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard_buildkit_proto::moby::buildkit::v1::VertexLog;

    fn vertex(digest: &str, name: &str) -> Vertex {
        Vertex {
            digest: digest.into(),
            name: name.into(),
            ..Vertex::default()
        }
    }

    fn at(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp { seconds, nanos: 0 })
    }

    fn message(vertexes: Vec<Vertex>) -> StatusResponse {
        StatusResponse {
            vertexes,
            ..StatusResponse::default()
        }
    }

    #[test]
    fn a_step_told_in_pieces_is_one_step() {
        let seen = Mutex::new(Vec::new());
        let listen = |e: BuildEvent| seen.lock().unwrap().push(e);
        let progress = Progress::new(100, 100, &listen);
        progress.status(&message(vec![vertex("d", "[2/3] RUN x")]));
        progress.status(&message(vec![Vertex {
            started: at(10),
            ..vertex("d", "[2/3] RUN x")
        }]));
        progress.status(&message(vec![Vertex {
            started: at(10),
            completed: at(12),
            cached: true,
            ..vertex("d", "[2/3] RUN x")
        }]));
        // Some engines repeat the last message.
        progress.status(&message(vec![Vertex {
            completed: at(12),
            ..vertex("d", "[2/3] RUN x")
        }]));
        let steps = progress.finish();
        assert_eq!(steps.len(), 1);
        assert!(steps[0].cached && !steps[0].internal);
        assert_eq!(steps[0].duration_ms, Some(2000));
        let seen = seen.into_inner().unwrap();
        assert!(matches!(
            seen[..],
            [
                BuildEvent::Started { .. },
                BuildEvent::Done { cached: true, .. }
            ]
        ));
    }

    #[test]
    fn a_step_that_never_began_is_its_twin_of_another_build() {
        let listen = |_: BuildEvent| {};
        let progress = Progress::new(100, 100, &listen);
        let location = |line| pb::Locations {
            locations: vec![pb::Location {
                ranges: vec![pb::Range {
                    start: Some(pb::Position { line, character: 0 }),
                    end: None,
                }],
                ..pb::Location::default()
            }],
        };
        let source = pb::Source {
            locations: [("own", location(4)), ("later", location(5))]
                .map(|(digest, at)| (digest.to_owned(), at))
                .into(),
            ..pb::Source::default()
        };
        progress.source_map(&[pb::Definition {
            source: Some(source),
            ..pb::Definition::default()
        }]);
        let over = |digest: &str, name: &str, cached| Vertex {
            started: at(10),
            completed: at(10),
            cached,
            ..vertex(digest, name)
        };
        progress.status(&message(vec![
            vertex("own", "[deps 4/4] RUN npm ci"),
            over("later", "[deps 5/5] RUN npm test", false),
            over("other", "[builder 2/2] RUN npm ci", true),
            over("stranger", "[builder 3/3] RUN npm test", true),
        ]));
        let steps = progress.finish();
        let told: Vec<_> = steps
            .iter()
            .map(|s| (s.name.as_str(), s.lines.map(|l| l.first), s.cached))
            .collect();
        assert_eq!(
            told,
            [
                ("[deps 4/4] RUN npm ci", Some(4), true),
                // This build's own step ran: nobody else's stands for it.
                ("[deps 5/5] RUN npm test", Some(5), false),
                ("[builder 3/3] RUN npm test", None, true),
            ]
        );
    }

    #[test]
    fn a_step_that_runs_once_more_is_not_over() {
        let seen = Mutex::new(Vec::new());
        let listen = |e: BuildEvent| seen.lock().unwrap().push(e);
        let progress = Progress::new(100, 100, &listen);
        progress.status(&message(vec![Vertex {
            started: at(10),
            completed: at(11),
            error: "context canceled".into(),
            ..vertex("d", "[2/3] RUN x")
        }]));
        progress.status(&message(vec![Vertex {
            started: at(12),
            ..vertex("d", "[2/3] RUN x")
        }]));
        let step = &progress.finish()[0];
        assert_eq!((step.duration_ms, step.error.as_deref()), (None, None));
        let seen = seen.into_inner().unwrap();
        assert!(matches!(
            seen[..],
            [
                BuildEvent::Started { .. },
                BuildEvent::Done { .. },
                BuildEvent::Started { .. }
            ]
        ));
    }

    #[test]
    fn logs_keep_their_end_and_stop_at_the_limit() {
        let seen = Mutex::new(0);
        let listen = |e: BuildEvent| {
            if let BuildEvent::Log { bytes, .. } = e {
                *seen.lock().unwrap() += bytes.len();
            }
        };
        let progress = Progress::new(10, 25, &listen);
        progress.status(&message(vec![vertex("d", "[1/1] RUN x")]));
        for i in 0..10 {
            progress.status(&StatusResponse {
                logs: vec![VertexLog {
                    vertex: "d".into(),
                    msg: format!("line{i}\n").into_bytes(),
                    ..VertexLog::default()
                }],
                ..StatusResponse::default()
            });
        }
        let log = &progress.finish()[0].log;
        assert!(log.len() <= 20 && log.ends_with(b"line9\n"), "{log:?}");
        assert_eq!(seen.into_inner().unwrap(), 25);
    }

    #[test]
    fn ranges_are_covered() {
        let range = |a, b| pb::Range {
            start: Some(pb::Position {
                line: a,
                character: 0,
            }),
            end: Some(pb::Position {
                line: b,
                character: 0,
            }),
        };
        let ranges = [range(4, 4), range(2, 3)];
        assert_eq!(cover(ranges.iter()), Some(Lines { first: 2, last: 4 }));
        assert_eq!(cover([range(0, 0)].iter()), None);
    }
}
