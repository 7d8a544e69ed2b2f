//! How much a running build has written: measured where the engine keeps it, because no engine limits it.
//!
//! A `RUN` writes into the upper folder of its overlay, and into its cache mounts. Both are found in the mounts of the
//! container's own processes. What `COPY` writes has no process; the free space that is left shows it.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

/// A file or folder takes at least this much, in bytes: a disk has only so many of them.
const ENTRY: u64 = 1_024;
/// Folders inside each other that are looked into.
const DEPTH: usize = 256;
/// File systems that hold no files of the disk's.
const NO_DISK: [&str; 8] = [
    "proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "devtmpfs",
];

/// What was measured of one build: for each place the most that it held.
#[derive(Debug, Default)]
pub(super) struct Written {
    places: HashMap<String, u64>,
}

/// A place that a container writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// The same place has the same name in every container.
    name: String,
    /// Where it is from here.
    path: PathBuf,
}

impl Written {
    /// Measures what these containers, each named by one of its processes, have written, and gives the sum so far.
    /// Stops at `limit`. `engine` is the root folder of the engine, as this machine sees it.
    pub(super) fn measure(&mut self, containers: &[u32], engine: &Path, limit: u64) -> u64 {
        for pid in containers {
            let Ok(text) = fs::read_to_string(format!("/proc/{pid}/mountinfo")) else {
                continue;
            };
            let root = PathBuf::from(format!("/proc/{pid}/root"));
            // A container that is just being made still has the engine's own root, with all that the engine has.
            if is_same(&root, engine) {
                continue;
            }
            for place in places(&text, engine, &root) {
                let mut left = limit.saturating_add(1);
                weigh(&place.path, DEPTH, &mut left);
                let bytes = limit.saturating_add(1) - left;
                let most = self.places.entry(place.name).or_default();
                *most = bytes.max(*most);
            }
        }
        self.places.values().fold(0, |a, b| a.saturating_add(*b))
    }
}

/// None as long as the container's root is not its own alone: until then the engine's mounts are among its own.
fn places(mountinfo: &str, engine: &Path, container: &Path) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let mut roots = mountinfo
        .lines()
        .filter(|l| l.split(' ').nth(4) == Some("/"));
    let own = roots.next().is_some_and(|l| l.contains(" - overlay "));
    if !own || roots.next().is_some() {
        return places;
    }
    for line in mountinfo.lines() {
        let Some((front, back)) = line.split_once(" - ") else {
            continue;
        };
        let front: Vec<&str> = front.split(' ').collect();
        let back: Vec<&str> = back.split(' ').collect();
        let ([_, _, device, root, at, options, ..], [kind, _, own, ..]) = (&front[..], &back[..])
        else {
            continue;
        };
        let writable = |o: &str| o.split(',').any(|o| o == "rw");
        if !writable(options) || NO_DISK.contains(kind) {
            continue;
        }
        let below = |base: &Path, path: PathBuf| match path.strip_prefix("/") {
            Ok(relative) => base.join(relative),
            Err(_) => base.join(path),
        };
        let place = if *kind == "overlay" {
            let Some(upper) = own.split(',').find_map(|o| o.strip_prefix("upperdir=")) else {
                continue;
            };
            Place {
                name: upper.to_owned(),
                path: below(engine, unescaped(upper)),
            }
        } else {
            Place {
                name: format!("{device} {root}"),
                path: below(container, unescaped(at)),
            }
        };
        if !places.iter().any(|p| p.name == place.name) {
            places.push(place);
        }
    }
    places
}

/// Takes from `left` what lies below `path`: what it occupies, or what it would occupy in a layer, which has no holes.
fn weigh(path: &Path, depth: usize, left: &mut u64) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if *left == 0 {
            return;
        }
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let length = if metadata.is_file() {
            metadata.len()
        } else {
            0
        };
        *left = left.saturating_sub(occupied(&metadata).max(length).max(ENTRY));
        if metadata.is_dir() && depth > 0 {
            weigh(&entry.path(), depth - 1, left);
        }
    }
}

/// A path as the kernel writes it in its tables, where a space is `\040`.
pub(super) fn unescaped(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let octal = tail.get(..3).filter(|_| *first == b'\\');
        let octal = octal.and_then(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 8).ok());
        bytes.push(octal.unwrap_or(*first));
        rest = if octal.is_some() { &tail[3..] } else { tail };
    }
    PathBuf::from(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(unix)]
fn is_same(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => true,
    }
}

#[cfg(not(unix))]
fn is_same(_: &Path, _: &Path) -> bool {
    true
}

#[cfg(unix)]
fn occupied(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata).saturating_mul(512)
}

#[cfg(not(unix))]
fn occupied(metadata: &Metadata) -> u64 {
    metadata.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_writes_to_its_upper_folders_and_its_cache_mounts() {
        let text = "\
            900 800 0:70 / / rw,relatime - overlay overlay rw,lowerdir=l/A:l/B,upperdir=/var/lib/docker/overlay2/x/diff,workdir=/var/lib/docker/overlay2/x/work\n\
            901 900 0:71 / /proc rw - proc proc rw\n\
            902 900 0:72 / /dev/shm rw - tmpfs shm rw\n\
            903 900 254:0 /data/cache /root/.npm\\040x rw - ext4 /dev/vda rw\n\
            904 900 254:0 /data/hosts /etc/hosts ro - ext4 /dev/vda rw\n";
        let found = places(text, Path::new("/proc/7/root"), Path::new("/proc/9/root"));
        let paths: Vec<_> = found.iter().map(|p| p.path.to_str().unwrap()).collect();
        assert_eq!(
            paths,
            [
                "/proc/7/root/var/lib/docker/overlay2/x/diff",
                "/proc/9/root/root/.npm x"
            ]
        );
    }

    #[test]
    fn what_is_the_engines_is_not_the_builds() {
        let overlay = "900 800 0:70 / / rw - overlay overlay rw,lowerdir=l/A,upperdir=/x/diff,workdir=/x/work\n";
        let engine = "\
            700 600 254:0 /roots/forky / rw - ext4 /dev/vda rw\n\
            701 700 254:0 /data/28 /var/lib/docker rw - ext4 /dev/vda rw\n";
        let count = |text: &str| places(text, Path::new("/e"), Path::new("/c")).len();
        assert_eq!(count(overlay), 1);
        // Before the container has its root, and in the moment in which it has both.
        assert_eq!(count(engine), 0);
        assert_eq!(count(&format!("{overlay}{engine}")), 0);
        assert_eq!(count(&format!("{engine}{overlay}")), 0);
    }

    #[cfg(unix)]
    #[test]
    fn holes_and_empty_files_have_a_weight() {
        let dir = tempfile::tempdir().unwrap();
        fs::File::create(dir.path().join("hole"))
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
        let mut left = 1 << 41;
        weigh(dir.path(), DEPTH, &mut left);
        assert_eq!(left, (1 << 41) - (1 << 40));
        std::os::unix::fs::symlink("/", dir.path().join("out")).unwrap();
        let mut left = 1 << 41;
        weigh(dir.path(), DEPTH, &mut left);
        assert_eq!(left, (1 << 41) - (1 << 40) - ENTRY);
    }
}
