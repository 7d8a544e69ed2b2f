//! Where an install keeps what it downloads, and whether it keeps anything: by options, variables, and the user's home.

use super::installs::Install;
use super::shell::ShellCommand;
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
/// Variables that name the folder, with the programs that read them.
const VARIABLES: &[(&str, &str)] = &[
    ("npm", "npm_config_cache"),
    ("npm", "NPM_CONFIG_CACHE"),
    ("pip", "PIP_CACHE_DIR"),
    ("uv", "UV_CACHE_DIR"),
    ("poetry", "POETRY_CACHE_DIR"),
    ("yarn", "YARN_CACHE_FOLDER"),
    ("go", "GOMODCACHE"),
];
/// Variables that keep nothing.
const SWITCHES: &[(&str, &str)] = &[("pip", "PIP_NO_CACHE_DIR"), ("uv", "UV_NO_CACHE")];

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
    let expanded = |text: &str| {
        let word = expand_word(text, &scope, source.dockerfile.escape);
        word.map_or_else(|_| text.to_owned(), |e| e.text)
    };
    let value = |name: &str| {
        let own = command.assignments.iter().find_map(|a| {
            let (key, value) = a.text.split_once('=')?;
            (key == name).then(|| expanded(value))
        });
        own.or_else(|| Some(expanded(&format!("${name}"))))
            .filter(|v| !v.is_empty())
    };
    let program = tool(command);
    let read_by = |(by, _): &&(&str, &str)| *by == program;
    let off = |v: String| {
        !matches!(
            v.to_ascii_lowercase().as_str(),
            "0" | "false" | "off" | "no"
        )
    };
    if SWITCHES
        .iter()
        .filter(read_by)
        .any(|(_, name)| value(name).is_some_and(off))
    {
        return Downloads::Nowhere(None);
    }
    let option = args.iter().enumerate().find_map(|(i, a)| {
        if OPTIONS.contains(&a.text.as_str()) {
            return args.get(i + 1).map(|v| expanded(&v.text));
        }
        let (name, value) = a.text.split_once('=')?;
        OPTIONS.contains(&name).then(|| expanded(value))
    });
    let named = option.or_else(|| VARIABLES.iter().filter(read_by).find_map(|(_, n)| value(n)));
    if let Some(folder) = named {
        return Downloads::In(vec![trimmed(&folder)]);
    }
    let home = value("HOME").unwrap_or_else(|| home(source, index));
    let cache = value("XDG_CACHE_HOME");
    let folders = install.caches.iter().map(|c| {
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
                .map_or_else(|| path.to_owned(), |rest| format!("/root/{rest}"));
            !path.is_empty() && (path == folder || folder.starts_with(&format!("{path}/")))
        }),
        "npm" | "yarn" => has("cache") && (has("clean") || has("clear")),
        "pip" => has("cache") && has("purge"),
        "uv" => has("cache") && (has("clean") || has("prune")) || has("clean"),
        "go" => has("clean") && (has("-modcache") || has("-cache")),
        _ => false,
    }
}

/// The package manager's name, whichever way it is called.
fn tool(command: &ShellCommand) -> &str {
    match command.program() {
        "pip3" => "pip",
        "yarnpkg" => "yarn",
        python if python.starts_with("python") => "pip",
        other => other,
    }
}

fn trimmed(path: &str) -> String {
    path.trim_end_matches('/').to_owned()
}

/// The home of the user that the instruction runs as; `~` where only the image knows it.
fn home(source: &SourceEvidence, index: usize) -> String {
    let stage = source
        .graph
        .stages
        .iter()
        .find(|s| s.instructions.contains(&index));
    let mut user = "root".to_owned();
    for (at, instruction) in stage
        .map(|s| walk::all_instructions(source, s))
        .unwrap_or_default()
    {
        if at >= index {
            break;
        }
        if let Command::User(word) = &instruction.command {
            user = word.text.split(':').next().unwrap_or_default().to_owned();
        }
    }
    match user.as_str() {
        "root" | "0" => "/root".to_owned(),
        name if name.starts_with(|c: char| c.is_ascii_alphabetic()) => format!("/home/{name}"),
        _ => "~".to_owned(),
    }
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
                "ENV PIP_NO_CACHE_DIR=0\nRUN pip install -r requirements.txt",
                "/root/.cache/pip",
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
