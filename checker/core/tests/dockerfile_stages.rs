//! Typed commands, spans of words, stages and variables.

use mslab_core::dockerfile::{Command, CommandForm, Dockerfile, Scope, expand_word, parse};
use mslab_core::source::Source;
use mslab_core::stages::{Base, BuildOptions, Needs, StageGraph, Via};

fn read(text: &str) -> (Dockerfile, StageGraph) {
    let file = parse(Source::new("Dockerfile", text.as_bytes()));
    let graph = StageGraph::build(&file, &BuildOptions::default());
    (file, graph)
}

fn first_error(text: &str) -> Option<String> {
    parse(Source::new("Dockerfile", text.as_bytes()))
        .errors
        .first()
        .map(|e| e.message.clone())
}

fn first_problem(text: &str) -> Option<String> {
    let (file, graph) = read(text);
    assert_eq!(file.errors, []);
    graph.problems_for(None).first().map(|p| p.message.clone())
}

#[test]
fn stages_see_only_earlier_stages_as_bases() {
    let (_, graph) = read(
        "ARG TAG=24\nFROM node:$TAG AS Build\nFROM build\nFROM later\nFROM scratch AS later\nCOPY --from=BUILD /a /b\n\
         COPY --from=1 /a /b\nRUN --mount=from=alpine:3,target=/x true\n",
    );
    let bases: Vec<_> = graph.stages.iter().map(|s| s.base.clone()).collect();
    assert_eq!(
        bases,
        [
            Base::Image("node:24".to_owned()),
            Base::Stage(0),
            Base::Image("later".to_owned()),
            Base::Scratch
        ]
    );
    let needs: Vec<_> = graph
        .edges
        .iter()
        .map(|e| (e.stage, e.needs.clone(), e.via))
        .collect();
    assert!(needs.contains(&(3, Needs::Stage(0), Via::Copy)));
    assert!(needs.contains(&(3, Needs::Stage(1), Via::Copy)));
    assert!(needs.contains(&(3, Needs::Image("alpine:3".to_owned()), Via::Mount)));
    assert_eq!(
        graph.reachable(3).into_iter().collect::<Vec<_>>(),
        [0, 1, 3]
    );
}

#[test]
fn words_have_the_place_of_their_own_bytes() {
    let text =
        "FROM alpine\nRUN --mount=type=secret,id=npm \\\n  # why\n  npm ci\nCMD [\"a\", \"b c\"]\n";
    let (file, _) = read(text);
    let Command::Run(run) = &file.instructions[1].command else {
        panic!("no RUN")
    };
    let id = run.mounts[0].option("id").expect("an id");
    assert_eq!(&text[id.span.range()], "npm");
    let Command::Cmd(CommandForm::Exec { args, .. }) = &file.instructions[2].command else {
        panic!("no exec form")
    };
    assert_eq!(&text[args[1].span.range()], "\"b c\"");
    assert_eq!(args[1].text, "b c");
}

#[test]
fn heredocs_belong_to_run_copy_and_add_only() {
    let (file, _) = read("FROM alpine\nCOPY <<A <<-\"B\" /x/\na\nA\n\tb $V\n\tB\nCMD <<EOF\n");
    assert_eq!(file.errors, []);
    let docs = &file.instructions[1].heredocs;
    assert_eq!((docs[0].content.as_str(), docs[0].expand), ("a\n", true));
    assert_eq!(
        (docs[1].content.as_str(), docs[1].expand),
        ("b $V\n", false)
    );
    assert!(file.instructions[2].heredocs.is_empty());
}

#[test]
fn errors_come_in_the_engines_order() {
    let unterminated = "FROM alpine\nBOGUS x\nRUN <<EOF\n";
    assert_eq!(
        first_error(unterminated).as_deref(),
        Some("unterminated heredoc")
    );
    assert_eq!(
        first_error("FROM alpine\nBOGUS x\nENV =a\n").as_deref(),
        Some("unknown instruction: BOGUS")
    );
}

#[test]
fn circles_and_later_stages_are_found() {
    let circle = "FROM alpine AS a\nCOPY --from=b / /\nFROM alpine AS b\nCOPY --from=a / /\n";
    assert!(first_problem(circle).is_some_and(|m| m.starts_with("circular dependency")));
    let later = "FROM alpine AS a\nCOPY --from=b / /\nFROM a AS b\n";
    assert!(first_problem(later).is_some_and(|m| m.starts_with("cannot copy from stage")));
    let unused = "FROM alpine AS a\nCOPY --from=b / /\nFROM alpine AS b\n";
    assert_eq!(first_problem(unused), None);
}

#[test]
fn a_target_that_is_no_stage_is_a_problem() {
    let text =
        "FROM scratch AS Build\nCOPY --from=later /a /b\nFROM scratch AS later\nFROM scratch\n";
    let of_target = |target: &str| {
        let file = parse(Source::new("Dockerfile", text.as_bytes()));
        let options = BuildOptions {
            target: Some(target.to_owned()),
            ..BuildOptions::default()
        };
        let graph = StageGraph::build(&file, &options);
        let problems = graph.problems_for(None);
        let first = problems
            .first()
            .map(|p| (p.message.clone(), p.help.clone()));
        (graph.target(), first)
    };
    // Its own problem is met, which a build of the last stage does not meet.
    let (target, problem) = of_target("BUILD");
    assert_eq!(target, Some(0));
    assert!(problem.is_some_and(|(message, _)| message.starts_with("cannot copy from stage")));
    assert_eq!(first_problem(text), None);
    let (target, problem) = of_target("biuld");
    assert_eq!(target, None);
    let (message, help) = problem.expect("a problem");
    assert_eq!(message, "target stage \"biuld\" could not be found");
    assert_eq!(help.as_deref(), Some("Did you mean `build`?"));
    // The engine takes no numbers here.
    let (target, problem) = of_target("1");
    assert_eq!(target, None);
    let (_, help) = problem.expect("a problem");
    assert_eq!(
        help.as_deref(),
        Some("The stages with a name are build, later.")
    );
}

#[test]
fn variables_follow_the_order_of_the_file() {
    let (file, graph) = read(
        "ARG G=global\nFROM alpine AS base\nARG G\nENV A=$G B=${A:-none}\nFROM base\nARG LOCAL=${B}-x\nRUN true\n",
    );
    let scope = graph.scope_before(&file, 6);
    assert_eq!(scope.get("A"), Some("global"));
    assert_eq!(scope.get("B"), Some("none"));
    assert_eq!(scope.get("LOCAL"), Some("none-x"));
}

#[test]
fn expansion_follows_buildkit() {
    let scope: Scope = [("V", "foobarbaz"), ("E", ""), ("P", "a/b/c")]
        .into_iter()
        .collect();
    let cases = [
        ("$V-${V}", "foobarbaz-foobarbaz"),
        ("${U:-d}${E:-e}${E-x}", "de"),
        ("${V:+y}${E:+n}${E+y}", "yy"),
        ("${V#f*o}|${V##f*b}", "obarbaz|az"),
        ("${V%b*}|${V%%b*}", "foobar|foo"),
        ("${P/\\//-}|${P//\\//-}", "a-b/c|a-b-c"),
        ("'$V'\"$V\"\\$V", "$Vfoobarbaz$V"),
        ("${U:-${V}}", "foobarbaz"),
    ];
    for (word, expected) in cases {
        let expanded = expand_word(word, &scope, '\\').expect(word);
        assert_eq!(expanded.text, expected, "{word}");
    }
    for refused in ["${V", "${}", "${:x}", "${U:?}", "${U?m}", "'x", "${V^x}"] {
        assert!(expand_word(refused, &scope, '\\').is_err(), "{refused}");
    }
}

#[test]
fn no_file_takes_long() {
    let doubling = "ENV A=$A$A\n".repeat(40);
    let files = [
        format!(
            "FROM scratch\nENV A=ab\n{doubling}{}",
            "ENV B=${A:+x}\n".repeat(20_000)
        ),
        format!(
            "FROM scratch\nENV A=ab\n{doubling}{}",
            "ENV B=${A##*}\n".repeat(20_000)
        ),
        format!(
            "FROM scratch\nENV A={}x{}\n",
            "${B:-".repeat(5_000),
            "}".repeat(5_000)
        ),
        format!(
            "FROM scratch\nCOPY {} /\n{}",
            "<<A ".repeat(9_000),
            "A\n".repeat(9_000)
        ),
        format!(
            "FROM scratch AS a\n{}{}",
            "ONBUILD ENV A=b\n".repeat(2_000),
            "FROM a\n".repeat(2_000)
        ),
        format!(
            "FROM scratch\nRUN a \\\n{}",
            "<<\u{fffd} \\\n".repeat(9_000)
        ),
        "FROM scratch AS a\nFROM a AS a\n".repeat(5_000),
        "ONBUILD \\\n".repeat(20_000),
        format!("FROM scratch\nRUN {}\n", "[".repeat(60_000)),
    ];
    for text in files {
        let start = std::time::Instant::now();
        let (_, graph) = read(&text);
        assert!(graph.stages.len() <= 10_000);
        let head: String = text.chars().take(60).collect();
        assert!(start.elapsed().as_secs() < 20, "{head}");
    }
}
