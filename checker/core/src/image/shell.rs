//! Shells known by what is inside them, so that no other name hides one.

use super::tree::Shell;

/// What a shell's program holds that no other program does.
pub(super) struct Signature {
    /// What it is called.
    pub(super) kind: &'static str,
    /// What to tell the learner.
    pub(super) evidence: &'static str,
    /// Byte strings, all of which must be there, [veiled](veil).
    all: &'static [&'static [u8]],
}

impl Signature {
    /// Byte strings, all of which must be there.
    pub(super) fn strings(&self) -> impl Iterator<Item = Vec<u8>> {
        self.all.iter().map(|s| s.iter().map(|b| !b).collect())
    }

    pub(super) fn shell(&self) -> Shell {
        Shell {
            kind: self.kind.to_owned(),
            evidence: self.evidence.to_owned(),
        }
    }
}

/// How this program keeps a string that it knows shells by. It must not hold the string itself: it would be taken for a
/// shell in an image that has it, as mslab's own.
const fn veil<const N: usize>(mut string: [u8; N]) -> [u8; N] {
    let mut i = 0;
    while i < N {
        string[i] = !string[i];
        i += 1;
    }
    string
}

macro_rules! veiled {
    ($($string:literal),+) => { &[$(&const { veil(*$string) }),+] };
}

/// The shells, the most telling first: the first whose strings are all there names the file.
///
/// Most shells have a string of their own, some of them in the four-byte characters of `wchar_t`. The last one is for
/// every other shell of Bourne's family: variables that POSIX asks of a shell, as strings of their own and not in the
/// middle of a text, beside a message that only an interpreter of `${…}` has.
#[rustfmt::skip]
pub(super) const SIGNATURES: &[Signature] = &[
    Signature {
        kind: "busybox",
        evidence: "contains BusyBox's banner and its applets",
        all: veiled![b"BusyBox v", b"applet not found"],
    },
    Signature {
        kind: "busybox",
        evidence: "contains BusyBox's table of applets",
        all: veiled![b"\0chgrp\0chmod\0chown\0", b"\0ash\0"],
    },
    Signature {
        kind: "toybox",
        evidence: "contains Toybox's banner",
        all: veiled![b"Toybox ", b"toybox --help"],
    },
    Signature {
        kind: "bash",
        evidence: "contains GNU bash's banner and variables",
        all: veiled![b"GNU bash, version", b"BASH_VERSINFO"],
    },
    Signature {
        kind: "zsh",
        evidence: "contains the Z shell's variables",
        all: veiled![b"ZSH_VERSION", b"ZSH_EVAL_CONTEXT"],
    },
    Signature {
        kind: "mksh",
        evidence: "contains the MirBSD Korn shell's version",
        all: veiled![b"@(#)MIRBSD KSH"],
    },
    Signature {
        kind: "mksh",
        evidence: "contains the MirBSD Korn shell's version",
        all: veiled![b"@(#)LEGACY KSH"],
    },
    Signature {
        kind: "ksh93",
        evidence: "contains the AT&T Korn shell's version",
        all: veiled![b"Version AJM 93", b"KSH_VERSION"],
    },
    Signature {
        kind: "posh",
        evidence: "contains the Policy-compliant Ordinary Shell's version",
        all: veiled![b"POSH_VERSION"],
    },
    Signature {
        kind: "yash",
        evidence: "contains yash's variables",
        all: veiled![b"Y\0\0\0A\0\0\0S\0\0\0H\0\0\0_\0\0\0L\0\0\0O\0\0\0A\0\0\0D\0\0\0P\0\0\0A\0\0\0T\0\0\0H\0\0\0"],
    },
    Signature {
        kind: "fish",
        evidence: "contains fish's variables",
        all: veiled![b"f\0\0\0i\0\0\0s\0\0\0h\0\0\0_\0\0\0f\0\0\0u\0\0\0n\0\0\0c\0\0\0t\0\0\0i\0\0\0o\0\0\0n\0\0\0_\0\0\0p\0\0\0a\0\0\0t\0\0\0h\0\0\0"],
    },
    Signature {
        kind: "fish",
        evidence: "contains fish's variables",
        all: veiled![b"fish_function_path", b"fish_user_paths"],
    },
    Signature {
        kind: "tcsh",
        evidence: "contains the C shell's variables",
        all: veiled![b"h\0\0\0i\0\0\0s\0\0\0t\0\0\0l\0\0\0i\0\0\0t\0\0\0", b"a\0\0\0u\0\0\0t\0\0\0o\0\0\0l\0\0\0o\0\0\0g\0\0\0o\0\0\0u\0\0\0t\0\0\0"],
    },
    Signature {
        kind: "tcsh",
        evidence: "contains the C shell's variables",
        all: veiled![b"\0histlit\0", b"\0autologout\0"],
    },
    Signature {
        kind: "rc",
        evidence: "contains the messages of the Plan 9 shell",
        all: veiled![b"unknown node in walk", b"null function name"],
    },
    Signature {
        kind: "sash",
        evidence: "contains the stand-alone shell's banner",
        all: veiled![b"Stand-alone shell"],
    },
    Signature {
        kind: "elvish",
        evidence: "contains Elvish's interpreter",
        all: veiled![b"src.elv.sh/pkg/shell"],
    },
    Signature {
        kind: "nushell",
        evidence: "contains Nushell's name and variables",
        all: veiled![b"nushell", b"NU_VERSION"],
    },
    Signature {
        kind: "dash",
        evidence: "contains the variables that only a shell sets (OPTIND, PS4)",
        all: veiled![b"\0OPTIND=1", b"\0PS4=+ "],
    },
    Signature {
        kind: "sh",
        evidence: "contains the variables that only a shell sets (OPTIND, PS4)",
        all: veiled![b"\0OPTIND", b"\0PS4", b"ad substitution"],
    },
];
