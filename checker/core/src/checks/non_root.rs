//! `non-root`: containers of the image do not run as root.

use crate::diagnostic::{Finding, Fix};
use crate::dockerfile::{Command, Instruction, Keyword};
use crate::evidence::Need;
use crate::image::{EntryKind, Image};
use crate::stages::Base;

use super::mend::{Text, literal, name_and_tag};
use super::origin::{Origins, base_words};
use super::started::{Access, Program, allows, reaches, started};
use super::user::{self, User};
use super::{Check, Doc, Example, Judged, NoParams, Verdict, View};

/// The user that the image runs as has a uid other than 0.
pub(super) struct NonRoot;

/// A user and group that no image has for another use: the one that distroless images call `nonroot`.
const NOBODY_ELSE: u64 = 65532;

impl Check for NonRoot {
    type Params = NoParams;
    const ID: &'static str = "non-root";
    const TITLE: &'static str = "Containers do not run as root";
    const DOC: Doc = Doc {
        what: "The user that the *image* runs as is not root. It does not matter how `USER` is written: `root`, `0`, \
            `0:0` and any name that the image's own `/etc/passwd` gives the uid 0 are all root, and so is an image \
            with no `USER` at all. A number needs no `/etc/passwd`, so `USER 65532` works on `scratch` too. A name \
            that is not in `/etc/passwd` fails as well: such a container does not start.\n\n\
            Only the final image counts. A `USER` in a builder stage changes nothing in it.",
        why: "A program that runs as root owns every file of its container, and is one kernel bug away from owning the \
            host. Few programs need that.",
        bad: Example {
            image: "entrypoint [\"/server\"]\n\
                layer COPY /src/server /server # buildkit\n\
                file /server 0755 elf-static size=4900000\n\
                history ENTRYPOINT [\"/server\"]",
            ..Example::text(
                "FROM golang:1.27-alpine AS builder\n\
                WORKDIR /src\n\
                USER 65532\n\
                COPY . .\n\
                RUN CGO_ENABLED=0 go build -o server .\n\
                \n\
                FROM scratch\n\
                COPY --from=builder /src/server /server\n\
                ENTRYPOINT [\"/server\"]\n",
            )
        },
        good: Example {
            image: "user 65532:65532\n\
                entrypoint [\"/server\"]\n\
                layer COPY /src/server /server # buildkit\n\
                file /server 0755 elf-static size=4900000\n\
                history USER 65532:65532\n\
                history ENTRYPOINT [\"/server\"]",
            ..Example::text(
                "FROM golang:1.27-alpine AS builder\n\
                WORKDIR /src\n\
                COPY . .\n\
                RUN CGO_ENABLED=0 go build -o server .\n\
                \n\
                FROM scratch\n\
                COPY --from=builder /src/server /server\n\
                USER 65532:65532\n\
                ENTRYPOINT [\"/server\"]\n",
            )
        },
    };

    fn summary(_: &NoParams) -> String {
        "a uid other than 0".into()
    }

    fn needs(_: &NoParams) -> Vec<Need> {
        vec![Need::Image]
    }

    fn judge(_: &NoParams, view: &View<'_>) -> Judged {
        let image = view.image()?;
        let spec = image.config.user.as_str();
        let finding = match user::of(image)? {
            Ok(User { uid, name, .. }) if uid != 0 => {
                let name = name.map(|n| format!(" ({n})")).unwrap_or_default();
                return Ok(Verdict::passed(format!("runs as uid {uid}{name}")));
            }
            Ok(_) if spec.is_empty() => {
                Finding::new("the image names no user, so its containers run as root")
                    .expected("a uid other than 0", "no USER: uid 0")
            }
            Ok(_) => {
                let means = if user::number(spec.split(':').next().unwrap_or_default()).is_some() {
                    "uid 0, which is root"
                } else if spec.starts_with("root") {
                    "uid 0"
                } else {
                    "uid 0 in the image's /etc/passwd, which is root"
                };
                Finding::new(format!("the image runs as `{spec}`"))
                    .expected("a uid other than 0", format!("`{spec}` is {means}"))
            }
            Err(bad) => Finding::new(format!("the container would not start: {}", bad.reason()))
                .expected(
                    "a user that the image knows, or a number",
                    format!("`{spec}`"),
                )
                .help("Name the user by its number, which needs no /etc/passwd."),
        };
        Ok(point(finding, view, image).into())
    }

    fn promised_by_text(_: &NoParams, view: &View<'_>) -> Option<bool> {
        let text = Text::new(view)?;
        let Some((_, instruction)) = text.last(Keyword::User) else {
            return match text.base() {
                Base::Scratch => Some(false),
                _ => None,
            };
        };
        let Command::User(word) = &instruction.command else {
            return None;
        };
        let value = literal(&word.text)?;
        let name = value.split(':').next().unwrap_or_default();
        match user::number(name) {
            Some(uid) => Some((1..1 << 31).contains(&uid)),
            None if name.is_empty() || name == "root" => Some(false),
            None if is_made_by(&text, name) => Some(true),
            None => match text.base() {
                Base::Image(base) if official_user(base) == Some(name) => Some(true),
                _ => None,
            },
        }
    }
}

/// Whether a command of the target's lineage makes a user of that name, with no say about its number or one that is
/// not root's.
fn is_made_by(text: &Text<'_>, name: &str) -> bool {
    let runs = text.effective().filter(|(_, i)| i.keyword == Keyword::Run);
    runs.into_iter().any(|(_, i)| {
        let line = &i.rest.text;
        let makes = line.contains("useradd") || line.contains("adduser");
        makes
            && line.split_whitespace().any(|w| w == name)
            && !line.contains(" 0 ")
            && !line.contains("=0 ")
    })
}

/// The user that an official image brings along for programs.
fn official_user(base: &str) -> Option<&'static str> {
    match name_and_tag(base).0 {
        "node" => Some("node"),
        _ => None,
    }
}

fn point(finding: Finding, view: &View<'_>, image: &Image) -> Finding {
    let Some(text) = Text::new(view) else {
        return finding;
    };
    let finding = match text.last(Keyword::User) {
        Some((_, i)) => {
            let span = match &i.command {
                Command::User(word) => word.span,
                _ => i.span,
            };
            finding.at(view.place(span))
        }
        None => match text.from() {
            Some(from) => finding.at(view.place(base_words(from))),
            None => finding,
        },
    };
    let finding = match finding.help {
        Some(_) => finding,
        None => finding.help("Name another user with `USER`, after the last step that needs root."),
    };
    match mend(&text, view, image) {
        Some(fix) => finding.fix(fix),
        None => finding,
    }
}

/// A `USER` in the right place, where the image shows that its program can do without root.
fn mend(text: &Text<'_>, view: &View<'_>, image: &Image) -> Option<Fix> {
    let base = match text.base() {
        Base::Image(name) => name.as_str(),
        _ => "",
    };
    let own = user::known(image)
        .into_iter()
        .find(|l| l.uid > 0 && (official_user(base) == Some(&l.name) || is_made_by(text, &l.name)));
    let (who, user) = match own {
        Some(line) => {
            let user = User {
                uid: line.uid.unsigned_abs(),
                gid: line.gid.unsigned_abs(),
                name: None,
            };
            (line.name, user)
        }
        None => {
            let user = User {
                uid: NOBODY_ELSE,
                gid: NOBODY_ELSE,
                name: None,
            };
            (format!("{NOBODY_ELSE}:{NOBODY_ELSE}"), user)
        }
    };
    if text.is_base_of_another(text.target) || !can_do_without_root(view, image, &user) {
        return None;
    }
    let title = format!("run as `{who}`");
    if let Some((stage, last)) = text.last(Keyword::User)
        && stage.index == text.target.index
        && !needs_root_after(text.of(stage), last)
        && let Command::User(word) = &last.command
    {
        return Some(Fix::new(title).replace(text.file(), word.span, who));
    }
    Some(text.add_to_stage(Fix::new(title), text.target, &format!("USER {who}")))
}

/// Whether a command of the build runs after this instruction, and may need the user that it names.
fn needs_root_after(instructions: &[Instruction], user: &Instruction) -> bool {
    instructions
        .iter()
        .skip_while(|i| i.span.start <= user.span.start)
        .any(|i| i.keyword == Keyword::Run)
}

/// Whether what the image shows speaks for a program that runs as this user: it may start the program and read its
/// files, and there is no port, volume or well-known server that wants root.
fn can_do_without_root(view: &View<'_>, image: &Image, user: &User) -> bool {
    let Some(started) = started(image) else {
        return false;
    };
    let low_port = image.config.exposed_ports.iter().any(|p| {
        let port = p.split('/').next().unwrap_or(p);
        port.parse::<u16>().is_ok_and(|n| n < 1024)
    });
    if low_port || !image.config.volumes.is_empty() {
        return false;
    }
    let Program::File { named, .. } = &started.program else {
        return false;
    };
    if !reaches(image, named, user, Access::Execute) {
        return false;
    }
    let words = started
        .script_words()
        .unwrap_or_else(|| started.argv.clone());
    let wants_root = |w: &String| {
        let name = w.rsplit('/').next().unwrap_or(w);
        WANT_ROOT.contains(&name)
    };
    if words.iter().any(wants_root) {
        return false;
    }
    let base = Origins::new(view, image).base_layers();
    image
        .tree
        .iter()
        .filter(|(_, e)| e.layer >= base)
        .all(|(path, entry)| {
            match entry.kind {
                EntryKind::Directory => {
                    allows(entry, user, Access::Execute) || path.starts_with("root")
                }
                // What a package manager leaves behind in root's home or in /var is not the program's.
                EntryKind::File { .. } => {
                    allows(entry, user, Access::Read)
                        || ["root/", "var/", "etc/", "tmp/"]
                            .iter()
                            .any(|p| path.starts_with(p))
                }
                EntryKind::Symlink(_) | EntryKind::Special => true,
            }
        })
}

/// Programs of which the image cannot show that they do without root: servers that start as root and give it up
/// themselves, and tools of development that write beside the sources.
const WANT_ROOT: &[&str] = &[
    "apache2",
    "apache2-foreground",
    "caddy",
    "crond",
    "cron",
    "dockerd",
    "haproxy",
    "httpd",
    "httpd-foreground",
    "mariadbd",
    "mysqld",
    "next",
    "nginx",
    "npm",
    "npx",
    "php-fpm",
    "pnpm",
    "postgres",
    "redis-server",
    "sshd",
    "supervisord",
    "s6-svscan",
    "systemd",
    "vite",
    "yarn",
];

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::super::case_image::outdent;
    use super::*;
    use crate::evidence::Unseen;

    const GO: &str = "
        FROM golang:1.27-alpine AS builder
        RUN CGO_ENABLED=0 go build -o /server .
        FROM scratch AS production
        COPY --from=builder /server /server
        EXPOSE 8080
        ENTRYPOINT [\"/server\"]";
    const GO_IMAGE: &str = "entrypoint [\"/server\"]
        expose 8080/tcp
        layer COPY /server /server # buildkit
        file /server 0755 elf-static
        history EXPOSE map[8080/tcp:{}]
        history ENTRYPOINT [\"/server\"]";

    fn user(spec: &str) -> Case {
        Case::of(&GO.replace("EXPOSE 8080", &format!("USER {spec}")))
            .image(&format!(
                "user {spec}\n{}",
                GO_IMAGE.replace("history EXPOSE map[8080/tcp:{}]", "history USER x")
            ))
            .base_layers(0)
    }

    #[test]
    fn root_is_root_however_it_is_written() {
        for spec in ["0", "0:0", "00", "+0", "0:1000", ":1000"] {
            let w = user(spec);
            let finding = w.fails::<NonRoot>();
            assert_eq!(w.words(&finding), spec);
            assert_eq!(w.promised::<NonRoot>(), Some(false), "{spec}");
        }
        for spec in ["root", "root:root"] {
            let finding = user(spec)
                .edit(|i| i.tree = passwd("root:x:0:0::/:"))
                .fails::<NonRoot>();
            assert!(finding.message.contains(spec), "{}", finding.message);
        }
        let toor = user("toor")
            .edit(|i| i.tree = passwd("toor:x:0:0::/:"))
            .fails::<NonRoot>();
        assert!(toor.actual.unwrap().contains("/etc/passwd"));
    }

    fn passwd(line: &str) -> crate::image::FileTree {
        let text = format!(
            "layer x\nfile /etc/passwd 0644 text {line}\nfile /etc/group 0644 text root:x:0:"
        );
        crate::image::fixture::image(&text).unwrap().tree
    }

    #[test]
    fn others_pass_with_or_without_passwd() {
        assert_eq!(user("65532:65532").passes::<NonRoot>(), "runs as uid 65532");
        let node = user("node").edit(|i| i.tree = passwd("node:x:1000:1000::/:"));
        assert_eq!(node.passes::<NonRoot>(), "runs as uid 1000 (node)");
    }

    #[test]
    fn a_user_that_is_not_there_does_not_start() {
        for spec in ["app", "root", "2147483648", "-1"] {
            let finding = user(spec).fails::<NonRoot>();
            assert!(
                finding
                    .message
                    .starts_with("the container would not start: "),
                "{}",
                finding.message
            );
        }
    }

    #[test]
    fn a_passwd_that_cannot_be_read_is_no_verdict() {
        let big = "layer x\nfile /etc/passwd 0644 zeros size=999999";
        let w = Case::of_image(&format!("user app\n{big}"));
        assert!(matches!(w.unseen::<NonRoot>(), Unseen::Failed(_)));
    }

    #[test]
    fn a_missing_user_is_added_before_the_start() {
        let w = Case::of(GO).image(GO_IMAGE).base_layers(0);
        let finding = w.fails::<NonRoot>();
        assert_eq!(w.words(&finding), "scratch");
        let wanted = GO.replace(
            "        ENTRYPOINT",
            "        USER 65532:65532\n        ENTRYPOINT",
        );
        assert_eq!(w.promised_fix::<NonRoot>(), outdent(&wanted));
        assert!(
            user("0")
                .promised_fix::<NonRoot>()
                .contains("\nUSER 65532:65532\n")
        );
    }

    #[test]
    fn the_images_own_user_comes_first() {
        let dockerfile = "
            FROM node:24-alpine
            RUN npm ci
            # starts the server
            CMD [\"node\", \"/app/server.js\"]";
        let image = "cmd [\"node\", \"/app/server.js\"]
            env PATH=/usr/local/bin
            layer ADD rootfs / # buildkit
            file /usr/local/bin/node 0755 elf-dynamic
            file /etc/passwd 0644 <<EOF
            root:x:0:0::/:
            node:x:1000:1000::/:
            EOF
            layer RUN /bin/sh -c npm ci # buildkit
            file /app/server.js 0644 text x
            file /root/.npm/log 0600 text x
            history CMD [\"node\" \"/app/server.js\"]";
        let w = Case::of(dockerfile).image(image).base_layers(1);
        let wanted = dockerfile.replace(
            "            # starts",
            "            USER node\n            # starts",
        );
        assert_eq!(w.promised_fix::<NonRoot>(), outdent(&wanted));
        // A file that only root can read, and a program that may write where only root can: nothing is promised.
        let closed = image.replace("file /app/server.js 0644", "file /app/server.js 0600");
        Case::of(dockerfile)
            .image(&closed)
            .base_layers(1)
            .has_no_fix::<NonRoot>();
        let npm = image.replace(
            "cmd [\"node\", \"/app/server.js\"]",
            "cmd [\"npm\", \"start\"]",
        );
        Case::of(dockerfile)
            .image(&npm)
            .base_layers(1)
            .has_no_fix::<NonRoot>();
    }

    #[test]
    fn a_user_that_the_dockerfile_makes_is_taken() {
        let w = Case::of(
            "FROM python:3.13-slim\nRUN useradd --system --uid 10001 clerk\nCMD [\"python3\", \"/app.py\"]",
        )
        .image(
            "cmd [\"python3\", \"/app.py\"]
            layer ADD rootfs /
            file /usr/bin/python3 0755 elf-dynamic
            layer RUN /bin/sh -c useradd --system --uid 10001 clerk # buildkit
            file /etc/passwd 0644 text clerk:x:10001:10001::/:
            history CMD x",
        )
        .base_layers(1);
        assert!(w.promised_fix::<NonRoot>().contains("\nUSER clerk\nCMD"));
    }

    #[test]
    fn commands_after_user_root_keep_it() {
        let w = Case::of("FROM scratch\nUSER root\nRUN make\nENTRYPOINT [\"/server\"]").image(
            &format!(
                "user 0\n{}",
                GO_IMAGE.replace("history EXPOSE map[8080/tcp:{}]", "history RUN x")
            ),
        );
        assert_eq!(
            w.promised_fix::<NonRoot>(),
            "FROM scratch\nUSER root\nRUN make\nUSER 65532:65532\nENTRYPOINT [\"/server\"]\n"
        );
    }

    #[test]
    fn servers_and_ports_of_root_are_left_to_people() {
        let low = GO_IMAGE.replace("8080", "80");
        Case::of(GO)
            .image(&low)
            .base_layers(0)
            .has_no_fix::<NonRoot>();
        let nginx = GO_IMAGE.replace("/server", "/nginx");
        Case::of(GO)
            .image(&nginx)
            .base_layers(0)
            .has_no_fix::<NonRoot>();
        let another = format!("{}\nFROM production AS test\nRUN true", outdent(GO));
        let w = Case::of(&another).image(GO_IMAGE).base_layers(0);
        w.has_no_fix::<NonRoot>();
    }

    #[test]
    fn the_text_promises_what_it_can() {
        for (text, promised) in [
            ("FROM node:24-alpine\nUSER node", Some(true)),
            ("FROM debian\nUSER app", None),
            ("FROM debian", None),
            ("FROM scratch", Some(false)),
            ("FROM debian\nUSER 7", Some(true)),
            ("ARG X=7\nFROM debian\nARG X\nUSER $X", None),
            ("FROM debian AS a\nUSER 7\nFROM a", Some(true)),
            ("FROM debian AS a\nUSER 7\nFROM a\nUSER root", Some(false)),
        ] {
            assert_eq!(Case::of(text).promised::<NonRoot>(), promised, "{text}");
        }
    }
}
