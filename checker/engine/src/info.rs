//! What an engine is, and what it can do.

use std::fmt;

use mslab_core::dockerfile::Feature;

/// Which program answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    /// Docker, or one that behaves as Docker does.
    Docker,
    /// Podman's Docker-compatible service.
    Podman,
}

impl fmt::Display for Flavor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Docker => "Docker",
            Self::Podman => "Podman",
        })
    }
}

/// A dotted version, compared by its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number.
    pub patch: u32,
}

impl Version {
    /// A version.
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// Reads `28.5.2+dfsg4` and the like; what is not a number counts as 0.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut parts = text.split('.').map(|p| {
            let digits: String = p.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().unwrap_or(0)
        });
        let mut next = || parts.next().unwrap_or(0);
        Self::new(next(), next(), next())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch > 0 {
            write!(f, ".{}", self.patch)?;
        }
        Ok(())
    }
}

/// Who the engine is: known from the moment of connecting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Which program.
    pub flavor: Flavor,
    /// Its version as it prints it.
    pub version: String,
    /// The API's version.
    pub api_version: String,
    /// `linux/amd64`, in Go's spelling.
    pub platform: String,
}

impl Identity {
    /// Name and version, as messages show them.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} {}", self.flavor, self.version)
    }

    /// What it can do.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        Capabilities::of(self.flavor, Version::parse(&self.version))
    }
}

/// Facts that cost the engine a look around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    /// Who it is.
    pub identity: Identity,
    /// How it keeps images: `overlay2`, `containerd`, …
    pub image_store: String,
    /// Whether it runs without root.
    pub rootless: bool,
    /// `1` or `2`, or empty where it does not say.
    pub cgroup_version: String,
    /// Where it keeps its data, on its own machine.
    pub data_root: String,
    /// Labels that its administrator gave it.
    pub labels: Vec<String>,
    /// Processors.
    pub cpus: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// How many images it holds.
    pub images: u64,
}

/// Disk space that the engine uses, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskUsage {
    /// All images' layers, shared ones once.
    pub images: u64,
    /// Build cache.
    pub build_cache: u64,
    /// Stopped and running containers' own layers.
    pub containers: u64,
}

/// What an engine can do, decided by what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    flavor: Flavor,
    version: Version,
    /// BuildKit through the engine's own session: secrets, line numbers of every step, reliable progress.
    pub buildkit: bool,
    /// An image can be put in the place of another for one build.
    pub named_contexts: bool,
    /// A build can be held within limits of memory and processes.
    pub build_limits: bool,
    /// A build can run without a network.
    pub offline_builds: bool,
    /// Secrets can be given to a build.
    pub secrets: bool,
    /// A running build can be stopped.
    pub cancel: bool,
    /// The engine lints Dockerfiles itself.
    pub lint: bool,
}

impl Capabilities {
    /// The capabilities of an engine of this version.
    #[must_use]
    pub fn of(flavor: Flavor, version: Version) -> Self {
        let docker = flavor == Flavor::Docker;
        let since = |v| docker && version >= v;
        Self {
            flavor,
            version,
            buildkit: docker,
            named_contexts: since(Version::new(23, 0, 0)),
            build_limits: since(Version::new(23, 0, 0)),
            offline_builds: true,
            secrets: docker,
            cancel: docker,
            lint: since(Version::new(27, 0, 0)),
        }
    }

    /// Whether the engine knows a Dockerfile feature.
    #[must_use]
    pub fn supports(&self, feature: Feature) -> bool {
        match self.flavor {
            Flavor::Docker => feature
                .docker()
                .is_some_and(|(major, minor)| self.version >= Version::new(major, minor, 0)),
            Flavor::Podman => feature.podman(),
        }
    }

    /// What the engine cannot do, a sentence each, for `mslab doctor`.
    #[must_use]
    pub fn shortcomings(&self) -> Vec<&'static str> {
        let mut out = Vec::new();
        if !self.buildkit {
            out.push("builds go through the classic build API: no secrets, and a step's line is found by its text");
        }
        if !self.cancel {
            out.push("a running build cannot be stopped: it goes on after Ctrl-C or a time limit");
        }
        if !self.named_contexts {
            out.push(
                "a stand-in can only take a base image's place under the base image's own name",
            );
        }
        if !self.build_limits {
            out.push("builds cannot be held within limits: not for work that nobody trusts");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_engines_print_them() {
        assert_eq!(Version::parse("28.5.2+dfsg4"), Version::new(28, 5, 2));
        assert_eq!(Version::parse("20.10.24+dfsg1"), Version::new(20, 10, 24));
        assert_eq!(Version::parse("dev"), Version::default());
        assert!(Version::parse("26.1.5") < Version::parse("28"));
    }

    #[test]
    fn features_follow_the_versions() {
        let can = |v: &str, f| Capabilities::of(Flavor::Docker, Version::parse(v)).supports(f);
        assert!(!can("20.10.24", Feature::Heredoc) && can("26.1.5", Feature::Heredoc));
        assert!(!can("26.1.5", Feature::SecretEnv) && can("28.5.2", Feature::SecretEnv));
        assert!(!can("28.5.2", Feature::CopyParents));
        assert!(
            !Capabilities::of(Flavor::Podman, Version::new(5, 4, 2)).supports(Feature::CopyLink)
        );
    }
}
