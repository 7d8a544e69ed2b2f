//! `platforms`: the image exists for each platform, and its programs are for it.

use crate::diagnostic::Finding;
use crate::evidence::{Need, PlatformImage, Unseen};
use crate::image::{EntryKind, Image, Platform};

use super::mend::Text;
use super::origin::{Origins, base_words};
use super::started::{Program, facts, started};
use super::{Check, Doc, Example, Judged, NoParams, Verdict, View, go_build};

/// There is an image for each platform, and its binaries are for it.
pub(super) struct Platforms;

impl Check for Platforms {
    type Params = NoParams;
    const ID: &'static str = "platforms";
    const TITLE: &'static str = "The image is right for each platform";
    const DOC: Doc = Doc {
        what: "The build is done once for each platform that the lab names. Each image must say that it is for that \
            platform, and every program that the Dockerfile brings into it must be for that platform's machine.",
        why: "A program for another machine ends with `exec format error`. \
            An image can say `arm64` and hold a program for `amd64`, and nothing notices before it is started there.",
        bad: Example {
            image: "platform linux/arm64\n\
                entrypoint [\"/server\"]\n\
                layer COPY /src/server /server # buildkit\n\
                file /server 0755 elf-static arch=amd64 size=4900000\n\
                history ENTRYPOINT [\"/server\"]",
            ..Example::text(
                "FROM --platform=$BUILDPLATFORM golang:1.27-alpine AS builder\n\
                WORKDIR /src\n\
                COPY . .\n\
                RUN CGO_ENABLED=0 go build -o server .\n\
                \n\
                FROM scratch\n\
                COPY --from=builder /src/server /server\n\
                ENTRYPOINT [\"/server\"]\n",
            )
        },
        good: Example {
            image: "platform linux/arm64\n\
                entrypoint [\"/server\"]\n\
                layer COPY /src/server /server # buildkit\n\
                file /server 0755 elf-static arch=arm64 size=4900000\n\
                history ENTRYPOINT [\"/server\"]",
            ..Example::text(
                "FROM --platform=$BUILDPLATFORM golang:1.27-alpine AS builder\n\
                ARG TARGETOS\n\
                ARG TARGETARCH\n\
                WORKDIR /src\n\
                COPY . .\n\
                RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -o server .\n\
                \n\
                FROM scratch\n\
                COPY --from=builder /src/server /server\n\
                ENTRYPOINT [\"/server\"]\n",
            )
        },
    };

    fn summary(_: &NoParams) -> String {
        "an image for each platform, with programs for it".into()
    }

    fn needs(_: &NoParams) -> Vec<Need> {
        vec![Need::Image]
    }

    fn judge(_: &NoParams, view: &View<'_>) -> Judged {
        let images = view.images()?;
        if images.is_empty() || images.len() < view.build.platforms.len() {
            return Err(Unseen::Failed(
                "the build did not give an image for each platform".into(),
            ));
        }
        let mut good = Vec::new();
        for one in images {
            let image = one.image.seen()?.as_ref();
            if let Some(finding) = wrong(view, one, image) {
                return Ok(finding.into());
            }
            good.push(shown(&image.platform));
        }
        Ok(Verdict::passed(format!("right for {}", good.join(", "))))
    }
}

fn shown(platform: &Platform) -> String {
    match &platform.variant {
        Some(variant) => format!("{}/{}/{variant}", platform.os, platform.architecture),
        None => format!("{}/{}", platform.os, platform.architecture),
    }
}

fn wrong(view: &View<'_>, one: &PlatformImage, image: &Image) -> Option<Finding> {
    if let Some(asked) = &one.platform
        && (asked.os != image.platform.os || asked.architecture != image.platform.architecture)
    {
        let finding = Finding::new(format!(
            "the image built for {} says that it is for {}",
            shown(asked),
            shown(&image.platform)
        ))
        .expected(shown(asked), shown(&image.platform))
        .help("Leave `--platform` out of the final FROM: without it, the stage is for the platform that is built.");
        return Some(match Text::new(view).and_then(|t| t.from()) {
            Some(from) => {
                finding.at(view.place(from.flags.first().map_or(base_words(from), |f| f.span)))
            }
            None => finding,
        });
    }
    let origins = Origins::new(view, image);
    let base = origins.base_layers();
    let program = started(image).and_then(|s| match s.program {
        Program::File { file, .. } => Some(file.path),
        _ => None,
    });
    let machine_of = |path: &str| {
        let entry = image.tree.get(path)?;
        facts(entry)?.elf.as_ref().map(|e| e.machine.clone())
    };
    let wanted = &image.platform.architecture;
    let mut foreign: Vec<(&str, String)> = image
        .tree
        .iter()
        .filter(|(path, e)| {
            matches!(e.kind, EntryKind::File { .. }) && (e.layer >= base || Some(*path) == program)
        })
        .filter_map(|(path, _)| machine_of(path).map(|m| (path, m)))
        .filter(|(_, m)| !runs_on(m, wanted))
        .collect();
    foreign.sort_by_key(|(path, _)| Some(*path) != program);
    let Some((path, machine)) = foreign.first() else {
        return foreign_base(view, image, base);
    };
    let finding = origins
        .finding_at(format!("/{path} is for {machine}, in the image for {}", shown(&image.platform)), path)
        .expected(format!("programs for {wanted}"), format!("{} for another machine", foreign.len()))
        .details(foreign.iter().take(8).map(|(p, m)| format!("/{p} is for {m}")))
        .help("Tell the compiler the platform that is built for: with Go, GOOS=$TARGETOS GOARCH=$TARGETARCH.");
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some(text) = Text::new(view) else {
        return Some(finding);
    };
    Some(match &go_build::of_program(&text, name)[..] {
        [build] => {
            let mut finding = finding;
            let came = finding.place.take();
            let finding = finding.at(view.place(build.span()));
            match came {
                Some(place) => finding.related(place, "it comes into the image here"),
                None => finding,
            }
        }
        _ => finding,
    })
}

/// A base of which no program is for the image's machine: it was taken for the one that builds.
fn foreign_base(view: &View<'_>, image: &Image, base: usize) -> Option<Finding> {
    let wanted = &image.platform.architecture;
    let programs = image.tree.iter().filter(|(_, e)| {
        e.layer < base && e.mode & 0o111 != 0 && matches!(e.kind, EntryKind::File { .. })
    });
    let machines: Vec<&str> = programs
        .filter_map(|(_, e)| Some(facts(e)?.elf.as_ref()?.machine.as_str()))
        .collect();
    let first = machines.first()?;
    if machines.iter().any(|m| runs_on(m, wanted)) {
        return None;
    }
    let finding = Finding::new(format!(
        "the base is for {first}, in the image for {}",
        shown(&image.platform)
    ))
    .expected(format!("a base for {wanted}"), format!("one for {first}"))
    .help("Leave `--platform` out of the final FROM: without it, the engine takes the base for the platform that is built.");
    Some(match Text::new(view).and_then(|t| t.from()) {
        Some(from) => {
            finding.at(view.place(from.flags.first().map_or(base_words(from), |f| f.span)))
        }
        None => finding,
    })
}

/// Whether a processor of that architecture runs programs for that machine.
fn runs_on(machine: &str, architecture: &str) -> bool {
    machine == architecture || (machine == "386" && architecture == "amd64")
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    const GO: &str = "
        FROM --platform=$BUILDPLATFORM golang:1.27-alpine AS builder
        RUN go build -o /server .
        FROM scratch
        COPY --from=builder /server /server
        ENTRYPOINT [\"/server\"]";

    fn image(arch: &str, machine: &str) -> String {
        format!(
            "platform linux/{arch}\nentrypoint [\"/server\"]\nlayer COPY /server /server # buildkit
            file /server 0755 elf-static arch={machine}\nhistory ENTRYPOINT x"
        )
    }

    #[test]
    fn each_image_holds_programs_for_its_platform() {
        let w = Case::of(GO)
            .image_for("linux", "amd64", &image("amd64", "amd64"))
            .image_for("linux", "arm64", &image("arm64", "arm64"));
        assert_eq!(
            w.passes::<Platforms>(),
            "right for linux/amd64, linux/arm64"
        );
    }

    #[test]
    fn a_program_for_another_machine_is_traced_to_its_compiler() {
        let w = Case::of(GO)
            .image_for("linux", "amd64", &image("amd64", "amd64"))
            .image_for("linux", "arm64", &image("arm64", "amd64"));
        let finding = w.fails::<Platforms>();
        assert_eq!(
            finding.message,
            "/server is for amd64, in the image for linux/arm64"
        );
        assert_eq!(w.words(&finding), "go build -o /server .");
        assert!(!finding.related.is_empty());
    }

    #[test]
    fn an_image_must_say_what_it_is_for() {
        let w = Case::of("FROM --platform=linux/amd64 alpine\nCMD [\"x\"]").image_for(
            "linux",
            "arm64",
            &image("amd64", "amd64"),
        );
        assert_eq!(w.words(&w.fails::<Platforms>()), "--platform=linux/amd64");
    }

    #[test]
    fn a_base_for_the_wrong_machine_is_no_base() {
        let with = |machine: &str| {
            let text = format!(
                "platform linux/arm64\ncmd [\"/server\"]\nlayer ADD rootfs /\nfile /bin/ls 0755 elf-static arch={machine}\n\
                 layer COPY x\nfile /server 0755 elf-static arch=arm64"
            );
            Case::of("FROM --platform=$BUILDPLATFORM alpine\nCOPY x /server\nCMD [\"/server\"]")
                .image_for("linux", "arm64", &text)
                .base_layers(1)
        };
        with("arm64").passes::<Platforms>();
        let wrong = with("amd64");
        let finding = wrong.fails::<Platforms>();
        assert_eq!(
            finding.message,
            "the base is for amd64, in the image for linux/arm64"
        );
        assert_eq!(wrong.words(&finding), "--platform=$BUILDPLATFORM");
    }

    #[test]
    fn what_the_base_holds_is_not_the_learners() {
        let with_firmware = format!(
            "platform linux/amd64\ncmd [\"/server\"]\nlayer ADD rootfs /\nfile /lib/firmware 0644 elf-static arch=arm64\n{}",
            "layer COPY x\nfile /server 0755 elf-static"
        );
        let w = Case::of("FROM alpine\nCOPY x /server\nCMD [\"/server\"]")
            .image(&with_firmware)
            .base_layers(1);
        w.passes::<Platforms>();
    }
}
