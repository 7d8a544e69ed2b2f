//! A learner in a real browser: opens a page that `mslab serve` serves, edits, checks, applies.

use std::fs;
use std::path::PathBuf;

use mslab_tests::Sandbox;
use mslab_tests::served::Served;

use super::cdp::Browser;
use super::{book, page_with, pictures};

/// A learner at a page of the book that `mslab serve` serves.
pub(super) struct Learner {
    pub(super) here: Sandbox,
    pub(super) served: Served,
    pub(super) browser: Browser,
}

impl Learner {
    /// At the Go lesson's exercise.
    pub(super) fn at_the_lab(engine: &str) -> Self {
        let mut learner = Self::new(engine);
        learner.open();
        learner
    }

    pub(super) fn new(engine: &str) -> Self {
        let here = Sandbox::workspace();
        let served = Served::start(&here, &["--book", &book().to_string_lossy()], engine);
        Self {
            here,
            served,
            browser: Browser::start(),
        }
    }

    /// Opens the Go lesson in the window that is steered, and waits until it lives and shows what it has found.
    pub(super) fn open(&mut self) {
        self.open_at("exercise-5");
        self.browser
            .until("document.querySelector('.mslab-finding') !== null");
    }

    /// Opens the page of an exercise on a small laptop, and waits until it lives.
    pub(super) fn open_at(&mut self, exercise: &str) {
        let (base, token) = (
            format!("http://127.0.0.1:{}", self.served.port),
            &self.served.token,
        );
        let page = page_with(&format!("id=\"{exercise}\""));
        self.browser.window(1280, 720);
        let problems = self.browser.open(&format!("{base}/{page}#token={token}"));
        assert!(problems.is_empty(), "{problems:?}");
        self.browser
            .until("document.querySelector('.mslab-primary')?.ariaDisabled === 'false'");
        self.settle();
        self.browser
            .eval("document.querySelector('.mslab-live').scrollIntoView()");
        let address = self.browser.eval("location.href");
        assert!(!address.to_string().contains("token"), "{address}");
    }

    pub(super) fn dockerfile(&self) -> PathBuf {
        self.here.exercise("05-go-scratch").join("Dockerfile")
    }

    pub(super) fn on_disk(&self) -> String {
        fs::read_to_string(self.dockerfile()).expect("there is a Dockerfile")
    }

    /// Waits until the page shows the findings of the text as it is, and has saved it.
    pub(super) fn settle(&mut self) {
        self.browser.until(
            "document.querySelector('.mslab-lab').dataset.mslabFresh === 'true' && \
             document.querySelector('.mslab-saved-saved') !== null",
        );
    }

    /// Presses Check, and waits for the verdict.
    pub(super) fn check(&mut self) -> String {
        let before = self.run();
        self.browser.click(".mslab-primary");
        self.browser.until(&format!(
            "Number(document.querySelector('.mslab-lab').dataset.mslabRun) > {before}"
        ));
        self.ended()
    }

    /// The number of the newest run that the page knows.
    pub(super) fn run(&mut self) -> u64 {
        let run = self
            .browser
            .eval("document.querySelector('.mslab-lab').dataset.mslabRun");
        run.as_str().and_then(|n| n.parse().ok()).unwrap_or(0)
    }

    /// Waits until nothing runs, and gives what the page says came of it.
    pub(super) fn ended(&mut self) -> String {
        self.browser
            .until("document.querySelector('.mslab-running') === null");
        self.said(".mslab-outcome")
    }

    pub(super) fn said(&mut self, selector: &str) -> String {
        let text = self.browser.eval(&format!(
            "document.querySelector({selector:?})?.textContent ?? ''"
        ));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Applies one fix that the page offers, and says whether there was one.
    pub(super) fn apply(&mut self) -> bool {
        let press = "(() => { const button = document.querySelector('.mslab-apply'); button?.click(); return button !== null; })()";
        let applied = self.browser.eval(press) == true;
        if applied {
            self.settle();
        }
        applied
    }

    pub(super) fn picture(&mut self, name: &str) {
        self.browser
            .view(&pictures().join(format!("live-{name}.png")));
    }

    pub(super) fn show(&mut self, selector: &str) {
        self.browser.eval(&format!(
            "document.querySelector({selector:?}).scrollIntoView({{ block: 'center' }})"
        ));
    }
}
