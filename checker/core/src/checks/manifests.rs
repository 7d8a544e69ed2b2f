//! Which files dependencies are installed from, told from the source by their names.

use super::params::matches_pattern;

/// Files that list dependencies or say how to fetch them.
const MANIFESTS: &[&str] = &[
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "bun.lock",
    "bun.lockb",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnp.cjs",
    ".nvmrc",
    ".node-version",
    "requirements*.txt",
    "requirements*.in",
    "constraints*.txt",
    "pyproject.toml",
    "poetry.lock",
    "uv.lock",
    "Pipfile",
    "Pipfile.lock",
    "setup.py",
    "setup.cfg",
    ".python-version",
    "go.mod",
    "go.sum",
    "go.work",
    "go.work.sum",
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain*",
    "Gemfile",
    "Gemfile.lock",
    "*.gemspec",
    "composer.json",
    "composer.lock",
    "pom.xml",
    "build.gradle*",
    "settings.gradle*",
    "gradle.properties",
    "gradlew",
    "mvnw",
    "*.csproj",
    "*.sln",
    "*.props",
    "nuget.config",
    "*.config.js",
    "*.config.ts",
    "*.config.mjs",
    "*.config.cjs",
    "Makefile",
];

/// Endings of files that configure and hold no program.
const CONFIG_ENDINGS: &[&str] = &[
    "json", "toml", "yaml", "yml", "lock", "cfg", "ini", "md", "tgz", "whl", "tar", "gz", "pem",
    "crt", "rst",
];

/// Folders with dependencies themselves, or with what a package manager needs to install them.
const VENDORED: &[&str] = &[
    "vendor",
    "wheels",
    "wheelhouse",
    "patches",
    ".yarn",
    ".mvn",
    "gradle",
    "npm-cache",
    ".npm-cache",
    "node_modules",
    "requirements",
    "prisma",
    "third_party",
];

/// Whether a `COPY` of this source, as written, brings only what dependencies are installed from: a manifest,
/// configuration, or dependencies themselves. `listed` are the lab's own manifests: paths or patterns.
pub(super) fn is_manifest(source: &str, listed: &[String]) -> bool {
    let path = source.trim_start_matches("./").trim_matches('/');
    if path.is_empty() || path == "." || path.starts_with("http") && path.contains("://") {
        return source.contains("://");
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let named = |pattern: &str| {
        matches_pattern(pattern, name)
            || matches_pattern(pattern, path)
            || glob_within(name, pattern)
    };
    if listed
        .iter()
        .any(|l| named(l) || named(l.rsplit('/').next().unwrap_or(l)))
    {
        return true;
    }
    if MANIFESTS.iter().any(|m| named(m)) || VENDORED.contains(&name) {
        return true;
    }
    match name.rsplit_once('.') {
        // `*.txt` can only mean a list of requirements, and texts.
        Some((stem, ending)) => CONFIG_ENDINGS.contains(&ending) || stem == "*" && ending == "txt",
        None => matches!(name, "LICENSE" | "README" | "NOTICE"),
    }
}

/// Whether the written pattern `name` can only mean a manifest: `package*` and `go.*`, but not `*`.
fn glob_within(name: &str, manifest: &str) -> bool {
    let Some(star) = name.find(['*', '?', '[']) else {
        return false;
    };
    star >= 2 && manifest.starts_with(&name[..star]) && matches_pattern(&simplified(name), manifest)
}

/// Character classes as a single `?`.
fn simplified(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(open) = rest.find('[') {
        out.push_str(&rest[..open]);
        match rest[open..].find(']') {
            Some(close) => {
                out.push('?');
                rest = &rest[open + close + 1..];
            }
            None => break,
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_told_from_source() {
        for manifest in [
            "package*.json",
            "package.json",
            "./package-lock.json",
            "frontend/package.json",
            "go.*",
            "go.mod",
            "go.sum*",
            "requirements.txt",
            "requirements-dev.txt",
            "tsconfig.json",
            "vendor/",
            "vite.config.js",
            "package*",
            "package[-.]*json",
        ] {
            assert!(is_manifest(manifest, &[]), "{manifest}");
        }
        for source in [
            ".",
            "./",
            "src",
            "src/",
            "*",
            "*.go",
            "main.go",
            "app.py",
            "p*",
            "cmd/server",
            "/",
            "./.",
        ] {
            assert!(!is_manifest(source, &[]), "{source}");
        }
        assert!(is_manifest("deps.edn", &["deps.edn".into()]));
        assert!(is_manifest("api/deps.edn", &["deps.edn".into()]));
    }
}
