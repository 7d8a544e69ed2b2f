//! The well-known causes of failed builds, recognised in the words of Docker 20.10 to 28 and of Podman.

use mslab_core::dockerfile::Feature;
use mslab_core::evidence::BuildFailureCause as Cause;

use crate::error::says_no_space;

/// What is known of a failure when its cause is looked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signs<'a> {
    /// The engine's message.
    pub(super) message: &'a str,
    /// The failing step's exit code.
    pub(super) exit_code: Option<i64>,
    /// The end of the failing step's log.
    pub(super) log: &'a [String],
    /// The Dockerfile.
    pub(super) text: &'a str,
    /// The Dockerfile's failing lines.
    pub(super) failing: &'a str,
}

/// How far from its end a log is searched for what ended it.
const LAST_LINES: usize = 8;

/// The first cause that fits; the order goes from what an engine says outright to what a log only hints at.
pub(super) fn cause(signs: Signs<'_>) -> Cause {
    let rules: [fn(Signs<'_>) -> Option<Cause>; 11] = [
        too_old,
        syntax,
        missing_secret,
        unknown_stage,
        base_image,
        no_space,
        missing_copy_source,
        exec_format,
        command_not_found,
        by_exit_code,
        network,
    ];
    rules
        .iter()
        .find_map(|rule| rule(signs))
        .or_else(|| permission(signs))
        .unwrap_or(Cause::Other)
}

/// Features that an engine's parser has not heard of: how it says so, and what it is.
fn too_old(s: Signs<'_>) -> Option<Cause> {
    let m = s.message.to_ascii_lowercase();
    let flag = m.split_once("unknown flag: ").map(|(_, rest)| {
        rest.trim_start_matches('-')
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .next()
            .unwrap_or_default()
    });
    let feature = match flag {
        Some("link") => Feature::CopyLink,
        Some("parents") => Feature::CopyParents,
        Some("exclude") => Feature::CopyExclude,
        Some("network") => Feature::RunNetwork,
        Some("security") => Feature::RunSecurity,
        Some("device") => Feature::RunDevice,
        Some("start-interval") => Feature::StartInterval,
        _ if m.contains("device feature is only supported") => Feature::RunDevice,
        _ if m.contains("unexpected key 'env'") => Feature::SecretEnv,
        _ if m.contains("unexpected key 'size'") => Feature::TmpfsSize,
        _ if m.contains("missing ':' in substitution") => Feature::Substitution,
        // An engine that does not know heredocs reads their bodies as instructions.
        _ if m.contains("unknown instruction") && opens_heredoc_before(s) => Feature::Heredoc,
        _ => return None,
    };
    Some(Cause::EngineTooOld { feature })
}

/// Whether a RUN, COPY or ADD above the failing line opens a heredoc that is not over there.
fn opens_heredoc_before(s: Signs<'_>) -> bool {
    let Some(line) = parse_error_line(s.message) else {
        return false;
    };
    let mut open: Option<String> = None;
    for text in s.text.lines().take(line.saturating_sub(1)) {
        match &open {
            Some(end) if text.trim_start_matches('\t') == end => open = None,
            Some(_) => {}
            None => {
                let mut words = text.split_ascii_whitespace();
                let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
                if matches!(keyword.as_str(), "RUN" | "COPY" | "ADD") {
                    open = words.find_map(|w| w.strip_prefix("<<")).map(|w| {
                        w.trim_start_matches('-')
                            .trim_matches(['"', '\''])
                            .to_owned()
                    });
                }
            }
        }
    }
    open.is_some()
}

fn syntax(s: Signs<'_>) -> Option<Cause> {
    const SIGNS: [&str; 8] = [
        "dockerfile parse error",
        "no build stage in current context",
        "file with no instructions",
        "failed to process \"",
        "the dockerfile (dockerfile) cannot be empty",
        "build error: unknown instruction",
        "no from statement found",
        "unsupported flag",
    ];
    let m = s.message.to_ascii_lowercase();
    let podman = m.contains("unknown flag: ") || m.contains("unknown instruction: ");
    (podman || SIGNS.iter().any(|x| m.contains(x))).then_some(Cause::Syntax)
}

fn missing_secret(s: Signs<'_>) -> Option<Cause> {
    let m = s.message;
    // 28: `secret ID: not found`; 20.10: `secret ID not found: not found`; Podman: `secret required but no secret with id ID found`.
    if let Some(id) = between(m, "no secret with id ", " found") {
        return Some(Cause::MissingSecret(id.to_owned()));
    }
    let rest = &m[m.find("secret ")? + "secret ".len()..];
    let id = rest.split([':', ' ']).next()?;
    rest[id.len()..]
        .trim_start_matches([':', ' '])
        .starts_with("not found")
        .then(|| Cause::MissingSecret(id.to_owned()))
}

fn unknown_stage(s: Signs<'_>) -> Option<Cause> {
    let m = s.message;
    let target = between(m, "target stage ", " could not be found")
        .or_else(|| between(m, "The target ", " was not found"));
    if let Some(name) = target {
        return Some(Cause::UnknownStage(name.trim_matches('"').to_owned()));
    }
    if let Some(index) = m.split_once("invalid stage index ") {
        return Some(Cause::UnknownStage(index.1.trim().to_owned()));
    }
    if let Some(name) = between(m, "--from=", ": no stage or image found") {
        return Some(Cause::UnknownStage(name.to_owned()));
    }
    // A bare word after --from= or from= is a stage's name for whoever wrote it; the engine takes what is no stage
    // for an image on Docker Hub, and asks there.
    let name = asked_image(m)?;
    let bare = !name.contains(['/', '.', ':', '@']);
    let after_from = |text: &str| {
        text.split([' ', ',', '\t', '\n', '\r']).any(|w| {
            w.trim_start_matches("--")
                .trim_start_matches("mount=")
                .strip_prefix("from=")
                == Some(name)
        })
    };
    (bare && after_from(s.text)).then(|| Cause::UnknownStage(name.to_owned()))
}

/// The image that an engine asked a registry for, as the Dockerfile names it as far as that shows.
fn asked_image(m: &str) -> Option<&str> {
    if let Some((_, rest)) = m.split_once("failed to resolve source metadata for ") {
        return Some(familiar(rest.split(": ").next()?));
    }
    // 20.10 only shows the address that it asked.
    if m.contains("/manifests/") {
        let path = between(m, "/v2/", "/manifests/")?;
        return Some(path.strip_prefix("library/").unwrap_or(path));
    }
    for mark in [
        "pull access denied for ",
        "manifest for ",
        "initializing source docker://",
        "resolving source \"",
        "short-name \"",
        "creating build container: ",
    ] {
        if let Some((_, rest)) = m.split_once(mark) {
            return Some(familiar(
                rest.split([',', ' ', '"']).next()?.trim_end_matches(':'),
            ));
        }
    }
    None
}

fn familiar(image: &str) -> &str {
    let image = image.strip_prefix("docker.io/").unwrap_or(image);
    let image = image.strip_prefix("library/").unwrap_or(image);
    image.strip_suffix(":latest").unwrap_or(image)
}

fn base_image(s: Signs<'_>) -> Option<Cause> {
    asked_image(s.message).map(|name| Cause::BaseImage(name.to_owned()))
}

fn no_space(s: Signs<'_>) -> Option<Cause> {
    let found = says_no_space(s.message) || last(s.log).iter().any(|l| says_no_space(l));
    found.then_some(Cause::NoSpace)
}

fn missing_copy_source(s: Signs<'_>) -> Option<Cause> {
    let m = s.message;
    let in_context = m.contains("failed to compute cache key")
        || m.contains("checking on sources under")
        || m.contains("generating checksum for");
    let in_mount = m.contains("did not complete successfully: open ")
        || m.contains("sanitizing bind subdirectory");
    let mount_log = s
        .log
        .iter()
        .any(|l| l.contains("error mounting ") && l.contains("no such file or directory"));
    let missing = m.contains("not found") || m.contains("no such file or directory");
    if !(missing && (in_context || in_mount) || mount_log) {
        return None;
    }
    // `"/nope.txt": not found`; `copier: stat: "/nope.txt": no such file`. Paths of the engine's own disk, as older
    // ones give them, say nothing: what the line names is the better word then.
    let quoted = m
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|p| p.starts_with('/') && in_context)
        .filter(|p| {
            !p.contains("/buildkit-mount")
                && !p.contains("/overlay")
                && !p.contains("libpod_builder")
        })
        .last();
    Some(Cause::MissingCopySource(
        quoted
            .map(str::to_owned)
            .or_else(|| named_source(s.failing)),
    ))
}

/// The one source that a COPY, ADD or bind mount names.
fn named_source(line: &str) -> Option<String> {
    let mut words = line.split_ascii_whitespace();
    let keyword = words.next()?.to_ascii_uppercase();
    if keyword == "RUN" {
        let option = |o: &str| {
            o.strip_prefix("source=")
                .or_else(|| o.strip_prefix("src="))
                .map(str::to_owned)
        };
        return words
            .filter(|w| w.starts_with("--mount="))
            .find_map(|w| w.split(',').find_map(option));
    }
    let places: Vec<&str> = words.filter(|w| !w.starts_with("--")).collect();
    match (keyword.as_str(), places.as_slice()) {
        ("COPY" | "ADD", [source, _]) if !source.starts_with('[') => Some((*source).to_owned()),
        _ => None,
    }
}

fn exec_format(s: Signs<'_>) -> Option<Cause> {
    let found = last(s.log).iter().chain([&s.message.to_owned()]).any(|l| {
        let l = l.to_ascii_lowercase();
        l.contains("exec format error") || l.contains("cannot execute binary file")
    });
    found.then_some(Cause::ExecFormat)
}

fn command_not_found(s: Signs<'_>) -> Option<Cause> {
    for line in last(s.log).iter().rev() {
        let runtime = line.contains("executable file") && line.contains("not found")
            || line.contains("exec: ") && line.contains("no such file or directory");
        if runtime {
            let name =
                between(line, "exec: \"", "\"").or_else(|| between(line, "executable file `", "`"));
            return Some(Cause::CommandNotFound(name.map(str::to_owned)));
        }
    }
    if s.exit_code != Some(127) {
        return None;
    }
    Some(Cause::CommandNotFound(
        last(s.log).iter().rev().find_map(|l| shell_missing(l)),
    ))
}

/// `sh: npm: not found`, `/bin/sh: 1: npm: not found`, `bash: line 1: npm: command not found`,
/// `env: 'node': No such file or directory`.
fn shell_missing(line: &str) -> Option<String> {
    let line = line.trim_end();
    let rest = line
        .strip_suffix(": not found")
        .or_else(|| line.strip_suffix(": command not found"))
        .or_else(|| line.strip_suffix(": No such file or directory"))?;
    let name = rest
        .rsplit(": ")
        .next()?
        .trim_matches(['\'', '"', '‘', '’']);
    (!name.is_empty() && !name.contains(' ')).then(|| name.to_owned())
}

fn by_exit_code(s: Signs<'_>) -> Option<Cause> {
    match s.exit_code? {
        126 => Some(Cause::PermissionDenied),
        137 => Some(Cause::Killed),
        _ => None,
    }
}

/// What package managers and other clients say when a name or a host cannot be reached.
fn network(s: Signs<'_>) -> Option<Cause> {
    const SIGNS: [&str; 20] = [
        "could not resolve",
        "temporary failure in name resolution",
        "temporary failure resolving",
        "name or service not known",
        "bad address",
        "no such host",
        "server misbehaving",
        "eai_again",
        "enotfound",
        "etimedout",
        "enetunreach",
        "econnrefused",
        "econnreset",
        "network is unreachable",
        "no route to host",
        "connection timed out",
        "connection refused",
        "i/o timeout",
        "tls handshake timeout",
        "failed to establish a new connection",
    ];
    // A test that does not reach its own server is no fault of the network's.
    let at_home = |l: &str| {
        ["localhost", "127.0.0.1", "[::1]", "::1:", "0.0.0.0"]
            .iter()
            .any(|h| l.contains(h))
    };
    let found = s.log.iter().any(|line| {
        let line = line.to_ascii_lowercase();
        SIGNS.iter().any(|x| line.contains(x)) && !at_home(&line)
    });
    found.then_some(Cause::Network)
}

fn permission(s: Signs<'_>) -> Option<Cause> {
    let found = last(s.log).iter().any(|l| {
        let l = l.to_ascii_lowercase();
        l.contains("permission denied") || l.contains("eacces") || l.contains("is not executable")
    });
    found.then_some(Cause::PermissionDenied)
}

fn last(log: &[String]) -> &[String] {
    &log[log.len().saturating_sub(LAST_LINES)..]
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

/// `dockerfile parse error on line 3: …`, which 20.10 writes without "on".
pub(super) fn parse_error_line(message: &str) -> Option<usize> {
    let rest = &message[message.find("parse error")?..];
    let rest = &rest[rest.find("line ")? + "line ".len()..];
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// `… did not complete successfully: exit code: 127`; 20.10 the same after other words; Podman `exit status 127`.
pub(super) fn exit_code(message: &str) -> Option<i64> {
    ["exit code: ", "non-zero code: ", "exit status "]
        .iter()
        .find_map(|mark| {
            let rest = &message[message.rfind(mark)? + mark.len()..];
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        })
}
