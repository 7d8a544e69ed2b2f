//! What an instructor allows a Dockerfile to reach, decided on its text before anything is run.

use std::fmt::Write as _;

use mslab_core::checks::image_matches;
use mslab_core::dockerfile::{Command, Instruction, Word};
use mslab_core::evidence::SourceEvidence;
use mslab_core::source::Span;
use mslab_core::stages::Needs;

/// How the stage graph says that a file asks for more than anybody should work out.
const EXCESS: [&str; 4] = [
    "expands to more than",
    "expand to more than",
    "too much work to expand",
    "nested too deeply",
];

/// What is allowed. The default allows everything that an engine can bear.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Globs for the images that stages may start or copy from; empty for any.
    pub bases: Vec<String>,
    /// Globs for the frontends that `# syntax=` may name; empty for any.
    pub syntax: Vec<String>,
    /// The engine itself fetches nothing: no image, and `ADD` takes no address.
    pub offline: bool,
}

impl Rules {
    /// The first thing in a Dockerfile that is not allowed, as a message with its line.
    #[must_use]
    pub fn broken_by(&self, source: &SourceEvidence) -> Option<String> {
        let at = |span: Span, what: String| {
            let line = source.dockerfile.source.position(span.start).line;
            Some(format!("line {line} of {} {what}", source.path))
        };
        // The engine expands variables without any limit, in its own memory.
        let too_much = |m: &str| EXCESS.iter().any(|e| m.contains(e));
        if let Some(problem) = source.graph.problems.iter().find(|p| too_much(&p.message)) {
            return at(
                problem.span,
                format!("is too much to build: {}", problem.message),
            );
        }
        if !self.syntax.is_empty() {
            let directives = source.dockerfile.directives.iter();
            for directive in directives.filter(|d| d.name == "syntax") {
                let frontend = &directive.value.text;
                if !image_matches(&self.syntax, frontend) {
                    let what = format!(
                        "names the frontend `{frontend}`; allowed: {}",
                        self.syntax.join(", ")
                    );
                    return at(directive.span, what);
                }
            }
        }
        if !self.bases.is_empty() {
            for edge in &source.graph.edges {
                if let Needs::Image(image) = &edge.needs
                    && !image_matches(&self.bases, image)
                {
                    let what = format!(
                        "takes the image `{image}`; allowed: {}",
                        self.bases.join(", ")
                    );
                    return at(edge.span, what);
                }
            }
        }
        if self.offline {
            let instructions = source.dockerfile.instructions.iter();
            if let Some(word) = instructions.filter_map(fetched).next() {
                let what = format!("adds `{}`, and nothing may be fetched here", word.text);
                return at(word.span, what);
            }
        }
        None
    }

    /// All of it in one text: other rules make other grades.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, globs) in [("base", &self.bases), ("syntax", &self.syntax)] {
            for glob in globs {
                let _ = writeln!(text, "{name} {glob}");
            }
        }
        if self.offline {
            text.push_str("offline\n");
        }
        text
    }
}

/// A source of `ADD` that may lie elsewhere. A variable may hold an address, whatever its default.
fn fetched(instruction: &Instruction) -> Option<&Word> {
    match &instruction.command {
        Command::Add(add) => add.sources.iter().find(|s| {
            let text = &s.text;
            text.contains("://") || text.contains('$') || text.contains('@') && text.contains(':')
        }),
        Command::Onbuild(inner) => fetched(inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use mslab_core::judge::read_sources;
    use mslab_core::plan::Plan;
    use mslab_core::source::Source;

    use super::*;

    fn broken(rules: &Rules, text: &str) -> Option<String> {
        let files = [(
            "Dockerfile".to_owned(),
            Source::new("Dockerfile", text.as_bytes()),
        )]
        .into();
        let sources = read_sources(&files, &Plan::general("Dockerfile").builds);
        rules.broken_by(&sources["Dockerfile"])
    }

    #[test]
    fn bases_are_held_to_the_list_wherever_they_are_named() {
        let rules = Rules {
            bases: vec!["node:*".into(), "gcr.io/distroless/*".into()],
            ..Rules::default()
        };
        let fine = "FROM node:24 AS b\nFROM scratch\nCOPY --from=b /a /a\n";
        assert_eq!(broken(&rules, fine), None);
        for (text, line) in [
            ("FROM evil/x\n", 1),
            ("ARG B=evil/x\nFROM $B\n", 2),
            ("FROM node:24\nCOPY --from=evil/x /a /a\n", 2),
            (
                "FROM node:24\nRUN --mount=type=bind,from=evil/x,target=/x true\n",
                2,
            ),
            (
                "FROM node:24 AS a\nFROM node:24\nFROM evil/x AS unused\n",
                3,
            ),
        ] {
            let message = broken(&rules, text).unwrap();
            assert!(
                message.starts_with(&format!("line {line} of Dockerfile")),
                "{message}"
            );
            assert!(message.contains("evil/x"), "{message}");
        }
    }

    #[test]
    fn frontends_are_held_to_the_list() {
        let rules = Rules {
            syntax: vec!["docker/dockerfile:1*".into()],
            ..Rules::default()
        };
        assert_eq!(
            broken(&rules, "# syntax=docker/dockerfile:1.7\nFROM a:1\n"),
            None
        );
        assert_eq!(broken(&rules, "FROM a:1\n"), None);
        let evil = broken(&rules, "# syntax=evil/frontend\nFROM a:1\n").unwrap();
        assert!(evil.contains("evil/frontend"), "{evil}");
    }

    #[test]
    fn what_would_fill_the_engines_memory_never_reaches_it() {
        let doubled = |times: usize| {
            let lines = (0..times).map(|n| format!("ENV A{}=${{A{n}}}${{A{n}}}\n", n + 1));
            format!("FROM a:1\nENV A0=0123456789\n{}", lines.collect::<String>())
        };
        let rules = Rules::default();
        assert_eq!(broken(&rules, &doubled(10)), None);
        let message = broken(&rules, &doubled(30)).unwrap();
        assert!(
            message.starts_with("line 19 of Dockerfile is too much"),
            "{message}"
        );
        let nested = format!(
            "FROM a:1\nENV A={}x{}\n",
            "${B:-".repeat(5_000),
            "}".repeat(5_000)
        );
        assert!(broken(&rules, &nested).is_some());
        let first = format!(
            "ARG A={}\nARG B={}\nFROM $B\n",
            "x".repeat(2_000),
            "$A".repeat(2_000)
        );
        assert!(broken(&rules, &first).is_some());
    }

    #[test]
    fn offline_nothing_is_fetched() {
        let rules = Rules {
            offline: true,
            ..Rules::default()
        };
        assert_eq!(
            broken(&rules, "FROM a:1\nADD a.tar /\nADD <<X /x\nhttp://x\nX\n"),
            None
        );
        for add in [
            "ADD https://x.example/a /a",
            "ADD git@github.com:a/b.git /a",
            "ARG U=a\nADD $U /a",
            "ONBUILD ADD http://x.example/a /a",
        ] {
            assert!(
                broken(&rules, &format!("FROM a:1\n{add}\n")).is_some(),
                "{add}"
            );
        }
    }
}
