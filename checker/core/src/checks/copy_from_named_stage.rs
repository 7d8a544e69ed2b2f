//! `copy-from-named-stage`: every `COPY --from` names something that is there.

use schemars::JsonSchema;
use serde::Deserialize;

use super::images::{Reference, is_well_known};
use super::{Check, Doc, Example, Judged, Verdict, View};
use crate::diagnostic::{Finding, did_you_mean};
use crate::edits::Edits;
use crate::evidence::SourceEvidence;
use crate::stages::{Edge, Needs, Stage, Via};

/// See [`Check::DOC`].
pub(super) struct CopyFromNamedStage;

/// Parameters of `copy-from-named-stage`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Params {
    /// Whether a stage must be called by its name and not by its number, as in `--from=0`.
    by_name: bool,
}

impl Check for CopyFromNamedStage {
    type Params = Params;
    const ID: &'static str = "copy-from-named-stage";
    const TITLE: &'static str = "COPY --from names something that is there";
    const DOC: Doc = Doc {
        what: "Every `COPY --from`, and every `from=` of a mount, names an earlier stage, an image, or a named context. \
               It never names the stage that it stands in, a later one, or nothing at all. With `by-name = true`, \
               a stage must be called by its name and not by its number.",
        why: "A name that is no stage is taken for an image, and the engine goes looking for it in a registry. \
              The error that comes back speaks of access rights and not of your typing mistake.",
        bad: Example::text(
            "FROM golang:1.27-alpine AS builder\n\
             WORKDIR /src\n\
             COPY . .\n\
             RUN go build -o /out/app .\n\
             \n\
             FROM alpine:3.22 AS production\n\
             COPY --from=buidler /out/app /app\n\
             CMD [\"/app\"]\n",
        ),
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

    fn summary(params: &Params) -> String {
        if params.by_name {
            "every --from is a stage's name, an image or a named context".into()
        } else {
            "every --from is a stage, an image or a named context".into()
        }
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let source = view.source()?;
        let reachable = view.reachable()?;
        let copies: Vec<&Edge> = source
            .graph
            .edges
            .iter()
            .filter(|e| e.via != Via::From && reachable.contains(&e.stage))
            .collect();
        // What the engine itself refuses: a number of no stage, a stage that copies from itself.
        let in_copy = |span: crate::source::Span| {
            let at = source
                .dockerfile
                .instructions
                .iter()
                .find(|i| i.span.contains(span.start));
            at.is_some_and(|i| !matches!(i.command, crate::dockerfile::Command::From { .. }))
        };
        let refused = source
            .graph
            .problems
            .iter()
            .find(|p| p.stage.is_none_or(|s| reachable.contains(&s)) && in_copy(p.span));
        if let Some(problem) = refused {
            let mut finding = view.finding(problem.message.clone(), problem.span);
            finding.help.clone_from(&problem.help);
            finding.expected = Some("an earlier stage, an image or a named context".into());
            return Ok(finding.into());
        }
        for edge in &copies {
            if let Some(finding) = wrong(params, view, source, edge) {
                return Ok(finding.into());
            }
        }
        Ok(Verdict::passed(match copies.len() {
            0 => "nothing is copied from elsewhere".to_owned(),
            1 => "the one --from names something that is there".to_owned(),
            2 => "both --from name something that is there".to_owned(),
            n => format!("all {n} --from name something that is there"),
        }))
    }
}

fn wrong(
    params: &Params,
    view: &View<'_>,
    source: &SourceEvidence,
    edge: &Edge,
) -> Option<Finding> {
    let graph = &source.graph;
    let written = source.dockerfile.source.snippet(edge.span);
    let what = "an earlier stage, an image or a named context";
    match &edge.needs {
        Needs::Stage(index) => {
            let stage = graph.stages.get(*index)?;
            let by_number = written.parse::<usize>().is_ok();
            let named = stage
                .name
                .as_ref()
                .is_some_and(|n| n.text.eq_ignore_ascii_case(&written));
            if !params.by_name || !by_number || named {
                return None;
            }
            let finding = view
                .finding(
                    format!("`{written}` counts stages, and means another one as soon as one is put above"),
                    edge.span,
                )
                .expected("the stage's name", format!("its number, {written}"));
            Some(match &stage.name {
                Some(name) => finding
                    .help(format!("The stage is called `{}`.", name.text))
                    .fix(rename(source, edge, &name.text)),
                None => finding.help("Give the stage a name with `AS`, and use that."),
            })
        }
        Needs::Image(image) => {
            let reference = Reference::parse(image);
            if reference.tag.is_some() || reference.digest.is_some() || image.contains(['/', '.']) {
                return None;
            }
            let named = |s: &Stage| s.name.as_ref().map(|n| n.text.clone());
            let earlier: Vec<String> = graph
                .stages
                .iter()
                .take(edge.stage)
                .filter_map(named)
                .collect();
            let later = graph.stages.iter().skip(edge.stage).filter_map(named);
            if let Some(later) = later.into_iter().find(|n| n.eq_ignore_ascii_case(image)) {
                return Some(
                    view.finding(format!("the stage `{later}` comes only later"), edge.span)
                        .expected(what, "a stage that is not built yet")
                        .help("A stage can copy only from those above it: move that stage up."),
                );
            }
            // A mount knows no numbers: the engine looks for an image that is called so.
            if edge.via == Via::Mount
                && let Ok(number) = image.parse::<usize>()
            {
                let finding = view
                    .finding(
                        format!("`{image}` is no stage here: a mount takes stages by name only"),
                        edge.span,
                    )
                    .expected(
                        what,
                        format!("`{image}`, which the engine takes for an image"),
                    )
                    .help("Give the stage a name with `AS`, and use that.");
                let stage = graph.stages.get(number).filter(|s| s.index < edge.stage);
                let name = stage.and_then(|s| Some(s.name.as_ref()?.text.as_str()));
                return Some(match name {
                    Some(name) => finding.fix(rename(source, edge, name)),
                    None => finding,
                });
            }
            let near = near(image, &earlier)?;
            Some(
                view.finding(format!("there is no stage called `{image}`"), edge.span)
                    .expected(
                        what,
                        format!("`{image}`, which the engine takes for an image"),
                    )
                    .help(format!("Did you mean `{near}`?"))
                    .fix(rename(source, edge, near)),
            )
        }
    }
}

/// The stage's name that `image` is a slip of the finger for.
pub(super) fn near<'a>(image: &str, names: &'a [String]) -> Option<&'a str> {
    if is_well_known(image) {
        return None;
    }
    did_you_mean(image, names.iter().map(String::as_str))
}

fn rename(source: &SourceEvidence, edge: &Edge, name: &str) -> crate::diagnostic::Fix {
    let title = format!("copy from `{name}`");
    let edits = Edits::new(title, &source.path, &source.dockerfile.source);
    edits.replace(edge.span, name).done()
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    #[test]
    fn a_mount_counts_no_stages() {
        let text = "FROM golang:1.27 AS builder\nFROM alpine:3.22 AS production\n\
                    RUN --mount=type=bind,from=0,target=/x cp /x/out/app /app\n";
        let after = Case::new(text).mended::<CopyFromNamedStage>();
        assert!(after.text("Dockerfile").contains("from=builder,"));
    }

    #[test]
    fn stages_images_and_contexts_are_all_right() {
        for from in [
            "builder",
            "BUILDER",
            "0",
            "nginx:1.26",
            "nginx",
            "ghcr.io/a/b",
            "assets",
        ] {
            let text =
                format!("FROM a AS builder\nFROM b AS production\nCOPY --from={from} /x /x\n");
            Case::new(&text).passes::<CopyFromNamedStage>();
        }
    }

    #[test]
    fn typing_mistakes_are_put_right_in_copies_and_mounts() {
        for line in [
            "COPY --from=bulider /x /x",
            "RUN --mount=type=bind,from=buildr,target=/x true",
        ] {
            let text = format!("FROM a AS builder\nFROM b AS production\n{line}\n");
            let after = Case::new(&text)
                .mended::<CopyFromNamedStage>()
                .text("Dockerfile");
            assert!(after.contains("from=builder"), "{after}");
        }
    }

    #[test]
    fn a_stage_copies_neither_from_itself_nor_from_below() {
        for from in ["production", "1", "7", "later"] {
            let text = format!(
                "FROM a AS builder\nFROM b AS production\nCOPY --from={from} /x /x\nFROM c AS later\n"
            );
            let case = Case::new(&text);
            assert_eq!(case.words(&case.fails::<CopyFromNamedStage>()), from);
        }
    }

    #[test]
    fn numbers_are_refused_only_where_the_lab_says_so() {
        let text = "FROM a AS builder\nFROM b AS production\nCOPY --from=0 /x /x\n";
        let after = Case::new(text)
            .params("by-name = true")
            .mended::<CopyFromNamedStage>();
        assert!(after.text("Dockerfile").contains("--from=builder"));
    }

    #[test]
    fn stages_that_are_not_needed_are_not_judged() {
        let text =
            "FROM a AS builder\nFROM b AS dev\nCOPY --from=buildr /x /x\nFROM c AS production\n";
        Case::new(text).passes::<CopyFromNamedStage>();
    }
}
