//! Which files' content is kept, so that a check can read it, and which only counted.

/// Bytes up to which a file's content is kept. A `passwd` of this size has some thousands of users.
pub const CONTENT_LIMIT: u64 = 256 * 1024;

/// What is kept of a file beside its size and the facts that every file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Nothing.
    Nothing,
    /// The whole content, up to [`CONTENT_LIMIT`].
    Whole,
    /// `name` and `version` of a `package.json`, as JSON.
    Package,
    /// How many PEM certificates there are.
    Certificates,
}

impl Keep {
    /// The rule for a path without a leading slash.
    pub(super) fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        match name {
            "passwd" | "group" | "os-release" => Self::Whole,
            "package.json" if path.split('/').any(|p| p == "node_modules") => Self::Package,
            "package.json" => Self::Whole,
            _ if name.ends_with(".pem") || name.ends_with(".crt") || name.ends_with(".cer") => {
                Self::Certificates
            }
            _ if path.starts_with("etc/ssl/") || path.starts_with("etc/pki/") => Self::Certificates,
            _ => Self::Nothing,
        }
    }
}

/// What is kept of a `package.json`: its name and version. `None` where it is no JSON object.
pub(super) fn package(content: &[u8]) -> Option<Vec<u8>> {
    let value: serde_json::Value = serde_json::from_slice(content).ok()?;
    let object = value.as_object()?;
    let kept: serde_json::Map<_, _> = ["name", "version"]
        .into_iter()
        .filter_map(|key| {
            object
                .get(key)
                .filter(|v| v.is_string())
                .map(|v| (key.to_owned(), v.clone()))
        })
        .collect();
    serde_json::to_vec(&kept).ok()
}

/// The line that begins a certificate in a PEM file.
pub(super) const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";
