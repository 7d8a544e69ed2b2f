//! `base-pinned`: every base image is named with a version.

use schemars::JsonSchema;
use serde::Deserialize;

use super::images::{Reference, is_well_known};
use super::params::listed;
use super::{Check, Doc, Example, Judged, Verdict, View, walk};
use crate::edits::Edits;
use crate::evidence::SourceEvidence;
use crate::source::Span;
use crate::stages::{Base, Needs, Via};

/// See [`Check::DOC`].
pub(super) struct BasePinned;

/// `base-pinned` takes no parameters.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Params {}

impl Check for BasePinned {
    type Params = Params;
    const ID: &'static str = "base-pinned";
    const TITLE: &'static str = "Base images have a version";
    const DOC: Doc = Doc {
        what: "Every image that the target needs, in `FROM` and in `--from`, has a tag other than `latest`, or a \
               digest. `scratch`, stages of the same file and named contexts need none. Variables are expanded first.",
        why: "`latest` is whatever was pushed last. The same Dockerfile builds something else next month, and nobody \
              sees why.",
        bad: Example::text(
            "FROM node AS builder\n\
             WORKDIR /app\n\
             COPY . .\n\
             RUN npm ci && npm run build\n\
             \n\
             FROM node:24-alpine AS production\n\
             COPY --from=builder /app/dist /app\n\
             CMD [\"node\", \"/app/server.js\"]\n",
        ),
        good: Example::text(
            "FROM node:24-alpine AS builder\n\
             WORKDIR /app\n\
             COPY . .\n\
             RUN npm ci && npm run build\n\
             \n\
             FROM node:24-alpine AS production\n\
             COPY --from=builder /app/dist /app\n\
             CMD [\"node\", \"/app/server.js\"]\n",
        ),
    };

    fn summary(_: &Params) -> String {
        "a tag other than `latest` on every base".into()
    }

    fn judge(_: &Params, view: &View<'_>) -> Judged {
        let source = view.source()?;
        let used = used_images(source, &view.reachable()?);
        let loose: Vec<&Used> = used
            .iter()
            .filter(|u| {
                // `COPY --from=assets` may be a named context, or a slip of the finger: `copy-from-named-stage` tells.
                let image = u.is_base || is_image(&u.image, &used);
                image && !Reference::parse(&u.image).is_pinned()
            })
            .collect();
        let Some(first) = loose.first() else {
            let mut names: Vec<&str> = used
                .iter()
                .map(|u| u.image.as_str())
                .filter(|i| Reference::parse(i).is_pinned())
                .collect();
            names.sort_unstable();
            names.dedup();
            return Ok(Verdict::passed(if names.is_empty() {
                "there is no image to give a version".to_owned()
            } else {
                format!(
                    "{} named with a version",
                    listed(names.iter().copied(), "and")
                )
            }));
        };
        let reference = Reference::parse(&first.image);
        let what = match reference.tag {
            Some("latest") => "is whatever was pushed last",
            _ => "has no tag, which means `latest`",
        };
        let mut finding = view
            .finding(format!("`{}` {what}", first.image), first.span)
            .expected("a tag that names a version", format!("`{}`", first.image))
            .help(format!(
                "Write the version that you tested with after a colon, as in `{}:1.2`.",
                reference.name
            ));
        for other in &loose[1..] {
            finding = finding.related(view.place(other.span), format!("`{}` too", other.image));
        }
        if let Some(fix) = fix(source, &used, &loose) {
            finding = finding.fix(fix);
        }
        Ok(finding.into())
    }
}

struct Used {
    image: String,
    span: Span,
    is_base: bool,
}

/// Whether what a `--from` names can only be an image.
fn is_image(name: &str, used: &[Used]) -> bool {
    let reference = Reference::parse(name);
    let short = reference.short_name();
    let is_base = |u: &Used| u.is_base && Reference::parse(&u.image).short_name() == short;
    reference.tag.is_some() || name.contains('/') || is_well_known(name) || used.iter().any(is_base)
}

/// The images that the stages use, in the order of the file.
fn used_images(source: &SourceEvidence, stages: &std::collections::BTreeSet<usize>) -> Vec<Used> {
    let graph = &source.graph;
    let bases = stages.iter().filter_map(|i| {
        let stage = graph.stages.get(*i)?;
        match &stage.base {
            Base::Image(image) => Some(Used {
                image: image.clone(),
                span: walk::base_span(source, stage)?,
                is_base: true,
            }),
            _ => None,
        }
    });
    let copied = graph.edges.iter().filter_map(|e| match &e.needs {
        Needs::Image(image) if e.via != Via::From && stages.contains(&e.stage) => Some(Used {
            image: image.clone(),
            span: e.span,
            is_base: false,
        }),
        _ => None,
    });
    let mut all: Vec<Used> = bases.chain(copied).collect();
    all.sort_by_key(|u| u.span);
    all
}

/// Where the same image is used with a version elsewhere in the file, that version is the right one here too.
fn fix(source: &SourceEvidence, used: &[Used], loose: &[&Used]) -> Option<crate::diagnostic::Fix> {
    let mut edits = Edits::new(
        "use the version that is used elsewhere",
        &source.path,
        &source.dockerfile.source,
    );
    for one in loose {
        let name = Reference::parse(&one.image).short_name();
        let pinned: Vec<&str> = used
            .iter()
            .map(|u| u.image.as_str())
            .filter(|i| {
                let r = Reference::parse(i);
                r.is_pinned() && r.short_name() == name
            })
            .collect();
        let (version, rest) = pinned.split_first()?;
        let written = source.dockerfile.source.snippet(one.span);
        if rest.iter().any(|r| r != version) || written != one.image {
            return None;
        }
        edits = edits.replace(one.span, *version);
    }
    Some(edits.done())
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    #[test]
    fn only_what_the_target_needs_is_judged() {
        Case::new("FROM node AS dev\nFROM node:24 AS production\n").passes::<BasePinned>();
        Case::new("FROM scratch\n").passes::<BasePinned>();
        Case::new("FROM node:24 AS a\nFROM a AS production\n").passes::<BasePinned>();
    }

    #[test]
    fn variables_are_expanded_first() {
        Case::new("ARG V=24\nFROM node:${V}-alpine\n").passes::<BasePinned>();
        let case = Case::new("ARG V=latest\nFROM node:$V\n");
        let finding = case.fails::<BasePinned>();
        assert_eq!(case.words(&finding), "node:$V");
        assert_eq!(finding.fixes, []);
    }

    #[test]
    fn the_word_latest_and_no_word_are_both_loose() {
        for image in [
            "node",
            "node:latest",
            "docker.io/library/node",
            "localhost:5000/app",
        ] {
            let case = Case::new(&format!(
                "FROM --platform=linux/amd64 {image} AS production\n"
            ));
            let finding = case.fails::<BasePinned>();
            assert_eq!(case.words(&finding), image);
        }
        Case::new(
            "FROM node@sha256:0123456789012345678901234567890123456789012345678901234567890123\n",
        )
        .passes::<BasePinned>();
    }

    #[test]
    fn a_named_context_needs_no_tag() {
        Case::new("FROM node:24\nCOPY --from=assets /x /x\n").passes::<BasePinned>();
        Case::new("FROM node:24 AS builder\nFROM node:24\nCOPY --from=buidler /x /x\n")
            .passes::<BasePinned>();
    }

    #[test]
    fn an_image_that_is_copied_from_needs_one() {
        for image in ["busybox:latest", "busybox", "acme/tools", "acme"] {
            let case = Case::new(&format!(
                "FROM acme:1 AS a\nFROM node:24\nCOPY --from=a /y /y\nCOPY --from={image} /x /x\n"
            ));
            assert_eq!(case.words(&case.fails::<BasePinned>()), image);
        }
    }

    #[test]
    fn the_version_used_elsewhere_is_offered_and_two_versions_are_not() {
        let text =
            "FROM node:latest AS a\nFROM node:24-alpine AS production\nCOPY --from=a /x /x\n";
        let after = Case::new(text).mended::<BasePinned>();
        assert!(
            after
                .text("Dockerfile")
                .starts_with("FROM node:24-alpine AS a\n")
        );
        let two = format!("FROM node:22 AS z\n{text}COPY --from=z /y /y\n");
        assert_eq!(Case::new(&two).fails::<BasePinned>().fixes, []);
    }
}
