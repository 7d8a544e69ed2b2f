//! What several cases are doing at the same time, in one moving line that makes way for the lines that stay.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::ProgressBar;

use crate::args::Global;
use crate::progress::{Event, Listener, printable};
use crate::terminal::{DIM, paint};

/// One moving line for all cases. Without a terminal, or with `--quiet`, there is none.
pub(crate) struct Board {
    bar: Option<ProgressBar>,
    verbose: bool,
    doing: Mutex<BTreeMap<String, String>>,
}

impl Board {
    /// A board as the options want it.
    pub(crate) fn new(global: &Global) -> Self {
        let moving = std::io::stderr().is_terminal() && !global.verbose && !global.quiet;
        Self {
            bar: moving.then(|| {
                let bar = ProgressBar::new_spinner();
                bar.enable_steady_tick(Duration::from_millis(120));
                bar
            }),
            verbose: global.verbose && !global.quiet,
            doing: Mutex::default(),
        }
    }

    /// Prints what stays, a line each.
    pub(crate) fn print(&self, lines: &[String]) {
        let print = || {
            for line in lines {
                anstream::println!("{line}");
            }
        };
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// A listener for one case.
    pub(crate) fn case<'a>(&'a self, name: &str) -> CaseListener<'a> {
        CaseListener {
            board: self,
            name: name.to_owned(),
        }
    }

    fn set(&self, name: &str, what: Option<String>) {
        let Ok(mut doing) = self.doing.lock() else {
            return;
        };
        if let (true, Some(what)) = (self.verbose, &what) {
            anstream::eprintln!("{}", paint(DIM, printable(&format!("  {name}: {what}"))));
        }
        match what {
            Some(what) => doing.insert(name.to_owned(), what),
            None => doing.remove(name),
        };
        if let Some(bar) = &self.bar {
            let all: Vec<String> = doing.iter().map(|(n, w)| format!("{n}: {w}")).collect();
            bar.set_message(printable(&all.join(" · ")));
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Tells the board what one case is doing, until it is dropped.
pub(crate) struct CaseListener<'a> {
    board: &'a Board,
    name: String,
}

impl Listener for CaseListener<'_> {
    fn on(&self, event: Event) {
        match event {
            Event::Building(what, _) => {
                self.board.set(&self.name, Some(format!("building {what}")));
            }
            Event::Probing(key) => {
                self.board
                    .set(&self.name, Some(format!("starting it for `{key}`")));
            }
            _ => {}
        }
    }
}

impl Drop for CaseListener<'_> {
    fn drop(&mut self) {
        self.board.set(&self.name, None);
    }
}
