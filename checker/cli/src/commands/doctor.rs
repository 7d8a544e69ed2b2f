//! `mslab doctor`: what works here, and what to do about what does not.

use mslab_core::dockerfile::Feature;
use mslab_core::units::Bytes;
use mslab_engine::{Candidate, DiscoverOptions, Engine, Outcome, discover};
use serde::Serialize;

use crate::args::{Global, PlainFormat};
use crate::check::Bench;
use crate::commands::check::print;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::images::needed;
use crate::runtime;
use crate::terminal::{self, DIM, GOOD, HINT, PROBLEM, paint};
use crate::workspace::Surroundings;

/// Room that builds want on the engine's disk is not known to its API; on this machine it is.
const WANTED_FREE: u64 = 2_000_000_000;

/// All that was found out.
#[derive(Debug, Serialize)]
struct Diagnosis {
    schema: &'static str,
    engine: Option<EngineFacts>,
    /// Where an engine was looked for, in order.
    trail: Vec<Place>,
    bases: Vec<BaseState>,
    /// Whether a registry answered the engine; `null` where nothing had to be asked.
    registry: Option<bool>,
    problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
struct EngineFacts {
    host: String,
    named_by: String,
    name: String,
    version: String,
    image_store: String,
    platform: String,
    buildkit: bool,
    rootless: bool,
    cgroup_version: String,
    image_bytes: u64,
    build_cache_bytes: u64,
    cannot: Vec<&'static str>,
    /// What Dockerfiles cannot use here.
    unknown: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Place {
    named_by: String,
    host: String,
    outcome: String,
}

#[derive(Debug, Serialize)]
struct BaseState {
    name: String,
    state: &'static str,
}

/// Something that stands in the way, with its remedy.
#[derive(Debug, Serialize)]
struct Problem {
    what: String,
    remedy: String,
}

/// Looks, and prints. Exit code 3 where nothing can be built here.
pub(crate) fn run(format: PlainFormat, global: &Global) -> Result<Exit> {
    let labs = Surroundings::here()?.labs.all()?;
    let diagnosis = runtime::block_on(async |cancel| {
        let options = DiscoverOptions::from_env(global.engine.clone());
        let found = discover(&options).await;
        let mut diagnosis = Diagnosis {
            schema: "mslab/doctor/v1",
            engine: None,
            trail: found.candidates.iter().map(place).collect(),
            bases: Vec::new(),
            registry: None,
            problems: Vec::new(),
        };
        match found.engine {
            Err(e) => diagnosis.problems.push(Problem {
                what: e.to_string(),
                remedy: e.help().to_owned(),
            }),
            Ok(engine) => {
                diagnosis.engine = Some(facts(&engine).await?);
                let bench = Bench::with(engine);
                examine_bases(&mut diagnosis, &labs, &bench, &cancel).await?;
            }
        }
        Ok(diagnosis)
    })?;
    let mut diagnosis = diagnosis;
    examine_disk(&mut diagnosis);
    match format {
        PlainFormat::Json => {
            let text = serde_json::to_string_pretty(&diagnosis)
                .map_err(|e| Failure::environment("cannot write JSON").because(&e))?;
            print(&(text + "\n"))?;
        }
        PlainFormat::Human => print(&human(&diagnosis, global.quiet))?,
    }
    Ok(if diagnosis.engine.is_some() {
        Exit::Passed
    } else {
        Exit::Environment
    })
}

fn place(candidate: &Candidate) -> Place {
    let outcome = match &candidate.outcome {
        Outcome::Used => "answers: used".to_owned(),
        Outcome::Absent => "nothing there".to_owned(),
        Outcome::Failed(reason) => format!("does not answer: {reason}"),
        Outcome::NotTried => "not tried".to_owned(),
    };
    Place {
        named_by: candidate.origin.to_string(),
        host: candidate.host.clone(),
        outcome,
    }
}

async fn facts(engine: &Engine) -> Result<EngineFacts> {
    let (info, disk) = (engine.info().await?, engine.disk_usage().await?);
    let capabilities = engine.capabilities();
    Ok(EngineFacts {
        host: engine.host().to_string(),
        named_by: engine.origin().to_string(),
        name: engine.identity().flavor.to_string(),
        version: engine.identity().version.clone(),
        image_store: info.image_store,
        platform: engine.identity().platform.clone(),
        buildkit: capabilities.buildkit,
        rootless: info.rootless,
        cgroup_version: info.cgroup_version,
        image_bytes: disk.images,
        build_cache_bytes: disk.build_cache,
        cannot: capabilities.shortcomings(),
        unknown: Feature::ALL
            .into_iter()
            .filter(|f| f.docker().is_some() && !capabilities.supports(*f))
            .map(Feature::title)
            .collect(),
    })
}

async fn examine_bases(
    diagnosis: &mut Diagnosis,
    labs: &[mslab_core::lab::Lab],
    bench: &Bench,
    cancel: &mslab_engine::CancellationToken,
) -> Result<()> {
    let all = needed(labs, bench).await?;
    for image in &all {
        let state = match &image.base {
            Some(base) if base.stand_in => "stand-in",
            Some(_) => "present",
            None => "missing",
        };
        diagnosis.bases.push(BaseState {
            name: image.name.clone(),
            state,
        });
    }
    let not_real = all
        .iter()
        .find(|n| n.base.as_ref().is_none_or(|b| b.stand_in));
    if let Some(image) = not_real {
        diagnosis.registry = Some(bench.engine.registry_answers(&image.name, cancel).await);
    }
    let missing = diagnosis
        .bases
        .iter()
        .filter(|b| b.state == "missing")
        .count();
    if missing > 0 {
        let remedy = match diagnosis.registry {
            Some(true) => "`mslab images pull` fetches them.",
            _ => {
                "No registry answers: `mslab images stand-ins` builds stand-ins, `mslab images load FILE` brings them from elsewhere."
            }
        };
        let what = format!(
            "{missing} of {} base images are missing",
            diagnosis.bases.len()
        );
        diagnosis.problems.push(Problem {
            what,
            remedy: remedy.to_owned(),
        });
    }
    Ok(())
}

/// A local engine's disk is this machine's.
fn examine_disk(diagnosis: &mut Diagnosis) {
    let Some(engine) = diagnosis
        .engine
        .as_ref()
        .filter(|e| e.host.starts_with("unix://"))
    else {
        return;
    };
    let path = std::path::Path::new(engine.host.trim_start_matches("unix://"));
    let root = if path.starts_with("/run") || path.starts_with("/var/run") {
        "/var/lib"
    } else {
        "/"
    };
    if let Ok(free) = fs4::available_space(root)
        && free < WANTED_FREE
    {
        diagnosis.problems.push(Problem {
            what: format!("only {} free on this machine's disk ({root})", Bytes(free)),
            remedy: "`mslab clean` removes what mslab made; `docker builder prune` empties the build cache.".into(),
        });
    }
}

fn human(diagnosis: &Diagnosis, quiet: bool) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let mut line = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    if let (Some(engine), true) = (&diagnosis.engine, quiet) {
        return format!("{} {} at {}\n", engine.name, engine.version, engine.host);
    }
    match &diagnosis.engine {
        None => line(format!("{} no engine", paint(PROBLEM, "✗"))),
        Some(engine) => {
            line(format!(
                "{} {} {} at {}",
                paint(GOOD, "✓"),
                engine.name,
                engine.version,
                engine.host
            ));
            line(format!("    found through   {}", engine.named_by));
            line(format!("    image store     {}", engine.image_store));
            line(format!(
                "    platform        {}{}",
                engine.platform,
                if engine.rootless { ", rootless" } else { "" }
            ));
            line(format!(
                "    builds with     {}",
                if engine.buildkit {
                    "BuildKit"
                } else {
                    "the classic build API"
                }
            ));
            line(format!(
                "    it holds        {} of images, {} of build cache",
                Bytes(engine.image_bytes),
                Bytes(engine.build_cache_bytes)
            ));
            for sentence in &engine.cannot {
                line(format!("  {} {sentence}", paint(HINT, "!")));
            }
            if !engine.unknown.is_empty() {
                let unknown = engine.unknown.join(", ");
                line(format!(
                    "  {} Dockerfiles cannot use {unknown}",
                    paint(HINT, "!")
                ));
            }
        }
    }
    line(String::new());
    line("Where an engine was looked for, in order".into());
    let wide = terminal::width() >= 100;
    for place in &diagnosis.trail {
        let outcome = paint(DIM, &place.outcome);
        line(if wide {
            format!("    {:<22} {:<54} {outcome}", place.named_by, place.host)
        } else {
            format!("    {}: {outcome}\n      {}", place.named_by, place.host)
        });
    }
    if !diagnosis.bases.is_empty() {
        line(String::new());
        let count = |state| diagnosis.bases.iter().filter(|b| b.state == state).count();
        let (present, stand_ins, missing) = (count("present"), count("stand-in"), count("missing"));
        line(format!(
            "Base images of the labs: {present} present, {stand_ins} stand-ins, {missing} missing"
        ));
        line("    `mslab images list` names them".into());
        match diagnosis.registry {
            Some(true) => line("    a registry answers".into()),
            Some(false) => line("    no registry answers".into()),
            None => {}
        }
    }
    for problem in &diagnosis.problems {
        line(format!("\n{} {}", paint(PROBLEM, "problem:"), problem.what));
        line(format!("{}  {}", paint(HINT, "remedy:"), problem.remedy));
    }
    if diagnosis.problems.is_empty() {
        line(format!(
            "\n{} everything that a check needs is here",
            paint(GOOD, "✓")
        ));
    }
    out
}
