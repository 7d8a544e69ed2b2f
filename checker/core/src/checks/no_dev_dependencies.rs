//! `no-dev-dependencies`: what is only needed to develop is not installed.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Files, Finding, Place};
use crate::evidence::{Need, Unseen};
use crate::image::{EntryKind, Image};

use super::mend::Text;
use super::origin::Origins;
use super::started::facts;
use super::{Check, Doc, Example, Judged, NoParams, Verdict, View, npm};

/// No package of `devDependencies` is in the image's `node_modules`.
pub(super) struct NoDevDependencies;

impl Check for NoDevDependencies {
    type Params = NoParams;
    const ID: &'static str = "no-dev-dependencies";
    const TITLE: &'static str = "No devDependencies ship";
    const DOC: Doc = Doc {
        what: "No package that `package.json` lists under `devDependencies` is in a `node_modules` folder of the image. \
            A package that another one needs at run time is not counted, even if it is also listed there: \
            `package-lock.json` tells them apart.",
        why: "Compilers, test runners and linters are most of `node_modules`, and the program never opens them. \
            They also bring most of the known vulnerabilities.",
        bad: Example {
            files: &[("package.json", PACKAGE)],
            image: "layer ADD rootfs.tar.gz / # buildkit\n\
                file /usr/local/bin/node 0755 elf-dynamic size=110000000\n\
                history WORKDIR /app\n\
                layer COPY /app/node_modules ./node_modules # buildkit\n\
                file /app/node_modules/express/package.json 0644 text {\"name\":\"express\"}\n\
                file /app/node_modules/typescript/package.json 0644 text {\"name\":\"typescript\"}\n\
                history CMD [\"node\" \"dist/server.js\"]",
            ..Example::text(
                "FROM node:24-alpine AS builder\n\
                WORKDIR /app\n\
                COPY . .\n\
                RUN npm ci\n\
                RUN npm run build\n\
                \n\
                FROM node:24-alpine\n\
                WORKDIR /app\n\
                COPY --from=builder /app/node_modules ./node_modules\n\
                CMD [\"node\", \"dist/server.js\"]\n",
            )
        },
        good: Example {
            files: &[("package.json", PACKAGE)],
            image: "layer ADD rootfs.tar.gz / # buildkit\n\
                file /usr/local/bin/node 0755 elf-dynamic size=110000000\n\
                history WORKDIR /app\n\
                layer COPY /app/node_modules ./node_modules # buildkit\n\
                file /app/node_modules/express/package.json 0644 text {\"name\":\"express\"}\n\
                history CMD [\"node\" \"dist/server.js\"]",
            ..Example::text(
                "FROM node:24-alpine AS builder\n\
                WORKDIR /app\n\
                COPY . .\n\
                RUN npm ci\n\
                RUN npm run build\n\
                RUN npm prune --omit=dev\n\
                \n\
                FROM node:24-alpine\n\
                WORKDIR /app\n\
                COPY --from=builder /app/node_modules ./node_modules\n\
                CMD [\"node\", \"dist/server.js\"]\n",
            )
        },
    };

    fn summary(_: &NoParams) -> String {
        "no devDependencies in node_modules".into()
    }

    fn needs(_: &NoParams) -> Vec<Need> {
        vec![Need::Image]
    }

    fn judge(_: &NoParams, view: &View<'_>) -> Judged {
        let image = view.image()?;
        let roots = roots(image);
        if roots.is_empty() {
            return Ok(Verdict::passed("no node_modules in the image"));
        }
        let mut found: Vec<(String, String)> = Vec::new();
        let mut packages = 0;
        for root in &roots {
            let installed = installed(image, root);
            let project = Project::of(image, &view.evidence.files, root, &installed).ok_or_else(|| {
                Unseen::Failed(format!(
                    "there is no package.json that says what is a devDependency in /{root}/node_modules"
                ))
            })?;
            packages += installed.len();
            found.extend(project.dev_among(&installed));
        }
        found.sort();
        found.dedup();
        let Some((first, path)) = found.first() else {
            return Ok(Verdict::passed(format!("none among {packages} packages")));
        };
        let names: BTreeSet<&str> = found.iter().map(|(n, _)| n.as_str()).collect();
        let message = match names.len() {
            1 => format!("the devDependency `{first}` is in the image"),
            n => format!("{n} devDependencies are in the image, `{first}` for one"),
        };
        let origins = Origins::new(view, image);
        let mut finding = origins
            .finding_at(message, path)
            .expected("no package of devDependencies", names.iter().copied().collect::<Vec<_>>().join(", "))
            .details(found.iter().take(8).map(|(_, path)| {
                let layer = image.tree.get(path).map_or(0, |e| e.layer);
                format!("/{path} from {}", origins.describe(layer))
            }))
            .help(
                "Install with `npm ci --omit=dev` for the image that ships, or take the devDependencies away with \
                 `npm prune --omit=dev` once the build is done.",
            );
        for (name, path) in found.iter().skip(1).take(3) {
            let layer = image.tree.get(path).map(|e| e.layer);
            finding = finding.related(Place::path(format!("/{path}"), layer), format!("`{name}`"));
        }
        let layer = image.tree.get(path).map_or(0, |e| e.layer);
        Ok(mended(finding, view, &origins, layer).into())
    }

    fn promised_by_text(_: &NoParams, view: &View<'_>) -> Option<bool> {
        npm::ships_no_dev(&Text::new(view)?)
    }
}

const PACKAGE: &str = "{\n  \"dependencies\": { \"express\": \"^5.0.0\" },\n  \
    \"devDependencies\": { \"typescript\": \"^5.9.0\" }\n}\n";

fn mended(finding: Finding, view: &View<'_>, origins: &Origins<'_>, layer: usize) -> Finding {
    let Some(text) = Text::new(view) else {
        return finding;
    };
    let mut finding = finding;
    finding
        .fixes
        .extend(npm::fixes(&text, origins.of_layer(layer)));
    finding
}

/// The folders that hold a project's `node_modules`, without a leading slash. Nested ones belong to a package, and
/// those below `lib/` to programs that were installed for everybody, such as npm itself.
fn roots(image: &Image) -> Vec<String> {
    let mut roots = BTreeSet::new();
    for (path, _) in image.tree.iter() {
        let Some(at) = path.find("node_modules/") else {
            continue;
        };
        let root = path[..at].trim_end_matches('/');
        let is_folder = at == 0 || path[..at].ends_with('/');
        if is_folder && !root.ends_with("lib") && !root.contains("/lib/") {
            roots.insert(root.to_owned());
        }
    }
    roots.into_iter().collect()
}

/// The packages in a project's `node_modules`: each path below the root, and whether it stands at the top. Packages of
/// packages are there too; what pnpm keeps in its store is there under its own path.
fn installed(image: &Image, root: &str) -> BTreeMap<String, String> {
    let top = if root.is_empty() {
        "node_modules".to_owned()
    } else {
        format!("{root}/node_modules")
    };
    let mut found = BTreeMap::new();
    collect(image, &top, "node_modules", &mut found, 0);
    found
}

/// How deep packages of packages are looked for.
const DEPTH: usize = 24;

fn collect(
    image: &Image,
    folder: &str,
    shown: &str,
    found: &mut BTreeMap<String, String>,
    depth: usize,
) {
    if depth > DEPTH {
        return;
    }
    let mut packages: Vec<(String, String)> = Vec::new();
    for (name, child) in image.tree.children(folder) {
        if name.starts_with('@') && child.entry.kind == EntryKind::Directory {
            let scoped = image.tree.children(child.path);
            packages.extend(scoped.map(|(n, c)| (format!("{name}/{n}"), c.path.to_owned())));
        } else if !name.starts_with('.') {
            packages.push((name.to_owned(), child.path.to_owned()));
        }
    }
    for (name, path) in packages {
        let Ok(end) = image.tree.resolve(&path) else {
            continue;
        };
        if end.entry.kind != EntryKind::Directory {
            continue;
        }
        let is_link = matches!(
            image.tree.get(&path).map(|e| &e.kind),
            Some(EntryKind::Symlink(_))
        );
        let key = format!("{shown}/{name}");
        if !is_link {
            let nested = format!("{path}/node_modules");
            collect(
                image,
                &nested,
                &format!("{key}/node_modules"),
                found,
                depth + 1,
            );
        }
        found.insert(key, path);
    }
    let store = format!("{folder}/.pnpm");
    for (name, child) in image.tree.children(&store) {
        let nested = format!("{}/node_modules", child.path);
        if name != "node_modules" {
            collect(
                image,
                &nested,
                &format!("{shown}/.pnpm/{name}/node_modules"),
                found,
                depth + 1,
            );
        }
    }
}

/// What a `package.json` and its lock file say about packages.
struct Project {
    dev: BTreeSet<String>,
    /// From `package-lock.json`: whether the package at a path is for development only.
    lock: Option<BTreeMap<String, bool>>,
}

impl Project {
    /// The project whose packages are below `root`: by the image's own `package.json`, or else by the learner's. Of
    /// several that the learner has, it is the one that asks for most of what is installed.
    fn of(
        image: &Image,
        files: &Files,
        root: &str,
        installed: &BTreeMap<String, String>,
    ) -> Option<Self> {
        let path = format!("{root}/package.json");
        let content = image
            .tree
            .resolve(&path)
            .ok()
            .and_then(|end| facts(end.entry)?.content.as_ref());
        let own = content.and_then(|c| serde_json::from_slice::<serde_json::Value>(c).ok());
        let learners: Vec<(&str, serde_json::Value)> = files
            .iter()
            .filter(|(p, _)| *p == "package.json" || p.ends_with("/package.json"))
            .filter(|(p, _)| !p.contains("node_modules/"))
            .filter_map(|(p, s)| Some((p.as_str(), serde_json::from_slice(s.bytes()).ok()?)))
            .collect();
        let asked_for = |manifest: &serde_json::Value| {
            let asks = |name: &str| {
                ["dependencies", "devDependencies", "optionalDependencies"]
                    .iter()
                    .any(|key| manifest.get(key).is_some_and(|t| t.get(name).is_some()))
            };
            let top = installed
                .keys()
                .filter_map(|k| k.strip_prefix("node_modules/"));
            top.filter(|name| asks(name)).count()
        };
        // The same project in the learner's folder: the same name, or the one that fits what is installed. A manifest that
        // was written for the image alone, and asks for less than is there, hides nothing.
        let fitting = learners
            .iter()
            .max_by_key(|(path, l)| (asked_for(l), *path == "package.json"));
        let same = match &own {
            Some(own) => {
                let namesake = learners
                    .iter()
                    .find(|(_, l)| l.get("name") == own.get("name"));
                namesake.or(fitting.filter(|(_, l)| asked_for(l) > asked_for(own)))
            }
            None => fitting,
        };
        let manifest = same.map(|(_, l)| l).or(own.as_ref())?;
        let names = |key: &str| -> BTreeSet<String> {
            let table = manifest.get(key).and_then(serde_json::Value::as_object);
            table
                .map(|t| t.keys().cloned().collect())
                .unwrap_or_default()
        };
        let mut dev = names("devDependencies");
        for key in ["dependencies", "optionalDependencies"] {
            let needed = names(key);
            dev.retain(|d| !needed.contains(d));
        }
        let lock = same.and_then(|(path, _)| {
            let folder = path.trim_end_matches("package.json");
            let lock = files.get(&format!("{folder}package-lock.json"))?;
            let lock: serde_json::Value = serde_json::from_slice(lock.bytes()).ok()?;
            let packages = lock.get("packages")?.as_object()?;
            let is_dev = |p: &serde_json::Value| {
                p.get("dev").and_then(serde_json::Value::as_bool) == Some(true)
            };
            Some(
                packages
                    .iter()
                    .map(|(path, p)| (path.clone(), is_dev(p)))
                    .collect(),
            )
        });
        Some(Self { dev, lock })
    }

    /// The packages among these that only development needs: name and path in the image.
    fn dev_among(&self, installed: &BTreeMap<String, String>) -> Vec<(String, String)> {
        let is_dev = |key: &str, name: &str| {
            if !self.dev.contains(name) {
                return false;
            }
            if let Some(lock) = &self.lock
                && let Some(dev) = lock.get(key)
            {
                return *dev;
            }
            let top = key == format!("node_modules/{name}");
            // Of pnpm's store only what no other package links to is the project's own.
            let in_store = key.starts_with("node_modules/.pnpm/");
            let own = format!("/.pnpm/{}@", name.replace('/', "+"));
            top || in_store
                && key.contains(&own)
                && !installed.keys().any(|k| {
                    k.ends_with(&format!("/node_modules/{name}"))
                        && k.contains("/.pnpm/")
                        && !k.contains(&own)
                })
        };
        let name_of = |key: &str| key.rsplit_once("node_modules/").map(|(_, n)| n.to_owned());
        installed
            .iter()
            .filter_map(|(key, path)| Some((name_of(key)?, key, path)))
            .filter(|(name, key, _)| is_dev(key, name))
            .map(|(name, _, path)| (name, path.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    const MANIFEST: &str = r#"{"name":"app","dependencies":{"express":"5","both":"1"},
        "devDependencies":{"typescript":"5","@types/node":"24","semver":"7","both":"1"}}"#;
    const LOCK: &str = r#"{"packages":{
        "":{},
        "node_modules/express":{},
        "node_modules/typescript":{"dev":true},
        "node_modules/semver":{},
        "node_modules/express/node_modules/typescript":{}}}"#;

    fn package(path: &str) -> String {
        format!("file /app/node_modules/{path}/package.json 0644 text {{}}\n")
    }

    fn of(packages: &[&str]) -> Case {
        let files: String = packages.iter().map(|p| package(p)).collect();
        Case::of("FROM node:24-alpine\nCOPY . .")
            .image(&format!("layer x\n{files}"))
            .file("package.json", MANIFEST)
    }

    #[test]
    fn listed_packages_are_found_at_the_top() {
        of(&["express", "express/node_modules/typescript", "both"]).passes::<NoDevDependencies>();
        let finding = of(&["express", "typescript", "@types/node"]).fails::<NoDevDependencies>();
        assert_eq!(
            finding.message,
            "2 devDependencies are in the image, `@types/node` for one"
        );
        assert!(finding.details[0].starts_with("/app/node_modules/@types/node from"));
    }

    #[test]
    fn the_lock_file_knows_what_else_needs_a_package() {
        of(&["semver"]).fails::<NoDevDependencies>();
        let with_lock = |p: &[&str]| of(p).file("package-lock.json", LOCK);
        with_lock(&["semver", "express/node_modules/typescript"]).passes::<NoDevDependencies>();
        with_lock(&["typescript"]).fails::<NoDevDependencies>();
    }

    #[test]
    fn pnpms_store_is_read_through_its_links() {
        let store = "layer x
            file /app/node_modules/.pnpm/typescript@5.9.0/node_modules/typescript/package.json 0644 text {}";
        let linked = format!(
            "{store}\nlink /app/node_modules/typescript -> .pnpm/typescript@5.9.0/node_modules/typescript"
        );
        let work = |image: &str| {
            Case::of("FROM node:24")
                .image(image)
                .file("package.json", MANIFEST)
        };
        work(&linked).fails::<NoDevDependencies>();
        work(store).fails::<NoDevDependencies>();
        let needed = format!(
            "{store}\nfile /app/node_modules/.pnpm/ts-node@1/node_modules/ts-node/package.json 0644 text {{}}
            link /app/node_modules/.pnpm/ts-node@1/node_modules/typescript -> ../../typescript@5.9.0/node_modules/typescript"
        );
        work(&needed).passes::<NoDevDependencies>();
    }

    #[test]
    fn the_image_s_own_manifest_will_do() {
        let image = format!(
            "layer x\nfile /app/package.json 0644 text {}\n{}",
            MANIFEST.replace('\n', ""),
            package("typescript")
        );
        Case::of_image(&image).fails::<NoDevDependencies>();
        let clean = image.replace("node_modules/typescript", "node_modules/express");
        Case::of_image(&clean).passes::<NoDevDependencies>();
    }

    #[test]
    fn a_manifest_for_the_image_alone_hides_nothing() {
        let work = |own: &str, packages: &[&str]| {
            let files: String = packages.iter().map(|p| package(p)).collect();
            Case::of("FROM node:24-alpine\nCOPY . .")
                .image(&format!(
                    "layer x\nfile /app/package.json 0644 text {own}\n{files}"
                ))
                .file("package.json", MANIFEST)
        };
        let (short, fuller) = (
            r#"{"type":"module"}"#,
            r#"{"dependencies":{"express":"5"}}"#,
        );
        for own in [short, fuller] {
            work(own, &["express", "typescript"]).fails::<NoDevDependencies>();
            work(own, &["express"]).passes::<NoDevDependencies>();
        }
    }

    #[test]
    fn of_two_projects_it_is_the_one_whose_packages_are_there() {
        let page =
            r#"{"name":"page","dependencies":{"react":"19"},"devDependencies":{"vite":"8"}}"#;
        let work = |packages: &[&str]| {
            let files: String = packages.iter().map(|p| package(p)).collect();
            Case::of("FROM node:24-alpine\nCOPY . .")
                .image(&format!("layer x\n{files}"))
                .file("backend/package.json", MANIFEST)
                .file("frontend/package.json", page)
        };
        work(&["express"]).passes::<NoDevDependencies>();
        work(&["express", "typescript"]).fails::<NoDevDependencies>();
        work(&["react", "react-dom"]).passes::<NoDevDependencies>();
        work(&["react", "vite"]).fails::<NoDevDependencies>();
    }

    #[test]
    fn without_a_manifest_there_is_no_verdict() {
        let w = Case::of_image(&format!("layer x\n{}", package("typescript")));
        assert!(matches!(w.unseen::<NoDevDependencies>(), Unseen::Failed(_)));
        Case::of_image("layer x\nfile /server 0755 elf-static").passes::<NoDevDependencies>();
        let npm = "layer x\nfile /usr/local/lib/node_modules/npm/package.json 0644 text {}";
        Case::of_image(npm).passes::<NoDevDependencies>();
    }

    fn image(history: &str) -> String {
        format!(
            "layer ADD rootfs /\nfile /usr/bin/node 0755 elf-dynamic\n{history}\n{}",
            package("typescript")
        )
    }

    #[test]
    fn a_builder_is_pruned_after_its_last_command() {
        let dockerfile = "FROM node:24-alpine AS builder\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\n\n\
            FROM node:24-alpine AS production\nWORKDIR /app\nCOPY --from=builder /app/node_modules ./node_modules\n\
            COPY --from=builder /app/dist ./dist\n";
        let layers =
            image("history WORKDIR /app\nlayer COPY /app/node_modules ./node_modules # buildkit");
        let work = |text: &str| {
            Case::of(text)
                .image(&layers)
                .base_layers(1)
                .file("package.json", MANIFEST)
        };
        let w = work(dockerfile);
        assert_eq!(
            w.words(&w.fails::<NoDevDependencies>()),
            "COPY --from=builder /app/node_modules ./node_modules"
        );
        let wanted = dockerfile.replace(
            "RUN npm run build\n",
            "RUN npm run build\nRUN npm prune --omit=dev\n",
        );
        assert_eq!(w.promised_fix::<NoDevDependencies>(), wanted);
        let tested =
            dockerfile.replace("\n\nFROM", "\n\nFROM builder AS test\nRUN npm test\n\nFROM");
        work(&tested).has_no_fix::<NoDevDependencies>();
    }

    #[test]
    fn a_stage_with_the_right_packages_comes_first() {
        let dockerfile = "FROM node:24-alpine AS deps\nWORKDIR /app\nCOPY package.json ./\nRUN npm ci --omit=dev\n\
            FROM node:24-alpine AS builder\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\n\
            FROM builder AS test\nRUN npm test\n\
            FROM node:24-alpine AS production\nWORKDIR /app\nCOPY --from=test /app/node_modules ./node_modules\n\
            COPY --from=test /app/dist ./dist\n";
        let layers =
            image("history WORKDIR /app\nlayer COPY /app/node_modules ./node_modules # buildkit");
        let w = Case::of(dockerfile)
            .image(&layers)
            .base_layers(1)
            .file("package.json", MANIFEST);
        let wanted = dockerfile.replace(
            "--from=test /app/node_modules",
            "--from=deps /app/node_modules",
        );
        assert_eq!(w.promised_fix::<NoDevDependencies>(), wanted);
    }

    #[test]
    fn an_install_of_its_own_leaves_them_out() {
        let dockerfile = "FROM node:24-alpine\nWORKDIR /app\nCOPY package.json ./\nRUN npm ci\nCMD [\"node\", \"x.js\"]\n";
        let layers = image(
            "history WORKDIR /app\nlayer COPY package.json ./ # buildkit\nlayer RUN /bin/sh -c npm ci # buildkit",
        );
        let work = |text: &str| {
            Case::of(text)
                .image(&layers)
                .base_layers(1)
                .file("package.json", MANIFEST)
        };
        assert!(
            work(dockerfile)
                .promised_fix::<NoDevDependencies>()
                .contains("RUN npm ci --omit=dev\n")
        );
        let builds = dockerfile.replace("CMD", "RUN npm run build\nCMD");
        work(&builds).has_no_fix::<NoDevDependencies>();
    }
}
