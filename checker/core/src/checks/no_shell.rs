//! `no-shell`: there is no shell in the image, under any name.

use std::collections::BTreeMap;

use crate::diagnostic::Place;
use crate::evidence::Need;
use crate::image::{EntryKind, Image};

use super::origin::Origins;
use super::started::facts;
use super::{Check, Doc, Example, Judged, NoParams, Verdict, View, scratch};

/// No shell is anywhere in the final filesystem.
pub(super) struct NoShell;

/// How many paths a finding lists.
const SHOWN: usize = 8;

impl Check for NoShell {
    type Params = NoParams;
    const ID: &'static str = "no-shell";
    const TITLE: &'static str = "There is no shell in the image";
    const DOC: Doc = Doc {
        what: "No file of the final filesystem is a shell. A shell is known by its name (`sh`, `bash`, `zsh`, …) and by \
            what is inside it, so that BusyBox called `/healthcheck` is found as well, and so is every link that leads \
            to one. Files that a later layer removed do not count here: they cannot be started.",
        why: "Whoever finds a way to start a program in your container looks for a shell first. \
            Without one there is little to start.",
        bad: Example {
            image: "entrypoint [\"/server\"]\n\
                layer COPY /src/server /server # buildkit\n\
                file /server 0755 elf-static size=4900000\n\
                layer COPY /bin/busybox /healthcheck # buildkit\n\
                file /healthcheck 0755 busybox size=1100000\n\
                history ENTRYPOINT [\"/server\"]",
            ..Example::text(
                "FROM golang:1.27-alpine AS builder\n\
                WORKDIR /src\n\
                COPY . .\n\
                RUN CGO_ENABLED=0 go build -o server .\n\
                \n\
                FROM scratch\n\
                COPY --from=builder /src/server /server\n\
                COPY --from=builder /bin/busybox /healthcheck\n\
                ENTRYPOINT [\"/server\"]\n",
            )
        },
        good: Example {
            image: "entrypoint [\"/server\"]\n\
                layer COPY /src/server /server # buildkit\n\
                file /server 0755 elf-static size=4900000\n\
                history ENTRYPOINT [\"/server\"]",
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
        "no shell under any name".into()
    }

    fn needs(_: &NoParams) -> Vec<Need> {
        vec![Need::Image]
    }

    fn judge(_: &NoParams, view: &View<'_>) -> Judged {
        let image = view.image()?;
        let shells = shells(image);
        let Some(first) = shells.first() else {
            return Ok(Verdict::passed(format!(
                "none among {} paths",
                image.tree.entries.len()
            )));
        };
        let origins = Origins::new(view, image);
        let message = match shells.len() {
            1 => format!("there is a shell in the image: /{}", first.path),
            n => format!("there are {n} shells in the image, /{} for one", first.path),
        };
        let names = 1 + first.others.len();
        let mut actual = format!(
            "{} ({}), by {names} {}",
            first.kind,
            first.evidence,
            plural(names)
        );
        if shells.len() > 1 {
            actual.push_str(&format!(", and {} more", shells.len() - 1));
        }
        let mut finding = origins
            .finding_at(message, first.path)
            .expected("no shell", actual)
            .help("Start the final stage from `scratch` or from a base without a shell, and copy only the program.");
        for shell in shells.iter().skip(1).take(3) {
            let layer = image.tree.get(shell.path).map(|e| e.layer);
            let place = Place::path(format!("/{}", shell.path), layer);
            finding = finding.related(place, format!("another one: {}", shell.kind));
        }
        let lines = shells.iter().flat_map(|s| s.lines(image, &origins));
        let mut details: Vec<String> = lines.collect();
        if details.len() > SHOWN {
            let more = details.len() - SHOWN;
            details.truncate(SHOWN);
            details.push(format!("and {more} more paths"));
        }
        finding = finding.details(details);
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

fn plural(names: usize) -> &'static str {
    if names == 1 { "path" } else { "paths" }
}

/// One shell with all its names.
#[derive(Debug)]
pub(super) struct ShellFile<'a> {
    /// Its path without a leading slash.
    pub(super) path: &'a str,
    kind: String,
    evidence: String,
    /// Links to it, symbolic and hard ones.
    pub(super) others: Vec<&'a str>,
    executable: bool,
}

impl ShellFile<'_> {
    fn lines(&self, image: &Image, origins: &Origins<'_>) -> Vec<String> {
        let layer = image.tree.get(self.path).map_or(0, |e| e.layer);
        let mode = if self.executable {
            ""
        } else {
            ", without the execute bit, which a loader or a chmod does not need"
        };
        let mut lines = vec![format!(
            "/{} ({}{mode}), from {}",
            self.path,
            self.kind,
            origins.describe(layer)
        )];
        lines.extend(
            self.others
                .iter()
                .map(|o| format!("/{o} leads to /{}", self.path)),
        );
        lines
    }
}

/// Names that only shells have.
const NAMES: &[&str] = &[
    "ash",
    "bash",
    "busybox",
    "csh",
    "dash",
    "elvish",
    "fish",
    "hush",
    "ksh",
    "ksh93",
    "mksh",
    "nu",
    "oksh",
    "osh",
    "pwsh",
    "rbash",
    "rksh",
    "sh",
    "static-sh",
    "tcsh",
    "toybox",
    "xonsh",
    "yash",
    "zsh",
];

/// Whether only shells are called so.
pub(super) fn is_shells_name(name: &str) -> bool {
    NAMES.contains(&name)
}

/// The image's shells, those with the plainest names first.
pub(super) fn shells(image: &Image) -> Vec<ShellFile<'_>> {
    let mut found: Vec<ShellFile<'_>> = Vec::new();
    // Hard links of one file have the same layer, size and facts.
    let mut same: BTreeMap<(usize, u64, String), usize> = BTreeMap::new();
    for (path, entry) in image.tree.iter() {
        let EntryKind::File { size, facts } = &entry.kind else {
            continue;
        };
        let executable = entry.mode & 0o111 != 0;
        let name = path.rsplit('/').next().unwrap_or(path);
        let in_bin = path.rsplit('/').nth(1).is_some_and(|d| d.ends_with("bin"));
        let shell = match &facts.shell {
            Some(shell) => Some((shell.kind.clone(), shell.evidence.clone())),
            None if NAMES.contains(&name) && executable && (facts.elf.is_some() || in_bin) => {
                Some((name.to_owned(), "by its name".to_owned()))
            }
            None => None,
        };
        let Some((kind, evidence)) = shell else {
            continue;
        };
        match same.get(&(entry.layer, *size, kind.clone())) {
            Some(i) => found[*i].others.push(path),
            None => {
                same.insert((entry.layer, *size, kind.clone()), found.len());
                found.push(ShellFile {
                    path,
                    kind,
                    evidence,
                    others: Vec::new(),
                    executable,
                });
            }
        }
    }
    if found.is_empty() {
        return found;
    }
    let mut links: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, entry) in image.tree.iter() {
        if let (EntryKind::Symlink(_), Ok(end)) = (&entry.kind, image.tree.resolve(path))
            && facts(end.entry).is_some()
        {
            links.entry(end.path).or_default().push(path);
        }
    }
    for shell in &mut found {
        let mut names: Vec<&str> = std::iter::once(shell.path)
            .chain(shell.others.iter().copied())
            .collect();
        let leading: Vec<&str> = names
            .iter()
            .filter_map(|n| links.get(n))
            .flatten()
            .copied()
            .collect();
        // Whoever looks for it looks for these names first.
        let rank = |p: &str| match p.rsplit('/').next().unwrap_or(p) {
            "busybox" | "toybox" => 0,
            "sh" => 1,
            n if NAMES.contains(&n) => 2,
            _ => 3,
        };
        names.sort_by_key(|n| (rank(n), *n));
        shell.path = names[0];
        shell.others = names.split_off(1);
        shell.others.extend(leading);
        shell.others.sort_by_key(|n| (rank(n), *n));
    }
    found.sort_by_key(|s| (!s.executable, s.path));
    found
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn image(layers: &str) -> Case {
        Case::of_image(&format!("layer x\n{layers}"))
    }

    #[test]
    fn a_shell_is_found_under_any_name() {
        for layers in [
            "file /bin/sh 0755 dash",
            "file /healthcheck 0755 busybox",
            "file /opt/data 0644 bash",
            "file /bin/sh 0755 script /bin/other",
            "file /usr/bin/fish 0755 elf-dynamic",
            "file /tools/zsh 0755 elf-dynamic",
        ] {
            image(layers).fails::<NoShell>();
        }
    }

    #[test]
    fn what_only_sounds_like_a_shell_is_none() {
        for layers in [
            "file /server 0755 elf-static",
            "file /etc/bash 0644 text x",
            "file /usr/share/completions/fish 0755 text x",
            "dir /bin/sh",
            "link /bin/sh -> /gone",
            "file /app/run.sh 0755 script /bin/sh",
        ] {
            image(layers).passes::<NoShell>();
        }
    }

    #[test]
    fn links_and_applets_are_counted_as_one_shell() {
        let finding = image(
            "file /bin/busybox 0755 busybox
            link /bin/sh -> /bin/busybox
            link /usr/bin/env -> ../../bin/busybox
            hardlink /bin/ls -> /bin/busybox",
        )
        .fails::<NoShell>();
        assert_eq!(
            finding.message,
            "there is a shell in the image: /bin/busybox"
        );
        assert!(finding.actual.unwrap().ends_with("by 4 paths"));
        assert_eq!(finding.details[0], "/bin/busybox (busybox), from x");
        assert_eq!(finding.details[1], "/bin/sh leads to /bin/busybox");
    }

    #[test]
    fn a_shell_that_was_removed_is_gone() {
        image("file /bin/sh 0755 dash\nlayer RUN rm\nwhiteout /bin/sh").passes::<NoShell>();
    }

    const GO: &str = "
        FROM golang:1.27-alpine AS builder
        RUN CGO_ENABLED=0 go build -o /server .
        FROM scratch AS production
        COPY --from=builder /server /server
        COPY --from=alpine:3.22 /bin/busybox /healthcheck
        USER 65532:65532
        ENTRYPOINT [\"/server\"]";
    const HISTORY: &str = "history USER 65532\nhistory ENTRYPOINT [\"/server\"]";

    #[test]
    fn the_line_that_brings_a_shell_can_go() {
        let image = format!(
            "user 65532:65532\nentrypoint [\"/server\"]
            layer COPY /server /server # buildkit
            file /server 0755 elf-static
            layer COPY /bin/busybox /healthcheck # buildkit
            file /healthcheck 0755 busybox\n{HISTORY}"
        );
        let w = Case::of(GO).image(&image).base_layers(0);
        let finding = w.fails::<NoShell>();
        assert_eq!(
            w.words(&finding),
            "COPY --from=alpine:3.22 /bin/busybox /healthcheck"
        );
        assert!(!w.promised_fix::<NoShell>().contains("busybox"));
        let used = GO.replace(
            "USER",
            "HEALTHCHECK CMD [\"/healthcheck\", \"x\"]\n        USER",
        );
        let image = image.replace("history USER", "history HEALTHCHECK x\nhistory USER");
        Case::of(&used)
            .image(&image)
            .base_layers(0)
            .has_no_fix::<NoShell>();
    }

    #[test]
    fn a_static_program_needs_no_base() {
        let go = GO
            .replace("FROM scratch", "FROM debian:trixie-slim")
            .replace(
                "        COPY --from=alpine:3.22 /bin/busybox /healthcheck\n",
                "",
            );
        let image = format!(
            "user 65532:65532\nentrypoint [\"/server\"]
            layer ADD rootfs / # buildkit
            file /usr/bin/dash 0755 dash
            link /bin -> usr/bin
            link /usr/bin/sh -> dash
            layer COPY /server /server # buildkit
            file /server 0755 elf-static\n{HISTORY}"
        );
        let w = Case::of(&go).image(&image).base_layers(1);
        assert_eq!(w.words(&w.fails::<NoShell>()), "debian:trixie-slim");
        assert!(
            w.promised_fix::<NoShell>()
                .contains("\nFROM scratch AS production\nCOPY")
        );
        let certs = image.replace(
            "link /bin ->",
            "file /etc/ssl/certs/ca-certificates.crt 0644 certificates\nlink /bin ->",
        );
        let mended = Case::of(&go)
            .image(&certs)
            .base_layers(1)
            .promised_fix::<NoShell>();
        assert!(mended.contains("FROM scratch AS production\nCOPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\n"), "{mended}");
        for (from, to) in [
            ("elf-static", "elf-dynamic"),
            ("user 65532:65532", "user app"),
        ] {
            let other = image.replace(from, to);
            Case::of(&go)
                .image(&other)
                .base_layers(1)
                .has_no_fix::<NoShell>();
        }
        let shell_form = go.replace("ENTRYPOINT [\"/server\"]", "ENTRYPOINT /server");
        Case::of(&shell_form)
            .image(&image)
            .base_layers(1)
            .has_no_fix::<NoShell>();
    }

    #[test]
    fn the_text_promises_what_it_can() {
        for (text, promised) in [
            ("FROM scratch\nCOPY server /", Some(true)),
            (
                "FROM scratch\nCOPY --from=busybox /bin/busybox /x",
                Some(false),
            ),
            ("FROM scratch\nCOPY --from=somebody/tools /tool /x", None),
            (
                "FROM alpine AS b\nFROM scratch\nCOPY --from=b / /",
                Some(false),
            ),
            (
                "FROM gcr.io/distroless/static-debian13:nonroot\nCOPY server /",
                Some(true),
            ),
            (
                "FROM gcr.io/distroless/static-debian13:debug\nCOPY server /",
                None,
            ),
            ("FROM node:24-alpine", Some(false)),
            ("FROM mycompany/base", None),
        ] {
            assert_eq!(Case::of(text).promised::<NoShell>(), promised, "{text}");
        }
    }
}
