//! A plan and its evidence made into a report.
