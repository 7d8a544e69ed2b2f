//! A `COPY` of something that is not there: which word names it, and what was probably meant.

use super::{View, shell, walk};
use crate::diagnostic::{Finding, Fix, Place, did_you_mean};
use crate::dockerfile::ignore::{Ignore, ignore_file_names};
use crate::dockerfile::{Command, CopyCommand, Instruction, Word};
use crate::edits::Edits;
use crate::evidence::{Observed, SourceEvidence};
use crate::stages::Stage;

fn copy_of(instruction: &Instruction) -> Option<&CopyCommand> {
    match &instruction.command {
        Command::Copy(copy) | Command::Add(copy) => Some(copy),
        _ => None,
    }
}

fn same_path(a: &str, b: &str) -> bool {
    let clean = |p: &str| {
        let parts = p.split('/').filter(|x| !x.is_empty() && *x != ".");
        parts.collect::<Vec<_>>().join("/")
    };
    clean(a) == clean(b)
}

/// The instruction, the copy and the word that name a path that is not there.
pub(super) fn word<'a>(
    source: &'a SourceEvidence,
    at: Option<(usize, &'a Instruction)>,
    path: &str,
) -> Option<(usize, &'a CopyCommand, &'a Word)> {
    let all = source.dockerfile.instructions.iter().enumerate();
    at.into_iter().chain(all).find_map(|(index, instruction)| {
        let copy = copy_of(instruction)?;
        let word = copy
            .sources
            .iter()
            .find(|w| same_path(&walk::expanded(source, index, w), path))?;
        Some((index, copy, word))
    })
}

/// The finding for a copied path that is not there; `at` is the instruction that failed.
pub(super) fn finding(
    view: &View<'_>,
    source: &SourceEvidence,
    at: Option<(usize, &Instruction)>,
    path: Option<&str>,
) -> Finding {
    let word = path.and_then(|p| word(source, at, p));
    let copy = word.map(|w| w.1).or_else(|| copy_of(at?.1));
    let from = copy.and_then(|c| c.from.as_ref());
    let place = match from {
        Some(from) => format!("in `{}`", from.text),
        None => "in the build context".to_owned(),
    };
    let shown = word.map_or_else(
        || path.unwrap_or("a source").to_owned(),
        |w| w.2.text.clone(),
    );
    let message = format!("`{shown}` is not {place}");
    let span = word.map(|w| w.2.span).or(at.map(|(_, i)| i.span));
    let finding = match span {
        Some(span) => view.finding(message, span),
        None => Finding::new(message),
    };
    let finding = finding.expected(
        format!("a path that is there {place}"),
        format!("`{shown}`"),
    );
    let Some((index, copy, word)) = word else {
        return finding
            .help("Look at what is really there, and at where the stage puts its result.");
    };
    match &copy.from {
        Some(from) => in_stage(source, finding, from, word),
        None => in_context(
            view,
            source,
            finding,
            word,
            &walk::expanded(source, index, word),
        ),
    }
}

fn in_stage(source: &SourceEvidence, finding: Finding, from: &Word, word: &Word) -> Finding {
    let Some(stage) = source.graph.find(&from.text) else {
        return finding.help(format!("Look at what is in `{}`.", from.text));
    };
    let made = products(source, stage);
    let name = |p: &str| {
        p.trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let same: Vec<&String> = made
        .iter()
        .filter(|p| name(p) == name(&word.text))
        .collect();
    if let [only] = &same[..] {
        let fix = replace(source, word, only);
        return finding
            .help(format!(
                "The stage `{}` makes `{only}`. Did you mean that?",
                from.text
            ))
            .fix(fix);
    }
    match did_you_mean(&word.text, made.iter().map(String::as_str)) {
        Some(near) => {
            let near = near.to_owned();
            let fix = replace(source, word, &near);
            finding
                .help(format!(
                    "The stage `{}` makes `{near}`. Did you mean that?",
                    from.text
                ))
                .fix(fix)
        }
        None => finding.help(format!(
            "Look at what the stage holds: build it with `--target {}`, and list its folders.",
            from.text
        )),
    }
}

fn replace(source: &SourceEvidence, word: &Word, text: &str) -> Fix {
    let edits = Edits::new(
        format!("copy `{text}`"),
        &source.path,
        &source.dockerfile.source,
    );
    edits.replace(word.span, text).done()
}

/// Absolute paths that a stage's text says it makes: what compilers write with `-o`, and what is copied there by name.
fn products(source: &SourceEvidence, stage: &Stage) -> Vec<String> {
    let mut made = Vec::new();
    let mut workdir = String::from("/");
    for (index, instruction) in walk::all_instructions(source, stage) {
        match &instruction.command {
            Command::Workdir(word) => {
                workdir = join(&workdir, &walk::expanded(source, index, word));
            }
            Command::Run(_) => {
                for command in shell::commands(&source.dockerfile, instruction) {
                    let args = command.args();
                    for (i, arg) in args.iter().enumerate() {
                        let output = match arg.text.as_str() {
                            "-o" | "--out" | "--output" | "--outDir" | "--outfile" => {
                                args.get(i + 1).map(|a| a.text.as_str())
                            }
                            a => a
                                .strip_prefix("--outfile=")
                                .or_else(|| a.strip_prefix("-o=")),
                        };
                        if let Some(path) = output.filter(|p| !p.contains('$')) {
                            made.push(join(&workdir, path));
                        }
                    }
                }
            }
            _ => {}
        }
    }
    made.sort();
    made.dedup();
    made
}

/// `path` as seen from `workdir`.
fn join(workdir: &str, path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let mut out = workdir.trim_end_matches('/').to_owned();
    for part in path.split('/').filter(|p| !p.is_empty() && *p != ".") {
        out.push('/');
        out.push_str(part);
    }
    out
}

fn in_context(
    view: &View<'_>,
    source: &SourceEvidence,
    finding: Finding,
    word: &Word,
    path: &str,
) -> Finding {
    for name in ignore_file_names(&view.build.dockerfile) {
        let Some(file) = view.evidence.files.get(&name) else {
            continue;
        };
        let ignore = Ignore::parse(file.bytes());
        if let Some(line) = ignore
            .deciding(path.trim_start_matches('/'))
            .filter(|p| !p.keeps)
        {
            let place = Place::text(name.clone(), line.span);
            return finding
                .related(place, "this line keeps it out of the build")
                .help(format!("{name} leaves `{path}` out: `{}`.", line.text));
        }
        break;
    }
    let Some(Observed::Seen(context)) = view.evidence.contexts.get(&view.build.dockerfile) else {
        return finding
            .help("Paths begin at the build context, and not at the folder of the machine.");
    };
    let mut names: Vec<&str> = Vec::new();
    for (file, _) in &context.files {
        names.push(file);
        names.extend(file.match_indices('/').map(|(i, _)| &file[..i]));
    }
    names.sort_unstable();
    names.dedup();
    let wanted = path.trim_start_matches("./").trim_matches('/');
    match did_you_mean(wanted, names.iter().copied()) {
        Some(near) => {
            let fix = replace(source, word, near);
            finding.help(format!("Did you mean `{near}`?")).fix(fix)
        }
        None => finding.help("Paths begin at the build context: it holds no file of that name."),
    }
}
