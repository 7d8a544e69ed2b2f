//! The stage graph of a Dockerfile: its stages, what each needs, and what a target reaches.

mod build;
mod graph;
mod platform;
mod reference;
mod scope;

pub use build::BuildOptions;
pub use graph::{Base, Edge, Needs, Problem, Stage, StageGraph, Via};
