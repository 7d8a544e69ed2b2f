//! A server with a room that does what a test says, and a client that writes its requests byte by byte.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use mslab_core::report::{Outcome, Report, SCHEMA};
use mslab_serve::api::{
    Code, Examined, ExerciseSummary, HintGiven, HintStyle, News, Problem, Progress, ResetDone,
    Shown, Solution,
};
use mslab_serve::room::{About, Answer, Checked, Room};
use mslab_serve::{Book, Place, Server, Teller};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio_util::sync::CancellationToken;

/// Nothing here takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What a check does next.
pub(crate) enum Step {
    News(News),
    Log(usize, Vec<u8>),
    End(Answer<()>),
}

/// One exercise, whose checks do what the test says.
pub(crate) struct Fake {
    root: PathBuf,
    steps: AsyncMutex<mpsc::UnboundedReceiver<Step>>,
    /// The checks that began, and those that were cancelled.
    pub(crate) began: Mutex<u32>,
    pub(crate) cancelled: Mutex<u32>,
    pub(crate) progress: Mutex<Progress>,
}

pub(crate) fn report() -> Report {
    Report {
        schema: SCHEMA.into(),
        exercise: "exercise-1".into(),
        lab: "first".into(),
        title: "The first".into(),
        outcome: Outcome::Passed,
        score: 100,
        max_score: 100,
        engine: None,
        builds: Vec::new(),
        partial: false,
        stand_ins: Vec::new(),
        checks: Vec::new(),
        duration_ms: 1,
    }
}

fn shown() -> Shown {
    Shown {
        report: report(),
        texts: BTreeMap::new(),
    }
}

fn no_such(exercise: &str) -> Problem {
    Problem {
        code: Code::NotFound,
        message: format!("there is no `{exercise}`"),
        help: String::new(),
    }
}

impl Fake {
    fn summary(&self) -> ExerciseSummary {
        ExerciseSummary {
            exercise: "exercise-1".into(),
            lab: "first".into(),
            title: "The first".into(),
            lesson: "node".into(),
            progress: *self.progress.lock().unwrap(),
            ever_passed: false,
            points: 0,
            max_points: 100,
            page: None,
        }
    }
}

impl Room for Fake {
    fn root(&self) -> &Path {
        &self.root
    }

    fn course(&self) -> Answer<Vec<ExerciseSummary>> {
        Ok(vec![self.summary()])
    }

    fn place(&self, exercise: &str) -> Answer<Place> {
        if exercise != "exercise-1" {
            return Err(no_such(exercise));
        }
        let dir = self.root.join("exercise-01-first");
        let made = !dir.exists();
        if made {
            fs::create_dir_all(dir.join("app")).unwrap();
            fs::write(dir.join("Dockerfile"), "FROM scratch\n").unwrap();
            fs::write(dir.join("server.js"), "lab's own").unwrap();
        }
        Ok(Place {
            dir,
            learner: vec![
                "Dockerfile".into(),
                ".dockerignore".into(),
                "app/Dockerfile".into(),
            ],
            scratch: self.root.join(".mslab"),
            made,
        })
    }

    fn report_path(&self, exercise: &str) -> Option<PathBuf> {
        Some(self.root.join(".mslab/reports").join(exercise))
    }

    fn about(&self, _: &str) -> Answer<About> {
        Ok(About {
            summary: self.summary(),
            report: None,
            changed_since_report: false,
            goals: Vec::new(),
            hints: HintStyle::Diff,
        })
    }

    fn examine(&self, _: &str, _: &BTreeMap<String, Option<String>>) -> Answer<Examined> {
        Ok(Examined {
            shown: shown(),
            graphs: Vec::new(),
        })
    }

    fn hint(&self, _: &str, _: Option<&str>) -> Answer<HintGiven> {
        Err(no_such("hint"))
    }

    fn reset(&self, exercise: &str) -> Answer<ResetDone> {
        let dir = self.place(exercise)?.dir;
        fs::rename(dir, self.root.join(".mslab/backup")).unwrap();
        self.place(exercise)?;
        Ok(ResetDone {
            backup: Some("backup".into()),
        })
    }

    fn solution(&self, _: &str, _: bool) -> Answer<Solution> {
        Err(no_such("solution"))
    }

    fn check(
        self: Arc<Self>,
        _: String,
        tell: Arc<Teller>,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, Answer<Checked>> {
        Box::pin(async move {
            *self.began.lock().unwrap() += 1;
            let mut steps = self.steps.lock().await;
            loop {
                let step = tokio::select! {
                    biased;
                    () = cancel.cancelled() => {
                        *self.cancelled.lock().unwrap() += 1;
                        return Err(no_such("rest"));
                    }
                    step = steps.recv() => step.expect("the test still runs"),
                };
                match step {
                    Step::News(news) => tell.news(news),
                    Step::Log(step, bytes) => tell.log(step, &bytes),
                    Step::End(end) => {
                        return end.map(|()| Checked {
                            shown: shown(),
                            images: BTreeMap::new(),
                        });
                    }
                }
            }
        })
    }
}

/// A server that runs.
pub(crate) struct Served {
    pub(crate) root: TempDir,
    pub(crate) port: u16,
    pub(crate) token: String,
    pub(crate) room: Arc<Fake>,
    pub(crate) steps: mpsc::UnboundedSender<Step>,
    pub(crate) cancel: CancellationToken,
    pub(crate) ended: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

pub(crate) const PAGE: &str =
    "<!DOCTYPE html><html><head><script>let own = 1;</script></head><body>the book</body></html>";

pub(crate) async fn serve() -> Served {
    let root = tempfile::tempdir().unwrap();
    let workspace = root.path().join("workspace");
    fs::create_dir_all(workspace.join(".mslab/reports")).unwrap();
    fs::write(root.path().join("secret.txt"), "a secret").unwrap();
    let book = root.path().join("book");
    fs::create_dir_all(book.join("lessons")).unwrap();
    fs::write(book.join("index.html"), PAGE).unwrap();
    fs::write(book.join("lessons/go.html"), PAGE).unwrap();
    fs::write(book.join("big.js"), vec![b' '; 4 << 20]).unwrap();
    let (steps, receiver) = mpsc::unbounded_channel();
    let room = Arc::new(Fake {
        root: workspace,
        steps: AsyncMutex::new(receiver),
        began: Mutex::default(),
        cancelled: Mutex::default(),
        progress: Mutex::new(Progress::New),
    });
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let port = server.address().port();
    let url = server.url();
    let (_, token) = url.split_once("#token=").unwrap();
    let cancel = CancellationToken::new();
    let ended = tokio::spawn(server.serve(Book::Folder(book), room.clone(), cancel.clone()));
    Served {
        token: token.to_owned(),
        root,
        port,
        room,
        steps,
        cancel,
        ended,
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (n, value) = line.split_once(':')?;
            n.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

/// Reads one answer whole.
pub(crate) async fn read(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        let n = tokio::time::timeout(PATIENCE, stream.read(&mut buffer))
            .await
            .expect("an answer")
            .unwrap_or(0);
        assert!(
            n > 0,
            "the connection ended: {:?}",
            String::from_utf8_lossy(&bytes)
        );
        bytes.extend_from_slice(&buffer[..n]);
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut body = bytes.split_off(head_end + 4);
    let status = head[9..12].parse().unwrap();
    let mut reply = Reply {
        status,
        head,
        body: Vec::new(),
    };
    let length = reply
        .header("content-length")
        .map(|l| l.parse::<usize>().unwrap());
    let length = length.unwrap_or(0);
    while body.len() < length {
        let n = tokio::time::timeout(PATIENCE, stream.read(&mut buffer))
            .await
            .expect("the whole answer")
            .unwrap_or(0);
        assert!(n > 0, "the connection ended");
        body.extend_from_slice(&buffer[..n]);
    }
    reply.body = body;
    reply
}

impl Served {
    pub(crate) fn dir(&self) -> PathBuf {
        self.root.path().join("workspace/exercise-01-first")
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// Sends bytes as they are.
    pub(crate) async fn raw(&self, request: &str) -> Reply {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read(&mut stream).await
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The headers that a page of the book sends.
    pub(crate) fn own(&self) -> String {
        format!(
            "Host: {0}\r\nOrigin: http://{0}\r\nSec-Fetch-Site: same-origin\r\nX-Mslab: 1\r\n\
             Authorization: Bearer {1}\r\n",
            self.host(),
            self.token
        )
    }

    /// A request with exactly these headers.
    pub(crate) async fn with(&self, line: &str, headers: &str, body: &str) -> Reply {
        let length = if body.is_empty() {
            String::new()
        } else {
            format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            )
        };
        self.raw(&format!("{line} HTTP/1.1\r\n{headers}{length}\r\n{body}"))
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.with(&format!("GET {path}"), &self.own(), "").await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.with(&format!("POST {path}"), &self.own(), &body.to_string())
            .await
    }

    pub(crate) async fn put(&self, name: &str, text: &str, base: Option<&str>) -> Reply {
        let body = json!({"text": text, "base_revision": base}).to_string();
        let line = format!("PUT /api/exercises/exercise-1/files/{name}");
        self.with(&line, &self.own(), &body).await
    }

    /// Follows the events after `after`.
    pub(crate) async fn follow(&self, after: u64) -> Follower {
        let mut stream = self.connect().await;
        let request = format!(
            "GET /api/events?after={after} HTTP/1.1\r\n{}\r\n",
            self.own()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        Follower {
            stream,
            raw: Vec::new(),
            lines: Vec::new(),
            in_body: false,
        }
    }

    pub(crate) async fn check(&self) -> u64 {
        let reply = self
            .post("/api/exercises/exercise-1/check", json!({}))
            .await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        reply.json()["run"].as_u64().unwrap()
    }

    pub(crate) fn step(&self, step: Step) {
        self.steps.send(step).unwrap();
    }
}

/// A reader of events.
pub(crate) struct Follower {
    pub(crate) stream: TcpStream,
    raw: Vec<u8>,
    lines: Vec<u8>,
    in_body: bool,
}

impl Follower {
    /// The next line; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.lines.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.lines.drain(..=end).collect();
                let line = serde_json::from_slice(&line).expect("a line is JSON");
                return Some(line);
            }
            if self.take_chunk() {
                continue;
            }
            let mut buffer = vec![0; 256 << 10];
            let n = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer))
                .await
                .expect("an event")
                .unwrap_or(0);
            if n == 0 {
                return None;
            }
            self.raw.extend_from_slice(&buffer[..n]);
        }
    }

    fn take_chunk(&mut self) -> bool {
        let find = |raw: &[u8], word: &[u8]| raw.windows(word.len()).position(|w| w == word);
        if !self.in_body {
            let Some(end) = find(&self.raw, b"\r\n\r\n") else {
                return false;
            };
            let head = String::from_utf8_lossy(&self.raw[..end]).into_owned();
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            self.raw.drain(..end + 4);
            self.in_body = true;
        }
        let Some(end) = find(&self.raw, b"\r\n") else {
            return false;
        };
        let size =
            usize::from_str_radix(std::str::from_utf8(&self.raw[..end]).unwrap(), 16).unwrap();
        if self.raw.len() < end + 2 + size + 2 {
            return false;
        }
        self.lines
            .extend_from_slice(&self.raw[end + 2..end + 2 + size]);
        self.raw.drain(..end + 2 + size + 2);
        size > 0
    }

    /// The next event of this name, those before it passed over.
    pub(crate) async fn until(&mut self, event: &str) -> Value {
        loop {
            let line = self.next().await.expect("the stream goes on");
            if line["event"] == event {
                return line;
            }
        }
    }

    /// All numbered lines up to the first of this name, with it.
    pub(crate) async fn all_until(&mut self, event: &str) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let line = self.next().await.expect("the stream goes on");
            if line["seq"].is_u64() {
                all.push(line);
            }
            if all.last().is_some_and(|l| l["event"] == event) {
                return all;
            }
        }
    }
}
