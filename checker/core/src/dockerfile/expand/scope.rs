//! The variables that a word can use, and how much work they may make.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::ExpandError;

/// How much work all expansions with one scope may be, in bytes of values read, times the length of the pattern where
/// there is one.
const MAX_WORK: usize = 1 << 28;

/// The variables that can be used at some place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    variables: HashMap<String, String>,
    work: Work,
}

/// How much has been done with a scope's values, so that a file whose every line uses a huge one comes to an end.
///
/// No part of a scope's value: all are equal, and a copy begins anew.
#[derive(Debug, Default)]
struct Work(AtomicUsize);

impl Clone for Work {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Work {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Work {}

impl Work {
    fn add(&self, amount: usize) -> Result<(), ExpandError> {
        let before = self.0.fetch_add(amount, Ordering::Relaxed);
        if before.saturating_add(amount) > MAX_WORK {
            return Err(ExpandError::TooMuch);
        }
        Ok(())
    }
}

impl Scope {
    /// A scope without variables.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The variable's value; `None` where it is not set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Sets a variable and gives back what it was.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) -> Option<String> {
        self.variables.insert(name.into(), value.into())
    }

    /// Makes a variable unset and gives back what it was.
    pub fn unset(&mut self, name: &str) -> Option<String> {
        self.variables.remove(name)
    }

    /// Counts work done with the values.
    pub(super) fn work(&self, amount: usize) -> Result<(), ExpandError> {
        self.work.add(amount)
    }

    /// Names of all variables, in order of the alphabet.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.variables.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Scope {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self {
            variables: pairs
                .into_iter()
                .map(|(n, v)| (n.into(), v.into()))
                .collect(),
            work: Work::default(),
        }
    }
}
