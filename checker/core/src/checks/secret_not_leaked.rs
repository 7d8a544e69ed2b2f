//! `secret-not-leaked`: a secret that the build was given is nowhere in the image.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::{Finding, Place};
use crate::dockerfile::{Command, Instruction, Keyword};
use crate::evidence::{Need, Unseen};
use crate::image::Image;
use crate::source::Span;

use super::mend::Text;
use super::origin::Origins;
use super::secrets::is_secret_name;
use super::{Check, Doc, Example, Judged, Verdict, View};

/// The lab's canary is in no layer, no config and no history.
pub(super) struct SecretNotLeaked;

/// Parameters of [`SecretNotLeaked`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// The secret's id; without it, every secret of the build.
    #[serde(default)]
    pub(super) secret: Option<String>,
}

impl Check for SecretNotLeaked {
    type Params = Params;
    const ID: &'static str = "secret-not-leaked";
    const TITLE: &'static str = "The secret is not in the image";
    const DOC: Doc = Doc {
        what: "mslab gives the build a secret with a random value, and looks for that value in the whole image: in \
            every file of every layer, in files that a later layer deletes, in the image's settings and in its \
            history, plain, encoded or gzip-compressed. It must be nowhere.",
        why: "Whoever can pull an image can read all its layers. \
            A secret that was once in one of them has to be changed.",
        bad: Example {
            image: "layer ADD rootfs.tar.gz / # buildkit\n\
                file /usr/local/bin/node 0755 elf-dynamic size=110000000\n\
                layer RUN /bin/sh -c cp /run/secrets/npm_token /root/.npmrc && npm ci # buildkit\n\
                file /root/.npmrc 0600 text (the secret's value)\n\
                needle 0 /root/.npmrc\n\
                layer RUN /bin/sh -c rm /root/.npmrc # buildkit\n\
                whiteout /root/.npmrc",
            ..Example::text(
                "FROM node:24-alpine\n\
                RUN --mount=type=secret,id=npm_token cp /run/secrets/npm_token /root/.npmrc && npm ci\n\
                RUN rm /root/.npmrc\n",
            )
        },
        good: Example {
            image: "layer ADD rootfs.tar.gz / # buildkit\n\
                file /usr/local/bin/node 0755 elf-dynamic size=110000000\n\
                layer RUN /bin/sh -c npm ci # buildkit\n\
                file /app/node_modules/a/index.js 0644 text x",
            ..Example::text(
                "FROM node:24-alpine\n\
                RUN --mount=type=secret,id=npm_token,target=/root/.npmrc npm ci\n",
            )
        },
    };

    fn summary(params: &Params) -> String {
        match &params.secret {
            Some(id) => format!("`{id}` is nowhere in the image"),
            None => "no secret is in the image".into(),
        }
    }

    fn needs(_: &Params) -> Vec<Need> {
        vec![Need::Image]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let images = view.images()?;
        let secrets = view.secrets()?;
        let searched: BTreeSet<usize> = secrets
            .iter()
            .enumerate()
            .filter(|(_, (id, _))| params.secret.as_ref().is_none_or(|wanted| wanted == id))
            .map(|(i, _)| i)
            .collect();
        if searched.is_empty() {
            return Err(Unseen::Failed(match &params.secret {
                Some(id) => format!("the build was given no secret `{id}`"),
                None => "the build was given no secret".to_owned(),
            }));
        }
        if images.is_empty() {
            return Err(Unseen::Failed("the build gave no image".into()));
        }
        for one in images {
            let image = one.image.seen()?.as_ref();
            let leaks = leaks(image, &searched);
            if let Some(first) = leaks.first() {
                let id = secrets.get(first.needle).map_or("", |(id, _)| id.as_str());
                return Ok(finding(view, image, first, &leaks, id).into());
            }
        }
        let layers: usize = images
            .iter()
            .filter_map(|i| i.image.seen().ok())
            .map(|i| i.layers.len())
            .sum();
        Ok(Verdict::passed(format!(
            "not in {layers} layers, the settings or the history"
        )))
    }
}

/// One place where a secret was found.
struct Leak<'a> {
    needle: usize,
    layer: Option<usize>,
    /// A path, or `config` or `history`.
    place: &'a str,
}

fn leaks<'a>(image: &'a Image, searched: &BTreeSet<usize>) -> Vec<Leak<'a>> {
    let in_layers = image.layers.iter().enumerate().flat_map(|(i, layer)| {
        layer.needles.iter().map(move |(needle, place)| Leak {
            needle: *needle,
            layer: Some(i),
            place,
        })
    });
    let outside = image.needles.iter().map(|(needle, place)| Leak {
        needle: *needle,
        layer: None,
        place,
    });
    in_layers
        .chain(outside)
        .filter(|l| searched.contains(&l.needle))
        .collect()
}

fn finding(
    view: &View<'_>,
    image: &Image,
    first: &Leak<'_>,
    all: &[Leak<'_>],
    id: &str,
) -> Finding {
    let origins = Origins::new(view, image);
    // The value may be in the name itself, and a finding never shows it.
    let value = view
        .secrets()
        .ok()
        .and_then(|all| all.get(first.needle))
        .map_or("", |(_, value)| value.as_str());
    let shown = |path: &str| {
        let path = path.trim_start_matches('/');
        match value {
            "" => format!("/{path}"),
            value => format!("/{}", path.replace(value, &format!("({id})"))),
        }
    };
    let place = match first.layer {
        Some(_) => shown(first.place),
        None => format!("the image's {}", first.place),
    };
    let deleted = first
        .layer
        .is_some_and(|layer| image.tree.get(first.place).is_none_or(|e| e.layer != layer));
    let finding = Finding::new(format!("the value of the secret `{id}` is in {place}"))
        .expected("the value is nowhere in the image", match all.len() {
            1 => "found in 1 place".to_owned(),
            n => format!("found in {n} places"),
        })
        .details(all.iter().map(|l| match l.layer {
            Some(layer) => format!("{} in {}", shown(l.place), origins.describe(layer)),
            None => format!("the image's {}", l.place),
        }))
        .help(if deleted {
            "A later layer hides the file, and the layer below still has it: mount the secret for the one RUN that \
             needs it, and write it to no file."
        } else if first.layer.is_some() {
            "Mount the secret for the one RUN that needs it, and write it to no file."
        } else {
            "Build arguments and ENV are kept in the image: use RUN --mount=type=secret."
        });
    let in_image = Place::Image {
        layer: first.layer,
        path: first.layer.map(|_| place.clone()),
    };
    let span = match first.layer {
        Some(layer) => origins.span(layer, Some(first.place)),
        None => Text::new(view).and_then(|t| handed_on(&t, first.place, id)),
    };
    match span {
        Some(span) => finding
            .at(view.place(span))
            .related(in_image, "the value is here"),
        None => finding.at(in_image),
    }
}

/// The instruction that put the value into the settings or the history: one that is named like the secret where there
/// is one.
fn handed_on(text: &Text<'_>, place: &str, id: &str) -> Option<Span> {
    let given = [id.to_owned()];
    let named = |i: &Instruction| match &i.command {
        Command::Arg(pairs) => pairs.iter().any(|p| is_secret_name(&p.name.text, &given)),
        Command::Env(pairs) => pairs.iter().any(|p| is_secret_name(&p.key.text, &given)),
        _ => i.rest.text.contains('$'),
    };
    // The settings hold variables and labels; the history, what every command was given.
    let order = if place == "config" {
        [Keyword::Env, Keyword::Label, Keyword::Arg]
    } else {
        [Keyword::Arg, Keyword::Env, Keyword::Label]
    };
    let of = |k: Keyword| {
        text.effective()
            .rev()
            .map(|(_, i)| i)
            .filter(move |i| i.keyword == k)
    };
    let found = order.iter().find_map(|k| of(*k).find(|i| named(i)));
    found
        .or_else(|| order.iter().find_map(|k| of(*k).next()))
        .map(|i| i.span)
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn work(edit: impl FnOnce(&mut Image)) -> Case {
        Case::of("FROM alpine\nARG TOKEN\nRUN login --token $TOKEN\nRUN rm /root/.login")
            .image(
                "layer ADD rootfs /
                file /bin/busybox 0755 busybox
                history ARG TOKEN
                layer RUN |1 TOKEN=x /bin/sh -c login --token $TOKEN # buildkit
                file /root/.login 0600 text x
                layer RUN /bin/sh -c rm /root/.login # buildkit
                whiteout /root/.login",
            )
            .base_layers(1)
            .secrets(&[("other", "canary-0"), ("token", "canary-1")])
            .edit(edit)
    }

    #[test]
    fn a_value_that_is_nowhere_passes() {
        let said = work(|_| {}).passes::<SecretNotLeaked>();
        assert_eq!(said, "not in 3 layers, the settings or the history");
    }

    #[test]
    fn a_deleted_file_still_leaks() {
        let w = work(|i| i.layers[1].needles.push((1, "root/.login".into())));
        let finding = w.fails::<SecretNotLeaked>();
        assert_eq!(
            finding.message,
            "the value of the secret `token` is in /root/.login"
        );
        assert_eq!(w.words(&finding), "RUN login --token $TOKEN");
        assert!(finding.help.as_ref().unwrap().contains("hides the file"));
        let told = format!("{finding:?}");
        assert!(!told.contains("canary"), "a finding never shows the value");
        w.params("secret = \"other\"").passes::<SecretNotLeaked>();
    }

    #[test]
    fn a_value_in_a_name_is_not_shown() {
        let w = work(|i| i.layers[1].needles.push((1, "x/got-with-canary-1".into())));
        let finding = w.fails::<SecretNotLeaked>();
        assert_eq!(
            finding.message,
            "the value of the secret `token` is in /x/got-with-(token)"
        );
        assert!(!format!("{finding:?}").contains("canary"));
    }

    #[test]
    fn history_and_config_are_searched() {
        for place in ["history", "config"] {
            let w = work(|i| i.needles.push((1, place.into())));
            let finding = w.fails::<SecretNotLeaked>();
            assert!(
                finding
                    .message
                    .ends_with(&format!("is in the image's {place}"))
            );
            assert_eq!(w.words(&finding), "ARG TOKEN");
        }
    }

    #[test]
    fn the_instruction_that_handed_the_value_on_is_pointed_at() {
        let text = "FROM alpine\nARG TOKEN\nARG VERSION=1\nENV TOKEN=$TOKEN\nENV A=b\nLABEL a=b";
        for (place, words) in [("history", "ARG TOKEN"), ("config", "ENV TOKEN=$TOKEN")] {
            let w = Case::of(text)
                .image("layer ADD rootfs /\nfile /bin/busybox 0755 busybox")
                .secrets(&[("token", "canary")])
                .edit(|i| i.needles.push((0, place.into())));
            assert_eq!(w.words(&w.fails::<SecretNotLeaked>()), words);
        }
    }

    #[test]
    fn every_platform_is_searched() {
        let w = work(|_| {})
            .image_for("linux", "arm64", "layer x")
            .edit(|i| i.layers[0].needles.push((0, "x".into())));
        w.fails::<SecretNotLeaked>();
    }

    #[test]
    fn without_a_secret_there_is_no_verdict() {
        let w = Case::of("FROM alpine").image("layer x");
        assert!(matches!(w.unseen::<SecretNotLeaked>(), Unseen::Failed(_)));
        let unknown = work(|_| {}).params("secret = \"gone\"");
        assert!(matches!(
            unknown.unseen::<SecretNotLeaked>(),
            Unseen::Failed(_)
        ));
    }
}
