//! A check's documentation, and its examples as something that can be run.

/// What a check's page says. The book, `mslab explain` and the tests all read this.
#[derive(Debug)]
pub struct Doc {
    /// What it looks at and when it holds: a paragraph or two of Markdown.
    pub what: &'static str,
    /// Why that matters, in a sentence or two. A finding prints the first sentence.
    pub why: &'static str,
    /// Work that fails.
    pub bad: Example,
    /// The same work, mended.
    pub good: Example,
}

impl Doc {
    /// The first sentence of [`Doc::why`].
    #[must_use]
    pub fn why_short(&self) -> &'static str {
        // A full stop between backticks ends no sentence: `COPY . .`.
        let in_code = |at: usize| self.why[..at].matches('`').count() % 2 == 1;
        let mut ends = self.why.match_indices(". ").map(|(at, _)| at);
        match ends.find(|at| !in_code(*at)) {
            Some(at) => &self.why[..=at],
            None => self.why,
        }
    }
}

/// A small piece of work that a check judges.
///
/// The Dockerfile is always there, for people; where the check looks at more, the example carries that too, so that
/// it can be judged without an engine.
#[derive(Debug)]
pub struct Example {
    /// The Dockerfile.
    pub dockerfile: &'static str,
    /// Further learner's files, each with its path.
    pub files: &'static [(&'static str, &'static str)],
    /// The check's parameters, in TOML.
    pub params: &'static str,
    /// The image that the Dockerfile gives, in the text form of [`crate::image`]'s fixtures; empty where the check
    /// needs none.
    pub image: &'static str,
    /// What the rest of the evidence would be.
    pub evidence: ExampleEvidence,
}

/// Evidence of an example beyond text and image.
#[derive(Debug, Default)]
pub struct ExampleEvidence {
    /// Answers [`crate::evidence::Need::Probe`], `Sabotage` and `Rebuild` for the check.
    pub extra: Option<fn() -> crate::evidence::Extra>,
    /// How the build ended, where it did not succeed.
    pub build: Option<fn() -> crate::evidence::BuildOutcome>,
    /// Files and sizes of the build context.
    pub context: &'static [(&'static str, u64)],
    /// The image of the build `other`, in the fixtures' text form.
    pub other_image: &'static str,
}

impl Example {
    /// An example that is a Dockerfile and nothing else.
    #[must_use]
    pub const fn text(dockerfile: &'static str) -> Self {
        Self {
            dockerfile,
            files: &[],
            params: "",
            image: "",
            evidence: ExampleEvidence {
                extra: None,
                build: None,
                context: &[],
                other_image: "",
            },
        }
    }

    /// The example with parameters, in TOML.
    #[must_use]
    pub const fn with_params(mut self, toml: &'static str) -> Self {
        self.params = toml;
        self
    }

    /// The example with further files, each with its path.
    #[must_use]
    pub const fn with_files(mut self, files: &'static [(&'static str, &'static str)]) -> Self {
        self.files = files;
        self
    }

    /// The example with the image that it gives, in the text form of [`crate::image`]'s fixtures.
    #[must_use]
    pub const fn with_image(mut self, image: &'static str) -> Self {
        self.image = image;
        self
    }

    /// The example with the files of its folder, each with its size in bytes; an ignore file still takes its part away.
    #[must_use]
    pub const fn with_context(mut self, files: &'static [(&'static str, u64)]) -> Self {
        self.evidence.context = files;
        self
    }

    /// The example with the way its build ended.
    #[must_use]
    pub const fn with_build(mut self, outcome: fn() -> crate::evidence::BuildOutcome) -> Self {
        self.evidence.build = Some(outcome);
        self
    }

    /// The example with what the check asked for beyond its build.
    #[must_use]
    pub const fn with_extra(mut self, extra: fn() -> crate::evidence::Extra) -> Self {
        self.evidence.extra = Some(extra);
        self
    }

    /// The example with the image of another build, called `other`.
    #[must_use]
    pub const fn with_other_image(mut self, image: &'static str) -> Self {
        self.evidence.other_image = image;
        self
    }
}
