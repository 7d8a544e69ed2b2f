//! Pieces of work for the tests of checks: an [`Example`], or a text, made into evidence without an engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{AnyCheck, BoundCheck, Check, Example, Judged, Verdict, View};
use crate::diagnostic::{Files, Finding, Fix};
use crate::dockerfile::{self, ignore::Ignore};
use crate::evidence::{
    BuildEvidence, BuildOutcome, Built, ContextEvidence, Evidence, Extra, Observed, PlatformImage,
    SourceEvidence,
};
use crate::image::{Image, Platform, fixture};
use crate::plan::PlannedBuild;
use crate::source::Source;
use crate::stages::{BuildOptions, StageGraph};

/// A piece of work under test.
#[derive(Clone)]
pub(super) struct Case {
    files: Files,
    params: String,
    context: Option<Vec<(String, u64)>>,
    outcome: BuildOutcome,
    /// The images of the build, each with the platform asked for.
    pub(super) images: Vec<(Option<Platform>, Image)>,
    /// How many layers are the base's.
    pub(super) base_layers: Observed<usize>,
    /// The images of other builds, by key.
    pub(super) others: BTreeMap<String, Image>,
    extra: Option<Extra>,
    secrets: Vec<(String, String)>,
    /// The build that the check judges: its target is `production`, or else the last stage.
    pub(super) build: PlannedBuild,
    /// The lab's manifests.
    pub(super) manifests: Vec<String>,
}

impl Case {
    /// A Dockerfile and nothing else; its build succeeds.
    pub(super) fn new(dockerfile: &str) -> Self {
        let build = PlannedBuild {
            key: "prod".into(),
            dockerfile: "Dockerfile".into(),
            target: vec!["production".into(), "@last".into()],
            platforms: Vec::new(),
            args: BTreeMap::new(),
            secrets: Vec::new(),
        };
        let case = Self {
            files: Files::new(),
            params: String::new(),
            context: None,
            outcome: BuildOutcome::Built(Built::default()),
            images: Vec::new(),
            base_layers: Observed::Seen(0),
            others: BTreeMap::new(),
            extra: None,
            secrets: Vec::new(),
            build,
            manifests: Vec::new(),
        };
        case.file("Dockerfile", dockerfile)
    }

    /// No file, no build, nothing.
    pub(super) fn without_anything() -> Self {
        let mut case = Self::new("");
        case.files.clear();
        case
    }

    /// With a further file, or another text for one.
    pub(super) fn file(mut self, path: &str, text: &str) -> Self {
        self.files
            .insert(path.to_owned(), Source::new(path, text.as_bytes()));
        self
    }

    /// With parameters, in TOML.
    pub(super) fn params(mut self, toml: &str) -> Self {
        self.params = toml.to_owned();
        self
    }

    /// With files in its folder, each with its size. What an ignore file keeps out is left out by [`Case::judge`].
    pub(super) fn context(mut self, files: &[(&str, u64)]) -> Self {
        self.context = Some(files.iter().map(|(p, n)| ((*p).to_owned(), *n)).collect());
        self
    }

    /// With another end of its build.
    pub(super) fn outcome(mut self, outcome: BuildOutcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// With an image, in the text form of the fixtures.
    pub(super) fn image(mut self, text: &str) -> Self {
        let image = fixture::image(text).expect("the fixture reads");
        self.images.push((None, image));
        self
    }

    /// With so many layers of the image being its base's.
    pub(super) fn base_layers(mut self, count: usize) -> Self {
        self.base_layers = Observed::Seen(count);
        self
    }

    /// With an answer to what the check asks for beyond its build.
    pub(super) fn extra(mut self, extra: Extra) -> Self {
        self.extra = Some(extra);
        self
    }

    /// With secrets: their ids, and the canaries given to the build.
    pub(super) fn secrets(mut self, secrets: &[(&str, &str)]) -> Self {
        self.build.secrets = secrets.iter().map(|(id, _)| (*id).to_owned()).collect();
        self.secrets = secrets
            .iter()
            .map(|(id, v)| ((*id).to_owned(), (*v).to_owned()))
            .collect();
        self
    }

    /// With these manifests in `lab.toml`.
    pub(super) fn manifests(mut self, manifests: &[&str]) -> Self {
        self.manifests = manifests.iter().map(|m| (*m).to_owned()).collect();
        self
    }

    /// With this target.
    pub(super) fn target(mut self, target: &str) -> Self {
        self.build.target = vec![target.to_owned()];
        self
    }

    /// The text of a file.
    pub(super) fn text(&self, path: &str) -> String {
        self.files.get(path).map(Source::text).unwrap_or_default()
    }

    /// The work after a fix.
    pub(super) fn after(&self, fix: &Fix) -> Self {
        let files = fix.apply(&self.files).expect("the fix applies");
        Self {
            files,
            ..self.clone()
        }
    }

    /// All that can be seen of the work.
    pub(super) fn evidence(&self) -> Evidence {
        let mut evidence = Evidence {
            files: self.files.clone(),
            ..Evidence::default()
        };
        if let Some(source) = self.files.get("Dockerfile") {
            let dockerfile = dockerfile::parse(source.clone());
            let options = BuildOptions {
                build_args: self.build.args.clone(),
                ..BuildOptions::default()
            };
            let graph = StageGraph::build(&dockerfile, &options);
            let path = "Dockerfile".to_owned();
            let source = SourceEvidence {
                path: path.clone(),
                dockerfile,
                graph,
            };
            evidence.dockerfiles.insert(path, Arc::new(source));
        }
        if let Some(context) = &self.context {
            let ignore_file = self
                .files
                .contains_key(".dockerignore")
                .then(|| ".dockerignore".to_owned());
            let ignore = Ignore::parse(self.text(".dockerignore").as_bytes());
            let sent = |path: &str| path == "Dockerfile" || !ignore.matches(path);
            let seen = ContextEvidence {
                files: context.iter().filter(|(p, _)| sent(p)).cloned().collect(),
                ignore_file,
            };
            evidence
                .contexts
                .insert("Dockerfile".into(), Observed::Seen(seen));
        }
        let seen = |platform: &Option<Platform>, image: &Image| PlatformImage {
            platform: platform.clone(),
            image: Observed::Seen(Arc::new(image.clone())),
            base_layers: self.base_layers.clone(),
        };
        let build = |images: Vec<PlatformImage>, outcome: BuildOutcome| BuildEvidence {
            outcome: Observed::Seen(outcome),
            images,
            secrets: self.secrets.clone(),
        };
        if !self.files.is_empty() || !self.images.is_empty() {
            let images = self.images.iter().map(|(p, i)| seen(p, i)).collect();
            let prod = build(images, self.outcome.clone());
            evidence.builds.insert("prod".into(), prod);
        }
        for (key, image) in &self.others {
            let built = BuildOutcome::Built(Built::default());
            let other = build(vec![seen(&None, image)], built);
            evidence.builds.insert(key.clone(), other);
        }
        if let Some(extra) = &self.extra {
            evidence
                .extras
                .insert("key".into(), Observed::Seen(extra.clone()));
        }
        evidence
    }

    /// What a check says of the work.
    pub(super) fn judge_by(&self, check: &dyn AnyCheck) -> Judged {
        let bound = self.bind(check);
        self.seen(|view| bound.judge(view))
    }

    /// What the check `C` says of the work.
    pub(super) fn judge<C: Check>(&self) -> Judged {
        let params = self.params_of::<C>();
        self.seen(|view| C::judge(&params, view))
    }

    /// [`Check::promised_by_text`].
    pub(super) fn promised_by(&self, check: &dyn AnyCheck) -> Option<bool> {
        let bound = self.bind(check);
        self.seen(|view| bound.promised_by_text(view))
    }

    /// Asserts that `C` holds, and gives its message.
    #[track_caller]
    pub(super) fn passes<C: Check>(&self) -> String {
        match self.judge::<C>() {
            Ok(Verdict::Passed(message)) => message,
            other => panic!("{} should hold: {other:#?}", C::ID),
        }
    }

    /// Asserts that `C` does not hold, and gives the finding.
    #[track_caller]
    pub(super) fn fails<C: Check>(&self) -> Finding {
        match self.judge::<C>() {
            Ok(Verdict::Failed(finding)) => *finding,
            other => panic!("{} should not hold: {other:#?}", C::ID),
        }
    }

    /// Asserts that `C` does not hold and that its first fix mends it; gives the work after it.
    #[track_caller]
    pub(super) fn mended<C: Check>(&self) -> Self {
        let finding = self.fails::<C>();
        let fix = finding.fixes.first().expect("a fix is offered");
        let after = self.after(fix);
        let errors = &after.evidence().dockerfiles["Dockerfile"]
            .dockerfile
            .errors
            .clone();
        assert!(
            errors.is_empty(),
            "{errors:?}\n{}",
            after.text("Dockerfile")
        );
        match after.judge::<C>() {
            Ok(Verdict::Passed(_)) => after,
            other => panic!("not mended: {other:#?}\n{}", after.text("Dockerfile")),
        }
    }

    /// The words that a finding points at.
    pub(super) fn words(&self, finding: &Finding) -> String {
        match &finding.place {
            Some(crate::diagnostic::Place::Text { file, span }) => self
                .files
                .get(file)
                .map(|f| f.snippet(*span))
                .unwrap_or_default(),
            _ => String::new(),
        }
    }

    pub(super) fn params_of<C: Check>(&self) -> C::Params {
        self.table().try_into().expect("the parameters read")
    }

    fn bind(&self, check: &dyn AnyCheck) -> Box<dyn BoundCheck> {
        check.bind(&self.table()).expect("the parameters read")
    }

    fn table(&self) -> toml::Table {
        self.params.parse().expect("the parameters are TOML")
    }

    pub(super) fn seen<T>(&self, look: impl FnOnce(&View<'_>) -> T) -> T {
        look(&View {
            evidence: &self.evidence(),
            key: "key",
            build: &self.build,
            manifests: &self.manifests,
            copies_judged: false,
        })
    }
}

impl From<&Example> for Case {
    fn from(example: &Example) -> Self {
        let mut case = Self::new(example.dockerfile).params(example.params);
        for (path, text) in example.files {
            case = case.file(path, text);
        }
        let evidence = &example.evidence;
        if !evidence.context.is_empty() {
            case = case.context(evidence.context);
        }
        if let Some(outcome) = evidence.build {
            case = case.outcome(outcome());
        }
        if let Some(extra) = evidence.extra {
            case = case.extra(extra());
        }
        if !example.image.is_empty() {
            case = case.image(example.image);
        }
        if !evidence.other_image.is_empty() {
            case = case.other("other", evidence.other_image);
        }
        case.secrets(&[("npm_token", "mslab-canary-0123456789abcdef")])
    }
}
