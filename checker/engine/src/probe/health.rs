//! Doing what an image's healthcheck says: where its program does not run, and beside it.

use std::time::{Duration, Instant};

use mslab_core::evidence::ProbeOutcome;
use tokio::time::{sleep, timeout};

use super::container::{NotStarted, Spec};
use crate::engine::Engine;
use crate::error::EngineError;

/// How long one question may take.
const QUESTION: Duration = Duration::from_secs(5);
/// How long after each other it is asked.
const PAUSE: Duration = Duration::from_millis(100);

impl Engine {
    /// Asks until the answer is good, the container is over, or the time is.
    pub(super) async fn probe_health(
        &self,
        image: &str,
        within: Duration,
    ) -> Result<ProbeOutcome, EngineError> {
        let test = self.inspect_image(image).await?.config.healthcheck;
        let words: Vec<String> = match test.map(|h| h.test) {
            Some(test) if test.first().is_some_and(|how| how == "CMD") && test.len() > 1 => {
                test[1..].to_vec()
            }
            _ => {
                return Ok(ProbeOutcome::NotStarted(
                    "no healthcheck without a shell".into(),
                ));
            }
        };
        let alone = Spec {
            image,
            entrypoint: Some(words[..1].to_vec()),
            args: Some(words[1..].to_vec()),
            ..Spec::default()
        };
        if let ProbeOutcome::Exited { code: 0, .. } = self.probe_run(alone, QUESTION).await? {
            return Ok(ProbeOutcome::AlwaysHealthy);
        }
        let spec = Spec {
            image,
            ..Spec::default()
        };
        let container = match self.started(spec).await? {
            Ok(container) => container,
            Err(NotStarted(reason)) => return Ok(ProbeOutcome::NotStarted(reason)),
        };
        let begun = Instant::now();
        let outcome = loop {
            let asked = match timeout(QUESTION, container.exec(&words)).await {
                Ok(asked) => asked?,
                Err(_) => Some((-1, String::new())),
            };
            match asked {
                Some((0, _)) => break ProbeOutcome::Healthy,
                Some((code, output)) if begun.elapsed() >= within => {
                    break ProbeOutcome::Unhealthy {
                        code: Some(code).filter(|c| *c >= 0),
                        output,
                    };
                }
                Some(_) => sleep(PAUSE).await,
                None => {
                    let reason = "the container ended before it could be asked".to_owned();
                    break ProbeOutcome::NotStarted(reason);
                }
            }
        };
        container.remove().await?;
        Ok(outcome)
    }
}
