//! `mdbook-mslab`: what mdBook calls before it renders the book.

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    // `mdbook-mslab supports RENDERER`: every renderer gets something that it can show.
    if std::env::args().nth(1).as_deref() == Some("supports") {
        return ExitCode::SUCCESS;
    }
    let mut input = String::new();
    if let Err(e) = io::stdin().read_to_string(&mut input) {
        eprintln!("error: cannot read the book from mdBook: {e}");
        return ExitCode::FAILURE;
    }
    match mdbook_mslab::preprocess(&input) {
        Ok(book) => match io::stdout().write_all(book.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => {
                eprintln!("error: cannot hand the book back to mdBook: {e}");
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
