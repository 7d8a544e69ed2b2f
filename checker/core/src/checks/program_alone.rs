//! The edit that ships a Go program alone: a final stage that goes on from the stage that compiles begins from `scratch`
//! instead, and copies the program.

use crate::diagnostic::Fix;
use crate::dockerfile::{Command, CommandForm};
use crate::source::Span;
use crate::stages::{Base, Stage, joined};

use super::View;
use super::certificates::{self, BUNDLE};
use super::go_build::{self, GoBuild};
use super::mend::{Text, json, literal};
use super::origin::base_words;
use super::started::plain_words;
use super::user;

/// Begins the final stage from `scratch` with the program and the certificates. Offered where the final stage adds
/// nothing to the builder but how the container starts, and the text says which file the compiler writes.
pub(super) fn fix(view: &View<'_>) -> Option<Fix> {
    let text = Text::new(view)?;
    let Base::Stage(builder) = text.target.base else {
        return None;
    };
    let builder = text.source.graph.stages.get(builder)?;
    let name = &builder.name.as_ref()?.text;
    if text.is_base_of_another(text.target) || !certificates::carries_bundle(&text, builder) {
        return None;
    }
    let (start, words) = only_starts(&text)?;
    let (program, arguments) = words.split_first()?;
    let file = program.rsplit('/').next()?;
    let builds = go_build::of_named(&text, file);
    let [build] = &builds[..] else {
        return None;
    };
    let output = written(&text, builder, build)?;
    let is_the_output = match program.contains('/') {
        true => joined(&workdir(&text, builder, usize::MAX)?, program) == output,
        false => output.ends_with(&format!("/{file}")),
    };
    if !is_the_output {
        return None;
    }
    let mut fix = Fix::new(format!(
        "start from `scratch`, with the program of `{name}` and the certificates alone"
    ));
    if !build.is_surely_static(&text) {
        fix.edits = build.without_cgo(&text)?.edits;
    }
    let mut command = vec![format!("/{file}")];
    command.extend(arguments.iter().cloned());
    let from = text.from()?;
    let copies = [
        format!("COPY --from={name} {BUNDLE} /etc/ssl/certs/"),
        format!("COPY --from={name} {output} /{file}"),
    ];
    fix = fix
        .replace(text.file(), base_words(from), "scratch")
        .replace(text.file(), start, json(&command));
    Some(text.insert_lines_after(fix, from, &copies))
}

/// Where the target says what is started, and its words; `None` where it does more than say how it starts, or says
/// that in a way that only a shell understands.
fn only_starts(text: &Text<'_>) -> Option<(Span, Vec<String>)> {
    let mut start = None;
    for instruction in text.of(text.target).iter().skip(1) {
        match &instruction.command {
            Command::Expose(_) | Command::Label(_) | Command::Stopsignal(_) => {}
            Command::User(name) if user::number(name.text.split(':').next()?).is_some() => {}
            Command::Cmd(form) | Command::Entrypoint(form) if start.is_none() => {
                let words = match form {
                    CommandForm::Exec { args, .. } => args.iter().map(|a| a.text.clone()).collect(),
                    CommandForm::Shell(line) => plain_words(&line.text)?,
                };
                start = Some((instruction.rest.span, words));
            }
            _ => return None,
        }
    }
    start
}

/// The absolute path of the file that the compiler writes.
fn written(text: &Text<'_>, builder: &Stage, build: &GoBuild<'_>) -> Option<String> {
    let output = literal(build.output()?)?;
    let folder = workdir(text, builder, build.span().start)?;
    (!output.ends_with('/')).then(|| joined(&folder, &output))
}

/// The working directory of a stage where the offset is reached; `None` where a variable decides it.
fn workdir(text: &Text<'_>, stage: &Stage, before: usize) -> Option<String> {
    let earlier = text.of(stage).iter().filter(|i| i.span.start < before);
    earlier.into_iter().try_fold("/".to_owned(), |at, i| {
        Some(match &i.command {
            Command::Workdir(word) => joined(&at, &literal(&word.text)?),
            _ => at,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::super::final_base::FinalBase;

    const BUILT: &str = "FROM golang:1.27 AS builder\n\
        WORKDIR /src\n\
        COPY . .\n\
        RUN go build -o /usr/local/bin/app .\n\
        \n\
        FROM builder AS production\n\
        EXPOSE 8080\n\
        CMD app -listen :8080\n";

    fn case(dockerfile: &str) -> Case {
        Case::new(dockerfile).params("allow = [\"scratch\"]")
    }

    #[test]
    fn the_program_is_taken_out_of_the_stage_that_compiles_it() {
        let after = case(BUILT).mended::<FinalBase>().text("Dockerfile");
        assert!(
            after.ends_with(
                "RUN CGO_ENABLED=0 go build -o /usr/local/bin/app .\n\
                 \n\
                 FROM scratch AS production\n\
                 COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\n\
                 COPY --from=builder /usr/local/bin/app /app\n\
                 EXPOSE 8080\n\
                 CMD [\"/app\", \"-listen\", \":8080\"]\n"
            ),
            "{after}"
        );
    }

    #[test]
    fn other_ways_to_name_the_program_are_understood() {
        for (from, to) in [
            (
                "CMD app -listen :8080",
                "ENTRYPOINT [\"/usr/local/bin/app\"]",
            ),
            ("-o /usr/local/bin/app .", "-o bin/app ."),
            ("CMD app -listen :8080", "USER 65532\nCMD exec app"),
        ] {
            let text = BUILT.replace(from, to);
            let after = case(&text).mended::<FinalBase>().text("Dockerfile");
            assert!(after.contains("/app /app\n"), "{after}");
        }
        let beside = BUILT
            .replace("/usr/local/bin/app", "app")
            .replace("CMD app", "CMD ./app");
        let after = case(&beside).mended::<FinalBase>().text("Dockerfile");
        assert!(after.contains("--from=builder /src/app /app\n"), "{after}");
    }

    #[test]
    fn nothing_is_offered_where_more_than_the_program_may_be_needed() {
        for (from, to) in [
            ("EXPOSE 8080", "RUN apt-get install tool"),
            ("EXPOSE 8080", "COPY public /public"),
            ("EXPOSE 8080", "USER app"),
            ("CMD app -listen :8080", "CMD app && true"),
            ("CMD app -listen :8080", "CMD [\"/opt/app\"]"),
            ("-o /usr/local/bin/app .", "."),
            ("-o /usr/local/bin/app .", "-o $OUT/app ."),
            ("WORKDIR /src\n", "WORKDIR $SRC\n"),
            ("RUN go build", "RUN go build -ldflags=-linkmode=external"),
            ("FROM golang:1.27", "FROM example.com/compiler:1"),
        ] {
            let text = BUILT.replace(from, to);
            assert_eq!(case(&text).fails::<FinalBase>().fixes, [], "{text}");
        }
    }
}
