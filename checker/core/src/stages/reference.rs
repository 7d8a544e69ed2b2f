//! Image references such as `node:24-alpine`, by the rules of the distribution project's reference package.

/// Whether `text` is a reference as people write it.
///
/// # Errors
///
/// A message where the engine refuses it.
pub(crate) fn check(text: &str) -> Result<(), String> {
    let bare_hex = |t: &str| t.len() == 64 && t.bytes().all(is_lower_hex);
    if bare_hex(text) {
        return Err(format!(
            "invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        ));
    }
    let (domain, path) = split_domain(text);
    let before_tag = path.split([':', '@']).next().unwrap_or_default();
    if before_tag.to_lowercase() != before_tag {
        return Err(format!(
            "invalid reference format: repository name ({before_tag}) must be lowercase"
        ));
    }
    let full = format!("{domain}/{path}");
    let invalid = || "invalid reference format".to_owned();
    let (rest, digest) = match full.split_once('@') {
        Some((rest, digest)) => (rest.to_owned(), Some(digest.to_owned())),
        None => (full, None),
    };
    if digest.as_deref().is_some_and(|d| !is_digest(d)) {
        return Err(invalid());
    }
    let slash = rest.rfind('/').unwrap_or(0);
    let (name, tag) = match rest[slash..].find(':') {
        Some(colon) => (
            rest[..slash + colon].to_owned(),
            Some(rest[slash + colon + 1..].to_owned()),
        ),
        None => (rest, None),
    };
    if tag.as_deref().is_some_and(|t| !is_tag(t)) {
        return Err(invalid());
    }
    let Some((domain, path)) = name.split_once('/') else {
        return Err(invalid());
    };
    if !is_domain(domain) || !path.split('/').all(is_component) {
        return Err(invalid());
    }
    if path.len() > 255 {
        return Err("repository name must not be more than 255 characters".to_owned());
    }
    Ok(())
}

fn split_domain(text: &str) -> (String, String) {
    let hub = "docker.io".to_owned();
    let (domain, path) = match text.split_once('/') {
        Some((first, path))
            if first.contains(['.', ':'])
                || first == "localhost"
                || first.to_lowercase() != first =>
        {
            (first.to_owned(), path.to_owned())
        }
        _ => (hub.clone(), text.to_owned()),
    };
    let domain = if domain == "index.docker.io" {
        hub
    } else {
        domain
    };
    if domain == "docker.io" && !path.contains('/') {
        return (domain, format!("library/{path}"));
    }
    (domain, path)
}

fn is_lower_hex(b: u8) -> bool {
    matches!(b, b'0'..=b'9' | b'a'..=b'f')
}

/// `alphanumerics (separator alphanumerics)*`; separators are `.`, `_`, `__` and any number of `-`.
fn is_component(text: &str) -> bool {
    let is_word = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = bytes.first().is_some_and(is_word) && bytes.last().is_some_and(is_word);
    ends && bytes.split(is_word).all(|separator| {
        matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|b| *b == b'-')
    })
}

fn is_domain(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) => {
                let fits = !address.is_empty()
                    && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':');
                if !fits {
                    return false;
                }
                ("localhost", port)
            }
            None => return false,
        },
        None => match text.find(':') {
            Some(colon) => text.split_at(colon),
            None => (text, ""),
        },
    };
    let port_fits = match port.strip_prefix(':') {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()),
        None => port.is_empty(),
    };
    let part_fits = |part: &str| {
        let bytes = part.as_bytes();
        bytes.first().is_some_and(u8::is_ascii_alphanumeric)
            && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
            && bytes
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    };
    port_fits && host.split('.').all(part_fits)
}

fn is_tag(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=128).contains(&bytes.len())
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        && !matches!(bytes[0], b'.' | b'-')
}

/// `algorithm:hex`; the engine knows the lengths of SHA-256, 384 and 512.
fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else {
        return false;
    };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    hex.len() == length && hex.bytes().all(is_lower_hex)
}
