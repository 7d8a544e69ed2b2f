//! Every stage's instructions in the order in which the engine carries them out, with the variables that each one
//! sees, to find what it refuses only then.

use std::collections::HashMap;

use super::copy::{SourceKind, bad_checksum, bad_mode, source_kind};
use super::graph::{Base, Problem, StageGraph};
use super::scope::{self, Refused, Undo, expand};
use super::{mounts, ports, signal};
use crate::dockerfile::{
    Command, CommandForm, CopyCommand, Dockerfile, Heredoc, Instruction, Keyword, MAX_EXPANDED,
    RunCommand, Scope, Word, expand_heredoc, expand_word,
};
use crate::source::Span;

/// How much text all expansions together may make, in bytes.
const BUDGET: usize = 64 * MAX_EXPANDED;

/// Walks all stages and adds what the engine refuses to the graph's problems.
pub(crate) fn walk(dockerfile: &Dockerfile, graph: &mut StageGraph) {
    let mut children = vec![Vec::new(); graph.stages.len()];
    let mut roots = Vec::new();
    for stage in &graph.stages {
        match stage.base {
            Base::Stage(base) => children[base].push(stage.index),
            _ => roots.push(stage.index),
        }
    }
    let mut walker = Walker {
        dockerfile,
        graph,
        scope: Scope::new(),
        workdir: String::new(),
        found: Vec::new(),
        spent: 0,
        kept: 0,
    };
    for root in roots {
        walker.tree(root, &children);
    }
    let mut found = walker.found;
    found.sort_by_key(|p| (p.stage, p.span.start));
    graph.problems.extend(found);
}

enum Step {
    Enter(usize),
    Leave(Undo, String),
}

struct Walker<'a> {
    dockerfile: &'a Dockerfile,
    graph: &'a StageGraph,
    scope: Scope,
    workdir: String,
    found: Vec<Problem>,
    spent: usize,
    /// How many instructions that `ONBUILD` keeps have been carried out.
    kept: usize,
}

impl Walker<'_> {
    /// A stage and all that are built from it. What a stage sets is taken back when it is left, so that each is
    /// carried out once.
    fn tree(&mut self, root: usize, children: &[Vec<usize>]) {
        let name = &self.graph.stages[root].base_name;
        let known = self.graph.setting.options.image_workdir.get(name);
        self.workdir = known.cloned().unwrap_or_else(|| "/".to_owned());
        self.scope = self.graph.root_scope(root);
        let mut steps = vec![Step::Enter(root)];
        while let Some(step) = steps.pop() {
            match step {
                Step::Enter(stage) => {
                    let workdir = self.workdir.clone();
                    let mut undo = Undo::new();
                    self.stage(stage, &mut undo);
                    steps.push(Step::Leave(undo, workdir));
                    steps.extend(children[stage].iter().rev().map(|c| Step::Enter(*c)));
                }
                Step::Leave(undo, workdir) => {
                    for (name, before) in undo.into_iter().rev() {
                        match before {
                            Some(value) => self.scope.set(name, value),
                            None => self.scope.unset(&name),
                        };
                    }
                    self.workdir = workdir;
                }
            }
        }
    }

    fn stage(&mut self, index: usize, undo: &mut Undo) {
        let graph = self.graph;
        let dockerfile = self.dockerfile;
        let stage = &graph.stages[index];
        if let Base::Stage(base) = stage.base {
            for (_, kept) in scope::onbuild(dockerfile, graph.stages[base].instructions.clone()) {
                self.kept += 1;
                if self.kept > scope::MOST_KEPT {
                    break;
                }
                if let Some(error) = &kept.kept_error {
                    self.problem(index, error.span, error.message.clone());
                }
                self.instruction(index, kept, undo);
            }
        }
        for instruction in &dockerfile.instructions[stage.instructions.clone()] {
            self.instruction(index, instruction, undo);
        }
    }

    fn problem(&mut self, stage: usize, span: Span, message: String) {
        self.found.push(Problem {
            stage: Some(stage),
            span,
            message,
            help: None,
        });
    }

    fn value(&mut self, stage: usize, word: &Word) -> Option<String> {
        match expand(&word.text, word.span, &self.scope, self.dockerfile.escape) {
            Ok(value) => {
                self.charge(stage, word.span, value.len());
                Some(value)
            }
            Err(refused) => {
                self.refused(stage, &refused);
                None
            }
        }
    }

    fn refused(&mut self, stage: usize, refused: &Refused) {
        self.problem(stage, refused.span, refused.error.to_string());
    }

    /// Counts what has been expanded; says so once where it is more than any real file needs.
    fn charge(&mut self, stage: usize, span: Span, bytes: usize) {
        let before = self.spent;
        self.spent = before.saturating_add(bytes);
        if before <= BUDGET && self.spent > BUDGET {
            let message = format!("variables expand to more than {BUDGET} bytes in all");
            self.problem(stage, span, message);
        }
    }

    fn instruction(&mut self, stage: usize, instruction: &Instruction, undo: &mut Undo) {
        if self.spent > BUDGET {
            return;
        }
        match &instruction.command {
            Command::Arg(_) | Command::Env(_) => {
                let from = undo.len();
                let escape = self.dockerfile.escape;
                let setting = &self.graph.setting;
                let applied = setting.apply(instruction, escape, &mut self.scope, undo);
                let size: usize = undo[from..]
                    .iter()
                    .filter_map(|(name, _)| self.scope.get(name))
                    .map(str::len)
                    .sum();
                self.charge(stage, instruction.span, size);
                if let Err(refused) = applied {
                    self.refused(stage, &refused);
                }
            }
            Command::Label(pairs) => {
                for pair in pairs {
                    self.value(stage, &pair.key);
                    self.value(stage, &pair.value);
                }
            }
            Command::User(word) => {
                self.value(stage, word);
            }
            Command::Workdir(word) => {
                if let Some(path) = self.value(stage, word) {
                    self.workdir = mounts::joined(&self.workdir, &path);
                }
            }
            Command::Stopsignal(word) => {
                if let Some(name) = self.value(stage, word)
                    && !signal::is_signal(&name)
                {
                    self.problem(stage, word.span, format!("invalid signal: {name}"));
                }
            }
            Command::Volume(words) => {
                for word in words {
                    if self.value(stage, word).is_some_and(|v| v.is_empty()) {
                        let message = "a VOLUME can not be an empty string".to_owned();
                        self.problem(stage, word.span, message);
                    }
                }
            }
            Command::Expose(words) => self.expose(stage, words),
            Command::Copy(copy) | Command::Add(copy) => {
                let is_add = instruction.keyword == Keyword::Add;
                self.copy(stage, copy, is_add, &instruction.heredocs);
            }
            Command::Run(run) => self.run(stage, run, instruction.keyword_word.span),
            _ => {}
        }
    }

    fn expose(&mut self, stage: usize, words: &[Word]) {
        for word in words {
            match expand_word(&word.text, &self.scope, self.dockerfile.escape) {
                Ok(expanded) => {
                    let refused = expanded.words.iter().find_map(|port| ports::refused(port));
                    if let Some(message) = refused {
                        self.problem(stage, word.span, message);
                    }
                }
                Err(error) => self.problem(stage, word.span, error.to_string()),
            }
        }
    }

    fn copy(&mut self, stage: usize, copy: &CopyCommand, is_add: bool, heredocs: &[Heredoc]) {
        if let Some(owner) = &copy.chown {
            self.value(stage, owner);
        }
        let mode = copy
            .chmod
            .as_ref()
            .and_then(|w| Some((w, self.value(stage, w)?)));
        let checksum = copy
            .checksum
            .as_ref()
            .and_then(|w| Some((w, self.value(stage, w)?)));
        let mut sources = Vec::new();
        for word in &copy.sources {
            if let Some(source) = self.value(stage, word) {
                let kind = source_kind(&source);
                if !is_add && kind != SourceKind::Path {
                    let what = if kind == SourceKind::Url {
                        "URL"
                    } else {
                        "git ref"
                    };
                    let message = format!("source can't be a {what} for COPY");
                    self.problem(stage, word.span, message);
                }
                sources.push(source);
            }
        }
        self.value(stage, &copy.destination);
        // Of several with one name, the engine gives each the text of the last.
        let last: HashMap<&str, &Heredoc> = heredocs.iter().map(|h| (h.name.as_str(), h)).collect();
        for heredoc in heredocs.iter().filter(|h| h.expand) {
            let last = last.get(heredoc.name.as_str()).copied().unwrap_or(heredoc);
            match expand_heredoc(&last.content, &self.scope) {
                Ok(text) => self.charge(stage, last.body, text.len()),
                Err(error) => self.problem(stage, last.body, error.to_string()),
            }
        }
        if let Some((word, message)) = mode.and_then(|(w, v)| Some((w, bad_mode(&v)?))) {
            self.problem(stage, word.span, message);
        }
        if let Some((word, message)) =
            checksum.and_then(|(w, v)| Some((w, bad_checksum(&v, &sources)?)))
        {
            self.problem(stage, word.span, message);
        }
    }

    fn run(&mut self, stage: usize, run: &RunCommand, keyword: Span) {
        for mount in &run.mounts {
            let (scope, escape) = (&self.scope, self.dockerfile.escape);
            let mut value = |word: &Word| {
                expand_word(&word.text, scope, escape)
                    .map(|e| e.text)
                    .map_err(|e| e.to_string())
            };
            let refused = mounts::refused(mount, &self.workdir, &mut value);
            if let Some((span, message)) = refused {
                self.problem(stage, span, message);
            }
        }
        if let Some(device) = run.devices.first() {
            let message = "RUN --device is known to the labs channel of the frontend only";
            self.problem(stage, device.span, message.to_owned());
        }
        if matches!(&run.form, CommandForm::Exec { args, .. } if args.is_empty()) {
            self.problem(
                stage,
                keyword,
                "RUN has no command: arguments are required".to_owned(),
            );
        }
    }
}
