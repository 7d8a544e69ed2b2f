//! Connections: as many as a learner needs and no more, so that those who only hold the line stop nobody.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

/// How many connections are held at the same time. For one more, one that is doing nothing goes.
const MOST: usize = 256;
/// How long the head of a request may take, and how long a connection may idle before one.
const HEAD: Duration = Duration::from_secs(15);
/// How long a reader may take nothing of what it asked for.
const STALLED: Duration = Duration::from_secs(30);
/// The largest head of a request.
const HEAD_BYTES: usize = 32 << 10;

/// One connection, as others see it.
#[derive(Debug)]
pub(crate) struct Connection {
    number: u64,
    close: CancellationToken,
    /// Whether it has shown the token.
    trusted: AtomicBool,
    /// Requests that are being answered.
    busy: AtomicUsize,
}

impl Connection {
    /// It has shown the token.
    pub(crate) fn trust(&self) {
        self.trusted.store(true, Ordering::Relaxed);
    }

    /// The lower, the sooner it goes.
    fn worth(&self) -> (bool, bool, u64) {
        (
            self.trusted.load(Ordering::Relaxed),
            self.busy.load(Ordering::Relaxed) > 0,
            self.number,
        )
    }
}

#[derive(Debug, Default)]
struct Held {
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
}

impl Held {
    fn all(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one more in. Where that is one too many, the one that is worth least goes.
    fn take(&self, cancel: &CancellationToken) -> Arc<Connection> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let connection = Arc::new(Connection {
            number,
            close: cancel.child_token(),
            trusted: AtomicBool::new(false),
            busy: AtomicUsize::new(0),
        });
        let mut all = self.all();
        if all.len() >= MOST
            && let Some(least) = all.values().min_by_key(|c| c.worth()).cloned()
        {
            least.close.cancel();
            all.remove(&least.number);
        }
        all.insert(number, connection.clone());
        connection
    }
}

/// Answers connections until `cancel`, and then ends them.
pub(crate) async fn serve(listener: TcpListener, router: Router, cancel: CancellationToken) {
    let held = Arc::new(Held::default());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = cancel.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = held.take(&cancel);
                tokio::spawn(answer(stream, router.clone(), connection, held.clone()));
            }
            // One that has gone again already, or too many open files: those that end make room.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn answer(stream: TcpStream, router: Router, connection: Arc<Connection>, held: Arc<Held>) {
    // Small lines are to arrive at once; without this they arrive a little later.
    let _ = stream.set_nodelay(true);
    let for_service = connection.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let connection = for_service.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(connection.clone());
        let mut router = router.clone();
        async move {
            connection.busy.fetch_add(1, Ordering::Relaxed);
            let response = router.call(request).await;
            connection.busy.fetch_sub(1, Ordering::Relaxed);
            response
        }
    });
    let io = TokioIo::new(Patient::new(stream));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .max_headers(64);
    let mut serving = std::pin::pin!(http.serve_connection(io, service));
    tokio::select! {
        // A connection that breaks off is its reader's affair.
        _ = &mut serving => {}
        () = connection.close.cancelled() => {}
    }
    held.all().remove(&connection.number);
}

/// A stream whose reader must take something from time to time.
struct Patient {
    stream: TcpStream,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            waiting: None,
        }
    }

    fn watch<T>(&mut self, poll: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.waiting = None;
            return poll;
        }
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + STALLED)));
        match waiting.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(poll, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch(poll, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(poll, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watch(poll, cx)
    }
}
