//! JUnit XML: a test suite for each exercise and a test case for each check, for CI systems and graders.
//!
//! It keeps to what the schema of Jenkins' xUnit plugin (`junit-10.xsd`) allows, which other readers accept as well: points
//! are properties of the suite, since a test case may have none there.

use std::fmt::Write as _;

use super::{CheckReport, Options, Output, Report, Status, words};
use crate::text::escape;

pub(super) const OUTPUT: Output = Output {
    name: "junit",
    extension: "xml",
    about: "JUnit XML, for CI systems",
    platform: false,
    render,
};

fn render(reports: &[Report], options: &Options) -> String {
    let count = |status| reports.iter().map(|r| r.count(status)).sum::<usize>();
    let tests: usize = reports.iter().map(|r| r.checks.len()).sum();
    let time: u64 = reports.iter().map(|r| r.duration_ms).sum();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"mslab\" tests=\"{tests}\" failures=\"{}\" errors=\"{}\" time=\"{}\">",
        count(Status::Failed),
        count(Status::Error),
        seconds(time),
    );
    for report in reports {
        suite(&mut out, report, options);
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(out: &mut String, report: &Report, options: &Options) {
    let _ = writeln!(
        out,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">",
        escape::xml_attribute(&report.exercise),
        report.checks.len(),
        report.count(Status::Failed),
        report.count(Status::Error),
        report.count(Status::Skipped),
        seconds(report.duration_ms),
    );
    out.push_str("    <properties>\n");
    property(out, "title", &report.title);
    property(out, "outcome", words::outcome(report));
    if words::score(report).is_some() {
        property(out, "score", &report.score.to_string());
        property(out, "max_score", &report.max_score.to_string());
    }
    if report.partial {
        property(out, "partial", "true");
    }
    if !report.stand_ins.is_empty() {
        property(out, "stand_ins", &report.stand_ins.join(" "));
    }
    if let Some(engine) = &report.engine {
        property(out, "engine", &words::engine(engine));
    }
    for check in report.checks.iter().filter(|c| c.max_points > 0) {
        let points = format!("{}/{}", check.points, check.max_points);
        property(out, &format!("points.{}", check.key), &points);
    }
    out.push_str("    </properties>\n");
    for check in &report.checks {
        case(out, report, check, options);
    }
    out.push_str("  </testsuite>\n");
}

fn case(out: &mut String, report: &Report, check: &CheckReport, options: &Options) {
    let _ = write!(
        out,
        "    <testcase name=\"{}\" classname=\"{}\"",
        escape::xml_attribute(&check.key),
        escape::xml_attribute(&report.exercise)
    );
    let message = escape::xml_attribute(&words::headline(check));
    match check.status {
        Status::Passed => out.push_str("/>\n"),
        Status::Skipped => {
            let _ = writeln!(
                out,
                ">\n      <skipped message=\"{message}\"/>\n    </testcase>"
            );
        }
        status => {
            let element = if status == Status::Failed {
                "failure"
            } else {
                "error"
            };
            let _ = writeln!(
                out,
                ">\n      <{element} type=\"{}\" message=\"{message}\">{}</{element}>\n    </testcase>",
                escape::xml_attribute(&check.id),
                escape::xml(&words::plain(report, check, options)),
            );
        }
    }
}

fn property(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(
        out,
        "      <property name=\"{}\" value=\"{}\"/>",
        escape::xml_attribute(name),
        escape::xml_attribute(value)
    );
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}
