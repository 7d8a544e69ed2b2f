//! SARIF 2.1.0: what every student's work failed, in one run, for code scanning and editors.
//!
//! One run, because GitHub takes 20 of a file at most. It also takes 25,000 results of a run: of a larger class the
//! rest is left out, and a notification says so. Results are written as they are read, and what they refer to after
//! them; the order of members means nothing in JSON.

use std::io::Write;

use mslab_core::report::{SARIF_SCHEMA, SarifRun, to_json};
use mslab_core::text::{escape, plural};
use serde_json::json;

use super::Output;
use super::shown::{OutputError, Shown};
use super::types::GradeState;

pub(super) const OUTPUT: Output = Output {
    name: "sarif",
    file: Some("findings.sarif"),
    about: "SARIF 2.1.0, for code scanning and editors",
    write,
};

/// Of a file with more results, GitHub takes nothing.
const RESULTS: usize = 25_000;

fn write(out: &mut dyn Write, shown: &Shown<'_>) -> Result<(), OutputError> {
    let mut run = SarifRun::default();
    for one in shown.class.attention() {
        let text = format!("{}: {}: {}", one.name(), one.state.words(), one.reason);
        match one.state {
            GradeState::Refused => run.note(&text),
            _ => run.missed(&text),
        }
    }
    write!(
        out,
        "{{\n\"$schema\": \"{SARIF_SCHEMA}\",\n\"version\": \"2.1.0\",\n\"runs\": [{{\n\"results\": ["
    )?;
    let mut found = 0;
    for student in &shown.class.students {
        let id = escape::line(&student.id);
        let work = shown.verdicts(student)?;
        for report in &work.reports {
            let name = format!("{id}/{}", report.exercise);
            for mut result in run.add(report, &work.options, &name) {
                found += 1;
                if found > RESULTS {
                    continue;
                }
                result["properties"]["student"] = json!(id);
                let comma = if found == 1 { "" } else { "," };
                write!(out, "{comma}\n{}", to_json(&result).trim_end())?;
            }
        }
    }
    if found > RESULTS {
        let left = plural(found - RESULTS, "result");
        run.note(&format!("{left} left out: GitHub takes {RESULTS} at most"));
    }
    // The run's other members, without the brace that opens them.
    let rest = to_json(&run.end("mslab/class/"));
    let rest = rest.trim_start_matches('{').trim_end();
    write!(out, "\n],{rest}]\n}}\n")?;
    Ok(())
}
