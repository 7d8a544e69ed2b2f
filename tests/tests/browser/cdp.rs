//! A browser that the tests steer: Chromium, over a pipe, in the words of its DevTools protocol.
//!
//! Of that protocol the tests need a dozen commands. The crates that know all of it take longer to compile than the
//! rest of the tests together, so that these commands are written here.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    commands: Option<ChildStdin>,
    messages: Receiver<Value>,
    session: String,
    sent: u64,
    events: Vec<Value>,
    _profile: TempDir,
}

/// A window that is not steered now.
pub(crate) struct Window(String);

impl Browser {
    /// Starts `MSLAB_CHROMIUM`, or `chromium`.
    pub(crate) fn start() -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder can be made");
        let program = std::env::var("MSLAB_CHROMIUM").unwrap_or_else(|_| "chromium".into());
        // The protocol's pipe is file 3 in and file 4 out; a shell puts ours there.
        let script = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1";
        let mut child = Command::new("sh")
            .args(["-c", script, &program])
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
            ])
            .args([
                "--remote-debugging-pipe",
                "--no-first-run",
                "--disable-extensions",
            ])
            .args(["--disable-dev-shm-usage", "--disable-background-networking"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let commands = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let (send, messages) = channel();
        thread::spawn(move || {
            loop {
                let mut message = Vec::new();
                match output.read_until(0, &mut message) {
                    Ok(0) | Err(_) => return,
                    Ok(_) => message.pop(),
                };
                let Ok(value) = serde_json::from_slice(&message) else {
                    continue;
                };
                if send.send(value).is_err() {
                    return;
                }
            }
        });
        let mut browser = Self {
            child,
            commands,
            messages,
            session: String::new(),
            sent: 0,
            events: Vec::new(),
            _profile: profile,
        };
        browser.window_beside();
        let allow = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        browser.ask("Browser.grantPermissions", allow);
        browser
    }

    /// Opens one more window, which is steered from here on, and gives the one that was steered before.
    pub(crate) fn window_beside(&mut self) -> Window {
        let fresh = json!({ "url": "about:blank", "newWindow": true });
        let target = self.ask("Target.createTarget", fresh);
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.ask("Target.attachToTarget", attach);
        let session = attached["sessionId"].as_str().expect("a session");
        let before = std::mem::replace(&mut self.session, session.to_owned());
        for domain in ["Page", "Runtime", "Network", "Log"] {
            self.ask(&format!("{domain}.enable"), json!({}));
        }
        // Each window is as if it were the one in front.
        self.ask(
            "Emulation.setFocusEmulationEnabled",
            json!({ "enabled": true }),
        );
        self.window(1280, 900);
        Window(before)
    }

    /// Steers another window, and gives the one that was steered before.
    pub(crate) fn turn_to(&mut self, window: Window) -> Window {
        Window(std::mem::replace(&mut self.session, window.0))
    }

    /// Sends a command and waits for its answer.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let mut message = json!({ "id": self.sent, "method": method, "params": params });
        let of_browser = method.starts_with("Target.") || method.starts_with("Browser.");
        if !self.session.is_empty() && !of_browser {
            message["sessionId"] = self.session.clone().into();
        }
        let pipe = self.commands.as_mut().expect("the browser runs");
        pipe.write_all(message.to_string().as_bytes())
            .and_then(|()| pipe.write_all(&[0]))
            .and_then(|()| pipe.flush())
            .expect("this test needs Chromium (apt-get install chromium), or run `make test`, which fetches it");
        let id = self.sent;
        let answer = self.wait(method, |m| m["id"] == id);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Waits for a message; what else comes is kept.
    fn wait(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let message = self.messages.recv_timeout(left);
            let message =
                message.unwrap_or_else(|e| panic!("the browser does not answer {what}: {e}"));
            if wanted(&message) {
                return message;
            }
            self.events.push(message);
        }
    }

    /// The size of the window in CSS pixels.
    pub(crate) fn window(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.ask("Emulation.setDeviceMetricsOverride", size);
    }

    /// Whether pages are asked to be dark.
    pub(crate) fn dark(&mut self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let feature = json!({ "name": "prefers-color-scheme", "value": value });
        self.ask(
            "Emulation.setEmulatedMedia",
            json!({ "features": [feature] }),
        );
    }

    /// Whether pages may run scripts.
    pub(crate) fn scripts(&mut self, allowed: bool) {
        self.ask(
            "Emulation.setScriptExecutionDisabled",
            json!({ "value": !allowed }),
        );
    }

    /// Goes to a page, waits until all of it is there, and says what went wrong on the way.
    pub(crate) fn open(&mut self, url: &str) -> Vec<String> {
        // From the page itself to an anchor of it there would be no load.
        self.events.clear();
        self.ask("Page.navigate", json!({ "url": "about:blank" }));
        self.loaded();
        self.events.clear();
        self.ask("Page.navigate", json!({ "url": url }));
        self.loaded();
        self.problems()
    }

    /// Loads the page again.
    pub(crate) fn reload(&mut self) {
        self.events.clear();
        self.ask("Page.reload", json!({}));
        self.loaded();
    }

    fn loaded(&mut self) {
        let loaded = |m: &Value| m["method"] == "Page.loadEventFired";
        if !self.events.iter().any(loaded) {
            let event = self.wait("a load", loaded);
            self.events.push(event);
        }
    }

    /// Console errors, exceptions and requests that failed, since the page was opened.
    pub(crate) fn problems(&self) -> Vec<String> {
        let told = |event: &Value| {
            let params = &event["params"];
            match event["method"].as_str()? {
                "Runtime.exceptionThrown" => Some(params["exceptionDetails"].to_string()),
                "Runtime.consoleAPICalled" if params["type"] == "error" => {
                    Some(params["args"].to_string())
                }
                "Log.entryAdded" if params["entry"]["level"] == "error" => {
                    Some(params["entry"].to_string())
                }
                "Network.loadingFailed" if params["canceled"] != true => Some(params.to_string()),
                "Network.responseReceived" if params["response"]["status"].as_u64()? >= 400 => {
                    Some(params["response"]["url"].to_string())
                }
                _ => None,
            }
        };
        self.events.iter().filter_map(told).collect()
    }

    /// What an expression gives; a promise is waited for.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.ask("Runtime.evaluate", params);
        let thrown = answer.get("exceptionDetails");
        assert!(thrown.is_none(), "{expression:.200}: {thrown:?}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub(crate) fn until(&mut self, expression: &str) {
        let end = Instant::now() + PATIENCE;
        while self.eval(expression) != true {
            if Instant::now() >= end {
                let shown = self.eval("(document.querySelector('.mslab-live') ?? document.body).innerText.slice(0, 4000)");
                panic!(
                    "this does not come true: {expression}\nThe page says:\n{}",
                    shown.as_str().unwrap_or_default()
                );
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Presses a key: `Tab`, `Enter`, `ArrowDown`, a blank, a letter; with `Ctrl+` before it, both.
    pub(crate) fn press(&mut self, key: &str) {
        let (key, modifiers) = match key.strip_prefix("Ctrl+") {
            Some(key) => (key, 2),
            None => (key, 0),
        };
        let (code, number, text) = match key {
            " " => ("Space", 32, " "),
            "Enter" => ("Enter", 13, "\r"),
            "Tab" => ("Tab", 9, ""),
            "Escape" => ("Escape", 27, ""),
            "End" => ("End", 35, ""),
            "Home" => ("Home", 36, ""),
            "ArrowUp" => ("ArrowUp", 38, ""),
            "ArrowDown" => ("ArrowDown", 40, ""),
            "x" => ("KeyX", 88, "x"),
            _ => panic!("the key {key} is not known here"),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers });
            if kind == "keyDown" && !text.is_empty() && modifiers == 0 {
                event["text"] = text.into();
            }
            self.ask("Input.dispatchKeyEvent", event);
        }
    }

    /// Types a text into what has the focus.
    pub(crate) fn type_in(&mut self, text: &str) {
        self.ask("Input.insertText", json!({ "text": text }));
    }

    /// Clicks on what a selector finds.
    pub(crate) fn click(&mut self, selector: &str) {
        self.eval(&format!("document.querySelector({selector:?}).click()"));
    }

    /// Presses Tab until what has the focus matches a selector.
    pub(crate) fn tab_to(&mut self, selector: &str) {
        for _ in 0..600 {
            self.press("Tab");
            if self.eval(&format!("document.activeElement.matches({selector:?})")) == true {
                return;
            }
        }
        panic!("Tab does not reach {selector}");
    }

    /// Keeps a picture of the page, as long as it is, up to 6,000 pixels.
    pub(crate) fn picture(&mut self, path: &Path) {
        let size = self.ask("Page.getLayoutMetrics", json!({}))["cssContentSize"].clone();
        let height = size["height"].as_f64().unwrap_or(900.0).min(6_000.0);
        let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1 });
        let params = json!({ "captureBeyondViewport": true, "clip": clip });
        self.shoot(path, params);
    }

    /// Keeps a picture of what the window shows now.
    pub(crate) fn view(&mut self, path: &Path) {
        self.shoot(path, json!({}));
    }

    fn shoot(&mut self, path: &Path, params: Value) {
        let shot = self.ask("Page.captureScreenshot", params);
        let bytes = base64(shot["data"].as_str().expect("a picture"));
        fs::write(path, bytes).expect("a picture can be kept");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its end of the pipe closed, the browser goes.
        drop(self.commands.take());
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn base64(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for c in text.bytes().filter(|c| *c != b'=') {
        bits = bits << 6 | u32::from(value(c));
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}
