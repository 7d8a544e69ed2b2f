//! What whole-program tests of mslab share: running the binary, finding the engine, making workspaces.
