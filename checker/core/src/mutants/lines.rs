//! Rules that take lines away, bring some, or change their order.

use super::{Ground, Rule, STARTS, Spoiled};
use crate::dockerfile::{Command, Instruction, Keyword};
use crate::stages::{Base, Stage};

/// Each instruction that `is`, taken out.
fn without<'a>(
    ground: &Ground<'a>,
    instructions: impl Iterator<Item = (&'a Stage, &'a Instruction)>,
    is: impl Fn(&Instruction) -> bool,
) -> Vec<Spoiled> {
    let out = |(stage, i): (&Stage, &Instruction)| {
        Ground::spoil(stage, ground.edits().remove_lines(i.span))
    };
    instructions.filter(|(_, i)| is(i)).map(out).collect()
}

pub(super) static DROP_USER: Rule = Rule {
    id: "drop-user",
    what: "no USER",
    notice: &["non-root"],
    make: |ground| {
        let mut all = Vec::new();
        for target in ground.target_stages() {
            let users = ground
                .of(target)
                .iter()
                .filter(|i| i.keyword == Keyword::User);
            let edits = users.fold(ground.edits(), |e, i| e.remove_lines(i.span));
            all.push(Ground::spoil(target, edits));
        }
        all
    },
};

pub(super) static DROP_START: Rule = Rule {
    id: "drop-start",
    what: "no CMD or ENTRYPOINT",
    notice: STARTS,
    make: |g| without(g, g.shipped().filter(|(s, i)| g.starts(s, i)), |_| true),
};

pub(super) static DROP_RUN: Rule = Rule {
    id: "drop-run",
    what: "a RUN left out",
    notice: &["builds", "http", "runs", "non-root", "files-present"],
    make: |g| without(g, g.all(), |i| i.keyword == Keyword::Run),
};

pub(super) static DROP_COPY: Rule = Rule {
    id: "drop-copy",
    what: "a COPY left out",
    notice: &["builds", "http", "runs", "files-present", "ca-certificates"],
    make: |g| {
        without(g, g.all(), |i| {
            matches!(i.keyword, Keyword::Copy | Keyword::Add)
        })
    },
};

/// Whether a later step of its stage, or the start itself, goes by an `ENV`: `PATH`, or any before a `RUN`.
fn serves_a_step(ground: &Ground<'_>, stage: &Stage, i: &Instruction) -> bool {
    let after = |other: &&Instruction| other.span.start > i.span.start;
    let mut steps = ground.of(stage).iter().filter(after);
    let Command::Env(pairs) = &i.command else {
        return false;
    };
    let mut names = pairs.iter().map(|pair| pair.key.text.as_str());
    names.any(|name| name == "PATH") || steps.any(|s| s.keyword == Keyword::Run)
}

pub(super) static DROP_ENV: Rule = Rule {
    id: "drop-env",
    what: "an ENV left out that later steps go by",
    notice: &["builds", "http", "runs", "static-binary"],
    make: |g| {
        let steps = g.all().filter(|(s, i)| serves_a_step(g, s, i));
        without(g, steps, |_| true)
    },
};

pub(super) static DROP_SETTING: Rule = Rule {
    id: "drop-setting",
    what: "an ENV left out that the program should see",
    notice: &["config.env"],
    make: |g| {
        let settings = g.shipped().filter(|(s, i)| !serves_a_step(g, s, i));
        without(g, settings, |i| i.keyword == Keyword::Env)
    },
};

pub(super) static DROP_WORKDIR: Rule = Rule {
    id: "drop-workdir",
    what: "a WORKDIR left out",
    notice: &["config.workdir"],
    make: |g| without(g, g.shipped(), |i| i.keyword == Keyword::Workdir),
};

pub(super) static DROP_HEALTHCHECK: Rule = Rule {
    id: "drop-healthcheck",
    what: "no HEALTHCHECK",
    notice: &["config.healthcheck"],
    make: |g| without(g, g.shipped(), |i| i.keyword == Keyword::Healthcheck),
};

pub(super) static DROP_LABEL: Rule = Rule {
    id: "drop-label",
    what: "no LABEL",
    notice: &["config.labels"],
    make: |g| without(g, g.shipped(), |i| i.keyword == Keyword::Label),
};

pub(super) static DROP_EXPOSE: Rule = Rule {
    id: "drop-expose",
    what: "no EXPOSE",
    notice: &["config.exposed"],
    make: |g| without(g, g.shipped(), |i| i.keyword == Keyword::Expose),
};

pub(super) static DROP_STOPSIGNAL: Rule = Rule {
    id: "drop-stopsignal",
    what: "no STOPSIGNAL",
    notice: &["config.stop-signal", "survives-stop"],
    make: |g| without(g, g.shipped(), |i| i.keyword == Keyword::Stopsignal),
};

pub(super) static SOURCE_FIRST: Rule = Rule {
    id: "source-first",
    what: "everything copied before the dependencies are installed",
    notice: &["manifests-before-source", "cache-survives"],
    make: |ground| {
        let from_context =
            |i: &Instruction| matches!(&i.command, Command::Copy(copy) if copy.from.is_none());
        let mut all = Vec::new();
        for stage in &ground.stages {
            let own = ground.of(stage);
            let first = own.iter().position(from_context);
            let last = own.iter().rposition(from_context);
            let between = first.zip(last).and_then(|(f, l)| own.get(f..l));
            // Where nothing is done between the copies, their order decides nothing.
            if let Some([copy, then @ ..]) = between
                && then.iter().any(|i| i.keyword == Keyword::Run)
            {
                let edits = ground.edits().lines_before(copy.span, &["COPY . ."]);
                all.push(Ground::spoil(stage, edits));
            }
        }
        all
    },
};

pub(super) static SHIP_A_SHELL: Rule = Rule {
    id: "ship-a-shell",
    what: "BusyBox brought along under another name",
    notice: &["no-shell"],
    make: |ground| {
        let line = "COPY --from=busybox:1.37 /bin/busybox /usr/local/bin/tool";
        at_the_end(ground, &[line], |_| true)
    },
};

pub(super) static LEAK_BY_ARG: Rule = Rule {
    id: "leak-by-arg",
    what: "the secret given as an ARG",
    notice: &["no-secret-in-source", "secret-not-leaked"],
    make: |ground| {
        let leak = |stage: &Stage| {
            let from = ground.source.dockerfile.instructions.get(stage.from)?;
            let lines = ["ARG API_TOKEN=s3cr3t-7f2c91aa", "ENV API_TOKEN=$API_TOKEN"];
            Some(Ground::spoil(
                stage,
                ground.edits().lines_after(from.span, &lines),
            ))
        };
        ground.stages.iter().filter_map(|s| leak(s)).collect()
    },
};

pub(super) static WASTE_BYTES: Rule = Rule {
    id: "waste-bytes",
    what: "40 MB made in one layer and removed in the next",
    notice: &["max-size", "wasted-bytes"],
    make: |ground| {
        let lines = [
            "USER 0",
            "RUN dd if=/dev/zero of=/left-over bs=1048576 count=40",
            "RUN rm /left-over",
        ];
        at_the_end(ground, &lines, |stage| stage.base != Base::Scratch)
    },
};

pub(super) static AS_ROOT: Rule = Rule {
    id: "as-root",
    what: "USER 0 at the end of a target that names nobody",
    notice: &["non-root"],
    make: |ground| {
        let names = |s: &Stage| ground.of(s).iter().any(|i| i.keyword == Keyword::User);
        at_the_end(ground, &["USER 0"], |s| !names(s))
    },
};

pub(super) static SHIP_THE_SOURCES: Rule = Rule {
    id: "ship-the-sources",
    what: "the whole context copied into the target",
    notice: &["files-absent", "final-base"],
    make: |ground| at_the_end(ground, &["COPY . /srv/all/"], |_| true),
};

pub(super) static OTHER_PROGRAM: Rule = Rule {
    id: "other-program",
    what: "starts something else",
    notice: &[
        "http",
        "runs",
        "config.cmd",
        "config.entrypoint",
        "static-binary",
    ],
    make: |ground| {
        let lines = ["ENTRYPOINT []", "CMD [\"/no/such/program\"]"];
        let starts = |s: &Stage| ground.of(s).iter().any(|i| i.start_form().is_some());
        at_the_end(ground, &lines, |s| !starts(s))
    },
};

/// Lines at the end of each target, before how it is started and by whom.
fn at_the_end(ground: &Ground<'_>, lines: &[&str], fits: impl Fn(&Stage) -> bool) -> Vec<Spoiled> {
    let spoil = |stage: &Stage| {
        let own = ground.of(stage);
        let late = |i: &&Instruction| {
            matches!(
                i.keyword,
                Keyword::User | Keyword::Cmd | Keyword::Entrypoint
            )
        };
        let edits = match own.iter().find(late) {
            Some(i) => ground.edits().lines_before(i.span, lines),
            None => ground.edits().lines_after(own.last()?.span, lines),
        };
        Some(Ground::spoil(stage, edits))
    };
    let targets = ground.target_stages().filter(|s| fits(s));
    targets.filter_map(spoil).collect()
}
