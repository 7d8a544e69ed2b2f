//! What of the machine could be hurt: looked at before and after.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use mslab_engine::Engine;
use mslab_tests::{engine, wait_until};

/// What other programs may take or give meanwhile, in bytes.
const SLACK: u64 = 4 << 30;

/// The machine and the engine on it at one moment.
#[derive(Debug)]
pub(crate) struct Machine {
    /// Control groups of mslab's.
    groups: BTreeSet<PathBuf>,
    /// Images by mslab's check names, and containers of mslab's.
    left: BTreeSet<String>,
    memory: u64,
    disk: u64,
}

pub(crate) fn is_root() -> bool {
    fs::read_to_string("/proc/self/status")
        .is_ok_and(|s| s.lines().any(|l| l.starts_with("Uid:\t0\t")))
}

impl Machine {
    pub(crate) fn look() -> Self {
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let available = memory.lines().find_map(|l| l.strip_prefix("MemAvailable:"));
        let kilobytes =
            available.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok());
        Self {
            groups: groups(),
            left: left(),
            memory: kilobytes.unwrap_or_default() * 1024,
            disk: fs4::available_space(std::env::temp_dir()).unwrap_or_default(),
        }
    }

    /// Nothing is there that was not there before, and what was free is free again.
    pub(crate) fn is_whole(&self, before: &Self) {
        let new = |a: &BTreeSet<String>, b: &BTreeSet<String>| -> Vec<String> {
            a.difference(b).cloned().collect()
        };
        // Another mslab on this machine may have groups of its own.
        let own: Vec<_> = self.groups.difference(&before.groups).collect();
        assert!(own.is_empty(), "control groups: {own:?}");
        assert_eq!(new(&self.left, &before.left), [""; 0]);
        assert!(
            self.memory + SLACK > before.memory,
            "{} of {} bytes of memory",
            self.memory,
            before.memory
        );
        assert!(
            self.disk + SLACK > before.disk,
            "{} of {} bytes of disk",
            self.disk,
            before.disk
        );
        wait_until("end of what the builds started", || running().is_empty());
    }
}

/// Processes whose command line is one of the submissions'.
fn running() -> Vec<String> {
    const SIGNS: [&str; 5] = [
        "bomb | bomb",
        "tail /dev/zero",
        "everybody must read this",
        "/fill-",
        "yes hello",
    ];
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if SIGNS.iter().any(|s| line.contains(s)) {
            found.push(line);
        }
    }
    found
}

fn groups() -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for hierarchy in fs::read_dir("/sys/fs/cgroup")
        .into_iter()
        .flatten()
        .flatten()
    {
        for parent in [hierarchy.path().join("mslab-hold"), hierarchy.path()] {
            let named = parent.file_name().is_some_and(|n| n == "mslab-hold");
            let entries = fs::read_dir(&parent).into_iter().flatten().flatten();
            found.extend(
                entries
                    .filter(|e| named && e.path().is_dir())
                    .map(|e| e.path()),
            );
        }
    }
    found
}

fn left() -> BTreeSet<String> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    runtime.block_on(async {
        let engine = Engine::at(&engine()).await.expect("the engine answers");
        let images = engine.images().await.expect("the engine lists its images");
        let names = images.into_iter().flat_map(|i| i.names);
        let held = names.filter(|n| n.starts_with("mslab.local/check/held-"));
        let containers = engine
            .containers()
            .await
            .expect("the engine lists containers");
        held.chain(containers.into_iter().filter(|c| c.abandoned).map(|c| c.id))
            .collect()
    })
}
