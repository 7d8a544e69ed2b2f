//! `{{#lab EXERCISE}}`: an exercise's card, with all that one needs to begin.

use mslab_core::lab::{Folder, Lab};
use mslab_core::plan::{Plan, PlannedCheck};
use mslab_core::source::Source;
use mslab_core::text::escape;

use super::{Args, Directive, code, dockerfile};
use crate::fault::{Fault, Result};
use crate::html;
use crate::page::Page;

pub(super) const LAB: Directive = Directive {
    name: "lab",
    usage: "`{{#lab EXERCISE}}`, as in `{{#lab exercise-5}}`",
    options: &[],
    words: (1, 1),
    show,
};

fn show(page: &mut Page<'_>, args: &Args<'_>) -> Result<String> {
    let lab = page.site.lab(args.words[0])?;
    if lab.definition.draft {
        return Err(Fault::new(
            format!("`{}` is a draft, which learners do not see", lab.slug),
            format!("`mslab verify {}` says what is still to do.", lab.slug),
        ));
    }
    let plan = Plan::new(&lab).map_err(|e| Fault::lab(&e))?;
    let task = task(&lab)?;
    if page.is_html() {
        Ok(as_html(page, &lab, &plan, &task))
    } else {
        Ok(as_markdown(page, &lab, &plan, &task))
    }
}

/// The task without its own title, which is the lab's.
fn task(lab: &Lab) -> Result<String> {
    let readme = lab.files.get("README.md").ok_or_else(|| {
        Fault::new(
            format!("`{}` has no README.md", lab.slug),
            "It is the task.",
        )
    })?;
    let text = String::from_utf8_lossy(&readme.bytes).replace("\r\n", "\n");
    let text = text.trim_start();
    Ok(
        match text.strip_prefix("# ").and_then(|t| t.split_once('\n')) {
            Some((_, rest)) => rest.trim().to_owned(),
            None => text.trim().to_owned(),
        },
    )
}

/// The text files of a folder that the learner may change.
fn learners(lab: &Lab, folder: &Folder) -> Vec<Source> {
    let text = |path: &String, bytes: &[u8]| {
        std::str::from_utf8(bytes).ok()?;
        Some(Source::new(path.as_str(), bytes))
    };
    let mut files: Vec<Source> = folder
        .iter()
        .filter(|(path, _)| lab.is_learners(path))
        .filter_map(|(path, file)| text(path, &file.bytes))
        .collect();
    // The Dockerfiles are what it is about.
    files.sort_by_key(|f| !code::is_dockerfile(f.name()));
    files
}

fn points(check: &PlannedCheck) -> String {
    html::plural(check.points as usize, "point")
}

fn as_html(page: &mut Page<'_>, lab: &Lab, plan: &Plan, task: &str) -> String {
    let exercise = lab.exercise();
    let level = page.next_heading();
    let inner = (level + 1).min(6);
    let total: u32 = plan.checks.iter().map(|c| c.points).sum();
    let mut out = format!(
        "<section class=\"mslab-lab\" aria-labelledby=\"{exercise}\" data-mslab-exercise=\"{exercise}\" \
         data-mslab-lab=\"{slug}\">\n<p class=\"mslab-kicker\">Exercise {number} · {total} points</p>\n\
         <h{level} class=\"mslab-title\" id=\"{exercise}\">{title}</h{level}>\n\
         <div class=\"mslab-task\">\n{task}</div>\n",
        slug = html::text(&lab.slug),
        number = lab.number,
        title = html::text(&lab.definition.title),
        task = html::markdown(task, inner),
    );
    // What `mslab serve` makes live: an editor, the buttons, what came of a check.
    out.push_str("<div class=\"mslab-live\" hidden></div>\n");
    out.push_str(&checks(page, plan, inner));
    out.push_str(&folded(
        "What you begin with",
        "mslab-starter",
        &learners(lab, &lab.starter()),
    ));
    out.push_str(&folded(
        "Our solution",
        "mslab-solution",
        &learners(lab, &lab.subfolder("solution")),
    ));
    out.push_str(&format!(
        "<div class=\"mslab-command\"><code class=\"nohighlight\">mslab check {exercise}</code>\
         <button type=\"button\" class=\"mslab-copy\" data-mslab-copy=\"mslab check {exercise}\" hidden>Copy</button>\
         <span class=\"mslab-said\" role=\"status\"></span></div>\n</section>\n"
    ));
    html::whole(&out)
}

/// The checks with their limits and points; in each, folded, its hint.
fn checks(page: &Page<'_>, plan: &Plan, level: usize) -> String {
    let mut out = format!(
        "<h{level} class=\"mslab-part-title\">The checks, and a hint in each</h{level}>\n<ul class=\"mslab-checks\">\n"
    );
    for check in &plan.checks {
        let nudge = match &check.nudge {
            Some(nudge) => format!("<p>{}</p>", html::prose(nudge)),
            None => String::new(),
        };
        out.push_str(&format!(
            "<li data-mslab-check=\"{}\"><details><summary><span class=\"mslab-what\">{}</span> \
             <span class=\"mslab-limit\">{}</span> <span class=\"mslab-points\">{}</span></summary>{nudge}\
             <p class=\"mslab-more\">More about this check: {}</p></details></li>\n",
            html::text(&check.key),
            html::text(check.check.title()),
            html::prose(&check.bound.summary()),
            points(check),
            page.check_name(check.check.id()),
        ));
    }
    out.push_str("</ul>\n");
    out
}

fn folded(title: &str, class: &str, files: &[Source]) -> String {
    if files.is_empty() {
        return String::new();
    }
    let shown: String = files
        .iter()
        .map(|f| dockerfile::figure(f.name(), "", &code::file(f)))
        .collect();
    format!(
        "<details class=\"mslab-fold {class}\">\n<summary>{title}</summary>\n{shown}</details>\n"
    )
}

fn as_markdown(page: &Page<'_>, lab: &Lab, plan: &Plan, task: &str) -> String {
    let marks = "#".repeat(page.next_heading());
    let mut out = format!(
        "{marks} Exercise {}: {}\n\n",
        lab.number, lab.definition.title
    );
    out.push_str(&lowered(task, page.next_heading()));
    out.push_str("\n\n| check | | points |\n|---|---|---:|\n");
    for check in &plan.checks {
        out.push_str(&format!(
            "| {} | {} | {} |\n",
            page.check_word(check.check.id()),
            escape::markdown(&check.bound.summary()),
            check.points
        ));
    }
    for (title, files) in [
        ("What you begin with", learners(lab, &lab.starter())),
        ("Our solution", learners(lab, &lab.subfolder("solution"))),
    ] {
        for file in &files {
            let language = if code::is_dockerfile(file.name()) {
                "dockerfile"
            } else {
                "text"
            };
            out.push_str(&format!(
                "\n{title}, `{}`:\n\n{}",
                file.name(),
                escape::markdown_fence(language, &file.text())
            ));
        }
    }
    out.push_str(&format!("\n```sh\nmslab check {}\n```\n", lab.exercise()));
    out
}

/// Markdown whose headings are `by` levels lower, less the one that the title had; code is left alone.
fn lowered(text: &str, by: usize) -> String {
    let mut fence = false;
    let mut out: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fence = !fence;
        }
        match line.find(|c| c != '#') {
            Some(level @ 1..=6) if !fence && line[level..].starts_with(' ') => {
                let level = (level + by - 1).min(6);
                out.push(format!(
                    "{}{}",
                    "#".repeat(level),
                    line.trim_start_matches('#')
                ));
            }
            _ => out.push(line.to_owned()),
        }
    }
    out.join("\n")
}
