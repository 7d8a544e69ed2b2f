//! A reader that stops where too much comes out of too little.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use mslab_core::units::Bytes;

use super::Limits;
use super::listing::Fault;

/// Opens an archive that is no larger than the limits allow. Returns its size too.
pub(super) fn open(path: &Path, limits: &Limits) -> Result<(File, u64), Fault> {
    let cannot = |e| Fault::io("it cannot be read", &e);
    let file = File::open(path).map_err(cannot)?;
    let size = file.metadata().map_err(cannot)?.len();
    if size > limits.archive_bytes {
        return Err(Fault::Refused(format!(
            "the archive has {}; {} are taken at most",
            Bytes(size),
            Bytes(limits.archive_bytes)
        )));
    }
    Ok((file, size))
}

/// Why a [`Metered`] reader stopped, for those who only see an error go by.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdict(Rc<Cell<Option<&'static str>>>);

impl Verdict {
    /// The fault behind an error from a metered reader.
    pub(super) fn fault(&self, error: &io::Error) -> Fault {
        match self.0.get() {
            Some(what) => Fault::Refused(what.to_owned()),
            None => Fault::io("the archive is damaged", error),
        }
    }
}

/// Counts what comes out of an archive of `packed` bytes.
pub(super) struct Metered<R> {
    inner: R,
    packed: u64,
    out: u64,
    limits: Limits,
    verdict: Verdict,
}

impl<R: Read> Metered<R> {
    pub(super) fn new(inner: R, packed: u64, limits: &Limits) -> (Self, Verdict) {
        let verdict = Verdict::default();
        let metered = Self {
            inner,
            packed,
            out: 0,
            limits: *limits,
            verdict: verdict.clone(),
        };
        (metered, verdict)
    }
}

/// What is wrong with an archive from which `out` bytes come.
pub(super) fn too_much(packed: u64, out: u64, limits: &Limits) -> Option<&'static str> {
    if out > limits.unpacked_bytes {
        Some("more comes out of the archive than is taken")
    } else if out > limits.ratio_from && out / packed.max(1) > limits.ratio {
        Some("the archive is packed so tightly that it can only be a bomb")
    } else {
        None
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.out += n as u64;
        if let Some(what) = too_much(self.packed, self.out, &self.limits) {
            self.verdict.0.set(Some(what));
            return Err(io::Error::other(what));
        }
        Ok(n)
    }
}
