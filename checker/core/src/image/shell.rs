//! Shells known by what is inside them, so that no other name hides one.

use super::tree::Shell;

/// What a shell's program holds that no other program does.
pub(super) struct Signature {
    /// What it is called.
    pub(super) kind: &'static str,
    /// What to tell the learner.
    pub(super) evidence: &'static str,
    /// Byte strings, all of which must be there.
    pub(super) all: &'static [&'static [u8]],
}

impl Signature {
    pub(super) fn shell(&self) -> Shell {
        Shell {
            kind: self.kind.to_owned(),
            evidence: self.evidence.to_owned(),
        }
    }
}

/// The shells, the most telling first: the first whose strings are all there names the file.
pub(super) const SIGNATURES: &[Signature] = &[
    Signature {
        kind: "busybox",
        evidence: "contains BusyBox's banner and its applets",
        all: &[b"BusyBox v", b"applet not found"],
    },
    Signature {
        kind: "bash",
        evidence: "contains GNU bash's banner and variables",
        all: &[b"GNU bash", b"BASH_VERSINFO"],
    },
    Signature {
        kind: "dash",
        evidence: "contains the variables that only a shell sets",
        all: &[b"\0OPTIND=1", b"\0PS4=+ "],
    },
];
