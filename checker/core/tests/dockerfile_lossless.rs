//! For every input: no byte is lost, no span leaves the file, nothing panics.

use mslab_core::dockerfile::{Command, Instruction, parse};
use mslab_core::source::{Source, Span};
use mslab_core::stages::{BuildOptions, StageGraph};
use proptest::prelude::*;

const REALISTIC: &[&str] = &[
    "# syntax=docker/dockerfile:1\nARG V=24\nFROM node:${V}-alpine AS build\nWORKDIR /app\nCOPY package*.json ./\n\
     RUN --mount=type=cache,target=/root/.npm npm ci\nCOPY . .\nRUN npm run build && \\\n    # a comment\n\n    npm prune\n\
     FROM build AS test\nRUN npm test\nFROM nginx:1.26-alpine\nCOPY --from=build --chown=1:1 /app/dist /usr/share\n\
     HEALTHCHECK --interval=30s CMD [\"curl\", \"-f\", \"http://localhost/\"]\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n",
    "\u{feff}# escape=`\r\nFROM scratch\r\nCOPY <<EOF <<-'B' C:\\x\\\r\na $V\r\nEOF\r\n\tb\r\n\tB\r\nENV A=1 B=\"x y\" `\r\n  C=z\r\n",
    "FROM alpine\nRUN <<EOF\nset -e\nEOF\nONBUILD RUN <<-X\n\ty\n\tX\nLABEL a=b c\\ d=e\nEXPOSE 80 443/udp\nSHELL [\"/bin/sh\"]\n",
];

fn in_range(span: Span, length: usize) {
    assert!(
        span.start <= span.end && span.end <= length,
        "{span:?} of {length}"
    );
}

fn instruction(i: &Instruction, length: usize) {
    in_range(i.span, length);
    in_range(i.keyword_word.span, length);
    in_range(i.rest.span, length);
    for flag in &i.flags {
        in_range(flag.span, length);
        in_range(flag.name.span, length);
        in_range(flag.value.as_ref().map_or(flag.span, |v| v.span), length);
    }
    for heredoc in &i.heredocs {
        in_range(heredoc.open.span, length);
        in_range(heredoc.body, length);
        in_range(heredoc.end, length);
    }
    if let Command::Onbuild(inner) = &i.command {
        instruction(inner, length);
    }
}

fn holds(bytes: &[u8]) {
    let file = parse(Source::new("Dockerfile", bytes));
    let mut at = 0;
    for token in &file.tokens {
        assert_eq!(token.span.start, at, "a gap or an overlap before {token:?}");
        assert!(!token.span.is_empty());
        at = token.span.end;
    }
    assert_eq!(at, bytes.len());
    for i in &file.instructions {
        instruction(i, bytes.len());
    }
    for error in &file.errors {
        in_range(error.span, bytes.len());
    }
    let graph = StageGraph::build(&file, &BuildOptions::default());
    for problem in &graph.problems {
        in_range(problem.span, bytes.len());
    }
    for stage in &graph.stages {
        let _ = graph.scope_before(&file, stage.instructions.end.saturating_sub(1));
    }
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop_oneof![
        Just("\\\n"),
        Just("`\n"),
        Just("<<EOF"),
        Just("\nEOF\n"),
        Just("\""),
        Just("'"),
        Just("$"),
        Just("${"),
        Just("}"),
        Just("--"),
        Just("--mount="),
        Just("--from=0"),
        Just(" "),
        Just("\n"),
        Just("\r"),
        Just("#"),
        Just("["),
        Just("]"),
        Just("ONBUILD "),
        Just("ENV "),
        Just("FROM "),
        Just("\u{a0}"),
        Just("="),
        Just(","),
    ];
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, pieces), 0..12);
    (prop::sample::select(REALISTIC), edits).prop_map(|(text, edits)| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, cut, piece) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, piece.bytes());
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        holds(&bytes);
    }

    #[test]
    fn realistic_files_with_random_edits(bytes in mutated()) {
        holds(&bytes);
    }
}

#[test]
fn realistic_files_as_they_are() {
    for text in REALISTIC {
        holds(text.as_bytes());
        let file = parse(Source::new("Dockerfile", text.as_bytes()));
        assert_eq!(file.errors, []);
    }
}
