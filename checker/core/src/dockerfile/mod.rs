//! A Dockerfile's bytes as a lossless tree, understood as BuildKit's built-in frontend understands them.
//!
//! [`parse`] never fails and never loses a byte: what BuildKit would refuse is in [`Dockerfile::errors`].

mod tree;

pub use tree::{
    ArgPair, Command, CommandForm, CopyCommand, Directive, Dockerfile, Flag, Heredoc, Instruction,
    KeyValue, Keyword, Mount, MountOption, ParseError, RunCommand, Token, TokenKind, Word,
};
