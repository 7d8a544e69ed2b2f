//! Probes on a real engine.

mod support;

use std::time::{Duration, Instant};

use mslab_core::evidence::{Probe, ProbeOutcome};
use mslab_engine::{CancellationToken, Engine};
use support::{built, engine};

async fn probe(engine: &Engine, image: &str, probe: Probe) -> ProbeOutcome {
    engine
        .probe(image, &probe, &CancellationToken::new())
        .await
        .expect("the engine works")
}

fn run(args: &[&str]) -> Probe {
    Probe::Run {
        args: Some(args.iter().map(|a| (*a).to_owned()).collect()),
        env: vec!["COLOUR=green".into()],
        within_ms: 10_000,
        read_only: false,
    }
}

fn http(port: u16, path: &str) -> Probe {
    Probe::Http {
        port,
        path: path.into(),
        within_ms: 10_000,
        read_only: false,
        for_others: true,
    }
}

const SERVER: &str = "FROM busybox:1.37\nCOPY hello.txt /www/hello.txt\nCMD [\"httpd\", \"-f\", \"-p\", \"80\", \"-h\", \"/www\"]\n";

#[tokio::test]
async fn engine_runs_a_container_and_sees_its_end() {
    let engine = engine().await;
    let image = built(&engine, "run", "FROM busybox:1.37\nCMD [\"true\"]\n").await;
    let outcome = probe(
        &engine,
        &image,
        run(&["sh", "-c", "echo out $COLOUR; echo err >&2; exit 3"]),
    )
    .await;
    assert_eq!(
        outcome,
        ProbeOutcome::Exited {
            code: 3,
            stdout: "out green\n".into(),
            stderr: "err\n".into()
        }
    );
    let outcome = probe(&engine, &image, run(&["no-such-program"])).await;
    assert!(
        matches!(&outcome, ProbeOutcome::NotStarted(why) if why.contains("no-such-program")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn engine_probe_has_no_network_no_capabilities_and_limits() {
    let engine = engine().await;
    let image = built(&engine, "limits", "FROM busybox:1.37\nCMD [\"true\"]\n").await;
    let script = "ip addr | grep -c 'inet ' ; grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status; \
                  cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; \
                  touch /tmp/x && echo writable";
    let ProbeOutcome::Exited { stdout, .. } =
        probe(&engine, &image, run(&["sh", "-c", script])).await
    else {
        panic!("it did not run")
    };
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "1",
            "CapEff:\t0000000000000000",
            "NoNewPrivs:\t1",
            "536870912",
            "writable"
        ]
    );
    let read_only = Probe::Run {
        args: Some(vec!["touch".into(), "/x".into(), "/tmp/x".into()]),
        env: vec![],
        within_ms: 10_000,
        read_only: true,
    };
    let outcome = probe(&engine, &image, read_only).await;
    assert!(
        matches!(&outcome, ProbeOutcome::Exited { code: 1, stderr, .. } if stderr.matches("Read-only").count() == 2),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn engine_probe_that_takes_too_long_is_stopped() {
    let engine = engine().await;
    let image = built(&engine, "slow", "FROM busybox:1.37\nCMD [\"true\"]\n").await;
    let slow = Probe::Run {
        args: Some(vec![
            "sh".into(),
            "-c".into(),
            "echo begun; sleep 60".into(),
        ]),
        env: vec![],
        within_ms: 1500,
        read_only: false,
    };
    let started = Instant::now();
    assert_eq!(
        probe(&engine, &image, slow).await,
        ProbeOutcome::TimedOut {
            output: "begun\n".into()
        }
    );
    assert!(started.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn engine_asks_over_http_without_a_network() {
    let engine = engine().await;
    let image = built(&engine, "http", SERVER).await;
    let ProbeOutcome::Answered {
        status,
        headers,
        body,
        ..
    } = probe(&engine, &image, http(80, "/hello.txt")).await
    else {
        panic!("no answer")
    };
    assert_eq!((status, body.as_str()), (200, "hello\n"));
    assert!(
        headers
            .iter()
            .any(|(n, v)| n == "content-type" && v == "text/plain"),
        "{headers:?}"
    );
    let outcome = probe(&engine, &image, http(80, "/nothing")).await;
    assert!(
        matches!(outcome, ProbeOutcome::Answered { status: 404, .. }),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn engine_http_says_what_happened_where_nothing_answers() {
    let engine = engine().await;
    let dies = built(
        &engine,
        "dies",
        "FROM busybox:1.37\nCMD [\"sh\", \"-c\", \"echo cannot bind >&2; exit 4\"]\n",
    )
    .await;
    // Podman starts a container once more when another one joins it: the output may be there twice.
    let outcome = probe(&engine, &dies, http(80, "/")).await;
    let ProbeOutcome::NoAnswer { exit_code, output } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (exit_code, output.lines().next()),
        (Some(4), Some("cannot bind"))
    );
    let elsewhere = built(&engine, "elsewhere", SERVER).await;
    let outcome = probe(
        &engine,
        &elsewhere,
        Probe::Http {
            port: 8080,
            path: "/".into(),
            within_ms: 1500,
            read_only: false,
            for_others: true,
        },
    )
    .await;
    assert_eq!(
        outcome,
        ProbeOutcome::NoAnswer {
            exit_code: None,
            output: String::new()
        }
    );
    let shy = "FROM busybox:1.37\nCMD [\"httpd\", \"-f\", \"-p\", \"127.0.0.1:80\"]\n";
    let shy = built(&engine, "shy", shy).await;
    let ask = |for_others| Probe::Http {
        port: 80,
        path: "/".into(),
        within_ms: 1500,
        read_only: false,
        for_others,
    };
    assert_eq!(
        probe(&engine, &shy, ask(true)).await,
        ProbeOutcome::OnlyToItself {
            output: String::new()
        }
    );
    assert!(matches!(
        probe(&engine, &shy, ask(false)).await,
        ProbeOutcome::Answered { .. }
    ));
}

#[tokio::test]
async fn engine_shell_is_refused_only_where_there_is_none() {
    let engine = engine().await;
    let shell = Probe::Shell(vec![
        &["bash", "-c", "exit 0"],
        &["/bin/sh", "-c", "exit 0"],
    ]);
    let with = built(&engine, "shell", "FROM busybox:1.37\n").await;
    assert!(matches!(
        probe(&engine, &with, shell.clone()).await,
        ProbeOutcome::ShellStarted(_)
    ));
    let without = built(
        &engine,
        "no-shell",
        "FROM scratch\nCOPY hello.txt /\nCMD [\"/hello.txt\"]\n",
    )
    .await;
    assert_eq!(
        probe(&engine, &without, shell).await,
        ProbeOutcome::ShellRefused
    );
}

#[tokio::test]
async fn engine_stop_tells_who_listens_to_sigterm() {
    let engine = engine().await;
    let stop = |port| Probe::Stop {
        port,
        within_ms: 2000,
    };
    let polite = built(&engine, "polite", "FROM busybox:1.37\nCMD [\"sh\", \"-c\", \"trap 'exit 7' TERM; while :; do sleep 0.1; done\"]\n").await;
    let outcome = probe(&engine, &polite, stop(None)).await;
    assert!(
        matches!(outcome, ProbeOutcome::Stopped { code: 7, .. }),
        "{outcome:?}"
    );
    // Process 1 without a handler does not even notice.
    let deaf = built(
        &engine,
        "deaf",
        "FROM busybox:1.37\nCMD [\"sleep\", \"60\"]\n",
    )
    .await;
    assert_eq!(
        probe(&engine, &deaf, stop(None)).await,
        ProbeOutcome::Killed
    );
    let over = built(
        &engine,
        "over",
        "FROM busybox:1.37\nCMD [\"echo\", \"done\"]\n",
    )
    .await;
    let outcome = probe(&engine, &over, stop(None)).await;
    assert!(
        matches!(outcome, ProbeOutcome::Exited { code: 0, .. }),
        "{outcome:?}"
    );
    let server = built(&engine, "stop-server", "FROM busybox:1.37\nCMD [\"sh\", \"-c\", \"httpd -p 80; trap 'exit 0' TERM; while :; do sleep 0.1; done\"]\n").await;
    let outcome = probe(&engine, &server, stop(Some(80))).await;
    assert!(
        matches!(outcome, ProbeOutcome::Stopped { code: 0, .. }),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn engine_does_what_a_healthcheck_says() {
    let engine = engine().await;
    let health = |within_ms| Probe::Health { within_ms };
    let wget = r#"["wget", "-q", "-O", "-", "http://127.0.0.1/hello.txt"]"#;
    for (name, test, wanted) in [
        ("healthy", wget, "Healthy"),
        ("content", r#"["true"]"#, "AlwaysHealthy"),
        ("unhealthy", r#"["false"]"#, "Unhealthy"),
        ("unknown", r#"["/no/such/program"]"#, "Unhealthy"),
    ] {
        let text = format!("{SERVER}HEALTHCHECK CMD {test}\n");
        let image = built(&engine, &format!("health-{name}"), &text).await;
        let outcome = probe(&engine, &image, health(3_000)).await;
        assert!(
            format!("{outcome:?}").starts_with(wanted),
            "{name}: {outcome:?}"
        );
    }
    let ended = format!("FROM busybox:1.37\nCMD [\"false\"]\nHEALTHCHECK CMD {wget}\n");
    let image = built(&engine, "health-ended", &ended).await;
    let outcome = probe(&engine, &image, health(3_000)).await;
    assert!(
        matches!(&outcome, ProbeOutcome::NotStarted(why) if why.contains("ended")),
        "{outcome:?}"
    );
}
