//! The report and its outputs.
