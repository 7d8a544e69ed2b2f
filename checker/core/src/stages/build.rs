//! From a parsed file to its stage graph, with the problems that the engine finds on the way.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::graph::{Base, Edge, Needs, Problem, Stage, StageGraph, Via};
use super::platform::Platform;
use super::reference;
use super::scope::{self, Refused};
use crate::diagnostic::did_you_mean;
use crate::dockerfile::{
    Command, CopyCommand, Dockerfile, Instruction, RunCommand, Scope, Word, expand_word,
};
use crate::source::Span;

/// What is given to a build besides the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildOptions {
    /// `--build-arg`: name and value.
    pub build_args: BTreeMap<String, String>,
    /// `--target`: a stage's name, compared without case; the last stage where there is none. A name that no stage has
    /// is a problem of the graph.
    pub target: Option<String>,
    /// `--platform`: what the image is for.
    pub target_platform: String,
    /// What the engine itself runs on.
    pub build_platform: String,
    /// Names given with `--build-context`; each takes the place of a stage or an image of that name.
    pub named_contexts: BTreeSet<String>,
    /// What base images set with `ENV`, by the name that stands after `FROM` once expanded.
    pub image_env: BTreeMap<String, Vec<(String, String)>>,
    /// The working directory of base images, by the same name; `/` where nothing is said.
    pub image_workdir: BTreeMap<String, String>,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            build_args: BTreeMap::new(),
            target: None,
            target_platform: "linux/amd64".to_owned(),
            build_platform: "linux/amd64".to_owned(),
            named_contexts: BTreeSet::new(),
            image_env: BTreeMap::new(),
            image_workdir: BTreeMap::new(),
        }
    }
}

/// What holds for the whole file once the options are known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setting {
    pub(crate) options: BuildOptions,
    /// The predefined variables.
    pub(crate) platform_scope: Scope,
    /// The predefined variables and the `ARG`s before the first stage.
    pub(crate) globals: Scope,
}

impl StageGraph {
    /// Builds the graph of a file. Where the file has errors, the graph holds what could be read.
    #[must_use]
    pub fn build(dockerfile: &Dockerfile, options: &BuildOptions) -> Self {
        let mut builder = Builder {
            dockerfile,
            graph: Self::default(),
            states: Vec::new(),
            by_name: HashMap::new(),
        };
        builder.graph.setting.options = options.clone();
        builder.stages();
        builder.target();
        builder.edges();
        builder.cycles();
        builder.references();
        super::walk::walk(dockerfile, &mut builder.graph);
        builder.graph
    }
}

/// One place that the engine can copy from: a stage, or an image that is no stage.
struct State {
    stage: Option<usize>,
    name: String,
    /// Other states that its instructions read, each with the words that say so.
    reads: Vec<(usize, Span)>,
    span: Span,
}

struct Builder<'a> {
    dockerfile: &'a Dockerfile,
    graph: StageGraph,
    states: Vec<State>,
    /// Places by lower-case name; the last one of a name.
    by_name: HashMap<String, usize>,
}

impl Builder<'_> {
    fn problem(&mut self, stage: Option<usize>, span: Span, message: String, help: Option<&str>) {
        self.graph.problems.push(Problem {
            stage,
            span,
            message,
            help: help.map(str::to_owned),
        });
    }

    fn refused(&mut self, stage: Option<usize>, refused: &Refused) {
        self.problem(stage, refused.span, refused.error.to_string(), None);
    }

    /// The stages with their bases.
    fn stages(&mut self) {
        let instructions = &self.dockerfile.instructions;
        let last_name = instructions.iter().rev().find_map(|i| match &i.command {
            Command::From { name, .. } => Some(name.as_ref().map(|n| n.text.to_lowercase())),
            _ => None,
        });
        let local = self.platforms(last_name.flatten());
        let escape = self.dockerfile.escape;
        let mut globals = self.graph.setting.platform_scope.clone();
        for instruction in instructions {
            if matches!(instruction.command, Command::From { .. }) {
                break;
            }
            let applied = self
                .graph
                .setting
                .apply_meta(instruction, escape, &mut globals);
            if let Err(refused) = applied {
                self.refused(None, &refused);
            }
        }
        self.graph.setting.globals = globals;
        for (at, instruction) in instructions.iter().enumerate() {
            if let Some(stage) = self.graph.stages.last_mut() {
                stage.instructions.end = at;
            }
            if let Command::From {
                image,
                platform,
                name,
            } = &instruction.command
            {
                self.stage(at, image, platform.as_ref(), name.as_ref(), &local);
            }
        }
        if let Some(stage) = self.graph.stages.last_mut() {
            stage.instructions.end = instructions.len();
        }
    }

    /// Sets up the predefined variables; gives the platform that short names refer to.
    fn platforms(&mut self, last_stage: Option<String>) -> Platform {
        let options = self.graph.setting.options.clone();
        let fallback = Platform {
            os: "linux".to_owned(),
            architecture: "amd64".to_owned(),
            variant: String::new(),
        };
        let build = Platform::parse(&options.build_platform, &fallback).unwrap_or(fallback);
        let target = match Platform::parse(&options.target_platform, &build) {
            Ok(target) => target,
            Err(message) => {
                self.problem(
                    None,
                    Span::at(0),
                    format!("invalid platform: {message}"),
                    None,
                );
                build.clone()
            }
        };
        let stage = options.target.or(last_stage);
        let predefined = [
            ("BUILDPLATFORM", build.name()),
            ("BUILDOS", build.os.clone()),
            ("BUILDOSVERSION", String::new()),
            ("BUILDARCH", build.architecture.clone()),
            ("BUILDVARIANT", build.variant.clone()),
            ("TARGETPLATFORM", target.name()),
            ("TARGETOS", target.os.clone()),
            ("TARGETOSVERSION", String::new()),
            ("TARGETARCH", target.architecture.clone()),
            ("TARGETVARIANT", target.variant),
            ("TARGETSTAGE", stage.unwrap_or_else(|| "default".to_owned())),
        ];
        self.graph.setting.platform_scope = predefined
            .into_iter()
            .map(|(name, value)| {
                let given = options.build_args.get(name).cloned();
                (name, given.unwrap_or(value))
            })
            .collect();
        build
    }

    fn stage(
        &mut self,
        at: usize,
        image: &Word,
        platform: Option<&Word>,
        name: Option<&Word>,
        local: &Platform,
    ) {
        let index = self.graph.stages.len();
        let escape = self.dockerfile.escape;
        let mut base_name = String::new();
        match expand_word(&image.text, &self.graph.setting.globals, escape) {
            Ok(expanded) if !expanded.text.is_empty() => base_name = expanded.text,
            Ok(expanded) => {
                let unset: Vec<_> = expanded.unset.iter().map(|v| format!("`{v}`")).collect();
                let help = (!unset.is_empty()).then(|| {
                    format!(
                        "Give {} a value with ARG before the first FROM.",
                        unset.join(" and ")
                    )
                });
                let message = format!("base name ({}) should not be blank", image.text);
                self.problem(None, image.span, message, help.as_deref());
            }
            Err(error) => self.problem(None, image.span, error.to_string(), None),
        }
        let platform = platform.and_then(|word| self.platform(word, local));
        let lower = name.map(|n| n.text.to_lowercase());
        if let (Some(name), Some(lower)) = (name, &lower)
            && lower != "scratch"
            && lower != "context"
            && let Err(message) = reference::check(lower)
        {
            let message = format!("invalid context name {lower}: {message}");
            let help = "Let the name end in a letter or a digit, with single separators inside.";
            self.problem(None, name.span, message, Some(help));
        }
        let replaced = lower
            .as_ref()
            .is_some_and(|n| self.graph.setting.options.named_contexts.contains(n));
        let base = if base_name.is_empty() {
            Base::Unknown
        } else if replaced {
            Base::Image(lower.clone().unwrap_or_default())
        } else if let Some(earlier) = self.by_name.get(&base_name) {
            Base::Stage(*earlier)
        } else if base_name == "scratch" {
            Base::Scratch
        } else {
            Base::Image(base_name.clone())
        };
        let needs = match &base {
            Base::Stage(on) => Some(Needs::Stage(*on)),
            Base::Image(name) => Some(Needs::Image(name.clone())),
            Base::Scratch | Base::Unknown => None,
        };
        if let Some(needs) = needs {
            self.graph.edges.push(Edge {
                stage: index,
                needs,
                via: Via::From,
                instruction: at,
                span: image.span,
            });
        }
        self.states.push(State {
            stage: Some(index),
            name: base_name.clone(),
            reads: Vec::new(),
            span: image.span,
        });
        if let Some(lower) = lower {
            self.by_name.insert(lower, index);
        }
        self.graph.stages.push(Stage {
            index,
            name: name.cloned(),
            base_name,
            base,
            platform,
            from: at,
            instructions: at..at + 1,
        });
    }

    fn platform(&mut self, word: &Word, local: &Platform) -> Option<String> {
        let escape = self.dockerfile.escape;
        let problem = match expand_word(&word.text, &self.graph.setting.globals, escape) {
            Ok(expanded) if expanded.text.is_empty() => {
                format!("empty platform value from expression {}", word.text)
            }
            Ok(expanded) => match Platform::parse(&expanded.text, local) {
                Ok(platform) => return Some(platform.name()),
                Err(message) => format!("failed to parse platform: {message}"),
            },
            Err(error) => error.to_string(),
        };
        self.problem(None, word.span, problem, None);
        None
    }

    /// The target must be a stage. The engine looks for it as soon as it knows the stages.
    fn target(&mut self) {
        let stages = &self.graph.stages;
        let (Some(wanted), Some(last)) = (&self.graph.setting.options.target, stages.last()) else {
            return;
        };
        if self.graph.target().is_some() {
            return;
        }
        let names: Vec<String> = stages
            .iter()
            .filter_map(|s| s.name.as_ref().map(|n| n.text.to_lowercase()))
            .collect();
        let help = match did_you_mean(wanted, names.iter().map(String::as_str)) {
            Some(near) => format!("Did you mean `{near}`?"),
            None if names.is_empty() => {
                format!("No stage has a name: give the one that you mean one, with `AS {wanted}`.")
            }
            None => format!("The stages with a name are {}.", names.join(", ")),
        };
        let message = format!("target stage {wanted:?} could not be found");
        let span = match &self.dockerfile.instructions[last.from].command {
            Command::From { image, name, .. } => name.as_ref().unwrap_or(image).span,
            _ => self.dockerfile.instructions[last.from].span,
        };
        self.problem(None, span, message, Some(&help));
    }

    /// What each stage's instructions read.
    fn edges(&mut self) {
        let mut carried_out = 0;
        for index in 0..self.graph.stages.len() {
            let stage = &self.graph.stages[index];
            let range = stage.instructions.clone();
            let base = match stage.base {
                Base::Stage(base) => Some(self.graph.stages[base].instructions.clone()),
                _ => None,
            };
            for at in range {
                self.instruction(index, at, &self.dockerfile.instructions[at], false);
            }
            let left = scope::MOST_KEPT - carried_out.min(scope::MOST_KEPT);
            let kept: Vec<_> = base
                .map(|base| scope::onbuild(self.dockerfile, base).take(left).collect())
                .unwrap_or_default();
            for (at, kept) in kept {
                carried_out += 1;
                self.instruction(index, at, kept, true);
            }
        }
    }

    fn instruction(&mut self, stage: usize, at: usize, instruction: &Instruction, kept: bool) {
        match &instruction.command {
            Command::Copy(copy) => self.copy(stage, at, copy, kept),
            Command::Run(run) => self.run(stage, at, run, kept),
            _ => {}
        }
    }

    fn copy(&mut self, stage: usize, at: usize, copy: &CopyCommand, kept: bool) {
        let Some(from) = &copy.from else { return };
        // An instruction that ONBUILD keeps only counts where the stage built from it is wanted.
        let only_if = kept.then_some(stage);
        let plain = expand_word(&from.text, &Scope::new(), self.dockerfile.escape);
        match plain {
            Ok(expanded) if expanded.text == from.text => {}
            Ok(_) => {
                let message = "variable expansion is not supported for --from".to_owned();
                let help = "Define a stage with `FROM $VARIABLE AS name`, and copy from that name.";
                self.problem(only_if, from.span, message, Some(help));
                return;
            }
            Err(error) => {
                self.problem(only_if, from.span, error.to_string(), None);
                return;
            }
        }
        let state = match from.text.parse::<i64>() {
            Ok(number) => {
                let found = usize::try_from(number)
                    .ok()
                    .filter(|n| *n < self.states.len());
                let Some(found) = found else {
                    let message = format!("invalid stage index {}", from.text);
                    let help = "Stages are counted from 0; better give the stage a name.";
                    self.problem(only_if, from.span, message, Some(help));
                    return;
                };
                found
            }
            Err(_) => self.state_called(&from.text, from.span),
        };
        self.read(stage, at, state, from, Via::Copy, kept);
    }

    fn run(&mut self, stage: usize, at: usize, run: &RunCommand, kept: bool) {
        for mount in &run.mounts {
            match mount.option("from").filter(|w| !w.text.is_empty()) {
                Some(from) => {
                    let state = self.state_called(&from.text, from.span);
                    self.read(stage, at, state, from, Via::Mount, kept);
                }
                None => {
                    let state = self.state_called("scratch", mount.span);
                    if !kept {
                        self.states[stage].reads.push((state, mount.span));
                    }
                }
            }
        }
    }

    /// The place called `name`: a stage, or else an image that takes its place in the list of places.
    fn state_called(&mut self, name: &str, span: Span) -> usize {
        if let Some(found) = self.by_name.get(&name.to_lowercase()) {
            return *found;
        }
        self.states.push(State {
            stage: None,
            name: name.to_owned(),
            reads: Vec::new(),
            span,
        });
        self.states.len() - 1
    }

    fn read(&mut self, stage: usize, at: usize, state: usize, from: &Word, via: Via, kept: bool) {
        // The engine has looked for circles before it learns what ONBUILD adds.
        if !kept {
            self.states[stage].reads.push((state, from.span));
        }
        let needs = match self.states[state].stage {
            Some(on) => Needs::Stage(on),
            None => Needs::Image(self.states[state].name.clone()),
        };
        if let Needs::Stage(on) = needs
            && on > stage
        {
            let verb = if via == Via::Copy { "copy" } else { "mount" };
            let message = format!(
                "cannot {verb} from stage {:?}: it needs to be defined before the current stage",
                from.text
            );
            let help = "Move the stage further up.";
            self.problem(Some(stage), from.span, message, Some(help));
        }
        self.graph.edges.push(Edge {
            stage,
            needs,
            via,
            instruction: at,
            span: from.span,
        });
    }

    /// Stages that copy from one another in a circle. A base does not count here: it is always an earlier stage.
    fn cycles(&mut self) {
        let mut done = vec![false; self.states.len()];
        let mut on_path = vec![false; self.states.len()];
        let mut found = Vec::new();
        for start in 0..self.states.len() {
            let mut path = vec![(start, 0)];
            if done[start] {
                continue;
            }
            (done[start], on_path[start]) = (true, true);
            while let Some((at, next)) = path.pop() {
                match self.states[at].reads.get(next) {
                    Some((to, span)) => {
                        path.push((at, next + 1));
                        if on_path[*to] {
                            found.push((at, *to, *span));
                        } else if !done[*to] {
                            (done[*to], on_path[*to]) = (true, true);
                            path.push((*to, 0));
                        }
                    }
                    None => on_path[at] = false,
                }
            }
        }
        for (at, to, span) in found {
            let label = |i: usize| match self.states[i].stage {
                Some(stage) => self.graph.stages[stage].label(),
                None => self.states[i].name.clone(),
            };
            let message = if at == to {
                format!(
                    "circular dependency detected: stage {} reads from itself",
                    label(at)
                )
            } else {
                format!(
                    "circular dependency detected: stages {} and {}",
                    label(to),
                    label(at)
                )
            };
            let help = "Let the data flow one way: copy only from earlier stages.";
            self.problem(None, span, message, Some(help));
        }
        // The engine reports a circle before it looks at the order of stages.
        self.graph.problems.sort_by_key(|p| p.stage.is_some());
    }

    /// Base names that are no image reference. The engine reads all of them, whatever the target.
    fn references(&mut self) {
        for i in 0..self.states.len() {
            let state = &self.states[i];
            let is_stage = state.stage.is_some_and(|s| {
                !matches!(self.graph.stages[s].base, Base::Image(_))
                    || self.graph.stages[s].name.as_ref().is_some_and(|n| {
                        let contexts = &self.graph.setting.options.named_contexts;
                        contexts.contains(&n.text.to_lowercase())
                    })
            });
            if is_stage || state.name == "scratch" {
                continue;
            }
            if let Err(message) = reference::check(&state.name) {
                let message = format!("failed to parse stage name {:?}: {message}", state.name);
                let span = state.span;
                let lower = state.name.to_lowercase();
                let help = self
                    .by_name
                    .contains_key(&lower)
                    .then(|| format!("FROM compares names exactly: write `{lower}`."));
                self.problem(None, span, message, help.as_deref());
            }
        }
    }
}
