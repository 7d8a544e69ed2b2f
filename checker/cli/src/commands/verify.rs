//! `mslab verify`: proves labs on the engine.

use mslab_core::lab::Lab;
use mslab_core::plan::Plan;
use mslab_core::report::Status;

use crate::args::{Global, VerifyArgs};
use crate::check::{Bench, Options};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::progress::{Event, Terminal};
use crate::runtime;
use crate::terminal::{DIM, GOOD, PROBLEM, paint};
use crate::verify::{Case, cases, fixes_of, prove};
use crate::workspace::Surroundings;

/// What was counted.
#[derive(Default)]
struct Tally {
    cases: usize,
    agreed: usize,
    fixes: usize,
    held: usize,
}

/// Verifies the labs that are named, or all.
pub(crate) fn run(args: &VerifyArgs, global: &Global) -> Result<Exit> {
    let here = Surroundings::here()?;
    let labs: Vec<Lab> = match args.labs.as_slice() {
        [] => here.labs.all()?,
        names => names
            .iter()
            .map(|n| here.labs.find(n))
            .collect::<Result<_>>()?,
    };
    let plans = labs.iter().map(Plan::new).collect::<Result<Vec<_>, _>>()?;
    let tally = runtime::block_on(async |cancel| {
        let bench = Bench::open(global, &cancel).await?;
        let options = Options {
            cancel,
            ..Options::default()
        };
        let mut tally = Tally::default();
        for (lab, plan) in labs.iter().zip(&plans) {
            anstream::println!("{}  {}", lab.exercise(), lab.definition.title);
            for case in cases(lab, !args.quick)? {
                one(lab, plan, &case, &bench, args, global, &options, &mut tally).await?;
            }
        }
        Ok(tally)
    })?;
    anstream::println!(
        "\n{} of {} cases as declared, {} of {} fixes hold",
        tally.agreed,
        tally.cases,
        tally.held,
        tally.fixes
    );
    Ok(
        if tally.agreed == tally.cases && tally.held == tally.fixes {
            Exit::Passed
        } else {
            Exit::Work
        },
    )
}

#[allow(
    clippy::too_many_arguments,
    reason = "one call; a struct for it would be only its arguments again"
)]
async fn one(
    lab: &Lab,
    plan: &Plan,
    case: &Case,
    bench: &Bench,
    args: &VerifyArgs,
    global: &Global,
    options: &Options,
    tally: &mut Tally,
) -> Result<()> {
    let listener = Terminal::listener(global);
    let proof = prove(lab, plan, case, bench, &*listener, options).await?;
    if let Some(check) = proof
        .report
        .checks
        .iter()
        .find(|c| c.status == Status::Error)
    {
        return Err(Failure::environment(format!(
            "{}, {}: `{}` could not look: {}",
            lab.exercise(),
            case.name,
            check.key,
            check.message
        ))
        .help("`mslab doctor` says what is missing."));
    }
    let trials = if args.fixes {
        fixes_of(
            lab,
            plan,
            &case.files,
            &proof.report,
            bench,
            &*listener,
            options,
        )
        .await?
    } else {
        Vec::new()
    };
    listener.on(Event::Done);
    tally.cases += 1;
    tally.agreed += usize::from(proof.differences.is_empty());
    let symbol = if proof.differences.is_empty() {
        paint(GOOD, "✓")
    } else {
        paint(PROBLEM, "✗")
    };
    let failed = proof
        .report
        .checks
        .iter()
        .filter(|c| c.status == Status::Failed)
        .map(|c| c.key.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let said = if failed.is_empty() {
        "passes".to_owned()
    } else {
        format!("fails {failed}")
    };
    anstream::println!("  {symbol} {:<40} {}", case.name, paint(DIM, said));
    for line in &proof.differences {
        anstream::println!("      {line}");
    }
    for trial in &trials {
        tally.fixes += 1;
        tally.held += usize::from(trial.trouble.is_empty());
        let symbol = if trial.trouble.is_empty() {
            paint(GOOD, "✓")
        } else {
            paint(PROBLEM, "✗")
        };
        anstream::println!("    {symbol} fix for `{}`: {}", trial.key, trial.title);
        for line in &trial.trouble {
            anstream::println!("        {line}");
        }
    }
    Ok(())
}
