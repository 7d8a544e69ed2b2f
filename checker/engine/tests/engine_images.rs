//! Images on a real engine: out, in, and gone.

mod support;

use std::io::Read;

use mslab_core::image::{NoCache, ReadOptions, read_archive};
use mslab_engine::{CancellationToken, CleanOptions, EngineError};
use support::{built, engine};

#[tokio::test]
async fn engine_describes_exports_loads_and_removes_an_image() {
    let engine = engine().await;
    let text = "FROM scratch\nCOPY hello.txt /hello.txt\nUSER 1000\nENV A=b\nEXPOSE 80\nCMD [\"/hello.txt\"]\n";
    let image = built(&engine, "roundtrip", text).await;
    let description = engine.inspect_image(&image).await.unwrap();
    assert_eq!(description.config.user, "1000");
    assert_eq!(description.config.cmd, Some(vec!["/hello.txt".to_owned()]));
    assert!(description.config.env.contains(&"A=b".to_owned()));
    assert_eq!(description.config.exposed_ports, ["80/tcp"]);
    assert_eq!(description.diff_ids.len(), 1);

    let mut reader = engine.export(&[image.as_str()]);
    let archive = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map(|_| bytes)
    })
    .await
    .unwrap()
    .unwrap();
    assert!(archive.windows(13).any(|w| w == b"manifest.json"));

    engine.remove_image(&image, false).await.unwrap();
    assert!(matches!(
        engine.inspect_image(&image).await,
        Err(EngineError::NoSuchImage(_))
    ));
    let names = engine.load(std::io::Cursor::new(archive)).await.unwrap();
    assert_eq!(names.len(), 1);
    assert!(engine.image_exists(&image).await.unwrap());
    engine
        .tag(&image, "mslab.local/test/roundtrip:other")
        .await
        .unwrap();
    engine
        .remove_image("mslab.local/test/roundtrip:other", false)
        .await
        .unwrap();
    assert!(engine.image_exists(&image).await.unwrap());
}

#[tokio::test]
async fn engine_exports_an_image_without_layers() {
    let engine = engine().await;
    let text = "FROM scratch\nUSER 1000\nENV A=b\nENTRYPOINT [\"/missing\"]\n";
    let image = built(&engine, "no-layers", text).await;
    let reader = engine.export(&[image.as_str()]);
    let read = tokio::task::spawn_blocking(move || {
        read_archive(reader, &ReadOptions::default(), &mut NoCache)
    });
    let read = read.await.unwrap().unwrap();
    assert!(read.layers.iter().all(|l| l.entries == 0));
    assert_eq!(read.config.user, "1000");
    assert_eq!(read.config.entrypoint, Some(vec!["/missing".to_owned()]));
    assert!(read.config.env.contains(&"A=b".to_owned()));
    let made: Vec<&str> = read.history.iter().map(|h| h.created_by.as_str()).collect();
    assert!(made.iter().any(|h| h.starts_with("ENV A=b")), "{made:?}");
    assert!(made.last().unwrap().starts_with("ENTRYPOINT"), "{made:?}");
    engine.remove_image(&image, false).await.unwrap();
}

#[tokio::test]
async fn engine_export_can_be_left_early_and_fails_loudly() {
    let engine = engine().await;
    let mut reader = engine.export(&["busybox:1.37"]);
    let mut start = [0; 512];
    let reader =
        tokio::task::spawn_blocking(move || reader.read_exact(&mut start).map(|()| reader))
            .await
            .unwrap();
    drop(reader.unwrap());
    let mut reader = engine.export(&["mslab.local/test/never-made:1"]);
    let error = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap_err().to_string()
    })
    .await
    .unwrap();
    assert!(error.contains("never-made"), "{error}");
}

#[tokio::test]
async fn engine_pull_tells_an_absent_registry_from_success() {
    let engine = engine().await;
    let pulled = engine
        .pull(
            "localhost:1/nosuch:1",
            None,
            &|_| {},
            &CancellationToken::new(),
        )
        .await;
    assert!(
        matches!(&pulled, Err(EngineError::Registry { image, .. }) if image == "localhost:1/nosuch:1"),
        "{pulled:?}"
    );
}

#[tokio::test]
async fn engine_clean_removes_what_it_is_told_and_nothing_else() {
    let engine = engine().await;
    let kept = built(&engine, "kept", "FROM scratch\nCOPY hello.txt /kept\n").await;
    built(
        &engine,
        "cleaned/one",
        "FROM scratch\nCOPY hello.txt /one\n",
    )
    .await;
    let options = CleanOptions {
        within: Some("mslab.local/test/cleaned/".into()),
        ..CleanOptions::default()
    };
    let report = engine.clean(options).await.unwrap();
    assert_eq!(report.images, ["mslab.local/test/cleaned/one:latest"]);
    assert!(report.kept.is_empty());
    assert!(engine.image_exists(&kept).await.unwrap());
    assert!(engine.image_exists("busybox:1.37").await.unwrap());
}

#[tokio::test]
async fn engine_tells_what_it_is() {
    let engine = engine().await;
    let info = engine.info().await.unwrap();
    assert!(
        !info.identity.version.is_empty() && info.cpus > 0 && info.memory_bytes > 0,
        "{info:?}"
    );
    assert!(!info.image_store.is_empty());
    assert!(info.identity.platform.starts_with("linux/"), "{info:?}");
    assert!(engine.disk_usage().await.unwrap().images > 0);
    engine.ping().await.unwrap();
}
