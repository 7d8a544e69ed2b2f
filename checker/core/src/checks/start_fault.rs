//! Why a program that an image starts cannot be started, read out of the image: the engine's own words leave much open.

use crate::diagnostic::{Finding, Place};
use crate::image::{Image, Resolved};

use super::mend::Text;
use super::origin::Origins;
use super::started::{Access, Program, reaches, started};
use super::{View, go_build, user};

/// What the image shows of a program that the engine could not start.
struct Fault {
    /// One or two sentences.
    help: String,
    /// The path to point at: what brought it into the image.
    path: Option<String>,
    /// Whether another way to compile it would mend it.
    compiled: bool,
}

/// Adds to a finding what the image shows of the fault; `output` is what the engine or the container said.
pub(super) fn explain(view: &View<'_>, finding: Finding, output: &str) -> Finding {
    let Ok(image) = view.image() else {
        return finding;
    };
    let Some(fault) = look(image, &output.to_lowercase()) else {
        return finding;
    };
    let mut finding = finding.help(fault.help);
    let Some(path) = fault.path else {
        return finding;
    };
    let brought = Origins::new(view, image).finding_at("", &path).place;
    let text = Text::new(view);
    let name = path.rsplit('/').next().unwrap_or(&path);
    let build = text
        .as_ref()
        .filter(|_| fault.compiled)
        .map(|t| go_build::of_program(t, name));
    let is_text = |p: &Place| matches!(p, Place::Text { .. });
    match build.as_deref() {
        Some([build]) => finding
            .related
            .push((view.place(build.span()), "it is compiled here".to_owned())),
        _ => {
            if let Some(place) = brought.filter(is_text) {
                let note = "it comes into the image here".to_owned();
                finding.related.push((place, note));
            }
        }
    }
    finding
}

fn look(image: &Image, output: &str) -> Option<Fault> {
    let started = started(image)?;
    let fault = |help: String, path: &str, compiled| {
        Some(Fault {
            help,
            path: Some(path.to_owned()),
            compiled,
        })
    };
    let (named, file) = match &started.program {
        Program::File { named, file } => (named, file),
        Program::Missing(path) if is_absent(output) => {
            return Some(Fault {
                help: absent(image, path, started.script.is_some(), started.from),
                path: None,
                compiled: false,
            });
        }
        _ => return None,
    };
    let facts = started.program.facts();
    let elf = facts.and_then(|f| f.elf.as_ref());
    let script = facts.and_then(|f| f.interpreter.as_deref());
    let architecture = &image.platform.architecture;
    if output.contains("exec format error") {
        return match (elf, script) {
            (Some(elf), _) if elf.machine != *architecture => fault(
                format!(
                    "{named} is a program for {}, and the image is for {architecture}.",
                    elf.machine
                ),
                file.path,
                true,
            ),
            (None, None) => fault(
                format!(
                    "{named} is no program, and its first line does not say what runs it: `#!/bin/sh`, for one."
                ),
                file.path,
                false,
            ),
            _ => None,
        };
    }
    if output.contains("permission denied") || output.contains("executable file not found") {
        return fault(closed(image, named, file)?, file.path, false);
    }
    if output.contains("no such file or directory") {
        let loader = elf.and_then(|e| e.interpreter.as_deref());
        if let Some(loader) = loader.filter(|l| image.tree.resolve(l).is_err()) {
            return fault(
                format!(
                    "{named} is there. What is not there is {loader}, the loader that it asks for: it is linked \
                     dynamically. Link it statically (with Go: CGO_ENABLED=0), or use a base that has that loader."
                ),
                file.path,
                true,
            );
        }
        if let Some(script) = script {
            return fault(no_interpreter(named, script), file.path, false);
        }
    }
    None
}

fn is_absent(output: &str) -> bool {
    output.contains("no such file") || output.contains("executable file not found")
}

/// A program that is not in the image: perhaps a file of its name is elsewhere.
fn absent(image: &Image, path: &str, in_shell: bool, from: &str) -> String {
    if in_shell {
        return format!(
            "{from} is in shell form, and the image has no {path}: write it as a JSON array."
        );
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let elsewhere = image
        .tree
        .iter()
        .find(|(p, e)| {
            matches!(e.kind, crate::image::EntryKind::File { .. })
                && p.rsplit('/').next() == Some(name)
        })
        .map(|(p, _)| p);
    match elsewhere {
        Some(there) => {
            format!("There is no {path} where the engine looks; the image has /{there}.")
        }
        None => format!(
            "There is no {path} in the image: copy it into the final stage, or start what is there."
        ),
    }
}

/// What keeps the image's user from starting a file.
fn closed(image: &Image, named: &str, file: &Resolved<'_>) -> Option<String> {
    let mode = file.entry.mode & 0o777;
    if mode & 0o111 == 0 {
        return Some(format!(
            "{named} has no execute bit (its mode is {mode:o}): COPY --chmod=755, or chmod +x in a RUN before it is copied."
        ));
    }
    let user = user::of(image).ok()?.ok()?;
    if reaches(image, named, &user, Access::Execute) {
        return None;
    }
    Some(format!(
        "the image's user may not start {named}: it is mode {mode:o}, owned by {}, or a folder on the way to it is \
         closed. COPY --chmod=755 or --chown opens it.",
        file.entry.uid
    ))
}

fn no_interpreter(named: &str, script: &str) -> String {
    if script.ends_with('\r') {
        return format!(
            "{named} has Windows line endings: its first line asks for a program whose name ends in a carriage return."
        );
    }
    let program = script.split(' ').next().unwrap_or(script);
    format!("{named} is there. Its first line asks for {program}, and that is not.")
}

#[cfg(test)]
mod tests {
    use crate::image::fixture;

    fn help(image: &str, output: &str) -> Option<String> {
        let image = fixture::image(image).unwrap();
        super::look(&image, output).map(|f| f.help)
    }

    #[test]
    fn the_image_tells_what_the_engine_does_not() {
        let tool = |kind: &str| format!("entrypoint [\"/tool\"]\nlayer x\nfile /tool {kind}");
        for (image, output, said) in [
            (
                tool("0755 elf-static arch=s390x"),
                "exec /tool: exec format error",
                "/tool is a program for s390x, and the image is for amd64.",
            ),
            (
                tool("0755 text echo hello"),
                "exec /tool: exec format error",
                "its first line does not say what runs it",
            ),
            (
                tool("0755 elf-dynamic"),
                "exec /tool: no such file or directory",
                "What is not there is /lib64/ld-linux-x86-64.so.2",
            ),
            (
                tool("0755 script /bin/bash"),
                "exec /tool: no such file or directory",
                "asks for /bin/bash, and that is not",
            ),
            (
                tool("0644 script /bin/sh"),
                "exec: \"/tool\": permission denied",
                "/tool has no execute bit (its mode is 644)",
            ),
            (
                format!("user 7\n{}", tool("0700 elf-static")),
                "exec: \"/tool\": permission denied",
                "the image's user may not start /tool: it is mode 700, owned by 0",
            ),
            (
                "cmd [\"tool\"]\nlayer x\nfile /usr/bin/tool 0644 elf-static".to_owned(),
                "exec: \"tool\": executable file not found in $path",
                "/usr/bin/tool has no execute bit",
            ),
            (
                "cmd [\"/app/tool\"]\nlayer x\nfile /usr/bin/tool 0755 elf-static".to_owned(),
                "exec: \"/app/tool\": no such file or directory",
                "There is no /app/tool where the engine looks; the image has /usr/bin/tool.",
            ),
            (
                "cmd [\"tool\"]\nlayer x\ndir /srv".to_owned(),
                "exec: \"tool\": executable file not found in $path",
                "There is no tool in the image",
            ),
            (
                "entrypoint [\"/bin/sh\", \"-c\", \"/tool\"]\nlayer x\nfile /tool 0755 elf-static"
                    .to_owned(),
                "exec: \"/bin/sh\": no such file or directory",
                "shell form",
            ),
        ] {
            let found = help(&image, output).unwrap_or_default();
            assert!(found.contains(said), "{output}: {found}");
        }
    }

    #[test]
    fn what_the_image_does_not_show_is_left_to_the_words() {
        let fine = "entrypoint [\"/tool\"]\nlayer x\nfile /tool 0755 elf-static";
        for output in [
            "exec format error",
            "permission denied",
            "no such file or directory",
            "panic: oh no",
        ] {
            assert_eq!(help(fine, output), None, "{output}");
        }
        let with_loader = "entrypoint [\"/tool\"]\nlayer x\nfile /tool 0755 elf-dynamic\n\
            file /lib64/ld-linux-x86-64.so.2 0755 elf-static";
        assert_eq!(
            help(with_loader, "open /etc/x: no such file or directory"),
            None
        );
    }
}
