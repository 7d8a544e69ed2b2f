//! A Dockerfile without what can differ though nothing differs.

use std::collections::{BTreeMap, HashMap};

use mslab_core::dockerfile::{Command, CommandForm, Instruction, Keyword, parse};
use mslab_core::source::Source;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// So much of an instruction is shown.
const SHOWN: usize = 200;

/// An instruction as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The Dockerfile.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// The instruction in one line, shortened.
    pub text: String,
}

/// A submission's instructions in their normal form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Normal {
    /// Each normal form, with the first place where it stands.
    pub lines: BTreeMap<String, Line>,
    order: Vec<String>,
}

impl Normal {
    /// Tells files apart by their instructions and those's order.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for line in &self.order {
            hash.update((line.len() as u64).to_le_bytes());
            hash.update(line.as_bytes());
        }
        hash.finalize().into()
    }

    pub(super) fn add(&mut self, file: &str, other: Self) {
        self.order.push(format!("file {file}"));
        self.order.extend(other.order);
        for (normal, line) in other.lines {
            self.lines.entry(normal).or_insert(line);
        }
    }
}

/// The normal form of a Dockerfile. Comments, blanks, the case of keywords, the names of stages, and the order within
/// `ENV`, `LABEL`, `EXPOSE` and flags are gone.
#[must_use]
pub fn normalise(name: &str, bytes: &[u8]) -> Normal {
    let source = Source::new(name, bytes);
    let dockerfile = parse(source);
    let mut stages: HashMap<String, usize> = HashMap::new();
    let mut stage = 0;
    let mut normal = Normal::default();
    for instruction in &dockerfile.instructions {
        let text = one(instruction, &stages);
        if let Command::From { name, .. } = &instruction.command {
            if let Some(name) = name {
                stages.insert(name.text.to_lowercase(), stage);
            }
            stage += 1;
        }
        let shown = dockerfile.source.snippet(instruction.span);
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = Line {
            file: name.to_owned(),
            line: instruction.first_line,
            text: shown.chars().take(SHOWN).collect(),
        };
        normal.order.push(text.clone());
        normal.lines.entry(text).or_insert(line);
    }
    normal
}

fn one(instruction: &Instruction, stages: &HashMap<String, usize>) -> String {
    let mut parts = vec![format!("{:?}", instruction.keyword).to_uppercase()];
    let mut flags: Vec<String> = instruction
        .flags
        .iter()
        .map(|flag| {
            let value = flag.value.as_ref().map_or("", |v| v.text.as_str());
            let name = flag.name.text.as_str();
            match name {
                "from" => format!("--from={}", stage_or(value, stages)),
                "mount" => format!("--mount={}", mount(value, stages)),
                _ => format!("--{name}={value}"),
            }
        })
        .collect();
    flags.sort();
    parts.extend(flags);
    let mut list: Vec<String> = match &instruction.command {
        Command::From { image, .. } => vec![stage_or(&image.text, stages)],
        Command::Env(pairs) | Command::Label(pairs) => pairs
            .iter()
            .map(|p| format!("{}={}", p.key.text, p.value.text.trim_matches(['"', '\''])))
            .collect(),
        Command::Expose(ports) => ports.iter().map(|p| p.text.clone()).collect(),
        Command::Cmd(CommandForm::Exec { args, .. })
        | Command::Entrypoint(CommandForm::Exec { args, .. }) => {
            let args: Vec<&str> = args.iter().map(|a| a.text.as_str()).collect();
            vec![format!("{args:?}")]
        }
        _ => {
            let words: Vec<&str> = instruction.rest.text.split_whitespace().collect();
            vec![words.join(" ")]
        }
    };
    if matches!(
        instruction.keyword,
        Keyword::Env | Keyword::Label | Keyword::Expose
    ) {
        list.sort();
    }
    parts.extend(list);
    for heredoc in &instruction.heredocs {
        let words: Vec<&str> = heredoc.content.split_whitespace().collect();
        parts.push(words.join(" "));
    }
    parts.join(" ")
}

/// A stage by its number, whatever it is called; anything else as it is.
fn stage_or(name: &str, stages: &HashMap<String, usize>) -> String {
    match stages.get(&name.to_lowercase()) {
        Some(n) => format!("#{n}"),
        None => match name.parse::<usize>() {
            Ok(n) => format!("#{n}"),
            Err(_) => name.to_owned(),
        },
    }
}

fn mount(value: &str, stages: &HashMap<String, usize>) -> String {
    let mut options: Vec<String> = value
        .split(',')
        .map(|option| match option.strip_prefix("from=") {
            Some(from) => format!("from={}", stage_or(from, stages)),
            None => option.to_owned(),
        })
        .collect();
    options.sort();
    options.join(",")
}
