//! Reports as they come, built by hand: the goldens show each in every output.

use std::collections::BTreeMap;

use mslab_core::diagnostic::{Files, Fix};
use mslab_core::report::{
    BuildReport, CheckReport, EngineReport, FixReport, Hint, ImageSize, PlaceReport, RelatedReport,
    Report, SCHEMA, Status, Verified,
};
use mslab_core::source::{Source, Span};

/// Name and reports of every sample.
pub(crate) fn all() -> Vec<(&'static str, Vec<Report>)> {
    vec![
        ("passed", vec![passed()]),
        ("failed", vec![failed()]),
        ("partial", vec![partial()]),
        ("error", vec![error()]),
        ("hostile", vec![hostile()]),
        ("hints", vec![hints()]),
        ("file", vec![file()]),
        ("several", vec![passed(), hints(), error()]),
        ("nothing", vec![nothing()]),
    ]
}

const GO: &str = "\
# syntax=docker/dockerfile:1
FROM golang:1.24 AS builder
WORKDIR /src
COPY . .
RUN go build -o /out/server ./cmd/server

FROM golang:1.24 AS production
COPY --from=builder /out/server /server
RUN apt-get update && \\
    apt-get install -y --no-install-recommends \\
      ca-certificates \\
      curl \\
      netcat-openbsd \\
      procps && \\
    rm -rf /var/lib/apt/lists/*
EXPOSE 8080
CMD /server --listen :8080
";

fn files(text: impl AsRef<[u8]>) -> Files {
    Files::from([(
        "Dockerfile".to_owned(),
        Source::new("Dockerfile", text.as_ref()),
    )])
}

/// The `nth` place where `words` stand in the Dockerfile.
fn span(files: &Files, words: &str, nth: usize) -> Span {
    let bytes = files["Dockerfile"].bytes();
    let found = bytes.windows(words.len()).enumerate();
    let at = found.filter(|(_, w)| *w == words.as_bytes()).nth(nth);
    let at = at.unwrap().0;
    Span::new(at, at + words.len())
}

fn place(files: &Files, span: Span) -> PlaceReport {
    let source = &files["Dockerfile"];
    let (start, end) = (source.position(span.start), source.position(span.end));
    PlaceReport::Text {
        file: "Dockerfile".into(),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        snippet: (start.line..=end.line).map(|n| source.line(n)).collect(),
    }
}

fn check(key: &str, id: &str, title: &str, summary: &str, points: u32) -> CheckReport {
    CheckReport {
        key: key.into(),
        id: id.into(),
        build: Some("prod".into()),
        title: title.into(),
        summary: summary.into(),
        status: Status::Passed,
        points,
        max_points: points,
        message: String::new(),
        place: None,
        related: Vec::new(),
        expected: None,
        actual: None,
        why: String::new(),
        help: None,
        details: Vec::new(),
        fix: None,
        hint: None,
    }
}

fn pass(check: CheckReport, message: &str) -> CheckReport {
    CheckReport {
        message: message.into(),
        ..check
    }
}

fn unseen(check: CheckReport, status: Status, message: &str) -> CheckReport {
    CheckReport {
        status,
        points: 0,
        message: message.into(),
        ..check
    }
}

fn fail(check: CheckReport, message: &str, why: &str) -> CheckReport {
    CheckReport {
        status: Status::Failed,
        points: 0,
        message: message.into(),
        why: why.into(),
        hint: Some(Hint {
            level: 3,
            nudge: None,
        }),
        ..check
    }
}

fn report(checks: Vec<CheckReport>) -> Report {
    let skipped = |c: &&CheckReport| c.status != Status::Skipped;
    Report {
        schema: SCHEMA.into(),
        exercise: "exercise-5".into(),
        lab: "go-scratch".into(),
        title: "A static binary on scratch".into(),
        outcome: Report::outcome_of(&checks),
        score: checks.iter().map(|c| c.points).sum(),
        max_score: checks.iter().filter(skipped).map(|c| c.max_points).sum(),
        engine: Some(EngineReport {
            name: "Docker".into(),
            version: "28.5.1".into(),
            image_store: "containerd".into(),
            platform: "linux/amd64".into(),
        }),
        builds: Vec::new(),
        partial: false,
        stand_ins: Vec::new(),
        checks,
        duration_ms: 5_321,
    }
}

fn build(steps: u32, cached: u32, unpacked: u64) -> BuildReport {
    BuildReport {
        key: "prod".into(),
        target: Some("production".into()),
        platform: None,
        image_id: Some(format!("sha256:{}", "5a".repeat(32))),
        duration_ms: 4_210,
        steps,
        cached_steps: cached,
        size: Some(ImageSize {
            unpacked_bytes: unpacked,
            compressed_bytes: Some(unpacked / 3),
            basis: "layers".into(),
        }),
    }
}

fn targets() -> CheckReport {
    let of = check(
        "targets-exist",
        "targets-exist",
        "Every target is a stage",
        "production",
        5,
    );
    pass(of, "`production` is a stage")
}

fn passed() -> Report {
    let mut report = report(vec![
        targets(),
        pass(
            check("builds", "builds", "The target builds", "production", 15),
            "`production` builds in 4.2 s",
        ),
        pass(
            check(
                "small",
                "max-size",
                "The image is small",
                "at most 15 MB",
                30,
            ),
            "7.43 MB unpacked, 7.57 MB below the limit",
        ),
        pass(
            check(
                "non-root",
                "non-root",
                "It does not run as root",
                "uid other than 0",
                20,
            ),
            "runs as uid 65532",
        ),
        pass(
            check(
                "http",
                "http",
                "It answers over HTTP",
                "GET /health on 8080: 200",
                30,
            ),
            "answered 200 after 41 ms",
        ),
    ]);
    report.builds = vec![build(12, 9, 7_431_289)];
    report
}

fn failed() -> Report {
    let files = files(GO);
    let base = span(&files, "golang:1.24", 1);
    let mut final_base = fail(
        check(
            "final-base",
            "final-base",
            "The final stage starts from an allowed base",
            "`scratch`",
            15,
        ),
        "the final stage `production` starts from `golang:1.24`, which is a whole toolchain",
        "What the final stage starts from is shipped with your program, whether the program needs it or not.",
    );
    final_base.place = Some(place(&files, base));
    final_base.related = vec![RelatedReport {
        place: place(&files, span(&files, "builder", 0)),
        note: "the toolchain is needed here only".into(),
    }];
    final_base.expected = Some("`scratch`".into());
    final_base.actual = Some("`golang:1.24`".into());
    final_base.help =
        Some("Start the last stage from `scratch` and copy the binary into it.".into());
    let fix =
        Fix::new("start the final stage from `scratch`").replace("Dockerfile", base, "scratch");
    final_base.fix = Some(FixReport::new(&fix, &files, Verified::Text));

    let mut small = fail(
        check(
            "small",
            "max-size",
            "The image is small",
            "at most 15 MB",
            30,
        ),
        "the image is 893 MB unpacked, 878 MB more than the limit",
        "Every byte is pulled by every machine that runs the image, and every file in it is one more to patch.",
    );
    small.place = Some(place(
        &files,
        Span::new(
            span(&files, "RUN apt-get", 0).start,
            span(&files, "lists/*", 0).end,
        ),
    ));
    small.expected = Some("at most 15 MB".into());
    small.actual = Some("893 MB".into());
    small.details = [
        "812 MB  FROM golang:1.24 AS production",
        " 74 MB  RUN apt-get update && apt-get install -y",
        "7.4 MB  COPY --from=builder /out/server /server",
        "largest: 236 MB /usr/local/go/pkg",
        "largest:  61 MB /usr/lib/gcc/x86_64-linux-gnu/12/cc1",
    ]
    .map(str::to_owned)
    .to_vec();
    small.hint = Some(Hint {
        level: 3,
        nudge: Some("What is in this image besides your program?".into()),
    });

    let mut exec = fail(
        check(
            "exec-form",
            "exec-form",
            "CMD and ENTRYPOINT are JSON arrays",
            "",
            10,
        ),
        "CMD is in shell form, so that the image needs a shell to start",
        "A shell in between gets the signals that your program should get.",
    );
    let cmd = span(&files, "/server --listen :8080", 0);
    exec.place = Some(place(&files, cmd));
    exec.expected = Some("`CMD [\"/server\", \"--listen\", \":8080\"]`".into());
    exec.actual = Some("`CMD /server --listen :8080`".into());
    let fix = Fix::new("write CMD as a JSON array").replace(
        "Dockerfile",
        cmd,
        "[\"/server\", \"--listen\", \":8080\"]",
    );
    exec.fix = Some(FixReport::new(&fix, &files, Verified::Build));

    let mut shell = fail(
        check(
            "no-shell",
            "no-shell",
            "There is no shell in the image",
            "",
            20,
        ),
        "`/bin/sh` is a shell",
        "Who gets into a container without a shell finds nothing to go on with.",
    );
    shell.place = Some(PlaceReport::Image {
        layer: Some(0),
        path: Some("/bin/sh".into()),
    });
    shell.related = vec![RelatedReport {
        place: place(&files, base),
        note: "it comes with this base".into(),
    }];
    shell.expected = Some("no shell".into());
    shell.actual = Some("`/bin/sh`, `/bin/bash`, `/bin/dash`".into());

    let mut report = report(vec![
        targets(),
        pass(
            check("builds", "builds", "The target builds", "production", 10),
            "`production` builds in 31.4 s",
        ),
        final_base,
        small,
        exec,
        shell,
        pass(
            check(
                "http",
                "http",
                "It answers over HTTP",
                "GET /health on 8080: 200",
                10,
            ),
            "answered 200 after 97 ms",
        ),
    ]);
    report.builds = vec![build(14, 0, 893_204_117)];
    report.stand_ins = vec!["golang:1.24".into()];
    report
}

fn partial() -> Report {
    let mut report = report(vec![
        targets(),
        unseen(
            check("builds", "builds", "The target builds", "production", 15),
            Status::Skipped,
            "not looked at: `--static` builds nothing",
        ),
        unseen(
            check(
                "small",
                "max-size",
                "The image is small",
                "at most 15 MB",
                30,
            ),
            Status::Skipped,
            "not looked at: `--static` reads no image, and whether this one is small shows only when it was built",
        ),
        pass(
            check(
                "final-base",
                "final-base",
                "The final stage starts from an allowed base",
                "scratch",
                15,
            ),
            "`production` starts from `scratch`",
        ),
    ]);
    report.partial = true;
    report.engine = None;
    report
}

fn error() -> Report {
    let mut report = report(vec![
        targets(),
        unseen(
            check("builds", "builds", "The target builds", "production", 15),
            Status::Error,
            "the engine stopped answering during the build: connection reset by peer",
        ),
        unseen(
            check(
                "small",
                "max-size",
                "The image is small",
                "at most 15 MB",
                30,
            ),
            Status::Skipped,
            "not reached: `prod` was not built",
        ),
    ]);
    report.exercise = "exercise-6".into();
    report.lab = "react-nginx".into();
    report.title = "A web app behind an unprivileged nginx".into();
    report
}

/// What a submission may try: to steer the terminal, the CI system, and every reader.
fn hostile() -> Report {
    let text: &[u8] = b"FROM alpine\r\n\
        RUN\techo \xe4\xb8\xad\xe6\x96\x87 \x1b]0;owned\x07\x1b[2J \xff \xe2\x80\xae evil && echo ::add-mask::\x9b && echo \
        aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa wget-this-word-is-far-to-the-right \
        bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n\
        ::set-output name=x::y\r\n\
        CMD [\"</script><img src=x onerror=alert(1)>\"]\r\n";
    let files = files(text);
    let mut first = fail(
        check(
            "evil|key",
            "no-secret-in-source",
            "No secret in the Dockerfile",
            "",
            50,
        ),
        "@octocat <b>bold</b> | `a|b` ```\n::error::x [link](javascript:alert(1)) \u{1b}[31mred\u{1b}[0m #1 ]]>",
        "Why not.",
    );
    first.place = Some(place(&files, span(&files, "wget-this-word", 0)));
    first.related = vec![
        RelatedReport {
            place: place(&files, span(&files, "中文", 0)),
            note: "wide \u{202e}backwards".into(),
        },
        RelatedReport {
            place: PlaceReport::Image {
                layer: None,
                path: Some("/tmp/\u{1b}[1mname\nwith newline".into()),
            },
            note: "in the image".into(),
        },
    ];
    first.expected = Some("nothing\nat all".into());
    first.actual = Some("##[group]x ##vso[task.setvariable]y %0A".into());
    first.help = Some("</details> {0} 100% & \"quotes\"".into());
    first.details = vec![
        "::set-env name=PATH::/tmp".into(),
        "```".into(),
        "\u{0}\u{b}\u{fffe}\u{fffd} ]]> </failure>".into(),
    ];
    let fix = Fix::new("drop `</summary>` it").replace(
        "Dockerfile",
        span(&files, "</script><img src=x onerror=alert(1)>", 0),
        "x",
    );
    first.fix = Some(FixReport::new(&fix, &files, Verified::Text));
    let mut second = fail(
        check("long", "max-layers", "Few layers", "", 50),
        "the step failed",
        "",
    );
    second.details = (1..40)
        .map(|n| match n {
            17 => {
                "npm ERR! error: ENOENT: no such file or directory, open '/app/package.json'".into()
            }
            n => format!("line {n} of a long log"),
        })
        .collect();
    let mut report = report(vec![first, second]);
    report.title = "<i>title</i>\u{1b}[5m ::warning::".into();
    report.stand_ins = vec!["a`b\u{1b}[0m".into()];
    report
}

/// The same failures at every hint level.
fn hints() -> Report {
    let mut report = failed();
    report.exercise = "exercise-4".into();
    let levels = BTreeMap::from([
        ("final-base", 1),
        ("small", 1),
        ("exec-form", 2),
        ("no-shell", 3),
    ]);
    report.close_hints(|key| levels.get(key).copied().unwrap_or(3));
    report
}

/// A Dockerfile that belongs to no exercise.
fn file() -> Report {
    let files = files("FROM node AS base\n");
    let mut pinned = fail(
        check(
            "base-pinned",
            "base-pinned",
            "Base images are pinned",
            "",
            0,
        ),
        "`node` has no tag, so that it is whatever is newest today",
        "A build that worked yesterday should give the same today.",
    );
    pinned.place = Some(place(&files, span(&files, "node", 0)));
    let mut report = report(vec![
        pinned,
        pass(
            check(
                "stages-named",
                "stages-named",
                "Every stage has a name",
                "",
                0,
            ),
            "the only stage is called `base`",
        ),
    ]);
    report.exercise = "file".into();
    report.lab = String::new();
    report.title = "services/api/Dockerfile".into();
    report.engine = None;
    report
}

fn nothing() -> Report {
    report(Vec::new())
}
