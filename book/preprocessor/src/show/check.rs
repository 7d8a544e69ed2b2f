//! `{{#check ID}}`: a check's page. `{{#checks}}`: all of them at a glance.

use mslab_core::checks::{self, AnyCheck, PageOptions};
use mslab_core::evidence::Need;
use mslab_core::text::escape;

use super::{Args, Directive};
use crate::fault::{Fault, Result};
use crate::page::Page;

pub(super) const CHECK: Directive = Directive {
    name: "check",
    usage: "`{{#check ID}}`",
    options: &[],
    words: (1, 1),
    show: one,
};

pub(super) const CHECKS: Directive = Directive {
    name: "checks",
    usage: "`{{#checks}}`",
    options: &[],
    words: (0, 0),
    show: all,
};

/// The check that a text names.
pub(super) fn find(id: &str) -> Result<&'static dyn AnyCheck> {
    checks::find(id)
        .ok_or_else(|| Fault::unknown("no check", id, checks::ALL.iter().map(|c| c.id())))
}

fn one(page: &mut Page<'_>, args: &Args<'_>) -> Result<String> {
    let check = find(args.words[0])?;
    let heading = page.next_heading();
    let text = checks::page(check, &PageOptions::Markdown { heading });
    if !page.is_html() {
        return Ok(text);
    }
    // The anchor is the id, so that a link to a check outlives its title.
    Ok(match text.split_once('\n') {
        Some((title, rest)) => format!("{title} {{#{}}}\n{rest}", check.id()),
        None => text,
    })
}

/// What a check looks at, and what the group is called.
const GROUPS: &[(Sight, &str)] = &[
    (Sight::Text, "What the text shows, without an engine"),
    (Sight::Build, "What the build does"),
    (Sight::Image, "What is in the image"),
    (Sight::Container, "What a container of it does"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sight {
    Text,
    Build,
    Image,
    Container,
}

/// The farthest that a check looks, with the parameters of its good example.
fn sight(check: &dyn AnyCheck) -> Sight {
    let params: toml::Table = toml::from_str(check.doc().good.params).unwrap_or_default();
    let needs = check.bind(&params).map(|b| b.needs()).unwrap_or_default();
    let farthest = needs.iter().map(|need| match need {
        Need::Context => Sight::Text,
        Need::Build | Need::Sabotage { .. } | Need::Rebuild { .. } => Sight::Build,
        Need::Image | Need::OtherImage(_) | Need::StarterImage => Sight::Image,
        Need::Probe(_) => Sight::Container,
    });
    farthest.max().unwrap_or(Sight::Text)
}

fn all(page: &mut Page<'_>, _: &Args<'_>) -> Result<String> {
    let mut out = String::new();
    for (sight_of_group, title) in GROUPS {
        out.push_str(&format!(
            "**{title}**\n\n| check | holds when |\n|---|---|\n"
        ));
        for check in checks::ALL.iter().filter(|c| sight(**c) == *sight_of_group) {
            out.push_str(&format!(
                "| {} | {} |\n",
                page.check_word(check.id()),
                escape::markdown(check.title())
            ));
        }
        out.push('\n');
    }
    Ok(out)
}
