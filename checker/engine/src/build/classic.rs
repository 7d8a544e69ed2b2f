//! A build through the classic build API, for engines without BuildKit's session: Podman.

use std::collections::HashMap;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use bollard::models::BuildInfo;
use bollard::query_parameters::{BuildImageOptions, BuildImageOptionsBuilder};
use futures_util::StreamExt;
use mslab_core::dockerfile::{Dockerfile, Flag, Instruction, Keyword, parse};
use mslab_core::source::Source;

use super::progress::{Lines, Progress};
use super::solve::{End, Failure};
use super::{BuildRequest, millis};
use crate::context::{Archive, for_one_folder};
use crate::engine::Engine;
use crate::error::EngineError;

/// How often a build is tried where Podman trips over its own store.
const TRIES: u32 = 3;

pub(super) async fn run(
    engine: &Engine,
    request: &BuildRequest,
    progress: &Progress<'_>,
) -> Result<End, EngineError> {
    let context = for_one_folder(&request.context)
        .map_err(|e| EngineError::local("cannot pack the build context", io::Error::other(e)))?;
    for _ in 1..TRIES {
        match attempt(engine, request, &context, progress).await? {
            End::Failed(failure) if lost_a_layer(&failure.message) => {}
            end => return Ok(end),
        }
    }
    attempt(engine, request, &context, progress).await
}

/// Podman looks through all images for a cached layer, and fails where one is removed in that moment.
fn lost_a_layer(message: &str) -> bool {
    message.contains("layer not known") || message.contains("image not known")
}

async fn attempt(
    engine: &Engine,
    request: &BuildRequest,
    context: &Archive,
    progress: &Progress<'_>,
) -> Result<End, EngineError> {
    let text = request.context.dockerfile_text();
    let dockerfile = parse(Source::new(request.context.dockerfile(), text.as_bytes()));
    if let Some(failure) = unknown_index(&dockerfile) {
        return Ok(End::Failed(failure));
    }
    let chunks = context
        .stream()
        .await
        .map_err(|e| EngineError::local("cannot read the packed build context", e))?;
    let mut stream = engine.docker().build_image(
        options(request, context.dockerfile()),
        None,
        Some(bollard::body_try_stream(chunks)),
    );
    let mut log = Log {
        places: places(&dockerfile),
        ..Log::default()
    };
    while let Some(info) = stream.next().await {
        let info = match info {
            Ok(info) => info,
            Err(bollard::errors::Error::DockerStreamError { error }) => {
                progress.end(Some(error.clone()), now());
                return Ok(failed(error));
            }
            Err(e) => {
                return match engine.fault("building", &e) {
                    EngineError::Refused { reason, .. } => Ok(failed(reason)),
                    fault => Err(fault),
                };
            }
        };
        if let Some(error) = info.error_detail.as_ref().and_then(|d| d.message.clone()) {
            progress.end(Some(error.clone()), now());
            return Ok(failed(error));
        }
        log.take(info, progress);
    }
    progress.end(None, now());
    match log.image_id {
        Some(id) => Ok(End::Image(id)),
        None => Err(EngineError::Refused {
            doing: "building".into(),
            reason: "it did not say which image it made".into(),
        }),
    }
}

fn failed(message: String) -> End {
    End::Failed(Failure {
        message,
        ..Failure::default()
    })
}

fn options(request: &BuildRequest, dockerfile: &str) -> BuildImageOptions {
    let mut builder = BuildImageOptionsBuilder::default()
        .dockerfile(dockerfile)
        .nocache(request.no_cache)
        // A failed step's container would stay otherwise.
        .rm(true)
        .forcerm(true);
    if let Some(tag) = &request.tag {
        builder = builder.t(tag);
    }
    if let Some(target) = &request.target {
        builder = builder.target(target);
    }
    if let Some(platform) = &request.platform {
        builder = builder.platform(platform);
    }
    if request.offline {
        builder = builder.networkmode("none");
    }
    let args: HashMap<&str, &str> = request
        .build_args
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    let labels: HashMap<&str, &str> = request
        .labels
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    builder.buildargs(&args).labels(&labels).build()
}

/// Reads the log's own words for what BuildKit would say in messages.
#[derive(Default)]
struct Log {
    places: Vec<(String, Lines)>,
    image_id: Option<String>,
    partial: String,
}

impl Log {
    fn take(&mut self, info: BuildInfo, progress: &Progress<'_>) {
        if let Some(id) = info.aux.and_then(|aux| aux.id) {
            self.image_id = Some(id);
        }
        self.partial.push_str(&info.stream.unwrap_or_default());
        while let Some(end) = self.partial.find('\n') {
            let line: String = self.partial.drain(..=end).collect();
            self.line(&line, progress);
        }
    }

    /// The lines of the next instruction with a step's text. Steps come in the order of the file.
    fn lines(&mut self, name: &str) -> Option<Lines> {
        let text = name.split_once("] ").map_or(name, |(_, text)| text);
        let at = self.places.iter().position(|(t, _)| *t == normal(text))?;
        Some(self.places.remove(at).1)
    }

    fn line(&mut self, line: &str, progress: &Progress<'_>) {
        let text = line.trim_end();
        if let Some((total, name)) = step(text) {
            let lines = self.lines(&name);
            progress.begin(name, lines, total, now());
        } else if text
            .trim_start()
            .trim_start_matches("--> ")
            .starts_with("Using cache")
        {
            progress.cached();
        } else {
            progress.output(line.as_bytes());
            if let Some(id) = text.strip_prefix("Successfully built ") {
                self.image_id.get_or_insert_with(|| id.to_owned());
            }
        }
    }
}

/// Podman's `[1/2] STEP 3/7: RUN x`, and the classic builder's `Step 3/7 : RUN x`: the total, and a name.
fn step(line: &str) -> Option<(usize, String)> {
    let (stage, rest) = match line.strip_prefix('[') {
        Some(rest) => {
            let (stage, rest) = rest.split_once("] ")?;
            (Some(stage), rest)
        }
        None => (None, line),
    };
    let rest = rest
        .strip_prefix("STEP ")
        .or_else(|| rest.strip_prefix("Step "))?;
    let (count, instruction) = rest.split_once(':')?;
    let (_, total) = count.trim().split_once('/')?;
    let total = total.parse().ok()?;
    let count = count.trim();
    let name = match stage {
        Some(stage) => format!("[{stage} {count}] {}", instruction.trim()),
        None => format!("[{count}] {}", instruction.trim()),
    };
    Some((total, name))
}

/// Every instruction's text and lines.
fn places(dockerfile: &Dockerfile) -> Vec<(String, Lines)> {
    let place = |i: &Instruction| {
        (
            normal(&dockerfile.source.snippet(i.span)),
            lines(dockerfile, i),
        )
    };
    dockerfile.instructions.iter().map(place).collect()
}

fn lines(dockerfile: &Dockerfile, instruction: &Instruction) -> Lines {
    let span = instruction.span;
    let first = dockerfile.source.position(span.start).line;
    let last = dockerfile
        .source
        .position(span.end.saturating_sub(1).max(span.start))
        .line;
    Lines { first, last }
}

/// An instruction's text without what a builder changes when it prints it: spaces, continuations, the keyword's case.
fn normal(text: &str) -> String {
    let text = text.replace("\\\n", " ").replace("\\\r\n", " ");
    let mut words = text.split_ascii_whitespace();
    let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
    std::iter::once(keyword.as_str())
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A `COPY --from=N` that points at no earlier stage. Podman 5.4's service ends with a panic on it, so it is never
/// shown one.
fn unknown_index(dockerfile: &Dockerfile) -> Option<Failure> {
    let mut stage = 0_usize;
    for instruction in &dockerfile.instructions {
        if instruction.keyword == Keyword::From {
            stage += 1;
        }
        let value = |f: &Flag| f.value.as_ref().map(|v| dockerfile.source.snippet(v.span));
        let from = instruction
            .flags
            .iter()
            .filter(|f| {
                dockerfile
                    .source
                    .snippet(f.name.span)
                    .eq_ignore_ascii_case("from")
            })
            .find_map(value);
        let index = from.and_then(|f| f.parse::<usize>().ok());
        if let Some(index) = index.filter(|i| i + 1 >= stage.max(1)) {
            return Some(Failure {
                message: format!("invalid stage index {index}"),
                lines: Some(lines(dockerfile, instruction)),
                ..Failure::default()
            });
        }
    }
    None
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map(millis)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_step_are_read() {
        assert_eq!(step("STEP 3/7: RUN x:y"), Some((7, "[3/7] RUN x:y".into())));
        assert_eq!(
            step("[1/2] STEP 1/4: FROM a AS b"),
            Some((4, "[1/2 1/4] FROM a AS b".into()))
        );
        assert_eq!(
            step("Step 2/3 : COPY . ."),
            Some((3, "[2/3] COPY . .".into()))
        );
        assert_eq!(step("Stepping out"), None);
    }

    #[test]
    fn steps_find_their_lines_in_order() {
        let text = "FROM a AS b\nrun  x \\\n  y\nFROM c\nRUN x y\n";
        let dockerfile = parse(Source::new("Dockerfile", text.as_bytes()));
        let mut log = Log {
            places: places(&dockerfile),
            ..Log::default()
        };
        let mut lines = |name: &str| log.lines(name).map(|l| (l.first, l.last));
        assert_eq!(lines("[1/2 2/2] RUN x   y"), Some((2, 3)));
        assert_eq!(lines("[2/2 2/2] RUN x   y"), Some((5, 5)));
        assert_eq!(lines("[2/2 2/2] RUN x   y"), None);
    }

    #[test]
    fn an_index_of_no_earlier_stage_is_not_shown_to_podman() {
        let failure = |text: &str| {
            unknown_index(&parse(Source::new("Dockerfile", text.as_bytes()))).map(|f| f.message)
        };
        assert_eq!(failure("FROM a\nFROM b\nCOPY --from=0 /x /x\n"), None);
        assert_eq!(
            failure("FROM a\nCOPY --from=0 /x /x\n"),
            Some("invalid stage index 0".into())
        );
        assert_eq!(
            failure("FROM a\nCOPY --from=7 /x /x\n"),
            Some("invalid stage index 7".into())
        );
    }
}
