//! A Dockerfile's bytes as a lossless tree, understood as BuildKit's built-in frontend understands them.
//!
//! [`parse`] never fails and never loses a byte: what BuildKit would refuse is in [`Dockerfile::errors`].
//! [`expand_word`] replaces variables in a word; which variables there are at some place is known to
//! [`crate::stages::StageGraph`].

mod check_options;
mod command;
mod duration;
mod expand;
mod features;
mod flags;
mod heredoc;
pub mod ignore;
mod instruction;
mod json;
mod keyword;
mod mount;
mod parse;
mod pattern;
mod scan;
mod text;
mod tree;
mod words;

pub use expand::{ExpandError, Expanded, MAX_EXPANDED, Scope, expand_heredoc, expand_word};
pub use features::{Feature, Use, features};
pub(crate) use mount::is_bool;
pub use parse::parse;
pub use tree::{
    ArgPair, Command, CommandForm, CopyCommand, Directive, Dockerfile, Flag, Heredoc, Instruction,
    KeyValue, Keyword, Mount, MountOption, ParseError, RunCommand, Token, TokenKind, Word,
};
