//! Findings, their places, and fixes as edits on spans.
