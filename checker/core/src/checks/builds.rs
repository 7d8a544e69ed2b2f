//! `builds`: the target builds.

use schemars::JsonSchema;
use serde::Deserialize;

use super::mend::name_and_tag;
use super::{Check, Doc, Example, Judged, Verdict, View, copy_from_named_stage, failure};
use crate::diagnostic::{Finding, Fix, did_you_mean};
use crate::dockerfile::Keyword;
use crate::edits::Edits;
use crate::evidence::{
    BuildFailure, BuildFailureCause, BuildOutcome, Need, Observed, SourceEvidence,
};
use crate::source::Span;
use crate::stages::{Edge, Needs, Problem, Stage, Via};
use crate::units::Millis;

/// See [`Check::DOC`].
pub(super) struct Builds;

/// `builds` takes no parameters.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Params {}

impl Check for Builds {
    type Params = Params;
    const ID: &'static str = "builds";
    const TITLE: &'static str = "The target builds";
    const DOC: Doc = Doc {
        what: "The engine builds the target to its end. Where it cannot, the finding shows the instruction that \
               failed and the last lines that it printed. What the engine would refuse before it starts, such as an \
               unknown instruction, is found without one.",
        why: "An image that cannot be built cannot be shipped, and nothing else about it can be checked.",
        bad: Example::text(
            "FROM golang:1.27-alpine AS builder\n\
             WORKDIR /src\n\
             COPY . .\n\
             RUN go build -o /out/app .\n\
             \n\
             FROM alpine:3.22 AS production\n\
             COPY --from=builder /src/app /app\n\
             CMD [\"/app\"]\n",
        )
        .with_build(missing_binary),
        good: Example::text(
            "FROM golang:1.27-alpine AS builder\n\
             WORKDIR /src\n\
             COPY . .\n\
             RUN go build -o /out/app .\n\
             \n\
             FROM alpine:3.22 AS production\n\
             COPY --from=builder /out/app /app\n\
             CMD [\"/app\"]\n",
        ),
    };

    fn summary(_: &Params) -> String {
        "the target builds".into()
    }

    fn needs(_: &Params) -> Vec<Need> {
        vec![Need::Build]
    }

    fn judge(_: &Params, view: &View<'_>) -> Judged {
        if let Some(finding) = refused(view) {
            return Ok(finding.into());
        }
        let outcome = match view.outcome() {
            // No engine needs to ask a registry for what is a slip of the finger.
            Err(unseen) => return slip(view).map_or(Err(unseen), |finding| Ok(finding.into())),
            Ok(outcome) => outcome,
        };
        match outcome {
            BuildOutcome::Failed(failure) => Ok(failure::finding(view, failure).into()),
            BuildOutcome::Built(built) => {
                let time = Millis(built.duration_ms);
                let cached = built.steps.iter().filter(|s| s.cached).count();
                Ok(Verdict::passed(match built.steps.len() {
                    0 => "builds".to_owned(),
                    n => format!("builds in {time}, {cached} of {n} steps from the cache"),
                }))
            }
        }
    }

    fn promised_by_text(_: &Params, view: &View<'_>) -> Option<bool> {
        if refused(view).is_some() {
            return Some(false);
        }
        let seen = view
            .evidence
            .builds
            .get(&view.build.key)
            .map(|b| &b.outcome);
        match seen {
            Some(Observed::Seen(BuildOutcome::Failed(failure))) => {
                failure::mended_by_text(view, failure)
            }
            Some(Observed::Seen(BuildOutcome::Built(_))) => None,
            _ => Some(slip(view).is_none()),
        }
    }
}

/// What the engine refuses before it builds anything.
fn refused(view: &View<'_>) -> Option<Finding> {
    let path = &view.build.dockerfile;
    let Some(source) = view.evidence.dockerfiles.get(path) else {
        let finding = Finding::new(format!("there is no {path}"))
            .expected(format!("a file called {path}"), "none");
        return Some(finding.help("The file's name has a capital D and no ending."));
    };
    let errors = &source.dockerfile.errors;
    if let Some(first) = errors.first() {
        let mut finding = view.finding(first.message.clone(), first.span);
        finding.help.clone_from(&first.help);
        for other in &errors[1..] {
            finding = finding.related(view.place(other.span), other.message.clone());
        }
        finding.fixes.extend(errors_fix(source));
        return Some(finding);
    }
    let graph = &source.graph;
    let target = graph.find_first(view.build.target.iter().map(String::as_str));
    let Some(target) = target else {
        return Some(no_target(view, source));
    };
    let reachable = graph.reachable(target.index);
    let problems: Vec<&Problem> = graph
        .problems
        .iter()
        .filter(|p| p.stage.is_none_or(|s| reachable.contains(&s)))
        .collect();
    let first = problems.first()?;
    let mut finding = view.finding(first.message.clone(), first.span);
    finding.help.clone_from(&first.help);
    for other in &problems[1..] {
        finding = finding.related(view.place(other.span), other.message.clone());
    }
    Some(finding)
}

/// A name after `FROM` or `--from` that is written in the text, reads almost like an earlier stage, and not like an image
/// with a tag: the place, the name, and the stage that was probably meant.
///
/// Only a registry can say for certain that there is no image of that name; ask here where it could not be asked.
#[must_use]
pub fn misspelt_stage<'a>(
    source: &'a SourceEvidence,
    target: &Stage,
) -> Option<(&'a Edge, &'a str, String)> {
    let graph = &source.graph;
    let reachable = graph.reachable(target.index);
    let image = |edge: &'a Edge| match &edge.needs {
        Needs::Image(name) => Some(name.as_str()),
        Needs::Stage(_) => None,
    };
    let needed = graph.edges.iter().filter(|e| reachable.contains(&e.stage));
    needed.into_iter().find_map(|edge| {
        let name = image(edge)?;
        let with_tag =
            |e: &'a Edge| image(e).is_some_and(|o| o != name && name_and_tag(o).0 == name);
        let bare = !name.contains([':', '/', '@']) && !graph.edges.iter().any(with_tag);
        let earlier = graph.stages.iter().take(edge.stage);
        let names: Vec<String> = earlier
            .filter_map(|s| Some(s.name.as_ref()?.text.clone()))
            .collect();
        let near = copy_from_named_stage::near(name, &names)?;
        (bare && source.dockerfile.source.snippet(edge.span) == name)
            .then(|| (edge, name, near.to_owned()))
    })
}

/// The finding for such a name; `None` where a check of its own speaks of it.
fn slip(view: &View<'_>) -> Option<Finding> {
    let source = view.source().ok()?;
    let (edge, name, near) = misspelt_stage(source, view.target().ok()?)?;
    if view.copies_judged && edge.via != Via::From {
        return None;
    }
    let edits = Edits::new(
        format!("write `{near}`"),
        &source.path,
        &source.dockerfile.source,
    );
    let finding = view.finding(format!("there is no stage called `{name}`"), edge.span);
    let finding = finding
        .expected(
            "an earlier stage, or an image that can be had",
            format!("`{name}`, which the engine takes for an image"),
        )
        .help(format!("Did you mean the stage `{near}`?"));
    Some(finding.fix(edits.replace(edge.span, near).done()))
}

fn no_target(view: &View<'_>, source: &SourceEvidence) -> Finding {
    let wanted = view.build.target_names();
    let names: Vec<String> = source.graph.stages.iter().map(Stage::label).collect();
    let message = format!("there is no stage called {wanted} to build");
    let found: Vec<String> = source
        .graph
        .stages
        .iter()
        .map(|s| match &s.name {
            Some(name) => format!("`{}`", name.text),
            None => "one without a name".to_owned(),
        })
        .collect();
    let found = match &found[..] {
        [] => "no stage".to_owned(),
        [one] => format!("one stage: {one}"),
        all => format!("{} stages: {}", all.len(), all.join(", ")),
    };
    let finding = Finding::new(message).expected(format!("a stage called {wanted}"), found);
    let near = view
        .build
        .target
        .iter()
        .find_map(|t| did_you_mean(t, names.iter().map(String::as_str)));
    match near {
        Some(near) => finding.help(format!("Is it the stage `{near}`?")),
        None => finding.help("A stage gets its name at the end of its FROM line, after `AS`."),
    }
}

/// Puts right what is one word off: instructions and flags that are nearly known.
fn errors_fix(source: &SourceEvidence) -> Option<Fix> {
    let file = &source.dockerfile.source;
    let mut edits = Edits::new("write what was meant", &source.path, file);
    let mut mended: Vec<Span> = Vec::new();
    for error in &source.dockerfile.errors {
        // One word may be at fault twice.
        if mended.contains(&error.span) {
            continue;
        }
        mended.push(error.span);
        let written = file.snippet(error.span);
        let unknown = source
            .dockerfile
            .instructions
            .iter()
            .find(|i| i.keyword == Keyword::Unknown && i.keyword_word.span == error.span);
        let meant = match unknown {
            Some(_) => Keyword::nearest(&written).map(|k| k.as_str().to_owned()),
            None => error
                .help
                .as_deref()
                .and_then(|h| h.strip_prefix("Did you mean `")?.strip_suffix("`?"))
                .map(str::to_owned),
        }?;
        // A flag keeps its value.
        let length = written.find('=').filter(|_| meant.starts_with("--"));
        let end = error.span.start + length.unwrap_or(written.len());
        edits = edits.replace(Span::new(error.span.start, end), meant);
    }
    Some(edits.done())
}

fn missing_binary() -> BuildOutcome {
    BuildOutcome::Failed(BuildFailure {
        message: "failed to compute cache key: \"/src/app\": not found".into(),
        cause: BuildFailureCause::MissingCopySource(Some("/src/app".into())),
        lines: Some((7, 7)),
        exit_code: None,
        log_tail: Vec::new(),
        steps: Vec::new(),
        duration_ms: 4_000,
    })
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    #[test]
    fn a_name_that_is_almost_a_stage_is_a_slip_of_the_finger() {
        let found = |text: &str| Case::new(text).seen(slip);
        for line in [
            "FROM biulder AS production\n",
            "FROM a AS production\nCOPY --from=biulder /x /x\nCOPY --from=biulder /y /y\n",
            "FROM a AS production\nRUN --mount=type=bind,from=biulder,target=/x true\n",
        ] {
            let text = format!("FROM node:24 AS builder\nRUN make\n{line}");
            let finding = found(&text).unwrap();
            assert_eq!(finding.message, "there is no stage called `biulder`");
            let after = Case::new(&text).after(&finding.fixes[0]).text("Dockerfile");
            let mended = text.replacen("biulder", "builder", 1);
            assert_eq!(after, mended);
        }
        assert_eq!(
            found("FROM node:24 AS nodes\nFROM node AS production\n"),
            None
        );
        for image in ["builders:1", "registry.example/biulder", "debian", "$NAME"] {
            let text = format!(
                "ARG NAME=biulder\nFROM node:24 AS builder\nFROM {image} AS production\n\
                 FROM a AS other\nCOPY --from=biulder /x /x\n"
            );
            assert_eq!(found(&text), None, "{image}");
        }
    }

    #[test]
    fn nobody_says_twice_what_was_mistyped() {
        let copy =
            Case::new("FROM a AS builder\nFROM b AS production\nCOPY --from=bulider /x /x\n");
        let base = Case::new("FROM a AS builder\nFROM bulider AS production\n");
        let judged = |view: &View<'_>| {
            let view = View {
                copies_judged: true,
                ..*view
            };
            slip(&view).is_some()
        };
        assert!(!copy.seen(judged));
        assert!(base.seen(judged));
    }
}
