//! What a failed build comes down to, from the engine's words.

use mslab_core::evidence::{BuildFailure, BuildFailureCause as Cause};

use super::progress::{Lines, Step};
use super::solve::Failure;
use super::{BuildRequest, core_steps};
use crate::error::{EngineError, says_no_space, says_unreachable};

/// How many lines of the failing step's log are kept.
const TAIL_LINES: usize = 200;

/// Puts together what is known of a failure.
pub(super) fn describe(
    failure: &Failure,
    steps: &[Step],
    _request: &BuildRequest,
    duration_ms: u64,
) -> BuildFailure {
    // Steps that ran beside the failing one end with "context canceled".
    let own_error = |s: &&Step| {
        s.error
            .as_deref()
            .is_some_and(|e| !e.contains("context canceled"))
    };
    let step = steps
        .iter()
        .find(|s| {
            own_error(s)
                && s.error
                    .as_deref()
                    .is_some_and(|e| failure.message.contains(e))
        })
        .or_else(|| steps.iter().find(own_error));
    let log_tail = step.map(|s| tail(&s.log)).unwrap_or_default();
    let exit_code = exit_code(&failure.message);
    let lines = step
        .and_then(|s| s.lines)
        .or(failure.lines)
        .or_else(|| parse_error_line(&failure.message));
    let cause = match failure.time_limit_ms {
        Some(limit) => Cause::TimeLimit(limit),
        None => cause(
            &failure.message,
            step.map_or("", |s| &s.name),
            exit_code,
            &log_tail,
        ),
    };
    BuildFailure {
        message: failure.message.clone(),
        cause,
        lines: lines.map(|l: Lines| (l.first, l.last)),
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
        _ => None,
    }
}

fn cause(message: &str, _step: &str, exit_code: Option<i64>, log: &[String]) -> Cause {
    let _ = (exit_code, log);
    if says_no_space(message) {
        return Cause::NoSpace;
    }
    Cause::Other
}

/// `… did not complete successfully: exit code: 127`, or the classic builder's `returned a non-zero code: 127`.
fn exit_code(message: &str) -> Option<i64> {
    ["exit code: ", "non-zero code: ", "exit status "]
        .iter()
        .find_map(|mark| {
            let rest = &message[message.rfind(mark)? + mark.len()..];
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        })
}

/// `dockerfile parse error on line 3: …`, which 20.10 writes without "on".
fn parse_error_line(message: &str) -> Option<Lines> {
    let at = message.find("parse error")?;
    let rest = &message[at..];
    let rest = &rest[rest.find("line ")? + "line ".len()..];
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let first = digits.parse().ok()?;
    Some(Lines { first, last: first })
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

    #[test]
    fn exit_codes_and_lines_are_read() {
        assert_eq!(
            exit_code(
                "process \"/bin/sh -c exit code: 3\" did not complete successfully: exit code: 127"
            ),
            Some(127)
        );
        assert_eq!(exit_code("returned a non-zero code: 1"), Some(1));
        assert_eq!(exit_code("not found"), None);
        for text in [
            "dockerfile parse error on line 3: x",
            "dockerfile parse error line 3: x",
        ] {
            assert_eq!(parse_error_line(text), Some(Lines { first: 3, last: 3 }));
        }
    }
}
