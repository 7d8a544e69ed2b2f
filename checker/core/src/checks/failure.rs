//! A failed build made into a finding: the instruction, the end of its log, and a hint for the well-known causes.

use super::images::Reference;
use super::{View, copy_from_named_stage, missing_source, shell, walk};
use crate::diagnostic::{Finding, did_you_mean};
use crate::dockerfile::{Command, Feature, Instruction, features};
use crate::edits::Edits;
use crate::evidence::{BuildFailure, BuildFailureCause as Cause, BuildLimit, SourceEvidence};
use crate::source::Span;
use crate::stages::{Base, Stage};
use crate::units::Millis;

/// How many lines of a log a finding shows.
const SHOWN_LINES: usize = 15;

/// The finding for a build that failed.
pub(super) fn finding(view: &View<'_>, failure: &BuildFailure) -> Finding {
    let source = view.evidence.dockerfiles.get(&view.build.dockerfile);
    let mut finding = match source {
        Some(source) => explained(view, source, failure),
        None => Finding::new(general(failure)),
    };
    let log = &failure.log_tail;
    finding.details = if matches!(failure.cause, Cause::Context(_)) {
        Vec::new()
    } else if log.is_empty() {
        failure.message.lines().map(str::to_owned).collect()
    } else {
        log[log.len().saturating_sub(SHOWN_LINES)..].to_vec()
    };
    finding
}

/// What the end of a log shows, for findings that speak of another build than the clean one.
pub(super) fn log_end(failure: &BuildFailure) -> Vec<String> {
    let log = &failure.log_tail;
    log[log.len().saturating_sub(SHOWN_LINES)..].to_vec()
}

/// The instruction that failed.
pub(super) fn instruction_at(
    source: &SourceEvidence,
    lines: Option<(usize, usize)>,
) -> Option<(usize, &Instruction)> {
    let (first, last) = lines?;
    let file = &source.dockerfile.source;
    source
        .dockerfile
        .instructions
        .iter()
        .enumerate()
        .find(|(_, i)| {
            let start = file.position(i.span.start).line;
            let end = file.position(i.span.end).line;
            start <= last && end >= first
        })
}

fn general(failure: &BuildFailure) -> String {
    match failure.exit_code {
        Some(code) => format!("the build failed: a command ended with exit code {code}"),
        None => "the build failed".to_owned(),
    }
}

fn explained(view: &View<'_>, source: &SourceEvidence, failure: &BuildFailure) -> Finding {
    let at = instruction_at(source, failure.lines);
    let stage = at.and_then(|(i, _)| {
        source
            .graph
            .stages
            .iter()
            .find(|s| s.instructions.contains(&i))
    });
    let placed = |message: String, span: Option<Span>| match span.or(at.map(|(_, i)| i.span)) {
        Some(span) => view.finding(message, span),
        None => Finding::new(message),
    };
    let image = stage.map_or_else(
        || "the image".to_owned(),
        |s| format!("`{}`", root_name(source, s)),
    );
    match &failure.cause {
        Cause::MissingCopySource(path) => missing_source::finding(view, source, at, path.as_deref()),
        Cause::UnknownStage(name) => unknown_name(view, source, name, "no stage"),
        Cause::BaseImage(image) => unknown_name(view, source, image, "no image"),
        Cause::CommandNotFound(command) => {
            let word = command.as_deref().unwrap_or("a command");
            let span = at.and_then(|(_, i)| {
                let all = shell::commands(&source.dockerfile, i);
                let found = all.iter().find(|c| Some(c.program()) == command.as_deref());
                found.map(shell::ShellCommand::span)
            });
            placed(format!("`{word}` is not in this stage"), span)
                .expected(format!("a base that has `{word}`"), image)
                .help(missing_command(word, stage.map(|s| root_name(source, s))))
        }
        Cause::PermissionDenied => placed("a file may not be read or started".into(), None)
            .expected("a file that this stage's user may start", "permission denied")
            .help("Give it the right to be started with `COPY --chmod=755`, or look at the USER before this line."),
        Cause::Network => placed("a command could not reach the network".into(), None)
            .help("Try again; if other builds get through, look at the address that the log names."),
        Cause::NoSpace => placed("there is no space left on the engine's disk".into(), None)
            .help("`docker system df` shows what takes the space, and `docker builder prune` frees the build cache."),
        Cause::ExecFormat => placed("a file cannot be started on this machine".into(), None)
            .expected("a program for this platform, or a script that begins with `#!`", "exec format error")
            .help("Was the program built for another machine (`GOARCH`, `--platform`)? Does the script's first line name its shell?"),
        Cause::Killed => placed("a command was killed".into(), None)
            .expected("a command that ends by itself", "exit code 137")
            .help("Most often it took more memory than there is: let it do less at a time."),
        Cause::TimeLimit(limit) => placed(format!("the build took longer than {}", Millis(*limit)), None)
            .expected(format!("at most {}", Millis(*limit)), "it was stopped")
            .help("Does this command wait for something, or start a server that never ends?"),
        Cause::Limit(limit) => placed(format!("the build went over its limit of {limit}"), None)
            .expected(format!("at most {limit}"), "it was stopped")
            .help(match limit {
                BuildLimit::Memory(_) => "Let it do less at a time: what takes the memory is started by this line.",
                BuildLimit::Processes(_) => "Does this line start programs that start others, without an end?",
                BuildLimit::Disk(_) => "Does this line write without an end, or fetch more than the exercise needs?",
            }),
        Cause::MissingSecret(id) => placed(format!("the secret `{id}` was not given to the build"), secret_span(at, id))
            .help(secret_help(view, id)),
        Cause::EngineTooOld { feature } => too_old(view, source, failure, *feature),
        Cause::Syntax => placed(failure.message.lines().next().unwrap_or("the file cannot be read").into(), None)
            .help("The engine cannot read this line."),
        Cause::Context(help) => Finding::new(failure.message.clone()).help(help.as_str()),
        Cause::Other => {
            let message = match (failure.exit_code, at) {
                (Some(code), Some((_, i))) => {
                    format!("{} ended with exit code {code}", walk::quoted(source, i))
                }
                _ => general(failure),
            };
            placed(message, None).help(if failure.log_tail.is_empty() {
                "It printed nothing. Run its parts one by one to see which of them fails."
            } else {
                "The last lines of its log say why."
            })
        }
    }
}

/// A feature that the engine does not know: every place that uses it.
fn too_old(
    view: &View<'_>,
    source: &SourceEvidence,
    failure: &BuildFailure,
    feature: Feature,
) -> Finding {
    let uses = features(&source.dockerfile);
    let mut spans = uses.iter().filter(|u| u.feature == feature);
    let message = format!(
        "engine-too-old: this engine does not know {}",
        feature.title()
    );
    let mut finding = match spans.next() {
        Some(first) => view.finding(message, first.span),
        None => match instruction_at(source, failure.lines) {
            Some((_, i)) => view.finding(message, i.span),
            None => Finding::new(message),
        },
    };
    for other in spans {
        finding = finding.related(view.place(other.span), "here too");
    }
    finding
        .expected(feature.needs(), "an engine without it")
        .help("Use a newer engine (`mslab doctor` shows which one answers), or write it without that feature.")
}

/// The image at the bottom of a stage.
fn root_name(source: &SourceEvidence, stage: &Stage) -> String {
    let line = walk::lineage(&source.graph, stage.index);
    line.first()
        .map_or_else(String::new, |s| s.base_name.clone())
}

fn missing_command(word: &str, base: Option<String>) -> String {
    let base = base.unwrap_or_default();
    let alpine = base.contains("alpine");
    match word {
        _ if base == "scratch" => {
            "On scratch there are no commands: do this in an earlier stage.".into()
        }
        "apt-get" | "apt" if alpine => "Alpine's package manager is `apk add --no-cache`.".into(),
        "apk" if !alpine => {
            "This base is no Alpine: its package manager is most often `apt-get`.".into()
        }
        "bash" if alpine => {
            "Alpine's shell is `sh`: write the command for it, or install bash.".into()
        }
        "useradd" | "groupadd" if alpine => {
            "Alpine has `adduser -D` and `addgroup` instead.".into()
        }
        "adduser" | "addgroup" if !alpine => {
            "This base has `useradd` and `groupadd` instead.".into()
        }
        _ => format!(
            "Start this stage from a base that has `{word}`, or install it before this line. Is the name right?"
        ),
    }
}

fn secret_span(at: Option<(usize, &Instruction)>, id: &str) -> Option<Span> {
    let Command::Run(run) = &at?.1.command else {
        return None;
    };
    let named = |m: &&crate::dockerfile::Mount| m.option("id").is_some_and(|w| w.text == id);
    run.mounts.iter().find(named).map(|m| m.span)
}

fn secret_help(view: &View<'_>, id: &str) -> String {
    let ids = view.build.secrets.iter().map(String::as_str);
    match did_you_mean(id, ids) {
        Some(near) => format!("Did you mean `{near}`?"),
        None if view.build.secrets.is_empty() => {
            "This exercise gives no secret to the build.".into()
        }
        None => format!(
            "The build is given {}.",
            super::params::listed(view.build.secrets.iter().map(String::as_str), "and")
        ),
    }
}

/// A name after FROM or `--from` that is neither a stage nor an image that can be had.
fn unknown_name(view: &View<'_>, source: &SourceEvidence, name: &str, what: &str) -> Finding {
    let graph = &source.graph;
    let file = &source.dockerfile.source;
    let short = Reference::parse(name).familiar();
    let plain = short.trim_end_matches(":latest");
    let is_it = |text: &str| {
        text.eq_ignore_ascii_case(name)
            || Reference::parse(text)
                .familiar()
                .trim_end_matches(":latest")
                == plain
    };
    let base = graph
        .stages
        .iter()
        .filter(|s| is_it(&s.base_name))
        .find_map(|s| Some((s.index, walk::base_span(source, s)?)));
    let edge = graph.edges.iter().find(|e| is_it(&file.snippet(e.span)));
    let place = edge.map(|e| (e.stage, e.span)).or(base);
    let message = format!("there is {what} called `{plain}`");
    let Some((stage, span)) = place else {
        return Finding::new(message);
    };
    let names: Vec<String> = graph
        .stages
        .iter()
        .take(stage)
        .filter_map(|s| Some(s.name.as_ref()?.text.clone()))
        .collect();
    let finding = view.finding(message, span).expected(
        "an earlier stage, or an image that can be had",
        format!("`{plain}`"),
    );
    match copy_from_named_stage::near(plain, &names) {
        Some(near) => {
            let edits = Edits::new(format!("write `{near}`"), &source.path, file);
            finding
                .help(format!("Did you mean the stage `{near}`?"))
                .fix(edits.replace(span, near).done())
        }
        None => finding.help("Is the name right, and has the image such a tag?"),
    }
}

/// Whether the text no longer has what made the build fail; `None` where the text cannot tell.
pub(super) fn mended_by_text(view: &View<'_>, failure: &BuildFailure) -> Option<bool> {
    let source = view.source().ok()?;
    match &failure.cause {
        Cause::MissingCopySource(Some(path)) => {
            Some(missing_source::word(source, None, path).is_none())
        }
        Cause::UnknownStage(name) | Cause::BaseImage(name) => {
            let named = source
                .graph
                .edges
                .iter()
                .any(|e| source.dockerfile.source.snippet(e.span) == *name);
            let based = |s: &Stage| matches!(&s.base, Base::Image(i) if i == name);
            Some(!named && !source.graph.stages.iter().any(based))
        }
        Cause::EngineTooOld { feature } => {
            let uses = features(&source.dockerfile);
            Some(uses.iter().all(|u| u.feature != *feature))
        }
        Cause::Syntax => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::builds::Builds;
    use super::super::case::Case;
    use super::*;
    use crate::evidence::BuildOutcome;

    fn failed(cause: Cause, line: usize) -> BuildOutcome {
        BuildOutcome::Failed(BuildFailure {
            message: "process did not complete".into(),
            cause,
            lines: Some((line, line)),
            exit_code: Some(1),
            log_tail: (0..40).map(|n| format!("line {n}")).collect(),
            steps: Vec::new(),
            duration_ms: 1,
        })
    }

    fn missing(path: &str) -> Cause {
        Cause::MissingCopySource(Some(path.into()))
    }

    #[track_caller]
    fn mended(case: &Case) -> String {
        let fix = case.fails::<Builds>().fixes.remove(0);
        let after = case.after(&fix);
        let builds = super::super::find("builds").unwrap();
        assert_eq!(
            after.promised_by(builds),
            Some(true),
            "{}",
            after.text("Dockerfile")
        );
        after.text("Dockerfile")
    }

    #[test]
    fn the_failing_instruction_and_the_end_of_its_log_are_shown() {
        let case = Case::new("FROM a\nRUN x \\\n  && y\n").outcome(failed(Cause::Other, 3));
        let finding = case.fails::<Builds>();
        assert_eq!(case.words(&finding), "RUN x \\\n  && y");
        assert_eq!(finding.details.len(), SHOWN_LINES);
        assert_eq!(finding.details[SHOWN_LINES - 1], "line 39");
        assert_eq!(finding.message, "`RUN x` ended with exit code 1");
    }

    #[test]
    fn a_mistyped_path_of_the_context_is_found_there() {
        let case = Case::new("FROM a\nCOPY a.txt pakage.json ./\n")
            .context(&[("package.json", 1), ("a.txt", 1), ("src/x.js", 1)])
            .outcome(failed(missing("/pakage.json"), 2));
        assert_eq!(case.words(&case.fails::<Builds>()), "pakage.json");
        assert!(mended(&case).contains("COPY a.txt package.json ./"));
        let folder = Case::new("FROM a\nCOPY scr ./\n")
            .context(&[("src/x.js", 1)])
            .outcome(failed(missing("/scr"), 2));
        assert!(mended(&folder).contains("COPY src ./"));
    }

    #[test]
    fn the_ignore_file_is_named_where_it_is_the_reason() {
        let case = Case::new("FROM a\nCOPY dist ./\n")
            .file(".dockerignore", "node_modules\ndist\n")
            .outcome(failed(missing("/dist"), 2));
        let finding = case.fails::<Builds>();
        assert_eq!(
            finding.help.as_deref(),
            Some(".dockerignore leaves `dist` out: `dist`.")
        );
        assert_eq!(finding.related.len(), 1);
    }

    #[test]
    fn commands_names_and_secrets_have_their_own_hints() {
        let text = "FROM alpine:3.22 AS builder\nRUN ls && apt-get update\nFROM scratch\nCOPY --from=builder /x /x\n";
        let command = Cause::CommandNotFound(Some("apt-get".into()));
        let case = Case::new(text).outcome(failed(command, 2));
        let finding = case.fails::<Builds>();
        assert_eq!(case.words(&finding), "apt-get update");
        assert!(finding.help.unwrap().contains("apk add"));

        let text = "FROM a AS builder\nFROM b\nCOPY --from=biulder /x /x\n";
        let image = Cause::BaseImage("docker.io/library/biulder:latest".into());
        let case = Case::new(text).outcome(failed(image, 3));
        let finding = case.fails::<Builds>();
        assert_eq!(
            (case.words(&finding).as_str(), finding.fixes.len()),
            ("biulder", 1)
        );

        let text = "FROM a\nRUN --mount=type=secret,id=npm-token,required=true x\n";
        let secret = Cause::MissingSecret("npm-token".into());
        let case = Case::new(text)
            .secrets(&[("npm_token", "x")])
            .outcome(failed(secret, 2));
        assert_eq!(
            case.fails::<Builds>().help.as_deref(),
            Some("Did you mean `npm_token`?")
        );
    }

    #[test]
    fn what_an_old_engine_lacks_is_named_with_its_version() {
        let text = "FROM a AS b\nFROM c\nCOPY --link --from=b /x /x\nCOPY --link y /y\n";
        let cause = Cause::EngineTooOld {
            feature: Feature::CopyLink,
        };
        let case = Case::new(text).outcome(failed(cause, 3));
        let finding = case.fails::<Builds>();
        assert_eq!(case.words(&finding), "--link");
        assert!(finding.message.starts_with("engine-too-old"));
        assert_eq!(finding.expected.as_deref(), Some("Docker 23.0 or newer"));
        assert_eq!(finding.related.len(), 1);
    }

    #[test]
    fn what_the_engine_refuses_needs_no_engine() {
        let unknown = Case::new("FROM a\nRUNN x\n");
        assert_eq!(unknown.words(&unknown.fails::<Builds>()), "RUNN");
        assert!(mended_text(&unknown).ends_with("RUN x\n"));
        let flag = Case::new("FROM a AS b\nFROM a\nCOPY --form=b /x /x\n");
        assert!(mended_text(&flag).contains("COPY --from=b /x /x"));
        let itself = Case::new("FROM a\nFROM b AS c\nCOPY --from=c /x /x\n");
        itself.fails::<Builds>();
        let elsewhere = Case::new("FROM a AS bad\nCOPY --from=bad /x /x\nFROM b AS production\n");
        let finding = elsewhere.judge::<Builds>();
        assert!(finding.is_ok());
        let target = Case::new("FROM a AS prodution\n").target("production");
        assert_eq!(
            target.fails::<Builds>().help.as_deref(),
            Some("Is it the stage `prodution`?")
        );
    }

    #[track_caller]
    fn mended_text(case: &Case) -> String {
        let fix = case.fails::<Builds>().fixes.remove(0);
        let after = case.after(&fix);
        after.passes::<Builds>();
        after.text("Dockerfile")
    }
}
