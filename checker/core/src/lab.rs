//! A lab: `lab.toml`, validated.
