//! The one way out of an engine for builds that may reach package registries and nothing else.
//!
//! Such an engine (`scripts/engine up --network registries`) has a network of its own without any route. In it listens
//! a forwarder, which hands every connection through a Unix socket to a proxy on the machine itself. The proxy passes
//! on what goes to a registry, and refuses the rest. What it does not do: look into TLS. Inside a connection to a
//! registry a build may send what it likes to that registry, and to nobody else.

mod allow;
mod head;
mod proxy;
mod upstream;

use std::path::Path;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::failure::{Failure, Result};
use allow::Allowed;
use upstream::Upstream;

/// Answers on a Unix socket until the program is ended.
pub(crate) async fn serve(socket: &Path, registries: &[String]) -> Result<()> {
    let _ = std::fs::remove_file(socket);
    let listener =
        UnixListener::bind(socket).map_err(|e| Failure::file("listen on", socket, &e))?;
    // Who comes meanwhile waits: asking this machine's clients takes a moment.
    let allowed = Allowed::here(registries);
    let upstream = Upstream::from_env(|name| std::env::var(name).ok());
    anstream::eprintln!("package proxy for {}", allowed.names());
    let shared = std::sync::Arc::new((allowed, upstream));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // No file descriptors are left, most likely: a moment later there are.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        let shared = shared.clone();
        tokio::spawn(async move {
            // Who hangs up, or talks nonsense, is nobody's loss.
            let _ = proxy::answer(stream, &shared.0, &shared.1).await;
        });
    }
}

/// Hands connections to `address`, which is in an engine's network, to the proxy's socket until the program is ended.
pub(crate) async fn forward(address: &str, socket: &Path) -> Result<()> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|e| Failure::environment(format!("cannot listen on {address}")).because(&e))?;
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        let socket = socket.to_owned();
        tokio::spawn(async move {
            let _ = hand_over(stream, &socket).await;
        });
    }
}

async fn hand_over(mut stream: TcpStream, socket: &Path) -> std::io::Result<()> {
    let mut proxy = UnixStream::connect(socket).await?;
    copy_bidirectional(&mut stream, &mut proxy).await?;
    Ok(())
}
