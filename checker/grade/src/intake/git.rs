//! Which commit a git checkout is at. Nothing is run, and no link is followed.

use std::fs;
use std::io::Read as _;
use std::path::Path;

/// The commit that the work tree `dir` is at; `None` where it is no checkout or does not say.
pub(super) fn commit(dir: &Path) -> Option<String> {
    let git = dir.join(".git");
    let real_folder = |p: &Path| fs::symlink_metadata(p).is_ok_and(|m| m.is_dir());
    if !real_folder(&git) {
        return None;
    }
    let head = small(&git.join("HEAD"), 1024)?;
    let head = head.trim();
    let Some(name) = head.strip_prefix("ref: ") else {
        return is_commit(head).then(|| head.to_owned());
    };
    let inside = name.starts_with("refs/")
        && name
            .split('/')
            .all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']));
    if !inside {
        return None;
    }
    let loose = || {
        let mut at = git.clone();
        for part in name.split('/') {
            at = real_folder(&at).then(|| at.join(part))?;
        }
        let commit = small(&at, 1024)?.trim().to_owned();
        is_commit(&commit).then_some(commit)
    };
    loose().or_else(|| {
        let packed = small(&git.join("packed-refs"), 16 << 20)?;
        packed.lines().find_map(|line| {
            let (commit, of) = line.split_once(' ')?;
            (of == name && is_commit(commit)).then(|| commit.to_owned())
        })
    })
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn small(path: &Path, most: u64) -> Option<String> {
    if !fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    let file = fs::File::open(path).ok()?;
    file.take(most).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn checkout(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(".git").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn the_commit_is_read_from_wherever_git_keeps_it() {
        let loose = checkout(&[
            ("HEAD", "ref: refs/heads/main\n"),
            ("refs/heads/main", COMMIT),
        ]);
        assert_eq!(commit(loose.path()).as_deref(), Some(COMMIT));
        let packed = checkout(&[
            ("HEAD", "ref: refs/heads/main\n"),
            (
                "packed-refs",
                &format!("# pack-refs\n{COMMIT} refs/heads/main\n"),
            ),
        ]);
        assert_eq!(commit(packed.path()).as_deref(), Some(COMMIT));
        let detached = checkout(&[("HEAD", COMMIT)]);
        assert_eq!(commit(detached.path()).as_deref(), Some(COMMIT));
    }

    #[test]
    fn a_hostile_checkout_names_no_other_file() {
        let out = checkout(&[("HEAD", "ref: refs/../../../secret\n")]);
        fs::write(out.path().join("secret"), COMMIT).unwrap();
        assert_eq!(commit(out.path()), None);
        let no_commit = checkout(&[("HEAD", "<script>\n")]);
        assert_eq!(commit(no_commit.path()), None);
        assert_eq!(commit(tempfile::tempdir().unwrap().path()), None);
    }
}
