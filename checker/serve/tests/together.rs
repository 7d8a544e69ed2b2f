//! Several tabs, an editor and the terminal at once: all see the same, and nobody's work is lost.

mod support;

use std::fs;
use std::time::Duration;

use mslab_serve::api::{News, Progress};
use serde_json::{Value, json};
use support::{Served, Step, serve};

async fn revision(served: &Served) -> String {
    let file = served
        .get("/api/exercises/exercise-1/files/Dockerfile")
        .await;
    file.json()["revision"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn two_tabs_see_the_same_run() {
    let served = serve().await;
    let (mut one, mut two) = (served.follow(0).await, served.follow(0).await);
    let run = served.check().await;
    served.step(Step::News(News::Building {
        what: "prod".into(),
        file: None,
    }));
    served.step(Step::Log(1, b"first\nsecond\n".to_vec()));
    served.step(Step::News(News::Planned { steps: 3 }));
    served.step(Step::End(Ok(())));
    let (one, two) = (
        one.all_until("run-ended").await,
        two.all_until("run-ended").await,
    );
    assert_eq!(one, two);
    let news: Vec<&str> = one.iter().filter_map(|l| l["news"].as_str()).collect();
    assert_eq!(news, ["building", "log", "planned"]);
    let end = one.last().unwrap();
    assert_eq!(
        (end["run"].as_u64(), &end["end"]),
        (Some(run), &json!("report"))
    );
    assert_eq!(end["report"]["score"], 100);
    let numbers: Vec<u64> = one.iter().map(|l| l["seq"].as_u64().unwrap()).collect();
    let first = numbers[0];
    assert!(
        numbers.iter().zip(first..).all(|(a, b)| *a == b),
        "{numbers:?}"
    );
}

#[tokio::test]
async fn who_comes_back_loses_nothing() {
    let served = serve().await;
    served.get("/api/exercises/exercise-1").await;
    let mut whole = served.follow(0).await;
    served.check().await;
    for n in 0..30 {
        served.step(Step::News(News::Doing {
            what: n.to_string(),
        }));
    }
    served.step(Step::End(Ok(())));
    let whole = whole.all_until("run-ended").await;
    // Torn off after every single event.
    let mut pieces: Vec<Value> = Vec::new();
    while pieces.last().is_none_or(|l| l["event"] != "run-ended") {
        let after = pieces.last().map_or(0, |l| l["seq"].as_u64().unwrap());
        let mut piece = served.follow(after).await;
        assert!(piece.next().await.unwrap()["hello"].is_string());
        pieces.push(piece.next().await.unwrap());
    }
    assert_eq!(pieces, whole);
}

#[tokio::test]
async fn a_tab_that_comes_late_sees_the_run_from_its_beginning() {
    let served = serve().await;
    served.check().await;
    served.step(Step::News(News::Building {
        what: "prod".into(),
        file: None,
    }));
    let mut early = served.follow(0).await;
    early.until("run").await;
    let state = served.get("/api/state").await.json();
    assert_eq!(state["run"]["exercise"], "exercise-1");
    let first = state["run"]["first_event"].as_u64().unwrap();
    let mut late = served.follow(first - 1).await;
    late.next().await;
    assert_eq!(late.next().await.unwrap()["event"], "run-started");
    assert_eq!(late.next().await.unwrap()["news"], "building");
}

#[tokio::test]
async fn a_newer_check_ends_the_one_before() {
    let served = serve().await;
    let mut events = served.follow(0).await;
    let first = served.check().await;
    events.until("run-started").await;
    let second = served.check().await;
    let end = events.until("run-ended").await;
    assert_eq!(end["run"], first);
    assert_eq!(
        (&end["end"], &end["why"]),
        (&json!("stopped"), &json!("newer-check"))
    );
    assert_eq!(events.until("run-started").await["run"], second);
    served.step(Step::End(Ok(())));
    assert_eq!(events.until("run-ended").await["end"], "report");
    assert_eq!(*served.room.cancelled.lock().unwrap(), 1);
}

#[tokio::test]
async fn many_checks_at_once_leave_one() {
    let served = serve().await;
    let mut events = served.follow(0).await;
    let mut last = 0;
    for _ in 0..10 {
        last = served.check().await;
    }
    served.step(Step::End(Ok(())));
    loop {
        let end = events.until("run-ended").await;
        if end["run"] == last {
            assert_eq!(end["end"], "report");
            break;
        }
        assert_eq!(end["why"], "newer-check", "{end}");
    }
}

#[tokio::test]
async fn stop_stops() {
    let served = serve().await;
    let nothing = served.post("/api/stop", json!({})).await;
    assert_eq!(nothing.json()["run"], json!(null));
    let mut events = served.follow(0).await;
    let run = served.check().await;
    events.until("run-started").await;
    assert_eq!(served.post("/api/stop", json!({})).await.json()["run"], run);
    assert_eq!(events.until("run-ended").await["why"], "asked");
    assert_eq!(served.get("/api/state").await.json()["run"], json!(null));
}

#[tokio::test]
async fn a_fault_of_the_environment_is_no_verdict() {
    let served = serve().await;
    let mut events = served.follow(0).await;
    served.check().await;
    served.step(Step::End(Err(mslab_serve::api::Problem {
        code: mslab_serve::api::Code::Failed,
        message: "no engine answers".into(),
        help: "Start Docker.".into(),
    })));
    let end = events.until("run-ended").await;
    assert_eq!(end["end"], "failed");
    assert_eq!(end["error"]["help"], "Start Docker.");
}

#[tokio::test]
async fn neither_side_overwrites_the_other_unseen() {
    let served = serve().await;
    served.get("/api/exercises/exercise-1").await;
    let mut events = served.follow(0).await;
    let base = revision(&served).await;
    // The page saves, and the other tabs hear of it.
    let saved = served.put("Dockerfile", "FROM a\n", Some(&base)).await;
    assert_eq!(saved.status, 200, "{}", saved.text());
    let mine = saved.json()["revision"].clone();
    let heard = events.until("file").await;
    assert_eq!(
        (&heard["name"], &heard["revision"]),
        (&json!("Dockerfile"), &mine)
    );
    // Another editor saves.
    fs::write(served.dir().join("Dockerfile"), "FROM theirs\n").unwrap();
    let heard = events.until("file").await;
    assert_ne!(heard["revision"], mine);
    // The page, which has not looked, is told instead of obeyed.
    let conflict = served.put("Dockerfile", "FROM b\n", mine.as_str()).await;
    assert_eq!(
        (conflict.status, conflict.code().as_str()),
        (409, "conflict")
    );
    let file = &conflict.json()["file"];
    assert_eq!(file["text"], "FROM theirs\n");
    assert_eq!(file["revision"], heard["revision"]);
    let on_disk = fs::read_to_string(served.dir().join("Dockerfile")).unwrap();
    assert_eq!(on_disk, "FROM theirs\n");
    // Having seen it, the page may.
    let saved = served
        .put("Dockerfile", "FROM b\n", file["revision"].as_str())
        .await;
    assert_eq!(saved.status, 200);
    // Two tabs that begin with the same text: one of them wins, and the other one is told.
    let base = saved.json()["revision"].as_str().unwrap().to_owned();
    let (one, two) = tokio::join!(
        served.put("Dockerfile", "FROM one\n", Some(&base)),
        served.put("Dockerfile", "FROM two\n", Some(&base))
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test]
async fn an_edit_ends_the_run_that_looks_at_it() {
    let served = serve().await;
    served.get("/api/exercises/exercise-1").await;
    let mut events = served.follow(0).await;
    for by_page in [true, false] {
        served.check().await;
        events.until("run-started").await;
        // What was there before the run is no edit.
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert!(served.get("/api/state").await.json()["run"].is_object());
        if by_page {
            let base = revision(&served).await;
            let saved = served.put("Dockerfile", "FROM page\n", Some(&base)).await;
            assert_eq!(saved.status, 200);
        } else {
            // A file of the build context that is not the learner's.
            fs::write(served.dir().join("server.js"), "changed").unwrap();
        }
        assert_eq!(events.until("run-ended").await["why"], "edited");
    }
    // Saving what is there already is no edit.
    served.check().await;
    events.until("run-started").await;
    let base = revision(&served).await;
    served.put("Dockerfile", "FROM page\n", Some(&base)).await;
    served.step(Step::End(Ok(())));
    assert_eq!(events.until("run-ended").await["end"], "report");
}

#[tokio::test]
async fn a_check_right_after_a_save_goes_on() {
    let served = serve().await;
    served.get("/api/exercises/exercise-1").await;
    let mut events = served.follow(0).await;
    for n in 0..3 {
        let base = revision(&served).await;
        served
            .put("Dockerfile", &format!("FROM n{n}\n"), Some(&base))
            .await;
        served.check().await;
        events.until("run-started").await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        served.step(Step::End(Ok(())));
        assert_eq!(events.until("run-ended").await["end"], "report");
    }
}

#[tokio::test]
async fn reset_waits_for_the_run_and_is_told() {
    let served = serve().await;
    served.get("/api/exercises/exercise-1").await;
    let base = revision(&served).await;
    served.put("Dockerfile", "FROM mine\n", Some(&base)).await;
    let mut events = served.follow(0).await;
    served.check().await;
    events.until("run-started").await;
    let reset = served
        .post("/api/exercises/exercise-1/reset", json!({}))
        .await;
    assert_eq!(reset.json()["backup"], "backup");
    assert_eq!(events.until("run-ended").await["why"], "asked");
    events.until("exercise").await;
    let exercise = served.get("/api/exercises/exercise-1").await.json();
    assert_eq!(exercise["files"][0]["text"], "FROM scratch\n");
    // The new folder is watched as the old one was.
    fs::write(served.dir().join("Dockerfile"), "FROM again\n").unwrap();
    let heard = events.until("file").await;
    assert_eq!(heard["name"], "Dockerfile");
}

#[tokio::test]
async fn a_reset_in_the_terminal_reaches_the_page() {
    let served = serve().await;
    served.get("/api/exercises/exercise-1").await;
    let mut events = served
        .follow(
            served.get("/api/state").await.json()["last_event"]
                .as_u64()
                .unwrap(),
        )
        .await;
    let aside = served.root.path().join("workspace/.mslab/old");
    fs::rename(served.dir(), &aside).unwrap();
    fs::create_dir(served.dir()).unwrap();
    fs::write(served.dir().join("Dockerfile"), "FROM starter\n").unwrap();
    events.until("exercise").await;
    let exercise = served.get("/api/exercises/exercise-1").await.json();
    assert_eq!(exercise["files"][0]["text"], "FROM starter\n");
}

#[tokio::test]
async fn progress_in_the_terminal_reaches_the_page() {
    let served = serve().await;
    let mut events = served.follow(0).await;
    *served.room.progress.lock().unwrap() = Progress::Passed;
    let state = served.root.path().join("workspace/.mslab/state.json");
    fs::write(state, "{}").unwrap();
    let progress = events.until("progress").await;
    assert_eq!(progress["exercises"][0]["progress"], "passed");
    assert_eq!(served.get("/api/state").await.json()["passed"], 1);
}

#[tokio::test]
async fn a_report_of_the_terminals_reaches_the_page() {
    let served = serve().await;
    served.get("/api/exercises/exercise-1").await;
    let last = served.get("/api/state").await.json()["last_event"]
        .as_u64()
        .unwrap();
    let mut events = served.follow(last).await;
    let report = served
        .root
        .path()
        .join("workspace/.mslab/reports/exercise-1");
    fs::write(report, "{}").unwrap();
    assert_eq!(events.until("exercise").await["exercise"], "exercise-1");
}

#[tokio::test]
async fn the_end_of_the_server_stops_the_run_and_says_so() {
    let mut served = serve().await;
    let mut events = served.follow(0).await;
    served.check().await;
    events.until("run-started").await;
    served.cancel.cancel();
    assert_eq!(events.until("run-ended").await["why"], "server-ends");
    let ended = tokio::time::timeout(Duration::from_secs(5), &mut served.ended).await;
    ended.expect("it ends soon").unwrap().unwrap();
    assert_eq!(*served.room.cancelled.lock().unwrap(), 1);
    assert!(
        tokio::net::TcpStream::connect(("127.0.0.1", served.port))
            .await
            .is_err()
    );
}
