//! What another site, a stranger on this machine, and a hostile build try.

mod support;

use std::fs;
use std::time::{Duration, Instant};

use mslab_serve::api::News;
use serde_json::json;
use support::{PAGE, Served, Step, read, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// All that changes or builds.
const CHANGES: &[(&str, &str)] = &[
    ("POST /api/exercises/exercise-1/check", ""),
    ("POST /api/stop", ""),
    ("POST /api/exercises/exercise-1/reset", ""),
    ("POST /api/exercises/exercise-1/hint", ""),
    ("POST /api/exercises/exercise-1/examine", "{\"files\":{}}"),
    (
        "PUT /api/exercises/exercise-1/files/Dockerfile",
        "{\"text\":\"FROM evil\",\"base_revision\":null}",
    ),
];

fn began(served: &Served) -> u32 {
    *served.room.began.lock().unwrap()
}

#[tokio::test]
async fn another_sites_requests_change_nothing() {
    let served = serve().await;
    let (host, token) = (served.host(), &served.token);
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let foreign = [
        // A page of another site, and one in a sandbox.
        format!("Host: {host}\r\nOrigin: http://evil.test\r\nX-Mslab: 1\r\n{bearer}"),
        format!("Host: {host}\r\nOrigin: null\r\nX-Mslab: 1\r\n{bearer}"),
        // Another program on this machine: another port is another origin.
        format!("Host: {host}\r\nOrigin: http://127.0.0.1:1\r\nX-Mslab: 1\r\n{bearer}"),
        format!("Host: {host}\r\nOrigin: https://{host}\r\nX-Mslab: 1\r\n{bearer}"),
        format!("Host: {host}\r\nOrigin: http://{host}.evil.test\r\nX-Mslab: 1\r\n{bearer}"),
        // What a form can send: no header of its own.
        format!("Host: {host}\r\nOrigin: http://{host}\r\n{bearer}"),
        format!("Host: {host}\r\nX-Mslab: 1\r\n{bearer}"),
        // What the browser knows.
        format!(
            "Host: {host}\r\nOrigin: http://{host}\r\nX-Mslab: 1\r\nSec-Fetch-Site: cross-site\r\n{bearer}"
        ),
        format!(
            "Host: {host}\r\nOrigin: http://{host}\r\nX-Mslab: 1\r\nSec-Fetch-Site: same-site\r\n{bearer}"
        ),
    ];
    for headers in &foreign {
        for (line, body) in CHANGES {
            let reply = served.with(line, headers, body).await;
            assert_eq!(reply.status, 403, "{line}\n{headers}{}", reply.text());
            assert_eq!(reply.code(), "refused", "{line}");
        }
    }
    assert_eq!(began(&served), 0);
    assert!(!served.dir().exists());
}

#[tokio::test]
async fn nobody_asks_without_the_token() {
    let served = serve().await;
    let host = served.host();
    let own = format!("Host: {host}\r\nOrigin: http://{host}\r\nX-Mslab: 1\r\n");
    let token = &served.token;
    let wrong = "0".repeat(token.len());
    let tries = [
        String::new(),
        format!("Authorization: Bearer {wrong}\r\n"),
        "Authorization: Bearer \r\n".to_owned(),
        format!("Authorization: Bearer {}\r\n", &token[..token.len() - 1]),
        format!("Authorization: Bearer {token}0\r\n"),
        format!("Authorization: Basic {token}\r\n"),
        format!("Authorization: {token}\r\n"),
        format!("Cookie: token={token}; mslab-{}={token}\r\n", served.port),
    ];
    for bearer in &tries {
        let headers = format!("{own}{bearer}");
        for (line, body) in CHANGES {
            let reply = served.with(line, &headers, body).await;
            assert_eq!(
                (reply.status, reply.code().as_str()),
                (401, "no-token"),
                "{line} {bearer}"
            );
        }
        for path in [
            "/api/state",
            "/api/exercises/exercise-1",
            "/api/exercises/exercise-1/files/Dockerfile",
            "/api/exercises/exercise-1/solution?spoil=true",
            "/api/events?after=0",
            &format!("/api/state?token={token}"),
            "/api",
            "/api/nothing",
        ] {
            let reply = served.with(&format!("GET {path}"), &headers, "").await;
            assert_eq!(
                (reply.status, reply.code().as_str()),
                (401, "no-token"),
                "{path} {bearer}"
            );
        }
    }
    let twice = format!("{own}Authorization: Bearer {wrong}\r\nAuthorization: Bearer {token}\r\n");
    assert_eq!(served.with("GET /api/state", &twice, "").await.status, 400);
    assert_eq!(began(&served), 0);
    // The book itself is for everybody here, and says nothing of the token.
    let page = served.with("GET /", &format!("Host: {host}\r\n"), "").await;
    assert_eq!(page.status, 200);
    assert!(!page.text().contains(token.as_str()) && !page.head.contains(token.as_str()));
}

#[tokio::test]
async fn a_name_bent_to_this_machine_reaches_nothing() {
    let served = serve().await;
    let port = served.port;
    for host in [
        format!("evil.test:{port}"),
        "evil.test".to_owned(),
        format!("127.0.0.1.evil.test:{port}"),
        format!("localhost.evil.test:{port}"),
        "127.0.0.1".to_owned(),
        format!("127.0.0.1:{}", port.wrapping_add(1)),
        String::new(),
    ] {
        let headers = format!(
            "Host: {host}\r\nOrigin: http://{host}\r\nX-Mslab: 1\r\nAuthorization: Bearer {}\r\n",
            served.token
        );
        for line in [
            "GET /",
            "GET /api/state",
            "POST /api/stop",
            "GET /_mslab/lab.js",
        ] {
            let reply = served.with(line, &headers, "").await;
            assert_eq!(reply.status, 403, "{line} at {host}: {}", reply.text());
            assert!(!reply.text().contains("the book"));
        }
    }
    let no_host = served.raw("GET / HTTP/1.1\r\n\r\n").await;
    assert!(
        no_host.status == 403 || no_host.status == 400,
        "{}",
        no_host.status
    );
    let two = format!("Host: {}\r\nHost: evil.test\r\n", served.host());
    assert_eq!(served.with("GET /", &two, "").await.status, 400);
    let whole = format!("GET http://evil.test:{port}/");
    assert_eq!(served.with(&whole, &served.own(), "").await.status, 403);
    let localhost = format!("Host: localhost:{port}\r\n");
    assert_eq!(served.with("GET /", &localhost, "").await.status, 200);
}

#[tokio::test]
async fn there_is_no_websocket() {
    let served = serve().await;
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for origin in [
        "http://evil.test".to_owned(),
        format!("http://{}", served.host()),
    ] {
        let headers = format!(
            "Host: {}\r\nOrigin: {origin}\r\nAuthorization: Bearer {}\r\n{upgrade}",
            served.host(),
            served.token
        );
        for path in ["/api/events", "/", "/api/state"] {
            let reply = served.with(&format!("GET {path}"), &headers, "").await;
            assert_eq!(reply.status, 403, "{path} {origin}");
        }
    }
}

#[tokio::test]
async fn no_other_site_is_told_that_it_may() {
    let served = serve().await;
    let host = served.host();
    for origin in ["http://evil.test".to_owned(), format!("http://{host}")] {
        for path in ["/api/state", "/", "/api/exercises/exercise-1/check"] {
            let headers = format!(
                "Host: {host}\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: POST\r\n\
                 Access-Control-Request-Headers: authorization,x-mslab\r\n"
            );
            let reply = served.with(&format!("OPTIONS {path}"), &headers, "").await;
            assert!(reply.status >= 400, "{path}: {}", reply.status);
            assert!(
                !reply.head.to_lowercase().contains("access-control"),
                "{}",
                reply.head
            );
        }
    }
}

#[tokio::test]
async fn every_answer_closes_what_it_can() {
    let served = serve().await;
    for path in [
        "/",
        "/lessons/go.html",
        "/nothing",
        "/api/state",
        "/api/nothing",
        "/big.js",
    ] {
        let reply = served.get(path).await;
        let header = |name: &str| reply.header(name).unwrap_or_default().to_owned();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(
            header("cross-origin-resource-policy"),
            "same-origin",
            "{path}"
        );
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        let scripts = policy
            .split(';')
            .find(|p| p.trim().starts_with("script-src"));
        let scripts = scripts.unwrap_or_default();
        assert!(
            !scripts.contains("unsafe") && !scripts.contains('*'),
            "{path}: {policy}"
        );
        assert!(reply.header("server").is_none() && reply.header("set-cookie").is_none());
    }
    let page = served.get("/").await;
    assert!(
        page.header("content-security-policy")
            .unwrap()
            .contains("'sha256-")
    );
    assert_eq!(
        served.get("/api/state").await.header("cache-control"),
        Some("no-store")
    );
}

#[tokio::test]
async fn no_path_leads_to_other_files() {
    let served = serve().await;
    served.get("/api/exercises/exercise-1").await;
    let up = [
        "../secret.txt",
        "../../secret.txt",
        "%2e%2e/secret.txt",
        "%2e%2e%2fsecret.txt",
        "..%2fsecret.txt",
        "..%5csecret.txt",
        "..\\secret.txt",
        "%252e%252e%252fsecret.txt",
        "lessons/../../secret.txt",
        "lessons/..%2f..%2fsecret.txt",
        "./../secret.txt",
        "//etc/passwd",
        "%2fetc%2fpasswd",
        "etc/passwd%00.html",
        "....//secret.txt",
        "..;/secret.txt",
        "%c0%ae%c0%ae/secret.txt",
        "..%00/secret.txt",
        "C:%5csecret.txt",
    ];
    for path in up {
        for begin in ["/", "/lessons/", "/_mslab/"] {
            let reply = served.get(&format!("{begin}{path}")).await;
            assert!(
                reply.status == 404 || reply.status == 400,
                "{begin}{path}: {}",
                reply.status
            );
            assert!(!reply.text().contains("secret") && !reply.text().contains("root:"));
        }
        for begin in [
            "/api/exercises/exercise-1/files/",
            "/api/exercises/exercise-1/files/app/",
            "/api/exercises/",
        ] {
            let reply = served.get(&format!("{begin}{path}")).await;
            assert!(
                reply.status == 404 || reply.status == 400,
                "{begin}{path}: {}",
                reply.status
            );
            assert!(!reply.text().contains("a secret"));
        }
        let reply = served.put(path, "overwritten", None).await;
        assert!(
            reply.status == 404 || reply.status == 400,
            "{path}: {}",
            reply.status
        );
    }
    for name in [
        "server.js",
        "app",
        ".",
        "..",
        "Dockerfile/",
        "dockerfile",
        ".mslab/state.json",
    ] {
        let reply = served.put(name, "overwritten", None).await;
        assert!(reply.status >= 400, "{name}: {}", reply.status);
    }
    let secret = fs::read_to_string(served.root.path().join("secret.txt")).unwrap();
    assert_eq!(secret, "a secret");
    assert_eq!(
        fs::read_to_string(served.dir().join("server.js")).unwrap(),
        "lab's own"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_workspace_leads_nowhere() {
    use std::os::unix::fs::symlink;
    let served = serve().await;
    served.get("/api/exercises/exercise-1").await;
    let secret = served.root.path().join("secret.txt");
    fs::remove_file(served.dir().join("Dockerfile")).unwrap();
    symlink(&secret, served.dir().join("Dockerfile")).unwrap();
    fs::remove_dir(served.dir().join("app")).unwrap();
    symlink(served.root.path(), served.dir().join("app")).unwrap();
    fs::write(served.root.path().join("Dockerfile"), "outside").unwrap();
    for name in ["Dockerfile", "app/Dockerfile"] {
        let reply = served
            .get(&format!("/api/exercises/exercise-1/files/{name}"))
            .await;
        assert_eq!(reply.json()["text"], json!(null), "{name}");
        assert!(reply.json()["problem"].is_string(), "{name}");
        assert_eq!(
            served.put(name, "overwritten", None).await.status,
            422,
            "{name}"
        );
    }
    let all = served.get("/api/exercises/exercise-1").await.text();
    assert!(
        !all.contains("a secret") && !all.contains("outside"),
        "{all}"
    );
    assert_eq!(fs::read_to_string(&secret).unwrap(), "a secret");
    assert_eq!(
        fs::read_to_string(served.root.path().join("Dockerfile")).unwrap(),
        "outside"
    );
}

#[tokio::test]
async fn a_hostile_log_is_only_text() {
    let served = serve().await;
    let mut events = served.follow(0).await;
    served.check().await;
    let hostile = "<script>alert(1)</script>\u{1b}[2J\u{1b}]0;title\u{7}\r\n\
        \u{1b}[31mred\u{1b}[0m\u{202e}txt\n{\"seq\":1}\n\n";
    served.step(Step::Log(3, hostile.as_bytes().to_vec()));
    served.step(Step::Log(3, b"\xff\xfe\0\n".to_vec()));
    served.step(Step::News(News::Doing {
        what: "next".into(),
    }));
    let mut log = String::new();
    loop {
        let event = events.until("run").await;
        if event["news"] == "log" {
            log += event["text"].as_str().unwrap();
        } else if event["news"] == "doing" {
            break;
        }
    }
    assert!(log.contains("<script>alert(1)</script>\\u{1b}[2J"), "{log}");
    assert!(log.contains("red\\u{202e}txt\n"), "{log}");
    let steers = |c: char| c != '\n' && c != '\t' && (c.is_control() || c == '\u{202e}');
    assert!(!log.contains(steers), "{log:?}");
}

#[tokio::test]
async fn a_hundred_megabytes_are_not_read() {
    let served = serve().await;
    let began = Instant::now();
    let line = "POST /api/exercises/exercise-1/examine HTTP/1.1\r\n";
    let json = "Content-Type: application/json\r\n";
    // Announced: refused before it is sent.
    let reply = served
        .raw(&format!(
            "{line}{}{json}Content-Length: 104857600\r\n\r\n",
            served.own()
        ))
        .await;
    assert_eq!((reply.status, reply.code().as_str()), (413, "too-large"));
    // Not announced: refused when it is more than is read.
    let mut stream = served.connect().await;
    let head = format!(
        "{line}{}{json}Transfer-Encoding: chunked\r\n\r\n",
        served.own()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 65536], b"\r\n".to_vec()].concat();
    let mut sent = 0;
    // The server stops listening long before the end.
    while sent < 100 << 20 && stream.write_all(&chunk).await.is_ok() {
        sent += 65536;
    }
    assert!(sent < 32 << 20, "{sent} bytes were taken");
    // From somebody without a token, nothing is read at all.
    let headers = format!(
        "Host: {0}\r\nOrigin: http://{0}\r\nX-Mslab: 1\r\n",
        served.host()
    );
    let reply = served
        .raw(&format!(
            "{line}{headers}{json}Content-Length: 104857600\r\n\r\n"
        ))
        .await;
    assert_eq!(reply.status, 401);
    // A file that is too large in itself.
    let large = "#".repeat(600 << 10);
    assert_eq!(served.put("Dockerfile", &large, None).await.status, 413);
    // Heads without end.
    let many = "X-Filler: y\r\n".repeat(10_000);
    let mut stream = served.connect().await;
    let _ = stream
        .write_all(format!("GET / HTTP/1.1\r\nHost: {}\r\n{many}\r\n", served.host()).as_bytes())
        .await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(served.get("/api/state").await.status, 200);
}

#[tokio::test]
async fn what_is_no_json_is_refused_in_words() {
    let served = serve().await;
    for (body, kind) in [
        ("{", "application/json"),
        ("[]", "application/json"),
        ("{\"files\":{},\"more\":1}", "application/json"),
        ("{\"files\":{}}", "text/plain"),
        ("files=1", "application/x-www-form-urlencoded"),
    ] {
        let reply = served
            .raw(&format!(
                "POST /api/exercises/exercise-1/examine HTTP/1.1\r\n{}Content-Type: {kind}\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                served.own(),
                body.len()
            ))
            .await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (400, "bad-request"),
            "{body}"
        );
        assert!(
            reply.json()["error"]["message"]
                .as_str()
                .is_some_and(|m| !m.is_empty())
        );
    }
    for (line, status, code) in [
        ("DELETE /api/exercises/exercise-1", 405, "wrong-method"),
        ("GET /api/exercises/exercise-1/check", 405, "wrong-method"),
        ("GET /api/nothing", 404, "not-found"),
        ("GET /api/exercises/exercise-9", 404, "not-found"),
        ("GET /api/events?after=x", 400, "bad-request"),
        ("POST /", 405, "wrong-method"),
    ] {
        let headers = format!("{}Content-Length: 0\r\n", served.own());
        let reply = served.with(line, &headers, "").await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (status, code),
            "{line}"
        );
    }
}

/// A reader that takes nothing costs the others nothing, and is told that it has missed something.
#[tokio::test]
async fn a_slow_reader_holds_nobody_up() {
    let served = serve().await;
    let mut slow = served.follow(0).await;
    assert!(slow.next().await.unwrap()["hello"].is_string());
    let mut fast = served.follow(0).await;
    served.check().await;
    let began = Instant::now();
    let what = "x".repeat(50_000);
    for _ in 0..500 {
        served.step(Step::News(News::Doing { what: what.clone() }));
        // The fast one keeps up.
        loop {
            let line = fast.next().await.expect("the stream goes on");
            assert!(
                line.get("start_over").is_none(),
                "the fast one was left behind"
            );
            if line["news"] == "doing" {
                break;
            }
        }
    }
    served.step(Step::End(Ok(())));
    fast.until("run-ended").await;
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{:?}",
        began.elapsed()
    );
    let mut started_over = false;
    while let Some(line) = slow.next().await {
        started_over = line["start_over"] == true;
        if line["event"] == "run-ended" {
            break;
        }
    }
    assert!(started_over, "the slow one was not told");
    // It begins again from the state, and is as wise as all others.
    let state = served.get("/api/state").await.json();
    assert_eq!(state["run"], json!(null));
    let mut again = served.follow(state["last_event"].as_u64().unwrap()).await;
    assert_eq!(
        again.next().await.unwrap()["last_event"],
        state["last_event"]
    );
}

#[tokio::test]
async fn a_reader_of_a_page_who_stops_reading_stops_nobody() {
    let served = serve().await;
    let mut held = Vec::new();
    for _ in 0..50 {
        let mut stream = served.connect().await;
        let request = format!("GET /big.js HTTP/1.1\r\nHost: {}\r\n\r\n", served.host());
        stream.write_all(request.as_bytes()).await.unwrap();
        held.push(stream);
    }
    assert!(served.get("/").await.text().contains("the book"));
    assert!(served.get("/").await.body.len() >= PAGE.len());
}

/// More connections than are held: those that do nothing make room.
#[tokio::test]
async fn connections_that_do_nothing_make_room() {
    let served = serve().await;
    let mut learner = served.follow(0).await;
    assert!(learner.next().await.unwrap()["hello"].is_string());
    let mut idle = Vec::new();
    for n in 0..400 {
        let mut stream = served.connect().await;
        if n % 2 == 0 {
            // The beginning of a request that never comes.
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost:").await;
        }
        idle.push(stream);
    }
    for _ in 0..20 {
        let began = Instant::now();
        assert_eq!(served.get("/api/state").await.status, 200);
        assert!(began.elapsed() < Duration::from_secs(10));
    }
    // The first of them are gone, and the learner's own is not.
    let mut byte = [0];
    let gone = tokio::time::timeout(Duration::from_secs(5), idle[1].read(&mut byte)).await;
    assert!(matches!(gone, Ok(Ok(0) | Err(_))), "{gone:?}");
    served.check().await;
    learner.until("run-started").await;
    let mut one = served.connect().await;
    one.write_all(format!("GET / HTTP/1.1\r\n{}\r\n", served.own()).as_bytes())
        .await
        .unwrap();
    assert_eq!(read(&mut one).await.status, 200);
}
