//! Any bytes at all as a Dockerfile and as an ignore file: no panic, no hang, no byte lost, no span outside.
//!
//! The fuzz target calls it, and so do the tests, with the seeds.

use mslab_core::dockerfile::{features, ignore::Ignore, parse};
use mslab_core::source::Source;
use mslab_core::stages::{BuildOptions, StageGraph, draw};

/// What holds for any bytes.
pub(crate) fn holds(bytes: &[u8]) {
    let file = parse(Source::new("Dockerfile", bytes));
    let mut at = 0;
    for token in &file.tokens {
        assert_eq!(token.span.start, at, "a gap or an overlap");
        at = token.span.end;
    }
    assert_eq!(at, bytes.len(), "bytes are missing");
    let graph = StageGraph::build(&file, &BuildOptions::default());
    let spans = file.errors.iter().map(|e| e.span);
    let spans = spans.chain(graph.problems.iter().map(|p| p.span));
    for span in spans.chain(features(&file).iter().map(|f| f.span)) {
        assert!(span.start <= span.end && span.end <= bytes.len());
    }
    if let Some(last) = file.instructions.len().checked_sub(1) {
        let _ = graph.scope_before(&file, last);
    }
    for draw in [draw::tree, draw::svg, draw::json] {
        let _ = draw(&graph, &file, None);
    }
    let ignore = Ignore::parse(bytes);
    for path in ["a", "src/main.rs", "node_modules/x/y.js"] {
        let _ = ignore.matches(path);
    }
}
