//! The lab in the page: serves the book on this machine, with an editor and live checks in its cards.
//!
//! Nothing here knows an engine or a lab's definition. What judges is a [`room::Room`], which the command line implements
//! with its own check pipeline. `API.md` is the page's side. A request passes [`guard`] (host, origin, token), is answered
//! by [`routes`] from the [`desk`], and what happens is told to every page through [`events`].

mod answer;
pub mod api;
mod book;
mod connections;
mod desk;
mod events;
mod files;
mod guard;
mod log;
pub mod room;
mod routes;
mod run;
mod watch;
mod web;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use book::Book;
pub use files::Place;
pub use run::Teller;

use desk::Desk;
use events::Board;
use guard::Guard;
use room::Room;
use watch::Watched;

/// How long the last events have to reach the pages.
const FAREWELL: Duration = Duration::from_millis(200);

/// A server that holds its address, and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    token: String,
}

impl Server {
    /// Takes `address`; port 0 is any that is free.
    ///
    /// # Errors
    /// Another program has the address, or it is not this machine's.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            token: random(32)?,
        })
    }

    /// The address that it holds.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What opens the book with the key to this server: for the learner alone.
    #[must_use]
    pub fn url(&self) -> String {
        let ip = self.address.ip();
        let host = if !ip.is_unspecified() {
            SocketAddr::new(ip, self.address.port()).to_string()
        } else {
            format!("localhost:{}", self.address.port())
        };
        format!("http://{host}/#token={}", self.token)
    }

    /// Serves `book` and `room` until `cancel`. What is running is stopped then, and waited for.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub async fn serve(
        self,
        book: Book,
        room: Arc<dyn Room>,
        cancel: CancellationToken,
    ) -> io::Result<()> {
        let board = Arc::new(Board::new(random(8)?));
        let (watched, changes) = Watched::new(room.root());
        let pages = book.cards();
        let desk = Arc::new(Desk::new(room, board, watched, pages));
        desk.progress();
        let following = tokio::spawn(watch::follow(Arc::downgrade(&desk), changes));
        let guard = Guard::new(self.address, &self.token);
        let router = routes::router(desk.clone(), book, guard);
        // Connections end after the run, so that the pages still hear of its end.
        let end = CancellationToken::new();
        let serving = connections::serve(self.listener, router, end.clone());
        let closing = async {
            cancel.cancelled().await;
            desk.runs.close().await;
            tokio::time::sleep(FAREWELL).await;
            end.cancel();
        };
        tokio::join!(serving, closing);
        following.abort();
        Ok(())
    }
}

/// Random bytes in hexadecimal, which nobody can guess.
fn random(bytes: usize) -> io::Result<String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(random.iter().map(|b| format!("{b:02x}")).collect())
}
