//! The lexer: bytes to words, operators and simple commands.

use crate::source::Span;

/// One byte of a script with the bytes of the file that it came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) byte: u8,
    pub(super) span: Span,
}

/// What stands between two commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::checks) enum Joint {
    /// Nothing: the beginning or the end of the script.
    Edge,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `;` or a line ending
    Then,
    /// `|`
    Pipe,
    /// `&`
    Background,
    /// `(` or `)`
    Group,
}

/// A word after its quotes were taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::checks) struct ShellWord {
    /// Where it is, quotes included.
    pub(in crate::checks) span: Span,
    /// What it says. An expansion is left as written.
    pub(in crate::checks) text: String,
    /// Whether the shell would expand a variable, a command or a pattern in it.
    pub(in crate::checks) expands: bool,
    /// Whether any part of it is quoted or escaped.
    pub(in crate::checks) quoted: bool,
}

impl ShellWord {
    /// A word that says exactly `text`.
    pub(super) fn literal(span: Span, text: &str) -> Self {
        Self {
            span,
            text: text.to_owned(),
            expands: false,
            quoted: true,
        }
    }

    /// The name, if the word is an assignment `NAME=VALUE`.
    fn assigned(&self) -> Option<&str> {
        let (name, _) = self.text.split_once('=')?;
        let mut chars = name.chars();
        let first = chars.next()?;
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        ((first.is_ascii_alphabetic() || first == '_') && chars.all(word)).then_some(name)
    }
}

/// A simple command.
#[derive(Debug, Clone)]
pub(in crate::checks) struct ShellCommand {
    /// `NAME=VALUE` before the program.
    pub(in crate::checks) assignments: Vec<ShellWord>,
    /// The program and its arguments, as written; wrappers such as `exec` included.
    pub(in crate::checks) words: Vec<ShellWord>,
    /// What stands before it.
    pub(in crate::checks) before: Joint,
    /// What stands after it.
    pub(in crate::checks) after: Joint,
    /// Whether any input or output is redirected.
    pub(in crate::checks) redirected: bool,
    /// Whether it stands at the top of the script, and not in a subshell, a loop or another script.
    pub(in crate::checks) plain: bool,
    /// Index in `words` of the program itself.
    program: usize,
}

impl ShellCommand {
    /// A command of these words; `None` of no words.
    pub(super) fn of_words(words: Vec<ShellWord>) -> Option<Self> {
        if words.is_empty() {
            return None;
        }
        let program = program_index(&words);
        Some(Self {
            assignments: Vec::new(),
            words,
            before: Joint::Edge,
            after: Joint::Edge,
            redirected: false,
            plain: true,
            program,
        })
    }

    /// The program's name without its directory; empty for a line of assignments alone.
    pub(in crate::checks) fn program(&self) -> &str {
        self.words
            .get(self.program)
            .map_or("", |w| w.text.rsplit('/').next().unwrap_or(w.text.as_str()))
    }

    /// The words after the program.
    pub(in crate::checks) fn args(&self) -> &[ShellWord] {
        self.words.get(self.program + 1..).unwrap_or_default()
    }

    /// Whether some argument is exactly `word`.
    pub(in crate::checks) fn has_arg(&self, word: &str) -> bool {
        self.args().iter().any(|a| a.text == word)
    }

    /// From the first assignment or word to the last word.
    pub(in crate::checks) fn span(&self) -> Span {
        let mut all = self.assignments.iter().chain(&self.words).map(|w| w.span);
        let first = all.next().unwrap_or(Span::at(0));
        all.fold(first, Span::to)
    }

    /// Assignments that are in force for the program: those before it and those of `env`.
    pub(in crate::checks) fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        let wrapped = self.words[..self.program.min(self.words.len())].iter();
        self.assignments
            .iter()
            .chain(wrapped)
            .filter(|w| w.assigned().is_some())
            .filter_map(|w| w.text.split_once('='))
    }
}

/// Programs that start another one, given as their arguments, with those of their options whose value is a word of its
/// own, and how many words come before the program.
const WRAPPERS: &[(&str, &[&str], usize)] = &[
    ("sudo", &["-u", "--user", "-g", "--group"], 0),
    ("env", &["-u", "--unset", "-C", "--chdir"], 0),
    ("exec", &["-a"], 0),
    ("time", &["-f", "-o"], 0),
    ("nice", &["-n", "--adjustment"], 0),
    ("timeout", &["-k", "--kill-after", "-s", "--signal"], 1),
    ("su-exec", &[], 1),
    ("gosu", &[], 1),
    ("command", &[], 0),
    ("nohup", &[], 0),
    ("tini", &[], 0),
    ("corepack", &[], 0),
];

fn program_index(words: &[ShellWord]) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let name = word.text.rsplit('/').next().unwrap_or_default();
        let Some((_, with_value, before)) = WRAPPERS.iter().find(|(w, ..)| *w == name) else {
            break;
        };
        let mut next = at + 1;
        while let Some(word) = words.get(next) {
            if with_value.contains(&word.text.as_str()) {
                next += 1;
            } else if !word.text.starts_with('-') && word.assigned().is_none() {
                break;
            }
            next += 1;
        }
        next += before;
        if next >= words.len() {
            break;
        }
        at = next;
    }
    at
}

enum Token {
    Word(ShellWord),
    Joint(Joint),
    Redirect { heredoc: bool, strip_tabs: bool },
}

/// Splits a script into its simple commands.
pub(super) fn split(text: &[Piece]) -> Vec<ShellCommand> {
    let mut lexer = Lexer {
        text,
        at: 0,
        heredocs: Vec::new(),
    };
    let mut out: Vec<ShellCommand> = Vec::new();
    let mut words = Vec::new();
    let mut depth = 0_usize;
    let mut before = Joint::Edge;
    let mut redirected = false;
    let mut close = |words: &mut Vec<ShellWord>,
                     redirected: &mut bool,
                     before: Joint,
                     after: Joint,
                     depth: &mut usize| {
        let inner = *depth > 0;
        let opened = reserved(words, depth);
        if let Some(mut command) = command_of(std::mem::take(words)) {
            command.before = before;
            command.after = after;
            command.redirected = *redirected;
            command.plain = !inner && !opened;
            out.push(command);
        }
        *redirected = false;
    };
    while let Some(token) = lexer.next() {
        match token {
            Token::Word(word) => words.push(word),
            Token::Redirect {
                heredoc,
                strip_tabs,
            } => {
                redirected = true;
                if let Some(Token::Word(target)) = lexer.next_on_line()
                    && heredoc
                {
                    lexer.heredocs.push((target.text, strip_tabs));
                }
            }
            Token::Joint(joint) => {
                let empty = words.is_empty();
                close(&mut words, &mut redirected, before, joint, &mut depth);
                // An operator right after another adds nothing: `&& \n`, `;;`.
                if !empty || joint == Joint::Group {
                    before = joint;
                }
            }
        }
    }
    close(&mut words, &mut redirected, before, Joint::Edge, &mut depth);
    out
}

/// Drops reserved words before a command, and says whether there were any.
fn reserved(words: &mut Vec<ShellWord>, depth: &mut usize) -> bool {
    let mut any = false;
    while let Some(first) = words.first() {
        if first.quoted {
            break;
        }
        match first.text.as_str() {
            "if" | "while" | "until" | "{" => *depth += 1,
            "fi" | "done" | "}" | "esac" => *depth = depth.saturating_sub(1),
            "then" | "elif" | "else" | "do" | "!" => {}
            "for" | "case" => {
                *depth += 1;
                words.clear();
                return true;
            }
            _ => break,
        }
        words.remove(0);
        any = true;
    }
    any
}

fn command_of(mut words: Vec<ShellWord>) -> Option<ShellCommand> {
    let count = words.iter().take_while(|w| w.assigned().is_some()).count();
    let rest = words.split_off(count);
    let assignments = words;
    match ShellCommand::of_words(rest) {
        Some(command) => Some(ShellCommand {
            assignments,
            ..command
        }),
        None if assignments.is_empty() => None,
        None => Some(ShellCommand {
            assignments,
            words: Vec::new(),
            before: Joint::Edge,
            after: Joint::Edge,
            redirected: false,
            plain: true,
            program: 0,
        }),
    }
}

struct Lexer<'a> {
    text: &'a [Piece],
    at: usize,
    /// Heredocs whose bodies begin after this line: their marker, and whether tabs before it do not count.
    heredocs: Vec<(String, bool)>,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).map(|p| p.byte)
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.peek(0) {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.peek(1) == Some(b'\n') => self.at += 2,
                Some(b'#') => {
                    while self.peek(0).is_some_and(|b| b != b'\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn next_on_line(&mut self) -> Option<Token> {
        self.skip_blanks();
        match self.peek(0)? {
            b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>' => None,
            _ => Some(Token::Word(self.word())),
        }
    }

    fn next(&mut self) -> Option<Token> {
        self.skip_blanks();
        let first = self.peek(0)?;
        let two = self.peek(1);
        let (joint, length) = match (first, two) {
            (b'\n', _) => {
                self.at += 1;
                self.skip_heredocs();
                return Some(Token::Joint(Joint::Then));
            }
            (b'&', Some(b'&')) => (Joint::And, 2),
            (b'&', Some(b'>')) => return Some(self.redirect(1)),
            (b'&', _) => (Joint::Background, 1),
            (b'|', Some(b'|')) => (Joint::Or, 2),
            (b'|', Some(b'&')) => (Joint::Pipe, 2),
            (b'|', _) => (Joint::Pipe, 1),
            (b';', Some(b';')) => (Joint::Then, 2),
            (b';', _) => (Joint::Then, 1),
            (b'(' | b')', _) => (Joint::Group, 1),
            (b'<' | b'>', _) => return Some(self.redirect(0)),
            (b'0'..=b'9', Some(b'<' | b'>')) => return Some(self.redirect(1)),
            _ => return Some(Token::Word(self.word())),
        };
        self.at += length;
        Some(Token::Joint(joint))
    }

    /// The operator of a redirection, `skip` bytes of it already known.
    fn redirect(&mut self, skip: usize) -> Token {
        self.at += skip;
        let start = self.at;
        while matches!(self.peek(0), Some(b'<' | b'>' | b'&' | b'|')) && self.at < start + 3 {
            self.at += 1;
        }
        let operator: Vec<u8> = self.text[start..self.at].iter().map(|p| p.byte).collect();
        let heredoc = operator == b"<<";
        let strip_tabs = heredoc && self.peek(0) == Some(b'-');
        if strip_tabs {
            self.at += 1;
        }
        Token::Redirect {
            heredoc,
            strip_tabs,
        }
    }

    fn skip_heredocs(&mut self) {
        for (marker, strip_tabs) in std::mem::take(&mut self.heredocs) {
            while self.at < self.text.len() {
                let rest = &self.text[self.at..];
                let length = rest
                    .iter()
                    .position(|p| p.byte == b'\n')
                    .unwrap_or(rest.len());
                let line: Vec<u8> = rest[..length].iter().map(|p| p.byte).collect();
                self.at += (length + 1).min(rest.len());
                let line = String::from_utf8_lossy(&line);
                let line = line.trim_end_matches('\r');
                let line = if strip_tabs {
                    line.trim_start_matches('\t')
                } else {
                    line
                };
                if line == marker {
                    break;
                }
            }
        }
    }

    fn word(&mut self) -> ShellWord {
        let start = self.at;
        let mut text = Vec::new();
        let mut expands = false;
        let mut quoted = false;
        while let Some(byte) = self.peek(0) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>' => {
                    break;
                }
                b'\\' => {
                    self.at += 1;
                    match self.peek(0) {
                        Some(b'\n') => self.at += 1,
                        Some(next) => {
                            quoted = true;
                            text.push(next);
                            self.at += 1;
                        }
                        None => text.push(b'\\'),
                    }
                }
                b'\'' => {
                    quoted = true;
                    self.at += 1;
                    while let Some(b) = self.peek(0) {
                        self.at += 1;
                        if b == b'\'' {
                            break;
                        }
                        text.push(b);
                    }
                }
                b'"' => {
                    quoted = true;
                    self.at += 1;
                    expands |= self.double_quoted(&mut text);
                }
                b'$' | b'`' => {
                    expands |= self.expansion(&mut text);
                }
                b'*' | b'?' | b'[' => {
                    // A pattern; `[` alone is a program.
                    expands |= byte != b'[' || self.at > start;
                    text.push(byte);
                    self.at += 1;
                }
                b'~' if self.at == start => {
                    expands = true;
                    text.push(byte);
                    self.at += 1;
                }
                _ => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
        let first = self.text[start].span;
        let last = self.text[(self.at - 1).max(start)].span;
        ShellWord {
            span: first.to(last),
            text: String::from_utf8_lossy(&text).into_owned(),
            expands,
            quoted,
        }
    }

    /// The inside of double quotes, up to and with the closing one; whether something in it is expanded.
    fn double_quoted(&mut self, text: &mut Vec<u8>) -> bool {
        let mut expands = false;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'"' => {
                    self.at += 1;
                    break;
                }
                b'\\' if matches!(self.peek(1), Some(b'"' | b'\\' | b'$' | b'`')) => {
                    text.extend(self.peek(1));
                    self.at += 2;
                }
                b'\\' if self.peek(1) == Some(b'\n') => self.at += 2,
                b'$' | b'`' => expands |= self.expansion(text),
                _ => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
        expands
    }

    /// `$NAME`, `${…}`, `$(…)` or a command in backticks, kept as written; whether it is one.
    fn expansion(&mut self, text: &mut Vec<u8>) -> bool {
        let start = self.at;
        let end = match (self.peek(0), self.peek(1)) {
            (Some(b'`'), _) => self.closing(self.at + 1, b'`', b'`'),
            (_, Some(b'(')) => self.closing(self.at + 2, b'(', b')'),
            (_, Some(b'{')) => self.closing(self.at + 2, b'{', b'}'),
            (_, Some(b)) if b.is_ascii_alphanumeric() || b"_@*#?$!-".contains(&b) => self.at + 2,
            _ => {
                text.extend(self.peek(0));
                self.at += 1;
                return false;
            }
        };
        self.at = end.min(self.text.len());
        text.extend(self.text[start..self.at].iter().map(|p| p.byte));
        true
    }

    /// One past the byte that closes what is open at `from`.
    fn closing(&self, from: usize, open: u8, close: u8) -> usize {
        let mut depth = 1;
        let mut at = from;
        let mut quote = None;
        while let Some(piece) = self.text.get(at) {
            match (quote, piece.byte) {
                (Some(q), b) if b == q => quote = None,
                (Some(_), _) => {}
                (None, b'\\') => at += 1,
                (None, b) if b == close => {
                    depth -= 1;
                    if depth == 0 {
                        return at + 1;
                    }
                }
                (None, b) if b == open => depth += 1,
                (None, b @ (b'\'' | b'"')) => quote = Some(b),
                _ => {}
            }
            at += 1;
        }
        at
    }
}
