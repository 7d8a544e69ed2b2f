//! `config`: the image's settings are as the lab wants them.

use crate::diagnostic::{Finding, Fix};
use crate::dockerfile::{Command, CommandForm, Instruction, KeyValue, Keyword};
use crate::evidence::{Extra, Need, Probe, ProbeOutcome, Unseen};
use crate::image::normalize;
use crate::stages::same_signal;

use super::mend::{Text, json, literal};
use super::origin::base_words;
use super::settings::{Health, How, Mend, Params, Port, Wanted, Wrong, exec_fault, wrong};
use super::{Check, Doc, Example, Judged, Verdict, View, causes};

/// Ports, command, environment, labels, healthcheck, working directory and stop signal are as wanted.
pub(super) struct Config;

impl Check for Config {
    type Params = Params;
    const ID: &'static str = "config";
    const TITLE: &'static str = "The image's settings are right";
    const DOC: Doc = Doc {
        what: "The settings that the lab names are in the image: exposed ports, `ENTRYPOINT` and `CMD`, environment \
            variables, labels, the healthcheck, the working directory and the stop signal. It is the finished image \
            that counts, with all that it has from its base. A healthcheck without a shell is tried too: beside the \
            running program it must end with 0, and without it with something else.",
        why: "Whoever runs the image sees these settings, and not the Dockerfile. \
            Labels say what it is, a healthcheck whether it works, a stop signal how to end it.",
        bad: Example {
            params: "exposed = [8080]\nlabels = { \"org.opencontainers.image.title\" = \"lighthouse\" }",
            image: "entrypoint [\"/server\"]\n\
                layer COPY /src/server /server # buildkit\n\
                file /server 0755 elf-static size=4900000\n\
                history ENTRYPOINT [\"/server\"]",
            ..Example::text(
                "FROM golang:1.27-alpine AS builder\n\
                LABEL org.opencontainers.image.title=lighthouse\n\
                EXPOSE 8080\n\
                RUN CGO_ENABLED=0 go build -o /src/server .\n\
                \n\
                FROM scratch\n\
                COPY --from=builder /src/server /server\n\
                ENTRYPOINT [\"/server\"]\n",
            )
        },
        good: Example {
            params: "exposed = [8080]\nlabels = { \"org.opencontainers.image.title\" = \"lighthouse\" }",
            image: "entrypoint [\"/server\"]\n\
                label org.opencontainers.image.title=lighthouse\n\
                expose 8080/tcp\n\
                layer COPY /src/server /server # buildkit\n\
                file /server 0755 elf-static size=4900000\n\
                history LABEL org.opencontainers.image.title=lighthouse\n\
                history EXPOSE map[8080/tcp:{}]\n\
                history ENTRYPOINT [\"/server\"]",
            ..Example::text(
                "FROM golang:1.27-alpine AS builder\n\
                RUN CGO_ENABLED=0 go build -o /src/server .\n\
                \n\
                FROM scratch\n\
                COPY --from=builder /src/server /server\n\
                LABEL org.opencontainers.image.title=lighthouse\n\
                EXPOSE 8080\n\
                ENTRYPOINT [\"/server\"]\n",
            )
        },
    };

    fn summary(params: &Params) -> String {
        let named = [
            (!params.exposed.is_empty(), "ports"),
            (params.entrypoint.is_some(), "entrypoint"),
            (params.cmd.is_some(), "cmd"),
            (!params.env.is_empty(), "environment"),
            (!params.labels.is_empty(), "labels"),
            (params.healthcheck.is_some(), "healthcheck"),
            (params.workdir.is_some(), "working directory"),
            (params.stop_signal.is_some(), "stop signal"),
        ];
        let named: Vec<&str> = named
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, n)| *n)
            .collect();
        match named.split_last() {
            None => "nothing is asked for".into(),
            Some((last, [])) => (*last).to_owned(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        }
    }

    fn needs(params: &Params) -> Vec<Need> {
        let asked = matches!(params.healthcheck, Some(Health::How(How::Exec)));
        let probe = Need::Probe(Probe::Health {
            within_ms: causes::within().0,
        });
        let probe = asked.then_some(probe);
        std::iter::once(Need::Image).chain(probe).collect()
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let image = view.image()?;
        let wrong = wrong(params, image);
        let Some(first) = wrong.first() else {
            let as_wanted = format!("{} as wanted", Self::summary(params));
            return match params.healthcheck {
                Some(Health::How(How::Exec)) => asked(view, &as_wanted),
                _ => Ok(Verdict::passed(as_wanted)),
            };
        };
        let mut finding = Finding::new(match wrong.len() {
            1 => first.message.clone(),
            n => format!("{} ({n} settings are not as wanted)", first.message),
        })
        .expected(first.expected.clone(), first.actual.clone())
        .details(wrong.iter().skip(1).map(|w| w.message.clone()));
        let Some(text) = Text::new(view) else {
            return Ok(finding.into());
        };
        let span = text
            .last(first.keyword)
            .map(|(_, i)| i.span)
            .or_else(|| text.from().map(base_words));
        if let Some(span) = span {
            finding = finding.at(view.place(span));
        }
        Ok(match mend(&text, &wrong) {
            Some(fix) => finding.fix(fix).into(),
            None => finding.into(),
        })
    }

    fn promised_by_text(params: &Params, view: &View<'_>) -> Option<bool> {
        let text = Text::new(view)?;
        let mut promised = Some(true);
        let mut note = |one: Option<bool>| match one {
            Some(true) => {}
            Some(false) => promised = Some(false),
            None if promised == Some(true) => promised = None,
            None => {}
        };
        if !params.exposed.is_empty() {
            let written: Option<Vec<String>> = text
                .effective()
                .filter_map(|(_, i)| match &i.command {
                    Command::Expose(ports) => Some(ports),
                    _ => None,
                })
                .flatten()
                .map(|w| literal(&w.text).map(|p| Port::Text(p).to_string()))
                .collect();
            note(written.and_then(|all| {
                params
                    .exposed
                    .iter()
                    .all(|p| all.contains(&p.to_string()))
                    .then_some(true)
            }));
        }
        for (wanted, keyword) in [
            (&params.entrypoint, Keyword::Entrypoint),
            (&params.cmd, Keyword::Cmd),
        ] {
            if let Some(wanted) = wanted {
                note(
                    text.last(keyword)
                        .map(|(_, i)| words_of(i).as_ref() == Some(wanted)),
                );
            }
        }
        for (wanted, keyword) in [
            (&params.env, Keyword::Env),
            (&params.labels, Keyword::Label),
        ] {
            for (name, wanted) in wanted {
                note(
                    value_in(&text, keyword, name).and_then(|v| match (v, wanted) {
                        (Some(v), _) => Some(wanted.holds(Some(&v))),
                        // A variable may be empty.
                        (None, Wanted::Any(true)) => None,
                        (None, _) => Some(false),
                    }),
                );
            }
        }
        if let Some(wanted) = &params.healthcheck {
            note(text.last(Keyword::Healthcheck).and_then(|(_, i)| {
                Some(match (&i.command, wanted) {
                    (Command::Healthcheck(None), w) => matches!(w, Health::There(false)),
                    (Command::Healthcheck(Some(_)), Health::There(there)) => *there,
                    (
                        Command::Healthcheck(Some(CommandForm::Exec { args, .. })),
                        Health::How(How::Exec),
                    ) => {
                        // That the program is there only the image shows, and of this very program.
                        let image = view.image().ok()?;
                        let test = &image.config.healthcheck.as_ref()?.test;
                        let same = test.iter().skip(1).eq(args.iter().map(|a| &a.text));
                        let healthy =
                            matches!(view.extra(), Ok(Extra::Probe(ProbeOutcome::Healthy)));
                        return (same && healthy && exec_fault(image).is_none()).then_some(true);
                    }
                    _ => false,
                })
            }));
        }
        if let Some(wanted) = &params.workdir {
            note(
                text.last(Keyword::Workdir)
                    .and_then(|(_, i)| match &i.command {
                        Command::Workdir(w) => {
                            let path = literal(&w.text)?;
                            path.starts_with('/')
                                .then(|| normalize(&path) == normalize(wanted))
                        }
                        _ => None,
                    }),
            );
        }
        if let Some(wanted) = &params.stop_signal {
            note(
                text.last(Keyword::Stopsignal)
                    .and_then(|(_, i)| match &i.command {
                        Command::Stopsignal(w) => literal(&w.text).map(|s| same_signal(&s, wanted)),
                        _ => None,
                    }),
            );
        }
        promised
    }
}

/// What came of the healthcheck when it was done. One whose container ended by itself was not to blame.
fn asked(view: &View<'_>, as_wanted: &str) -> Judged {
    let Extra::Probe(outcome) = view.extra()? else {
        return Err(Unseen::Failed("the healthcheck was not tried".into()));
    };
    let (message, actual, output, help) = match outcome {
        ProbeOutcome::Healthy => {
            return Ok(Verdict::passed(format!(
                "{as_wanted}, and it finds the container healthy"
            )));
        }
        ProbeOutcome::NotStarted(reason) => {
            return Ok(Verdict::passed(format!(
                "{as_wanted}, but not tried: {reason}"
            )));
        }
        ProbeOutcome::AlwaysHealthy => (
            "the healthcheck is content although nothing is running",
            "exit code 0 without the program".to_owned(),
            "",
            "Let it ask the program that the container runs, and end with another code than 0 when no answer comes.",
        ),
        ProbeOutcome::Unhealthy { code, output } => (
            "the healthcheck never finds the container healthy",
            code.map_or_else(|| "no end".to_owned(), causes::exit),
            output.as_str(),
            "Start the image, and do in it what the healthcheck does, with `docker exec`.",
        ),
        _ => return Err(Unseen::Failed("the healthcheck was not tried".into())),
    };
    let mut finding = Finding::new(message)
        .expected(
            "exit code 0 beside the running program, and another one without it",
            actual,
        )
        .details(causes::tail(output))
        .help(help);
    let text = Text::new(view);
    let line = text.as_ref().and_then(|t| t.last(Keyword::Healthcheck));
    if let Some((_, instruction)) = line {
        finding = finding.at(view.place(instruction.span));
    }
    Ok(finding.into())
}

/// The words that an `ENTRYPOINT` or `CMD` gives; of a shell form what the default shell gets.
fn words_of(instruction: &Instruction) -> Option<Vec<String>> {
    Some(match instruction.start_form()? {
        CommandForm::Exec { args, .. } => args.iter().map(|a| a.text.clone()).collect(),
        CommandForm::Shell(line) => vec!["/bin/sh".into(), "-c".into(), line.text.clone()],
    })
}

fn pairs(instruction: &Instruction) -> &[KeyValue] {
    match &instruction.command {
        Command::Env(pairs) | Command::Label(pairs) => pairs,
        _ => &[],
    }
}

/// The last pair of that name: its value, or `Some(None)` where that cannot be told.
fn value_in(text: &Text<'_>, keyword: Keyword, name: &str) -> Option<Option<String>> {
    let named = |p: &&KeyValue| literal(&p.key.text).as_deref() == Some(name);
    text.effective()
        .filter(|(_, i)| i.keyword == keyword)
        .filter_map(|(_, i)| pairs(i).iter().rev().find(named))
        .next_back()
        .map(|p| literal(&p.value.text))
}

/// One fix for all that is wrong, or none.
fn mend(text: &Text<'_>, wrong: &[Wrong]) -> Option<Fix> {
    let mut fix = Fix::new("set what is missing");
    for one in wrong {
        let last = text
            .last(one.keyword)
            .filter(|(s, _)| s.index == text.target.index)
            .map(|(_, i)| i);
        fix = match (&one.mend, last) {
            (Mend::None, _) => return None,
            (Mend::Line(line), _) | (Mend::Instead(line), None) => {
                text.add_to_stage(fix, text.target, line)
            }
            (Mend::Instead(line), Some(i)) => fix.replace(text.file(), i.span, line.clone()),
            (Mend::Words(words), Some(i)) => {
                let span = match i.start_form()? {
                    CommandForm::Exec { span, .. } => *span,
                    CommandForm::Shell(line) => line.span,
                };
                fix.replace(text.file(), span, json(words))
            }
            (Mend::Words(words), None) => {
                let keyword = if one.keyword == Keyword::Cmd {
                    "CMD"
                } else {
                    "ENTRYPOINT"
                };
                let last = text.of(text.target).last()?;
                text.insert_after(fix, last, &format!("{keyword} {}", json(words)))
            }
            (Mend::Pair(name, value), last) => {
                let value = if value
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._-/:+@,".contains(c))
                    && !value.is_empty()
                {
                    value.clone()
                } else if value.contains(['"', '$', '\\']) {
                    return None;
                } else {
                    format!("\"{value}\"")
                };
                let named = |p: &&KeyValue| literal(&p.key.text).as_deref() == Some(name);
                match last.and_then(|i| pairs(i).iter().rev().find(named)) {
                    Some(pair) => fix.replace(text.file(), pair.value.span, value),
                    None => {
                        let keyword = if one.keyword == Keyword::Env {
                            "ENV"
                        } else {
                            "LABEL"
                        };
                        text.add_to_stage(fix, text.target, &format!("{keyword} {name}={value}"))
                    }
                }
            }
        };
    }
    Some(fix)
}

#[cfg(test)]
mod tests {
    use super::super::AnyCheck;
    use super::super::case::Case;
    use super::*;

    const DOCKERFILE: &str = "
        FROM alpine AS production
        COPY server /server
        ENV MODE=debug
        EXPOSE 80
        STOPSIGNAL SIGINT
        CMD /server";
    const IMAGE: &str = "cmd [\"/bin/sh\", \"-c\", \"/server\"]
        env PATH=/bin
        env MODE=debug
        expose 80/tcp
        label a=b
        workdir /srv/
        stopsignal SIGINT
        healthcheck [\"CMD-SHELL\", \"wget\"]
        layer ADD rootfs /
        layer COPY server /server # buildkit
        file /server 0755 elf-static";

    fn work(params: &str) -> Case {
        Case::of(DOCKERFILE)
            .image(IMAGE)
            .base_layers(1)
            .params(params)
    }

    #[test]
    fn what_is_as_wanted_passes() {
        for params in [
            "exposed = [80]",
            "exposed = [\"80/TCP\"]",
            "cmd = [\"/bin/sh\", \"-c\", \"/server\"]\nentrypoint = []",
            "env = { MODE = \"debug\", PATH = true, SECRET = false }",
            "labels = { a = \"b\", c = false }",
            "healthcheck = true",
            "workdir = \"/srv\"",
            "stop-signal = \"SIGINT\"",
            "stop-signal = \"2\"",
            "stop-signal = \"int\"",
            "",
        ] {
            work(params).passes::<Config>();
        }
    }

    #[test]
    fn what_is_not_points_at_its_line() {
        for (params, words, message) in [
            (
                "exposed = [8080]",
                "EXPOSE 80",
                "the image does not expose 8080/tcp",
            ),
            (
                "cmd = [\"/server\"]",
                "CMD /server",
                "the image's CMD is not what it should be",
            ),
            (
                "env = { MODE = \"release\" }",
                "ENV MODE=debug",
                "the variable `MODE` is `debug`",
            ),
            (
                "env = { MODE = false }",
                "ENV MODE=debug",
                "the image has the variable `MODE`",
            ),
            (
                "labels = { c = true }",
                "alpine",
                "the image has no label `c`",
            ),
            (
                "healthcheck = false",
                "alpine",
                "the image has a healthcheck",
            ),
            (
                "healthcheck = \"exec\"",
                "alpine",
                "the healthcheck is started by a shell",
            ),
            ("workdir = \"/app\"", "alpine", "the image works in /srv"),
            (
                "stop-signal = \"SIGTERM\"",
                "STOPSIGNAL SIGINT",
                "the image's stop signal is SIGINT",
            ),
        ] {
            let w = work(params);
            let finding = w.fails::<Config>();
            assert_eq!(
                (w.words(&finding).as_str(), finding.message.as_str()),
                (words, message)
            );
        }
    }

    #[test]
    fn what_can_be_written_is_offered() {
        for (params, line) in [
            ("exposed = [8080, \"53/udp\"]", "EXPOSE 8080 53/udp\n"),
            ("cmd = [\"/server\"]", "CMD [\"/server\"]\n"),
            ("entrypoint = [\"/server\"]", "ENTRYPOINT [\"/server\"]\n"),
            ("env = { MODE = \"release\" }", "ENV MODE=release\n"),
            (
                "env = { GREETING = \"good day\" }",
                "ENV GREETING=\"good day\"\n",
            ),
            ("labels = { \"org.x\" = \"y\" }", "LABEL org.x=y\n"),
            ("healthcheck = false", "HEALTHCHECK NONE\n"),
            ("stop-signal = \"SIGTERM\"", "STOPSIGNAL SIGTERM\n"),
        ] {
            let text = work(params).promised_fix::<Config>();
            assert!(text.contains(&format!("\n{line}")), "{params}:\n{text}");
        }
        work("cmd = [\"/gone\"]").has_no_fix::<Config>();
        work("workdir = \"/app\"").has_no_fix::<Config>();
    }

    #[test]
    fn a_healthcheck_without_a_shell_starts_a_program_of_the_image() {
        let said = |test: &str, files: &str| {
            let image = format!(
                "entrypoint [\"/server\", \"serve\"]
                user 65532
                healthcheck {test}
                layer COPY server /server # buildkit
                file /server 0755 elf-static
                {files}"
            );
            let case = Case::of("FROM scratch\nCMD [\"/server\", \"serve\"]")
                .image(&image)
                .params("healthcheck = \"exec\"")
                .extra(Extra::Probe(ProbeOutcome::Healthy));
            match case.judge::<Config>().unwrap() {
                Verdict::Passed(_) => None,
                Verdict::Failed(finding) => Some(finding.message),
            }
        };
        for (test, files) in [
            (r#"["CMD", "/server", "health"]"#, ""),
            (r#"["CMD", "/server"]"#, ""),
            (
                r#"["CMD", "ask", "me"]"#,
                "file /usr/bin/ask 0755 elf-static",
            ),
            (
                r#"["CMD", "ask"]"#,
                "file /usr/bin/ask 0755 script /usr/bin/node",
            ),
            (
                r#"["CMD", "busybox", "wget", "me"]"#,
                "file /bin/busybox 0755 busybox",
            ),
        ] {
            assert_eq!(said(test, files), None, "{test}");
        }
        let shell = "the healthcheck is started by a shell";
        for (test, files, message) in [
            (r#"["NONE"]"#, "", "the image has no healthcheck"),
            (r#"["CMD"]"#, "", "the healthcheck names no program"),
            (r#"["CMD-SHELL", "/server health"]"#, "", shell),
            (
                r#"["CMD", "/bin/sh", "-c", "/server health"]"#,
                "file /bin/sh 0755 busybox",
                shell,
            ),
            (
                r#"["CMD", "busybox", "sh", "-c", "x"]"#,
                "file /bin/busybox 0755 busybox",
                shell,
            ),
            (
                r#"["CMD", "/ask.sh"]"#,
                "file /ask.sh 0755 script /bin/sh",
                shell,
            ),
            (
                r#"["CMD", "curl", "--fail", "http://localhost/"]"#,
                "",
                "the healthcheck starts curl, which is not in the image",
            ),
            (
                r#"["CMD", "/ask"]"#,
                "file /ask 0644 elf-static",
                "the healthcheck starts /ask, which the image's user may not start",
            ),
            (
                r#"["CMD", "/server", "serve"]"#,
                "",
                "the healthcheck starts once more what the container runs",
            ),
        ] {
            assert_eq!(said(test, files).as_deref(), Some(message), "{test}");
        }
    }

    #[test]
    fn a_healthcheck_without_a_shell_is_tried() {
        let image = "entrypoint [\"/server\"]
            healthcheck [\"CMD\", \"/server\", \"health\"]
            layer COPY server /server # buildkit
            file /server 0755 elf-static";
        let text = "FROM scratch\nHEALTHCHECK CMD [\"/server\", \"health\"]";
        let untried = Case::of(text).image(image).params("healthcheck = \"exec\"");
        assert!(matches!(untried.judge::<Config>(), Err(Unseen::Skipped(_))));
        let tried = |outcome| untried.clone().extra(Extra::Probe(outcome));
        tried(ProbeOutcome::Healthy).passes::<Config>();
        let ended = ProbeOutcome::NotStarted("the container ended".into());
        assert!(tried(ended).passes::<Config>().contains("not tried"));
        let unhealthy = ProbeOutcome::Unhealthy {
            code: Some(1),
            output: "no such command".into(),
        };
        for (outcome, message) in [
            (
                unhealthy,
                "the healthcheck never finds the container healthy",
            ),
            (
                ProbeOutcome::AlwaysHealthy,
                "the healthcheck is content although nothing is running",
            ),
        ] {
            let case = tried(outcome);
            let finding = case.fails::<Config>();
            assert_eq!(finding.message, message);
            assert_eq!(
                case.words(&finding),
                "HEALTHCHECK CMD [\"/server\", \"health\"]"
            );
        }
    }

    #[test]
    fn an_empty_label_is_none() {
        let image = "label a=\nlayer COPY server /server # buildkit\nfile /server 0755 elf-static";
        let case = Case::of("FROM scratch\nLABEL a=\"\"")
            .image(image)
            .params("labels = { a = true }");
        assert_eq!(case.fails::<Config>().message, "the label `a` is empty");
    }

    #[test]
    fn parameters_have_their_kinds() {
        for bad in [
            "healthcheck = \"shell\"",
            "exposed = [true]",
            "env = { A = 1 }",
            "port = 1",
        ] {
            assert!(Config.bind(&bad.parse().unwrap()).is_err(), "{bad}");
        }
    }
}
