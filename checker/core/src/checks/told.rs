//! What a Go compiler is told about the machine that it compiles for: `GOOS` and `GOARCH` as they stand when it is
//! started, worked out for one wanted platform.
//!
//! Nothing is run. What `ARG` and `ENV` set is known exactly; what a script sets is followed as far as plain words go.

use super::installs::is_compile;
use super::shell::{self, ShellCommand};
use super::walk;
use crate::dockerfile::{Command, Instruction, Scope, expand_word};
use crate::evidence::SourceEvidence;
use crate::source::Span;
use crate::stages::Stage;

/// The variables in which the engine says which machine is wanted.
pub(super) const WANTED: &[&str] = &["TARGETARCH", "TARGETPLATFORM"];

/// What a variable says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Says {
    /// Nothing: it is not set, or to nothing.
    Nothing,
    /// This.
    This(String),
    /// The text does not tell, but what is wanted goes into it.
    Something,
}

/// A variable of the compiler's.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// Its value.
    pub(super) says: Says,
    /// Where it is set, as `NAME=VALUE`, or as the name and value of an `ENV` or `ARG`.
    pub(super) span: Option<Span>,
    /// Its value as written, before anything is expanded.
    pub(super) written: String,
}

impl Told {
    fn nothing() -> Self {
        Self {
            says: Says::Nothing,
            span: None,
            written: String::new(),
        }
    }

    /// Whether it is set to fixed text.
    pub(super) fn is_fixed(&self) -> bool {
        !self.written.contains(['$', '`']) && matches!(self.says, Says::This(_))
    }
}

/// A command at the `RUN` with that index, in the surroundings in which it is started.
pub(super) struct Surroundings<'a> {
    source: &'a SourceEvidence,
    pub(super) stage: &'a Stage,
    /// Index of the `RUN`.
    pub(super) at: usize,
    command: &'a ShellCommand,
    /// What `ARG` and `ENV` have set before.
    pub(super) scope: Scope,
}

impl<'a> Surroundings<'a> {
    pub(super) fn new(
        source: &'a SourceEvidence,
        stage: &'a Stage,
        at: usize,
        command: &'a ShellCommand,
    ) -> Self {
        let scope = source.graph.scope_before(&source.dockerfile, at);
        Self {
            source,
            stage,
            at,
            command,
            scope,
        }
    }

    /// What the variable `name` says to the command.
    pub(super) fn told(&self, name: &str) -> Told {
        let mut told = self.by_instructions(name);
        let mut file = Told::nothing();
        for (index, instruction) in self.runs() {
            let mut shell = Shell::new(self.source, index);
            for command in shell::commands(&self.source.dockerfile, instruction) {
                let own = index == self.at && command.span() == self.command.span();
                if command.program() == "read" {
                    // What is read is only known when the script runs.
                    for word in command.args().iter().filter(|w| !w.text.starts_with('-')) {
                        shell.set(&word.text, Value::of_a_run());
                    }
                }
                let assigned = assignments(&command, own);
                for (span, variable, value) in assigned {
                    let value = shell.value(value);
                    if variable == name {
                        let set = Told {
                            says: shell.says(&value, instruction),
                            span: Some(span),
                            written: value.written.clone(),
                        };
                        if is_go_env(&command) {
                            file = set;
                        } else if index == self.at
                            && (own || shell.exports(&command, name, !told.is_unset()))
                        {
                            told = set;
                        }
                    }
                    shell.set(variable, value);
                }
                if own {
                    break;
                }
                if index == self.at && exported_later(&command, name) {
                    let earlier = shell.values.iter().rev().find(|(n, _)| n == name);
                    if let Some((_, value)) = earlier {
                        told = Told {
                            says: shell.says(value, instruction),
                            span: Some(command.span()),
                            written: value.written.clone(),
                        };
                    }
                }
                shell.note_set_a(&command);
            }
        }
        // What `go env -w` wrote counts where the environment says nothing.
        if told.says == Says::Nothing && file.says != Says::Nothing {
            return file;
        }
        self.in_branches(told)
    }

    /// A script that looks at what is wanted in `case` or `if`, and then sets the variable.
    fn in_branches(&self, told: Told) -> Told {
        let Some(run) = self.source.dockerfile.instructions.get(self.at) else {
            return told;
        };
        let text = self.source.dockerfile.source.snippet(run.span);
        let branches = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|w| w == "case" || w == "if");
        let start = self.command.span().start;
        let before_command = told
            .span
            .is_some_and(|s| s.end <= start && run.span.contains(s.start));
        let chosen = told.is_fixed() && (before_command || self.compiles_again(run))
            || self.script_sets(run, &told.written);
        if branches && chosen && self.mentions_wanted(run) {
            return Told {
                says: Says::Something,
                ..told
            };
        }
        told
    }

    /// Whether the script has another such command, for another branch.
    fn compiles_again(&self, run: &Instruction) -> bool {
        shell::commands(&self.source.dockerfile, run)
            .iter()
            .any(|c| c.program() == "go" && is_compile(c) && c.span() != self.command.span())
    }

    /// Whether a value uses a variable that the script sets before the command.
    fn script_sets(&self, run: &Instruction, written: &str) -> bool {
        let start = self.command.span().start;
        shell::commands(&self.source.dockerfile, run)
            .iter()
            .filter(|c| c.span().end <= start)
            .any(|c| {
                let mut set = assignments(c, false).into_iter();
                set.any(|(_, name, _)| names(written, name))
            })
    }

    /// Whether an instruction names a variable that says which machine is wanted, and that has a value there.
    pub(super) fn mentions_wanted(&self, instruction: &Instruction) -> bool {
        let text = self.source.dockerfile.source.snippet(instruction.span);
        let known = |v: &&&str| self.scope.get(v).is_some_and(|value| !value.is_empty());
        WANTED.iter().filter(known).any(|v| names(&text, v))
    }

    fn runs(&self) -> impl Iterator<Item = (usize, &'a Instruction)> {
        let at = self.at;
        let mut over = false;
        walk::all_instructions(self.source, self.stage)
            .into_iter()
            .take_while(move |(index, _)| !std::mem::replace(&mut over, *index == at))
            .filter(|(_, i)| matches!(i.command, Command::Run(_)))
    }

    /// What the last `ENV` or `ARG` that sets it says. The value is the engine's own, of [`Surroundings::scope`].
    fn by_instructions(&self, name: &str) -> Told {
        let says = self.scope.get(name).map_or(Says::Nothing, says);
        let mut told = Told {
            says,
            ..Told::nothing()
        };
        for (index, instruction) in walk::all_instructions(self.source, self.stage) {
            if index >= self.at {
                break;
            }
            match &instruction.command {
                Command::Env(pairs) => {
                    for pair in pairs.iter().filter(|p| p.key.text == name) {
                        told.span = Some(pair.span);
                        told.written.clone_from(&pair.value.text);
                    }
                }
                Command::Arg(pairs) => {
                    for pair in pairs.iter().filter(|p| p.name.text == name) {
                        if let Some(default) = &pair.default {
                            told.span = Some(pair.span);
                            told.written.clone_from(&default.text);
                        }
                    }
                }
                _ => {}
            }
        }
        told
    }
}

impl Told {
    fn is_unset(&self) -> bool {
        self.says == Says::Nothing
    }
}

fn says(value: &str) -> Says {
    match value {
        "" => Says::Nothing,
        value => Says::This(value.to_owned()),
    }
}

/// `NAME=VALUE` words of a command that set something: before it, in an `export`, for `env` or for `go env -w`.
fn assignments(command: &ShellCommand, own: bool) -> Vec<(Span, &str, &str)> {
    let wide = own || is_export(command) || is_go_env(command);
    let words = command.words.iter().filter(|_| wide);
    command
        .assignments
        .iter()
        .filter(|_| own || command.words.is_empty())
        .chain(words)
        .filter_map(|w| {
            let (name, value) = w.text.split_once('=')?;
            Some((w.span, name, value))
        })
        .collect()
}

fn is_export(command: &ShellCommand) -> bool {
    command.program() == "export"
}

fn is_go_env(command: &ShellCommand) -> bool {
    command.program() == "go" && command.has_arg("env") && command.has_arg("-w")
}

/// `export NAME` of a variable that was set before.
fn exported_later(command: &ShellCommand, name: &str) -> bool {
    is_export(command) && command.has_arg(name)
}

/// A value as far as it can be followed.
struct Value {
    written: String,
    /// What it comes to; `None` where only running the script would tell.
    text: Option<String>,
}

impl Value {
    /// One that only running the script gives.
    fn of_a_run() -> Self {
        Self {
            written: String::new(),
            text: None,
        }
    }
}

/// The variables of a script.
struct Shell<'a> {
    source: &'a SourceEvidence,
    scope: Scope,
    /// What was set, newest last.
    values: Vec<(String, Value)>,
    exports_all: bool,
}

impl<'a> Shell<'a> {
    fn new(source: &'a SourceEvidence, index: usize) -> Self {
        Self {
            source,
            scope: source.graph.scope_before(&source.dockerfile, index),
            values: Vec::new(),
            exports_all: false,
        }
    }

    fn value(&self, written: &str) -> Value {
        let runs_something = written.contains("$(") || written.contains('`');
        let text = (!runs_something)
            .then(|| expand_word(written, &self.scope, '\\').ok())
            .flatten()
            .map(|e| e.text);
        Value {
            written: written.to_owned(),
            text,
        }
    }

    fn says(&self, value: &Value, run: &Instruction) -> Says {
        if let Some(text) = &value.text {
            return says(text);
        }
        let whole = self.source.dockerfile.source.snippet(run.span);
        let known = |v: &&&str| self.scope.get(v).is_some_and(|x| !x.is_empty());
        let goes_in = WANTED.iter().filter(known).any(|v| names(&whole, v));
        if goes_in {
            Says::Something
        } else {
            Says::Nothing
        }
    }

    fn set(&mut self, name: &str, value: Value) {
        if let Some(text) = &value.text {
            self.scope.set(name, text.clone());
        }
        self.values.push((name.to_owned(), value));
    }

    /// Whether what the command sets reaches programs: it is exported, or was in the environment before.
    fn exports(&self, command: &ShellCommand, name: &str, in_environment: bool) -> bool {
        is_export(command)
            || self.exports_all
            || in_environment
            || command.words.iter().any(|w| w.text == name)
    }

    fn note_set_a(&mut self, command: &ShellCommand) {
        let all = |a: &str| a.starts_with('-') && !a.starts_with("--") && a.contains('a');
        self.exports_all |= command.program() == "set"
            && (command.args().iter().any(|a| all(&a.text)) || command.has_arg("allexport"));
    }
}

/// Whether `text` uses a variable: `$NAME` or `${NAME…}`.
pub(super) fn names(text: &str, variable: &str) -> bool {
    let plain = format!("${variable}");
    let braced = format!("${{{variable}");
    let follows = |rest: &str| {
        rest.chars()
            .next()
            .is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_')
    };
    [plain, braced].iter().any(|start| {
        text.match_indices(start.as_str())
            .any(|(i, _)| follows(&text[i + start.len()..]))
    })
}
