//! The checks: what each must be, and the list of all.
//!
//! A check is one file with one unit struct that implements [`Check`], and one line in [`ALL`]. Its parameters are a
//! struct that `lab.toml` fills; what it may look at is a [`View`]; what it answers is a [`Verdict`].

mod base_pinned;
mod build_gated_by;
mod builds;
mod ca_certificates;
mod cache_mount;
mod cache_survives;
mod causes;
mod certificates;
mod config;
mod context_ignores;
mod copy_from_named_stage;
mod cross_compile;
mod cross_platform_args;
mod doc;
mod downloads;
mod exec_form;
mod failure;
mod files_absent;
mod files_present;
mod final_base;
mod go_build;
mod http;
mod images;
mod installs;
mod join;
mod manifests;
mod manifests_before_source;
mod max_context;
mod max_layers;
mod max_size;
mod mend;
mod missing_source;
mod no_dev_dependencies;
mod no_secret_in_source;
mod no_shell;
mod non_root;
mod npm;
mod origin;
mod page;
mod params;
mod platforms;
mod program_alone;
mod reorder;
mod roles;
mod runs;
mod runs_read_only;
mod scratch;
mod secret_mount;
mod secret_not_leaked;
mod secrets;
mod settings;
mod shell;
mod shell_refused;
mod smaller_than;
mod stage_depends_on;
mod stages_named;
mod start_fault;
mod started;
mod static_binary;
mod steps;
mod survives_stop;
mod targets_exist;
mod told;
mod tools_absent;
mod user;
mod uses_mount;
mod view;
mod walk;
mod wasted_bytes;

#[cfg(test)]
mod case;
#[cfg(test)]
mod case_image;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::diagnostic::{Finding, did_you_mean};
use crate::evidence::{Need, Unseen};

pub use builds::misspelt_stage;
pub use doc::{Doc, Example, ExampleEvidence};
pub use final_base::image_matches;
pub use page::{PageOptions, list, page};
pub use view::View;

/// Every check, in the order in which documentation lists them.
pub static ALL: &[&dyn AnyCheck] = &[
    &targets_exist::TargetsExist,
    &stage_depends_on::StageDependsOn,
    &final_base::FinalBase,
    &stages_named::StagesNamed,
    &copy_from_named_stage::CopyFromNamedStage,
    &base_pinned::BasePinned,
    &manifests_before_source::ManifestsBeforeSource,
    &uses_mount::UsesMount,
    &no_secret_in_source::NoSecretInSource,
    &exec_form::ExecForm,
    &cross_platform_args::CrossPlatformArgs,
    &max_context::MaxContext,
    &context_ignores::ContextIgnores,
    &builds::Builds,
    &build_gated_by::BuildGatedBy,
    &cache_survives::CacheSurvives,
    &max_size::MaxSize,
    &smaller_than::SmallerThan,
    &non_root::NonRoot,
    &no_shell::NoShell,
    &static_binary::StaticBinary,
    &files_present::FilesPresent,
    &files_absent::FilesAbsent,
    &tools_absent::ToolsAbsent,
    &no_dev_dependencies::NoDevDependencies,
    &ca_certificates::CaCertificates,
    &secret_not_leaked::SecretNotLeaked,
    &config::Config,
    &max_layers::MaxLayers,
    &wasted_bytes::WastedBytes,
    &platforms::Platforms,
    &runs::Runs,
    &http::Http,
    &shell_refused::ShellRefused,
    &runs_read_only::RunsReadOnly,
    &survives_stop::SurvivesStop,
];

/// The check called `id`.
#[must_use]
pub fn find(id: &str) -> Option<&'static dyn AnyCheck> {
    ALL.iter().copied().find(|c| c.id() == id)
}

/// What a check answers when it could look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds; one sentence says what was seen, without a full stop: `runs as uid 65532`.
    Passed(String),
    /// It does not hold.
    Failed(Box<Finding>),
}

impl Verdict {
    /// It holds.
    pub fn passed(message: impl Into<String>) -> Self {
        Self::Passed(message.into())
    }
}

impl From<Finding> for Verdict {
    fn from(finding: Finding) -> Self {
        Self::Failed(Box::new(finding))
    }
}

/// What a check's judgement gives: a verdict, or the reason why there is none.
pub type Judged = Result<Verdict, Unseen>;

/// A check.
pub trait Check: Send + Sync + 'static {
    /// Its parameters in `lab.toml`, in kebab case.
    type Params: DeserializeOwned + JsonSchema + Send + Sync + 'static;

    /// Its id: what must hold, as `non-root`; also the name of its file.
    const ID: &'static str;

    /// Its title, for lists.
    const TITLE: &'static str;

    /// What, why, and examples that run as tests.
    const DOC: Doc;

    /// What it asks of the work with these parameters, in a few words: `at most 15 MB`.
    fn summary(params: &Self::Params) -> String;

    /// What it needs to see besides the learner's files.
    fn needs(_params: &Self::Params) -> Vec<Need> {
        Vec::new()
    }

    /// Whether the work holds.
    ///
    /// # Errors
    /// What it needs to see is not there, with the reason.
    fn judge(params: &Self::Params, view: &View<'_>) -> Judged;

    /// What the text alone says about a check that needs an image: `Some(true)` when the text promises that it will
    /// hold, `None` when it cannot tell. Used to try a fix without building it.
    fn promised_by_text(_params: &Self::Params, _view: &View<'_>) -> Option<bool> {
        None
    }
}

/// A check with its parameters' type hidden: what the registry holds. Implemented for every [`Check`].
pub trait AnyCheck: Send + Sync {
    /// [`Check::ID`].
    fn id(&self) -> &'static str;
    /// [`Check::TITLE`].
    fn title(&self) -> &'static str;
    /// [`Check::DOC`].
    fn doc(&self) -> &'static Doc;
    /// JSON schema of the parameters.
    fn params_schema(&self) -> schemars::Schema;
    /// The check with parameters from a lab.
    ///
    /// # Errors
    /// A parameter is unknown, missing, or has a bad value.
    fn bind(&self, params: &toml::Table) -> Result<Box<dyn BoundCheck>, ParamError>;
}

/// A check with its parameters.
pub trait BoundCheck: Send + Sync {
    /// [`Check::summary`].
    fn summary(&self) -> String;
    /// [`Check::needs`].
    fn needs(&self) -> Vec<Need>;
    /// [`Check::judge`].
    ///
    /// # Errors
    /// What it needs to see is not there.
    fn judge(&self, view: &View<'_>) -> Judged;
    /// [`Check::promised_by_text`], or the verdict itself for a check that needs nothing but text.
    fn promised_by_text(&self, view: &View<'_>) -> Option<bool>;
}

/// The parameters of a check that takes none.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
pub struct NoParams {}

/// A parameter in `lab.toml` that the check does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParamError {
    /// The parameter, if one is at fault.
    pub param: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

struct Bound<C: Check>(C::Params);

impl<C: Check> BoundCheck for Bound<C> {
    fn summary(&self) -> String {
        C::summary(&self.0)
    }
    fn needs(&self) -> Vec<Need> {
        C::needs(&self.0)
    }
    fn judge(&self, view: &View<'_>) -> Judged {
        C::judge(&self.0, view)
    }
    fn promised_by_text(&self, view: &View<'_>) -> Option<bool> {
        if self.needs().is_empty() {
            return Some(matches!(self.judge(view), Ok(Verdict::Passed(_))));
        }
        C::promised_by_text(&self.0, view)
    }
}

impl<C: Check> AnyCheck for C {
    fn id(&self) -> &'static str {
        C::ID
    }
    fn title(&self) -> &'static str {
        C::TITLE
    }
    fn doc(&self) -> &'static Doc {
        const { &C::DOC }
    }
    fn params_schema(&self) -> schemars::Schema {
        schemars::schema_for!(C::Params)
    }
    fn bind(&self, params: &toml::Table) -> Result<Box<dyn BoundCheck>, ParamError> {
        let schema = self.params_schema();
        let known: Vec<&str> = schema
            .get("properties")
            .and_then(serde_json::Value::as_object)
            .map(|p| p.keys().map(String::as_str).collect())
            .unwrap_or_default();
        if let Some(unknown) = params.keys().find(|k| !known.contains(&k.as_str())) {
            let help = match did_you_mean(unknown, known.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None if known.is_empty() => format!("`{}` takes no parameters.", C::ID),
                None => format!("`{}` takes {}.", C::ID, known.join(", ")),
            };
            return Err(ParamError {
                param: Some(unknown.clone()),
                message: format!("unknown parameter `{unknown}` of check `{}`", C::ID),
                help: Some(help),
            });
        }
        match toml::Value::Table(params.clone()).try_into::<C::Params>() {
            Ok(params) => Ok(Box::new(Bound::<C>(params))),
            Err(e) => {
                let text = e.message().to_owned();
                let named = params
                    .keys()
                    .map(String::as_str)
                    .chain(known.iter().copied());
                let param = named
                    .into_iter()
                    .find(|k| text.contains(&format!("`{k}`")))
                    .map(str::to_owned);
                Err(ParamError {
                    param,
                    message: format!("check `{}`: {text}", C::ID),
                    help: Some(format!("`mslab explain {}` lists its parameters.", C::ID)),
                })
            }
        }
    }
}
