//! The exit codes: the one page about them.

use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Nothing failed, nothing errored, and at least one check passed.
    Passed = 0,
    /// The learner's work failed.
    Work = 1,
    /// Wrong usage, or a broken lab definition.
    Usage = 2,
    /// The environment failed: no engine, no network, no disk. Never scored.
    Environment = 3,
    /// Interrupted; what was running is cancelled on the engine too.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The codes as `--help` shows them.
pub(crate) const HELP: &str = "\
Exit codes:
  0    nothing failed, nothing errored, and at least one check passed
  1    the work failed: a check failed, the Dockerfile does not parse, the build failed or took too long
  2    wrong usage, or a broken lab definition
  3    the environment failed (no engine, no network, disk full): never a verdict on the work
  130  interrupted; nothing is left running";
