//! Which packages a stage installs, and how to leave the devDependencies out.

use crate::diagnostic::Fix;
use crate::dockerfile::{Command, CommandForm, CopyCommand, Instruction, Keyword};
use crate::stages::{Base, Needs, Stage, Via};

use super::mend::{Text, literal};
use super::origin::Brought;
use super::shell::{self, ShellCommand};

/// What a command does to `node_modules`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Installs everything.
    All,
    /// Installs what runs, or takes the rest away.
    ProductionOnly,
    /// Needs what is there, or may: a build, a test, anything that is not known.
    Uses,
    /// Has nothing to do with packages.
    Nothing,
}

fn effect(command: &ShellCommand) -> Effect {
    let verb = command.args().first().map(|a| a.text.as_str());
    let omits = command.args().iter().any(|a| {
        matches!(
            a.text.as_str(),
            "--omit=dev" | "--production" | "--only=production" | "--prod" | "-P"
        )
    });
    match (command.program(), verb) {
        ("npm", Some("ci" | "install" | "i" | "clean-install" | "prune")) if omits => {
            Effect::ProductionOnly
        }
        ("npm", Some("ci" | "install" | "i" | "clean-install")) => Effect::All,
        (
            "mkdir" | "chown" | "chmod" | "rm" | "cp" | "mv" | "ls" | "echo" | "adduser"
            | "addgroup" | "apk",
            _,
        ) => Effect::Nothing,
        ("npm", Some("cache" | "config")) => Effect::Nothing,
        _ => Effect::Uses,
    }
}

/// The stage's own commands in order, each with its instruction; those of the stages below it first.
fn commands<'a>(text: &Text<'a>, stage: &Stage) -> Vec<(&'a Instruction, ShellCommand)> {
    super::walk::all_instructions(text.source, stage)
        .into_iter()
        .filter(|(_, i)| i.keyword == Keyword::Run)
        .flat_map(|(_, i)| {
            let all = shell::commands(&text.source.dockerfile, i);
            all.into_iter().map(move |c| (i, c))
        })
        .collect()
}

/// Whether the packages that the stage ends with are those that run: its last install or prune says so. `None` where it
/// installs nothing that is known.
fn ends_without_dev(text: &Text<'_>, stage: &Stage) -> Option<bool> {
    let mut effects = commands(text, stage).into_iter().map(|(_, c)| effect(&c));
    effects
        .rfind(|e| matches!(e, Effect::All | Effect::ProductionOnly))
        .map(|e| e == Effect::ProductionOnly)
}

/// The stage that an instruction copies from.
fn copied_stage<'a>(text: &Text<'a>, instruction: &Instruction) -> Option<&'a Stage> {
    let graph = &text.source.graph;
    let edge = graph
        .edges
        .iter()
        .find(|e| e.via == Via::Copy && instruction.span.contains(e.span.start))?;
    match edge.needs {
        Needs::Stage(i) => graph.stages.get(i),
        Needs::Image(_) => None,
    }
}

fn copy(instruction: &Instruction) -> Option<&CopyCommand> {
    match &instruction.command {
        Command::Copy(copy) => Some(copy),
        _ => None,
    }
}

/// Whether a `COPY --from` may bring `node_modules` along.
fn brings_packages(copy: &CopyCommand) -> bool {
    copy.from.is_some()
        && copy.sources.iter().any(|s| match literal(&s.text) {
            None => true,
            Some(path) => {
                let path = path.trim_end_matches('/');
                let name = path.rsplit('/').next().unwrap_or(path);
                name == "node_modules"
                    || !name.contains('.') && !matches!(name, "dist" | "build" | "public" | "bin")
            }
        })
}

/// What the text says about devDependencies in the target: every way by which packages come in must leave them out.
pub(super) fn ships_no_dev(text: &Text<'_>) -> Option<bool> {
    let mut sure = false;
    match ends_without_dev(text, text.target) {
        Some(true) => sure = true,
        Some(false) => return None,
        None => {}
    }
    for (_, instruction) in text.effective() {
        let Some(copy) = copy(instruction).filter(|c| brings_packages(c)) else {
            continue;
        };
        if ends_without_dev(text, copied_stage(text, instruction)?) != Some(true) {
            let names = copy.sources.iter().any(|s| s.text.contains("node_modules"));
            // Another folder of a stage that has them may or may not hold them.
            if names {
                return None;
            }
            continue;
        }
        sure = true;
    }
    sure.then_some(true)
}

/// Edits that keep the devDependencies out, for packages that this line brought.
pub(super) fn fixes(text: &Text<'_>, brought: Brought<'_>) -> Vec<Fix> {
    let Brought::Line(line) = brought else {
        return Vec::new();
    };
    if copy(line).is_some() {
        let Some(stage) = copied_stage(text, line) else {
            return Vec::new();
        };
        return [take_from_another(text, line, stage), prune(text, stage)]
            .into_iter()
            .flatten()
            .collect();
    }
    omit(text, line).into_iter().collect()
}

/// Takes `node_modules` from a stage that installs only what runs.
fn take_from_another(text: &Text<'_>, line: &Instruction, stage: &Stage) -> Option<Fix> {
    let copy = copy(line)?;
    let from = copy.from.as_ref()?;
    let [source] = &copy.sources[..] else {
        return None;
    };
    let path = literal(&source.text)?;
    let folder = path
        .trim_end_matches('/')
        .strip_suffix("/node_modules")?
        .to_owned();
    let stages = text.source.graph.stages.iter();
    let better = stages
        .filter(|s| s.index < text.target.index && s.index != stage.index)
        .find(|s| {
            s.name.is_some()
                && working_folder(text, s).as_deref() == Some(&folder)
                && ends_without_dev(text, s) == Some(true)
        })?;
    let title = format!(
        "take the packages from `{}`, which has no devDependencies",
        better.label()
    );
    Some(Fix::new(title).replace(text.file(), from.span, better.label()))
}

/// The stage's last `WORKDIR`.
fn working_folder(text: &Text<'_>, stage: &Stage) -> Option<String> {
    let instructions = super::walk::all_instructions(text.source, stage);
    instructions
        .iter()
        .rev()
        .find_map(|(_, i)| match &i.command {
            Command::Workdir(word) => {
                literal(&word.text).map(|p| p.trim_end_matches('/').to_owned())
            }
            _ => None,
        })
}

/// Takes the devDependencies away at the end of a stage that nothing else starts from.
fn prune(text: &Text<'_>, stage: &Stage) -> Option<Fix> {
    let installs = commands(text, stage).iter().any(|(i, c)| {
        effect(c) == Effect::All
            && matches!(&i.command, Command::Run(r) if matches!(r.form, CommandForm::Shell(_)))
    });
    let others_copy_packages = text.source.dockerfile.instructions.iter().any(|i| {
        let from_here = copied_stage(text, i).is_some_and(|s| s.index == stage.index);
        let in_target = text.target.instructions.clone().any(|n| {
            text.source
                .dockerfile
                .instructions
                .get(n)
                .is_some_and(|t| t.span == i.span)
        });
        from_here && !in_target
    });
    if !installs
        || text.is_base_of_another(stage)
        || others_copy_packages
        || !runs_as_root(text, stage)
    {
        return None;
    }
    let last = text
        .of(stage)
        .iter()
        .rev()
        .find(|i| matches!(i.keyword, Keyword::Run | Keyword::Copy))?;
    let fix = Fix::new(format!(
        "take the devDependencies away at the end of `{}`",
        stage.label()
    ));
    Some(text.insert_after(fix, last, "RUN npm prune --omit=dev"))
}

/// Whether no `USER` may forbid the stage to change its packages.
fn runs_as_root(text: &Text<'_>, stage: &Stage) -> bool {
    let instructions = super::walk::all_instructions(text.source, stage);
    !instructions.iter().any(|(_, i)| i.keyword == Keyword::User) && stage.base != Base::Unknown
}

/// Leaves the devDependencies out of an install that nothing after it needs whole.
fn omit(text: &Text<'_>, line: &Instruction) -> Option<Fix> {
    let all = commands(text, text.target);
    let position = all
        .iter()
        .position(|(i, c)| i.span == line.span && effect(c) == Effect::All)?;
    let needs_them = all
        .iter()
        .skip(position + 1)
        .any(|(_, c)| effect(c) == Effect::Uses);
    let command = &all[position].1;
    let verb = command.args().first()?;
    let Command::Run(run) = &line.command else {
        return None;
    };
    if needs_them
        || text.is_base_of_another(text.target)
        || matches!(run.form, CommandForm::Exec { .. })
    {
        return None;
    }
    let fix = Fix::new("install without devDependencies");
    Some(fix.insert(text.file(), verb.span.end, " --omit=dev"))
}
