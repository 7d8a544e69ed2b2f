//! One failed check: what does not hold, where, what was expected and found, why it matters, and what to change.

use super::Page;
use super::code;
use super::text::{block, content, prose};
use crate::report::{CheckReport, FixReport, PlaceReport, Report, words};
use crate::text::cut;

/// Bytes of a log that are shown; of more, the beginning and the end.
const LOG: usize = 64_000;

pub(super) fn write(page: &mut Page<'_>, report: &Report, check: &CheckReport, id: &str) {
    let level = words::hint_level(check);
    page.line(&format!("<article class=\"finding\" id=\"{id}\">"));
    page.heading(
        2,
        &format!(
            "<span class=\"key\"><span aria-hidden=\"true\">✗</span> <code>{}</code></span> {}",
            content(&check.key),
            prose(&words::headline(check))
        ),
    );
    subtitle(page, check);
    if level >= 2 {
        places(page, report, check);
    }
    if let Some(nudge) = check.hint.as_ref().and_then(|h| h.nudge.as_ref())
        && level < 3
    {
        page.line(&format!("<p class=\"nudge\">{}</p>", prose(nudge)));
    }
    if level >= 2 {
        compared(page, check);
        if !check.why.is_empty() {
            page.line(&format!("<p>{}</p>", prose(&check.why)));
        }
        log(page, check);
        if let Some(help) = &check.help {
            page.line(&format!("<p class=\"help\">{}</p>", prose(help)));
        }
        if let Some(fix) = &check.fix {
            match words::shown_before(report, check) {
                Some(key) => {
                    let text = format!("Fix: the same as for `{key}`.");
                    page.line(&format!("<p class=\"fix\">{}</p>", prose(&text)));
                }
                None => self::fix(page, fix),
            }
        }
    }
    if let Some(more) = words::more(report, check) {
        page.line(&format!("<p class=\"quiet\">{}.</p>", prose(&more)));
    }
    page.line("</article>");
}

/// What must hold, in words, with its limits, and where to read more.
fn subtitle(page: &mut Page<'_>, check: &CheckReport) {
    let mut parts = Vec::new();
    if words::hint_level(check) > 1 && !check.title.is_empty() {
        parts.push(format!("must hold: {}", check.title));
    }
    if !check.title.eq_ignore_ascii_case(&check.summary) {
        parts.push(check.summary.clone());
    }
    // What no check says, such as that work was refused, has no page of its own.
    if !check.id.is_empty() {
        parts.push(format!("`mslab explain {}`", check.id));
    }
    parts.retain(|part| !part.is_empty());
    let text = parts.join(" · ");
    page.line(&format!("<p class=\"quiet\">{}</p>", prose(&text)));
}

fn places(page: &mut Page<'_>, report: &Report, check: &CheckReport) {
    let related = check.related.iter();
    let related = related.map(|r| (&r.place, r.note.as_str(), false));
    let main = check.place.iter().map(|p| (p, "", true));
    for (place, note, main) in main.chain(related) {
        let options = page.options;
        let at = words::place(place, |file| options.path(report, file));
        let mut caption = format!("<code>{}</code>", content(&at));
        if !note.is_empty() {
            caption.push_str(&format!(" {}", prose(note)));
        }
        match place {
            PlaceReport::Text { snippet, .. } if !snippet.is_empty() => {
                let code = code::lines(place, main);
                let class = if main { "fault" } else { "other" };
                page.line(&format!(
                    "<figure class=\"{class}\">\n<figcaption>{caption}</figcaption>\n{}\n</figure>",
                    scroll("Lines of the file", "source", &code)
                ));
            }
            _ => page.line(&format!("<p class=\"place\">{caption}</p>")),
        }
    }
}

/// What was expected and what was found, one above the other.
fn compared(page: &mut Page<'_>, check: &CheckReport) {
    let pairs = [("expected", &check.expected), ("found", &check.actual)];
    if pairs.iter().all(|(_, text)| text.is_none()) {
        return;
    }
    page.line("<dl class=\"compared\">");
    for (label, text) in pairs {
        if let Some(text) = text {
            page.line(&format!("<dt>{label}</dt><dd>{}</dd>", prose(text)));
        }
    }
    page.line("</dl>");
}

fn log(page: &mut Page<'_>, check: &CheckReport) {
    if check.details.is_empty() {
        return;
    }
    let log = check.details.join("\n");
    let log = block(&cut(&log, LOG));
    page.line(&format!(
        "<figure>\n<figcaption>details</figcaption>\n{}\n</figure>",
        scroll("Details", "log", &log)
    ));
}

fn fix(page: &mut Page<'_>, fix: &FixReport) {
    let tried = words::verified(fix.verified);
    page.line(&format!(
        "<figure class=\"fix\">\n<figcaption><strong>Fix:</strong> {} <span class=\"quiet\">({})</span></figcaption>\n{}\n</figure>",
        prose(&fix.title),
        prose(tried),
        scroll("Changes", "diff", &code::diff(&fix.diff))
    ));
}

/// Text in letters of one width that may be wider than the page: it scrolls by itself, and the keyboard can reach it.
fn scroll(label: &str, class: &str, html: &str) -> String {
    format!(
        "<pre class=\"{class}\" tabindex=\"0\" role=\"group\" aria-label=\"{label}\"><code>{html}</code></pre>"
    )
}
