//! Builds on a real engine.

mod support;

use mslab_engine::{BuildEnd, BuildEvent};
use support::{build, dockerfile, engine};

#[tokio::test]
async fn engine_builds_and_maps_steps_to_lines() {
    let engine = engine().await;
    let mut request = dockerfile(
        "# a comment\nFROM scratch AS one\nCOPY hello.txt /a\n\nFROM scratch\nCOPY --from=one \\\n  /a /b\n",
    );
    request.tag = Some("mslab.local/test/lines".into());
    request.no_cache = true;
    let (end, events) = build(&engine, &request).await;
    let BuildEnd::Built(done) = end else {
        panic!("{end:?}")
    };
    assert!(done.image_id.starts_with("sha256:"));
    let built = mslab_core::evidence::Built::from(done);
    let lines: Vec<_> = built.steps.iter().map(|s| s.lines).collect();
    assert_eq!(lines, [Some((3, 3)), Some((6, 7))]);
    assert!(events.contains(&BuildEvent::Planned { steps: 2 }));
}
