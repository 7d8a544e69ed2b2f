//! An mdBook preprocessor that puts into chapters what the labs, the checks and the measurements say.
//!
//! A chapter holds directives, each on a line of its own: `{{#lab exercise-5}}` becomes the exercise's card. The book
//! cannot say what the checker does not do, because it shows the checker's own files. [`preprocess`] is all of it; a
//! directive is one file in `show/` and one line in its list.

mod book;
mod fault;
mod html;
mod page;
mod scan;
mod show;
mod site;
mod terminal;

use std::path::Path;

use rayon::prelude::*;
use serde_json::Value;

pub use fault::{Error, Problem};

use book::Chapter;
use page::{Page, Renderer};
use site::Site;

/// The book as mdBook sends it, with every directive replaced: `[context, book]` in JSON comes in, the book goes out.
///
/// # Errors
/// The input is not what mdBook 0.4 or 0.5 sends, or chapters hold directives that cannot be shown: all of them are
/// named, each with its chapter and line.
pub fn preprocess(input: &str) -> Result<String, Error> {
    let (context, mut book) = book::read(input)?;
    let text = |name: &str| context.get(name).and_then(Value::as_str);
    let renderer = match text("renderer") {
        Some("html") => Renderer::Html,
        _ => Renderer::Markdown,
    };
    let root = Path::new(text("root").unwrap_or("."));
    let source = context.pointer("/config/book/src").and_then(Value::as_str);
    let chapters = book::chapters(&book)?;
    let site = Site::new(root, &chapters);
    let made: Vec<_> = chapters
        .par_iter()
        .map(|chapter| one(&site, renderer, chapter))
        .collect();
    let mut contents = Vec::with_capacity(made.len());
    let mut problems = Vec::new();
    for (chapter, (content, wrong)) in chapters.iter().zip(made) {
        contents.push(content);
        let file = chapter.path.map(|path| match source {
            Some(source) => format!("{source}/{path}"),
            None => path.to_owned(),
        });
        problems.extend(wrong.into_iter().map(|(line, directive, fault)| Problem {
            chapter: chapter.name.to_owned(),
            file: file.clone(),
            line,
            directive,
            fault,
        }));
    }
    if !problems.is_empty() {
        return Err(Error::Directives(problems));
    }
    book::renew(&mut book, contents)?;
    Ok(book.to_string())
}

type Wrong = (usize, String, fault::Fault);

/// One chapter's text with its directives replaced, and what was wrong with them.
fn one(site: &Site, renderer: Renderer, chapter: &Chapter<'_>) -> (String, Vec<Wrong>) {
    let found = scan::scan(chapter.content);
    let mut page = Page::new(site, renderer, chapter.path);
    let mut wrong = Vec::new();
    let mut out = String::with_capacity(chapter.content.len() * 2);
    let mut at = 0;
    for item in found {
        out.push_str(&chapter.content[at..item.range.start]);
        at = item.range.end;
        let text = chapter.content[item.range.clone()].trim().to_owned();
        match item.what {
            scan::What::Escaped => out.push_str(text.trim_start_matches('\\')),
            scan::What::Broken(fault) => wrong.push((item.line, text, fault)),
            scan::What::Directive { name, args } => {
                page.heading = item.heading;
                match show::show(&mut page, &name, &args) {
                    Ok(shown) => {
                        out.push('\n');
                        out.push_str(&indented(&shown, &item.indent));
                        out.push('\n');
                    }
                    Err(fault) => wrong.push((item.line, text, fault)),
                }
            }
        }
    }
    out.push_str(&chapter.content[at..]);
    (out, wrong)
}

/// In a list a directive is indented, and so must be what it becomes.
fn indented(text: &str, indent: &str) -> String {
    if indent.is_empty() {
        return text.to_owned();
    }
    let line = |l: &str| match l.trim().is_empty() {
        true => l.to_owned(),
        false => format!("{indent}{l}"),
    };
    text.split_inclusive('\n').map(line).collect()
}
