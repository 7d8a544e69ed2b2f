//! What a lab still wants before learners should meet it.

use super::{BuildTable, ExpectedOutcome, Lab};

/// What an author leaves in a file to come back to.
const MARK: &str = "TO DO";

/// Attempts of a whole lab: all, right ones, wrong ones.
const ATTEMPTS: (usize, usize, usize) = (8, 3, 4);

impl Lab {
    /// What is still to do, a line each; nothing where the lab is whole.
    #[must_use]
    pub fn todo(&self) -> Vec<String> {
        let mut todo: Vec<String> = self
            .files
            .iter()
            .flat_map(|(path, file)| marks(path, &String::from_utf8_lossy(&file.bytes)))
            .collect();
        let builds = |b: &BuildTable| b.dockerfile == "Dockerfile";
        if self.definition.build.iter().any(builds) && !self.starter().contains_key("Dockerfile") {
            todo.push("starter/ has no Dockerfile".into());
        }
        // It is laid over the starter, and may leave the Dockerfile as it is.
        if self.subfolder("solution").is_empty() {
            todo.push("solution/ is empty".into());
        }
        if self.starter().len() < 2 {
            todo.push("starter/ has no application: nothing but a Dockerfile".into());
        }
        if self.definition.starter.fails.is_empty() {
            todo.push("lab.toml names no check that fails on the starter: [starter] fails".into());
        }
        todo.extend(self.attempts_to_do());
        todo
    }

    fn attempts_to_do(&self) -> Option<String> {
        let attempts = self.attempts().ok()?;
        let is_right = |o: ExpectedOutcome| o == ExpectedOutcome::Passed;
        let right = attempts
            .iter()
            .filter(|a| is_right(a.expected.outcome))
            .count();
        let wrong = attempts.len() - right;
        let (all, least_right, least_wrong) = ATTEMPTS;
        let short = attempts.len() < all || right < least_right || wrong < least_wrong;
        short.then(|| {
            format!(
                "attempts/ has {right} right and {wrong} wrong ones; a lab wants {all}, of them {least_right} right \
                 and {least_wrong} wrong"
            )
        })
    }
}

fn marks(path: &str, text: &str) -> Vec<String> {
    let marked = text.lines().enumerate().filter(|(_, l)| l.contains(MARK));
    let say = |(n, line): (usize, &str)| {
        let note = line.split_once(MARK).map_or("", |(_, after)| after);
        let note = note.trim_matches(|c: char| ": \"-#>*".contains(c));
        format!("{path}:{}: {note}", n + 1)
    };
    marked.map(say).collect()
}
