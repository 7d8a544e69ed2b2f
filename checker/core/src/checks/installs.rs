//! What package managers and compilers do: which command installs dependencies, from which manifests, and where it
//! keeps what it downloads.

use super::shell::ShellCommand;

/// A family of package managers that share a project's dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Ecosystem {
    /// npm, Yarn, pnpm, Bun.
    Node,
    /// pip, uv, Poetry, Pipenv.
    Python,
    /// Go modules.
    Go,
    /// Cargo.
    Rust,
    /// Bundler.
    Ruby,
    /// Composer.
    Php,
    /// Maven, Gradle.
    Java,
    /// NuGet.
    Dotnet,
}

/// A command that installs a project's dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Install {
    /// Whose dependencies.
    pub(super) ecosystem: Ecosystem,
    /// The files it reads, as a fix would copy them.
    pub(super) manifests: Vec<String>,
    /// Where it keeps what it downloads, in an image whose user is root.
    pub(super) caches: &'static [&'static str],
    /// Whether it needs the source too: `go build` and `pip install .` fetch what is missing on the way.
    pub(super) needs_source: bool,
}

const NPM: &[&str] = &["/root/.npm"];
const YARN: &[&str] = &["/usr/local/share/.cache/yarn"];
const PNPM: &[&str] = &["/root/.local/share/pnpm/store"];
const BUN: &[&str] = &["/root/.bun/install/cache"];
const PIP: &[&str] = &["/root/.cache/pip"];
const UV: &[&str] = &["/root/.cache/uv"];
const POETRY: &[&str] = &["/root/.cache/pypoetry"];
const GO_MODULES: &[&str] = &["/go/pkg/mod"];
const GO_BUILD: &[&str] = &["/root/.cache/go-build", "/go/pkg/mod"];
const GO_COMPILED: &[&str] = &["/root/.cache/go-build"];
const CARGO: &[&str] = &["/usr/local/cargo/registry"];
const MAVEN: &[&str] = &["/root/.m2"];
const GRADLE: &[&str] = &["/root/.gradle"];
const NUGET: &[&str] = &["/root/.nuget/packages"];

/// What `command` installs, if it installs the dependencies that a project's manifests list.
pub(super) fn install_of(command: &ShellCommand) -> Option<Install> {
    let args: Vec<&str> = command.args().iter().map(|a| a.text.as_str()).collect();
    match command.program() {
        program @ ("npm" | "yarn" | "yarnpkg" | "pnpm" | "bun") => node(program, &args),
        program if is_pip(program) => pip(&args),
        python if python.starts_with("python") => match module(&args) {
            Some(("pip", rest)) => pip(rest),
            _ => None,
        },
        program @ ("uv" | "poetry" | "pipenv") => python(program, &args),
        "go" => go(&args),
        "cargo" => match args.first() {
            Some(&"fetch") => Some(new(
                Ecosystem::Rust,
                &["Cargo.toml", "Cargo.lock"],
                CARGO,
                false,
            )),
            Some(&("build" | "b" | "install" | "test" | "check")) => Some(new(
                Ecosystem::Rust,
                &["Cargo.toml", "Cargo.lock"],
                CARGO,
                true,
            )),
            _ => None,
        },
        "bundle" => (args.is_empty() || args[0] == "install")
            .then(|| new(Ecosystem::Ruby, &["Gemfile", "Gemfile.lock"], &[], false)),
        "composer" => (args.first() == Some(&"install")).then(|| {
            new(
                Ecosystem::Php,
                &["composer.json", "composer.lock"],
                &[],
                false,
            )
        }),
        "mvn" | "mvnw" => {
            let offline = args.iter().any(|a| a.starts_with("dependency:"));
            let builds = args
                .iter()
                .any(|a| matches!(*a, "package" | "install" | "verify" | "compile"));
            (offline || builds).then(|| new(Ecosystem::Java, &["pom.xml"], MAVEN, !offline))
        }
        "gradle" | "gradlew" => {
            let offline = args.contains(&"dependencies");
            Some(new(Ecosystem::Java, &["build.gradle*"], GRADLE, !offline))
        }
        "dotnet" => match args.first() {
            Some(&"restore") => Some(new(Ecosystem::Dotnet, &["*.csproj"], NUGET, false)),
            Some(&("build" | "publish")) if !args.contains(&"--no-restore") => {
                Some(new(Ecosystem::Dotnet, &["*.csproj"], NUGET, true))
            }
            _ => None,
        },
        _ => None,
    }
}

/// What `command` compiles, with the folder where it keeps what it has compiled. Of Go alone: the folders of other
/// compilers are parts of the project.
pub(super) fn compile_of(command: &ShellCommand) -> Option<Install> {
    let install = install_of(command).filter(|i| i.ecosystem == Ecosystem::Go && i.needs_source);
    install.map(|i| Install {
        caches: GO_COMPILED,
        ..i
    })
}

fn new(
    ecosystem: Ecosystem,
    manifests: &[&str],
    caches: &'static [&'static str],
    needs_source: bool,
) -> Install {
    Install {
        ecosystem,
        manifests: manifests.iter().map(|m| (*m).to_owned()).collect(),
        caches,
        needs_source,
    }
}

/// `pip`, `pip3`, `pip3.13`
pub(super) fn is_pip(program: &str) -> bool {
    program
        .strip_prefix("pip")
        .is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// The module that Python is told to run, and what it is given: `python -I -m pip install …`.
fn module<'a, 'b>(args: &'b [&'a str]) -> Option<(&'a str, &'b [&'a str])> {
    let is_m = |a: &str| a.starts_with('-') && !a.starts_with("--") && a.ends_with('m');
    let mut at = 0;
    while let Some(arg) = args.get(at).filter(|a| a.starts_with('-') && !is_m(a)) {
        at += if matches!(*arg, "-W" | "-X") { 2 } else { 1 };
    }
    args.get(at).filter(|a| is_m(a))?;
    Some((args.get(at + 1)?, &args[at + 2..]))
}

fn plain_words<'a>(args: &[&'a str]) -> Vec<&'a str> {
    args.iter()
        .copied()
        .filter(|a| !a.starts_with('-'))
        .collect()
}

/// The arguments from the verb on: options before it may have values of their own (`npm --prefix web ci`).
fn from_verb<'a, 'b>(args: &'b [&'a str], verbs: &[&str]) -> &'b [&'a str] {
    let after_option =
        |i: usize| i > 0 && args[i - 1].starts_with('-') && !args[i - 1].contains('=');
    let first = (0..args.len()).find(|i| {
        let word = args[*i];
        verbs.contains(&word) || !word.starts_with('-') && !after_option(*i)
    });
    first.map_or(&[], |i| &args[i..])
}

fn node(program: &str, args: &[&str]) -> Option<Install> {
    if args
        .iter()
        .any(|a| matches!(*a, "-g" | "--global" | "--location=global"))
    {
        return None;
    }
    let (verbs, manifests, caches): (&[&str], &[&str], _) = match program {
        "npm" => (
            &[
                "ci",
                "clean-install",
                "install",
                "i",
                "in",
                "add",
                "install-clean",
                "ic",
            ],
            &["package*.json"],
            NPM,
        ),
        "pnpm" => (
            &["install", "i", "fetch"],
            &["package.json", "pnpm-lock.yaml"],
            PNPM,
        ),
        "bun" => (&["install", "i"], &["package.json", "bun.lock*"], BUN),
        _ => (&["install"], &["package.json", "yarn.lock"], YARN),
    };
    let own = from_verb(args, verbs);
    let installs = match own.first() {
        None => {
            program.starts_with("yarn") && !args.contains(&"--version") && !args.contains(&"-v")
        }
        Some(verb) => verbs.contains(verb),
    };
    // `npm install express` installs what the line names, and not what a manifest lists. A value after an option
    // (`--cache /tmp/npm`) is no package.
    let named = own
        .iter()
        .skip(1)
        .scan("", |before, a| Some((std::mem::replace(before, a), *a)))
        .any(|(before, a)| {
            let has_value =
                before.starts_with("--") && !before.contains('=') || matches!(before, "-C" | "-w");
            !a.starts_with('-') && !has_value
        });
    (installs && !named).then(|| new(Ecosystem::Node, manifests, caches, false))
}

fn pip(args: &[&str]) -> Option<Install> {
    const VERBS: &[&str] = &["install", "wheel", "download", "sync"];
    let own = from_verb(args, VERBS);
    if !own.first().is_some_and(|verb| VERBS.contains(verb)) {
        return None;
    }
    let mut files = Vec::new();
    let mut rest = own.iter().skip(1);
    let mut project = false;
    while let Some(arg) = rest.next() {
        let file = match *arg {
            "-r" | "--requirement" | "-c" | "--constraint" => rest.next().copied(),
            a if ends_in_r(a) => rest.next().copied(),
            a => a
                .strip_prefix("--requirement=")
                .or_else(|| a.strip_prefix("--constraint="))
                .or_else(|| a.strip_prefix("-r")),
        };
        match file {
            Some(file) => files.push(file),
            None => {
                project |= *arg == "."
                    || arg.starts_with("./") && !arg.ends_with(".whl")
                    || arg.starts_with(".[");
            }
        }
    }
    if !files.is_empty() {
        return Some(new(Ecosystem::Python, &files, PIP, false));
    }
    (project && !args.contains(&"--no-deps"))
        .then(|| new(Ecosystem::Python, &["pyproject.toml"], PIP, true))
}

/// Short options written together, of which the last wants the requirements: `-qr`, `-Ur`.
fn ends_in_r(option: &str) -> bool {
    let letters = option.strip_prefix('-').unwrap_or_default();
    letters.len() > 1
        && letters.ends_with('r')
        && letters
            .chars()
            .all(|c| matches!(c, 'q' | 'v' | 'U' | 'I' | 'r'))
}

fn python(program: &str, args: &[&str]) -> Option<Install> {
    let words = plain_words(args);
    match (program, words.first().copied()) {
        ("uv", Some("sync")) => {
            let whole = !args
                .iter()
                .any(|a| matches!(*a, "--no-install-project" | "--no-install-workspace"));
            Some(new(
                Ecosystem::Python,
                &["pyproject.toml", "uv.lock"],
                UV,
                whole,
            ))
        }
        ("uv", Some("pip")) => {
            let at = args.iter().position(|a| *a == "pip")?;
            pip(&args[at + 1..]).map(|i| Install { caches: UV, ..i })
        }
        ("poetry", Some("install" | "sync")) => {
            let whole = !args.contains(&"--no-root");
            Some(new(
                Ecosystem::Python,
                &["pyproject.toml", "poetry.lock"],
                POETRY,
                whole,
            ))
        }
        ("pipenv", Some("install" | "sync")) => Some(new(
            Ecosystem::Python,
            &["Pipfile", "Pipfile.lock"],
            PIP,
            false,
        )),
        _ => None,
    }
}

fn go(args: &[&str]) -> Option<Install> {
    let manifests = &["go.mod", "go.sum*"];
    match plain_words(args).first().copied() {
        Some("mod") if args.contains(&"download") || args.contains(&"vendor") => {
            Some(new(Ecosystem::Go, manifests, GO_MODULES, false))
        }
        Some("build" | "install" | "test" | "run" | "vet" | "generate")
            if !args.contains(&"-mod=vendor") && !args.iter().any(|a| a.contains("@")) =>
        {
            Some(new(Ecosystem::Go, manifests, GO_BUILD, true))
        }
        _ => None,
    }
}

/// Whether the command runs a project's tests.
pub(super) fn is_test(command: &ShellCommand) -> bool {
    let args: Vec<&str> = command.args().iter().map(|a| a.text.as_str()).collect();
    let words = plain_words(&args);
    let first = words.first().copied().unwrap_or_default();
    let test_script = |w: &str| w == "test" || w == "t" || w.starts_with("test:");
    match command.program() {
        "npm" | "yarn" | "pnpm" | "bun" => {
            test_script(first)
                || matches!(first, "run" | "run-script")
                    && words.get(1).is_some_and(|w| test_script(w))
        }
        "node" => args.contains(&"--test"),
        "npx" => matches!(first, "vitest" | "jest" | "mocha"),
        "go" | "cargo" | "dotnet" | "mvn" | "mvnw" | "gradle" | "gradlew" | "make" => {
            first == "test"
        }
        "pytest" | "vitest" | "jest" | "mocha" | "tox" => true,
        python if python.starts_with("python") => {
            matches!(module(&args), Some(("pytest" | "unittest", _)))
        }
        "uv" | "poetry" => first == "run" && words.contains(&"pytest"),
        _ => false,
    }
}

/// Whether the command compiles or bundles a program.
pub(super) fn is_compile(command: &ShellCommand) -> bool {
    let args: Vec<&str> = command.args().iter().map(|a| a.text.as_str()).collect();
    let words = plain_words(&args);
    let first = words.first().copied().unwrap_or_default();
    match command.program() {
        "npm" | "pnpm" | "bun" => {
            first == "run" && words.get(1).is_some_and(|w| w.starts_with("build"))
        }
        "yarn" => words.iter().any(|w| w.starts_with("build")),
        "npx" => matches!(first, "tsc" | "vite" | "webpack" | "esbuild" | "next"),
        "tsc" | "vite" | "webpack" | "esbuild" | "gcc" | "g++" | "cc" | "clang" | "rustc"
        | "make" | "cmake" => true,
        "go" => matches!(first, "build" | "install"),
        "cargo" => matches!(first, "build" | "install"),
        "dotnet" => matches!(first, "build" | "publish"),
        "mvn" | "mvnw" | "gradle" | "gradlew" => !args.iter().any(|a| a.starts_with("dependenc")),
        program if is_pip(program) => first == "wheel",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::shell::commands_of_text;
    use crate::source::Span;

    fn command(line: &str) -> ShellCommand {
        commands_of_text(line, Span::at(0)).remove(0)
    }

    #[test]
    fn installs_of_manifests_are_known() {
        use Ecosystem::{Go, Node, Python, Rust};
        for (line, ecosystem, needs_source) in [
            ("npm ci", Node, false),
            ("npm --loglevel=error ci --omit=dev", Node, false),
            ("npm install --cache /tmp/npm --prefer-offline", Node, false),
            ("npm --cache /tmp/npm --prefix web ci", Node, false),
            (
                "pip --cache-dir /var/pip install -r requirements.txt",
                Python,
                false,
            ),
            ("npm ic", Node, false),
            ("npm ci -C /app", Node, false),
            ("pip3.13 install -qr requirements.txt", Python, false),
            ("pip install -Ur requirements.txt", Python, false),
            (
                "python -I -X utf8 -um pip install -r requirements.txt",
                Python,
                false,
            ),
            ("yarn", Node, false),
            ("yarn install --frozen-lockfile", Node, false),
            ("corepack pnpm i", Node, false),
            (
                "pip install --no-cache-dir -r requirements.txt",
                Python,
                false,
            ),
            (
                "python3 -m pip install -rrequirements/prod.txt",
                Python,
                false,
            ),
            (
                "pip wheel --wheel-dir=/wheels -r requirements.txt",
                Python,
                false,
            ),
            ("pip install .", Python, true),
            ("uv sync --frozen --no-install-project", Python, false),
            ("uv sync", Python, true),
            ("uv pip install -r requirements.txt", Python, false),
            ("poetry install --no-root", Python, false),
            ("go mod download", Go, false),
            ("CGO_ENABLED=0 go build -o /out/app .", Go, true),
            ("cargo build --release", Rust, true),
        ] {
            let found = install_of(&command(line));
            let found = found.map(|i| (i.ecosystem, i.needs_source));
            assert_eq!(found, Some((ecosystem, needs_source)), "{line}");
        }
    }

    #[test]
    fn other_commands_install_no_manifest() {
        for line in [
            "npm install -g typescript",
            "npm install express",
            "npm --silent install express",
            "npm run build",
            "npm prune --omit=dev",
            "yarn --version",
            "pip install flask",
            "pip install --upgrade pip",
            "pip install --no-deps .",
            "go version",
            "go install example.org/tool@v1.2.3",
            "go build -mod=vendor ./...",
            "apk add gcc",
        ] {
            assert_eq!(install_of(&command(line)), None, "{line}");
        }
    }

    #[test]
    fn the_requirements_file_is_the_manifest() {
        let install = install_of(&command(
            "pip install -r requirements/prod.txt -c constraints.txt",
        ));
        assert_eq!(
            install.unwrap().manifests,
            ["requirements/prod.txt", "constraints.txt"]
        );
    }

    #[test]
    fn tests_and_compilers_are_told_apart() {
        for line in [
            "npm test",
            "npm run test:unit",
            "node --test",
            "go test ./...",
            "pytest",
            "python -m unittest",
        ] {
            assert!(is_test(&command(line)), "{line}");
        }
        for line in ["npm run build", "npx tsc", "go build .", "make"] {
            assert!(
                is_compile(&command(line)) && !is_test(&command(line)),
                "{line}"
            );
        }
    }
}
