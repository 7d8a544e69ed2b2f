//! What is sent for a Dockerfile: its folder, without what the ignore file in force leaves out.

use std::path::Path;

use mslab_core::dockerfile::ignore::{Ignore, ignore_file_names};
use mslab_core::source::Source;

use super::{Context, ContextError, ScanOptions, scan};

/// A build context with the ignore file that shaped it.
#[derive(Debug, Clone)]
pub struct Sent {
    /// What the engine gets.
    pub context: Context,
    /// The ignore file's path relative to the folder, and its patterns; `None` where there is no such file.
    pub ignore: Option<(String, Ignore)>,
}

impl Sent {
    /// Lists what a build of `dockerfile` (relative to `root`) sends of the folder `root`. The Dockerfile's own ignore
    /// file counts alone where it exists, and the folder's `.dockerignore` otherwise.
    ///
    /// # Errors
    /// Those of [`scan`], and an ignore file that engines refuse.
    pub fn of(root: &Path, dockerfile: &str) -> Result<Self, ContextError> {
        Self::with_texts(root, dockerfile, |name| std::fs::read(root.join(name)).ok())
    }

    /// The same with ignore files that need not be those on the disk: `text` has what the file of a name says, and `None`
    /// where there is no such file.
    ///
    /// # Errors
    /// As for [`Sent::of`].
    pub fn with_texts(
        root: &Path,
        dockerfile: &str,
        text: impl Fn(&str) -> Option<Vec<u8>>,
    ) -> Result<Self, ContextError> {
        let ignore = ignore_file(dockerfile, text)?;
        let patterns = ignore.as_ref().map(|(_, ignore)| ignore);
        let context = scan(
            root,
            &ScanOptions {
                ignored: &|path, _| patterns.is_some_and(|i| i.matches(path)),
                exceptions: patterns.is_some_and(Ignore::has_exceptions),
                ..ScanOptions::default()
            },
        )?;
        Ok(Self { context, ignore })
    }
}

fn ignore_file(
    dockerfile: &str,
    text: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<Option<(String, Ignore)>, ContextError> {
    for name in ignore_file_names(dockerfile) {
        let Some(bytes) = text(&name) else {
            continue;
        };
        let ignore = Ignore::parse(&bytes);
        if let Some(error) = ignore.errors.first() {
            let source = Source::new(name.as_str(), bytes);
            return Err(ContextError::Ignore {
                line: source.position(error.span.start).line,
                message: error.message.clone(),
                file: name,
            });
        }
        return Ok(Some((name, ignore)));
    }
    Ok(None)
}
