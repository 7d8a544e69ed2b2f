//! `mslab clean`: removes what mslab made on the engine and in its caches, and nothing else.

use mslab_core::units::Bytes;
use mslab_engine::CleanOptions;

use crate::args::Global;
use crate::check::{Bench, Facts};
use crate::exit::Exit;
use crate::failure::Result;
use crate::runtime;
use crate::terminal::{HINT, paint, say};
use crate::verify::Kept;

/// Removes it all, and says what it was.
pub(crate) fn run(keep_stand_ins: bool, global: &Global) -> Result<Exit> {
    let forgotten = Facts::open().forget()? + Kept::forget()?;
    // What a `mslab grade` that was killed has left.
    mslab_engine::sweep();
    let removed = runtime::block_on(async |cancel| {
        let bench = Bench::open(global, &cancel).await?;
        Ok(bench
            .engine
            .clean(CleanOptions {
                keep_stand_ins,
                ..CleanOptions::default()
            })
            .await?)
    })?;
    for name in &removed.images {
        say!("- {name}");
    }
    say!(
        "removed {} containers and {} image names ({} freed on the engine), and {} of remembered facts",
        removed.containers,
        removed.images.len(),
        Bytes(removed.bytes),
        Bytes(forgotten)
    );
    for (what, reason) in &removed.kept {
        say!("{} {what}: {reason}", paint(HINT, "kept"));
    }
    Ok(Exit::Passed)
}
