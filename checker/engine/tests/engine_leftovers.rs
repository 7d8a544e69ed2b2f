//! What mslab leaves on an engine: nothing. Alone in its program, because it counts the program's containers.

mod support;

use std::time::Duration;

use mslab_core::evidence::Probe;
use mslab_engine::{CancellationToken, EngineError};
use support::{built, engine};

const SERVER: &str = "FROM busybox:1.37\nCOPY hello.txt /www/hello.txt\nCMD [\"httpd\", \"-f\", \"-p\", \"80\", \"-h\", \"/www\"]\n";

#[tokio::test]
async fn engine_probes_leave_no_container_even_when_cancelled() {
    let engine = engine().await;
    let image = built(&engine, "cancelled", SERVER).await;
    let before = support::own_containers(&engine).await;
    let cancel = CancellationToken::new();
    let slow = Probe::Http {
        port: 9999,
        path: "/".into(),
        within_ms: 60_000,
        read_only: false,
        for_others: true,
    };
    let (outcome, ()) = tokio::join!(engine.probe(&image, &slow, &cancel), async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(
            support::own_containers(&engine).await.len(),
            before.len() + 2
        );
        cancel.cancel();
    });
    assert!(
        matches!(outcome, Err(EngineError::Cancelled)),
        "{outcome:?}"
    );
    assert_eq!(support::own_containers(&engine).await, before);
    // A future that is merely dropped, as by a select elsewhere.
    let _ = tokio::time::timeout(
        Duration::from_millis(1500),
        engine.probe(&image, &slow, &CancellationToken::new()),
    )
    .await;
    engine.settle().await;
    assert_eq!(support::own_containers(&engine).await, before);
}
