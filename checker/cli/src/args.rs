//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use mslab_core::units::{Bytes, Millis};
use mslab_grade::shard::Shard;

use crate::exit;

/// An interactive lab runner for Docker multi-stage builds.
///
/// Edit an exercise's Dockerfile, run `mslab check`, and your own Docker engine says whether the image is small,
/// static, shell-less and non-root. When it is not, the answer is a diff against your file.
#[derive(Debug, Parser)]
#[command(name = "mslab", version, propagate_version = true, after_help = exit::HELP, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// When to use colour; NO_COLOR is honoured
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN"
    )]
    pub(crate) color: Color,
    /// Say only what matters
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// The engine to use, as in DOCKER_HOST: unix:///var/run/docker.sock
    #[arg(long, global = true, value_name = "HOST")]
    pub(crate) engine: Option<String>,
}

/// How the two commands that speak of what failed go together.
const HINT_AND_CHECK: &str = "\
It speaks of the first check that failed, and each time says a little more. `mslab check` shows all of
that at once; `mslab check --nudge` gives nudges only, and leaves the rest to be opened here.";

/// When to use colour.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a workspace: every exercise's starter files, ready to edit
    Init {
        /// The folder; the current one if none is given and it is empty
        dir: Option<PathBuf>,
    },
    /// Show the exercises, and how far you are
    List,
    /// Check an exercise: build it, look at the image, and say what does not hold
    #[command(after_help = exit::HELP)]
    Check(CheckArgs),
    /// Check again on every save
    Watch {
        /// exercise-2, 2, or its slug; the next unfinished one if none is given
        exercise: Option<String>,
    },
    /// Show the next hint for what failed: a nudge, then the place, then the diff
    #[command(after_help = HINT_AND_CHECK)]
    Hint {
        /// exercise-2, 2, or its slug; the one that was checked last if none is given
        exercise: Option<String>,
        /// The check's key, as the report has it; the first that failed if none is given
        #[arg(requires = "exercise")]
        check: Option<String>,
    },
    /// Go back to an exercise's starter files; your work is kept as a backup
    Reset {
        /// exercise-2, 2, or its slug
        exercise: String,
    },
    /// Show the reference solution, after a pass or with --spoil
    Solution {
        /// exercise-2, 2, or its slug
        exercise: String,
        /// Show it before you have passed
        #[arg(long)]
        spoil: bool,
    },
    /// Explain a check: what it looks at, why, and how to satisfy it
    Explain {
        /// The check's id, such as non-root, or an exercise for its task; all checks are listed if none is given
        check: Option<String>,
        /// As Markdown
        #[arg(long)]
        markdown: bool,
    },
    /// Draw the stage graph of a Dockerfile
    Graph {
        /// The Dockerfile
        #[arg(default_value = "Dockerfile")]
        file: PathBuf,
        /// How to draw it
        #[arg(long, value_enum, default_value = "tree")]
        format: GraphFormat,
        /// The stage whose needs are shown; the last one if none is given
        #[arg(long, value_name = "STAGE")]
        target: Option<String>,
    },
    /// Show where an image's bytes are
    Inspect {
        /// An image on the engine, a `docker save` or OCI archive, or - for standard input
        image: String,
        /// A second one to compare with
        #[arg(long, value_name = "IMAGE|ARCHIVE")]
        compare: Option<String>,
        /// The Dockerfile that the image was built from: layers are matched with its lines
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// How many paths to list
        #[arg(long, default_value_t = 10, value_name = "N")]
        top: usize,
        /// human or json
        #[arg(long, value_enum, default_value = "human")]
        format: PlainFormat,
    },
    /// Find out what works here, and what to do about what does not
    Doctor {
        /// human or json
        #[arg(long, value_enum, default_value = "human")]
        format: PlainFormat,
    },
    /// The base images that the labs need
    Images {
        #[command(subcommand)]
        action: ImagesAction,
    },
    /// Begin a new lab: a folder with everything a lab wants
    New(NewArgs),
    /// Prove labs: solutions pass, starters fail as declared, attempts get their verdicts
    Verify(VerifyArgs),
    /// Grade a class: a folder of submissions, against the labs of this mslab
    #[command(after_help = exit::HELP, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Grade(Box<GradeArgs>),
    /// Open the book on this machine, with an editor and live checks in its pages
    Serve(ServeArgs),
    /// Remove every image, container and cache that mslab made, and nothing else
    Clean {
        /// Keep the stand-ins, which take minutes to make again
        #[arg(long)]
        keep_stand_ins: bool,
    },
    /// The package proxy of an engine whose builds reach registries alone; `scripts/engine` starts it
    #[cfg(unix)]
    #[command(hide = true)]
    PackageProxy {
        /// The Unix socket on which the proxy answers
        #[arg(long, value_name = "PATH")]
        socket: PathBuf,
        /// Instead of answering, hand over what comes to this address in the engine's network
        #[arg(long, value_name = "ADDRESS", conflicts_with = "registry")]
        forward: Option<String>,
        /// One more registry: host, or host:port
        #[arg(long, value_name = "HOST")]
        registry: Vec<String>,
    },
    /// Print shell completions
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct CheckArgs {
    /// exercise-2, 2, or its slug; the next unfinished one if none is given
    pub(crate) exercise: Option<String>,
    /// Check every exercise
    #[arg(long, conflicts_with_all = ["exercise", "file", "image", "archive"])]
    pub(crate) all: bool,
    /// Check any Dockerfiles against the general checks that need only text
    #[arg(long, num_args = 1.., value_name = "PATH", conflicts_with_all = ["exercise", "image", "archive"])]
    pub(crate) file: Vec<PathBuf>,
    /// Only what the text can show; no engine
    #[arg(long = "static", conflicts_with_all = ["image", "archive", "verify_fix", "control"])]
    pub(crate) static_only: bool,
    /// Judge an image that is on the engine already, without building
    #[arg(
        long,
        value_name = "REF",
        requires = "exercise",
        conflicts_with = "archive"
    )]
    pub(crate) image: Option<String>,
    /// Judge a `docker save` or OCI archive (- for standard input), without building
    #[arg(long, value_name = "FILE", requires = "exercise")]
    pub(crate) archive: Option<PathBuf>,
    /// Of what does not hold give a nudge, and not yet the place and the fix: `mslab hint` opens them
    #[arg(long, conflicts_with = "file")]
    pub(crate) nudge: bool,
    /// Start no container: checks that need one are skipped
    #[arg(long)]
    pub(crate) no_run: bool,
    /// Build each offered fix too
    #[arg(long)]
    pub(crate) verify_fix: bool,
    /// When a build fails by network or time, build the lab's solution to tell whose fault it is
    #[arg(long)]
    pub(crate) control: bool,
    /// How to report: human, json, junit, sarif, github, markdown, html, gradescope, classroom50, prairielearn
    #[arg(long, default_value = "human", value_name = "FORMAT")]
    pub(crate) format: String,
    /// Write the report to a file instead
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// A built book; the checkout's target/book or the copy in this program if none is given
    #[arg(long, value_name = "DIR")]
    pub(crate) book: Option<PathBuf>,
    /// Open it in the browser
    #[arg(long)]
    pub(crate) open: bool,
    /// The port; 0 is any that is free. What the pages remember belongs to their port
    #[arg(long, default_value_t = 8737, value_name = "N")]
    pub(crate) port: u16,
    /// The address to listen on. With any but this machine's own, others can reach it
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDR")]
    pub(crate) bind: IpAddr,
}

/// Where grades are kept if nothing else is said.
pub(crate) const GRADEBOOK: &str = "mslab-grades.db";

#[derive(Debug, Clone, Args)]
pub(crate) struct GradeArgs {
    #[command(subcommand)]
    pub(crate) action: Option<GradeAction>,
    /// The folder: for each student a folder, a .zip, .tar or .tar.gz, or a git checkout, named by the student's id
    #[arg(required = true)]
    pub(crate) submissions: Option<PathBuf>,
    /// Everything handed in is for this exercise; without it, each student's folder has one for each exercise
    #[arg(long, short)]
    pub(crate) exercise: Option<String>,
    /// The class list: a CSV file with the column id, and if you like name, due and submitted
    #[arg(long, value_name = "FILE")]
    pub(crate) roster: Option<PathBuf>,
    /// Where the roster's dates without an offset are meant: Europe/Berlin
    #[arg(long, value_name = "ZONE", requires = "roster")]
    pub(crate) time_zone: Option<String>,
    /// What late work loses: 10%/day, or 5%/hour,max=50%,grace=15m
    #[arg(long, value_name = "RULE")]
    pub(crate) late_penalty: Option<String>,
    #[command(flatten)]
    pub(crate) out: GradeOutput,
    /// How many submissions at the same time; one for each processor, and two at least, if it is not given
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// Wall time of one build, in the place of the lab's own limit: 90s, 2m
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<Millis>,
    /// Memory that one build may use: 2GB [default: 2 GiB]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<Bytes>,
    /// Processors that one build may use: 1.5; all of them if it is not given
    #[arg(long, value_name = "N", value_parser = processors)]
    pub(crate) cpus: Option<f64>,
    /// Processes and threads that one build may have at the same time [default: 1024]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(16..))]
    pub(crate) pids: Option<u64>,
    /// What the commands of one build may write to the disk: 4GB [default: 4 GiB]
    #[arg(long, value_name = "SIZE")]
    pub(crate) disk: Option<Bytes>,
    /// The largest build context that is built: 50MB
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_context: Option<Bytes>,
    /// How much of each build step's log is kept: 64kB
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_log: Option<Bytes>,
    /// The only images that may be started or copied from, as globs; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub(crate) allow_base: Vec<String>,
    /// The only frontends that `# syntax=` may name, as globs; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub(crate) allow_syntax: Vec<String>,
    /// What builds may reach: everything; package registries alone (on an engine that `scripts/engine up --network
    /// registries` made); or nothing (for labs that are marked offline)
    #[arg(long, value_enum, default_value = "default")]
    pub(crate) network: Network,
    /// Build also where builds cannot be held within limits: an older engine, Podman, another machine's, or no root
    #[arg(long)]
    pub(crate) trust_submissions: bool,
    /// How long to wait in all, before each new attempt, for an engine or a network that fails
    #[arg(long, value_name = "TIME", default_value = "95s")]
    pub(crate) patience: Millis,
    /// Only this part of the class: 2/8 is the second of eight
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    /// Try again what the environment failed for in an earlier run
    #[arg(long)]
    pub(crate) retry_failed_environment: bool,
}

/// A number of processors: at least a hundredth of one.
fn processors(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|n| (0.01..=4096.0).contains(n));
    number.ok_or_else(|| "write it like 2 or 0.5".to_owned())
}

/// Where grades are kept, and how they are shown.
#[derive(Debug, Clone, Args)]
pub(crate) struct GradeOutput {
    /// The gradebook: a SQLite file, made where there is none
    #[arg(long, value_name = "FILE", default_value = GRADEBOOK)]
    pub(crate) gradebook: PathBuf,
    /// What to print: human, csv, marks, json, junit, sarif, github, markdown or html
    #[arg(long, default_value = "human")]
    pub(crate) format: String,
    /// Also write everything to this folder: CSV, JSON, JUnit, SARIF, Markdown, a page of the class and one for each
    /// student, similar work
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// In that folder, also write each student's result for a grading platform: gradescope, classroom50 or prairielearn;
    /// may be given several times
    #[arg(long, value_name = "NAME", requires = "output")]
    pub(crate) platform: Vec<String>,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum GradeAction {
    /// Make one gradebook of several, as --shard makes them
    Merge {
        /// The gradebook that takes them in; made where there is none
        out: PathBuf,
        /// The others
        #[arg(required = true)]
        parts: Vec<PathBuf>,
    },
    /// Give a mark of your own; what the checks gave is kept beside it
    Override {
        /// The student's id
        student: String,
        /// exercise-2, 2, or its slug
        exercise: String,
        /// The points that count, from 0 to the exercise's own
        #[arg(allow_negative_numbers = true, required_unless_present = "remove")]
        points: Option<i64>,
        /// Why
        #[arg(long, required_unless_present = "remove")]
        note: Option<String>,
        /// Take your mark back: what the checks gave counts again
        #[arg(long, conflicts_with = "points")]
        remove: bool,
        /// The gradebook
        #[arg(long, value_name = "FILE", default_value = GRADEBOOK)]
        gradebook: PathBuf,
    },
    /// Show what stands in the gradebook, without grading
    Report {
        #[command(flatten)]
        out: GradeOutput,
    },
}

/// What builds may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Network {
    None,
    Registries,
    Default,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct NewArgs {
    /// Its name, in small letters with hyphens: go-scratch
    pub(crate) slug: String,
    /// The lesson it belongs to; node, python, go and react come with Dockerfiles of their own
    #[arg(long, default_value = "node")]
    pub(crate) lesson: String,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct VerifyArgs {
    /// The labs; all if none is given
    pub(crate) labs: Vec<String>,
    /// Solutions and starters only, no attempts
    #[arg(long)]
    pub(crate) quick: bool,
    /// Apply and build every fix that is offered
    #[arg(long)]
    pub(crate) fixes: bool,
    /// Also spoil the solution by rule, and see that a check notices each time
    #[arg(long)]
    pub(crate) mutants: bool,
    /// Store the attempts' reports beside them, with every fix built
    #[arg(long, conflicts_with = "quick")]
    pub(crate) bless: bool,
    /// Judge again what earlier runs have judged with the same program, engine and base images
    #[arg(long)]
    pub(crate) again: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    Tree,
    Svg,
    Dot,
    Mermaid,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlainFormat {
    Human,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImagesAction {
    /// Show the base images: present, missing, or stand-in
    List,
    /// Fetch them from their registries
    Pull,
    /// Write them to one archive, to carry into a classroom
    Save {
        /// The archive
        file: PathBuf,
    },
    /// Read such an archive into the engine
    Load {
        /// The archive
        file: PathBuf,
    },
    /// Build stand-ins for them where no registry is reachable
    StandIns {
        /// Only these, by reference
        images: Vec<String>,
        /// Build again what is there
        #[arg(long)]
        rebuild: bool,
        /// Under the base images' own names too, where no real image has them
        #[arg(long)]
        official: bool,
    },
}
