//! Rules that change what stages are called and what they start from.

use super::{Ground, Rule, Spoiled};
use crate::dockerfile::Command;
use crate::source::Span;
use crate::stages::{Base, Needs, Stage};

/// A mutant of a stage's `FROM`: its image's words replaced.
fn base(ground: &Ground<'_>, stage: &Stage, to: &str) -> Option<Spoiled> {
    let from = ground.source.dockerfile.instructions.get(stage.from)?;
    let Command::From { image, .. } = &from.command else {
        return None;
    };
    Some(Ground::spoil(stage, ground.edits().replace(image.span, to)))
}

/// Stages that are `meant`, without their names.
fn unnamed(ground: &Ground<'_>, meant: impl Fn(&Stage) -> bool) -> Vec<Spoiled> {
    // A stage that others start from would be taken for an image, and asked for in a registry.
    let stages = &ground.source.graph.stages;
    let carries = |stage: &Stage| stages.iter().any(|s| s.base == Base::Stage(stage.index));
    let drop = |stage: &&Stage| {
        if carries(stage) || !meant(stage) {
            return None;
        }
        let from = ground.source.dockerfile.instructions.get(stage.from)?;
        let Command::From { image, .. } = &from.command else {
            return None;
        };
        let end = stage.name.as_ref()?.span.end;
        let edits = ground.edits().replace(Span::new(image.span.end, end), "");
        Some(Ground::spoil(stage, edits))
    };
    ground.stages.iter().filter_map(drop).collect()
}

pub(super) static DROP_NAME: Rule = Rule {
    id: "drop-name",
    what: "a stage without a name",
    notice: &["targets-exist", "stages-named"],
    make: |ground| unnamed(ground, |_| true),
};

pub(super) static DROP_USED_NAME: Rule = Rule {
    id: "drop-used-name",
    what: "a stage without the name by which it is copied from",
    notice: &["copy-from-named-stage", "builds"],
    make: |ground| {
        let edges = &ground.source.graph.edges;
        unnamed(ground, |stage| {
            edges.iter().any(|e| e.needs == Needs::Stage(stage.index))
        })
    },
};

pub(super) static OTHER_NAME: Rule = Rule {
    id: "other-name",
    what: "a target called otherwise",
    notice: &["targets-exist"],
    make: |ground| {
        let rename = |stage: &Stage| {
            let edits = ground.edits().replace(stage.name.as_ref()?.span, "thing");
            Some(Ground::spoil(stage, edits))
        };
        let targets = ground.target_stages();
        targets.filter_map(rename).collect()
    },
};

pub(super) static BUILDER_SHIPS: Rule = Rule {
    id: "builder-ships",
    what: "the target goes on from the stage that built",
    notice: &[
        "max-size",
        "final-base",
        "tools-absent",
        "no-shell",
        "files-absent",
        "no-dev-dependencies",
    ],
    make: |ground| {
        let mut all = Vec::new();
        for target in ground.target_stages() {
            let copied = ground.of(target).iter().filter_map(|i| match &i.command {
                Command::Copy(copy) => ground.source.graph.find(&copy.from.as_ref()?.text),
                _ => None,
            });
            for builder in copied {
                all.extend(base(ground, target, &builder.label()));
            }
        }
        all
    },
};

/// Small bases with their large sisters.
const LARGER: &[(&str, &str)] = &[
    ("node:24-alpine", "node:24"),
    ("node:24-slim", "node:24"),
    ("python:3.13-slim", "python:3.13"),
    ("golang:1.27-alpine", "golang:1.27"),
    ("scratch", "debian:trixie-slim"),
    ("alpine:3.22", "golang:1.27-alpine"),
    ("nginx:1.26-alpine", "node:24"),
    (
        "nginxinc/nginx-unprivileged:1.26-alpine",
        "nginx:1.26-alpine",
    ),
];

pub(super) static FULL_BASE: Rule = Rule {
    id: "full-base",
    what: "the target on a larger base",
    notice: &[
        "max-size",
        "final-base",
        "no-shell",
        "tools-absent",
        "non-root",
    ],
    make: |ground| {
        let grow = |stage: &Stage| {
            let (_, large) = LARGER.iter().find(|(small, _)| *small == stage.base_name)?;
            base(ground, stage, large)
        };
        let targets = ground.target_stages();
        targets.filter_map(grow).collect()
    },
};

pub(super) static UNPINNED_BASE: Rule = Rule {
    id: "unpinned-base",
    what: "a base without a tag",
    notice: &["base-pinned"],
    make: |ground| {
        let unpin = |stage: &&Stage| {
            let (name, _) = stage.base_name.split_once(':')?;
            base(ground, stage, name)
        };
        ground.stages.iter().filter_map(unpin).collect()
    },
};
