//! `cache-survives`: after a small edit, the expensive steps still come from the cache.

use schemars::JsonSchema;
use serde::Deserialize;

use super::manifests_before_source::Walked;
use super::params::{Names, matches_pattern};
use super::steps::{
    instruction_of, is_from, is_of, is_same_step, name_parts, normal, stage_of_name, texts,
};
use super::{Check, Doc, Example, Judged, Verdict, View, failure, reorder, walk};
use crate::diagnostic::Finding;
use crate::evidence::{BuildOutcome, Built, Extra, Need, SourceEvidence, Step, Unseen};

/// See [`Check::DOC`].
pub(super) struct CacheSurvives;

/// The edit between the two builds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Edit {
    /// The file, relative to the build context.
    path: String,
    /// What is added at its end; `{nonce}` becomes something new each time.
    append: String,
}

/// A step that must come from the cache.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Wanted {
    /// The stage it is in: a name, or several of which the first that exists counts. Without it, any stage.
    #[serde(default)]
    stage: Option<Names>,
    /// Words of the instruction; `*` stands for any others: `npm ci`. Several texts, of which any counts, may be given.
    #[serde(default)]
    matches: Option<Names>,
    /// Instead of words: the steps that install the project's dependencies, with whatever tool.
    #[serde(default)]
    installs: bool,
}

impl Wanted {
    /// The step for people.
    fn name(&self) -> String {
        match self.words() {
            Some(words) => words.to_string(),
            None => "the install of the dependencies".to_owned(),
        }
    }

    /// The words to look for; `None` where every install is meant.
    fn words(&self) -> Option<&Names> {
        self.matches.as_ref().filter(|_| !self.installs)
    }
}

/// Parameters of `cache-survives`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// The edit that is made between the two builds.
    edit: Edit,
    /// The steps that must be taken from the cache in the second build.
    steps: Vec<Wanted>,
}

impl Check for CacheSurvives {
    type Params = Params;
    const ID: &'static str = "cache-survives";
    const TITLE: &'static str = "The cache survives an edit";
    const DOC: Doc = Doc {
        what: "The target is built, a source file is changed, and the target is built again. In the second build, the \
               named steps are still CACHED.",
        why: "The order of the lines decides what an edit costs: seconds, or a new download of every dependency. \
              Only a second build shows which.",
        bad: Example::text(BAD).with_params(PARAMS).with_extra(|| {
            rebuilt(&[
                ("[builder 2/5] WORKDIR /app", 2, true),
                ("[builder 3/5] COPY . .", 3, false),
                ("[builder 4/5] RUN npm ci", 4, false),
                ("[builder 5/5] RUN npm run build", 5, false),
            ])
        }),
        good: Example::text(GOOD).with_params(PARAMS).with_extra(|| {
            rebuilt(&[
                ("[builder 2/6] WORKDIR /app", 2, true),
                ("[builder 3/6] COPY package*.json ./", 3, true),
                ("[builder 4/6] RUN npm ci", 4, true),
                ("[builder 5/6] COPY . .", 5, false),
                ("[builder 6/6] RUN npm run build", 6, false),
            ])
        }),
    };

    fn summary(params: &Params) -> String {
        let steps: Vec<String> = params.steps.iter().map(Wanted::name).collect();
        format!(
            "{} from the cache after an edit of {}",
            steps.join(", "),
            params.edit.path
        )
    }

    fn needs(params: &Params) -> Vec<Need> {
        let edit = &params.edit;
        let (path, append) = (edit.path.clone(), edit.append.clone());
        let names = |w: &Wanted| Some(w.stage.as_ref()?.iter().map(str::to_owned).collect());
        let stages: Option<Vec<Vec<String>>> = params.steps.iter().map(names).collect();
        let rebuild = Need::Rebuild {
            path,
            append,
            // Where a step may be in any stage, all are looked at.
            stages: stages.unwrap_or_default(),
        };
        vec![Need::Build, rebuild]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        view.built()?;
        let source = view.source()?;
        let Extra::Rebuild(outcome) = view.extra()? else {
            return Err(Unseen::Failed("the second build was not tried".into()));
        };
        let path = &params.edit.path;
        let built = match outcome {
            BuildOutcome::Built(built) => built,
            BuildOutcome::Failed(failed) => {
                let message = format!("the build fails after an edit of {path}");
                let finding = match failure::instruction_at(source, failed.lines) {
                    Some((_, i)) => view.finding(message, i.span),
                    None => Finding::new(message),
                };
                return Ok(finding.details(failure::log_end(failed)).into());
            }
        };
        let reachable = view.reachable()?;
        let walked = Walked::new(source, view.manifests, &reachable);
        for wanted in &params.steps {
            let mut steps = matching(source, &walked, wanted, built);
            // Two stages that begin alike share a step, and the engine may name it after the one that is not built.
            let stage = wanted.stage.as_ref();
            let stage = stage.and_then(|names| source.graph.find_first(names.iter()));
            if stage.is_some_and(|s| !reachable.contains(&s.index)) {
                steps.clear();
            }
            if steps.is_empty() {
                return Ok(no_step(view, source, wanted).into());
            }
            if let Some(again) = steps.into_iter().find(|s| !s.cached) {
                return Ok(broken(params, view, source, built, again).into());
            }
        }
        Ok(Verdict::passed(format!(
            "{} after an edit of {path}",
            match params.steps.len() {
                1 => "the step comes from the cache".to_owned(),
                n => format!("all {n} steps come from the cache"),
            }
        )))
    }

    fn promised_by_text(params: &Params, view: &View<'_>) -> Option<bool> {
        let source = view.source().ok()?;
        let walked = Walked::new(source, view.manifests, &view.reachable().ok()?);
        let installs = |w: &Wanted| match w.words() {
            None => !walked.firsts.is_empty(),
            Some(words) => words.iter().all(|text| {
                let commands = super::shell::commands_of_text(text, crate::source::Span::at(0));
                commands
                    .iter()
                    .any(|c| super::installs::install_of(c).is_some())
            }),
        };
        // The text can promise for installs alone: those that come before the source are not touched by it.
        (walked.late.is_empty() && params.steps.iter().all(installs)).then_some(true)
    }
}

fn matching<'a>(
    source: &SourceEvidence,
    walked: &Walked<'_>,
    wanted: &Wanted,
    built: &'a Built,
) -> Vec<&'a Step> {
    let stage = match &wanted.stage {
        None => None,
        Some(names) => match source.graph.find_first(names.iter()) {
            Some(stage) => Some(stage),
            None => return Vec::new(),
        },
    };
    let is_wanted = |step: &Step, instruction: Option<usize>| match wanted.words() {
        Some(words) => {
            let texts = texts(source, step, instruction);
            words.iter().any(|w| {
                let pattern = format!("*{w}*");
                texts.iter().any(|t| matches_pattern(&pattern, t))
            })
        }
        None => instruction.is_some_and(|i| walked.firsts.contains(&i)),
    };
    built
        .steps
        .iter()
        .filter(|s| !is_from(s))
        .filter(|s| {
            let instruction = instruction_of(source, s);
            if !is_wanted(s, instruction) {
                return false;
            }
            let Some(stage) = stage else {
                return true;
            };
            match instruction {
                Some(i) => is_of(source, stage, i),
                None => {
                    name_parts(&s.name)
                        .and_then(|(p, _)| stage_of_name(source, p))
                        .map(|s| s.index)
                        == Some(stage.index)
                }
            }
        })
        .collect()
}

fn no_step(view: &View<'_>, source: &SourceEvidence, wanted: &Wanted) -> Finding {
    let place = match &wanted.stage {
        Some(stage) => format!(" in {stage}"),
        None => String::new(),
    };
    let (message, expected) = match wanted.words() {
        Some(words) => (
            format!("no step{place} says {words}"),
            format!("a step with {words}, taken from the cache"),
        ),
        None => (
            format!("no step{place} installs the dependencies"),
            "a step that installs the dependencies, taken from the cache".to_owned(),
        ),
    };
    let stage = wanted
        .stage
        .as_ref()
        .and_then(|n| source.graph.find_first(n.iter()))
        .or_else(|| view.target().ok());
    let finding = match stage.and_then(|s| walk::stage_span(source, s)) {
        Some(span) => view.finding(message, span),
        None => Finding::new(message),
    };
    finding
        .expected(expected, "no such step")
        .help("Keep this step in an instruction of its own, so that it can be cached.")
}

fn broken(
    params: &Params,
    view: &View<'_>,
    source: &SourceEvidence,
    built: &Built,
    again: &Step,
) -> Finding {
    let path = &params.edit.path;
    let all = &source.dockerfile.instructions;
    let victim = instruction_of(source, again);
    let what = name_parts(&again.name).map_or(again.name.as_str(), |(_, text)| text);
    let message = format!("`{}` runs again after an edit of {path}", normal(what));
    let expected = "taken from the cache";
    let Some(victim) = victim else {
        return Finding::new(message).expected(expected, "run again");
    };
    let culprit = first_broken(source, built, victim);
    let mut finding = match culprit {
        Some(culprit) if culprit != victim => {
            let quoted = walk::quoted(source, &all[culprit]);
            view.finding(message, all[culprit].span)
                .related(view.place(all[victim].span), "this step has to run again")
                .expected(
                    expected,
                    format!("{quoted} before it brings the edited file"),
                )
                .help(format!("Put {quoted} after the steps that do not need it."))
        }
        _ => view
            .finding(message, all[victim].span)
            .expected(expected, "the step itself sees the edited file")
            .help("Let this step see only the files that it needs."),
    };
    if let Ok(reachable) = view.reachable() {
        let walked = Walked::new(source, view.manifests, &reachable);
        let late = walked
            .late
            .iter()
            .find(|l| l.run == victim && Some(l.source_index) == culprit);
        finding
            .fixes
            .extend(late.and_then(|l| reorder::fix(source, view.manifests, l)));
    }
    finding
}

/// The first instruction of the victim's stage, or of those it starts from, whose step was not cached.
fn first_broken(source: &SourceEvidence, built: &Built, victim: usize) -> Option<usize> {
    let stage = source
        .graph
        .stages
        .iter()
        .find(|s| s.instructions.contains(&victim))?;
    let order: Vec<usize> = walk::all_instructions(source, stage)
        .into_iter()
        .map(|(i, _)| i)
        .collect();
    let fresh: Vec<usize> = built
        .steps
        .iter()
        .filter(|s| !s.cached && !is_from(s))
        .filter_map(|s| instruction_of(source, s))
        .collect();
    let is_fresh = |i: usize| fresh.iter().any(|f| *f == i || is_same_step(source, i, *f));
    order.into_iter().find(|i| *i <= victim && is_fresh(*i))
}

const PARAMS: &str = "\
edit = { path = \"src/index.js\", append = \"// {nonce}\" }
steps = [{ stage = \"builder\", matches = \"npm ci\" }]";

const BAD: &str = "\
FROM node:24-alpine AS builder
WORKDIR /app
COPY . .
RUN npm ci
RUN npm run build
";

const GOOD: &str = "\
FROM node:24-alpine AS builder
WORKDIR /app
COPY package*.json ./
RUN npm ci
COPY . .
RUN npm run build
";

fn rebuilt(steps: &[(&str, usize, bool)]) -> Extra {
    let steps = steps.iter().map(|(name, line, cached)| Step {
        name: (*name).to_owned(),
        lines: Some((*line, *line)),
        cached: *cached,
        duration_ms: 10,
    });
    Extra::Rebuild(BuildOutcome::Built(Built {
        steps: steps.collect(),
        ..Built::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn case(text: &str, steps: &[(&str, usize, bool)]) -> Case {
        Case::new(text).params(PARAMS).extra(rebuilt(steps))
    }

    #[test]
    fn the_line_that_broke_the_cache_is_pointed_at() {
        let bad = case(
            BAD,
            &[
                ("[builder 3/5] COPY . .", 3, false),
                ("[builder 4/5] RUN npm ci", 4, false),
            ],
        );
        let finding = bad.fails::<CacheSurvives>();
        assert_eq!(bad.words(&finding), "COPY . .");
        assert_eq!(
            finding.message,
            "`RUN npm ci` runs again after an edit of src/index.js"
        );
        assert_eq!(bad.after(&finding.fixes[0]).text("Dockerfile"), GOOD);
    }

    #[test]
    fn steps_are_found_by_name_where_the_engine_gives_no_lines() {
        let without = |cached| {
            let Extra::Rebuild(BuildOutcome::Built(mut built)) = rebuilt(&[
                (
                    "[linux/amd64 builder 1/5] FROM docker.io/library/node:24-alpine",
                    1,
                    false,
                ),
                ("[builder 3/5] COPY package*.json ./", 3, true),
                ("[builder 4/5] RUN npm ci", 4, cached),
            ]) else {
                unreachable!()
            };
            built.steps.iter_mut().for_each(|s| s.lines = None);
            Case::new(GOOD)
                .params(PARAMS)
                .extra(Extra::Rebuild(BuildOutcome::Built(built)))
        };
        without(true).passes::<CacheSurvives>();
        let again = without(false);
        assert_eq!(again.words(&again.fails::<CacheSurvives>()), "RUN npm ci");
    }

    #[test]
    fn steps_without_a_stage_are_found_by_what_they_say() {
        for cached in [true, false] {
            let Extra::Rebuild(BuildOutcome::Built(mut built)) = rebuilt(&[
                ("Step 3/9 : COPY . .", 3, false),
                ("Step 4/9 : RUN npm ci", 4, cached),
            ]) else {
                unreachable!()
            };
            built.steps.iter_mut().for_each(|s| s.lines = None);
            let extra = Extra::Rebuild(BuildOutcome::Built(built));
            let case = Case::new(BAD).params(PARAMS).extra(extra);
            if cached {
                case.passes::<CacheSurvives>();
            } else {
                assert_eq!(case.words(&case.fails::<CacheSurvives>()), "COPY . .");
            }
        }
    }

    #[test]
    fn a_step_of_another_stage_does_not_count() {
        let alone = format!("{GOOD}FROM node:24-alpine AS production\nRUN npm ci\n");
        let text = format!("{alone}COPY --from=builder /app /b\n");
        let steps = [
            ("[builder 4/6] RUN npm ci", 4, true),
            ("[production 2/3] RUN npm ci", 8, false),
        ];
        case(&text, &steps).passes::<CacheSurvives>();
        case(&alone, &steps).fails::<CacheSurvives>();
        let gone = case(&text, &[("[production 2/3] RUN npm ci", 8, true)]);
        assert!(
            gone.fails::<CacheSurvives>()
                .message
                .starts_with("no step in `builder`")
        );
    }

    #[test]
    fn an_install_is_known_by_what_it_does() {
        const INSTALLS: &str = "\
edit = { path = \"src/index.js\", append = \"// {nonce}\" }
steps = [{ installs = true }]";
        let installs = |text: &str, steps: &[(&str, usize, bool)]| {
            Case::new(text).params(INSTALLS).extra(rebuilt(steps))
        };
        for install in ["npm ci", "npm install --no-audit", "yarn --frozen-lockfile"] {
            let name = format!("[builder 4/6] RUN {install}");
            let text = GOOD.replace("npm ci", install);
            installs(&text, &[(&name, 4, true)]).passes::<CacheSurvives>();
            installs(&text, &[(&name, 4, false)]).fails::<CacheSurvives>();
        }
        let heredoc =
            "FROM a AS builder\nCOPY package*.json ./\nRUN <<EOF\nset -e\nnpm ci\nEOF\nCOPY . .\n";
        for cached in [true, false] {
            let mut built = rebuilt(&[("[builder 3/4] RUN <<EOF (set -e...)", 3, cached)]);
            if let Extra::Rebuild(BuildOutcome::Built(b)) = &mut built {
                b.steps[0].lines = Some((3, 6));
            }
            let case = |params: &str| Case::new(heredoc).params(params).extra(built.clone());
            for params in [INSTALLS, PARAMS] {
                assert_eq!(
                    case(params)
                        .judge::<CacheSurvives>()
                        .is_ok_and(|v| matches!(v, Verdict::Passed(_))),
                    cached
                );
            }
        }
        // Of two installs in one stage, the second finds what the first one left.
        let again = format!("{GOOD}RUN npm ci --omit=dev\n");
        let steps = [
            ("[builder 4/7] RUN npm ci", 4, true),
            ("[builder 7/7] RUN npm ci --omit=dev", 7, false),
        ];
        installs(&again, &steps).passes::<CacheSurvives>();
        let none = installs("FROM a\nCOPY . .\n", &[("[2/2] COPY . .", 2, false)]);
        assert_eq!(
            none.fails::<CacheSurvives>().message,
            "no step installs the dependencies"
        );
    }

    #[test]
    fn a_step_that_two_stages_share_is_of_both() {
        let install = "WORKDIR /app\nCOPY package*.json ./\nRUN npm ci\n";
        let text = format!(
            "FROM node:24 AS deps\n{install}FROM node:24 AS builder\n{install}COPY . .\n\
            FROM deps AS production\nCOPY --from=builder /app/dist ./dist\n"
        );
        let shared = |text: &str, cached| case(text, &[("[deps 4/4] RUN npm ci", 4, cached)]);
        shared(&text, true).passes::<CacheSurvives>();
        shared(&text, false).fails::<CacheSurvives>();
        // The step that two stages share broke the cache of both.
        let whole = "COPY . .\nRUN npm ci\n";
        let text = format!(
            "FROM node:24 AS page\n{whole}FROM node:24 AS builder\n{}FROM page AS production\n\
            COPY --from=builder /app/dist ./dist\n",
            whole.replace("RUN", "WORKDIR /api\nRUN")
        );
        let steps = [
            ("[page 2/3] COPY . .", 2, false),
            ("[builder 3/4] WORKDIR /api", 6, false),
            ("[builder 4/4] RUN npm ci", 7, false),
        ];
        let broken = case(&text, &steps);
        assert_eq!(broken.words(&broken.fails::<CacheSurvives>()), "COPY . .");
    }

    #[test]
    fn a_step_on_another_ground_is_another_step() {
        let install = "WORKDIR /app\nCOPY package*.json ./\nRUN npm ci\n";
        let text = format!(
            "FROM node:24 AS deps\n{install}FROM node:24 AS builder\n{install}COPY . .\n\
            FROM deps AS production\nCOPY --from=builder /app/dist ./dist\n"
        );
        let shared = |text: &str| case(text, &[("[deps 4/4] RUN npm ci", 4, true)]);
        for (one, other) in [
            ("WORKDIR /app", "WORKDIR /src"),
            ("node:24", "node:24-slim"),
        ] {
            let differs = text.replacen(one, other, 1);
            assert!(
                shared(&differs)
                    .fails::<CacheSurvives>()
                    .message
                    .starts_with("no step in `builder`")
            );
        }
    }

    #[test]
    fn a_stage_below_is_part_of_the_stage() {
        let text = "FROM node:24 AS deps\nRUN npm ci\nFROM deps AS builder\nCOPY . .\n";
        case(text, &[("[deps 2/2] RUN npm ci", 2, true)]).passes::<CacheSurvives>();
    }

    #[test]
    fn without_a_second_build_there_is_no_verdict() {
        let judged = Case::new(GOOD).params(PARAMS).judge::<CacheSurvives>();
        assert!(matches!(judged, Err(Unseen::Skipped(_))));
    }
}
