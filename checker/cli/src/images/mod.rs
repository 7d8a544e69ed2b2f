//! Base images: which the labs need, where they are, and how stand-ins for them are made.

mod recipes;
mod stand_ins;

use std::collections::{BTreeMap, BTreeSet};

use mslab_core::judge;
use mslab_core::lab::Lab;
use mslab_core::plan::{Plan, PlannedBuild};
use mslab_core::source::Source;
use mslab_core::stages::Needs;

pub(crate) use recipes::{Recipe, Recipes};
pub(crate) use stand_ins::{Made, make};

use crate::check::{Base, Bench};
use crate::failure::Result;

/// A base image that labs need.
#[derive(Debug, Clone)]
pub(crate) struct Needed {
    /// Its reference.
    pub(crate) name: String,
    /// Which exercises build on it.
    pub(crate) exercises: BTreeSet<String>,
    /// What it leads to on the engine; `None` where it is missing.
    pub(crate) base: Option<Base>,
}

/// The base images that the labs' starters and solutions build on, by reference.
pub(crate) fn names(labs: &[Lab]) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut needed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for lab in labs {
        let builds: Vec<PlannedBuild> = Plan::new(lab)?.builds;
        for folder in [lab.starter(), lab.solution()] {
            let files = folder
                .iter()
                .map(|(p, f)| (p.clone(), Source::new(p.as_str(), f.bytes.as_ref())));
            for source in judge::read_sources(&files.collect(), &builds).values() {
                for edge in &source.graph.edges {
                    if let Needs::Image(name) = &edge.needs {
                        needed
                            .entry(name.clone())
                            .or_default()
                            .insert(lab.exercise());
                    }
                }
            }
        }
    }
    Ok(needed)
}

/// The same, with what each leads to on the engine.
pub(crate) async fn needed(labs: &[Lab], bench: &Bench) -> Result<Vec<Needed>> {
    let mut out = Vec::new();
    for (name, exercises) in names(labs)? {
        let base = bench.bases.find(&bench.engine, &name).await?;
        out.push(Needed {
            name,
            exercises,
            base,
        });
    }
    Ok(out)
}
