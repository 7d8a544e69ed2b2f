//! What must hold of every check.

use std::collections::BTreeSet;

use super::case::Case;
use super::{ALL, Verdict};
use crate::evidence::Unseen;

#[test]
fn every_file_is_one_check_and_every_check_one_file() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/checks");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| std::path::PathBuf::from(e.unwrap().file_name()))
        .filter(|p| p.extension().is_some_and(|e| e == "rs"))
        .map(|p| p.file_stem().unwrap().to_string_lossy().replace('_', "-"))
        .collect();
    let mut ids = BTreeSet::new();
    for check in ALL {
        assert!(
            files.contains(check.id()),
            "{} has no file of its own",
            check.id()
        );
        assert!(ids.insert(check.id()), "{} is listed twice", check.id());
    }
    // A file that defines a check is in the list.
    for file in &files {
        let path = format!("{folder}/{}.rs", file.replace('-', "_"));
        let defines = std::fs::read_to_string(path)
            .unwrap()
            .contains(&format!("const ID: &'static str = \"{file}\""));
        assert_eq!(defines, ids.contains(file.as_str()), "{file}");
    }
}

#[test]
fn every_bad_example_fails_and_every_good_one_passes() {
    for check in ALL {
        let doc = check.doc();
        let bad = Case::from(&doc.bad);
        let Ok(Verdict::Failed(finding)) = bad.judge_by(*check) else {
            panic!(
                "{}: the bad example gives {:#?}",
                check.id(),
                bad.judge_by(*check)
            );
        };
        assert!(
            !finding.message.is_empty() && !finding.message.ends_with('.'),
            "{}",
            check.id()
        );
        let good = Case::from(&doc.good);
        let judged = good.judge_by(*check);
        assert!(
            matches!(judged, Ok(Verdict::Passed(_))),
            "{}: the good example gives {judged:#?}",
            check.id()
        );
    }
}

#[test]
fn every_fix_of_a_bad_example_mends_it() {
    for check in ALL {
        let bad = Case::from(&check.doc().bad);
        let Ok(Verdict::Failed(finding)) = bad.judge_by(*check) else {
            continue;
        };
        for fix in &finding.fixes {
            let after = bad.after(fix);
            let promised = after.promised_by(*check);
            assert_ne!(
                promised,
                Some(false),
                "{}: `{}` gives\n{}",
                check.id(),
                fix.title,
                after.text("Dockerfile")
            );
        }
    }
}

#[test]
fn every_page_is_written_whole() {
    for check in ALL {
        let doc = check.doc();
        let id = check.id();
        assert!(doc.what.ends_with('.') && doc.why.ends_with('.'), "{id}");
        assert!(
            !check.title().is_empty() && !check.title().ends_with('.'),
            "{id}"
        );
        for example in [&doc.bad, &doc.good] {
            assert!(example.dockerfile.ends_with('\n'), "{id}");
        }
        let differs = |a: &str, b: &str| a != b;
        assert!(
            differs(doc.bad.dockerfile, doc.good.dockerfile) || doc.bad.files != doc.good.files,
            "{id}: nothing tells the examples apart"
        );
    }
}

#[test]
fn no_check_judges_what_it_cannot_see() {
    let empty = Case::without_anything();
    for check in ALL {
        let case = empty.clone().params(check.doc().good.params);
        match case.judge_by(*check) {
            Err(Unseen::Skipped(reason) | Unseen::Failed(reason)) => assert!(!reason.is_empty()),
            // `builds` is the one that says that there is no Dockerfile.
            Ok(Verdict::Failed(_)) if check.id() == "builds" => {}
            other => panic!("{} judges nothing as {other:?}", check.id()),
        }
    }
}

/// Lines that make checks look, put together in any order.
const LINES: &[&str] = &[
    "FROM node:24-alpine AS builder",
    "FROM --platform=$BUILDPLATFORM golang:1.27 AS test",
    "FROM builder",
    "FROM scratch AS production",
    "FROM node:latest",
    "ARG NPM_TOKEN",
    "ARG TARGETOS TARGETARCH",
    "ENV API_KEY=abc GOOS=$TARGETOS",
    "WORKDIR app",
    "COPY . .",
    "COPY --from=0 /x /x",
    "COPY --from=bulider /x /x",
    "COPY --from=test /out/app .env ./",
    "COPY <<EOF /etc/é\r\nx=$Y\r\nEOF",
    "RUN npm ci --no-cache-dir && npm run build",
    "RUN npm test || true",
    "RUN --mount=type=cache,target=/root/.npm \\\n  # why\n\n  npm ci",
    "RUN <<EOF\nset -e\ngo build -o /out/app .\nEOF",
    "RUN [\"go\", \"build\", \"$NPM_TOKEN\"]",
    "RUN echo \"$NPM_TOKEN\" '${NPM_TOKEN}' \"unclosed",
    "ONBUILD COPY . .",
    "USER node",
    "CMD node server.js é",
    "ENTRYPOINT ['x', 'y']",
    "HEALTHCHECK CMD exit 0",
    "RUNN x",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]

    #[test]
    fn no_work_makes_a_check_panic_or_offer_a_fix_that_cannot_be_applied(
        lines in proptest::collection::vec(0..LINES.len(), 0..12),
        tail in "\\PC{0,30}",
        windows in proptest::bool::ANY,
    ) {
        let mut text: String = lines.iter().flat_map(|i| [LINES[*i], "\n"]).collect();
        text.push_str(&tail);
        if windows {
            text = text.replace('\n', "\r\n");
        }
        let case = Case::new(&text)
            .context(&[("package.json", 1), ("src/x", 2)])
            .secrets(&[("npm_token", "canary")]);
        for check in ALL {
            let work = case.clone().params(check.doc().good.params);
            if let Ok(Verdict::Failed(finding)) = work.judge_by(*check) {
                for fix in &finding.fixes {
                    let applied = fix.apply(&case.evidence().files);
                    proptest::prop_assert!(applied.is_ok(), "{}: {applied:?}", check.id());
                }
            }
        }
    }
}
