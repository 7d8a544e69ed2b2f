//! `max-context`: no more is sent to the engine than the build needs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::context_ignores::{append, ignore_file};
use super::{Check, Doc, Example, Judged, Verdict, View};
use crate::diagnostic::{Finding, Fix, Place};
use crate::dockerfile::Command;
use crate::dockerfile::ignore::Ignore;
use crate::evidence::{Need, Unseen};
use crate::source::{Source, Span};
use crate::units::Bytes;

/// See [`Check::DOC`].
pub(super) struct MaxContext;

/// Parameters of `max-context`. At least one of them is given.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Params {
    /// The most that the files may have together: `"5MB"`.
    bytes: Option<Bytes>,
    /// How many files there may be.
    files: Option<u64>,
}

impl Check for MaxContext {
    type Params = Params;
    const ID: &'static str = "max-context";
    const TITLE: &'static str = "The build context is small";
    const DOC: Doc = Doc {
        what: "The build context that is really sent, after `.dockerignore`, has at most the given size and number of \
               files.",
        why: "The whole context is sent to the engine before the first step. A forgotten `node_modules` or `.git` \
              makes every build slow, and every `COPY . .` fat.",
        bad: Example::text(
            "FROM node:24-alpine AS production\n\
             WORKDIR /app\n\
             COPY . .\n\
             RUN npm ci\n\
             CMD [\"node\", \"server.js\"]\n",
        )
        .with_params("bytes = \"1MB\"")
        .with_context(CONTEXT),
        good: Example::text(
            "FROM node:24-alpine AS production\n\
             WORKDIR /app\n\
             COPY . .\n\
             RUN npm ci\n\
             CMD [\"node\", \"server.js\"]\n",
        )
        .with_params("bytes = \"1MB\"")
        .with_files(&[(".dockerignore", ".git\nnode_modules\n")])
        .with_context(CONTEXT),
    };

    fn summary(params: &Params) -> String {
        let bytes = params.bytes.map(|b| format!("at most {b}"));
        let files = params.files.map(|n| format!("at most {n} files"));
        let all: Vec<String> = bytes.into_iter().chain(files).collect();
        format!("a build context of {}", all.join(" and "))
    }

    fn needs(_: &Params) -> Vec<Need> {
        vec![Need::Context]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let sent = sent(view)?;
        let (bytes, count) = total(&sent);
        let seen = format!("{} in {count} files", Bytes(bytes));
        if fits(params, bytes, count) {
            return Ok(Verdict::passed(format!("the build context is {seen}")));
        }
        let (name, file) = ignore_file(view);
        let mut groups: Vec<(String, u64, u64)> = by_top(&sent)
            .into_iter()
            .map(|(k, (b, n))| (k, b, n))
            .collect();
        let by_count = params.bytes.is_none_or(|b| bytes <= b.0);
        groups.sort_by_key(|(k, b, n)| {
            (std::cmp::Reverse(if by_count { *n } else { *b }), k.clone())
        });
        let details = groups.iter().take(5).map(|(top, b, n)| match n {
            1 => format!("{:>9}  {top}", Bytes(*b).to_string()),
            n => format!("{:>9}  {top}/ ({n} files)", Bytes(*b).to_string()),
        });
        let mut finding = Finding::new(format!("the build context is {seen}"))
            .expected(
                Self::summary(params).replace("a build context of ", ""),
                seen,
            )
            .details(details);
        finding = match file {
            Some(file) => finding
                .at(Place::text(name.clone(), Span::new(0, file.line(1).len())))
                .help(format!("Name in {name} what the build does not need.")),
            None => finding.help("Make a file called .dockerignore with a line for each thing that the build does not need."),
        };
        if let Some(fix) = fix(params, view, &sent, &name, file) {
            finding = finding.fix(fix);
        }
        Ok(finding.into())
    }

    fn promised_by_text(params: &Params, view: &View<'_>) -> Option<bool> {
        let (bytes, count) = total(&sent(view).ok()?);
        Some(fits(params, bytes, count))
    }
}

const CONTEXT: &[(&str, u64)] = &[
    (".git/objects/pack/pack-1.pack", 3_400_000),
    ("Dockerfile", 90),
    ("node_modules/express/index.js", 224),
    ("node_modules/typescript/lib/typescript.js", 9_100_000),
    ("package-lock.json", 30_000),
    ("package.json", 400),
    ("server.js", 1_500),
];

/// The files that are sent. The list was made with the ignore file as it was; where a fix adds lines to it, they count.
fn sent<'a>(view: &View<'a>) -> Result<Vec<(&'a str, u64)>, Unseen> {
    let path = &view.build.dockerfile;
    let context = match view.evidence.contexts.get(path) {
        None => {
            return Err(Unseen::Skipped(
                "the build context was not looked at".into(),
            ));
        }
        Some(observed) => observed.seen()?,
    };
    let (_, file) = ignore_file(view);
    let ignore = Ignore::parse(file.map(Source::bytes).unwrap_or_default());
    let is_sent = |p: &str| p == path || !ignore.matches(p);
    Ok(context
        .files
        .iter()
        .filter(|(p, _)| is_sent(p))
        .map(|(p, n)| (p.as_str(), *n))
        .collect())
}

fn total(sent: &[(&str, u64)]) -> (u64, u64) {
    (sent.iter().map(|(_, n)| n).sum(), sent.len() as u64)
}

fn fits(params: &Params, bytes: u64, count: u64) -> bool {
    params.bytes.is_none_or(|b| bytes <= b.0) && params.files.is_none_or(|f| count <= f)
}

/// Bytes and number of files below each name at the top of the context.
fn by_top(sent: &[(&str, u64)]) -> BTreeMap<String, (u64, u64)> {
    let mut groups: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (path, bytes) in sent {
        let top = path.split('/').next().unwrap_or(path);
        let group = groups.entry(top.to_owned()).or_default();
        group.0 += bytes;
        group.1 += 1;
    }
    groups
}

/// What no build needs, in every project.
const NEVER_NEEDED: &[&str] = &[
    ".git",
    ".svn",
    ".hg",
    "node_modules",
    ".venv",
    "venv",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".idea",
    ".vscode",
    ".DS_Store",
    ".cache",
    ".nyc_output",
    "coverage",
    "dist",
    "build",
    "target",
    "tmp",
    ".env",
    ".next",
    ".gradle",
    ".tox",
];

/// Leaves out what is large and never needed, if that is enough.
fn fix(
    params: &Params,
    view: &View<'_>,
    sent: &[(&str, u64)],
    name: &str,
    file: Option<&Source>,
) -> Option<Fix> {
    let groups = by_top(sent);
    let mut lines: Vec<&str> = NEVER_NEEDED
        .iter()
        .copied()
        .filter(|n| groups.contains_key(*n) && !is_copied(view, n))
        .collect();
    lines.sort_by_key(|l| std::cmp::Reverse(groups[*l].0));
    let left: Vec<(&str, u64)> = sent
        .iter()
        .copied()
        .filter(|(p, _)| !lines.contains(&p.split('/').next().unwrap_or(p)))
        .collect();
    let (bytes, count) = total(&left);
    (!lines.is_empty() && fits(params, bytes, count)).then(|| append(name, file, &lines))
}

/// Whether some `COPY` asks for it by name.
fn is_copied(view: &View<'_>, name: &str) -> bool {
    let Some(source) = view.evidence.dockerfiles.get(&view.build.dockerfile) else {
        return true;
    };
    source
        .dockerfile
        .instructions
        .iter()
        .any(|i| match &i.command {
            Command::Copy(c) | Command::Add(c) if c.from.is_none() => c.sources.iter().any(|s| {
                let path = s.text.trim_start_matches("./").trim_start_matches('/');
                path.split('/').next() == Some(name)
            }),
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn case(params: &str) -> Case {
        Case::new("FROM a\nCOPY . .\n")
            .params(params)
            .context(CONTEXT)
    }

    #[test]
    fn the_largest_things_are_named_and_left_out() {
        let case = case("bytes = \"1MB\"");
        let finding = case.fails::<MaxContext>();
        assert_eq!(finding.details[0], "  9.10 MB  node_modules/ (2 files)");
        let after = case.mended::<MaxContext>();
        assert_eq!(after.text(".dockerignore"), "node_modules\n.git\n");
    }

    #[test]
    fn files_are_counted_too() {
        case("files = 7").passes::<MaxContext>();
        case("files = 6").mended::<MaxContext>();
        assert_eq!(case("files = 2").fails::<MaxContext>().fixes, []);
    }

    #[test]
    fn what_is_copied_by_name_stays() {
        let text = "FROM a\nCOPY node_modules ./node_modules\n";
        let case = Case::new(text).params("bytes = \"1MB\"").context(CONTEXT);
        assert_eq!(case.fails::<MaxContext>().fixes, []);
    }

    #[test]
    fn without_the_list_there_is_no_verdict() {
        let judged = Case::new("FROM a\n")
            .params("files = 1")
            .judge::<MaxContext>();
        assert!(matches!(judged, Err(Unseen::Skipped(_))));
    }
}
