//! One logical line into an instruction: keyword, flags, and the command in its typed form.

use std::ops::Range;

use super::text::{Text, is_blank, lossy, trimmed};
use super::tree::{Command, Flag, Heredoc, Instruction, Keyword, Mount};
use super::{ParseError, command, flags, heredoc, json, mount, words};

/// A logical line taken apart, before its heredocs are known.
pub(crate) struct Draft {
    pub(crate) text: Text,
    pub(crate) keyword: Keyword,
    pub(crate) keyword_range: Range<usize>,
    pub(crate) flag_ranges: Vec<Range<usize>>,
    pub(crate) flags: Vec<Flag>,
    pub(crate) mounts: Vec<(Mount, Option<ParseError>)>,
    /// What is wrong with `--device` flags.
    pub(crate) device_error: Option<ParseError>,
    pub(crate) rest: Range<usize>,
    /// The arguments as the engine's line parser reads them.
    pub(crate) arguments: Arguments,
    /// For `ONBUILD`: the instruction that it keeps.
    pub(crate) inner: Option<Box<Draft>>,
}

/// An instruction's arguments by the shape that its line parser gives them.
pub(crate) enum Arguments {
    /// Words between blanks, or one line.
    Words(Vec<Range<usize>>),
    /// A JSON array of strings.
    Json(Range<usize>, Vec<super::Word>),
    /// Words with quotes.
    Quoted(Vec<words::QuotedWord>),
    /// The line parser refuses the line, which ends the engine's reading.
    Refused(ParseError),
}

impl Draft {
    pub(crate) fn new(text: Text, escape: char) -> Self {
        let whole = trimmed(text.bytes(), 0..text.len());
        Self::part(text, whole, escape, true)
    }

    fn part(text: Text, whole: Range<usize>, escape: char, outermost: bool) -> Self {
        let bytes = text.bytes();
        let keyword_end = whole
            .clone()
            .find(|i| is_blank(bytes[*i]))
            .unwrap_or(whole.end);
        let mut after = keyword_end;
        while after < whole.end && is_blank(bytes[after]) {
            after += 1;
        }
        let keyword = Keyword::parse(&lossy(&bytes[whole.start..keyword_end]));
        let (found, rest) = words::flags(&text, after..whole.end);
        let rest = trimmed(bytes, rest);
        let mut flag_ranges = Vec::new();
        let mut flag_list = Vec::new();
        let mut mounts = Vec::new();
        let mut device_error = None;
        for (range, flag_text) in found {
            let flag = flags::flag(&flag_text, text.span(range.clone()));
            if keyword == Keyword::Run && flag.name.text == "mount" {
                mounts.push(mount::read(&flag_text, flag.span));
            }
            if keyword == Keyword::Run && flag.name.text == "device" && device_error.is_none() {
                device_error = mount::device_refused(&flag_text, flag.span);
            }
            flag_ranges.push(range);
            flag_list.push(flag);
        }
        let mut inner = None;
        let arguments = match keyword {
            Keyword::Onbuild if outermost && !rest.is_empty() => {
                inner = Some(Box::new(Self::part(
                    text.clone(),
                    rest.clone(),
                    escape,
                    false,
                )));
                Arguments::Words(Vec::new())
            }
            _ => arguments(&text, keyword, rest.clone(), escape),
        };
        Self {
            text,
            keyword,
            keyword_range: whole.start..keyword_end,
            flag_ranges,
            flags: flag_list,
            mounts,
            device_error,
            rest,
            arguments,
            inner,
        }
    }

    /// The error that ends the engine's reading of the file at this line.
    pub(crate) fn refused(&self) -> Option<&ParseError> {
        match &self.arguments {
            Arguments::Refused(error) => Some(error),
            _ => self.inner.as_ref().and_then(|inner| inner.refused()),
        }
    }

    /// Whether the engine looks for heredocs in this line.
    pub(crate) fn may_open_heredocs(&self) -> bool {
        let draft = self.inner.as_deref().unwrap_or(self);
        matches!(draft.keyword, Keyword::Add | Keyword::Copy | Keyword::Run)
            && !matches!(draft.arguments, Arguments::Json(..))
            && draft.text.bytes().windows(2).any(|w| w == b"<<")
    }

    /// The finished instruction, and what the engine refuses about it once the whole file is read.
    pub(crate) fn finish(
        self,
        end: usize,
        heredocs: Vec<Heredoc>,
        escape: char,
    ) -> (Instruction, Option<ParseError>) {
        let (typed, error) = if self.keyword == Keyword::Onbuild {
            self.onbuild(end, &heredocs, escape)
        } else {
            command::typed(&self)
        };
        let span = self.text.span(self.keyword_range.start..self.text.len());
        let instruction = Instruction {
            span: crate::source::Span::new(span.start, end.max(span.end)),
            first_line: 0,
            keyword: self.keyword,
            keyword_word: self.text.word(self.keyword_range.clone()),
            rest: self.text.word(self.rest.clone()),
            flags: self.flags,
            heredocs,
            command: typed,
            kept_error: None,
        };
        (instruction, error)
    }

    fn onbuild(
        &self,
        end: usize,
        heredocs: &[Heredoc],
        escape: char,
    ) -> (Command, Option<ParseError>) {
        let error = |message: String, help: &str| {
            Some(ParseError {
                span: self.text.span(self.keyword_range.start..self.text.len()),
                message,
                help: Some(help.to_owned()),
            })
        };
        let Some(inner) = &self.inner else {
            let error = error(
                "ONBUILD requires at least one argument".to_owned(),
                "Write the instruction to keep after ONBUILD.",
            );
            return (Command::Invalid, error);
        };
        let refused = flags::check(Keyword::Onbuild, &self.flags).or_else(|| match inner.keyword {
            Keyword::Onbuild => error(
                "chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed".to_owned(),
                "Keep one ONBUILD.",
            ),
            k @ (Keyword::From | Keyword::Maintainer) => error(
                format!("{} isn't allowed as an ONBUILD trigger", k.as_str()),
                "Keep another instruction for the images built from this one.",
            ),
            _ => None,
        });
        let again = Self::part(inner.text.clone(), self.rest.clone(), escape, false);
        // What is wrong with the kept instruction itself only shows in a stage that is built from this one.
        let (mut kept, error) = again.finish(end, heredocs.to_vec(), escape);
        kept.kept_error = error;
        (Command::Onbuild(Box::new(kept)), refused)
    }
}

fn arguments(text: &Text, keyword: Keyword, rest: Range<usize>, escape: char) -> Arguments {
    let blank_separated = || Arguments::Words(words::blank_separated(text, rest.clone()));
    let line = || {
        Arguments::Words(if rest.is_empty() {
            Vec::new()
        } else {
            vec![rest.clone()]
        })
    };
    let maybe_json =
        |range: Range<usize>, otherwise: &dyn Fn() -> Arguments| match json::array(text, range) {
            json::Array::Strings(range, strings) => Arguments::Json(range, strings),
            json::Array::No => otherwise(),
            json::Array::NotStrings(range) => Arguments::Refused(ParseError {
                span: text.span(range),
                message: "when using JSON array syntax, arrays must be comprised of strings only"
                    .to_owned(),
                help: Some("Put the value in double quotes.".to_owned()),
            }),
        };
    match keyword {
        Keyword::Add | Keyword::Copy | Keyword::Volume => {
            maybe_json(rest.clone(), &blank_separated)
        }
        Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Shell => {
            maybe_json(rest.clone(), &line)
        }
        Keyword::From | Keyword::Expose => blank_separated(),
        Keyword::Healthcheck => {
            let (_, after) = command::health_parts(text, rest.clone());
            maybe_json(after, &line)
        }
        Keyword::Env | Keyword::Label => {
            let words = words::quoted(text, rest.clone(), escape);
            command::key_values_refused(text, keyword, &rest, &words)
                .map_or(Arguments::Quoted(words), Arguments::Refused)
        }
        Keyword::Arg => Arguments::Quoted(words::quoted(text, rest.clone(), escape)),
        _ => line(),
    }
}

/// The heredocs that a draft's line opens.
pub(crate) fn openings(
    draft: &Draft,
) -> Result<Vec<(super::Word, heredoc::Opening)>, super::expand::ExpandError> {
    heredoc::openings(&draft.text)
}
