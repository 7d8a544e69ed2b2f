//! What a failed build comes down to, from the engine's words.

use mslab_core::evidence::{BuildFailure, BuildFailureCause as Cause};

use super::cause::{Signs, cause, exit_code, parse_error_line};
use super::progress::{Lines, Step};
use super::solve::Failure;
use super::{BuildRequest, core_steps};
use crate::error::{EngineError, says_lost_layer, says_unreachable};

/// How many lines of the failing step's log are kept.
const TAIL_LINES: usize = 200;

/// Puts together what is known of a failure.
pub(super) fn describe(
    failure: &Failure,
    steps: &[Step],
    request: &BuildRequest,
    duration_ms: u64,
) -> BuildFailure {
    // Steps that ran beside the failing one end with "context canceled".
    let own_error = |s: &&Step| {
        s.error
            .as_deref()
            .is_some_and(|e| !e.contains("context canceled"))
    };
    let in_message = |s: &&Step| {
        s.error
            .as_deref()
            .is_some_and(|e| failure.message.contains(e))
    };
    let running = |s: &&Step| !s.internal && s.started_ms.is_some() && s.duration_ms.is_none();
    let step = if failure.time_limit_ms.is_some() || failure.limit.is_some() {
        steps.iter().rev().find(running)
    } else {
        let exact = steps.iter().find(|s| own_error(s) && in_message(s));
        exact.or_else(|| steps.iter().find(own_error))
    };
    let log_tail = step.map(|s| tail(&s.log)).unwrap_or_default();
    let exit_code = exit_code(&failure.message);
    let parse_error = || parse_error_line(&failure.message).map(|l| Lines { first: l, last: l });
    let lines = step
        .and_then(|s| s.lines)
        .or(failure.lines)
        .or_else(parse_error);
    let text = request.context.dockerfile_text();
    let cause = match (failure.limit, failure.time_limit_ms) {
        (Some(limit), _) => Cause::Limit(limit),
        (None, Some(limit)) => Cause::TimeLimit(limit),
        (None, None) => cause(Signs {
            message: &failure.message,
            exit_code,
            log: &log_tail,
            text: &text,
            failing: &lines.map(|l| joined(&text, l)).unwrap_or_default(),
        }),
    };
    BuildFailure {
        message: failure.message.trim_end().to_owned(),
        cause,
        lines: lines.map(|l| (l.first, l.last)),
        exit_code,
        log_tail,
        steps: core_steps(steps),
        duration_ms,
    }
}

/// The environment's fault that a failure stands for, if it is one.
///
/// A network fault or a passed time limit counts as the environment's until a control build shows otherwise.
#[must_use]
pub fn environment_fault(failure: &BuildFailure) -> Option<EngineError> {
    match &failure.cause {
        Cause::NoSpace => Some(EngineError::DiskFull(failure.message.clone())),
        Cause::Network => Some(EngineError::Network(
            failure.log_tail.last().unwrap_or(&failure.message).clone(),
        )),
        Cause::TimeLimit(ms) => Some(EngineError::TimeLimit(*ms)),
        Cause::BaseImage(image) if says_unreachable(&failure.message) => {
            Some(EngineError::Registry {
                image: image.clone(),
                reason: failure.message.clone(),
            })
        }
        _ if is_lost(failure) => Some(EngineError::Refused {
            doing: "a build, also when it was repeated without its cache".into(),
            reason: failure.message.clone(),
        }),
        _ => None,
    }
}

/// Whether the engine lost a layer of its own while it built: no command of the Dockerfile failed.
pub(super) fn is_lost(failure: &BuildFailure) -> bool {
    failure.exit_code.is_none() && says_lost_layer(&failure.message)
}

/// Some lines as one, their continuations joined.
fn joined(text: &str, lines: Lines) -> String {
    let lines = text
        .lines()
        .skip(lines.first - 1)
        .take(lines.last + 1 - lines.first);
    lines
        .map(|l| l.trim_end().trim_end_matches('\\'))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The last lines of a log, without control characters.
fn tail(log: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(log);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..]
        .iter()
        .map(|l| plain(l))
        .collect()
}

/// A line as a terminal would show it at the end: the text after the last carriage return, no escape sequences.
pub(crate) fn plain(line: &str) -> String {
    let line = line.trim_end_matches('\r');
    let line = line.rsplit('\r').next().unwrap_or(line);
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Passes over an escape sequence: CSI up to its final byte, OSC up to its end, others with their one character.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => {
            for c in chars.by_ref() {
                if ('@'..='~').contains(&c) {
                    break;
                }
            }
        }
        Some(']') => {
            while let Some(c) = chars.next() {
                if c == '\u{7}' {
                    break;
                }
                if c == '\u{1b}' {
                    chars.next();
                    break;
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_lose_their_control_characters() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m\u{7}"), "red");
        assert_eq!(plain("10%\r50%\r100%\r"), "100%");
        assert_eq!(plain("\u{1b}]0;title\u{7}x\u{1b}]8;;u\u{1b}\\y"), "xy");
    }
}
