//! Which hosts are package registries: the public ones, and those that this machine's own clients are set up for.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::{Command, Stdio};

/// Registries that everybody uses, and the hosts of their files.
const PUBLIC: [&str; 15] = [
    "registry.npmjs.org",
    "registry.yarnpkg.com",
    "pypi.org",
    "files.pythonhosted.org",
    "proxy.golang.org",
    "sum.golang.org",
    "crates.io",
    "index.crates.io",
    "static.crates.io",
    "deb.debian.org",
    "security.debian.org",
    "archive.ubuntu.com",
    "security.ubuntu.com",
    "ports.ubuntu.com",
    "dl-cdn.alpinelinux.org",
];
/// How this machine's clients say which registries they use.
const ASKED: [&[&str]; 4] = [
    &["npm", "config", "get", "registry"],
    &["pip", "config", "list"],
    &["go", "env", "GOPROXY"],
    &["apt-get", "indextargets", "--format", "$(SITE)"],
];

/// The hosts that may be reached, each with its port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Allowed {
    hosts: BTreeSet<(String, u16)>,
}

impl Allowed {
    /// The public registries, those of this machine's clients, and `more`: `host`, `host:port` or an address.
    pub(super) fn here(more: &[String]) -> Self {
        let mut allowed = Self::default();
        for host in PUBLIC {
            allowed.add(host);
        }
        for line in ASKED {
            allowed.add_addresses(&said(line));
        }
        if let Some(home) = std::env::home_dir() {
            let cargo = home.join(".cargo/config.toml");
            allowed.add_addresses(&std::fs::read_to_string(cargo).unwrap_or_default());
        }
        for name in more {
            if name.contains("://") {
                allowed.add_addresses(name);
            } else {
                allowed.add(name);
            }
        }
        allowed
    }

    pub(super) fn allows(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.hosts.contains(&(host, port))
    }

    /// In one line.
    pub(super) fn names(&self) -> String {
        let mut text = String::new();
        for (host, port) in &self.hosts {
            let comma = if text.is_empty() { "" } else { ", " };
            let _ = match port {
                443 => write!(text, "{comma}{host}"),
                80 => continue,
                port => write!(text, "{comma}{host}:{port}"),
            };
        }
        text
    }

    /// A host by its name: for TLS and plain, unless a port is named.
    fn add(&mut self, host: &str) {
        let host = host
            .trim()
            .trim_end_matches(['.', '/'])
            .to_ascii_lowercase();
        match host.rsplit_once(':') {
            Some((name, port)) => {
                if let Ok(port) = port.parse() {
                    self.hosts.insert((name.to_owned(), port));
                }
            }
            None if host.is_empty() => {}
            None => {
                self.hosts.insert((host.clone(), 443));
                self.hosts.insert((host, 80));
            }
        }
    }

    /// The hosts of all addresses in a text.
    fn add_addresses(&mut self, text: &str) {
        for (at, mark) in text.match_indices("://") {
            let plain = text[..at].ends_with("http");
            if !plain && !text[..at].ends_with("https") {
                continue;
            }
            let rest = &text[at + mark.len()..];
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-._:@%".contains(c)));
            let authority = &rest[..end.unwrap_or(rest.len())];
            let host = authority.rsplit('@').next().unwrap_or(authority);
            match host.rsplit_once(':') {
                Some(_) => self.add(host),
                None if plain => self.add(&format!("{host}:80")),
                None => self.add(host),
            }
        }
    }
}

/// What a program prints; nothing if it is not there.
fn said(line: &[&str]) -> String {
    let [program, args @ ..] = line else {
        return String::new();
    };
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    output.map_or_else(
        |_| String::new(),
        |o| String::from_utf8_lossy(&o.stdout).into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_taken_from_whatever_a_client_prints() {
        let mut allowed = Allowed::default();
        allowed.add_addresses(
            "global.index-url='https://user:pw@pypi.example/simple/'\nregistry = \"sparse+https://crates.example:8443/index/\"\nhttp://deb.example\nftp://no.example",
        );
        assert!(allowed.allows("PyPI.example.", 443));
        assert!(allowed.allows("crates.example", 8443));
        assert!(allowed.allows("deb.example", 80));
        for (host, port) in [
            ("crates.example", 443),
            ("deb.example", 443),
            ("no.example", 443),
            ("evil.pypi.example", 443),
            ("pypi.example", 22),
        ] {
            assert!(!allowed.allows(host, port), "{host}:{port}");
        }
    }
}
