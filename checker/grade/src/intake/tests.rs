//! Folders and archives as they come in, and as somebody who means harm would make them.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};

use super::*;
use crate::submission::tests::lab;

const DOCKERFILE: &str = "FROM node:24\nCMD [\"node\"]\n";

fn labs() -> Vec<Trusted> {
    vec![lab("02-test-stage"), lab("05-go-scratch")]
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Reads the one student in `root`.
fn read(root: &Path, only: Option<usize>, limits: Limits) -> Vec<Received> {
    let labs = labs();
    let found = students(root).unwrap();
    assert_eq!(found.students.len(), 1, "{found:?}");
    Intake::new(&labs, only, limits).read(&found.students[0])
}

fn read_one(root: &Path, only: Option<usize>) -> What {
    let mut all = read(root, only, Limits::default());
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0).what
}

fn submission(what: What) -> Submission {
    match what {
        What::Submission(submission) => submission,
        other => panic!("{other:?}"),
    }
}

fn refused(what: What) -> String {
    match what {
        What::Refused(reason) => reason,
        other => panic!("{other:?}"),
    }
}

fn unplaced(what: What) -> String {
    match what {
        What::Unplaced(reason) => reason,
        other => panic!("{other:?}"),
    }
}

fn tar_with(fill: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    fill(&mut builder);
    builder.into_inner().unwrap()
}

/// Adds an entry under a name that the library would refuse to write.
fn add(builder: &mut tar::Builder<Vec<u8>>, name: &str, kind: EntryType, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    if kind.is_symlink() {
        header.set_link_name("/etc/passwd").unwrap();
    }
    header.set_cksum();
    builder.append(&header, content).unwrap();
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip_with(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    for (name, content) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn folders_are_placed_by_every_name_an_exercise_has() {
    for name in [
        "exercise-5",
        "5",
        "go-scratch",
        "05-go-scratch",
        "exercise-05-go-scratch",
    ] {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &format!("ann/{name}/Dockerfile"), DOCKERFILE);
        let all = read(root.path(), None, Limits::default());
        assert_eq!(all[0].lab, Some(1), "{name}");
        let submission = submission(all[0].what.clone());
        assert_eq!(submission.student, "ann");
        assert_eq!(submission.files["Dockerfile"].bytes, DOCKERFILE.as_bytes());
    }
}

#[test]
fn one_folder_around_everything_is_looked_through() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        "ann/repo-main/exercise-2/Dockerfile",
        DOCKERFILE,
    );
    write(
        root.path(),
        "ann/repo-main/exercise-5/Dockerfile",
        DOCKERFILE,
    );
    let all = read(root.path(), None, Limits::default());
    assert_eq!(
        all.iter().map(|r| r.lab).collect::<Vec<_>>(),
        [Some(0), Some(1)]
    );
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "ann/anything/Dockerfile", DOCKERFILE);
    submission(read_one(root.path(), Some(1)));
    assert!(unplaced(read_one(root.path(), None)).contains("it holds anything"));
}

#[test]
fn only_what_learners_may_change_is_taken_and_the_rest_is_noted() {
    let root = tempfile::tempdir().unwrap();
    let file = |path: &str, text: &str| write(root.path(), &format!("ann/5/{path}"), text);
    file("Dockerfile", DOCKERFILE);
    file("conf/a.conf", "a");
    file("package.json", "{\"x\":1}\n");
    file("src/app.js", "1\n");
    file("lab.toml", "points = 100\n");
    file("notes.txt", "mine");
    file("node_modules/x/index.js", "left behind by a tool");
    let submission = submission(read_one(root.path(), None));
    assert_eq!(
        submission.files.keys().collect::<Vec<_>>(),
        ["Dockerfile", "conf/a.conf"]
    );
    assert_eq!(
        submission.notes,
        [
            "brings its own lab.toml: graded with the lab's",
            "differs from the lab's own: package.json; graded with the lab's",
            "1 further file not taken: notes.txt",
        ]
    );
}

#[test]
fn an_untouched_starter_is_said_to_be_one() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        "ann/5/Dockerfile",
        "FROM node\nCMD [\"node\"]\n",
    );
    write(root.path(), "ann/5/.dockerignore", "node_modules\n");
    let notes = submission(read_one(root.path(), None)).notes;
    assert_eq!(notes, ["unchanged from the starter"]);
}

#[test]
fn what_cannot_be_placed_is_named() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "ann/5/Dockerfile", DOCKERFILE);
    write(root.path(), "ann/go-scratch/Dockerfile", DOCKERFILE);
    assert!(unplaced(read_one(root.path(), None)).contains("several folders"));
    write(root.path(), "notes.txt", "x");
    write(root.path(), ".hidden", "x");
    assert_eq!(students(root.path()).unwrap().strays, ["notes.txt"]);
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "ann/5/readme.txt", "");
    assert!(unplaced(read_one(root.path(), None)).contains("nothing of what"));
    fs::write(
        root.path().join("ann.zip"),
        zip_with(&[("5/Dockerfile", b"")]),
    )
    .unwrap();
    assert!(unplaced(read_one(root.path(), None)).contains("handed in 2 times: ann, ann.zip"));
}

#[test]
fn archives_are_read_like_folders() {
    let tar = tar_with(|b| {
        add(b, "./repo/", EntryType::Directory, b"");
        add(
            b,
            "./repo/5/Dockerfile",
            EntryType::Regular,
            DOCKERFILE.as_bytes(),
        );
    });
    let zip = zip_with(&[("repo/5/Dockerfile", DOCKERFILE.as_bytes())]);
    for (name, bytes) in [
        ("ann.tar", tar.clone()),
        ("ann.tar.gz", gzip(&tar)),
        ("ann.TGZ", gzip(&tar)),
        ("ann.zip", zip),
    ] {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(name), bytes).unwrap();
        let submission = submission(read_one(root.path(), None));
        assert_eq!(submission.student, "ann", "{name}");
        assert_eq!(submission.files["Dockerfile"].bytes, DOCKERFILE.as_bytes());
    }
}

#[test]
fn long_names_are_read_within_limits() {
    let deep = format!("repo/5/conf/{}/a.conf", "n".repeat(120));
    let tar = tar_with(|b| {
        let mut header = Header::new_gnu();
        header.set_size(1);
        header.set_mode(0o644);
        b.append_data(&mut header, &deep, &b"x"[..]).unwrap();
    });
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("ann.tar"), tar).unwrap();
    assert_eq!(submission(read_one(root.path(), None)).files.len(), 1);
    let bomb = tar_with(|b| add(b, "x", EntryType::GNULongName, &vec![b'a'; 1 << 20]));
    fs::write(root.path().join("ann.tar"), bomb).unwrap();
    assert!(refused(read_one(root.path(), None)).contains("name"));
    let pax = tar_with(|b| {
        add(b, "x", EntryType::XHeader, b"21 path=5/Dockerfile\n");
        add(b, "y", EntryType::Regular, DOCKERFILE.as_bytes());
    });
    fs::write(root.path().join("ann.tar"), pax).unwrap();
    assert_eq!(submission(read_one(root.path(), None)).files.len(), 1);
    let huge = tar_with(|b| add(b, "x", EntryType::XHeader, b"16 size=9999999\n"));
    fs::write(root.path().join("ann.tar"), huge).unwrap();
    assert!(refused(read_one(root.path(), None)).contains("8 GB"));
}

#[test]
fn names_that_lead_out_are_noted_and_never_taken() {
    let tar = tar_with(|b| {
        add(b, "5/Dockerfile", EntryType::Regular, DOCKERFILE.as_bytes());
        add(b, "../ben/5/Dockerfile", EntryType::Regular, b"FROM x\n");
        add(b, "/etc/cron.d/x", EntryType::Regular, b"x");
        add(b, "5/\u{1b}[2J", EntryType::Regular, b"x");
    });
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("ann.tar"), tar).unwrap();
    let submission = submission(read_one(root.path(), None));
    assert_eq!(submission.files.len(), 1);
    assert!(
        submission.notes[0].starts_with("3 names not taken"),
        "{:?}",
        submission.notes
    );
    assert!(submission.notes[0].contains("\\u{1b}[2J"));
    assert!(!root.path().join("ben").exists());
}

#[test]
fn a_link_or_a_device_is_no_dockerfile() {
    for (kind, what) in [
        (EntryType::Symlink, "a link"),
        (EntryType::Link, "a link"),
        (EntryType::Fifo, "a device"),
        (EntryType::Char, "a device"),
    ] {
        let tar = tar_with(|b| add(b, "5/Dockerfile", kind, b""));
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("ann.tar"), tar).unwrap();
        assert!(refused(read_one(root.path(), None)).contains(what));
    }
}

#[cfg(unix)]
#[test]
fn links_on_disk_are_not_followed() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "ann/5/conf/a", "a");
    symlink("/etc/passwd", root.path().join("ann/5/Dockerfile")).unwrap();
    assert!(refused(read_one(root.path(), None)).contains("Dockerfile is a link"));
    let root = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    write(elsewhere.path(), "Dockerfile", DOCKERFILE);
    fs::create_dir(root.path().join("ann")).unwrap();
    symlink(elsewhere.path(), root.path().join("ann/5")).unwrap();
    unplaced(read_one(root.path(), None));
    // A student who is a link to another one is a stray.
    symlink(root.path().join("ann"), root.path().join("ben")).unwrap();
    assert_eq!(students(root.path()).unwrap().strays, ["ben"]);
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_survive_as_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let root = tempfile::tempdir().unwrap();
    let student = root
        .path()
        .join(std::ffi::OsStr::from_bytes(b"a\xff\x1b[31m"));
    fs::create_dir_all(student.join("5")).unwrap();
    fs::write(student.join("5/Dockerfile"), DOCKERFILE).unwrap();
    fs::write(student.join(std::ffi::OsStr::from_bytes(b"5/\xfe")), "x").unwrap();
    let submission = submission(read_one(root.path(), None));
    assert_eq!(submission.student, "a\\xff\\u{1b}[31m");
    assert!(submission.notes[0].contains("5/\\xfe"));
}

#[cfg(unix)]
#[test]
fn fifos_do_not_stop_the_reading() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "ann/5/Dockerfile", DOCKERFILE);
    let made = std::process::Command::new("mkfifo")
        .arg(root.path().join("ann/5/conf"))
        .status();
    assert!(made.unwrap().success());
    assert!(refused(read_one(root.path(), None)).contains("FIFO"));
}

#[test]
fn bombs_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    let zeros = vec![0; 2 << 20];
    let limits = Limits {
        ratio_from: 1 << 20,
        ..Limits::default()
    };
    let tar = tar_with(|b| add(b, "5/zeros", EntryType::Regular, &zeros));
    fs::write(path("ann.tar.gz"), gzip(&tar)).unwrap();
    assert!(refused(read(root.path(), None, limits)[0].what.clone()).contains("bomb"));
    fs::remove_file(path("ann.tar.gz")).unwrap();
    fs::write(path("ann.zip"), zip_with(&[("5/zeros", &zeros)])).unwrap();
    assert!(refused(read(root.path(), None, limits)[0].what.clone()).contains("bomb"));
    let many: Vec<String> = (0..50).map(|n| format!("5/{n}")).collect();
    let files: Vec<(&str, &[u8])> = many.iter().map(|n| (n.as_str(), &b""[..])).collect();
    fs::write(path("ann.zip"), zip_with(&files)).unwrap();
    let limits = Limits {
        entries: 10,
        ..Limits::default()
    };
    let all = read(root.path(), None, limits);
    assert!(refused(all[0].what.clone()).contains("more than 10"));
    let limits = Limits {
        archive_bytes: 10,
        ..Limits::default()
    };
    assert!(refused(read(root.path(), None, limits)[0].what.clone()).contains("at most"));
}

#[test]
fn large_files_are_refused() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "ann/5/Dockerfile", &"#".repeat(10 << 20));
    assert!(refused(read_one(root.path(), None)).contains("Dockerfile has more than"));
    let root = tempfile::tempdir().unwrap();
    for n in 0..5 {
        write(
            root.path(),
            &format!("ann/5/conf/{n}"),
            &"#".repeat(1_000_000),
        );
    }
    assert!(refused(read_one(root.path(), None)).contains("together"));
}

#[test]
fn a_damaged_archive_is_not_graded() {
    let root = tempfile::tempdir().unwrap();
    let tar = tar_with(|b| add(b, "5/Dockerfile", EntryType::Regular, DOCKERFILE.as_bytes()));
    let mut broken = gzip(&tar);
    broken.truncate(broken.len() / 2);
    fs::write(root.path().join("ann.tar.gz"), broken).unwrap();
    assert!(unplaced(read_one(root.path(), None)).contains("damaged"));
    fs::remove_file(root.path().join("ann.tar.gz")).unwrap();
    fs::write(root.path().join("ann.zip"), b"no zip at all").unwrap();
    assert!(unplaced(read_one(root.path(), None)).contains("damaged"));
}

#[test]
fn the_same_work_has_the_same_digest() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "ann/5/Dockerfile", DOCKERFILE);
    let first = submission(read_one(root.path(), None)).digest();
    write(root.path(), "ann/5/notes.txt", "does not count");
    assert_eq!(submission(read_one(root.path(), None)).digest(), first);
    write(root.path(), "ann/5/.dockerignore", "x\n");
    assert_ne!(submission(read_one(root.path(), None)).digest(), first);
}
