//! The stage graph of a Dockerfile: its stages, what each needs, and what a target reaches.

mod graph;

pub use graph::{Base, Edge, Needs, Problem, Stage, StageGraph, Via};
