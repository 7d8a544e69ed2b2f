//! `stages-named`: stages have names.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Check, Doc, Example, Judged, Verdict, View, roles, walk};
use crate::diagnostic::Fix;
use crate::edits::Edits;
use crate::evidence::SourceEvidence;
use crate::source::Span;
use crate::stages::{Needs, Stage};

/// See [`Check::DOC`].
pub(super) struct StagesNamed;

/// Which stages must have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Which {
    /// Every stage that the target needs.
    #[default]
    All,
    /// Those that another stage starts from or copies from.
    Used,
}

/// Parameters of `stages-named`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Params {
    /// `all`, or `used` for only those that another stage starts from or copies from.
    which: Which,
}

impl Check for StagesNamed {
    type Params = Params;
    const ID: &'static str = "stages-named";
    const TITLE: &'static str = "Stages have names";
    const DOC: Doc = Doc {
        what: "Every stage that the target needs has a name: its `FROM` ends with `AS` and a word that says what the \
               stage is for. With `which = \"used\"`, only stages that others copy or start from must have one.",
        why: "A stage without a name can only be called by its number, and the numbers change when somebody adds a \
              stage above. A name also tells the reader what the stage is for.",
        bad: Example::text(
            "FROM golang:1.27-alpine\n\
             WORKDIR /src\n\
             COPY . .\n\
             RUN go build -o /out/app .\n\
             \n\
             FROM alpine:3.22\n\
             COPY --from=0 /out/app /app\n\
             CMD [\"/app\"]\n",
        ),
        good: Example::text(
            "FROM golang:1.27-alpine AS builder\n\
             WORKDIR /src\n\
             COPY . .\n\
             RUN go build -o /out/app .\n\
             \n\
             FROM alpine:3.22 AS production\n\
             COPY --from=builder /out/app /app\n\
             CMD [\"/app\"]\n",
        ),
    };

    fn summary(params: &Params) -> String {
        match params.which {
            Which::All => "a name for every stage".into(),
            Which::Used => "a name for every stage that is used by another".into(),
        }
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let source = view.source()?;
        let graph = &source.graph;
        let reachable = view.reachable()?;
        let used: BTreeSet<usize> = graph
            .edges
            .iter()
            .filter(|e| reachable.contains(&e.stage))
            .filter_map(|e| match e.needs {
                Needs::Stage(s) => Some(s),
                Needs::Image(_) => None,
            })
            .collect();
        let judged: Vec<&Stage> = reachable
            .iter()
            .filter(|i| params.which == Which::All || used.contains(i))
            .filter_map(|i| graph.stages.get(*i))
            .collect();
        let unnamed: Vec<&Stage> = judged
            .iter()
            .copied()
            .filter(|s| s.name.is_none())
            .collect();
        let Some(first) = unnamed.first() else {
            let names: Vec<String> = judged.iter().map(|s| s.label()).collect();
            let names = super::params::listed(names.iter().map(String::as_str), "and");
            return Ok(Verdict::passed(match judged.len() {
                0 => "no stage uses another".to_owned(),
                1 => format!("the stage is called {names}"),
                _ => format!("the stages are called {names}"),
            }));
        };
        let names = names_for(view, source, &unnamed);
        let span = walk::base_span(source, first).unwrap_or(Span::at(0));
        let ordinal = if graph.stages.len() == 1 {
            "the stage".to_owned()
        } else {
            format!("stage {} of {}", first.index + 1, graph.stages.len())
        };
        let mut finding = view
            .finding(format!("{ordinal} has no name"), span)
            .expected("`AS` and a name at the end of the line", "no name");
        finding = match names.first() {
            Some(name) => finding.help(format!(
                "Write `AS {name}`, or another name that says what the stage is for."
            )),
            None => finding,
        };
        for other in &unnamed[1..] {
            if let Some(span) = walk::base_span(source, other) {
                finding = finding.related(view.place(span), "this one has no name either");
            }
        }
        Ok(finding.fix(fix(source, &unnamed, &names)).into())
    }
}

/// A name for each stage: what it does, and used by nothing else in the file.
fn names_for(view: &View<'_>, source: &SourceEvidence, unnamed: &[&Stage]) -> Vec<String> {
    let graph = &source.graph;
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for stage in &graph.stages {
        taken.extend(stage.name.as_ref().map(|n| n.text.to_lowercase()));
        taken.insert(stage.base_name.to_lowercase());
    }
    for edge in &graph.edges {
        if let Needs::Image(image) = &edge.needs {
            taken.insert(image.to_lowercase());
        }
    }
    let last = graph.stages.len().saturating_sub(1);
    let wanted = view.build.target.iter().find(|t| *t != "@last");
    let mut names = Vec::new();
    for stage in unnamed {
        let plain = match wanted {
            Some(target) if stage.index == last => target.clone(),
            _ => roles::role_of(source, stage).name().to_owned(),
        };
        let mut name = plain.clone();
        let mut n = 1;
        while !taken.insert(name.to_lowercase()) {
            n += 1;
            name = format!("{plain}-{n}");
        }
        names.push(name);
    }
    names
}

/// Adds the names, and uses them where a stage was called by its number.
fn fix(source: &SourceEvidence, unnamed: &[&Stage], names: &[String]) -> Fix {
    let title = match names {
        [name] => format!("name the stage `{name}`"),
        _ => "name the stages".to_owned(),
    };
    let mut edits = Edits::new(title, &source.path, &source.dockerfile.source);
    for (stage, name) in unnamed.iter().zip(names) {
        if let Some(span) = walk::base_span(source, stage) {
            edits = edits.insert(span.end, format!(" AS {name}"));
        }
        for edge in &source.graph.edges {
            let word = source.dockerfile.source.snippet(edge.span);
            if edge.needs == Needs::Stage(stage.index) && word == stage.index.to_string() {
                edits = edits.replace(edge.span, name.clone());
            }
        }
    }
    edits.done()
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    #[test]
    fn names_say_what_stages_do_and_replace_numbers() {
        let text = "FROM node:24\nRUN npm ci\nFROM node:24\nRUN npm run build\nFROM scratch\nCOPY --from=0 /a /a\nCOPY --from=1 /b /b\n";
        let after = Case::new(text).mended::<StagesNamed>().text("Dockerfile");
        assert_eq!(
            after,
            "FROM node:24 AS deps\nRUN npm ci\nFROM node:24 AS builder\nRUN npm run build\nFROM scratch AS production\n\
             COPY --from=deps /a /a\nCOPY --from=builder /b /b\n"
        );
    }

    #[test]
    fn a_name_is_taken_once() {
        let text = "FROM a AS builder\nFROM b\nRUN make\nFROM c AS production\nCOPY --from=builder / /\nCOPY --from=1 / /\n";
        let after = Case::new(text).mended::<StagesNamed>().text("Dockerfile");
        assert!(
            after.contains("FROM b AS builder-2") && after.contains("--from=builder-2"),
            "{after}"
        );
    }

    #[test]
    fn only_stages_in_question_are_judged() {
        Case::new("FROM a\nFROM b AS production\n").passes::<StagesNamed>();
        let last = "FROM a AS x\nFROM b\nCOPY --from=x / /\n";
        Case::new(last)
            .params("which = \"used\"")
            .passes::<StagesNamed>();
        Case::new(last).fails::<StagesNamed>();
        Case::new("FROM a\nFROM b AS production\nCOPY --from=0 / /\n")
            .params("which = \"used\"")
            .mended::<StagesNamed>();
    }
}
