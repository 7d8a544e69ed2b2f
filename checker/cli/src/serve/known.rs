//! The labs with their plans, kept for the next question: a page asks on every keystroke.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mslab_core::lab::Lab;
use mslab_core::plan::Plan;
use mslab_core::report::{Outcome, Report};
use mslab_core::units::Bytes;
use mslab_serve::api::Goal;

use crate::failure::Result;
use crate::labs::Labs;

/// After so long a checkout's labs are read anew, so that an author's edits count.
const FRESH: Duration = Duration::from_secs(2);

/// A lab with what follows from it.
pub(crate) struct Entry {
    pub(crate) lab: Lab,
    pub(crate) plan: Plan,
    pub(crate) goals: Vec<Goal>,
}

/// The labs at hand.
pub(crate) struct Known {
    labs: Labs,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    all: Option<(Instant, Arc<Vec<Arc<Entry>>>)>,
    /// By the names that they were asked for.
    single: BTreeMap<String, (Instant, Arc<Entry>)>,
}

impl Known {
    pub(crate) fn new(labs: Labs) -> Self {
        Self {
            labs,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_fresh(&self, read: Instant) -> bool {
        matches!(self.labs, Labs::Carried) || read.elapsed() < FRESH
    }

    /// The exercises of the course, in its order.
    pub(crate) fn all(&self) -> Result<Arc<Vec<Arc<Entry>>>> {
        if let Some((read, all)) = &self.state().all
            && self.is_fresh(*read)
        {
            return Ok(all.clone());
        }
        let labs = self.labs.all()?.into_iter();
        let all = labs.map(|l| Entry::new(l).map(Arc::new));
        let all = Arc::new(all.collect::<Result<Vec<_>>>()?);
        self.state().all = Some((Instant::now(), all.clone()));
        Ok(all)
    }

    /// One exercise.
    pub(crate) fn exercise(&self, name: &str) -> Result<Arc<Entry>> {
        if let Some((read, entry)) = self.state().single.get(name)
            && self.is_fresh(*read)
        {
            return Ok(entry.clone());
        }
        let entry = Arc::new(Entry::new(self.labs.find(name)?)?);
        let kept = (Instant::now(), entry.clone());
        self.state().single.insert(name.to_owned(), kept);
        Ok(entry)
    }
}

impl Entry {
    fn new(lab: Lab) -> Result<Self> {
        Ok(Self {
            plan: Plan::new(&lab)?,
            goals: goals(&lab),
            lab,
        })
    }
}

/// What each build should come to: the lab's limit, and the smallest of its own right attempts.
fn goals(lab: &Lab) -> Vec<Goal> {
    let is_report = |path: &str| path.starts_with("attempts/") && path.ends_with("/report.json");
    let reports: Vec<Report> = lab
        .files
        .iter()
        .filter(|(path, _)| is_report(path))
        .filter_map(|(_, file)| serde_json::from_slice(&file.bytes).ok())
        .filter(|report: &Report| report.outcome == Outcome::Passed)
        .collect();
    let first = lab.definition.build.first().map(|b| b.key.as_str());
    let goal = |build: &str| {
        let limit = lab.definition.check.iter().find_map(|check| {
            let own = check.build.as_deref().or(first) == Some(build);
            let limit = check
                .params
                .get("limit")
                .filter(|_| own && check.id == "max-size");
            limit?.as_str()?.parse::<Bytes>().ok()
        });
        let sizes = reports.iter().flat_map(|r| &r.builds);
        let sizes = sizes
            .filter(|b| b.key == build)
            .filter_map(|b| b.size.as_ref());
        Goal {
            build: build.to_owned(),
            limit_bytes: limit.map(|l| l.0),
            example_bytes: sizes.map(|s| s.unpacked_bytes).min(),
        }
    };
    lab.definition.build.iter().map(|b| goal(&b.key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_the_labs_own() {
        let known = Known::new(Labs::Carried);
        let entry = known.exercise("exercise-5").unwrap();
        let [goal] = &entry.goals[..] else {
            panic!("{:?}", entry.goals);
        };
        assert_eq!(goal.limit_bytes, Some(15_000_000));
        assert!(goal.example_bytes.unwrap() < 15_000_000);
        for entry in known.all().unwrap().iter() {
            for goal in &entry.goals {
                let (limit, example) = (goal.limit_bytes, goal.example_bytes);
                assert!(
                    limit.is_none_or(|l| example.is_some_and(|e| e < l)),
                    "{}: {goal:?}",
                    entry.lab.slug
                );
            }
        }
    }
}
