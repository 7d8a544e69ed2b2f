//! Which instruction of which line put which bytes into an image: layers matched with history and with the Dockerfile.
//!
//! An image's history is text that the builder wrote for people, and each builder writes its own: BuildKit
//! `COPY /app/dist ./dist # buildkit`, the classic builder and Buildah `/bin/sh -c #(nop) COPY dir:… in /app`. It has
//! the right order, though, and ends with the Dockerfile's own instructions, so that both lists are aligned from their
//! ends, by keyword first and then by words.

use crate::dockerfile::{Dockerfile, Instruction, Keyword};
use crate::image::inspect::LayerSource;
use crate::image::{HistoryEntry, Image};
use crate::stages::{Base, StageGraph};

/// Where a layer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerOrigin {
    /// Index in [`Image::layers`].
    pub layer: usize,
    /// Index in [`Image::history`], where that is known.
    pub history: Option<usize>,
    /// Index in [`Dockerfile::instructions`]: of the `FROM` for a layer of the base image. `None` where it cannot be
    /// told.
    pub instruction: Option<usize>,
    /// Whether the layer came with the base image.
    pub base: bool,
}

/// Says where each layer of an image comes from that was built from this stage of the Dockerfile.
///
/// A stage that starts from another stage has that one's instructions too.
#[must_use]
pub fn attribute(
    image: &Image,
    dockerfile: &Dockerfile,
    graph: &StageGraph,
    stage: usize,
) -> Vec<LayerOrigin> {
    let (from, chain) = instructions(dockerfile, graph, stage);
    let alignment = align(&image.history, dockerfile, &chain);
    image
        .layers
        .iter()
        .enumerate()
        .map(|(layer, facts)| {
            let place = facts.history.map(|h| (h, alignment.get(h)));
            let (instruction, base) = match place {
                Some((_, Some(Origin::Base))) => (from, from.is_some()),
                Some((_, Some(Origin::Instruction(i)))) => (Some(*i), false),
                _ => (None, false),
            };
            LayerOrigin {
                layer,
                history: facts.history,
                instruction,
                base,
            }
        })
        .collect()
}

/// What made each layer, as an inspection shows it: the instruction as it stands in the Dockerfile, and
/// the builder's line of history where the instruction cannot be told.
#[must_use]
pub fn sources(
    image: &Image,
    dockerfile: &Dockerfile,
    origins: &[LayerOrigin],
) -> Vec<LayerSource> {
    origins
        .iter()
        .map(|origin| {
            let instruction = origin
                .instruction
                .and_then(|i| dockerfile.instructions.get(i));
            let history = origin.history.and_then(|h| image.history.get(h));
            LayerSource {
                text: match (instruction, history) {
                    (Some(i), _) => dockerfile.source.snippet(i.span),
                    (None, Some(h)) => h.created_by.clone(),
                    (None, None) => String::new(),
                },
                line: instruction.map(|i| dockerfile.source.position(i.span.start).line),
                base: origin.base,
            }
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Base,
    Instruction(usize),
    Unknown,
}

/// The instructions that made the stage in order, those of the stages that it starts from included, and the `FROM`
/// that names the base image, if there is one.
fn instructions(
    dockerfile: &Dockerfile,
    graph: &StageGraph,
    stage: usize,
) -> (Option<usize>, Vec<usize>) {
    let mut chain = Vec::new();
    let mut from = None;
    let mut at = graph.stages.get(stage);
    while let Some(stage) = at {
        let own = stage.instructions.clone().rev().filter(|i| {
            let keyword = dockerfile.instructions.get(*i).map(|i| i.keyword);
            !matches!(keyword, None | Some(Keyword::From | Keyword::Unknown))
        });
        chain.extend(own);
        at = None;
        match stage.base {
            // A stage can only start from an earlier one, so that this ends.
            Base::Stage(earlier) if earlier < stage.index => at = graph.stages.get(earlier),
            Base::Image(_) => from = Some(stage.from),
            _ => {}
        }
    }
    chain.reverse();
    (from, chain)
}

/// What a history line or an instruction says, as far as both can say the same.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    keyword: Keyword,
    words: Vec<String>,
}

/// More lines or instructions than any real image has.
const LONGEST: usize = 2000;

/// What one line or instruction without its counterpart costs.
const GAP: f64 = 0.6;

fn align(history: &[HistoryEntry], dockerfile: &Dockerfile, chain: &[usize]) -> Vec<Origin> {
    if history.len() > LONGEST || chain.len() > LONGEST {
        return vec![Origin::Unknown; history.len()];
    }
    let lines: Vec<Step> = history.iter().map(|h| of_history(&h.created_by)).collect();
    let steps: Vec<Step> = chain
        .iter()
        .map(|i| of_instruction(&dockerfile.instructions[*i]))
        .collect();
    let (rows, columns) = (lines.len(), steps.len());

    // best[i][j]: how well the lines from i on go with the steps from j on.
    let mut best = vec![vec![0.0; columns + 1]; rows + 1];
    for i in (0..=rows).rev() {
        for j in (0..=columns).rev() {
            best[i][j] = if i == rows {
                -GAP * (columns - j) as f64
            } else if j == columns {
                -GAP * (rows - i) as f64
            } else {
                let pair = likeness(&lines[i], &steps[j])
                    .map_or(f64::NEG_INFINITY, |l| l + best[i + 1][j + 1]);
                pair.max(best[i + 1][j] - GAP).max(best[i][j + 1] - GAP)
            };
        }
    }
    // The base's lines are those before the best place to begin; of equal places the last.
    let mut start = rows;
    for i in (0..rows).rev() {
        if best[i][0] > best[start][0] {
            start = i;
        }
    }
    let mut out = vec![Origin::Base; start];
    let mut j = 0;
    for i in start..rows {
        loop {
            let here = best[i][j];
            let pair = (j < columns)
                .then(|| likeness(&lines[i], &steps[j]))
                .flatten();
            if pair.is_some_and(|l| l + best[i + 1][j + 1] >= here) {
                out.push(Origin::Instruction(chain[j]));
                j += 1;
                break;
            }
            if j < columns && best[i][j + 1] - GAP >= here {
                j += 1;
                continue;
            }
            out.push(Origin::Unknown);
            break;
        }
    }
    out
}

/// How well a history line fits an instruction: `None` where it cannot be of it, and up to 4 where it says the same.
fn likeness(line: &Step, step: &Step) -> Option<f64> {
    if line.keyword != step.keyword {
        return None;
    }
    if line.words == step.words {
        return Some(4.0);
    }
    let common = step.words.iter().filter(|w| line.words.contains(w)).count();
    let most = line.words.len().max(step.words.len()).max(1);
    Some(0.3 + 3.0 * common as f64 / most as f64)
}

fn of_instruction(instruction: &Instruction) -> Step {
    let mut text = instruction.rest.text.clone();
    if instruction.keyword == Keyword::Run {
        for heredoc in &instruction.heredocs {
            text.push(' ');
            text.push_str(&heredoc.content);
        }
    }
    Step {
        keyword: instruction.keyword,
        words: words(&text),
    }
}

/// Takes the builder's own decoration from a line of history.
fn of_history(created_by: &str) -> Step {
    let text = created_by.trim();
    let text = text.strip_suffix("# buildkit").unwrap_or(text).trim_end();
    let text = without_arguments(text);
    if let Some(rest) = text
        .strip_prefix("/bin/sh -c #(nop)")
        .or_else(|| text.strip_prefix("#(nop)"))
    {
        return by_keyword(rest.trim_start()).unwrap_or(Step {
            keyword: Keyword::Unknown,
            words: Vec::new(),
        });
    }
    let step = by_keyword(text).unwrap_or_else(|| Step {
        keyword: Keyword::Run,
        words: words(text),
    });
    if step.keyword != Keyword::Run {
        return step;
    }
    let text = text.strip_prefix("RUN").unwrap_or(text).trim_start();
    Step {
        keyword: Keyword::Run,
        words: words(without_shell(without_arguments(text))),
    }
}

/// The line as an instruction, where it begins with the keyword of one in capitals.
fn by_keyword(text: &str) -> Option<Step> {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let keyword = Keyword::parse(first);
    (keyword != Keyword::Unknown && keyword.as_str() == first).then(|| Step {
        keyword,
        words: words(rest),
    })
}

/// A command line without the build arguments in front of it: `|2 A=1 B=2 /bin/sh -c …`.
fn without_arguments(text: &str) -> &str {
    let Some(rest) = text.strip_prefix('|') else {
        return text;
    };
    let (count, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let Ok(count) = count.parse::<usize>() else {
        return text;
    };
    // Values can have spaces; the command begins with the shell's path where there is one.
    if let Some(at) = rest.find(" /bin/sh -c ") {
        return &rest[at + 1..];
    }
    for _ in 0..count {
        rest = rest.split_once(' ').map_or("", |(_, rest)| rest);
    }
    rest
}

fn without_shell(text: &str) -> &str {
    let mut words = text.splitn(3, ' ');
    match (words.next(), words.next(), words.next()) {
        (Some(shell), Some(flag), Some(rest))
            if shell.starts_with('/') && flag.starts_with('-') && flag.ends_with('c') =>
        {
            rest
        }
        _ => text,
    }
}

/// The words of a line, without flags and without the marks of JSON forms, which builders print differently.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c == ',')
        .map(|w| w.trim_matches(['[', ']', '"', '\'']))
        .filter(|w| !w.is_empty() && !w.starts_with("--"))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::parse;
    use crate::image::fixture;
    use crate::source::Source;
    use crate::stages::BuildOptions;

    /// The text that stands at each layer's origin, with `base:` before that of a base's layer.
    fn origins(dockerfile: &str, history: &str) -> Vec<String> {
        let source = Source::new("Dockerfile", dockerfile.as_bytes());
        let parsed = parse(source);
        assert_eq!(parsed.errors, []);
        let graph = StageGraph::build(&parsed, &BuildOptions::default());
        let image = fixture::image(history).expect("a fixture that parses");
        attribute(&image, &parsed, &graph, graph.stages.len() - 1)
            .iter()
            .map(|o| {
                let text = o.instruction.map_or("?".to_owned(), |i| {
                    let span = parsed.instructions[i].span;
                    parsed.source.snippet(span).lines().next().unwrap().into()
                });
                format!("{}{text}", if o.base { "base: " } else { "" })
            })
            .collect()
    }

    const DOCKERFILE: &str = "ARG V=24
FROM node:24 AS base
ARG NODE_ENV=production
WORKDIR /app
FROM base
ENV A=1
COPY --chown=node package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev
RUN <<EOF
echo one
EOF
COPY --from=base /x /y
CMD [\"node\", \"server.js\"]
";

    const EXPECTED: [&str; 6] = [
        "base: FROM node:24 AS base",
        "WORKDIR /app",
        "COPY --chown=node package.json package-lock.json ./",
        "RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev",
        "RUN <<EOF",
        "COPY --from=base /x /y",
    ];

    #[test]
    fn buildkit() {
        let history = r#"
            layer COPY /out/ / # buildkit
            history ENV PATH=/usr/bin
            history CMD ["node"]
            history ARG NODE_ENV=production
            layer WORKDIR /app
            history ENV A=1
            layer COPY --chown=node package.json package-lock.json ./ # buildkit
            layer RUN |1 NODE_ENV=production /bin/sh -c npm ci --omit=dev # buildkit
            layer RUN |1 NODE_ENV=production /bin/sh -c echo one # buildkit
            layer COPY /x /y # buildkit
            history CMD ["node" "server.js"]
        "#;
        assert_eq!(origins(DOCKERFILE, history), EXPECTED);
    }

    #[test]
    fn the_classic_builder() {
        let history = r#"
            layer /bin/sh -c #(nop) ADD file:0123 in /
            history /bin/sh -c #(nop)  CMD ["node"]
            history /bin/sh -c #(nop)  ARG NODE_ENV=production
            layer /bin/sh -c #(nop) WORKDIR /app
            history /bin/sh -c #(nop)  ENV A=1
            layer /bin/sh -c #(nop) COPY multi:4567 in ./
            layer |1 NODE_ENV=production /bin/sh -c npm ci --omit=dev
            layer |1 NODE_ENV=production /bin/sh -c echo one
            layer /bin/sh -c #(nop) COPY dir:89ab in /y
            history /bin/sh -c #(nop)  CMD ["node" "server.js"]
        "#;
        assert_eq!(origins(DOCKERFILE, history), EXPECTED);
    }

    #[test]
    fn steps_without_a_line_and_lines_without_a_step() {
        // No line for ARG, and one that no instruction wrote.
        let history = r#"
            layer COPY /out/ / # buildkit
            layer WORKDIR /app
            history ENV A=1
            layer COPY package.json package-lock.json ./ # buildkit
            layer RUN /bin/sh -c npm ci --omit=dev # buildkit
            layer mount / from exec something
            layer COPY /x /y # buildkit
            history CMD ["node" "server.js"]
        "#;
        let found = origins(DOCKERFILE, history);
        assert_eq!(found[..4], EXPECTED[..4]);
        assert_eq!(found[5], EXPECTED[5]);
    }

    #[test]
    fn a_base_that_looks_like_the_stage_is_still_the_base() {
        let history = "
            layer COPY . . # buildkit
            layer RUN /bin/sh -c make # buildkit
            layer COPY . . # buildkit
            layer RUN /bin/sh -c make # buildkit";
        assert_eq!(
            origins("FROM debian:13\nCOPY . .\nRUN make\n", history),
            [
                "base: FROM debian:13",
                "base: FROM debian:13",
                "COPY . .",
                "RUN make"
            ]
        );
    }

    #[test]
    fn scratch_has_no_base() {
        assert_eq!(
            origins("FROM scratch\nCOPY a /a\n", "layer COPY a /a # buildkit"),
            ["COPY a /a"]
        );
        assert_eq!(
            origins("FROM scratch\nUSER 1\n", "layer ADD x / # buildkit"),
            ["?"]
        );
    }
}
