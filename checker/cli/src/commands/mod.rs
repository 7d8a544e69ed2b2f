//! The commands, one file each; every one returns the exit code.

pub(crate) mod check;
pub(crate) mod clean;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod grade;
pub(crate) mod graph;
pub(crate) mod hint;
pub(crate) mod images;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod reset;
pub(crate) mod serve;
pub(crate) mod solution;
pub(crate) mod verify;
pub(crate) mod watch;
