//! Verdicts one by one: each is told as soon as all that its check asks for is there.

use std::collections::BTreeSet;

use mslab_core::evidence::{Evidence, Need};
use mslab_core::judge;
use mslab_core::plan::{Plan, PlannedCheck};

use crate::progress::{Event, Listener};

/// Which verdicts were told, and which can be.
pub(super) struct Verdicts<'a> {
    plan: &'a Plan,
    listener: &'a dyn Listener,
    builds: BTreeSet<String>,
    extras: BTreeSet<String>,
    told: BTreeSet<&'a str>,
}

impl<'a> Verdicts<'a> {
    pub(super) fn new(plan: &'a Plan, listener: &'a dyn Listener) -> Self {
        Self {
            plan,
            listener,
            builds: BTreeSet::new(),
            extras: BTreeSet::new(),
            told: BTreeSet::new(),
        }
    }

    /// A build is over, and its image is read.
    pub(super) fn has_build(&mut self, key: &str) {
        self.builds.insert(key.to_owned());
    }

    /// What a check asked for beyond its build is there.
    pub(super) fn has_extra(&mut self, check: &str) {
        self.extras.insert(check.to_owned());
    }

    /// Tells those that can be told and were not.
    pub(super) fn tell(&mut self, evidence: &Evidence) {
        if !self.listener.wants_verdicts() {
            return;
        }
        for check in &self.plan.checks {
            if !self.told.contains(check.key.as_str()) && self.is_ready(check) {
                self.told.insert(&check.key);
                let glance = judge::glance(self.plan, check, evidence);
                let event = Event::Verdict(check.key.clone(), check.points, glance);
                self.listener.on(event);
            }
        }
    }

    fn is_ready(&self, check: &PlannedCheck) -> bool {
        let own = &self.plan.build_of(check).key;
        check.bound.needs().iter().all(|need| match need {
            Need::Context => true,
            Need::Build | Need::Image => self.builds.contains(own),
            Need::OtherImage(other) => self.builds.contains(own) && self.builds.contains(other),
            _ => self.extras.contains(&check.key),
        })
    }
}
