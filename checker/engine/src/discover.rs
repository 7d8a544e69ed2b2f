//! Finding an engine: the places where one may listen, in order, and what came of each.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::dial::Host;
use crate::engine::Engine;
use crate::error::EngineError;

/// Where to look, all of it explicit so that a test can say what the environment is.
#[derive(Debug, Clone, Default)]
pub struct DiscoverOptions {
    /// `--engine HOST`.
    pub explicit: Option<String>,
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// Folder of Docker's client configuration: `DOCKER_CONFIG`, or `~/.docker`.
    pub docker_config: Option<PathBuf>,
    /// Sockets of the system's and the user's own engines, in order.
    pub sockets: Vec<(Origin, Host)>,
}

impl DiscoverOptions {
    /// What this process's environment says. `explicit` is the command line's `--engine`.
    #[must_use]
    pub fn from_env(explicit: Option<String>) -> Self {
        let var = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let home = var("HOME")
            .or_else(|| var("USERPROFILE"))
            .map(PathBuf::from);
        let run = var("XDG_RUNTIME_DIR").map(PathBuf::from);
        let private = var("MSLAB_ENGINE_DIR").map(PathBuf::from);
        Self {
            explicit,
            docker_host: var("DOCKER_HOST"),
            docker_context: var("DOCKER_CONTEXT"),
            docker_config: var("DOCKER_CONFIG")
                .map(PathBuf::from)
                .or_else(|| home.as_ref().map(|h| h.join(".docker"))),
            sockets: usual_sockets(home.as_deref(), run.as_deref(), private.as_deref()),
        }
    }
}

/// The sockets that engines listen on when nobody says otherwise.
fn usual_sockets(
    home: Option<&Path>,
    run: Option<&Path>,
    private: Option<&Path>,
) -> Vec<(Origin, Host)> {
    if cfg!(windows) {
        let pipe = |name: &str| Host::Npipe(format!("//./pipe/{name}"));
        return vec![
            (Origin::Default, pipe("docker_engine")),
            (Origin::Rootless, pipe("dockerDesktopLinuxEngine")),
            (Origin::Podman, pipe("podman-machine-default")),
        ];
    }
    let unix = |path: PathBuf| Host::Unix(path);
    let mut out = vec![(Origin::Default, unix("/var/run/docker.sock".into()))];
    if let Some(run) = run {
        out.push((Origin::Rootless, unix(run.join("docker.sock"))));
    }
    if let Some(home) = home {
        // Docker Desktop on macOS and Linux.
        out.push((Origin::Rootless, unix(home.join(".docker/run/docker.sock"))));
        out.push((
            Origin::Rootless,
            unix(home.join(".docker/desktop/docker.sock")),
        ));
    }
    if let Some(run) = run {
        out.push((Origin::Podman, unix(run.join("podman/podman.sock"))));
    }
    out.push((Origin::Podman, unix("/run/podman/podman.sock".into())));
    out.push((
        Origin::Private,
        unix(match private {
            Some(dir) => dir.join("run/engine.sock"),
            None => "/run/mslab/engine.sock".into(),
        }),
    ));
    out
}

/// Who named an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag,
    /// `DOCKER_HOST`.
    DockerHost,
    /// Docker's context of this name.
    Context(String),
    /// The default socket.
    Default,
    /// A socket of the user's own Docker: rootless, or Docker Desktop's.
    Rootless,
    /// A Podman socket.
    Podman,
    /// The engine that `scripts/engine` brings up.
    Private,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("--engine"),
            Self::DockerHost => f.write_str("DOCKER_HOST"),
            Self::Context(name) => write!(f, "Docker context {name:?}"),
            Self::Default => f.write_str("default socket"),
            Self::Rootless => f.write_str("user's Docker socket"),
            Self::Podman => f.write_str("Podman socket"),
            Self::Private => f.write_str("private engine"),
        }
    }
}

/// One place, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who named it.
    pub origin: Origin,
    /// The address, as far as it could be read.
    pub host: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An engine answered, and is the one in use.
    Used,
    /// Nothing is there.
    Absent,
    /// Something is there, but it did not answer as an engine does; its message.
    Failed(String),
    /// An earlier place had an engine.
    NotTried,
}

/// The trail of a search, and its end.
#[derive(Debug)]
pub struct Discovery {
    /// Every place in order.
    pub candidates: Vec<Candidate>,
    /// The first engine that answered.
    pub engine: Result<Engine, EngineError>,
}

/// Looks for an engine, first hit wins: the command line, `DOCKER_HOST`, Docker's context, the sockets.
///
/// A place that somebody named for this very run (`--engine`, `DOCKER_HOST`, `DOCKER_CONTEXT`) and that does not
/// answer ends the search with an error, as it does for Docker's own client.
pub async fn discover(options: &DiscoverOptions) -> Discovery {
    let mut candidates = Vec::new();
    let mut found: Option<Result<Engine, EngineError>> = None;
    for place in places(options) {
        let shown = match &place.host {
            Ok(host) => host.to_string(),
            Err(_) => place.text.clone(),
        };
        let mut outcome = Outcome::NotTried;
        if found.is_none() {
            outcome = match place.host {
                Err(e) if place.binding => {
                    let message = e.to_string();
                    found = Some(Err(e));
                    Outcome::Failed(message)
                }
                Err(e) => Outcome::Failed(e.to_string()),
                Ok(host) if !place.binding && !host.exists() => Outcome::Absent,
                Ok(host) => match Engine::connect(host, place.origin.clone()).await {
                    Ok(engine) => {
                        found = Some(Ok(engine));
                        Outcome::Used
                    }
                    Err(reason) => {
                        if place.binding {
                            found = Some(Err(EngineError::Unreachable {
                                host: shown.clone(),
                                named_by: place.origin.to_string(),
                                reason: reason.clone(),
                            }));
                        }
                        Outcome::Failed(reason)
                    }
                },
            };
        }
        candidates.push(Candidate {
            origin: place.origin,
            host: shown,
            outcome,
        });
    }
    let engine = found.unwrap_or_else(|| {
        let tried: Vec<&str> = candidates.iter().map(|c| c.host.as_str()).collect();
        Err(EngineError::NoEngine {
            tried: tried.join(", "),
        })
    });
    Discovery { candidates, engine }
}

struct Place {
    origin: Origin,
    text: String,
    host: Result<Host, EngineError>,
    /// Whether nothing else may be tried when it does not answer.
    binding: bool,
}

fn places(options: &DiscoverOptions) -> Vec<Place> {
    let mut out = Vec::new();
    for (origin, text) in [
        (Origin::Flag, &options.explicit),
        (Origin::DockerHost, &options.docker_host),
    ] {
        if let Some(text) = text {
            out.push(Place {
                host: Host::parse(text),
                origin,
                text: text.clone(),
                binding: true,
            });
        }
    }
    if let Some(config) = &options.docker_config {
        let asked = options.docker_context.clone();
        let binding = asked.is_some();
        let name = asked.or_else(|| current_context(config));
        // "default" is Docker's name for having no context.
        if let Some(name) = name.filter(|n| n != "default" && !n.is_empty()) {
            let host = context_host(config, &name);
            let text = match &host {
                Ok(h) => h.to_string(),
                Err(_) => String::new(),
            };
            out.push(Place {
                origin: Origin::Context(name),
                text,
                host,
                binding,
            });
        }
    }
    out.extend(options.sockets.iter().map(|(origin, host)| Place {
        origin: origin.clone(),
        text: host.to_string(),
        host: Ok(host.clone()),
        binding: false,
    }));
    out
}

fn current_context(config: &Path) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ClientConfig {
        current_context: Option<String>,
    }
    let text = std::fs::read(config.join("config.json")).ok()?;
    serde_json::from_slice::<ClientConfig>(&text)
        .ok()?
        .current_context
}

/// The address of a context, from its `meta.json`, in a folder named by the SHA-256 of the context's name.
fn context_host(config: &Path, name: &str) -> Result<Host, EngineError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Meta {
        endpoints: std::collections::HashMap<String, Endpoint>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Endpoint {
        host: Option<String>,
    }
    let folder: String = Sha256::digest(name.as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let path = config.join("contexts/meta").join(folder).join("meta.json");
    let what = || {
        format!(
            "cannot read Docker context {name:?} from {}",
            path.display()
        )
    };
    let text = std::fs::read(&path).map_err(|e| EngineError::local(what(), e))?;
    let meta: Meta =
        serde_json::from_slice(&text).map_err(|e| EngineError::local(what(), e.into()))?;
    let host = meta
        .endpoints
        .get("docker")
        .and_then(|e| e.host.as_deref())
        .unwrap_or_default();
    Host::parse(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config_with_context(name: &str, host: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let folder: String = Sha256::digest(name)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let meta = dir.path().join("contexts/meta").join(folder);
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(
            meta.join("meta.json"),
            format!(r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}","SkipTLSVerify":false}}}}}}"#),
        )
        .unwrap();
        std::fs::write(
            dir.path().join("config.json"),
            format!(r#"{{"auths":{{}},"currentContext":"{name}"}}"#),
        )
        .unwrap();
        dir
    }

    fn order(options: &DiscoverOptions) -> Vec<(String, String)> {
        places(options)
            .into_iter()
            .map(|p| (p.origin.to_string(), p.text))
            .collect()
    }

    #[test]
    fn places_come_in_the_promised_order() {
        let dir = config_with_context("lab", "unix:///tmp/lab.sock");
        let options = DiscoverOptions {
            explicit: Some("unix:///a".into()),
            docker_host: Some("unix:///b".into()),
            docker_config: Some(dir.path().into()),
            sockets: usual_sockets(
                Some(Path::new("/home/x")),
                Some(Path::new("/run/user/1")),
                None,
            ),
            ..DiscoverOptions::default()
        };
        let order: Vec<String> = order(&options).into_iter().map(|(o, _)| o).collect();
        assert_eq!(
            order[..3],
            ["--engine", "DOCKER_HOST", "Docker context \"lab\""]
        );
        if cfg!(unix) {
            assert_eq!(order[3], "default socket");
            assert_eq!(order.last().unwrap(), "private engine");
        }
    }

    #[test]
    fn the_default_context_is_no_place() {
        let dir = config_with_context("default", "unix:///tmp/lab.sock");
        let options = DiscoverOptions {
            docker_config: Some(dir.path().into()),
            ..DiscoverOptions::default()
        };
        assert!(order(&options).is_empty());
    }

    #[tokio::test]
    async fn a_named_engine_that_does_not_answer_ends_the_search() {
        let options = DiscoverOptions {
            docker_host: Some("unix:///nonexistent/docker.sock".into()),
            sockets: vec![(Origin::Default, Host::Unix("/nonexistent/two.sock".into()))],
            ..DiscoverOptions::default()
        };
        let found = discover(&options).await;
        let error = found.engine.unwrap_err();
        assert!(
            matches!(&error, EngineError::Unreachable { named_by, .. } if named_by == "DOCKER_HOST"),
            "{error}"
        );
        assert_eq!(found.candidates[1].outcome, Outcome::NotTried);
    }

    #[tokio::test]
    async fn a_missing_context_is_an_error_only_when_asked_for() {
        let dir = config_with_context("lab", "unix:///nonexistent/lab.sock");
        let mut options = DiscoverOptions {
            docker_config: Some(dir.path().into()),
            sockets: vec![(Origin::Default, Host::Unix("/nonexistent/two.sock".into()))],
            ..DiscoverOptions::default()
        };
        let found = discover(&options).await;
        assert!(matches!(found.engine, Err(EngineError::NoEngine { .. })));
        assert_eq!(found.candidates[0].outcome, Outcome::Absent);
        options.docker_context = Some("other".into());
        let found = discover(&options).await;
        assert!(matches!(found.engine, Err(EngineError::Local { .. })));
    }

    #[tokio::test]
    async fn something_that_is_no_engine_is_passed_over_with_its_reason() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plain-file.sock");
        std::fs::write(&path, "").unwrap();
        let options = DiscoverOptions {
            sockets: vec![(Origin::Default, Host::Unix(path))],
            ..DiscoverOptions::default()
        };
        let found = discover(&options).await;
        assert!(matches!(found.candidates[0].outcome, Outcome::Failed(_)));
        assert!(matches!(found.engine, Err(EngineError::NoEngine { .. })));
    }
}
