//! The corpus in `tests/dockerfile` and `tests/dockerfile-refused`: what each file means, and why each is refused.
//!
//! Every case was put before BuildKit's built-in frontend of Docker 28.5, which accepts and refuses the same ones.
//! Run with `MSLAB_BLESS=1` to write what the parser says now, and review the change as prose.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use mslab_core::dockerfile::{
    Command, CommandForm, CopyCommand, Dockerfile, Instruction, KeyValue, Word, parse,
};
use mslab_core::source::Source;
use mslab_core::stages::{BuildOptions, StageGraph, draw};

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests")
        .join(name)
}

fn cases(folder: &Path) -> Vec<PathBuf> {
    let mut cases: Vec<_> = fs::read_dir(folder)
        .expect("the corpus is there")
        .map(|entry| entry.expect("a readable entry").path())
        .collect();
    cases.sort();
    cases
}

fn read(case: &Path) -> (Dockerfile, StageGraph) {
    let bytes = fs::read(case.join("Dockerfile")).expect("a case has a Dockerfile");
    let file = parse(Source::new("Dockerfile", bytes));
    let graph = StageGraph::build(&file, &BuildOptions::default());
    (file, graph)
}

/// Compares with the golden file, or writes it.
fn golden(path: &Path, actual: &str, wrong: &mut Vec<String>) {
    if std::env::var_os("MSLAB_BLESS").is_some() {
        fs::write(path, actual).expect("the golden file can be written");
        return;
    }
    match fs::read_to_string(path) {
        Ok(expected) if expected == actual => {}
        Ok(expected) => wrong.push(format!(
            "{}\n--- expected\n{expected}--- actual\n{actual}",
            path.display()
        )),
        Err(error) => wrong.push(format!("{}: {error}", path.display())),
    }
}

fn only(case: &Path, wanted: &[&str], wrong: &mut Vec<String>) {
    let found: BTreeSet<_> = fs::read_dir(case)
        .expect("a case is a folder")
        .map(|e| {
            e.expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let wanted: BTreeSet<_> = wanted.iter().map(|w| (*w).to_owned()).collect();
    if found != wanted {
        wrong.push(format!("{} holds {found:?}", case.display()));
    }
}

#[test]
fn accepted_files_mean_what_they_should() {
    let mut wrong = Vec::new();
    let cases = cases(&corpus("dockerfile"));
    assert!(cases.len() > 50, "the corpus has shrunk");
    for case in cases {
        let (file, graph) = read(&case);
        let refused = file.errors.first().map(|e| e.message.clone());
        let refused = refused.or(graph.problems_for(None).first().map(|p| p.message.clone()));
        if let Some(message) = refused {
            wrong.push(format!("{} is refused: {message}", case.display()));
        }
        golden(&case.join("tree.txt"), &tree(&file), &mut wrong);
        golden(
            &case.join("graph.txt"),
            &draw::tree(&graph, &file, None),
            &mut wrong,
        );
        only(&case, &["Dockerfile", "tree.txt", "graph.txt"], &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn refused_files_are_refused_at_the_right_words() {
    let mut wrong = Vec::new();
    let cases = cases(&corpus("dockerfile-refused"));
    assert!(cases.len() > 80, "the corpus has shrunk");
    for case in cases {
        let (file, graph) = read(&case);
        let of_file = file.errors.first().map(|e| (e.span, &e.message, &e.help));
        let problems = graph.problems_for(None);
        let of_graph = problems.first().map(|p| (p.span, &p.message, &p.help));
        let Some((span, message, help)) = of_file.or(of_graph) else {
            wrong.push(format!("{} is accepted", case.display()));
            continue;
        };
        let at = file.source.position(span.start);
        let mut text = format!("{}:{}: {message}\n", at.line, at.column);
        let _ = writeln!(text, "at: {:?}", file.source.snippet(span));
        if let Some(help) = help {
            let _ = writeln!(text, "help: {help}");
        }
        golden(&case.join("error.txt"), &text, &mut wrong);
        only(&case, &["Dockerfile", "error.txt"], &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The tree as text: every instruction with its words and where they stand.
fn tree(file: &Dockerfile) -> String {
    let mut out = String::new();
    for d in &file.directives {
        let _ = writeln!(out, "directive {} = {:?}", d.name, d.value.text);
    }
    for i in &file.instructions {
        instruction(file, i, "", &mut out);
    }
    out
}

fn instruction(file: &Dockerfile, i: &Instruction, indent: &str, out: &mut String) {
    let at = file.source.position(i.span.start);
    let end = file
        .source
        .position(i.span.end.saturating_sub(1).max(i.span.start));
    let _ = writeln!(
        out,
        "{indent}{}-{} {}",
        at.line,
        end.line,
        i.keyword.as_str()
    );
    let indent = format!("{indent}  ");
    let mut word = |label: &str, w: &Word| {
        let at = file.source.position(w.span.start);
        let _ = writeln!(
            out,
            "{indent}{label} {}:{} {:?}",
            at.line, at.column, w.text
        );
    };
    for flag in &i.flags {
        let label = format!("flag {}", flag.name.text);
        word(&label, flag.value.as_ref().unwrap_or(&flag.name));
    }
    match &i.command {
        Command::From {
            image,
            platform,
            name,
        } => {
            word("image", image);
            platform.iter().for_each(|w| word("platform", w));
            name.iter().for_each(|w| word("name", w));
        }
        Command::Run(run) => {
            form(&run.form, &mut word);
            for mount in &run.mounts {
                for option in &mount.options {
                    let label = format!("{} mount {}", mount.kind, option.name.text);
                    word(&label, option.value.as_ref().unwrap_or(&option.name));
                }
            }
        }
        Command::Cmd(f) | Command::Entrypoint(f) => form(f, &mut word),
        Command::Healthcheck(Some(f)) => form(f, &mut word),
        Command::Healthcheck(None) | Command::Invalid => {}
        Command::Shell(words) => words.iter().for_each(|w| word("argument", w)),
        Command::Expose(words) => words.iter().for_each(|w| word("port", w)),
        Command::Volume(words) => words.iter().for_each(|w| word("path", w)),
        Command::Copy(copy) | Command::Add(copy) => sources(copy, &mut word),
        Command::Env(pairs) | Command::Label(pairs) => {
            for KeyValue { key, value, .. } in pairs {
                word("key", key);
                word("value", value);
            }
        }
        Command::Arg(pairs) => {
            for pair in pairs {
                word("name", &pair.name);
                pair.default.iter().for_each(|w| word("default", w));
            }
        }
        Command::User(w)
        | Command::Workdir(w)
        | Command::Stopsignal(w)
        | Command::Maintainer(w) => {
            word("value", w);
        }
        Command::Onbuild(_) => {}
    }
    for doc in &i.heredocs {
        let _ = writeln!(
            out,
            "{indent}heredoc {:?} expand={} tabs={} {:?}",
            doc.name, doc.expand, doc.strip_tabs, doc.content
        );
    }
    if let Command::Onbuild(kept) = &i.command {
        instruction(file, kept, &indent, out);
    }
}

fn form(form: &CommandForm, word: &mut impl FnMut(&str, &Word)) {
    match form {
        CommandForm::Shell(line) => word("shell", line),
        CommandForm::Exec { args, .. } => args.iter().for_each(|w| word("argument", w)),
    }
}

fn sources(copy: &CopyCommand, word: &mut impl FnMut(&str, &Word)) {
    copy.sources.iter().for_each(|w| word("source", w));
    word("destination", &copy.destination);
}
