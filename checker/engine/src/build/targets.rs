//! What the engine's own Dockerfile frontend reads in a Dockerfile, without building anything.

use bollard_buildkit_proto::moby::buildkit::v1::frontend as gateway;
use serde::Deserialize;
use tonic::Status;

use super::progress::Lines;
use super::session::Session;
use super::solve::{self, Bridge};
use super::{BuildRequest, unique};
use crate::engine::Engine;
use crate::error::EngineError;

/// A stage as the frontend lists it: words as they are written, before any variable is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The name after `AS`, in lower case; empty where there is none.
    pub name: String,
    /// What stands after `FROM`.
    pub base: String,
    /// The value of `--platform`; empty where there is none.
    pub platform: String,
    /// Whether a build that names no target makes this stage.
    pub default: bool,
    /// The line of its `FROM`, from 1.
    pub line: Option<usize>,
}

/// What the frontend makes of a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets {
    /// The stages in the order of the file; none where the file cannot be read.
    pub stages: Vec<Target>,
    /// Why no build of the request can begin: the engine's message, and the lines that it names.
    pub refused: Option<(String, Option<Lines>)>,
}

impl Engine {
    /// Asks the engine's frontend for the stages of a Dockerfile, and whether it would build the request's target.
    ///
    /// Nothing is built. The frontend still looks for the base images of the stages that the target needs, unless
    /// [`BuildRequest::named_contexts`] puts others in their place; `scratch` is there without any registry.
    ///
    /// # Errors
    /// The engine failed, or its frontend answers no such questions (Podman, and Docker before 23).
    pub async fn targets(&self, request: &BuildRequest) -> Result<Targets, EngineError> {
        if !self.capabilities().named_contexts {
            return Err(self.no_targets());
        }
        let session = Session::open(
            self.host(),
            request.context.clone(),
            request.secrets.clone(),
        )
        .await
        .map_err(|e| self.lost("asking the frontend", e.to_string()))?;
        let channel = solve::connect(self).await?;
        let build = unique();
        let bridge = Bridge::new(channel.clone(), &build)
            .map_err(|status| self.lost("asking the frontend", status.message().to_owned()))?;
        let attrs = solve::attributes(request, &session.context_url);
        let mut listing = attrs.clone();
        listing.insert("requestid".to_owned(), "frontend.targets".to_owned());
        let questions = async {
            let stages = bridge.ask(listing).await;
            // The definition of the build, of which nothing runs as long as nobody wants its result.
            let definition = match &stages {
                Ok(_) => bridge.ask(attrs).await.map(|_| ()),
                Err(_) => Ok(()),
            };
            bridge.end(Ok(gateway::Result::default())).await;
            (stages, definition)
        };
        let ended = solve::solve(channel, &build, &session.id, None);
        let ((stages, definition), ended) = tokio::join!(questions, ended);
        let stages = match stages {
            Ok(result) => self.stages(&result)?,
            Err(status) => {
                return Ok(Targets {
                    stages: Vec::new(),
                    refused: Some(self.refusal(&status)?),
                });
            }
        };
        let refused = match (definition, ended) {
            (Err(status), _) => Some(self.refusal(&status)?),
            (Ok(()), Err(status)) => {
                return Err(self.lost("asking the frontend", status.message().to_owned()));
            }
            (Ok(()), Ok(_)) => None,
        };
        Ok(Targets { stages, refused })
    }

    fn refusal(&self, status: &Status) -> Result<(String, Option<Lines>), EngineError> {
        solve::failed(self, status).map(|failure| (failure.message, failure.lines))
    }

    fn stages(&self, result: &gateway::Result) -> Result<Vec<Target>, EngineError> {
        // A frontend that does not know the question builds, as if it had not been asked.
        let json = result
            .metadata
            .get("result.json")
            .ok_or_else(|| self.no_targets())?;
        let list: List = serde_json::from_slice(json)
            .map_err(|e| self.lost("asking the frontend", e.to_string()))?;
        let listed = list.targets.unwrap_or_default();
        Ok(listed.into_iter().map(Target::from).collect())
    }

    fn no_targets(&self) -> EngineError {
        EngineError::TooOld {
            engine: self.identity().label(),
            feature: "the listing of a Dockerfile's stages".to_owned(),
            needs: "Docker 23".to_owned(),
        }
    }
}

#[derive(Deserialize)]
struct List {
    /// Null where there are none.
    targets: Option<Vec<Listed>>,
}

/// A stage in the frontend's own words.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Listed {
    name: String,
    base: String,
    platform: String,
    default: bool,
    location: Option<Location>,
}

#[derive(Deserialize)]
struct Location {
    #[serde(default)]
    ranges: Vec<Range>,
}

#[derive(Deserialize)]
struct Range {
    start: Position,
}

#[derive(Deserialize)]
struct Position {
    line: usize,
}

impl From<Listed> for Target {
    fn from(listed: Listed) -> Self {
        let ranges = listed.location.map(|l| l.ranges).unwrap_or_default();
        Self {
            name: listed.name,
            base: listed.base,
            platform: listed.platform,
            default: listed.default,
            line: ranges.iter().map(|r| r.start.line).min(),
        }
    }
}
