//! `mslab inspect`: where an image's bytes are.

use std::path::{Path, PathBuf};

use mslab_core::evidence::Built;
use mslab_core::image::inspect::{LayerSource, compare, inspect};
use mslab_core::image::{Image, ReadOptions};
use mslab_core::stages::{BuildOptions, StageGraph};
use mslab_core::{dockerfile, provenance};
use mslab_engine::EngineError;
use serde::Serialize;

use crate::args::{Global, PlainFormat};
use crate::check::{Bench, evidence, read_file};
use crate::commands::check::print;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::progress::{Event, Listener, Terminal};
use crate::runtime;

/// What to look at, and how.
pub(crate) struct Inspect {
    pub(crate) image: String,
    pub(crate) compare: Option<String>,
    pub(crate) file: Option<PathBuf>,
    pub(crate) top: usize,
    pub(crate) format: PlainFormat,
}

/// Prints where the bytes are, or what differs between two images.
pub(crate) fn run(args: &Inspect, global: &Global) -> Result<Exit> {
    let listener = Terminal::listener(global);
    let image = read(&args.image, global, &*listener)?;
    let other = match &args.compare {
        Some(name) => Some((name, read(name, global, &*listener)?)),
        None => None,
    };
    listener.on(Event::Done);
    let text = match other {
        Some((name, other)) => {
            let comparison = compare(&image, &other);
            match args.format {
                PlainFormat::Human => comparison.human([&args.image, name], args.top),
                PlainFormat::Json => json(&comparison)?,
            }
        }
        None => {
            let sources = args.file.as_ref().map(|f| sources(&image, f)).transpose()?;
            let inspection = inspect(&image, sources.as_deref(), args.top);
            match args.format {
                PlainFormat::Human => inspection.human(&args.image),
                PlainFormat::Json => json(&inspection)?,
            }
        }
    };
    print(&text)?;
    Ok(Exit::Passed)
}

fn json(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(value);
    text.map(|t| t + "\n")
        .map_err(|e| Failure::environment("cannot write JSON").because(&e))
}

/// Reads an archive where there is a file of that name (or `-`), and else asks the engine.
fn read(name: &str, global: &Global, listener: &dyn Listener) -> Result<Image> {
    let path = Path::new(name);
    let ends = [".tar", ".tar.gz", ".tgz"];
    if name == "-" || path.is_file() || ends.iter().any(|e| name.ends_with(e)) {
        return read_file(path, &ReadOptions::default());
    }
    runtime::block_on(async |cancel| {
        let bench = Bench::open(global, &cancel).await?;
        let described = match bench.engine.inspect_image(name).await {
            Err(e @ EngineError::NoSuchImage(_)) => {
                let help = "Name an image on the engine (`docker images` lists them), or an archive's file.";
                return Err(Failure::usage(e).help(help));
            }
            described => described?,
        };
        let built = Built {
            image_id: described.id,
            ..Built::default()
        };
        bench.facts.image(&bench.engine, &built, "", listener).await
    })
}

/// What made each layer, by the Dockerfile's lines. The image is taken for the file's last stage.
fn sources(image: &Image, file: &Path) -> Result<Vec<LayerSource>> {
    let dockerfile = dockerfile::parse(evidence::read(file, &file.to_string_lossy())?);
    let graph = StageGraph::build(&dockerfile, &BuildOptions::default());
    let Some(last) = graph.stages.last() else {
        return Err(Failure::usage(format!("{} has no stage", file.display())));
    };
    let origins = provenance::attribute(image, &dockerfile, &graph, last.index);
    Ok(provenance::sources(image, &dockerfile, &origins))
}
