//! The asynchronous part of the program: one runtime, and Ctrl-C.

use mslab_engine::CancellationToken;

use crate::failure::{Failure, Result};

/// Runs `work` to its end. On Ctrl-C the token is cancelled, so that `work` can stop what it started and clean up;
/// a second Ctrl-C ends the program at once.
pub(crate) fn block_on<T>(work: impl AsyncFnOnce(CancellationToken) -> Result<T>) -> Result<T> {
    let (result, interrupted) = with_a_stop(
        "stopping: cancelling what runs on the engine (Ctrl-C again to leave at once)",
        work,
    )?;
    if interrupted {
        Err(Failure::interrupted())
    } else {
        result
    }
}

/// Runs what goes on until Ctrl-C, which is how it ends well.
pub(crate) fn until_stopped<T>(
    work: impl AsyncFnOnce(CancellationToken) -> Result<T>,
) -> Result<T> {
    with_a_stop("ending (Ctrl-C again to leave at once)", work)?.0
}

/// What came of `work`, and whether it was asked to stop; `said` is what the person is told then.
fn with_a_stop<T>(
    said: &'static str,
    work: impl AsyncFnOnce(CancellationToken) -> Result<T>,
) -> Result<(Result<T>, bool)> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::environment("cannot start").because(&e))?;
    runtime.block_on(async {
        let cancel = CancellationToken::new();
        let signal = cancel.clone();
        let listener = tokio::spawn(async move {
            if asked_to_stop().await.is_ok() {
                signal.cancel();
                anstream::eprintln!("\n{said}");
            }
            if asked_to_stop().await.is_ok() {
                leave();
            }
        });
        let result = work(cancel.clone()).await;
        listener.abort();
        Ok((result, cancel.is_cancelled()))
    })
}

/// Returns on Ctrl-C, and on the signal with which a CI, `timeout` or a service manager ends a program.
#[cfg(unix)]
async fn asked_to_stop() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn asked_to_stop() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

#[allow(
    clippy::exit,
    reason = "the person has asked twice; `mslab clean` removes what is left"
)]
fn leave() -> ! {
    std::process::exit(crate::exit::Exit::Interrupted as i32)
}
