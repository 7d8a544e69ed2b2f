//! What every page is told: numbered events in a bounded store, from which each reader takes at its own speed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::watch;

use crate::api::{Event, Line, Numbered};

/// How many events are kept for readers that are slow or away.
const EVENTS: usize = 20_000;
/// How many bytes of them.
const BYTES: usize = 16 << 20;
/// After so long a silence a reader is told that the server is there.
const SILENCE: Duration = Duration::from_secs(10);
/// How many bytes a reader is handed at a time.
const HANDFUL: usize = 64 << 10;

/// The store.
///
/// Nobody who tells waits for a reader: one that falls behind what is kept is told to start over.
#[derive(Debug)]
pub(crate) struct Board {
    instance: String,
    kept: Mutex<Kept>,
    newest: watch::Sender<u64>,
    limits: (usize, usize),
}

#[derive(Debug, Default)]
struct Kept {
    /// The number of the newest event; 0 before the first.
    last: u64,
    lines: VecDeque<Bytes>,
    bytes: usize,
}

impl Kept {
    /// The number of the oldest event that is kept.
    fn oldest(&self) -> u64 {
        self.last + 1 - self.lines.len() as u64
    }
}

/// What a reader gets next.
enum Batch {
    /// Lines, and the number of the last of them.
    Lines(Bytes, u64),
    /// Events that it has not seen are gone.
    Lost,
}

impl Board {
    pub(crate) fn new(instance: String) -> Self {
        Self::with_limits(instance, (EVENTS, BYTES))
    }

    fn with_limits(instance: String, limits: (usize, usize)) -> Self {
        Self {
            instance,
            kept: Mutex::default(),
            newest: watch::Sender::new(0),
            limits,
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This start of the server.
    pub(crate) fn instance(&self) -> &str {
        &self.instance
    }

    /// The number of the newest event.
    pub(crate) fn last(&self) -> u64 {
        self.kept().last
    }

    /// Tells everybody, and returns the event's number.
    pub(crate) fn tell(&self, event: Event) -> u64 {
        let mut kept = self.kept();
        kept.last += 1;
        let seq = kept.last;
        let line = json_line(&Line::Event(Numbered { seq, event }));
        kept.bytes += line.len();
        kept.lines.push_back(line);
        let (events, bytes) = self.limits;
        // The newest stays, however large it is.
        while kept.lines.len() > 1 && (kept.lines.len() > events || kept.bytes > bytes) {
            if let Some(line) = kept.lines.pop_front() {
                kept.bytes -= line.len();
            }
        }
        drop(kept);
        self.newest.send_replace(seq);
        seq
    }

    fn next(&self, after: u64) -> Batch {
        let kept = self.kept();
        if after + 1 < kept.oldest() || after > kept.last {
            return Batch::Lost;
        }
        let skipped = usize::try_from(after + 1 - kept.oldest()).unwrap_or(usize::MAX);
        let mut lines = Vec::new();
        let mut seq = after;
        for line in kept.lines.iter().skip(skipped) {
            if !lines.is_empty() && lines.len() + line.len() > HANDFUL {
                break;
            }
            lines.extend_from_slice(line);
            seq += 1;
        }
        Batch::Lines(lines.into(), seq)
    }

    /// The lines for one reader, from the event after `after` on. Each is taken from the store only when the reader has
    /// taken the one before, so that a slow reader costs nothing but itself.
    pub(crate) fn follow(
        self: Arc<Self>,
        after: u64,
        instance: Option<&str>,
    ) -> impl Stream<Item = Bytes> + use<> {
        let foreign = instance.is_some_and(|i| i != self.instance);
        let hello = json_line(&Line::Hello {
            hello: self.instance.clone(),
            last_event: self.last(),
        });
        let newest = self.newest.subscribe();
        let reader = Reader {
            after,
            newest,
            state: if foreign {
                State::Lost
            } else {
                State::Following
            },
            board: self,
        };
        let first = stream::iter([hello]);
        futures_util::StreamExt::chain(first, stream::unfold(reader, Reader::take))
    }
}

struct Reader {
    board: Arc<Board>,
    after: u64,
    newest: watch::Receiver<u64>,
    state: State,
}

enum State {
    Following,
    Lost,
    Ended,
}

impl Reader {
    async fn take(mut self) -> Option<(Bytes, Self)> {
        loop {
            match self.state {
                State::Ended => return None,
                State::Lost => {
                    self.state = State::Ended;
                    let line = json_line(&Line::StartOver { start_over: true });
                    return Some((line, self));
                }
                State::Following => {}
            }
            // Marked as seen before looking, so that nothing told in between is waited for.
            self.newest.borrow_and_update();
            match self.board.next(self.after) {
                Batch::Lost => self.state = State::Lost,
                Batch::Lines(lines, last) if last > self.after => {
                    self.after = last;
                    return Some((lines, self));
                }
                Batch::Lines(..) => {
                    match tokio::time::timeout(SILENCE, self.newest.changed()).await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => return None,
                        Err(_) => return Some((json_line(&Line::Ping { ping: true }), self)),
                    }
                }
            }
        }
    }
}

fn json_line(line: &Line) -> Bytes {
    // Every type of these is made of strings, numbers and lists: it can be written.
    let mut text = serde_json::to_vec(line).unwrap_or_default();
    text.push(b'\n');
    text.into()
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use serde_json::Value;

    use super::*;

    fn board(events: usize) -> Arc<Board> {
        Arc::new(Board::with_limits("here".into(), (events, BYTES)))
    }

    fn event(n: u64) -> Event {
        Event::Exercise {
            exercise: format!("exercise-{n}"),
        }
    }

    async fn lines(board: &Arc<Board>, after: u64, instance: Option<&str>) -> Vec<Value> {
        let mut stream = std::pin::pin!(board.clone().follow(after, instance));
        let mut seen = Vec::new();
        while let Ok(Some(bytes)) =
            tokio::time::timeout(Duration::from_millis(20), stream.next()).await
        {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            seen.extend(text.lines().map(|l| serde_json::from_str(l).unwrap()));
        }
        seen
    }

    #[tokio::test]
    async fn a_reader_that_comes_back_loses_nothing() {
        let board = board(100);
        (1..=5).for_each(|n| {
            board.tell(event(n));
        });
        let seen = lines(&board, 3, Some("here")).await;
        assert_eq!(seen[0]["hello"], "here");
        assert_eq!(seen[0]["last_event"], 5);
        let numbers: Vec<_> = seen[1..].iter().map(|v| v["seq"].as_u64()).collect();
        assert_eq!(numbers, [Some(4), Some(5)]);
        assert_eq!(seen[1]["event"], "exercise");
        assert_eq!(seen[1]["exercise"], "exercise-4");
    }

    #[tokio::test]
    async fn a_reader_that_was_away_too_long_starts_over() {
        let board = board(3);
        (1..=10).for_each(|n| {
            board.tell(event(n));
        });
        for (after, instance) in [(2, "here"), (6, "here"), (9, "another"), (11, "here")] {
            let seen = lines(&board, after, Some(instance)).await;
            assert_eq!(seen.len(), 2, "{after} {instance}");
            assert_eq!(seen[1]["start_over"], true, "{after} {instance}");
        }
        assert_eq!(lines(&board, 7, None).await.len(), 4);
        assert_eq!(lines(&board, 10, None).await.len(), 1);
    }

    #[tokio::test]
    async fn a_reader_sees_what_is_told_while_it_waits() {
        let board = board(100);
        let teller = board.clone();
        let mut stream = std::pin::pin!(board.follow(0, None));
        assert!(stream.next().await.is_some());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            teller.tell(event(1));
        });
        let line = tokio::time::timeout(Duration::from_secs(5), stream.next()).await;
        assert!(line.unwrap().unwrap().starts_with(b"{\"seq\":1,"));
    }
}
