//! What tests of checks of images ask of a [`Case`] besides.

use super::case::Case;
use super::{Check, View};
use crate::diagnostic::Finding;
use crate::evidence::{Observed, Unseen};
use crate::image::{Image, Platform, fixture};

impl Case {
    /// A Dockerfile whose first line's indentation is taken away from all.
    pub(super) fn of(dockerfile: &str) -> Self {
        Self::new(&outdent(dockerfile))
    }

    /// An image without a Dockerfile.
    pub(super) fn of_image(image: &str) -> Self {
        Self::without_anything().image(image)
    }

    /// With an image for a platform.
    pub(super) fn image_for(mut self, os: &str, architecture: &str, text: &str) -> Self {
        let platform = Platform {
            os: os.into(),
            architecture: architecture.into(),
            variant: None,
        };
        let image = fixture::image(text).expect("the fixture reads");
        self.images.push((Some(platform), image));
        self
    }

    /// With a change to the last image.
    pub(super) fn edit(mut self, edit: impl FnOnce(&mut Image)) -> Self {
        edit(&mut self.images.last_mut().expect("an image").1);
        self
    }

    /// With a base of which nothing is known.
    pub(super) fn unknown_base(mut self) -> Self {
        self.base_layers = Observed::Skipped("not known".into());
        self
    }

    /// With the image of another build.
    pub(super) fn other(mut self, key: &str, text: &str) -> Self {
        let image = fixture::image(text).expect("the fixture reads");
        self.others.insert(key.to_owned(), image);
        self
    }

    /// Asserts that `C` cannot look, and gives the reason.
    #[track_caller]
    pub(super) fn unseen<C: Check>(&self) -> Unseen {
        self.judge::<C>().expect_err("no verdict")
    }

    /// [`Check::promised_by_text`] of `C`.
    pub(super) fn promised<C: Check>(&self) -> Option<bool> {
        let params = self.params_of::<C>();
        self.seen(|view: &View<'_>| C::promised_by_text(&params, view))
    }

    /// Asserts that `C` does not hold, and that the text promises that its first fix mends it; gives the Dockerfile after
    /// it. Only another build could show more.
    #[track_caller]
    pub(super) fn promised_fix<C: Check>(&self) -> String {
        let finding: Finding = self.fails::<C>();
        let after = self.after(finding.fixes.first().expect("a fix is offered"));
        let text = after.text("Dockerfile");
        let parsed = &after.evidence().dockerfiles["Dockerfile"];
        assert_eq!(parsed.dockerfile.errors, [], "{text}");
        assert_eq!(
            after.promised::<C>(),
            Some(true),
            "nothing is promised:\n{text}"
        );
        text
    }

    /// Asserts that `C` does not hold and offers no fix.
    #[track_caller]
    pub(super) fn has_no_fix<C: Check>(&self) {
        let fixes = self.fails::<C>().fixes;
        assert!(fixes.is_empty(), "{fixes:#?}");
    }
}

/// Lines without the indentation of the first one that is not empty.
pub(super) fn outdent(text: &str) -> String {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let indent = text.len() - text.trim_start_matches(' ').len();
    let lines: Vec<&str> = text
        .lines()
        .map(|l| l.get(indent..).unwrap_or(""))
        .collect();
    let mut out = lines.join("\n");
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    out
}
