//! What an instruction means, and what the engine refuses about it once the whole file could be read.

use std::ops::Range;

use super::instruction::{Arguments, Draft};
use super::text::{Text, is_blank, lossy};
use super::tree::{
    ArgPair, Command, CommandForm, CopyCommand, KeyValue, Keyword, RunCommand, Word,
};
use super::words::{self, QuotedWord};
use super::{ParseError, duration, flags, heredoc};
use crate::source::Span;

/// The typed command of a draft that is no `ONBUILD`.
pub(crate) fn typed(draft: &Draft) -> (Command, Option<ParseError>) {
    let reader = Reader { draft };
    let flags = || flags::check(draft.keyword, &draft.flags);
    if let Arguments::Refused(_) = draft.arguments {
        return (Command::Invalid, None);
    }
    match draft.keyword {
        Keyword::Add | Keyword::Copy => reader.copy(),
        Keyword::Arg => reader.arg(),
        Keyword::Cmd => (Command::Cmd(reader.form()), flags()),
        Keyword::Entrypoint => (Command::Entrypoint(reader.form()), flags()),
        Keyword::Env => reader.key_values(),
        Keyword::Label => reader.key_values(),
        Keyword::Expose => {
            let ports = reader.words();
            let error = reader.at_least_one(&ports).or_else(flags);
            (Command::Expose(ports), error)
        }
        Keyword::From => reader.from(),
        Keyword::Healthcheck => reader.healthcheck(),
        Keyword::Maintainer => reader.exactly_one(Command::Maintainer, true),
        Keyword::User => reader.exactly_one(Command::User, true),
        Keyword::Workdir => reader.exactly_one(Command::Workdir, true),
        Keyword::Stopsignal => reader.exactly_one(Command::Stopsignal, false),
        Keyword::Run => reader.run(),
        Keyword::Shell => reader.shell(),
        Keyword::Volume => reader.volume(),
        Keyword::Onbuild | Keyword::Unknown => (Command::Invalid, Some(reader.unknown())),
    }
}

/// `HEALTHCHECK`'s first word and what follows it, both in `rest`.
pub(crate) fn health_parts(text: &Text, rest: Range<usize>) -> (Range<usize>, Range<usize>) {
    let bytes = text.bytes();
    let is_space = |i: &usize| char::from(bytes[*i]).is_whitespace();
    let kind_end = rest.clone().find(is_space).unwrap_or(rest.end);
    let after = (kind_end..rest.end)
        .find(|i| !is_space(i))
        .unwrap_or(rest.end);
    (rest.start..kind_end, after..rest.end)
}

/// What the line parser refuses about `ENV` and `LABEL`.
pub(crate) fn key_values_refused(
    text: &Text,
    keyword: Keyword,
    rest: &Range<usize>,
    words: &[QuotedWord],
) -> Option<ParseError> {
    let bytes = text.bytes();
    let has_equals = |w: &QuotedWord| bytes[w.kept.clone()].contains(&b'=');
    let first = words.first()?;
    let name = keyword.as_str();
    if !has_equals(first) {
        return (!bytes[rest.clone()].iter().any(|b| is_blank(*b))).then(|| ParseError {
            span: text.span(rest.clone()),
            message: format!("{name} must have two arguments"),
            help: Some(format!("Write `{name} name=value`.")),
        });
    }
    words.iter().find(|w| !has_equals(w)).map(|w| {
        let word = lossy(&bytes[w.kept.clone()]);
        ParseError {
            span: text.span(w.range.clone()),
            message: format!("can't find = in {word:?}, must be of the form: name=value"),
            help: Some(format!(
                "Put quotes around a value with spaces: `{name} name=\"two words\"`."
            )),
        }
    })
}

struct Reader<'a> {
    draft: &'a Draft,
}

impl Reader<'_> {
    fn text(&self) -> &Text {
        &self.draft.text
    }

    fn name(&self) -> &'static str {
        self.draft.keyword.as_str()
    }

    /// The keyword's place, for errors about what is missing.
    fn keyword_span(&self) -> Span {
        self.text().span(self.draft.keyword_range.clone())
    }

    fn error(&self, span: Span, message: String, help: Option<&str>) -> ParseError {
        ParseError {
            span,
            message,
            help: help.map(str::to_owned),
        }
    }

    fn flags(&self) -> Option<ParseError> {
        flags::check(self.draft.keyword, &self.draft.flags)
    }

    fn flag(&self, name: &str) -> Option<Word> {
        self.draft
            .flags
            .iter()
            .find(|f| f.name.text == name)
            .and_then(|f| f.value.clone())
    }

    /// The values of a flag that may be given several times.
    fn values(&self, name: &str) -> Vec<Word> {
        self.draft
            .flags
            .iter()
            .filter(|f| f.name.text == name)
            .filter_map(|f| f.value.clone())
            .collect()
    }

    fn is_set(&self, name: &str) -> bool {
        self.draft
            .flags
            .iter()
            .find(|f| f.name.text == name)
            .is_some_and(|f| {
                f.value
                    .as_ref()
                    .is_none_or(|v| v.text.eq_ignore_ascii_case("true"))
            })
    }

    /// The arguments as words, whatever their form.
    fn words(&self) -> Vec<Word> {
        match &self.draft.arguments {
            Arguments::Words(ranges) => {
                ranges.iter().map(|r| self.text().word(r.clone())).collect()
            }
            Arguments::Json(_, strings) => strings.clone(),
            Arguments::Quoted(words) => words
                .iter()
                .map(|w| self.text().word(w.kept.clone()))
                .collect(),
            Arguments::Refused(_) => Vec::new(),
        }
    }

    /// A command line: an array, or the rest of the line.
    fn form(&self) -> CommandForm {
        match &self.draft.arguments {
            Arguments::Json(range, strings) => CommandForm::Exec {
                span: self.text().span(range.clone()),
                args: strings.clone(),
            },
            _ => CommandForm::Shell(self.text().word(self.draft.rest.clone())),
        }
    }

    fn at_least_one(&self, words: &[Word]) -> Option<ParseError> {
        words.is_empty().then(|| {
            self.error(
                self.keyword_span(),
                format!("{} requires at least one argument", self.name()),
                None,
            )
        })
    }

    fn exactly_one(
        &self,
        command: impl FnOnce(Word) -> Command,
        check_flags: bool,
    ) -> (Command, Option<ParseError>) {
        if self.draft.rest.is_empty() {
            let message = format!("{} requires exactly one argument", self.name());
            return (
                Command::Invalid,
                Some(self.error(self.keyword_span(), message, None)),
            );
        }
        let flags = if check_flags { self.flags() } else { None };
        (command(self.text().word(self.draft.rest.clone())), flags)
    }

    fn copy(&self) -> (Command, Option<ParseError>) {
        let name = self.name();
        let mut sources = self.words();
        let destination = match (sources.len(), sources.pop()) {
            (2.., Some(destination)) => destination,
            (_, last) => {
                let span = last.map_or_else(|| self.keyword_span(), |w| w.span);
                let message = format!(
                    "{name} requires at least two arguments: destination could not be determined"
                );
                let help = Some("Give the sources first, and the destination last.");
                return (Command::Invalid, Some(self.error(span, message, help)));
            }
        };
        let is_heredoc = |w: &Word| matches!(heredoc::opening(&w.text), Ok(Some(_)));
        let error = self.flags().or_else(|| {
            is_heredoc(&destination).then(|| {
                self.error(
                    destination.span,
                    format!("{name} cannot accept a heredoc as a destination"),
                    Some("Name a file or a folder after the heredoc."),
                )
            })
        });
        let inline = sources.iter().filter(|w| is_heredoc(w)).count();
        sources.retain(|w| !is_heredoc(w));
        let copy = CopyCommand {
            from: self.flag("from").filter(|w| !w.text.is_empty()),
            inline,
            sources,
            destination,
            chown: self.flag("chown"),
            chmod: self.flag("chmod"),
            checksum: self.flag("checksum"),
            link: self.is_set("link"),
            parents: self.is_set("parents"),
            exclude: self.values("exclude"),
        };
        let command = if self.draft.keyword == Keyword::Add {
            Command::Add(copy)
        } else {
            Command::Copy(copy)
        };
        (command, error)
    }

    fn from(&self) -> (Command, Option<ParseError>) {
        let mut words = self.words();
        let named = words.len() == 3 && words[1].text.eq_ignore_ascii_case("as");
        if words.len() != 1 && !named {
            let span = if words.is_empty() {
                self.keyword_span()
            } else {
                self.text().span(self.draft.rest.clone())
            };
            let error = self.error(
                span,
                "FROM requires either one or three arguments".to_owned(),
                Some("Write `FROM image` or `FROM image AS name`."),
            );
            return (Command::Invalid, Some(error));
        }
        let name = if named { words.pop() } else { None };
        let image = words.swap_remove(0);
        let error = name
            .as_ref()
            .filter(|n| !is_stage_name(&n.text))
            .map(|n| {
                self.error(
                    n.span,
                    format!("invalid name for build stage: {:?}", n.text),
                    Some(
                        "A stage's name begins with a letter; digits, `-`, `_` and `.` may follow.",
                    ),
                )
            })
            .or_else(|| self.flags());
        let platform = self.flag("platform").filter(|w| !w.text.is_empty());
        (
            Command::From {
                image,
                platform,
                name,
            },
            error,
        )
    }

    fn run(&self) -> (Command, Option<ParseError>) {
        let error = self
            .flags()
            .or_else(|| self.draft.device_error.clone())
            .or_else(|| self.draft.mounts.iter().find_map(|(_, e)| e.clone()))
            .or_else(|| {
                let network = self.flag("network")?;
                (!matches!(network.text.as_str(), "default" | "none" | "host")).then(|| {
                    self.error(
                        network.span,
                        format!("invalid network mode {:?}", network.text),
                        Some("The network is `default`, `none` or `host`."),
                    )
                })
            });
        let run = RunCommand {
            form: self.form(),
            mounts: self.draft.mounts.iter().map(|(m, _)| m.clone()).collect(),
            network: self.flag("network"),
            security: self.flag("security"),
            devices: self.values("device"),
        };
        (Command::Run(run), error)
    }

    fn shell(&self) -> (Command, Option<ParseError>) {
        if let Some(error) = self.flags() {
            return (Command::Invalid, Some(error));
        }
        match &self.draft.arguments {
            Arguments::Json(_, strings) if !strings.is_empty() => {
                (Command::Shell(strings.clone()), None)
            }
            Arguments::Words(words) if !words.is_empty() => {
                let error = self.error(
                    self.text().span(self.draft.rest.clone()),
                    "SHELL requires the arguments to be in JSON form".to_owned(),
                    Some("Write `SHELL [\"/bin/sh\", \"-c\"]`."),
                );
                (Command::Invalid, Some(error))
            }
            _ => (Command::Invalid, self.at_least_one(&[])),
        }
    }

    fn volume(&self) -> (Command, Option<ParseError>) {
        let words = self.words();
        let error = self
            .at_least_one(&words)
            .or_else(|| self.flags())
            .or_else(|| {
                let empty = words.iter().find(|w| w.text.trim().is_empty())?;
                Some(self.error(
                    empty.span,
                    "a VOLUME can not be an empty string".to_owned(),
                    None,
                ))
            });
        (
            Command::Volume(words.iter().map(words::trim).collect()),
            error,
        )
    }

    fn healthcheck(&self) -> (Command, Option<ParseError>) {
        let (kind, after) = health_parts(self.text(), self.draft.rest.clone());
        if kind.is_empty() {
            return (Command::Invalid, self.at_least_one(&[]));
        }
        let kind_word = self.text().word(kind);
        let (form, empty) = match &self.draft.arguments {
            Arguments::Json(range, strings) => (
                CommandForm::Exec {
                    span: self.text().span(range.clone()),
                    args: strings.clone(),
                },
                strings.is_empty(),
            ),
            _ => (
                CommandForm::Shell(self.text().word(after.clone())),
                after.is_empty(),
            ),
        };
        match kind_word.text.to_uppercase().as_str() {
            "NONE" => {
                let error = (!empty).then(|| {
                    self.error(
                        self.text().span(after),
                        "HEALTHCHECK NONE takes no arguments".to_owned(),
                        None,
                    )
                });
                (Command::Healthcheck(None), error)
            }
            "CMD" => {
                let error = self
                    .flags()
                    .or_else(|| {
                        empty.then(|| {
                            self.error(
                                kind_word.span,
                                "missing command after HEALTHCHECK CMD".to_owned(),
                                None,
                            )
                        })
                    })
                    .or_else(|| self.health_flags());
                (Command::Healthcheck(Some(form)), error)
            }
            _ => {
                let error = self.flags().unwrap_or_else(|| {
                    self.error(
                        kind_word.span,
                        format!("unknown type {:?} in HEALTHCHECK", kind_word.text),
                        Some("Write `HEALTHCHECK CMD …` or `HEALTHCHECK NONE`."),
                    )
                });
                (Command::Invalid, Some(error))
            }
        }
    }

    fn health_flags(&self) -> Option<ParseError> {
        let durations = ["interval", "timeout", "start-period", "start-interval"];
        let bad_duration = durations.iter().find_map(|name| {
            let value = self.flag(name)?;
            let message = duration::refused(name, &value.text)?;
            let help = Some("Durations are written like `30s`, `1m30s` or `500ms`.");
            Some(self.error(value.span, message, help))
        });
        bad_duration.or_else(|| {
            let retries = self.flag("retries")?;
            let message = match retries.text.parse::<i32>() {
                _ if retries.text.is_empty() => return None,
                Ok(n) if n >= 0 => return None,
                Ok(_) => format!("--retries cannot be negative ({})", retries.text),
                Err(_) => format!("--retries is no number: {}", retries.text),
            };
            Some(self.error(retries.span, message, None))
        })
    }

    fn key_values(&self) -> (Command, Option<ParseError>) {
        let Arguments::Quoted(words) = &self.draft.arguments else {
            return (Command::Invalid, None);
        };
        let text = self.text();
        let bytes = text.bytes();
        let mut pairs = Vec::new();
        let first_has_equals = words
            .first()
            .is_some_and(|w| bytes[w.kept.clone()].contains(&b'='));
        if first_has_equals {
            for word in words {
                let equals = word
                    .kept
                    .clone()
                    .find(|i| bytes[*i] == b'=')
                    .unwrap_or(word.kept.end);
                pairs.push(KeyValue {
                    span: text.span(word.range.clone()),
                    key: text.word(word.kept.start..equals),
                    value: text.word((equals + 1).min(word.kept.end)..word.kept.end),
                });
            }
        } else if !words.is_empty() {
            let rest = self.draft.rest.clone();
            let key_end = rest
                .clone()
                .find(|i| is_blank(bytes[*i]))
                .unwrap_or(rest.end);
            let value = (key_end..rest.end)
                .find(|i| !is_blank(bytes[*i]))
                .unwrap_or(rest.end);
            pairs.push(KeyValue {
                span: text.span(rest.clone()),
                key: text.word(rest.start..key_end),
                value: text.word(value..rest.end),
            });
        }
        let name = self.name();
        let error = self.flags().or_else(|| {
            if pairs.is_empty() {
                return self.at_least_one(&[]);
            }
            let blank = pairs.iter().find(|p| p.key.text.is_empty())?;
            Some(self.error(blank.span, format!("{name} names can not be blank"), None))
        });
        let command = if self.draft.keyword == Keyword::Env {
            Command::Env(pairs)
        } else {
            Command::Label(pairs)
        };
        (command, error)
    }

    fn arg(&self) -> (Command, Option<ParseError>) {
        let Arguments::Quoted(words) = &self.draft.arguments else {
            return (Command::Invalid, None);
        };
        if words.is_empty() {
            return (Command::Invalid, self.at_least_one(&[]));
        }
        let text = self.text();
        let bytes = text.bytes();
        let pairs: Vec<ArgPair> = words
            .iter()
            .map(|word| {
                let equals = word.kept.clone().find(|i| bytes[*i] == b'=');
                ArgPair {
                    span: text.span(word.range.clone()),
                    name: text.word(word.kept.start..equals.unwrap_or(word.kept.end)),
                    default: equals.map(|at| text.word(at + 1..word.kept.end)),
                }
            })
            .collect();
        let error = pairs
            .iter()
            .find(|p| p.name.text.is_empty())
            .map(|p| self.error(p.span, "ARG names can not be blank".to_owned(), None));
        (Command::Arg(pairs), error)
    }

    fn unknown(&self) -> ParseError {
        let word = self.text().word(self.draft.keyword_range.clone());
        let help = if word.text.len() <= 20 {
            Keyword::nearest(&word.text).map(|k| format!("Did you mean {}?", k.as_str()))
        } else {
            None
        };
        ParseError {
            span: word.span,
            message: format!("unknown instruction: {}", word.text),
            help,
        }
    }
}

/// Whether the engine takes `name` as a stage's name: a letter, then letters, digits, `-`, `_` and `.`.
fn is_stage_name(name: &str) -> bool {
    let name = name.to_lowercase();
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.'))
}
