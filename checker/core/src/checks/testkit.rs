//! Work for tests: a Dockerfile, an image as text, and what else a check looks at, made into a view.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Files, Finding, Place};
use crate::dockerfile;
use crate::evidence::{
    BuildEvidence, BuildOutcome, Built, Evidence, Extra, Observed, PlatformImage, SourceEvidence,
    Unseen,
};
use crate::image::{Image, Platform, fixture};
use crate::plan::PlannedBuild;
use crate::source::Source;
use crate::stages::{BuildOptions, StageGraph};

use super::{Check, Judged, Verdict, View};

/// Work to judge.
pub(super) struct Work {
    files: Vec<(String, String)>,
    images: Vec<(Option<Platform>, Image)>,
    base_layers: Observed<usize>,
    others: Vec<(String, Image)>,
    pub(super) extra: Observed<Extra>,
    secrets: Vec<(String, String)>,
    params: String,
}

impl Work {
    /// A Dockerfile without an image yet; the indentation of its first line is taken away from all.
    pub(super) fn new(dockerfile: &str) -> Self {
        Self {
            files: vec![("Dockerfile".into(), outdent(dockerfile))],
            images: Vec::new(),
            base_layers: Observed::Skipped("not known".into()),
            others: Vec::new(),
            extra: Observed::Skipped("not looked at".into()),
            secrets: Vec::new(),
            params: String::new(),
        }
    }

    /// An image without a Dockerfile.
    pub(super) fn of_image(image: &str) -> Self {
        let mut work = Self::new("").image(image);
        work.files.clear();
        work
    }

    pub(super) fn image(mut self, text: &str) -> Self {
        self.images
            .push((None, fixture::image(text).expect("an image")));
        self
    }

    pub(super) fn image_for(mut self, os: &str, architecture: &str, text: &str) -> Self {
        let platform = Platform {
            os: os.into(),
            architecture: architecture.into(),
            variant: None,
        };
        let image = fixture::image(text).expect("an image");
        self.images.push((Some(platform), image));
        self
    }

    /// Changes the last image.
    pub(super) fn edit(mut self, edit: impl FnOnce(&mut Image)) -> Self {
        edit(&mut self.images.last_mut().expect("an image").1);
        self
    }

    pub(super) fn base_layers(mut self, n: usize) -> Self {
        self.base_layers = Observed::Seen(n);
        self
    }

    pub(super) fn other(mut self, key: &str, text: &str) -> Self {
        self.others
            .push((key.into(), fixture::image(text).expect("an image")));
        self
    }

    pub(super) fn extra(mut self, extra: Extra) -> Self {
        self.extra = Observed::Seen(extra);
        self
    }

    pub(super) fn secret(mut self, id: &str, value: &str) -> Self {
        self.secrets.push((id.into(), value.into()));
        self
    }

    pub(super) fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.into(), text.into()));
        self
    }

    pub(super) fn params(mut self, params: &str) -> Self {
        self.params = params.into();
        self
    }

    fn files(&self) -> Files {
        self.files
            .iter()
            .map(|(p, t)| (p.clone(), Source::new(p.as_str(), t.as_bytes())))
            .collect()
    }

    fn with_view<T>(&self, files: Files, see: impl FnOnce(&View<'_>) -> T) -> T {
        let mut evidence = Evidence {
            files,
            ..Evidence::default()
        };
        if let Some(source) = evidence.files.get("Dockerfile") {
            let dockerfile = dockerfile::parse(source.clone());
            let graph = StageGraph::build(&dockerfile, &BuildOptions::default());
            assert_eq!(dockerfile.errors, [], "the Dockerfile parses");
            let source = SourceEvidence {
                path: "Dockerfile".into(),
                dockerfile,
                graph,
            };
            evidence
                .dockerfiles
                .insert("Dockerfile".into(), Arc::new(source));
        }
        let built = |images: Vec<PlatformImage>| BuildEvidence {
            outcome: if images.is_empty() {
                Observed::Skipped("not built".into())
            } else {
                Observed::Seen(BuildOutcome::Built(Built::default()))
            },
            images,
            secrets: self.secrets.clone(),
        };
        let platform_image = |platform: &Option<Platform>, image: &Image| PlatformImage {
            platform: platform.clone(),
            image: Observed::Seen(Arc::new(image.clone())),
            base_layers: self.base_layers.clone(),
        };
        let images = self.images.iter().map(|(p, i)| platform_image(p, i));
        evidence
            .builds
            .insert("prod".into(), built(images.collect()));
        for (key, image) in &self.others {
            let images = vec![platform_image(&None, image)];
            evidence.builds.insert(key.clone(), built(images));
        }
        evidence.extras.insert("key".into(), self.extra.clone());
        let build = PlannedBuild {
            key: "prod".into(),
            dockerfile: "Dockerfile".into(),
            target: vec!["production".into(), "@last".into()],
            platforms: Vec::new(),
            args: BTreeMap::new(),
            secrets: Vec::new(),
        };
        see(&View {
            evidence: &evidence,
            key: "key",
            build: &build,
            manifests: &[],
        })
    }

    fn bound<C: Check>(&self) -> C::Params {
        let table: toml::Table = self.params.parse().expect("parameters in TOML");
        toml::Value::Table(table).try_into().expect("parameters")
    }

    pub(super) fn judge<C: Check>(&self) -> Judged {
        let params = self.bound::<C>();
        self.with_view(self.files(), |view| C::judge(&params, view))
    }

    /// The message of a verdict that passes.
    #[track_caller]
    pub(super) fn passes<C: Check>(&self) -> String {
        match self.judge::<C>() {
            Ok(Verdict::Passed(message)) => message,
            other => panic!("does not pass: {other:#?}"),
        }
    }

    #[track_caller]
    pub(super) fn fails<C: Check>(&self) -> Finding {
        match self.judge::<C>() {
            Ok(Verdict::Failed(finding)) => *finding,
            other => panic!("does not fail: {other:#?}"),
        }
    }

    #[track_caller]
    pub(super) fn unseen<C: Check>(&self) -> Unseen {
        self.judge::<C>().expect_err("no verdict")
    }

    /// The words of the Dockerfile that a finding points at.
    pub(super) fn words(&self, finding: &Finding) -> String {
        match &finding.place {
            Some(Place::Text { file, span }) => self.files()[file.as_str()].snippet(*span),
            other => format!("{other:?}"),
        }
    }

    pub(super) fn promised<C: Check>(&self) -> Option<bool> {
        let params = self.bound::<C>();
        self.with_view(self.files(), |view| C::promised_by_text(&params, view))
    }

    /// The Dockerfile after the first fix, which must parse and promise that the check will hold.
    #[track_caller]
    pub(super) fn mended<C: Check>(&self) -> String {
        let finding = self.fails::<C>();
        let fix = finding.fixes.first().expect("a fix");
        let files = fix.apply(&self.files()).expect("a fix that applies");
        let text = files["Dockerfile"].text();
        let params = self.bound::<C>();
        let promised = self.with_view(files, |view| C::promised_by_text(&params, view));
        assert_eq!(promised, Some(true), "the fix promises nothing:\n{text}");
        text
    }

    /// That no fix is offered.
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
