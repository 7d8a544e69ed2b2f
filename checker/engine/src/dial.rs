//! Connections to an engine: one way to dial for the API, the BuildKit session and gRPC alike.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::error::EngineError;

/// How long a connection may take to come about.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// `ssh` needs longer: it logs in first.
const SSH_TIMEOUT: Duration = Duration::from_secs(15);
/// An HTTP head longer than this is not one.
const MAX_HEAD: usize = 16 * 1024;

/// Where an engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A Unix socket.
    Unix(PathBuf),
    /// A plain TCP port, `host:port`.
    Tcp(String),
    /// A login on another machine, on which `docker system dial-stdio` leads to the engine.
    Ssh(SshHost),
    /// A named pipe on Windows, `//./pipe/docker_engine`.
    Npipe(String),
}

/// The parts of an `ssh://` address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshHost {
    /// Login name.
    pub user: Option<String>,
    /// Machine.
    pub host: String,
    /// Port.
    pub port: Option<u16>,
}

impl Host {
    /// Reads an address as `DOCKER_HOST` has it.
    ///
    /// # Errors
    /// The scheme is not one of `unix`, `tcp`, `http`, `ssh`, `npipe`, or the rest of it does not fit.
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        let bad = |reason: &str| EngineError::BadHost {
            host: text.to_owned(),
            reason: reason.to_owned(),
        };
        let text = text.trim();
        if text.starts_with('/') {
            return Ok(Self::Unix(text.into()));
        }
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| bad("it has no scheme such as unix://"))?;
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(rest.into())),
            "unix" => Err(bad("the socket's path is not absolute")),
            "tcp" | "http" => {
                let rest = rest.trim_end_matches('/');
                if rest.is_empty() || rest.contains('/') {
                    return Err(bad("it is not host:port"));
                }
                // Docker's own default port for unencrypted connections.
                let has_port = rest
                    .rsplit_once(':')
                    .is_some_and(|(_, p)| p.parse::<u16>().is_ok());
                Ok(Self::Tcp(if has_port {
                    rest.to_owned()
                } else {
                    format!("{rest}:2375")
                }))
            }
            "https" => Err(bad("connections with TLS are not supported")),
            "ssh" => parse_ssh(rest)
                .map(Self::Ssh)
                .ok_or_else(|| bad("it is not ssh://[user@]host[:port]")),
            "npipe" => Ok(Self::Npipe(rest.replace('\\', "/"))),
            _ => Err(bad("its scheme is not known")),
        }
    }

    /// Whether something is there to connect to, as far as that shows without connecting.
    #[must_use]
    pub fn exists(&self) -> bool {
        match self {
            Self::Unix(path) => path.exists(),
            _ => true,
        }
    }

    /// The root folder of whoever listens there, as this machine sees it: an engine may have one of its own.
    ///
    /// `None` where it is on another machine, or where this process may not look into it.
    pub(crate) async fn root(&self) -> Option<PathBuf> {
        match self {
            #[cfg(unix)]
            Self::Unix(path) => {
                let stream = tokio::net::UnixStream::connect(path).await.ok()?;
                let pid = stream.peer_cred().ok()?.pid()?;
                let root = PathBuf::from(format!("/proc/{pid}/root"));
                std::fs::read_dir(&root).is_ok().then_some(root)
            }
            _ => None,
        }
    }

    fn timeout(&self) -> Duration {
        match self {
            Self::Ssh(_) => SSH_TIMEOUT,
            _ => CONNECT_TIMEOUT,
        }
    }

    pub(crate) async fn dial(&self) -> io::Result<Pipe> {
        tokio::time::timeout(self.timeout(), self.connect())
            .await
            .unwrap_or_else(|_| {
                Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "connecting timed out",
                ))
            })
    }

    async fn connect(&self) -> io::Result<Pipe> {
        match self {
            #[cfg(unix)]
            Self::Unix(path) => Ok(Pipe::new(tokio::net::UnixStream::connect(path).await?)),
            Self::Tcp(address) => {
                let stream = tokio::net::TcpStream::connect(address.as_str()).await?;
                stream.set_nodelay(true)?;
                Ok(Pipe::new(stream))
            }
            Self::Ssh(ssh) => ssh.connect(),
            #[cfg(windows)]
            Self::Npipe(path) => Ok(Pipe::new(
                tokio::net::windows::named_pipe::ClientOptions::new()
                    .open(path.replace('/', "\\"))?,
            )),
            #[allow(
                unreachable_patterns,
                reason = "which of the two is left depends on the system"
            )]
            other => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!("{other} cannot be used on this system"),
            )),
        }
    }

    /// Sends a POST that asks for an upgrade, and hands over the connection once the engine agreed.
    pub(crate) async fn hijack(&self, path: &str, headers: &[(&str, &str)]) -> io::Result<Pipe> {
        let mut pipe = self.dial().await?;
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n"
        );
        for (name, value) in headers {
            request.push_str(name);
            request.push_str(": ");
            request.push_str(value);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        pipe.write_all(request.as_bytes()).await?;
        let head = read_head(&mut pipe).await?;
        if head.split(' ').nth(1) == Some("101") {
            return Ok(pipe);
        }
        let status = head.lines().next().unwrap_or_default().to_owned();
        let mut body = vec![0; 2048];
        let n = tokio::time::timeout(Duration::from_millis(300), pipe.read(&mut body))
            .await
            .map_or(0, |r| r.unwrap_or(0));
        let body = String::from_utf8_lossy(&body[..n]);
        let kind = if status.contains(" 404") {
            io::ErrorKind::NotFound
        } else {
            io::ErrorKind::InvalidData
        };
        Err(io::Error::new(
            kind,
            format!("{path}: {status} {}", body.trim()),
        ))
    }
}

/// Reads up to the empty line, byte for byte: what follows belongs to the upgraded protocol.
async fn read_head(pipe: &mut Pipe) -> io::Result<String> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        pipe.read_exact(&mut byte).await?;
        head.push(byte[0]);
        if head.len() > MAX_HEAD {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the answer's head has no end",
            ));
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn parse_ssh(rest: &str) -> Option<SshHost> {
    let (user, address) = match rest.rsplit_once('@') {
        Some((user, address)) => (Some(user.to_owned()), address),
        None => (None, rest),
    };
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (address, None),
    };
    // A leading dash would be an option to ssh.
    let fits = |s: &str| !s.is_empty() && !s.starts_with('-') && !s.contains(['/', ' ']);
    if !fits(host) || user.as_deref().is_some_and(|u| !fits(u)) {
        return None;
    }
    Some(SshHost {
        user,
        host: host.to_owned(),
        port,
    })
}

impl SshHost {
    fn connect(&self) -> io::Result<Pipe> {
        let mut command = tokio::process::Command::new("ssh");
        if let Some(user) = &self.user {
            command.args(["-l", user]);
        }
        if let Some(port) = self.port {
            command.args(["-p", &port.to_string()]);
        }
        let mut child = command
            .args(["--", &self.host, "docker", "system", "dial-stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let missing = || io::Error::other("ssh has no standard input or output");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        Ok(Pipe(Box::new(Ssh {
            io: tokio::io::join(stdout, stdin),
            _child: child,
        })))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Ssh(ssh) => {
                f.write_str("ssh://")?;
                if let Some(user) = &ssh.user {
                    write!(f, "{user}@")?;
                }
                f.write_str(&ssh.host)?;
                match ssh.port {
                    Some(port) => write!(f, ":{port}"),
                    None => Ok(()),
                }
            }
            Self::Npipe(path) => write!(f, "npipe://{path}"),
        }
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// The child lives as long as its pipe, and is killed with it.
struct Ssh {
    io: tokio::io::Join<tokio::process::ChildStdout, tokio::process::ChildStdin>,
    _child: tokio::process::Child,
}

impl AsyncRead for Ssh {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Ssh {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// A connection, whatever carries it.
pub(crate) struct Pipe(Box<dyn Io>);

impl Pipe {
    fn new(io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self(Box::new(io))
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl Connection for Pipe {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl tonic::transport::server::Connected for Pipe {
    type ConnectInfo = ();
    fn connect_info(&self) {}
}

/// Dials for an HTTP client; with a path, each connection is upgraded on it first.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    pub(crate) host: Host,
    pub(crate) upgrade: Option<&'static str>,
}

impl tower_service::Service<http::Uri> for Connector {
    type Response = TokioIo<Pipe>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Pipe>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Uri) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let pipe = match this.upgrade {
                Some(path) => this.host.hijack(path, &[]).await?,
                None => this.host.dial().await?,
            };
            Ok(TokioIo::new(pipe))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, shown) in [
            ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock"),
            ("/run/x.sock", "unix:///run/x.sock"),
            ("tcp://10.0.0.1:2375", "tcp://10.0.0.1:2375"),
            ("tcp://box", "tcp://box:2375"),
            ("http://[::1]:99/", "tcp://[::1]:99"),
            ("ssh://ann@box:22", "ssh://ann@box:22"),
            ("ssh://box", "ssh://box"),
            (
                "npipe:////./pipe/docker_engine",
                "npipe:////./pipe/docker_engine",
            ),
        ] {
            assert_eq!(Host::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn addresses_that_cannot_be_used_say_why() {
        for (text, why) in [
            ("docker.sock", "no scheme"),
            ("unix://relative.sock", "not absolute"),
            ("tcp://", "host:port"),
            ("tcp://a/b", "host:port"),
            ("https://a:2376", "TLS"),
            ("ssh://-oProxyCommand=x", "ssh://"),
            ("ssh://box:notaport", "ssh://"),
            ("gopher://x", "scheme is not known"),
        ] {
            let message = Host::parse(text).unwrap_err().to_string();
            assert!(message.contains(why), "{message}");
        }
    }
}
