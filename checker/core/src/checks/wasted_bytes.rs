//! `wasted-bytes`: little of the image is hidden by its own later layers.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::Finding;
use crate::evidence::Need;
use crate::units::Bytes;

use super::mend::Text;
use super::origin::Origins;
use super::{Check, Doc, Example, Judged, Verdict, View, join};

/// Bytes that a later layer overwrites or removes are at most a limit.
pub(super) struct WastedBytes;

/// Parameters of [`WastedBytes`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// The most bytes of files that a later layer overwrites or removes.
    pub(super) limit: Bytes,
}

impl Check for WastedBytes {
    type Params = Params;
    const ID: &'static str = "wasted-bytes";
    const TITLE: &'static str = "No layer hides what another brought";
    const DOC: Doc = Doc {
        what: "The files that a later layer overwrites or removes have at most `limit` bytes together. Such files cannot \
            be seen in a container, and are in the image all the same.",
        why: "Deleting a file in a later step makes nothing smaller. \
            A `chown -R` in a step of its own even ships every file twice.",
        bad: Example {
            params: "limit = \"1MB\"",
            image: "layer ADD rootfs.tar.xz / # buildkit\n\
                file /usr/bin/python3.13 0755 elf-dynamic size=6000000\n\
                layer RUN /bin/sh -c apt-get update && apt-get install -y gcc # buildkit\n\
                file /usr/bin/gcc 0755 elf-dynamic size=90000000\n\
                layer RUN /bin/sh -c apt-get purge -y gcc # buildkit\n\
                whiteout /usr/bin/gcc",
            ..Example::text(
                "FROM python:3.13-slim\n\
                RUN apt-get update && apt-get install -y gcc\n\
                RUN apt-get purge -y gcc\n",
            )
        },
        good: Example {
            params: "limit = \"1MB\"",
            image: "layer ADD rootfs.tar.xz / # buildkit\n\
                file /usr/bin/python3.13 0755 elf-dynamic size=6000000\n\
                layer COPY /opt/venv /opt/venv # buildkit\n\
                file /opt/venv/bin/python 0755 elf-dynamic size=100",
            ..Example::text(
                "FROM python:3.13-slim AS builder\n\
                RUN apt-get update && apt-get install -y gcc\n\
                RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-binary :all: xxhash\n\
                \n\
                FROM python:3.13-slim\n\
                COPY --from=builder /opt/venv /opt/venv\n",
            )
        },
    };

    fn summary(params: &Params) -> String {
        format!("at most {} hidden by later layers", params.limit)
    }

    fn needs(_: &Params) -> Vec<Need> {
        vec![Need::Image]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let image = view.image()?;
        let wasted = Bytes(image.wasted_bytes());
        if wasted <= params.limit {
            return Ok(Verdict::passed(format!(
                "{wasted} of at most {}",
                params.limit
            )));
        }
        let origins = Origins::new(view, image);
        let mut layers: Vec<(usize, u64)> = image
            .layers
            .iter()
            .enumerate()
            .map(|(i, l)| (i, l.wasted_bytes))
            .filter(|(_, n)| *n > 0)
            .collect();
        layers.sort_by_key(|(i, n)| (std::cmp::Reverse(*n), *i));
        let finding = Finding::new(format!("{wasted} are in the image and cannot be seen in it"))
            .expected(
                format!("at most {} overwritten or removed by later layers", params.limit),
                wasted.to_string(),
            )
            .details(layers.iter().take(5).map(|(i, n)| {
                format!("{} of {} are hidden: {}", Bytes(*n), Bytes(image.layers[*i].unpacked_bytes), origins.describe(*i))
            }))
            .help(
                "Remove files in the RUN that makes them, give their owner in the COPY itself (--chown), or leave the \
                 step to a builder stage.",
            );
        let finding = match layers.first().and_then(|(i, _)| origins.span(*i, None)) {
            Some(span) => finding.at(view.place(span)),
            None => finding,
        };
        let Some(text) = Text::new(view) else {
            return Ok(finding.into());
        };
        let rows = join::runs(&text);
        // Joining helps where the waste is made and removed by RUNs that are neighbours.
        let inside = layers.iter().all(|(i, _)| {
            origins
                .span(*i, None)
                .is_some_and(|s| rows.iter().any(|r| r.span().contains(s.start)))
        });
        Ok(match join::fix(&text, &rows) {
            Some(fix) if inside => finding.fix(fix).into(),
            _ => finding.into(),
        })
    }

    fn promised_by_text(_: &Params, view: &View<'_>) -> Option<bool> {
        let text = Text::new(view)?;
        view.image().ok()?;
        // One RUN hides nothing of itself; two may.
        let runs = text
            .effective()
            .filter(|(_, i)| i.keyword == crate::dockerfile::Keyword::Run);
        (runs.count() <= 1).then_some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn work(dockerfile: &str) -> Case {
        Case::of(dockerfile)
            .image(
                "layer ADD rootfs /
                file /bin/busybox 0755 busybox
                layer RUN /bin/sh -c make # buildkit
                file /big 0644 zeros size=5000
                file /small 0644 zeros size=10
                layer RUN /bin/sh -c rm /big # buildkit
                whiteout /big",
            )
            .base_layers(1)
    }

    #[test]
    fn hidden_bytes_are_counted() {
        let w = work("FROM alpine\nRUN make\nRUN rm /big");
        assert_eq!(
            w.params("limit = 5000").passes::<WastedBytes>(),
            "5.00 kB of at most 5.00 kB"
        );
        let w = work("FROM alpine\nRUN make\nRUN rm /big").params("limit = 4999");
        let finding = w.fails::<WastedBytes>();
        assert_eq!(w.words(&finding), "RUN make");
        assert_eq!(
            finding.details,
            ["5.00 kB of 5.01 kB are hidden: line 2: RUN make"]
        );
    }

    #[test]
    fn a_clean_up_joins_the_step_that_it_cleans() {
        let w = work("FROM alpine\nRUN make\nRUN rm /big").params("limit = 0");
        assert_eq!(
            w.promised_fix::<WastedBytes>(),
            "FROM alpine\nRUN make && \\\n    rm /big\n"
        );
        work("FROM alpine\nRUN make\nUSER 1\nRUN rm /big")
            .params("limit = 0")
            .has_no_fix::<WastedBytes>();
    }
}
