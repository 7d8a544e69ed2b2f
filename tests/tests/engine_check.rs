//! The main job on a real engine.

mod left;

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use mslab_engine::context::{self, ScanOptions};
use mslab_engine::{BuildEnd, BuildRequest, CancellationToken, Engine};
use mslab_tests::{Heard, Sandbox, engine, signal, statuses};

use left::left_by;

#[test]
fn engine_go_lab_fails_with_fixes_then_passes() {
    let here = Sandbox::workspace();
    let run = here.run_on_engine(&["check", "exercise-5", "--format", "json"]);
    assert_eq!(run.code, 1, "{run:?}");
    let report = run.json();
    assert!(
        statuses(&report, "failed").contains(&"static".to_owned()),
        "{report}"
    );
    assert!(statuses(&report, "error").is_empty(), "{report}");
    here.lay_over("05-go-scratch", "solution");
    let run = here.run_on_engine(&["check", "exercise-5", "--format", "json"]);
    assert_eq!(run.code, 0, "{run:?}");
    let report = run.json();
    assert_eq!(report["score"], 100);
    assert_eq!(report["partial"], false);
    assert!(
        report["builds"][0]["size"]["unpacked_bytes"]
            .as_u64()
            .unwrap()
            > 1_000_000
    );
    assert!(here.run(&["list"]).stdout.contains("✓ passed"));
}

#[test]
fn engine_ctrl_c_stops_the_build_and_leaves_nothing() {
    stops_on("INT");
}

#[test]
fn engine_sigterm_stops_the_build_and_leaves_nothing() {
    stops_on("TERM");
}

fn stops_on(name: &str) {
    let here = Sandbox::workspace();
    let dir = here.path().join("exercise-05-go-scratch");
    std::fs::write(
        dir.join("Dockerfile"),
        format!("FROM alpine:3.22 AS production\nRUN true\nRUN sleep 600 # {name}\n"),
    )
    .unwrap();
    let mut command = here.command(&["check", "exercise-5", "--verbose"]);
    command
        .env("DOCKER_HOST", engine())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("mslab can be started");
    let said = Heard::listen(child.stderr.take().expect("it is piped"));
    said.wait_for("RUN true");
    signal(name, &child);
    let begun = Instant::now();
    let code = child.wait().expect("it ends").code();
    assert_eq!(code, Some(130));
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "it took {:?}",
        begun.elapsed()
    );
    assert_eq!(left_by(child.id()), [""; 0]);
}

#[test]
fn engine_image_and_archive_are_judged_without_a_build() {
    let here = Sandbox::workspace();
    here.lay_over("05-go-scratch", "solution");
    let folder = here.path().join("exercise-05-go-scratch");
    let archive = here.path().join("image.tar");
    let (run, from_file) = with_image(&folder, &archive, |tag| {
        let run = here.run_on_engine(&["check", "exercise-5", "--image", tag, "--format", "json"]);
        (
            run,
            here.run(&[
                "check",
                "exercise-5",
                "--archive",
                "image.tar",
                "--format",
                "json",
            ]),
        )
    });
    assert_eq!((run.code, from_file.code), (0, 0), "{run:?}\n{from_file:?}");
    for (report, probed) in [(run.json(), true), (from_file.json(), false)] {
        assert_eq!(report["partial"], true);
        let passed = statuses(&report, "passed");
        assert!(
            passed.contains(&"static".to_owned()) && passed.contains(&"no-shell".to_owned()),
            "{report}"
        );
        assert_eq!(passed.contains(&"http".to_owned()), probed, "{report}");
    }
}

/// Builds a folder as a learner would by hand, saves the image to `archive`, and removes it after `work`.
fn with_image<T>(folder: &Path, archive: &Path, work: impl FnOnce(&str) -> T) -> T {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let tag = format!("mslab-test/by-hand:{}", std::process::id());
    let engine = runtime.block_on(async {
        let engine = Engine::at(&engine()).await.expect("the engine answers");
        let context =
            context::scan(folder, &ScanOptions::default()).expect("the folder can be sent");
        let dockerfile = std::fs::read(folder.join("Dockerfile")).expect("there is a Dockerfile");
        let mut request = BuildRequest::new(
            context::pack(&context, "Dockerfile", &dockerfile).expect("it can be packed"),
        );
        request.tag = Some(tag.clone());
        for (name, stand_in) in [(
            "golang:1.27-alpine",
            "mslab.local/stand-in/golang:1.27-alpine",
        )] {
            if !engine.image_exists(name).await.expect("the engine answers") {
                request.named_contexts.insert(name.into(), stand_in.into());
            }
        }
        let end = engine
            .build(&request, &|_| {}, &CancellationToken::new())
            .await
            .expect("the engine builds");
        assert!(matches!(end, BuildEnd::Built(_)), "{end:?}");
        engine
    });
    let _context = runtime.enter();
    let mut reader = engine.export(&[&tag]);
    let to = archive.to_owned();
    runtime.block_on(async {
        let copying = tokio::task::spawn_blocking(move || {
            std::io::copy(
                &mut reader,
                &mut std::fs::File::create(to).expect("a file can be made"),
            )
        });
        copying
            .await
            .expect("no panic")
            .expect("the image can be saved")
    });
    let result = work(&tag);
    runtime
        .block_on(engine.remove_image(&tag, true))
        .expect("the image can be removed");
    result
}

#[test]
fn engine_two_checks_at_once_do_not_harm_each_other() {
    let here = Sandbox::workspace();
    here.lay_over("05-go-scratch", "solution");
    let runs = std::thread::scope(|scope| {
        let both = [(); 2].map(|()| {
            scope.spawn(|| here.run_on_engine(&["check", "exercise-5", "--format", "json"]))
        });
        both.map(|t| t.join().expect("no panic"))
    });
    for run in runs {
        assert_eq!(run.code, 0, "{run:?}");
    }
}

#[test]
fn engine_stand_ins_are_named_in_the_report() {
    let here = Sandbox::workspace();
    let report = here
        .run_on_engine(&["check", "exercise-5", "--format", "json"])
        .json();
    let images = here.run_on_engine(&["images", "list"]).stdout;
    if images.contains("≈ stand-in") {
        assert!(
            !report["stand_ins"].as_array().unwrap().is_empty(),
            "{report}"
        );
    }
}

#[test]
fn engine_a_save_during_a_build_starts_over() {
    let here = Sandbox::workspace();
    let dockerfile = here.exercise("05-go-scratch").join("Dockerfile");
    let write = |text: &str| std::fs::write(&dockerfile, text).expect("it can be saved");
    write("FROM alpine:3.22 AS production\nRUN true\nRUN sleep 601\n");
    let mut command = here.command(&["watch", "exercise-5", "--verbose"]);
    command
        .env("DOCKER_HOST", engine())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("mslab can be started");
    let verdicts = Heard::listen(child.stdout.take().expect("it is piped"));
    let said = Heard::listen(child.stderr.take().expect("it is piped"));
    said.wait_for("RUN true");
    write("FROM alpine:3.22 AS production\nRUN sleep 602\n");
    std::thread::sleep(Duration::from_millis(50));
    write("FROM scratch AS production\nCOPY --chown=65532 main.go /\nUSER 65532\n");
    said.wait_for("saved: starting over");
    said.wait_for("watching ");
    let text = verdicts.text();
    assert!(
        text.contains("✗ stages") && text.contains("✓ scratch"),
        "{text}"
    );
    assert!(!said.text().contains("sleep 602"), "{}", said.text());
    signal("INT", &child);
    let code = child.wait().expect("it ends").code();
    assert_eq!(code, Some(130), "{}", said.text());
    assert_eq!(left_by(child.id()), [""; 0]);
}
