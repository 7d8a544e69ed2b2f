//! Which names, values and files are secrets.

/// Whether a variable of this name holds a secret. `given` are the ids of the secrets that the lab gives to the build.
pub(super) fn is_secret_name(name: &str, given: &[String]) -> bool {
    let plain = |s: &str| s.to_ascii_lowercase().replace(['-', '.'], "_");
    if given.iter().any(|id| plain(id) == plain(name)) {
        return true;
    }
    let words = words(name);
    let has = |w: &str| words.iter().any(|x| x == w);
    let Some(last) = words.last() else {
        return false;
    };
    // `AWS_ACCESS_KEY_ID` is half of a pair, and no name of a thing.
    if words.ends_with(&["ACCESS".into(), "KEY".into(), "ID".into()]) {
        return true;
    }
    if has("PUBLIC") || has("PUB") || DESCRIBES.contains(&last.as_str()) {
        return false;
    }
    if SECRET_WORDS.iter().any(|w| has(w)) {
        return true;
    }
    if last == "KEY" || last == "KEYS" {
        let before = words.len().checked_sub(2).map(|i| words[i].as_str());
        return !before.is_some_and(|b| HARMLESS_KEYS.contains(&b));
    }
    last == "PWD" && words.len() > 1 && words[0] != "OLD" || last == "PASS" && words.len() > 1
}

const SECRET_WORDS: &[&str] = &[
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "PWORD",
    "SECRET",
    "SECRETS",
    "PASSPHRASE",
    "CREDENTIAL",
    "CREDENTIALS",
    "APIKEY",
    "AUTHTOKEN",
    "ACCESSKEY",
    "PRIVATEKEY",
    "SECRETKEY",
];

/// Last words of names that say something about a secret, or where it is.
const DESCRIBES: &[&str] = &[
    "FILE",
    "PATH",
    "DIR",
    "URL",
    "URI",
    "HOST",
    "PORT",
    "NAME",
    "ID",
    "LENGTH",
    "SIZE",
    "TTL",
    "EXPIRY",
    "EXPIRES",
    "EXPIRATION",
    "TIMEOUT",
    "VERSION",
    "TYPE",
    "ALGORITHM",
    "HEADER",
    "ISSUER",
    "ENDPOINT",
    "COUNT",
    "LIMIT",
    "ENABLED",
    "FORMAT",
    "PREFIX",
    "MAX",
    "MIN",
    "LIFETIME",
    "INTERVAL",
    "REQUIRED",
    "STORE",
    "MODE",
];

/// What stands before `KEY` where it unlocks nothing.
const HARMLESS_KEYS: &[&str] = &[
    "CACHE",
    "SORT",
    "PRIMARY",
    "FOREIGN",
    "PARTITION",
    "HOST",
    "INDEX",
    "GPG",
    "PUBLISHABLE",
    "SITE",
    "HOT",
    "ROUTING",
];

/// The words of a name in upper case: `npmToken` and `NPM_TOKEN` have the same two.
fn words(name: &str) -> Vec<String> {
    let mut out: Vec<String> = vec![String::new()];
    let mut lower_before = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            out.push(String::new());
            lower_before = false;
            continue;
        }
        if c.is_ascii_uppercase() && lower_before {
            out.push(String::new());
        }
        lower_before = c.is_ascii_lowercase();
        if let Some(word) = out.last_mut() {
            word.push(c.to_ascii_uppercase());
        }
    }
    out.retain(|w| !w.is_empty());
    out
}

/// Whether the value of a variable with a secret's name can be no secret: nothing, a switch, or a path.
pub(super) fn is_harmless_value(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']);
    let switch = [
        "", "true", "false", "yes", "no", "on", "off", "0", "1", "none",
    ];
    let path = value.starts_with('/') && value[1..].contains('/') && !value.contains(' ');
    switch.contains(&value.to_ascii_lowercase().as_str()) || path
}

/// Whether a value is a secret by its look, whatever it is called.
pub(super) fn is_secret_value(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']);
    let long = |prefix: &str, length: usize| {
        value.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() >= length
                && rest
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        })
    };
    let known = long("ghp_", 30)
        || long("github_pat_", 30)
        || long("npm_", 30)
        || long("glpat-", 18)
        || long("AKIA", 16)
        || long("xoxb-", 20)
        || long("xoxp-", 20)
        || long("sk_live_", 16);
    known || value.contains("PRIVATE KEY-----") || has_password_in_url(value)
}

/// `scheme://user:password@host`, with a password that is written out.
fn has_password_in_url(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else {
        return false;
    };
    user.split_once(':')
        .is_some_and(|(_, password)| !password.is_empty() && !password.contains('$'))
}

/// Whether a file of this name holds a secret that the build is given under one of the ids `given`, or says so itself:
/// `npm_token`, `.npm-token`, `token.txt`.
pub(super) fn is_secret_file_of(path: &str, given: &[String]) -> bool {
    let path = path.trim_matches(['"', '\'']).trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or(path);
    let (stem, ending) = match name.trim_start_matches('.').rsplit_once('.') {
        Some((stem, ending)) => (stem, ending),
        None => (name.trim_start_matches('.'), ""),
    };
    let plain = |s: &str| s.to_ascii_lowercase().replace(['-', '.'], "_");
    let texts = ["txt", "token", "secret", "pass", "password"];
    let is_text = texts.contains(&ending.to_ascii_lowercase().as_str());
    let is_given = given.iter().any(|id| plain(id) == plain(stem));
    is_secret_file(path)
        || is_given && (ending.is_empty() || is_text)
        || is_text && is_secret_name(stem, given)
}

/// Whether a file of this name holds a secret. Certificates, public keys and examples hold none.
pub(super) fn is_secret_file(path: &str) -> bool {
    let path = path.trim_matches(['"', '\'']).trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or(path);
    let lower = name.to_ascii_lowercase();
    let exact = [
        ".npmrc",
        ".yarnrc.yml",
        ".pypirc",
        ".netrc",
        ".env",
        ".git-credentials",
        ".htpasswd",
        "id_rsa",
        "id_ed25519",
        "id_ecdsa",
        "id_dsa",
        ".ssh",
        ".aws",
        ".gnupg",
        "credentials.json",
        ".dockercfg",
    ];
    if exact.contains(&lower.as_str()) && lower != ".yarnrc.yml" {
        return true;
    }
    if path.ends_with(".docker/config.json") || path.ends_with(".aws/credentials") {
        return true;
    }
    if let Some(rest) = lower.strip_prefix(".env") {
        let example = ["example", "sample", "template", "dist", "defaults"];
        return rest.starts_with(['.', '*']) && !example.iter().any(|e| rest.ends_with(e));
    }
    let ending = lower.rsplit_once('.').map_or("", |(_, e)| e);
    let public = ["cert", "ca", "chain", "public", "root", "bundle"];
    match ending {
        "pem" => !public.iter().any(|p| lower.contains(p)),
        "key" | "p12" | "pfx" | "kdbx" | "jks" => !lower.contains("public"),
        _ => lower.starts_with("service-account") && ending == "json",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known() {
        for name in [
            "NPM_TOKEN",
            "npm_token",
            "TOKEN",
            "DB_PASSWORD",
            "API_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ACCESS_KEY_ID",
            "SECRET",
            "apiKey",
            "githubToken",
            "MYSQL_ROOT_PASSWORD",
            "SSH_PRIVATE_KEY",
            "JWT_SECRET",
            "KEY",
            "DB_PASS",
            "PASSWORD_HASH_SECRET",
        ] {
            assert!(is_secret_name(name, &[]), "{name}");
        }
        assert!(is_secret_name("REGISTRY_LOGIN", &["registry-login".into()]));
        for name in [
            "KEYBOARD",
            "TOKENIZER_VERSION",
            "PUBLIC_KEY",
            "PUBLIC_KEY_URL",
            "NPM_TOKEN_FILE",
            "SECRET_NAME",
            "PATH",
            "PWD",
            "TOKEN_TTL",
            "CACHE_KEY",
            "MONKEY",
            "COMPASS",
            "PASSENGER_PORT",
            "NODE_ENV",
            "MAX_TOKENS",
            "KEY_ID",
            "STRIPE_PUBLISHABLE_KEY",
            "PYTHON_GPG_KEY",
        ] {
            assert!(!is_secret_name(name, &[]), "{name}");
        }
    }

    #[test]
    fn values_speak_for_themselves() {
        assert!(is_secret_value("postgres://app:hunter2@db/x"));
        assert!(is_secret_value("ghp_0123456789012345678901234567890123456"));
        assert!(!is_secret_value("postgres://app:${PASS}@db/x"));
        assert!(!is_secret_value("https://example.org/a:b@c"));
        assert!(!is_secret_value("npm_config_cache"));
        assert!(
            is_harmless_value("/run/secrets/token")
                && is_harmless_value("\"false\"")
                && !is_harmless_value("hunter2")
        );
    }

    #[test]
    fn files_of_secrets_are_known() {
        for file in [
            ".npmrc",
            "config/.env",
            ".env.production",
            ".env*",
            "id_rsa",
            "server.key",
            "deploy.pem",
            "~/.ssh/",
            "/root/.aws/credentials",
        ] {
            assert!(is_secret_file(file), "{file}");
        }
        let given = ["npm_token".to_owned()];
        for file in [
            "npm_token",
            ".npm-token",
            "ci/npm_token.txt",
            "token.txt",
            "db-password.txt",
            ".npmrc",
        ] {
            assert!(is_secret_file_of(file, &given), "{file}");
        }
        for file in [
            "token",
            "src/token/",
            "tokens.ts",
            "npm_token.js",
            "secrets",
            "notes.txt",
        ] {
            assert!(!is_secret_file_of(file, &given), "{file}");
        }
        for file in [
            ".env.example",
            "id_rsa.pub",
            "ca-cert.pem",
            "ca-certificates.crt",
            "keys.ts",
            "key.ts",
            "environment",
            "package.json",
        ] {
            assert!(!is_secret_file(file), "{file}");
        }
    }
}
