//! The head of a request to a proxy, read and judged: whom it wants to reach, and how.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// A head longer than this is none, in bytes.
const MOST: usize = 32 << 10;

/// What a client asks of the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// A tunnel, in which the client speaks TLS.
    Tunnel { host: String, port: u16 },
    /// A file over plain HTTP.
    Plain {
        method: String,
        host: String,
        port: u16,
        /// Path and query.
        path: String,
        /// Header lines to pass on.
        headers: Vec<String>,
    },
    /// Something that a registry's client does not ask; why it is refused.
    Other(&'static str),
}

/// Reads the head of a request; `None` where the client hung up before its end, or it has none.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<String>> {
    let mut head = Vec::with_capacity(512);
    // Byte for byte: what follows belongs to the tunnel. The stream is buffered.
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if head.len() == MOST || stream.read(&mut byte).await? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    Ok(String::from_utf8(head).ok())
}

/// What a head asks for.
pub(super) fn judge(head: &str) -> Asked {
    let mut lines = head.split("\r\n");
    let first: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, _version] = first[..] else {
        return Asked::Other("this is no request");
    };
    if method == "CONNECT" {
        return match authority(target, None) {
            Some((host, port)) => Asked::Tunnel { host, port },
            None => Asked::Other("a tunnel leads to host:port"),
        };
    }
    let Some(rest) = target.strip_prefix("http://") else {
        return Asked::Other("this is a proxy for package registries; ask it with a whole address");
    };
    if !matches!(method, "GET" | "HEAD") {
        return Asked::Other("only GET and HEAD are passed on");
    }
    let (host, path) = match rest.split_once('/') {
        Some((host, path)) => (host, format!("/{path}")),
        None => (rest, "/".to_owned()),
    };
    let Some((host, port)) = authority(host, Some(80)) else {
        return Asked::Other("the address has no host");
    };
    // What is said between the client and the proxy stays there; a body is none of a GET's.
    const OWN: [&str; 9] = [
        "host",
        "connection",
        "proxy-connection",
        "proxy-authorization",
        "keep-alive",
        "te",
        "transfer-encoding",
        "content-length",
        "upgrade",
    ];
    let passed = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default().trim();
        !line.is_empty() && !OWN.iter().any(|own| name.eq_ignore_ascii_case(own))
    };
    Asked::Plain {
        method: method.to_owned(),
        host,
        port,
        path,
        headers: lines.filter(passed).map(str::to_owned).collect(),
    }
}

/// `host:port`, where the host is a name: an address in numbers is nobody's registry.
fn authority(text: &str, default: Option<u16>) -> Option<(String, u16)> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (text, default?),
    };
    let named = !host.is_empty()
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    named.then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tunnels_and_plain_reading_are_understood() {
        let tunnel = judge("CONNECT pypi.org:443 HTTP/1.1\r\nHost: pypi.org:443\r\n\r\n");
        assert_eq!(
            tunnel,
            Asked::Tunnel {
                host: "pypi.org".into(),
                port: 443
            }
        );
        let plain = judge(
            "GET http://deb.debian.org/x?y HTTP/1.1\r\nHost: other\r\nRange: bytes=1-\r\nContent-Length: 5\r\nProxy-Connection: x\r\n\r\n",
        );
        let Asked::Plain {
            host,
            port,
            path,
            headers,
            ..
        } = plain
        else {
            panic!("{plain:?}")
        };
        assert_eq!(
            (host.as_str(), port, path.as_str()),
            ("deb.debian.org", 80, "/x?y")
        );
        assert_eq!(headers, ["Range: bytes=1-"]);
        for head in [
            "POST http://deb.debian.org/x HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET ftp://deb.debian.org/ HTTP/1.1\r\n\r\n",
            "CONNECT [::1]:443 HTTP/1.1\r\n\r\n",
            "CONNECT pypi.org HTTP/1.1\r\n\r\n",
            "GET http://user@deb.debian.org/ HTTP/1.1\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert!(matches!(judge(head), Asked::Other(_)), "{head}");
        }
    }
}
