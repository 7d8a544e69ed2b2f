//! `mslab explain`: a check's own page.

use mslab_core::checks::{self, PageOptions, list, page};
use mslab_core::diagnostic::did_you_mean;
use mslab_core::lab::Lab;

use crate::commands::check::print;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::terminal;
use crate::workspace::Surroundings;

/// Prints one check's page, or the list of all.
pub(crate) fn run(check: Option<&str>, markdown: bool) -> Result<Exit> {
    let options = if markdown {
        PageOptions::Markdown { heading: 1 }
    } else {
        PageOptions::Terminal {
            color: true,
            ascii: false,
            width: terminal::width(),
        }
    };
    let Some(id) = check else {
        print(&list(&options))?;
        return Ok(Exit::Passed);
    };
    if checks::find(id).is_none()
        && let Ok(lab) = Surroundings::here()?.labs.find(id)
    {
        return task(&lab);
    }
    let Some(check) = checks::find(id) else {
        let failure = Failure::usage(format!("there is no check called `{id}`"));
        let help = match did_you_mean(id, checks::ALL.iter().map(|c| c.id())) {
            Some(near) => format!("Did you mean `{near}`? `mslab explain` lists them all."),
            None => "`mslab explain` lists them all.".to_owned(),
        };
        return Err(failure.help(help));
    };
    print(&page(check, &options))?;
    Ok(Exit::Passed)
}

/// An exercise's task, as its author wrote it.
fn task(lab: &Lab) -> Result<Exit> {
    let text = lab
        .files
        .get("README.md")
        .map(|f| String::from_utf8_lossy(&f.bytes));
    print(&text.unwrap_or_default())?;
    Ok(Exit::Passed)
}
