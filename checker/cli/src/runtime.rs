//! The asynchronous part of the program: one runtime, and Ctrl-C.

use mslab_engine::CancellationToken;

use crate::failure::{Failure, Result};

/// Runs `work` to its end. On Ctrl-C the token is cancelled, so that `work` can stop what it started and clean up;
/// a second Ctrl-C ends the program at once.
pub(crate) fn block_on<T>(work: impl AsyncFnOnce(CancellationToken) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::environment("cannot start").because(&e))?;
    runtime.block_on(async {
        let cancel = CancellationToken::new();
        let signal = cancel.clone();
        let listener = tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                signal.cancel();
                anstream::eprintln!(
                    "\nstopping: cancelling what runs on the engine (Ctrl-C again to leave at once)"
                );
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                leave();
            }
        });
        let result = work(cancel.clone()).await;
        listener.abort();
        if cancel.is_cancelled() {
            Err(Failure::interrupted())
        } else {
            result
        }
    })
}

#[allow(
    clippy::exit,
    reason = "the person has asked twice; `mslab clean` removes what is left"
)]
fn leave() -> ! {
    std::process::exit(crate::exit::Exit::Interrupted as i32)
}
