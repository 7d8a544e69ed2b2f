//! Whether a stage compiles on the builder's own platform for the one that is wanted, and what would make it.

use super::installs;
use super::secret_mount::FlagPlace;
use super::shell::{self, ShellCommand};
use super::told::{Says, Surroundings, Told, WANTED, names};
use super::{View, walk};
use crate::diagnostic::{Finding, Fix};
use crate::dockerfile::{Command, Instruction, expand_word};
use crate::edits::Edits;
use crate::evidence::SourceEvidence;
use crate::source::Span;
use crate::stages::{Needs, Stage, Via};

/// What the builder's platform is taken to be: one that nobody asks for, so that no other can be mistaken for it.
pub(super) const BUILDER: &str = "linux/s390x";

/// The commands of a stage that make programs for one platform, each with the index of its `RUN`.
pub(super) fn compiles(source: &SourceEvidence, stage: &Stage) -> Vec<(usize, ShellCommand)> {
    let native = |c: &ShellCommand| {
        let known = [
            "go", "cargo", "dotnet", "gcc", "g++", "cc", "clang", "rustc", "tinygo", "zig",
        ];
        known.contains(&c.program())
            && (installs::is_compile(c) || matches!(c.program(), "tinygo" | "zig"))
    };
    walk::own_instructions(source, stage)
        .into_iter()
        .filter(|(_, i)| matches!(i.command, Command::Run(_)))
        .flat_map(|(at, i)| {
            let all = shell::commands(&source.dockerfile, i).into_iter();
            all.filter(native).map(move |c| (at, c)).collect::<Vec<_>>()
        })
        .collect()
}

/// The `FROM` at the bottom of a stage.
fn root_from<'a>(source: &'a SourceEvidence, stage: &Stage) -> Option<(&'a Instruction, Span)> {
    let line = walk::lineage(&source.graph, stage.index);
    let root = line.first()?;
    let instruction = source.dockerfile.instructions.get(root.from)?;
    Some((instruction, walk::base_span(source, root)?))
}

pub(super) fn platform(instruction: &Instruction) -> Option<&str> {
    match &instruction.command {
        Command::From { platform, .. } => platform.as_ref().map(|p| p.text.as_str()),
        _ => None,
    }
}

/// The file as it is read for one wanted platform.
pub(super) struct Trial<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) source: &'a SourceEvidence,
    /// `linux/arm64`
    pub(super) wanted: &'a str,
    /// The target and the stages that it starts from.
    pub(super) ships: Vec<usize>,
}

impl Trial<'_> {
    fn architecture(&self) -> &str {
        self.wanted.split('/').nth(1).unwrap_or_default()
    }

    /// Whether a stage runs on the builder's own platform.
    fn is_native(&self, stage: &Stage) -> bool {
        let line = walk::lineage(&self.source.graph, stage.index);
        line.first()
            .is_some_and(|root| root.platform.as_deref() == Some(BUILDER))
    }

    /// What is wrong with a command of a stage that compiles.
    pub(super) fn wrong(
        &self,
        stage: &Stage,
        at: usize,
        command: &ShellCommand,
    ) -> Option<Finding> {
        let here = Surroundings::new(self.source, stage, at, command);
        if !self.is_native(stage) {
            let what = format!(
                "`{}` compiles, and does not run on the builder's own platform",
                stage.label()
            );
            let finding = self.foreign(stage, what)?;
            return Some(self.with_fix(finding, stage, at, command, &here));
        }
        if command.program() != "go" {
            return (!self.hears(stage, at, &here)).then(|| {
                self.view
                    .finding(
                        "the compiler is not told which platform is wanted",
                        command.span(),
                    )
                    .expected("TARGETOS and TARGETARCH reach the compiler", "they do not")
                    .help(
                        "Declare `ARG TARGETARCH` in this stage, and tell the compiler its target.",
                    )
            });
        }
        let os = here.told("GOOS");
        let arch = here.told("GOARCH");
        let is = |told: &Told, wanted: &str| match &told.says {
            Says::This(text) => text == wanted,
            Says::Something => true,
            Says::Nothing => false,
        };
        // Both sides are Linux: a system that is not named is the right one.
        let right_os = os.says == Says::Nothing || is(&os, "linux");
        if right_os && (is(&arch, self.architecture()) || self.picked(stage)) {
            return None;
        }
        let finding = self.unheard(command, &here, [&arch, &os]);
        Some(self.with_fix(finding, stage, at, command, &here))
    }

    /// Why the compiler does not hear which platform is wanted.
    fn unheard(
        &self,
        command: &ShellCommand,
        here: &Surroundings<'_>,
        told: [&Told; 2],
    ) -> Finding {
        let expected = "TARGETOS and TARGETARCH reach the compiler";
        if let Some(default) = self.default_of_wanted(here) {
            return self
                .view
                .finding("a value of its own takes the place of the engine's", default)
                .expected(expected, "one fixed platform")
                .help("Write `ARG TARGETARCH` without a value: then the engine gives it the platform that is wanted.");
        }
        // Both sides are Linux: a system that is told so is told the right one.
        let is_linux = |t: &Told| t.says == Says::This("linux".into());
        if let Some(fixed) = told.iter().find(|t| t.is_fixed() && !is_linux(t)) {
            return self
                .view
                .finding(
                    "the compiler is told one fixed platform",
                    fixed.span.unwrap_or_else(|| command.span()),
                )
                .expected(expected, "they do not")
                .help(HELP);
        }
        let empty = told
            .iter()
            .find(|t| t.says == Says::Nothing && WANTED.iter().any(|v| names(&t.written, v)));
        let early = empty
            .filter(|_| here.scope.get("TARGETARCH").is_some())
            .and_then(|t| t.span)
            .filter(|s| s.end <= command.span().start);
        let message = match empty {
            Some(_) if early.is_some() => {
                "TARGETARCH is used before the stage declares it, so it is still empty there"
            }
            Some(_) => "the stage does not declare TARGETOS and TARGETARCH, so they are empty",
            None => "the compiler is not told which platform is wanted",
        };
        self.view
            .finding(message, early.unwrap_or_else(|| command.span()))
            .expected(expected, "they do not")
            .help(HELP)
    }

    /// An `ARG TARGETARCH=amd64` that comes before the command.
    fn default_of_wanted(&self, here: &Surroundings<'_>) -> Option<Span> {
        let instructions = walk::all_instructions(self.source, here.stage);
        let args = instructions.iter().filter(|(i, _)| *i < here.at);
        args.filter_map(|(_, i)| match &i.command {
            Command::Arg(pairs) => pairs
                .iter()
                .find(|p| WANTED.contains(&p.name.text.as_str()) && p.default.is_some()),
            _ => None,
        })
        .map(|p| p.span)
        .next_back()
    }

    /// Whether what is wanted reaches a compiler that is told in another way than Go's.
    fn hears(&self, stage: &Stage, at: usize, here: &Surroundings<'_>) -> bool {
        let before = walk::all_instructions(self.source, stage);
        let mut before = before.into_iter().filter(|(i, _)| *i <= at);
        before.any(|(_, i)| match &i.command {
            Command::Run(_) => here.mentions_wanted(i),
            Command::Env(pairs) => pairs
                .iter()
                .any(|p| WANTED.iter().any(|v| names(&p.value.text, v))),
            Command::Arg(pairs) => pairs
                .iter()
                .filter_map(|p| p.default.as_ref())
                .any(|d| WANTED.iter().any(|v| names(&d.text, v))),
            _ => false,
        })
    }

    /// Whether a stage compiles for several platforms, and what is copied from it is picked by the one that is wanted.
    fn picked(&self, stage: &Stage) -> bool {
        let graph = &self.source.graph;
        graph.edges.iter().any(|edge| {
            let Needs::Stage(from) = edge.needs else {
                return false;
            };
            if edge.via != Via::Copy || !graph.reachable(from).contains(&stage.index) {
                return false;
            }
            let copies = self.source.dockerfile.instructions.get(edge.instruction);
            let Some(Command::Copy(copy)) = copies.map(|i| &i.command) else {
                return false;
            };
            let scope = graph.scope_before(&self.source.dockerfile, edge.instruction);
            copy.sources.iter().any(|word| {
                let escape = self.source.dockerfile.escape;
                let arch = self.architecture();
                !word.text.contains(arch)
                    && expand_word(&word.text, &scope, escape).is_ok_and(|e| e.text.contains(arch))
            })
        })
    }

    /// The finding for a stage that does not run on the builder's platform.
    fn foreign(&self, stage: &Stage, message: String) -> Option<Finding> {
        let (from, base) = root_from(self.source, stage)?;
        let flag = from.flags.iter().find(|f| f.name.text == "platform");
        let finding = self
            .view
            .finding(message, flag.map_or(base, |f| f.span))
            .expected(
                "`FROM --platform=$BUILDPLATFORM`",
                platform(from).map_or("no platform".to_owned(), |p| format!("`--platform={p}`")),
            )
            .help("`$BUILDPLATFORM` is the platform of the machine that builds: nothing has to be emulated.");
        Some(finding)
    }

    /// A stage whose commands are carried out as on the machine that the image is for.
    pub(super) fn emulated(&self, stage: &Stage) -> Option<Finding> {
        if self.is_native(stage) {
            return None;
        }
        let own = walk::own_instructions(self.source, stage);
        let (_, run) = own
            .into_iter()
            .find(|(_, i)| matches!(i.command, Command::Run(_)))?;
        if self.ships.contains(&stage.index) {
            return Some(
                self.view
                    .finding(
                        "this command would be emulated in the image for another machine",
                        run.span,
                    )
                    .expected("no RUN in a stage that ships", "one")
                    .help(
                        "Do it in a builder that runs on `$BUILDPLATFORM`, and copy what it makes.",
                    ),
            );
        }
        let what = format!(
            "`{}` runs a command, and not on the builder's own platform",
            stage.label()
        );
        let finding = self
            .foreign(stage, what)?
            .related(self.view.place(run.span), "this would be emulated");
        let (from, _) = root_from(self.source, stage)?;
        let title = "run it on the builder's own platform";
        let edits = Edits::new(title, &self.source.path, &self.source.dockerfile.source);
        Some(finding.fix(on_builder(edits, from).done()))
    }

    fn with_fix(
        &self,
        mut finding: Finding,
        stage: &Stage,
        at: usize,
        command: &ShellCommand,
        here: &Surroundings<'_>,
    ) -> Finding {
        if command.program() == "go" {
            finding.fixes.extend(self.fix(stage, at, command, here));
        }
        finding
    }

    /// Puts in what is missing: the platform of the base, the arguments, and the compiler's variables.
    fn fix(
        &self,
        stage: &Stage,
        at: usize,
        command: &ShellCommand,
        here: &Surroundings<'_>,
    ) -> Option<Fix> {
        let (from, _) = root_from(self.source, stage)?;
        let file = &self.source.dockerfile.source;
        let run = self.source.dockerfile.instructions.get(at)?;
        let Command::Run(parsed) = &run.command else {
            return None;
        };
        let shell = matches!(parsed.form, crate::dockerfile::CommandForm::Shell(_));
        if compiles(self.source, stage).len() > 1 || !shell || !command.plain {
            return None;
        }
        let title = "compile on the builder's platform for the wanted one";
        let mut edits = on_builder(Edits::new(title, &self.source.path, file), from);
        if let Some(default) = self.default_of_wanted(here) {
            let name = file.snippet(default);
            let name = name.split('=').next().unwrap_or_default().to_owned();
            return Some(edits.replace(default, name).done());
        }
        let mut declared = Vec::new();
        let mut missing = String::new();
        // Whoever sets GOARCH alone compiles for the builder's own system, which is Linux too.
        let arch_alone = !here.told("GOARCH").written.is_empty();
        for (variable, wanted) in [("GOOS", "TARGETOS"), ("GOARCH", "TARGETARCH")] {
            let told = here.told(variable);
            let right = told.says == Says::This("linux".into());
            if right || variable == "GOOS" && arch_alone && told.written.is_empty() {
                continue;
            }
            let from_wanted = names(&told.written, wanted);
            if !from_wanted && !told.written.is_empty() {
                // A fixed value of its own, before the command itself.
                let span = told.span.filter(|s| command.span().contains(s.start))?;
                edits = edits.replace(span, format!("{variable}=${wanted}"));
            } else if told.written.is_empty() {
                missing.push_str(&format!("{variable}=${wanted} "));
            } else if told.says == Says::Nothing && !run.span.contains(told.span?.start) {
                // An ENV before the ARG was expanded while the argument was still empty.
                return None;
            }
            if here.scope.get(wanted).is_none() {
                declared.push(wanted);
            }
        }
        if !declared.is_empty() {
            edits = edits.lines_before(run.span, &[format!("ARG {}", declared.join(" "))]);
        }
        if !missing.is_empty() {
            let before = command.words.first().map(|w| w.span.start)?;
            edits = edits.insert(before, missing);
        }
        Some(edits.done())
    }
}

const HELP: &str =
    "Declare `ARG TARGETOS TARGETARCH` in this stage, and set GOOS and GOARCH from them.";

/// Lets a stage start from the builder's own platform.
fn on_builder<'a>(edits: Edits<'a>, from: &Instruction) -> Edits<'a> {
    let wanted = "--platform=$BUILDPLATFORM";
    let flag = from.flags.iter().find(|f| f.name.text == "platform");
    match flag {
        Some(_) if platform(from).is_some_and(|p| names(p, "BUILDPLATFORM")) => edits,
        Some(flag) => edits.replace(flag.span, wanted),
        None => edits.insert(from.after_keyword(), format!("{wanted} ")),
    }
}
