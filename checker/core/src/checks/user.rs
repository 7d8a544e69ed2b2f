//! The user that an image's containers run as, found as the engine finds it when it starts one.
//!
//! The rules are those of `moby/sys/user`, `GetExecUser`: a number is a uid and needs no `passwd`; a name must be in the
//! image's own `passwd`; the first matching line wins; a number in `passwd` that cannot be read is 0.

use crate::evidence::Unseen;
use crate::image::{EntryKind, Image};

/// The largest uid and gid that the engine accepts.
const MAX_ID: i64 = (1 << 31) - 1;

/// Who a container runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u64,
    pub(super) gid: u64,
    /// The name in `passwd` of that uid, if it has one.
    pub(super) name: Option<String>,
}

/// Why a container could not start as the user that the image names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BadUser {
    /// The user's name is not in `passwd`.
    NoSuchUser { name: String, has_passwd: bool },
    /// The group's name is not in `group`.
    NoSuchGroup { name: String, has_group: bool },
    /// A number that no user can have.
    OutOfRange(String),
}

impl BadUser {
    /// As the end of a sentence that begins with `the container would not start:`.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::NoSuchUser {
                name,
                has_passwd: true,
            } => {
                format!("the image's /etc/passwd has no user `{name}`")
            }
            Self::NoSuchUser { name, .. } => {
                format!("the image has no /etc/passwd to look up the user `{name}` in")
            }
            Self::NoSuchGroup {
                name,
                has_group: true,
            } => {
                format!("the image's /etc/group has no group `{name}`")
            }
            Self::NoSuchGroup { name, .. } => {
                format!("the image has no /etc/group to look up the group `{name}` in")
            }
            Self::OutOfRange(number) => {
                format!("`{number}` is not between 0 and {MAX_ID}")
            }
        }
    }
}

/// One line of `passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PasswdLine {
    pub(super) name: String,
    pub(super) uid: i64,
    pub(super) gid: i64,
}

/// The user of the image's `USER`.
///
/// # Errors
/// The outer error: `passwd` is there but was not kept, so that nothing can be said.
pub(super) fn of(image: &Image) -> Result<Result<User, BadUser>, Unseen> {
    let spec = image.config.user.trim();
    let (user, group) = match spec.split_once(':') {
        Some((user, rest)) => (user, rest.split(':').next().unwrap_or_default()),
        None => (spec, ""),
    };
    let wants_name = !user.is_empty() && number(user).is_none();
    let passwd = match read(image, "/etc/passwd") {
        Err(unseen) if wants_name => return Err(unseen),
        Err(_) => None,
        Ok(text) => text,
    };
    let lines = passwd.as_deref().map(passwd_lines).unwrap_or_default();
    let wanted = number(user);
    let line = lines.iter().find(|l| match (user.is_empty(), wanted) {
        (true, _) => l.uid == 0,
        (false, Some(uid)) => l.uid == uid,
        (false, None) => l.name == user,
    });
    let (uid, mut gid, name) = match (line, wanted) {
        (Some(l), _) => (l.uid, l.gid, Some(l.name.clone())),
        (None, _) if user.is_empty() => (0, 0, None),
        (None, Some(uid)) => (uid, 0, None),
        (None, None) => {
            return Ok(Err(BadUser::NoSuchUser {
                name: user.to_owned(),
                has_passwd: passwd.is_some(),
            }));
        }
    };
    if !(0..=MAX_ID).contains(&uid) {
        return Ok(Err(BadUser::OutOfRange(user.to_owned())));
    }
    if !group.is_empty() {
        gid = match (number(group), read(image, "/etc/group")) {
            (Some(gid), _) => gid,
            (None, Err(unseen)) => return Err(unseen),
            (None, Ok(text)) => match text.as_deref().and_then(|t| gid_of(t, group)) {
                Some(gid) => gid,
                None => {
                    return Ok(Err(BadUser::NoSuchGroup {
                        name: group.to_owned(),
                        has_group: text.is_some(),
                    }));
                }
            },
        };
        if !(0..=MAX_ID).contains(&gid) {
            return Ok(Err(BadUser::OutOfRange(group.to_owned())));
        }
    }
    Ok(Ok(User {
        uid: uid.unsigned_abs(),
        gid: gid.unsigned_abs(),
        name,
    }))
}

/// A number as the engine reads one: a sign and leading zeros are allowed.
pub(super) fn number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Too long for the type is a number all the same, and out of every range.
    Some(text.parse().unwrap_or(i64::MAX))
}

/// The users of the image's `passwd`; none where there is no such file or it was not kept.
pub(super) fn known(image: &Image) -> Vec<PasswdLine> {
    match read(image, "/etc/passwd") {
        Ok(Some(text)) => passwd_lines(&text),
        _ => Vec::new(),
    }
}

/// A file's text by way of its links; `None` where it is not in the image.
fn read(image: &Image, path: &str) -> Result<Option<String>, Unseen> {
    let Ok(found) = image.tree.resolve(path) else {
        return Ok(None);
    };
    match &found.entry.kind {
        EntryKind::File { facts, .. } => match &facts.content {
            Some(bytes) => Ok(Some(String::from_utf8_lossy(bytes).into_owned())),
            None => Err(Unseen::Failed(format!(
                "{path} of the image is too large or lies at /{}, and was not read",
                found.path
            ))),
        },
        _ => Ok(None),
    }
}

fn passwd_lines(text: &str) -> Vec<PasswdLine> {
    let number = |field: Option<&str>| field.and_then(number).unwrap_or(0);
    text.lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .map(|line| {
            let mut fields = line.split(':');
            let name = fields.next().unwrap_or_default().to_owned();
            fields.next();
            PasswdLine {
                name,
                uid: number(fields.next()),
                gid: number(fields.next()),
            }
        })
        .collect()
}

fn gid_of(text: &str, group: &str) -> Option<i64> {
    text.lines().map(str::trim).find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(group)).then(|| {
            fields.next();
            fields.next().and_then(number).unwrap_or(0)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::fixture;

    const PASSWD: &str = "layer base
        file /etc/passwd 0644 <<EOF
        root:x:0:0:root:/root:/bin/sh
        toor:x:0:0::/root:/bin/sh
        node:x:1000:1000::/home/node:/bin/sh
        broken:x:many:1::/:/bin/sh
        EOF
        file /etc/group 0644 <<EOF
        root:x:0:
        web:x:33:node
        EOF";

    fn user(spec: &str, layers: &str) -> Result<(u64, u64), String> {
        let image = fixture::image(&format!("user {spec}\n{layers}")).unwrap();
        of(&image)
            .unwrap()
            .map(|u| (u.uid, u.gid))
            .map_err(|e| e.reason())
    }

    #[test]
    fn numbers_need_no_passwd() {
        for (spec, ids) in [
            ("65532", (65532, 0)),
            ("65532:65532", (65532, 65532)),
            ("0", (0, 0)),
            ("00", (0, 0)),
            ("+0", (0, 0)),
            ("-0", (0, 0)),
            ("0:0", (0, 0)),
            ("007", (7, 0)),
            ("", (0, 0)),
            (":1000", (0, 1000)),
            ("1:2:3", (1, 2)),
        ] {
            assert_eq!(user(spec, ""), Ok(ids), "{spec}");
        }
    }

    #[test]
    fn names_are_looked_up_in_the_image() {
        for (spec, ids) in [
            ("root", (0, 0)),
            ("root:root", (0, 0)),
            ("toor", (0, 0)),
            ("node", (1000, 1000)),
            ("1000", (1000, 1000)),
            ("node:web", (1000, 33)),
            ("node:0", (1000, 0)),
            ("broken", (0, 1)),
        ] {
            assert_eq!(user(spec, PASSWD), Ok(ids), "{spec}");
        }
    }

    #[test]
    fn what_cannot_be_found_would_not_start() {
        assert!(user("app", PASSWD).unwrap_err().contains("no user `app`"));
        assert!(
            user("app", "")
                .unwrap_err()
                .contains("no /etc/passwd to look up the user `app`")
        );
        assert!(
            user("node:staff", PASSWD)
                .unwrap_err()
                .contains("no group `staff`")
        );
        for spec in [
            "2147483648",
            "-1",
            "99999999999999999999999",
            "1:2147483648",
        ] {
            assert!(user(spec, "").unwrap_err().contains("between 0"), "{spec}");
        }
        assert_eq!(user("2147483647", ""), Ok((2147483647, 0)));
    }

    #[test]
    fn passwd_is_found_through_links_inside_the_image() {
        let linked = "layer x
            link /etc/passwd -> ../../usr/lib/passwd
            file /usr/lib/passwd 0644 text app:x:7:7::/:/bin/sh";
        assert_eq!(user("app", linked), Ok((7, 7)));
    }

    #[test]
    fn a_passwd_that_was_not_read_is_no_answer() {
        let image = fixture::image(
            "user app
            layer x
            link /etc/passwd -> users.db
            file /etc/users.db 0644 text app:x:7:7::/:/bin/sh",
        )
        .unwrap();
        assert!(matches!(of(&image), Err(Unseen::Failed(_))));
        let numeric = fixture::image("user 7\nlayer x\nfile /etc/passwd 0644 zeros size=999999");
        assert_eq!(of(&numeric.unwrap()).unwrap().unwrap().uid, 7);
    }
}
