//! Which variables have which value where: `ARG` and `ENV` in the order of the file, through base stages.

use super::build::Setting;
use super::graph::{Base, StageGraph};
use crate::dockerfile::{Command, Dockerfile, ExpandError, Instruction, Scope, expand_word};
use crate::source::Span;

/// What `PATH` is where the base image sets none.
pub(crate) const DEFAULT_PATH: &str =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How many instructions that `ONBUILD` keeps are carried out in all: a file of many stages on one base with many of
/// them could ask for more than any machine has time for.
pub(crate) const MOST_KEPT: usize = 100_000;

/// A word that cannot be expanded.
pub(crate) struct Refused {
    pub(crate) span: Span,
    pub(crate) error: ExpandError,
}

/// What variables were before they were set, newest last.
pub(crate) type Undo = Vec<(String, Option<String>)>;

impl StageGraph {
    /// The variables that the instruction at `index` of [`Dockerfile::instructions`] can use.
    ///
    /// For a `FROM` these are the `ARG`s before the first stage and the platform's; in a stage, what its base stages
    /// and the instructions before have set. What a base image sets is known only where
    /// [`super::BuildOptions::image_env`] says it.
    #[must_use]
    pub fn scope_before(&self, dockerfile: &Dockerfile, index: usize) -> Scope {
        let Some(stage) = self.stages.iter().find(|s| s.instructions.contains(&index)) else {
            return self.setting.meta_scope(dockerfile, index);
        };
        if stage.from == index {
            return self.setting.globals.clone();
        }
        let mut chain = vec![stage.index];
        while let Base::Stage(base) = self.stages[chain[chain.len() - 1]].base {
            if chain.contains(&base) {
                break;
            }
            chain.push(base);
        }
        let mut scope = self.root_scope(chain[chain.len() - 1]);
        let mut undo = Undo::new();
        for (k, at) in chain.iter().enumerate().rev() {
            if let Some(base) = chain.get(k + 1) {
                for kept in onbuild(dockerfile, self.stages[*base].instructions.clone()) {
                    let _ = self
                        .setting
                        .apply(kept.1, dockerfile.escape, &mut scope, &mut undo);
                }
            }
            let range = self.stages[*at].instructions.clone();
            let end = if k == 0 { index } else { range.end };
            for instruction in &dockerfile.instructions[range.start..end] {
                let _ = self
                    .setting
                    .apply(instruction, dockerfile.escape, &mut scope, &mut undo);
            }
        }
        scope
    }

    /// The variables at the beginning of a stage that is built from an image or from nothing.
    pub(crate) fn root_scope(&self, stage: usize) -> Scope {
        let known = self
            .setting
            .options
            .image_env
            .get(&self.stages[stage].base_name);
        let mut scope: Scope = known
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if scope.get("PATH").is_none() {
            scope.set("PATH", DEFAULT_PATH);
        }
        scope
    }
}

/// The instructions that `ONBUILD` keeps for stages built from a stage, with their places.
pub(crate) fn onbuild(
    dockerfile: &Dockerfile,
    stage: std::ops::Range<usize>,
) -> impl Iterator<Item = (usize, &Instruction)> {
    stage.filter_map(|i| match &dockerfile.instructions[i].command {
        Command::Onbuild(kept) => Some((i, kept.as_ref())),
        _ => None,
    })
}

impl Setting {
    /// The `ARG`s before the first stage, up to the instruction at `index`.
    pub(crate) fn meta_scope(&self, dockerfile: &Dockerfile, index: usize) -> Scope {
        let mut scope = self.platform_scope.clone();
        for instruction in dockerfile.instructions.iter().take(index) {
            if matches!(instruction.command, Command::From { .. }) {
                break;
            }
            let _ = self.apply_meta(instruction, dockerfile.escape, &mut scope);
        }
        scope
    }

    /// What an `ARG` before the first stage does.
    pub(crate) fn apply_meta(
        &self,
        instruction: &Instruction,
        escape: char,
        scope: &mut Scope,
    ) -> Result<(), Refused> {
        let Command::Arg(pairs) = &instruction.command else {
            return Ok(());
        };
        for pair in pairs {
            let name = &pair.name.text;
            if let Some(given) = self.options.build_args.get(name) {
                scope.set(name, given);
            } else if let Some(default) = &pair.default {
                let value = expand(&default.text, default.span, scope, escape)?;
                scope.set(name, value);
            }
        }
        Ok(())
    }

    /// What an instruction of a stage does to the variables.
    ///
    /// # Errors
    ///
    /// The first word of an `ARG` or `ENV` that cannot be expanded; the variables before it are set.
    pub(crate) fn apply(
        &self,
        instruction: &Instruction,
        escape: char,
        scope: &mut Scope,
        undo: &mut Undo,
    ) -> Result<(), Refused> {
        let mut set = |scope: &mut Scope, name: String, value: String| {
            let before = scope.set(name.clone(), value);
            undo.push((name, before));
        };
        match &instruction.command {
            Command::Arg(pairs) => {
                for pair in pairs {
                    let name = &pair.name.text;
                    let value = match (self.options.build_args.get(name), &pair.default) {
                        (Some(given), _) => Some(given.clone()),
                        (None, Some(d)) => Some(expand(&d.text, d.span, scope, escape)?),
                        (None, None) => self.globals.get(name).map(str::to_owned),
                    };
                    if let Some(value) = value {
                        set(scope, name.clone(), value);
                    }
                }
            }
            Command::Env(pairs) => {
                let mut values = Vec::with_capacity(pairs.len());
                for pair in pairs {
                    values.push((
                        expand(&pair.key.text, pair.key.span, scope, escape)?,
                        expand(&pair.value.text, pair.value.span, scope, escape)?,
                    ));
                }
                for (name, value) in values {
                    set(scope, name, value);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// A word's value, or why and where it has none.
pub(crate) fn expand(
    word: &str,
    span: Span,
    scope: &Scope,
    escape: char,
) -> Result<String, Refused> {
    expand_word(word, scope, escape)
        .map(|e| e.text)
        .map_err(|error| Refused { span, error })
}
