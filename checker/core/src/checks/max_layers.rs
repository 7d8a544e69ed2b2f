//! `max-layers`: the image has few layers.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::Finding;
use crate::evidence::Need;

use super::mend::Text;
use super::origin::{Origins, base_words};
use super::{Check, Doc, Example, Judged, Verdict, View, join};

/// The image has at most so many layers.
pub(super) struct MaxLayers;

/// Parameters of [`MaxLayers`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// The most layers, the base image's included.
    pub(super) limit: usize,
}

impl Check for MaxLayers {
    type Params = Params;
    const ID: &'static str = "max-layers";
    const TITLE: &'static str = "The image has few layers";
    const DOC: Doc = Doc {
        what: "The image has at most `limit` layers, those of its base image included. Every RUN, COPY and ADD of the \
            final stage makes one; so does a WORKDIR whose folder is not there yet.",
        why: "Layers are where deleted files go on living. \
            Steps that belong together make one layer, and leave nothing behind.",
        bad: Example {
            params: "limit = 2",
            image: "layer ADD rootfs.tar.gz / # buildkit\n\
                file /bin/busybox 0755 busybox\n\
                layer RUN /bin/sh -c apk add curl # buildkit\n\
                file /usr/bin/curl 0755 elf-dynamic size=200000\n\
                layer RUN /bin/sh -c curl -o /data https://example.com/data # buildkit\n\
                file /data 0644 zeros size=100",
            ..Example::text(
                "FROM alpine:3.22\n\
                RUN apk add curl\n\
                RUN curl -o /data https://example.com/data\n",
            )
        },
        good: Example {
            params: "limit = 2",
            image: "layer ADD rootfs.tar.gz / # buildkit\n\
                file /bin/busybox 0755 busybox\n\
                layer RUN /bin/sh -c apk add curl && curl -o /data https://example.com/data # buildkit\n\
                file /usr/bin/curl 0755 elf-dynamic size=200000\n\
                file /data 0644 zeros size=100",
            ..Example::text(
                "FROM alpine:3.22\n\
                RUN apk add curl && \\\n    \
                    curl -o /data https://example.com/data\n",
            )
        },
    };

    fn summary(params: &Params) -> String {
        format!("at most {} layers", params.limit)
    }

    fn needs(_: &Params) -> Vec<Need> {
        vec![Need::Image]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let image = view.image()?;
        let n = image.layers.len();
        if n <= params.limit {
            return Ok(Verdict::passed(format!(
                "{n} of at most {} layers",
                params.limit
            )));
        }
        let origins = Origins::new(view, image);
        let base = origins.base_layers();
        let finding = Finding::new(format!("the image has {n} layers, {} too many", n - params.limit))
            .expected(
                format!("at most {} layers", params.limit),
                format!("{n}, of which the base image has {base}"),
            )
            .details((base..n).map(|l| origins.describe(l)))
            .help("Join RUNs that belong together with `&&`, and gather what is copied in one folder of the builder.");
        let Some(text) = Text::new(view) else {
            return Ok(finding.into());
        };
        let runs = join::runs(&text);
        let finding = match (runs.first(), text.from()) {
            (Some(row), _) => finding.at(view.place(row.span())),
            (None, Some(from)) => finding.at(view.place(base_words(from))),
            (None, None) => finding,
        };
        Ok(match join::fix(&text, &runs) {
            Some(fix) => finding.fix(fix).into(),
            None => finding.into(),
        })
    }

    fn promised_by_text(params: &Params, view: &View<'_>) -> Option<bool> {
        let text = Text::new(view)?;
        // The base's layers are known from the image that was read before the edit.
        let base = *view.first_image().ok()?.base_layers.seen().ok()?;
        use crate::dockerfile::Keyword::{Add, Copy, Run, Workdir};
        let own = text
            .effective()
            .filter(|(_, i)| matches!(i.keyword, Add | Copy | Run | Workdir));
        (base + own.count() <= params.limit).then_some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn work(dockerfile: &str, layers: usize) -> Case {
        let text = "layer RUN /bin/sh -c x # buildkit\nfile /x 0644 text x\n".repeat(layers);
        Case::of(dockerfile).image(&text).base_layers(1)
    }

    #[test]
    fn layers_are_counted_with_the_bases() {
        let w = work("FROM alpine\nRUN a", 2).params("limit = 2");
        assert_eq!(w.passes::<MaxLayers>(), "2 of at most 2 layers");
        let w = work("FROM alpine\nCOPY a b", 3).params("limit = 2");
        let finding = w.fails::<MaxLayers>();
        assert_eq!(finding.message, "the image has 3 layers, 1 too many");
        assert_eq!(w.words(&finding), "alpine");
        w.has_no_fix::<MaxLayers>();
    }

    #[test]
    fn neighbours_can_be_joined() {
        let w = work(
            "FROM alpine\nRUN a\nRUN b \\\n  c\n\n# then\nRUN d\nCOPY x y",
            5,
        )
        .params("limit = 3");
        assert_eq!(
            w.promised_fix::<MaxLayers>(),
            "FROM alpine\nRUN a && \\\n    b \\\n  c && \\\n    d\nCOPY x y\n"
        );
        let w =
            work("FROM alpine\nRUN a\nRUN --mount=type=cache,target=/x b", 3).params("limit = 2");
        w.has_no_fix::<MaxLayers>();
    }
}
