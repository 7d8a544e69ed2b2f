//! Where a Dockerfile compiles a Go program, and what must change for a static binary.

use crate::diagnostic::Fix;
use crate::dockerfile::{Command, CommandForm, Instruction, Word};
use crate::source::Span;
use crate::stages::{Base, Stage};

use super::mend::{Text, literal};
use super::shell::{self, ShellCommand};

/// A `go build` or `go install` of a stage that the target needs.
pub(super) struct GoBuild<'a> {
    stage: &'a Stage,
    instruction: &'a Instruction,
    command: ShellCommand,
}

/// How a variable of the compiler's environment is set.
enum Setting {
    /// Before the command itself: the whole word.
    Inline(Span, String),
    /// By `ENV` or `ARG`: the value.
    Instruction(Span, Option<String>),
    /// By `export` in the same script, or not at all.
    Exported(String),
    Unset,
}

/// The builds that make the program called `name`: those that write such a file, or all where none says so.
pub(super) fn of_program<'a>(text: &Text<'a>, name: &str) -> Vec<GoBuild<'a>> {
    let graph = &text.source.graph;
    let mut all = Vec::new();
    for index in graph.reachable(text.target.index) {
        let Some(stage) = graph.stages.get(index) else {
            continue;
        };
        for instruction in text.of(stage) {
            let Command::Run(run) = &instruction.command else {
                continue;
            };
            if matches!(run.form, CommandForm::Exec { .. }) {
                continue;
            }
            let commands = shell::commands(&text.source.dockerfile, instruction);
            let is_build = |c: &ShellCommand| {
                let verb = c.args().first().map(|a| a.text.as_str());
                c.program() == "go" && matches!(verb, Some("build" | "install"))
            };
            all.extend(
                commands
                    .into_iter()
                    .filter(is_build)
                    .map(|command| GoBuild {
                        stage,
                        instruction,
                        command,
                    }),
            );
        }
    }
    let writes = |b: &GoBuild<'_>| {
        b.output()
            .is_some_and(|o| o.rsplit('/').next() == Some(name))
    };
    if all.iter().any(writes) {
        all.retain(writes);
    }
    all
}

/// The builds that surely make the program called `name`, and no other: they write a file of that name, or name the
/// package.
pub(super) fn of_named<'a>(text: &Text<'a>, name: &str) -> Vec<GoBuild<'a>> {
    let last = |path: &str| path.rsplit('/').next() == Some(name);
    let mut all = of_program(text, name);
    all.retain(|b| match b.output() {
        Some(output) if !output.ends_with('/') => last(output),
        _ => b.command.args().iter().any(|a| last(&a.text)),
    });
    all
}

impl GoBuild<'_> {
    /// The command's words.
    pub(super) fn span(&self) -> Span {
        self.command.span()
    }

    /// What follows `-o`.
    pub(super) fn output(&self) -> Option<&str> {
        let args = self.command.args();
        let flag = args
            .iter()
            .position(|a| a.text == "-o" || a.text.starts_with("-o="))?;
        match args[flag].text.strip_prefix("-o=") {
            Some(path) => Some(path),
            None => args.get(flag + 1).map(|a| a.text.as_str()),
        }
    }

    fn setting(&self, text: &Text<'_>, name: &str) -> Setting {
        let prefix = format!("{name}=");
        let mut inline = self.command.assignments.iter().chain(&self.command.words);
        if let Some(word) = inline.rfind(|w| w.text.starts_with(&prefix)) {
            return Setting::Inline(word.span, word.text[prefix.len()..].to_owned());
        }
        let earlier = shell::commands(&text.source.dockerfile, self.instruction);
        let exported = earlier
            .iter()
            .take_while(|c| c.span().start < self.command.span().start)
            .filter(|c| c.program() == "export")
            .flat_map(ShellCommand::args)
            .filter_map(|a| a.text.strip_prefix(&prefix))
            .last();
        if let Some(value) = exported {
            return Setting::Exported(value.to_owned());
        }
        let instructions = super::walk::all_instructions(text.source, self.stage);
        let before = instructions
            .iter()
            .map(|(_, i)| *i)
            .filter(|i| i.span.start < self.instruction.span.start);
        let value = |key: &Word, value: Option<&Word>| {
            (key.text == name).then(|| value.map(|v| (v.span, literal(&v.text))))
        };
        for instruction in before.collect::<Vec<_>>().into_iter().rev() {
            let found = match &instruction.command {
                Command::Env(pairs) => pairs
                    .iter()
                    .rev()
                    .find_map(|p| value(&p.key, Some(&p.value))),
                Command::Arg(pairs) => pairs
                    .iter()
                    .rev()
                    .find_map(|p| value(&p.name, p.default.as_ref())),
                _ => None,
            };
            if let Some(Some((span, value))) = found {
                return Setting::Instruction(span, value);
            }
        }
        Setting::Unset
    }

    /// Whether the text shows that the result is static: no cgo, no position-independent mode that asks for a loader,
    /// and no other machine.
    pub(super) fn is_surely_static(&self, text: &Text<'_>) -> bool {
        let cgo = match self.setting(text, "CGO_ENABLED") {
            Setting::Inline(_, v) | Setting::Exported(v) => v == "0",
            Setting::Instruction(_, v) => v.as_deref() == Some("0"),
            Setting::Unset => false,
        };
        let native = matches!(self.setting(text, "GOARCH"), Setting::Unset)
            && matches!(self.setting(text, "GOOS"), Setting::Unset)
            || self.names_the_target(text);
        cgo && self.pie().is_none() && native
    }

    /// Whether GOOS and GOARCH come from the platform that is built for.
    fn names_the_target(&self, text: &Text<'_>) -> bool {
        let is = |name: &str, variable: &str, usual: &str| match self.setting(text, name) {
            Setting::Unset => true,
            Setting::Inline(_, v) | Setting::Exported(v) => {
                let plain = v.trim_matches(['"', '\'', '$', '{', '}']);
                plain == variable || v == usual
            }
            Setting::Instruction(_, v) => v.as_deref() == Some(usual),
        };
        is("GOOS", "TARGETOS", "linux") && is("GOARCH", "TARGETARCH", "\0")
    }

    /// The words that ask for a position-independent executable, with the space before them.
    fn pie(&self) -> Option<Span> {
        let args = self.command.args();
        let index = args
            .iter()
            .position(|a| a.text.trim_start_matches('-').starts_with("buildmode"))?;
        let before = index.checked_sub(1).and_then(|i| args.get(i))?;
        let flag = &args[index];
        if flag.text.ends_with("=pie") {
            return Some(Span::new(before.span.end, flag.span.end));
        }
        let value = args.get(index + 1)?;
        (value.text == "pie").then(|| Span::new(before.span.end, value.span.end))
    }

    /// Makes the build link nothing from outside.
    pub(super) fn without_cgo(&self, text: &Text<'_>) -> Option<Fix> {
        let links_outside = |t: &str| t.contains("linkmode") || t.contains("extldflags");
        if self.command.args().iter().any(|a| links_outside(&a.text)) || self.needs_cgo(text) {
            return None;
        }
        let file = text.file();
        let mut fix = Fix::new("compile without cgo, so that no C library is linked");
        if let Some(words) = self.pie() {
            fix = fix.replace(file, words, "");
            "leave out the mode that asks for a loader".clone_into(&mut fix.title);
        }
        match self.setting(text, "CGO_ENABLED") {
            Setting::Inline(_, v) | Setting::Exported(v) if v == "0" => {}
            Setting::Instruction(_, Some(v)) if v == "0" => {}
            Setting::Inline(span, _) => fix = fix.replace(file, span, "CGO_ENABLED=0"),
            Setting::Instruction(span, Some(_)) => fix = fix.replace(file, span, "0"),
            Setting::Instruction(_, None) | Setting::Exported(_) => return None,
            Setting::Unset => fix = fix.insert(file, self.span().start, "CGO_ENABLED=0 "),
        }
        (!fix.edits.is_empty()).then_some(fix)
    }

    /// Takes away a `GOARCH` that names another machine.
    pub(super) fn for_this_machine(&self, text: &Text<'_>) -> Option<Fix> {
        let Setting::Inline(span, _) = self.setting(text, "GOARCH") else {
            return None;
        };
        let bytes = text.source.dockerfile.source.bytes();
        let mut end = span.end;
        while bytes.get(end) == Some(&b' ') {
            end += 1;
        }
        let fix = Fix::new("compile for the machine that the image is for");
        Some(fix.replace(text.file(), Span::new(span.start, end), ""))
    }

    /// Whether the learner's sources show code in C.
    fn needs_cgo(&self, text: &Text<'_>) -> bool {
        let mut files = text.files().iter();
        files.any(|(path, source)| {
            let code = path.ends_with(".go") && source.text().contains("import \"C\"");
            code || path.ends_with("go.mod") && source.text().contains("mattn/go-sqlite3")
        }) || matches!(&self.stage.base, Base::Unknown)
    }
}
