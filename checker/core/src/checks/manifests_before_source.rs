//! `manifests-before-source`: dependencies are installed before the source is copied.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::installs::{self, Ecosystem, Install};
use super::manifests::is_manifest;
use super::shell::{self, ShellCommand};
use super::{Check, Doc, Example, Judged, Verdict, View, reorder, walk};
use crate::dockerfile::{Command, CopyCommand, Instruction, Mount, Word};
use crate::evidence::SourceEvidence;
use crate::image::normalize;
use crate::source::Span;
use crate::stages::{Base, Needs, Stage};

/// See [`Check::DOC`].
pub(super) struct ManifestsBeforeSource;

/// `manifests-before-source` takes no parameters: the manifests are those of the lab.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Params {}

impl Check for ManifestsBeforeSource {
    type Params = Params;
    const ID: &'static str = "manifests-before-source";
    const TITLE: &'static str = "Dependencies are installed before the source is copied";
    const DOC: Doc = Doc {
        what: "In every stage that the target needs and that installs dependencies, the install comes before the \
               source: only manifests and lock files, such as `package.json`, are there when it runs. They are \
               copied, or mounted for that one step.",
        why: "A step is taken from the cache as long as nothing before it changes. Copy the source first, and every \
              changed line of code installs all dependencies again.",
        bad: Example::text(
            "FROM node:24-alpine AS builder\n\
             WORKDIR /app\n\
             COPY . .\n\
             RUN npm ci\n\
             RUN npm run build\n",
        ),
        good: Example::text(
            "FROM node:24-alpine AS builder\n\
             WORKDIR /app\n\
             COPY package*.json ./\n\
             RUN npm ci\n\
             COPY . .\n\
             RUN npm run build\n",
        ),
    };

    fn summary(_: &Params) -> String {
        "manifests copied and dependencies installed before the source".into()
    }

    fn judge(_: &Params, view: &View<'_>) -> Judged {
        let source = view.source()?;
        let walked = Walked::new(source, view.manifests, &view.reachable()?);
        if let Some(late) = walked.late.first() {
            let install = &late.install;
            let what = walk::quoted_command(source, &late.command);
            let message = if install.needs_source {
                format!("{what} also downloads the dependencies, after the source was copied")
            } else {
                format!("{what} runs after the source was copied")
            };
            let manifests = reorder::manifests(view.manifests, install);
            let mut finding = view
                .finding(message, late.command.span())
                .related(view.place(late.source_span), "the source is copied here")
                .expected(
                    "only the manifests are there when dependencies are installed",
                    "a change in any source file installs them again",
                )
                .help(format!(
                    "Copy {} first, install, and copy the rest afterwards.",
                    super::params::listed(manifests.iter().map(String::as_str), "and")
                ));
            finding
                .fixes
                .extend(reorder::fix(source, view.manifests, late));
            return Ok(finding.into());
        }
        if walked.installs > 0 || !walked.early.is_empty() && walked.source.is_some() {
            return Ok(Verdict::passed(
                "dependencies are installed before the source is copied",
            ));
        }
        match walked.source {
            // A lab that names manifests has dependencies: they must come from somewhere.
            Some(span) if !view.manifests.is_empty() => Ok(view
                .finding(
                    "the source is copied, and no step before it installs the dependencies",
                    span,
                )
                .expected(
                    "the manifests copied and installed first",
                    "no step that installs them",
                )
                .help("Copy the manifests first, install, and copy the rest afterwards.")
                .into()),
            _ => Ok(Verdict::passed("no dependencies are installed")),
        }
    }
}

/// An install that comes after the source.
pub(super) struct Late<'a> {
    /// The stage it is in.
    pub(super) stage: &'a Stage,
    /// Index of the `RUN` in the file.
    pub(super) run: usize,
    /// The command.
    pub(super) command: ShellCommand,
    /// What it installs.
    pub(super) install: Install,
    /// Index of the instruction that brought the source, and its words.
    pub(super) source_index: usize,
    pub(super) source_span: Span,
}

/// What a stage's filesystem got so far.
#[derive(Debug, Clone, Default)]
struct State {
    /// The first instruction that brought source.
    source: Option<(usize, Span)>,
    /// Where that was put: an absolute path.
    folder: String,
    installed: BTreeSet<Ecosystem>,
    manifests: bool,
}

/// A walk over the stages in the order of the file.
pub(super) struct Walked<'a> {
    pub(super) late: Vec<Late<'a>>,
    /// Indexes of the `RUN`s that install dependencies where none were; of tools that are not known, those between the
    /// manifests and the source.
    pub(super) firsts: BTreeSet<usize>,
    installs: usize,
    /// `RUN`s of tools that are not known, between the manifests and the source.
    early: BTreeSet<usize>,
    source: Option<Span>,
}

impl<'a> Walked<'a> {
    pub(super) fn new(
        source: &'a SourceEvidence,
        manifests: &[String],
        reachable: &BTreeSet<usize>,
    ) -> Self {
        let mut walked = Self {
            late: Vec::new(),
            firsts: BTreeSet::new(),
            installs: 0,
            early: BTreeSet::new(),
            source: None,
        };
        let mut states: BTreeMap<usize, State> = BTreeMap::new();
        for stage in source
            .graph
            .stages
            .iter()
            .filter(|s| reachable.contains(&s.index))
        {
            let mut state = match stage.base {
                Base::Stage(below) => states.get(&below).cloned().unwrap_or_default(),
                _ => State::default(),
            };
            for (index, instruction) in walk::own_instructions(source, stage) {
                match &instruction.command {
                    Command::Copy(copy) | Command::Add(copy) => {
                        let place = Place { source, index };
                        let from = copied_state(source, index, &states);
                        copied(&mut state, &place, copy, from, manifests);
                        walked.source = walked.source.or(state.source.map(|s| s.1));
                    }
                    Command::Run(_) => {
                        let place = Place { source, index };
                        let mounted = mounted_source(&place, instruction, manifests, &states);
                        walked.run(&place, stage, instruction, mounted, &mut state);
                    }
                    _ => {}
                }
            }
            states.insert(stage.index, state);
        }
        if walked.installs == 0 {
            walked.firsts.clone_from(&walked.early);
        }
        walked
    }

    fn run(
        &mut self,
        place: &Place<'_>,
        stage: &'a Stage,
        instruction: &Instruction,
        mounted: Option<Span>,
        state: &mut State,
    ) {
        let &Place { source, index } = place;
        let brought = state.source.or(mounted.map(|span| (index, span)));
        let mut known = false;
        for command in shell::commands(&source.dockerfile, instruction) {
            let Some(install) = installs::install_of(&command) else {
                continue;
            };
            known = true;
            self.installs += 1;
            let first = state.installed.insert(install.ecosystem);
            if first {
                self.firsts.insert(index);
            }
            if let (true, Some((source_index, source_span))) = (first, brought) {
                self.late.push(Late {
                    stage,
                    run: index,
                    command,
                    install,
                    source_index,
                    source_span,
                });
            }
        }
        if !known && state.source.is_none() && state.manifests {
            self.early.insert(index);
        }
    }
}

/// The state of the stage that the instruction at `index` copies from; `None` for the build context.
fn copied_state<'s>(
    source: &SourceEvidence,
    index: usize,
    states: &'s BTreeMap<usize, State>,
) -> Option<Option<&'s State>> {
    let edge = source.graph.edges.iter().find(|e| e.instruction == index)?;
    Some(match edge.needs {
        Needs::Stage(s) => states.get(&s),
        Needs::Image(_) => None,
    })
}

/// An instruction in its file.
struct Place<'a> {
    source: &'a SourceEvidence,
    index: usize,
}

impl Place<'_> {
    /// A word with its variables filled in.
    fn expanded(&self, word: &Word) -> String {
        walk::expanded(self.source, self.index, word)
    }

    /// Whether what another stage has at `path` is source that it got, or holds some. The engine compares what is
    /// copied between stages by its content, so that the rest of that stage changes nothing.
    fn is_source_of(&self, stage: &State, path: &str) -> bool {
        let path = path.split(['*', '?', '[']).next().unwrap_or_default();
        let path = format!("/{}", normalize(path));
        let below = |a: &str, b: &str| {
            a == b || b == "/" || a.starts_with(&format!("{}/", b.trim_end_matches('/')))
        };
        stage.source.is_some() && (below(&path, &stage.folder) || below(&stage.folder, &path))
    }
}

fn copied(
    state: &mut State,
    place: &Place<'_>,
    copy: &CopyCommand,
    from: Option<Option<&State>>,
    manifests: &[String],
) {
    for word in &copy.sources {
        let path = place.expanded(word);
        // From another stage, source comes only if it has some there; from an image, none does.
        let can_be_source = match from {
            None => copy.from.is_none(),
            Some(stage) => stage.is_some_and(|s| place.is_source_of(s, &path)),
        };
        if is_manifest(&path, manifests) {
            state.manifests = true;
        } else if can_be_source && state.source.is_none() && !all_excluded(copy) {
            state.source = Some((place.index, word.span));
            let to = place.expanded(&copy.destination);
            state.folder = walk::absolute(place.source, place.index, &to);
        }
    }
}

/// Whether `--exclude` takes all but manifests away: that cannot be told from the text, unless it excludes everything.
fn all_excluded(copy: &CopyCommand) -> bool {
    copy.exclude
        .iter()
        .any(|e| matches!(e.text.as_str(), "*" | "**"))
}

/// The words of a mount that brings source into a `RUN`: from the build context, or from a stage that has some there.
fn mounted_source(
    place: &Place<'_>,
    instruction: &Instruction,
    manifests: &[String],
    states: &BTreeMap<usize, State>,
) -> Option<Span> {
    let Command::Run(run) = &instruction.command else {
        return None;
    };
    let graph = &place.source.graph;
    let brings = |mount: &&Mount| {
        let from = mount.option("source").map(|w| place.expanded(w));
        match mount.option("from") {
            None => !is_manifest(from.as_deref().unwrap_or("."), manifests),
            Some(name) => {
                let stage = graph.find(&place.expanded(name));
                let path = from.unwrap_or_default();
                stage
                    .and_then(|s| states.get(&s.index))
                    .is_some_and(|s| place.is_source_of(s, &path) && !is_manifest(&path, manifests))
            }
        }
    };
    let mut binds = run.mounts.iter().filter(|m| m.kind == "bind");
    binds.find(brings).map(|m| m.span)
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn case(lines: &str) -> Case {
        Case::new(&format!(
            "FROM node:24-alpine AS builder\nWORKDIR /app\n{lines}\n"
        ))
    }

    #[test]
    fn right_in_many_ways() {
        for lines in [
            "COPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build",
            "COPY package*.json ./\nRUN npm ci\nCOPY src ./src\nRUN npm run build",
            "COPY --link package*.json ./\nRUN --mount=type=cache,target=/root/.npm npm ci\nCOPY --link . .",
            "RUN --mount=type=bind,source=package.json,target=package.json \\\n --mount=type=bind,source=package-lock.json,target=package-lock.json \\\n npm ci\nCOPY . .",
            "COPY <<EOF /x\nhi\nEOF\nCOPY package*.json ./\nRUN <<EOF\nset -e\nnpm ci\nEOF\nCOPY . .",
            "ADD package.json yarn.lock ./\nRUN yarn --frozen-lockfile\nADD . .",
            "COPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nRUN pip install .",
            "COPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN go build -o /out/app .",
            "COPY pyproject.toml uv.lock ./\nRUN uv sync --no-install-project\nCOPY . .\nRUN uv sync",
            "COPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build && npm ci --omit=dev",
            "COPY deps.edn .\nRUN clojure -P\nCOPY . .",
            "COPY . .\nRUN go build -mod=vendor -o /out/app .",
            "COPY vendor ./vendor\nCOPY go.mod ./\nRUN go mod download\nCOPY . .",
            "ARG LIST=package*.json\nCOPY $LIST ./\nRUN npm ci\nCOPY . .",
            "COPY *.txt ./\nRUN pip install -r requirements.txt\nCOPY . .",
            "COPY . .\nFROM node:24\nCOPY --from=builder /out/ ./\nRUN npm ci",
        ] {
            case(lines).passes::<ManifestsBeforeSource>();
        }
    }

    #[test]
    fn wrong_ones_are_pointed_at_and_mended() {
        for (lines, words, mended) in [
            (
                "COPY . .\nRUN npm ci\nRUN npm run build",
                "npm ci",
                "COPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build",
            ),
            (
                "COPY . .\nENV A=b\nRUN npm ci && npm run build",
                "npm ci",
                "COPY package*.json ./\nENV A=b\nRUN npm ci\nCOPY . .\nRUN npm run build",
            ),
            (
                "COPY . .\nRUN npm ci --no-audit \\\n && npm run build",
                "npm ci --no-audit",
                "COPY package*.json ./\nRUN npm ci --no-audit\nCOPY . .\nRUN npm run build",
            ),
            (
                "COPY . /app\nRUN pip install --no-cache-dir -r requirements.txt",
                "pip install --no-cache-dir -r requirements.txt",
                "COPY requirements.txt /app/\nRUN pip install --no-cache-dir -r requirements.txt\nCOPY . /app",
            ),
            (
                "COPY frontend ./\nRUN npm ci",
                "npm ci",
                "COPY frontend/package*.json ./\nRUN npm ci\nCOPY frontend ./",
            ),
            (
                "COPY . .\nRUN CGO_ENABLED=0 go build -o /out/app .",
                "CGO_ENABLED=0 go build -o /out/app .",
                "COPY go.mod go.sum* ./\nRUN go mod download\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /out/app .",
            ),
            (
                "COPY . .\nRUN [\"npm\", \"ci\"]",
                "\"npm\", \"ci\"",
                "COPY package*.json ./\nRUN [\"npm\", \"ci\"]\nCOPY . .",
            ),
        ] {
            let case = case(lines);
            assert_eq!(case.words(&case.fails::<ManifestsBeforeSource>()), words);
            let after = case.mended::<ManifestsBeforeSource>().text("Dockerfile");
            assert_eq!(
                after,
                format!("FROM node:24-alpine AS builder\nWORKDIR /app\n{mended}\n")
            );
        }
    }

    #[test]
    fn manifests_that_are_there_already_are_not_copied_again() {
        let lines = "COPY requirements.txt ./\nCOPY app ./app\nRUN pip install -r requirements.txt && python -m compileall app";
        let case = case(lines).manifests(&["requirements.txt"]);
        let after = case.mended::<ManifestsBeforeSource>().text("Dockerfile");
        assert_eq!(
            after,
            "FROM node:24-alpine AS builder\nWORKDIR /app\nCOPY requirements.txt ./\n\
             RUN pip install -r requirements.txt\nCOPY app ./app\nRUN python -m compileall app\n"
        );
        let elsewhere = super::super::case::Case::new(
            "FROM a\nCOPY app ./app\nRUN pip install -r requirements.txt\n",
        )
        .manifests(&["requirements.txt"]);
        assert_eq!(elsewhere.fails::<ManifestsBeforeSource>().fixes, []);
    }

    #[test]
    fn the_labs_manifests_are_copied_by_name() {
        let lines = "COPY . .\nRUN npm ci";
        let case = case(lines).manifests(&["package.json", "package-lock.json"]);
        let after = case.mended::<ManifestsBeforeSource>().text("Dockerfile");
        assert!(
            after.contains("COPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n"),
            "{after}"
        );
    }

    #[test]
    fn source_that_comes_another_way_is_source_too() {
        for lines in [
            "COPY src package.json ./\nRUN npm ci",
            "RUN --mount=type=bind,target=/src npm ci",
            "COPY . .\nFROM builder AS production\nRUN npm ci --omit=dev",
            "COPY . .\nRUN x\nFROM node:24 AS production\nCOPY --from=builder /app/dist ./dist\nRUN npm ci --omit=dev",
            "ONBUILD COPY . .\nFROM builder AS production\nRUN npm ci",
        ] {
            case(lines).fails::<ManifestsBeforeSource>();
        }
        case("COPY . .\nRUN x\nFROM node:24 AS production\nCOPY --from=builder /app/package*.json ./\nRUN npm ci\nCOPY --from=builder /app/dist ./dist")
            .passes::<ManifestsBeforeSource>();
    }

    #[test]
    fn a_lab_with_manifests_must_install_them() {
        case("COPY . .\nCMD [\"x\"]").passes::<ManifestsBeforeSource>();
        case("COPY . .")
            .manifests(&["package.json"])
            .fails::<ManifestsBeforeSource>();
    }

    #[test]
    fn no_fix_where_steps_between_may_need_the_source() {
        for lines in [
            "COPY . .\nRUN ./prepare.sh\nRUN npm ci",
            "COPY . .\nWORKDIR /app/web\nRUN npm ci",
            "COPY . .\nRUN cd web && npm ci",
            "COPY . .\nRUN pip install .",
        ] {
            assert_eq!(
                case(lines).fails::<ManifestsBeforeSource>().fixes,
                [],
                "{lines}"
            );
        }
    }
}
