//! `cross-platform-args`: the builder runs on the machine's own platform and compiles for the wanted one.

use schemars::JsonSchema;
use serde::Deserialize;

use super::cross_compile::{BUILDER, Trial, compiles, platform};
use super::told::names;
use super::{Check, Doc, Example, Judged, Verdict, View, walk};
use crate::diagnostic::Finding;
use crate::edits::Edits;
use crate::evidence::SourceEvidence;
use crate::source::Span;
use crate::stages::{Base, BuildOptions, Stage, StageGraph};

/// See [`Check::DOC`].
pub(super) struct CrossPlatformArgs;

/// Parameters of `cross-platform-args`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Params {
    /// Whether every `RUN` must be on the builder's own platform, and not only those that compile: then nothing at
    /// all is emulated.
    every_run: bool,
}

impl Check for CrossPlatformArgs {
    type Params = Params;
    const ID: &'static str = "cross-platform-args";
    const TITLE: &'static str = "The builder compiles for the target's platform";
    const DOC: Doc = Doc {
        what: "Every stage that compiles starts from a base with `--platform=$BUILDPLATFORM`, and the platform that is \
               wanted reaches the compiler: `GOOS` and `GOARCH` are set from `TARGETOS` and `TARGETARCH`, or another \
               compiler is told in its own way. It counts too where a stage compiles for several platforms, and \
               `COPY` or `FROM` picks the right one by `TARGETARCH`. The stages that ship are not tied to the \
               builder's platform. With `every-run = true`, every stage with a `RUN` starts from such a base.",
        why: "Without it, an image for another machine is compiled under emulation, many times slower. \
              With only half of it, the program in the image is for the wrong machine.",
        bad: Example::text(BAD),
        good: Example::text(GOOD),
    };

    fn summary(params: &Params) -> String {
        if params.every_run {
            "every RUN on $BUILDPLATFORM, compiling for TARGETOS and TARGETARCH".into()
        } else {
            "builders on $BUILDPLATFORM, compiling for TARGETOS and TARGETARCH".into()
        }
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        view.target()?;
        let written = view.source()?;
        let mut compiled = 0;
        for wanted in wanted(view) {
            let source = seen_for(view, written, &wanted);
            let Some(target) = source
                .graph
                .find_first(view.build.target.iter().map(String::as_str))
            else {
                continue;
            };
            let trial = Trial {
                view,
                source: &source,
                wanted: &wanted,
                ships: walk::lineage(&source.graph, target.index)
                    .iter()
                    .map(|s| s.index)
                    .collect(),
            };
            let reachable = source.graph.reachable(target.index);
            let stages = || reachable.iter().filter_map(|i| source.graph.stages.get(*i));
            for stage in stages() {
                for (at, command) in compiles(&source, stage) {
                    compiled += 1;
                    if let Some(finding) = trial.wrong(stage, at, &command) {
                        return Ok(finding.into());
                    }
                }
            }
            let emulated = stages().find_map(|s| trial.emulated(s));
            if let Some(finding) = emulated.filter(|_| params.every_run) {
                return Ok(finding.into());
            }
            let ships = trial
                .ships
                .iter()
                .filter_map(|i| source.graph.stages.get(*i));
            for stage in ships {
                if let Some(finding) = tied(view, &source, stage) {
                    return Ok(finding.into());
                }
            }
        }
        Ok(Verdict::passed(match compiled {
            0 => "nothing is compiled for a platform",
            _ => "compiled on the builder's own platform for the wanted one",
        }))
    }
}

/// The platforms that are tried: the build's own, or two that are common.
fn wanted(view: &View<'_>) -> Vec<String> {
    if view.build.platforms.is_empty() {
        vec!["linux/amd64".into(), "linux/arm64".into()]
    } else {
        view.build.platforms.clone()
    }
}

/// The file as the engine reads it where the image is wanted for one platform and built on another.
fn seen_for(view: &View<'_>, source: &SourceEvidence, wanted: &str) -> SourceEvidence {
    let options = BuildOptions {
        build_args: view.build.args.clone(),
        target_platform: wanted.to_owned(),
        build_platform: BUILDER.to_owned(),
        ..BuildOptions::default()
    };
    SourceEvidence {
        path: source.path.clone(),
        dockerfile: source.dockerfile.clone(),
        graph: StageGraph::build(&source.dockerfile, &options),
    }
}

/// A stage that ships and starts from the builder's platform: the image would be for the wrong machine.
fn tied(view: &View<'_>, source: &SourceEvidence, stage: &Stage) -> Option<Finding> {
    // Of nothing there is only one kind: the engine gives it the platform that is asked for, whatever the line says.
    if stage.base == Base::Scratch {
        return None;
    }
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
            // Both sides are Linux.
            "ARG TARGETARCH\nRUN GOARCH=$TARGETARCH go build .",
            "ARG TARGETARCH\nRUN GOARCH=${TARGETARCH:-amd64} go build .",
            "ARG TARGETPLATFORM\nRUN GOARCH=${TARGETPLATFORM#linux/} go build .",
            "ARG TARGETPLATFORM\nRUN GOARCH=$(echo $TARGETPLATFORM | cut -d/ -f2) go build .",
            "ARG TARGETARCH\nARG ARCH=$TARGETARCH\nRUN GOARCH=$ARCH go build .",
            "ARG TARGETARCH\nENV ARCH=$TARGETARCH\nRUN env GOARCH=\"$ARCH\" go build .",
            "ARG TARGETARCH\nENV GOARCH=$TARGETARCH\nRUN [\"go\", \"build\", \".\"]",
            "ARG TARGETARCH\nRUN arch=$TARGETARCH; GOARCH=$arch go build .",
            "ARG TARGETARCH\nRUN GOARCH=$TARGETARCH; export GOARCH; go build .",
            "ARG TARGETARCH\nRUN set -a; GOARCH=$TARGETARCH; go build .",
            "ARG TARGETARCH\nRUN go env -w GOARCH=$TARGETARCH && go build .",
            "ARG TARGETARCH\nENV GOARCH=amd64\nRUN GOARCH=$TARGETARCH go build .",
            "ARG TARGETPLATFORM\nRUN case \"$TARGETPLATFORM\" in \\\n\
             linux/amd64) export GOARCH=amd64 ;; \\\n linux/arm64) export GOARCH=arm64 ;; \\\n esac; go build .",
            "ARG TARGETARCH\nRUN case $TARGETARCH in amd64) arch=amd64 ;; arm64) arch=arm64 ;; esac; \\\n\
             GOARCH=$arch go build .",
            "ARG TARGETARCH\nRUN if [ $TARGETARCH = arm64 ]; then GOARCH=arm64 go build .; \\\n\
             else GOARCH=amd64 go build .; fi",
            "ARG TARGETPLATFORM\nRUN <<'EOT'\nIFS=/ read -r GOOS GOARCH <<P\n$TARGETPLATFORM\nP\n\
             export GOOS GOARCH\ngo build .\nEOT",
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
            // The system is right, and no fixed platform.
            (
                "RUN GOOS=linux GOARCH=$TARGETARCH go build .",
                "GOOS=linux GOARCH=$TARGETARCH go build .",
            ),
            (
                "ARG TARGETARCH\nRUN case x in x) arch=amd64 ;; esac; GOARCH=$arch go build .",
                "GOARCH=$arch go build .",
            ),
            // Read before it is declared.
            (
                "ENV GOARCH=$TARGETARCH\nARG TARGETARCH\nRUN go build .",
                "GOARCH=$TARGETARCH",
            ),
            // A default of one's own wins over the engine's value.
            (
                "ARG TARGETARCH=amd64\nRUN GOARCH=$TARGETARCH go build .",
                "TARGETARCH=amd64",
            ),
            (
                "ARG TARGETARCH\nENV GOARCH=arm64\nRUN go build .",
                "GOARCH=arm64",
            ),
            // What one RUN exports, the next has forgotten.
            (
                "ARG TARGETARCH\nRUN export GOARCH=$TARGETARCH\nRUN go build .",
                "go build .",
            ),
            // A variable that is not exported is the shell's own.
            (
                "ARG TARGETARCH\nRUN GOARCH=$TARGETARCH; go build .",
                "go build .",
            ),
            (
                "ARG TARGETARCH\nRUN GOOS=windows GOARCH=$TARGETARCH go build .",
                "GOOS=windows",
            ),
            (
                "ARG BUILDARCH\nRUN GOARCH=$BUILDARCH go build .",
                "GOARCH=$BUILDARCH go build .",
            ),
            (
                "ARG TARGETARCH\nRUN cargo build --target x86_64",
                "cargo build --target x86_64",
            ),
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
    fn what_is_fixed_is_set_from_the_wanted_platform() {
        for (build, mended) in [
            (
                "RUN GOOS=linux GOARCH=amd64 go build .",
                "ARG TARGETARCH\nRUN GOOS=linux GOARCH=$TARGETARCH go build .",
            ),
            (
                "ARG TARGETOS TARGETARCH=arm64\nRUN GOOS=$TARGETOS GOARCH=$TARGETARCH go build .",
                "ARG TARGETOS TARGETARCH\nRUN GOOS=$TARGETOS GOARCH=$TARGETARCH go build .",
            ),
        ] {
            let after = with(build).mended::<CrossPlatformArgs>().text("Dockerfile");
            assert!(after.contains(mended), "{after}");
        }
    }

    #[test]
    fn what_was_compiled_for_all_is_picked() {
        let both =
            "RUN for arch in amd64 arm64; do GOARCH=$arch go build -o /out/$arch/app .; done";
        let picked = |copy: &str| {
            let text = GOOD.replace("ARG TARGETOS TARGETARCH\n", "").replace(
                "RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -o /out/app .",
                both,
            );
            Case::new(&text.replace("COPY --from=builder /out/app /app", copy))
        };
        picked("ARG TARGETARCH\nCOPY --from=builder /out/${TARGETARCH}/app /app")
            .passes::<CrossPlatformArgs>();
        picked("COPY --from=builder /out/${TARGETARCH}/app /app").fails::<CrossPlatformArgs>();
        picked("COPY --from=builder /out/amd64/app /app").fails::<CrossPlatformArgs>();
        let stages = "FROM --platform=$BUILDPLATFORM golang:1.27-alpine AS base\nCOPY . .\n\
             FROM base AS build-amd64\nRUN GOARCH=amd64 go build -o /app .\n\
             FROM base AS build-arm64\nRUN GOARCH=arm64 go build -o /app .\n\
             FROM build-${TARGETARCH} AS built\n\
             FROM scratch\nCOPY --from=built /app /app\n";
        Case::new(stages).passes::<CrossPlatformArgs>();
        let swapped = stages.replace("GOARCH=arm64", "GOARCH=amd64");
        Case::new(&swapped).fails::<CrossPlatformArgs>();
    }

    #[test]
    fn a_stage_inherits_what_its_base_declares() {
        let text = GOOD
            .replace(
                "AS builder\n",
                "AS base\nARG TARGETOS TARGETARCH\nFROM base AS builder\n",
            )
            .replace("ARG TARGETOS TARGETARCH\nRUN", "RUN");
        Case::new(&text).passes::<CrossPlatformArgs>();
    }

    #[test]
    fn the_builders_platform_may_have_another_name() {
        let text = format!(
            "ARG HOST=$BUILDPLATFORM\n{}",
            GOOD.replace("=$BUILDPLATFORM", "=$HOST")
        );
        Case::new(&text).passes::<CrossPlatformArgs>();
        let fixed = text.replace("HOST=$BUILDPLATFORM", "HOST=linux/amd64");
        Case::new(&fixed).fails::<CrossPlatformArgs>();
    }

    #[test]
    fn nothing_at_all_is_emulated_where_the_lab_says_so() {
        let helper = GOOD.replace(
            "FROM scratch",
            "FROM alpine:3.22 AS users\nRUN echo x:x:7:7::/: > /passwd\n\n\
             FROM scratch",
        );
        let helper = helper.replace(
            "ENTRYPOINT",
            "COPY --from=users /passwd /etc/passwd\nENTRYPOINT",
        );
        Case::new(&helper).passes::<CrossPlatformArgs>();
        let every = |text: &str| Case::new(text).params("every-run = true");
        let after = every(&helper)
            .mended::<CrossPlatformArgs>()
            .text("Dockerfile");
        assert!(after.contains("FROM --platform=$BUILDPLATFORM alpine:3.22 AS users"));
        let ships = GOOD.replace(
            "FROM scratch AS production",
            "FROM alpine:3.22 AS production\nRUN adduser -D x",
        );
        let case = every(&ships);
        assert_eq!(
            case.words(&case.fails::<CrossPlatformArgs>()),
            "RUN adduser -D x"
        );
        every(GOOD).passes::<CrossPlatformArgs>();
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
        // Of nothing there is only one kind.
        let scratch = GOOD.replace("FROM scratch", "FROM --platform=$BUILDPLATFORM scratch");
        Case::new(&scratch).passes::<CrossPlatformArgs>();
    }
}
