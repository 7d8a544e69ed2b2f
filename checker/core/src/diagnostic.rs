//! Findings, their places, and fixes as edits on spans.
//!
//! A [`Finding`] says what is wrong and where; a [`Fix`] is a set of [`Edit`]s on the learner's own files. Nothing
//! here knows a check.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::source::{Source, Span};

/// A learner's text files by their path in the workspace folder, with `/` between the parts.
pub type Files = BTreeMap<String, Source>;

/// Where a finding points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Words of a file.
    Text {
        /// Path of the file in [`Files`].
        file: String,
        /// The words.
        span: Span,
    },
    /// Something in an image.
    Image {
        /// Index of the layer, lowest first.
        layer: Option<usize>,
        /// Path in the image, with a leading slash.
        path: Option<String>,
    },
}

impl Place {
    /// Words of a file.
    #[must_use]
    pub fn text(file: impl Into<String>, span: Span) -> Self {
        Self::Text {
            file: file.into(),
            span,
        }
    }

    /// A path in an image.
    #[must_use]
    pub fn path(path: impl Into<String>, layer: Option<usize>) -> Self {
        Self::Image {
            layer,
            path: Some(path.into()),
        }
    }
}

/// What a check has to say about work that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Finding {
    /// What is wrong, in one sentence for the person who wrote the file, without a full stop.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// Further places, each with a few words: "the base starts here".
    pub related: Vec<(Place, String)>,
    /// What was wanted.
    pub expected: Option<String>,
    /// What was found.
    pub actual: Option<String>,
    /// What to do: one sentence.
    pub help: Option<String>,
    /// Lines of evidence: the end of a log, the largest paths.
    pub details: Vec<String>,
    /// Ways to mend it, the best first. Each is tried on a copy before anybody sees it.
    pub fixes: Vec<Fix>,
}

impl Finding {
    /// A finding that says `message`.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    /// Points at `place`.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Points at one more place.
    #[must_use]
    pub fn related(mut self, place: Place, note: impl Into<String>) -> Self {
        self.related.push((place, note.into()));
        self
    }

    /// What was wanted, and what was found.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self.actual = Some(actual.into());
        self
    }

    /// What to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Lines of evidence.
    #[must_use]
    pub fn details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }

    /// Offers a way to mend it.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fixes.push(fix);
        self
    }
}

/// A way to mend something: edits that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as an instruction: "give the stage a name".
    pub title: String,
    /// The edits; no two of one file overlap.
    pub edits: Vec<Edit>,
}

impl Fix {
    /// A fix without edits yet.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            edits: Vec::new(),
        }
    }

    /// Puts `text` in the place of `span`.
    #[must_use]
    pub fn replace(mut self, file: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        self.edits.push(Edit {
            file: file.into(),
            span,
            text: text.into(),
        });
        self
    }

    /// Puts `text` at `offset`. A file that does not exist yet is made.
    #[must_use]
    pub fn insert(self, file: impl Into<String>, offset: usize, text: impl Into<String>) -> Self {
        self.replace(file, Span::at(offset), text)
    }

    /// The files with the edits made; files without an edit are as they were.
    ///
    /// # Errors
    /// Two edits of one file overlap, or one lies outside its file.
    pub fn apply(&self, files: &Files) -> Result<Files, EditError> {
        let mut by_file: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
        for edit in &self.edits {
            by_file.entry(&edit.file).or_default().push(edit);
        }
        let mut out = files.clone();
        for (file, mut edits) in by_file {
            // Stable: insertions at one offset keep their order.
            edits.sort_by_key(|e| (e.span.start, e.span.end));
            let old = files.get(file).map(Source::bytes).unwrap_or_default();
            let mut new = Vec::with_capacity(old.len() + 64);
            let mut at = 0;
            for edit in edits {
                if edit.span.start < at {
                    return Err(EditError::Overlap(file.to_owned()));
                }
                let Some(kept) = old.get(at..edit.span.start) else {
                    return Err(EditError::Outside(file.to_owned()));
                };
                if edit.span.end > old.len() {
                    return Err(EditError::Outside(file.to_owned()));
                }
                new.extend_from_slice(kept);
                new.extend_from_slice(edit.text.as_bytes());
                at = edit.span.end;
            }
            new.extend_from_slice(&old[at..]);
            out.insert(file.to_owned(), Source::new(file, new));
        }
        Ok(out)
    }

    /// The fix as a unified diff of the files that it changes; empty where it cannot be applied.
    #[must_use]
    pub fn diff(&self, files: &Files) -> String {
        self.apply(files)
            .map(|after| diff(files, &after))
            .unwrap_or_default()
    }
}

/// New text for a span of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edit {
    /// Path of the file in [`Files`].
    pub file: String,
    /// The bytes that go.
    pub span: Span,
    /// The text that comes.
    pub text: String,
}

/// Why edits cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Two edits touch the same bytes.
    #[error("two edits of {0} overlap")]
    Overlap(String),
    /// An edit's span is not in the file.
    #[error("an edit lies outside {0}")]
    Outside(String),
}

/// A unified diff of every file that differs, three lines of context around each change.
#[must_use]
pub fn diff(before: &Files, after: &Files) -> String {
    let mut out = String::new();
    for (name, new) in after {
        let old = before.get(name);
        if old.is_some_and(|o| o.bytes() == new.bytes()) {
            continue;
        }
        let old_text = old.map(Source::text).unwrap_or_default();
        let new_text = new.text();
        let old_name = if old.is_some() {
            name.as_str()
        } else {
            "/dev/null"
        };
        let diff = similar::TextDiff::from_lines(&old_text, &new_text);
        out.push_str(
            &diff
                .unified_diff()
                .context_radius(3)
                .header(old_name, name)
                .to_string(),
        );
    }
    out
}

/// The entry of `words` nearest to `word`, if one is near enough to be a slip of the finger.
#[must_use]
pub fn did_you_mean<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    words
        .into_iter()
        .map(|w| {
            (
                strsim::damerau_levenshtein(&word.to_lowercase(), &w.to_lowercase()),
                w,
            )
        })
        .filter(|(d, w)| *d <= 1 + w.len() / 4)
        .min_by_key(|(d, _)| *d)
        .map(|(_, w)| w)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> Files {
        Files::from([(
            "Dockerfile".to_owned(),
            Source::new("Dockerfile", text.as_bytes()),
        )])
    }

    #[test]
    fn edits_apply_together_and_show_as_a_diff() {
        let before = files("FROM a\nRUN b\n");
        let fix = Fix::new("name it")
            .insert("Dockerfile", 6, " AS x")
            .replace("Dockerfile", Span::new(11, 12), "c");
        assert_eq!(
            fix.apply(&before).unwrap()["Dockerfile"].bytes(),
            b"FROM a AS x\nRUN c\n"
        );
        assert_eq!(
            fix.diff(&before),
            "--- Dockerfile\n+++ Dockerfile\n@@ -1,2 +1,2 @@\n-FROM a\n-RUN b\n+FROM a AS x\n+RUN c\n"
        );
    }

    #[test]
    fn a_fix_can_make_a_file() {
        let fix = Fix::new("ignore").insert(".dockerignore", 0, ".git\n");
        assert!(
            fix.diff(&files("FROM a\n"))
                .starts_with("--- /dev/null\n+++ .dockerignore\n")
        );
    }

    #[test]
    fn overlapping_or_outlying_edits_are_refused() {
        let f = files("FROM a\n");
        let overlap = Fix::new("")
            .replace("Dockerfile", Span::new(0, 4), "x")
            .replace("Dockerfile", Span::new(2, 5), "y");
        assert_eq!(
            overlap.apply(&f),
            Err(EditError::Overlap("Dockerfile".into()))
        );
        let outside = Fix::new("").insert("Dockerfile", 99, "x");
        assert_eq!(
            outside.apply(&f),
            Err(EditError::Outside("Dockerfile".into()))
        );
    }

    #[test]
    fn suggestions_are_near() {
        assert_eq!(did_you_mean("limt", ["limit", "above-base"]), Some("limit"));
        assert_eq!(did_you_mean("zzz", ["limit", "above-base"]), None);
    }
}
