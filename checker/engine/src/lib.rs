//! Talks to Docker engines: discovery, builds through BuildKit, exports and probes.
