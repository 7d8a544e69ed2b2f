//! `mslab explain`: a check's own page.

use mslab_core::checks::{self, AnyCheck, PageOptions, list, page};
use mslab_core::diagnostic::did_you_mean;
use mslab_core::lab::Lab;
use mslab_core::plan::Plan;

use crate::commands::check::print;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::labs::Labs;
use crate::terminal::{self, say};
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
    if let Some(check) = checks::find(id) {
        print(&page(check, &options))?;
        return Ok(Exit::Passed);
    }
    let labs = Surroundings::here()?.labs;
    match labs.find(id) {
        Ok(lab) => return task(&lab, markdown),
        Err(e) if id.to_ascii_lowercase().starts_with("exercise") => return Err(e),
        Err(_) => {}
    }
    if let Some((lab, check)) = called(&labs, id)? {
        let exercise = lab.exercise();
        say!(
            "`{id}` is what {exercise} calls a check of `{}`:\n",
            check.id()
        );
        print(&page(check, &options))?;
        return Ok(Exit::Passed);
    }
    let help = match did_you_mean(id, checks::ALL.iter().map(|c| c.id())) {
        Some(near) => format!("Did you mean `{near}`? `mslab explain` lists them all."),
        None => "`mslab explain` lists them all.".to_owned(),
    };
    Err(Failure::usage(format!("there is no check called `{id}`")).help(help))
}

/// An exercise's task; with `markdown` as its author wrote it.
fn task(lab: &Lab, markdown: bool) -> Result<Exit> {
    let Some(file) = lab.files.get("README.md") else {
        return Ok(Exit::Passed);
    };
    let text = String::from_utf8_lossy(&file.bytes);
    if markdown {
        print(&text)?;
    } else {
        print(&crate::markdown::render(&text, terminal::width()))?;
    }
    Ok(Exit::Passed)
}

/// The first lab that gives one of its checks this key.
fn called(labs: &Labs, key: &str) -> Result<Option<(Lab, &'static dyn AnyCheck)>> {
    for lab in labs.all()? {
        let plan = Plan::new(&lab)?;
        if let Some(planned) = plan.checks.iter().find(|c| c.key == key) {
            return Ok(Some((lab, planned.check)));
        }
    }
    Ok(None)
}
