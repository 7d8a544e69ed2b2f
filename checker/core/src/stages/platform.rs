//! Platform names such as `linux/arm64/v8`, by the rules of containerd's `platforms` package.

/// A platform.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Platform {
    pub(crate) os: String,
    pub(crate) architecture: String,
    pub(crate) variant: String,
}

const SYSTEMS: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "windows",
    "zos",
];

const ARCHITECTURES: &[&str] = &[
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "armbe",
    "arm64",
    "arm64be",
    "ppc64",
    "ppc64le",
    "loong64",
    "mips",
    "mipsle",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "ppc",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

impl Platform {
    /// Reads a platform. `local` gives what a short name leaves out.
    ///
    /// # Errors
    ///
    /// A message where the engine refuses the name.
    pub(crate) fn parse(name: &str, local: &Self) -> Result<Self, String> {
        if name.contains('*') {
            return Err(format!("{name:?}: wildcards not yet supported"));
        }
        let parts: Vec<&str> = name.split('/').collect();
        for (i, part) in parts.iter().enumerate() {
            let (system, options) = match part.split_once('(') {
                Some((system, rest)) if i == 0 => (system, rest.strip_suffix(')')),
                _ => (*part, Some("")),
            };
            let fits = |s: &str| {
                !s.is_empty()
                    && s.bytes()
                        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
            };
            if !fits(system) || options.is_none() {
                return Err(format!("{part:?} is an invalid component of {name:?}"));
            }
        }
        let system = |s: &str| {
            let s = s.split('(').next().unwrap_or_default().to_lowercase();
            if s == "macos" { "darwin".to_owned() } else { s }
        };
        match parts.as_slice() {
            [one] => {
                let os = system(one);
                if SYSTEMS.contains(&os.as_str()) {
                    let variant = if local.architecture == "arm" {
                        local.variant.clone()
                    } else {
                        String::new()
                    };
                    return Ok(Self {
                        os,
                        architecture: local.architecture.clone(),
                        variant,
                    });
                }
                let (architecture, variant) = normalized(one, "");
                if ARCHITECTURES.contains(&architecture.as_str()) {
                    return Ok(Self {
                        os: local.os.clone(),
                        architecture,
                        variant,
                    });
                }
                Err(format!(
                    "{name:?}: unknown operating system or architecture"
                ))
            }
            [os, rest @ ..] if rest.len() <= 2 => {
                let (architecture, mut variant) =
                    normalized(rest[0], rest.get(1).copied().unwrap_or_default());
                if rest.len() == 2 && architecture == "arm64" && variant.is_empty() {
                    variant = "v8".to_owned();
                }
                if architecture == "arm" && variant.is_empty() {
                    variant = "v7".to_owned();
                }
                Ok(Self {
                    os: system(os),
                    architecture,
                    variant,
                })
            }
            _ => Err(format!("{name:?}: cannot parse platform specifier")),
        }
    }

    /// `os/architecture[/variant]`.
    pub(crate) fn name(&self) -> String {
        let mut name = format!("{}/{}", self.os, self.architecture);
        if !self.variant.is_empty() {
            name.push('/');
            name.push_str(&self.variant);
        }
        name
    }
}

/// One spelling for each architecture and variant.
fn normalized(architecture: &str, variant: &str) -> (String, String) {
    let architecture = architecture.to_lowercase();
    let variant = variant.to_lowercase();
    let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", v) => ("amd64", if v == "v1" { "" } else { v }),
        ("aarch64" | "arm64", "8" | "v8" | "v8.0") => ("arm64", ""),
        ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => ("arm64", "v9"),
        ("aarch64" | "arm64", v) => ("arm64", v),
        ("armhf", _) => ("arm", "v7"),
        ("armel", _) => ("arm", "v6"),
        ("arm", "" | "7") => ("arm", "v7"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "6") => ("arm", "v6"),
        ("arm", "8") => ("arm", "v8"),
        other => other,
    };
    (architecture.to_owned(), variant.to_owned())
}
