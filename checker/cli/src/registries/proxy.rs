//! One connection to the proxy: what goes to a registry is passed on, the rest is refused with the reason.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, copy, copy_bidirectional};

use super::allow::Allowed;
use super::head::{self, Asked};
use super::upstream::Upstream;

/// What a client may take to say what it wants.
const ASK: Duration = Duration::from_secs(20);

/// Answers one connection, until either side closes it.
pub(super) async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    allowed: &Allowed,
    upstream: &Upstream,
) -> io::Result<()> {
    let mut client = BufReader::new(stream);
    let head = tokio::time::timeout(ASK, head::read(&mut client)).await;
    let Ok(Some(head)) = head.unwrap_or(Ok(None)) else {
        return Ok(());
    };
    let asked = head::judge(&head);
    match &asked {
        Asked::Other(reason) => refuse(&mut client, "403 Forbidden", reason).await,
        Asked::Tunnel { host, port } | Asked::Plain { host, port, .. }
            if !allowed.allows(host, *port) =>
        {
            let reason = format!("{host}:{port} is no package registry that builds may reach here");
            refuse(&mut client, "403 Forbidden", &reason).await
        }
        Asked::Tunnel { host, port } => match upstream.tunnel(host, *port).await {
            Ok(mut server) => {
                client
                    .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    .await?;
                copy_bidirectional(&mut client, &mut server)
                    .await
                    .map(|_| ())
            }
            Err(e) => refuse(&mut client, "502 Bad Gateway", &e.to_string()).await,
        },
        Asked::Plain {
            method,
            host,
            port,
            path,
            headers,
        } => {
            let mut way = match upstream.plain(host, *port).await {
                Ok(way) => way,
                Err(e) => return refuse(&mut client, "502 Bad Gateway", &e.to_string()).await,
            };
            let target = match way.proxied {
                true => format!("http://{host}:{port}{path}"),
                false => path.clone(),
            };
            let named = if *port == 80 {
                host.clone()
            } else {
                format!("{host}:{port}")
            };
            let mut request =
                format!("{method} {target} HTTP/1.1\r\nHost: {named}\r\nConnection: close\r\n");
            for line in headers {
                request.push_str(line);
                request.push_str("\r\n");
            }
            request.push_str("\r\n");
            way.stream.write_all(request.as_bytes()).await?;
            // One answer, and then the connection is over: nothing else is read from the client.
            copy(&mut way.stream, &mut client).await?;
            client.shutdown().await
        }
    }
}

async fn refuse(
    client: &mut (impl AsyncWrite + Unpin),
    status: &str,
    reason: &str,
) -> io::Result<()> {
    let body = format!("mslab package proxy: {reason}\n");
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}
