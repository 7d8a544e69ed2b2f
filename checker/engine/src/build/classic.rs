//! A build through the classic build API, for engines without BuildKit's session: Podman.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use bollard::models::BuildInfo;
use bollard::query_parameters::{BuildImageOptions, BuildImageOptionsBuilder};
use futures_util::StreamExt;

use super::progress::Progress;
use super::solve::{End, Failure};
use super::{BuildRequest, millis};
use crate::engine::Engine;
use crate::error::EngineError;

pub(super) async fn run(
    engine: &Engine,
    request: &BuildRequest,
    progress: &Progress<'_>,
) -> Result<End, EngineError> {
    let chunks = request
        .context
        .stream()
        .await
        .map_err(|e| EngineError::local("cannot read the packed build context", e))?;
    let mut stream = engine.docker().build_image(
        options(request),
        None,
        Some(bollard::body_try_stream(chunks)),
    );
    let mut log = Log::default();
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

fn options(request: &BuildRequest) -> BuildImageOptions {
    let mut builder = BuildImageOptionsBuilder::default()
        .dockerfile(request.context.dockerfile())
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
    builder.buildargs(&args).build()
}

/// Reads the log's own words for what BuildKit would say in messages.
#[derive(Default)]
struct Log {
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

    fn line(&mut self, line: &str, progress: &Progress<'_>) {
        let text = line.trim_end();
        if let Some((total, name)) = step(text) {
            progress.begin(name, None, total, now());
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
}
