//! The `mslab` command line: arguments in, exit code out.

mod args;
mod carried;
mod check;
mod commands;
mod exit;
mod failure;
mod grade;
mod images;
mod labs;
mod markdown;
mod progress;
#[cfg(unix)]
mod registries;
mod runtime;
mod serve;
mod terminal;
mod verify;
mod workspace;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use args::{Cli, Color, Command};
use exit::Exit;
use failure::Result;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.print();
            failure.exit.into()
        }
    }
}

fn run(cli: Cli) -> Result<Exit> {
    let global = cli.global;
    match cli.command {
        Command::Init { dir } => commands::init::run(dir),
        Command::List => commands::list::run(),
        Command::Check(args) => commands::check::run(&args, &global),
        Command::Watch { exercise } => commands::watch::run(exercise.as_deref(), &global),
        Command::Hint { exercise, check } => {
            commands::hint::run(exercise.as_deref(), check.as_deref(), &global)
        }
        Command::Reset { exercise } => commands::reset::run(&exercise),
        Command::Solution { exercise, spoil } => commands::solution::run(&exercise, spoil),
        Command::Explain { check, markdown } => commands::explain::run(check.as_deref(), markdown),
        Command::Graph {
            file,
            format,
            target,
        } => commands::graph::run(&file, format, target.as_deref()),
        Command::Inspect {
            image,
            compare,
            file,
            top,
            format,
        } => {
            let args = commands::inspect::Inspect {
                image,
                compare,
                file,
                top,
                format,
            };
            commands::inspect::run(&args, &global)
        }
        Command::Doctor { format } => commands::doctor::run(format, &global),
        Command::Images { action } => commands::images::run(&action, &global),
        Command::New(args) => commands::new::run(&args),
        Command::Verify(args) => commands::verify::run(&args, &global),
        Command::Grade(args) => commands::grade::run(&args, &global),
        Command::Serve(args) => commands::serve::run(&args, &global),
        Command::Clean { keep_stand_ins } => commands::clean::run(keep_stand_ins, &global),
        #[cfg(unix)]
        Command::PackageProxy {
            socket,
            forward,
            registry,
        } => runtime::block_on(async |cancel| {
            let work = async {
                match &forward {
                    Some(address) => registries::forward(address, &socket).await,
                    None => registries::serve(&socket, &registry).await,
                }
            };
            tokio::select! {
                () = cancel.cancelled() => Ok(Exit::Passed),
                end = work => end.map(|()| Exit::Passed),
            }
        }),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "mslab", &mut script);
            commands::check::print(&String::from_utf8_lossy(&script))?;
            Ok(Exit::Passed)
        }
    }
}
