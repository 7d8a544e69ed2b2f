//! What a cache mount is good for: whether it keeps the downloads of an install or what was compiled, and where one
//! would.

use super::downloads::{self, Downloads};
use super::installs::{self, Install};
use super::secret_mount::FlagPlace;
use super::shell::{self, ShellCommand, ShellWord};
use super::uses_mount::{Keeps, Kind, Params, mount_target, wanted};
use super::{View, walk};
use crate::diagnostic::{Finding, Fix};
use crate::dockerfile::{Command, Instruction, Mount};
use crate::edits::Edits;
use crate::evidence::{SourceEvidence, Unseen};
use crate::source::Span;

/// Why a cache mount keeps nothing that is wanted.
pub(super) enum Trouble {
    /// Nothing can be written there.
    ReadOnly,
    /// It belongs to root, and its `RUN` does not run as root, but as this user.
    NotOwned(String),
    /// Its `RUN` installs or compiles nothing.
    Unrelated,
    /// What is wanted is kept in another folder.
    Elsewhere(ShellCommand, String),
    /// The install keeps nothing: the command, and the option that says so.
    Nothing(ShellCommand, Option<Span>),
    /// A command of the same `RUN` empties the folder.
    Emptied(ShellCommand),
}

/// What `command` does that fills the wanted cache, and where that is.
fn filling(command: &ShellCommand, keeps: Option<Keeps>) -> Option<Install> {
    match keeps {
        Some(Keeps::Compiled) => installs::compile_of(command),
        Some(Keeps::Downloads) | None => installs::install_of(command),
    }
}

/// What makes the mount useless; `None` where it keeps what it should.
pub(super) fn useless(
    source: &SourceEvidence,
    index: usize,
    run: &Instruction,
    mount: &Mount,
    keeps: Keeps,
) -> Option<Trouble> {
    if mount.is_read_only() {
        return Some(Trouble::ReadOnly);
    }
    let user = downloads::user(source, index);
    let given = ["uid", "mode"].iter().any(|o| mount.option(o).is_some());
    if !given && !matches!(user.as_str(), "root" | "0") {
        return Some(Trouble::NotOwned(user));
    }
    let commands = shell::commands(&source.dockerfile, run);
    let target = mount_target(source, index, mount).unwrap_or_default();
    let mut trouble = Trouble::Unrelated;
    for command in &commands {
        let Some(install) = filling(command, Some(keeps)) else {
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
    let compiled = params.keeps == Some(Keeps::Compiled);
    let (does_not, place, where_kept) = if compiled {
        (
            "compile",
            "the program is compiled",
            "where Go keeps what it has compiled",
        )
    } else {
        (
            "install the dependencies",
            "the dependencies are installed",
            "where the install keeps its downloads",
        )
    };
    Ok(match trouble {
        Trouble::ReadOnly => view
            .finding(
                "the cache mount is read-only: nothing can be kept in it",
                mount.span,
            )
            .expected(expected, format!("`{shown}`"))
            .help("Leave the option away that makes it read-only."),
        Trouble::NotOwned(user) => {
            let mut finding = view
                .finding(
                    format!("the cache mount belongs to root, and this step runs as `{user}`"),
                    mount.span,
                )
                .expected(expected, format!("a folder that `{user}` cannot write to"))
                .help("Give the mount the user's number: `--mount=type=cache,uid=1000,target=…`.");
            finding.fixes.extend(owner(&user).map(|owner| {
                let title = format!("let the cache mount belong to the user {user}");
                let edits = Edits::new(title, &source.path, file);
                edits.insert(mount.span.end, owner).done()
            }));
            finding
        }
        Trouble::Unrelated => {
            let mut finding = view
                .finding(
                    format!("the cache mount stands in a step that does not {does_not}"),
                    mount.span,
                )
                .expected(
                    expected,
                    format!("`{shown}` in a RUN that does not {does_not}"),
                )
                .help(format!(
                    "A mount is there for its own RUN alone: put it where {place}."
                ));
            finding
                .fixes
                .extend(best_run(params, view, source)?.and_then(|best| cache_fix(source, &best)));
            finding
        }
        Trouble::Elsewhere(command, folder) => {
            let mut finding = view
                .finding(format!("the cache mount is not {where_kept}"), mount.span)
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

/// Where a cache mount belongs.
pub(super) struct Best<'a> {
    /// The `RUN`, and its index.
    run: (usize, &'a Instruction),
    /// The folder to keep.
    pub(super) cache: String,
    /// What fills it.
    pub(super) command: ShellCommand,
}

/// The `RUN` that a cache mount is for: it installs or compiles something that is kept in the wanted folder.
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
                let folders = filling(&command, params.keeps)
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
                    best.get_or_insert(Best {
                        run: (index, instruction),
                        cache,
                        command,
                    });
                }
            }
        }
    }
    Ok(best)
}

/// Puts the mount where it belongs.
pub(super) fn cache_fix(source: &SourceEvidence, best: &Best<'_>) -> Option<Fix> {
    let Best {
        run: (index, run),
        cache,
        command,
    } = best;
    let owner = owner(&downloads::user(source, *index))?;
    let title = format!("keep `{cache}` from build to build");
    let edits = Edits::new(title, &source.path, &source.dockerfile.source).insert(
        run.after_keyword(),
        format!("--mount=type=cache,target={cache}{owner} "),
    );
    Some(without_no_cache(source, command, edits).done())
}

/// The option that gives a cache mount to the user that a `RUN` runs as; `None` where only the image knows the number.
fn owner(user: &str) -> Option<String> {
    match user {
        "root" | "0" => Some(String::new()),
        number if number.bytes().all(|b| b.is_ascii_digit()) => Some(format!(",uid={number}")),
        _ => None,
    }
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
