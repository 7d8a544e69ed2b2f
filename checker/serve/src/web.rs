//! The page's program, as it was built into the crate.

mod built_in {
    include!(concat!(env!("OUT_DIR"), "/assets.rs"));
}

/// A file of `web/dist`.
pub(crate) fn asset(name: &str) -> Option<&'static [u8]> {
    built_in::ASSETS
        .iter()
        .find(|(n, _)| *n == name)
        .map(|(_, bytes)| *bytes)
}
