//! The stage graph of a Dockerfile: its stages, what each needs, and what a target reaches.

mod build;
mod copy;
pub mod draw;
mod graph;
mod mounts;
mod platform;
mod ports;
mod reference;
mod scope;
mod signal;
mod walk;

pub use build::BuildOptions;
pub use graph::{Base, Edge, Needs, Problem, Stage, StageGraph, Via};
pub(crate) use mounts::joined;
pub(crate) use signal::same_signal;
