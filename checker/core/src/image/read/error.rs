//! Why an archive could not be read as an image.

use std::io;

/// Why an archive could not be read. Every message names the file of the archive, and the path in the layer where there
/// is one.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The stream itself failed.
    #[error("the image archive could not be read")]
    Io(#[source] io::Error),
    /// The stream ended too soon.
    #[error("{0} ends too soon")]
    Truncated(String),
    /// Something is not what its format says.
    #[error("{what}: {problem}")]
    Malformed {
        /// The file or entry.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An entry that would reach outside of the image.
    #[error("{what}: {problem}")]
    Escapes {
        /// The entry.
        what: String,
        /// Where it would go.
        problem: String,
    },
    /// A limit was passed.
    #[error("{what}: more than {limit}")]
    Limit {
        /// The file or entry.
        what: String,
        /// The limit with its unit.
        limit: String,
    },
    /// Content that is not what its digest says.
    #[error("{what} has the digest {actual}, not {expected}")]
    Digest {
        /// The blob or layer.
        what: String,
        /// The digest that was promised.
        expected: String,
        /// The digest of the content.
        actual: String,
    },
    /// Something that the archive names but does not hold.
    #[error("{0} is not in the archive")]
    Missing(String),
    /// A readable archive that is no image.
    #[error("the archive holds neither manifest.json nor index.json")]
    NotAnImage,
    /// No image in the archive is the one that was asked for.
    #[error("the archive holds no image {wanted}; it holds {held}")]
    NoSuchImage {
        /// What was asked for.
        wanted: String,
        /// What there is.
        held: String,
    },
    /// Several images, and none was asked for.
    #[error("the archive holds several images: {0}")]
    Ambiguous(String),
}

impl ReadError {
    /// What to do about it: one sentence, where there is something to do.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Truncated(_) | Self::Digest { .. } => {
                Some("Save the image again; the archive is damaged or was cut short.")
            }
            Self::NotAnImage => {
                Some("Use an archive made by `docker save`, `podman save` or an OCI layout.")
            }
            Self::Missing(_) => Some(
                "Save the image again with all of its layers; with several platforms, save the one that is wanted.",
            ),
            Self::NoSuchImage { .. } | Self::Ambiguous(_) => {
                Some("Name the image or the platform that is wanted, or save only that one.")
            }
            _ => None,
        }
    }

    pub(in super::super) fn malformed(what: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Malformed {
            what: what.into(),
            problem: problem.into(),
        }
    }

    pub(super) fn limit(what: impl Into<String>, limit: impl Into<String>) -> Self {
        Self::Limit {
            what: what.into(),
            limit: limit.into(),
        }
    }

    /// Whether reading on is useless or dangerous, so that a file which may never be needed is an error all the same.
    pub(super) fn is_fatal(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Limit { .. })
    }

    /// The error of a reader below, of this type where it came from here.
    pub(super) fn from_io(error: io::Error, what: &str) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(error) => match error.kind() {
                io::ErrorKind::UnexpectedEof => Self::Truncated(what.to_owned()),
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                    Self::malformed(what, error.to_string())
                }
                _ => Self::Io(error),
            },
        }
    }
}

/// Carries the error through a standard reader; [`ReadError::from_io`] takes it out again.
impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        Self::other(error)
    }
}
