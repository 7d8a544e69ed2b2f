//! `RUSTC_BOOTSTRAP=1 cargo fuzz run dockerfile fuzz/corpus/dockerfile fuzz/seeds/dockerfile tests/dockerfile`

#![no_main]

#[path = "../src/dockerfile.rs"]
mod dockerfile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dockerfile::holds(bytes));
