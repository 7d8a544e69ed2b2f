//! `files-present`: the files that the program needs are in the image.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::Finding;
use crate::evidence::Need;
use crate::image::Image;

use super::mend::Text;
use super::origin::base_words;
use super::params::listed;
use super::{Check, Doc, Example, Judged, Verdict, View};

/// Every pattern names a path of the final filesystem.
pub(super) struct FilesPresent;

/// Parameters of [`FilesPresent`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// Patterns: `*` and `?` within a name, `**` across folders.
    pub(super) paths: Vec<String>,
}

impl Check for FilesPresent {
    type Params = Params;
    const ID: &'static str = "files-present";
    const TITLE: &'static str = "The files that are needed are there";
    const DOC: Doc = Doc {
        what: "Each of `paths` names at least one file or folder of the final filesystem. `*` stands for any characters \
            of a name, `**` for any folders. Links are followed inside the image; one that leads nowhere does not \
            count.",
        why: "What is left behind in a builder stage is missed only when the program looks for it. \
            A virtual environment without its `bin` folder is an example.",
        bad: Example {
            params: "paths = [\"/opt/venv/bin/gunicorn\"]",
            image: "layer COPY /opt/venv/lib/python3.13/site-packages /usr/lib/python3/site-packages # buildkit\n\
                file /usr/lib/python3/site-packages/flask/__init__.py 0644 text x",
            ..Example::text(
                "FROM python:3.13-slim AS builder\n\
                RUN python -m venv /opt/venv && /opt/venv/bin/pip install flask gunicorn\n\
                \n\
                FROM python:3.13-slim\n\
                COPY --from=builder /opt/venv/lib/python3.13/site-packages /usr/lib/python3/site-packages\n\
                CMD [\"gunicorn\", \"app:app\"]\n",
            )
        },
        good: Example {
            params: "paths = [\"/opt/venv/bin/gunicorn\"]",
            image: "layer COPY /opt/venv /opt/venv # buildkit\n\
                file /opt/venv/bin/gunicorn 0755 script /opt/venv/bin/python\n\
                file /opt/venv/lib/python3.13/site-packages/flask/__init__.py 0644 text x",
            ..Example::text(
                "FROM python:3.13-slim AS builder\n\
                RUN python -m venv /opt/venv && /opt/venv/bin/pip install flask gunicorn\n\
                \n\
                FROM python:3.13-slim\n\
                COPY --from=builder /opt/venv /opt/venv\n\
                CMD [\"/opt/venv/bin/gunicorn\", \"app:app\"]\n",
            )
        },
    };

    fn summary(params: &Params) -> String {
        match &params.paths[..] {
            [only] => format!("{only} is there"),
            all => format!("{} paths are there", all.len()),
        }
    }

    fn needs(_: &Params) -> Vec<Need> {
        vec![Need::Image]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let image = view.image()?;
        let missing: Vec<&str> = params
            .paths
            .iter()
            .map(String::as_str)
            .filter(|p| !is_there(image, p))
            .collect();
        let Some(first) = missing.first() else {
            let all = params.paths.len();
            return Ok(Verdict::passed(match all {
                1 => format!("{} is there", params.paths[0]),
                n => format!("all {n} are there"),
            }));
        };
        let message = match missing.len() {
            1 => format!("{first} is not in the image"),
            n => format!(
                "{n} of {} paths are not in the image, {first} for one",
                params.paths.len()
            ),
        };
        let near = elsewhere(image, first);
        let finding = Finding::new(message)
            .expected(
                listed(params.paths.iter().map(String::as_str), "and"),
                match &near {
                    Some(path) => format!("nothing there, but /{path}"),
                    None => "nothing there".to_owned(),
                },
            )
            .details(missing.iter().map(|p| format!("{p} is missing")))
            .help(match near {
                Some(_) => "Copy it to the path where it is looked for.",
                None => "Copy it into the final stage from where it is made, or from the context.",
            });
        let text = Text::new(view);
        let from = text.as_ref().and_then(Text::from);
        Ok(match from {
            Some(from) => finding.at(view.place(base_words(from))).into(),
            None => finding.into(),
        })
    }
}

fn is_there(image: &Image, pattern: &str) -> bool {
    if pattern.trim_matches('/').is_empty() {
        return true;
    }
    image
        .tree
        .matching(pattern)
        .iter()
        .any(|r| image.tree.resolve(r.path).is_ok())
}

/// A path with the same last part as the pattern, where it has no wildcard.
fn elsewhere<'a>(image: &'a Image, pattern: &str) -> Option<&'a str> {
    let name = pattern.trim_end_matches('/').rsplit('/').next()?;
    if name.contains(['*', '?', '[']) {
        return None;
    }
    let same = |path: &str| path.rsplit('/').next() == Some(name);
    image.tree.iter().map(|(p, _)| p).find(|p| same(p))
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn of(paths: &str) -> Case {
        Case::of("FROM alpine AS production")
            .image(
                "layer x
                file /opt/venv/bin/gunicorn 0755 script x
                link /usr/bin/gunicorn -> ../../opt/venv/bin/gunicorn
                link /dangling -> /gone
                dir /data",
            )
            .params(&format!("paths = {paths}"))
    }

    #[test]
    fn patterns_and_links_are_followed() {
        for paths in [
            "[\"/opt/venv/bin/gunicorn\"]",
            "[\"/usr/bin/gunicorn\", \"/data\", \"opt/*/bin\"]",
            "[\"/**/gunicorn\"]",
            "[\"/\"]",
            "[]",
        ] {
            of(paths).passes::<FilesPresent>();
        }
    }

    #[test]
    fn what_is_missing_is_named_with_what_is_like_it() {
        let w = of("[\"/app/gunicorn\", \"/data\"]");
        let finding = w.fails::<FilesPresent>();
        assert_eq!(finding.message, "/app/gunicorn is not in the image");
        assert_eq!(
            finding.actual.as_deref(),
            Some("nothing there, but /opt/venv/bin/gunicorn")
        );
        assert_eq!(w.words(&finding), "alpine");
        of("[\"/dangling\"]").fails::<FilesPresent>();
        let two = of("[\"/a*\", \"/b\", \"/data\"]").fails::<FilesPresent>();
        assert_eq!(
            two.message,
            "2 of 3 paths are not in the image, /a* for one"
        );
    }
}
