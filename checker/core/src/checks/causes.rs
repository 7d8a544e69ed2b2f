//! Why a container did not do what it should: the well-known causes, known by what it printed.

use crate::diagnostic::Finding;
use crate::dockerfile::Keyword;
use crate::evidence::{ProbeOutcome, Unseen};
use crate::units::Millis;

use super::mend::Text;
use super::{View, start_fault};

/// How many of a container's last lines a finding shows.
const SHOWN: usize = 10;

/// What a message means, and what to do: one or two sentences.
struct Cause {
    /// Words of which all stand in one line of the output, in lower case.
    words: &'static [&'static str],
    help: &'static str,
}

const MISSING_FILE: &str = "The program asks for a file that is not in the image, or not where it looks: copy the file \
    into the final stage, and mind the WORKDIR where its name is no whole path.";

const WRITES: &str = "The program writes to its own filesystem, where nothing can be written: let it write to standard \
    output, or to a VOLUME.";

const CAUSES: &[Cause] = &[
    Cause {
        words: &["exec format error"],
        help: "The program is for another machine, or is a script without `#!` in its first line.",
    },
    Cause {
        words: &["executable file not found in $path"],
        help: "No directory of PATH has a program of that name: copy it into the final stage, or start it by its \
            whole path. ENV and installed programs do not cross from one stage to another.",
    },
    Cause {
        words: &["unable to find user"],
        help: "The image's /etc/passwd does not know the user: name it by its number, or make it in the final stage.",
    },
    Cause {
        words: &["cannot find module", "linux-", "-musl"],
        help: "A part of the package is machine code, and the one for Alpine is missing: install the packages on \
            Alpine, too, for an image that runs on it.",
    },
    Cause {
        words: &["cannot find module", "linux-", "-gnu"],
        help: "A part of the package is machine code, and the one for Debian is missing: install the packages on \
            Debian, too, for an image that runs on it.",
    },
    Cause {
        words: &["cannot find module"],
        help: "A file of the program or of a package is not in the image: copy what it imports (dist/, node_modules/) \
            into the final stage.",
    },
    Cause {
        words: &["cannot find package"],
        help: "A package that the program imports is not in the image: copy node_modules/ into the final stage.",
    },
    Cause {
        words: &["modulenotfounderror"],
        help: "A module that the program imports is not in the image: copy the whole virtual environment and the \
            program itself.",
    },
    Cause {
        words: &["no module named"],
        help: "A module that the program imports is not in the image: copy the whole virtual environment and the \
            program itself.",
    },
    Cause {
        words: &["error while loading shared libraries"],
        help: "A library that the program was linked with is not in the final stage: link it statically, or use a \
            base that has the library.",
    },
    Cause {
        words: &["error loading shared library"],
        help: "A library that the program was linked with is not in the final stage: link it statically, or use a \
            base that has the library.",
    },
    Cause {
        words: &["version `glibc_", "not found"],
        help: "The program was compiled against a newer C library than the final stage has: use the same \
            distribution in both stages.",
    },
    Cause {
        words: &["read-only file system"],
        help: WRITES,
    },
    Cause {
        words: &["erofs"],
        help: WRITES,
    },
    Cause {
        words: &["certificate signed by unknown authority"],
        help: "There are no certificates in the image: copy /etc/ssl/certs/ca-certificates.crt into the final stage.",
    },
    Cause {
        words: &["address already in use"],
        help: "Two programs of the container want the same port.",
    },
    Cause {
        words: &["bind", "permission denied"],
        help: "Ports below 1024 are root's: listen on a port such as 8080.",
    },
    Cause {
        words: &["listen eacces"],
        help: "Ports below 1024 are root's: listen on a port such as 8080.",
    },
    Cause {
        words: &["exec", "permission denied"],
        help: "The program has no execute bit for the image's user: COPY --chmod=755, or chmod in the builder.",
    },
    Cause {
        words: &["enoent", "open '"],
        help: MISSING_FILE,
    },
    Cause {
        words: &["filenotfounderror"],
        help: MISSING_FILE,
    },
    Cause {
        words: &["open ", "no such file or directory"],
        help: MISSING_FILE,
    },
    Cause {
        words: &["permission denied"],
        help: "The image's user may not use a file that the program needs: copy it with --chown or --chmod, or \
            make the folder it writes to a VOLUME that belongs to that user.",
    },
    Cause {
        words: &["operation not permitted"],
        help: "The program asks for a right that only root has: probes run without any capability.",
    },
    Cause {
        words: &["no such file or directory"],
        help: "The program that is started, its `#!` interpreter or its loader is not in the image: a dynamically \
            linked program on `scratch` ends with these words too.",
    },
];

/// What the output comes down to, if that is well known.
pub(super) fn help(output: &str) -> Option<&'static str> {
    known(output).map(|(cause, _)| cause.help)
}

/// The well-known cause of an output, and the line of it that shows it.
fn known(output: &str) -> Option<(&'static Cause, &str)> {
    CAUSES.iter().find_map(|cause| {
        let says = |line: &&str| {
            let line = line.to_lowercase();
            cause.words.iter().all(|w| line.contains(w))
        };
        Some((cause, output.lines().find(says)?))
    })
}

/// Puts the line that says why first, where so much comes after it that the end of the output does not show it.
fn with_reason(mut finding: Finding, output: &str) -> Finding {
    let Some((_, line)) = known(output) else {
        return finding;
    };
    let shown = tail(line);
    if let [reason] = &shown[..]
        && !finding.details.contains(reason)
    {
        finding
            .details
            .splice(0..0, [reason.clone(), "…".to_owned()]);
    }
    finding
}

/// Why an engine did not start a container, without the names of all the programs that passed the message on.
fn plain_reason(reason: &str) -> String {
    let line = first_line(reason);
    match line.find("exec: \"") {
        Some(at) => line[at..].to_owned(),
        None => line,
    }
}

/// The output's last lines, each without control characters.
pub(super) fn tail(output: &str) -> Vec<String> {
    let lines: Vec<&str> = output.lines().filter(|l| !l.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(SHOWN);
    let clean = |l: &&str| {
        l.chars()
            .filter(|c| !c.is_control() || *c == '\t')
            .collect()
    };
    lines[from..].iter().map(clean).collect()
}

/// A finding about a container that printed this: it points at the command that starts it, and shows the end of the
/// output and what it comes down to.
pub(super) fn finding(view: &View<'_>, message: impl Into<String>, output: &str) -> Finding {
    let finding = Finding::new(message).details(tail(output));
    let finding = match Text::new(view).and_then(|t| t.start()) {
        Some(start) => finding.at(view.place(start.span)),
        None => match Text::new(view).and_then(|t| t.from()) {
            Some(from) => finding.at(view.place(from.span)),
            None => finding,
        },
    };
    match help(output) {
        Some(help) => finding.help(help),
        None => finding,
    }
}

/// A finding for what ends every probe in the same way: it could not be started, it ended by itself, or too early.
/// `wanted` is what the check expected. For an outcome that this probe cannot have it is an error.
pub(super) fn common(
    view: &View<'_>,
    outcome: &ProbeOutcome,
    wanted: &str,
) -> Result<Finding, Unseen> {
    Ok(match outcome {
        ProbeOutcome::NotStarted(reason) => {
            let finding = finding(view, "the container does not start", reason)
                .expected(wanted, plain_reason(reason));
            start_fault::explain(view, finding, reason)
        }
        ProbeOutcome::Exited {
            code,
            stdout,
            stderr,
        } => {
            let message = format!("the container ended by itself, {}", exit(*code));
            ended(view, message, *code, &joined(stdout, stderr)).expected(wanted, exit(*code))
        }
        ProbeOutcome::NoAnswer {
            exit_code: Some(code),
            output,
        } => {
            let message = format!("the container ended before it answered, {}", exit(*code));
            ended(view, message, *code, output).expected(wanted, exit(*code))
        }
        ProbeOutcome::NoAnswer { output, .. } => {
            no_answer(view, finding(view, "nothing answers on the port", output))
                .expected(wanted, "no answer; the container was still running")
        }
        ProbeOutcome::OnlyToItself { output } => {
            let message =
                "it answers on 127.0.0.1 alone, where nobody outside the container can ask";
            finding(view, message, output)
                .expected(wanted, "an answer on 127.0.0.1, and on no other address")
                .help("Let it listen on all addresses, 0.0.0.0. Most servers have an option for it, such as `--bind` or `--host`.")
        }
        ProbeOutcome::TimedOut { output } => finding(
            view,
            "the container did not end within the time limit",
            output,
        )
        .expected(wanted, "still running"),
        other => {
            return Err(Unseen::Failed(format!(
                "the probe gave an unexpected answer: {}",
                name(other)
            )));
        }
    })
}

/// Standard output and standard error as one text.
pub(super) fn joined(stdout: &str, stderr: &str) -> String {
    match (stdout.trim().is_empty(), stderr.trim().is_empty()) {
        (_, true) => stdout.to_owned(),
        (true, _) => stderr.to_owned(),
        _ => format!("{}\n{stderr}", stdout.trim_end()),
    }
}

/// An exit code for people.
pub(super) fn exit(code: i64) -> String {
    match code {
        137 => "exit code 137 (killed)".to_owned(),
        139 => "exit code 139 (it crashed)".to_owned(),
        code => format!("exit code {code}"),
    }
}

fn name(outcome: &ProbeOutcome) -> &'static str {
    match outcome {
        ProbeOutcome::Exited { .. } => "it ended",
        ProbeOutcome::NotStarted(_) => "it did not start",
        ProbeOutcome::TimedOut { .. } => "it ran into the time limit",
        ProbeOutcome::Answered { .. } => "it answered over HTTP",
        ProbeOutcome::NoAnswer { .. } => "it did not answer",
        ProbeOutcome::OnlyToItself { .. } => "it answered on 127.0.0.1 alone",
        ProbeOutcome::ShellRefused => "a shell was refused",
        ProbeOutcome::ShellStarted(_) => "a shell started",
        ProbeOutcome::Stopped { .. } => "it stopped",
        ProbeOutcome::Killed => "it was killed",
        ProbeOutcome::Healthy | ProbeOutcome::AlwaysHealthy => "it is healthy",
        ProbeOutcome::Unhealthy { .. } => "it is not healthy",
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// An end that nobody wanted, with its cause: by what was printed, by what the image shows, or by the exit code.
pub(super) fn ended(view: &View<'_>, message: String, code: i64, output: &str) -> Finding {
    let finding = with_reason(finding(view, message, output), output);
    let finding = start_fault::explain(view, finding, output);
    if finding.help.is_some() {
        return finding;
    }
    finding.help(match code {
        0 => "A container lives as long as its first process: start the program in the foreground.",
        126 => "The command was found and may not be executed: give it the execute bit.",
        127 => "A command was not found: it is not in the final stage, or not in PATH.",
        137 => "It used more memory than the probe allows.",
        _ => "Start the image yourself with `docker run`, and read what it prints.",
    })
}

/// What the image says about a port that nobody answers on.
fn no_answer(view: &View<'_>, finding: Finding) -> Finding {
    let exposed = view
        .image()
        .map(|i| i.config.exposed_ports.join(", "))
        .unwrap_or_default();
    if finding.help.is_some() {
        return finding;
    }
    finding.help(if exposed.is_empty() {
        "The program listens on another port, or is not ready in time: read what it prints.".to_owned()
    } else {
        format!(
            "The program listens on another port, or is not ready in time. EXPOSE ({exposed}) opens nothing by itself: \
             the program's own settings decide."
        )
    })
}

/// The time limit of a probe where the lab names none.
pub(super) fn within() -> Millis {
    Millis(10_000)
}

/// The words that say how a container is started, for a finding that is about it.
pub(super) fn start_span(view: &View<'_>) -> Option<crate::source::Span> {
    let text = Text::new(view)?;
    let cmd = text.last(Keyword::Cmd).map(|(_, i)| i);
    text.start().or(cmd).map(|i| i.span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_causes_are_known_by_their_words() {
        for (output, said) in [
            ("exec /server: exec format error", "another machine"),
            (
                "exec: \"gunicorn\": executable file not found in $PATH",
                "No directory of PATH",
            ),
            ("Error: Cannot find module '/app/dist/server.js'", "dist/"),
            (
                "Error: Cannot find module '@resvg/resvg-js-linux-x64-musl'",
                "install the packages on Alpine",
            ),
            (
                "Error: Cannot find module '@resvg/resvg-js-linux-arm64-gnu'",
                "install the packages on Debian",
            ),
            (
                "ModuleNotFoundError: No module named 'flask'",
                "virtual environment",
            ),
            (
                "bind() to 0.0.0.0:80 failed (13: Permission denied)",
                "below 1024",
            ),
            ("exec: \"/server\": permission denied", "execute bit"),
            (
                "PermissionError: [Errno 13] Permission denied: '/app/x'",
                "--chown",
            ),
            ("exec /server: no such file or directory", "loader"),
            (
                "unable to find user app: no matching entries in passwd file",
                "by its number",
            ),
            ("OSError: [Errno 30] Read-only file system: 'x'", "VOLUME"),
        ] {
            assert!(
                help(output).is_some_and(|h| h.contains(said)),
                "{output}: {:?}",
                help(output)
            );
        }
        assert_eq!(help("hello"), None);
    }

    #[test]
    fn output_ends_with_its_last_lines_and_carries_no_escapes() {
        let output: String = (0..20)
            .map(|i| format!("\x1b[31mline {i}\x1b[0m\r\n\n"))
            .collect();
        let tail = tail(&output);
        assert_eq!(tail.len(), SHOWN);
        assert_eq!(tail[9], "[31mline 19[0m");
    }
}
