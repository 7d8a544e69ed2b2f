use super::*;
use crate::dockerfile::parse;
use crate::source::Source;
use crate::stages::BuildOptions;

const FILE: &str = "\
FROM node:24-alpine AS deps
RUN npm ci
FROM deps AS build
COPY --from=tools:1 /t /t
RUN --mount=from=deps,target=/d npm run build
FROM build AS test
RUN npm test
FROM nginx:1.26-alpine AS web
COPY --from=build /dist /srv
";

fn drawn(
    text: &str,
    target: Option<usize>,
    draw: fn(&StageGraph, &Dockerfile, Option<usize>) -> String,
) -> String {
    let file = parse(Source::new("Dockerfile", text.as_bytes()));
    let graph = StageGraph::build(&file, &BuildOptions::default());
    draw(&graph, &file, target)
}

#[test]
fn the_tree_begins_at_the_target_and_ends_with_what_it_does_not_need() {
    let expected = "\
web  line 8  (target)
├─ FROM  nginx:1.26-alpine
└─ COPY  build  line 3
   ├─ FROM+mount deps  line 1
   │  └─ FROM  node:24-alpine
   └─ COPY  tools:1

not needed by web:
test  line 6
└─ FROM  build  line 3  (see above)
";
    assert_eq!(drawn(FILE, None, tree), expected);
}

#[test]
fn another_target_is_another_tree() {
    let text = drawn(FILE, Some(0), tree);
    assert!(
        text.starts_with("deps  line 1  (target)\n└─ FROM  node:24-alpine\n"),
        "{text}"
    );
}

#[test]
fn svg_is_well_formed_and_says_what_it_shows() {
    let text = drawn(FILE, None, svg);
    let document = roxmltree::Document::parse(&text).expect("well-formed XML");
    let root = document.root_element();
    assert_eq!(root.attribute("role"), Some("img"));
    let desc = root
        .children()
        .find(|n| n.has_tag_name("desc"))
        .and_then(|n| n.text())
        .expect("a description");
    assert_eq!(desc, "4 stages; web is built from 3 of them, without test.");
    let boxes = document
        .descendants()
        .filter(|n| n.has_tag_name("rect"))
        .count();
    assert_eq!(boxes, 4 + 3);
}

#[test]
fn boxes_do_not_overlap() {
    let text = drawn(FILE, None, svg);
    let document = roxmltree::Document::parse(&text).expect("well-formed XML");
    let number = |n: &roxmltree::Node<'_, '_>, a: &str| -> f64 {
        n.attribute(a)
            .and_then(|v| v.parse().ok())
            .expect("a number")
    };
    let boxes: Vec<_> = document
        .descendants()
        .filter(|n| n.has_tag_name("rect"))
        .map(|n| {
            (
                number(&n, "x"),
                number(&n, "y"),
                number(&n, "width"),
                number(&n, "height"),
            )
        })
        .collect();
    for (i, a) in boxes.iter().enumerate() {
        for b in &boxes[i + 1..] {
            let apart =
                a.0 + a.2 <= b.0 || b.0 + b.2 <= a.0 || a.1 + a.3 <= b.1 || b.1 + b.3 <= a.1;
            assert!(apart, "{a:?} and {b:?}");
        }
    }
}

#[test]
fn a_long_base_stays_in_its_box() {
    let text = drawn(
        "FROM gcr.io/distroless/static-debian13:nonroot AS web\n",
        None,
        svg,
    );
    let document = roxmltree::Document::parse(&text).expect("well-formed XML");
    let stage = document
        .descendants()
        .find(|n| n.attribute("class") == Some("stage target"))
        .expect("a stage");
    let width: f64 = stage
        .children()
        .find_map(|n| n.attribute("width"))
        .and_then(|w| w.parse().ok())
        .expect("a width");
    let note = stage
        .children()
        .find(|n| n.attribute("class") == Some("note"))
        .and_then(|n| n.text())
        .expect("a note");
    assert!(
        note.chars().count() as f64 * 6.0 < width,
        "{note} in {width}"
    );
}

#[test]
fn names_cannot_break_out() {
    let file = "FROM <x>&\\\"\u{1b}[31m AS a\n";
    let text = drawn(file, None, svg);
    assert!(roxmltree::Document::parse(&text).is_ok(), "{text}");
    for draw in [svg, tree, dot, mermaid] {
        assert!(!drawn(file, None, draw).contains('\u{1b}'));
    }
    assert!(drawn(file, None, dot).contains("<x>&\\\""));
}

#[test]
fn dot_and_mermaid_name_every_stage_and_line() {
    let text = drawn(FILE, None, dot);
    assert!(
        text.contains("image1 -> stage0 [label=\"FROM\", style=bold];"),
        "{text}"
    );
    assert!(
        text.contains("stage0 -> stage1 [label=\"FROM+mount\""),
        "{text}"
    );
    let text = drawn(FILE, None, mermaid);
    assert!(
        text.contains("stage3[\"web<br/>FROM nginx:1.26-alpine\"]:::target"),
        "{text}"
    );
    assert!(text.contains("stage1 -->|COPY| stage3"), "{text}");
    assert!(text.contains(":::idle"), "{text}");
}

#[test]
fn json_lists_stages_edges_and_instructions() {
    let text = drawn(FILE, None, json);
    let value: serde_json::Value = serde_json::from_str(&text).expect("valid JSON");
    assert_eq!(value["schema"], "mslab/graph/v1");
    assert_eq!(value["target"], 3);
    assert_eq!(value["stages"][1]["base_kind"], "stage");
    assert_eq!(value["stages"][2]["reachable"], false);
    assert_eq!(value["stages"][3]["instructions"][1]["keyword"], "COPY");
    assert_eq!(value["stages"][3]["instructions"][1]["line"], 9);
    assert_eq!(value["edges"].as_array().map(Vec::len), Some(7));
}

#[test]
fn ten_thousand_stages_are_drawn() {
    let mut text = String::from("FROM scratch AS s0\n");
    for i in 1..10_000 {
        text.push_str(&format!("FROM s{} AS s{i}\nCOPY --from=s0 / /\n", i - 1));
    }
    for draw in [tree, svg, dot, mermaid, json] {
        assert!(drawn(&text, None, draw).contains("s9999"));
    }
}

#[test]
fn a_file_without_stages_is_drawn_too() {
    for draw in [tree, svg, dot, mermaid, json] {
        assert!(!drawn("", None, draw).is_empty());
    }
}
