//! Labs proven on an engine that has more than one thing to do.

use std::fs;

use mslab_tests::Sandbox;

/// A lab whose starter keeps the engine busy with the very steps that the solution begins with.
const LAB: [(&str, &str); 7] = [
    (
        "lab.toml",
        r#"schema = 1
title = "Busy"
lesson = "node"
[files]
learner = ["Dockerfile"]
[[build]]
key = "all"
dockerfile = "Dockerfile"
[[check]]
id = "cache-survives"
key = "cache"
points = 100
edit = { path = "src.txt", append = "{nonce}" }
steps = [{ matches = "cp dep.txt *" }]
[starter]
fails = ["cache"]
"#,
    ),
    ("README.md", "# Busy\n"),
    ("starter/dep.txt", "1\n"),
    ("starter/src.txt", "1\n"),
    (
        "starter/Dockerfile",
        "FROM busybox:1.37\nRUN echo {here}\nWORKDIR /app\nCOPY . .\nRUN sleep 8; cp dep.txt installed\n",
    ),
    (
        "solution/Dockerfile",
        "FROM busybox:1.37\nRUN echo {here}\nWORKDIR /app\nCOPY dep.txt ./\nRUN cp dep.txt installed\n\
         COPY src.txt ./\nRUN cat src.txt\n",
    ),
    ("../../checker/cli/Cargo.toml", ""),
];

#[test]
fn engine_a_busy_engine_breaks_nobodys_cache() {
    let here = Sandbox::new();
    let name = here.path().display().to_string();
    for (path, text) in LAB {
        let path = here.path().join("labs/01-busy").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text.replace("{here}", &name)).unwrap();
    }
    let run = here.run_on_engine(&["verify", "--quick"]);
    assert_eq!(run.code, 0, "{run:#?}");
}
