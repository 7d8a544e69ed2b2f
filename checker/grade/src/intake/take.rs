//! Takes of an exercise's folder what a learner may change, and notes the rest.

use std::collections::BTreeSet;

use mslab_core::lab::{Folder, FolderFile};
use mslab_core::text::plural;
use mslab_core::units::Bytes;

use super::Limits;
use super::listing::{Fault, Kind, Listing};
use super::source::Source;
use crate::submission::{Submission, Trusted};
use crate::text::{name_bytes, shown, some};

/// How many names a note lists.
const NAMES: usize = 5;
/// What only a lab has: a learner who hands one in is graded without it.
const LABS_OWN: [&str; 4] = ["lab.toml", "mutants.toml", "solution", "attempts"];

/// What came of taking an exercise's files.
pub(super) enum Taken {
    Submission(Submission),
    /// There is nothing of what the exercise asks for.
    Nothing,
}

/// Takes the learner's files of the exercise in the folder `base` (empty, or ending in a slash).
pub(super) fn take(
    student: &str,
    source: &Source,
    listing: &Listing,
    base: &str,
    trusted: &Trusted,
    limits: &Limits,
) -> Result<Taken, Fault> {
    let mut wanted = BTreeSet::new();
    let mut compared = BTreeSet::new();
    let mut left: Vec<String> = Vec::new();
    let mut labs_own = BTreeSet::new();
    let mut bytes = 0_u64;
    for (path, kind) in listing.within(base) {
        let full = format!("{base}{path}");
        let first = path.split('/').next().unwrap_or(path);
        if trusted.lab.is_learners(path) {
            match kind {
                Kind::Directory => {}
                Kind::File(size) => {
                    bytes += too_large(path, size, bytes, limits)?;
                    wanted.insert(full);
                }
                Kind::Link => return Err(not_a_file(path, "a link")),
                Kind::Special => return Err(not_a_file(path, "a device, a FIFO or a socket")),
            }
        } else if LABS_OWN.contains(&first) {
            labs_own.insert(first.to_owned());
        } else if let Some(own) = trusted.given().get(path) {
            match kind {
                Kind::File(size) if size == own.bytes.len() as u64 => {
                    compared.insert(full);
                }
                _ => left.push(full),
            }
        } else if kind != Kind::Directory {
            left.push(full);
        }
    }
    if wanted.is_empty() {
        return Ok(Taken::Nothing);
    }
    let mut contents = source.read(&wanted, limits)?;
    let mut files = Folder::new();
    let mut total = 0;
    for path in &wanted {
        let Some(content) = contents.remove(path) else {
            continue;
        };
        let name = &path[base.len()..];
        // What a listing says of a size is the archive's word only.
        total += too_large(name, content.bytes.len() as u64, total, limits)?;
        files.insert(
            name.to_owned(),
            FolderFile {
                bytes: content.bytes.into(),
                executable: content.executable,
            },
        );
    }
    for (path, content) in source.read(&compared, limits)? {
        let own = &trusted.given()[&path[base.len()..]];
        if content.bytes != own.bytes.as_ref() {
            left.push(path);
        }
    }
    let notes = notes(&left, base, &labs_own, trusted, listing, &files);
    Ok(Taken::Submission(Submission {
        student: student.to_owned(),
        place: place(source, base),
        files,
        notes,
    }))
}

/// The folder or archive, and the folder in it.
fn place(source: &Source, base: &str) -> String {
    let name = source.path().file_name().map(name_bytes);
    let name = shown(&name.unwrap_or_default());
    match base.trim_end_matches('/') {
        "" => name,
        base => format!("{name}/{base}"),
    }
}

/// The size itself, where the limits allow it.
fn too_large(path: &str, size: u64, so_far: u64, limits: &Limits) -> Result<u64, Fault> {
    if size > limits.file_bytes {
        return Err(Fault::Refused(format!(
            "{path} has more than {}, which no exercise needs",
            Bytes(limits.file_bytes)
        )));
    }
    if so_far + size > limits.total_bytes {
        return Err(Fault::Refused(format!(
            "the files that count have more than {} together",
            Bytes(limits.total_bytes)
        )));
    }
    Ok(size)
}

fn not_a_file(path: &str, what: &str) -> Fault {
    Fault::Refused(format!("{path} is {what}; only a regular file is taken"))
}

fn notes(
    left: &[String],
    base: &str,
    labs_own: &BTreeSet<String>,
    trusted: &Trusted,
    listing: &Listing,
    files: &Folder,
) -> Vec<String> {
    let mut notes = Vec::new();
    if !labs_own.is_empty() {
        let names: Vec<String> = labs_own.iter().cloned().collect();
        notes.push(format!(
            "brings its own {}: graded with the lab's",
            some(&names, NAMES)
        ));
    }
    let (differ, others): (Vec<String>, Vec<String>) = left
        .iter()
        .map(|path| path[base.len()..].to_owned())
        .partition(|path| trusted.given().contains_key(path));
    if !differ.is_empty() {
        notes.push(format!(
            "differs from the lab's own: {}; graded with the lab's",
            some(&differ, NAMES)
        ));
    }
    if !others.is_empty() {
        notes.push(format!(
            "{} not taken: {}",
            plural(others.len(), "further file"),
            some(&others, NAMES)
        ));
    }
    if !listing.odd.is_empty() {
        notes.push(format!(
            "{} not taken, because no exercise has such a name or because it leads out of the submission: {}",
            plural(listing.odd.len(), "name"),
            some(&listing.odd, NAMES)
        ));
    }
    if trusted.is_starter(files) {
        notes.push("unchanged from the starter".to_owned());
    }
    notes
}
