//! The checks: what each must be, and the list of all.
