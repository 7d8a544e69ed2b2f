//! What the engine tests share: the engine they need, and builds made from a few lines.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::sync::Mutex;

use mslab_engine::context::{Context, pack};
use mslab_engine::{BuildEnd, BuildEvent, BuildRequest, CancellationToken, Engine};

/// The engine named by `MSLAB_TEST_ENGINE`. Without one the test fails: a test that was not run has not passed.
pub(crate) async fn engine() -> Engine {
    let host = std::env::var("MSLAB_TEST_ENGINE")
        .expect("this test needs an engine: run `make test`, which brings one up and names it in MSLAB_TEST_ENGINE");
    Engine::at(&host)
        .await
        .expect("the engine of MSLAB_TEST_ENGINE answers")
}

/// A build of a Dockerfile with one more file, `hello.txt`, in its context.
pub(crate) fn dockerfile(text: &str) -> BuildRequest {
    let mut context = Context::empty();
    context.put("Dockerfile", text.to_owned(), 0o644).unwrap();
    context.put("hello.txt", "hello\n", 0o644).unwrap();
    BuildRequest::new(pack(&context, "Dockerfile", text.as_bytes()).unwrap())
}

/// Builds, and gives the events too. An image without a name is removed again: nobody else would.
pub(crate) async fn build(engine: &Engine, request: &BuildRequest) -> (BuildEnd, Vec<BuildEvent>) {
    let events = Mutex::new(Vec::new());
    let end = engine
        .build(
            request,
            &|e| events.lock().unwrap().push(e),
            &CancellationToken::new(),
        )
        .await
        .expect("the engine works");
    if let (BuildEnd::Built(done), None) = (&end, &request.tag) {
        let removed = engine.remove_image(&done.image_id, false).await;
        removed.expect("the image is the test's own");
    }
    (end, events.into_inner().unwrap())
}

/// Builds an image for a test and gives its name.
pub(crate) async fn built(engine: &Engine, name: &str, text: &str) -> String {
    let mut request = dockerfile(text);
    let tag = format!("mslab.local/test/{name}:latest");
    request.tag = Some(tag.clone());
    let (end, _) = build(engine, &request).await;
    assert!(matches!(end, BuildEnd::Built(_)), "{end:?}");
    tag
}

/// The containers that mslab made in this process, by id.
pub(crate) async fn own_containers(engine: &Engine) -> Vec<String> {
    let all = engine.containers().await.expect("the engine works");
    all.into_iter().filter(|c| c.ours).map(|c| c.id).collect()
}
