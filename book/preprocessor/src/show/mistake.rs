//! `{{#mistake LAB/ATTEMPT [check=KEY]}}`: what somebody tried, and what mslab says about it.

use mslab_core::diagnostic::{self, Files};
use mslab_core::lab::{Attempt, AttemptBase, Folder, Lab};
use mslab_core::report::{self, CheckReport, Options, Report, Status};
use mslab_core::source::Source;
use mslab_core::text::escape;

use super::{Args, Directive, diff};
use crate::fault::{Fault, Result};
use crate::html;
use crate::page::Page;
use crate::terminal;

pub(super) const MISTAKE: Directive = Directive {
    name: "mistake",
    usage: "`{{#mistake LAB/ATTEMPT [check=KEY]}}`, as in `{{#mistake go-scratch/runs-as-root}}`",
    options: &["check"],
    words: (1, 1),
    show,
};

/// Columns of the terminal that is shown: what fits on a page.
const WIDTH: usize = 82;

fn show(page: &mut Page<'_>, args: &Args<'_>) -> Result<String> {
    let Some((lab, name)) = args.words[0].split_once('/') else {
        return Err(Fault::new(
            format!("`{}` names no attempt", args.words[0]),
            format!("It is written {}.", MISTAKE.usage),
        ));
    };
    let lab = page.site.lab_with_attempt(lab, name)?;
    let folder = format!("labs/{:02}-{}/attempts", lab.number, lab.slug);
    let attempt = attempt(page, &lab, &folder, name)?;
    let report = read_report(page, &lab, &folder, name)?;
    let check = pick(&report, args.option("check"))?;
    let changed = changes(&lab, &attempt);
    let options = Options {
        color: page.is_html(),
        width: WIDTH,
        ..Options::default()
    };
    let finding = report::finding(&report, check, &options);
    if page.is_html() {
        Ok(as_html(
            page, &lab, &attempt, &report, check, &changed, &finding,
        ))
    } else {
        Ok(as_markdown(
            page, &lab, &attempt, &report, check, &changed, &finding,
        ))
    }
}

fn attempt(page: &Page<'_>, lab: &Lab, folder: &str, name: &str) -> Result<Attempt> {
    let mut attempts = lab.attempts().map_err(|e| Fault::lab(&e))?;
    attempts.retain(|a| a.name == name);
    attempts.pop().ok_or_else(|| {
        let names = page.site.names(folder, "");
        Fault::unknown("no attempt", name, names.iter().map(String::as_str)).within(&lab.slug)
    })
}

fn read_report(page: &Page<'_>, lab: &Lab, folder: &str, name: &str) -> Result<Report> {
    let path = format!("{folder}/{name}/report.json");
    let bless = format!("`mslab verify {} --bless` writes it.", lab.slug);
    let text = page
        .site
        .text(&path)
        .map_err(|_| Fault::new(format!("there is no `{path}`"), &bless))?;
    serde_json::from_str(&text)
        .map_err(|e| Fault::new(format!("`{path}` is no report: {e}"), bless))
}

/// The finding to show: that of the check called `key`, or the first.
fn pick<'a>(report: &'a Report, key: Option<&str>) -> Result<&'a CheckReport> {
    let failed = || report.checks.iter().filter(|c| c.status == Status::Failed);
    match key {
        Some(key) => failed().find(|c| c.key == key).ok_or_else(|| {
            Fault::unknown("no failed check", key, failed().map(|c| c.key.as_str()))
                .within(&report.lab)
        }),
        None => failed().next().ok_or_else(|| {
            Fault::new(
                "nothing fails in this attempt, so that it shows no mistake",
                "Show its Dockerfile with `{{#dockerfile PATH}}` or `{{#steps A B}}`.",
            )
        }),
    }
}

/// What differs between the attempt and what it is laid over.
fn changes(lab: &Lab, attempt: &Attempt) -> String {
    let base = match attempt.expected.base {
        AttemptBase::Solution => lab.solution(),
        AttemptBase::Starter => lab.starter(),
    };
    // Most files are the same, and some are long.
    let same = |path: &String| {
        base.get(path).map(|f| &f.bytes) == attempt.files.get(path).map(|f| &f.bytes)
    };
    let texts = |folder: &Folder| -> Files {
        let different = folder.iter().filter(|(path, _)| !same(path));
        different
            .filter(|(_, file)| std::str::from_utf8(&file.bytes).is_ok())
            .map(|(path, file)| {
                let source = Source::new(path.as_str(), file.bytes.as_ref());
                (path.clone(), source)
            })
            .collect()
    };
    let (before, mut after) = (texts(&base), texts(&attempt.files));
    // What is gone shows as a file of which every line goes.
    for path in before.keys() {
        if !after.contains_key(path) {
            after.insert(path.clone(), Source::new(path.as_str(), &b""[..]));
        }
    }
    diagnostic::diff(&before, &after)
}

fn base_name(attempt: &Attempt) -> &'static str {
    match attempt.expected.base {
        AttemptBase::Solution => "the solution",
        AttemptBase::Starter => "the starter",
    }
}

/// The other checks that fail.
fn others<'a>(report: &'a Report, check: &CheckReport) -> Vec<&'a CheckReport> {
    let failed = report.checks.iter().filter(|c| c.status == Status::Failed);
    failed.filter(|c| c.key != check.key).collect()
}

fn sentence(why: &str) -> String {
    let mut chars = why.chars();
    let first: String = chars
        .next()
        .map(|c| c.to_uppercase().collect())
        .unwrap_or_default();
    let end = if why.ends_with(['.', '?', '!']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{end}", chars.as_str())
}

fn as_html(
    page: &mut Page<'_>,
    lab: &Lab,
    attempt: &Attempt,
    report: &Report,
    check: &CheckReport,
    changed: &str,
    finding: &str,
) -> String {
    let id = page.id("mistake");
    let mut out = format!(
        "<section class=\"mslab-mistake\" aria-labelledby=\"{id}\">\n\
         <p class=\"mslab-lead\" id=\"{id}\"><span class=\"mslab-sign\" aria-hidden=\"true\">✗</span> {}</p>\n",
        html::prose(&sentence(&attempt.expected.why))
    );
    if !changed.is_empty() {
        let caption = format!(
            "<span class=\"mslab-part\">what differs from {} of exercise {}</span>",
            base_name(attempt),
            lab.number
        );
        let label = format!("What differs from {}", base_name(attempt));
        out.push_str(&diff::figure(changed, &caption, &label));
    }
    out.push_str(&format!(
        "<figure class=\"mslab-terminal\">\n<figcaption><span class=\"mslab-part\">what <code>mslab check {}</code> \
         says</span></figcaption>\n<pre class=\"mslab-code\" tabindex=\"0\" aria-label=\"What mslab says\"><samp>{}\
         </samp></pre>\n</figure>\n",
        lab.exercise(),
        terminal::html(finding.trim_end())
    ));
    out.push_str(&format!(
        "<p class=\"mslab-more\">The check: {}.",
        page.check_name(&check.id)
    ));
    let others = others(report, check);
    if !others.is_empty() {
        let names: Vec<String> = others.iter().map(|c| page.check_name(&c.id)).collect();
        out.push_str(&format!(" What fails with it: {}.", names.join(", ")));
    }
    out.push_str("</p>\n</section>\n");
    html::whole(&out)
}

fn as_markdown(
    page: &Page<'_>,
    lab: &Lab,
    attempt: &Attempt,
    report: &Report,
    check: &CheckReport,
    changed: &str,
    finding: &str,
) -> String {
    let mut out = format!("✗ {}\n\n", sentence(&attempt.expected.why));
    if !changed.is_empty() {
        out.push_str(&format!(
            "What differs from {} of exercise {}:\n\n{}\n",
            base_name(attempt),
            lab.number,
            escape::markdown_fence("diff", changed)
        ));
    }
    out.push_str(&format!(
        "What `mslab check {}` says:\n\n{}\nThe check: {}.\n",
        lab.exercise(),
        escape::markdown_fence("text", finding),
        page.check_word(&check.id)
    ));
    let others = others(report, check);
    if !others.is_empty() {
        let names: Vec<String> = others.iter().map(|c| page.check_word(&c.id)).collect();
        out.push_str(&format!("What fails with it: {}.\n", names.join(", ")));
    }
    out
}
