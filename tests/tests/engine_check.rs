//! The main job on a real engine.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mslab_engine::context::{self, ScanOptions};
use mslab_engine::{BuildEnd, BuildRequest, CancellationToken, Engine};
use mslab_tests::{Sandbox, engine};

fn statuses(report: &serde_json::Value, wanted: &str) -> Vec<String> {
    let checks = report["checks"].as_array().expect("a report has checks");
    checks
        .iter()
        .filter(|c| c["status"] == wanted)
        .map(|c| c["key"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// What a run left on the engine: nothing, if cleaning finds nothing.
fn assert_nothing_left(here: &Sandbox) {
    let clean = here.run_on_engine(&["clean", "--keep-stand-ins"]);
    assert!(
        clean
            .stdout
            .contains("removed 0 containers and 0 image names"),
        "{clean:?}"
    );
}

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
    let here = Sandbox::workspace();
    let dir = here.path().join("exercise-05-go-scratch");
    std::fs::write(
        dir.join("Dockerfile"),
        "FROM alpine:3.22 AS production\nRUN sleep 600\n",
    )
    .unwrap();
    let mut command = here.command(&["check", "exercise-5"]);
    command
        .env("DOCKER_HOST", engine())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("mslab can be started");
    std::thread::sleep(Duration::from_secs(3));
    let status = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill can be run");
    assert!(status.success());
    let begun = Instant::now();
    let code = child.wait().expect("it ends").code();
    assert_eq!(code, Some(130));
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "it took {:?}",
        begun.elapsed()
    );
    assert_nothing_left(&here);
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
