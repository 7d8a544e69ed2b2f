//! `{{#checklist NAME}}`: lines to tick, each with the check that proves it.

use serde::Deserialize;

use super::{Args, Directive, check};
use crate::fault::{Fault, Result};
use crate::html;
use crate::page::Page;

pub(super) const CHECKLIST: Directive = Directive {
    name: "checklist",
    usage: "`{{#checklist NAME}}`, where `book/checklists/NAME.toml` is the file",
    options: &[],
    words: (1, 1),
    show,
};

const FOLDER: &str = "book/checklists";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Checklist {
    title: String,
    #[serde(default)]
    group: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Group {
    title: String,
    #[serde(default)]
    line: Vec<Line>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Line {
    text: String,
    /// The check that proves it.
    #[serde(default)]
    check: Option<String>,
    /// Why no check proves it, and how to look.
    #[serde(default)]
    by_eye: Option<String>,
}

fn show(page: &mut Page<'_>, args: &Args<'_>) -> Result<String> {
    let name = args.words[0];
    let list: Checklist = super::toml_file(page, FOLDER, "checklist", name)?;
    look(&format!("{FOLDER}/{name}.toml"), &list)?;
    if page.is_html() {
        Ok(as_html(page, name, &list))
    } else {
        Ok(as_markdown(page, &list))
    }
}

fn look(path: &str, list: &Checklist) -> Result<()> {
    let mut seen: Vec<&str> = Vec::new();
    for line in list.group.iter().flat_map(|g| &g.line) {
        let text = line.text.as_str();
        if line.check.is_none() == line.by_eye.is_none() {
            return Err(Fault::new(
                format!("`{path}`: \"{text}\" wants either a check or `by-eye`"),
                "Name the check that proves the line, or say why none does and how to look.",
            ));
        }
        if let Some(id) = &line.check {
            check::find(id)?;
        }
        if seen.contains(&text) {
            return Err(Fault::new(
                format!("`{path}`: \"{text}\" stands there twice"),
                "A tick belongs to one line.",
            ));
        }
        seen.push(text);
    }
    if seen.is_empty() {
        return Err(Fault::new(
            format!("`{path}` has no line"),
            "Each is a table `[[group.line]]`.",
        ));
    }
    Ok(())
}

fn as_html(page: &mut Page<'_>, name: &str, list: &Checklist) -> String {
    let level = page.next_heading();
    let inner = (level + 1).min(6);
    let id = page.id("checklist");
    let mut out = format!(
        "<section class=\"mslab-checklist\" aria-labelledby=\"{id}\" data-mslab-checklist=\"{}\">\n\
         <h{level} class=\"mslab-title\" id=\"{id}\">{}</h{level}>\n\
         <p class=\"mslab-progress\" hidden><span role=\"status\"></span> \
         <button type=\"button\" class=\"mslab-clear\">Take all ticks away</button></p>\n",
        html::text(name),
        html::inline(&list.title)
    );
    let mut n = 0;
    for group in &list.group {
        out.push_str(&format!(
            "<h{inner} class=\"mslab-part-title\">{}</h{inner}>\n<ul>\n",
            html::inline(&group.title)
        ));
        for line in &group.line {
            n += 1;
            let proof = match (&line.check, &line.by_eye) {
                (Some(check), _) => {
                    format!(
                        "<span class=\"mslab-proof\">proven by {}</span>",
                        page.check_name(check)
                    )
                }
                (None, by_eye) => format!(
                    "<details class=\"mslab-proof\"><summary>by eye</summary><p>{}</p></details>",
                    html::inline(by_eye.as_deref().unwrap_or_default())
                ),
            };
            out.push_str(&format!(
                "<li><input type=\"checkbox\" id=\"{id}-{n}\" data-mslab-line=\"{}\"><label for=\"{id}-{n}\">{}</label> \
                 {proof}</li>\n",
                html::text(&key(&line.text)),
                html::inline(&line.text)
            ));
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</section>\n");
    html::whole(&out)
}

/// A line's name for the browser's memory: its words, so that a new order of lines keeps the ticks.
fn key(text: &str) -> String {
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

fn as_markdown(page: &Page<'_>, list: &Checklist) -> String {
    let marks = "#".repeat(page.next_heading());
    let mut out = format!("{marks} {}\n", list.title);
    for group in &list.group {
        out.push_str(&format!("\n**{}**\n\n", group.title));
        for line in &group.line {
            let proof = match (&line.check, &line.by_eye) {
                (Some(check), _) => format!("proven by {}", page.check_word(check)),
                (None, by_eye) => format!("by eye: {}", by_eye.as_deref().unwrap_or_default()),
            };
            out.push_str(&format!("- ☐ {} ({proof})\n", line.text));
        }
    }
    out
}
