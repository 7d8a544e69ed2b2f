//! Which parts of a file an older engine does not know, and from which version on engines do.

use super::tree::{Command, CopyCommand, Dockerfile, Flag, Instruction, Keyword, RunCommand};
use crate::source::Span;

/// A feature of Dockerfiles that not every engine has.
///
/// The versions were found by building on Docker 20.10, 26 and 28 and on Podman 5.4, and between those by which
/// frontend an engine carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    /// `RUN <<EOF`, `COPY <<EOF`.
    Heredoc,
    /// `COPY --link`.
    CopyLink,
    /// `COPY --chmod` with symbolic modes.
    SymbolicChmod,
    /// `COPY --exclude`.
    CopyExclude,
    /// `COPY --parents`.
    CopyParents,
    /// `RUN --network`.
    RunNetwork,
    /// `RUN --security`.
    RunSecurity,
    /// `RUN --device`.
    RunDevice,
    /// `RUN --mount=type=secret,env=`.
    SecretEnv,
    /// `RUN --mount=type=secret`.
    Secret,
    /// `RUN --mount=type=tmpfs,size=`.
    TmpfsSize,
    /// `HEALTHCHECK --start-interval`.
    StartInterval,
    /// `${name%pattern}` and its kin.
    Substitution,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Heredoc,
        Self::CopyLink,
        Self::SymbolicChmod,
        Self::CopyExclude,
        Self::CopyParents,
        Self::RunNetwork,
        Self::RunSecurity,
        Self::RunDevice,
        Self::SecretEnv,
        Self::Secret,
        Self::TmpfsSize,
        Self::StartInterval,
        Self::Substitution,
    ];

    /// Its name in an attempt's `requires`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Heredoc => "heredoc",
            Self::CopyLink => "copy-link",
            Self::SymbolicChmod => "symbolic-chmod",
            Self::CopyExclude => "copy-exclude",
            Self::CopyParents => "copy-parents",
            Self::RunNetwork => "run-network",
            Self::RunSecurity => "run-security",
            Self::RunDevice => "run-device",
            Self::SecretEnv => "secret-env",
            Self::Secret => "secret",
            Self::TmpfsSize => "tmpfs-size",
            Self::StartInterval => "start-interval",
            Self::Substitution => "substitution",
        }
    }

    /// The feature of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name() == name)
    }

    /// What it is, as people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Heredoc => "heredocs",
            Self::CopyLink => "`COPY --link`",
            Self::SymbolicChmod => "`--chmod` with letters",
            Self::CopyExclude => "`COPY --exclude`",
            Self::CopyParents => "`COPY --parents`",
            Self::RunNetwork => "`RUN --network`",
            Self::RunSecurity => "`RUN --security`",
            Self::RunDevice => "`RUN --device`",
            Self::SecretEnv => "`env=` of a secret mount",
            Self::Secret => "secret mounts",
            Self::TmpfsSize => "`size=` of a tmpfs mount",
            Self::StartInterval => "`HEALTHCHECK --start-interval`",
            Self::Substitution => "patterns in `${…}`",
        }
    }

    /// The first version of Docker, major and minor, whose built-in frontend knows it. `None` where only the labs
    /// channel of the frontend does.
    #[must_use]
    pub const fn docker(self) -> Option<(u32, u32)> {
        match self {
            Self::Secret | Self::SymbolicChmod => Some((20, 10)),
            Self::Heredoc | Self::CopyLink | Self::RunNetwork | Self::TmpfsSize => Some((23, 0)),
            Self::StartInterval => Some((25, 0)),
            Self::Substitution => Some((26, 0)),
            Self::SecretEnv => Some((27, 3)),
            Self::CopyExclude => Some((28, 5)),
            Self::CopyParents | Self::RunSecurity | Self::RunDevice => None,
        }
    }

    /// Whether Podman's builder knows it, through the API.
    #[must_use]
    pub const fn podman(self) -> bool {
        matches!(
            self,
            Self::Heredoc
                | Self::RunNetwork
                | Self::StartInterval
                | Self::Substitution
                | Self::CopyExclude
        )
    }

    /// What an engine must be to know it.
    #[must_use]
    pub fn needs(self) -> String {
        match self.docker() {
            Some((major, minor)) => format!("Docker {major}.{minor} or newer"),
            None => "a frontend from BuildKit's labs channel".to_owned(),
        }
    }
}

/// Where a file uses a feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// What it uses.
    pub feature: Feature,
    /// Its words.
    pub span: Span,
}

/// What the file uses of the features that differ between engines, in the order of the file.
#[must_use]
pub fn features(dockerfile: &Dockerfile) -> Vec<Use> {
    let mut found = Vec::new();
    for instruction in &dockerfile.instructions {
        of(instruction, &mut found);
        patterns(dockerfile, instruction, &mut found);
    }
    found.sort_by_key(|f| f.span.start);
    found
}

fn of(instruction: &Instruction, found: &mut Vec<Use>) {
    let mut add = |feature: Feature, span: Span| found.push(Use { feature, span });
    let flag =
        |name: &str| -> Option<&Flag> { instruction.flags.iter().find(|f| f.name.text == name) };
    if let Some(heredoc) = instruction.heredocs.first() {
        add(Feature::Heredoc, heredoc.open.span);
    }
    let is_copy = matches!(instruction.keyword, Keyword::Copy | Keyword::Add);
    let simple = [
        (is_copy, "link", Feature::CopyLink),
        (is_copy, "exclude", Feature::CopyExclude),
        (is_copy, "parents", Feature::CopyParents),
        (
            instruction.keyword == Keyword::Run,
            "network",
            Feature::RunNetwork,
        ),
        (
            instruction.keyword == Keyword::Run,
            "security",
            Feature::RunSecurity,
        ),
        (
            instruction.keyword == Keyword::Run,
            "device",
            Feature::RunDevice,
        ),
        (
            instruction.keyword == Keyword::Healthcheck,
            "start-interval",
            Feature::StartInterval,
        ),
    ];
    for (fits, name, what) in simple {
        if let (true, Some(flag)) = (fits, flag(name)) {
            add(what, flag.span);
        }
    }
    match &instruction.command {
        Command::Run(RunCommand { mounts, .. }) => {
            for mount in mounts {
                for option in &mount.options {
                    match (mount.kind.as_str(), option.name.text.as_str()) {
                        ("tmpfs", "size") => add(Feature::TmpfsSize, option.span),
                        ("secret", "env") => add(Feature::SecretEnv, option.span),
                        _ => {}
                    }
                }
            }
        }
        Command::Copy(CopyCommand { chmod, .. }) | Command::Add(CopyCommand { chmod, .. }) => {
            let symbolic = |text: &str| text.contains(['+', '=']) && !text.contains('$');
            if let Some(mode) = chmod.as_ref().filter(|w| symbolic(&w.text)) {
                add(Feature::SymbolicChmod, mode.span);
            }
        }
        Command::Onbuild(kept) => of(kept, found),
        _ => {}
    }
}

/// `${NAME#…}`, `${NAME%…}` and `${NAME/…}` where the engine, and not a shell, expands them.
fn patterns(dockerfile: &Dockerfile, instruction: &Instruction, found: &mut Vec<Use>) {
    let by_shell = matches!(
        instruction.keyword,
        Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck | Keyword::Onbuild
    );
    if by_shell {
        return;
    }
    let bytes = dockerfile.source.slice(instruction.span);
    let mut at = 0;
    while let Some(i) = bytes[at..].windows(2).position(|w| w == b"${") {
        let start = at + i;
        let name = bytes[start + 2..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
            .count();
        let end = start + 2 + name;
        if name > 0 && matches!(bytes.get(end), Some(b'#' | b'%' | b'/')) {
            let from = instruction.span.start;
            found.push(Use {
                feature: Feature::Substitution,
                span: Span::new(from + start, from + end + 1),
            });
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::parse;
    use crate::source::Source;

    #[test]
    fn each_feature_is_found_where_it_stands() {
        let text = "FROM alpine\nRUN <<EOF\nx\nEOF\nCOPY --link --chmod=u+x a b\nARG A=${B%x}\n\
                    RUN --mount=type=secret,id=a,env=B --network=none echo ${C#x}\n";
        let file = parse(Source::new("Dockerfile", text.as_bytes()));
        let found: Vec<_> = features(&file)
            .iter()
            .map(|f| (f.feature, text[f.span.range()].to_owned()))
            .collect();
        let expected = [
            (Feature::Heredoc, "<<EOF"),
            (Feature::CopyLink, "--link"),
            (Feature::SymbolicChmod, "u+x"),
            (Feature::Substitution, "${B%"),
            (Feature::SecretEnv, "env=B"),
            (Feature::RunNetwork, "--network=none"),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(n, t)| (*n, (*t).to_owned()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn an_old_file_needs_nothing_new() {
        let text = "FROM alpine\nRUN echo ${A%x}\nCMD [\"${B#y}\"]\n";
        let file = parse(Source::new("Dockerfile", text.as_bytes()));
        assert_eq!(features(&file), []);
    }

    #[test]
    fn names_lead_back_to_their_features() {
        for feature in Feature::ALL {
            assert_eq!(Feature::from_name(feature.name()), Some(feature));
        }
    }
}
