//! Which book is served: the one that was named, the checkout's, or the copy in the binary.

use std::path::{Path, PathBuf};

use mslab_serve::Book;

use crate::carried;
use crate::failure::{Failure, Result};

/// The book, and where it comes from in a few words.
pub(crate) fn find(named: Option<&Path>) -> Result<(Book, String)> {
    if let Some(dir) = named {
        let book = Book::Folder(dir.to_owned());
        if !book.is_there() {
            let failure = Failure::usage(format!("there is no built book in {}", dir.display()));
            return Err(failure.help("Name the folder that mdBook wrote: the one with index.html."));
        }
        return Ok((book, dir.display().to_string()));
    }
    let here = std::env::current_dir().unwrap_or_default();
    let built = |dir: &Path| -> Option<PathBuf> {
        let is_book = dir.join("book.toml").is_file();
        Some(dir.join("target/book")).filter(|b| is_book && b.join("index.html").is_file())
    };
    if let Some(dir) = here.ancestors().find_map(built) {
        let shown = dir.display().to_string();
        return Ok((Book::Folder(dir), shown));
    }
    let book = Book::Carried(carried::book());
    if book.is_there() {
        return Ok((book, "the copy in this program".to_owned()));
    }
    Err(Failure::usage("there is no book to serve").help(
        "This mslab was built without one. `make book` in its checkout builds it; then, here: mslab serve --book CHECKOUT/target/book",
    ))
}
