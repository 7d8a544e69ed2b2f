//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

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
        /// The folder; the current one if none is given
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
    Hint {
        /// exercise-2, 2, or its slug; the next unfinished one if none is given
        exercise: Option<String>,
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
    /// Remove every image, container and cache that mslab made, and nothing else
    Clean {
        /// Keep the stand-ins, which take minutes to make again
        #[arg(long)]
        keep_stand_ins: bool,
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
