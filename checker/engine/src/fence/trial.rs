//! Whether an engine really puts a build where mslab tells it to: tried, because versions and settings only promise it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Lane;
use crate::build::BuildRequest;
use crate::context::{Context, pack};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::probe::prober;

/// What the trial may take.
const LIMIT: Duration = Duration::from_secs(30);
/// One command, in an image of mslab's own: without its arguments the program ends at once, and that is enough.
const DOCKERFILE: &str = "FROM scratch\nCOPY prober /prober\nRUN [\"/prober\"]\n";

/// Runs a command in a build, and looks whether the lane's group has noticed it: `None` if it has, or else why not.
pub(super) async fn holds(engine: &Engine, lane: &Lane) -> Result<Option<String>, EngineError> {
    let label = engine.identity().label();
    let architecture = engine.identity().platform.rsplit('/').next().unwrap_or("");
    let Some(program) = prober::elf(architecture, prober::Address::Own) else {
        return Ok(Some(format!(
            "mslab has no program for {architecture} to try it with"
        )));
    };
    let packed = || {
        let mut context = Context::empty();
        context.put("prober", program, 0o755)?;
        context.put("Dockerfile", DOCKERFILE, 0o644)?;
        pack(&context, "Dockerfile", DOCKERFILE.as_bytes())
    };
    let archive = packed().map_err(|e| EngineError::Refused {
        doing: "a trial build".into(),
        reason: e.to_string(),
    })?;
    let mut request = BuildRequest::new(archive);
    request.no_cache = true;
    request.offline = true;
    request.time_limit = Some(LIMIT);
    request.lane = Some(lane.clone());
    engine
        .build(&request, &|_| {}, &CancellationToken::new())
        .await?;
    let noticed = lane.0.group.read().memory_peak > 0;
    Ok((!noticed).then(|| {
        format!(
            "{label} runs its builds elsewhere than in the control group {}, or in another machine",
            lane.cgroup_parent()
        )
    }))
}
