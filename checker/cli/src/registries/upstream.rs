//! The way from this machine to a registry: directly, or through the proxy that the machine itself has to use.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::head;

/// What a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(20);

/// This machine's own proxies, as `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Upstream {
    tls: Option<String>,
    plain: Option<String>,
    without: Vec<String>,
}

/// A connection, and whether a proxy is at its other end that wants whole addresses.
pub(super) struct Way {
    pub(super) stream: BufReader<TcpStream>,
    pub(super) proxied: bool,
}

impl Upstream {
    pub(super) fn from_env(variable: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| {
            let value = variable(name).or_else(|| variable(&name.to_ascii_lowercase()));
            value.filter(|v| !v.is_empty())
        };
        let without = either("NO_PROXY").unwrap_or_default();
        Self {
            tls: either("HTTPS_PROXY").and_then(|p| address(&p)),
            plain: either("HTTP_PROXY").and_then(|p| address(&p)),
            without: without
                .split(',')
                .map(|h| h.trim().trim_start_matches(['*', '.']).to_ascii_lowercase())
                .filter(|h| !h.is_empty())
                .collect(),
        }
    }

    /// A connection through which the client itself speaks to the host.
    pub(super) async fn tunnel(&self, host: &str, port: u16) -> io::Result<BufReader<TcpStream>> {
        let Some(proxy) = self.tls.as_ref().filter(|_| self.concerns(host)) else {
            return Ok(BufReader::new(dial(&format!("{host}:{port}")).await?));
        };
        let mut stream = BufReader::new(dial(proxy).await?);
        let ask = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n");
        stream.write_all(ask.as_bytes()).await?;
        let answer = head::read(&mut stream).await?.unwrap_or_default();
        if answer.split(' ').nth(1) == Some("200") {
            return Ok(stream);
        }
        let line = answer.lines().next().unwrap_or("nothing");
        Err(io::Error::other(format!("the proxy {proxy} says {line}")))
    }

    /// A connection for one request over plain HTTP.
    pub(super) async fn plain(&self, host: &str, port: u16) -> io::Result<Way> {
        let proxy = self.plain.as_ref().filter(|_| self.concerns(host));
        let direct = format!("{host}:{port}");
        Ok(Way {
            stream: BufReader::new(dial(proxy.unwrap_or(&direct)).await?),
            proxied: proxy.is_some(),
        })
    }

    fn concerns(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        !self.without.iter().any(|w| {
            host == *w
                || host
                    .strip_suffix(w.as_str())
                    .is_some_and(|h| h.ends_with('.'))
        })
    }
}

async fn dial(address: &str) -> io::Result<TcpStream> {
    let connected = tokio::time::timeout(CONNECT, TcpStream::connect(address)).await;
    connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// `host:port` of a proxy. One that wants a password is not supported.
fn address(text: &str) -> Option<String> {
    let text = text.trim_end_matches('/');
    let rest = text.strip_prefix("http://").unwrap_or(text);
    if rest.contains(['/', '@']) || rest.is_empty() {
        return None;
    }
    let port = rest
        .rsplit_once(':')
        .and_then(|(_, p)| p.parse::<u16>().ok());
    Some(match port {
        Some(_) => rest.to_owned(),
        None => format!("{rest}:80"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_own_proxy_is_taken_where_it_is_meant() {
        let env = |name: &str| match name {
            "https_proxy" => Some("http://proxy.example:3128/".to_owned()),
            "NO_PROXY" => Some("localhost, .inside.example".to_owned()),
            _ => None,
        };
        let upstream = Upstream::from_env(env);
        assert_eq!(upstream.tls.as_deref(), Some("proxy.example:3128"));
        assert_eq!(upstream.plain, None);
        assert!(upstream.concerns("pypi.org"));
        assert!(upstream.concerns("notinside.example"));
        assert!(!upstream.concerns("npm.Inside.example"));
    }
}
