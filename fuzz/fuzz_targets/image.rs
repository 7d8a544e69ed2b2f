//! `RUSTC_BOOTSTRAP=1 cargo fuzz run image fuzz/corpus/image fuzz/seeds/image`

#![no_main]

#[path = "../src/image.rs"]
mod image;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| image::holds(bytes));
