//! Causes, in the very words of the engines: Docker 20.10.24, 26.1.5 and 28.5.2, Podman 5.4.2.

use mslab_core::dockerfile::Feature;
use mslab_core::evidence::BuildFailureCause as Cause;

use super::cause::{Signs, cause, exit_code, parse_error_line};

fn of(message: &str, log: &[&str], text: &str) -> Cause {
    let log: Vec<String> = log.iter().map(|l| (*l).to_owned()).collect();
    let failing = text.lines().last().unwrap_or_default();
    cause(Signs {
        message,
        exit_code: exit_code(message),
        log: &log,
        text,
        failing,
    })
}

fn too_old(feature: Feature) -> Cause {
    Cause::EngineTooOld { feature }
}

#[test]
fn a_missing_source_is_named() {
    let source = |p: &str| Cause::MissingCopySource(Some(p.into()));
    for message in [
        "failed to compute cache key: failed to calculate checksum of ref b85::ad8: \"/nope.txt\": not found",
        "failed to compute cache key: \"/nope.txt\" not found: not found",
        "building at STEP \"COPY nope.txt /\": checking on sources under \"/var/tmp/libpod_builder12/build\": copier: stat: \"/nope.txt\": no such file or directory\n",
    ] {
        assert_eq!(
            of(message, &[], "COPY nope.txt /"),
            source("/nope.txt"),
            "{message}"
        );
    }
    let walk = "failed to compute cache key: failed to walk /var/lib/docker/tmp/buildkit-mount10/src: lstat /var/lib/docker/tmp/buildkit-mount10/src: no such file or directory";
    assert_eq!(
        of(walk, &[], "COPY --chown=1 src/nope/ /x/"),
        source("src/nope/")
    );
    let mount = "RUN --mount=type=bind,from=b,source=nope.txt,target=/n cat /n";
    let opening = "process \"/bin/sh -c cat /n\" did not complete successfully: open /nope.txt: no such file or directory";
    assert_eq!(of(opening, &[], mount), source("nope.txt"));
    let log = "runc run failed: error mounting \"/var/lib/docker/overlay2/3/merged/nope.txt\" to rootfs at \"/n\": stat /x: no such file or directory";
    assert_eq!(
        of("executor failed running [cat]: exit code: 1", &[log], mount),
        source("nope.txt")
    );
}

#[test]
fn an_unknown_stage_is_no_missing_image() {
    let stage = |n: &str| Cause::UnknownStage(n.into());
    assert_eq!(
        of("target stage \"prod\" could not be found", &[], ""),
        stage("prod")
    );
    assert_eq!(
        of(
            "failed to create LLB definition: target stage prod could not be found",
            &[],
            ""
        ),
        stage("prod")
    );
    assert_eq!(
        of(
            "The target \"prod\" was not found in the provided Dockerfile\n",
            &[],
            ""
        ),
        stage("prod")
    );
    assert_eq!(of("invalid stage index 7", &[], ""), stage("7"));
    assert_eq!(
        of(
            "COPY --from=bulider: no stage or image found with that name\n",
            &[],
            ""
        ),
        stage("bulider")
    );
    let new = "bulider: failed to resolve source metadata for docker.io/library/bulider:latest: failed to do request: Head \"https://r/v2/library/bulider/manifests/latest\": dial tcp: no such host";
    let old = "failed to load cache key: failed to do request: Head \"https://r/v2/library/bulider/manifests/latest\": dial tcp: no such host";
    for text in [
        "COPY --from=bulider /x /y",
        "RUN --mount=type=bind,from=bulider,target=/n true",
        "RUN --mount=from=bulider true",
    ] {
        assert_eq!(of(new, &[], text), stage("bulider"));
        assert_eq!(of(old, &[], text), stage("bulider"));
    }
    assert_eq!(
        of(new, &[], "FROM bulider"),
        Cause::BaseImage("bulider".into())
    );
}

#[test]
fn a_base_image_that_cannot_be_had_is_named() {
    let new = "nosuch/x:1: failed to resolve source metadata for docker.io/nosuch/x:1: failed to do request: Head \"https://r/v2/nosuch/x/manifests/1\": dial tcp: lookup r: no such host";
    assert_eq!(
        of(new, &[], "COPY --from=nosuch/x:1 /x /x"),
        Cause::BaseImage("nosuch/x:1".into())
    );
    let denied =
        "nosuch/x:1: pull access denied, repository does not exist or may require authorization";
    assert_eq!(
        of(
            &format!("failed to resolve source metadata for docker.io/{denied}"),
            &[],
            ""
        ),
        Cause::BaseImage("nosuch/x:1".into())
    );
    let platform = "busybox:1.37: failed to resolve source metadata for docker.io/library/busybox:1.37: no match for platform in manifest: not found";
    assert_eq!(
        of(platform, &[], ""),
        Cause::BaseImage("busybox:1.37".into())
    );
}

#[test]
fn a_command_that_is_not_there_is_named() {
    let missing = |n: &str| Cause::CommandNotFound(Some(n.into()));
    let message = "process \"/bin/sh -c npm ci\" did not complete successfully: exit code: 127";
    for log in [
        "/bin/sh: npm: not found",
        "/bin/sh: 1: npm: not found",
        "bash: line 1: npm: command not found",
        "env: 'npm': No such file or directory",
    ] {
        assert_eq!(of(message, &[log], ""), missing("npm"), "{log}");
    }
    let one = "executor failed running [npm ci]: exit code: 1";
    for log in [
        "runc run failed: unable to start container process: exec: \"npm\": executable file not found in $PATH",
        "error running container: from /usr/bin/crun creating container for [npm ci]: executable file `npm` not found in $PATH: No such file or directory",
    ] {
        assert_eq!(of(one, &[log], ""), missing("npm"), "{log}");
    }
    let scratch = "runc run failed: unable to start container process: error during container init: exec: \"/bin/sh\": stat /bin/sh: no such file or directory";
    assert_eq!(of(one, &[scratch], ""), missing("/bin/sh"));
}

#[test]
fn ends_of_a_command_are_told_apart() {
    let exit =
        |n: i64| format!("process \"/bin/sh -c x\" did not complete successfully: exit code: {n}");
    assert_eq!(
        of(&exit(126), &["/bin/sh: /x: Permission denied"], ""),
        Cause::PermissionDenied
    );
    assert_eq!(
        of(&exit(1), &["touch: /root/x: Permission denied"], ""),
        Cause::PermissionDenied
    );
    assert_eq!(
        of(&exit(255), &["exec /x: exec format error"], ""),
        Cause::ExecFormat
    );
    assert_eq!(of(&exit(137), &[], ""), Cause::Killed);
    assert_eq!(
        of(
            &exit(1),
            &[
                "dd: error writing '/t/x': No space left on device",
                "2+0 records in"
            ],
            ""
        ),
        Cause::NoSpace
    );
    assert_eq!(of(&exit(1), &["boom"], ""), Cause::Other);
}

#[test]
fn the_network_is_known_by_what_its_clients_say() {
    let exit = "process \"/bin/sh -c x\" did not complete successfully: exit code: 1";
    for log in [
        "wget: bad address 'example.invalid'",
        "curl: (6) Could not resolve host: example.invalid",
        "W: Failed to fetch http://mirror/InRelease  Temporary failure resolving 'mirror'",
        "npm error code EAI_AGAIN",
        "go: module x: Get \"https://proxy\": dial tcp: lookup proxy: connect: network is unreachable",
        "WARNING: Retrying after connection broken by 'NewConnectionError: Failed to establish a new connection: [Errno -3]'",
    ] {
        assert_eq!(
            of(exit, &[log, "ERROR: No matching distribution found"], ""),
            Cause::Network,
            "{log}"
        );
    }
    assert_eq!(
        of(exit, &["Error: connect ECONNREFUSED 127.0.0.1:5432"], ""),
        Cause::Other
    );
}

#[test]
fn secrets_and_syntax_and_features_are_recognised() {
    for message in [
        "secret npm_token: not found",
        "secret npm_token not found: not found",
    ] {
        assert_eq!(
            of(message, &[], ""),
            Cause::MissingSecret("npm_token".into())
        );
    }
    for message in [
        "dockerfile parse error on line 2: unknown instruction: RUNN (did you mean RUN?)",
        "failed to create LLB definition: dockerfile parse error line 3: Unknown flag: chmood",
        "file with no instructions",
        "no build stage in current context",
    ] {
        assert_eq!(
            of(message, &[], "FROM a\nRUNN x"),
            Cause::Syntax,
            "{message}"
        );
    }
    let old = |m: &str| of(m, &[], "");
    assert_eq!(
        old("dockerfile parse error line 2: Unknown flag: link"),
        too_old(Feature::CopyLink)
    );
    assert_eq!(
        old("dockerfile parse error on line 2: unknown flag: --exclude"),
        too_old(Feature::CopyExclude)
    );
    assert_eq!(
        old("unexpected key 'env' in 'env=T'"),
        too_old(Feature::SecretEnv)
    );
    assert_eq!(
        old("failed to process \"${A%d}\": missing ':' in substitution"),
        too_old(Feature::Substitution)
    );
    assert_eq!(
        old("dockerfile parse error on line 2: unknown flag: --parents"),
        too_old(Feature::CopyParents)
    );
    assert_eq!(
        old("device feature is only supported in Dockerfile frontend 1.14.0-labs or later"),
        too_old(Feature::RunDevice)
    );
    assert_eq!(
        of(
            "dockerfile parse error line 3: unknown instruction: ECHO",
            &[],
            "FROM a\nRUN <<EOF\necho a\nEOF"
        ),
        too_old(Feature::Heredoc)
    );
}

#[test]
fn exit_codes_and_lines_are_read() {
    let message =
        "process \"/bin/sh -c exit code: 3\" did not complete successfully: exit code: 127";
    assert_eq!(exit_code(message), Some(127));
    assert_eq!(exit_code("while running runtime: exit status 1\n"), Some(1));
    assert_eq!(exit_code("not found"), None);
    for text in [
        "dockerfile parse error on line 3: x",
        "dockerfile parse error line 3: x",
    ] {
        assert_eq!(parse_error_line(text), Some(3));
    }
}
