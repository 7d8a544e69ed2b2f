//! What the engine refuses about `COPY` and `ADD` once their variables have values.

/// Why the engine refuses `--chmod`: neither an octal number up to 7777 nor a list like `u+x,go=rX`.
pub(crate) fn bad_mode(text: &str) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    let octal = text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let fits = if octal {
        u32::from_str_radix(text, 8).is_ok_and(|mode| mode <= 0o7777)
    } else {
        text.split(',').all(is_symbolic)
    };
    (!fits).then(|| {
        format!(
            "invalid chmod parameter {text:?}: neither an octal number up to 07777 nor symbolic"
        )
    })
}

/// `who* (operator permission*)+`
fn is_symbolic(clause: &str) -> bool {
    let actions = clause.trim_start_matches(['u', 'g', 'o', 'a']);
    let is_operator = |c: char| matches!(c, '+' | '-' | '=');
    if !actions.starts_with(is_operator) {
        return false;
    }
    actions
        .split(is_operator)
        .skip(1)
        .all(|permissions| permissions.chars().all(|c| "rwxXstugo".contains(c)))
}

/// What kind of thing a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceKind {
    /// A path in the context or in another stage.
    Path,
    /// A file behind `http://` or `https://`.
    Url,
    /// A git repository.
    Git,
}

/// What kind of thing the engine takes a source for.
pub(crate) fn source_kind(source: &str) -> SourceKind {
    let web = source
        .strip_prefix("https://")
        .or_else(|| source.strip_prefix("http://"));
    if let Some(rest) = web {
        let path = rest.split(['#', '?']).next().unwrap_or_default();
        return if path.ends_with(".git") && path.contains('/') {
            SourceKind::Git
        } else {
            SourceKind::Url
        };
    }
    let has_scheme = source.starts_with("git://") || source.starts_with("ssh://");
    if has_scheme || is_scp_style(source) {
        SourceKind::Git
    } else {
        SourceKind::Path
    }
}

/// `user@host:path`
fn is_scp_style(source: &str) -> bool {
    let Some((user, rest)) = source.split_once('@') else {
        return false;
    };
    let Some((host, _)) = rest.split_once(':') else {
        return false;
    };
    let fits = |s: &str, mark: u8| {
        !s.is_empty()
            && s.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == mark)
    };
    fits(user, b'_') && fits(host, b'.')
}

/// Why the engine refuses `--checksum`, given the instruction's sources.
pub(crate) fn bad_checksum(text: &str, sources: &[String]) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    let [source] = sources else {
        return Some("checksum can't be specified for multiple sources".to_owned());
    };
    match source_kind(source) {
        SourceKind::Path => Some("checksum requires HTTP(S) or Git sources".to_owned()),
        SourceKind::Git => None,
        SourceKind::Url => {
            let (algorithm, hex) = text.split_once(':').unwrap_or_default();
            let length = match algorithm {
                "sha256" => 64,
                "sha384" => 96,
                "sha512" => 128,
                _ => return Some(format!("unsupported digest algorithm in {text:?}")),
            };
            let fits =
                hex.len() == length && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            (!fits).then(|| format!("invalid checksum digest {text:?}"))
        }
    }
}
