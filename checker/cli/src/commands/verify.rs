//! `mslab verify`: proves labs on the engine.

use std::path::PathBuf;

use futures_util::StreamExt as _;
use mslab_core::lab::Lab;
use mslab_core::plan::Plan;
use mslab_engine::CancellationToken;
use tokio::sync::Semaphore;

use crate::args::{Global, VerifyArgs};
use crate::check::{Bench, Options};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::runtime;
use crate::terminal::{DIM, GOOD, PROBLEM, paint, say};
use crate::verify::{
    Board, Case, Expectation, Kept, Proof, Prover, Scope, cases, noticed_by, stored,
};
use crate::workspace::Surroundings;

/// How many cases are looked at together: one for each processor and one more, because while one waits for its container
/// another builds.
fn together() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    (processors + 1).min(8)
}

/// How many cases may have begun or be done while the first of them, after which the others are said, still takes its
/// time.
const AHEAD: usize = 64;

/// A lab with all that must be shown of it.
struct Work {
    lab: Lab,
    plan: Plan,
    cases: Vec<Case>,
    /// What its author has still to do.
    todo: Vec<String>,
    /// Where its files are, if they can be written.
    folder: Option<PathBuf>,
}

/// What came of a case.
enum Came {
    Proved(Box<Proof>),
    /// Not built, for want of these features.
    LeftOut(Vec<&'static str>),
}

/// What was counted.
#[derive(Default)]
struct Tally {
    cases: usize,
    agreed: usize,
    left_out: usize,
    fixes: usize,
    held: usize,
    stored: usize,
    stale: usize,
    /// Mutants that nobody noticed, or that were said to survive and did not, and what labs still want.
    surprises: usize,
    mutants: Score,
    /// Of the lab that is being said.
    of_lab: Score,
}

/// How many mutants were noticed.
#[derive(Default, Clone, Copy)]
struct Score {
    made: usize,
    noticed: usize,
    declared: usize,
}

impl Score {
    fn words(self) -> String {
        let percent = (self.noticed * 100).checked_div(self.made).unwrap_or(100);
        let mut words = format!("{} of {} noticed ({percent} %)", self.noticed, self.made);
        if self.declared > 0 {
            words.push_str(&format!(", {} declared to survive", self.declared));
        }
        words
    }
}

/// Verifies the labs that are named, or all.
pub(crate) fn run(args: &VerifyArgs, global: &Global) -> Result<Exit> {
    let work = work(args)?;
    let (unfinished, work): (Vec<Work>, Vec<Work>) = work
        .into_iter()
        .partition(|w| w.lab.definition.draft && !w.todo.is_empty());
    for draft in &unfinished {
        say!("{}", to_do(draft));
    }
    if work.is_empty() && !unfinished.is_empty() {
        return Ok(Exit::Passed);
    }
    let (tally, found) = runtime::block_on(async |cancel| {
        let bench = Bench::open(global, &cancel).await?;
        let kept = Kept::open(&bench, args.again).await?;
        let tally = prove_all(&work, &bench, &kept, args, global, &cancel).await?;
        Ok((tally, kept.found()))
    })?;
    say!("\n{}", tally.summary(found));
    Ok(if tally.all_is_well() {
        Exit::Passed
    } else {
        Exit::Work
    })
}

fn work(args: &VerifyArgs) -> Result<Vec<Work>> {
    let here = Surroundings::here()?;
    let labs: Vec<Lab> = match args.labs.as_slice() {
        [] => here.labs.all_and_drafts()?,
        names => names
            .iter()
            .map(|n| here.labs.find(n))
            .collect::<Result<_>>()?,
    };
    let one = |lab: Lab| {
        let folder = here.labs.folder_of(&lab);
        if args.bless && folder.is_none() {
            return Err(
                Failure::usage("there is no folder of labs to store reports in")
                    .help("Run it in the repository."),
            );
        }
        let scope = Scope {
            attempts: !args.quick,
            mutants: args.mutants,
        };
        let plan = Plan::new(&lab)?;
        Ok(Work {
            cases: cases(&lab, &plan, scope)?,
            todo: if args.quick && !lab.definition.draft {
                Vec::new()
            } else {
                lab.todo()
            },
            plan,
            folder,
            lab,
        })
    };
    labs.into_iter().map(one).collect()
}

/// A draft, and what it still wants.
fn to_do(work: &Work) -> String {
    let lab = &work.lab;
    let mut lines = vec![format!("{}  {}", lab.exercise(), lab.definition.title)];
    lines.push("  · a draft, which learners do not see. To do:".into());
    lines.extend(work.todo.iter().map(|t| format!("      {t}")));
    lines.join("\n")
}

async fn prove_all(
    work: &[Work],
    bench: &Bench,
    kept: &Kept,
    args: &VerifyArgs,
    global: &Global,
    cancel: &CancellationToken,
) -> Result<Tally> {
    let board = Board::new(global);
    // One case that cannot be judged stops the others, and they clean up.
    let options = Options {
        cancel: cancel.child_token(),
        ..Options::default()
    };
    let places = Semaphore::new(together());
    let one = async |work: &Work, case: &Case| {
        let _place = places.acquire().await;
        if options.cancel.is_cancelled() {
            return Err(Failure::interrupted());
        }
        let lacking = case.lacks(bench);
        if !lacking.is_empty() {
            return Ok(Came::LeftOut(lacking));
        }
        let listener = board.case(&case.name);
        let prover = Prover {
            lab: &work.lab,
            plan: &work.plan,
            bench,
            kept: Some(kept),
            listener: &listener,
            options: &options,
        };
        let proof = prover.prove(case, args.fixes || args.bless).await?;
        Ok(Came::Proved(Box::new(proof)))
    };
    let all: Vec<(&Work, &Case)> = work
        .iter()
        .flat_map(|w| w.cases.iter().map(move |c| (w, c)))
        .collect();
    let jobs = all.iter().map(|(work, case)| one(work, case));
    let mut done = std::pin::pin!(futures_util::stream::iter(jobs).buffered(AHEAD));
    let mut tally = Tally::default();
    let mut failure = None;
    for (work, case) in &all {
        let Some(came) = done.next().await else { break };
        match came {
            Ok(came) if failure.is_none() => {
                if case.name == "solution" {
                    let lab = &work.lab;
                    board.print(&[format!("{}  {}", lab.exercise(), lab.definition.title)]);
                    board.print(&tally.begin_lab(work));
                }
                board.print(&tally.add(work, case, &came, args)?);
                let is_last = work.cases.last().is_some_and(|c| std::ptr::eq(c, *case));
                if is_last && args.mutants {
                    board.print(&[tally.end_of_lab()]);
                }
            }
            Ok(_) => {}
            Err(f) => {
                options.cancel.cancel();
                failure.get_or_insert(f);
            }
        }
    }
    failure.map_or(Ok(tally), Err)
}

impl Tally {
    /// Counts what came of a case, stores its report if that is asked for, and says it.
    fn add(
        &mut self,
        work: &Work,
        case: &Case,
        came: &Came,
        args: &VerifyArgs,
    ) -> Result<Vec<String>> {
        let proof = match came {
            Came::Proved(proof) => proof,
            Came::LeftOut(lacking) => {
                self.left_out += 1;
                let why = format!("left out: the engine lacks {}", lacking.join(", "));
                return Ok(vec![format!("  - {:<40} {}", case.name, paint(DIM, why))]);
            }
        };
        if let Some(expectation) = case.mutant() {
            return Ok(self.add_mutant(expectation, case, proof, args));
        }
        let mut news = "";
        let mut old_report = None;
        if case.is_attempt()
            && let Some(stale) = proof.stale(case)
        {
            match &work.folder {
                Some(folder) if args.bless && proof.agrees() => {
                    stored::store(&folder.join(&case.name), &proof.to_store())?;
                    self.stored += 1;
                    news = "  (report stored)";
                }
                _ => old_report = Some(stale),
            }
        }
        self.cases += 1;
        self.agreed += usize::from(proof.differences.is_empty());
        self.stale += usize::from(old_report.is_some());
        let differences: Vec<&String> = proof.differences.iter().chain(&old_report).collect();
        let symbol = symbol(differences.is_empty());
        let said = paint(DIM, format!("{}{news}", verdict(proof)));
        let mut lines = vec![format!("  {symbol} {:<40} {said}", case.name)];
        lines.extend(differences.iter().map(|d| format!("      {d}")));
        lines.extend(self.add_trials(proof, args.fixes));
        Ok(lines)
    }

    /// What the lab itself still wants. A draft that wants nothing is one no more.
    fn begin_lab(&mut self, work: &Work) -> Vec<String> {
        let mut lines = Vec::new();
        if work.lab.definition.draft {
            lines.push("  · nothing is missing: take `draft = true` out of lab.toml".to_owned());
        }
        self.surprises += work.todo.len();
        let missing = |t: &String| format!("  {} {:<40} {t}", symbol(false), "to do");
        lines.extend(work.todo.iter().map(missing));
        lines
    }

    /// Counts the fixes that were tried; says those that do not hold, or `all`.
    fn add_trials(&mut self, proof: &Proof, all: bool) -> Vec<String> {
        let mut lines = Vec::new();
        for trial in &proof.trials {
            let holds = trial.trouble.is_empty();
            self.fixes += 1;
            self.held += usize::from(holds);
            if !holds || all {
                lines.push(format!(
                    "    {} fix for `{}`: {}",
                    symbol(holds),
                    trial.key,
                    trial.title
                ));
            }
            lines.extend(trial.trouble.iter().map(|t| format!("        {t}")));
        }
        lines
    }

    /// Counts a mutant. One that came out as it must is not said.
    fn add_mutant(
        &mut self,
        expectation: &Expectation,
        case: &Case,
        proof: &Proof,
        args: &VerifyArgs,
    ) -> Vec<String> {
        let noticed = !noticed_by(&proof.report).is_empty();
        let may_survive = expectation.may_survive();
        self.of_lab.made += 1;
        self.of_lab.noticed += usize::from(noticed && !may_survive);
        self.of_lab.declared += usize::from(may_survive);
        self.surprises += usize::from(!proof.differences.is_empty());
        let trials = self.add_trials(proof, args.fixes);
        let mut lines = Vec::new();
        if !proof.differences.is_empty() || !trials.is_empty() {
            let said = paint(DIM, verdict(proof));
            lines.push(format!(
                "  {} {:<40} {said}",
                symbol(proof.differences.is_empty()),
                case.name
            ));
        }
        lines.extend(proof.differences.iter().map(|d| format!("      {d}")));
        lines.extend(trials);
        lines
    }

    fn end_of_lab(&mut self) -> String {
        let score = std::mem::take(&mut self.of_lab);
        self.mutants.made += score.made;
        self.mutants.noticed += score.noticed;
        self.mutants.declared += score.declared;
        let good = score.noticed == score.made - score.declared;
        format!(
            "  {} {:<40} {}",
            symbol(good),
            "mutants",
            paint(DIM, score.words())
        )
    }

    fn all_is_well(&self) -> bool {
        self.agreed == self.cases && self.held == self.fixes && self.stale + self.surprises == 0
    }

    fn summary(&self, found: usize) -> String {
        let mut parts = vec![format!(
            "{} of {} cases as declared",
            self.agreed, self.cases
        )];
        if self.fixes > 0 {
            parts.push(format!("{} of {} fixes hold", self.held, self.fixes));
        }
        if self.mutants.made > 0 {
            parts.push(format!("mutants: {}", self.mutants.words()));
        }
        if self.left_out > 0 {
            parts.push(format!(
                "{} left out for want of engine features",
                self.left_out
            ));
        }
        if self.stale > 0 {
            parts.push(format!(
                "{} stored reports missing or out of date (`mslab verify --bless` stores them)",
                self.stale
            ));
        }
        if self.stored > 0 {
            parts.push(format!("{} reports stored", self.stored));
        }
        if found > 0 {
            parts.push(format!("{found} results known already"));
        }
        parts.join(", ")
    }
}

fn symbol(good: bool) -> String {
    if good {
        paint(GOOD, "✓")
    } else {
        paint(PROBLEM, "✗")
    }
}

fn verdict(proof: &Proof) -> String {
    let failed = noticed_by(&proof.report);
    if failed.is_empty() {
        "passes".to_owned()
    } else {
        format!("fails {}", failed.join(", "))
    }
}
