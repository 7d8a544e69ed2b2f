//! `no-secret-in-source`: no secret is written into the Dockerfile, or copied by it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::secrets::{is_harmless_value, is_secret_file_of, is_secret_name, is_secret_value};
use super::shell::{ShellCommand, ShellWord};
use super::{Check, Doc, Example, Judged, Verdict, View, secret_mount, shell};
use crate::diagnostic::Finding;
use crate::dockerfile::{Command, CopyCommand, Instruction, Word};
use crate::edits::Edits;
use crate::evidence::SourceEvidence;
use crate::source::Span;

/// See [`Check::DOC`].
pub(super) struct NoSecretInSource;

/// `no-secret-in-source` takes no parameters.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Params {}

impl Check for NoSecretInSource {
    type Params = Params;
    const ID: &'static str = "no-secret-in-source";
    const TITLE: &'static str = "No secret in ARG, ENV or COPY";
    const DOC: Doc = Doc {
        what: "No `ARG` or `ENV` is named like a secret (a token, a password, a key) or has one as its value, no \
               `COPY` brings a file of secrets such as `.env` or `id_rsa`, and no `RUN`, `CMD`, `ENTRYPOINT` or `LABEL` \
               has one written in it. \
               The names of files, such as `TOKEN_FILE`, are no secrets.",
        why: "Build arguments and variables are kept in the image's history, and a copied file in its layers. \
              Whoever has the image can read them, even if a later step deletes the file.",
        bad: Example::text(
            "FROM node:24-alpine AS builder\n\
             WORKDIR /app\n\
             COPY package*.json ./\n\
             ARG NPM_TOKEN\n\
             RUN npm config set //registry.example.com/:_authToken=\"$NPM_TOKEN\" && npm ci\n",
        ),
        good: Example::text(
            "FROM node:24-alpine AS builder\n\
             WORKDIR /app\n\
             COPY package*.json ./\n\
             RUN --mount=type=secret,id=npm_token \\\n    \
                 npm config set //registry.example.com/:_authToken=\"$(cat /run/secrets/npm_token)\" && npm ci\n",
        ),
    };

    fn summary(_: &Params) -> String {
        "no secret in ARG, ENV or COPY".into()
    }

    fn judge(_: &Params, view: &View<'_>) -> Judged {
        let source = view.source()?;
        let reachable = view.reachable()?;
        let stage_of = |i: usize| {
            source
                .graph
                .stages
                .iter()
                .find(|s| s.instructions.contains(&i))
        };
        let mut found: Vec<Leak> = Vec::new();
        for (index, instruction) in source.dockerfile.instructions.iter().enumerate() {
            let judged = stage_of(index).is_none_or(|s| reachable.contains(&s.index));
            if judged {
                leaks(view, source, index, instruction, &mut found);
            }
        }
        let Some(first) = found.first() else {
            return Ok(Verdict::passed("no secret is written or copied"));
        };
        let mut finding = view
            .finding(first.message.clone(), first.span)
            .expected(
                "secrets only mounted, for the one step that needs them",
                first.actual,
            )
            .help(first.help);
        for other in &found[1..] {
            finding = finding.related(view.place(other.span), other.message.clone());
        }
        finding = with_fix(view, source, &found, finding);
        Ok(finding.into())
    }
}

struct Leak {
    index: usize,
    span: Span,
    message: String,
    actual: &'static str,
    help: &'static str,
}

const MOUNT: &str = "Mount it with `RUN --mount=type=secret,id=…` in the step that needs it.";
const LATER: &str =
    "Give it when the container is started, or mount it with `RUN --mount=type=secret`.";

fn leaks(
    view: &View<'_>,
    source: &SourceEvidence,
    index: usize,
    instruction: &Instruction,
    found: &mut Vec<Leak>,
) {
    let given = &view.build.secrets;
    let mut add = |span, message: String, actual, help| {
        found.push(Leak {
            index,
            span,
            message,
            actual,
            help,
        });
    };
    match &instruction.command {
        Command::Arg(pairs) => {
            for pair in pairs {
                // Without a value of its own it has the one that was given to the same name above the first FROM.
                let scope = source.graph.scope_before(&source.dockerfile, index + 1);
                let own = pair.default.as_ref().map(|d| d.text.as_str());
                let value = own.or_else(|| scope.get(&pair.name.text));
                let switch = value.is_some_and(|v| !v.is_empty() && is_harmless(v, given));
                if is_secret_name(&pair.name.text, given) && !switch
                    || value.is_some_and(is_secret_value)
                {
                    let message =
                        format!("the build argument `{}` carries a secret", pair.name.text);
                    add(
                        pair.span,
                        message,
                        "a build argument, which the image's history shows",
                        MOUNT,
                    );
                }
            }
        }
        Command::Env(pairs) | Command::Label(pairs) => {
            let (what, actual) = match instruction.command {
                Command::Label(_) => ("label", "a label, which is in the image's configuration"),
                _ => (
                    "variable",
                    "a variable, which is in the image's configuration",
                ),
            };
            for pair in pairs {
                let value = &pair.value.text;
                if is_secret_name(&pair.key.text, given) && !is_harmless(value, given)
                    || is_secret_value(value)
                {
                    let message = format!("the {what} `{}` carries a secret", pair.key.text);
                    add(pair.span, message, actual, LATER);
                }
            }
        }
        Command::Copy(copy) | Command::Add(copy) => {
            for word in secret_words(instruction, copy, given) {
                let message = format!("`{}` holds secrets", word.text);
                add(
                    word.span,
                    message,
                    "a copy, which stays in a layer for ever",
                    MOUNT,
                );
            }
        }
        Command::Run(_)
        | Command::Cmd(_)
        | Command::Entrypoint(_)
        | Command::Healthcheck(Some(_)) => {
            for command in shell::commands(&source.dockerfile, instruction) {
                for word in command.assignments.iter().chain(&command.words) {
                    let Some((name, value)) = word.text.split_once('=') else {
                        continue;
                    };
                    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                    let named = name.chars().all(is_name)
                        && is_secret_name(name, given)
                        && !word.expands
                        && !is_harmless(value, given);
                    if named || is_secret_value(value) {
                        let message =
                            format!("the value of `{name}` is written into the Dockerfile");
                        add(word.span, message, "a value that everybody can read", MOUNT);
                    }
                }
                if let Some((word, name)) = written_argument(&command) {
                    let message = format!("the value of `{name}` is written into the Dockerfile");
                    add(word.span, message, "a value that everybody can read", MOUNT);
                }
            }
        }
        Command::Onbuild(inner) => leaks(view, source, index, inner, found),
        _ => {}
    }
}

/// An argument that is a secret written out: `--token abc`, `--password=abc`, `:_authToken=abc`, `Bearer abc`.
fn written_argument(command: &ShellCommand) -> Option<(&ShellWord, String)> {
    let args = command.args();
    let is_written = |word: &ShellWord, value: &str| {
        !word.expands
            && value.len() >= 6
            && !value.contains(['/', '<'])
            && !is_harmless_value(value)
    };
    args.iter().enumerate().find_map(|(i, arg)| {
        for marker in ["_authToken=", "Bearer "] {
            let value = arg.text.split_once(marker).map(|(_, value)| value);
            if value.is_some_and(|v| is_written(arg, v.trim())) {
                return Some((arg, marker.trim_end_matches([' ', '=']).to_owned()));
            }
        }
        let option = arg.text.strip_prefix("--")?;
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some((arg, value))),
            None => (
                option,
                args.get(i + 1).map(|next| (next, next.text.as_str())),
            ),
        };
        let (word, value) = value.filter(|(_, v)| !v.starts_with('-'))?;
        let names_secret = [
            "token",
            "password",
            "secret",
            "api-key",
            "auth-token",
            "access-token",
        ]
        .contains(&name);
        (names_secret && is_written(word, value)).then(|| (word, format!("--{name}")))
    })
}

fn secret_words<'a>(
    instruction: &Instruction,
    copy: &'a CopyCommand,
    given: &[String],
) -> Vec<&'a Word> {
    let mut words: Vec<&Word> = copy
        .sources
        .iter()
        .filter(|s| is_secret_file_of(&s.text, given))
        .collect();
    let destination = is_secret_file_of(&copy.destination.text, given);
    let filled = instruction.heredocs.iter().any(|h| {
        let mut lines = h.content.lines().map(str::trim).filter(|l| !l.is_empty());
        lines.any(|l| writes_secret(l) || destination && !l.contains(['$', '#']))
    });
    if words.is_empty() && filled {
        words.push(&copy.destination);
    }
    words
}

/// Whether a line of a file sets something with a secret's name to a value that is written out: `DB_PASSWORD=hunter2`,
/// `password hunter2`.
fn writes_secret(line: &str) -> bool {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once(['=', ' ']).unwrap_or((line, ""));
    let value = value.trim();
    let written = !value.contains(['$', '`']) && !is_harmless_value(value);
    is_secret_name(name, &[]) && written || line.contains("_authToken=") && !line.contains("${")
}

/// Whether a value is no secret, or only the name of one that the build is given.
fn is_harmless(value: &str, given: &[String]) -> bool {
    is_harmless_value(value) || given.iter().any(|id| id == value)
}

/// A fix for all that was found, or none: half of it would not make the check hold.
fn with_fix(view: &View<'_>, source: &SourceEvidence, found: &[Leak], finding: Finding) -> Finding {
    let all = &source.dockerfile.instructions;
    let title = "mount the secret only where it is needed";
    let mut edits = Edits::new(title, &source.path, &source.dockerfile.source);
    let mut indexes: Vec<usize> = found.iter().map(|l| l.index).collect();
    indexes.dedup();
    let mut mended = 0;
    for index in indexes {
        let Some(instruction) = all.get(index) else {
            return finding;
        };
        let here = found.iter().filter(|l| l.index == index).count();
        edits = match &instruction.command {
            Command::Arg(pairs) if pairs.len() == 1 => {
                match secret_mount::instead_of(view, source, index, &pairs[0].name.text, edits) {
                    Some(edits) => edits.remove_lines(instruction.span),
                    None => return finding,
                }
            }
            // `ENV NPM_TOKEN=$NPM_TOKEN` only hands on the argument.
            Command::Env(pairs)
                if pairs.len() == 1 && hands_on(&pairs[0].key.text, &pairs[0].value.text) =>
            {
                edits.remove_lines(instruction.span)
            }
            Command::Copy(copy) | Command::Add(copy) if here < copy.sources.len() => {
                let mut edits = edits;
                for word in secret_words(instruction, copy, &view.build.secrets) {
                    let end = word.span.end;
                    let blanks = source.dockerfile.source.bytes()[end..].iter();
                    let blanks = blanks.take_while(|b| matches!(b, b' ' | b'\t')).count();
                    edits = edits.replace(Span::new(word.span.start, end + blanks), "");
                }
                edits
            }
            Command::Copy(_) | Command::Add(_) if here > 0 && is_env_file(found, index, source) => {
                edits.remove_lines(instruction.span)
            }
            _ => return finding,
        };
        mended += here;
    }
    let fix = edits.done();
    // Two arguments of one name would have the same step edited twice.
    if mended == found.len() && fix.apply(&view.evidence.files).is_ok() {
        finding.fix(fix)
    } else {
        finding
    }
}

fn hands_on(key: &str, value: &str) -> bool {
    let value = value.trim_matches('"');
    value == format!("${key}") || value == format!("${{{key}}}")
}

/// Whether all that an instruction copies is `.env`: what only the running program reads.
fn is_env_file(found: &[Leak], index: usize, source: &SourceEvidence) -> bool {
    found.iter().filter(|l| l.index == index).all(|l| {
        let word = source.dockerfile.source.snippet(l.span);
        word.rsplit('/')
            .next()
            .is_some_and(|n| n.starts_with(".env"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn case(lines: &str) -> Case {
        Case::new(&format!("FROM node:24\n{lines}\n"))
    }

    #[test]
    fn arguments_variables_copies_and_values_are_found() {
        for (lines, words) in [
            ("ARG NPM_TOKEN", "NPM_TOKEN"),
            ("ARG A=1 API_KEY=abc", "API_KEY=abc"),
            ("ENV DB_PASSWORD=hunter2 X=1", "DB_PASSWORD=hunter2"),
            (
                "ENV DATABASE_URL=postgres://a:hunter2@db/x",
                "DATABASE_URL=postgres://a:hunter2@db/x",
            ),
            ("COPY package.json .npmrc ./", ".npmrc"),
            ("ADD id_rsa /root/.ssh/id_rsa", "id_rsa"),
            ("RUN NPM_TOKEN=abc npm ci", "NPM_TOKEN=abc"),
            ("RUN export NPM_TOKEN='abc' && npm ci", "NPM_TOKEN='abc'"),
            (
                "COPY <<EOF /root/.npmrc\n//r.example.com/:_authToken=abc\nEOF",
                "/root/.npmrc",
            ),
            ("ONBUILD ARG NPM_TOKEN", "NPM_TOKEN"),
            ("RUN env NPM_TOKEN=abc npm ci", "NPM_TOKEN=abc"),
            (
                "RUN [\"env\", \"NPM_TOKEN=abc\", \"npm\", \"ci\"]",
                "\"NPM_TOKEN=abc\"",
            ),
            ("LABEL db.password=hunter2", "db.password=hunter2"),
            (
                "CMD [\"app\", \"--password=hunter2\"]",
                "\"--password=hunter2\"",
            ),
            (
                "COPY <<EOF /run/.npm-token.txt\nabc\nEOF",
                "/run/.npm-token.txt",
            ),
            (
                "COPY <<EOF /root/.netrc\npassword hunter2\nEOF",
                "/root/.netrc",
            ),
            ("COPY npm-token.txt /run/", "npm-token.txt"),
            ("RUN login --token abcdef123", "abcdef123"),
            ("RUN login --password='abcdef123'", "--password='abcdef123'"),
            (
                "RUN curl -H 'Authorization: Bearer abcdef123' https://r.example.com/",
                "'Authorization: Bearer abcdef123'",
            ),
            (
                "RUN npm config set //r.example.com/:_authToken=abcdef123",
                "//r.example.com/:_authToken=abcdef123",
            ),
        ] {
            let case = case(lines);
            assert_eq!(case.words(&case.fails::<NoSecretInSource>()), words);
        }
        Case::new("ARG NPM_TOKEN\nFROM a\n").fails::<NoSecretInSource>();
    }

    #[test]
    fn what_is_no_secret_passes() {
        for lines in [
            "ENV KEYBOARD=us",
            "ARG TOKENIZER_VERSION=2",
            "ENV NPM_TOKEN_FILE=/run/secrets/npm_token",
            "ENV GOOGLE_APPLICATION_CREDENTIALS=/run/secrets/gcp",
            "ENV CHECK_TOKEN=false",
            "ARG PUBLIC_KEY_URL",
            "RUN --mount=type=secret,id=npm_token,env=NPM_TOKEN npm ci",
            "RUN --mount=type=secret,id=npm_token NPM_TOKEN=$(cat /run/secrets/npm_token) npm ci",
            "COPY .env.example ./",
            "COPY <<'EOF' /fetch.sh\nNPM_TOKEN=$(cat /run/secrets/npm_token) npm ci\nEOF",
            "COPY <<'EOF' /fetch.sh\nNPM_TOKEN=\"$(cat /run/secrets/npm_token)\"\nexport NPM_TOKEN\nEOF",
            "COPY <<'EOF' /fetch.sh\ntoken=/run/secrets/npm_token\nEOF",
            "CMD [\"app\", \"--password-file\", \"/run/secrets/db\"]",
            "LABEL org.example.key-size=2048",
            "RUN login --token \"$(cat /run/secrets/npm_token)\" --password-stdin",
            "RUN login --token /run/secrets/npm_token --secret id=x && curl -H \"Authorization: Bearer $T\" x",
            "COPY . .",
        ] {
            case(lines).passes::<NoSecretInSource>();
        }
        Case::new("FROM a AS dev\nARG NPM_TOKEN\nFROM b AS production\n")
            .passes::<NoSecretInSource>();
        Case::new(
            "ARG SECRET=npm_token\nFROM a\nARG SECRET\nRUN --mount=type=secret,id=$SECRET npm ci\n",
        )
        .secrets(&[("npm_token", "x")])
        .passes::<NoSecretInSource>();
    }

    #[test]
    fn an_argument_becomes_a_mount_in_the_steps_that_use_it() {
        let after = case("ARG NPM_TOKEN\nENV NPM_TOKEN=$NPM_TOKEN\nRUN echo \"t=${NPM_TOKEN}\" > .npmrc && npm ci\nRUN true")
            .secrets(&[("npm-token", "x")])
            .mended::<NoSecretInSource>();
        assert_eq!(
            after.text("Dockerfile"),
            "FROM node:24\nRUN --mount=type=secret,id=npm-token echo \"t=$(cat /run/secrets/npm-token)\" > .npmrc && npm ci\nRUN true\n"
        );
        let unnamed = case("ARG NPM_TOKEN\nRUN npm ci").mended::<NoSecretInSource>();
        assert_eq!(
            unnamed.text("Dockerfile"),
            "FROM node:24\nRUN --mount=type=secret,id=npm_token,env=NPM_TOKEN npm ci\n"
        );
    }

    #[test]
    fn a_secret_file_is_left_out_of_a_copy() {
        let after = case("COPY .env package.json ./").mended::<NoSecretInSource>();
        assert_eq!(
            after.text("Dockerfile"),
            "FROM node:24\nCOPY package.json ./\n"
        );
        let alone = case("COPY .env ./").mended::<NoSecretInSource>();
        assert_eq!(alone.text("Dockerfile"), "FROM node:24\n");
        assert_eq!(
            case("COPY id_rsa /root/.ssh/")
                .fails::<NoSecretInSource>()
                .fixes,
            []
        );
    }

    #[test]
    fn a_literal_has_no_fix_that_is_sure() {
        assert_eq!(
            case("ENV DB_PASSWORD=hunter2")
                .fails::<NoSecretInSource>()
                .fixes,
            []
        );
        assert_eq!(
            case("ARG NPM_TOKEN\nRUN echo '$NPM_TOKEN' \"$NPM_TOKEN\"")
                .fails::<NoSecretInSource>()
                .fixes
                .len(),
            1
        );
    }
}
