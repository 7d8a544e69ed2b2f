//! Builds what `book/sizes.toml` names and writes what was measured to `book/sizes.json`, for the book's bars:
//! `cargo run -p mslab-engine --example sizes -- 2026-01-31` (today's date), from the repository's root. `make sizes`
//! does it.
//!
//! What is built on stand-ins and what is built on the images of Docker Hub goes to two columns; the one that this
//! engine says nothing about stays as it was. So does one in which nothing but the date would change: measuring twice on
//! the same bases changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use mslab_core::dockerfile;
use mslab_core::image::{Image, NoCache, ReadOptions, read_archive};
use mslab_core::source::Source;
use mslab_core::stages::{Base, BuildOptions, Needs, StageGraph};
use mslab_core::units::Bytes;
use mslab_engine::context::{self, Sent};
use mslab_engine::{
    BuildEnd, BuildRequest, CancellationToken, DiscoverOptions, Engine, EngineError,
    STAND_IN_PREFIX,
};
use serde::{Deserialize, Serialize};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const WANTED: &str = "book/sizes.toml";
const MEASURED: &str = "book/sizes.json";
const SCHEMA: &str = "mslab/sizes/v1";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    size: Vec<Entry>,
}

/// An image to be measured.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    key: String,
    title: String,
    dockerfile: PathBuf,
    /// The folder that is sent; the Dockerfile's own where there is none.
    context: Option<PathBuf>,
    /// Files laid over it, the Dockerfile included.
    overlay: Option<PathBuf>,
    target: Option<String>,
    claim: Option<String>,
}

#[derive(Serialize, Deserialize, Default)]
struct Sizes {
    schema: String,
    sizes: Vec<Size>,
}

#[derive(Serialize, Deserialize, Clone)]
struct Size {
    key: String,
    title: String,
    dockerfile: String,
    target: Option<String>,
    /// What the final stage starts from.
    base: String,
    /// What older texts say.
    claim: Option<String>,
    /// As measured on stand-ins for the base images.
    stand_in: Option<Measured>,
    /// As measured on the base images themselves.
    hub: Option<Measured>,
}

#[derive(Serialize, Deserialize, Clone, PartialEq)]
struct Measured {
    unpacked_bytes: u64,
    compressed_bytes: Option<u64>,
    engine: EngineFacts,
    date: String,
    /// The base images that the build used, by name, with the engine's ids.
    bases: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, Clone, PartialEq)]
struct EngineFacts {
    name: String,
    version: String,
    image_store: String,
    platform: String,
}

impl Measured {
    /// With the date of `old`, if that says the same.
    fn dated_as(self, old: Option<Self>) -> Self {
        let today = |old: &Self| Self {
            date: self.date.clone(),
            ..old.clone()
        };
        match old {
            Some(old) if today(&old) == self => old,
            _ => self,
        }
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let Some(date) = std::env::args().nth(1) else {
        eprintln!("usage: sizes DATE");
        return Ok(ExitCode::from(2));
    };
    let wanted: Wanted = toml::from_str(&fs::read_to_string(WANTED)?)?;
    let mut known: BTreeMap<String, Size> = match fs::read_to_string(MEASURED) {
        Ok(text) => serde_json::from_str::<Sizes>(&text)?.sizes,
        Err(_) => Vec::new(),
    }
    .into_iter()
    .map(|size| (size.key.clone(), size))
    .collect();
    let engine = Engine::discover(&DiscoverOptions::from_env(None)).await?;
    let info = engine.info().await?;
    let facts = EngineFacts {
        name: info.identity.flavor.to_string(),
        version: info.identity.version.clone(),
        image_store: info.image_store,
        platform: info.identity.platform.clone(),
    };
    let mut failed = false;
    for entry in &wanted.size {
        eprint!("{} … ", entry.key);
        match measure(&engine, &facts, &date, entry).await {
            Ok((base, measured, stand_in)) => {
                eprintln!("{}", Bytes(measured.unpacked_bytes));
                let old = known.remove(&entry.key);
                let (old_stand_in, old_hub) = old.map_or((None, None), |o| (o.stand_in, o.hub));
                let (stand_in, hub) = if stand_in {
                    (Some(measured.dated_as(old_stand_in)), old_hub)
                } else {
                    (old_stand_in, Some(measured.dated_as(old_hub)))
                };
                let size = Size {
                    key: entry.key.clone(),
                    title: entry.title.clone(),
                    dockerfile: entry.dockerfile.to_string_lossy().into_owned(),
                    target: entry.target.clone(),
                    base,
                    claim: entry.claim.clone(),
                    stand_in,
                    hub,
                };
                known.insert(entry.key.clone(), size);
                // Each at once: what was measured is kept if a later build breaks off.
                write(&wanted, &known)?;
            }
            Err(e) => {
                eprintln!("error: {e}");
                failed = true;
            }
        }
    }
    write(&wanted, &known)?;
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Writes what is known, in the order of what is wanted; what nobody wants any more goes.
fn write(wanted: &Wanted, known: &BTreeMap<String, Size>) -> Result<()> {
    let sizes = Sizes {
        schema: SCHEMA.into(),
        sizes: wanted
            .size
            .iter()
            .filter_map(|e| known.get(&e.key).cloned())
            .collect(),
    };
    fs::write(MEASURED, serde_json::to_string_pretty(&sizes)? + "\n")?;
    Ok(())
}

/// Builds one image and reads it: its base, what was measured, and whether any base was a stand-in.
async fn measure(
    engine: &Engine,
    facts: &EngineFacts,
    date: &str,
    entry: &Entry,
) -> Result<(String, Measured, bool)> {
    let own = entry.dockerfile.parent().unwrap_or(Path::new("."));
    let folder = tempfile::tempdir()?;
    lay(entry.context.as_deref().unwrap_or(own), folder.path())?;
    let mut dockerfile = entry.dockerfile.clone();
    if let Some(overlay) = &entry.overlay {
        lay(overlay, folder.path())?;
        let name = entry.dockerfile.strip_prefix(own)?;
        if overlay.join(name).is_file() {
            dockerfile = overlay.join(name);
        }
    }
    let bytes = fs::read(&dockerfile)?;
    let parsed = dockerfile::parse(Source::new(dockerfile.to_string_lossy(), bytes.clone()));
    let graph = StageGraph::build(
        &parsed,
        &BuildOptions {
            target: entry.target.clone(),
            ..BuildOptions::default()
        },
    );
    let target = graph.target().ok_or("there is no such stage")?;
    let reachable = graph.reachable(target);
    let used: BTreeSet<&str> = graph
        .edges
        .iter()
        .filter(|e| reachable.contains(&e.stage))
        .filter_map(|e| match &e.needs {
            Needs::Image(name) => Some(name.as_str()),
            Needs::Stage(_) => None,
        })
        .collect();
    let mut bases = BTreeMap::new();
    let mut contexts = BTreeMap::new();
    let mut stand_in = false;
    for name in used {
        let own = format!("{STAND_IN_PREFIX}{name}");
        let image = match engine.inspect_image(name).await {
            Err(EngineError::NoSuchImage(_)) => {
                contexts.insert(name.to_owned(), own.clone());
                engine.inspect_image(&own).await?
            }
            found => found?,
        };
        stand_in |= image.names.iter().any(|n| n.starts_with(STAND_IN_PREFIX));
        bases.insert(name.to_owned(), image.id);
    }
    let image = build(engine, folder.path(), &bytes, entry, contexts).await?;
    let measured = Measured {
        unpacked_bytes: image.unpacked_bytes(),
        compressed_bytes: image.compressed_bytes(),
        engine: facts.clone(),
        date: date.to_owned(),
        bases,
    };
    Ok((base(&graph, target), measured, stand_in))
}

/// What a stage starts from in the end.
fn base(graph: &StageGraph, mut stage: usize) -> String {
    loop {
        match &graph.stages[stage].base {
            Base::Stage(earlier) if *earlier < stage => stage = *earlier,
            Base::Scratch => return "scratch".into(),
            _ => return graph.stages[stage].base_name.clone(),
        }
    }
}

async fn build(
    engine: &Engine,
    folder: &Path,
    dockerfile: &[u8],
    entry: &Entry,
    contexts: BTreeMap<String, String>,
) -> Result<Image> {
    let name = entry
        .dockerfile
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let context = Sent::of(folder, &name)?.context;
    let mut request = BuildRequest::new(context::pack(&context, "Dockerfile", dockerfile)?);
    request.target.clone_from(&entry.target);
    request.named_contexts = contexts;
    let end = engine
        .build(&request, &|_| {}, &CancellationToken::new())
        .await?;
    let id = match end {
        BuildEnd::Built(done) => done.image_id,
        BuildEnd::Failed(failure) => return Err(failure.message.into()),
    };
    let reader = engine.export(&[&id]);
    let image = tokio::task::spawn_blocking(move || {
        let options = ReadOptions {
            compressed_sizes: true,
            ..ReadOptions::default()
        };
        read_archive(reader, &options, &mut NoCache)
    })
    .await??;
    // An image that has a name is somebody's.
    if engine.inspect_image(&id).await?.names.is_empty() {
        engine.remove_image(&id, false).await?;
    }
    Ok(image)
}

/// Lays the files of a folder over another.
fn lay(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let goal = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&goal)?;
            lay(&entry.path(), &goal)?;
        } else {
            fs::copy(entry.path(), &goal)?;
        }
    }
    Ok(())
}
