//! Hunks of the reference solution, for findings that no check can mend by an edit of its own.
//!
//! A hunk is offered alone, never the solution as a whole, and only where the text proves what it does: the stages
//! that are built are then the solution's own, which `mslab verify` has built and checked; or the hunk changes nothing
//! but how the container starts, and the check reads that from the text.

use std::collections::BTreeMap;
use std::sync::Arc;

use similar::{DiffOp, TextDiff};

use crate::diagnostic::{Files, Fix};
use crate::dockerfile::Instruction;
use crate::evidence::SourceEvidence;
use crate::plan::{Plan, PlannedBuild};
use crate::source::{Source, Span};
use crate::stages::{Needs, Stage};

/// Dockerfiles by their path.
pub(super) type Dockerfiles = BTreeMap<String, Arc<SourceEvidence>>;

/// Longer files are not compared with the solution's: no lab's are, and each hunk is parsed and judged.
const LONGEST: usize = 64 << 10;
/// Lines that a hunk may bring, comments and blank ones apart: more would do the exercise for the learner.
const SHORT: usize = 3;
/// No more hunks than this are tried.
const MOST: usize = 40;

/// What a hunk makes of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Becomes {
    /// What the reference solution builds.
    Solution,
    /// What it was, but for how the container starts.
    Itself,
}

/// The differences between the learner's files and the solution's, each alone, then those that stand close together,
/// then all.
pub(super) fn hunks(files: &Files, solution: &Files) -> Vec<Fix> {
    solution
        .iter()
        .filter_map(|(path, wanted)| Some((path, files.get(path)?, wanted)))
        .flat_map(|(path, own, wanted)| hunks_of(path, own, wanted))
        .collect()
}

fn hunks_of(path: &str, own: &Source, wanted: &Source) -> Vec<Fix> {
    if own.bytes().len() > LONGEST {
        return Vec::new();
    }
    let texts = (
        std::str::from_utf8(own.bytes()),
        std::str::from_utf8(wanted.bytes()),
    );
    let (Ok(own), Ok(wanted)) = texts else {
        return Vec::new();
    };
    let diff = TextDiff::from_lines(own, wanted);
    let old: Vec<&str> = diff.iter_old_slices().collect();
    let new: Vec<&str> = diff.iter_new_slices().collect();
    let speaking = |lines: &[&str]| {
        let silent = |l: &&&str| l.trim().is_empty() || l.trim_start().starts_with('#');
        lines.iter().filter(|l| !silent(l)).count()
    };
    let changes = |ops: &[DiffOp]| -> Vec<DiffOp> {
        let matters = |op: &&DiffOp| {
            !matches!(op, DiffOp::Equal { .. })
                && speaking(&old[op.old_range()]) + speaking(&new[op.new_range()]) > 0
        };
        ops.iter().filter(matters).copied().collect()
    };
    let all = changes(diff.ops());
    let mut choices: Vec<Vec<DiffOp>> = all.iter().map(|op| vec![*op]).collect();
    choices.extend(diff.grouped_ops(3).iter().map(|group| changes(group)));
    choices.push(all);
    choices.retain(|ops| {
        let brought: usize = ops.iter().map(|op| speaking(&new[op.new_range()])).sum();
        !ops.is_empty() && brought <= SHORT
    });
    choices.dedup();
    choices.truncate(MOST);
    let start_of = |line: usize| old[..line].iter().map(|l| l.len()).sum::<usize>();
    let to_fix = |ops: Vec<DiffOp>| {
        let fix = Fix::new("write this part as the reference solution does");
        ops.iter().fold(fix, |fix, op| {
            let gone = op.old_range();
            let span = Span::new(start_of(gone.start), start_of(gone.end));
            fix.replace(path, span, new[op.new_range()].concat())
        })
    };
    choices.into_iter().map(to_fix).collect()
}

/// What `build` becomes when the files change from `before` to `after`; `None` where the text proves nothing.
pub(super) fn becomes(
    plan: &Plan,
    build: &PlannedBuild,
    before: &Dockerfiles,
    after: (&Files, &Dockerfiles),
    solution: &Dockerfiles,
) -> Option<Becomes> {
    let (files, after) = after;
    let target = |all| Target::new(all, build);
    let now = target(after)?;
    let is_solution = target(solution).is_some_and(|s| now.same(&s, |_| true));
    if is_solution && others_agree(plan, files) {
        return Some(Becomes::Solution);
    }
    let was = target(before)?;
    now.same(&was, |i| !i.keyword.is_about_the_start())
        .then_some(Becomes::Itself)
}

/// Whether the learner's files that are no Dockerfile say the same as the solution's, comments and blank lines apart.
fn others_agree(plan: &Plan, files: &Files) -> bool {
    let is_dockerfile = |path: &str| plan.builds.iter().any(|b| b.dockerfile == path);
    let lines = |s: Option<&Source>| -> Vec<String> {
        let text = s.map(Source::text).unwrap_or_default();
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|l| !l.is_empty() && !l.starts_with('#'));
        lines.map(str::to_owned).collect()
    };
    let paths = plan.solution.keys().filter(|p| !is_dockerfile(p));
    let mut paths = paths.chain(files.keys().filter(|p| p.ends_with(".dockerignore")));
    paths.all(|p| lines(files.get(p)) == lines(plan.solution.get(p)))
}

/// A stage that is built, in its Dockerfile.
#[derive(Clone, Copy)]
struct Target<'a> {
    source: &'a SourceEvidence,
    stage: &'a Stage,
}

impl<'a> Target<'a> {
    fn new(all: &'a Dockerfiles, build: &PlannedBuild) -> Option<Self> {
        let source = all.get(&build.dockerfile)?;
        let names = build.target.iter().map(String::as_str);
        let stage = source.graph.find_first(names)?;
        Some(Self { source, stage })
    }

    /// Whether both have the same stages beneath them with the same instructions, of those that `counts`, and the same
    /// arguments before the first `FROM`.
    fn same(&self, other: &Self, counts: impl Fn(&Instruction) -> bool + Copy) -> bool {
        self.before_stages().eq(other.before_stages())
            && self.needs() == other.needs()
            && self.words(counts).eq(other.words(counts))
    }

    /// The instructions of every stage that is needed, stage by stage.
    fn words(&self, counts: impl Fn(&Instruction) -> bool) -> impl Iterator<Item = Vec<String>> {
        let all = &self.source.dockerfile.instructions;
        let stages = self.source.graph.reachable(self.stage.index).into_iter();
        let stages = stages.filter_map(|i| self.source.graph.stages.get(i));
        stages.map(move |s| {
            let own = all.get(s.instructions.clone()).unwrap_or_default();
            own.iter().filter(|i| counts(i)).map(meaning).collect()
        })
    }

    /// Who needs what, with stages numbered among those that are needed.
    fn needs(&self) -> Vec<(usize, Result<usize, &'a str>)> {
        let graph = &self.source.graph;
        let reachable = graph.reachable(self.stage.index);
        let numbers: BTreeMap<usize, usize> = reachable
            .into_iter()
            .enumerate()
            .map(|(n, i)| (i, n))
            .collect();
        let number = |index: &usize| numbers.get(index).copied();
        let edges = graph.edges.iter();
        edges
            .filter_map(|edge| {
                let what = match &edge.needs {
                    Needs::Stage(i) => Ok(number(i)?),
                    Needs::Image(name) => Err(name.as_str()),
                };
                Some((number(&edge.stage)?, what))
            })
            .collect()
    }

    fn before_stages(&self) -> impl Iterator<Item = String> {
        let all = &self.source.dockerfile.instructions;
        let end = self.source.graph.stages.first().map_or(0, |s| s.from);
        all.iter().take(end).map(meaning)
    }
}

/// An instruction's words without its layout: spaces, continuations, comments.
fn meaning(instruction: &Instruction) -> String {
    let mut words = vec![instruction.keyword_word.text.to_ascii_uppercase()];
    for flag in &instruction.flags {
        let value = flag.value.as_ref().map_or("", |v| &v.text);
        words.push(format!("--{}={value}", flag.name.text));
    }
    let rest = &instruction.rest.text;
    if rest.contains(['"', '\'']) {
        words.push(rest.clone());
    } else {
        words.extend(rest.split_whitespace().map(str::to_owned));
    }
    words.extend(instruction.heredocs.iter().map(|h| h.content.clone()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::read_sources;

    const SOLUTION: &str = "FROM node:24-alpine AS builder\n\
        WORKDIR /app\n\
        COPY . .\n\
        RUN npm run build\n\
        \n\
        # What ships.\n\
        FROM nginx:1.26-alpine AS production\n\
        COPY --from=builder /app/dist /usr/share/nginx/html\n\
        COPY nginx.conf /etc/nginx/conf.d/default.conf\n\
        USER nginx\n\
        CMD [\"nginx\", \"-g\", \"daemon off;\"]\n";

    fn files(text: &str) -> Files {
        let source = Source::new("Dockerfile", text.as_bytes());
        Files::from([("Dockerfile".to_owned(), source)])
    }

    /// The hunks that lead from `own` to [`SOLUTION`], each with what it makes of the build.
    fn tried(own: &str) -> Vec<(String, Option<Becomes>)> {
        let mut plan = Plan::general("Dockerfile");
        plan.solution = files(SOLUTION);
        let own = files(own);
        let read = |files: &Files| read_sources(files, &plan.builds);
        let (was, solution) = (read(&own), read(&plan.solution));
        let trial = |fix: Fix| {
            let after = fix.apply(&own).unwrap();
            let read = read(&after);
            let becomes = becomes(&plan, &plan.builds[0], &was, (&after, &read), &solution);
            (fix.diff(&own), becomes)
        };
        hunks(&own, &plan.solution).into_iter().map(trial).collect()
    }

    #[test]
    fn what_is_all_that_differs_makes_the_build_the_solutions() {
        let own = SOLUTION.replace("COPY nginx.conf /etc/nginx/conf.d/default.conf\n", "");
        let hunks = tried(&own);
        assert_eq!(hunks.len(), 1, "{hunks:?}");
        assert_eq!(hunks[0].1, Some(Becomes::Solution));
        assert!(hunks[0].0.contains("\n+COPY nginx.conf "), "{}", hunks[0].0);
    }

    #[test]
    fn comments_and_layout_do_not_count() {
        let own = SOLUTION
            .replace("# What ships.\n", "# here it goes on\n\n")
            .replace("USER nginx\n", "");
        let hunks = tried(&own);
        assert_eq!(hunks[0].1, Some(Becomes::Solution));
        assert!(!hunks[0].0.contains("+# What ships."), "{}", hunks[0].0);
    }

    #[test]
    fn beside_other_differences_only_the_start_can_be_proved() {
        let own = SOLUTION
            .replace("npm run build", "npm run compile")
            .replace("USER nginx\n", "")
            .replace("[\"nginx\", \"-g\", \"daemon off;\"]", "nginx");
        let of = |word: &str| {
            let hunks = tried(&own);
            let with = |(diff, _): &&(String, _)| diff.contains(word);
            hunks.iter().find(with).unwrap().1
        };
        assert_eq!(of("+CMD"), None, "USER is in the same hunk");
        assert_eq!(of("+RUN"), None);
        let own = SOLUTION
            .replace("npm run build", "npm run compile")
            .replace("[\"nginx\", \"-g\", \"daemon off;\"]", "nginx");
        assert_eq!(tried(&own)[1].1, Some(Becomes::Itself));
    }

    #[test]
    fn the_solution_as_a_whole_is_no_hunk() {
        let starter = tried("FROM node:24\nCOPY . .\nCMD npm start\n");
        assert!(
            starter.iter().all(|(_, becomes)| becomes.is_none()),
            "{starter:?}"
        );
        assert_eq!(tried(SOLUTION), []);
    }
}
