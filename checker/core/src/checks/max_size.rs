//! `max-size`: the image is small enough.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::Finding;
use crate::evidence::Need;
use crate::image::{EntryKind, Image};
use crate::units::Bytes;

use super::origin::{Brought, Origins};
use super::{Check, Doc, Example, Judged, Verdict, View};

/// The image's unpacked size is at most a limit.
pub(super) struct MaxSize;

/// Parameters of [`MaxSize`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// The most that the whole image may have: the files' bytes over all layers.
    pub limit: Bytes,
    /// The most that the layers above the base image may have.
    #[serde(default)]
    pub above_base: Option<Bytes>,
}

/// How many lines of each kind a finding lists.
const SHOWN: usize = 5;

impl Check for MaxSize {
    type Params = Params;
    const ID: &'static str = "max-size";
    const TITLE: &'static str = "The image is small enough";
    const DOC: Doc = Doc {
        what: "The image is at most `limit` large, and adds at most `above-base` to its base image.\n\n\
            The size is the sum of all files in all layers, unpacked. Docker's own number depends on how it stores \
            images; this one is the same on every engine. A file that a later layer deletes still counts, because it \
            is still in the image.",
        why: "A small image is pulled, started and scanned faster, and has less in it that can go wrong. \
            What you need to build a program is often a hundred times larger than the program.",
        bad: Example {
            params: "limit = \"20MB\"\nabove-base = \"10MB\"",
            image: "entrypoint [\"/src/server\"]\n\
                layer ADD rootfs.tar.gz / # buildkit\n\
                file /usr/local/go/bin/go 0755 elf-static size=181000000\n\
                history WORKDIR /src\n\
                layer COPY . . # buildkit\n\
                file /src/main.go 0644 zeros size=4000\n\
                layer RUN /bin/sh -c go build -o server . # buildkit\n\
                file /src/server 0755 elf-static size=4900000\n\
                history ENTRYPOINT [\"/src/server\"]",
            ..Example::text(
                "FROM golang:1.27-alpine\n\
                WORKDIR /src\n\
                COPY . .\n\
                RUN go build -o server .\n\
                ENTRYPOINT [\"/src/server\"]\n",
            )
        },
        good: Example {
            params: "limit = \"20MB\"\nabove-base = \"10MB\"",
            image: "entrypoint [\"/server\"]\n\
                layer COPY /src/server /server # buildkit\n\
                file /server 0755 elf-static size=4900000\n\
                history ENTRYPOINT [\"/server\"]",
            ..Example::text(
                "FROM golang:1.27-alpine AS builder\n\
                WORKDIR /src\n\
                COPY . .\n\
                RUN CGO_ENABLED=0 go build -o server .\n\
                \n\
                FROM scratch\n\
                COPY --from=builder /src/server /server\n\
                ENTRYPOINT [\"/server\"]\n",
            )
        },
    };

    fn summary(params: &Params) -> String {
        match params.above_base {
            Some(above) => format!("at most {}, and {above} above the base", params.limit),
            None => format!("at most {}", params.limit),
        }
    }

    fn needs(_: &Params) -> Vec<Need> {
        vec![Need::Image]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let image = view.image()?;
        let size = Bytes(image.unpacked_bytes());
        let origins = Origins::new(view, image);
        if size > params.limit {
            let message = format!(
                "the image is {size}, {} over the limit",
                Bytes(size.0 - params.limit.0)
            );
            let finding = Finding::new(message).expected(
                format!("at most {} unpacked", params.limit),
                format!("{size} in {}", layers(image.layers.len())),
            );
            return Ok(point(finding, view, image, &origins, 0).into());
        }
        let Some(limit) = params.above_base else {
            return Ok(Verdict::passed(format!(
                "{size} of at most {}",
                params.limit
            )));
        };
        let base = *view.first_image()?.base_layers.seen()?;
        let added = image.layers.iter().skip(base).map(|l| l.unpacked_bytes);
        let added = Bytes(added.sum());
        if added > limit {
            let message = format!(
                "the image adds {added} to its base, {} over the limit",
                Bytes(added.0 - limit.0)
            );
            let above = image.layers.len().saturating_sub(base);
            let finding = Finding::new(message).expected(
                format!("at most {limit} above the base"),
                format!("{added} in {} above the base", layers(above)),
            );
            return Ok(point(finding, view, image, &origins, base).into());
        }
        Ok(Verdict::passed(format!(
            "{size} of at most {}, {added} of it above the base",
            params.limit
        )))
    }
}

fn layers(n: usize) -> String {
    match n {
        1 => "1 layer".to_owned(),
        n => format!("{n} layers"),
    }
}

/// Adds the place, the details and what to do to a finding about the layers from `from` on.
fn point<'a>(
    finding: Finding,
    view: &View<'a>,
    image: &'a Image,
    origins: &Origins<'a>,
    from: usize,
) -> Finding {
    let costliest = (from..image.layers.len()).max_by_key(|i| image.layers[*i].unpacked_bytes);
    let help = match costliest.map(|l| origins.of_layer(l)) {
        Some(Brought::Base(_)) => {
            "Most of it is the base image: build in one stage, and start the final stage from a smaller base, or \
             from `scratch`."
        }
        Some(Brought::Line(line)) if line.keyword == crate::dockerfile::Keyword::Run => {
            "Run this in a builder stage, and copy only its result into the final stage."
        }
        _ => "Copy only what the program needs when it runs from the builder into the final stage.",
    };
    let finding = finding
        .details(origins.costs(from, SHOWN))
        .details(largest_paths(image, from))
        .help(help);
    match origins.costliest(from) {
        Some(span) => finding.at(view.place(span)),
        None => finding,
    }
}

/// The largest files of the final filesystem that the layers from `from` on brought.
fn largest_paths(image: &Image, from: usize) -> Vec<String> {
    let mut files: Vec<(u64, &str)> = image
        .tree
        .iter()
        .filter(|(_, e)| e.layer >= from)
        .filter_map(|(path, e)| match e.kind {
            EntryKind::File { size, .. } => Some((size, path)),
            _ => None,
        })
        .collect();
    files.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    files
        .iter()
        .take(SHOWN)
        .map(|(size, path)| format!("{} in /{path}", Bytes(*size)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;
    use crate::evidence::Unseen;

    const DOCKERFILE: &str = "
        FROM golang:1.27-alpine AS builder
        RUN go build -o /server .
        FROM alpine AS production
        COPY --from=builder /usr/local/go /server /opt/
        RUN apk add curl
        CMD [\"/opt/server\"]";
    const IMAGE: &str = "layer ADD rootfs / # buildkit
        file /bin/busybox 0755 busybox size=8000000
        layer COPY /usr/local/go /server /opt/ # buildkit
        file /opt/go/bin/go 0755 elf-static size=90000000
        file /opt/server 0755 elf-static size=5000000
        layer RUN /bin/sh -c apk add curl # buildkit
        file /usr/bin/curl 0755 elf-dynamic size=1000000
        history CMD [\"/opt/server\"]";

    fn work(params: &str) -> Case {
        Case::of(DOCKERFILE)
            .image(IMAGE)
            .base_layers(1)
            .params(params)
    }

    #[test]
    fn the_limit_itself_is_within_it() {
        assert!(
            work("limit = 104000000")
                .passes::<MaxSize>()
                .contains("104 MB")
        );
        let finding = work("limit = 103999999").fails::<MaxSize>();
        assert_eq!(finding.message, "the image is 104 MB, 1 B over the limit");
    }

    #[test]
    fn the_costliest_line_and_paths_are_named() {
        let w = work("limit = \"20MB\"");
        let finding = w.fails::<MaxSize>();
        assert_eq!(
            w.words(&finding),
            "COPY --from=builder /usr/local/go /server /opt/"
        );
        assert_eq!(
            finding.details[..3],
            [
                "95.0 MB from line 4: COPY --from=builder /usr/local/go /server /opt/",
                "8.00 MB from the base image alpine",
                "1.00 MB from line 5: RUN apk add curl"
            ]
        );
        assert_eq!(finding.details[3], "90.0 MB in /opt/go/bin/go");
    }

    #[test]
    fn what_lies_above_the_base_has_its_own_limit() {
        let w = work("limit = \"1GB\"\nabove-base = \"96MB\"");
        assert!(
            w.passes::<MaxSize>()
                .ends_with("96.0 MB of it above the base")
        );
        let finding = work("limit = \"1GB\"\nabove-base = \"10MB\"").fails::<MaxSize>();
        assert_eq!(
            finding.message,
            "the image adds 96.0 MB to its base, 86.0 MB over the limit"
        );
        assert!(!finding.details.iter().any(|d| d.contains("base image")));
    }

    #[test]
    fn a_base_that_is_not_known_is_no_pass() {
        let w = Case::of(DOCKERFILE)
            .unknown_base()
            .image(IMAGE)
            .params("limit = \"1GB\"\nabove-base = \"10MB\"");
        assert!(matches!(w.unseen::<MaxSize>(), Unseen::Skipped(_)));
        let w = Case::of(DOCKERFILE)
            .unknown_base()
            .image(IMAGE)
            .params("limit = \"1MB\"\nabove-base = \"10MB\"");
        w.fails::<MaxSize>();
    }

    #[test]
    fn a_deleted_file_still_counts() {
        let w = Case::of_image("layer x\nfile /big 0644 zeros size=900\nlayer y\nwhiteout /big")
            .params("limit = 899");
        let finding = w.fails::<MaxSize>();
        assert_eq!(finding.place, None);
        assert_eq!(finding.details, ["900 B from x"]);
    }

    #[test]
    fn a_base_that_is_too_large_is_pointed_at() {
        let w = Case::of("FROM node:24\nCMD [\"node\"]").image(
            "layer ADD rootfs /\nfile /usr/bin/node 0755 zeros size=5000\nhistory CMD [\"node\"]",
        );
        let w = w.base_layers(1).params("limit = 10");
        let finding = w.fails::<MaxSize>();
        assert_eq!(w.words(&finding), "node:24");
        assert!(finding.help.unwrap().contains("base image"));
    }
}
