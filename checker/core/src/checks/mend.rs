//! Small edits of a Dockerfile that several checks offer, and what the text alone says about the target.

use crate::diagnostic::{Files, Fix};
use crate::dockerfile::{Instruction, Keyword};
use crate::evidence::SourceEvidence;
use crate::stages::{Base, Stage};

use super::View;
use crate::edits::{line_ending, line_start, next_line};

/// The target and the stages that it starts from, with what is needed to edit them.
pub(super) struct Text<'a> {
    view: View<'a>,
    pub(super) source: &'a SourceEvidence,
    /// The target.
    pub(super) target: &'a Stage,
    /// The target last, what it starts from before it.
    pub(super) lineage: Vec<&'a Stage>,
}

impl<'a> Text<'a> {
    /// `None` where there is no Dockerfile that parses, or no such target.
    pub(super) fn new(view: &View<'a>) -> Option<Self> {
        Some(Self {
            view: *view,
            source: view.source().ok()?,
            target: view.target().ok()?,
            lineage: view.lineage().ok()?,
        })
    }

    /// The path of the Dockerfile, for edits.
    pub(super) fn file(&self) -> &'a str {
        &self.view.build.dockerfile
    }

    /// A stage's instructions, the `FROM` included.
    pub(super) fn of(&self, stage: &Stage) -> &'a [Instruction] {
        let all = &self.source.dockerfile.instructions;
        all.get(stage.instructions.clone()).unwrap_or_default()
    }

    /// The instructions of the whole lineage in the order in which they take effect, each with its stage.
    pub(super) fn effective(
        &self,
    ) -> impl DoubleEndedIterator<Item = (&'a Stage, &'a Instruction)> {
        let per_stage: Vec<_> = self.lineage.iter().map(|s| (*s, self.of(s))).collect();
        per_stage
            .into_iter()
            .flat_map(|(s, all)| all.iter().map(move |i| (s, i)))
    }

    /// The last instruction of that kind: the one that counts.
    pub(super) fn last(&self, keyword: Keyword) -> Option<(&'a Stage, &'a Instruction)> {
        self.effective().rev().find(|(_, i)| i.keyword == keyword)
    }

    /// The instruction that says what a container starts: `ENTRYPOINT`, or `CMD` where there is none.
    pub(super) fn start(&self) -> Option<&'a Instruction> {
        let entrypoint = self.last(Keyword::Entrypoint);
        entrypoint
            .or_else(|| self.last(Keyword::Cmd))
            .map(|(_, i)| i)
    }

    /// The base at the bottom of the lineage.
    pub(super) fn base(&self) -> &'a Base {
        self.lineage.first().map_or(&self.target.base, |s| &s.base)
    }

    /// The `FROM` of the target.
    pub(super) fn from(&self) -> Option<&'a Instruction> {
        self.source.dockerfile.instructions.get(self.target.from)
    }

    /// Whether another stage starts from this one, and so takes over whatever is added to it.
    pub(super) fn is_base_of_another(&self, stage: &Stage) -> bool {
        let stages = &self.source.graph.stages;
        stages.iter().any(|s| s.base == Base::Stage(stage.index))
    }

    /// The learner's files.
    pub(super) fn files(&self) -> &'a Files {
        &self.view.evidence.files
    }

    /// The file's own line ending.
    fn newline(&self) -> &'static str {
        line_ending(&self.source.dockerfile.source)
    }

    /// Adds a line before an instruction, and above the comments that belong to it.
    pub(super) fn insert_before(&self, fix: Fix, instruction: &Instruction, line: &str) -> Fix {
        let source = &self.source.dockerfile.source;
        let instructions = &self.source.dockerfile.instructions;
        let floor = instructions
            .iter()
            .map(|i| i.span.end)
            .filter(|end| *end <= instruction.span.start)
            .max()
            .unwrap_or(0);
        let mut at = line_start(source, instruction.span.start);
        while at > floor && at > 0 {
            let above = line_start(source, at - 1);
            let is_comment = source.bytes()[above..at]
                .trim_ascii_start()
                .starts_with(b"#");
            if above <= floor || !is_comment {
                break;
            }
            at = above;
        }
        fix.insert(self.file(), at, format!("{line}{}", self.newline()))
    }

    /// Adds a line after an instruction.
    pub(super) fn insert_after(&self, fix: Fix, instruction: &Instruction, line: &str) -> Fix {
        self.insert_lines_after(fix, instruction, &[line])
    }

    /// Adds lines after an instruction.
    pub(super) fn insert_lines_after<S: AsRef<str>>(
        &self,
        fix: Fix,
        instruction: &Instruction,
        lines: &[S],
    ) -> Fix {
        let text = lines.iter().fold(String::new(), |text, line| {
            text + self.newline() + line.as_ref()
        });
        fix.insert(self.file(), self.line_end(instruction), text)
    }

    /// Adds a line to the end of a stage: before the `ENTRYPOINT` or `CMD` where that ends it, so that the file still
    /// reads in the usual order.
    pub(super) fn add_to_stage(&self, fix: Fix, stage: &Stage, line: &str) -> Fix {
        let instructions = self.of(stage);
        let tail = instructions
            .iter()
            .rposition(|i| !i.keyword.is_about_the_start() && i.keyword != Keyword::Volume)
            .map_or(0, |i| i + 1);
        let start = instructions[tail..]
            .iter()
            .find(|i| matches!(i.keyword, Keyword::Cmd | Keyword::Entrypoint));
        match (start, instructions.last()) {
            (Some(start), _) => self.insert_before(fix, start, line),
            (None, Some(last)) => self.insert_after(fix, last, line),
            (None, None) => fix,
        }
    }

    /// Takes an instruction out with its line.
    pub(super) fn remove(&self, fix: Fix, instruction: &Instruction) -> Fix {
        let source = &self.source.dockerfile.source;
        let start = line_start(source, instruction.span.start);
        let end = next_line(source, self.line_end(instruction));
        fix.replace(self.file(), crate::source::Span::new(start, end), "")
    }

    /// Where the instruction's last line ends, before the line ending.
    fn line_end(&self, instruction: &Instruction) -> usize {
        let bytes = self.source.dockerfile.source.bytes();
        let mut end = instruction.span.end.min(bytes.len());
        // A heredoc's span may take its last line ending in.
        while end > instruction.span.start && matches!(bytes[end - 1], b'\n' | b'\r') {
            end -= 1;
        }
        end
    }
}

/// A `JSON` array as Dockerfiles write it.
pub(super) fn json(words: &[String]) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|w| serde_json::Value::from(w.as_str()).to_string())
        .collect();
    format!("[{}]", words.join(", "))
}

/// A word's value where nothing in it needs expanding: quotes taken away; `None` with a variable or an escape.
pub(super) fn literal(word: &str) -> Option<String> {
    if word.contains(['$', '\\', '`']) {
        return None;
    }
    Some(word.chars().filter(|c| !matches!(c, '"' | '\'')).collect())
}

/// The name of an image without registry, tag and digest: `golang` of `docker.io/library/golang:1.27-alpine`; and the
/// tag.
pub(super) fn name_and_tag(reference: &str) -> (&str, &str) {
    let plain = reference.split('@').next().unwrap_or(reference);
    let last = plain.rsplit('/').next().unwrap_or(plain);
    last.split_once(':').unwrap_or((last, "latest"))
}
