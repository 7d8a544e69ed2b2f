//! Names as they came in: bytes of anybody's choice, made into text that people can read and programs can hold.

use mslab_core::text::escape::{is_hidden, visible};

/// Bytes of a name as text: what is no UTF-8 becomes `\xff`, hidden characters and backslashes are escaped. Two
/// different names never become the same text.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                c if is_hidden(c) => out.push_str(&visible(c)),
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// The first of many, for a message: `a, b, c and 7 more`.
pub(crate) fn some(names: &[String], most: usize) -> String {
    let first = names.iter().take(most).cloned().collect::<Vec<_>>();
    let more = names.len() - first.len();
    let list = first.join(", ");
    if more == 0 {
        list
    } else {
        format!("{list} and {more} more")
    }
}

/// The bytes of a file's name.
#[cfg(unix)]
pub(crate) fn name_bytes(name: &std::ffi::OsStr) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt as _;
    name.as_bytes().to_vec()
}

/// The bytes of a file's name.
#[cfg(not(unix))]
pub(crate) fn name_bytes(name: &std::ffi::OsStr) -> Vec<u8> {
    name.to_string_lossy().into_owned().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_apart_and_readable() {
        assert_eq!(shown(b"ann"), "ann");
        assert_eq!(shown("Zoë".as_bytes()), "Zoë");
        assert_eq!(shown(b"a\xffb\x1b[31m"), "a\\xffb\\u{1b}[31m");
        assert_ne!(shown(b"\\xff"), shown(b"\xff"));
        assert_ne!(shown(b"\\\\"), shown(b"\\"));
    }

    #[test]
    fn lists_end_somewhere() {
        let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        assert_eq!(some(&names, 2), "a, b and 1 more");
        assert_eq!(some(&names, 3), "a, b, c");
    }
}
