//! Rules that change words of an instruction.

use super::{Ground, Rule, STARTS, Spoiled};
use crate::dockerfile::{Command, CommandForm, Instruction, Mount, Word};
use crate::lab::Lab;
use crate::source::Span;
use crate::stages::Stage;

/// One mutant for each place that `find` gives, with its words replaced.
fn replaced<'a>(
    ground: &Ground<'a>,
    instructions: impl Iterator<Item = (&'a Stage, &'a Instruction)>,
    find: impl Fn(&Instruction) -> Option<(Span, String)>,
) -> Vec<Spoiled> {
    let one = |(stage, i): (&Stage, &Instruction)| {
        let (span, text) = find(i)?;
        Some(Ground::spoil(stage, ground.edits().replace(span, text)))
    };
    instructions.filter_map(one).collect()
}

/// The part of an instruction's bytes that reads `from`, replaced.
fn part(ground: &Ground<'_>, i: &Instruction, from: &str, to: &str) -> Option<(Span, String)> {
    let bytes = &ground.source.dockerfile.source.bytes()[i.span.range()];
    let at = i.span.start + std::str::from_utf8(bytes).ok()?.find(from)?;
    Some((Span::new(at, at + from.len()), to.to_owned()))
}

pub(super) static ROOT_USER: Rule = Rule {
    id: "root-user",
    what: "USER 0",
    notice: &["non-root"],
    make: |g| {
        replaced(g, g.shipped(), |i| match &i.command {
            Command::User(user) => Some((user.span, "0".into())),
            _ => None,
        })
    },
};

pub(super) static UNKNOWN_USER: Rule = Rule {
    id: "unknown-user",
    what: "a user whom the image does not know",
    notice: &["non-root"],
    make: |g| {
        replaced(g, g.shipped(), |i| match &i.command {
            Command::User(user) => Some((user.span, "stranger".into())),
            _ => None,
        })
    },
};

pub(super) static SHELL_FORM: Rule = Rule {
    id: "shell-form",
    what: "CMD or ENTRYPOINT started by a shell",
    notice: &[
        "exec-form",
        "static-binary",
        "survives-stop",
        "config.cmd",
        "config.entrypoint",
    ],
    make: |g| {
        replaced(g, g.shipped(), |i| match i.start_form()? {
            CommandForm::Exec { span, args } => {
                let quoted = |w: &Word| {
                    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,".contains(c);
                    if w.text.chars().all(plain) {
                        w.text.clone()
                    } else {
                        format!("'{}'", w.text)
                    }
                };
                let words: Vec<String> = args.iter().map(quoted).collect();
                Some((*span, words.join(" ")))
            }
            CommandForm::Shell(_) => None,
        })
    },
};

pub(super) static WRONG_PROGRAM: Rule = Rule {
    id: "wrong-program",
    what: "starts something that is not there",
    notice: STARTS,
    make: |g| {
        replaced(
            g,
            g.shipped().filter(|(s, i)| g.starts(s, i)),
            |i| match i.start_form()? {
                CommandForm::Exec { args, .. } => {
                    Some((args.first()?.span, "\"/no/such/program\"".into()))
                }
                CommandForm::Shell(_) => None,
            },
        )
    },
};

pub(super) static WRONG_SOURCE: Rule = Rule {
    id: "wrong-source",
    what: "COPY --from of a path that is not there",
    notice: &["builds"],
    make: |g| {
        replaced(g, g.all(), |i| match &i.command {
            Command::Copy(copy) if copy.from.is_some() => {
                let source = copy.sources.first()?;
                Some((
                    source.span,
                    format!("{}-missing", source.text.trim_end_matches('/')),
                ))
            }
            _ => None,
        })
    },
};

pub(super) static ELSEWHERE: Rule = Rule {
    id: "elsewhere",
    what: "copied to another place",
    notice: &["http", "runs", "files-present", "ca-certificates", "builds"],
    make: |g| {
        replaced(g, g.all(), |i| match &i.command {
            Command::Copy(copy) => Some((copy.destination.span, "/elsewhere/".into())),
            _ => None,
        })
    },
};

pub(super) static WRONG_STAGE: Rule = Rule {
    id: "wrong-stage",
    what: "COPY --from of a stage that is not there",
    notice: &["builds", "copy-from-named-stage"],
    make: |g| {
        replaced(g, g.all(), |i| match &i.command {
            Command::Copy(copy) => Some((copy.from.as_ref()?.span, "9".into())),
            _ => None,
        })
    },
};

pub(super) static ALL_OF_THE_BUILDER: Rule = Rule {
    id: "all-of-the-builder",
    what: "everything copied from another stage",
    notice: &["max-size", "no-shell", "tools-absent", "files-absent"],
    make: |g| {
        let mut all = Vec::new();
        for (stage, i) in g.shipped() {
            let Command::Copy(copy) = &i.command else {
                continue;
            };
            let own = |from: &Word| g.source.graph.find(&from.text).is_some();
            if let (true, [source]) = (copy.from.as_ref().is_some_and(own), &copy.sources[..]) {
                let edits = g.edits().replace(source.span, "/");
                all.push(Ground::spoil(
                    stage,
                    edits.replace(copy.destination.span, "/"),
                ));
            }
        }
        all
    },
};

pub(super) static DROP_CGO: Rule = Rule {
    id: "drop-cgo",
    what: "CGO_ENABLED=0 left out",
    notice: &["static-binary", "platforms"],
    make: |g| replaced(g, g.all(), |i| part(g, i, "CGO_ENABLED=0", "CGO_ENABLED=1")),
};

/// Whether a `package.json` of the lab lists any.
fn lists_dev_dependencies(lab: &Lab) -> bool {
    lab.solution().iter().any(|(path, file)| {
        let package = serde_json::from_slice::<serde_json::Value>(&file.bytes);
        path.rsplit('/').next() == Some("package.json")
            && package.is_ok_and(|p| {
                p["devDependencies"]
                    .as_object()
                    .is_some_and(|all| !all.is_empty())
            })
    })
}

pub(super) static KEEP_DEV: Rule = Rule {
    id: "keep-dev",
    what: "devDependencies installed too",
    notice: &["no-dev-dependencies", "max-size", "files-absent"],
    make: |g| {
        if !lists_dev_dependencies(g.lab) {
            return Vec::new();
        }
        replaced(g, g.all(), |i| {
            let ways = [" --omit=dev", " --production", " --only=production"];
            ways.iter().find_map(|way| part(g, i, way, ""))
        })
    },
};

pub(super) static DROP_MOUNT: Rule = Rule {
    id: "drop-mount",
    what: "a RUN without its mount",
    notice: &["uses-mount", "builds"],
    make: |g| {
        let given = mounts(g).filter(|(_, m)| m.kind != "cache");
        given
            .map(|(stage, m)| Ground::spoil(stage, g.edits().replace(m.span, "")))
            .collect()
    },
};

pub(super) static DROP_CACHE_MOUNT: Rule = Rule {
    id: "drop-cache-mount",
    what: "nothing kept in a cache mount",
    notice: &["uses-mount"],
    make: |g| {
        let kept = |m: &Mount| m.kind == "cache";
        let Some((first, _)) = mounts(g).find(|(_, m)| kept(m)) else {
            return Vec::new();
        };
        let caches = mounts(g).filter(|(_, m)| kept(m));
        let edits = caches.fold(g.edits(), |e, (_, m)| e.replace(m.span, ""));
        vec![Ground::spoil(first, edits)]
    },
};

/// Every mount of every RUN.
fn mounts<'a>(g: &Ground<'a>) -> impl Iterator<Item = (&'a Stage, &'a Mount)> {
    g.all().flat_map(|(stage, i)| {
        let mounts = match &i.command {
            Command::Run(run) => &run.mounts[..],
            _ => &[],
        };
        mounts.iter().map(move |m| (stage, m))
    })
}

pub(super) static DROP_PLATFORM: Rule = Rule {
    id: "drop-platform",
    what: "FROM without --platform",
    notice: &["cross-platform-args", "platforms"],
    make: |g| {
        replaced(g, g.all(), |i| match &i.command {
            Command::From {
                platform: Some(_), ..
            } => Some((i.flags.first()?.span, String::new())),
            _ => None,
        })
    },
};

pub(super) static FIX_ARCHITECTURE: Rule = Rule {
    id: "fix-architecture",
    what: "always compiled for amd64",
    notice: &["cross-platform-args", "platforms"],
    make: |g| {
        replaced(g, g.all(), |i| {
            let ways = ["$TARGETARCH", "${TARGETARCH}"];
            ways.iter().find_map(|way| part(g, i, way, "amd64"))
        })
    },
};

pub(super) static NO_EXEC_BIT: Rule = Rule {
    id: "no-exec-bit",
    what: "what is copied cannot be executed",
    notice: &["http", "runs", "static-binary"],
    make: |g| {
        let starts = |words: &[&str]| {
            let shown = |i: &Instruction| i.rest.text.clone();
            let all: Vec<String> = g
                .shipped()
                .filter(|(_, i)| i.start_form().is_some())
                .map(|(_, i)| shown(i))
                .collect();
            all.iter()
                .any(|start| words.iter().any(|w| start.contains(w)))
        };
        replaced(g, g.shipped(), |i| match &i.command {
            Command::Copy(copy) if copy.from.is_some() && copy.chmod.is_none() => {
                let name = copy.destination.text.rsplit('/').next()?;
                let is_program = !name.is_empty() && name != "." && starts(&[name]);
                let end = i.keyword_word.span.end;
                is_program.then(|| (Span::at(end), " --chmod=0644".to_owned()))
            }
            _ => None,
        })
    },
};

pub(super) static IGNORE_FAILURE: Rule = Rule {
    id: "ignore-failure",
    what: "tests whose failure does not count",
    notice: &["build-gated-by"],
    make: |g| {
        replaced(g, g.all(), |i| match &i.command {
            Command::Run(run) if i.heredocs.is_empty() => match &run.form {
                CommandForm::Shell(line) if line.text.contains("test") => {
                    Some((Span::at(line.span.end), " || true".into()))
                }
                _ => None,
            },
            _ => None,
        })
    },
};
