//! What mslab leaves on an engine, how it is known again, and how it goes.
//!
//! Containers carry the label `io.mslab`. Images are known by their names, which begin with `mslab.local/`: a label
//! would change the very configuration that checks look at. The build cache has neither names nor labels, so none of
//! it can be told to be mslab's; the engine's own limits and `docker builder prune` keep it small.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::models::ContainerSummary;
use bollard::query_parameters::{ListContainersOptions, RemoveContainerOptions};

use crate::engine::Engine;
use crate::error::EngineError;

/// What the names of mslab's own images begin with. No registry answers there.
pub const OWN_PREFIX: &str = "mslab.local/";
/// What the names of stand-ins begin with; the base image's own name follows.
pub const STAND_IN_PREFIX: &str = "mslab.local/stand-in/";

const LABEL: &str = "io.mslab";
const OWNER: &str = "io.mslab.owner";
/// Probes are over long before; what is older was left by a crash, wherever its owner ran.
const ABANDONED: Duration = Duration::from_secs(15 * 60);

/// What to leave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CleanOptions {
    /// Only images whose names begin with this, such as `mslab.local/check/ann/`; all where there is none.
    pub within: Option<String>,
    /// Keeps the stand-ins, which take minutes to make again.
    pub keep_stand_ins: bool,
}

/// What went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CleanReport {
    /// Containers removed.
    pub containers: usize,
    /// Image names removed.
    pub images: Vec<String>,
    /// What could not be removed, each with the engine's reason.
    pub kept: Vec<(String, String)>,
    /// Bytes of image layers that the engine holds less of.
    pub bytes: u64,
}

/// A container that mslab made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnContainer {
    /// Its id.
    pub id: String,
    /// Whether this very process made it.
    pub ours: bool,
    /// Whether whoever made it is gone, so that `clean` removes it.
    pub abandoned: bool,
}

impl Engine {
    /// Removes the containers and images that mslab made, and nothing else.
    ///
    /// What another mslab that still runs has made is left alone. An image loses the names that mslab gave it, and
    /// goes with its last name; a stand-in loses its base image's name too, if that still means the stand-in.
    ///
    /// # Errors
    /// The engine failed. What it merely refuses to remove is in the report.
    pub async fn clean(&self, options: CleanOptions) -> Result<CleanReport, EngineError> {
        let before = self.disk_usage().await?.images;
        let mut report = CleanReport::default();
        for container in self.own_containers().await? {
            if !is_abandoned(&container) {
                continue;
            }
            let id = container.id.unwrap_or_default();
            let remove = RemoveContainerOptions {
                force: true,
                v: true,
                ..RemoveContainerOptions::default()
            };
            match self.docker().remove_container(&id, Some(remove)).await {
                Ok(()) => report.containers += 1,
                Err(e) => report.kept.push((
                    format!("container {id}"),
                    self.fault("removing it", &e).to_string(),
                )),
            }
        }
        for name in own_names(&self.images().await?, &options) {
            match self.remove_image(&name, false).await {
                Ok(()) => report.images.push(name),
                Err(EngineError::Refused { reason, .. }) => report.kept.push((name, reason)),
                Err(e) => return Err(e),
            }
        }
        report.bytes = before.saturating_sub(self.disk_usage().await?.images);
        Ok(report)
    }

    /// The containers that mslab made and that are there now.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn containers(&self) -> Result<Vec<OwnContainer>, EngineError> {
        let this = Owner::this();
        let own = self
            .own_containers()
            .await?
            .into_iter()
            .map(|c| OwnContainer {
                ours: owner(&c).is_some_and(|o| o == this),
                abandoned: is_abandoned(&c),
                id: c.id.unwrap_or_default(),
            });
        Ok(own.collect())
    }

    async fn own_containers(&self) -> Result<Vec<ContainerSummary>, EngineError> {
        let options = ListContainersOptions {
            all: true,
            filters: Some(HashMap::from([(
                "label".to_owned(),
                vec![LABEL.to_owned()],
            )])),
            ..ListContainersOptions::default()
        };
        self.ask(
            "listing containers",
            self.docker().list_containers(Some(options)),
        )
        .await
    }
}

/// The labels of every container that mslab makes.
pub(crate) fn labels() -> HashMap<String, String> {
    HashMap::from([
        (LABEL.to_owned(), "1".to_owned()),
        (OWNER.to_owned(), Owner::this().to_string()),
    ])
}

fn own_names(images: &[crate::ListedImage], options: &CleanOptions) -> Vec<String> {
    let ids: HashMap<&str, &str> = images
        .iter()
        .flat_map(|i| i.names.iter().map(|n| (n.as_str(), i.id.as_str())))
        .collect();
    let mut out = Vec::new();
    let wanted = |name: &str| {
        options
            .within
            .as_deref()
            .is_none_or(|w| name.starts_with(w))
    };
    for (name, id) in ids.iter().filter(|(name, _)| wanted(name)) {
        if let Some(base) = name.strip_prefix(STAND_IN_PREFIX) {
            if options.keep_stand_ins {
                continue;
            }
            // Podman spells out the registry.
            let spellings = [
                base.to_owned(),
                format!("docker.io/{base}"),
                format!("docker.io/library/{base}"),
            ];
            out.extend(
                spellings
                    .into_iter()
                    .filter(|s| ids.get(s.as_str()) == Some(id)),
            );
            out.push((*name).to_owned());
        } else if name.starts_with(OWN_PREFIX) && !is_in_use(name) {
            out.push((*name).to_owned());
        }
    }
    out.sort();
    out
}

/// Whether the tag names a run (`PID-N`) whose process is there, and is not this one. Another program may have got the
/// number since: the name then stays until the next cleaning, which is better than to break a run.
fn is_in_use(name: &str) -> bool {
    let Some((_, tag)) = name.rsplit_once(':') else {
        return false;
    };
    let run = tag.split_once('-').and_then(|(pid, n)| {
        n.parse::<u64>().ok()?;
        pid.parse::<u32>().ok()
    });
    run.is_some_and(|pid| pid != std::process::id() && started(pid).is_some())
}

fn owner(container: &ContainerSummary) -> Option<Owner> {
    Owner::parse(container.labels.as_ref()?.get(OWNER)?)
}

fn is_abandoned(container: &ContainerSummary) -> bool {
    let running = container
        .state
        .as_ref()
        .is_some_and(|s| s.to_string() == "running");
    let age = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .saturating_sub(Duration::from_secs(
            u64::try_from(container.created.unwrap_or(0)).unwrap_or(0),
        ));
    match owner(container).map(|o| o.is_alive()) {
        Some(Some(alive)) => !alive,
        // Of another machine, or of a system that does not say: by age.
        _ => !running && age > Duration::from_secs(60) || age > ABANDONED,
    }
}

/// A process, named so that it can be told from a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Owner {
    /// The machine since its start, and the namespace in which the number counts; empty where there is no `/proc`.
    place: String,
    pid: u32,
    /// When it started, in the kernel's ticks.
    started: String,
}

impl Owner {
    fn this() -> Self {
        let pid = std::process::id();
        Self {
            place: place(),
            pid,
            started: started(pid).unwrap_or_default(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(3, '/');
        let started = parts.next()?.to_owned();
        let pid = parts.next()?.parse().ok()?;
        let place = parts.next()?.to_owned();
        Some(Self {
            place,
            pid,
            started,
        })
    }

    /// Whether it still runs; `None` where that cannot be seen from here.
    fn is_alive(&self) -> Option<bool> {
        if self.place.is_empty() || self.place != place() {
            return None;
        }
        Some(started(self.pid).is_some_and(|s| s == self.started))
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.place, self.pid, self.started)
    }
}

fn place() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    match boot.trim() {
        "" => String::new(),
        boot => format!("{boot} {}", namespace.display()),
    }
}

/// The start time is the 22nd field of `/proc/PID/stat`, the 20th after the name in parentheses.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ListedImage;

    fn image(id: &str, names: &[&str]) -> ListedImage {
        ListedImage {
            id: id.into(),
            names: names.iter().map(|n| (*n).to_owned()).collect(),
            ..ListedImage::default()
        }
    }

    #[test]
    fn only_names_of_its_own_are_removed() {
        let images = [
            image("1", &["mslab.local/check/go:prod", "mine:latest"]),
            image(
                "2",
                &["mslab.local/stand-in/node:24-alpine", "node:24-alpine"],
            ),
            image("3", &["mslab.local/stand-in/golang:1.27"]),
            image("4", &["golang:1.27", "mslab.localhost/x:1"]),
        ];
        assert_eq!(
            own_names(&images, &CleanOptions::default()),
            [
                "mslab.local/check/go:prod",
                "mslab.local/stand-in/golang:1.27",
                "mslab.local/stand-in/node:24-alpine",
                "node:24-alpine"
            ]
        );
        let keep = CleanOptions {
            keep_stand_ins: true,
            ..CleanOptions::default()
        };
        assert_eq!(own_names(&images, &keep), ["mslab.local/check/go:prod"]);
        let within = CleanOptions {
            within: Some("mslab.local/stand-in/g".into()),
            ..CleanOptions::default()
        };
        assert_eq!(
            own_names(&images, &within),
            ["mslab.local/stand-in/golang:1.27"]
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn images_of_a_run_that_goes_on_are_left_alone() {
        // The first process always runs; the second number is larger than any process can have.
        let images = [
            image("1", &["mslab.local/check/go-prod:1-0"]),
            image("2", &["mslab.local/check/go-prod:4194305-0"]),
            image("3", &["mslab.local/prober:amd64-1"]),
        ];
        assert_eq!(
            own_names(&images, &CleanOptions::default()),
            [
                "mslab.local/check/go-prod:4194305-0",
                "mslab.local/prober:amd64-1"
            ]
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_running_owner_is_told_from_a_dead_one_and_from_strangers() {
        let me = Owner::this();
        assert_eq!(Owner::parse(&me.to_string()), Some(me.clone()));
        assert_eq!(me.is_alive(), Some(true));
        let reborn = Owner {
            started: "1".into(),
            ..me.clone()
        };
        assert_eq!(reborn.is_alive(), Some(false));
        let elsewhere = Owner {
            place: "other machine".into(),
            ..me
        };
        assert_eq!(elsewhere.is_alive(), None);
        assert_eq!(Owner::parse("nonsense"), None);
    }
}
