//! `targets-exist`: every stage that somebody will ask for by name is there.

use schemars::JsonSchema;
use serde::Deserialize;

use super::params::{Names, listed};
use super::roles::{self, Role};
use super::{Check, Doc, Example, Judged, Verdict, View};
use crate::diagnostic::{Finding, Fix, did_you_mean};
use crate::dockerfile::Command;
use crate::edits::Edits;
use crate::evidence::SourceEvidence;
use crate::source::Span;
use crate::stages::{Needs, Stage};

/// See [`Check::DOC`].
pub(super) struct TargetsExist;

/// Parameters of `targets-exist`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Params {
    /// The names that must be stages. A list inside the list is a choice: any of its names will do. Without this
    /// parameter, the build's own target must exist.
    targets: Vec<Names>,
}

impl Check for TargetsExist {
    type Params = Params;
    const ID: &'static str = "targets-exist";
    const TITLE: &'static str = "The wanted stages exist";
    const DOC: Doc = Doc {
        what: "Every stage that is asked for by name is in the Dockerfile: some `FROM` ends with `AS` and that name. \
               Names are compared without regard to upper and lower case, as the engine compares them.",
        why: "`docker build --target production` stops with an error when no stage has that name. \
              The names are the part of your Dockerfile that other people and scripts rely on.",
        bad: Example::text(
            "FROM node:24-alpine AS builder\n\
             WORKDIR /app\n\
             COPY . .\n\
             RUN npm ci && npm run build\n\
             \n\
             FROM node:24-alpine\n\
             WORKDIR /app\n\
             COPY --from=builder /app/dist ./dist\n\
             CMD [\"node\", \"dist/server.js\"]\n",
        )
        .with_params("targets = [\"builder\", \"production\"]"),
        good: Example::text(
            "FROM node:24-alpine AS builder\n\
             WORKDIR /app\n\
             COPY . .\n\
             RUN npm ci && npm run build\n\
             \n\
             FROM node:24-alpine AS production\n\
             WORKDIR /app\n\
             COPY --from=builder /app/dist ./dist\n\
             CMD [\"node\", \"dist/server.js\"]\n",
        )
        .with_params("targets = [\"builder\", \"production\"]"),
    };

    fn summary(params: &Params) -> String {
        if params.targets.is_empty() {
            return "the target is a stage".into();
        }
        let all: Vec<String> = params.targets.iter().map(Names::to_string).collect();
        format!("stages {}", all.join(", "))
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let source = view.source()?;
        let graph = &source.graph;
        let own;
        let wanted: &[Names] = if params.targets.is_empty() {
            own = [Names::Any(view.build.target.clone())];
            &own
        } else {
            &params.targets
        };
        let missing: Vec<&Names> = wanted
            .iter()
            .filter(|names| graph.find_first(names.iter()).is_none())
            .collect();
        if missing.is_empty() {
            let found: Vec<String> = wanted
                .iter()
                .filter_map(|names| graph.find_first(names.iter()))
                .map(Stage::label)
                .collect();
            let found = listed(found.iter().map(String::as_str), "and");
            return Ok(Verdict::passed(format!("found {found}")));
        }
        Ok(finding(view, source, wanted, &missing).into())
    }
}

fn finding(
    view: &View<'_>,
    source: &SourceEvidence,
    wanted: &[Names],
    missing: &[&Names],
) -> Finding {
    let stages = &source.graph.stages;
    let mut given = Vec::new();
    for names in missing {
        let taken: Vec<usize> = given.iter().map(|(i, _)| *i).collect();
        match candidate(source, wanted, &taken, names) {
            Some(stage) => given.push((stage.index, names.first())),
            None => break,
        }
    }
    let first = given.first().map(|(i, _)| *i);
    // A stage that has its right name is not the one that lacks one.
    let unplaced = stages.iter().rev().find(|s| !is_wanted(wanted, s));
    let place = first.or(unplaced.map(|s| s.index)).and_then(|i| {
        let stage = stages.get(i)?;
        let name = stage.name.as_ref().map(|n| n.span);
        name.or_else(|| from_span(source, stage))
    });
    let all: Vec<String> = missing
        .iter()
        .map(std::string::ToString::to_string)
        .collect();
    let have: Vec<String> = stages.iter().map(Stage::label).collect();
    let actual = match &have[..] {
        [] => "no stage at all".to_owned(),
        have if stages.iter().all(|s| s.name.is_none()) => {
            format!("{} without a name", count(have.len()))
        }
        have => format!(
            "the stages {}",
            listed(have.iter().map(String::as_str), "and")
        ),
    };
    let message = format!(
        "there is no stage called {}",
        all.join(", and none called ")
    );
    let mut finding = match place {
        Some(span) => view.finding(message, span),
        None => Finding::new(message),
    };
    finding = finding.expected(
        format!("a stage called {}", all.join(", and one called ")),
        actual,
    );
    let near = first.and_then(|i| stages.get(i)?.name.as_ref());
    finding = match near {
        Some(name) => finding.help(format!(
            "Did you mean `{}` where it says `{}`?",
            missing[0].first(),
            name.text
        )),
        None if unplaced.is_some() => finding.help(format!(
            "A stage gets its name at the end of its FROM line: `AS {}`.",
            missing[0].first()
        )),
        None => finding.help(format!(
            "Your stages have their names. This one is still to be written: `FROM … AS {}`.",
            missing[0].first()
        )),
    };
    if given.len() == missing.len() {
        finding = finding.fix(name_them(source, &given));
    } else if let Some(fix) = begin_second_stage(source, missing) {
        finding = finding.fix(fix).help(
            "Two names alone win nothing: a second stage that goes on from the first one ships all that it has. Let it \
             begin from a smaller image, and COPY --from the first one what is needed to run.",
        );
    }
    finding
}

/// Whether a stage has one of the names that are asked for.
fn is_wanted(wanted: &[Names], stage: &Stage) -> bool {
    let name = stage.name.as_ref();
    name.is_some_and(|name| {
        let mut all = wanted.iter().flat_map(Names::iter);
        all.any(|n| n.eq_ignore_ascii_case(&name.text))
    })
}

fn count(stages: usize) -> String {
    match stages {
        1 => "one stage".into(),
        n => format!("{n} stages"),
    }
}

fn from_span(source: &SourceEvidence, stage: &Stage) -> Option<Span> {
    match &source.dockerfile.instructions.get(stage.from)?.command {
        Command::From { image, .. } => Some(image.span),
        _ => None,
    }
}

/// The stage that should have one of `names`: one with nearly that name, or one without any that plays that part.
fn candidate<'a>(
    source: &'a SourceEvidence,
    wanted: &[Names],
    taken: &[usize],
    names: &Names,
) -> Option<&'a Stage> {
    let graph = &source.graph;
    let free = |s: &&Stage| !taken.contains(&s.index);
    let named: Vec<(&str, &Stage)> = graph
        .stages
        .iter()
        .filter(free)
        .filter(|s| !is_wanted(wanted, s))
        .filter_map(|s| Some((s.name.as_ref()?.text.as_str(), s)))
        .collect();
    for name in names.iter() {
        if let Some(near) = did_you_mean(name, named.iter().map(|(n, _)| *n)) {
            return named.iter().find(|(n, _)| *n == near).map(|(_, s)| *s);
        }
    }
    let role = Role::of_name(names.first())?;
    // `final` for `production`, `build` for `builder`: another word for the same part.
    if let Some((_, stage)) = named.iter().find(|(n, _)| Role::of_name(n) == Some(role)) {
        return Some(stage);
    }
    let last = graph.stages.len().checked_sub(1)?;
    let unnamed = graph
        .stages
        .iter()
        .filter(free)
        .filter(|s| s.name.is_none());
    let mut fitting = unnamed.filter(|s| match role {
        Role::Production => s.index == last,
        other => s.index != last && roles::role_of(source, s) == other,
    });
    if let Some(stage) = fitting.next() {
        return Some(stage);
    }
    // The only one that plays that part under a name that nobody asked for.
    let plays = |s: &Stage| match role {
        Role::Builder => matches!(
            roles::role_of(source, s),
            Role::Builder | Role::Dependencies
        ),
        Role::Test | Role::Production => roles::role_of(source, s) == role,
        _ => false,
    };
    let mut playing = named.iter().filter(|(_, s)| plays(s)).map(|(_, s)| *s);
    playing.next().filter(|_| playing.next().is_none())
}

/// Names stages, and follows every use of an old name.
fn name_them(source: &SourceEvidence, given: &[(usize, &str)]) -> Fix {
    let names: Vec<&str> = given.iter().map(|(_, n)| *n).collect();
    let title = format!("name the stage {}", listed(names.iter().copied(), "and"));
    let mut edits = Edits::new(title, &source.path, &source.dockerfile.source);
    for &(index, name) in given {
        let Some(stage) = source.graph.stages.get(index) else {
            continue;
        };
        match &stage.name {
            Some(old) => {
                edits = edits.replace(old.span, name);
                for edge in &source.graph.edges {
                    let word = source.dockerfile.source.snippet(edge.span);
                    if edge.needs == Needs::Stage(index) && word.eq_ignore_ascii_case(&old.text) {
                        edits = edits.replace(edge.span, name);
                    }
                }
            }
            None => {
                if let Some(span) = from_span(source, stage) {
                    edits = edits.insert(span.end, format!(" AS {name}"));
                }
            }
        }
    }
    edits.done()
}

/// For a file of one stage without a name where two names are wanted: names it, and begins the second one before the
/// instructions that say how the image is started.
fn begin_second_stage(source: &SourceEvidence, missing: &[&Names]) -> Option<Fix> {
    let [stage] = &source.graph.stages[..] else {
        return None;
    };
    let [first, second] = missing else {
        return None;
    };
    let roles = [first, second].map(|n| Role::of_name(n.first()));
    let (builder, production) = match roles {
        [Some(Role::Builder), Some(Role::Production)] => (first.first(), second.first()),
        [Some(Role::Production), Some(Role::Builder)] => (second.first(), first.first()),
        _ => return None,
    };
    if stage.name.is_some() {
        return None;
    }
    let all = &source.dockerfile.instructions[stage.instructions.clone()];
    let tail = all
        .iter()
        .rev()
        .take_while(|i| {
            matches!(
                i.command,
                Command::Expose(_)
                    | Command::Cmd(_)
                    | Command::Entrypoint(_)
                    | Command::User(_)
                    | Command::Healthcheck(_)
                    | Command::Stopsignal(_)
            )
        })
        .last();
    let from = from_span(source, stage)?;
    let title = format!(
        "name the stage `{builder}`, and begin a second one called `{production}`: a first step, which still ships all \
         of `{builder}`"
    );
    let line = format!("FROM {builder} AS {production}");
    let edits = Edits::new(title, &source.path, &source.dockerfile.source)
        .insert(from.end, format!(" AS {builder}"));
    let edits = match tail {
        Some(instruction) => edits.lines_before(instruction.span, &[line.as_str(), ""]),
        None => edits.lines_after(all.last()?.span, &["", line.as_str()]),
    };
    Some(edits.done())
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn case(targets: &str, dockerfile: &str) -> Case {
        Case::new(dockerfile).params(&format!("targets = {targets}"))
    }

    #[test]
    fn names_compare_without_case_and_may_be_a_choice() {
        case("[\"production\"]", "FROM a AS Production\n").passes::<TargetsExist>();
        case("[[\"production\", \"runtime\"]]", "FROM a AS runtime\n").passes::<TargetsExist>();
        Case::new("FROM a AS whatever\n").passes::<TargetsExist>();
        Case::new("FROM a AS b\n")
            .target("production")
            .fails::<TargetsExist>();
    }

    #[test]
    fn a_near_name_is_put_right_wherever_it_is_used() {
        let text = "FROM a AS bulider\nFROM b AS production\nCOPY --from=bulider /x /x\nRUN --mount=from=BULIDER,target=/x y\n";
        let case = case("[\"builder\", \"production\"]", text);
        assert_eq!(case.words(&case.fails::<TargetsExist>()), "bulider");
        let after = case.mended::<TargetsExist>().text("Dockerfile");
        assert!(!after.to_lowercase().contains("bulider"), "{after}");
    }

    #[test]
    fn another_word_for_the_same_part_is_replaced() {
        let text = "FROM a AS build\nFROM b AS final\nCOPY --from=build /x /x\n";
        let after = case("[\"builder\", \"production\"]", text).mended::<TargetsExist>();
        assert_eq!(
            after.text("Dockerfile"),
            "FROM a AS builder\nFROM b AS production\nCOPY --from=builder /x /x\n"
        );
    }

    #[test]
    fn unnamed_stages_get_the_names_that_fit_them() {
        let text = "FROM a\nRUN npm run build\nFROM b\nCOPY --from=0 /x /x\n";
        let after = case("[\"builder\", \"production\"]", text).mended::<TargetsExist>();
        assert!(
            after
                .text("Dockerfile")
                .starts_with("FROM a AS builder\nRUN npm run build\nFROM b AS production\n")
        );
    }

    #[test]
    fn one_stage_becomes_two() {
        let text = "FROM a\nRUN npm run build\n\nCMD [\"x\"]\n";
        let after = case("[\"builder\", \"production\"]", text).mended::<TargetsExist>();
        assert_eq!(
            after.text("Dockerfile"),
            "FROM a AS builder\nRUN npm run build\n\nFROM builder AS production\n\nCMD [\"x\"]\n"
        );
    }

    #[test]
    fn no_fix_where_a_whole_stage_is_missing() {
        let finding =
            case("[\"test\", \"production\"]", "FROM a AS production\n").fails::<TargetsExist>();
        assert_eq!(finding.fixes, []);
        assert_eq!(finding.message, "there is no stage called `test`");
    }
}
