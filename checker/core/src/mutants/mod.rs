//! Wrong variants of a lab's solution, made by rule: what its checks must notice.
//!
//! A rule changes one thing in the solution, says in a sentence what, and names the checks that must notice it. Nothing
//! is built here. A lab says in `mutants.toml` which mutants may survive, and why.

mod context;
mod lines;
mod stages;
mod words;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::{Files, Fix};
use crate::dockerfile::{Instruction, Keyword};
use crate::edits::Edits;
use crate::evidence::SourceEvidence;
use crate::judge::read_sources;
use crate::lab::{Lab, LabError, parse_toml};
use crate::plan::{Plan, PlannedBuild, PlannedCheck};
use crate::source::Source;
use crate::stages::Stage;

/// A way to spoil a solution.
pub struct Rule {
    /// Its name, in kebab case.
    pub id: &'static str,
    /// What it does, in a few words.
    pub what: &'static str,
    /// Ids of the checks of which one must notice; `config.labels` is a `config` that a lab gives `labels`. Only what
    /// one of them judges is spoiled.
    pub notice: &'static [&'static str],
    make: fn(&Ground<'_>) -> Vec<Spoiled>,
}

/// The checks that notice when a container does not start its program.
const STARTS: &[&str] = &[
    "http",
    "runs",
    "config.cmd",
    "config.entrypoint",
    "static-binary",
    "runs-read-only",
    "survives-stop",
];

impl Rule {
    /// The checks of a plan that must notice.
    fn noticed_by<'a>(&self, plan: &'a Plan) -> impl Iterator<Item = &'a PlannedCheck> {
        plan.checks.iter().filter(|c| {
            self.notice.iter().any(|id| match id.split_once('.') {
                Some((id, param)) => c.check.id() == id && c.given.iter().any(|g| g == param),
                None => c.check.id() == *id,
            })
        })
    }
}

/// Every rule.
pub static RULES: &[&Rule] = &[
    &lines::DROP_USER,
    &lines::DROP_START,
    &lines::DROP_RUN,
    &lines::DROP_COPY,
    &lines::DROP_ENV,
    &lines::DROP_SETTING,
    &lines::DROP_WORKDIR,
    &lines::DROP_HEALTHCHECK,
    &lines::DROP_LABEL,
    &lines::DROP_EXPOSE,
    &lines::DROP_STOPSIGNAL,
    &lines::SOURCE_FIRST,
    &lines::SHIP_A_SHELL,
    &lines::LEAK_BY_ARG,
    &lines::WASTE_BYTES,
    &lines::AS_ROOT,
    &lines::SHIP_THE_SOURCES,
    &lines::OTHER_PROGRAM,
    &words::ROOT_USER,
    &words::UNKNOWN_USER,
    &words::SHELL_FORM,
    &words::WRONG_PROGRAM,
    &words::WRONG_SOURCE,
    &words::ELSEWHERE,
    &words::WRONG_STAGE,
    &words::ALL_OF_THE_BUILDER,
    &words::DROP_CGO,
    &words::KEEP_DEV,
    &words::DROP_MOUNT,
    &words::DROP_CACHE_MOUNT,
    &words::DROP_PLATFORM,
    &words::FIX_ARCHITECTURE,
    &words::NO_EXEC_BIT,
    &words::IGNORE_FAILURE,
    &stages::DROP_NAME,
    &stages::DROP_USED_NAME,
    &stages::OTHER_NAME,
    &stages::BUILDER_SHIPS,
    &stages::FULL_BASE,
    &stages::UNPINNED_BASE,
    &context::DROP_IGNORE_FILE,
    &context::DROP_IGNORE_LINE,
];

/// A solution with one thing wrong.
#[derive(Clone)]
pub struct Mutant {
    /// Its name, the same as long as the solution is: `drop-user/production`.
    pub name: String,
    /// The rule that made it.
    pub rule: &'static Rule,
    /// The files that differ from the solution's; an empty one is taken away.
    pub files: Files,
    /// The difference.
    pub diff: String,
}

impl std::fmt::Debug for Mutant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n{}", self.name, self.diff)
    }
}

/// A mutant that may go unnoticed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Survivor {
    /// Its name.
    pub mutant: String,
    /// Why no check should notice it: one line.
    pub why: String,
}

/// `mutants.toml`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Survivors {
    /// Each.
    #[serde(default)]
    pub survives: Vec<Survivor>,
}

/// Where a lab keeps its survivors.
pub const FILE: &str = "mutants.toml";

/// The survivors that a lab declares.
///
/// # Errors
/// `mutants.toml` is wrong, or names a mutant that there is not.
pub fn survivors(lab: &Lab, mutants: &[Mutant]) -> Result<Vec<Survivor>, LabError> {
    let Some(file) = lab.files.get(FILE) else {
        return Ok(Vec::new());
    };
    let path = format!("{:02}-{}/{FILE}", lab.number, lab.slug);
    let source = Source::new(path, file.bytes.as_ref());
    let declared: Survivors = parse_toml(&source, &source.text())?;
    for survivor in &declared.survives {
        if !mutants.iter().any(|m| m.name == survivor.mutant) {
            let names = mutants.iter().map(|m| m.name.as_str());
            let help = match crate::diagnostic::did_you_mean(&survivor.mutant, names) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => "`mslab verify --mutants` lists them.".to_owned(),
            };
            let message = format!("there is no mutant `{}`", survivor.mutant);
            return Err(LabError::at(&source, None, message, help));
        }
    }
    Ok(declared.survives)
}

/// Every mutant of a lab's solution that one of its checks must notice.
#[must_use]
pub fn mutants(lab: &Lab, plan: &Plan) -> Vec<Mutant> {
    let sources = read_sources(&plan.solution, &plan.builds);
    let mut out: Vec<Mutant> = Vec::new();
    for (path, source) in &sources {
        for rule in RULES {
            let judged: BTreeSet<usize> = rule.noticed_by(plan).map(|c| c.build).collect();
            let builds = judged.iter().filter_map(|n| plan.builds.get(*n));
            let here: Vec<_> = builds.filter(|b| b.dockerfile == *path).collect();
            if here.is_empty() {
                continue;
            }
            let ground = Ground::new(lab, source, &plan.solution, here.into_iter());
            for spoiled in (rule.make)(&ground) {
                add(&mut out, rule, path, &plan.solution, spoiled);
            }
        }
    }
    out
}

fn add(out: &mut Vec<Mutant>, rule: &'static Rule, path: &str, solution: &Files, spoiled: Spoiled) {
    let Ok(after) = spoiled.fix.apply(solution) else {
        return;
    };
    let changed: Files = after
        .iter()
        .filter(|(p, s)| solution.get(*p) != Some(*s))
        .map(|(p, s)| (p.clone(), s.clone()))
        .collect();
    if changed.is_empty() || out.iter().any(|m| m.files == changed) {
        return;
    }
    let file = match path {
        "Dockerfile" => String::new(),
        other => format!("{other}:"),
    };
    let plain = format!("{}/{file}{}", rule.id, spoiled.place);
    let same = |m: &&Mutant| m.name == plain || m.name.starts_with(&format!("{plain}-"));
    let name = match out.iter().filter(same).count() {
        0 => plain,
        n => format!("{plain}-{}", n + 1),
    };
    out.push(Mutant {
        name,
        rule,
        files: changed,
        diff: spoiled.fix.diff(solution),
    });
}

/// One way in which a rule spoils the solution.
struct Spoiled {
    place: String,
    fix: Fix,
}

/// What rules work on: a Dockerfile of the solution.
struct Ground<'a> {
    lab: &'a Lab,
    source: &'a SourceEvidence,
    files: &'a Files,
    /// The stages that are built, in the order of the file.
    stages: Vec<&'a Stage>,
    /// Of them the targets.
    targets: BTreeSet<usize>,
}

impl<'a> Ground<'a> {
    fn new(
        lab: &'a Lab,
        source: &'a SourceEvidence,
        files: &'a Files,
        builds: impl Iterator<Item = &'a PlannedBuild>,
    ) -> Self {
        let graph = &source.graph;
        let target = |b: &PlannedBuild| graph.find_first(b.target.iter().map(String::as_str));
        let targets: BTreeSet<usize> = builds.filter_map(|b| Some(target(b)?.index)).collect();
        let needed: BTreeSet<usize> = targets.iter().flat_map(|t| graph.reachable(*t)).collect();
        Self {
            lab,
            source,
            files,
            stages: graph
                .stages
                .iter()
                .filter(|s| needed.contains(&s.index))
                .collect(),
            targets,
        }
    }

    /// A stage's instructions, the `FROM` included.
    fn of(&self, stage: &Stage) -> &'a [Instruction] {
        let all = &self.source.dockerfile.instructions;
        all.get(stage.instructions.clone()).unwrap_or_default()
    }

    /// The instructions of all stages that are built.
    fn all(&self) -> impl Iterator<Item = (&'a Stage, &'a Instruction)> {
        let stages = self.stages.iter().copied();
        stages.flat_map(|s| self.of(s).iter().map(move |i| (s, i)))
    }

    /// Of the stages that are built the targets.
    fn target_stages(&self) -> impl Iterator<Item = &'a Stage> {
        let built = self.stages.iter().copied();
        built.filter(|s| self.targets.contains(&s.index))
    }

    /// Whether an instruction says which program is started: not a `CMD` beside an `ENTRYPOINT`, which only gives it
    /// arguments.
    fn starts(&self, stage: &Stage, i: &Instruction) -> bool {
        let entry = |i: &Instruction| i.keyword == Keyword::Entrypoint;
        entry(i) || i.keyword == Keyword::Cmd && !self.of(stage).iter().any(entry)
    }

    /// The instructions of the targets.
    fn shipped(&self) -> impl Iterator<Item = (&'a Stage, &'a Instruction)> {
        self.all().filter(|(s, _)| self.targets.contains(&s.index))
    }

    fn edits(&self) -> Edits<'a> {
        Edits::new(
            "spoil it",
            &self.source.path,
            &self.source.dockerfile.source,
        )
    }

    fn spoil(stage: &Stage, edits: Edits<'_>) -> Spoiled {
        Spoiled {
            place: stage.label(),
            fix: edits.done(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Folder, FolderFile};

    /// A lab with these checks and this solution.
    fn lab(checks: &str, files: &[(&str, &str)]) -> Lab {
        let toml = format!(
            "schema = 1\ntitle = \"A lab\"\nlesson = \"node\"\n[files]\nlearner = [\"Dockerfile\", \".dockerignore\"]\n\
             [[build]]\nkey = \"prod\"\n{checks}"
        );
        let file = |text: &str| FolderFile {
            bytes: text.as_bytes().to_vec().into(),
            executable: false,
        };
        let mut folder: Folder = [("lab.toml", toml.as_str()), ("README.md", "# A lab\n")]
            .into_iter()
            .map(|(path, text)| (path.to_owned(), file(text)))
            .collect();
        for (path, text) in files {
            folder.insert((*path).to_owned(), file(text));
        }
        folder.insert("starter/Dockerfile".into(), file("FROM a:1\n"));
        Lab::read("01-a", folder).unwrap()
    }

    fn names_of(checks: &str, files: &[(&str, &str)]) -> Vec<String> {
        let lab = lab(checks, files);
        let mutants = mutants(&lab, &Plan::new(&lab).unwrap());
        mutants.into_iter().map(|m| m.name).collect()
    }

    fn names(checks: &str) -> Vec<String> {
        let solution = [
            ("solution/Dockerfile", "FROM a:1\nUSER 1000\nCMD [\"/a\"]\n"),
            (
                "solution/.dockerignore",
                ".git\n*.log\nDockerfile\n.dockerignore\n",
            ),
        ];
        names_of(checks, &solution)
    }

    #[test]
    fn only_what_a_check_of_the_lab_judges_is_spoiled() {
        let user = names("[[check]]\nid = \"non-root\"\npoints = 100\n");
        assert_eq!(user, ["drop-user/0", "root-user/0", "unknown-user/0"]);
        let context = names(
            "[[check]]\nid = \"context-ignores\"\npoints = 100\npaths = [\".git\", \"a.log\"]\n",
        );
        assert_eq!(
            context,
            [
                "drop-ignore-file/all",
                "drop-ignore-line/.git",
                "drop-ignore-line/*.log"
            ]
        );
    }

    #[test]
    fn packages_for_development_are_kept_only_where_there_are_any() {
        let checks = "[[check]]\nid = \"no-dev-dependencies\"\npoints = 100\n";
        let dockerfile = "FROM a:1\nCOPY package.json ./\nRUN npm ci --omit=dev\nCOPY . .\n";
        let with = |package| {
            let files = [
                ("solution/Dockerfile", dockerfile),
                ("starter/package.json", package),
            ];
            names_of(checks, &files)
        };
        assert_eq!(
            with("{\"devDependencies\": {\"typescript\": \"5\"}}"),
            ["keep-dev/0"]
        );
        assert!(with("{\"devDependencies\": {}}").is_empty());
        assert!(with("{}").is_empty());
    }

    #[test]
    fn the_sources_come_first_only_where_a_step_stands_between() {
        let checks = "[[check]]\nid = \"manifests-before-source\"\npoints = 100\n";
        let of = |text| names_of(checks, &[("solution/Dockerfile", text)]);
        assert_eq!(
            of("FROM a:1\nCOPY go.mod .\nRUN go mod download\nCOPY . .\nRUN go build\n"),
            ["source-first/0"]
        );
        assert!(of("FROM a:1\nCOPY go.mod .\nCOPY src src\nRUN go build\n").is_empty());
    }

    #[test]
    fn a_cache_mount_goes_wherever_it_stands() {
        let checks = "[[check]]\nid = \"uses-mount\"\ntype = \"cache\"\npoints = 100\n";
        let text = "FROM a:1\nRUN --mount=type=cache,target=/c a\nRUN --mount=type=cache,target=/c b\n\
                    RUN --mount=type=secret,id=s c\n";
        let files = [("solution/Dockerfile", text)];
        assert_eq!(
            names_of(checks, &files),
            ["drop-mount/0", "drop-cache-mount/0"]
        );
    }

    #[test]
    fn a_survivor_that_there_is_not_is_told_with_its_likeness() {
        let checks = "[[check]]\nid = \"non-root\"\npoints = 100\n";
        let declared = "[[survives]]\nmutant = \"drop-users/0\"\nwhy = \"a slip\"\n";
        let files = [
            ("solution/Dockerfile", "FROM a:1\nUSER 1000\n"),
            (FILE, declared),
        ];
        let lab = lab(checks, &files);
        let all = mutants(&lab, &Plan::new(&lab).unwrap());
        let error = survivors(&lab, &all).unwrap_err();
        assert!(error.to_string().contains("`drop-users/0`"), "{error}");
    }
}
