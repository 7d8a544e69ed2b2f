//! `runs-read-only`: the program works when it may write nowhere.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::evidence::{Extra, Need, Probe, ProbeOutcome, Unseen};
use crate::units::Millis;

use super::doc::ExampleEvidence;
use super::{Check, Doc, Example, Judged, Verdict, View, causes};

/// It works with a read-only root filesystem, no capabilities and no new privileges.
pub(super) struct RunsReadOnly;

/// Parameters of [`RunsReadOnly`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// The port on which it must answer; without it, the program must end with 0 or still run when the time is over.
    #[serde(default)]
    pub(super) port: Option<u16>,
    /// The path to ask for; `/` without it.
    #[serde(default)]
    pub(super) path: Option<String>,
    /// Time limit; 10 seconds without it.
    #[serde(default = "causes::within")]
    pub(super) within: Millis,
}

impl Check for RunsReadOnly {
    type Params = Params;
    const ID: &'static str = "runs-read-only";
    const TITLE: &'static str = "The program works on a read-only filesystem";
    const DOC: Doc = Doc {
        what: "A container of the image is started with `--read-only`, without any capability and without new \
            privileges. With `port` the program must answer over HTTP, with a status below 500. Without it, the \
            program must end with exit code 0, or still run when the time is over.",
        why: "What cannot be written cannot be tampered with. \
            A program that writes beside its own files also loses them with its container.",
        bad: Example {
            params: "port = 8000",
            evidence: ExampleEvidence {
                extra: Some(|| {
                    Extra::Probe(ProbeOutcome::NoAnswer {
                        exit_code: Some(1),
                        output: "OSError: [Errno 30] Read-only file system: '/app/app.log'".into(),
                    })
                }),
                build: None,
                context: &[],
                other_image: "",
            },
            ..Example::text(
                "FROM python:3.13-slim\n\
                WORKDIR /app\n\
                COPY app.py ./\n\
                USER 65532:65532\n\
                CMD [\"python\", \"app.py\", \"--log\", \"app.log\"]\n",
            )
        },
        good: Example {
            params: "port = 8000",
            evidence: ExampleEvidence {
                extra: Some(|| {
                    Extra::Probe(ProbeOutcome::Answered {
                        status: 200,
                        headers: Vec::new(),
                        body: String::new(),
                        after_ms: 300,
                    })
                }),
                build: None,
                context: &[],
                other_image: "",
            },
            ..Example::text(
                "FROM python:3.13-slim\n\
                ENV PYTHONDONTWRITEBYTECODE=1\n\
                WORKDIR /app\n\
                COPY app.py ./\n\
                USER 65532:65532\n\
                CMD [\"python\", \"app.py\", \"--log\", \"-\"]\n",
            )
        },
    };

    fn summary(params: &Params) -> String {
        match params.port {
            Some(port) => format!("answers on port {port} with nowhere to write"),
            None => "runs with nowhere to write".into(),
        }
    }

    fn needs(params: &Params) -> Vec<Need> {
        let within_ms = params.within.0;
        let probe = match params.port {
            Some(port) => Probe::Http {
                port,
                path: params.path.clone().unwrap_or_else(|| "/".to_owned()),
                within_ms,
                read_only: true,
                for_others: false,
            },
            None => Probe::Run {
                args: None,
                env: Vec::new(),
                within_ms,
                read_only: true,
            },
        };
        vec![Need::Probe(probe)]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        view.built()?;
        let Extra::Probe(outcome) = view.extra()? else {
            return Err(Unseen::Failed("the container was not started".into()));
        };
        let wanted = match params.port {
            Some(port) => format!("an answer on port {port}, within {}", params.within),
            None => "exit code 0, or still running".to_owned(),
        };
        match (outcome, params.port) {
            (ProbeOutcome::Answered { status, .. }, Some(_)) if *status < 500 => Ok(
                Verdict::passed(format!("answers {status} with a read-only filesystem")),
            ),
            (ProbeOutcome::Answered { status, body, .. }, Some(_)) => {
                let finding = causes::finding(
                    view,
                    format!("with a read-only filesystem it answers {status}"),
                    body,
                )
                .expected(wanted, format!("status {status}"));
                Ok(finding.into())
            }
            (ProbeOutcome::Exited { code: 0, .. }, None) => {
                Ok(Verdict::passed("exit code 0 with a read-only filesystem"))
            }
            (ProbeOutcome::TimedOut { .. }, None) => Ok(Verdict::passed(format!(
                "still running after {} with a read-only filesystem",
                params.within
            ))),
            _ => {
                let mut finding = causes::common(view, outcome, &wanted)?;
                finding.message = format!("with a read-only filesystem, {}", finding.message);
                Ok(finding.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn probed(outcome: ProbeOutcome) -> Case {
        Case::of("FROM alpine\nCMD [\"/server\"]")
            .image("layer x")
            .extra(Extra::Probe(outcome))
    }

    fn exited(code: i64) -> ProbeOutcome {
        ProbeOutcome::Exited {
            code,
            stdout: String::new(),
            stderr: "EROFS: read-only file system, open 'x'".into(),
        }
    }

    fn answered(status: u16) -> ProbeOutcome {
        ProbeOutcome::Answered {
            status,
            headers: Vec::new(),
            body: String::new(),
            after_ms: 1,
        }
    }

    #[test]
    fn a_program_without_a_port_ends_well_or_goes_on() {
        probed(exited(0)).passes::<RunsReadOnly>();
        probed(ProbeOutcome::TimedOut {
            output: String::new(),
        })
        .passes::<RunsReadOnly>();
        let finding = probed(exited(1)).fails::<RunsReadOnly>();
        assert_eq!(
            finding.message,
            "with a read-only filesystem, the container ended by itself, exit code 1"
        );
        assert!(finding.help.unwrap().contains("VOLUME"));
        assert!(matches!(
            probed(answered(200)).unseen::<RunsReadOnly>(),
            Unseen::Failed(_)
        ));
    }

    #[test]
    fn a_server_must_answer() {
        let port = |o| probed(o).params("port = 80");
        port(answered(404)).passes::<RunsReadOnly>();
        port(answered(500)).fails::<RunsReadOnly>();
        port(ProbeOutcome::NoAnswer {
            exit_code: None,
            output: String::new(),
        })
        .fails::<RunsReadOnly>();
        port(exited(0)).fails::<RunsReadOnly>();
    }
}
