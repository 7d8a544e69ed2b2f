//! What a container of the image starts: the program behind `ENTRYPOINT` and `CMD`.
//!
//! The search is the engine's: a name with a slash is a path from the working directory, any other name is looked for
//! in the directories of the image's own `PATH`, and links are followed inside the image's root.

use crate::image::{Entry, EntryKind, FileFacts, Image, Resolved};

use super::user::User;

/// `PATH` where the image sets none.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command that a container starts.
#[derive(Debug)]
pub(super) struct Started<'a> {
    /// The instruction that names the program.
    pub(super) from: &'static str,
    /// The whole command.
    pub(super) argv: Vec<String>,
    /// The program of `argv[0]`.
    pub(super) program: Program<'a>,
    /// Where the command is `sh -c SCRIPT`: the script.
    pub(super) script: Option<String>,
}

/// What stands behind a program's name.
#[derive(Debug, Clone)]
pub(super) enum Program<'a> {
    /// A regular file.
    File {
        /// As the container sees it, with a leading slash and links not followed.
        named: String,
        /// The file itself.
        file: Resolved<'a>,
    },
    /// Nothing is there: the path, or the name that is in no directory of `PATH`.
    Missing(String),
    /// Something is there that is no file.
    NotAFile(String),
}

impl<'a> Program<'a> {
    /// What the file's content showed.
    pub(super) fn facts(&self) -> Option<&'a FileFacts> {
        match self {
            Self::File { file, .. } => facts(file.entry),
            _ => None,
        }
    }
}

/// What a regular file's content showed.
pub(super) fn facts(entry: &Entry) -> Option<&FileFacts> {
    match &entry.kind {
        EntryKind::File { facts, .. } => Some(facts),
        _ => None,
    }
}

/// What the image starts; `None` where it names neither `ENTRYPOINT` nor `CMD`.
pub(super) fn started(image: &Image) -> Option<Started<'_>> {
    let config = &image.config;
    let entrypoint = config.entrypoint.as_deref().unwrap_or_default();
    let cmd = config.cmd.as_deref().unwrap_or_default();
    let from = if entrypoint.is_empty() {
        "CMD"
    } else {
        "ENTRYPOINT"
    };
    let argv: Vec<String> = entrypoint.iter().chain(cmd).cloned().collect();
    let program = find(image, argv.first()?);
    let script = shell_script(&argv);
    Some(Started {
        from,
        argv,
        program,
        script,
    })
}

impl Started<'_> {
    /// The command for people, shortened.
    pub(super) fn shown(&self) -> String {
        let text = match &self.script {
            Some(script) => format!("{} -c \"{script}\"", self.argv[0]),
            None => self.argv.join(" "),
        };
        shorten(&text, 60)
    }

    /// The words of the script's one command, where it is so plain that no shell is needed to read it.
    pub(super) fn script_words(&self) -> Option<Vec<String>> {
        plain_words(self.script.as_deref()?)
    }
}

/// `text`, cut at `limit` characters.
pub(super) fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit - 1).collect();
    format!("{kept}…")
}

/// The script of `sh -c SCRIPT`.
fn shell_script(argv: &[String]) -> Option<String> {
    let [shell, flag, script, ..] = argv else {
        return None;
    };
    let name = shell.rsplit('/').next().unwrap_or(shell);
    let is_shell = matches!(
        name,
        "sh" | "ash" | "bash" | "dash" | "busybox" | "zsh" | "ksh"
    );
    let is_c = flag.starts_with('-') && !flag.starts_with("--") && flag.ends_with('c');
    (is_shell && is_c).then(|| script.clone())
}

/// The words of a command line that is one plain command: no quote, variable, pattern, assignment or operator. A
/// leading `exec` is left out.
pub(super) fn plain_words(line: &str) -> Option<Vec<String>> {
    let special = |c: char| "\"'`$&|;<>()[]{}*?~!#\\\n".contains(c);
    if line.contains(special) {
        return None;
    }
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    if words.first().is_some_and(|w| w == "exec") {
        words.remove(0);
    }
    match words.first() {
        None => None,
        Some(first) if first.contains('=') => None,
        Some(first) if BUILTINS.contains(&first.as_str()) => None,
        Some(_) => Some(words),
    }
}

/// Words that a shell does itself, so that there is no program to start.
const BUILTINS: &[&str] = &[
    ".", ":", "cd", "eval", "exit", "export", "if", "for", "set", "source", "trap", "ulimit",
    "umask", "until", "wait", "while", "case",
];

/// The program that `name` means in the image.
pub(super) fn find<'a>(image: &'a Image, name: &str) -> Program<'a> {
    if name.contains('/') {
        let path = absolute(image, name);
        return look(image, &path).unwrap_or(Program::Missing(path));
    }
    let path = image
        .config
        .env
        .iter()
        .rev()
        .find_map(|e| e.strip_prefix("PATH="))
        .unwrap_or(DEFAULT_PATH);
    let mut second_choice = None;
    for directory in path.split(':').filter(|d| !d.is_empty()) {
        let candidate = format!("{}/{name}", directory.trim_end_matches('/'));
        match look(image, &absolute(image, &candidate)) {
            Some(found @ Program::File { .. }) if is_executable(&found) => return found,
            // A file without the execute bit is passed over, and named only where nothing better comes.
            Some(found) => {
                second_choice.get_or_insert(found);
            }
            None => {}
        }
    }
    second_choice.unwrap_or_else(|| Program::Missing(name.to_owned()))
}

/// A path from the image's working directory.
fn absolute(image: &Image, path: &str) -> String {
    let from = if path.starts_with('/') {
        ""
    } else {
        image.config.working_dir.as_str()
    };
    format!("/{}", crate::image::normalize(&format!("{from}/{path}")))
}

fn look<'a>(image: &'a Image, path: &str) -> Option<Program<'a>> {
    let file = image.tree.resolve(path).ok()?;
    Some(match file.entry.kind {
        EntryKind::File { .. } => Program::File {
            named: path.to_owned(),
            file,
        },
        _ => Program::NotAFile(path.to_owned()),
    })
}

fn is_executable(program: &Program<'_>) -> bool {
    matches!(program, Program::File { file, .. } if file.entry.mode & 0o111 != 0)
}

/// Which of a path's permissions is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read = 4,
    Execute = 1,
}

/// Whether the user may do that with the entry. Without its capabilities, as in a probe's container, root is a user
/// like any other.
pub(super) fn allows(entry: &Entry, user: &User, access: Access) -> bool {
    let shift = if entry.uid == user.uid {
        6
    } else if entry.gid == user.gid {
        3
    } else {
        0
    };
    entry.mode >> shift & access as u32 != 0
}

/// Whether the user reaches the path: every directory on the way can be passed, and the end can be used so.
pub(super) fn reaches(image: &Image, path: &str, user: &User, access: Access) -> bool {
    let Ok(end) = image.tree.resolve(path) else {
        return false;
    };
    let mut parents = end
        .path
        .match_indices('/')
        .filter_map(|(i, _)| image.tree.get(&end.path[..i]));
    parents.all(|d| allows(d, user, Access::Execute)) && allows(end.entry, user, access)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::fixture;

    fn image(text: &str) -> Image {
        fixture::image(text).unwrap()
    }

    fn path_of(image: &Image) -> String {
        match started(image).unwrap().program {
            Program::File { file, named } => format!("{named} = /{}", file.path),
            Program::Missing(p) => format!("missing {p}"),
            Program::NotAFile(p) => format!("no file {p}"),
        }
    }

    #[test]
    fn a_program_is_found_as_the_engine_finds_it() {
        let tree = "layer x
            file /app/server 0755 elf-static
            file /usr/local/bin/node 0755 elf-dynamic
            file /opt/node 0644 text not executable
            link /bin -> usr/bin
            file /usr/bin/real 0755 elf-static
            link /usr/bin/tool -> real
            dir /srv";
        for (config, expected) in [
            ("entrypoint [\"/app/server\"]", "/app/server = /app/server"),
            (
                "workdir /app\ncmd [\"./server\"]",
                "/app/server = /app/server",
            ),
            (
                "workdir /app\ncmd [\"../app/server\"]",
                "/app/server = /app/server",
            ),
            (
                "cmd [\"node\", \"x.js\"]",
                "/usr/local/bin/node = /usr/local/bin/node",
            ),
            (
                "env PATH=/opt:/usr/local/bin\ncmd [\"node\"]",
                "/usr/local/bin/node = /usr/local/bin/node",
            ),
            ("env PATH=/opt\ncmd [\"node\"]", "/opt/node = /opt/node"),
            ("cmd [\"tool\"]", "/usr/bin/tool = /usr/bin/real"),
            ("cmd [\"/bin/tool\"]", "/bin/tool = /usr/bin/real"),
            ("cmd [\"server\"]", "missing server"),
            (
                "workdir /app\ncmd [\"bin/server\"]",
                "missing /app/bin/server",
            ),
            ("cmd [\"/srv\"]", "no file /srv"),
            (
                "entrypoint []\ncmd [\"/app/server\"]",
                "/app/server = /app/server",
            ),
        ] {
            assert_eq!(
                path_of(&image(&format!("{config}\n{tree}"))),
                expected,
                "{config}"
            );
        }
        assert!(started(&image(tree)).is_none());
    }

    #[test]
    fn a_shell_form_shows_its_script() {
        let i = image("entrypoint [\"/bin/sh\", \"-c\", \"exec node server.js\"]\ncmd [\"x\"]");
        let s = started(&i).unwrap();
        assert_eq!(s.script_words().unwrap(), ["node", "server.js"]);
        assert_eq!(s.shown(), "/bin/sh -c \"exec node server.js\"");
        for script in [
            "a && b", "echo $X", "A=1 b", "cd /x", "", "a | b", "a \"b\"",
        ] {
            assert!(plain_words(script).is_none(), "{script}");
        }
    }

    #[test]
    fn permissions_are_asked_of_the_right_class() {
        let i = image(
            "layer x
            dir /private 0700
            file /private/a 0755 elf-static
            file /mine 0700 elf-static uid=7
            file /ours 0750 elf-static gid=7",
        );
        let user = |uid, gid| User {
            uid,
            gid,
            name: None,
        };
        assert!(!reaches(&i, "/private/a", &user(7, 7), Access::Execute));
        assert!(reaches(&i, "/private/a", &user(0, 0), Access::Execute));
        assert!(reaches(&i, "/mine", &user(7, 0), Access::Execute));
        assert!(!reaches(&i, "/mine", &user(8, 0), Access::Execute));
        assert!(reaches(&i, "/ours", &user(8, 7), Access::Read));
        assert!(!reaches(&i, "/absent", &user(0, 0), Access::Read));
    }
}
