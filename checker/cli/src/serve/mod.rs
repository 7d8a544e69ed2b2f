//! `mslab serve`'s side of the check pipeline: the learner's workspace as the pages of the book ask for it.

mod ask;
mod book;
mod known;
mod listen;
mod open;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use mslab_core::evidence::Evidence;
use mslab_core::image::inspect::{Inspection, inspect};
use mslab_core::lab::Lab;
use mslab_core::plan::Plan;
use mslab_core::provenance;
use mslab_core::report::{self, Report, Status};
use mslab_engine::CancellationToken;
use mslab_serve::api::{
    Code, Examined, ExerciseSummary, Graph, HintGiven, Problem, ResetDone, Shown, Solution,
};
use mslab_serve::room::{About, Answer, Checked, Room};
use mslab_serve::{Place, Teller};
use tokio::sync::Mutex;

pub(crate) use book::find as find_book;
pub(crate) use open::open;

use crate::args::Global;
use crate::check::{self, Bench, Means, Options, Subject};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::labs::Labs;
use crate::workspace::Workspace;
use known::Known;
use listen::Told;

/// How many paths an inspection lists.
const TOP: usize = 10;

/// A learner's workspace, and the engine that judges in it.
pub(crate) struct LearnersRoom {
    workspace: Workspace,
    known: Known,
    global: Global,
    canary: String,
    /// The engine, once one has answered. One that fails is looked for anew.
    bench: Mutex<Option<Arc<Bench>>>,
}

impl LearnersRoom {
    pub(crate) fn new(workspace: Workspace, labs: Labs, global: Global) -> Result<Self> {
        let canary = workspace.canary()?;
        Ok(Self {
            workspace,
            known: Known::new(labs),
            global,
            canary,
            bench: Mutex::default(),
        })
    }

    async fn bench(&self, cancel: &CancellationToken) -> Result<Arc<Bench>> {
        let mut bench = self.bench.lock().await;
        if let Some(bench) = &*bench {
            return Ok(bench.clone());
        }
        let found = Arc::new(Bench::open(&self.global, cancel).await?);
        *bench = Some(found.clone());
        Ok(found)
    }

    async fn look(
        &self,
        exercise: &str,
        tell: &Teller,
        cancel: CancellationToken,
    ) -> Result<Checked> {
        let entry = self.known.exercise(exercise)?;
        let dir = self.workspace.exercise_dir(&entry.lab);
        let subject = self.subject(&entry.lab, &entry.plan, &dir);
        let bench = self.bench(&cancel).await?;
        let options = Options {
            cancel,
            ..Options::default()
        };
        let listener = Told::new(tell);
        let looked = check::look(&subject, &Means::Engine(&bench), &options, &listener).await;
        let (report, evidence) = match looked {
            Ok(looked) => looked,
            Err(failure) => {
                // It may have been started anew, or another one may answer now.
                *self.bench.lock().await = None;
                return Err(failure);
            }
        };
        let labs = std::slice::from_ref(&entry.lab);
        let mut reports =
            crate::commands::check::remember(&self.workspace, labs, vec![report], false)?;
        let report = reports.pop().ok_or_else(Failure::interrupted)?;
        Ok(Checked {
            images: images(&entry.plan, &evidence),
            shown: shown(report),
        })
    }

    fn subject<'a>(&'a self, lab: &'a Lab, plan: &'a Plan, dir: &'a Path) -> Subject<'a> {
        Subject {
            lab,
            plan,
            dir,
            canary: &self.canary,
        }
    }
}

impl Room for LearnersRoom {
    fn root(&self) -> &Path {
        self.workspace.root()
    }

    fn course(&self) -> Answer<Vec<ExerciseSummary>> {
        self.list().map_err(problem)
    }

    fn place(&self, exercise: &str) -> Answer<Place> {
        let entry = self.known(exercise)?;
        let made = self.workspace.make_exercise(&entry.lab).map_err(problem)?;
        Ok(Place {
            dir: self.workspace.exercise_dir(&entry.lab),
            learner: entry.lab.definition.files.learner.clone(),
            scratch: self.workspace.memory(),
            made,
        })
    }

    fn report_path(&self, exercise: &str) -> Option<PathBuf> {
        Some(self.workspace.report_path(exercise))
    }

    fn about(&self, exercise: &str) -> Answer<About> {
        let entry = self.known(exercise)?;
        self.tell_about(&entry).map_err(problem)
    }

    fn examine(
        &self,
        exercise: &str,
        unsaved: &BTreeMap<String, Option<String>>,
    ) -> Answer<Examined> {
        let entry = self.known(exercise)?;
        self.examine_text(&entry, unsaved).map_err(problem)
    }

    fn hint(&self, exercise: &str, key: Option<&str>) -> Answer<HintGiven> {
        let entry = self.known(exercise)?;
        self.give_hint(&entry.lab, key)
    }

    fn reset(&self, exercise: &str) -> Answer<ResetDone> {
        let entry = self.known(exercise)?;
        let backup = self.workspace.reset(&entry.lab).map_err(problem)?;
        Ok(ResetDone {
            backup: backup.map(|p| p.display().to_string()),
        })
    }

    fn solution(&self, exercise: &str, spoil: bool) -> Answer<Solution> {
        let entry = self.known(exercise)?;
        self.show_solution(&entry.lab, spoil)
    }

    fn check(
        self: Arc<Self>,
        exercise: String,
        tell: Arc<Teller>,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, Answer<Checked>> {
        Box::pin(async move { self.look(&exercise, &tell, cancel).await.map_err(problem) })
    }
}

impl LearnersRoom {
    fn known(&self, exercise: &str) -> Answer<Arc<known::Entry>> {
        self.known.exercise(exercise).map_err(|failure| Problem {
            code: if failure.exit == Exit::Usage {
                Code::NotFound
            } else {
                Code::Failed
            },
            ..problem(failure)
        })
    }
}

/// A failure as the page shows it.
fn problem(failure: Failure) -> Problem {
    Problem {
        code: Code::Failed,
        message: failure.in_one_line(),
        help: failure.remedy().to_owned(),
    }
}

/// A report with what a terminal says of each failed check.
fn shown(report: Report) -> Shown {
    let options = report::Options::default();
    let failed = report.checks.iter().filter(|c| c.status == Status::Failed);
    let texts = failed
        .map(|check| (check.key.clone(), report::finding(&report, check, &options)))
        .collect();
    Shown { texts, report }
}

/// Where the bytes of each build's first image are, by the Dockerfile's lines.
fn images(plan: &Plan, evidence: &Evidence) -> BTreeMap<String, Inspection> {
    let one = |build: &mslab_core::plan::PlannedBuild| {
        let first = evidence.builds.get(&build.key)?.images.first()?;
        let image = first.image.seen().ok()?;
        let source = evidence.dockerfiles.get(&build.dockerfile);
        let sources = source.and_then(|s| {
            let stage = s
                .graph
                .find_first(build.target.iter().map(String::as_str))?;
            let origins = provenance::attribute(image, &s.dockerfile, &s.graph, stage.index);
            Some(provenance::sources(image, &s.dockerfile, &origins))
        });
        Some((build.key.clone(), inspect(image, sources.as_deref(), TOP)))
    };
    plan.builds.iter().filter_map(one).collect()
}

/// The stage graph of each Dockerfile, drawn for the first build that names it.
fn graphs(plan: &Plan, evidence: &Evidence) -> Vec<Graph> {
    let mut graphs: Vec<Graph> = Vec::new();
    for build in &plan.builds {
        let Some(source) = evidence.dockerfiles.get(&build.dockerfile) else {
            continue;
        };
        if graphs.iter().any(|g| g.file == build.dockerfile) {
            continue;
        }
        let target = source
            .graph
            .find_first(build.target.iter().map(String::as_str));
        graphs.push(Graph {
            file: build.dockerfile.clone(),
            target: target.map(mslab_core::stages::Stage::label),
            svg: mslab_core::stages::draw::svg(
                &source.graph,
                &source.dockerfile,
                target.map(|t| t.index),
            ),
        });
    }
    graphs
}
