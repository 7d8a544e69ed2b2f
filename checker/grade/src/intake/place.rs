//! Which folder of a submission is which exercise.

use std::collections::{BTreeMap, HashMap};

use super::listing::{Kind, Listing};
use crate::submission::Trusted;

/// The names that learners and their tools give to exercises' folders.
#[derive(Debug)]
pub(super) struct Names {
    labs: HashMap<String, usize>,
}

impl Names {
    pub(super) fn new(labs: &[Trusted]) -> Self {
        let mut names = HashMap::new();
        for (n, trusted) in labs.iter().enumerate() {
            let (number, slug) = (trusted.lab.number, &trusted.lab.slug);
            for name in [
                number.to_string(),
                format!("{number:02}"),
                slug.clone(),
                format!("{number}-{slug}"),
                format!("{number:02}-{slug}"),
            ] {
                names.insert(format!("exercise-{name}"), n);
                names.insert(name, n);
            }
        }
        Self { labs: names }
    }

    pub(super) fn find(&self, folder: &str) -> Option<usize> {
        self.labs.get(&folder.to_ascii_lowercase()).copied()
    }
}

/// An exercise's folders in a submission: where there are several, nobody can say which one counts.
pub(super) type Places = BTreeMap<usize, Vec<String>>;

/// Finds the exercises' folders: at the top, or below one folder that holds everything. `only` is the one exercise
/// whose files may also lie there themselves.
pub(super) fn find(
    listing: &Listing,
    labs: &[Trusted],
    names: &Names,
    only: Option<usize>,
) -> Places {
    let mut bases = vec![String::new()];
    let top: Vec<(&str, Kind)> = listing
        .below("")
        .filter(|(name, _)| !name.starts_with('.'))
        .collect();
    if let [(name, Kind::Directory)] = top[..] {
        bases.push(format!("{name}/"));
    }
    for base in &bases {
        let mut places = Places::new();
        for (name, kind) in listing.below(base) {
            let lab = names.find(name).filter(|n| only.is_none_or(|o| o == *n));
            if let (Some(lab), Kind::Directory) = (lab, kind) {
                places
                    .entry(lab)
                    .or_default()
                    .push(format!("{base}{name}/"));
            }
        }
        if !places.is_empty() {
            return places;
        }
        if let Some(only) = only
            && listing
                .within(base)
                .any(|(path, kind)| kind != Kind::Directory && labs[only].lab.is_learners(path))
        {
            return [(only, vec![base.clone()])].into();
        }
    }
    Places::new()
}
