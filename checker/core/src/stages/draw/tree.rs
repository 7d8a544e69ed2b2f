//! The graph as a tree of text: what the target needs, and what that needs in turn.

use std::collections::BTreeSet;

use super::{End, Link, View, visible};
use crate::dockerfile::Dockerfile;
use crate::stages::StageGraph;

/// Draws the tree below `target`. A stage that is needed twice is drawn once; stages that are not needed follow.
#[must_use]
pub fn tree(graph: &StageGraph, dockerfile: &Dockerfile, target: Option<usize>) -> String {
    let view = View::new(graph, dockerfile, target);
    let mut needs: Vec<Vec<&Link<'_>>> = vec![Vec::new(); graph.stages.len()];
    for link in &view.lines {
        needs[link.to].push(link);
    }
    for list in &mut needs {
        list.sort_by_key(|l| (l.via.first().copied(), l.from));
    }
    let mut out = String::new();
    let mut drawn = BTreeSet::new();
    let Some(root) = view.target else {
        return "no stages\n".to_owned();
    };
    branch(&view, &needs, root, &mut drawn, &mut out);
    let idle: Vec<usize> = (0..graph.stages.len())
        .rev()
        .filter(|s| !view.needed(*s))
        .collect();
    if !idle.is_empty() {
        out.push_str(&format!("\nnot needed by {}:\n", view.title(root)));
        for stage in idle {
            if !drawn.contains(&stage) {
                branch(&view, &needs, stage, &mut drawn, &mut out);
            }
        }
    }
    let problems = graph.problems_for(Some(root));
    if !problems.is_empty() {
        out.push('\n');
        for problem in problems {
            let line = dockerfile.source.position(problem.span.start).line;
            out.push_str(&format!("line {line}: {}\n", visible(&problem.message)));
        }
    }
    out
}

/// A stage and what it needs, drawn without recursion so that no depth is too deep.
fn branch(
    view: &View<'_>,
    needs: &[Vec<&Link<'_>>],
    root: usize,
    drawn: &mut BTreeSet<usize>,
    out: &mut String,
) {
    out.push_str(&heading(view, root));
    out.push('\n');
    drawn.insert(root);
    let mut path: Vec<(usize, usize)> = vec![(root, 0)];
    while let Some((stage, next)) = path.pop() {
        let list = &needs[stage];
        let Some(link) = list.get(next) else { continue };
        path.push((stage, next + 1));
        // Deep chains would make lines of a quadratic size in all; beyond this depth the indent stays.
        for (above, shown) in path.iter().take(path.len() - 1).take(40) {
            let more = *shown < needs[*above].len();
            out.push_str(if more { "│  " } else { "   " });
        }
        out.push_str(if next + 1 < list.len() {
            "├─ "
        } else {
            "└─ "
        });
        let kinds: Vec<_> = link.via.iter().map(|k| k.word()).collect();
        out.push_str(&format!("{:<5} ", kinds.join("+")));
        match link.from {
            End::Image(name) => out.push_str(&visible(name)),
            End::Stage(needed) => {
                let again = !drawn.insert(needed);
                out.push_str(&heading(view, needed));
                if again && !needs[needed].is_empty() {
                    out.push_str("  (see above)");
                } else if !again {
                    path.push((needed, 0));
                }
            }
        }
        out.push('\n');
    }
}

fn heading(view: &View<'_>, stage: usize) -> String {
    let data = &view.graph.stages[stage];
    let mut text = format!("{}  line {}", view.title(stage), view.line(data));
    if let Some(platform) = &data.platform {
        text.push_str(&format!("  {}", visible(platform)));
    }
    if data.base_name == "scratch" {
        text.push_str("  on scratch");
    }
    if view.target == Some(stage) {
        text.push_str("  (target)");
    }
    text
}
