//! Every output of every sample report, compared with a stored file, and with the rules of its format.
//!
//! `MSLAB_BLESS=1` writes the files anew; read the difference as prose before you commit it.

mod ci;
mod hostile;
mod page;
mod platforms;
mod samples;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mslab_core::report::{self, Options, Report};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/reports")
}

/// What is rendered: a sample, an output, and options that differ from the default.
fn cases() -> Vec<(String, String)> {
    let mut cases = Vec::new();
    for (sample, reports) in samples::all() {
        for output in report::OUTPUTS {
            let rendered = (output.render)(&reports, &options(&reports));
            cases.push((
                format!("{sample}.{}.{}", output.name, output.extension),
                rendered,
            ));
        }
    }
    let human = |sample: &str, options: &Options| {
        let samples = samples::all();
        let (_, reports) = samples.iter().find(|(name, _)| *name == sample).unwrap();
        (report::output("human").unwrap().render)(reports, options)
    };
    let more = [
        (
            "failed.color",
            "failed",
            Options {
                color: true,
                ..Options::default()
            },
        ),
        (
            "failed.narrow",
            "failed",
            Options {
                width: 50,
                ..Options::default()
            },
        ),
        (
            "failed.quiet",
            "failed",
            Options {
                quiet: true,
                ..Options::default()
            },
        ),
        (
            "hostile.ascii",
            "hostile",
            Options {
                ascii: true,
                ..Options::default()
            },
        ),
        (
            "hostile.verbose",
            "hostile",
            Options {
                verbose: true,
                ..Options::default()
            },
        ),
    ];
    for (name, sample, options) in more {
        cases.push((format!("{name}.txt"), human(sample, &options)));
    }
    cases
}

fn options(reports: &[Report]) -> Options {
    Options {
        width: 90,
        next: (reports.len() == 1).then(|| "mslab hint exercise-5".to_owned()),
        folders: [("exercise-5".to_owned(), "exercise-05-go-scratch".to_owned())].into(),
        submission: Some(platforms::submission()),
        ..Options::default()
    }
}

/// A page without its style sheet, which is looked at in a browser and not here.
fn without_style(page: &str) -> String {
    let style = page.split_once("<style>").zip(page.split_once("</style>"));
    match style {
        Some(((before, _), (_, after))) => format!("{before}<style>STYLE</style>{after}"),
        None => page.to_owned(),
    }
}

fn bless() -> bool {
    std::env::var_os("MSLAB_BLESS").is_some()
}

#[test]
fn outputs_are_as_stored() {
    let root = root();
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    let mut known = BTreeSet::new();
    let mut wrong = Vec::new();
    for (name, rendered) in cases() {
        let rendered = rendered.replace(&version, "\"version\": \"VERSION\"");
        let rendered = without_style(&rendered);
        let path = root.join(&name);
        if bless() {
            std::fs::write(&path, &rendered).unwrap();
        } else if std::fs::read_to_string(&path).ok().as_deref() != Some(rendered.as_str()) {
            wrong.push(name.clone());
        }
        known.insert(name);
    }
    for entry in std::fs::read_dir(&root).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !known.contains(&name) {
            wrong.push(format!("{name} (belongs to no case)"));
        }
    }
    assert!(
        wrong.is_empty(),
        "differ from {}: {wrong:#?}",
        root.display()
    );
}

#[test]
fn json_keeps_to_its_schema_and_comes_back_whole() {
    let validator = jsonschema::validator_for(report::schema().as_value()).unwrap();
    let json = report::output("json").unwrap();
    for (name, reports) in samples::all() {
        let text = (json.render)(&reports, &Options::default());
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        if let [one] = &reports[..] {
            assert_eq!(
                &serde_json::from_str::<Report>(&text).unwrap(),
                one,
                "{name}"
            );
        } else {
            assert_eq!(
                serde_json::from_str::<report::Reports>(&text)
                    .unwrap()
                    .reports,
                reports
            );
        }
    }
    let mut spoiled = serde_json::to_value(&samples::all()[0].1[0]).unwrap();
    spoiled["outcome"] = "fine".into();
    assert!(!validator.is_valid(&spoiled), "the schema accepts anything");
}

/// Nothing that steers a terminal comes through, whatever the submission holds.
#[test]
fn no_output_lets_a_control_character_through() {
    for (name, rendered) in cases().iter().filter(|(n, _)| !n.contains("color")) {
        let steering = |c: char| {
            (c.is_control() && c != '\n' && c != '\t')
                || matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        if let Some(c) = rendered.chars().find(|c| steering(*c)) {
            panic!("{name} holds {c:?}");
        }
        if name.contains("ascii") {
            assert!(rendered.is_ascii(), "{name} is not ASCII");
        }
    }
}

#[test]
fn outputs_have_names_of_their_own() {
    let names: BTreeSet<&str> = report::OUTPUTS.iter().map(|o| o.name).collect();
    assert_eq!(names.len(), report::OUTPUTS.len());
    assert!(report::output("no-such-output").is_none());
}

#[test]
fn junit_is_well_formed_and_counts_what_it_holds() {
    let junit = report::output("junit").unwrap();
    for (name, reports) in samples::all() {
        let text = (junit.render)(&reports, &Options::default());
        let document = roxmltree::Document::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let count = |tag: &str| {
            document
                .descendants()
                .filter(|n| n.has_tag_name(tag))
                .count()
        };
        let root = document.root_element();
        assert_eq!(
            root.attribute("tests"),
            Some(count("testcase").to_string().as_str())
        );
        assert_eq!(
            root.attribute("failures"),
            Some(count("failure").to_string().as_str())
        );
        assert_eq!(
            root.attribute("errors"),
            Some(count("error").to_string().as_str())
        );
    }
}

#[test]
fn sarif_points_to_rules_and_files_that_are_there() {
    let sarif = report::output("sarif").unwrap();
    // Types made from the standard's own schema: what they do not know would be lost on the way.
    let reread = |text: &str| {
        let log: serde_sarif::sarif::Sarif = serde_json::from_str(text).unwrap();
        serde_json::to_value(log).unwrap()
    };
    for (name, reports) in samples::all() {
        let text = (sarif.render)(&reports, &Options::default());
        let log: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(reread(&text), log, "{name}");
        let runs = log["runs"].as_array().unwrap();
        assert_eq!(runs.len(), reports.len());
        for (run, report) in runs.iter().zip(&reports) {
            let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
            let failed = report.count(report::Status::Failed);
            let results = run["results"].as_array().unwrap();
            assert_eq!(results.len(), failed, "{name}");
            for result in results {
                let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
                assert_eq!(rules[index]["id"], result["ruleId"]);
                let at = &result["locations"][0]["physicalLocation"];
                assert!(
                    at["artifactLocation"]["uri"].is_string(),
                    "{name}: {result}"
                );
            }
            let ok = report.outcome != report::Outcome::Error;
            assert_eq!(run["invocations"][0]["executionSuccessful"], ok, "{name}");
        }
    }
}
