//! `survives-stop`: the container ends in good order when it is asked to.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::Fix;
use crate::dockerfile::CommandForm;
use crate::evidence::{Extra, Need, Probe, ProbeOutcome, Unseen};
use crate::units::Millis;

use super::doc::ExampleEvidence;
use super::exec_form;
use super::mend::Text;
use super::{Check, Doc, Example, Judged, Verdict, View, causes};

/// It ends on SIGTERM within the grace time.
pub(super) struct SurvivesStop;

/// Parameters of [`SurvivesStop`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// Grace time; 10 seconds without it, as in `docker stop`.
    #[serde(default = "causes::within")]
    pub(super) within: Millis,
    /// The port that shows that the program is up; without it, it gets a moment.
    #[serde(default)]
    pub(super) port: Option<u16>,
}

impl Check for SurvivesStop {
    type Params = Params;
    const ID: &'static str = "survives-stop";
    const TITLE: &'static str = "The container ends when it is asked to";
    const DOC: Doc = Doc {
        what: "A container of the image is started and, once it is up, sent `SIGTERM`, as `docker stop` does. It must \
            end within the grace time. One that goes on has to be killed.",
        why: "A program that is killed loses what it was doing, and every deployment waits for the whole grace time. \
            A shell or a package manager between the engine and the program often keeps the signal to itself.",
        bad: Example {
            params: "within = \"5s\"\nport = 8000",
            evidence: ExampleEvidence {
                extra: Some(|| Extra::Probe(ProbeOutcome::Killed)),
                build: None,
                context: &[],
                other_image: "",
            },
            ..Example::text(
                "FROM python:3.13-slim\n\
                COPY --from=builder /opt/venv /opt/venv\n\
                ENV PATH=\"/opt/venv/bin:$PATH\"\n\
                COPY app.py ./\n\
                CMD gunicorn --bind 0.0.0.0:8000 app:app\n",
            )
        },
        good: Example {
            params: "within = \"5s\"\nport = 8000",
            evidence: ExampleEvidence {
                extra: Some(|| {
                    Extra::Probe(ProbeOutcome::Stopped {
                        after_ms: 120,
                        code: 0,
                    })
                }),
                build: None,
                context: &[],
                other_image: "",
            },
            ..Example::text(
                "FROM python:3.13-slim\n\
                COPY --from=builder /opt/venv /opt/venv\n\
                ENV PATH=\"/opt/venv/bin:$PATH\"\n\
                COPY app.py ./\n\
                CMD [\"gunicorn\", \"--bind\", \"0.0.0.0:8000\", \"app:app\"]\n",
            )
        },
    };

    fn summary(params: &Params) -> String {
        format!("ends on SIGTERM within {}", params.within)
    }

    fn needs(params: &Params) -> Vec<Need> {
        vec![Need::Probe(Probe::Stop {
            port: params.port,
            within_ms: params.within.0,
        })]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        view.built()?;
        let Extra::Probe(outcome) = view.extra()? else {
            return Err(Unseen::Failed("the container was not stopped".into()));
        };
        let wanted = format!("an end within {} of SIGTERM", params.within);
        let after = match outcome {
            ProbeOutcome::Stopped { after_ms, code } if *after_ms <= params.within.0 => {
                let after = Millis(*after_ms);
                return Ok(Verdict::passed(format!(
                    "ended {after} after SIGTERM, with {}",
                    causes::exit(*code)
                )));
            }
            ProbeOutcome::Stopped { after_ms, .. } => {
                format!("it ended after {}", Millis(*after_ms))
            }
            ProbeOutcome::Killed => "it went on, and had to be killed".to_owned(),
            _ => {
                let finding = causes::common(view, outcome, &wanted)?;
                return Ok(finding.into());
            }
        };
        let mut finding = causes::finding(
            view,
            format!("the container goes on for more than {} after SIGTERM", params.within),
            "",
        )
        .expected(wanted, after)
        .help(
            "Start the program itself with a JSON array, not through a shell or npm, and let it act on SIGTERM: the \
             first process of a container ignores the signals that it does not handle.",
        );
        if let Some(fix) = Text::new(view).and_then(|t| mend(&t)) {
            finding = finding.fix(fix);
        }
        Ok(finding.into())
    }

    fn promised_by_text(_: &Params, view: &View<'_>) -> Option<bool> {
        let text = Text::new(view)?;
        let CommandForm::Exec { args, .. } = text.start()?.start_form()? else {
            return None;
        };
        let words: Vec<String> = args.iter().map(|a| a.text.clone()).collect();
        acts_on_sigterm(&text, &words).then_some(true)
    }
}

/// Whether the program is known to end on SIGTERM: a server that does, or sources that speak of it.
fn acts_on_sigterm(text: &Text<'_>, words: &[String]) -> bool {
    let Some(program) = words.first() else {
        return false;
    };
    let name = program.rsplit('/').next().unwrap_or(program);
    const SERVERS: &[&str] = &[
        "gunicorn",
        "uvicorn",
        "nginx",
        "httpd",
        "caddy",
        "hypercorn",
        "redis-server",
    ];
    if SERVERS.contains(&name) {
        return true;
    }
    let is_source = |path: &str| {
        let ends: &[&str] = match name {
            "node" => &[".js", ".mjs", ".cjs", ".ts"],
            "python" | "python3" => &[".py"],
            _ => &[".go", ".rs"],
        };
        ends.iter().any(|e| path.ends_with(e))
    };
    let mut files = text.files().iter();
    files.any(|(path, source)| is_source(path) && source.text().contains("SIGTERM"))
}

fn mend(text: &Text<'_>) -> Option<Fix> {
    let start = text.start()?;
    if !matches!(start.start_form()?, CommandForm::Shell(_)) {
        return None;
    }
    let words = exec_form::words(text.source, start)?;
    acts_on_sigterm(text, &words).then(|| exec_form::fix(text.source, &[start]))?
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn work(start: &str, outcome: ProbeOutcome) -> Case {
        Case::of(&format!("FROM alpine\n{start}"))
            .image("layer x")
            .extra(Extra::Probe(outcome))
    }

    #[test]
    fn an_end_in_time_passes() {
        let stopped = |after_ms| ProbeOutcome::Stopped {
            after_ms,
            code: 143,
        };
        let said = work("CMD [\"x\"]", stopped(40)).passes::<SurvivesStop>();
        assert_eq!(said, "ended 40 ms after SIGTERM, with exit code 143");
        work("CMD [\"x\"]", stopped(10_001)).fails::<SurvivesStop>();
        let killed = work("CMD [\"x\"]", ProbeOutcome::Killed).fails::<SurvivesStop>();
        assert_eq!(
            killed.message,
            "the container goes on for more than 10.0 s after SIGTERM"
        );
        assert!(killed.fixes.is_empty());
        let early = work(
            "CMD [\"x\"]",
            ProbeOutcome::Exited {
                code: 1,
                stdout: String::new(),
                stderr: String::new(),
            },
        );
        assert!(
            early
                .fails::<SurvivesStop>()
                .message
                .contains("ended by itself")
        );
        let odd = work("CMD [\"x\"]", ProbeOutcome::ShellRefused);
        assert!(matches!(odd.unseen::<SurvivesStop>(), Unseen::Failed(_)));
    }

    #[test]
    fn a_shell_in_between_is_taken_out_where_that_is_sure_to_help() {
        let gunicorn = work(
            "CMD gunicorn --bind 0.0.0.0:8000 app:app",
            ProbeOutcome::Killed,
        );
        assert!(
            gunicorn
                .promised_fix::<SurvivesStop>()
                .ends_with("CMD [\"gunicorn\", \"--bind\", \"0.0.0.0:8000\", \"app:app\"]\n")
        );
        let node = || work("CMD node server.js", ProbeOutcome::Killed);
        node().has_no_fix::<SurvivesStop>();
        let handler = node().file("server.js", "process.on('SIGTERM', () => server.close())");
        assert!(
            handler
                .promised_fix::<SurvivesStop>()
                .ends_with("CMD [\"node\", \"server.js\"]\n")
        );
        work("CMD cd /x && gunicorn app", ProbeOutcome::Killed).has_no_fix::<SurvivesStop>();
    }
}
