//! What a run has left on the engine.

use mslab_engine::Engine;
use mslab_tests::engine;

/// What a run that has ended left on the engine: its images carry its process's number.
pub(crate) fn left_by(process: u32) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let images = runtime.block_on(async {
        let engine = Engine::at(&engine()).await.expect("the engine answers");
        engine.images().await.expect("the engine lists its images")
    });
    let names = images.into_iter().flat_map(|i| i.names);
    names
        .filter(|n| n.starts_with("mslab.local/check/") && n.contains(&format!(":{process}-")))
        .collect()
}
