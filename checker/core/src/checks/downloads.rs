//! Where an install keeps what it downloads, and whether it keeps anything: by options, variables, and the user's home.

use super::installs::{Install, is_pip};
use super::shell::{self, ShellCommand};
use super::walk;
use crate::dockerfile::{Command, expand_word};
use crate::evidence::SourceEvidence;
use crate::source::Span;

/// What becomes of an install's downloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Downloads {
    /// They are kept in one of these folders. A path that begins with `~` is in a home that the text does not show.
    In(Vec<String>),
    /// Nothing is kept: the option that says so, or nothing where a variable does.
    Nowhere(Option<Span>),
}

/// Options that name the folder.
const OPTIONS: &[&str] = &["--cache", "--cache-dir", "--cache-folder", "--store-dir"];
/// Options that keep nothing.
const NOTHING: &[&str] = &["--no-cache-dir", "--no-cache"];
/// Variables that name a folder in the place of the one that is meant without them.
const VARIABLES: &[(&str, &str)] = &[
    ("/root/.npm", "npm_config_cache"),
    ("/root/.npm", "NPM_CONFIG_CACHE"),
    ("/root/.cache/pip", "PIP_CACHE_DIR"),
    ("/root/.cache/uv", "UV_CACHE_DIR"),
    ("/root/.cache/pypoetry", "POETRY_CACHE_DIR"),
    ("/usr/local/share/.cache/yarn", "YARN_CACHE_FOLDER"),
    ("/go/pkg/mod", "GOMODCACHE"),
    ("/root/.cache/go-build", "GOCACHE"),
];

/// Where the install that `command` of instruction `index` makes keeps its downloads.
pub(super) fn of(
    source: &SourceEvidence,
    index: usize,
    command: &ShellCommand,
    install: &Install,
) -> Downloads {
    let args = command.args();
    if let Some(off) = args.iter().find(|a| NOTHING.contains(&a.text.as_str())) {
        return Downloads::Nowhere(Some(off.span));
    }
    let scope = source.graph.scope_before(&source.dockerfile, index);
    let exported = exported_before(source, index, command);
    let set = |name: &str| {
        let own = command.environment().find(|(key, _)| *key == name);
        let own = own.map(|(_, value)| value.to_owned());
        own.or_else(|| {
            exported
                .iter()
                .rev()
                .find(|(key, _)| key == name)
                .map(|(_, v)| v.clone())
        })
        .or_else(|| scope.get(name).map(str::to_owned))
    };
    let home = set("HOME").unwrap_or_else(|| home(source, index));
    let mut known = scope.clone();
    known.set("HOME", home.clone());
    let expanded = |text: &str| {
        let text = match text.strip_prefix("~/") {
            Some(rest) => format!("{home}/{rest}"),
            None => text.to_owned(),
        };
        let word = expand_word(&text, &known, source.dockerfile.escape);
        word.map_or(text, |e| e.text)
    };
    let value = |name: &str| {
        let value = set(name).map(|v| expanded(&v));
        value.filter(|v| !v.is_empty())
    };
    let off = match tool(command) {
        // pip takes any value for a yes: `0` and `false` keep nothing either, as they always did.
        "pip" => value("PIP_NO_CACHE_DIR").is_some(),
        "uv" => value("UV_NO_CACHE").is_some_and(|v| !is_no(&v)),
        _ => false,
    };
    if off {
        return Downloads::Nowhere(None);
    }
    let option = args.iter().enumerate().find_map(|(i, a)| {
        if OPTIONS.contains(&a.text.as_str()) {
            return args.get(i + 1).map(|v| expanded(&v.text));
        }
        let (name, value) = a.text.split_once('=')?;
        OPTIONS.contains(&name).then(|| expanded(value))
    });
    // A path in a home that is not known stays as it is.
    let absolute = |path: String| match path.starts_with('~') {
        true => trimmed(&path),
        false => walk::absolute(source, index, &path),
    };
    if let Some(folder) = option {
        return Downloads::In(vec![absolute(folder)]);
    }
    let cache = value("XDG_CACHE_HOME");
    let folders = install.caches.iter().map(|c| {
        let variables = VARIABLES.iter().filter(|(folder, _)| folder == c);
        if let Some(named) = variables.map(|(_, name)| *name).find_map(value) {
            return absolute(named);
        }
        match (
            c.strip_prefix("/root/.cache/"),
            &cache,
            c.strip_prefix("/root/"),
        ) {
            (Some(rest), Some(cache), _) => format!("{}/{rest}", trimmed(cache)),
            (_, _, Some(rest)) => format!("{}/{rest}", trimmed(&home)),
            _ => (*c).to_owned(),
        }
    });
    Downloads::In(folders.collect())
}

fn is_no(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    matches!(lower.as_str(), "0" | "false" | "off" | "no")
}

/// What the script of the `RUN` exports before `command`.
fn exported_before(
    source: &SourceEvidence,
    index: usize,
    command: &ShellCommand,
) -> Vec<(String, String)> {
    let Some(run) = source.dockerfile.instructions.get(index) else {
        return Vec::new();
    };
    let commands = shell::commands(&source.dockerfile, run);
    let before = commands
        .iter()
        .take_while(|c| c.span().start < command.span().start);
    before
        .filter(|c| c.program() == "export")
        .flat_map(ShellCommand::args)
        .filter_map(|a| a.text.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Whether a cache mounted at `target` keeps what is in `folder`: it is that folder, or one above.
pub(super) fn holds(target: &str, folder: &str) -> bool {
    let target = target.trim_end_matches('/');
    if let Some(rest) = folder.strip_prefix('~') {
        return target.ends_with(rest);
    }
    // All that npm downloads is in this folder of its cache.
    let content = target.strip_suffix("/_cacache").unwrap_or(target);
    content == folder || !target.is_empty() && folder.starts_with(&format!("{target}/"))
}

/// Whether `command` throws away what is in `folder`.
pub(super) fn empties(command: &ShellCommand, folder: &str) -> bool {
    let args: Vec<&str> = command.args().iter().map(|a| a.text.as_str()).collect();
    let has = |word: &str| args.contains(&word);
    match tool(command) {
        "rm" => args.iter().any(|a| {
            let path = a.trim_end_matches("/*").trim_end_matches('/');
            let path = path
                .strip_prefix("~/")
                .or_else(|| path.strip_prefix("$HOME/"))
                .or_else(|| path.strip_prefix("${HOME}/"))
                .map_or_else(|| path.to_owned(), |rest| format!("/root/{rest}"));
            !path.is_empty() && (path == folder || folder.starts_with(&format!("{path}/")))
        }),
        "npm" | "yarn" => has("cache") && (has("clean") || has("clear")),
        "pip" => has("cache") && (has("purge") || has("remove")),
        "uv" => has("cache") && (has("clean") || has("prune")) || has("clean"),
        "go" => has("clean") && (has("-modcache") || has("-cache")),
        _ => false,
    }
}

/// The package manager's name, whichever way it is called.
fn tool(command: &ShellCommand) -> &str {
    match command.program() {
        program if is_pip(program) => "pip",
        "yarnpkg" => "yarn",
        python if python.starts_with("python") => "pip",
        other => other,
    }
}

fn trimmed(path: &str) -> String {
    path.trim_end_matches('/').to_owned()
}

/// The user that the instruction runs as, as written.
pub(super) fn user(source: &SourceEvidence, index: usize) -> String {
    let users = walk::earlier(source, index).into_iter().rev();
    let mut users = users.filter_map(|(_, i)| match &i.command {
        Command::User(word) => word.text.split(':').next(),
        _ => None,
    });
    users.next().unwrap_or("root").to_owned()
}

/// The home of the user that the instruction runs as; `~` where only the image knows it.
fn home(source: &SourceEvidence, index: usize) -> String {
    let user = user(source, index);
    if matches!(user.as_str(), "root" | "0") {
        return "/root".to_owned();
    }
    if !user.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return "~".to_owned();
    }
    let earlier = walk::earlier(source, index).into_iter().rev();
    let mut made = earlier
        .filter(|(_, i)| matches!(i.command, Command::Run(_)))
        .flat_map(|(_, i)| shell::commands(&source.dockerfile, i))
        .filter_map(|c| home_made(&c));
    let own = made.find(|(name, _)| *name == user);
    own.map_or_else(|| format!("/home/{user}"), |(_, home)| home)
}

/// The user that a command makes, with the home that it names.
fn home_made(command: &ShellCommand) -> Option<(String, String)> {
    let option: &[&str] = match command.program() {
        "useradd" => &["-d", "--home-dir", "--home"],
        "adduser" => &["-h", "--home"],
        _ => return None,
    };
    let args: Vec<&str> = command.args().iter().map(|a| a.text.as_str()).collect();
    let home = args
        .iter()
        .enumerate()
        .find_map(|(i, a)| match a.split_once('=') {
            Some((name, value)) => option.contains(&name).then_some(value),
            None => args.get(i + 1).filter(|_| option.contains(a)).copied(),
        })?;
    Some(((*args.last()?).to_owned(), trimmed(home)))
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::super::{installs, shell};
    use super::*;

    /// Of the last `RUN` of `lines`.
    fn downloads(lines: &str) -> Downloads {
        Case::new(&format!("FROM a\n{lines}\n")).seen(|view| {
            let source = view.source().unwrap();
            let mut all = source.dockerfile.instructions.iter().enumerate();
            let (index, run) = all
                .rfind(|(_, i)| matches!(i.command, Command::Run(_)))
                .unwrap();
            let commands = shell::commands(&source.dockerfile, run);
            let found = commands
                .iter()
                .find_map(|c| Some((c, installs::install_of(c)?)));
            let (command, install) = found.unwrap();
            of(source, index, command, &install)
        })
    }

    #[test]
    fn options_variables_and_homes_say_where() {
        for (lines, folder) in [
            ("RUN npm ci", "/root/.npm"),
            ("RUN npm ci --cache /tmp/npm", "/tmp/npm"),
            ("RUN npm_config_cache=/c npm ci", "/c"),
            ("ENV NPM_CONFIG_CACHE=/c/\nRUN npm ci", "/c"),
            ("ARG D=/d\nRUN npm ci --cache=$D", "/d"),
            ("USER node\nRUN npm ci", "/home/node/.npm"),
            ("USER 1000\nRUN npm ci", "~/.npm"),
            ("ENV HOME=/h\nUSER 1000\nRUN npm ci", "/h/.npm"),
            ("RUN pip install -r requirements.txt", "/root/.cache/pip"),
            (
                "RUN /v/bin/pip install -r requirements.txt",
                "/root/.cache/pip",
            ),
            (
                "ENV XDG_CACHE_HOME=/x\nRUN pip install -r requirements.txt",
                "/x/pip",
            ),
            (
                "ENV PIP_CACHE_DIR=/x\nRUN python -m pip install -r requirements.txt",
                "/x",
            ),
            (
                "RUN env PIP_CACHE_DIR=/x pip3.13 install -r requirements.txt",
                "/x",
            ),
            (
                "RUN export PIP_CACHE_DIR=/x && pip install -r requirements.txt",
                "/x",
            ),
            (
                "RUN pip install --cache-dir $HOME/p -r requirements.txt",
                "/root/p",
            ),
            (
                "WORKDIR /app\nRUN pip install --cache-dir .pip -r requirements.txt",
                "/app/.pip",
            ),
            (
                "RUN useradd --home-dir /srv/ann ann\nUSER ann\nRUN pip install -r requirements.txt",
                "/srv/ann/.cache/pip",
            ),
            (
                "RUN adduser -D -h /srv/ann ann\nUSER ann\nRUN npm ci",
                "/srv/ann/.npm",
            ),
            (
                "ENV UV_NO_CACHE=0\nRUN uv pip install -r requirements.txt",
                "/root/.cache/uv",
            ),
            ("RUN uv pip install -r requirements.txt", "/root/.cache/uv"),
        ] {
            assert_eq!(
                downloads(lines),
                Downloads::In(vec![folder.to_owned()]),
                "{lines}"
            );
        }
        for lines in [
            "RUN pip install --no-cache-dir -r requirements.txt",
            "ENV PIP_NO_CACHE_DIR=1\nRUN pip install -r requirements.txt",
            "RUN PIP_NO_CACHE_DIR=yes pip install -r requirements.txt",
            "ENV PIP_NO_CACHE_DIR=0\nRUN pip install -r requirements.txt",
            "RUN export PIP_NO_CACHE_DIR=off; pip install -r requirements.txt",
            "RUN uv pip install --no-cache -r requirements.txt",
        ] {
            assert!(matches!(downloads(lines), Downloads::Nowhere(_)), "{lines}");
        }
    }

    #[test]
    fn a_mount_holds_a_folder_that_it_is_or_is_above() {
        for target in ["/root/.npm", "/root/.npm/", "/root", "/root/.npm/_cacache"] {
            assert!(holds(target, "/root/.npm"), "{target}");
        }
        for target in ["/", "/root/.np", "/root/.npm/_logs", "/app"] {
            assert!(!holds(target, "/root/.npm"), "{target}");
        }
        assert!(holds("/home/ann/.npm", "~/.npm"));
    }

    #[test]
    fn emptying_is_seen() {
        let empties = |line: &str, folder: &str| {
            let commands = shell::commands_of_text(line, Span::at(0));
            commands.iter().any(|c| super::empties(c, folder))
        };
        for line in [
            "npm cache clean --force",
            "rm -rf /root/.npm",
            "rm -rf ~/.npm/*",
            "rm -rf /root",
        ] {
            assert!(empties(line, "/root/.npm"), "{line}");
        }
        for line in ["rm -rf /tmp/*", "npm ci", "rm -rf /root/.npmrc"] {
            assert!(!empties(line, "/root/.npm"), "{line}");
        }
        assert!(empties("pip cache purge", "/root/.cache/pip"));
        assert!(empties("rm -rf /root/.cache", "/root/.cache/pip"));
    }
}
