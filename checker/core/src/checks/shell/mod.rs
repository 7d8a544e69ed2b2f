//! The commands of a `RUN`: a line for a shell, or a heredoc's script, split into simple commands whose words know their
//! place in the file.
//!
//! It reads what people write in Dockerfiles: quotes, `&&`, `||`, `;`, `|`, subshells, assignments before a command,
//! redirections, comments, `sh -c '…'`. It expands nothing and runs nothing.

mod lex;

use crate::dockerfile::{Command, CommandForm, Dockerfile, Instruction};
use crate::source::{Source, Span};

pub(super) use lex::{Joint, ShellCommand, ShellWord};
use lex::{Piece, split};

/// The commands that `instruction` runs in a shell or in exec form: those of a `RUN`, `CMD`, `ENTRYPOINT` or
/// `HEALTHCHECK`. Empty for anything else.
pub(super) fn commands(dockerfile: &Dockerfile, instruction: &Instruction) -> Vec<ShellCommand> {
    let form = match &instruction.command {
        Command::Run(run) => &run.form,
        Command::Cmd(form) | Command::Entrypoint(form) | Command::Healthcheck(Some(form)) => form,
        Command::Onbuild(inner) => return commands(dockerfile, inner),
        _ => return Vec::new(),
    };
    let mut found = match form {
        CommandForm::Shell(word) => {
            split(&logical(&dockerfile.source, word.span, dockerfile.escape))
        }
        CommandForm::Exec { args, .. } => {
            let words = args.iter().map(|a| ShellWord::literal(a.span, &a.text));
            ShellCommand::of_words(words.collect())
                .into_iter()
                .collect()
        }
    };
    let reads_script = found.is_empty()
        || matches!(&found[..], [only] if is_shell(only.program()) && has_options_alone(only));
    if reads_script {
        for heredoc in instruction.heredocs.iter().take(1) {
            let body = dockerfile.source.snippet(heredoc.body);
            if !is_for_a_shell(&body) {
                continue;
            }
            found.extend(split(&verbatim(&dockerfile.source, heredoc.body)));
        }
    }
    open_nested(found)
}

/// The commands of a line of text that is not part of a file, all at `span`.
pub(super) fn commands_of_text(text: &str, span: Span) -> Vec<ShellCommand> {
    let pieces: Vec<Piece> = text.bytes().map(|byte| Piece { byte, span }).collect();
    open_nested(split(&pieces))
}

/// Puts what `sh -c 'SCRIPT'` runs in the place of the shell that runs it.
fn open_nested(commands: Vec<ShellCommand>) -> Vec<ShellCommand> {
    let mut out = Vec::with_capacity(commands.len());
    for command in commands {
        let script = is_shell(command.program())
            .then(|| {
                let args = command.args();
                let flag = args
                    .iter()
                    .position(|a| is_short_option(&a.text) && a.text.contains('c'))?;
                args.get(flag + 1)
            })
            .flatten();
        match script {
            Some(script) => {
                let inner = commands_of_text(&script.text, script.span);
                out.extend(inner.into_iter().map(|mut c| {
                    c.plain = false;
                    c
                }));
            }
            None => out.push(command),
        }
    }
    out
}

/// `-e`, `-ce`: letters after one dash.
fn is_short_option(word: &str) -> bool {
    word.strip_prefix('-')
        .is_some_and(|letters| letters.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// Whether a shell is given no script and no command: `bash`, `sh -e`, `bash -o pipefail`.
fn has_options_alone(command: &ShellCommand) -> bool {
    let args = command.args();
    let value = |i: usize| i > 0 && matches!(args[i - 1].text.as_str(), "-o" | "+o" | "-O");
    let mut all = args.iter().enumerate();
    all.all(|(i, a)| a.text.starts_with(['-', '+']) || value(i))
}

/// Whether a script is one for a shell: it has no `#!` line, or that names one, whatever its options.
fn is_for_a_shell(script: &str) -> bool {
    let Some(line) = script.lines().next().and_then(|l| l.strip_prefix("#!")) else {
        return true;
    };
    let mut programs = line
        .split_whitespace()
        .map(|w| w.rsplit('/').next().unwrap_or(w))
        .filter(|w| *w != "env" && !w.starts_with('-'));
    programs.next().is_some_and(is_shell)
}

fn is_shell(program: &str) -> bool {
    matches!(program, "sh" | "bash" | "ash" | "dash" | "zsh")
}

/// The bytes under `span` as the shell gets them: without continuations, and without the comments and empty lines
/// between continued lines.
fn logical(source: &Source, span: Span, escape: char) -> Vec<Piece> {
    let bytes = source.slice(span);
    let piece = |i: usize| Piece {
        byte: bytes[i],
        span: Span::new(span.start + i, span.start + i + 1),
    };
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if char::from(bytes[at]) == escape
            && let Some(mut next) = line_end_after_blanks(bytes, at + 1)
        {
            while let Some(after) = comment_or_blank_line(bytes, next) {
                next = after;
            }
            at = next;
            continue;
        }
        out.push(piece(at));
        at += 1;
    }
    out
}

fn verbatim(source: &Source, span: Span) -> Vec<Piece> {
    let start = span.start;
    let bytes = source.slice(span).iter().enumerate();
    bytes
        .map(|(i, &byte)| Piece {
            byte,
            span: Span::new(start + i, start + i + 1),
        })
        .collect()
}

/// The start of the next line, if only blanks come before the end of this one.
fn line_end_after_blanks(bytes: &[u8], mut at: usize) -> Option<usize> {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\r')) {
        at += 1;
    }
    match bytes.get(at) {
        Some(b'\n') => Some(at + 1),
        None => Some(at),
        _ => None,
    }
}

/// The start of the line after the one at `at`, if that is empty or a comment and has a line ending.
fn comment_or_blank_line(bytes: &[u8], at: usize) -> Option<usize> {
    let length = bytes.get(at..)?.iter().position(|b| *b == b'\n')?;
    let line = bytes[at..at + length].trim_ascii();
    (line.is_empty() || line.starts_with(b"#")).then_some(at + length + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        commands_of_text(text, Span::at(0))
            .into_iter()
            .map(|c| c.words.into_iter().map(|w| w.text).collect())
            .collect()
    }

    #[test]
    fn a_line_is_split_at_its_operators() {
        assert_eq!(
            words("npm ci && npm test || true; (cd x | tee y) & z"),
            [
                vec!["npm", "ci"],
                vec!["npm", "test"],
                vec!["true"],
                vec!["cd", "x"],
                vec!["tee", "y"],
                vec!["z"]
            ]
        );
    }

    #[test]
    fn quotes_and_escapes_make_one_word() {
        assert_eq!(
            words(r#"echo 'a && b' "c \"d\"" e\ f "#),
            [vec!["echo", "a && b", "c \"d\"", "e f"]]
        );
        assert_eq!(words("a \"unclosed"), [vec!["a", "unclosed"]]);
    }

    #[test]
    fn assignments_redirections_and_comments_are_no_words() {
        let found = commands_of_text("A=1 B=\"x y\" go build 2>&1 > log # no", Span::at(0));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].program(), "go");
        assert_eq!(found[0].assignments.len(), 2);
        assert_eq!(found[0].args().len(), 1);
        assert!(found[0].redirected);
    }

    #[test]
    fn expansions_are_kept_and_known() {
        let found = commands_of_text(
            "echo $(cat a; b) ${X:-y z} `id` '$n' \"$q\" \\$r",
            Span::at(0),
        );
        assert_eq!(found.len(), 1);
        let expands: Vec<bool> = found[0].words.iter().map(|w| w.expands).collect();
        assert_eq!(expands, [false, true, true, true, false, true, false]);
    }

    #[test]
    fn wrappers_do_not_hide_a_program() {
        for line in [
            "exec npm ci",
            "sudo npm ci",
            "env A=b npm ci",
            "env -u HTTP_PROXY A=b npm ci",
            "nice -n 10 npm ci",
            "timeout -k 5 300 npm ci",
            "su-exec node npm ci",
            "/usr/local/bin/npm ci",
        ] {
            let found = commands_of_text(line, Span::at(0));
            assert_eq!(
                (found[0].program(), found[0].args()[0].text.as_str()),
                ("npm", "ci"),
                "{line}"
            );
        }
        for line in ["sh -ec 'a && b c'", "bash -o pipefail -ce 'a && b c'"] {
            assert_eq!(words(line), [vec!["a"], vec!["b", "c"]], "{line}");
        }
    }

    #[test]
    fn compound_commands_show_their_inside() {
        assert_eq!(
            words("if [ -f x ]; then npm test; fi"),
            [vec!["[", "-f", "x", "]"], vec!["npm", "test"]]
        );
        assert_eq!(words("! { a; }"), [vec!["a"]]);
    }

    #[test]
    fn a_heredoc_inside_a_script_is_data() {
        assert_eq!(
            words("cat > f <<EOF\nnpm ci\nEOF\nnpm test\n"),
            [vec!["cat"], vec!["npm", "test"]]
        );
    }

    #[test]
    fn a_heredoc_is_a_shell_s_script_unless_it_says_otherwise() {
        for (line, first, read) in [
            ("<<EOF", "npm ci", true),
            ("<<EOF", "#!/bin/sh -eu", true),
            ("<<EOF", "#!/usr/bin/env -S bash -e", true),
            ("bash -o pipefail -e <<EOF", "npm ci", true),
            ("<<EOF", "#!/usr/bin/env node", false),
            ("cat <<EOF", "npm ci", false),
        ] {
            let text = format!("FROM a\nRUN {line}\n{first}\nnpm ci\nEOF\n");
            let dockerfile = crate::dockerfile::parse(Source::new("Dockerfile", text.as_bytes()));
            let found = commands(&dockerfile, &dockerfile.instructions[1]);
            let seen = found.iter().any(|c| c.program() == "npm");
            assert_eq!(seen, read, "{line} {first}");
        }
    }

    #[test]
    fn continuations_keep_places() {
        let text = "RUN npm ci \\\n  # why\n\n  && npm test";
        let source = Source::new("Dockerfile", text.as_bytes());
        let found = split(&logical(&source, Span::new(4, text.len()), '\\'));
        assert_eq!(found.len(), 2);
        assert_eq!(source.snippet(found[1].span()), "npm test");
        assert_eq!(source.snippet(found[0].span()), "npm ci");
        assert_eq!(found[1].before, Joint::And);
    }

    #[test]
    fn any_bytes_are_read() {
        for text in [
            "", "&&", "((", "'", "\\", "$(", "${", "`", ">", "a<<", "é ü", ";;|&", "<<EOF\n",
        ] {
            let _ = words(text);
        }
    }
}
