//! Which parts of a file an older engine does not know, and from which version on engines do.

use super::tree::{Command, CopyCommand, Dockerfile, Flag, Instruction, Keyword, RunCommand};
use crate::source::Span;

/// Something that not every engine can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// What it is, as people call it.
    pub name: &'static str,
    /// Where the file uses it.
    pub span: Span,
    /// The first version of Docker whose built-in frontend knows it: major and minor. `None` where only the labs
    /// channel of the frontend does.
    pub since: Option<(u32, u32)>,
    /// Whether Podman knows it.
    pub podman: bool,
}

struct Known {
    name: &'static str,
    since: Option<(u32, u32)>,
    podman: bool,
}

const HEREDOC: Known = known("heredocs", (23, 0), true);
const LINK: Known = known("--link", (23, 0), false);
const NETWORK: Known = known("RUN --network", (23, 0), true);
const START_INTERVAL: Known = known("HEALTHCHECK --start-interval", (25, 0), true);
const PATTERN: Known = known("patterns in ${…}", (26, 0), true);
const TMPFS_SIZE: Known = known("size= of a tmpfs mount", (26, 0), true);
const SECRET_ENV: Known = known("env= of a secret mount", (27, 3), false);
const EXCLUDE: Known = known("--exclude", (28, 5), true);
const SYMBOLIC_MODE: Known = known("symbolic --chmod", (28, 0), false);
const LABS: Known = Known {
    name: "a flag of the labs channel",
    since: None,
    podman: false,
};

const fn known(name: &'static str, since: (u32, u32), podman: bool) -> Known {
    Known {
        name,
        since: Some(since),
        podman,
    }
}

/// What the file uses of the features that differ between engines, in the order of the file.
#[must_use]
pub fn features(dockerfile: &Dockerfile) -> Vec<Feature> {
    let mut found = Vec::new();
    for instruction in &dockerfile.instructions {
        of(instruction, &mut found);
        patterns(dockerfile, instruction, &mut found);
    }
    found.sort_by_key(|f| f.span.start);
    found
}

fn of(instruction: &Instruction, found: &mut Vec<Feature>) {
    let mut add = |what: &Known, span: Span| {
        found.push(Feature {
            name: what.name,
            span,
            since: what.since,
            podman: what.podman,
        });
    };
    let flag =
        |name: &str| -> Option<&Flag> { instruction.flags.iter().find(|f| f.name.text == name) };
    if let Some(heredoc) = instruction.heredocs.first() {
        add(&HEREDOC, heredoc.open.span);
    }
    let is_copy = matches!(instruction.keyword, Keyword::Copy | Keyword::Add);
    let simple = [
        (is_copy, "link", &LINK),
        (is_copy, "exclude", &EXCLUDE),
        (is_copy, "parents", &LABS),
        (instruction.keyword == Keyword::Run, "network", &NETWORK),
        (instruction.keyword == Keyword::Run, "security", &LABS),
        (instruction.keyword == Keyword::Run, "device", &LABS),
        (
            instruction.keyword == Keyword::Healthcheck,
            "start-interval",
            &START_INTERVAL,
        ),
    ];
    for (fits, name, what) in simple {
        if let (true, Some(flag)) = (fits, flag(name)) {
            add(what, flag.span);
        }
    }
    match &instruction.command {
        Command::Run(RunCommand { mounts, .. }) => {
            for mount in mounts {
                for option in &mount.options {
                    match (mount.kind.as_str(), option.name.text.as_str()) {
                        ("tmpfs", "size") => add(&TMPFS_SIZE, option.span),
                        ("secret", "env") => add(&SECRET_ENV, option.span),
                        _ => {}
                    }
                }
            }
        }
        Command::Copy(CopyCommand { chmod, .. }) | Command::Add(CopyCommand { chmod, .. }) => {
            let symbolic = |text: &str| text.contains(['+', '=']) && !text.contains('$');
            if let Some(mode) = chmod.as_ref().filter(|w| symbolic(&w.text)) {
                add(&SYMBOLIC_MODE, mode.span);
            }
        }
        Command::Onbuild(kept) => of(kept, found),
        _ => {}
    }
}

/// `${NAME#…}`, `${NAME%…}` and `${NAME/…}` where the engine, and not a shell, expands them.
fn patterns(dockerfile: &Dockerfile, instruction: &Instruction, found: &mut Vec<Feature>) {
    let by_shell = matches!(
        instruction.keyword,
        Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck | Keyword::Onbuild
    );
    if by_shell {
        return;
    }
    let bytes = dockerfile.source.slice(instruction.span);
    let mut at = 0;
    while let Some(i) = bytes[at..].windows(2).position(|w| w == b"${") {
        let start = at + i;
        let name = bytes[start + 2..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
            .count();
        let end = start + 2 + name;
        if name > 0 && matches!(bytes.get(end), Some(b'#' | b'%' | b'/')) {
            let from = instruction.span.start;
            found.push(Feature {
                name: PATTERN.name,
                span: Span::new(from + start, from + end + 1),
                since: PATTERN.since,
                podman: PATTERN.podman,
            });
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::parse;
    use crate::source::Source;

    #[test]
    fn each_feature_is_found_where_it_stands() {
        let text = "FROM alpine\nRUN <<EOF\nx\nEOF\nCOPY --link --chmod=u+x a b\nARG A=${B%x}\n\
                    RUN --mount=type=secret,id=a,env=B --network=none echo ${C#x}\n";
        let file = parse(Source::new("Dockerfile", text.as_bytes()));
        let found: Vec<_> = features(&file)
            .iter()
            .map(|f| (f.name, text[f.span.range()].to_owned()))
            .collect();
        let expected = [
            ("heredocs", "<<EOF"),
            ("--link", "--link"),
            ("symbolic --chmod", "u+x"),
            ("patterns in ${…}", "${B%"),
            ("env= of a secret mount", "env=B"),
            ("RUN --network", "--network=none"),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(n, t)| (*n, (*t).to_owned()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn an_old_file_needs_nothing_new() {
        let text = "FROM alpine\nRUN echo ${A%x}\nCMD [\"${B#y}\"]\n";
        let file = parse(Source::new("Dockerfile", text.as_bytes()));
        assert_eq!(features(&file), []);
    }
}
