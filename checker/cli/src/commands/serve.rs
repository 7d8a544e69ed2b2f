//! `mslab serve`: the book on this machine, with an editor and live checks in its pages.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use mslab_serve::Server;

use crate::args::{Global, ServeArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::runtime;
use crate::serve::{LearnersRoom, find_book, open};
use crate::terminal::{DIM, HINT, PROBLEM, paint, say};
use crate::workspace::Surroundings;

/// Serves until Ctrl-C.
pub(crate) fn run(args: &ServeArgs, global: &Global) -> Result<Exit> {
    let here = Surroundings::here()?;
    let workspace = here.workspace()?.clone();
    let (book, whence) = find_book(args.book.as_deref())?;
    let (root, memory) = (workspace.root().to_owned(), workspace.memory());
    let room = Arc::new(LearnersRoom::new(workspace, here.labs, global.clone())?);
    let address = SocketAddr::new(args.bind, args.port);
    runtime::until_stopped(async |cancel| {
        let server = Server::bind(address)
            .await
            .map_err(|e| not_bound(address, &e))?;
        let url = server.url();
        say!("{}", paint(HINT, &url));
        if !global.quiet {
            say!("{}", paint(DIM, format!("  book       {whence}")));
            say!("{}", paint(DIM, format!("  workspace  {}", root.display())));
            say!("{}", paint(DIM, "  Ctrl-C ends it"));
        }
        if !args.bind.is_loopback() {
            warn(args.bind);
        }
        let opened = args.open.then(|| open(&url, &memory)).transpose();
        let _way = opened.unwrap_or_else(|failure| {
            failure.print();
            None
        });
        server
            .serve(book, room, cancel.clone())
            .await
            .map_err(|e| Failure::environment("cannot serve the book").because(&e))?;
        Ok(Exit::Passed)
    })
}

fn warn(bind: IpAddr) {
    anstream::eprintln!(
        "{} everybody who reaches {bind} can read the book, and whoever has the address above can build on your engine. \
         What passes is not encrypted.",
        paint(PROBLEM, "warning:")
    );
}

fn not_bound(address: SocketAddr, error: &std::io::Error) -> Failure {
    let failed = |message: String| Failure::environment(message).because(error);
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            failed(format!("port {} is taken, perhaps by another `mslab serve`", address.port()))
                .help("End the other one, or choose a port: `mslab serve --port 8738`; 0 is any that is free.")
        }
        std::io::ErrorKind::AddrNotAvailable => {
            failed(format!("{} is no address of this machine", address.ip()))
                .help("Leave out --bind: then only this machine can reach the book.")
        }
        _ => failed(format!("cannot listen on {address}")),
    }
}
