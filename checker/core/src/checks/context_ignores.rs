//! `context-ignores`: the build context is free of what has no business in it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::params::listed;
use super::{Check, Doc, Example, Judged, Verdict, View};
use crate::diagnostic::{Finding, Fix, Place};
use crate::dockerfile::Command;
use crate::dockerfile::ignore::{Ignore, ignore_file_names};
use crate::edits::Edits;
use crate::evidence::{Need, Observed};
use crate::source::{Source, Span};

/// See [`Check::DOC`].
pub(super) struct ContextIgnores;

/// Parameters of `context-ignores`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// Files and folders that must stay out, relative to the build context: `.git`, `node_modules`, `*.log`. With
    /// `**/` before a name, in every folder.
    paths: Vec<String>,
}

impl Check for ContextIgnores {
    type Params = Params;
    const ID: &'static str = "context-ignores";
    const TITLE: &'static str = ".dockerignore keeps the context clean";
    const DOC: Doc = Doc {
        what: "`.dockerignore` keeps the named files and folders out of the build context, by the engine's own rules: \
               a later line wins over an earlier one, and `!` takes a path back in. An ignore file made for one \
               Dockerfile, such as `Dockerfile.dockerignore`, takes the place of the common one.",
        why: "Whatever is in the context can end up in an image with the next `COPY . .`: passwords in `.env`, the \
              whole history in `.git`. It is also sent to the engine each time, and a change in it breaks the cache.",
        bad: Example::text(
            "FROM node:24-alpine AS production\n\
             WORKDIR /app\n\
             COPY . .\n\
             RUN npm ci\n\
             CMD [\"node\", \"server.js\"]\n",
        )
        .with_files(&[(".dockerignore", "node_modules\n")])
        .with_params("paths = [\"node_modules\", \".git\", \".env\"]"),
        good: Example::text(
            "FROM node:24-alpine AS production\n\
             WORKDIR /app\n\
             COPY . .\n\
             RUN npm ci\n\
             CMD [\"node\", \"server.js\"]\n",
        )
        .with_files(&[(".dockerignore", "node_modules\n.git\n.env\n")])
        .with_params("paths = [\"node_modules\", \".git\", \".env\"]"),
    };

    fn summary(params: &Params) -> String {
        let paths = listed(params.paths.iter().map(String::as_str), "and");
        format!("{paths} stay out of the build context")
    }

    fn needs(_: &Params) -> Vec<Need> {
        vec![Need::Context]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let source = view.source()?;
        let (name, file) = ignore_file(view);
        let ignore = Ignore::parse(file.map(Source::bytes).unwrap_or_default());
        if let Some(error) = ignore.errors.first() {
            let finding = Finding::new(format!("{name} cannot be read: {}", error.message))
                .at(Place::text(name, error.span))
                .help("The engine refuses the whole build because of this line.");
            return Ok(finding.into());
        }
        let open: Vec<&str> = params
            .paths
            .iter()
            .map(String::as_str)
            .filter(|p| !keeps_out(&ignore, p) || !sent(view, p).is_empty())
            .collect();
        if open.is_empty() {
            let paths = listed(params.paths.iter().map(String::as_str), "and");
            return Ok(Verdict::passed(format!("{name} keeps {paths} out")));
        }
        let shown = listed(open.iter().copied(), "and");
        let verb = if open.len() == 1 { "is" } else { "are" };
        let mut finding = Finding::new(format!("{shown} {verb} in the build context")).expected(
            format!("{shown} left out"),
            match file {
                Some(_) => format!(
                    "{name} lets {} in",
                    if open.len() == 1 { "it" } else { "them" }
                ),
                None => "there is no .dockerignore".to_owned(),
            },
        );
        let mut looked_at = samples(open[0]);
        looked_at.extend(sent(view, open[0]).into_iter().map(str::to_owned));
        let kept = looked_at.iter().find_map(|s| {
            ignore
                .deciding(s)
                .filter(|p| p.keeps)
                .map(|p| (p.span, p.text.clone()))
        });
        finding = match (&kept, file) {
            (Some((span, text)), _) => finding
                .at(Place::text(name.clone(), *span))
                .help(format!("This line takes `{text}` back in.")),
            (None, Some(file)) => finding
                .at(Place::text(name.clone(), last_line(file)))
                .help(format!("Add a line for {shown}.")),
            (None, None) => {
                let copies = source.dockerfile.instructions.iter().find(|i| {
                    matches!(&i.command, Command::Copy(c) if c.from.is_none()
                        && c.sources.iter().any(|s| matches!(s.text.as_str(), "." | "./")))
                });
                let help = format!(
                    "Make a file called .dockerignore beside the Dockerfile, with a line for {shown}."
                );
                match copies {
                    Some(copy) => finding.at(view.place(copy.span)).help(help),
                    None => finding.help(help),
                }
            }
        };
        finding.fixes.extend(fix(&name, file, &open));
        Ok(finding.into())
    }

    fn promised_by_text(params: &Params, view: &View<'_>) -> Option<bool> {
        Some(matches!(Self::judge(params, view), Ok(Verdict::Passed(_))))
    }
}

/// The ignore file in force, by the name that it has or should have.
pub(super) fn ignore_file<'a>(view: &View<'a>) -> (String, Option<&'a Source>) {
    let [own, common] = ignore_file_names(&view.build.dockerfile);
    match view.evidence.files.get(&own) {
        Some(file) => (own, Some(file)),
        None => {
            let file = view.evidence.files.get(&common);
            (common, file)
        }
    }
}

/// A fix that appends lines to the ignore file, or makes it.
pub(super) fn append<S: AsRef<str>>(name: &str, file: Option<&Source>, lines: &[S]) -> Fix {
    let quoted: Vec<&str> = lines.iter().map(AsRef::as_ref).collect();
    let title = format!("leave {} out", listed(quoted.iter().copied(), "and"));
    match file {
        Some(file) => {
            let end = file.bytes().len();
            let span = Span::new(end.saturating_sub(1), end);
            Edits::new(title, name, file)
                .lines_after(span, lines)
                .done()
        }
        None => {
            let text: String = quoted.iter().map(|l| format!("{l}\n")).collect();
            Fix::new(title).insert(name, 0, text)
        }
    }
}

/// Adds lines for what is open. The engine does not look at a line again whose folder was left out before, so that a
/// line for `.git` does not win over an earlier `!.git/config`: such a line is taken away instead.
fn fix(name: &str, file: Option<&Source>, open: &[&str]) -> Option<Fix> {
    let Some(file) = file else {
        return Some(append(name, None, open));
    };
    let closed = |fix: &Fix| {
        let files = crate::diagnostic::Files::from([(name.to_owned(), file.clone())]);
        let Ok(after) = fix.apply(&files) else {
            return false;
        };
        let ignore = Ignore::parse(after[name].bytes());
        let inside = |p: &str| {
            ignore
                .patterns
                .iter()
                .any(|i| i.keeps && is_below(&i.text, p))
        };
        open.iter().all(|p| keeps_out(&ignore, p) && !inside(p))
    };
    let added = append(name, Some(file), open);
    if closed(&added) {
        return Some(added);
    }
    let ignore = Ignore::parse(file.bytes());
    let title = added.title.clone();
    let mut edits = Edits::new(title, name, file);
    for pattern in &ignore.patterns {
        if pattern.keeps && open.iter().any(|p| is_below(&pattern.text, p)) {
            edits = edits.remove_lines(pattern.span);
        }
    }
    let removed = edits.done();
    if closed(&removed) {
        return Some(removed);
    }
    let mut both = removed;
    both.edits.extend(added.edits);
    closed(&both).then_some(both)
}

/// Whether `path` is `folder`, or something in it.
fn is_below(path: &str, folder: &str) -> bool {
    let folder = folder.trim_start_matches("./").trim_matches('/');
    let rest = path.strip_prefix(folder);
    rest.is_some_and(|r| r.is_empty() || r.starts_with('/'))
}

/// Whether the ignore file leaves out all that `pattern` stands for. `node_modules/**` leaves out what is in the folder,
/// and sends an empty folder: that is enough, where it is no file of that name (which the list of what is sent shows).
fn keeps_out(ignore: &Ignore, pattern: &str) -> bool {
    samples(pattern).iter().all(|s| {
        let inside = format!("{s}/x");
        ignore.matches(s) || ignore.matches(&inside) && ignore.deciding(s).is_none()
    })
}

/// Paths that a pattern stands for: with stars filled in, at the top and, after `**/`, in a folder too; and for a
/// folder something inside it.
fn samples(pattern: &str) -> Vec<String> {
    let plain = pattern.trim_start_matches("./").trim_matches('/');
    let (deep, name) = match plain.strip_prefix("**/") {
        Some(rest) => (true, rest),
        None => (false, plain),
    };
    let filled = name
        .trim_end_matches("/**")
        .replace("**", "x")
        .replace(['*', '?'], "x");
    let mut out = vec![filled.clone(), format!("{filled}/x")];
    if deep {
        out.push(format!("x/{filled}"));
        out.push(format!("x/y/{filled}"));
    }
    out
}

/// What of the path is really sent: it, or what is in it.
fn sent<'a>(view: &View<'a>, path: &str) -> Vec<&'a str> {
    let Some(Observed::Seen(context)) = view.evidence.contexts.get(&view.build.dockerfile) else {
        return Vec::new();
    };
    let pattern = path.trim_start_matches("./").trim_matches('/');
    // The list was made with the ignore file as it was: a file that the present one leaves out is not sent.
    let (_, file) = ignore_file(view);
    let present = Ignore::parse(file.map(Source::bytes).unwrap_or_default());
    let wanted = Ignore::parse(pattern.as_bytes());
    let files = context.files.iter().map(|(f, _)| f.as_str());
    files
        .filter(|f| wanted.matches(f) && !present.matches(f))
        .collect()
}

fn last_line(file: &Source) -> Span {
    let span = file.line_span(file.line_count());
    Span::new(span.start, span.start + file.line(file.line_count()).len())
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn case(paths: &str, ignore: Option<&str>) -> Case {
        let case = Case::new("FROM a\nCOPY . .\n").params(&format!("paths = {paths}"));
        match ignore {
            Some(text) => case.file(".dockerignore", text),
            None => case,
        }
    }

    #[test]
    fn the_engines_rules_decide() {
        for (paths, ignore) in [
            ("[\".git\"]", ".git\n"),
            ("[\".git\"]", ".git/\n"),
            ("[\".git\"]", "/.git\n"),
            ("[\".git\", \".env\"]", "*\n!src\n"),
            ("[\"node_modules\"]", "**/node_modules\n"),
            ("[\"**/node_modules\"]", "**/node_modules\n"),
            ("[\"*.log\"]", "*.log\n"),
            ("[\".env\"]", ".env*\n"),
            ("[\".env\"]", ".*\n"),
            ("[\".git\"]", ".git/*\n"),
            ("[\"node_modules\"]", "node_modules/**\n"),
            ("[\"**/node_modules\"]", "**/node_modules/**\n"),
        ] {
            case(paths, Some(ignore)).passes::<ContextIgnores>();
        }
        for (paths, ignore) in [
            ("[\".git\"]", "git\n"),
            ("[\".git\"]", "# .git\n"),
            ("[\".git\"]", ".git\n!.git\n"),
            ("[\".git\"]", ".git\n!.git/x\n"),
            ("[\"**/node_modules\"]", "node_modules\n"),
        ] {
            case(paths, Some(ignore)).mended::<ContextIgnores>();
        }
    }

    #[test]
    fn lines_are_added_to_the_file_or_to_a_new_one() {
        let added = case("[\".git\"]", Some("dist")).mended::<ContextIgnores>();
        assert_eq!(added.text(".dockerignore"), "dist\n.git");
        let made = case("[\".git\", \".env\"]", None).mended::<ContextIgnores>();
        assert_eq!(made.text(".dockerignore"), ".git\n.env\n");
        let empty = case("[\".git\"]", Some("")).mended::<ContextIgnores>();
        assert_eq!(empty.text(".dockerignore").trim(), ".git");
    }

    #[test]
    fn the_place_is_the_line_that_takes_it_back_or_the_copy_that_takes_it_in() {
        let back = case("[\".git\"]", Some(".git\n!.git\n"));
        assert_eq!(back.words(&back.fails::<ContextIgnores>()), "!.git");
        let none = case("[\".git\"]", None);
        assert_eq!(none.words(&none.fails::<ContextIgnores>()), "COPY . .");
    }

    #[test]
    fn an_ignore_file_of_its_own_counts_alone() {
        let own = case("[\".git\"]", Some(".git\n")).file("Dockerfile.dockerignore", "dist\n");
        let after = own.mended::<ContextIgnores>();
        assert_eq!(after.text("Dockerfile.dockerignore"), "dist\n.git\n");
    }

    #[test]
    fn a_file_is_no_folder() {
        let case = case("[\".env\"]", Some(".env/**\n")).context(&[(".env", 1)]);
        let after = case.mended::<ContextIgnores>();
        assert_eq!(after.text(".dockerignore"), ".env/**\n.env\n");
    }

    #[test]
    fn what_is_really_sent_counts_too() {
        let ignore = "node_modules\n!node_modules/kept\n";
        let case =
            case("[\"node_modules\"]", Some(ignore)).context(&[("node_modules/kept/a.js", 1)]);
        let finding = case.fails::<ContextIgnores>();
        assert_eq!(case.words(&finding), "!node_modules/kept");
        case.mended::<ContextIgnores>();
    }
}
