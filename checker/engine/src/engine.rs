//! A connected engine: who it is, and the way every request to it goes.

use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error as ApiError;
use bollard::models::{SystemInfo, SystemInfoCgroupVersionEnum};
use bollard::{API_DEFAULT_VERSION, BollardRequest, ClientVersion, Docker};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio_util::task::TaskTracker;

use crate::dial::{Connector, Host};
use crate::discover::{DiscoverOptions, Origin, discover};
use crate::error::{EngineError, says_no_space};
use crate::info::{Capabilities, DiskUsage, EngineInfo, Flavor, Identity};

/// A request that the engine should answer at once may take this long.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// What a first answer may take: the engine may just be starting.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// Streams (builds, loads, pulls) have no limit of the transport's; each has its own.
const STREAM_TIMEOUT_SECONDS: u64 = 24 * 60 * 60;

/// A connection to an engine. Cloning is cheap and shares it.
#[derive(Debug, Clone)]
pub struct Engine {
    docker: Docker,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    host: Host,
    origin: Origin,
    identity: Identity,
    raw: Client<Connector, String>,
    /// Removals that nobody waits for yet.
    background: TaskTracker,
}

impl Engine {
    /// The first engine that answers; see [`discover`] for the order and for the trail.
    ///
    /// # Errors
    /// None answers, or the one that was named for this run does not.
    pub async fn discover(options: &DiscoverOptions) -> Result<Self, EngineError> {
        discover(options).await.engine
    }

    /// Connects to an address.
    ///
    /// # Errors
    /// Nothing answers there within seconds.
    pub async fn at(host: &str) -> Result<Self, EngineError> {
        let host = Host::parse(host)?;
        let shown = host.to_string();
        Self::connect(host, Origin::Flag)
            .await
            .map_err(|reason| EngineError::Unreachable {
                host: shown,
                named_by: Origin::Flag.to_string(),
                reason,
            })
    }

    pub(crate) async fn connect(host: Host, origin: Origin) -> Result<Self, String> {
        let docker = transport(&host, API_DEFAULT_VERSION).map_err(|e| e.to_string())?;
        let version = tokio::time::timeout(HELLO_TIMEOUT, docker.version())
            .await
            .map_err(|_| "it did not answer in time".to_owned())?
            .map_err(|e| innermost(&e))?;
        let api_version = version.api_version.unwrap_or_default();
        let docker = docker
            .negotiate_version()
            .await
            .map_err(|e| innermost(&e))?;
        let podman = version
            .components
            .iter()
            .flatten()
            .any(|c| c.name.to_ascii_lowercase().contains("podman"));
        let identity = Identity {
            flavor: if podman {
                Flavor::Podman
            } else {
                Flavor::Docker
            },
            version: version.version.unwrap_or_default(),
            api_version,
            platform: format!(
                "{}/{}",
                version.os.unwrap_or_default(),
                version.arch.unwrap_or_default()
            ),
        };
        Ok(Self {
            docker,
            shared: Arc::new(Shared {
                raw: client(&host),
                background: TaskTracker::new(),
                host,
                origin,
                identity,
            }),
        })
    }

    /// Its address.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.shared.host
    }

    /// Who named its address.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.shared.origin
    }

    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.shared.identity
    }

    /// What it can do.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.shared.identity.capabilities()
    }

    /// Facts that cost the engine a look around.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn info(&self) -> Result<EngineInfo, EngineError> {
        let doing = "asking for its facts";
        let info = self.ask(doing, self.docker.info()).await?;
        Ok(engine_info(self.identity().clone(), info))
    }

    /// Disk space that the engine uses. Takes seconds on an engine with many images.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn disk_usage(&self) -> Result<DiskUsage, EngineError> {
        let df = self
            .get_json("/system/df", "asking for its disk usage")
            .await?;
        Ok(disk_usage(&df))
    }

    /// Whether it still answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), EngineError> {
        self.ask("asking whether it is there", self.docker.ping())
            .await
            .map(|_| ())
    }

    /// A GET of the engine's newest API, for answers whose shape depends on its version.
    pub(crate) async fn get_json(
        &self,
        path: &str,
        doing: &str,
    ) -> Result<serde_json::Value, EngineError> {
        let lost = |e: &(dyn std::error::Error + 'static)| self.lost(doing, innermost(e));
        let uri = format!("http://docker{path}")
            .parse()
            .map_err(|e: http::uri::InvalidUri| lost(&e))?;
        let work = async {
            let response = self.shared.raw.get(uri).await.map_err(|e| lost(&e))?;
            let body = response.into_body().collect().await.map_err(|e| lost(&e))?;
            serde_json::from_slice(&body.to_bytes()).map_err(|e| EngineError::Refused {
                doing: doing.to_owned(),
                reason: format!("an answer that mslab cannot read: {e}"),
            })
        };
        tokio::time::timeout(ANSWER_TIMEOUT, work)
            .await
            .unwrap_or_else(|_| Err(slow(doing)))
    }

    /// Waits until what dropped work left on the engine is removed; before the program ends, Ctrl-C included.
    pub async fn settle(&self) {
        self.shared.background.close();
        self.shared.background.wait().await;
        self.shared.background.reopen();
    }

    /// Does something that `settle` waits for. Without a runtime nothing can be done: then `clean` finds it.
    pub(crate) fn in_background(&self, work: impl Future<Output = ()> + Send + 'static) {
        if tokio::runtime::Handle::try_current().is_ok() {
            self.shared.background.spawn(work);
        }
    }

    pub(crate) fn docker(&self) -> &Docker {
        &self.docker
    }

    /// The same engine over connections of its own, which belong to the runtime that uses it.
    pub(crate) fn dial_anew(&self) -> Result<Self, ApiError> {
        Ok(Self {
            docker: transport(self.host(), &self.docker.client_version())?,
            shared: self.shared.clone(),
        })
    }

    /// Waits for an answer that should come at once.
    pub(crate) async fn ask<T>(
        &self,
        doing: &str,
        answer: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, EngineError> {
        match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
            Ok(result) => result.map_err(|e| self.fault(doing, &e)),
            Err(_) => Err(slow(doing)),
        }
    }

    /// Sorts what the transport or the engine said.
    pub(crate) fn fault(&self, doing: &str, error: &ApiError) -> EngineError {
        let doing = doing.to_owned();
        match error {
            ApiError::DockerResponseServerError { message, .. }
            | ApiError::DockerStreamError { error: message }
                if says_no_space(message) =>
            {
                EngineError::DiskFull(message.clone())
            }
            ApiError::DockerResponseServerError { message, .. }
            | ApiError::DockerStreamError { error: message } => EngineError::Refused {
                doing,
                reason: message.clone(),
            },
            ApiError::JsonDataError { .. } | ApiError::JsonSerdeError { .. } => {
                EngineError::Refused {
                    doing,
                    reason: format!("an answer that mslab cannot read: {error}"),
                }
            }
            _ => self.lost(&doing, innermost(error)),
        }
    }

    pub(crate) fn lost(&self, doing: &str, reason: String) -> EngineError {
        EngineError::Disconnected {
            host: self.host().to_string(),
            doing: doing.to_owned(),
            reason,
        }
    }
}

fn slow(doing: &str) -> EngineError {
    EngineError::Slow {
        doing: doing.to_owned(),
        seconds: ANSWER_TIMEOUT.as_secs(),
    }
}

fn client<B: http_body::Body<Data: Send> + Send>(host: &Host) -> Client<Connector, B> {
    let connector = Connector {
        host: host.clone(),
        upgrade: None,
    };
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(4)
        .build(connector)
}

fn transport(host: &Host, version: &ClientVersion) -> Result<Docker, ApiError> {
    let client = client(host);
    Docker::connect_with_custom_transport(
        move |request: BollardRequest| {
            let client = client.clone();
            Box::pin(async move { client.request(request).await.map_err(ApiError::from) })
        },
        Some("http://docker"),
        STREAM_TIMEOUT_SECONDS,
        version,
    )
}

/// The last message of an error's chain: "connection refused" rather than "client error (Connect)".
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut at = error;
    while let Some(next) = at.source() {
        at = next;
    }
    at.to_string()
}

fn engine_info(identity: Identity, info: SystemInfo) -> EngineInfo {
    let count = |n: Option<i64>| u64::try_from(n.unwrap_or(0)).unwrap_or(0);
    let containerd = info.driver_status.iter().flatten().any(|row| {
        row.iter()
            .any(|cell| cell.starts_with("io.containerd.snapshotter"))
    });
    let driver = info.driver.unwrap_or_default();
    EngineInfo {
        identity,
        image_store: if containerd {
            format!("containerd ({driver})")
        } else {
            driver
        },
        rootless: info
            .security_options
            .iter()
            .flatten()
            .any(|o| o.contains("rootless")),
        cgroup_version: match info.cgroup_version {
            Some(SystemInfoCgroupVersionEnum::_1) => "1",
            Some(SystemInfoCgroupVersionEnum::_2) => "2",
            _ => "",
        }
        .to_owned(),
        data_root: info.docker_root_dir.unwrap_or_default(),
        labels: info.labels.unwrap_or_default(),
        cpus: count(info.ncpu),
        memory_bytes: count(info.mem_total),
        images: count(info.images),
    }
}

/// Reads `/system/df`, which has one total per kind from API 1.52 on and lists of items before that.
fn disk_usage(df: &serde_json::Value) -> DiskUsage {
    let total = |new: &str| df[new]["TotalSize"].as_u64();
    let sum = |list: &str, field: &str| -> u64 {
        df[list]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| item[field].as_u64())
            .sum()
    };
    DiskUsage {
        images: total("ImageUsage")
            .or_else(|| df["LayersSize"].as_u64().filter(|n| *n > 0))
            // An engine that has not looked at its layers yet.
            .unwrap_or_else(|| sum("Images", "Size")),
        build_cache: total("BuildCacheUsage").unwrap_or_else(|| sum("BuildCache", "Size")),
        containers: total("ContainerUsage").unwrap_or_else(|| sum("Containers", "SizeRw")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_of_disk_usage_are_read() {
        let old = serde_json::json!({
            "LayersSize": 7, "Containers": [{"SizeRw": 1}, {}], "BuildCache": [{"Size": 2}, {"Size": 3}]
        });
        let new = serde_json::json!({
            "ImageUsage": {"TotalSize": 7}, "ContainerUsage": {"TotalSize": 1}, "BuildCacheUsage": {"TotalSize": 5}
        });
        assert_eq!(disk_usage(&old), disk_usage(&new));
        assert_eq!(disk_usage(&old).build_cache, 5);
    }
}
