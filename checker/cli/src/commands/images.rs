//! `mslab images`: the base images that the labs need.

use std::path::Path;

use mslab_core::lab::Lab;
use mslab_engine::EngineError;
use tokio::io::AsyncWriteExt as _;
use tokio_stream::StreamExt as _;

use crate::args::{Global, ImagesAction};
use crate::check::{Bench, Options};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::images::{self, Made, Recipe, Recipes, needed};
use crate::progress::{Event, Listener, Terminal};
use crate::runtime;
use crate::terminal::{DIM, GOOD, PROBLEM, paint, say};
use crate::workspace::Surroundings;

/// Does one of the actions.
pub(crate) fn run(action: &ImagesAction, global: &Global) -> Result<Exit> {
    let labs = Surroundings::here()?.labs.all()?;
    runtime::block_on(async |cancel| {
        let bench = Bench::open(global, &cancel).await?;
        let options = Options {
            cancel,
            ..Options::default()
        };
        let listener = Terminal::listener(global);
        match action {
            ImagesAction::List => list(&labs, &bench).await,
            ImagesAction::Pull => pull(&labs, &bench, &*listener, &options).await,
            ImagesAction::Save { file } => save(&labs, &bench, file).await,
            ImagesAction::Load { file } => load(&bench, file).await,
            ImagesAction::StandIns {
                images,
                rebuild,
                official,
            } => {
                stand_ins(
                    &labs, images, *rebuild, *official, &bench, &*listener, &options,
                )
                .await
            }
        }
    })
}

async fn list(labs: &[Lab], bench: &Bench) -> Result<Exit> {
    let all = needed(labs, bench).await?;
    let width = all.iter().map(|n| n.name.len()).max().unwrap_or(0);
    for image in &all {
        let (style, state) = match &image.base {
            Some(base) if base.stand_in => (DIM, "≈ stand-in"),
            Some(_) => (GOOD, "✓ present"),
            None => (PROBLEM, "✗ missing"),
        };
        let exercises: Vec<&str> = image.exercises.iter().map(String::as_str).collect();
        say!(
            "{:<width$}  {}  {}",
            image.name,
            paint(style, format!("{state:<10}")),
            paint(DIM, exercises.join(", "))
        );
    }
    let missing = all.iter().filter(|n| n.base.is_none()).count();
    if missing > 0 {
        say!(
            "\n{missing} missing: `mslab images pull` fetches them, `mslab images stand-ins` builds stand-ins where no registry answers."
        );
    }
    Ok(Exit::Passed)
}

async fn pull(
    labs: &[Lab],
    bench: &Bench,
    listener: &dyn Listener,
    options: &Options,
) -> Result<Exit> {
    for name in images::names(labs)?.keys() {
        let base = bench.bases.find(&bench.engine, name).await?;
        if base.is_some_and(|b| !b.stand_in) {
            say!("{} {name}", paint(DIM, "= there already "));
            continue;
        }
        listener.on(Event::Pulling(name.clone()));
        let on = |event| listener.on(Event::Pull(event));
        match bench.engine.pull(name, None, &on, &options.cancel).await {
            Ok(()) => {
                listener.on(Event::Done);
                say!("{} {name}", paint(GOOD, "+ pulled        "));
            }
            Err(e @ EngineError::Registry { .. }) => {
                listener.on(Event::Done);
                return Err(Failure::from(e).help("Where no registry can be reached, `mslab images stand-ins` builds stand-ins, and `mslab images load FILE` brings images from elsewhere."));
            }
            Err(e) => return Err(e.into()),
        }
    }
    Ok(Exit::Passed)
}

/// Stand-ins for all that is missing, or for what is named.
async fn stand_ins(
    labs: &[Lab],
    named: &[String],
    rebuild: bool,
    official: bool,
    bench: &Bench,
    listener: &dyn Listener,
    options: &Options,
) -> Result<Exit> {
    let recipes = Recipes::carried()?;
    let wanted: Vec<&Recipe> = if named.is_empty() {
        let needed = images::names(labs)?;
        let covers =
            |r: &&Recipe| r.group == "labs" || r.of.iter().any(|of| needed.contains_key(of));
        recipes.images.iter().filter(covers).collect()
    } else {
        let find = |name: &String| {
            recipes.find(name).ok_or_else(|| {
                let known: Vec<&str> = recipes
                    .images
                    .iter()
                    .flat_map(|r| &r.of)
                    .map(String::as_str)
                    .collect();
                Failure::usage(format!("there is no stand-in for {name}"))
                    .help(format!("There are stand-ins for {}.", known.join(", ")))
            })
        };
        named.iter().map(find).collect::<Result<_>>()?
    };
    if !bench.engine.capabilities().named_contexts && !official {
        return Err(Failure::usage(format!(
            "{} can use a stand-in only under the base image's own name",
            bench.engine.identity().label()
        ))
        .help(
            "`mslab images stand-ins --official` agrees to that; `mslab clean` removes them again.",
        ));
    }
    for recipe in recipes.in_order(&wanted) {
        let made = images::make(
            &recipes, recipe, rebuild, official, bench, listener, options,
        )
        .await?;
        listener.on(Event::Done);
        let mark = match made {
            Made::There => paint(DIM, "= there already "),
            Made::Built => paint(GOOD, "+ built         "),
        };
        say!(
            "{mark} {:<42} {}",
            recipe.of[0],
            paint(DIM, &recipe.made_of)
        );
    }
    say!("\nStand-ins are small and labelled as such; reports made on them say so.");
    Ok(Exit::Passed)
}

/// One archive with every base image that is there, stand-ins under their local names.
async fn save(labs: &[Lab], bench: &Bench, file: &Path) -> Result<Exit> {
    let all = needed(labs, bench).await?;
    let missing: Vec<&str> = all
        .iter()
        .filter(|n| n.base.is_none())
        .map(|n| n.name.as_str())
        .collect();
    if !missing.is_empty() {
        return Err(Failure::environment(format!(
            "missing on this engine: {}",
            missing.join(", ")
        ))
        .help("`mslab images pull` fetches them first."));
    }
    let names: Vec<String> = all
        .into_iter()
        .filter_map(|n| n.base)
        .map(|b| b.reference)
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let failed = |e: std::io::Error| Failure::file("write", file, &e);
    // Written beside its place and then moved: half an archive is never taken for a whole one.
    let part = file.with_extension("part");
    let mut out = tokio::fs::File::create(&part).await.map_err(failed)?;
    let mut stream = std::pin::pin!(bench.engine.save(&names));
    let mut bytes = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        bytes += chunk.len() as u64;
        out.write_all(&chunk).await.map_err(failed)?;
    }
    out.sync_all().await.map_err(failed)?;
    tokio::fs::rename(&part, file).await.map_err(failed)?;
    say!(
        "{} images, {} in {}",
        names.len(),
        mslab_core::units::Bytes(bytes),
        file.display()
    );
    say!(
        "Next: carry it over, and there: mslab images load {}",
        file.display()
    );
    Ok(Exit::Passed)
}

async fn load(bench: &Bench, file: &Path) -> Result<Exit> {
    let archive = tokio::fs::File::open(file)
        .await
        .map_err(|e| Failure::file("read", file, &e))?;
    for name in bench.engine.load(archive).await? {
        say!("{} {name}", paint(GOOD, "+ loaded"));
    }
    Ok(Exit::Passed)
}
