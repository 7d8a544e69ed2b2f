//! `mslab check` for machines: every format is what its readers expect, and the exit code says the worst.

use std::fs;

use mslab_tests::{Run, Sandbox, classroom50, root, statuses};

const GOOD: &str = "FROM golang:1.27 AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /app\n\n\
                    FROM scratch\nCOPY --from=build /app /app\nENTRYPOINT [\"/app\"]\n";
const BAD: &str = "FROM alpine\nENV PASSWORD=hunter2\nCMD echo hi\n";
const BROKEN: &str = "FROM golang AS\nRUNN x\n";

/// A folder with three Dockerfiles, and no workspace.
fn three() -> Sandbox {
    let here = Sandbox::new();
    for (name, text) in [("good", GOOD), ("bad", BAD), ("broken", BROKEN)] {
        fs::write(here.path().join(name), text).unwrap();
    }
    here
}

#[test]
fn files_are_judged_in_one_run_and_the_exit_code_is_the_worst() {
    let here = three();
    for (files, code) in [
        (vec!["good"], 0),
        (vec!["bad"], 1),
        (vec!["broken"], 1),
        (vec!["good", "bad", "broken"], 1),
        (vec!["good", "missing"], 2),
        (vec!["good", "."], 2),
    ] {
        let run = here.run(&[&["check", "--file"], &files[..]].concat());
        assert_eq!(run.code, code, "{files:?}: {run:?}");
    }
    let run = here.run(&[
        "check", "--file", "good", "bad", "broken", "--format", "json",
    ]);
    let report = run.json();
    let of = |i: usize| &report["reports"][i];
    assert_eq!(of(0)["outcome"], "passed");
    assert_eq!(of(0)["partial"], true, "nothing was built");
    assert_eq!(
        statuses(of(1), "failed"),
        ["base-pinned", "no-secret-in-source", "exec-form"]
    );
    assert_eq!(statuses(of(2), "failed"), ["builds"]);
}

#[test]
fn json_keeps_to_the_schema_that_is_committed() {
    let here = three();
    let schema = fs::read(root().join("schema/report.v1.json")).unwrap();
    let schema = serde_json::from_slice(&schema).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for name in ["good", "bad", "broken"] {
        let report = here
            .run(&["check", "--file", name, "--format", "json"])
            .json();
        let errors: Vec<String> = schema.iter_errors(&report).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
    let here = Sandbox::workspace();
    let all = here.run(&["check", "--all", "--static", "--format", "json"]);
    assert_eq!(all.code, 1, "{all:?}");
    let all = all.json();
    let reports = all["reports"].as_array().unwrap();
    assert!(reports.len() > 3, "{all}");
    for report in reports {
        let errors: Vec<String> = schema.iter_errors(report).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", report["exercise"]);
    }
}

#[test]
fn junit_counts_what_it_lists() {
    let here = three();
    let run = here.run(&[
        "check", "--file", "good", "bad", "broken", "--format", "junit",
    ]);
    let xml = roxmltree::Document::parse(&run.stdout).unwrap();
    let count = |name: &str| xml.descendants().filter(|n| n.has_tag_name(name)).count();
    let said = |name| {
        xml.root_element()
            .attribute(name)
            .unwrap()
            .parse::<usize>()
            .unwrap()
    };
    assert_eq!(said("tests"), count("testcase"));
    assert_eq!(said("failures"), count("failure"));
    assert_eq!((count("failure"), count("error")), (4, 0));
}

#[test]
fn sarif_names_the_file_and_the_line() {
    let here = three();
    let run = here.run(&["check", "--file", "bad", "--format", "sarif"]);
    assert_eq!(run.code, 1);
    let results = run.json()["runs"][0]["results"].clone();
    let results = results.as_array().unwrap();
    assert_eq!(results.len(), 3, "{results:#?}");
    let place = &results[1]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "bad");
    assert_eq!(place["region"]["startLine"], 2);
}

#[test]
fn github_annotates_lines_and_appends_to_the_jobs_summary() {
    let here = three();
    let summary = here.path().join("summary.md");
    fs::write(&summary, "An earlier step wrote this.\n").unwrap();
    let mut command = here.command(&["check", "--file", "bad", "--format", "github"]);
    let output = command
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("::error file=bad,line=2,col=5"), "{text}");
    let summary = fs::read_to_string(summary).unwrap();
    assert!(summary.starts_with("An earlier step wrote this.\n"));
    assert!(summary.contains("no-secret-in-source"), "{summary}");
}

#[test]
fn output_writes_a_file_and_says_nothing() {
    let here = three();
    let run = here.run(&[
        "check", "--file", "bad", "--format", "json", "--output", "out.json",
    ]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
    let written = fs::read_to_string(here.path().join("out.json")).unwrap();
    let shown = here
        .run(&["check", "--file", "bad", "--format", "json"])
        .stdout;
    assert_eq!(written, shown);
    let run = here.run(&["check", "--file", "bad", "--output", "no/such/folder"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stderr.contains("no/such/folder"), "{run:?}");
}

#[test]
fn classroom_50_is_told_whose_work_it_is_or_nothing() {
    let here = three();
    let args = ["check", "--file", "bad", "--format", "classroom50"];
    let run = here.run(&args);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
    for name in ["CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL"] {
        assert!(run.stderr.contains(name), "{run:?}");
    }
    let here = Sandbox::workspace();
    let args = ["check", "--all", "--static", "--format", "classroom50"];
    let run: Run = classroom50(&mut here.command(&args))
        .output()
        .unwrap()
        .into();
    assert_eq!(run.code, 1, "{run:?}");
    let result = run.json();
    assert_eq!(result["schema"], "classroom50/result/v1");
    assert_eq!(result["owner"], "ada");
    assert_eq!(result["datetime"], "2026-06-01T14:32:05Z");
    let tests = result["tests"].as_array().unwrap();
    let sum: u64 = tests.iter().map(|t| t["score"].as_u64().unwrap()).sum();
    assert_eq!(result["score"].as_u64(), Some(sum));
}

/// No engine is no zero: the exit code says so, and each platform's file, too.
#[test]
fn no_platform_gets_a_number_where_nothing_answers() {
    let here = Sandbox::workspace();
    for format in ["gradescope", "classroom50", "prairielearn"] {
        let args = [
            "check",
            "5",
            "--engine",
            "unix:///no/such/socket",
            "--format",
            format,
        ];
        let run: Run = classroom50(&mut here.command(&args))
            .output()
            .unwrap()
            .into();
        assert_eq!(run.code, 3, "{run:?}");
        let result = run.json();
        for number in ["score", "max-score", "tests"] {
            assert!(result.get(number).is_none(), "{format}: {result}");
        }
        assert!(run.stdout.contains("Not graded"), "{format}: {result}");
    }
}
