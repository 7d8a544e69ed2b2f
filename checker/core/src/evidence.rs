//! All that a check may see, frozen before the first check runs.
