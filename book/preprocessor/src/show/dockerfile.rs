//! `{{#dockerfile PATH [stage=NAME] [lines=3-9] [highlight=4,7-8]}}`: a Dockerfile, or a part of one.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use mslab_core::dockerfile::{self, Dockerfile};
use mslab_core::source::Source;
use mslab_core::stages::{BuildOptions, Stage, StageGraph};
use mslab_core::text::escape;

use super::{Args, Directive, code};
use crate::fault::{Fault, Result};
use crate::html;
use crate::page::Page;

pub(super) const DOCKERFILE: Directive = Directive {
    name: "dockerfile",
    usage: "`{{#dockerfile PATH [stage=NAME] [lines=3-9] [highlight=4,7-8]}}`",
    options: &["stage", "lines", "highlight"],
    words: (1, 1),
    show,
};

fn show(page: &mut Page<'_>, args: &Args<'_>) -> Result<String> {
    let source = page.site.source(args.words[0])?;
    if !code::is_dockerfile(source.name()) {
        return other(page, args, &source);
    }
    let file = dockerfile::parse(source);
    let last = file.source.line_count();
    let mut lines = 1..=last;
    let mut part = String::new();
    if let Some(name) = args.option("stage") {
        lines = stage(&file, name)?;
        part = format!("stage `{name}`");
    }
    if let Some(text) = args.option("lines") {
        let wanted = ranges(text, "lines", last)?;
        let (Some(from), Some(to)) = (wanted.first(), wanted.last()) else {
            return Err(Fault::new("`lines=` names no line", DOCKERFILE.usage));
        };
        if !lines.contains(from) || !lines.contains(to) {
            let here = format!("{}-{}", lines.start(), lines.end());
            return Err(Fault::new(
                format!("lines {text} are not in {part}"),
                format!("It has the lines {here}."),
            ));
        }
        lines = *from..=*to;
    }
    if lines != (1..=last) {
        let numbers = match lines.start() == lines.end() {
            true => format!("line {}", lines.start()),
            false => format!("lines {} to {}", lines.start(), lines.end()),
        };
        let comma = if part.is_empty() { "" } else { ", " };
        part.push_str(&format!("{comma}{numbers}"));
    }
    let marked = match args.option("highlight") {
        Some(text) => ranges(text, "highlight", last)?,
        None => BTreeSet::new(),
    };
    if let Some(hidden) = marked.iter().find(|n| !lines.contains(n)) {
        return Err(Fault::new(
            format!("line {hidden} is highlighted, and not shown"),
            format!("Shown are the lines {}-{}.", lines.start(), lines.end()),
        ));
    }
    if page.is_html() {
        Ok(figure(
            file.source.name(),
            &part,
            &code::dockerfile(&file, lines, &marked),
        ))
    } else {
        Ok(reduced(&file.source, &part, lines, &marked))
    }
}

/// A file that is no Dockerfile: an ignore file, a program.
fn other(page: &Page<'_>, args: &Args<'_>, source: &Source) -> Result<String> {
    if let Some(option) = ["stage", "lines", "highlight"]
        .into_iter()
        .find(|o| args.option(o).is_some())
    {
        return Err(Fault::new(
            format!(
                "`{}` is no Dockerfile, so that `{option}=` means nothing",
                source.name()
            ),
            "A Dockerfile is called `Dockerfile`, `Dockerfile.NAME` or `NAME.Dockerfile`.",
        ));
    }
    if page.is_html() {
        Ok(figure(source.name(), "", &code::plain(source)))
    } else {
        Ok(reduced(
            source,
            "",
            1..=source.line_count(),
            &BTreeSet::new(),
        ))
    }
}

/// Numbered lines below their file's name.
pub(super) fn figure(name: &str, part: &str, lines: &str) -> String {
    let about = match part {
        "" => String::new(),
        part => format!(" <span class=\"mslab-part\">{}</span>", html::prose(part)),
    };
    let label = html::text(&format!("{name} {}", part.replace('`', "")));
    html::whole(&format!(
        "<figure class=\"mslab-file\">\n<figcaption><span class=\"mslab-name\">{}</span>{about}</figcaption>\n\
         <pre class=\"mslab-code\" tabindex=\"0\" aria-label=\"{}\"><code class=\"nohighlight\">{lines}</code></pre>\n\
         </figure>\n",
        html::text(name),
        label.trim(),
    ))
}

fn reduced(
    source: &Source,
    part: &str,
    lines: RangeInclusive<usize>,
    marked: &BTreeSet<usize>,
) -> String {
    let width = lines.end().to_string().len();
    let mut text = String::new();
    for n in lines {
        let mark = if marked.contains(&n) { '>' } else { ' ' };
        text.push_str(format!("{mark}{n:>width$}  {}", source.line(n)).trim_end());
        text.push('\n');
    }
    let comma = if part.is_empty() { "" } else { ", " };
    format!(
        "`{}`{comma}{part}:\n\n{}",
        source.name(),
        escape::markdown_fence("text", &text)
    )
}

/// A stage's lines, with the comments right above it, without the empty lines at its end.
fn stage(file: &Dockerfile, name: &str) -> Result<RangeInclusive<usize>> {
    let graph = StageGraph::build(file, &BuildOptions::default());
    let Some(stage) = graph.find(name) else {
        let labels: Vec<String> = graph.stages.iter().map(Stage::label).collect();
        let known = labels.iter().map(String::as_str);
        return Err(Fault::unknown("no stage", name, known).within(file.source.name()));
    };
    let line_of = |instruction: usize| file.instructions.get(instruction).map(|i| i.first_line);
    let mut from = above(file, line_of(stage.from).unwrap_or(1));
    let next = line_of(stage.instructions.end).map(|n| above(file, n));
    let mut to = next.map_or(file.source.line_count(), |n| n - 1);
    let blank = |n: usize| file.source.line(n).trim().is_empty();
    while to > from && blank(to) {
        to -= 1;
    }
    while from < to && blank(from) {
        from += 1;
    }
    Ok(from..=to)
}

/// The first of the comment lines that stand right above line `n`, or `n`.
fn above(file: &Dockerfile, mut n: usize) -> usize {
    while n > 1 && file.source.line(n - 1).trim_start().starts_with('#') {
        n -= 1;
    }
    n
}

/// `4,7-8` as numbers of lines.
fn ranges(text: &str, option: &str, last: usize) -> Result<BTreeSet<usize>> {
    let mut lines = BTreeSet::new();
    for part in text.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (Ok(from), Ok(to)) = (from.trim().parse::<usize>(), to.trim().parse::<usize>()) else {
            return Err(Fault::new(
                format!("`{option}={text}` names no lines"),
                "Lines are written `4`, `7-8` or `4,7-8`.",
            ));
        };
        if from == 0 || from > to || to > last {
            return Err(Fault::new(
                format!("`{option}={text}` names lines that are not there"),
                format!("The file has the lines 1-{last}."),
            ));
        }
        lines.extend(from..=to);
    }
    Ok(lines)
}
