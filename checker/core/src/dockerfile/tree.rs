//! The tree that the parser makes: every node has the span of the bytes it was made from.

use crate::source::{Source, Span};

/// A parsed Dockerfile.
#[derive(Debug, Clone)]
pub struct Dockerfile {
    /// The file itself.
    pub source: Source,
    /// Every byte of the file in order: concatenating the tokens' bytes gives the file back.
    pub tokens: Vec<Token>,
    /// Parser directives at the top (`# syntax=`, `# escape=`, `# check=`).
    pub directives: Vec<Directive>,
    /// The escape character in force: `\` or a backtick.
    pub escape: char,
    /// The instructions in the order of the file. Kept even where there are errors, as far as they could be read.
    pub instructions: Vec<Instruction>,
    /// What BuildKit refuses, the first being the one it would report. Empty when BuildKit accepts the file.
    pub errors: Vec<ParseError>,
}

/// Why BuildKit refuses a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The exact words at fault, or the line if there are none.
    pub span: Span,
    /// What is wrong, as a lower-case fragment that names the thing.
    pub message: String,
    /// What to do about it: one sentence.
    pub help: Option<String>,
}

/// One piece of the file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Where it is.
    pub span: Span,
    /// What it is.
    pub kind: TokenKind,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// The UTF-8 byte order mark.
    Bom,
    /// A parser directive's line.
    Directive,
    /// A comment, without its line ending.
    Comment,
    /// Spaces and tabs.
    Space,
    /// A line ending.
    Newline,
    /// An escape character at a line's end with that line ending: the instruction goes on.
    Continuation,
    /// An instruction's keyword.
    Keyword,
    /// A flag, such as `--from=builder`.
    Flag,
    /// Any other word of an instruction.
    Word,
    /// A heredoc's lines, the end marker not included.
    HeredocBody,
    /// The line that ends a heredoc.
    HeredocEnd,
}

/// A parser directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// The whole line without its ending.
    pub span: Span,
    /// Lower-case name: `syntax`, `escape` or `check`.
    pub name: String,
    /// Its value.
    pub value: Word,
}

/// Some text of the file.
///
/// `text` is the word as the parser sees it before expansion: continuations, and comments between them, are gone;
/// quotes and variables are still there. Without a continuation it equals the bytes under `span`; inside a JSON form
/// it is the decoded string.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Word {
    /// Where it is.
    pub span: Span,
    /// What it says.
    pub text: String,
}

/// An instruction's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the instruction of that name")]
pub enum Keyword {
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
    /// A word that is no instruction; there is an error for it.
    Unknown,
}

/// One instruction with everything that belongs to it.
#[derive(Debug, Clone)]
pub struct Instruction {
    /// From the keyword to the last byte before the final line ending; heredoc bodies included.
    pub span: Span,
    /// The line, from 1, on which the instruction begins for the engine. The keyword stands on it too, unless lines
    /// that hold nothing but an escape character come before it.
    pub first_line: usize,
    /// Which instruction.
    pub keyword: Keyword,
    /// The keyword as written.
    pub keyword_word: Word,
    /// All flags in order, known or not.
    pub flags: Vec<Flag>,
    /// All that follows the flags, without heredoc bodies, as one piece of text.
    pub rest: Word,
    /// Heredocs that the instruction opens, in order.
    pub heredocs: Vec<Heredoc>,
    /// What it means.
    pub command: Command,
    /// For an instruction that `ONBUILD` keeps: what the engine refuses about it where a stage is built from this
    /// one. For all others that is in [`Dockerfile::errors`].
    pub kept_error: Option<ParseError>,
}

impl Keyword {
    /// Whether the instruction neither makes a file nor changes how a later instruction runs: it says how a container
    /// starts, or what people should know of it.
    #[must_use]
    pub fn is_about_the_start(self) -> bool {
        matches!(
            self,
            Self::Cmd
                | Self::Entrypoint
                | Self::Expose
                | Self::Healthcheck
                | Self::Label
                | Self::Stopsignal
        )
    }
}

impl Instruction {
    /// How a `CMD` or `ENTRYPOINT` is written; `None` for all other instructions.
    #[must_use]
    pub fn start_form(&self) -> Option<&CommandForm> {
        match &self.command {
            Command::Cmd(form) | Command::Entrypoint(form) => Some(form),
            _ => None,
        }
    }
}

/// A flag such as `--mount=type=cache,target=/root/.npm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// From the dashes to the last byte of the value.
    pub span: Span,
    /// The name without dashes.
    pub name: Word,
    /// What follows `=`, if there is one.
    pub value: Option<Word>,
}

/// A heredoc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The opening word, such as `<<-"EOF"`.
    pub open: Word,
    /// The end marker's name without quotes.
    pub name: String,
    /// Whether variables in the body are expanded (the name is not quoted).
    pub expand: bool,
    /// Whether leading tabs are stripped (`<<-`).
    pub strip_tabs: bool,
    /// File descriptor before `<<`, 0 if none is written.
    pub file_descriptor: u32,
    /// The body's bytes in the file.
    pub body: Span,
    /// The body's text after tabs were stripped, if they are.
    pub content: String,
    /// The line of the end marker.
    pub end: Span,
}

/// What an instruction means. Values are as written: nothing is expanded yet.
#[derive(Debug, Clone)]
pub enum Command {
    /// `FROM [--platform=P] IMAGE [AS NAME]`
    From {
        /// The base: an image, a stage or `scratch`.
        image: Word,
        /// `--platform`.
        platform: Option<Word>,
        /// The stage's name.
        name: Option<Word>,
    },
    /// `RUN`
    Run(RunCommand),
    /// `CMD`
    Cmd(CommandForm),
    /// `ENTRYPOINT`
    Entrypoint(CommandForm),
    /// `SHELL`, always a JSON form.
    Shell(Vec<Word>),
    /// `COPY`
    Copy(CopyCommand),
    /// `ADD`
    Add(CopyCommand),
    /// `ENV`
    Env(Vec<KeyValue>),
    /// `LABEL`
    Label(Vec<KeyValue>),
    /// `ARG`
    Arg(Vec<ArgPair>),
    /// `USER`
    User(Word),
    /// `WORKDIR`
    Workdir(Word),
    /// `STOPSIGNAL`
    Stopsignal(Word),
    /// `EXPOSE`
    Expose(Vec<Word>),
    /// `VOLUME`
    Volume(Vec<Word>),
    /// `HEALTHCHECK`; `None` for `HEALTHCHECK NONE`.
    Healthcheck(Option<CommandForm>),
    /// `MAINTAINER`
    Maintainer(Word),
    /// `ONBUILD` with the instruction that it keeps for later.
    Onbuild(Box<Instruction>),
    /// Could not be understood; there is an error for it.
    Invalid,
}

/// How a command is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandForm {
    /// A line for a shell. Where the engine falls back from a JSON form that is none, it is this too.
    Shell(Word),
    /// A JSON array: the span covers the brackets.
    Exec {
        /// The brackets and all between.
        span: Span,
        /// The array's strings, decoded; each span covers the quotes.
        args: Vec<Word>,
    },
}

/// `RUN`
#[derive(Debug, Clone)]
pub struct RunCommand {
    /// The command. For `RUN <<EOF` it is the text of the line; the script is in [`Instruction::heredocs`].
    pub form: CommandForm,
    /// `--mount` flags.
    pub mounts: Vec<Mount>,
    /// `--network`.
    pub network: Option<Word>,
    /// `--security`.
    pub security: Option<Word>,
    /// `--device`, each.
    pub devices: Vec<Word>,
}

/// One `--mount` flag.
#[derive(Debug, Clone)]
pub struct Mount {
    /// The whole flag.
    pub span: Span,
    /// `bind` where no type is written.
    pub kind: String,
    /// Each option in order, the type included.
    pub options: Vec<MountOption>,
}

impl Mount {
    /// The value of the option called `name` or one of its other spellings (`target`, `dst`, `destination`;
    /// `source`, `src`; `readonly`, `ro`); the last one wins.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&Word> {
        self.options
            .iter()
            .rev()
            .find(|o| canonical_mount_option(&o.name.text) == name)
            .and_then(|o| o.value.as_ref())
    }

    /// Whether nothing can be written where it is mounted: `readonly` alone, or with `true`.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        let mut written = self.options.iter().rev();
        written
            .find(|o| canonical_mount_option(&o.name.text) == "readonly")
            .is_some_and(|o| {
                o.value
                    .as_ref()
                    .is_none_or(|v| matches!(v.text.as_str(), "true" | "1"))
            })
    }
}

fn canonical_mount_option(name: &str) -> &str {
    match name {
        "dst" | "destination" => "target",
        "src" => "source",
        "ro" => "readonly",
        "rw" => "readwrite",
        other => other,
    }
}

/// One option of a mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountOption {
    /// The option with its value.
    pub span: Span,
    /// Lower-case name.
    pub name: Word,
    /// What follows `=`, if there is one.
    pub value: Option<Word>,
}

/// `COPY` and `ADD`
#[derive(Debug, Clone)]
pub struct CopyCommand {
    /// `--from`: a stage, an image or a named context.
    pub from: Option<Word>,
    /// Sources as written; heredocs are in [`Instruction::heredocs`] and their opening words are not repeated here.
    pub sources: Vec<Word>,
    /// How many sources are heredocs.
    pub inline: usize,
    /// Destination.
    pub destination: Word,
    /// `--chown`.
    pub chown: Option<Word>,
    /// `--chmod`.
    pub chmod: Option<Word>,
    /// `--checksum`.
    pub checksum: Option<Word>,
    /// `--link`.
    pub link: bool,
    /// `--parents`.
    pub parents: bool,
    /// `--exclude`, each.
    pub exclude: Vec<Word>,
}

/// `KEY=VALUE` of `ENV` and `LABEL`, or the old `ENV KEY VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// Both.
    pub span: Span,
    /// The key.
    pub key: Word,
    /// The value with its quotes.
    pub value: Word,
}

/// `NAME[=DEFAULT]` of `ARG`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgPair {
    /// Both.
    pub span: Span,
    /// The name.
    pub name: Word,
    /// The default with its quotes.
    pub default: Option<Word>,
}
