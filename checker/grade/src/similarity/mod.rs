//! Work that is much alike: a place to look, and never a verdict.
//!
//! Dockerfiles are compared by their instructions, after stage names, comments and order that does not matter are gone.
//! What the lab gave to everybody, and what many wrote alike because there is one good way to write it, says nothing;
//! a rare line that two share says much. Rare lines are looked up in an index, so that no pair is ever formed of two
//! submissions that share none.

mod normal;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use mslab_core::lab::{Folder, Lab};
use serde::Serialize;

pub use normal::{Line, Normal, normalise};

use crate::gradebook::{Gradebook, GradebookError};
use crate::submission::Trusted;

/// A line that more submissions than this have says nothing about any two of them.
const RARE: usize = 20;
/// Two submissions are alike from this share of their telling lines on.
const ALIKE: f64 = 0.8;
/// So many telling lines two submissions must share.
const SHARED: usize = 3;
/// Bytes of a Dockerfile up to which it is compared: nobody writes a longer one by hand.
const LONGEST: usize = 64 << 10;
/// So many pairs are listed for each exercise, the most alike first.
const LISTED: usize = 500;

/// Submissions of one exercise that are much alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alike {
    /// `exercise-5`
    pub exercise: String,
    /// Whether they are the same to the byte. No instructions are shown then: it is all of them.
    pub identical: bool,
    /// Whether they are the same once names, comments and order are gone.
    pub same: bool,
    /// The share of telling lines that they have in common, from 0 to 1.
    pub share: f64,
    /// Students of the first, by id.
    pub first: Vec<String>,
    /// Students of the second, by id.
    pub second: Vec<String>,
    /// The telling instructions that both have: as the first wrote them, and as the second did.
    pub shared: Vec<Pair>,
}

/// One instruction in both files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// In the first.
    pub first: Line,
    /// In the second.
    pub second: Line,
}

/// One distinct submission.
struct One {
    students: Vec<String>,
    normal: Normal,
    /// Whether it is what everybody was given.
    starter: bool,
}

/// Looks through everything current in a gradebook. What is the same to the byte is one submission of several students.
///
/// # Errors
/// The gradebook cannot be read.
pub fn look(book: &Gradebook, labs: &[Trusted]) -> Result<Vec<Alike>, GradebookError> {
    let mut by_lab: BTreeMap<String, Vec<One>> = BTreeMap::new();
    // Other rules or another mslab make other work of the same files.
    let mut known: HashMap<(String, String), usize> = HashMap::new();
    book.works(|lab, files, students| {
        let Some(trusted) = labs.iter().find(|l| l.digest == lab) else {
            return;
        };
        let all = by_lab.entry(lab.to_owned()).or_default();
        let key = (lab.to_owned(), mslab_core::lab::digest(&files));
        let at = *known.entry(key).or_insert(all.len());
        match all.get_mut(at) {
            Some(one) => one.students.extend(students),
            None => all.push(One {
                students,
                normal: normal_of(&trusted.lab, &files),
                starter: trusted.is_starter(&files),
            }),
        }
    })?;
    let mut found = Vec::new();
    for trusted in labs {
        let Some(all) = by_lab.remove(&trusted.digest) else {
            continue;
        };
        let mut given = BTreeSet::new();
        for files in [trusted.lab.starter(), trusted.lab.solution()] {
            given.extend(normal_of(&trusted.lab, &files).lines.into_keys());
        }
        found.extend(compare(&trusted.lab.exercise(), &all, &given));
    }
    Ok(found)
}

/// The Dockerfiles of one submission.
fn normal_of(lab: &Lab, files: &Folder) -> Normal {
    let names: BTreeSet<&str> = lab
        .definition
        .build
        .iter()
        .map(|b| b.dockerfile.as_str())
        .collect();
    let mut whole = Normal::default();
    for name in names {
        if let Some(file) = files.get(name).filter(|f| f.bytes.len() <= LONGEST) {
            whole.add(name, normalise(name, &file.bytes));
        }
    }
    whole
}

fn compare(exercise: &str, all: &[One], given: &BTreeSet<String>) -> Vec<Alike> {
    let telling: Vec<Vec<&str>> = all
        .iter()
        .map(|one| {
            let lines = one.normal.lines.keys().map(String::as_str);
            lines.filter(|l| !given.contains(*l)).collect()
        })
        .collect();
    let mut having: HashMap<&str, Vec<usize>> = HashMap::new();
    for (n, lines) in telling.iter().enumerate() {
        for line in lines {
            having.entry(line).or_default().push(n);
        }
    }
    // A line of one's own weighs as much as one that two share, or else no two would be much alike.
    let weight = |line: &str| 2.0 / having.get(line).map_or(2, |w| w.len().max(2)) as f64;
    let mut found: Vec<Alike> = candidates(having.values())
        .into_iter()
        .filter_map(|(a, b)| {
            let telling = (&telling[a][..], &telling[b][..]);
            alike(exercise, (&all[a], &all[b]), telling, &weight)
        })
        .collect();
    found.sort_by(|x, y| {
        y.share
            .total_cmp(&x.share)
            .then_with(|| y.shared.len().cmp(&x.shared.len()))
            .then_with(|| (&x.first, &x.second).cmp(&(&y.first, &y.second)))
    });
    found.splice(0..0, all.iter().filter_map(|one| identical(exercise, one)));
    found.truncate(LISTED);
    found
}

/// What several handed in alike to the byte, unless everybody was given it.
fn identical(exercise: &str, one: &One) -> Option<Alike> {
    let (first, others) = one.students.split_first()?;
    (!others.is_empty() && !one.starter).then(|| Alike {
        exercise: exercise.to_owned(),
        identical: true,
        same: true,
        share: 1.0,
        first: vec![first.clone()],
        second: others.to_vec(),
        shared: Vec::new(),
    })
}

/// Only those that share a rare line are ever compared: `having` are the submissions that have each line.
fn candidates<'a>(having: impl Iterator<Item = &'a Vec<usize>>) -> HashSet<(usize, usize)> {
    let mut pairs = HashSet::new();
    for who in having.filter(|w| (2..=RARE).contains(&w.len())) {
        for (i, a) in who.iter().enumerate() {
            pairs.extend(who[i + 1..].iter().map(|b| (*a, *b)));
        }
    }
    pairs
}

/// Two submissions, if they are alike. Lines weigh the more, the fewer have them.
fn alike(
    exercise: &str,
    (first, second): (&One, &One),
    (a, b): (&[&str], &[&str]),
    weight: &impl Fn(&str) -> f64,
) -> Option<Alike> {
    let in_b: BTreeSet<&str> = b.iter().copied().collect();
    let common: Vec<&str> = a.iter().copied().filter(|l| in_b.contains(l)).collect();
    let sum = |lines: &[&str]| lines.iter().map(|l| weight(l)).sum::<f64>();
    let shared = sum(&common);
    let share = shared / (sum(a) + sum(b) - shared).max(f64::MIN_POSITIVE);
    let same = first.normal.digest() == second.normal.digest();
    if common.len() < SHARED || share < ALIKE && !same {
        return None;
    }
    let mut pairs: Vec<Pair> = common
        .into_iter()
        .map(|line| Pair {
            first: first.normal.lines[line].clone(),
            second: second.normal.lines[line].clone(),
        })
        .collect();
    pairs.sort_by_key(|p| (p.first.file.clone(), p.first.line));
    Some(Alike {
        exercise: exercise.to_owned(),
        identical: false,
        same,
        share,
        first: first.students.clone(),
        second: second.students.clone(),
        shared: pairs,
    })
}

/// What was found as indented JSON. Hidden characters are escaped.
#[must_use]
pub fn json(found: &[Alike]) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        schema: &'static str,
        alike: &'a [Alike],
    }
    mslab_core::report::to_json(&Document {
        schema: "mslab/similarity/v1",
        alike: found,
    })
}

/// What was found as Markdown: the shared instructions side by side.
#[must_use]
pub fn markdown(found: &[Alike]) -> String {
    use std::fmt::Write as _;

    use mslab_core::text::escape::markdown_code;
    let mut out = String::from(
        "# Submissions that are much alike\n\nA place to look, and no verdict: people who work together, or from the same page, write alike.\n",
    );
    if found.is_empty() {
        out.push_str("\nNone.\n");
    }
    for pair in found {
        let names = |students: &[String]| {
            let all: Vec<String> = students.iter().map(|s| markdown_code(s)).collect();
            crate::text::some(&all, 5)
        };
        let how = if pair.identical {
            "the same to the byte".to_owned()
        } else if pair.same {
            "the same but for names, comments and order".to_owned()
        } else {
            format!("{:.0} % of what tells them from others", pair.share * 100.0)
        };
        let (first, second) = (names(&pair.first), names(&pair.second));
        let _ = writeln!(out, "\n## {first} and {second}\n\n{}: {how}", pair.exercise);
        if pair.shared.is_empty() {
            continue;
        }
        let _ = write!(
            out,
            "\n| line | {first} | line | {second} |\n|---:|---|---:|---|\n"
        );
        for Pair { first, second } in &pair.shared {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} |",
                first.line,
                markdown_code(&first.text),
                second.line,
                markdown_code(&second.text)
            );
        }
    }
    out
}
