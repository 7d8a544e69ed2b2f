//! The whole file: directives, instructions in order, and the tokens that give every byte back.

use super::scan::{self, Aside, BOM, Lines, Logical};
use super::text::leading_space;
use super::tree::{
    Command, Directive, Dockerfile, Heredoc, Instruction, Keyword, Token, TokenKind, Word,
};
use super::{ParseError, check_options, heredoc, instruction};
use crate::source::{Source, Span};

/// Reads a Dockerfile. It never fails: what the engine refuses is in [`Dockerfile::errors`].
#[must_use]
pub fn parse(source: Source) -> Dockerfile {
    let mut parser = Parser {
        source: &source,
        escape: b'\\',
        marks: Vec::new(),
        directives: Vec::new(),
        instructions: Vec::new(),
        early: Vec::new(),
        late: Vec::new(),
    };
    parser.file();
    let Parser {
        escape,
        marks,
        directives,
        instructions,
        mut early,
        late,
        ..
    } = parser;
    early.extend(late.into_iter().map(|(_, error)| error));
    let tokens = tokens(source.bytes(), marks);
    Dockerfile {
        tokens,
        directives,
        escape: char::from(escape),
        instructions,
        errors: early,
        source,
    }
}

struct Parser<'a> {
    source: &'a Source,
    escape: u8,
    marks: Vec<Token>,
    directives: Vec<Directive>,
    instructions: Vec<Instruction>,
    /// What ends the engine's reading of lines.
    early: Vec<ParseError>,
    /// What the engine refuses when all lines are read.
    /// With the index of the instruction.
    late: Vec<(usize, ParseError)>,
}

impl Parser<'_> {
    fn file(&mut self) {
        let bytes = self.source.bytes();
        if bytes.is_empty() {
            self.early.push(ParseError {
                span: Span::at(0),
                message: "the Dockerfile cannot be empty".to_owned(),
                help: Some("A Dockerfile begins with `FROM image`.".to_owned()),
            });
            return;
        }
        if let Some(error) = check_options::refused(bytes) {
            self.early.push(error);
        }
        let mut lines = Lines::new(bytes);
        let mut directives_done = false;
        let mut any = false;
        while let Some(line) = lines.next() {
            let body = &bytes[line.body.range()];
            let start = line.body.start + leading_space(body);
            let trimmed = Span::new(start, line.body.end);
            if !directives_done {
                directives_done = !self.directive(trimmed);
                if !directives_done {
                    continue;
                }
            }
            if scan::is_comment(body) {
                self.mark(trimmed, TokenKind::Comment);
                continue;
            }
            if trimmed.is_empty() {
                continue;
            }
            any = true;
            let logical = scan::logical(&mut lines, line, self.escape);
            self.instruction(logical, &mut lines);
        }
        if !any {
            self.early.push(ParseError {
                span: Span::at(bytes.len()),
                message: "file with no instructions".to_owned(),
                help: Some("A Dockerfile begins with `FROM image`.".to_owned()),
            });
        }
        if let Some(span) = lines.too_long {
            self.early.push(ParseError {
                span: Span::new(span.start, span.start),
                message: format!(
                    "dockerfile line greater than max allowed size of {}",
                    scan::MAX_LINE
                ),
                help: Some("Break the line with a continuation.".to_owned()),
            });
        }
        if self.early.is_empty() {
            self.stages();
        }
    }

    fn mark(&mut self, span: Span, kind: TokenKind) {
        if !span.is_empty() {
            self.marks.push(Token { span, kind });
        }
    }

    /// Reads a line as a directive; false where it is none, and no later line can be one.
    fn directive(&mut self, line: Span) -> bool {
        let bytes = self.source.slice(line);
        let Some((name, value)) = directive_parts(bytes) else {
            return false;
        };
        let value = Span::new(line.start + value.start, line.start + value.end);
        let span = Span::new(line.start, value.end);
        self.mark(span, TokenKind::Directive);
        let directive = Directive {
            span,
            name,
            value: Word {
                span: value,
                text: self.source.snippet(value),
            },
        };
        if self.directives.iter().any(|d| d.name == directive.name) {
            self.early.push(ParseError {
                span,
                message: format!("only one {} parser directive can be used", directive.name),
                help: Some("Remove one of them.".to_owned()),
            });
        } else if directive.name == "escape" {
            match directive.value.text.as_str() {
                "\\" => self.escape = b'\\',
                "`" => self.escape = b'`',
                other => self.early.push(ParseError {
                    span: value,
                    message: format!("invalid escape token '{other}' does not match ` or \\"),
                    help: None,
                }),
            }
        }
        self.directives.push(directive);
        true
    }

    fn instruction(&mut self, logical: Logical, lines: &mut Lines<'_>) {
        let escape = char::from(self.escape);
        let Logical { text, span, asides } = logical;
        for aside in asides {
            match aside {
                Aside::Continuation(span) => self.mark(span, TokenKind::Continuation),
                Aside::Comment(span) => {
                    let start = span.start + leading_space(self.source.slice(span));
                    self.mark(Span::new(start, span.end), TokenKind::Comment);
                }
            }
        }
        let draft = instruction::Draft::new(text, escape);
        self.mark_text(&draft);
        let mut end = span.end;
        if let Some(error) = draft.refused() {
            self.early.push(error.clone());
        }
        let mut heredocs = Vec::new();
        if draft.may_open_heredocs() {
            match instruction::openings(&draft) {
                Ok(openings) => {
                    for (open, opening) in openings {
                        let heredoc = self.heredoc(lines, open, opening);
                        end = heredoc.end.end.max(heredoc.body.end);
                        heredocs.push(heredoc);
                    }
                }
                Err(error) => self.early.push(ParseError {
                    span: draft.text.whole(),
                    message: format!("heredoc cannot be read: {error}"),
                    help: None,
                }),
            }
        }
        let (mut instruction, error) = draft.finish(end, heredocs, escape);
        instruction.first_line = self.source.position(span.start).line;
        if let Command::Onbuild(kept) = &mut instruction.command {
            kept.first_line = instruction.first_line;
        }
        let index = self.instructions.len();
        self.late.extend(error.map(|e| (index, e)));
        self.instructions.push(instruction);
    }

    fn heredoc(&mut self, lines: &mut Lines<'_>, open: Word, opening: heredoc::Opening) -> Heredoc {
        let (heredoc, terminated) = heredoc::read(self.source, lines, open, opening);
        self.mark(heredoc.body, TokenKind::HeredocBody);
        self.mark(heredoc.end, TokenKind::HeredocEnd);
        if !terminated {
            self.early.push(ParseError {
                span: heredoc.open.span,
                message: "unterminated heredoc".to_owned(),
                help: Some(format!(
                    "End it with a line that holds `{}` and nothing else.",
                    heredoc.name
                )),
            });
        }
        heredoc
    }

    /// Tokens for the keyword, the flags and the words of an instruction's text.
    fn mark_text(&mut self, draft: &instruction::Draft) {
        let mut parts = vec![(draft.keyword_range.clone(), TokenKind::Keyword)];
        let mut rest = draft.rest.start..draft.text.len();
        parts.extend(
            draft
                .flag_ranges
                .iter()
                .map(|r| (r.clone(), TokenKind::Flag)),
        );
        if let Some(inner) = &draft.inner {
            parts.push((inner.keyword_range.clone(), TokenKind::Keyword));
            parts.extend(
                inner
                    .flag_ranges
                    .iter()
                    .map(|r| (r.clone(), TokenKind::Flag)),
            );
            rest = inner.rest.start..draft.text.len();
        }
        for (range, kind) in parts {
            for piece in draft.text.part(range).pieces() {
                self.mark(piece, kind);
            }
        }
        for piece in draft.text.part(rest).pieces() {
            split(self.source.bytes(), piece, TokenKind::Word, &mut self.marks);
        }
    }

    /// What the engine refuses about the order of instructions.
    fn stages(&mut self) {
        let is_from = |i: &Instruction| i.keyword == Keyword::From;
        let first_from = self.instructions.iter().position(is_from);
        let before = &self.instructions[..first_from.unwrap_or(self.instructions.len())];
        let misplaced = before.iter().position(|i| i.keyword != Keyword::Arg);
        if let Some(index) = misplaced {
            let instruction = &before[index];
            let error = ParseError {
                span: instruction.keyword_word.span,
                message: format!(
                    "no build stage in current context: {} stands before the first FROM",
                    instruction.keyword_word.text
                ),
                help: Some("Only ARG may stand before the first FROM.".to_owned()),
            };
            let place = self.late.partition_point(|(i, _)| *i <= index);
            self.late.insert(place, (index, error));
        } else if first_from.is_none() && self.late.is_empty() {
            let error = ParseError {
                span: Span::at(self.source.bytes().len()),
                message: "dockerfile contains no stages to build".to_owned(),
                help: Some("Add `FROM image`.".to_owned()),
            };
            self.late.push((self.instructions.len(), error));
        }
    }
}

/// A directive's name in lower case and the place of its value, if `line` is one.
pub(crate) fn directive_parts(line: &[u8]) -> Option<(String, std::ops::Range<usize>)> {
    let is_space = |b: &u8| matches!(b, b'\t' | b'\n' | 0x0C | b'\r' | b' ');
    let mut at = 1;
    line.strip_prefix(b"#")?;
    at += leading_space(&line[at..]);
    let name_start = at;
    while line.get(at).is_some_and(u8::is_ascii_alphanumeric) {
        at += 1;
    }
    let name = line.get(name_start..at)?;
    if !name.first()?.is_ascii_alphabetic() {
        return None;
    }
    while line.get(at).is_some_and(is_space) {
        at += 1;
    }
    if line.get(at) != Some(&b'=') {
        return None;
    }
    at += 1;
    let tail = &line[at..];
    let value_start = at + tail.iter().take_while(|b| is_space(b)).count();
    let value_end = at + tail.iter().rposition(|b| !is_space(b))? + 1;
    let name = String::from_utf8_lossy(name).to_lowercase();
    matches!(name.as_str(), "syntax" | "escape" | "check").then_some((name, value_start..value_end))
}

/// Fills the gaps between the marks, so that every byte is in exactly one token.
fn tokens(bytes: &[u8], mut marks: Vec<Token>) -> Vec<Token> {
    marks.sort_by_key(|t| (t.span.start, t.span.end));
    let mut tokens = Vec::with_capacity(marks.len() * 2);
    let mut at = 0;
    if bytes.starts_with(BOM) {
        at = BOM.len();
        tokens.push(Token {
            span: Span::new(0, at),
            kind: TokenKind::Bom,
        });
    }
    for mark in marks {
        let span = Span::new(mark.span.start.max(at), mark.span.end);
        if span.is_empty() {
            continue;
        }
        split(
            bytes,
            Span::new(at, span.start),
            TokenKind::Word,
            &mut tokens,
        );
        tokens.push(Token { span, ..mark });
        at = span.end;
    }
    split(
        bytes,
        Span::new(at, bytes.len()),
        TokenKind::Word,
        &mut tokens,
    );
    tokens
}

/// Cuts `span` into line endings, white space and runs of anything else, which become tokens of `kind`.
fn split(bytes: &[u8], span: Span, kind: TokenKind, tokens: &mut Vec<Token>) {
    let class = |at: usize| -> (TokenKind, usize) {
        let rest = &bytes[at..span.end];
        let returns = rest.iter().take_while(|b| **b == b'\r').count();
        if rest.get(returns) == Some(&b'\n') {
            return (TokenKind::Newline, returns + 1);
        }
        if returns > 0 {
            return (TokenKind::Space, returns);
        }
        let (c, width) = super::text::first_char(rest);
        let class = if c.is_whitespace() {
            TokenKind::Space
        } else {
            kind
        };
        (class, width)
    };
    let mut at = span.start;
    while at < span.end {
        let (found, width) = class(at);
        let mut end = at + width;
        while found != TokenKind::Newline && end < span.end {
            let (next, width) = class(end);
            if next != found {
                break;
            }
            end += width;
        }
        tokens.push(Token {
            span: Span::new(at, end),
            kind: found,
        });
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::Text;
    use super::*;

    #[test]
    fn a_text_knows_its_pieces() {
        let mut text = Text::at(3);
        text.push(3, b"ab");
        text.push(9, b"c");
        assert_eq!(text.span(0..3), Span::new(3, 10));
        assert_eq!(text.part(1..3).pieces().count(), 2);
    }
}
