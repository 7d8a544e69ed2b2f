//! `cross-platform-args`: the builder runs on the machine's own platform and compiles for the wanted one.

use schemars::JsonSchema;
use serde::Deserialize;

use super::installs;
use super::secret_mount::FlagPlace;
use super::shell::{self, ShellCommand};
use super::{Check, Doc, Example, Judged, Verdict, View, walk};
use crate::diagnostic::{Finding, Fix};
use crate::dockerfile::{Command, Instruction};
use crate::edits::Edits;
use crate::evidence::SourceEvidence;
use crate::source::Span;
use crate::stages::Stage;

/// See [`Check::DOC`].
pub(super) struct CrossPlatformArgs;

/// `cross-platform-args` takes no parameters.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Params {}

impl Check for CrossPlatformArgs {
    type Params = Params;
    const ID: &'static str = "cross-platform-args";
    const TITLE: &'static str = "The builder compiles for the target's platform";
    const DOC: Doc = Doc {
        what: "Every stage that compiles starts from a base with `--platform=$BUILDPLATFORM`, and the platform that is \
               wanted reaches the compiler: `GOOS` and `GOARCH` are set from `TARGETOS` and `TARGETARCH`, or another \
               compiler is told in its own way. The stages that ship are not tied to the builder's platform.",
        why: "Without it, an image for another machine is compiled under emulation, many times slower. \
              With only half of it, the program in the image is for the wrong machine.",
        bad: Example::text(BAD),
        good: Example::text(GOOD),
    };

    fn summary(_: &Params) -> String {
        "builders on $BUILDPLATFORM, compiling for TARGETOS and TARGETARCH".into()
    }

    fn judge(_: &Params, view: &View<'_>) -> Judged {
        let source = view.source()?;
        let ships: Vec<usize> = view.lineage()?.iter().map(|s| s.index).collect();
        let mut compiled = 0;
        for index in view.reachable()? {
            let Some(stage) = source.graph.stages.get(index) else {
                continue;
            };
            for (at, command) in compiles(source, stage) {
                compiled += 1;
                if let Some(finding) = wrong(view, source, stage, at, &command) {
                    return Ok(finding.into());
                }
            }
        }
        for stage in ships.iter().filter_map(|i| source.graph.stages.get(*i)) {
            if let Some(finding) = tied(view, source, stage) {
                return Ok(finding.into());
            }
        }
        Ok(Verdict::passed(match compiled {
            0 => "nothing is compiled for a platform",
            _ => "compiled on the builder's own platform for the wanted one",
        }))
    }
}

/// The commands of a stage that make programs for one platform, each with the index of its `RUN`.
fn compiles(source: &SourceEvidence, stage: &Stage) -> Vec<(usize, ShellCommand)> {
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

fn platform(instruction: &Instruction) -> Option<&str> {
    match &instruction.command {
        Command::From { platform, .. } => platform.as_ref().map(|p| p.text.as_str()),
        _ => None,
    }
}

fn names(text: &str, variable: &str) -> bool {
    let plain = format!("${variable}");
    let follows = |rest: &str| {
        rest.chars()
            .next()
            .is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_')
    };
    text.match_indices(&plain)
        .any(|(i, _)| follows(&text[i + plain.len()..]))
        || text.contains(&format!("${{{variable}}}"))
        || text.contains(&format!("${{{variable}:"))
        || text.contains(&format!("${{{variable}-"))
}

/// What reaches the compiler in a stage before and in one of its commands.
#[derive(Default)]
struct Reaches {
    declared_os: bool,
    declared_arch: bool,
    os: bool,
    arch: bool,
    /// A fixed architecture or system, where one is written.
    fixed: Option<Span>,
    /// Any mention of the wanted platform by a `RUN`.
    mentioned: bool,
}

fn reaches(source: &SourceEvidence, stage: &Stage, at: usize, command: &ShellCommand) -> Reaches {
    let mut r = Reaches::default();
    for (index, instruction) in walk::all_instructions(source, stage) {
        match &instruction.command {
            Command::From { .. } => {
                // Arguments end with their stage; what ENV took from them stays.
                r.declared_os = false;
                r.declared_arch = false;
            }
            Command::Arg(pairs) => {
                for pair in pairs {
                    let value = pair.default.as_ref().map_or("", |d| d.text.as_str());
                    match pair.name.text.as_str() {
                        "TARGETOS" => r.declared_os = true,
                        "TARGETARCH" => r.declared_arch = true,
                        "TARGETPLATFORM" => r.mentioned = true,
                        "GOOS" => r.set(true, value, pair.span),
                        "GOARCH" => r.set(false, value, pair.span),
                        _ => {}
                    }
                }
            }
            Command::Env(pairs) => {
                for pair in pairs {
                    match pair.key.text.as_str() {
                        "GOOS" => r.set(true, &pair.value.text, pair.span),
                        "GOARCH" => r.set(false, &pair.value.text, pair.span),
                        _ => {}
                    }
                }
            }
            Command::Run(_) if index <= at => {
                let text = source.dockerfile.source.snippet(instruction.span);
                r.mentioned |= ["TARGETARCH", "TARGETPLATFORM", "TARGETOS"]
                    .iter()
                    .any(|v| names(&text, v));
                let commands = shell::commands(&source.dockerfile, instruction);
                for c in &commands {
                    let persists = c.program() == "go" && c.has_arg("env") && c.has_arg("-w");
                    let exports = index == at && (c.program() == "export" || c.words.is_empty());
                    let own = c.span() == command.span() && index == at;
                    let assigned = c.assignments.iter().chain(c.words.iter());
                    for word in assigned.filter(|_| persists || exports || own) {
                        match word.text.split_once('=') {
                            Some(("GOOS", value)) => r.set(true, value, word.span),
                            Some(("GOARCH", value)) => r.set(false, value, word.span),
                            _ => {}
                        }
                    }
                }
            }
            _ => {}
        }
        if index == at {
            break;
        }
    }
    r
}

impl Reaches {
    fn set(&mut self, os: bool, value: &str, span: Span) {
        let variable = if os { "TARGETOS" } else { "TARGETARCH" };
        let from_target = names(value, variable);
        let plain = value.trim_matches('"');
        // Images are for Linux: a fixed GOOS=linux is the wanted system.
        let linux = os && plain == "linux";
        if from_target {
            self.fixed = None;
        } else if !linux && !plain.is_empty() {
            self.fixed = Some(span);
        }
        let right = from_target || linux;
        if os {
            self.os = right;
            self.declared_os |= right && !from_target;
        } else {
            self.arch = right;
        }
    }
}

fn wrong(
    view: &View<'_>,
    source: &SourceEvidence,
    stage: &Stage,
    at: usize,
    command: &ShellCommand,
) -> Option<Finding> {
    let (from, base) = root_from(source, stage)?;
    let written = platform(from);
    let native = written.is_some_and(|p| names(p, "BUILDPLATFORM"));
    let r = reaches(source, stage, at, command);
    let go = command.program() == "go";
    let told = if go {
        r.os && r.arch && r.declared_os && r.declared_arch
    } else {
        r.mentioned
    };
    if native && told {
        return None;
    }
    let label = stage.label();
    let finding = if !native {
        let span = from
            .flags
            .iter()
            .find(|f| f.name.text == "platform")
            .map_or(base, |f| f.span);
        view.finding(format!("`{label}` compiles, and does not run on the builder's own platform"), span)
            .expected(
                "`FROM --platform=$BUILDPLATFORM`",
                written.map_or("no platform".to_owned(), |p| format!("`--platform={p}`")),
            )
            .help("`$BUILDPLATFORM` is the platform of the machine that builds: nothing has to be emulated.")
    } else {
        let message = match r.fixed {
            Some(_) => "the compiler is told one fixed platform",
            None if r.os && r.arch => {
                "the stage does not declare TARGETOS and TARGETARCH, so they are empty"
            }
            None => "the compiler is not told which platform is wanted",
        };
        let help = if go {
            "Declare `ARG TARGETOS TARGETARCH` in this stage, and set GOOS and GOARCH from them."
        } else {
            "Declare `ARG TARGETARCH` in this stage, and tell the compiler its target."
        };
        view.finding(message, r.fixed.unwrap_or_else(|| command.span()))
            .expected("TARGETOS and TARGETARCH reach the compiler", "they do not")
            .help(help)
    };
    let mut finding = finding;
    if go {
        finding
            .fixes
            .extend(fix(source, stage, from, at, command, &r));
    }
    Some(finding)
}

/// Puts in what is missing: the platform of the base, the arguments, and the compiler's variables.
fn fix(
    source: &SourceEvidence,
    stage: &Stage,
    from: &Instruction,
    at: usize,
    command: &ShellCommand,
    r: &Reaches,
) -> Option<Fix> {
    if r.fixed.is_some() || compiles(source, stage).len() > 1 {
        return None;
    }
    let run = source.dockerfile.instructions.get(at)?;
    let Command::Run(parsed) = &run.command else {
        return None;
    };
    if !matches!(parsed.form, crate::dockerfile::CommandForm::Shell(_)) || !command.plain {
        return None;
    }
    let title = "compile on the builder's platform for the wanted one";
    let mut edits = Edits::new(title, &source.path, &source.dockerfile.source);
    let flag = from.flags.iter().find(|f| f.name.text == "platform");
    edits = match flag {
        Some(flag) if !platform(from).is_some_and(|p| names(p, "BUILDPLATFORM")) => {
            edits.replace(flag.span, "--platform=$BUILDPLATFORM")
        }
        Some(_) => edits,
        None => edits.insert(from.after_keyword(), "--platform=$BUILDPLATFORM "),
    };
    let mut arguments = Vec::new();
    let mut variables = String::new();
    if !r.os {
        variables.push_str("GOOS=$TARGETOS ");
    }
    if !r.arch {
        variables.push_str("GOARCH=$TARGETARCH ");
    }
    if !r.declared_os {
        arguments.push("TARGETOS");
    }
    if !r.declared_arch {
        arguments.push("TARGETARCH");
    }
    // An ENV before the ARG was expanded while the argument was still empty.
    let late = (r.os && !r.declared_os) || (r.arch && !r.declared_arch);
    if late && command.assignments.is_empty() {
        return None;
    }
    if !arguments.is_empty() {
        edits = edits.lines_before(run.span, &[format!("ARG {}", arguments.join(" "))]);
    }
    if !variables.is_empty() {
        let before = command.words.first().map(|w| w.span.start)?;
        edits = edits.insert(before, variables);
    }
    Some(edits.done())
}

/// A stage that ships and starts from the builder's platform: the image would be for the wrong machine.
fn tied(view: &View<'_>, source: &SourceEvidence, stage: &Stage) -> Option<Finding> {
    let from = source.dockerfile.instructions.get(stage.from)?;
    let written = platform(from)?;
    if names(written, "TARGETPLATFORM") {
        return None;
    }
    let flag = from.flags.iter().find(|f| f.name.text == "platform")?;
    let file = &source.dockerfile.source;
    let blanks = file.bytes()[flag.span.end..]
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count();
    let edits = Edits::new(
        "let the image be for the wanted platform",
        &source.path,
        file,
    );
    let fix = edits
        .replace(Span::new(flag.span.start, flag.span.end + blanks), "")
        .done();
    Some(
        view.finding("the stage that ships is tied to one platform", flag.span)
            .expected("the platform that is asked for", format!("`--platform={written}`"))
            .help("Only builders take `--platform`: without it, the engine takes the base for the wanted platform.")
            .fix(fix),
    )
}

const BAD: &str = "\
FROM golang:1.27-alpine AS builder
WORKDIR /src
COPY go.mod ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -o /out/app .

FROM scratch AS production
COPY --from=builder /out/app /app
ENTRYPOINT [\"/app\"]
";

const GOOD: &str = "\
FROM --platform=$BUILDPLATFORM golang:1.27-alpine AS builder
WORKDIR /src
COPY go.mod ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -o /out/app .

FROM scratch AS production
COPY --from=builder /out/app /app
ENTRYPOINT [\"/app\"]
";

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn with(build: &str) -> Case {
        let text = GOOD.replace(
            "ARG TARGETOS TARGETARCH\nRUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -o /out/app .",
            build,
        );
        Case::new(&text)
    }

    #[test]
    fn all_that_is_missing_is_put_in() {
        let after = Case::new(BAD).mended::<CrossPlatformArgs>();
        assert_eq!(after.text("Dockerfile"), GOOD);
        let fixed = BAD.replace("FROM golang", "FROM --platform=linux/amd64 golang");
        assert_eq!(
            Case::new(&fixed)
                .mended::<CrossPlatformArgs>()
                .text("Dockerfile"),
            GOOD
        );
    }

    #[test]
    fn every_way_of_telling_the_compiler_counts() {
        for build in [
            "ARG TARGETOS\nARG TARGETARCH\nENV GOOS=$TARGETOS GOARCH=${TARGETARCH}\nRUN go build .",
            "ARG TARGETARCH\nRUN GOOS=linux GOARCH=$TARGETARCH go build .",
            "ARG TARGETOS TARGETARCH\nRUN export GOOS=$TARGETOS GOARCH=$TARGETARCH && go build .",
            "ARG TARGETOS TARGETARCH\nRUN go env -w GOOS=$TARGETOS GOARCH=$TARGETARCH\nRUN go build .",
            "ARG TARGETOS TARGETARCH\nRUN <<EOF\nGOOS=$TARGETOS GOARCH=$TARGETARCH go build .\nEOF",
            "ARG TARGETOS TARGETARCH\nARG GOOS=$TARGETOS GOARCH=$TARGETARCH\nRUN go build .",
            "ARG TARGETPLATFORM\nRUN cargo build --target $(triple $TARGETPLATFORM)",
        ] {
            with(build).passes::<CrossPlatformArgs>();
        }
    }

    #[test]
    fn half_of_it_is_not_enough() {
        for (build, words) in [
            (
                "RUN GOOS=$TARGETOS GOARCH=$TARGETARCH go build .",
                "GOOS=$TARGETOS GOARCH=$TARGETARCH go build .",
            ),
            ("ARG TARGETOS TARGETARCH\nRUN go build .", "go build ."),
            (
                "ARG TARGETOS TARGETARCH\nRUN GOOS=$TARGETOS GOARCH=amd64 go build .",
                "GOARCH=amd64",
            ),
            ("RUN cargo build", "cargo build"),
        ] {
            let case = with(build);
            assert_eq!(
                case.words(&case.fails::<CrossPlatformArgs>()),
                words,
                "{build}"
            );
        }
        with("ARG TARGETOS TARGETARCH\nRUN go build .").mended::<CrossPlatformArgs>();
        with("RUN GOOS=$TARGETOS GOARCH=$TARGETARCH go build .").mended::<CrossPlatformArgs>();
    }

    #[test]
    fn arguments_of_another_stage_do_not_count() {
        let text = GOOD.replace("ARG TARGETOS TARGETARCH\n", "").replace(
            "FROM --platform",
            "ARG TARGETOS TARGETARCH\nFROM --platform",
        );
        Case::new(&text).fails::<CrossPlatformArgs>();
    }

    #[test]
    fn the_stage_that_ships_is_not_tied() {
        let text = GOOD.replace("FROM scratch", "FROM --platform=$BUILDPLATFORM alpine:3.22");
        let after = Case::new(&text).mended::<CrossPlatformArgs>();
        assert!(
            after
                .text("Dockerfile")
                .contains("\nFROM alpine:3.22 AS production")
        );
        Case::new("FROM node:24\nCMD [\"node\"]\n").passes::<CrossPlatformArgs>();
    }
}
