//! The solution's mutants as cases: one of the lab's checks must notice each, or the lab says why none should.

use mslab_core::lab::{Folder, FolderFile, Lab};
use mslab_core::mutants::{self, Mutant};
use mslab_core::plan::Plan;
use mslab_core::report::{Report, Status};

use super::Case;
use crate::failure::Result;

/// What is said of a mutant beforehand.
pub(crate) struct Expectation {
    mutant: Mutant,
    /// Why it may survive, where the lab says so.
    survives: Option<String>,
}

/// Every mutant of a lab.
pub(super) fn cases(lab: &Lab, plan: &Plan) -> Result<Vec<Case>> {
    let mutants = mutants::mutants(lab, plan);
    let survivors = mutants::survivors(lab, &mutants).map_err(|e| vec![e])?;
    let solution = lab.solution();
    let case = |mutant: Mutant| {
        let declared = survivors.iter().find(|s| s.mutant == mutant.name);
        Case {
            files: laid_over(&solution, &mutant),
            mutant: Some(Expectation {
                survives: declared.map(|s| s.why.clone()),
                mutant: mutant.clone(),
            }),
            ..Case::plain(&format!("mutants/{}", mutant.name), Folder::new())
        }
    };
    Ok(mutants.into_iter().map(case).collect())
}

fn laid_over(solution: &Folder, mutant: &Mutant) -> Folder {
    let mut files = solution.clone();
    for (path, source) in &mutant.files {
        let executable = files.get(path).is_some_and(|f| f.executable);
        let bytes = source.bytes().to_vec().into();
        files.insert(path.clone(), FolderFile { bytes, executable });
    }
    files
}

impl Expectation {
    /// Whether the lab lets it survive.
    pub(crate) fn may_survive(&self) -> bool {
        self.survives.is_some()
    }

    /// How what came of it differs from what must: a line each.
    pub(super) fn differences(&self, report: &Report) -> Vec<String> {
        let noticed = noticed_by(report);
        match (&self.survives, noticed.is_empty()) {
            (None, false) | (Some(_), true) => Vec::new(),
            (Some(why), false) => vec![format!(
                "noticed by {}, and {} says that nobody would: {why}",
                noticed.join(", "),
                mutants::FILE
            )],
            (None, true) => {
                let rule = self.mutant.rule;
                let mut lines = vec![format!(
                    "nobody noticed ({}); one of these must: {}",
                    rule.what,
                    rule.notice.join(", ")
                )];
                lines.extend(self.mutant.diff.lines().map(str::to_owned));
                lines.push(format!(
                    "Mend a check, or say in {} why none should notice.",
                    mutants::FILE
                ));
                lines
            }
        }
    }
}

/// Keys of the checks that failed.
pub(crate) fn noticed_by(report: &Report) -> Vec<&str> {
    let failed = report.checks.iter().filter(|c| c.status == Status::Failed);
    failed.map(|c| c.key.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::labs::Labs;

    #[test]
    fn every_solution_can_be_spoiled_in_many_ways() {
        for lab in Labs::Carried.all().unwrap() {
            let mutants = mutants::mutants(&lab, &Plan::new(&lab).unwrap());
            let names: BTreeSet<&str> = mutants.iter().map(|m| m.name.as_str()).collect();
            assert_eq!(names.len(), mutants.len(), "{}: names are unique", lab.slug);
            assert!(mutants.len() >= 20, "{}: {mutants:#?}", lab.slug);
            assert!(mutants.iter().all(|m| !m.diff.is_empty()));
        }
    }
}
