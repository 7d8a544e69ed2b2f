//! Facts of an ELF file that streams by: small files are held whole, of large ones the head and what it points at.

use std::cell::Cell;
use std::ops::Range;

use object::elf;
use object::read::elf::{Dyn as _, FileHeader, ProgramHeader};
use object::{Endianness, ReadRef};

use super::super::tree::Elf;

/// Bytes held from a file's start. Linkers put the headers and the names of libraries well before the code, so that
/// this is enough for programs of any size; what lies further on is caught as it passes.
const HEAD: usize = 16 << 20;

/// Pieces further on that are waited for at most.
const MOST_WINDOWS: usize = 4096;

/// Bytes of one such piece at most.
const LARGEST_WINDOW: u64 = 1 << 20;

/// Names of libraries that are kept of one file, and the bytes of one.
const MOST_NEEDED: usize = 1024;
const LONGEST_NAME: u64 = 4096;

/// What stands for the name of a library or loader that passed by before it was known to be one.
const OUT_OF_REACH: &str = "(a name far into the file)";

/// Collects what is needed of one file after the other.
#[derive(Debug)]
pub(super) struct Collector {
    /// Bytes that are held from the start: [`HEAD`].
    head: usize,
    view: View,
    at: u64,
    waiting: Vec<(Range<u64>, Vec<u8>)>,
    result: Option<Option<Elf>>,
}

/// The parts of a file that were kept.
#[derive(Debug, Default)]
struct View {
    size: u64,
    head: Vec<u8>,
    windows: Vec<(Range<u64>, Vec<u8>)>,
    /// The first part that was asked for and is not there.
    missing: Cell<Option<(u64, u64)>>,
}

impl Default for Collector {
    fn default() -> Self {
        Self {
            head: HEAD,
            view: View::default(),
            at: 0,
            waiting: Vec::new(),
            result: None,
        }
    }
}

impl Collector {
    /// Begins a file of this size.
    pub(super) fn begin(&mut self, size: u64) {
        self.view.size = size;
        self.view.head.clear();
        // A very large file does not leave its memory to all the small ones after it.
        self.view.head.shrink_to(1 << 20);
        self.view.windows.clear();
        self.at = 0;
        self.waiting.clear();
        self.result = None;
    }

    /// Takes the next bytes, in steps that end where something that is waited for is complete: what it points at may
    /// come right after it.
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.result.is_none() {
            let room = self.head - self.view.head.len();
            let to_head_end = (room > 0).then_some(room as u64);
            let ends = self.waiting.iter().map(|(range, _)| range.end);
            let step = ends
                .filter_map(|end| end.checked_sub(self.at))
                .filter(|step| *step > 0)
                .chain(to_head_end)
                .min()
                .map_or(bytes.len(), |step| bytes.len().min(step as usize));
            let (now, rest) = bytes.split_at(step);
            self.step(now);
            bytes = rest;
        }
    }

    fn step(&mut self, bytes: &[u8]) {
        let from = self.at;
        self.at += bytes.len() as u64;
        let mut complete = false;
        if self.view.head.len() < self.head {
            self.view.head.extend_from_slice(bytes);
            complete = self.view.head.len() == self.head;
        }
        for (range, kept) in &mut self.waiting {
            let start = range.start + kept.len() as u64;
            if start >= from && start < self.at {
                let skip = (start - from) as usize;
                let wanted = (range.end - start) as usize;
                let end = skip.saturating_add(wanted).min(bytes.len());
                kept.extend_from_slice(&bytes[skip..end]);
                complete |= kept.len() as u64 == range.end - range.start;
            }
        }
        if complete {
            let (done, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
                .into_iter()
                .partition(|(range, kept)| kept.len() as u64 == range.end - range.start);
            self.view.windows.extend(done);
            self.waiting = waiting;
            self.look(false);
        }
    }

    /// The facts; `None` for a file that only begins like an ELF file.
    pub(super) fn finish(&mut self) -> Option<Elf> {
        if self.result.is_none() {
            self.look(true);
        }
        self.result.take().flatten()
    }

    /// Reads as far as the kept parts reach, and waits for what is missing and still to come.
    fn look(&mut self, at_end: bool) {
        self.view.missing.set(None);
        let facts = parse(&self.view, at_end);
        let Some((offset, size)) = self.view.missing.get().filter(|_| !at_end) else {
            self.result = Some(facts);
            return;
        };
        // Its beginning may be held already, as the end of the head.
        let kept = self.view.kept_from(offset, size).to_vec();
        let still_to_come = offset + kept.len() as u64 >= self.at
            && size <= LARGEST_WINDOW
            && self.view.windows.len() + self.waiting.len() < MOST_WINDOWS;
        if still_to_come {
            self.waiting.push((offset..offset + size, kept));
        } else {
            self.result = Some(parse(&self.view, true));
        }
    }
}

impl View {
    fn kept(&self, offset: u64, size: u64) -> Option<&[u8]> {
        let end = offset.checked_add(size)?;
        if end <= self.head.len() as u64 {
            return Some(&self.head[offset as usize..end as usize]);
        }
        self.windows
            .iter()
            .find(|(range, _)| range.start <= offset && end <= range.end)
            .map(|(range, kept)| {
                &kept[(offset - range.start) as usize..(end - range.start) as usize]
            })
    }
}

impl View {
    /// As many of these bytes as were kept in one piece.
    fn kept_from(&self, offset: u64, size: u64) -> &[u8] {
        let pieces = self.windows.iter().map(|(r, kept)| (r.start, kept));
        for (start, kept) in std::iter::once((0, &self.head)).chain(pieces) {
            let from = offset.checked_sub(start).map(|from| from as usize);
            if let Some(rest) = from.and_then(|from| kept.get(from..))
                && !rest.is_empty()
            {
                return &rest[..rest.len().min(size as usize)];
            }
        }
        &[]
    }
}

impl<'a> ReadRef<'a> for &'a View {
    fn len(self) -> Result<u64, ()> {
        Ok(self.size)
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'a [u8], ()> {
        if offset.checked_add(size).is_none_or(|end| end > self.size) {
            return Err(());
        }
        self.kept(offset, size).ok_or_else(|| {
            if self.missing.get().is_none() {
                self.missing.set(Some((offset, size)));
            }
        })
    }

    fn read_bytes_at_until(self, range: Range<u64>, delimiter: u8) -> Result<&'a [u8], ()> {
        let size = range
            .end
            .min(self.size)
            .checked_sub(range.start)
            .ok_or(())?
            .min(LONGEST_NAME);
        let at_hand = self.kept_from(range.start, size);
        if let Some(end) = at_hand.iter().position(|b| *b == delimiter) {
            return Ok(&at_hand[..end]);
        }
        let bytes = self.read_bytes_at(range.start, size)?;
        let end = bytes.iter().position(|b| *b == delimiter).ok_or(())?;
        Ok(&bytes[..end])
    }
}

fn parse(view: &View, guess: bool) -> Option<Elf> {
    match view.kept(4, 1)? {
        [class] if *class == elf::ELFCLASS64.0 => {
            facts::<elf::FileHeader64<Endianness>>(view, guess)
        }
        [class] if *class == elf::ELFCLASS32.0 => {
            facts::<elf::FileHeader32<Endianness>>(view, guess)
        }
        _ => None,
    }
}

/// With `guess`, a name that is out of reach is replaced, so that it is known at least that there is one.
fn facts<H: FileHeader<Endian = Endianness>>(view: &View, guess: bool) -> Option<Elf> {
    let header = H::parse(view).ok()?;
    let endian = header.endian().ok()?;
    let segments = header.program_headers(endian, view).ok()?;
    let kind = header.e_type(endian);

    let mut interpreter = None;
    let mut dynamic = None;
    let mut needed = Vec::new();
    for segment in segments {
        match segment.interpreter(endian, view) {
            Ok(Some(path)) => interpreter = Some(text(path)),
            Ok(None) => {}
            Err(_) if guess => interpreter = Some(OUT_OF_REACH.to_owned()),
            Err(_) => return None,
        }
        match segment.dynamic(endian, view) {
            Ok(Some(entries)) => dynamic = Some(entries),
            Ok(None) => {}
            Err(_) if guess && view.missing.get().is_some() => {
                needed.push(OUT_OF_REACH.to_owned());
            }
            Err(_) => return None,
        }
    }

    let mut names = None;
    let mut needed_at = Vec::new();
    let mut soname = false;
    let mut flags = 0u64;
    for entry in dynamic.unwrap_or_default() {
        let value: u64 = entry.d_val(endian).into();
        match entry.d_tag(endian) {
            elf::DT_NULL => break,
            elf::DT_NEEDED if needed_at.len() < MOST_NEEDED => needed_at.push(value),
            elf::DT_STRTAB => names = Some(value),
            elf::DT_SONAME => soname = true,
            elf::DT_FLAGS_1 => flags = value,
            _ => {}
        }
    }
    let names = names.and_then(|address| offset_of::<H>(segments, endian, address));
    for at in needed_at {
        let offset = names.and_then(|n| n.checked_add(at));
        let name = offset.and_then(|from| {
            view.read_bytes_at_until(from..from.saturating_add(LONGEST_NAME), 0)
                .ok()
        });
        match name {
            Some(name) => needed.push(text(name)),
            None if guess || view.missing.get().is_none() => needed.push(OUT_OF_REACH.to_owned()),
            None => return None,
        }
    }

    let dynamic_program = (flags & 0x0800_0000 != 0)
        || (!soname && interpreter.is_some())
        || (!soname && needed.is_empty() && header.e_entry(endian).into() != 0);
    let executable = match kind {
        elf::ET_EXEC => true,
        elf::ET_DYN => dynamic_program,
        _ => false,
    };
    Some(Elf {
        machine: machine(
            header.e_machine(endian),
            header.is_type_64(),
            endian == Endianness::Big,
        ),
        interpreter,
        needed,
        executable,
        pie: kind == elf::ET_DYN,
    })
}

/// Where in the file that address is loaded from.
fn offset_of<H: FileHeader>(
    segments: &[H::ProgramHeader],
    endian: H::Endian,
    address: u64,
) -> Option<u64> {
    segments.iter().find_map(|s| {
        let start: u64 = s.p_vaddr(endian).into();
        let size: u64 = s.p_filesz(endian).into();
        let offset: u64 = s.p_offset(endian).into();
        let inside = address.checked_sub(start).filter(|d| *d < size)?;
        (s.p_type(endian) == elf::PT_LOAD)
            .then(|| offset.checked_add(inside))
            .flatten()
    })
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// A machine in Go's spelling, which is that of image platforms.
fn machine(number: elf::Machine, wide: bool, big_endian: bool) -> String {
    let name = match (number, wide, big_endian) {
        (elf::EM_X86_64, ..) => "amd64",
        (elf::EM_386, ..) => "386",
        (elf::EM_AARCH64, ..) => "arm64",
        (elf::EM_ARM, ..) => "arm",
        (elf::EM_RISCV, true, _) => "riscv64",
        (elf::EM_PPC64, _, false) => "ppc64le",
        (elf::EM_PPC64, _, true) => "ppc64",
        (elf::EM_S390, true, _) => "s390x",
        (elf::EM_LOONGARCH, true, _) => "loong64",
        (elf::EM_MIPS, true, false) => "mips64le",
        (elf::EM_MIPS, true, true) => "mips64",
        (elf::EM_MIPS, false, false) => "mipsle",
        (elf::EM_MIPS, false, true) => "mips",
        _ => return format!("em-{}", number.0),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{Fixture, ItemKind};
    use super::*;

    fn program(what: &str) -> (Vec<u8>, Elf) {
        let text = format!("layer x\nfile /a 0755 {what}");
        let fixture = Fixture::parse(&text).unwrap();
        let ItemKind::File(content) = &fixture.layers[0].items[0].kind else {
            panic!("a program is a file");
        };
        (content.bytes.clone(), content.facts.elf.clone().unwrap())
    }

    fn collect(bytes: &[u8], head: usize, piece: usize) -> Option<Elf> {
        let mut collector = Collector {
            head,
            ..Collector::default()
        };
        collector.begin(bytes.len() as u64);
        for piece in bytes.chunks(piece) {
            collector.push(piece);
        }
        collector.finish()
    }

    #[test]
    fn what_lies_after_the_head_is_caught_as_it_passes() {
        let (bytes, expected) = program("elf-dynamic needed=libone.so,libtwo.so");
        let names_end = bytes.windows(9).rposition(|w| w == b"libtwo.so").unwrap() + 10;
        for head in [names_end, names_end + 1, bytes.len() - 1, HEAD] {
            for piece in [1, 7, 100, 100_000] {
                let facts = collect(&bytes, head, piece);
                assert_eq!(facts.as_ref(), Some(&expected), "{head} {piece}");
            }
        }
    }

    #[test]
    fn a_name_that_passed_by_unseen_still_counts() {
        let (bytes, expected) = program("elf-dynamic needed=libone.so,libtwo.so");
        let names = bytes.windows(9).position(|w| w == b"libone.so").unwrap();
        let facts = collect(&bytes, names, 10).unwrap();
        assert_eq!(facts.needed, [OUT_OF_REACH, OUT_OF_REACH]);
        assert_eq!(facts.interpreter, expected.interpreter);
        assert!(!facts.is_static());
    }

    #[test]
    fn machines_and_kinds_are_told_apart() {
        for arch in ["amd64", "arm64", "s390x", "riscv64", "ppc64le", "loong64"] {
            let (bytes, expected) = program(&format!("elf-static-pie arch={arch}"));
            assert_eq!(collect(&bytes, HEAD, 50), Some(expected.clone()));
            assert!(expected.is_static());
        }
        let (bytes, expected) = program("elf-library needed=libc.so.6");
        assert_eq!(collect(&bytes, HEAD, 50), Some(expected.clone()));
        assert!(!expected.executable);
    }

    #[test]
    fn what_only_begins_like_a_program_is_none() {
        let (bytes, _) = program("elf-dynamic");
        assert_eq!(collect(b"\x7fELF", HEAD, 4), None);
        assert_eq!(collect(&bytes[..100], HEAD, 4), None);
    }
}
