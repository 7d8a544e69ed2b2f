//! `static-binary`: the program needs no library and no loader.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::{Finding, Place};
use crate::evidence::Need;
use crate::image::{Elf, Image};
use crate::stages::Base;

use super::exec_form;
use super::mend::Text;
use super::origin::{Origins, base_words};
use super::started::{Program, find, plain_words, started};
use super::{Check, Doc, Example, Judged, Verdict, View, go_build, walk};
use crate::dockerfile::{Command, Word};

/// The program is an ELF without interpreter and needed libraries, for the image's architecture.
pub(super) struct StaticBinary;

/// Parameters of [`StaticBinary`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// The program to look at; without it, the one that `ENTRYPOINT` or `CMD` starts.
    #[serde(default)]
    pub(super) path: Option<String>,
}

impl Check for StaticBinary {
    type Params = Params;
    const ID: &'static str = "static-binary";
    const TITLE: &'static str = "The program is a static binary";
    const DOC: Doc = Doc {
        what: "The program that a container starts is one file that needs no other: no dynamic loader and no shared \
            library. It must also be for the machine that the image is for. The program is the one behind \
            `ENTRYPOINT` and `CMD`, found as the engine finds it: through `PATH`, `WORKDIR` and links. With `path` \
            it is that file instead.\n\n\
            A position-independent static binary counts. A script does not, because it needs its interpreter.",
        why: "On `scratch` there is no loader and no library: a program that needs one ends with \
            `no such file or directory`, although the file is there.",
        bad: Example {
            image: "entrypoint [\"/server\"]\n\
                layer COPY /src/server /server # buildkit\n\
                file /server 0755 elf-dynamic size=4900000\n\
                history ENTRYPOINT [\"/server\"]",
            ..Example::text(
                "FROM golang:1.27 AS builder\n\
                WORKDIR /src\n\
                COPY . .\n\
                RUN go build -o server .\n\
                \n\
                FROM scratch\n\
                COPY --from=builder /src/server /server\n\
                ENTRYPOINT [\"/server\"]\n",
            )
        },
        good: Example {
            image: "entrypoint [\"/server\"]\n\
                layer COPY /src/server /server # buildkit\n\
                file /server 0755 elf-static size=4900000\n\
                history ENTRYPOINT [\"/server\"]",
            ..Example::text(
                "FROM golang:1.27 AS builder\n\
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

    fn summary(params: &Params) -> String {
        match &params.path {
            Some(path) => format!("{path} is static"),
            None => "what the image starts is static".into(),
        }
    }

    fn needs(_: &Params) -> Vec<Need> {
        vec![Need::Image]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let image = view.image()?;
        let subject = match Subject::of(params, view, image) {
            Ok(subject) => subject,
            Err(finding) => return Ok((*finding).into()),
        };
        let Subject {
            shown,
            program,
            how,
        } = &subject;
        let (file, named) = match program {
            Program::File { file, named } => (file, named),
            Program::Missing(path) => {
                let finding = Finding::new(format!("{how}{path} is not in the image"))
                    .expected("a static binary", "nothing at that path")
                    .help("Copy the program to the path that is started, or start the path that it was copied to.");
                return Ok(at_start(view, finding).into());
            }
            Program::NotAFile(path) => {
                let finding = Finding::new(format!("{how}{path} is not a file"))
                    .expected("a static binary", "a directory or a device")
                    .help("Name the program itself.");
                return Ok(at_start(view, finding).into());
            }
        };
        let origins = Origins::new(view, image);
        let path = file.path;
        let architecture = &image.platform.architecture;
        let Some(elf) = program.facts().and_then(|f| f.elf.as_ref()) else {
            let actual = match program.facts().and_then(|f| f.interpreter.as_deref()) {
                Some(interpreter) => format!("a script that needs {interpreter}"),
                None => "a file that is no ELF program".to_owned(),
            };
            let finding = origins
                .finding_at(format!("{shown} is {actual}"), path)
                .expected("a static binary", actual)
                .help("Compile the program in a builder stage, and start the binary itself.");
            return Ok(finding.into());
        };
        if elf.machine != *architecture {
            let finding = origins
                .finding_at(
                    format!("{shown} is for {}, and the image is for {architecture}", elf.machine),
                    path,
                )
                .expected(format!("a program for {architecture}"), format!("one for {}", elf.machine))
                .help("Compile for the platform of the image: with Go, leave GOARCH out or set it to $TARGETARCH.");
            return Ok(with_go(params, view, finding, path, true).into());
        }
        if !elf.executable {
            let finding = origins
                .finding_at(format!("{shown} is a library, not a program"), path)
                .expected("a static binary", "an ELF library")
                .help("Build an executable.");
            return Ok(finding.into());
        }
        if !elf.is_static() {
            let finding = origins
                .finding_at(format!("{shown} is dynamically linked"), path)
                .expected("no loader and no library", needs(elf))
                .details(missing(image, elf))
                .help("Compile without C libraries: with Go, set CGO_ENABLED=0.");
            return Ok(with_go(params, view, finding, path, false).into());
        }
        let pie = if elf.pie { "static-pie" } else { "static" };
        let mode = if file.entry.mode & 0o111 == 0 {
            ", though without the execute bit"
        } else {
            ""
        };
        Ok(Verdict::passed(format!(
            "{named} is {pie}, for {architecture}{mode}"
        )))
    }

    fn promised_by_text(params: &Params, view: &View<'_>) -> Option<bool> {
        let text = Text::new(view)?;
        let path = match &params.path {
            Some(path) => path.clone(),
            None => {
                let start = text.start()?;
                match start.start_form()? {
                    crate::dockerfile::CommandForm::Exec { args, .. } => args.first()?.text.clone(),
                    crate::dockerfile::CommandForm::Shell(_) if *text.base() == Base::Scratch => {
                        return Some(false);
                    }
                    crate::dockerfile::CommandForm::Shell(line) => {
                        plain_words(&line.text)?.first()?.clone()
                    }
                }
            }
        };
        if !arrives(view, &text, &path) {
            return None;
        }
        let builds = builds_of(params, &text, &path);
        let all = !builds.is_empty() && builds.iter().all(|b| b.is_surely_static(&text));
        all.then_some(true)
    }
}

/// The program in question.
struct Subject<'a> {
    /// What to call it.
    shown: String,
    program: Program<'a>,
    /// How a sentence about its absence begins.
    how: &'static str,
}

impl<'a> Subject<'a> {
    fn of(params: &Params, view: &View<'_>, image: &'a Image) -> Result<Self, Box<Finding>> {
        if let Some(path) = &params.path {
            let path = format!("/{}", path.trim_start_matches('/'));
            return Ok(Self {
                program: find(image, &path),
                shown: path,
                how: "",
            });
        }
        let Some(started) = started(image) else {
            let finding =
                Finding::new("the image starts nothing: it has neither ENTRYPOINT nor CMD")
                    .expected("a static binary", "no command")
                    .help("Name the program with ENTRYPOINT.");
            return Err(Box::new(at_stage(view, finding)));
        };
        let how = "the container would not start: ";
        if started.script.is_none() {
            return Ok(Self {
                shown: started.argv[0].clone(),
                program: started.program,
                how,
            });
        }
        let shown = started.shown();
        if let Program::Missing(shell) = &started.program {
            let finding = Finding::new(format!(
                "the container would not start: {} is in shell form, and there is no {shell}",
                started.from
            ))
            .expected(
                "a static binary that is started itself",
                format!("`{shown}`"),
            )
            .help(
                "Write the command as a JSON array: then the program is started without a shell.",
            );
            return Err(Box::new(with_exec_form(view, finding)));
        }
        let Some(program) = started.script_words().and_then(|w| w.into_iter().next()) else {
            let finding = Finding::new(format!(
                "{} starts a shell, and which program that starts cannot be told",
                started.from
            ))
            .expected(
                "a static binary that is started itself",
                format!("`{shown}`"),
            )
            .help("Write the command as a JSON array that names the program.");
            return Err(Box::new(at_start(view, finding)));
        };
        Ok(Self {
            shown: format!("{program}, which {} starts,", started.argv[0]),
            program: find(image, &program),
            how: "the container would not start: ",
        })
    }
}

fn needs(elf: &Elf) -> String {
    let mut parts = Vec::new();
    if let Some(interpreter) = &elf.interpreter {
        parts.push(format!("the loader {interpreter}"));
    }
    match elf.needed.len() {
        0 => {}
        1 => parts.push(elf.needed[0].clone()),
        n => parts.push(format!("{n} libraries: {}", elf.needed.join(", "))),
    }
    format!("it needs {}", parts.join(" and "))
}

/// What the program needs and the image does not have.
fn missing(image: &Image, elf: &Elf) -> Vec<String> {
    let loader = elf
        .interpreter
        .iter()
        .filter(|i| image.tree.resolve(i).is_err());
    loader
        .map(|i| format!("the loader {i} is not in the image, so the program cannot start"))
        .collect()
}

/// Points at the command that starts the program, or else at the stage.
fn at_start(view: &View<'_>, finding: Finding) -> Finding {
    let start = Text::new(view).and_then(|t| t.start().map(|i| i.span));
    match start {
        Some(span) => finding.at(view.place(span)),
        None => at_stage(view, finding),
    }
}

fn at_stage(view: &View<'_>, finding: Finding) -> Finding {
    let from = Text::new(view).and_then(|t| t.from().map(base_words));
    match from {
        Some(span) => finding.at(view.place(span)),
        None => finding,
    }
}

fn with_exec_form(view: &View<'_>, finding: Finding) -> Finding {
    let finding = at_start(view, finding);
    let fix = Text::new(view).and_then(|t| exec_form::fix(t.source, &[t.start()?]));
    match fix {
        Some(fix) => finding.fix(fix),
        None => finding,
    }
}

/// The builds that made the program. One that the lab names by its path may come from another image, and then no build
/// of the learner's own made it.
fn builds_of<'a>(params: &Params, text: &Text<'a>, path: &str) -> Vec<go_build::GoBuild<'a>> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if params.path.is_some() {
        go_build::of_named(text, name)
    } else {
        go_build::of_program(text, name)
    }
}

/// Whether there will be something at `path`: a COPY of the target puts it there, or the image that was read has it. A
/// name without folders is searched for.
fn arrives(view: &View<'_>, text: &Text<'_>, path: &str) -> bool {
    if !path.starts_with('/') {
        return true;
    }
    let copied = walk::all_instructions(text.source, text.target)
        .into_iter()
        .any(|(index, instruction)| {
            let Command::Copy(copy) = &instruction.command else {
                return false;
            };
            let to = walk::absolute(text.source, index, &copy.destination.text);
            let into = |word: &Word| {
                let name = word.text.rsplit('/').next().unwrap_or_default();
                format!("{}/{name}", to.trim_end_matches('/'))
            };
            to == path || copy.sources.iter().any(|s| into(s) == path)
        });
    copied
        || view
            .image()
            .is_ok_and(|image| image.tree.get(path).is_some())
}

/// Points at the `go build` that made the program, where there is one, and offers what mends it.
fn with_go(
    params: &Params,
    view: &View<'_>,
    finding: Finding,
    path: &str,
    machine: bool,
) -> Finding {
    let Some(text) = Text::new(view) else {
        return finding;
    };
    let builds = builds_of(params, &text, path);
    let [build] = &builds[..] else {
        return finding;
    };
    let fix = if machine {
        build.for_this_machine(&text)
    } else {
        build.without_cgo(&text)
    };
    let mut finding = finding;
    if let Some(old) = finding.place.take()
        && matches!(old, Place::Text { .. })
    {
        let note = "it comes into the image here".to_owned();
        finding.related.insert(0, (old, note));
    }
    let finding = finding.at(view.place(build.span()));
    match fix {
        Some(fix) => finding.fix(fix),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn image(text: &str) -> Case {
        Case::of_image(text)
    }

    #[test]
    fn a_static_program_passes_in_every_form() {
        for (text, said) in [
            (
                "entrypoint [\"/s\"]\nlayer x\nfile /s 0755 elf-static",
                "/s is static, for amd64",
            ),
            (
                "entrypoint [\"/s\"]\nlayer x\nfile /s 0755 elf-static-pie",
                "/s is static-pie, for amd64",
            ),
            (
                "cmd [\"s\"]\nenv PATH=/x:/opt\nlayer x\nfile /opt/s 0755 elf-static",
                "/opt/s is static, for amd64",
            ),
            (
                "workdir /a\ncmd [\"./s\"]\nlayer x\nlink /a/s -> /b\nfile /b 0755 elf-static",
                "/a/s is static, for amd64",
            ),
            (
                "entrypoint [\"/s\"]\nlayer x\nfile /s 0644 elf-static",
                "/s is static, for amd64, though without the execute bit",
            ),
            (
                "platform linux/arm64\nentrypoint [\"/s\"]\nlayer x\nfile /s 0755 elf-static arch=arm64",
                "/s is static, for arm64",
            ),
            (
                "cmd [\"/bin/sh\", \"-c\", \"/s -x\"]\nlayer x\nfile /s 0755 elf-static\nfile /bin/sh 0755 dash",
                "/s is static, for amd64",
            ),
        ] {
            assert_eq!(image(text).passes::<StaticBinary>(), said, "{text}");
        }
    }

    #[test]
    fn what_is_not_static_says_why() {
        let shell = "layer x\nfile /bin/sh 0755 dash\nfile /s 0755 elf-dynamic";
        for (text, said, actual) in [
            (
                "entrypoint [\"/s\"]\nlayer x\nfile /s 0755 elf-dynamic needed=libc.so.6,libm.so.6",
                "/s is dynamically linked",
                "it needs the loader /lib64/ld-linux-x86-64.so.2 and 2 libraries: libc.so.6, libm.so.6",
            ),
            (
                "entrypoint [\"/s\"]\nlayer x\nfile /s 0755 elf-static arch=s390x",
                "/s is for s390x, and the image is for amd64",
                "one for s390x",
            ),
            (
                "entrypoint [\"/s\"]\nlayer x\nfile /s 0755 script /bin/sh",
                "/s is a script that needs /bin/sh",
                "a script that needs /bin/sh",
            ),
            (
                "entrypoint [\"/s\"]\nlayer x\nfile /s 0755 text hello",
                "/s is a file that is no ELF program",
                "a file that is no ELF program",
            ),
            (
                "entrypoint [\"/s\"]\nlayer x\nfile /s 0755 elf-library",
                "/s is a library, not a program",
                "an ELF library",
            ),
            (
                "entrypoint [\"/s\"]\nlayer x\nfile /t 0755 elf-static",
                "the container would not start: /s is not in the image",
                "nothing at that path",
            ),
            (
                "entrypoint [\"/s\"]\nlayer x\ndir /s",
                "the container would not start: /s is not a file",
                "a directory or a device",
            ),
            (
                "layer x\nfile /s 0755 elf-static",
                "the image starts nothing: it has neither ENTRYPOINT nor CMD",
                "no command",
            ),
            (
                &format!("cmd [\"/bin/sh\", \"-c\", \"/s\"]\n{shell}"),
                "/s, which /bin/sh starts, is dynamically linked",
                "it needs the loader /lib64/ld-linux-x86-64.so.2 and libc.so.6",
            ),
            (
                &format!("cmd [\"/bin/sh\", \"-c\", \"cd / && ./s\"]\n{shell}"),
                "CMD starts a shell, and which program that starts cannot be told",
                "`/bin/sh -c \"cd / && ./s\"`",
            ),
        ] {
            let finding = image(text).fails::<StaticBinary>();
            assert_eq!(
                (finding.message.as_str(), finding.actual.as_deref()),
                (said, Some(actual)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_path_is_looked_at_instead() {
        let text = "entrypoint [\"/s\"]\nlayer x\nfile /s 0755 elf-dynamic\nfile /bin/tool 0755 elf-static";
        let tool = image(text).params("path = \"/bin/tool\"");
        assert_eq!(
            tool.passes::<StaticBinary>(),
            "/bin/tool is static, for amd64"
        );
        let gone = image(text)
            .params("path = \"/bin/gone\"")
            .fails::<StaticBinary>();
        assert_eq!(gone.message, "/bin/gone is not in the image");
    }

    fn go(run: &str, start: &str) -> Case {
        let dockerfile = format!(
            "FROM golang:1.27 AS builder\nRUN {run}\nFROM scratch\nCOPY --from=builder /out/server /server\n{start}\n"
        );
        let (entrypoint, kind) = if start.contains('[') {
            ("[\"/server\"]", "elf-dynamic")
        } else {
            ("[\"/bin/sh\", \"-c\", \"/server\"]", "elf-static")
        };
        let arch = if run.contains("GOARCH") {
            "arch=s390x"
        } else {
            ""
        };
        let kind = if run.contains("GOARCH") {
            "elf-static"
        } else {
            kind
        };
        Case::of(&dockerfile).base_layers(0).image(&format!(
            "entrypoint {entrypoint}
            layer COPY /out/server /server # buildkit
            file /server 0755 {kind} {arch}
            history ENTRYPOINT x"
        ))
    }

    #[test]
    fn a_build_with_cgo_is_mended() {
        let exec = "ENTRYPOINT [\"/server\"]";
        for (run, mended) in [
            (
                "go build -o /out/server .",
                "CGO_ENABLED=0 go build -o /out/server .",
            ),
            (
                "CGO_ENABLED=1 go build -o /out/server .",
                "CGO_ENABLED=0 go build -o /out/server .",
            ),
            (
                "go vet ./... && GOOS=linux go build -o /out/server .",
                "go vet ./... && CGO_ENABLED=0 GOOS=linux go build -o /out/server .",
            ),
            (
                "CGO_ENABLED=0 go build -trimpath -buildmode=pie -o /out/server .",
                "CGO_ENABLED=0 go build -trimpath -o /out/server .",
            ),
            (
                "CGO_ENABLED=0 GOARCH=s390x go build -o /out/server .",
                "CGO_ENABLED=0 go build -o /out/server .",
            ),
        ] {
            let w = go(run, exec);
            let text = w.promised_fix::<StaticBinary>();
            assert!(text.contains(&format!("RUN {mended}\n")), "{run}:\n{text}");
            assert!(w.words(&w.fails::<StaticBinary>()).contains("go build"));
        }
        let env = go("go build -o /out/server .\nENV X=1", exec);
        assert!(
            env.promised_fix::<StaticBinary>()
                .contains("CGO_ENABLED=0 go")
        );
        go(
            "go build -ldflags='-linkmode external' -o /out/server .",
            exec,
        )
        .has_no_fix::<StaticBinary>();
        go("go build -o /out/server .", exec)
            .file("main.go", "package main\nimport \"C\"\n")
            .has_no_fix::<StaticBinary>();
    }

    #[test]
    fn a_tool_from_another_image_is_not_laid_to_the_learners_own_build() {
        let text = |tool: &str| {
            format!(
                "FROM golang:1.27 AS builder\nRUN CGO_ENABLED=0 go build -o /out/server .\nFROM scratch\n\
                 {tool}\nCOPY --from=builder /out/server /server\nENTRYPOINT [\"/server\"]\n"
            )
        };
        let image = "entrypoint [\"/server\"]\nlayer COPY /t /bin/tool # buildkit\nfile /bin/tool 0755 elf-dynamic\n\
            layer COPY /out/server /server # buildkit\nfile /server 0755 elf-static\nhistory ENTRYPOINT x";
        let other = Case::of(&text("COPY --from=tools:1 /t /bin/tool"))
            .base_layers(0)
            .image(image)
            .params("path = \"/bin/tool\"");
        let finding = other.fails::<StaticBinary>();
        assert_eq!(other.words(&finding), "COPY --from=tools:1 /t /bin/tool");
        assert!(finding.fixes.is_empty());
        assert_eq!(other.promised::<StaticBinary>(), None);
        let own = Case::of(&text("COPY --from=builder /out/tool /bin/tool").replace(
            "-o /out/server .",
            "-o /out/server . && go build -o /out/tool example.com/tool",
        ))
        .base_layers(0)
        .image(image)
        .params("path = \"/bin/tool\"");
        assert!(
            own.promised_fix::<StaticBinary>()
                .contains("CGO_ENABLED=0 go build -o /out/tool")
        );
    }

    #[test]
    fn nothing_is_promised_of_a_program_that_is_not_there() {
        let text = |copy: &str| {
            format!(
                "FROM golang:1.27 AS builder\nRUN CGO_ENABLED=0 go build -o /out/server .\nFROM scratch\n\
                 COPY --from=builder {copy}\nENTRYPOINT [\"/server\"]\n"
            )
        };
        let image = "entrypoint [\"/start.sh\"]\nlayer COPY x\nfile /bin/server 0755 elf-static";
        for (copy, promised) in [
            ("/out/server /bin/server", None),
            ("/out/server /server", Some(true)),
            ("/out/server /", Some(true)),
        ] {
            let case = Case::of(&text(copy)).image(image);
            assert_eq!(case.promised::<StaticBinary>(), promised, "{copy}");
        }
    }

    #[test]
    fn an_environment_with_cgo_is_mended_where_it_is_set() {
        let w = Case::of(
            "FROM golang:1.27 AS builder\nENV CGO_ENABLED=1\nRUN go build -o /out/server .\nFROM scratch\nCOPY --from=builder /out/server /server\nENTRYPOINT [\"/server\"]",
        )
        .image("entrypoint [\"/server\"]\nlayer COPY x\nfile /server 0755 elf-dynamic\nhistory ENTRYPOINT x");
        assert!(
            w.promised_fix::<StaticBinary>()
                .contains("ENV CGO_ENABLED=0\nRUN go build")
        );
    }

    #[test]
    fn a_shell_form_without_a_shell_is_mended() {
        let w = go(
            "CGO_ENABLED=0 go build -o /out/server .",
            "ENTRYPOINT /server",
        );
        let finding = w.fails::<StaticBinary>();
        assert_eq!(
            finding.message,
            "the container would not start: ENTRYPOINT is in shell form, and there is no /bin/sh"
        );
        assert_eq!(w.promised::<StaticBinary>(), Some(false));
        assert!(
            w.promised_fix::<StaticBinary>()
                .ends_with("ENTRYPOINT [\"/server\"]\n")
        );
    }
}
