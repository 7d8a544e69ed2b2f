//! What a person at a terminal sees, as transcripts that read like documentation: `tests/cli/*.trycmd`.
//!
//! `TRYCMD=overwrite cargo test -p mslab-tests --test transcripts` writes them anew.

use std::time::Duration;

#[test]
fn transcripts() {
    let cache = tempfile::tempdir().expect("a temporary folder can be made");
    trycmd::TestCases::new()
        .register_bin("mslab", mslab_tests::mslab())
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .env("MSLAB_CACHE_DIR", cache.path().to_string_lossy())
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .timeout(Duration::from_secs(60))
        .case("cli/*.trycmd")
        .run();
}
