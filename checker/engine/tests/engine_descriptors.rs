//! Builds leak nothing in this process. Alone in its program, because it counts the program's descriptors.

mod support;

use mslab_engine::{BuildEnd, CancellationToken, EngineError};
use support::{build, dockerfile, engine};

#[cfg(target_os = "linux")]
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn engine_builds_leak_no_descriptor() {
    let engine = engine().await;
    let request = dockerfile("FROM scratch\nCOPY hello.txt /descriptors\n");
    // Idle connections are kept, so the first builds may add some.
    for _ in 0..3 {
        build(&engine, &request).await;
    }
    let before = descriptors();
    for i in 0..50 {
        if i % 10 == 9 {
            let cancel = CancellationToken::new();
            cancel.cancel();
            let end = engine.build(&request, &|_| {}, &cancel).await;
            assert!(matches!(end, Err(EngineError::Cancelled)));
        } else {
            let (end, _) = build(&engine, &request).await;
            assert!(matches!(end, BuildEnd::Built(_)), "{end:?}");
        }
    }
    // Sessions say goodbye in the background.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let after = descriptors();
    assert!(
        after <= before + 4,
        "{before} descriptors before, {after} after"
    );
}
