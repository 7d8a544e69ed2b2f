//! `runs`: the container does its work and ends as it should.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::evidence::{Extra, Need, Probe, ProbeOutcome, Unseen};
use crate::units::Millis;

use super::doc::ExampleEvidence;
use super::{Check, Doc, Example, Judged, Verdict, View, causes};

/// The container runs with the lab's arguments and gives the exit code and output wanted.
pub(super) struct Runs;

/// Parameters of [`Runs`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// Arguments in the place of the image's `CMD`; without them, `CMD` stays.
    #[serde(default)]
    pub(super) args: Option<Vec<String>>,
    /// The exit code wanted; 0 without it.
    #[serde(default)]
    pub(super) exit_code: i64,
    /// Words that standard output must contain.
    #[serde(default)]
    pub(super) stdout_contains: Option<String>,
    /// Further environment variables.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// Time limit; 10 seconds without it.
    #[serde(default = "causes::within")]
    pub(super) within: Millis,
}

impl Check for Runs {
    type Params = Params;
    const ID: &'static str = "runs";
    const TITLE: &'static str = "The container runs";
    const DOC: Doc = Doc {
        what: "A container of the image is started with the lab's arguments, without a network and without any \
            capability. It must end in time, with the exit code and the output that the lab asks for.",
        why: "An image that builds may still not start. \
            What was left behind in a builder stage shows only when the program looks for it.",
        bad: Example {
            params: "args = [\"--version\"]\nstdout-contains = \"1.0\"",
            evidence: ExampleEvidence {
                extra: Some(|| {
                    Extra::Probe(ProbeOutcome::NotStarted(
                        "exec /tool: no such file or directory".into(),
                    ))
                }),
                build: None,
                context: &[],
                other_image: "",
            },
            ..Example::text(
                "FROM golang:1.27 AS builder\n\
                WORKDIR /src\n\
                COPY . .\n\
                RUN go build -o /out/tool .\n\
                \n\
                FROM scratch\n\
                COPY --from=builder /out/tool /tool\n\
                ENTRYPOINT [\"/tool\"]\n",
            )
        },
        good: Example {
            params: "args = [\"--version\"]\nstdout-contains = \"1.0\"",
            evidence: ExampleEvidence {
                extra: Some(|| {
                    Extra::Probe(ProbeOutcome::Exited {
                        code: 0,
                        stdout: "tool 1.0.3\n".into(),
                        stderr: String::new(),
                    })
                }),
                build: None,
                context: &[],
                other_image: "",
            },
            ..Example::text(
                "FROM golang:1.27 AS builder\n\
                WORKDIR /src\n\
                COPY . .\n\
                RUN CGO_ENABLED=0 go build -o /out/tool .\n\
                \n\
                FROM scratch\n\
                COPY --from=builder /out/tool /tool\n\
                ENTRYPOINT [\"/tool\"]\n",
            )
        },
    };

    fn summary(params: &Params) -> String {
        let args = params
            .args
            .as_ref()
            .map(|a| format!(" with `{}`", a.join(" ")))
            .unwrap_or_default();
        format!(
            "runs{args} and ends with {}",
            causes::exit(params.exit_code)
        )
    }

    fn needs(params: &Params) -> Vec<Need> {
        vec![Need::Probe(Probe::Run {
            args: params.args.clone(),
            env: params.env.iter().map(|(k, v)| format!("{k}={v}")).collect(),
            within_ms: params.within.0,
            read_only: false,
        })]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        view.built()?;
        let Extra::Probe(outcome) = view.extra()? else {
            return Err(Unseen::Failed("the container was not started".into()));
        };
        let mut wanted = causes::exit(params.exit_code);
        if let Some(text) = &params.stdout_contains {
            wanted = format!("{wanted} and `{text}` on standard output");
        }
        let ProbeOutcome::Exited {
            code,
            stdout,
            stderr,
        } = outcome
        else {
            return Ok(causes::common(view, outcome, &wanted)?.into());
        };
        if *code != params.exit_code {
            let message = format!("the container ended with {}", causes::exit(*code));
            let output = causes::joined(stdout, stderr);
            let finding = causes::ended(view, message, *code, &output);
            return Ok(finding.expected(wanted, causes::exit(*code)).into());
        }
        match &params.stdout_contains {
            Some(text) if !stdout.contains(text.as_str()) => {
                let actual = if stdout.trim().is_empty() {
                    "nothing on standard output".to_owned()
                } else {
                    "other output".to_owned()
                };
                let mut finding = causes::finding(
                    view,
                    format!("the container does not print `{text}`"),
                    &causes::joined(stdout, stderr),
                )
                .expected(wanted, actual);
                if stderr.contains(text.as_str()) {
                    finding = finding
                        .help("It prints that to standard error; print it to standard output.");
                }
                Ok(finding.into())
            }
            Some(text) => Ok(Verdict::passed(format!(
                "{}, printed `{text}`",
                causes::exit(*code)
            ))),
            None => Ok(Verdict::passed(causes::exit(*code))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn probed(outcome: ProbeOutcome) -> Case {
        Case::of("FROM alpine\nENTRYPOINT [\"/tool\"]")
            .image("layer x")
            .extra(Extra::Probe(outcome))
    }

    fn exited(code: i64, stdout: &str, stderr: &str) -> Case {
        probed(ProbeOutcome::Exited {
            code,
            stdout: stdout.into(),
            stderr: stderr.into(),
        })
    }

    #[test]
    fn exit_code_and_output_are_compared() {
        assert_eq!(exited(0, "", "").passes::<Runs>(), "exit code 0");
        assert_eq!(
            exited(3, "", "").params("exit-code = 3").passes::<Runs>(),
            "exit code 3"
        );
        let wrong = exited(1, "", "Error: Cannot find module 'x'");
        let finding = wrong.fails::<Runs>();
        assert_eq!(finding.message, "the container ended with exit code 1");
        assert_eq!(finding.details, ["Error: Cannot find module 'x'"]);
        assert!(finding.help.as_ref().unwrap().contains("node_modules"));
        assert_eq!(wrong.words(&finding), "ENTRYPOINT [\"/tool\"]");
        let printed = exited(0, "tool 1.0\n", "").params("stdout-contains = \"1.0\"");
        assert_eq!(printed.passes::<Runs>(), "exit code 0, printed `1.0`");
        let elsewhere = exited(0, "", "tool 1.0\n")
            .params("stdout-contains = \"1.0\"")
            .fails::<Runs>();
        assert!(elsewhere.help.unwrap().contains("standard error"));
    }

    #[test]
    fn the_line_that_says_why_is_shown_though_much_comes_after_it() {
        let trace = "    at deep (node:internal)\n".repeat(20);
        let output = format!("Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'ms'\n{trace}");
        let finding = exited(1, "", &output).fails::<Runs>();
        assert!(finding.details[0].contains("'ms'"), "{:?}", finding.details);
        assert_eq!(finding.details[1], "…");
        let short = exited(1, "", "Error: Cannot find module 'x'").fails::<Runs>();
        assert_eq!(short.details.len(), 1);
    }

    #[test]
    fn the_engines_own_chain_of_errors_is_left_out() {
        let reason = "failed to create task for container: OCI runtime create failed: \
            exec: \"/tool\": permission denied";
        let finding = probed(ProbeOutcome::NotStarted(reason.into())).fails::<Runs>();
        assert_eq!(
            finding.actual.as_deref(),
            Some("exec: \"/tool\": permission denied")
        );
    }

    #[test]
    fn other_ends_fail_and_impossible_ones_are_errors() {
        probed(ProbeOutcome::NotStarted("no such file or directory".into())).fails::<Runs>();
        probed(ProbeOutcome::TimedOut {
            output: "waiting".into(),
        })
        .fails::<Runs>();
        assert!(matches!(
            probed(ProbeOutcome::Killed).unseen::<Runs>(),
            Unseen::Failed(_)
        ));
        let not_tried = Case::of("FROM alpine").image("layer x");
        assert!(matches!(not_tried.unseen::<Runs>(), Unseen::Skipped(_)));
        let wrong_kind = Case::of("FROM alpine")
            .image("layer x")
            .extra(Extra::StarterSize(1));
        assert!(matches!(wrong_kind.unseen::<Runs>(), Unseen::Failed(_)));
    }

    #[test]
    fn the_image_tells_what_the_engine_does_not() {
        let work = |image: &str| {
            Case::of("FROM alpine\nENTRYPOINT [\"/tool\"]")
                .image(image)
                .extra(Extra::Probe(ProbeOutcome::NotStarted(
                    "exec /tool: no such file or directory".into(),
                )))
        };
        let dynamic =
            work("entrypoint [\"/tool\"]\nlayer x\nfile /tool 0755 elf-dynamic").fails::<Runs>();
        assert!(
            dynamic
                .help
                .unwrap()
                .contains("/tool is there. What is not there is /lib64/")
        );
        let shell = work(
            "entrypoint [\"/bin/sh\", \"-c\", \"/tool\"]\nlayer x\nfile /tool 0755 elf-static",
        )
        .fails::<Runs>();
        assert!(shell.help.unwrap().contains("shell form"));
    }
}
