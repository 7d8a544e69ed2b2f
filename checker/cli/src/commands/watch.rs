//! `mslab watch`: a check on every save; a save during a build cancels that build and starts over.

use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use mslab_core::plan::Plan;
use mslab_core::report::Report;
use mslab_engine::CancellationToken;
use notify::{EventKind, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::args::Global;
use crate::check::{self, Bench, Means, Options, Subject};
use crate::commands::check::{choose, folders, options, print, remember};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::progress::Terminal;
use crate::runtime;
use crate::terminal::{DIM, paint};
use crate::workspace::Surroundings;

/// Editors write a file in several moves; this long a silence ends a save.
const QUIET: Duration = Duration::from_millis(150);

/// Checks until Ctrl-C.
pub(crate) fn run(exercise: Option<&str>, global: &Global) -> Result<Exit> {
    let here = Surroundings::here()?;
    let workspace = here.workspace()?;
    let lab = choose(&here, exercise)?;
    let plan = Plan::new(&lab)?;
    workspace.make_exercise(&lab)?;
    let dir = workspace.exercise_dir(&lab);
    let canary = workspace.canary()?;
    let labs = [lab.clone()];
    let subject = Subject {
        lab: &lab,
        plan: &plan,
        dir: &dir,
        canary: &canary,
    };
    runtime::until_stopped(async |cancel| {
        let (sender, mut saves) = mpsc::unbounded_channel();
        let _watcher = watch(&dir, sender)?;
        let bench = Bench::open(global, &cancel).await?;
        loop {
            let round = cancel.child_token();
            let mut work = pin!(one(&subject, &bench, global, &round));
            let report = tokio::select! {
                report = &mut work => Some(report),
                () = save(&mut saves) => {
                    round.cancel();
                    // Ends soon, with the build on the engine cancelled and nothing left behind.
                    let _ = work.await;
                    None
                }
            };
            match report {
                None => {
                    anstream::eprintln!("{}", paint(DIM, "saved: starting over"));
                    continue;
                }
                // Ctrl-C is how a watch ends.
                Some(Err(_)) if cancel.is_cancelled() => return Ok(Exit::Interrupted),
                // The engine may come back, the file may be mended: the watch goes on.
                Some(Err(failure)) => failure.print(),
                Some(Ok(report)) => {
                    let reports = remember(workspace, &labs, vec![report], false)?;
                    let folders = folders(&reports)?;
                    let options = mslab_core::report::Options {
                        folders,
                        ..options(global)
                    };
                    print(&(mslab_core::report::OUTPUTS[0].render)(&reports, &options))?;
                }
            }
            anstream::eprintln!(
                "{}",
                paint(DIM, format!("watching {}; Ctrl-C ends", dir.display()))
            );
            tokio::select! {
                () = save(&mut saves) => {}
                () = cancel.cancelled() => return Ok(Exit::Interrupted),
            }
        }
    })
}

async fn one(
    subject: &Subject<'_>,
    bench: &Bench,
    global: &Global,
    cancel: &CancellationToken,
) -> Result<Report> {
    let listener = Terminal::listener(global);
    let options = Options {
        cancel: cancel.clone(),
        ..Options::default()
    };
    check::examine(subject, &Means::Engine(bench), &options, &*listener).await
}

/// Returns after the next save, when its file events have gone quiet.
async fn save(saves: &mut mpsc::UnboundedReceiver<()>) {
    if saves.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
    while let Ok(Some(())) = tokio::time::timeout(QUIET, saves.recv()).await {}
}

fn watch(dir: &Path, sender: mpsc::UnboundedSender<()>) -> Result<notify::RecommendedWatcher> {
    let failed = |e: notify::Error| {
        Failure::environment(format!("cannot watch {}", dir.display())).because(&e)
    };
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let of_interest = |e: &notify::Event| {
            let by_person = !e
                .paths
                .iter()
                .all(|p| p.components().any(|c| c.as_os_str() == "node_modules"));
            by_person
                && matches!(
                    e.kind,
                    EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_)
                )
        };
        if event.as_ref().is_ok_and(of_interest) {
            // The receiver is gone only when the program ends.
            let _ = sender.send(());
        }
    })
    .map_err(failed)?;
    watcher
        .watch(dir, RecursiveMode::Recursive)
        .map_err(failed)?;
    Ok(watcher)
}
