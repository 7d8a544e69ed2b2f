//! Opens the book in the learner's browser.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// A page that leads to the book; gone when the server is.
pub(crate) struct Way {
    path: PathBuf,
}

impl Drop for Way {
    fn drop(&mut self) {
        // It holds a key that opens nothing any more.
        let _ = fs::remove_file(&self.path);
    }
}

/// Opens `url` in the browser, by way of a file in `folder` that nobody else can read: a program's arguments are seen by
/// everybody on the machine, and the address has the key in it.
pub(crate) fn open(url: &str, folder: &Path) -> Result<Way> {
    let path = folder.join(format!("open-{}.html", std::process::id()));
    let failed = |e: io::Error| Failure::file("write", &path, &e);
    let page = format!(
        "<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta http-equiv=\"refresh\" content=\"0;url={url}\">\n<title>mslab</title>\n<a href=\"{url}\">The book</a>\n"
    );
    let _ = fs::remove_file(&path);
    let mut file = only_mine(&path).map_err(failed)?;
    file.write_all(page.as_bytes()).map_err(failed)?;
    let way = Way { path };
    open::that_detached(&way.path).map_err(|e| {
        Failure::environment("no browser could be started")
            .because(&e)
            .help("Open the address yourself.")
    })?;
    Ok(way)
}

#[cfg(unix)]
fn only_mine(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn only_mine(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
