//! `shell-refused`: nobody can start a shell in a container of the image.

use crate::diagnostic::Finding;
use crate::evidence::{Extra, Need, Probe, ProbeOutcome, Unseen};

use super::doc::ExampleEvidence;
use super::origin::{Origins, base_words};
use super::{
    Check, Doc, Example, Judged, NoParams, Verdict, View, causes, mend, no_shell, scratch,
};

/// Starting `sh` in the image fails, and because it is not there.
pub(super) struct ShellRefused;

/// The ways in which a shell is asked for. `sh` by the search path is the one that people try.
const WAYS: [&[&str]; 7] = [
    &["sh", "-c", "exit 0"],
    &["/bin/sh", "-c", "exit 0"],
    &["bash", "-c", "exit 0"],
    &["/bin/bash", "-c", "exit 0"],
    &["ash", "-c", "exit 0"],
    &["busybox", "sh", "-c", "exit 0"],
    &["/busybox/sh", "-c", "exit 0"],
];

impl Check for ShellRefused {
    type Params = NoParams;
    const ID: &'static str = "shell-refused";
    const TITLE: &'static str = "Nobody can start a shell in the container";
    const DOC: Doc = Doc {
        what: "mslab tries to start `sh`, and what else there is in the image by a shell's name, in a container, as \
            `docker run IMAGE sh` would. \
            The engine must refuse, and because there is no such program. A container that fails for any other \
            reason proves nothing, and is reported as an error.",
        why: "It is the shortest way to see what an attacker would find. \
            The check `no-shell` looks at the files, this one at what really happens.",
        bad: Example {
            evidence: ExampleEvidence {
                extra: Some(|| Extra::Probe(ProbeOutcome::ShellStarted("sh".into()))),
                build: None,
                context: &[],
                other_image: "",
            },
            ..Example::text(
                "FROM golang:1.27-alpine AS builder\n\
                WORKDIR /src\n\
                COPY . .\n\
                RUN CGO_ENABLED=0 go build -o server .\n\
                \n\
                FROM debian:trixie-slim\n\
                COPY --from=builder /src/server /server\n\
                ENTRYPOINT [\"/server\"]\n",
            )
        },
        good: Example {
            evidence: ExampleEvidence {
                extra: Some(|| Extra::Probe(ProbeOutcome::ShellRefused)),
                build: None,
                context: &[],
                other_image: "",
            },
            ..Example::text(
                "FROM golang:1.27-alpine AS builder\n\
                WORKDIR /src\n\
                COPY . .\n\
                RUN CGO_ENABLED=0 go build -o server .\n\
                \n\
                FROM scratch\n\
                COPY --from=builder /src/server /server\n\
                ENTRYPOINT [\"/server\"]\n",
            )
        },
    };

    fn summary(_: &NoParams) -> String {
        "`docker run IMAGE sh` fails".into()
    }

    fn needs(_: &NoParams) -> Vec<Need> {
        // The image tells which of the ways there is no use in trying.
        vec![Need::Image, Need::Probe(Probe::Shell(WAYS.to_vec()))]
    }

    fn judge(_: &NoParams, view: &View<'_>) -> Judged {
        view.built()?;
        let Extra::Probe(outcome) = view.extra()? else {
            return Err(Unseen::Failed("no shell was tried".into()));
        };
        let shell = match outcome {
            ProbeOutcome::ShellRefused => {
                return Ok(Verdict::passed("no shell could be started"));
            }
            // With the command that was tried: `sh -c …`.
            ProbeOutcome::ShellStarted(command) => {
                command.split_whitespace().next().unwrap_or("sh")
            }
            // No container of the image starts at all: other checks say so, and it is no fault of the engine's.
            ProbeOutcome::NotStarted(reason) if reason.contains("unable to find") => {
                return Err(Unseen::Skipped(
                    "not reached: the image names a user or group that it does not have".into(),
                ));
            }
            ProbeOutcome::NotStarted(reason) => {
                let line = causes::tail(reason).into_iter().next().unwrap_or_default();
                return Err(Unseen::Failed(format!(
                    "the shell was refused for another reason: {line}"
                )));
            }
            _ => {
                return Err(Unseen::Failed(
                    "the probe of the shell gave no answer".into(),
                ));
            }
        };
        let finding = Finding::new(format!("`docker run IMAGE {shell}` starts a shell"))
            .expected(
                "the engine finds no such program",
                format!("`{shell}` started"),
            )
            .help("Start the final stage from `scratch` or from a base without a shell.");
        let Some(text) = mend::Text::new(view) else {
            return Ok(finding.into());
        };
        let Ok(image) = view.image() else {
            return Ok(match text.from() {
                Some(from) => finding.at(view.place(base_words(from))).into(),
                None => finding.into(),
            });
        };
        let origins = Origins::new(view, image);
        let shells = no_shell::shells(image);
        let Some(first) = shells.first() else {
            return Ok(finding.into());
        };
        let at = origins.finding_at(finding.message.clone(), first.path);
        let mut finding = Finding {
            place: at.place,
            related: at.related,
            ..finding
        };
        let paths: Vec<&str> = shells.iter().map(|s| s.path).collect();
        finding
            .fixes
            .extend(scratch::without(view, image, &origins, &paths));
        finding
            .fixes
            .extend(scratch::from_scratch(view, image, &origins));
        Ok(finding.into())
    }

    fn promised_by_text(_: &NoParams, view: &View<'_>) -> Option<bool> {
        scratch::promises_no_shell(view)
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn probed(outcome: ProbeOutcome) -> Case {
        Case::of("FROM golang:1.27-alpine AS builder\nFROM debian:trixie-slim AS production\nCOPY --from=builder /s /s\nENTRYPOINT [\"/s\"]")
            .image(
                "entrypoint [\"/s\"]\nlayer ADD rootfs /\nfile /usr/bin/dash 0755 dash\nlink /bin/sh -> /usr/bin/dash
                layer COPY /s /s # buildkit\nfile /s 0755 elf-static\nhistory ENTRYPOINT [\"/s\"]",
            )
            .base_layers(1)
            .extra(Extra::Probe(outcome))
    }

    #[test]
    fn only_a_missing_shell_is_a_pass() {
        assert_eq!(
            probed(ProbeOutcome::ShellRefused).passes::<ShellRefused>(),
            "no shell could be started"
        );
        for other in [
            ProbeOutcome::NotStarted("permission denied".into()),
            ProbeOutcome::TimedOut {
                output: String::new(),
            },
            ProbeOutcome::Exited {
                code: 127,
                stdout: String::new(),
                stderr: String::new(),
            },
        ] {
            assert!(matches!(
                probed(other).unseen::<ShellRefused>(),
                Unseen::Failed(_)
            ));
        }
    }

    #[test]
    fn what_is_nowhere_in_the_image_is_not_tried_but_for_sh() {
        let ways = |image: &str| {
            let image = crate::image::fixture::image(image).unwrap();
            let Probe::Shell(ways) = Probe::Shell(WAYS.to_vec()).for_image(&image) else {
                unreachable!("it stays what it is")
            };
            ways.iter().map(|w| w[0]).collect::<Vec<_>>()
        };
        assert_eq!(ways("layer COPY /s /s\nfile /s 0755 elf-static"), ["sh"]);
        assert_eq!(
            ways(
                "layer ADD rootfs /\nfile /usr/bin/dash 0755 dash\nlink /usr/bin/sh -> dash\nlink /bin -> usr/bin"
            ),
            ["sh", "/bin/sh", "/busybox/sh"]
        );
        assert_eq!(
            ways("layer COPY /b /opt\nfile /opt/busybox 0755 busybox"),
            ["sh", "busybox"]
        );
    }

    #[test]
    fn an_image_that_starts_nothing_is_not_reached() {
        let reason = "unable to find user app: no matching entries in passwd file";
        let unseen = probed(ProbeOutcome::NotStarted(reason.into())).unseen::<ShellRefused>();
        assert!(matches!(unseen, Unseen::Skipped(_)));
    }

    #[test]
    fn a_shell_that_starts_is_traced_to_its_line() {
        let w = probed(ProbeOutcome::ShellStarted("sh".into()));
        let finding = w.fails::<ShellRefused>();
        assert_eq!(w.words(&finding), "debian:trixie-slim");
        assert!(
            w.promised_fix::<ShellRefused>()
                .contains("FROM scratch AS production")
        );
    }
}
