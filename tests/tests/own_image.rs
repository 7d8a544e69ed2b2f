//! mslab's own image holds mslab and nothing else: what knows every shell must not be taken for one.

use std::fs::File;
use std::io;

use mslab_tests::{Sandbox, mslab, statuses};
use serde_json::json;
use sha2::{Digest, Sha256};

#[test]
fn mslab_in_an_image_is_no_shell() {
    let here = Sandbox::workspace();
    let layer = here.path().join("layer.tar");
    let mut files = tar::Builder::new(File::create(&layer).unwrap());
    // Holes in a program as cargo links it would be written as such, which no engine does.
    files.sparse(false);
    files.append_path_with_name(mslab(), "mslab").unwrap();
    files.finish().unwrap();

    let mut hash = Sha256::new();
    io::copy(&mut File::open(&layer).unwrap(), &mut hash).unwrap();
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": ["/mslab"]},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{:x}", hash.finalize())]},
    });
    let index = json!([{"Config": "config.json", "RepoTags": null, "Layers": ["layer.tar"]}]);
    let mut archive = tar::Builder::new(File::create(here.path().join("image.tar")).unwrap());
    archive.sparse(false);
    for (name, document) in [("config.json", config), ("manifest.json", index)] {
        let bytes = document.to_string();
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, name, bytes.as_bytes())
            .unwrap();
    }
    archive.append_path_with_name(&layer, "layer.tar").unwrap();
    archive.finish().unwrap();

    let run = here.run(&[
        "check",
        "exercise-5",
        "--archive",
        "image.tar",
        "--format",
        "json",
    ]);
    let report = run.json();
    assert!(
        statuses(&report, "passed").contains(&"no-shell".to_owned()),
        "{report:#}"
    );
}
