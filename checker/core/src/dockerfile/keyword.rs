//! Instruction names.

use super::tree::Keyword;

const ALL: &[(&str, Keyword)] = &[
    ("ADD", Keyword::Add),
    ("ARG", Keyword::Arg),
    ("CMD", Keyword::Cmd),
    ("COPY", Keyword::Copy),
    ("ENTRYPOINT", Keyword::Entrypoint),
    ("ENV", Keyword::Env),
    ("EXPOSE", Keyword::Expose),
    ("FROM", Keyword::From),
    ("HEALTHCHECK", Keyword::Healthcheck),
    ("LABEL", Keyword::Label),
    ("MAINTAINER", Keyword::Maintainer),
    ("ONBUILD", Keyword::Onbuild),
    ("RUN", Keyword::Run),
    ("SHELL", Keyword::Shell),
    ("STOPSIGNAL", Keyword::Stopsignal),
    ("USER", Keyword::User),
    ("VOLUME", Keyword::Volume),
    ("WORKDIR", Keyword::Workdir),
];

impl Keyword {
    /// The instruction called `name`, in any case.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        let name = name.to_lowercase();
        ALL.iter()
            .find(|(k, _)| k.eq_ignore_ascii_case(&name))
            .map_or(Self::Unknown, |(_, keyword)| *keyword)
    }

    /// The name in capitals; `UNKNOWN` for what is no instruction.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        ALL.iter()
            .find(|(_, k)| *k == self)
            .map_or("UNKNOWN", |(name, _)| name)
    }

    /// The instruction whose name is nearest to `name`, if one is near.
    #[must_use]
    pub fn nearest(name: &str) -> Option<Self> {
        let name = name.to_uppercase();
        ALL.iter()
            .map(|(k, keyword)| (strsim::damerau_levenshtein(k, &name), *keyword))
            .min_by_key(|(distance, _)| *distance)
            .filter(|(distance, _)| *distance <= 2)
            .map(|(_, keyword)| keyword)
    }
}
