//! `files-absent`: what has no business in the image is not there.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::Place;
use crate::evidence::Need;
use crate::image::{EntryKind, Image};
use crate::units::Bytes;

use super::origin::Origins;
use super::{Check, Doc, Example, Judged, Verdict, View};

/// No pattern names a path of the final filesystem.
pub(super) struct FilesAbsent;

/// Parameters of [`FilesAbsent`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// Patterns: `*` and `?` within a name, `**` across folders.
    pub(super) paths: Vec<String>,
}

/// How many paths a finding lists.
const SHOWN: usize = 10;

impl Check for FilesAbsent {
    type Params = Params;
    const ID: &'static str = "files-absent";
    const TITLE: &'static str = "What has no business there is not there";
    const DOC: Doc = Doc {
        what: "None of `paths` names a file or folder of the final filesystem. `*` stands for any characters of a name, \
            `**` for any folders. A file that a later layer removed is not in the final filesystem, though its bytes \
            still are in the image.",
        why: "Sources, tests and notes tell strangers how your program works, and cost space. \
            They come along with a `COPY . .` that takes everything.",
        bad: Example {
            params: "paths = [\"/**/src/server.ts\"]",
            image: "layer ADD rootfs.tar.gz / # buildkit\n\
                file /usr/local/bin/node 0755 elf-dynamic size=110000000\n\
                history WORKDIR /app\n\
                layer COPY /app . # buildkit\n\
                file /app/dist/server.js 0644 text x\n\
                file /app/src/server.ts 0644 text x\n\
                history CMD [\"node\" \"dist/server.js\"]",
            ..Example::text(
                "FROM node:24-alpine AS builder\n\
                WORKDIR /app\n\
                COPY . .\n\
                RUN npm ci && npm run build\n\
                \n\
                FROM node:24-alpine\n\
                WORKDIR /app\n\
                COPY --from=builder /app .\n\
                CMD [\"node\", \"dist/server.js\"]\n",
            )
        },
        good: Example {
            params: "paths = [\"/**/src/server.ts\"]",
            image: "layer ADD rootfs.tar.gz / # buildkit\n\
                file /usr/local/bin/node 0755 elf-dynamic size=110000000\n\
                history WORKDIR /app\n\
                layer COPY /app/dist ./dist # buildkit\n\
                file /app/dist/server.js 0644 text x\n\
                history CMD [\"node\" \"dist/server.js\"]",
            ..Example::text(
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
        },
    };

    fn summary(params: &Params) -> String {
        match &params.paths[..] {
            [only] => format!("no {only}"),
            all => format!("none of {} patterns", all.len()),
        }
    }

    fn needs(_: &Params) -> Vec<Need> {
        vec![Need::Image]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let image = view.image()?;
        let mut found: Vec<&str> = params
            .paths
            .iter()
            .flat_map(|p| image.tree.matching(p))
            .map(|r| r.path)
            .collect();
        found.sort_unstable();
        found.dedup();
        let Some(first) = found.first() else {
            let n = image.tree.entries.len();
            return Ok(Verdict::passed(format!("none of them among {n} paths")));
        };
        let origins = Origins::new(view, image);
        let message = match found.len() {
            1 => format!("/{first} is in the image"),
            n => format!("{n} paths that should not be there are in the image, /{first} for one"),
        };
        let mut finding = origins
            .finding_at(message, first)
            .expected(
                format!(
                    "nothing at {}",
                    super::params::listed(params.paths.iter().map(String::as_str), "or")
                ),
                format!("/{first}"),
            )
            .details(
                found
                    .iter()
                    .take(SHOWN)
                    .map(|p| described(image, &origins, p)),
            )
            .help("Copy only what the program needs into the final stage, path by path.");
        if found.len() > SHOWN {
            finding
                .details
                .push(format!("and {} more", found.len() - SHOWN));
        }
        for other in found.iter().skip(1).take(3) {
            let layer = image.tree.get(other).map(|e| e.layer);
            finding = finding.related(Place::path(format!("/{other}"), layer), "so is this");
        }
        Ok(finding.into())
    }
}

fn described(image: &Image, origins: &Origins<'_>, path: &str) -> String {
    let Some(entry) = image.tree.get(path) else {
        return format!("/{path}");
    };
    let from = origins.describe(entry.layer);
    match entry.kind {
        EntryKind::File { size, .. } => format!("/{path} ({}) from {from}", Bytes(size)),
        EntryKind::Directory => format!("/{path}/ from {from}"),
        _ => format!("/{path} from {from}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn of(paths: &str) -> Case {
        Case::of(
            "FROM alpine AS production\nCOPY package.json src tests /app/\nRUN rm -r /app/tests",
        )
        .image(
            "layer ADD rootfs /
                file /bin/busybox 0755 busybox
                layer COPY package.json src tests /app/ # buildkit
                file /app/src/server.ts 0644 zeros size=1200
                file /app/package.json 0644 text {}
                file /app/tests/a.js 0644 text x
                layer RUN /bin/sh -c rm -r /app/tests # buildkit
                whiteout /app/tests",
        )
        .base_layers(1)
        .params(&format!("paths = {paths}"))
    }

    #[test]
    fn the_source_that_brought_a_path_is_pointed_at() {
        let w = of("[\"/**/*.ts\", \"/app/tests\"]");
        let finding = w.fails::<FilesAbsent>();
        assert_eq!(finding.message, "/app/src/server.ts is in the image");
        assert_eq!(w.words(&finding), "src");
        assert_eq!(
            finding.details,
            ["/app/src/server.ts (1.20 kB) from line 2: COPY package.json src tests /app/"]
        );
        let many = of("[\"/app/*\", \"/app/**\"]").fails::<FilesAbsent>();
        assert!(many.message.starts_with("3 paths"), "{}", many.message);
    }

    #[test]
    fn what_is_not_there_passes() {
        for paths in ["[\"/app/tests\"]", "[\"/**/*.go\"]", "[]"] {
            of(paths).passes::<FilesAbsent>();
        }
    }
}
