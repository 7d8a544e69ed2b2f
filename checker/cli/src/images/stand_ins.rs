//! Making stand-ins: one filesystem from Debian's packages, and every other image built on it by the engine.

use std::process::Stdio;

use mslab_core::image::Config;
use mslab_engine::context::{self, Context};
use mslab_engine::{BuildEnd, BuildRequest, EngineError};
use tokio::process::Command;
use tokio_util::io::ReaderStream;

use super::recipes::{Recipe, Recipes};
use crate::check::{Bench, Options, STAND_IN_LABEL};
use crate::failure::{Failure, Result};
use crate::labs::write_folder;
use crate::progress::{Event, Listener};

/// What was done about one stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// It was there.
    There,
    /// It was built.
    Built,
}

/// Makes a stand-in under its local name, and under the official ones too where `official` says so.
pub(crate) async fn make(
    recipes: &Recipes,
    recipe: &Recipe,
    rebuild: bool,
    official: bool,
    bench: &Bench,
    listener: &dyn Listener,
    options: &Options,
) -> Result<Made> {
    let local = format!("{}{}", recipes.prefix, recipe.of[0]);
    let there = is_current(&local, &recipes.digest(recipe), bench).await?;
    if !there || rebuild {
        if !is_current(&recipes.bootstrap.image, &recipes.bootstrap_digest(), bench).await? {
            bootstrap(recipes, bench, listener, options).await?;
        }
        build(recipes, recipe, &local, bench, listener, options).await?;
    }
    for of in &recipe.of {
        bench
            .engine
            .tag(&local, &format!("{}{of}", recipes.prefix))
            .await?;
        if official && !is_real(of, bench).await? {
            bench.engine.tag(&local, of).await?;
        }
    }
    Ok(if there && !rebuild {
        Made::There
    } else {
        Made::Built
    })
}

/// What tells which recipe made a stand-in: one that was made by another is made again.
const RECIPE_LABEL: &str = "io.mslab.stand-in.recipe";

/// Whether an image is there, made by the recipe with this digest.
async fn is_current(image: &str, digest: &str, bench: &Bench) -> Result<bool> {
    let config = config(image, bench).await?;
    let made_by = config.as_ref().and_then(|c| c.labels.get(RECIPE_LABEL));
    Ok(made_by.is_some_and(|d| d == digest))
}

/// Whether an image is there that is no stand-in.
async fn is_real(image: &str, bench: &Bench) -> Result<bool> {
    let config = config(image, bench).await?;
    Ok(config.is_some_and(|c| !c.labels.contains_key(STAND_IN_LABEL)))
}

/// An image's configuration, if it is there.
async fn config(image: &str, bench: &Bench) -> Result<Option<Config>> {
    match bench.engine.inspect_image(image).await {
        Ok(there) => Ok(Some(there.config)),
        Err(EngineError::NoSuchImage(_)) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

async fn build(
    recipes: &Recipes,
    recipe: &Recipe,
    local: &str,
    bench: &Bench,
    listener: &dyn Listener,
    options: &Options,
) -> Result<()> {
    let broken =
        |e: context::ContextError| Failure::environment("the recipe cannot be packed").because(&e);
    let mut context = Context::empty();
    let mut dockerfile = Vec::new();
    for (path, file) in recipes.context(recipe) {
        if path == "Dockerfile" {
            dockerfile = file.bytes.to_vec();
        }
        context
            .put(
                &path,
                file.bytes.to_vec(),
                if file.executable { 0o755 } else { 0o644 },
            )
            .map_err(broken)?;
    }
    let mut request =
        BuildRequest::new(context::pack(&context, "Dockerfile", &dockerfile).map_err(broken)?);
    request.target.clone_from(&recipe.target);
    request.tag = Some(local.to_owned());
    request.labels = [
        ("io.mslab.stand-in".to_owned(), "true".to_owned()),
        (STAND_IN_LABEL.to_owned(), recipe.of[0].clone()),
        (RECIPE_LABEL.to_owned(), recipes.digest(recipe)),
        (
            "io.mslab.stand-in.made-of".to_owned(),
            recipe.made_of.clone(),
        ),
    ]
    .into();
    let what = format!("the stand-in for {}", recipe.of[0]);
    listener.on(Event::Building(what, None));
    let on = |event| listener.on(Event::Build(event));
    match bench.engine.build(&request, &on, &options.cancel).await? {
        BuildEnd::Built(_) => Ok(()),
        BuildEnd::Failed(failure) => {
            let log = failure
                .log_tail
                .iter()
                .rev()
                .take(5)
                .rev()
                .cloned()
                .collect::<Vec<_>>()
                .join("\n    ");
            Err(Failure::environment(format!("the stand-in for {} could not be built: {}\n    {log}", recipe.of[0], failure.message))
                .help("Stand-ins are made of Debian, PyPI and npm packages: can the engine's containers reach their mirrors?"))
        }
    }
}

/// Runs the script that writes the first filesystem, and imports it.
async fn bootstrap(
    recipes: &Recipes,
    bench: &Bench,
    listener: &dyn Listener,
    options: &Options,
) -> Result<()> {
    let what = "a small Debian to begin with (debootstrap, about half a minute)";
    listener.on(Event::Building(what.to_owned(), None));
    let dir = tempfile::tempdir().map_err(|e| Failure::file("make", &std::env::temp_dir(), &e))?;
    write_folder(dir.path(), &recipes.files)?;
    let tar = dir.path().join("bootstrap.tar");
    let script = dir.path().join(&recipes.bootstrap.script);
    let mut command = Command::new(&script);
    command
        .arg(&tar)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let output = tokio::select! {
        output = command.output() => output.map_err(|e| Failure::file("run", &script, &e))?,
        () = options.cancel.cancelled() => return Err(Failure::interrupted()),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said
            .lines()
            .rev()
            .find(|l| !l.trim().is_empty())
            .unwrap_or("it gave no reason")
            .to_owned();
        return Err(Failure::environment(last).help(
            "Stand-ins need root on Debian or Ubuntu with debootstrap (apt-get install debootstrap); elsewhere use `mslab images pull` or `load`.",
        ));
    }
    let file = tokio::fs::File::open(&tar)
        .await
        .map_err(|e| Failure::file("read", &tar, &e))?;
    let label = format!(
        "LABEL {STAND_IN_LABEL}=bootstrap {RECIPE_LABEL}={}",
        recipes.bootstrap_digest()
    );
    bench
        .engine
        .import(
            &recipes.bootstrap.image,
            ReaderStream::with_capacity(file, 1 << 20),
            &[label],
        )
        .await?;
    Ok(())
}
