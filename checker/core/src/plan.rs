//! A lab and the registry of checks made into bound checks and the evidence that they need.
