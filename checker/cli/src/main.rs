//! The `mslab` command line.
fn main() {}
