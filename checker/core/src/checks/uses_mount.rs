//! `uses-mount`: a `RUN` mounts a cache, a secret or something else that leaves no trace in the image.

use schemars::JsonSchema;
use serde::Deserialize;

use super::cache_mount::{Trouble, best_run, cache_fix, idle_finding, useless};
use super::params::Names;
use super::secret_mount;
use super::secrets::is_secret_name;
use super::{Check, Doc, Example, Judged, Verdict, View, walk};
use crate::diagnostic::{Finding, Fix};
use crate::dockerfile::{Command, Mount};
use crate::edits::Edits;
use crate::evidence::SourceEvidence;

/// See [`Check::DOC`].
pub(super) struct UsesMount;

/// Kinds of mounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// A folder that is kept from build to build.
    Cache,
    /// A secret given to the build.
    Secret,
    /// Files of the context or of another stage.
    Bind,
    /// The SSH agent.
    Ssh,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Secret => "secret",
            Self::Bind => "bind",
            Self::Ssh => "ssh",
        }
    }
}

/// Parameters of `uses-mount`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// The kind of mount.
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    /// The id that it must have: for a secret the one that the build is given. (`id` alone is the check's own.)
    #[serde(default, rename = "mount-id")]
    id: Option<String>,
    /// Where it must be mounted: a path, or several of which any will do. A cache mount on a folder above counts too.
    #[serde(default)]
    pub(super) target: Option<Names>,
    /// What a cache mount must really keep, wherever that is.
    #[serde(default)]
    pub(super) keeps: Option<Keeps>,
}

/// What a cache mount is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Keeps {
    /// What a package manager downloads: the `RUN` installs the project's dependencies, and the mount is the folder
    /// where that install keeps its downloads.
    Downloads,
    /// What Go has compiled: the `RUN` compiles, and the mount is Go's build cache.
    Compiled,
}

impl Check for UsesMount {
    type Params = Params;
    const ID: &'static str = "uses-mount";
    const TITLE: &'static str = "A RUN uses the mount";
    const DOC: Doc = Doc {
        what: "Some `RUN` of a stage that the target needs has a `--mount` of the wanted type, and where the exercise \
               says so, with the wanted id or target. A cache mount on a folder above the wanted one counts too. \
               Where the exercise asks for a cache that keeps downloads, the mount must be the folder that the \
               install of that very `RUN` uses, and the install must keep something there; where it asks for what \
               was compiled, the build cache of the Go that this `RUN` starts.",
        why: "What is mounted is there for one step and in no layer. A cache mount keeps downloads from build to \
              build, and a secret mount shows a secret without storing it.",
        bad: Example::text(
            "FROM node:24-alpine AS builder\n\
             WORKDIR /app\n\
             COPY package*.json ./\n\
             RUN npm ci\n\
             COPY . .\n\
             RUN npm run build\n",
        )
        .with_params("type = \"cache\"\ntarget = \"/root/.npm\""),
        good: Example::text(
            "FROM node:24-alpine AS builder\n\
             WORKDIR /app\n\
             COPY package*.json ./\n\
             RUN --mount=type=cache,target=/root/.npm npm ci\n\
             COPY . .\n\
             RUN npm run build\n",
        )
        .with_params("type = \"cache\"\ntarget = \"/root/.npm\""),
    };

    fn summary(params: &Params) -> String {
        wanted(params)
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let source = view.source()?;
        let mut near: Option<&Mount> = None;
        let mut idle: Option<(&Mount, Trouble)> = None;
        for stage in view
            .reachable()?
            .iter()
            .filter_map(|i| source.graph.stages.get(*i))
        {
            for (index, instruction) in walk::own_instructions(source, stage) {
                let Command::Run(run) = &instruction.command else {
                    continue;
                };
                for mount in run.mounts.iter().filter(|m| m.kind == params.kind.name()) {
                    if fits(params, source, index, mount) {
                        if let Some(keeps) = params.keeps
                            && let Some(trouble) = useless(source, index, instruction, mount, keeps)
                        {
                            idle.get_or_insert((mount, trouble));
                            continue;
                        }
                        let line = source.dockerfile.source.position(mount.span.start).line;
                        return Ok(Verdict::passed(format!(
                            "line {line} has {}",
                            wanted(params)
                        )));
                    }
                    near = near.or(Some(mount));
                }
            }
        }
        if let Some((mount, trouble)) = idle {
            return Ok(idle_finding(params, view, source, mount, trouble)?.into());
        }
        Ok(finding(params, view, source, near)?.into())
    }
}

/// What the exercise asks for, in a few words.
pub(super) fn wanted(params: &Params) -> String {
    let mut text = format!("a {} mount", params.kind.name());
    text.push_str(match params.keeps {
        Some(Keeps::Downloads) => " that keeps the install's downloads",
        Some(Keeps::Compiled) => " that keeps what was compiled",
        None => "",
    });
    if let Some(id) = &params.id {
        text.push_str(&format!(" with the id `{id}`"));
    }
    if let Some(target) = &params.target {
        text.push_str(&format!(" on {target}"));
    }
    text
}

/// An option's value with its variables filled in.
fn option_value(
    source: &SourceEvidence,
    index: usize,
    mount: &Mount,
    name: &str,
) -> Option<String> {
    Some(walk::expanded(source, index, mount.option(name)?))
}

/// Where a mount is, as an absolute path.
pub(super) fn mount_target(source: &SourceEvidence, index: usize, mount: &Mount) -> Option<String> {
    let target = option_value(source, index, mount, "target")?;
    Some(walk::absolute(source, index, &target))
}

fn fits(params: &Params, source: &SourceEvidence, index: usize, mount: &Mount) -> bool {
    let value = |name: &str| option_value(source, index, mount, name);
    let target = value("target");
    let basename = |t: &String| {
        t.trim_end_matches('/')
            .rsplit('/')
            .next()
            .map(str::to_owned)
    };
    // BuildKit: a cache's id is its target, a secret's the last part of its target, an agent's `default`.
    // For secrets and agents, `source` is another name of `id`, and wins.
    let own = value("source").filter(|_| matches!(params.kind, Kind::Secret | Kind::Ssh));
    let id = own.or_else(|| value("id")).or_else(|| match params.kind {
        Kind::Secret => target.as_ref().and_then(basename),
        Kind::Ssh => Some("default".into()),
        Kind::Cache | Kind::Bind => target.clone(),
    });
    if params.id.is_some() && id != params.id {
        return false;
    }
    let Some(wanted) = &params.target else {
        return true;
    };
    let target = target.or_else(|| match params.kind {
        Kind::Secret if value("env").is_none() => id.map(|i| format!("/run/secrets/{i}")),
        _ => None,
    });
    let Some(target) = target else {
        return false;
    };
    let target = walk::absolute(source, index, &target);
    wanted.iter().any(|w| {
        let w = w.trim_end_matches('/');
        let above =
            params.kind == Kind::Cache && target != "/" && w.starts_with(&format!("{target}/"));
        w == target || above
    })
}

fn finding(
    params: &Params,
    view: &View<'_>,
    source: &SourceEvidence,
    near: Option<&Mount>,
) -> Result<Finding, crate::evidence::Unseen> {
    let what = wanted(params);
    let place = best_run(params, view, source)?;
    let span = near
        .map(|m| m.span)
        .or(place.as_ref().map(|best| best.command.span()))
        .or_else(|| walk::stage_span(source, view.target().ok()?));
    let message = format!("no RUN has {what}");
    let finding = match span {
        Some(span) => view.finding(message, span),
        None => Finding::new(message),
    };
    let actual = match near {
        Some(mount) => format!("`{}`", source.dockerfile.source.snippet(mount.span)),
        None => format!("no {} mount", params.kind.name()),
    };
    let option = match (&params.target, &params.id) {
        (Some(target), _) => format!(",target={}", target.first()),
        (None, Some(id)) => format!(",id={id}"),
        (None, None) => match &place {
            Some(best) => format!(",target={}", best.cache),
            None => String::new(),
        },
    };
    let mut finding = finding.expected(what, actual).help(format!(
        "The mount stands right after RUN: `RUN --mount=type={}{option} …`.",
        params.kind.name()
    ));
    let fix = match (params.kind, near) {
        (Kind::Secret, Some(mount)) => other_id(params, source, mount),
        (Kind::Secret, None) => secret_fix(params, view, source),
        (Kind::Cache, _) => place.and_then(|best| cache_fix(source, &best)),
        _ => None,
    };
    finding.fixes.extend(fix);
    Ok(finding)
}

/// The right id for a secret mount that has another one.
fn other_id(params: &Params, source: &SourceEvidence, mount: &Mount) -> Option<Fix> {
    let id = params.id.as_ref()?;
    let word = mount.option("id")?;
    let file = &source.dockerfile.source;
    let used = format!("/run/secrets/{}", word.text);
    // The file's name follows the id, unless the mount says where it goes.
    if params.target.is_some() || mount.option("target").is_none() && file.text().contains(&used) {
        return None;
    }
    let edits = Edits::new(format!("ask for the secret `{id}`"), &source.path, file);
    Some(edits.replace(word.span, id.as_str()).done())
}

/// A mount in the place of the build argument that carries the secret now.
fn secret_fix(params: &Params, view: &View<'_>, source: &SourceEvidence) -> Option<Fix> {
    let id = params.id.as_ref()?;
    let plain = |s: &str| s.to_ascii_lowercase().replace(['-', '.'], "_");
    let all = source.dockerfile.instructions.iter().enumerate();
    let (index, instruction, name) = all
        .filter_map(|(i, x)| match &x.command {
            Command::Arg(pairs) if pairs.len() == 1 => Some((i, x, &pairs[0].name.text)),
            _ => None,
        })
        .find(|(_, _, name)| {
            plain(name) == plain(id) && is_secret_name(name, std::slice::from_ref(id))
        })?;
    if secret_mount::id_for(view, name) != *id || params.target.is_some() {
        return None;
    }
    let title = format!("mount the secret `{id}` only where it is needed");
    let edits = Edits::new(title, &source.path, &source.dockerfile.source);
    let edits = secret_mount::instead_of(view, source, index, name, edits)?;
    Some(edits.remove_lines(instruction.span).done())
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn case(params: &str, lines: &str) -> Case {
        Case::new(&format!("FROM node:24\nWORKDIR /app\n{lines}\n")).params(params)
    }

    const NPM: &str = "type = \"cache\"\ntarget = \"/root/.npm\"";

    #[test]
    fn targets_are_compared_as_paths() {
        for line in [
            "RUN --mount=type=cache,target=/root/.npm npm ci",
            "RUN --mount=target=/root/.npm/,type=cache,sharing=locked npm ci",
            "RUN --mount=type=cache,dst=/root npm ci",
            "ENV H=/root\nRUN --mount=type=cache,target=${H}/.npm npm ci",
            "WORKDIR /root\nRUN --mount=type=cache,target=.npm npm ci",
        ] {
            case(NPM, line).passes::<UsesMount>();
        }
        for line in [
            "RUN --mount=type=cache,target=/root/.npmx npm ci",
            "RUN --mount=type=bind,target=/root/.npm npm ci",
            "RUN --mount=type=cache,target=/ npm ci",
            "RUN npm ci",
        ] {
            case(NPM, line).fails::<UsesMount>();
        }
    }

    #[test]
    fn a_cache_is_mounted_where_the_install_is() {
        let after = case(NPM, "RUN npm -v\nRUN --network=default npm ci").mended::<UsesMount>();
        assert!(after.text("Dockerfile").contains(
            "RUN npm -v\nRUN --mount=type=cache,target=/root/.npm --network=default npm ci\n"
        ));
        let pip = case(
            "type = \"cache\"",
            "RUN pip install --no-cache-dir -r requirements.txt",
        )
        .mended::<UsesMount>();
        assert!(pip.text("Dockerfile").contains(
            "RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt"
        ));
        assert_eq!(
            case(NPM, "USER node\nRUN npm ci")
                .fails::<UsesMount>()
                .fixes,
            []
        );
    }

    #[test]
    fn a_cache_that_keeps_downloads_is_where_the_install_keeps_them() {
        const KEEPS: &str = "type = \"cache\"\nkeeps = \"downloads\"";
        for lines in [
            "RUN --mount=type=cache,target=/root/.npm npm ci",
            "RUN --mount=type=cache,target=/root/.npm,sharing=locked npm install --no-audit",
            "RUN --mount=type=cache,target=/root/.npm <<EOF\nset -e\nnpm ci\nEOF",
            "RUN --mount=type=cache,target=/c npm ci --cache /c",
            "ENV PIP_CACHE_DIR=/pip\nRUN --mount=type=cache,target=/pip pip install -r requirements.txt",
            "USER node\nRUN --mount=type=cache,target=/home/node/.npm,uid=1000 npm ci",
            "RUN --mount=type=cache,id=pip,target=/root/.cache pip wheel -w /w -r requirements.txt",
            "RUN --mount=type=cache,target=/root/.cache/uv pip install uv && uv pip install -r requirements.txt",
        ] {
            case(KEEPS, lines).passes::<UsesMount>();
        }
        for (lines, words) in [
            (
                "RUN npm ci\nRUN --mount=type=cache,target=/root/.npm npm run build",
                "--mount=type=cache,target=/root/.npm",
            ),
            (
                "RUN --mount=type=cache,target=/app/.npm npm ci",
                "--mount=type=cache,target=/app/.npm",
            ),
            (
                "RUN --mount=type=cache,target=/root/.cache/pip pip install --no-cache-dir -r requirements.txt",
                "--no-cache-dir",
            ),
            (
                "RUN pip install --no-cache-dir -r requirements.txt",
                "pip install --no-cache-dir -r requirements.txt",
            ),
            (
                "ENV HOME=/h\nUSER 1000\nRUN --mount=type=cache,target=/h/.npm npm ci",
                "--mount=type=cache,target=/h/.npm",
            ),
            ("ENV HOME=/h\nUSER 1000\nRUN npm ci", "npm ci"),
        ] {
            let case = case(KEEPS, lines);
            assert_eq!(case.words(&case.fails::<UsesMount>()), words, "{lines}");
            case.mended::<UsesMount>();
        }
        for (lines, words) in [
            (
                "RUN --mount=type=cache,target=/root/.npm npm ci && npm cache clean --force",
                "npm cache clean --force",
            ),
            (
                "RUN --mount=type=cache,target=/root/.npm,ro npm ci",
                "--mount=type=cache,target=/root/.npm,ro",
            ),
            (
                "USER node\nRUN --mount=type=cache,target=/home/node/.npm npm ci",
                "--mount=type=cache,target=/home/node/.npm",
            ),
            (
                "ENV PIP_NO_CACHE_DIR=1\nRUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt",
                "pip install -r requirements.txt",
            ),
        ] {
            let case = case(KEEPS, lines);
            let finding = case.fails::<UsesMount>();
            assert_eq!(case.words(&finding), words, "{lines}");
            assert_eq!(finding.fixes, [], "{lines}");
        }
    }

    #[test]
    fn a_cache_that_keeps_what_was_compiled_is_go_s_own() {
        const KEEPS: &str = "type = \"cache\"\nkeeps = \"compiled\"";
        for lines in [
            "RUN --mount=type=cache,target=/root/.cache/go-build go build .",
            "RUN --mount=type=cache,target=/root/.cache CGO_ENABLED=0 go test ./...",
            "ENV GOCACHE=/c\nRUN --mount=type=cache,target=/c go build .",
            "RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build go build .",
        ] {
            case(KEEPS, lines).passes::<UsesMount>();
        }
        for lines in [
            "RUN go build -o /out/app .",
            "RUN --mount=type=cache,target=/root/.npm go build .",
            "RUN --mount=type=cache,target=/go/pkg/mod go build .",
            "RUN --mount=type=cache,target=/root/.cache/go-build mkdir /x\nRUN go build .",
            "RUN --mount=type=cache,target=/root/.cache/go-build go mod download\nRUN go build .",
        ] {
            let after = case(KEEPS, lines).mended::<UsesMount>();
            let mount = "--mount=type=cache,target=/root/.cache/go-build";
            assert!(after.text("Dockerfile").contains(mount), "{lines}");
        }
    }

    #[test]
    fn ids_have_the_engines_defaults() {
        let secret = "type = \"secret\"\nmount-id = \"npm_token\"";
        for line in [
            "RUN --mount=type=secret,id=npm_token x",
            "RUN --mount=type=secret,target=/etc/npm_token x",
            "RUN --mount=type=secret,id=npm_token,env=NPM_TOKEN x",
            "RUN --mount=type=secret,source=npm_token,target=/t x",
        ] {
            case(secret, line).passes::<UsesMount>();
        }
        case(
            "type = \"secret\"\ntarget = \"/run/secrets/t\"",
            "RUN --mount=type=secret,id=t x",
        )
        .passes::<UsesMount>();
        case("type = \"ssh\"", "RUN --mount=type=ssh git clone x").passes::<UsesMount>();
    }

    #[test]
    fn a_secret_takes_the_place_of_an_argument_and_of_a_wrong_id() {
        let secret = "type = \"secret\"\nmount-id = \"npm_token\"";
        let after = case(secret, "ARG NPM_TOKEN\nRUN npm ci").mended::<UsesMount>();
        assert!(
            after
                .text("Dockerfile")
                .ends_with("RUN --mount=type=secret,id=npm_token,env=NPM_TOKEN npm ci\n")
        );
        case(
            secret,
            "RUN --mount=type=secret,id=npm,target=/root/.npmrc npm ci",
        )
        .mended::<UsesMount>();
    }

    #[test]
    fn mounts_of_stages_that_are_not_needed_do_not_count() {
        let text = "FROM a AS dev\nRUN --mount=type=cache,target=/root/.npm npm ci\nFROM b AS production\nRUN npm ci\n";
        Case::new(text).params(NPM).fails::<UsesMount>();
    }
}
