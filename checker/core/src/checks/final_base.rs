//! `final-base`: the image that ships starts from a base that the task allows.

use schemars::JsonSchema;
use serde::Deserialize;

use super::images::Reference;
use super::installs;
use super::params::{listed, matches_pattern};
use super::{Check, Doc, Example, Judged, Verdict, View, program_alone, shell, walk};
use crate::diagnostic::Fix;
use crate::dockerfile::{Command, CommandForm};
use crate::edits::Edits;
use crate::evidence::SourceEvidence;
use crate::source::Span;
use crate::stages::{Base, Stage};

/// See [`Check::DOC`].
pub(super) struct FinalBase;

/// Parameters of `final-base`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// The bases that will do: `scratch`, or images. `*` stands for any characters and `?` for one. A digest after
    /// the tag does not count.
    allow: Vec<String>,
}

impl Check for FinalBase {
    type Params = Params;
    const ID: &'static str = "final-base";
    const TITLE: &'static str = "The final stage starts from an allowed base";
    const DOC: Doc = Doc {
        what: "The stage that ships starts from one of the allowed bases. Where it starts from another stage, the base \
               of that stage counts, and so on down. Variables are expanded first.",
        why: "All that the base holds ships with your program: its shell, its package manager, its bugs. \
              The last FROM decides what that is.",
        bad: Example::text(
            "FROM golang:1.27-alpine AS builder\n\
             WORKDIR /src\n\
             COPY . .\n\
             RUN CGO_ENABLED=0 go build -o /out/app .\n\
             \n\
             FROM alpine:3.22 AS production\n\
             COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\n\
             COPY --from=builder /out/app /app\n\
             USER 65532:65532\n\
             ENTRYPOINT [\"/app\"]\n",
        )
        .with_params("allow = [\"scratch\"]"),
        good: Example::text(
            "FROM golang:1.27-alpine AS builder\n\
             WORKDIR /src\n\
             COPY . .\n\
             RUN CGO_ENABLED=0 go build -o /out/app .\n\
             \n\
             FROM scratch AS production\n\
             COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\n\
             COPY --from=builder /out/app /app\n\
             USER 65532:65532\n\
             ENTRYPOINT [\"/app\"]\n",
        )
        .with_params("allow = [\"scratch\"]"),
    };

    fn summary(params: &Params) -> String {
        format!(
            "on {}",
            listed(params.allow.iter().map(String::as_str), "or")
        )
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let source = view.source()?;
        let target = view.target()?;
        let line = walk::lineage(&source.graph, target.index);
        let root = line.first().copied().unwrap_or(target);
        let base = match &root.base {
            Base::Scratch => "scratch".to_owned(),
            Base::Image(image) => image.clone(),
            Base::Stage(_) | Base::Unknown => root.base_name.clone(),
        };
        if image_matches(&params.allow, &base) {
            return Ok(Verdict::passed(format!("starts from `{base}`")));
        }
        let span = walk::base_span(source, target).unwrap_or(Span::at(0));
        let wanted = listed(params.allow.iter().map(String::as_str), "or");
        let mut finding = view
            .finding(format!("the final stage starts from `{base}`"), span)
            .expected(wanted.clone(), format!("`{base}`"));
        finding = if root.index == target.index {
            finding.help(format!(
                "Let the last FROM name {wanted}, and copy into it what the program needs."
            ))
        } else {
            let place = walk::base_span(source, root).unwrap_or(Span::at(0));
            finding
                .related(view.place(place), "the base comes from here")
                .help(format!(
                    "Begin the final stage with a FROM of its own on {wanted}, and copy what it needs from `{}`.",
                    target.base_name
                ))
        };
        let offered = match &params.allow[..] {
            [only] if root.index == target.index => fix(source, target, only),
            allow if allow.iter().any(|a| a == "scratch") => program_alone::fix(view),
            _ => None,
        };
        finding.fixes.extend(offered);
        Ok(finding.into())
    }
}

/// Whether one of `patterns` (`*` stands for any characters, slashes too, and `?` for one) is for the image `base`, in
/// any of the ways in which its name can be written.
#[must_use]
pub fn image_matches(patterns: &[String], base: &str) -> bool {
    let reference = Reference::parse(base);
    let tagged = match reference.tag {
        Some(tag) => format!("{}:{tag}", reference.name),
        None => reference.name.to_owned(),
    };
    let latest = format!("{}:latest", reference.short_name());
    let familiar = reference.familiar();
    let mut ways = vec![base, &tagged, &familiar];
    if reference.tag.is_none() && base != "scratch" {
        ways.push(&latest);
    }
    patterns
        .iter()
        .any(|p| ways.iter().any(|w| matches_pattern(p, w)))
}

/// Another base where that is sure to work: scratch for a program that brings all that it needs, and another tag of the
/// same image where nothing is installed.
fn fix(source: &SourceEvidence, target: &Stage, only: &str) -> Option<Fix> {
    let span = walk::base_span(source, target)?;
    let written = source.dockerfile.source.snippet(span);
    if only.contains(['*', '?']) || written.contains('$') {
        return None;
    }
    let own = walk::own_instructions(source, target);
    let runs = own
        .iter()
        .any(|(_, i)| matches!(i.command, Command::Run(_)));
    let fits = if only == "scratch" {
        !runs && needs_nothing(source, target)
    } else {
        !runs
            && Reference::parse(only).short_name()
                == Reference::parse(&target.base_name).short_name()
    };
    fits.then(|| {
        let title = format!("start from `{only}`");
        let edits = Edits::new(title, &source.path, &source.dockerfile.source);
        edits.replace(span, only).done()
    })
}

/// Whether a stage without a `RUN` gets nothing from its base: it starts a static binary in exec form, its user is a
/// number, and certificates are copied.
fn needs_nothing(source: &SourceEvidence, target: &Stage) -> bool {
    let own = walk::own_instructions(source, target);
    let numeric = |user: &str| {
        user.split(':')
            .all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
    };
    let mut certificates = false;
    let mut started = false;
    for (_, instruction) in &own {
        match &instruction.command {
            Command::Cmd(form) | Command::Entrypoint(form) | Command::Healthcheck(Some(form)) => {
                match form {
                    CommandForm::Exec { args, .. } => {
                        started |= args.first().is_some_and(|a| a.text.starts_with('/'));
                    }
                    CommandForm::Shell(_) => return false,
                }
            }
            Command::User(user) if !numeric(&user.text) => return false,
            Command::Copy(copy) | Command::Add(copy) => {
                certificates |= copy.sources.iter().any(|s| {
                    s.text.ends_with(".crt")
                        || s.text.ends_with(".pem")
                        || s.text.contains("/certs")
                });
            }
            _ => {}
        }
    }
    certificates && started && builds_static_go(source)
}

/// Whether every `go build` of the file has cgo switched off.
fn builds_static_go(source: &SourceEvidence) -> bool {
    let mut any = false;
    for stage in &source.graph.stages {
        let mut off = false;
        for (_, instruction) in walk::all_instructions(source, stage) {
            if let Command::Env(pairs) = &instruction.command {
                for pair in pairs {
                    if pair.key.text == "CGO_ENABLED" {
                        off = pair.value.text.trim_matches('"') == "0";
                    }
                }
            }
            if !matches!(instruction.command, Command::Run(_)) {
                continue;
            }
            for command in shell::commands(&source.dockerfile, instruction) {
                if command.program() == "go" && installs::is_compile(&command) {
                    any = true;
                    let here = command
                        .environment()
                        .any(|(k, v)| k == "CGO_ENABLED" && v == "0");
                    if !off && !here {
                        return false;
                    }
                }
            }
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn case(allow: &str, dockerfile: &str) -> Case {
        Case::new(dockerfile).params(&format!("allow = {allow}"))
    }

    #[test]
    fn patterns_digests_and_long_names_are_understood() {
        let digest = "sha256:0123456789012345678901234567890123456789012345678901234567890123";
        for (allow, base) in [
            ("[\"scratch\"]", "scratch".to_owned()),
            (
                "[\"gcr.io/distroless/*\"]",
                "gcr.io/distroless/static:nonroot".to_owned(),
            ),
            ("[\"node:*-alpine\"]", "node:24-alpine".to_owned()),
            (
                "[\"node:*-alpine\"]",
                "docker.io/library/node:24-alpine".to_owned(),
            ),
            ("[\"node:24-alpine\"]", format!("node:24-alpine@{digest}")),
            ("[\"node:latest\"]", "node".to_owned()),
            ("[\"alpine:*\", \"scratch\"]", "scratch".to_owned()),
        ] {
            case(allow, &format!("FROM {base}\n")).passes::<FinalBase>();
        }
        case("[\"node:*-alpine\"]", "FROM node:24-slim\n").fails::<FinalBase>();
        case("[\"scratch\"]", "FROM scratchy\n").fails::<FinalBase>();
    }

    #[test]
    fn the_base_below_all_stages_counts() {
        let below = case(
            "[\"scratch\"]",
            "FROM golang:1.27 AS b\nFROM b AS production\n",
        );
        let finding = below.fails::<FinalBase>();
        assert_eq!(below.words(&finding), "b");
        assert_eq!(finding.related.len(), 1);
        case(
            "[\"scratch\"]",
            "FROM golang:1.27 AS x\nFROM scratch AS b\nFROM b AS production\n",
        )
        .passes::<FinalBase>();
        case("[\"scratch\"]", "ARG B=scratch\nFROM $B AS production\n").passes::<FinalBase>();
    }

    #[test]
    fn scratch_is_offered_only_where_nothing_is_missing() {
        let bad = FinalBase::DOC.bad.dockerfile;
        case("[\"scratch\"]", bad).mended::<FinalBase>();
        for (from, to) in [
            ("CGO_ENABLED=0 ", ""),
            ("USER 65532:65532", "USER nobody"),
            ("ENTRYPOINT [\"/app\"]", "ENTRYPOINT /app"),
            ("USER 65532:65532", "RUN apk add curl"),
            (
                "COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\n",
                "",
            ),
        ] {
            let text = bad.replace(from, to);
            assert_eq!(
                case("[\"scratch\"]", &text).fails::<FinalBase>().fixes,
                [],
                "{text}"
            );
        }
    }
}
