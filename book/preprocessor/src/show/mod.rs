//! The directives: each a file here and a line in [`ALL`].

mod check;
mod checklist;
mod code;
mod diff;
mod dockerfile;
mod graph;
mod lab;
mod mistake;
mod quiz;
mod sizes;
mod steps;
mod transcript;

use crate::fault::{Fault, Result};
use crate::page::Page;

/// A directive.
pub(crate) struct Directive {
    /// What stands after `{{#`.
    pub(crate) name: &'static str,
    /// How it is written.
    pub(crate) usage: &'static str,
    /// The options that it knows.
    pub(crate) options: &'static [&'static str],
    /// How many words besides options it takes at least and at most.
    pub(crate) words: (usize, usize),
    /// What it becomes: Markdown, in which HTML stands for [`crate::page::Renderer::Html`].
    pub(crate) show: fn(&mut Page<'_>, &Args<'_>) -> Result<String>,
}

static ALL: &[Directive] = &[
    lab::LAB,
    dockerfile::DOCKERFILE,
    steps::STEPS,
    graph::GRAPH,
    sizes::SIZES,
    mistake::MISTAKE,
    check::CHECK,
    check::CHECKS,
    quiz::QUIZ,
    checklist::CHECKLIST,
    transcript::TRANSCRIPT,
];

/// The directives' names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|d| d.name)
}

/// What stands in a directive after its name.
#[derive(Debug, Default)]
pub(crate) struct Args<'a> {
    pub(crate) words: Vec<&'a str>,
    options: Vec<(&'a str, &'a str)>,
}

impl<'a> Args<'a> {
    fn parse(text: &'a str) -> Self {
        let mut args = Self::default();
        for part in text.split_whitespace() {
            match part.split_once('=') {
                Some((name, value)) => args.options.push((name, value)),
                None => args.words.push(part),
            }
        }
        args
    }

    /// An option's value.
    pub(crate) fn option(&self, name: &str) -> Option<&'a str> {
        self.options
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, v)| *v)
    }

    fn fit(&self, directive: &Directive) -> Result<()> {
        let usage = || format!("It is written {}.", directive.usage);
        for (n, (name, value)) in self.options.iter().enumerate() {
            if !directive.options.contains(name) {
                let known = directive.options.iter().copied();
                let mut fault = Fault::unknown("no option", name, known).within(directive.name);
                if fault.help.is_empty() {
                    fault.help = usage();
                }
                return Err(fault);
            }
            if value.is_empty() {
                return Err(Fault::new(format!("`{name}=` has no value"), usage()));
            }
            if self.options[..n].iter().any(|(other, _)| other == name) {
                return Err(Fault::new(format!("`{name}` stands there twice"), usage()));
            }
        }
        let (least, most) = directive.words;
        if self.words.len() < least {
            return Err(Fault::new(
                format!("`{}` wants more", directive.name),
                usage(),
            ));
        }
        if let Some(word) = self.words.get(most) {
            return Err(Fault::new(
                format!("`{word}` is one word too many"),
                usage(),
            ));
        }
        Ok(())
    }
}

/// What the directive `name` becomes.
pub(crate) fn show(page: &mut Page<'_>, name: &str, args: &str) -> Result<String> {
    let Some(directive) = ALL.iter().find(|d| d.name == name) else {
        return Err(Fault::unknown("no directive", name, names()));
    };
    let args = Args::parse(args);
    args.fit(directive)?;
    (directive.show)(page, &args)
}

/// A TOML file of `folder` by its name, with the place of what is wrong in it. `what` it is, as the directive is called.
fn toml_file<T: serde::de::DeserializeOwned>(
    page: &Page<'_>,
    folder: &str,
    what: &str,
    name: &str,
) -> Result<T> {
    let names = page.site.names(folder, ".toml");
    if !names.iter().any(|n| n == name) {
        let known = names.iter().map(String::as_str);
        return Err(Fault::unknown(&format!("no {what}"), name, known));
    }
    let path = format!("{folder}/{name}.toml");
    let source = page.site.source(&path)?;
    toml::from_str(&source.text()).map_err(|e| {
        let line = e
            .span()
            .map(|s| format!(":{}", source.position(s.start).line));
        let message = e.message().replace('\n', " ");
        let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let help = match words.split_first() {
            Some((word, known)) if message.starts_with("unknown field") => {
                Fault::unknown("", word, known.iter().copied()).help
            }
            _ => String::new(),
        };
        Fault::new(
            format!("{path}{}: {message}", line.unwrap_or_default()),
            help,
        )
    })
}
