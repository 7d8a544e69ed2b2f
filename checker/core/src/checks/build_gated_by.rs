//! `build-gated-by`: a failing test stops the build.

use schemars::JsonSchema;
use serde::Deserialize;

use super::installs::is_test;
use super::shell::{self, Joint, ShellCommand, ShellWord};
use super::{Check, Doc, Example, Judged, Verdict, View, failure, stage_depends_on, walk};
use crate::diagnostic::{Finding, Fix};
use crate::dockerfile::Command;
use crate::edits::Edits;
use crate::evidence::{
    BuildFailure, BuildFailureCause, BuildOutcome, Built, Extra, Need, SourceEvidence, Unseen,
};
use crate::source::Span;

/// See [`Check::DOC`].
pub(super) struct BuildGatedBy;

/// Parameters of `build-gated-by`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// The lab's folder whose files are laid over the build context, so that a test fails.
    #[serde(default = "sabotage")]
    overlay: String,
    /// What the failing test prints.
    log_contains: String,
}

fn sabotage() -> String {
    "sabotage/".into()
}

impl Check for BuildGatedBy {
    type Params = Params;
    const ID: &'static str = "build-gated-by";
    const TITLE: &'static str = "A failing test stops the build";
    const DOC: Doc = Doc {
        what: "The target is built twice: as it is, and with a test that fails. The first build must succeed, and the \
               second must fail because of that test: its message has to be in the log, or the step that failed is \
               the one that writes the tests' words to a file.",
        why: "A gate that lets everything through is none. Tests protect production only if no image comes out when \
              they fail.",
        bad: Example::text(BAD)
            .with_params("overlay = \"sabotage/\"\nlog-contains = \"sabotaged\"")
            .with_extra(|| Extra::Sabotage(BuildOutcome::Built(Built::default()))),
        good: Example::text(GOOD)
            .with_params("overlay = \"sabotage/\"\nlog-contains = \"sabotaged\"")
            .with_extra(|| Extra::Sabotage(BuildOutcome::Failed(test_failure()))),
    };

    fn summary(_: &Params) -> String {
        "a failing test stops the build".into()
    }

    fn needs(params: &Params) -> Vec<Need> {
        let overlay = params.overlay.clone();
        vec![Need::Build, Need::Sabotage { overlay }]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        view.built()?;
        let Extra::Sabotage(outcome) = view.extra()? else {
            return Err(Unseen::Failed("the sabotaged build was not tried".into()));
        };
        let source = view.source()?;
        match outcome {
            BuildOutcome::Failed(failed) if carries(failed, &params.log_contains) => Ok(
                Verdict::passed("builds, and does not build when a test fails"),
            ),
            // Its words are in a file of the step, and the step ended with it.
            BuildOutcome::Failed(failed) if kept_to_a_file(source, failed) => Ok(Verdict::passed(
                "builds, and does not build when a test fails, whose words go to a file",
            )),
            BuildOutcome::Failed(failed) => Ok(other_failure(view, source, failed).into()),
            BuildOutcome::Built(_) => Ok(open_gate(view, source)?.into()),
        }
    }

    fn promised_by_text(_: &Params, view: &View<'_>) -> Option<bool> {
        let source = view.source().ok()?;
        let reachable = view.reachable().ok()?;
        let tests = tests(source);
        let mut gates = tests.iter().filter(|t| reachable.contains(&t.stage));
        // Without a test that is known, or with one whose failure is swallowed, only a build can tell.
        gates.any(|t| t.swallowed.is_none()).then_some(true)
    }
}

fn carries(failed: &BuildFailure, marker: &str) -> bool {
    failed.log_tail.iter().any(|l| l.contains(marker)) || failed.message.contains(marker)
}

/// Whether the step that failed runs the tests, hands their result on, and keeps what they print from the log.
fn kept_to_a_file(source: &SourceEvidence, failed: &BuildFailure) -> bool {
    let Some((_, instruction)) = failure::instruction_at(source, failed.lines) else {
        return false;
    };
    let quiet = |t: &Test| {
        let to = |a: &ShellWord| {
            ["destination", "output", "junit", "report"]
                .iter()
                .any(|word| a.text.starts_with('-') && a.text.contains(word))
        };
        t.command.redirected || t.command.args().iter().any(to)
    };
    failed.exit_code.is_some()
        && tests(source).iter().any(|t| {
            instruction.span.contains(t.command.span().start) && t.swallowed.is_none() && quiet(t)
        })
}

fn other_failure(view: &View<'_>, source: &SourceEvidence, failed: &BuildFailure) -> Finding {
    let message = "with a broken test the build failed, but not because of the test";
    let finding = match failure::instruction_at(source, failed.lines) {
        Some((_, instruction)) => view.finding(message, instruction.span),
        None => Finding::new(message),
    };
    let actual = match failed.exit_code {
        Some(code) => format!("another step failed, with exit code {code}"),
        None => "another step failed".to_owned(),
    };
    finding
        .expected("the failing test's own message in the log", actual)
        .help(
            "Let the build print what the tests say, and see what this step does before they run.",
        )
        .details(failure::log_end(failed))
}

/// A command that runs tests.
struct Test {
    stage: usize,
    command: ShellCommand,
    /// What keeps its failure from the engine.
    swallowed: Option<Swallowed>,
}

/// How a failure is lost: the words that do it, and what to put in their place.
struct Swallowed {
    span: Span,
    why: &'static str,
    mends: Option<String>,
}

fn tests(source: &SourceEvidence) -> Vec<Test> {
    let mut found = Vec::new();
    for stage in &source.graph.stages {
        for (_, instruction) in walk::own_instructions(source, stage) {
            if !matches!(instruction.command, Command::Run(_)) {
                continue;
            }
            let commands = shell::commands(&source.dockerfile, instruction);
            for (i, command) in commands.iter().enumerate() {
                if is_test(command) {
                    found.push(Test {
                        stage: stage.index,
                        command: command.clone(),
                        swallowed: swallowed(&commands, i),
                    });
                }
            }
        }
    }
    found
}

/// Whether the shell goes on as if nothing were wrong when command `i` fails.
fn swallowed(commands: &[ShellCommand], i: usize) -> Option<Swallowed> {
    let command = &commands[i];
    let errexit = commands[..i].iter().any(|c| {
        c.program() == "set"
            && c.args()
                .iter()
                .any(|a| a.text.starts_with('-') && a.text.contains('e'))
    });
    let pipefail = commands[..i]
        .iter()
        .any(|c| c.program() == "set" && c.has_arg("pipefail"));
    let next = commands.get(i + 1);
    let to_next = |from: Span| next.map_or(from, |n| Span::new(from.end, n.span().end));
    match command.after {
        Joint::Or => {
            let harmless = next.is_some_and(|n| !matches!(n.program(), "exit" | "false"));
            let alone =
                next.is_some_and(|n| matches!(n.program(), "true" | ":" | "echo") && command.plain);
            harmless.then(|| Swallowed {
                span: to_next(command.span()),
                why: "goes on when the tests fail",
                mends: alone.then(String::new),
            })
        }
        Joint::Then if !errexit && next.is_some() => Some(Swallowed {
            span: to_next(command.span()),
            why: "goes on when the tests fail: only the last command's result counts",
            mends: None,
        }),
        Joint::Pipe if !pipefail => Some(Swallowed {
            span: to_next(command.span()),
            why: "takes the result of the pipe's last command, and not that of the tests",
            mends: None,
        }),
        Joint::Background => Some(Swallowed {
            span: command.span(),
            why: "does not wait for the tests",
            mends: None,
        }),
        _ => None,
    }
}

fn open_gate(view: &View<'_>, source: &SourceEvidence) -> Result<Finding, Unseen> {
    let reachable = view.reachable()?;
    let target = view.target()?;
    let label = target.label();
    let tests = tests(source);
    let expected = "no image when a test fails";
    let actual = "an image, although a test fails";
    if let Some((span, why, fix)) = tests
        .iter()
        .filter(|t| reachable.contains(&t.stage))
        .find_map(|t| {
            let swallowed = t.swallowed.as_ref()?;
            Some((swallowed.span, swallowed.why, mend(source, swallowed)))
        })
    {
        let mut finding = view
            .finding(format!("this step {why}"), span)
            .expected(expected, actual)
            .help("Let the step end with the tests' own exit code.");
        finding.fixes.extend(fix);
        return Ok(finding);
    }
    if let Some(test) = tests.iter().find(|t| !reachable.contains(&t.stage)) {
        let stage = &source.graph.stages[test.stage];
        let name = stage.label();
        let span = walk::stage_span(source, stage).unwrap_or_else(|| test.command.span());
        let mut finding = view
            .finding(
                format!("`{label}` does not need `{name}`, so the tests are never run"),
                span,
            )
            .related(
                view.place(test.command.span()),
                "skipped when the target is built",
            )
            .expected(expected, actual)
            .help(format!(
                "Let `{label}` take something from `{name}`: `COPY --from={name} …`."
            ));
        finding
            .fixes
            .extend(stage_depends_on::take_from(source, target, stage));
        return Ok(finding);
    }
    let span = walk::stage_span(source, target).unwrap_or(Span::at(0));
    let help = if tests.is_empty() {
        "Run the tests in a stage that the target needs."
    } else {
        "Look at what happens to the tests' exit code, at whether `.dockerignore` keeps the tests out of the build, and \
         at whether they try the files that ship."
    };
    Ok(view
        .finding(format!("`{label}` builds although a test fails"), span)
        .expected(expected, actual)
        .help(help))
}

fn mend(source: &SourceEvidence, swallowed: &Swallowed) -> Option<Fix> {
    let text = swallowed.mends.as_ref()?;
    let edits = Edits::new(
        "let a failing test stop the build",
        &source.path,
        &source.dockerfile.source,
    );
    Some(edits.replace(swallowed.span, text.as_str()).done())
}

fn test_failure() -> BuildFailure {
    BuildFailure {
        message: "process \"/bin/sh -c npm test\" did not complete successfully: exit code: 1"
            .into(),
        cause: BuildFailureCause::Other,
        lines: Some((9, 9)),
        exit_code: Some(1),
        log_tail: vec!["not ok 3 - sabotaged".into()],
        steps: Vec::new(),
        duration_ms: 2_000,
    }
}

const BAD: &str = "\
FROM node:24-alpine AS builder
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

FROM builder AS test
RUN npm test || true

FROM node:24-alpine AS production
WORKDIR /app
COPY --from=test /app/dist ./dist
CMD [\"node\", \"dist/server.js\"]
";

const GOOD: &str = "\
FROM node:24-alpine AS builder
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

FROM builder AS test
RUN npm test

FROM node:24-alpine AS production
WORKDIR /app
COPY --from=test /app/dist ./dist
CMD [\"node\", \"dist/server.js\"]
";

#[cfg(test)]
mod tests_of_the_check {
    use super::super::case::Case;
    use super::*;

    fn case(dockerfile: &str, sabotaged: BuildOutcome) -> Case {
        Case::new(dockerfile)
            .params("log-contains = \"sabotaged\"")
            .extra(Extra::Sabotage(sabotaged))
    }

    fn built(run: &str) -> Case {
        let text = GOOD.replace("RUN npm test", run);
        case(&text, BuildOutcome::Built(Built::default()))
    }

    #[test]
    fn a_swallowed_failure_is_pointed_at() {
        for (run, words, fixes) in [
            ("RUN npm test || true", " || true", 1),
            ("RUN npm test || echo failed", " || echo failed", 1),
            ("RUN npm test; npm run report", "; npm run report", 0),
            ("RUN npm test | tee log", " | tee log", 0),
            ("RUN npm test &", "npm test", 0),
        ] {
            let case = built(run);
            let finding = case.fails::<BuildGatedBy>();
            assert_eq!(
                (case.words(&finding).as_str(), finding.fixes.len()),
                (words, fixes),
                "{run}"
            );
        }
    }

    #[test]
    fn a_swallowed_failure_is_let_through_again() {
        let case = built("RUN npm test || true");
        let fix = case.fails::<BuildGatedBy>().fixes.remove(0);
        assert_eq!(case.after(&fix).text("Dockerfile"), GOOD);
    }

    #[test]
    fn a_stage_that_nothing_needs_is_pointed_at() {
        let text = GOOD.replace("--from=test", "--from=builder");
        let case = case(&text, BuildOutcome::Built(Built::default()));
        let finding = case.fails::<BuildGatedBy>();
        assert_eq!(case.words(&finding), "test");
        assert!(finding.message.contains("never run"));
        assert_eq!(case.after(&finding.fixes[0]).text("Dockerfile"), GOOD);
    }

    #[test]
    fn only_the_tests_own_failure_counts() {
        let passes = case(GOOD, BuildOutcome::Failed(test_failure()));
        passes.passes::<BuildGatedBy>();
        let other = BuildFailure {
            log_tail: vec!["no such file".into()],
            ..test_failure()
        };
        let case = case(GOOD, BuildOutcome::Failed(other));
        let finding = case.fails::<BuildGatedBy>();
        assert_eq!(case.words(&finding), "RUN npm test");
        assert!(finding.message.contains("not because of the test"));
    }

    #[test]
    fn a_test_whose_words_go_to_a_file_counts_and_no_other_step_does() {
        let silent = BuildFailure {
            log_tail: Vec::new(),
            ..test_failure()
        };
        for run in [
            "RUN npm test > result.txt",
            "RUN npm test >result.txt 2>&1",
            "RUN node --test --test-reporter=junit --test-reporter-destination=/tmp/result.xml",
        ] {
            let text = GOOD.replace("RUN npm test", run);
            case(&text, BuildOutcome::Failed(silent.clone())).passes::<BuildGatedBy>();
            let earlier = BuildFailure {
                lines: Some((6, 6)),
                ..silent.clone()
            };
            case(&text, BuildOutcome::Failed(earlier)).fails::<BuildGatedBy>();
        }
        let text = GOOD.replace("RUN npm test", "RUN npm test > a; false");
        case(&text, BuildOutcome::Failed(silent)).fails::<BuildGatedBy>();
    }

    #[test]
    fn without_the_second_build_there_is_no_verdict() {
        let judged = Case::new(GOOD)
            .params("log-contains = \"x\"")
            .judge::<BuildGatedBy>();
        assert!(matches!(judged, Err(Unseen::Skipped(_))));
        let broken = case(GOOD, BuildOutcome::Failed(test_failure()))
            .outcome(BuildOutcome::Failed(test_failure()));
        assert!(matches!(
            broken.judge::<BuildGatedBy>(),
            Err(Unseen::Skipped(_))
        ));
    }
}
