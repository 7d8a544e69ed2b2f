//! What a stage is there for, as far as its instructions and its name tell.

use super::installs;
use super::shell;
use crate::dockerfile::Instruction;
use crate::evidence::SourceEvidence;
use crate::stages::Stage;

/// A stage's part in the play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It installs dependencies and does no more.
    Dependencies,
    /// It compiles.
    Builder,
    /// It runs tests.
    Test,
    /// It is for working on the program.
    Development,
    /// It ships.
    Production,
    /// Others start from it.
    Base,
}

impl Role {
    /// The role that a stage's name promises.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "deps" | "dependencies" | "prod-deps" | "dev-deps" | "install" => Self::Dependencies,
            "builder" | "build" | "compile" | "compiler" => Self::Builder,
            "test" | "tests" | "testing" => Self::Test,
            "dev" | "development" => Self::Development,
            "production" | "prod" | "runtime" | "release" | "final" | "runner" | "app" => {
                Self::Production
            }
            "base" => Self::Base,
            _ => return None,
        })
    }

    /// The name that the book gives to such a stage.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Dependencies => "deps",
            Self::Builder => "builder",
            Self::Test => "test",
            Self::Development => "development",
            Self::Production => "production",
            Self::Base => "base",
        }
    }
}

/// What the stage's own instructions say that it is for. The last stage of the file is the one that ships.
pub(super) fn role_of(source: &SourceEvidence, stage: &Stage) -> Role {
    if stage.index + 1 == source.graph.stages.len() {
        return Role::Production;
    }
    let range = stage.instructions.clone();
    let own = source
        .dockerfile
        .instructions
        .get(range)
        .unwrap_or_default();
    let commands: Vec<_> = own
        .iter()
        .filter(|i| is_run(i))
        .flat_map(|i| shell::commands(&source.dockerfile, i))
        .collect();
    if commands.iter().any(installs::is_test) && !commands.iter().any(installs::is_compile) {
        Role::Test
    } else if commands.iter().any(installs::is_compile) {
        Role::Builder
    } else if commands.iter().any(|c| installs::install_of(c).is_some()) {
        Role::Dependencies
    } else if commands.is_empty() {
        Role::Base
    } else {
        Role::Builder
    }
}

fn is_run(instruction: &Instruction) -> bool {
    matches!(instruction.command, crate::dockerfile::Command::Run(_))
}
