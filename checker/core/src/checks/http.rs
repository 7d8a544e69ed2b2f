//! `http`: the container answers over HTTP as it should.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::evidence::{Extra, Need, Probe, ProbeOutcome, Unseen};
use crate::units::Millis;

use super::doc::ExampleEvidence;
use super::started::shorten;
use super::{Check, Doc, Example, Judged, Verdict, View, causes};

/// The container answers on its port in time, with the status, headers and body wanted.
pub(super) struct Http;

/// Parameters of [`Http`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// The port inside the container.
    pub(super) port: u16,
    /// The path with its query; `/` without it.
    #[serde(default = "root")]
    pub(super) path: String,
    /// The status wanted; 200 without it.
    #[serde(default = "ok")]
    pub(super) status: u16,
    /// Headers that must be there, each with words that its value must contain. Names and values compare without case.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// Words that the body must contain.
    #[serde(default)]
    pub(super) body_contains: Option<String>,
    /// Time limit for the first answer; 10 seconds without it.
    #[serde(default = "causes::within")]
    pub(super) within: Millis,
}

fn root() -> String {
    "/".to_owned()
}

fn ok() -> u16 {
    200
}

impl Check for Http {
    type Params = Params;
    const ID: &'static str = "http";
    const TITLE: &'static str = "The container answers over HTTP";
    const DOC: Doc = Doc {
        what: "A container of the image is started, without a network and without any capability, and is asked over \
            HTTP on its port until it answers. The answer must come in time, with the status, the headers and the \
            words in the body that the lab asks for. A program that listens on 127.0.0.1 alone is heard by nobody \
            outside its container, and does not count.",
        why: "A small image is worth nothing if the program in it does not work. \
            Only a request shows that all it needs came along.",
        bad: Example {
            params: "port = 3000\nbody-contains = \"Bakery\"",
            evidence: ExampleEvidence {
                extra: Some(|| {
                    Extra::Probe(ProbeOutcome::NoAnswer {
                        exit_code: Some(1),
                        output: "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'express'"
                            .into(),
                    })
                }),
                build: None,
                context: &[],
                other_image: "",
            },
            ..Example::text(
                "FROM node:24-alpine AS builder\n\
                WORKDIR /app\n\
                COPY . .\n\
                RUN npm ci && npm run build && npm prune --omit=dev\n\
                \n\
                FROM node:24-alpine\n\
                WORKDIR /app\n\
                COPY --from=builder /app/dist ./dist\n\
                USER node\n\
                CMD [\"node\", \"dist/server.js\"]\n",
            )
        },
        good: Example {
            params: "port = 3000\nbody-contains = \"Bakery\"",
            evidence: ExampleEvidence {
                extra: Some(|| {
                    Extra::Probe(ProbeOutcome::Answered {
                        status: 200,
                        headers: Vec::new(),
                        body: "Corner Bakery".into(),
                        after_ms: 150,
                    })
                }),
                build: None,
                context: &[],
                other_image: "",
            },
            ..Example::text(
                "FROM node:24-alpine AS builder\n\
                WORKDIR /app\n\
                COPY . .\n\
                RUN npm ci && npm run build && npm prune --omit=dev\n\
                \n\
                FROM node:24-alpine\n\
                WORKDIR /app\n\
                COPY --from=builder /app/node_modules ./node_modules\n\
                COPY --from=builder /app/dist ./dist\n\
                USER node\n\
                CMD [\"node\", \"dist/server.js\"]\n",
            )
        },
    };

    fn summary(params: &Params) -> String {
        let Params {
            port, path, status, ..
        } = params;
        let headers = params.headers.iter().map(|(n, v)| format!("{n}: {v}"));
        let with = match headers.collect::<Vec<_>>() {
            none if none.is_empty() => String::new(),
            all => format!(" with {}", all.join(", ")),
        };
        format!("{status} on port {port} for {path}{with}")
    }

    fn needs(params: &Params) -> Vec<Need> {
        vec![Need::Probe(Probe::Http {
            port: params.port,
            path: params.path.clone(),
            within_ms: params.within.0,
            read_only: false,
            for_others: true,
        })]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        view.built()?;
        let Extra::Probe(outcome) = view.extra()? else {
            return Err(Unseen::Failed("the container was not asked".into()));
        };
        let wanted = format!(
            "{} for {} on port {}, within {}",
            params.status, params.path, params.port, params.within
        );
        let ProbeOutcome::Answered {
            status,
            headers,
            body,
            after_ms,
        } = outcome
        else {
            return Ok(causes::common(view, outcome, &wanted)?.into());
        };
        let asked = format!("http://127.0.0.1:{}{}", params.port, params.path);
        let fail = |message: String, expected: String, actual: String, help: Option<String>| {
            let mut finding = crate::diagnostic::Finding::new(message)
                .expected(expected, actual)
                .details(causes::tail(&body_shown(body)));
            if let Some(span) = causes::start_span(view) {
                finding = finding.at(view.place(span));
            }
            finding.help = help;
            Ok(Verdict::from(finding))
        };
        if *status != params.status {
            return fail(
                format!("{asked} answers {status}"),
                format!("status {}", params.status),
                format!("status {status}"),
                None,
            );
        }
        for (name, words) in &params.headers {
            let mut values = headers
                .iter()
                .filter(|(n, _)| n.eq_ignore_ascii_case(name))
                .map(|(_, v)| v.as_str());
            let all: Vec<&str> = values.by_ref().collect();
            if !all
                .iter()
                .any(|v| v.to_lowercase().contains(&words.to_lowercase()))
            {
                let actual = match all.join(", ") {
                    none if all.is_empty() => format!("no header `{name}`{none}"),
                    value => format!("`{name}: {value}`"),
                };
                let help = format!(
                    "The server's own settings decide which headers it sends. In nginx that is \
                     `add_header {name} ...;` in the location that serves {}.",
                    params.path
                );
                return fail(
                    format!("{asked} answers without `{words}` in its header `{name}`"),
                    format!("`{name}` with `{words}`"),
                    actual,
                    Some(help),
                );
            }
        }
        if let Some(words) = &params.body_contains
            && !body.contains(words.as_str())
        {
            return fail(
                format!("{asked} answers without `{words}` in its body"),
                format!("`{words}` in the body"),
                match body.len() {
                    0 => "an empty body".to_owned(),
                    n => format!("{n} bytes without it"),
                },
                None,
            );
        }
        Ok(Verdict::passed(format!(
            "{status} after {}",
            Millis(*after_ms)
        )))
    }
}

/// A body's beginning, for a finding's details.
fn body_shown(body: &str) -> String {
    let lines: Vec<String> = body
        .lines()
        .filter(|l| !l.trim().is_empty())
        .take(5)
        .map(|l| shorten(l, 120))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn answered(status: u16, headers: &[(&str, &str)], body: &str) -> Case {
        probed(ProbeOutcome::Answered {
            status,
            headers: headers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            body: body.into(),
            after_ms: 120,
        })
    }

    fn probed(outcome: ProbeOutcome) -> Case {
        Case::of("FROM alpine\nEXPOSE 8080\nCMD [\"/server\"]")
            .image("expose 8080/tcp\ncmd [\"/server\"]\nlayer x")
            .extra(Extra::Probe(outcome))
            .params("port = 8080")
    }

    #[test]
    fn the_answer_is_compared() {
        assert_eq!(answered(200, &[], "").passes::<Http>(), "200 after 120 ms");
        let w = answered(404, &[], "not here");
        let finding = w.fails::<Http>();
        assert_eq!(finding.message, "http://127.0.0.1:8080/ answers 404");
        assert_eq!(finding.details, ["not here"]);
        assert_eq!(w.words(&finding), "CMD [\"/server\"]");
        let json = "port = 8080\nheaders = { content-type = \"application/json\" }";
        answered(
            200,
            &[("content-type", "Application/JSON; charset=utf-8")],
            "",
        )
        .params(json)
        .passes::<Http>();
        let html = answered(200, &[("content-type", "text/html")], "")
            .params(json)
            .fails::<Http>();
        assert_eq!(html.actual.as_deref(), Some("`content-type: text/html`"));
        let none = answered(200, &[], "").params(json).fails::<Http>();
        assert_eq!(none.actual.as_deref(), Some("no header `content-type`"));
        let body = "port = 8080\nbody-contains = \"light\"";
        answered(200, &[], "the light is on")
            .params(body)
            .passes::<Http>();
        let empty = answered(200, &[], "").params(body).fails::<Http>();
        assert_eq!(empty.actual.as_deref(), Some("an empty body"));
    }

    #[test]
    fn silence_says_what_the_container_printed() {
        let dead = probed(ProbeOutcome::NoAnswer {
            exit_code: Some(1),
            output: "Error: Cannot find module '/app/dist/server.js'".into(),
        });
        let finding = dead.fails::<Http>();
        assert_eq!(
            finding.message,
            "the container ended before it answered, exit code 1"
        );
        let alive = probed(ProbeOutcome::NoAnswer {
            exit_code: None,
            output: "listening on :3000".into(),
        });
        let finding = alive.fails::<Http>();
        assert_eq!(finding.details, ["listening on :3000"]);
        assert!(finding.help.unwrap().contains("EXPOSE (8080/tcp)"));
        let shy = probed(ProbeOutcome::OnlyToItself {
            output: "Listening at: http://127.0.0.1:8080".into(),
        });
        let finding = shy.fails::<Http>();
        assert!(finding.message.contains("127.0.0.1"));
        assert!(finding.help.unwrap().contains("0.0.0.0"));
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for outcome in [ProbeOutcome::ShellRefused, ProbeOutcome::Killed] {
            assert!(matches!(
                probed(outcome).unseen::<Http>(),
                Unseen::Failed(_)
            ));
        }
    }
}
