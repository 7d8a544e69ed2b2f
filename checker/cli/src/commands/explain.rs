//! `mslab explain`: a check's own page.

use mslab_core::checks::{self, page};
use mslab_core::diagnostic::did_you_mean;

use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// Prints one check's page, or the list of all.
pub(crate) fn run(check: Option<&str>, markdown: bool) -> Result<Exit> {
    let Some(id) = check else {
        let width = checks::ALL.iter().map(|c| c.id().len()).max().unwrap_or(0);
        for check in checks::ALL {
            anstream::println!("{:<width$}  {}", check.id(), check.title());
        }
        anstream::println!("\n`mslab explain CHECK` shows one of them.");
        return Ok(Exit::Passed);
    };
    let Some(check) = checks::find(id) else {
        let failure = Failure::usage(format!("there is no check called `{id}`"));
        let help = match did_you_mean(id, checks::ALL.iter().map(|c| c.id())) {
            Some(near) => format!("Did you mean `{near}`? `mslab explain` lists them all."),
            None => "`mslab explain` lists them all.".to_owned(),
        };
        return Err(failure.help(help));
    };
    anstream::print!("{}", page(check, markdown));
    Ok(Exit::Passed)
}
