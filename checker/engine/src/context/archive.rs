//! A packed build context, in memory while it is small and in a temporary file when it is not.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use futures_util::{Stream, StreamExt};
use tempfile::{NamedTempFile, TempPath};
use tokio_util::io::ReaderStream;

/// How much is read and sent at a time.
const CHUNK: usize = 1 << 20;
/// A tar larger than this goes to a temporary file.
const IN_MEMORY: usize = 32 << 20;

/// A tar of the build context with the Dockerfile in it. Cloning is cheap and shares it.
#[derive(Debug, Clone)]
pub struct Archive {
    body: Body,
    length: u64,
    dockerfile: String,
    context_dir: Option<String>,
    text: Bytes,
}

#[derive(Debug, Clone)]
enum Body {
    Memory(Bytes),
    /// Removed when the last clone is dropped.
    File(Arc<TempPath>),
}

/// A tar's bytes as they are sent.
pub(crate) type Chunks = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

impl Archive {
    /// Takes a tar that has the Dockerfile `text` at the path `dockerfile`.
    #[must_use]
    pub fn from_bytes(tar: impl Into<Bytes>, dockerfile: impl Into<String>, text: &[u8]) -> Self {
        let tar = tar.into();
        Self {
            length: tar.len() as u64,
            body: Body::Memory(tar),
            dockerfile: dockerfile.into(),
            context_dir: None,
            text: Bytes::copy_from_slice(text),
        }
    }

    /// Length of the tar in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether the tar has no byte at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The Dockerfile's path in the tar.
    #[must_use]
    pub fn dockerfile(&self) -> &str {
        &self.dockerfile
    }

    /// The Dockerfile's text, with replacement characters for bytes that are not UTF-8.
    #[must_use]
    pub fn dockerfile_text(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }

    /// The Dockerfile's text as it is.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The folder of the tar that is the context; the whole tar where there is none.
    #[must_use]
    pub fn context_dir(&self) -> Option<&str> {
        self.context_dir.as_deref()
    }

    /// The tar's bytes, from the beginning, for a thread that may wait.
    pub(super) fn reader(&self) -> io::Result<Box<dyn Read>> {
        Ok(match &self.body {
            Body::Memory(bytes) => Box::new(bytes.clone().reader()),
            Body::File(path) => Box::new(std::fs::File::open(path.as_ref())?),
        })
    }

    /// The tar's bytes, from the beginning.
    pub(crate) async fn stream(&self) -> io::Result<Chunks> {
        Ok(match &self.body {
            Body::Memory(bytes) => {
                let bytes = bytes.clone();
                let starts = (0..bytes.len()).step_by(CHUNK);
                let chunks =
                    starts.map(move |at| Ok(bytes.slice(at..(at + CHUNK).min(bytes.len()))));
                futures_util::stream::iter(chunks).boxed()
            }
            Body::File(path) => {
                let file = tokio::fs::File::open(path.as_ref()).await?;
                ReaderStream::with_capacity(file, CHUNK).boxed()
            }
        })
    }
}

/// Takes a tar as it is written.
pub(super) enum Spool {
    Memory(Vec<u8>),
    File(NamedTempFile, u64),
}

impl Spool {
    pub(super) fn new() -> Self {
        Self::Memory(Vec::new())
    }

    pub(super) fn into_archive(
        self,
        dockerfile: &str,
        text: &[u8],
        context_dir: Option<&str>,
    ) -> Archive {
        let (body, length) = match self {
            Self::Memory(bytes) => {
                let length = bytes.len() as u64;
                (Body::Memory(bytes.into()), length)
            }
            Self::File(file, length) => (Body::File(Arc::new(file.into_temp_path())), length),
        };
        Archive {
            body,
            length,
            dockerfile: dockerfile.to_owned(),
            context_dir: context_dir.map(str::to_owned),
            text: Bytes::copy_from_slice(text),
        }
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Self::Memory(memory) = self {
            if memory.len() + bytes.len() <= IN_MEMORY {
                memory.extend_from_slice(bytes);
                return Ok(bytes.len());
            }
            let mut file = NamedTempFile::with_prefix("mslab-context-")?;
            file.write_all(memory)?;
            let length = memory.len() as u64;
            *self = Self::File(file, length);
        }
        match self {
            Self::Memory(_) => Ok(0),
            Self::File(file, length) => {
                let n = file.write(bytes)?;
                *length += n as u64;
                Ok(n)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::File(file, _) => file.flush(),
        }
    }
}

#[cfg(test)]
impl Archive {
    pub(super) fn is_spooled(&self) -> bool {
        matches!(self.body, Body::File(_))
    }

    pub(super) async fn read_all(&self) -> io::Result<Vec<u8>> {
        use futures_util::TryStreamExt;
        let chunks: Vec<Bytes> = self.stream().await?.try_collect().await?;
        Ok(chunks.concat())
    }
}
