//! `tools-absent`: no compiler, package manager or SDK ships.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::Place;
use crate::dockerfile::{Command, Keyword};
use crate::evidence::Need;
use crate::image::{EntryKind, Image};
use crate::stages::Base;

use super::mend::{Text, literal};
use super::origin::{Brought, Origins};
use super::params::{listed, matches_pattern};
use super::{Check, Doc, Example, Judged, Verdict, View, scratch};

/// None of the named tools can be started in the image.
pub(super) struct ToolsAbsent;

/// Parameters of [`ToolsAbsent`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// Names of programs; `*` and `?` are wildcards. Without them: compilers, linkers, package managers, SDKs and git.
    #[serde(default)]
    pub(super) tools: Vec<String>,
}

/// What a program needs to be built, and never to run.
const USUAL: &[&str] = &[
    "apk", "apt", "apt-get", "aptitude", "as", "c++", "cargo", "cc", "clang", "clang++", "cmake",
    "composer", "corepack", "cpp", "dnf", "dpkg", "g++", "gcc", "gem", "git", "go", "gofmt",
    "gradle", "javac", "ld", "make", "microdnf", "mvn", "npm", "npx", "pip", "pnpm", "rpm",
    "rustc", "tsc", "yarn", "yum",
];

impl Check for ToolsAbsent {
    type Params = Params;
    const ID: &'static str = "tools-absent";
    const TITLE: &'static str = "No build tools ship";
    const DOC: Doc = Doc {
        what: "None of `tools` can be started in the image: no program of that name is in a folder of programs (`bin`, \
            `sbin`, `node_modules/.bin` and what `PATH` names), be it a file or a link. Other names of the same tool \
            count too: `gcc-14`, `pip3.13`, `x86_64-linux-gnu-gcc`.",
        why: "What the program does not need to run is weight, and a tool in an intruder's hand: a compiler or a \
            package manager first of all.",
        bad: Example {
            params: "tools = [\"gcc\", \"make\"]",
            image: "layer ADD rootfs.tar.xz / # buildkit\n\
                file /usr/bin/python3.13 0755 elf-dynamic size=6000000\n\
                layer RUN /bin/sh -c apt-get update && apt-get install -y gcc # buildkit\n\
                file /usr/bin/x86_64-linux-gnu-gcc-14 0755 elf-dynamic size=1200000\n\
                link /usr/bin/gcc -> x86_64-linux-gnu-gcc-14\n\
                history CMD [\"python3\"]",
            ..Example::text(
                "FROM python:3.13-slim\n\
                RUN apt-get update && apt-get install -y gcc\n\
                CMD [\"python3\"]\n",
            )
        },
        good: Example {
            params: "tools = [\"gcc\", \"make\"]",
            image: "layer ADD rootfs.tar.xz / # buildkit\n\
                file /usr/bin/python3.13 0755 elf-dynamic size=6000000\n\
                layer COPY /opt/venv /opt/venv # buildkit\n\
                file /opt/venv/lib/python3.13/site-packages/xxhash/_xxhash.so 0755 elf-library\n\
                history CMD [\"python3\"]",
            ..Example::text(
                "FROM python:3.13-slim AS builder\n\
                RUN apt-get update && apt-get install -y gcc\n\
                RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-binary :all: xxhash\n\
                \n\
                FROM python:3.13-slim\n\
                COPY --from=builder /opt/venv /opt/venv\n\
                CMD [\"python3\"]\n",
            )
        },
    };

    fn summary(params: &Params) -> String {
        match &params.tools[..] {
            [] => "no compiler, package manager or SDK".into(),
            all => format!(
                "no {}",
                listed(all.iter().map(String::as_str), "or").replace('`', "")
            ),
        }
    }

    fn needs(_: &Params) -> Vec<Need> {
        vec![Need::Image]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let image = view.image()?;
        let tools = wanted(params);
        let found = tools_in(image, &tools);
        let Some((tool, paths)) = found.first_key_value() else {
            return Ok(Verdict::passed(match params.tools.len() {
                0 => "no compiler, package manager or SDK".to_owned(),
                n => format!("none of {n} tools"),
            }));
        };
        let origins = Origins::new(view, image);
        let first = paths[0];
        let message = match found.len() {
            1 => format!("`{tool}` is in the image: /{first}"),
            n => format!(
                "{n} tools are in the image: {}",
                listed(found.keys().copied(), "and")
            ),
        };
        let mut finding = origins.finding_at(message, first).expected(
            format!("none of {}", tools.join(", ")),
            found.keys().copied().collect::<Vec<_>>().join(", "),
        );
        for (tool, paths) in found.iter().skip(1).take(4) {
            let layer = image.tree.get(paths[0]).map(|e| e.layer);
            finding = finding.related(
                Place::path(format!("/{}", paths[0]), layer),
                format!("`{tool}`"),
            );
        }
        let lines = found
            .iter()
            .flat_map(|(tool, paths)| paths.iter().map(move |p| (tool, p)));
        let described = lines.map(|(tool, path)| {
            let layer = image.tree.get(path).map_or(0, |e| e.layer);
            format!("`{tool}` is /{path}, from {}", origins.describe(layer))
        });
        finding = finding.details(described.take(8));
        let layer = image.tree.get(first).map_or(0, |e| e.layer);
        finding = finding.help(match origins.of_layer(layer) {
            Brought::Base(_) => {
                "The base image brings it: start the final stage from a base without it."
            }
            Brought::Line(line) if line.keyword == Keyword::Run => {
                "Install it in a builder stage, and copy only the result into the final stage."
            }
            _ => "Leave it behind in the builder stage.",
        });
        let all: Vec<&str> = found.values().flatten().copied().collect();
        finding
            .fixes
            .extend(scratch::without(view, image, &origins, &all));
        Ok(finding.into())
    }

    fn promised_by_text(params: &Params, view: &View<'_>) -> Option<bool> {
        let text = Text::new(view)?;
        let tools = wanted(params);
        for (_, instruction) in text.effective() {
            if let Command::Copy(copy) | Command::Add(copy) = &instruction.command {
                for source in &copy.sources {
                    let path = literal(&source.text)?;
                    let name = path
                        .trim_end_matches('/')
                        .rsplit('/')
                        .next()
                        .unwrap_or_default()
                        .to_owned();
                    if tools.iter().any(|t| is_tool(t, &name)) {
                        return Some(false);
                    }
                }
            }
        }
        // The base is what it was: what it held when the image was read, it still holds.
        let image = view.image().ok()?;
        let layers = *view.first_image().ok()?.base_layers.seen().ok()?;
        let from_base = |paths: &[&str]| {
            paths
                .iter()
                .any(|p| image.tree.get(p).is_some_and(|e| e.layer < layers))
        };
        let origins = Origins::new(view, image);
        let base_has_one = tools_in(image, &tools)
            .values()
            .any(|paths| from_base(paths));
        let same_base = match (text.base(), origins.base_from().map(|f| &f.command)) {
            (Base::Scratch, _) => true,
            (Base::Image(_), Some(Command::From { .. })) => !base_has_one,
            _ => false,
        };
        let runs = text.effective().any(|(_, i)| i.keyword == Keyword::Run);
        (same_base && !runs).then_some(true)
    }
}

fn wanted(params: &Params) -> Vec<&str> {
    if params.tools.is_empty() {
        USUAL.to_vec()
    } else {
        params.tools.iter().map(String::as_str).collect()
    }
}

/// Whether a program of that name is the tool, also with a version behind or a machine before it.
fn is_tool(tool: &str, name: &str) -> bool {
    if matches_pattern(tool, name) {
        return true;
    }
    let unversioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let unversioned = unversioned.strip_suffix('-').unwrap_or(unversioned);
    let plain = match unversioned.split_once("-linux-") {
        // x86_64-linux-gnu-gcc, x86_64-alpine-linux-musl-gcc
        Some((_, rest)) => rest.split_once('-').map_or(rest, |(_, name)| name),
        None => unversioned,
    };
    !plain.is_empty() && (matches_pattern(tool, unversioned) || matches_pattern(tool, plain))
}

/// The tools that are there, each with its paths, those that one types first.
fn tools_in<'a, 'b>(image: &'a Image, tools: &[&'b str]) -> BTreeMap<&'b str, Vec<&'a str>> {
    let path = image
        .config
        .env
        .iter()
        .rev()
        .find_map(|e| e.strip_prefix("PATH="))
        .unwrap_or_default();
    let named: Vec<String> = path.split(':').map(crate::image::normalize).collect();
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, entry) in image.tree.iter() {
        if entry.kind == EntryKind::Directory {
            continue;
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let last = folder.rsplit('/').next().unwrap_or(folder);
        if !matches!(last, "bin" | "sbin" | ".bin" | "libexec")
            && !named.iter().any(|n| n == folder)
        {
            continue;
        }
        let Some(tool) = tools.iter().find(|t| is_tool(t, name)) else {
            continue;
        };
        let starts = image.tree.resolve(path).is_ok_and(|end| {
            matches!(end.entry.kind, EntryKind::File { .. }) && end.entry.mode & 0o111 != 0
        });
        if starts {
            found.entry(tool).or_default().push(path);
        }
    }
    for (tool, paths) in &mut found {
        paths.sort_by_key(|p| (p.rsplit('/').next() != Some(*tool), p.len(), *p));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn of(layers: &str, tools: &str) -> Case {
        Case::of_image(&format!("env PATH=/opt/tools:/bin\nlayer x\n{layers}"))
            .params(&format!("tools = {tools}"))
    }

    #[test]
    fn a_tool_is_found_by_any_of_its_names() {
        for (layers, tools) in [
            ("file /usr/bin/gcc 0755 elf-dynamic", "[\"gcc\"]"),
            ("file /usr/bin/gcc-14 0755 elf-dynamic", "[\"gcc\"]"),
            (
                "file /usr/bin/x86_64-linux-gnu-gcc-14 0755 elf-dynamic",
                "[\"gcc\"]",
            ),
            (
                "file /usr/bin/x86_64-alpine-linux-musl-gcc 0755 elf-dynamic",
                "[\"gcc\"]",
            ),
            ("file /venv/bin/pip3.13 0755 script python", "[\"pip\"]"),
            ("file /opt/tools/make 0755 elf-dynamic", "[\"make\"]"),
            (
                "file /bin/busybox 0755 busybox\nlink /sbin/apk -> /bin/busybox",
                "[\"apk\"]",
            ),
            (
                "file /app/node_modules/typescript/bin/tsc 0755 script node\nlink /app/node_modules/.bin/tsc -> ../typescript/bin/tsc",
                "[\"tsc\"]",
            ),
            ("file /usr/local/go/bin/go 0755 elf-static", "[]"),
            ("file /usr/bin/npm 0755 script node", "[\"np*\"]"),
            ("file /usr/bin/g++ 0755 elf-dynamic", "[\"g++\"]"),
        ] {
            of(layers, tools).fails::<ToolsAbsent>();
        }
    }

    #[test]
    fn what_cannot_be_started_or_is_another_thing_is_no_tool() {
        for (layers, tools) in [
            ("file /usr/bin/gcc 0644 elf-dynamic", "[\"gcc\"]"),
            ("link /usr/bin/gcc -> /gone", "[\"gcc\"]"),
            ("dir /usr/bin/gcc", "[\"gcc\"]"),
            ("file /usr/share/doc/gcc 0755 text x", "[\"gcc\"]"),
            ("file /usr/bin/gcc-ar 0755 elf-dynamic", "[\"gcc\"]"),
            ("file /usr/bin/node 0755 elf-dynamic", "[\"npm\"]"),
            ("file /usr/bin/python3.13 0755 elf-dynamic", "[\"pip\"]"),
            (
                "file /usr/bin/gcc 0755 elf-dynamic\nlayer RUN rm\nwhiteout /usr/bin/gcc",
                "[\"gcc\"]",
            ),
        ] {
            of(layers, tools).passes::<ToolsAbsent>();
        }
    }

    const NGINX: &str = "
        FROM node:24-alpine AS builder
        RUN npm run build
        FROM nginxinc/nginx-unprivileged:1.26-alpine AS production
        COPY --from=builder /app/dist /usr/share/nginx/html
        COPY --from=builder /usr/local/bin/node /usr/local/bin/node";
    const IMAGE: &str = "cmd [\"nginx\"]
        layer ADD rootfs / # buildkit
        file /usr/sbin/nginx 0755 elf-dynamic
        layer COPY /app/dist /usr/share/nginx/html # buildkit
        file /usr/share/nginx/html/index.html 0644 text x
        layer COPY /usr/local/bin/node /usr/local/bin/node # buildkit
        file /usr/local/bin/node 0755 elf-dynamic";

    #[test]
    fn the_line_that_took_a_tool_along_can_go() {
        let w = Case::of(NGINX)
            .image(IMAGE)
            .base_layers(1)
            .params("tools = [\"node\", \"npm\"]");
        let finding = w.fails::<ToolsAbsent>();
        assert_eq!(
            finding.message,
            "`node` is in the image: /usr/local/bin/node"
        );
        assert_eq!(
            w.words(&finding),
            "COPY --from=builder /usr/local/bin/node /usr/local/bin/node"
        );
        assert!(
            w.promised_fix::<ToolsAbsent>()
                .ends_with("/usr/share/nginx/html\n")
        );
    }

    #[test]
    fn a_tool_of_the_base_is_the_bases() {
        let base = IMAGE.replace(
            "file /usr/sbin/nginx 0755 elf-dynamic",
            "file /usr/sbin/nginx 0755 elf-dynamic\nfile /usr/bin/npm 0755 text x",
        );
        let w = Case::of(NGINX)
            .image(&base)
            .base_layers(1)
            .params("tools = [\"npm\"]");
        assert_eq!(
            w.words(&w.fails::<ToolsAbsent>()),
            "nginxinc/nginx-unprivileged:1.26-alpine"
        );
        w.has_no_fix::<ToolsAbsent>();
    }
}
