//! The settings that the check `config` compares: what a lab can want of each, and what is wrong with an image.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::dockerfile::Keyword;
use crate::image::{Image, normalize};
use crate::stages::same_signal;

use super::mend::json;
use super::no_shell::is_shells_name;
use super::started::{Access, Program, facts, find, reaches, started};
use super::user;

/// Parameters of [`super::config::Config`]; what is not named is not looked at.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// Ports that must be exposed: `8080`, `"8080/tcp"`, `"53/udp"`.
    #[serde(default)]
    pub(super) exposed: Vec<Port>,
    /// `ENTRYPOINT`, word by word; an empty list for none.
    #[serde(default)]
    pub(super) entrypoint: Option<Vec<String>>,
    /// `CMD`, word by word; an empty list for none.
    #[serde(default)]
    pub(super) cmd: Option<Vec<String>>,
    /// Environment variables: a value, or `true` for any value but an empty one, or `false` for none at all.
    #[serde(default)]
    pub(super) env: BTreeMap<String, Wanted>,
    /// Labels: a value, or `true` for any value but an empty one, or `false` for none at all.
    #[serde(default)]
    pub(super) labels: BTreeMap<String, Wanted>,
    /// `true`: there must be a healthcheck; `false`: there must be none; `"exec"`: a program of the image, and no shell.
    #[serde(default)]
    pub(super) healthcheck: Option<Health>,
    /// The working directory.
    #[serde(default)]
    pub(super) workdir: Option<String>,
    /// The stop signal, as `SIGTERM`.
    #[serde(default)]
    pub(super) stop_signal: Option<String>,
}

/// A port with its protocol.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a port such as 8080 or \"53/udp\"")]
pub(super) enum Port {
    /// A TCP port.
    Number(u16),
    /// A port, and its protocol after a slash.
    Text(String),
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(n) => write!(f, "{n}/tcp"),
            Self::Text(t) if t.contains('/') => f.write_str(&t.to_lowercase()),
            Self::Text(t) => write!(f, "{t}/tcp"),
        }
    }
}

/// What a variable or a label must be.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected a value, true for any, or false for none"
)]
pub(super) enum Wanted {
    /// There with any value but an empty one, or not there.
    Any(bool),
    /// There with this value.
    Value(String),
}

impl Wanted {
    pub(super) fn holds(&self, value: Option<&str>) -> bool {
        match self {
            Self::Any(true) => value.is_some_and(|v| !v.is_empty()),
            Self::Any(false) => value.is_none(),
            Self::Value(wanted) => value == Some(wanted),
        }
    }

    fn shown(&self, name: &str) -> String {
        match self {
            Self::Any(true) => format!("`{name}` with some value"),
            Self::Any(false) => format!("no `{name}`"),
            Self::Value(value) => format!("`{name}={value}`"),
        }
    }
}

/// What is wanted of a healthcheck.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected true, false or \"exec\"")]
pub(super) enum Health {
    /// There, or not there.
    There(bool),
    /// There, and started without a shell.
    How(How),
}

/// How a healthcheck is started.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum How {
    /// A program that is in the image, started without a shell.
    Exec,
}

/// One setting that is not as wanted.
pub(super) struct Wrong {
    pub(super) keyword: Keyword,
    pub(super) message: String,
    pub(super) expected: String,
    pub(super) actual: String,
    pub(super) mend: Mend,
}

/// The text that would make it right.
pub(super) enum Mend {
    /// A line of its own.
    Line(String),
    /// In the place of the last such instruction, or a line of its own.
    Instead(String),
    /// A variable or label.
    Pair(String, String),
    /// A command.
    Words(Vec<String>),
    /// Nothing that a machine can write.
    None,
}

/// Every setting that is not as wanted, in the order of the parameters.
pub(super) fn wrong(params: &Params, image: &Image) -> Vec<Wrong> {
    let config = &image.config;
    let mut wrong = Vec::new();
    let exposed = config.exposed_ports.join(", ");
    let missing: Vec<String> = params
        .exposed
        .iter()
        .map(ToString::to_string)
        .filter(|p| {
            !config
                .exposed_ports
                .iter()
                .any(|e| e.eq_ignore_ascii_case(p))
        })
        .collect();
    if !missing.is_empty() {
        let plain: Vec<&str> = missing
            .iter()
            .map(|p| p.strip_suffix("/tcp").unwrap_or(p))
            .collect();
        wrong.push(Wrong {
            keyword: Keyword::Expose,
            message: format!("the image does not expose {}", missing.join(", ")),
            expected: missing.join(", "),
            actual: none_or(&exposed),
            mend: Mend::Line(format!("EXPOSE {}", plain.join(" "))),
        });
    }
    for (name, keyword, wanted, actual) in [
        (
            "ENTRYPOINT",
            Keyword::Entrypoint,
            &params.entrypoint,
            &config.entrypoint,
        ),
        ("CMD", Keyword::Cmd, &params.cmd, &config.cmd),
    ] {
        let actual = actual.as_deref().unwrap_or_default();
        if let Some(wanted) = wanted
            && wanted != actual
        {
            wrong.push(Wrong {
                keyword,
                message: format!("the image's {name} is not what it should be"),
                expected: json(wanted),
                actual: json(actual),
                mend: if find_program(image, wanted) {
                    Mend::Words(wanted.clone())
                } else {
                    Mend::None
                },
            });
        }
    }
    let env = |name: &str| {
        let pairs = config.env.iter().rev().filter_map(|e| e.split_once('='));
        pairs.into_iter().find(|(n, _)| *n == name).map(|(_, v)| v)
    };
    for (name, wanted) in &params.env {
        pair(
            &mut wrong,
            Keyword::Env,
            "variable",
            name,
            wanted,
            env(name),
        );
    }
    for (name, wanted) in &params.labels {
        let actual = config.labels.get(name).map(String::as_str);
        pair(&mut wrong, Keyword::Label, "label", name, wanted, actual);
    }
    if let Some(wanted) = &params.healthcheck {
        let test = config
            .healthcheck
            .as_ref()
            .map(|h| &h.test[..])
            .unwrap_or_default();
        let there = !test.is_empty() && test[0] != "NONE";
        let (holds, message, expected, mend) = match wanted {
            Health::There(true) => (
                there,
                "the image has no healthcheck".to_owned(),
                "a healthcheck",
                Mend::None,
            ),
            Health::There(false) => (
                !there,
                "the image has a healthcheck".to_owned(),
                "none",
                Mend::Instead("HEALTHCHECK NONE".into()),
            ),
            Health::How(How::Exec) => {
                let fault = exec_fault(image);
                (
                    fault.is_none(),
                    fault.unwrap_or_default(),
                    "a program of the image, as a JSON array",
                    Mend::None,
                )
            }
        };
        if !holds {
            wrong.push(Wrong {
                keyword: Keyword::Healthcheck,
                message,
                expected: expected.into(),
                actual: none_or(&test.join(" ")),
                mend,
            });
        }
    }
    if let Some(wanted) = &params.workdir
        && normalize(wanted) != normalize(&config.working_dir)
    {
        let actual = format!("/{}", normalize(&config.working_dir));
        wrong.push(Wrong {
            keyword: Keyword::Workdir,
            message: format!("the image works in {actual}"),
            expected: wanted.clone(),
            actual,
            // The steps after a WORKDIR and the command itself may count on it.
            mend: Mend::None,
        });
    }
    if let Some(wanted) = &params.stop_signal {
        let actual = config.stop_signal.as_deref().unwrap_or("SIGTERM");
        if !same_signal(actual, wanted) {
            wrong.push(Wrong {
                keyword: Keyword::Stopsignal,
                message: format!("the image's stop signal is {actual}"),
                expected: wanted.clone(),
                actual: actual.into(),
                mend: Mend::Instead(format!("STOPSIGNAL {wanted}")),
            });
        }
    }
    wrong
}

fn pair(
    wrong: &mut Vec<Wrong>,
    keyword: Keyword,
    what: &str,
    name: &str,
    wanted: &Wanted,
    actual: Option<&str>,
) {
    if wanted.holds(actual) {
        return;
    }
    wrong.push(Wrong {
        keyword,
        message: match (actual, wanted) {
            (None, _) => format!("the image has no {what} `{name}`"),
            (Some(""), Wanted::Any(true)) => format!("the {what} `{name}` is empty"),
            (Some(_), Wanted::Any(_)) => format!("the image has the {what} `{name}`"),
            (Some(value), Wanted::Value(_)) => format!("the {what} `{name}` is `{value}`"),
        },
        expected: wanted.shown(name),
        actual: actual.map_or_else(|| "none".to_owned(), |v| format!("`{name}={v}`")),
        mend: match wanted {
            Wanted::Value(value) => Mend::Pair(name.to_owned(), value.clone()),
            Wanted::Any(_) => Mend::None,
        },
    });
}

/// Why the image's healthcheck is no program of the image that is started without a shell.
pub(super) fn exec_fault(image: &Image) -> Option<String> {
    let test = image.config.healthcheck.as_ref().map(|h| &h.test[..]);
    let words = match test.unwrap_or_default() {
        [how, words @ ..] if how == "CMD" => words,
        [how, ..] if how == "CMD-SHELL" => {
            return Some("the healthcheck is started by a shell".to_owned());
        }
        _ => return Some("the image has no healthcheck".to_owned()),
    };
    let Some(name) = words.first() else {
        return Some("the healthcheck names no program".to_owned());
    };
    let (named, file) = match find(image, name) {
        Program::File { named, file } => (named, file),
        Program::Missing(path) => {
            return Some(format!(
                "the healthcheck starts {path}, which is not in the image"
            ));
        }
        Program::NotAFile(path) => {
            return Some(format!(
                "the healthcheck starts {path}, which is no program"
            ));
        }
    };
    let user = user::of(image).ok().and_then(Result::ok);
    if user.is_some_and(|u| !reaches(image, &named, &u, Access::Execute)) {
        return Some(format!(
            "the healthcheck starts {named}, which the image's user may not start"
        ));
    }
    let script = facts(file.entry).and_then(|f| f.interpreter.as_deref());
    let mut all = script
        .unwrap_or_default()
        .split_whitespace()
        .chain([name.as_str()]);
    if all.any(is_shell) || is_box(name) && words.get(1).is_some_and(|w| is_shell(w)) {
        return Some("the healthcheck is started by a shell".to_owned());
    }
    // What the container is doing already says nothing when it is done once more.
    let again = started(image).is_some_and(|s| s.argv == words);
    again.then(|| "the healthcheck starts once more what the container runs".to_owned())
}

fn is_shell(name: &str) -> bool {
    !is_box(name) && is_shells_name(base_name(name))
}

/// Whether it is many programs, of which the next word says which.
fn is_box(name: &str) -> bool {
    matches!(base_name(name), "busybox" | "toybox")
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn none_or(text: &str) -> String {
    if text.is_empty() {
        "none".to_owned()
    } else {
        text.to_owned()
    }
}

fn find_program(image: &Image, words: &[String]) -> bool {
    words.first().is_none_or(|name| {
        matches!(find(image, name), Program::File { .. }) || name.starts_with('-')
    })
}
