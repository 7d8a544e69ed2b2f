//! A control group of mslab's own, in the kernel's first version of them (a tree for each controller) or the second.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{FenceError, Limits};

/// The group in which all of mslab's lie, at the top of every hierarchy.
const PARENT: &str = "mslab-hold";
/// The kernel counts processors' time in parts of so many microseconds.
const PERIOD: u64 = 100_000;
/// So many at most: more builds at the same time are none that anybody wants.
const MOST: usize = 1_000;
/// How often, and how long apart, removing a group is tried: the kernel needs a moment to let go.
const TRIES: u32 = 100;
const BETWEEN: Duration = Duration::from_millis(20);

/// The mounted hierarchies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hierarchies {
    mounts: Vec<Mount>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    at: PathBuf,
    /// Of the first version; empty for the second.
    controllers: Vec<String>,
    second: bool,
}

impl Hierarchies {
    pub(super) fn here() -> Result<Self, FenceError> {
        let text = fs::read_to_string("/proc/self/mountinfo")
            .map_err(|_| FenceError::new("this machine has no Linux control groups"))?;
        Ok(Self::read(&text))
    }

    fn read(mountinfo: &str) -> Self {
        let mounts = mountinfo.lines().filter_map(|line| {
            let (front, back) = line.split_once(" - ")?;
            let at = front.split(' ').nth(4)?;
            let mut back = back.split(' ');
            let kind = back.next()?;
            let options = back.nth(1).unwrap_or_default();
            matches!(kind, "cgroup" | "cgroup2").then(|| Mount {
                at: super::disk::unescaped(at),
                controllers: match kind {
                    "cgroup" => options.split(',').map(str::to_owned).collect(),
                    _ => Vec::new(),
                },
                second: kind == "cgroup2",
            })
        });
        Self {
            mounts: mounts.collect(),
        }
    }

    /// The hierarchy that has a controller, and whether it is of the second version.
    fn of(&self, controller: &str) -> Result<&Mount, FenceError> {
        let first = self
            .mounts
            .iter()
            .find(|m| m.controllers.iter().any(|c| c == controller));
        let second = || self.mounts.iter().find(|m| m.second && m.has(controller));
        first.or_else(second).ok_or_else(|| {
            FenceError::new(format!(
                "this machine's control groups do not limit {controller}"
            ))
        })
    }

    /// Removes all groups of mslab's that nobody uses any more.
    pub(super) fn sweep(&self) {
        let names = self.mounts.iter().filter_map(|m| {
            let entries = fs::read_dir(m.at.join(PARENT)).ok()?;
            Some(entries.flatten().filter(|e| e.path().is_dir()))
        });
        let numbers = names
            .flatten()
            .filter_map(|e| e.file_name().to_str()?.parse().ok());
        let numbers: std::collections::BTreeSet<usize> = numbers.collect();
        for number in numbers {
            let name = format!("{PARENT}/{number}");
            if let Some(lock) = self.lock(&name) {
                self.remove(&name);
                drop(lock);
            }
        }
        self.remove_parent();
    }

    /// The lock on a group that is there.
    fn lock(&self, name: &str) -> Option<File> {
        let mount = self.of("memory").ok()?;
        let lock = File::open(mount.at.join(name)).ok()?;
        lock.try_lock().ok().map(|()| lock)
    }

    /// Removes a group, and what an engine has made in it, from every hierarchy.
    fn remove(&self, name: &str) {
        for mount in &self.mounts {
            let dir = mount.at.join(name);
            for _ in 0..TRIES {
                remove_tree(&dir);
                if !dir.exists() {
                    break;
                }
                std::thread::sleep(BETWEEN);
            }
        }
    }

    fn remove_parent(&self) {
        for mount in &self.mounts {
            // Another mslab's groups keep it.
            let _ = fs::remove_dir(mount.at.join(PARENT));
        }
    }
}

impl Mount {
    fn has(&self, controller: &str) -> bool {
        let text = fs::read_to_string(self.at.join("cgroup.controllers")).unwrap_or_default();
        text.split_ascii_whitespace().any(|c| c == controller)
    }
}

/// Groups go from the innermost outwards; their files go with them.
fn remove_tree(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            remove_tree(&entry.path());
        }
    }
    let _ = fs::remove_dir(dir);
}

/// One group, locked against other mslabs as long as this lives, and removed with it.
#[derive(Debug)]
pub(super) struct Group {
    hierarchies: Hierarchies,
    name: String,
    memory: PathBuf,
    pids: PathBuf,
    cpu: PathBuf,
    second: bool,
    _lock: File,
}

/// What a group has counted so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// How often the memory's limit was met. The page cache does that too.
    pub(super) memory_met: u64,
    /// How many processes were killed for memory; the first version does not tell.
    pub(super) memory_killed: Option<u64>,
    /// The most memory that was used, in bytes.
    pub(super) memory_peak: u64,
    /// Processes at the moment.
    pub(super) processes: u64,
    /// How often no further process could be started.
    pub(super) processes_met: u64,
}

impl Group {
    /// Makes the first group from `number` on that no other mslab has.
    pub(super) fn make(
        hierarchies: &Hierarchies,
        number: &mut usize,
        limits: &Limits,
    ) -> Result<Self, FenceError> {
        let (memory, pids, cpu) = (
            hierarchies.of("memory")?,
            hierarchies.of("pids")?,
            hierarchies.of("cpu")?,
        );
        let lock = loop {
            *number += 1;
            if *number > MOST {
                return Err(FenceError::new("no control group can be locked"));
            }
            let name = format!("{PARENT}/{number}");
            for mount in [memory, pids, cpu] {
                make_dir(mount, &name)?;
            }
            let lock = hierarchies.lock(&name);
            // Whoever has just removed it had the lock on what is no more.
            if let Some(lock) = lock.filter(|_| memory.at.join(&name).exists()) {
                break lock;
            }
        };
        let name = format!("{PARENT}/{number}");
        let group = Self {
            memory: memory.at.join(&name),
            pids: pids.at.join(&name),
            cpu: cpu.at.join(&name),
            second: memory.second,
            hierarchies: hierarchies.clone(),
            name,
            _lock: lock,
        };
        group.limit(limits)?;
        Ok(group)
    }

    /// The name that an engine is given.
    pub(super) fn path(&self) -> String {
        format!("/{}", self.name)
    }

    fn limit(&self, limits: &Limits) -> Result<(), FenceError> {
        let memory = limits.memory.to_string();
        let quota = limits.cpus.map(|cpus| {
            // A millisecond is the least that the kernel takes.
            ((cpus * PERIOD as f64) as u64).max(1_000)
        });
        if self.second {
            write(&self.memory, "memory.max", &memory)?;
            write_if_there(&self.memory, "memory.swap.max", "0")?;
        } else {
            write_if_there(&self.memory, "memory.memsw.limit_in_bytes", "-1")?;
            write(&self.memory, "memory.limit_in_bytes", &memory)?;
            write_if_there(&self.memory, "memory.memsw.limit_in_bytes", &memory)?;
            if self.number(&self.memory, "memory.use_hierarchy") == 0 {
                write(&self.memory, "memory.use_hierarchy", "1")?;
            }
        }
        write(&self.pids, "pids.max", &limits.pids.to_string())?;
        if self.cpu.join("cpu.max").exists() {
            let quota = quota.map_or("max".to_owned(), |q| q.to_string());
            write(&self.cpu, "cpu.max", &format!("{quota} {PERIOD}"))
        } else {
            let quota = quota.map_or("-1".to_owned(), |q| q.to_string());
            write(&self.cpu, "cpu.cfs_period_us", &PERIOD.to_string())?;
            write(&self.cpu, "cpu.cfs_quota_us", &quota)
        }
    }

    /// Forgets the most memory that was used, where the kernel lets it.
    pub(super) fn forget_peak(&self) {
        let file = if self.second {
            "memory.peak"
        } else {
            "memory.max_usage_in_bytes"
        };
        // Without it a peak may be another build's, which matters only for one that was killed.
        let _ = fs::write(self.memory.join(file), "0");
    }

    pub(super) fn read(&self) -> Reading {
        let (memory_met, memory_killed, memory_peak) = if self.second {
            (
                self.event(&self.memory, "memory.events", "max"),
                Some(self.event(&self.memory, "memory.events", "oom_kill")),
                self.number(&self.memory, "memory.peak"),
            )
        } else {
            (
                // With the same limit for memory and for memory with swap, either may be met first.
                self.number(&self.memory, "memory.failcnt")
                    + self.number(&self.memory, "memory.memsw.failcnt"),
                None,
                self.number(&self.memory, "memory.max_usage_in_bytes"),
            )
        };
        // Older kernels count a fork that failed in the group of the process, not in the one whose limit it was.
        let inner = folders(&self.pids.join("buildkit"));
        let inner = inner
            .iter()
            .map(|dir| self.event(dir, "pids.events", "max"));
        Reading {
            memory_met,
            memory_killed,
            memory_peak,
            processes: self.number(&self.pids, "pids.current"),
            processes_met: self.event(&self.pids, "pids.events", "max") + inner.sum::<u64>(),
        }
    }

    /// One process of each container in the group.
    pub(super) fn containers(&self) -> Vec<u32> {
        let dirs = folders(&self.pids.join("buildkit"));
        let first = dirs.iter().filter_map(|dir| {
            let text = fs::read_to_string(dir.join("cgroup.procs")).ok()?;
            // Zero is a process of another pid namespace.
            text.lines()
                .filter_map(|l| l.parse().ok())
                .find(|pid| *pid > 0)
        });
        first.collect()
    }

    fn number(&self, dir: &Path, file: &str) -> u64 {
        let text = fs::read_to_string(dir.join(file)).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    fn event(&self, dir: &Path, file: &str, name: &str) -> u64 {
        let text = fs::read_to_string(dir.join(file)).unwrap_or_default();
        let line = text.lines().find_map(|l| l.strip_prefix(name));
        line.and_then(|n| n.trim().parse().ok()).unwrap_or(0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.hierarchies.remove(&self.name);
        self.hierarchies.remove_parent();
    }
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter(|e| e.file_type().is_ok_and(|t| t.is_dir()))
        .map(|e| e.path())
        .collect()
}

fn make_dir(mount: &Mount, name: &str) -> Result<(), FenceError> {
    let refused = |e: io::Error| match e.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            FenceError::new("only root may make control groups")
        }
        _ => FenceError::new(format!("no control group can be made: {e}")),
    };
    let dir = mount.at.join(name);
    if mount.second {
        // A group has the controllers that the one above it passes on.
        for above in [mount.at.clone(), mount.at.join(PARENT)] {
            fs::create_dir_all(&above).map_err(refused)?;
            let file = above.join("cgroup.subtree_control");
            fs::write(file, "+memory +pids +cpu").map_err(refused)?;
        }
    }
    fs::create_dir_all(&dir).map_err(refused)
}

fn write(dir: &Path, file: &str, value: &str) -> Result<(), FenceError> {
    let path = dir.join(file);
    fs::write(&path, value)
        .map_err(|e| FenceError::new(format!("cannot write {value} to {}: {e}", path.display())))
}

/// Kernels without swap accounting lack some files.
fn write_if_there(dir: &Path, file: &str, value: &str) -> Result<(), FenceError> {
    if dir.join(file).exists() {
        write(dir, file, value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_found_in_the_mounts() {
        let text = "\
            30 23 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755\n\
            31 30 0:27 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n\
            33 30 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
            34 30 0:31 / /sys/fs/cgroup/me\\040mory rw - cgroup cgroup rw,memory\n";
        let found = Hierarchies::read(text);
        assert_eq!(found.mounts.len(), 3);
        assert_eq!(
            found.of("cpu").unwrap().at,
            Path::new("/sys/fs/cgroup/cpu,cpuacct")
        );
        assert_eq!(
            found.of("memory").unwrap().at,
            Path::new("/sys/fs/cgroup/me mory")
        );
        assert!(found.of("pids").is_err());
    }

    #[test]
    fn the_second_versions_files_are_written_as_the_kernel_reads_them() {
        let root = tempfile::tempdir().unwrap();
        for file in ["cgroup.controllers", "cgroup.subtree_control"] {
            fs::write(root.path().join(file), "cpu io memory pids\n").unwrap();
        }
        let hierarchies = Hierarchies {
            mounts: vec![Mount {
                at: root.path().to_owned(),
                controllers: Vec::new(),
                second: true,
            }],
        };
        // What is a folder of the kernel's elsewhere is an ordinary one here, and has to be given its files.
        let dir = root.path().join("mslab-hold/1");
        fs::create_dir_all(&dir).unwrap();
        for file in ["memory.swap.max", "cpu.max"] {
            fs::write(dir.join(file), "max\n").unwrap();
        }
        let limits = Limits {
            memory: 1 << 30,
            cpus: Some(1.5),
            pids: 100,
            disk: 1,
        };
        let group = Group::make(&hierarchies, &mut 0, &limits).unwrap();
        assert_eq!(group.path(), "/mslab-hold/1");
        let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
        assert_eq!(read("memory.max"), "1073741824");
        assert_eq!(read("memory.swap.max"), "0");
        assert_eq!(read("pids.max"), "100");
        assert_eq!(read("cpu.max"), "150000 100000");
        fs::write(
            dir.join("memory.events"),
            "low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\n",
        )
        .unwrap();
        let reading = group.read();
        assert_eq!((reading.memory_met, reading.memory_killed), (7, Some(2)));
        // Held by this one, so that another mslab takes the next.
        let mut number = 0;
        fs::create_dir_all(root.path().join("mslab-hold/2")).unwrap();
        fs::write(root.path().join("mslab-hold/2/cpu.max"), "").unwrap();
        let other = Group::make(&hierarchies, &mut number, &limits).unwrap();
        assert_eq!(other.path(), "/mslab-hold/2");
        // An ordinary folder does not go with its files in it; without them it does.
        for dir in [dir, root.path().join("mslab-hold/2")] {
            for entry in fs::read_dir(dir).unwrap().flatten() {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        drop((group, other));
        assert!(!root.path().join("mslab-hold").join("1").exists());
    }
}
