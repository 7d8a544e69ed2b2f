//! The pure part of mslab: Dockerfiles, images, checks and reports.
//!
//! Nothing here reads a clock, the network, a process or the disk, and nothing prints. Callers hand in bytes and
//! evidence; what comes back is a [`report::Report`]. Dependencies between the modules point one way, in the order
//! in which they are listed here.

pub mod source;
pub mod text;
pub mod units;

pub mod dockerfile;
pub mod stages;

pub mod image;
pub mod provenance;

pub mod diagnostic;
mod edits;
pub mod evidence;

pub mod checks;
pub mod lab;
pub mod plan;

pub mod judge;
pub mod mutants;
pub mod report;
