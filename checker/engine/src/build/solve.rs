//! A build through BuildKit: its control service runs it, its gateway says which step comes from which line.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::time::Duration;

use bollard_buildkit_proto::google::rpc;
use bollard_buildkit_proto::moby::buildkit::v1 as control;
use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use bollard_buildkit_proto::moby::buildkit::v1::frontend as gateway;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::llb_bridge_client::LlbBridgeClient;
use bollard_buildkit_proto::pb;
use mslab_core::evidence::BuildLimit;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::progress::{Lines, Progress};
use super::session::Session;
use super::{BuildRequest, millis, unique};
use crate::dial::Connector;
use crate::engine::{Engine, innermost};
use crate::error::EngineError;

/// The largest message that mslab takes: definitions of large builds pass the default of 4 MiB.
const MAX_MESSAGE: usize = 64 << 20;
/// After the end of a build its last messages may take this long.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// How it ended, before it is described.
pub(super) enum End {
    /// The image's id.
    Image(String),
    Failed(Failure),
}

/// What the engine said.
#[derive(Debug, Default)]
pub(super) struct Failure {
    pub(super) message: String,
    pub(super) lines: Option<Lines>,
    pub(super) time_limit_ms: Option<u64>,
    /// The limit for which it was stopped.
    pub(super) limit: Option<BuildLimit>,
}

impl Failure {
    pub(super) fn time_limit(limit: Option<Duration>) -> Self {
        let ms = millis(limit.unwrap_or_default());
        Self {
            message: format!(
                "the build took longer than its limit of {} s",
                ms.div_ceil(1000)
            ),
            time_limit_ms: Some(ms),
            ..Self::default()
        }
    }
}

pub(super) async fn run(
    engine: &Engine,
    request: &BuildRequest,
    progress: &Progress<'_>,
) -> Result<End, EngineError> {
    let lost = |e: io::Error| engine.lost("building", e.to_string());
    let session = Session::open(
        engine.host(),
        request.context.clone(),
        request.secrets.clone(),
    )
    .await
    .map_err(lost)?;
    let channel = connect(engine).await?;
    let build = unique();
    let mut attrs = attributes(request, &session.context_url);
    if !request.secrets.is_empty() && !engine.capabilities().named_contexts {
        // Older frontends take no host name, which is what keeps steps with another secret apart: nothing from the
        // cache, then.
        attrs.insert("no-cache".into(), String::new());
    }
    // All three belong to this future: dropping it drops them, which cancels the build on the engine.
    let solve = solve(channel.clone(), &build, &session.id, Some(request));
    let follow = follow(channel.clone(), &build, progress);
    let frontend = frontend(channel, &build, attrs, progress);
    let ended = tokio::sync::Notify::new();
    let (solved, read, ()) = tokio::join!(
        async {
            let solved = solve.await;
            ended.notify_one();
            solved
        },
        frontend,
        async {
            let overdue = async {
                ended.notified().await;
                tokio::time::sleep(LAST_WORDS).await;
            };
            tokio::select! {
                () = follow => {}
                () = overdue => {}
            }
        }
    );
    // The frontend's own error names the line; the control service repeats it without.
    match (read, solved) {
        (Err(status), _) | (Ok(()), Err(status)) => failed(engine, &status).map(End::Failed),
        (Ok(()), Ok(response)) => {
            image_id(&response)
                .map(End::Image)
                .ok_or_else(|| EngineError::Refused {
                    doing: "building".into(),
                    reason: "it did not say which image it made".into(),
                })
        }
    }
}

/// A connection to the engine's BuildKit.
pub(super) async fn connect(engine: &Engine) -> Result<Channel, EngineError> {
    Endpoint::from_static("http://buildkit")
        .connect_with_connector(Connector {
            host: engine.host().clone(),
            upgrade: Some("/grpc"),
        })
        .await
        .map_err(|e| engine.lost("building", innermost(&e)))
}

pub(super) fn failed(engine: &Engine, status: &Status) -> Result<Failure, EngineError> {
    let broken = match status.code() {
        Code::Unavailable => true,
        Code::Unknown | Code::Internal | Code::Cancelled => {
            std::error::Error::source(status).is_some()
                || status.message().contains("transport error")
        }
        _ => false,
    };
    if broken {
        let reason = std::error::Error::source(status)
            .map_or_else(|| status.message().to_owned(), innermost);
        return Err(engine.lost("building", reason));
    }
    Ok(Failure {
        message: status.message().to_owned(),
        lines: error_lines(status),
        ..Failure::default()
    })
}

fn image_id(response: &HashMap<String, String>) -> Option<String> {
    let get = |k: &str| response.get(k).filter(|v| !v.is_empty()).cloned();
    get("containerimage.digest").or_else(|| get("containerimage.config.digest"))
}

/// Frontend attributes: what the command line's flags become on the way to BuildKit.
pub(super) fn attributes(request: &BuildRequest, context_url: &str) -> HashMap<String, String> {
    let mut attrs = HashMap::from([
        ("context".to_owned(), context_url.to_owned()),
        (
            "filename".to_owned(),
            request.context.dockerfile().to_owned(),
        ),
        // With a command line given, the built-in frontend does not look for `# syntax=`, which would have to be
        // pulled from a registry.
        ("cmdline".to_owned(), "mslab".to_owned()),
        // An image that is there is used; one that is not is still asked of the registry.
        ("image-resolve-mode".to_owned(), "local".to_owned()),
    ]);
    let mut set = |key: String, value: &str| {
        attrs.insert(key, value.to_owned());
    };
    if let Some(sub) = request.context.context_dir() {
        set("contextsubdir".into(), sub);
    }
    if let Some(target) = &request.target {
        set("target".into(), target);
    }
    if let Some(platform) = &request.platform {
        set("platform".into(), platform);
    }
    if request.no_cache {
        set("no-cache".into(), "");
    }
    if request.offline {
        set("force-network-mode".into(), "none");
    }
    if let Some(lane) = &request.lane {
        set("cgroup-parent".into(), &lane.cgroup_parent());
        let size = lane.file_limit();
        set("ulimit".into(), &format!("fsize={size}:{size}"));
    }
    if let Some(namespace) = &request.cache_namespace {
        set("build-arg:BUILDKIT_CACHE_MOUNT_NS".into(), namespace);
    }
    if !request.secrets.is_empty() {
        set("hostname".into(), &host_name(&request.secrets));
    }
    for (name, value) in &request.build_args {
        set(format!("build-arg:{name}"), value);
    }
    for (name, value) in &request.labels {
        set(format!("label:{name}"), value);
    }
    for (name, image) in &request.named_contexts {
        set(
            format!("context:{}", familiar(name)),
            &format!("docker-image://{image}"),
        );
    }
    attrs
}

/// A name for the host that commands see, another one for other secrets.
///
/// A secret's value is no part of a step's cache key, and the host's name is. Without it, a step that wrote another
/// build's secret into a layer would come from the cache, and nobody would search that layer for the right value.
fn host_name(secrets: &BTreeMap<String, Vec<u8>>) -> String {
    let mut hash = Sha256::new();
    for (id, value) in secrets {
        for part in [id.as_bytes(), value] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    let digest = hash.finalize();
    let short: String = digest.iter().take(6).map(|b| format!("{b:02x}")).collect();
    format!("mslab-{short}")
}

/// An image's name as BuildKit looks named contexts up: without Docker Hub's own prefix and without `:latest`.
fn familiar(name: &str) -> &str {
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    name.strip_suffix(":latest").unwrap_or(name)
}

/// Runs a build until it ends. Without an `image` to make, what the frontend is asked comes to nothing more.
pub(super) async fn solve(
    channel: Channel,
    build: &str,
    session: &str,
    image: Option<&BuildRequest>,
) -> Result<HashMap<String, String>, Status> {
    let exporter_attrs = image
        .and_then(|request| request.tag.as_ref())
        .map(|tag| ("name".to_owned(), tag.clone()));
    // Docker's engine has this one exporter, whichever way it stores images.
    let exporter = if image.is_some() { "moby" } else { "" };
    let response = ControlClient::new(channel)
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE)
        .solve(control::SolveRequest {
            r#ref: build.to_owned(),
            cache: Some(control::CacheOptions::default()),
            exporter_deprecated: exporter.to_owned(),
            exporter_attrs_deprecated: exporter_attrs.into_iter().collect(),
            session: session.to_owned(),
            ..control::SolveRequest::default()
        })
        .await?;
    Ok(response.into_inner().exporter_response)
}

/// Passes on what happens until the engine has no more to tell.
async fn follow(channel: Channel, build: &str, progress: &Progress<'_>) {
    let request = control::StatusRequest {
        r#ref: build.to_owned(),
    };
    let mut control = ControlClient::new(channel).max_decoding_message_size(MAX_MESSAGE);
    // A stream that breaks is no failure of the build: what matters of it comes from the other calls.
    let Ok(stream) = control.status(request).await else {
        return;
    };
    let mut stream = stream.into_inner();
    while let Ok(Some(message)) = stream.message().await {
        progress.status(&message);
    }
}

/// Has the Dockerfile frontend make the build's definition, takes the lines from it, and hands it to the build.
async fn frontend(
    channel: Channel,
    build: &str,
    attrs: HashMap<String, String>,
    progress: &Progress<'_>,
) -> Result<(), Status> {
    let bridge = Bridge::new(channel, build)?;
    match bridge.ask(attrs).await {
        Ok(result) => {
            progress.source_map(&definitions(&result));
            bridge.end(Ok(result)).await;
            Ok(())
        }
        Err(status) => {
            bridge.end(Err(&status)).await;
            Err(status)
        }
    }
}

/// The way to the Dockerfile frontend that is part of the engine, for one build.
pub(super) struct Bridge {
    client: LlbBridgeClient<Channel>,
    key: MetadataValue<Ascii>,
}

impl Bridge {
    pub(super) fn new(channel: Channel, build: &str) -> Result<Self, Status> {
        Ok(Self {
            client: LlbBridgeClient::new(channel)
                .max_decoding_message_size(MAX_MESSAGE)
                .max_encoding_message_size(MAX_MESSAGE),
            key: build
                .parse()
                .map_err(|_| Status::internal("a build's name that is no header value"))?,
        })
    }

    /// Puts a request before the frontend.
    pub(super) async fn ask(
        &self,
        attrs: HashMap<String, String>,
    ) -> Result<gateway::Result, Status> {
        let request = gateway::SolveRequest {
            frontend: "dockerfile.v0".to_owned(),
            frontend_opt: attrs,
            allow_result_return: true,
            allow_result_array_ref: true,
            ..gateway::SolveRequest::default()
        };
        let answer = self.client.clone().solve(keyed(&self.key, request)).await?;
        Ok(answer.into_inner().result.unwrap_or_default())
    }

    /// Hands the build its result, or what it fails for.
    pub(super) async fn end(&self, outcome: Result<gateway::Result, &Status>) {
        let reply = match outcome {
            Ok(result) => gateway::ReturnRequest {
                result: Some(result),
                error: None,
            },
            Err(status) => gateway::ReturnRequest {
                result: None,
                error: Some(rpc::Status {
                    code: status.code() as i32,
                    message: status.message().to_owned(),
                    details: Vec::new(),
                }),
            },
        };
        // Where this fails the build has ended already, and its own result says why.
        let _ = self.client.clone().r#return(keyed(&self.key, reply)).await;
    }
}

fn keyed<T>(key: &MetadataValue<Ascii>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("buildkit-controlapi-buildid", key.clone());
    request
}

fn definitions(result: &gateway::Result) -> Vec<pb::Definition> {
    match &result.result {
        Some(gateway::result::Result::Ref(r)) => r.def.iter().cloned().collect(),
        Some(gateway::result::Result::Refs(map)) => {
            map.refs.values().filter_map(|r| r.def.clone()).collect()
        }
        _ => Vec::new(),
    }
}

/// The lines that an error of the frontend's carries with it, from Docker 23 on.
fn error_lines(status: &Status) -> Option<Lines> {
    #[derive(serde::Deserialize)]
    struct Source {
        #[serde(default)]
        ranges: Vec<Range>,
    }
    #[derive(serde::Deserialize)]
    struct Range {
        start: Position,
        end: Option<Position>,
    }
    #[derive(serde::Deserialize)]
    struct Position {
        line: usize,
    }
    let details = rpc::Status::decode(status.details()).ok()?.details;
    let ranges = details
        .iter()
        .filter(|d| d.type_url.ends_with("errdefs.Source+json"))
        .filter_map(|d| serde_json::from_slice::<Source>(&d.value).ok())
        .find(|s| !s.ranges.is_empty())?
        .ranges;
    let first = ranges.iter().map(|r| r.start.line).min()?;
    let last = ranges
        .iter()
        .map(|r| r.end.as_ref().map_or(r.start.line, |e| e.line))
        .max()?;
    (first > 0).then(|| Lines {
        first,
        last: last.max(first),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Archive;

    #[test]
    fn a_request_becomes_attributes() {
        let mut request = BuildRequest::new(Archive::from_bytes(Vec::new(), "sub/Dockerfile", b""));
        request.target = Some("prod".into());
        request.offline = true;
        request.cache_namespace = Some("ann".into());
        request.named_contexts.insert(
            "docker.io/library/node:24-alpine".into(),
            "mslab.local/stand-in/node:24-alpine".into(),
        );
        let attrs = attributes(&request, "http://buildkit-session/x");
        assert_eq!(attrs["filename"], "sub/Dockerfile");
        assert_eq!(attrs["target"], "prod");
        assert_eq!(attrs["force-network-mode"], "none");
        assert_eq!(attrs["build-arg:BUILDKIT_CACHE_MOUNT_NS"], "ann");
        assert_eq!(
            attrs["context:node:24-alpine"],
            "docker-image://mslab.local/stand-in/node:24-alpine"
        );
        assert!(!attrs.contains_key("no-cache"));
        assert!(!attrs.contains_key("hostname"));
    }

    #[test]
    fn steps_with_another_secret_are_cached_apart() {
        let host = |value: &[u8]| {
            let mut request = BuildRequest::new(Archive::from_bytes(Vec::new(), "Dockerfile", b""));
            request.secrets.insert("token".into(), value.to_vec());
            attributes(&request, "http://buildkit-session/x")["hostname"].clone()
        };
        assert_eq!(host(b"canary-1"), host(b"canary-1"));
        assert_ne!(host(b"canary-1"), host(b"canary-2"));
        assert!(!host(b"canary-1").contains("canary"));
    }
}
