//! `stage-depends-on`: one stage needs another, so that the engine cannot leave it out.

use schemars::JsonSchema;
use serde::Deserialize;

use super::params::Names;
use super::{Check, Doc, Example, Judged, Verdict, View, walk};
use crate::diagnostic::{Fix, did_you_mean};
use crate::dockerfile::{Command, CopyCommand};
use crate::edits::Edits;
use crate::evidence::{SourceEvidence, Unseen};
use crate::stages::{Edge, Needs, Stage, Via};

/// See [`Check::DOC`].
pub(super) struct StageDependsOn;

/// Parameters of `stage-depends-on`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// The stage that must need the other: a name, or a list of which the first that exists counts. Without this
    /// parameter it is the build's target.
    #[serde(default)]
    stage: Option<Names>,
    /// The stage that must be needed: a name, or a list of which the first that exists counts.
    on: Names,
}

impl Check for StageDependsOn {
    type Params = Params;
    const ID: &'static str = "stage-depends-on";
    const TITLE: &'static str = "One stage needs the other";
    const DOC: Doc = Doc {
        what: "One stage needs another, directly or through other stages: it starts from it with `FROM`, copies from \
               it with `COPY --from`, or mounts it with `RUN --mount=from=`.",
        why: "BuildKit builds only the stages that the target needs. A test stage that nothing depends on is skipped \
              without a word, and a failing test stops nobody.",
        bad: Example::text(BAD).with_params("stage = \"production\"\non = \"test\""),
        good: Example::text(GOOD).with_params("stage = \"production\"\non = \"test\""),
    };

    fn summary(params: &Params) -> String {
        match &params.stage {
            Some(stage) => format!("{stage} needs {}", params.on),
            None => format!("the target needs {}", params.on),
        }
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let source = view.source()?;
        let graph = &source.graph;
        let stage = match &params.stage {
            None => view.target()?,
            Some(names) => graph
                .find_first(names.iter())
                .ok_or_else(|| Unseen::Skipped(format!("there is no stage called {names}")))?,
        };
        let label = stage.label();
        let Some(on) = graph.find_first(params.on.iter()) else {
            return Ok(absent(params, view, source, stage).into());
        };
        if graph.depends_on(stage.index, on.index) {
            return Ok(Verdict::passed(format!("`{label}` needs `{}`", on.label())));
        }
        let needed: Vec<String> = graph
            .reachable(stage.index)
            .into_iter()
            .filter(|i| *i != stage.index)
            .map(|i| graph.stages[i].label())
            .collect();
        let actual = if needed.is_empty() {
            format!("`{label}` needs no other stage")
        } else {
            let needed = super::params::listed(needed.iter().map(String::as_str), "and");
            format!("`{label}` needs {needed} only")
        };
        let on_label = on.label();
        let span = walk::stage_span(source, stage).unwrap_or(crate::source::Span::at(0));
        let mut finding = view
            .finding(
                format!("`{label}` does not need `{on_label}`, so the engine skips `{on_label}`"),
                span,
            )
            .expected(format!("`{label}` needs `{on_label}`"), actual)
            .help(format!(
                "Let `{label}` take something from `{on_label}`: `COPY --from={on_label} …`, or start from it."
            ));
        if let Some(span) = walk::stage_span(source, on) {
            finding = finding.related(
                view.place(span),
                "nothing on the way to the target uses this stage",
            );
        }
        if let Some(fix) = take_from(source, stage, on) {
            finding = finding.fix(fix);
        }
        Ok(finding.into())
    }
}

fn absent(
    params: &Params,
    view: &View<'_>,
    source: &SourceEvidence,
    stage: &Stage,
) -> crate::diagnostic::Finding {
    let names: Vec<String> = source
        .graph
        .stages
        .iter()
        .filter_map(|s| Some(s.name.as_ref()?.text.clone()))
        .collect();
    let label = stage.label();
    let span = walk::stage_span(source, stage).unwrap_or(crate::source::Span::at(0));
    let near = did_you_mean(params.on.first(), names.iter().map(String::as_str));
    let help = match near {
        Some(near) => format!(
            "Did you mean `{}` where it says `{near}`?",
            params.on.first()
        ),
        None => format!(
            "Write a stage that ends its FROM line with `AS {}`, and let `{label}` take something from it.",
            params.on.first()
        ),
    };
    view.finding(
        format!(
            "there is no stage called {} that `{label}` could need",
            params.on
        ),
        span,
    )
    .expected(format!("`{label}` needs {}", params.on), "no such stage")
    .help(help)
}

/// A `COPY --from` of `stage` that can just as well take its files from `on`: where `on` goes on from the stage that is
/// copied from now, it has all its files.
pub(super) fn take_from(source: &SourceEvidence, stage: &Stage, on: &Stage) -> Option<Fix> {
    let graph = &source.graph;
    // What `on` needs must not need `stage` itself, and a stage can only copy from an earlier one.
    if on.index >= stage.index || graph.depends_on(on.index, stage.index) {
        return None;
    }
    let below: Vec<usize> = walk::lineage(graph, on.index)
        .iter()
        .map(|s| s.index)
        .collect();
    let copied = |edge: &&Edge| {
        edge.stage == stage.index
            && edge.via == Via::Copy
            && matches!(edge.needs, Needs::Stage(s) if below.contains(&s))
    };
    let of = |edge: &Edge| match &source
        .dockerfile
        .instructions
        .get(edge.instruction)?
        .command
    {
        Command::Copy(copy) | Command::Add(copy) => Some(copy),
        _ => None,
    };
    // The narrowest copy: a whole folder of the test stage may hold more than the builder's.
    let edge = graph
        .edges
        .iter()
        .filter(copied)
        .max_by_key(|e| of(e).map_or(0, depth))?;
    let name = on.label();
    let title = format!("copy from `{name}`, which has the same files");
    let edits = Edits::new(title, &source.path, &source.dockerfile.source);
    Some(edits.replace(edge.span, name).done())
}

/// How far below the root the sources of a copy lie, and 0 where `node_modules` is among them: those of a test stage
/// hold more.
fn depth(copy: &CopyCommand) -> usize {
    let parts = |s: &str| s.split('/').filter(|p| !p.is_empty() && *p != ".").count();
    let modules = |s: &str| s.contains("node_modules") || s.contains("venv");
    if copy.sources.iter().any(|s| modules(&s.text)) {
        return 0;
    }
    copy.sources
        .iter()
        .map(|s| parts(&s.text))
        .min()
        .unwrap_or(0)
}

const BAD: &str = "\
FROM node:24-alpine AS builder
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

FROM builder AS test
RUN npm test

FROM node:24-alpine AS production
WORKDIR /app
COPY --from=builder /app/dist ./dist
CMD [\"node\", \"dist/server.js\"]
";

const GOOD: &str = "\
FROM node:24-alpine AS builder
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

FROM builder AS test
RUN npm test

FROM node:24-alpine AS production
WORKDIR /app
COPY --from=test /app/dist ./dist
CMD [\"node\", \"dist/server.js\"]
";

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn case(dockerfile: &str) -> Case {
        Case::new(dockerfile).params("stage = [\"production\", \"runtime\"]\non = \"test\"")
    }

    #[test]
    fn the_narrowest_copy_is_taken_from_the_test_stage() {
        let text = BAD.replace(
            "COPY --from=builder /app/dist",
            "COPY --from=builder /app/node_modules ./node_modules\nCOPY --from=builder /app/dist",
        );
        let after = case(&text).mended::<StageDependsOn>().text("Dockerfile");
        assert!(
            after.contains("COPY --from=builder /app/node_modules"),
            "{after}"
        );
        assert!(after.contains("COPY --from=test /app/dist"), "{after}");
    }

    #[test]
    fn any_way_along_the_arrows_counts() {
        for way in [
            "FROM test AS production\n",
            "FROM a AS production\nCOPY --from=2 /x /x\n",
            "FROM a AS production\nCOPY --from=TEST /x /x\n",
            "FROM a AS production\nRUN --mount=type=bind,from=test,target=/t true\n",
            "FROM test AS mid\nFROM a AS production\nCOPY --from=mid /x /x\n",
        ] {
            let text = format!("FROM a AS z\nFROM a AS b\nFROM b AS test\nRUN npm test\n{way}");
            case(&text).passes::<StageDependsOn>();
        }
    }

    #[test]
    fn a_stage_that_only_shares_a_base_is_not_needed() {
        let finding = case(BAD).fails::<StageDependsOn>();
        assert_eq!(case(BAD).words(&finding), "production");
        assert_eq!(
            finding.actual.as_deref(),
            Some("`production` needs `builder` only")
        );
    }

    #[test]
    fn a_missing_stage_is_a_finding_and_a_missing_dependent_is_not_judged() {
        let none = case("FROM a AS tset\nFROM a AS production\n").fails::<StageDependsOn>();
        assert!(none.help.unwrap().contains("where it says `tset`"));
        let judged = case("FROM a AS test\n").judge::<StageDependsOn>();
        assert!(matches!(judged, Err(Unseen::Skipped(_))), "{judged:?}");
    }

    #[test]
    fn no_fix_where_the_files_would_not_be_there() {
        let text = "FROM a AS builder\nFROM a AS test\nRUN npm test\nFROM a AS production\nCOPY --from=builder /x /x\n";
        assert_eq!(case(text).fails::<StageDependsOn>().fixes, []);
    }
}
