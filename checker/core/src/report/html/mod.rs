//! HTML: one page that stands alone, for a student's report.
//!
//! It needs no network and no script, and its policy forbids both, so that nothing in a submission could use them. The
//! page is well-formed XML, too: a strict reader can prove that no text of a submission became a part of the page.

mod code;
mod finding;
mod text;

use super::{CheckReport, Options, Output, Report, Status, counted, grade, words};
use text::{content, prose};

pub(super) const OUTPUT: Output = Output {
    name: "html",
    extension: "html",
    about: "a page for a student, without network or script",
    platform: false,
    render,
};

const STYLE: &str = include_str!("style.css");

fn render(reports: &[Report], options: &Options) -> String {
    let mut page = Page {
        options,
        out: String::new(),
        top: if reports.len() > 1 { 2 } else { 1 },
    };
    page.head(reports);
    if reports.len() > 1 {
        page.overview(reports);
    }
    for (n, report) in reports.iter().enumerate() {
        page.report(n + 1, report);
    }
    page.out.push_str("</main>\n</body>\n</html>\n");
    page.out
}

/// What a page that stands alone begins with, its `<main>` included. The policy forbids scripts and the network.
#[must_use]
pub fn head(title: &str, style: &str) -> String {
    let title = content(title);
    format!(
        "<!DOCTYPE html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;; base-uri &#39;none&#39;; form-action &#39;none&#39;\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <meta name=\"referrer\" content=\"no-referrer\"/>\n\
         <title>{title}</title>\n\
         <style>\n{style}</style>\n\
         </head>\n\
         <body>\n\
         <main>\n"
    )
}

/// The page as it grows.
struct Page<'a> {
    options: &'a Options,
    out: String,
    /// The level of a report's own heading.
    top: usize,
}

impl Page<'_> {
    fn line(&mut self, html: &str) {
        self.out.push_str(html);
        self.out.push('\n');
    }

    /// A heading `below` the report's own, with content that is HTML already.
    fn heading(&mut self, below: usize, html: &str) {
        let level = self.top + below;
        self.line(&format!("<h{level}>{html}</h{level}>"));
    }

    fn head(&mut self, reports: &[Report]) {
        let title = match reports {
            [one] => format!("{}: {}", words::name(one), words::outcome(one)),
            many => crate::text::plural(many.len(), "exercise"),
        };
        let Some(whose) = &self.options.whose else {
            self.out.push_str(&head(&title, STYLE));
            return;
        };
        self.out
            .push_str(&head(&format!("{whose}, {title}"), STYLE));
        self.line(&format!("<p class=\"kicker\">{}</p>", content(whose)));
    }

    /// Of several reports: each with its outcome and its points, and their sum.
    fn overview(&mut self, reports: &[Report]) {
        let passed = reports
            .iter()
            .filter(|r| words::status_of(r) == Status::Passed)
            .count();
        self.line("<header>");
        self.line(&format!("<h1>{passed} of {} passed</h1>", reports.len()));
        if let Ok(grade) = grade::grade(&counted(reports), self.options) {
            self.bar(grade.score, grade.max_score);
            self.line(&format!(
                "<p class=\"tally\">{} / {} points</p>",
                grade.score, grade.max_score
            ));
        }
        self.line("</header>");
        self.line("<nav aria-label=\"Exercises\">\n<ul class=\"exercises\">");
        for (n, report) in reports.iter().enumerate() {
            let score = words::score(report).map(|s| format!(", {s}"));
            self.line(&format!(
                "<li>{} <a href=\"#r{}\">{}</a> <span class=\"quiet\">{}{}</span></li>",
                sign(words::status_of(report)),
                n + 1,
                prose(&words::heading(report)),
                words::outcome(report),
                score.unwrap_or_default(),
            ));
        }
        self.line("</ul>\n</nav>");
    }

    fn report(&mut self, number: usize, report: &Report) {
        self.line(&format!("<section class=\"report\" id=\"r{number}\">"));
        self.line("<header>");
        if report.lab.is_empty() || report.title.is_empty() {
            self.heading(0, &prose(words::name(report)));
        } else {
            self.line(&format!(
                "<p class=\"kicker\">{}</p>",
                prose(&report.exercise)
            ));
            self.heading(0, &prose(&report.title));
        }
        self.verdict(report);
        self.line("</header>");
        if !report.checks.is_empty() {
            self.heading(1, "Checks");
            self.checks(number, report);
        }
        let failed = || {
            let checks = report.checks.iter().enumerate();
            checks.filter(|(_, c)| c.status == Status::Failed)
        };
        if failed().next().is_some() {
            self.heading(1, "What does not hold");
            for (n, check) in failed() {
                finding::write(self, report, check, &anchor(number, n));
            }
        }
        self.footer(report);
        self.line("</section>");
    }

    /// The outcome with its sign, the points as a number and as a bar, and what is to be known about both.
    fn verdict(&mut self, report: &Report) {
        let status = words::status_of(report);
        self.line(&format!("<div class=\"verdict {}\">", class(status)));
        let score = words::score(report).map(|s| format!(" <span class=\"score\">{s}</span>"));
        self.line(&format!(
            "<p class=\"outcome\">{} <strong>{}</strong>{}</p>",
            sign(status),
            words::outcome(report),
            score.unwrap_or_default()
        ));
        if words::score(report).is_some() {
            self.bar(report.score, report.max_score);
        }
        if !words::nothing(report) {
            self.line(&format!("<p class=\"tally\">{}</p>", words::tally(report)));
        }
        let mark = self.options.marks.get(&report.exercise);
        let notices = [
            mark.map(|m| words::mark(m, report)),
            words::unscored(report).map(str::to_owned),
            words::partial(report),
            words::stand_ins(report),
        ];
        for notice in notices.into_iter().flatten() {
            self.line(&format!("<p class=\"notice\">{}</p>", prose(&notice)));
        }
        self.line("</div>");
    }

    /// Points as a bar. Drawn, because browsers print no backgrounds.
    fn bar(&mut self, score: u32, max: u32) {
        let score = score.min(max);
        self.line(&format!(
            "<svg class=\"bar\" viewBox=\"0 0 {max} 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <rect class=\"whole\" width=\"{max}\" height=\"1\"/><rect class=\"part\" width=\"{score}\" height=\"1\"/></svg>"
        ));
    }

    fn checks(&mut self, number: usize, report: &Report) {
        self.line("<table class=\"checks\">");
        self.line(
            "<thead>\n<tr><th scope=\"col\">Verdict</th><th scope=\"col\">Check</th>\
             <th scope=\"col\" class=\"points\">Points</th></tr>\n</thead>\n<tbody>",
        );
        for (n, check) in report.checks.iter().enumerate() {
            self.row(check, &anchor(number, n));
        }
        self.line("</tbody>\n</table>");
    }

    fn row(&mut self, check: &CheckReport, anchor: &str) {
        let key = format!("<code>{}</code>", content(&check.key));
        let (key, said) = match check.status {
            Status::Failed => (
                format!("<a href=\"#{anchor}\">{key}</a>"),
                words::headline(check),
            ),
            Status::Passed => (key, words::headline(check)),
            _ => (key, words::reason(check).into()),
        };
        self.line(&format!(
            "<tr><td class=\"sign\">{}\u{a0}{}</td><td>{key} <span class=\"said\">{}</span></td><td class=\"points\">{}</td></tr>",
            sign(check.status),
            words::status(check.status),
            prose(&said),
            words::points(check).unwrap_or_default(),
        ));
    }

    fn footer(&mut self, report: &Report) {
        let builds = report
            .builds
            .iter()
            .map(|b| (words::build_name(b), words::build(b)));
        let mut items: Vec<(String, String)> = builds
            .map(|(name, build)| (format!("built {name}"), build))
            .collect();
        if let Some(engine) = &report.engine {
            items.push(("engine".into(), words::engine(engine)));
        }
        if items.is_empty() {
            return;
        }
        self.line("<footer>\n<dl>");
        for (label, text) in items {
            self.line(&format!(
                "<dt>{}</dt><dd>{}</dd>",
                content(&label),
                prose(&text)
            ));
        }
        self.line("</dl>\n</footer>");
    }
}

/// Where a check's finding is on the page.
fn anchor(report: usize, check: usize) -> String {
    format!("r{report}c{}", check + 1)
}

/// A status as a class of the stylesheet.
fn class(status: Status) -> &'static str {
    match status {
        Status::Passed => "passed",
        Status::Failed => "failed",
        Status::Skipped => "skipped",
        Status::Error => "error",
    }
}

/// The sign of a status. A word beside it says the same.
fn sign(status: Status) -> String {
    let sign = match status {
        Status::Passed => "✓",
        Status::Failed => "✗",
        Status::Skipped => "–",
        Status::Error => "!",
    };
    let class = class(status);
    format!("<span class=\"mark {class}\" aria-hidden=\"true\">{sign}</span>")
}
