//! An attempt's report as it is stored beside it: what mslab says to whoever makes this mistake.
//!
//! Stored are only words that another machine repeats: no times, no ids, no engine. Two reports count as the same when
//! they differ in nothing but numbers (another base image has another size) and in what a program printed.

use std::path::Path;

use mslab_core::report::{self, PlaceReport, Report, Status, Verified};

use super::fixes::FixTrial;
use crate::failure::{Failure, Result};

/// A stored report's name in the attempt's folder.
pub(crate) const NAME: &str = "report.json";

/// `report` without what belongs to one machine or one run. Fixes that were built and hold say so.
pub(crate) fn normal(report: &Report, trials: &[FixTrial]) -> Report {
    let mut normal = report.clone();
    normal.engine = None;
    normal.duration_ms = 0;
    for build in &mut normal.builds {
        build.image_id = None;
        build.duration_ms = 0;
        build.cached_steps = 0;
    }
    for check in &mut normal.checks {
        if check.status == Status::Passed && names_a_time(&check.message) {
            check.message.clone_from(&check.summary);
        }
        let held = trials
            .iter()
            .any(|t| t.key == check.key && t.trouble.is_empty());
        if let (true, Some(fix)) = (held, &mut check.fix) {
            fix.verified = Verified::Build;
        }
    }
    normal
}

/// How what is stored differs from `report`; nothing where it does not.
pub(crate) fn stale(stored: Option<&[u8]>, report: &Report) -> Option<String> {
    let Some(stored) = stored else {
        return Some("no report is stored beside it".to_owned());
    };
    let Ok(stored) = serde_json::from_slice::<Report>(stored) else {
        return Some(format!("the stored {NAME} is no report"));
    };
    let (old, new) = (outline(stored), outline(report.clone()));
    if old == new {
        return None;
    }
    let differs = old.checks.iter().zip(&new.checks).find(|(o, n)| o != n);
    Some(match differs {
        Some((_, check)) => format!("the stored {NAME} says otherwise of `{}`", check.key),
        None => format!("the stored {NAME} is another one"),
    })
}

/// What must be the same on every machine.
fn outline(mut report: Report) -> Report {
    report.engine = None;
    report.duration_ms = 0;
    report.stand_ins.clear();
    report.builds.clear();
    for check in &mut report.checks {
        check.details.clear();
        check.message = without_numbers(&check.message);
        check.actual = check.actual.as_deref().map(without_numbers);
        check.help = check.help.as_deref().map(without_numbers);
        for related in &mut check.related {
            related.note = without_numbers(&related.note);
        }
        if let Some(PlaceReport::Image { layer, .. }) = &mut check.place {
            *layer = None;
        }
        if let Some(fix) = &mut check.fix {
            fix.verified = Verified::Text;
        }
        if check.status == Status::Passed {
            check.message.clear();
        }
    }
    report
}

/// Whether `text` says how long something took: `200 after 534 ms`.
fn names_a_time(text: &str) -> bool {
    const TIMES: [&str; 3] = ["ms", "s", "min"];
    let words: Vec<&str> = text.split([' ', ',']).collect();
    words
        .windows(2)
        .any(|w| w[0].starts_with(|c: char| c.is_ascii_digit()) && TIMES.contains(&w[1]))
}

/// `text` with every number, its point and its unit made one sign.
fn without_numbers(text: &str) -> String {
    const UNITS: [&str; 8] = ["kB", "MB", "GB", "B", "ms", "s", "min", "%"];
    let mut words = text.split(' ').map(|word| {
        let plain = word.trim_matches(|c: char| c.is_ascii_punctuation() && c != '%');
        let number = plain.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let is_number =
            number.len() < plain.len() && (number.is_empty() || UNITS.contains(&number));
        if is_number {
            word.replace(plain, "#")
        } else {
            word.to_owned()
        }
    });
    let mut out: Vec<String> = Vec::new();
    for word in &mut words {
        let after_number = out.last().is_some_and(|w| w.ends_with('#'));
        let plain = word.trim_end_matches(|c: char| c.is_ascii_punctuation() && c != '%');
        if after_number && UNITS.contains(&plain) {
            if let Some(last) = out.last_mut() {
                last.push_str(&word[plain.len()..]);
            }
        } else {
            out.push(word);
        }
    }
    out.join(" ")
}

fn json(report: &Report) -> String {
    let render = report::output("json").map(|o| o.render);
    render.map_or_else(String::new, |r| {
        r(std::slice::from_ref(report), &report::Options::default())
    })
}

/// Stores a report in the attempt's folder.
pub(crate) fn store(folder: &Path, report: &Report) -> Result<()> {
    let path = folder.join(NAME);
    let text = json(report);
    std::fs::write(&path, text).map_err(|e| Failure::file("write", &path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_other_numbers() {
        for text in [
            "builds in 802 ms, 5 of 6 steps from the cache",
            "200 after 3.3 s",
        ] {
            assert!(names_a_time(text), "{text}");
        }
        assert!(!names_a_time("139 MB of at most 200 MB"));
    }

    #[test]
    fn numbers_and_their_units_are_left_out() {
        let same = |a, b| assert_eq!(without_numbers(a), without_numbers(b));
        same(
            "the image has 124 MB, 20 MB too many",
            "the image has 1.2 GB, 900 kB too many",
        );
        same("took 15 s (limit 10s).", "took 300 ms (limit 1s).");
        assert_eq!(
            without_numbers("node24 is no number, nor is v1.2"),
            "node24 is no number, nor is v1.2"
        );
        assert_ne!(without_numbers("12 files"), without_numbers("12 folders"));
    }
}
