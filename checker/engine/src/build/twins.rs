//! Steps that BuildKit tells of by another build's digest.

use super::progress::Step;

/// Joins each step that never began with its twin. Where another build has the same step at work, or just had, BuildKit
/// takes that one's place for both and tells of it by a digest that is not in this Dockerfile.
pub(super) fn join(steps: &mut Vec<Step>) {
    let is_stranger = |s: &Step| s.lines.is_none() && !s.internal && s.duration_ms.is_some();
    let mut strangers: Vec<usize> = (0..steps.len())
        .filter(|i| is_stranger(&steps[*i]))
        .collect();
    let mut joined = Vec::new();
    for at in 0..steps.len() {
        if strangers.is_empty() {
            break;
        }
        let own = &steps[at];
        if own.lines.is_none() || own.started_ms.is_some() || own.cached {
            continue;
        }
        let same = |s: &usize| text(&steps[*s]) == text(own);
        if let Some(n) = strangers.iter().position(same) {
            let twin = strangers.remove(n);
            joined.push(twin);
            let twin = std::mem::take(&mut steps[twin]);
            let own = std::mem::take(&mut steps[at]);
            steps[at] = Step {
                name: own.name,
                digest: own.digest,
                lines: own.lines,
                ..twin
            };
        }
    }
    joined.sort_unstable();
    for twin in joined.into_iter().rev() {
        steps.remove(twin);
    }
}

/// The instruction in a step's name: what stands after its stage and number.
fn text(step: &Step) -> Option<&str> {
    Some(step.name.split_once("] ")?.1)
}
