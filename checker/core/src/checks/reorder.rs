//! The edit that puts an install before the source: the manifests are copied where the source was, and the source
//! after the install.

use super::installs::Install;
use super::manifests_before_source::Late;
use super::params::matches_pattern;
use super::shell::{self, Joint};
use crate::diagnostic::Fix;
use crate::dockerfile::{Command, CommandForm, CopyCommand, Instruction};
use crate::edits::{Edits, line_ending};
use crate::evidence::SourceEvidence;
use crate::source::Span;

/// The manifests that an install reads: those of the lab where they fit, or the usual ones.
pub(super) fn manifests(listed: &[String], install: &Install) -> Vec<String> {
    let name = |p: &str| p.rsplit('/').next().unwrap_or(p).to_owned();
    let fits = |l: &&String| {
        let usual = |m: &String| matches_pattern(m, &name(l)) || name(m) == name(l);
        install.manifests.iter().any(usual)
    };
    let own: Vec<String> = listed.iter().filter(fits).cloned().collect();
    if own.is_empty() {
        install.manifests.clone()
    } else {
        own
    }
}

/// Moves the source behind the install, if nothing between them can need it.
pub(super) fn fix(source: &SourceEvidence, listed: &[String], late: &Late<'_>) -> Option<Fix> {
    let all = &source.dockerfile.instructions;
    let range = &late.stage.instructions;
    let (copy_at, run_at) = (late.source_index, late.run);
    if !range.contains(&copy_at) || !range.contains(&run_at) || copy_at >= run_at {
        return None;
    }
    let between_is_harmless = all[copy_at + 1..run_at].iter().all(|i| {
        matches!(
            i.command,
            Command::Env(_)
                | Command::Arg(_)
                | Command::Label(_)
                | Command::Expose(_)
                | Command::Shell(_)
        )
    });
    if !between_is_harmless {
        return None;
    }
    let (copy, run) = (&all[copy_at], &all[run_at]);
    let Command::Copy(command) = &copy.command else {
        return None;
    };
    let line = if are_copied(source, listed, late) {
        None
    } else {
        let manifests = copied_manifests(listed, late, command)?;
        Some(manifests_line(source, copy, command, &manifests))
    };
    let file = &source.dockerfile.source;
    let eol = line_ending(file);
    let copied = file.snippet(copy.span);
    let edits = Edits::new(
        "install the dependencies before the source is copied",
        &source.path,
        file,
    );
    if late.install.needs_source {
        let download = download_of(&late.install)?;
        let lines: Vec<String> = line.into_iter().chain([download]).collect();
        return Some(edits.lines_before(copy.span, &lines).done());
    }
    let commands = shell::commands(&source.dockerfile, run);
    let position = commands
        .iter()
        .position(|c| c.span() == late.command.span())?;
    let edits = match line {
        Some(line) => edits.replace(copy.span, line),
        None => edits.remove_lines(copy.span),
    };
    if commands.len() == 1 {
        return Some(edits.insert(run.span.end, format!("{eol}{copied}")).done());
    }
    // The install is the first of several: the others go into a RUN of their own, after the source.
    let Command::Run(parsed) = &run.command else {
        return None;
    };
    let chained = position == 0
        && commands.iter().all(|c| c.plain)
        && late.command.after == Joint::And
        && run.heredocs.is_empty()
        && matches!(parsed.form, CommandForm::Shell(_));
    if !chained {
        return None;
    }
    let joint = Span::new(late.command.span().end, commands[1].span().start);
    let keyword = &run.keyword_word.text;
    let others = format!("{eol}{copied}{eol}{keyword} ");
    Some(edits.replace(joint, others).done())
}

/// Whether earlier copies of the same stage bring all the manifests from the build context, so that only the source is
/// too early.
fn are_copied(source: &SourceEvidence, listed: &[String], late: &Late<'_>) -> bool {
    let all = &source.dockerfile.instructions;
    let earlier = late.stage.instructions.start..late.source_index;
    let copied: Vec<&str> = all
        .get(earlier)
        .unwrap_or_default()
        .iter()
        .filter_map(|i| match &i.command {
            Command::Copy(c) | Command::Add(c) if c.from.is_none() => Some(&c.sources),
            _ => None,
        })
        .flatten()
        .map(|s| s.text.trim_start_matches("./"))
        .collect();
    let manifests = manifests(listed, &late.install);
    let brings = |m: &String| {
        copied
            .iter()
            .any(|c| c == m || matches_pattern(c, m) || matches_pattern(m, c))
    };
    !manifests.is_empty() && manifests.iter().all(brings)
}

/// The manifests as the copy of the source would name them, if that copies one folder.
fn copied_manifests(listed: &[String], late: &Late<'_>, copy: &CopyCommand) -> Option<Vec<String>> {
    let [only] = &copy.sources[..] else {
        return None;
    };
    if only.text.contains(['*', '?', '[', '$', '"']) || !copy.exclude.is_empty() || copy.parents {
        return None;
    }
    let folder = only.text.trim_start_matches("./").trim_end_matches('/');
    let prefix = if matches!(folder, "" | ".") {
        String::new()
    } else {
        format!("{folder}/")
    };
    let names = manifests(listed, &late.install).into_iter().map(|m| {
        if m.starts_with(&prefix) {
            Some(m)
        } else if listed.contains(&m) {
            // The lab says where its manifests are, and this copy does not bring them.
            None
        } else {
            Some(format!("{prefix}{m}"))
        }
    });
    names.collect()
}

/// `COPY package*.json ./` with the flags and the destination of the copy of the source.
fn manifests_line(
    source: &SourceEvidence,
    copy: &Instruction,
    command: &CopyCommand,
    manifests: &[String],
) -> String {
    let file = &source.dockerfile.source;
    let flags: String = copy
        .flags
        .iter()
        .map(|f| format!("{} ", file.snippet(f.span)))
        .collect();
    let to = command.destination.text.trim_end_matches('/');
    let to = format!("{to}/");
    let keyword = &copy.keyword_word.text;
    format!("{keyword} {flags}{} {to}", manifests.join(" "))
}

/// The command that only downloads, for tools that otherwise do so while they build.
fn download_of(install: &Install) -> Option<String> {
    let go = install.ecosystem == super::installs::Ecosystem::Go;
    go.then(|| "RUN go mod download".to_owned())
}
