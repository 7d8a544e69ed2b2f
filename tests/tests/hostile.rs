//! Folders that mean harm, or that an accident made: a clear answer with the right exit code, and no hang.
#![cfg(target_os = "linux")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use mslab_core::report;
use mslab_tests::{Run, Sandbox, classroom50, statuses};

const LAB: &str = "05-go-scratch";

fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.expect("mkfifo can be run").success());
}

/// Folders in folders. The path is longer than the system takes at once where `levels` is large, so each is made from
/// the inside out.
fn deep(folder: &Path, levels: usize) {
    let aside = folder.with_extension("aside");
    fs::create_dir_all(aside.join("d")).unwrap();
    for _ in 1..levels {
        let outer = folder.with_extension("outer");
        fs::create_dir(&outer).unwrap();
        fs::rename(aside.join("d"), outer.join("d")).unwrap();
        fs::rename(outer, aside.join("d")).unwrap();
    }
    fs::rename(aside.join("d"), folder.join("d")).unwrap();
    fs::remove_dir(aside).unwrap();
}

fn quick(here: &Sandbox, args: &[&str]) -> Run {
    let begun = Instant::now();
    let run = here.run(args);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{args:?}: {run:?}"
    );
    run
}

#[test]
fn text_is_judged_whatever_lies_beside_it() {
    let here = Sandbox::workspace();
    let folder = here.exercise(LAB);
    fifo(&folder.join("pipe"));
    deep(&folder, 300);
    symlink("/etc/passwd", folder.join("outside")).unwrap();
    symlink(".", folder.join("loop")).unwrap();
    fs::write(folder.join(OsStr::from_bytes(b"\xff\xfe")), "").unwrap();
    let run = quick(&here, &["check", "5", "--static", "--format", "json"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(
        statuses(&run.json(), "failed"),
        ["stages", "scratch", "exec-form"]
    );
}

#[test]
fn a_dockerfile_that_is_no_file_is_none() {
    type Make = fn(&Path);
    let kinds: [(&str, Make); 3] = [
        ("fifo", fifo),
        ("folder", |p| fs::create_dir(p).unwrap()),
        ("link", |p| symlink("/etc/passwd", p).unwrap()),
    ];
    for (kind, make) in kinds {
        let here = Sandbox::workspace();
        let dockerfile = here.exercise(LAB).join("Dockerfile");
        fs::remove_file(&dockerfile).unwrap();
        make(&dockerfile);
        let run = quick(&here, &["check", "5", "--static"]);
        assert_eq!(run.code, 1, "{kind}: {run:?}");
        assert!(
            run.stdout.contains("there is no Dockerfile"),
            "{kind}: {run:?}"
        );
        assert!(!run.stdout.contains("root:"), "{kind}: {run:?}");
    }
}

#[test]
fn bytes_that_are_no_text_do_not_reach_the_terminal() {
    let here = Sandbox::new();
    fs::write(
        here.path().join("D"),
        b"FROM \x1b[31mred\x1b]0;title\x07\xff\xfe\nRUN \xff\x00\n",
    )
    .unwrap();
    for format in report::OUTPUTS.iter().map(|o| o.name) {
        let mut command = here.command(&["check", "--file", "D", "--format", format]);
        let run: Run = classroom50(&mut command).output().unwrap().into();
        assert!(matches!(run.code, 0 | 1), "{run:?}");
        let unsafe_bytes = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        assert!(
            !run.stdout.contains(unsafe_bytes),
            "{format}: {:?}",
            run.stdout
        );
    }
}

#[test]
fn engine_what_cannot_be_sent_is_named_with_what_to_do() {
    type Make = fn(&Path);
    let kinds: [(Make, &str, &str); 3] = [
        (
            |f| fifo(&f.join("pipe")),
            "pipe is a device, a FIFO or a socket",
            ".dockerignore",
        ),
        (
            |f| fs::write(f.join(OsStr::from_bytes(b"\xff\xfe")), "").unwrap(),
            "has a name that is not UTF-8",
            ".dockerignore",
        ),
        (
            |f| deep(f, 300),
            "the build context has more than",
            ".dockerignore",
        ),
    ];
    for (make, message, help) in kinds {
        let here = Sandbox::workspace();
        make(&here.exercise(LAB));
        let begun = Instant::now();
        let run = here.run_on_engine(&["check", "5", "--format", "json"]);
        assert!(begun.elapsed() < Duration::from_secs(30), "{run:?}");
        assert_eq!(run.code, 1, "{run:?}");
        let report = run.json();
        let checks = report["checks"].as_array().unwrap();
        let builds = checks.iter().find(|c| c["key"] == "builds").unwrap();
        assert!(
            builds["message"].as_str().unwrap().contains(message),
            "{builds}"
        );
        assert!(builds["help"].as_str().unwrap().contains(help), "{builds}");
    }
}

/// A link is sent as a link: inside the image it means the image's file, and the host's is never read.
#[test]
fn engine_a_link_out_of_the_folder_shows_nothing_of_the_host() {
    let here = Sandbox::workspace();
    let folder = here.exercise(LAB);
    let secret = here.path().join("secret.txt");
    fs::write(&secret, "of-the-host-alone").unwrap();
    symlink(&secret, folder.join("outside")).unwrap();
    fs::write(
        folder.join("Dockerfile"),
        "FROM alpine:3.22 AS production\nCOPY outside /outside\n",
    )
    .unwrap();
    let run = here.run_on_engine(&["check", "5", "--no-run", "--format", "json"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(!run.stdout.contains("of-the-host-alone"), "{run:?}");
}
