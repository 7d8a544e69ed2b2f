//! What a cache mount is good for: whether it keeps the downloads of an install, and where one would.

use super::downloads::{self, Downloads};
use super::installs;
use super::secret_mount::FlagPlace;
use super::shell::{self, ShellCommand, ShellWord};
use super::uses_mount::{Kind, Params, mount_target, wanted};
use super::{View, walk};
use crate::diagnostic::{Finding, Fix};
use crate::dockerfile::{Command, Instruction, Mount};
use crate::edits::Edits;
use crate::evidence::{SourceEvidence, Unseen};
use crate::source::Span;

/// Why a cache mount keeps no downloads.
pub(super) enum Trouble {
    /// Its `RUN` installs nothing.
    NoInstall,
    /// The install keeps its downloads in another folder.
    Elsewhere(ShellCommand, String),
    /// The install keeps nothing: the command, and the option that says so.
    Nothing(ShellCommand, Option<Span>),
    /// A command of the same `RUN` empties the folder.
    Emptied(ShellCommand),
}

/// What makes the mount useless; `None` where it keeps the downloads of an install.
pub(super) fn useless(
    source: &SourceEvidence,
    index: usize,
    run: &Instruction,
    mount: &Mount,
) -> Option<Trouble> {
    let commands = shell::commands(&source.dockerfile, run);
    let target = mount_target(source, index, mount).unwrap_or_default();
    let mut trouble = Trouble::NoInstall;
    for command in &commands {
        let Some(install) = installs::install_of(command) else {
            continue;
        };
        match downloads::of(source, index, command, &install) {
            Downloads::Nowhere(option) => trouble = Trouble::Nothing(command.clone(), option),
            Downloads::In(folders) => {
                let Some(folder) = folders.iter().find(|f| downloads::holds(&target, f)) else {
                    if let Some(first) = folders.into_iter().next() {
                        trouble = Trouble::Elsewhere(command.clone(), first);
                    }
                    continue;
                };
                match commands.iter().find(|c| downloads::empties(c, folder)) {
                    Some(rm) => trouble = Trouble::Emptied(rm.clone()),
                    None => return None,
                }
            }
        }
    }
    Some(trouble)
}

/// The finding for a mount that keeps nothing.
pub(super) fn idle_finding(
    params: &Params,
    view: &View<'_>,
    source: &SourceEvidence,
    mount: &Mount,
    trouble: Trouble,
) -> Result<Finding, Unseen> {
    let file = &source.dockerfile.source;
    let shown = file.snippet(mount.span);
    let expected = wanted(params);
    let quoted = |c: &ShellCommand| walk::quoted_command(source, c);
    Ok(match trouble {
        Trouble::NoInstall => {
            let mut finding = view
                .finding("the cache mount stands in a step that does not install the dependencies", mount.span)
                .expected(expected, format!("`{shown}` in a RUN without their install"))
                .help("A mount is there for its own RUN alone: put it where the dependencies are installed.");
            finding.fixes.extend(
                best_run(params, view, source)?
                    .and_then(|(run, cache, command)| cache_fix(source, run, &cache, &command)),
            );
            finding
        }
        Trouble::Elsewhere(command, folder) => {
            let mut finding = view
                .finding(
                    "the cache mount is not where the install keeps its downloads",
                    mount.span,
                )
                .related(
                    view.place(command.span()),
                    format!("this keeps them in {folder}"),
                )
                .expected(format!("a cache mount on {folder}"), format!("`{shown}`"))
                .help(format!("Mount the cache on {folder}."));
            let known = mount.option("target").filter(|_| !folder.starts_with('~'));
            finding.fixes.extend(known.map(|word| {
                let title = format!("keep `{folder}` from build to build");
                let edits = Edits::new(title, &source.path, file);
                edits.replace(word.span, folder.as_str()).done()
            }));
            finding
        }
        Trouble::Nothing(command, option) => {
            let mut finding = view
                .finding(
                    "the cache mount stays empty: the install is told to keep no downloads",
                    option.unwrap_or(command.span()),
                )
                .related(view.place(mount.span), "this is the mount")
                .expected(expected, format!("{} keeps nothing", quoted(&command)))
                .help("Without a mount, keeping nothing makes the layer smaller. What is mounted is in no layer.");
            finding.fixes.extend(option.map(|_| {
                let title = "keep the downloads in the mounted folder";
                let edits = Edits::new(title, &source.path, file);
                without_no_cache(source, &command, edits).done()
            }));
            finding
        }
        Trouble::Emptied(rm) => view
            .finding("the cache mount is emptied in the same step", rm.span())
            .related(view.place(mount.span), "this is the mount")
            .expected(expected, format!("{} throws them away", quoted(&rm)))
            .help(format!(
                "Leave {} out: what is mounted is in no layer, and costs no space in the image.",
                quoted(&rm)
            )),
    })
}

pub(super) type Best<'a> = (&'a Instruction, String, ShellCommand);

/// The `RUN` that a cache mount is for: it installs something that is kept in the wanted folder.
pub(super) fn best_run<'a>(
    params: &Params,
    view: &View<'_>,
    source: &'a SourceEvidence,
) -> Result<Option<Best<'a>>, Unseen> {
    if params.kind != Kind::Cache {
        return Ok(None);
    }
    let mut best = None;
    for stage in view
        .reachable()?
        .iter()
        .filter_map(|i| source.graph.stages.get(*i))
    {
        for (index, instruction) in walk::all_instructions(source, stage) {
            if !matches!(instruction.command, Command::Run(_)) {
                continue;
            }
            for command in shell::commands(&source.dockerfile, instruction) {
                // An option that keeps nothing is taken away with the fix; a variable is not.
                let folders = installs::install_of(&command)
                    .map(|i| downloads::of(source, index, &keeping(&command), &i));
                let Some(Downloads::In(folders)) = folders else {
                    continue;
                };
                let cache = folders.into_iter().find(|f| match &params.target {
                    _ if f.starts_with('~') => false,
                    None => true,
                    Some(wanted) => wanted.iter().any(|w| w.trim_end_matches('/') == f),
                });
                if let Some(cache) = cache {
                    best.get_or_insert((instruction, cache, command));
                }
            }
        }
    }
    Ok(best)
}

/// Puts a mount on the folder `cache` into `run`.
pub(super) fn cache_fix(
    source: &SourceEvidence,
    run: &Instruction,
    cache: &str,
    command: &ShellCommand,
) -> Option<Fix> {
    let title = format!("keep `{cache}` from build to build");
    let edits = Edits::new(title, &source.path, &source.dockerfile.source).insert(
        run.after_keyword(),
        format!("--mount=type=cache,target={cache} "),
    );
    Some(without_no_cache(source, command, edits).done())
}

/// Whether the word tells a package manager to keep nothing: it would leave the mount empty.
fn keeps_nothing(word: &ShellWord) -> bool {
    matches!(word.text.as_str(), "--no-cache-dir" | "--no-cache")
}

/// The command without the words that keep nothing.
fn keeping(command: &ShellCommand) -> ShellCommand {
    let mut command = command.clone();
    command.words.retain(|w| !keeps_nothing(w));
    command
}

/// Takes those words away in the file.
fn without_no_cache<'a>(
    source: &SourceEvidence,
    command: &ShellCommand,
    mut edits: Edits<'a>,
) -> Edits<'a> {
    for arg in command.args().iter().filter(|a| keeps_nothing(a)) {
        let before = source.dockerfile.source.slice(Span::new(0, arg.span.start));
        let blanks = before
            .iter()
            .rev()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        edits = edits.replace(Span::new(arg.span.start - blanks, arg.span.end), "");
    }
    edits
}
