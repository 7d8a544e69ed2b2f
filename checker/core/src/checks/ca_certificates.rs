//! `ca-certificates`: programs in the image find the certificates of the authorities.

use crate::diagnostic::{Finding, Fix};
use crate::dockerfile::{Command, Keyword};
use crate::evidence::Need;
use crate::image::Image;
use crate::stages::{Base, Needs, Via};

use super::certificates::{self, BUNDLE, FILES, FOLDERS};
use super::mend::{Text, literal};
use super::origin::{Origins, base_words};
use super::started::{Access, reaches};
use super::{Check, Doc, Example, Judged, NoParams, Verdict, View, user};

/// A usable CA bundle is where the runtime looks for it.
pub(super) struct CaCertificates;

impl Check for CaCertificates {
    type Params = NoParams;
    const ID: &'static str = "ca-certificates";
    const TITLE: &'static str = "The certificates of the authorities are there";
    const DOC: Doc = Doc {
        what: "A file with at least one certificate is in one of the places where programs look, and the image's user \
            may read it. The places are those of Go and OpenSSL: `/etc/ssl/certs/ca-certificates.crt`, \
            `/etc/ssl/cert.pem`, `/etc/pki/tls/certs/ca-bundle.crt` and a few more. Where the image sets \
            `SSL_CERT_FILE` or `SSL_CERT_DIR`, only the place that it names counts.",
        why: "Without them a program trusts nobody: every `https://` request ends with \
            `x509: certificate signed by unknown authority`. `scratch` has none.",
        bad: Example {
            image: "user 65532\n\
                entrypoint [\"/server\"]\n\
                layer COPY /src/server /server # buildkit\n\
                file /server 0755 elf-static size=4900000\n\
                history USER 65532\n\
                history ENTRYPOINT [\"/server\"]",
            ..Example::text(
                "FROM golang:1.27-alpine AS builder\n\
                WORKDIR /src\n\
                COPY . .\n\
                RUN CGO_ENABLED=0 go build -o server .\n\
                \n\
                FROM scratch\n\
                COPY --from=builder /src/server /server\n\
                USER 65532\n\
                ENTRYPOINT [\"/server\"]\n",
            )
        },
        good: Example {
            image: "user 65532\n\
                entrypoint [\"/server\"]\n\
                layer COPY /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ # buildkit\n\
                file /etc/ssl/certs/ca-certificates.crt 0644 certificates size=140\n\
                layer COPY /src/server /server # buildkit\n\
                file /server 0755 elf-static size=4900000\n\
                history USER 65532\n\
                history ENTRYPOINT [\"/server\"]",
            ..Example::text(
                "FROM golang:1.27-alpine AS builder\n\
                WORKDIR /src\n\
                COPY . .\n\
                RUN CGO_ENABLED=0 go build -o server .\n\
                \n\
                FROM scratch\n\
                COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\n\
                COPY --from=builder /src/server /server\n\
                USER 65532\n\
                ENTRYPOINT [\"/server\"]\n",
            )
        },
    };

    fn summary(_: &NoParams) -> String {
        "a CA bundle where programs look".into()
    }

    fn needs(_: &NoParams) -> Vec<Need> {
        vec![Need::Image]
    }

    fn judge(_: &NoParams, view: &View<'_>) -> Judged {
        let image = view.image()?;
        let problem = match look(image) {
            Ok(passed) => return Ok(Verdict::passed(passed)),
            Err(problem) => problem,
        };
        let finding = Finding::new(problem.message)
            .expected(
                "a readable file with at least one certificate",
                problem.actual,
            )
            .help(problem.help);
        let origins = Origins::new(view, image);
        if let Some(path) = problem.path {
            let at = origins.finding_at(finding.message.clone(), &path);
            return Ok(Finding {
                place: at.place,
                related: at.related,
                ..finding
            }
            .into());
        }
        let Some(text) = Text::new(view) else {
            return Ok(finding.into());
        };
        let finding = match text.from() {
            Some(from) => finding.at(view.place(base_words(from))),
            None => finding,
        };
        Ok(match mend(&text) {
            Some(fix) => finding.fix(fix).into(),
            None => finding.into(),
        })
    }

    fn promised_by_text(_: &NoParams, view: &View<'_>) -> Option<bool> {
        let text = Text::new(view)?;
        if text
            .last(Keyword::Env)
            .is_some_and(|(_, i)| i.rest.text.contains("SSL_CERT"))
        {
            return None;
        }
        if text
            .effective()
            .any(|(stage, i)| copies_bundle(&text, stage.index, i))
        {
            return Some(true);
        }
        match text.base() {
            Base::Image(base) if certificates::image_carries_bundle(base) => Some(true),
            Base::Scratch if !text.effective().any(|(_, i)| i.keyword == Keyword::Copy) => {
                Some(false)
            }
            _ => None,
        }
    }
}

/// Why programs would find no certificate.
struct Problem {
    message: String,
    actual: String,
    help: &'static str,
    /// What is there and cannot be used.
    path: Option<String>,
}

const NONE: &str = "Copy /etc/ssl/certs/ca-certificates.crt from a stage that has it.";

/// What a program finds; the message of the verdict that it passes.
fn look(image: &Image) -> Result<String, Problem> {
    let env = |name: &str| {
        let env = image.config.env.iter().rev();
        env.filter_map(|e| e.split_once('='))
            .find(|(n, v)| *n == name && !v.is_empty())
            .map(|(_, v)| v.to_owned())
    };
    let reader = user::of(image).ok().and_then(Result::ok);
    let may_read = |path: &str| {
        reader
            .as_ref()
            .is_none_or(|user| reaches(image, path, user, Access::Read))
    };
    let files: Vec<String> = match env("SSL_CERT_FILE") {
        Some(file) => vec![file],
        None => FILES.iter().map(|f| (*f).to_owned()).collect(),
    };
    let folders: Vec<String> = match env("SSL_CERT_DIR") {
        Some(list) => list.split(':').map(str::to_owned).collect(),
        None => FOLDERS.iter().map(|f| (*f).to_owned()).collect(),
    };
    let mut problem = None;
    for file in &files {
        match certificates::at(image, file) {
            Some(b) if b.certificates == 0 => {
                problem.get_or_insert(Problem {
                    message: format!("{file} holds no certificate"),
                    actual: "a file without a certificate".into(),
                    help: "Copy the whole bundle of a stage that has one.",
                    path: Some(file.clone()),
                });
            }
            Some(_) if !may_read(file) => {
                problem.get_or_insert(Problem {
                    message: format!("the image's user may not read {file}"),
                    actual: format!("no permission for the user `{}`", image.config.user),
                    help: "Let everybody read it: `COPY --chmod=644`.",
                    path: Some(file.clone()),
                });
            }
            Some(b) => return Ok(format!("{} certificates in {}", b.certificates, b.path)),
            None => {}
        }
    }
    for folder in &folders {
        let found = certificates::in_folder(image, folder);
        if let Some(b) = found.iter().find(|b| may_read(&b.path)) {
            let all: usize = found.iter().map(|b| b.certificates).sum();
            return Ok(format!(
                "{all} certificates in {folder}, {} for one",
                b.path
            ));
        }
    }
    if let Some(problem) = problem {
        return Err(problem);
    }
    if let Some(file) = env("SSL_CERT_FILE") {
        return Err(Problem {
            message: format!("SSL_CERT_FILE names {file}, which is not in the image"),
            actual: format!("no {file}"),
            help: "Copy the bundle there, or leave the variable out.",
            path: None,
        });
    }
    let elsewhere = image
        .tree
        .iter()
        .find(|(_, e)| super::started::facts(e).is_some_and(|f| f.certificates > 5));
    Err(Problem {
        message: "programs in the image find no certificates".into(),
        actual: match elsewhere {
            Some((path, _)) => format!("a bundle in /{path}, where programs do not look"),
            None => "no bundle in any of the usual places".into(),
        },
        help: NONE,
        path: elsewhere.map(|(path, _)| format!("/{path}")),
    })
}

/// Whether the instruction copies the bundle from where it is known to be to where programs look.
fn copies_bundle(
    text: &Text<'_>,
    stage: usize,
    instruction: &crate::dockerfile::Instruction,
) -> bool {
    let Command::Copy(copy) = &instruction.command else {
        return false;
    };
    let from_known = text.source.graph.edges.iter().any(|e| {
        e.stage == stage
            && e.via == Via::Copy
            && instruction.span.contains(e.span.start)
            && match &e.needs {
                Needs::Stage(i) => {
                    let stages = &text.source.graph.stages;
                    stages
                        .get(*i)
                        .is_some_and(|s| certificates::carries_bundle(text, s))
                }
                Needs::Image(reference) => certificates::image_carries_bundle(reference),
            }
    });
    let Some(to) = literal(&copy.destination.text) else {
        return false;
    };
    let lands = |source: &str| {
        let source = source.trim_end_matches('/');
        let to_folder = to.trim_end_matches('/');
        if source == BUNDLE {
            return FILES.contains(&to.as_str())
                || (to.ends_with('/') && FOLDERS.contains(&to_folder));
        }
        source == "/etc/ssl/certs" && to_folder == "/etc/ssl/certs"
            || source == "/etc/ssl" && to_folder == "/etc/ssl"
    };
    let sources = copy.sources.iter().filter_map(|s| literal(&s.text));
    from_known && sources.into_iter().any(|s| lands(&s))
}

/// Copies the bundle from a stage that has it.
fn mend(text: &Text<'_>) -> Option<Fix> {
    let builder = certificates::stage_with_bundle(text)?;
    let from = text.from()?;
    let line = format!("COPY --from={} {BUNDLE} /etc/ssl/certs/", builder.label());
    let fix = Fix::new(format!("copy the certificates from `{}`", builder.label()));
    let first_copy = text
        .of(text.target)
        .iter()
        .find(|i| i.keyword == Keyword::Copy);
    Some(match first_copy {
        Some(copy) => text.insert_before(fix, copy, &line),
        None => text.insert_after(fix, from, &line),
    })
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn image(text: &str) -> Case {
        Case::of_image(text)
    }

    #[test]
    fn a_bundle_is_found_where_programs_look() {
        for path in FILES {
            let text = format!("user 7\nlayer x\nfile {path} 0644 certificates size=3");
            let said = image(&text).passes::<CaCertificates>();
            assert_eq!(said, format!("3 certificates in {path}"));
        }
        let linked = "layer x
            file /usr/share/ca/one.pem 0644 certificates
            link /etc/ssl/certs/0a1b.0 -> /usr/share/ca/one.pem";
        let said = image(linked).passes::<CaCertificates>();
        assert!(
            said.starts_with("1 certificates in /etc/ssl/certs, "),
            "{said}"
        );
    }

    #[test]
    fn an_empty_or_unreadable_bundle_is_none() {
        let empty = image("layer x\nfile /etc/ssl/certs/ca-certificates.crt 0644 text nothing")
            .fails::<CaCertificates>();
        assert!(empty.message.ends_with("holds no certificate"));
        let closed = image("user 7\nlayer x\nfile /etc/ssl/cert.pem 0600 certificates")
            .fails::<CaCertificates>();
        assert_eq!(
            closed.message,
            "the image's user may not read /etc/ssl/cert.pem"
        );
        image("user 7\nlayer x\nfile /etc/ssl/cert.pem 0600 certificates uid=7")
            .passes::<CaCertificates>();
        let folder =
            image("user 7\nlayer x\ndir /etc/ssl 0700\nfile /etc/ssl/cert.pem 0644 certificates");
        folder.fails::<CaCertificates>();
    }

    #[test]
    fn the_environment_has_the_last_word() {
        let bundle =
            "layer x\nfile /etc/ssl/cert.pem 0644 certificates\nfile /ca.pem 0644 certificates";
        image(&format!("env SSL_CERT_FILE=/ca.pem\n{bundle}")).passes::<CaCertificates>();
        let gone = image(&format!(
            "env SSL_CERT_FILE=/gone.pem\nenv SSL_CERT_DIR=/none\n{bundle}"
        ));
        assert!(
            gone.fails::<CaCertificates>()
                .message
                .contains("SSL_CERT_FILE names /gone.pem")
        );
    }

    #[test]
    fn a_bundle_in_another_place_is_named() {
        let finding = image("layer x\nfile /certs/all.pem 0644 certificates size=100")
            .fails::<CaCertificates>();
        assert!(finding.actual.unwrap().contains("/certs/all.pem"));
    }

    #[test]
    fn the_bundle_comes_from_a_stage_that_has_it() {
        let go = "FROM golang:1.27-alpine AS builder\nRUN go build -o /server .\n\nFROM scratch AS production\n\n\
            COPY --from=builder /server /server\nENTRYPOINT [\"/server\"]\n";
        let scratch = "entrypoint [\"/server\"]
            layer COPY /server /server # buildkit
            file /server 0755 elf-static
            history ENTRYPOINT [\"/server\"]";
        let w = Case::of(go).image(scratch).base_layers(0);
        assert_eq!(w.words(&w.fails::<CaCertificates>()), "scratch");
        let copy = "COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\n";
        assert_eq!(
            w.promised_fix::<CaCertificates>(),
            go.replace("COPY --from", &format!("{copy}COPY --from"))
        );
        let bare = go.replace("golang:1.27-alpine", "debian:trixie-slim");
        Case::of(&bare)
            .image(scratch)
            .base_layers(0)
            .has_no_fix::<CaCertificates>();
        let nameless = go
            .replace(" AS builder", "")
            .replace("--from=builder", "--from=0");
        Case::of(&nameless)
            .image(scratch)
            .base_layers(0)
            .has_no_fix::<CaCertificates>();
    }

    #[test]
    fn the_text_promises_what_it_can() {
        for (text, promised) in [
            ("FROM alpine:3.22", Some(true)),
            ("FROM scratch", Some(false)),
            ("FROM debian:trixie-slim", None),
            (
                "FROM scratch\nCOPY --from=alpine:3.22 /etc/ssl/certs/ca-certificates.crt /etc/ssl/cert.pem",
                Some(true),
            ),
            (
                "FROM scratch\nCOPY --from=alpine:3.22 /etc/ssl/certs/ca-certificates.crt /ca.crt",
                None,
            ),
            ("FROM scratch\nCOPY certs/ /etc/ssl/certs/", None),
        ] {
            assert_eq!(
                Case::of(text).promised::<CaCertificates>(),
                promised,
                "{text}"
            );
        }
    }
}
