//! `mslab serve` as a page of the book meets it: started on a free port, asked through its API.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::{Heard, Sandbox};

/// Nothing that is asked takes longer.
const PATIENCE: Duration = Duration::from_secs(300);

/// A server that runs; it ends with this value.
#[derive(Debug)]
pub struct Served {
    child: Child,
    /// What opens the book with the key.
    pub url: String,
    /// Its port.
    pub port: u16,
    /// Its key.
    pub token: String,
    /// What it prints.
    pub stdout: Heard,
    /// What it complains of.
    pub stderr: Heard,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    /// Starts `mslab serve` in a workspace, with these arguments besides, and waits for its address. `engine` is a
    /// `DOCKER_HOST`.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start(here: &Sandbox, args: &[&str], engine: &str) -> Self {
        let mut child = here
            .command(&[&["serve", "--port", "0"], args].concat())
            .env("DOCKER_HOST", engine)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let stdout = Heard::listen(child.stdout.take().expect("it is piped"));
        let stderr = Heard::listen(child.stderr.take().expect("it is piped"));
        crate::wait_until("address of the book", || {
            assert!(
                stdout.text().contains('\n') || !stderr.text().contains("error:"),
                "{}",
                stderr.text()
            );
            stdout.text().contains('\n')
        });
        let text = stdout.text();
        let url = text.lines().next().unwrap_or_default().trim().to_owned();
        let (address, token) = url.split_once("/#token=").expect("the address has a key");
        let port = address.rsplit(':').next().and_then(|p| p.parse().ok());
        Self {
            child,
            port: port.expect("the address has a port"),
            token: token.to_owned(),
            url: url.clone(),
            stdout,
            stderr,
        }
    }

    /// Its process's number.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        crate::signal(name, &self.child);
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// It does not end.
    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        crate::wait_until("end of the server", || {
            status = self.child.try_wait().expect("it is a child");
            status.is_some()
        });
        status.expect("it has ended")
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server listens");
        let time_limit = stream.set_read_timeout(Some(PATIENCE));
        time_limit.expect("a time limit can be set");
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nX-Mslab: 1\r\n\
             Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}",
            port = self.port,
            token = self.token,
            length = body.len()
        );
        let sent = stream.write_all(request.as_bytes());
        sent.expect("the server takes a request");
        stream
    }

    /// Asks, as a page would, and returns the status and the answer; the answer is null where it is no JSON.
    ///
    /// # Panics
    /// There is no answer.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut stream = self.send(method, path, body);
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        read.expect("the server answers");
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        let status = head.get(9..12).and_then(|s| s.parse().ok());
        let json = serde_json::from_str(body).unwrap_or(Value::Null);
        (status.expect("an answer has a status"), json)
    }

    /// Asks for what must be there.
    ///
    /// # Panics
    /// It is not.
    #[must_use]
    pub fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask("GET", path, None);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Asks for what must be done.
    ///
    /// # Panics
    /// It is not done.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.ask("POST", path, Some(body));
        assert!(matches!(status, 200 | 202), "{path}: {answer}");
        answer
    }

    /// Follows what happens after the event `after`.
    #[must_use]
    pub fn events(&self, after: u64) -> Events {
        let path = format!("/api/events?after={after}");
        Events {
            lines: BufReader::new(self.send("GET", &path, None)),
        }
    }
}

/// What happens, line by line.
#[derive(Debug)]
pub struct Events {
    lines: BufReader<TcpStream>,
}

impl Iterator for Events {
    type Item = Value;

    /// The next numbered event.
    fn next(&mut self) -> Option<Value> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if self.lines.read_until(b'\n', &mut line).ok()? == 0 {
                return None;
            }
            // The lengths of the chunks and the head are no JSON objects, and what else there is has no number.
            match serde_json::from_slice::<Value>(&line) {
                Ok(event) if event["seq"].is_u64() => return Some(event),
                _ => {}
            }
        }
    }
}

impl Events {
    /// All events up to the first of this name, with it.
    ///
    /// # Panics
    /// The server ends before.
    pub fn until(&mut self, event: &str) -> Vec<Value> {
        let mut all = Vec::new();
        for line in self.by_ref() {
            let last = line["event"] == event;
            all.push(line);
            if last {
                return all;
            }
        }
        panic!("the server ended before {event}: {all:?}");
    }
}
