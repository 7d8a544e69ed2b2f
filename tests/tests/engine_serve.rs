//! A whole lab through the API of `mslab serve`, on a real engine.

mod left;

use mslab_tests::served::{Events, Served};
use mslab_tests::{Sandbox, engine, statuses};
use serde_json::{Value, json};

use left::left_by;

const PATH: &str = "/api/exercises/exercise-5";

fn start(here: &Sandbox) -> Served {
    let book = here.path().join("a-book");
    std::fs::create_dir_all(&book).unwrap();
    std::fs::write(book.join("index.html"), "<html><head></head></html>").unwrap();
    Served::start(here, &["--book", &book.to_string_lossy()], &engine())
}

/// The learner's page: one file, saved and checked.
struct Page<'a> {
    served: &'a Served,
    text: String,
    revision: Value,
}

impl<'a> Page<'a> {
    fn open(served: &'a Served) -> Self {
        let file = served.get(PATH)["files"][0].clone();
        Self {
            served,
            text: file["text"].as_str().unwrap().to_owned(),
            revision: file["revision"].clone(),
        }
    }

    fn save(&mut self, text: String) {
        let body = json!({"text": text, "base_revision": self.revision});
        let path = format!("{PATH}/files/Dockerfile");
        let (status, file) = self.served.ask("PUT", &path, Some(&body));
        assert_eq!(status, 200, "{file}");
        self.text = text;
        self.revision = file["revision"].clone();
    }

    fn examine(&self) -> Value {
        let files = json!({"files": {"Dockerfile": self.text}});
        self.served.post(&format!("{PATH}/examine"), &files)["report"].clone()
    }

    fn check(&self, events: &mut Events) -> Vec<Value> {
        let _ = self.served.post(&format!("{PATH}/check"), &json!({}));
        events.until("run-ended")
    }

    /// Applies the first fix of a report's findings by its edits, and says whether there was one.
    fn apply(&mut self, report: &Value) -> bool {
        let checks = report["checks"].as_array().unwrap();
        let Some(fix) = checks.iter().map(|c| &c["fix"]).find(|f| f.is_object()) else {
            return false;
        };
        let mut edits: Vec<_> = fix["edits"].as_array().unwrap().iter().collect();
        assert!(edits.iter().all(|e| e["file"] == "Dockerfile"), "{fix}");
        edits.sort_by_key(|e| e["span"]["start"].as_u64());
        let mut text = self.text.clone().into_bytes();
        for edit in edits.iter().rev() {
            let at = |key: &str| usize::try_from(edit["span"][key].as_u64().unwrap()).unwrap();
            let new = edit["text"].as_str().unwrap().bytes();
            text.splice(at("start")..at("end"), new);
        }
        self.save(String::from_utf8(text).unwrap());
        true
    }
}

#[test]
fn engine_from_the_starter_by_fixes_to_the_pass() {
    let here = Sandbox::workspace();
    let served = start(&here);
    let mut page = Page::open(&served);
    let (mut events, mut tab) = (served.events(0), served.events(0));

    // What the text shows, before anything is built.
    let typed = page.examine();
    assert!(
        statuses(&typed, "failed").contains(&"exec-form".to_owned()),
        "{typed}"
    );

    // The first check: steps with lines, verdicts one by one, the report with sizes.
    let run = page.check(&mut events);
    let news: Vec<&str> = run.iter().filter_map(|e| e["news"].as_str()).collect();
    assert!(
        news.contains(&"building") && news.contains(&"step-done"),
        "{news:?}"
    );
    let with_lines = |e: &&Value| e["news"] == "step-done" && e["lines"]["first"].is_u64();
    assert!(run.iter().any(|e| with_lines(&e)), "{run:?}");
    let end = run.last().unwrap();
    assert_eq!(end["end"], "report", "{end}");
    let report = &end["report"];
    assert_eq!(report["outcome"], "failed");
    // Each verdict that fell is the report's.
    let fell: Vec<&Value> = run.iter().filter(|e| e["news"] == "verdict").collect();
    let checks = report["checks"].as_array().unwrap();
    assert_eq!(fell.len(), checks.len());
    for check in checks {
        let told = fell.iter().find(|v| v["key"] == check["key"]).unwrap();
        for field in ["status", "points", "max_points"] {
            assert_eq!(told[field], check[field], "{check}");
        }
        assert_eq!(
            check["status"] == "failed",
            end["texts"][check["key"].as_str().unwrap()].is_string(),
            "{check}"
        );
    }
    let instructions = end["images"]["prod"]["instructions"].as_array().unwrap();
    assert!(
        instructions.iter().any(|i| i["source"]["line"].is_u64()),
        "{instructions:?}"
    );
    assert_eq!(
        tab.until("run-ended"),
        run,
        "another tab sees something else"
    );
    assert_eq!(
        served.get("/api/state")["exercises"][4]["progress"],
        "failed"
    );

    // Hints, and no solution yet.
    let hint = served.post(&format!("{PATH}/hint"), &json!({"key": "static"}));
    assert_eq!(
        (&hint["check"]["key"], &hint["last"]),
        (&json!("static"), &json!(false))
    );
    assert_eq!(served.ask("GET", &format!("{PATH}/solution"), None).0, 403);

    // Fix after fix: those that the text shows while typing, then those that only an image shows.
    let mut report = report.clone();
    for _ in 0..20 {
        while page.apply(&page.examine()) {}
        let run = page.check(&mut events);
        report = run.last().unwrap()["report"].clone();
        if report["outcome"] == "passed" || !page.apply(&report) {
            break;
        }
    }
    assert_eq!(report["outcome"], "passed", "{}\n{report:#}", page.text);

    // The terminal knows; the solution is open.
    assert!(here.run(&["list"]).stdout.contains("✓ passed"));
    let solution = served.get(&format!("{PATH}/solution"));
    assert_eq!(solution["files"][0]["name"], "Dockerfile");
    let exercise = served.get(PATH);
    assert_eq!(exercise["progress"], "passed");
    assert_eq!(exercise["changed_since_report"], false);
    let size = exercise["images"]["prod"]["unpacked_bytes"]
        .as_u64()
        .unwrap();
    assert!(size < exercise["goals"][0]["limit_bytes"].as_u64().unwrap());

    // What the terminal does is seen in the page.
    let last = served.get("/api/state")["last_event"].as_u64().unwrap();
    let mut events = served.events(last);
    assert_eq!(here.run(&["reset", "exercise-5"]).code, 0);
    let progress = events.until("progress").pop().unwrap();
    assert_eq!(progress["exercises"][4]["progress"], "new");
}

#[test]
fn engine_an_edit_ends_the_build_on_the_engine_too() {
    let here = Sandbox::workspace();
    let mut served = start(&here);
    let mut page = Page::open(&served);
    page.save(
        "FROM alpine:3.22 AS production\nRUN true\nRUN echo begun && sleep 600 # served\n".into(),
    );
    let mut events = served.events(0);
    for edited in [true, false] {
        let _ = served.post(&format!("{PATH}/check"), &json!({}));
        let begun = events.by_ref().find(|e| {
            e["news"] == "log" && e["text"].as_str().is_some_and(|t| t.contains("begun"))
        });
        assert!(begun.is_some());
        if edited {
            page.save(page.text.replace("sleep 600", "sleep 601"));
            let end = events.until("run-ended").pop().unwrap();
            assert_eq!(end["why"], "edited", "{end}");
        } else {
            served.signal("INT");
            let end = events.until("run-ended").pop().unwrap();
            assert_eq!(end["why"], "server-ends", "{end}");
        }
    }
    assert_eq!(served.wait().code(), Some(0));
    assert_eq!(left_by(served.process()), Vec::<String>::new());
}
