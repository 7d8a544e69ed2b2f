//! Just enough HTTP to ask one question and read the answer.

/// An answer, its body decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// The bytes of a GET request.
pub(super) fn request(path: &str) -> String {
    // Nothing in a lab's path may end the request's line.
    let path: String = path
        .chars()
        .filter(|c| !c.is_control() && *c != ' ')
        .collect();
    let slash = if path.starts_with('/') { "" } else { "/" };
    format!(
        "GET {slash}{path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: mslab\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
}

/// Reads an answer; `None` where the bytes are none.
pub(super) fn parse(bytes: &[u8]) -> Option<Answer> {
    let (head, body) = split(bytes)?;
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n").flat_map(|l| l.split('\n'));
    let mut first = lines.next()?.split_ascii_whitespace();
    if !first.next()?.starts_with("HTTP/") {
        return None;
    }
    let status = first.next()?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        })
        .collect();
    let body = match framing(&headers) {
        Framing::Chunked => chunked(body).0,
        Framing::Length(n) => body[..n.min(body.len())].to_vec(),
        Framing::Close => body.to_vec(),
    };
    Some(Answer {
        status,
        headers,
        body,
    })
}

/// Whether nothing more has to come: some servers keep the connection open whatever they are asked.
pub(super) fn is_complete(bytes: &[u8]) -> bool {
    let Some((head, body)) = split(bytes) else {
        return false;
    };
    let Some(answer) = parse(&bytes[..head.len() + 4.min(bytes.len() - head.len())]) else {
        return false;
    };
    match framing(&answer.headers) {
        _ if matches!(answer.status, 204 | 304) => true,
        Framing::Chunked => chunked(body).1,
        Framing::Length(n) => body.len() >= n,
        Framing::Close => false,
    }
}

enum Framing {
    Chunked,
    Length(usize),
    Close,
}

fn framing(headers: &[(String, String)]) -> Framing {
    let get = |name: &str| {
        headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    if get("transfer-encoding").is_some_and(|v| v.to_ascii_lowercase().contains("chunked")) {
        return Framing::Chunked;
    }
    match get("content-length").and_then(|v| v.parse().ok()) {
        Some(n) => Framing::Length(n),
        None => Framing::Close,
    }
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let find = |mark: &[u8]| {
        bytes
            .windows(mark.len())
            .position(|w| w == mark)
            .map(|at| (at, mark.len()))
    };
    let (at, length) = find(b"\r\n\r\n").or_else(|| find(b"\n\n"))?;
    Some((&bytes[..at], &bytes[at + length..]))
}

/// Decodes a chunked body as far as it is there, and whether its end is.
fn chunked(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
        let line = String::from_utf8_lossy(&bytes[..end]);
        let digits = line
            .trim()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        let Ok(size) = usize::from_str_radix(&digits, 16) else {
            return (out, true);
        };
        if size == 0 {
            return (out, true);
        }
        bytes = &bytes[end + 1..];
        let take = size.min(bytes.len());
        out.extend_from_slice(&bytes[..take]);
        bytes = &bytes[take..];
        let newline = if bytes.starts_with(b"\r\n") {
            2
        } else {
            usize::from(bytes.starts_with(b"\n"))
        };
        bytes = &bytes[newline..];
    }
    (out, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_however_they_are_framed() {
        for (text, body) in [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nhiGARBAGE",
                "hi",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
                "hello",
            ),
            ("HTTP/1.0 200 OK\r\n\r\nall of it", "all of it"),
            ("HTTP/1.0 200 OK\n\nbare", "bare"),
        ] {
            let answer = parse(text.as_bytes()).unwrap();
            assert_eq!(
                (
                    answer.status,
                    String::from_utf8(answer.body).unwrap().as_str()
                ),
                (200, body)
            );
        }
        let answer = parse(b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n\r\n").unwrap();
        assert_eq!(
            answer.headers,
            [("content-type".into(), "text/plain".into())]
        );
    }

    #[test]
    fn the_end_is_known_where_the_framing_says_it() {
        let complete = |s: &str| is_complete(s.as_bytes());
        assert!(complete("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
        assert!(!complete("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi"));
        assert!(complete(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
        ));
        assert!(!complete(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
        ));
        assert!(!complete("HTTP/1.1 200 OK\r\n\r\nno end"));
        assert!(complete("HTTP/1.1 204 No Content\r\n\r\n"));
        assert!(!complete("HTTP/1.1 200"));
    }

    #[test]
    fn what_is_no_http_is_no_answer() {
        for bytes in [
            &b""[..],
            b"SSH-2.0-x\r\n\r\n",
            b"\xff\xff\n\n",
            b"HTTP/1.1 abc\r\n\r\n",
        ] {
            assert_eq!(parse(bytes), None);
        }
        assert_eq!(chunked(b"ffffffffffffffffff\r\n"), (Vec::new(), true));
    }

    #[test]
    fn a_path_cannot_end_the_request() {
        assert!(request("a b\r\nX: y").starts_with("GET /abX:y HTTP/1.1\r\n"));
    }
}
