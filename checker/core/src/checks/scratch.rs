//! The ways to mend an image that holds too much: start its final stage from `scratch`, or leave out the line that
//! brought it.

use crate::diagnostic::Fix;
use crate::dockerfile::{Command, CommandForm, CopyCommand, Instruction, Keyword};
use crate::image::Image;
use crate::stages::{Base, Needs, Via};

use super::View;
use super::certificates::{self, BUNDLE};
use super::mend::{Text, literal, name_and_tag};
use super::origin::{Brought, Origins, base_words};
use super::started::{Program, started};
use super::user;

/// Takes out the instructions that brought these paths and nothing else: a `COPY` or `ADD` with one source whose
/// destination no other line names.
pub(super) fn without(
    view: &View<'_>,
    image: &Image,
    origins: &Origins<'_>,
    paths: &[&str],
) -> Option<Fix> {
    let text = Text::new(view)?;
    let started = started(image);
    let program = started.as_ref().and_then(|s| match &s.program {
        Program::File { file, .. } => Some(file.path),
        _ => None,
    });
    let mut lines: Vec<&Instruction> = Vec::new();
    for path in paths {
        let layer = image.tree.get(path)?.layer;
        let Brought::Line(line) = origins.of_layer(layer) else {
            return None;
        };
        let (Command::Copy(copy) | Command::Add(copy)) = &line.command else {
            return None;
        };
        let mut in_layer = image.tree.iter().filter(|(_, e)| e.layer == layer);
        let only_these = in_layer.all(|(p, e)| {
            e.kind == crate::image::EntryKind::Directory
                || paths.contains(&p)
                || image
                    .tree
                    .resolve(p)
                    .is_ok_and(|end| paths.contains(&end.path))
        });
        let destination = copy.destination.text.trim_end_matches('/');
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_named = text.effective().any(|(_, i)| {
            i.span != line.span
                && i.keyword != Keyword::From
                && (i.rest.text.contains(destination) && !destination.is_empty()
                    || i.rest
                        .text
                        .split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_')
                        .any(|w| w == name))
        });
        if !only_these || is_named || copy.sources.len() != 1 || program == Some(*path) {
            return None;
        }
        if !lines.iter().any(|l| l.span == line.span) {
            lines.push(line);
        }
    }
    let needs_shell = text.effective().any(|(s, i)| {
        s.index == text.target.index && (i.keyword == Keyword::Run || is_shell_form(i))
    });
    if needs_shell || lines.is_empty() {
        return None;
    }
    let fix = Fix::new(match lines.len() {
        1 => "leave out the line that brings it",
        _ => "leave out the lines that bring them",
    });
    Some(lines.iter().fold(fix, |fix, line| text.remove(fix, line)))
}

/// Starts the final stage from `scratch`, where the image shows that the program needs nothing of its base.
pub(super) fn from_scratch(view: &View<'_>, image: &Image, origins: &Origins<'_>) -> Option<Fix> {
    let text = Text::new(view)?;
    let Base::Image(_) = text.target.base else {
        return None;
    };
    let instructions = text.of(text.target);
    if instructions.iter().any(needs_a_base) || text.is_base_of_another(text.target) {
        return None;
    }
    let started = started(image)?;
    let Program::File { file, .. } = &started.program else {
        return None;
    };
    let elf = started.program.facts()?.elf.as_ref()?;
    let user = image.config.user.split(':').next().unwrap_or_default();
    let names_a_user = !user.is_empty() && user::number(user).is_none();
    if !elf.is_static() || file.entry.layer < origins.base_layers() || names_a_user {
        return None;
    }
    let from = text.from()?;
    let fix = Fix::new("start the final stage from scratch").replace(
        text.file(),
        base_words(from),
        "scratch",
    );
    // A program that speaks TLS found its certificates in the base.
    let own = certificates::bundles(image);
    let brings_own = own.iter().any(|b| b.layer >= origins.base_layers());
    if own.is_empty() || brings_own {
        return Some(fix);
    }
    let builder = certificates::stage_with_bundle(&text)?;
    let line = format!("COPY --from={} {BUNDLE} /etc/ssl/certs/", builder.label());
    Some(text.insert_after(fix, from, &line))
}

/// Whether the instruction works only where there is a base image under it.
fn needs_a_base(instruction: &Instruction) -> bool {
    let by_name = |owner: &CopyCommand| {
        owner
            .chown
            .as_ref()
            .is_some_and(|c| !c.text.chars().all(|c| c.is_ascii_digit() || c == ':'))
    };
    match &instruction.command {
        Command::Run(_) | Command::Shell(_) | Command::Healthcheck(Some(_)) => true,
        Command::Copy(copy) | Command::Add(copy) => by_name(copy),
        _ => is_shell_form(instruction),
    }
}

fn is_shell_form(instruction: &Instruction) -> bool {
    let shell = |f: &CommandForm| matches!(f, CommandForm::Shell(_));
    match &instruction.command {
        Command::Healthcheck(Some(f)) => shell(f),
        _ => instruction.start_form().is_some_and(shell),
    }
}

/// Bases that are known to have a shell.
const WITH_SHELL: &[&str] = &[
    "alpine",
    "busybox",
    "debian",
    "fedora",
    "golang",
    "httpd",
    "nginx",
    "nginx-unprivileged",
    "node",
    "php",
    "postgres",
    "python",
    "redis",
    "ruby",
    "rust",
    "ubuntu",
];

/// What the text says about shells in the target: `Some(true)` on `scratch` or a base without one, where every copied
/// path is named and none is a shell or a folder of programs.
pub(super) fn promises_no_shell(view: &View<'_>) -> Option<bool> {
    let text = Text::new(view)?;
    let has_none = match text.base() {
        Base::Scratch => true,
        Base::Image(base) => {
            let (name, tag) = name_and_tag(base);
            if WITH_SHELL.contains(&name) {
                return Some(false);
            }
            base.contains("/distroless/") && !tag.contains("debug") || name == "static"
        }
        _ => false,
    };
    if !has_none {
        return None;
    }
    for (stage, instruction) in text.effective() {
        let (Command::Copy(copy) | Command::Add(copy)) = &instruction.command else {
            continue;
        };
        let edges = &text.source.graph.edges;
        let from_outside = copy.from.is_some()
            && edges.iter().any(|e| {
                e.stage == stage.index
                    && e.via == Via::Copy
                    && instruction.span.contains(e.span.start)
                    && matches!(e.needs, Needs::Image(_))
            });
        for source in &copy.sources {
            let path = literal(&source.text)?;
            if is_a_shell_or_full_of_them(&path) {
                return Some(false);
            }
            // Of an image of somebody else's nothing is known but the well-known places.
            if from_outside && !path.starts_with("/etc/") {
                return None;
            }
        }
    }
    Some(true)
}

fn is_a_shell_or_full_of_them(source: &str) -> bool {
    let path = source.trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or(path);
    const FOLDERS: &[&str] = &[
        "",
        "/bin",
        "/usr",
        "/usr/bin",
        "/sbin",
        "/usr/sbin",
        "/*",
        "/bin/*",
    ];
    const SHELLS: &[&str] = &[
        "sh", "ash", "bash", "dash", "zsh", "ksh", "busybox", "toybox", "fish",
    ];
    FOLDERS.contains(&path) && source.starts_with('/') || SHELLS.contains(&name)
}
