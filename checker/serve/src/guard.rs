//! Who may ask: the exact host, the exact origin, the token; and what every answer tells the browser to refuse.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

use crate::answer::Refusal;
use crate::api::Code;
use crate::book;
use crate::connections::Connection;

/// The header that a page of the book sends with what changes something. No other site can, without asking first.
const OWN: HeaderName = HeaderName::from_static("x-mslab");
/// The largest body that is read.
pub(crate) const BODY: usize = 1 << 20;

/// What a request must show.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    address: SocketAddr,
    /// Of the token, so that comparing says nothing about it.
    token: [u8; 32],
}

impl Guard {
    pub(crate) fn new(address: SocketAddr, token: &str) -> Self {
        Self {
            address,
            token: Sha256::digest(token).into(),
        }
    }

    /// Why a request is not answered.
    fn refuse(&self, request: &Request) -> Result<(), Refusal> {
        let headers = request.headers();
        let host = one(headers, &header::HOST)?.unwrap_or_default();
        if request.uri().authority().is_some() || !self.is_own_host(host) {
            return Err(refused(
                format!("this server is not `{}`", short(host)),
                "Open the address that `mslab serve` has printed.",
            ));
        }
        if headers.contains_key(header::UPGRADE) {
            return Err(refused("there is no WebSocket here", ""));
        }
        if let Some(origin) = one(headers, &header::ORIGIN)?
            && origin != format!("http://{host}")
        {
            return Err(refused(
                format!("`{}` is another site", short(origin)),
                "Only pages of this book may ask.",
            ));
        }
        if !is_api(request) {
            return Ok(());
        }
        let site = one(headers, &HeaderName::from_static("sec-fetch-site"))?;
        if site.is_some_and(|s| !matches!(s, "same-origin" | "none")) {
            return Err(refused("the request comes from another site", ""));
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let from_page = headers.contains_key(header::ORIGIN)
                && one(headers, &OWN)?.is_some_and(|v| v == "1");
            if !from_page {
                return Err(refused(
                    "the request does not come from a page of this book",
                    "It needs the headers `Origin` and `X-Mslab: 1`.",
                ));
            }
        }
        if !self.has_token(headers)? {
            return Err(Refusal::new(
                Code::NoToken,
                "the page has no key to this server, or that of an earlier one",
                "Open the address that `mslab serve` has printed.",
            ));
        }
        let length = one(headers, &header::CONTENT_LENGTH)?.and_then(|l| l.parse::<u64>().ok());
        if length.is_some_and(|l| l > BODY as u64) {
            return Err(too_large());
        }
        Ok(())
    }

    /// Whether `host` is a name of this server that nobody else can give it: an address, or `localhost`.
    fn is_own_host(&self, host: &str) -> bool {
        let port = self.address.port();
        let name = match host.strip_suffix(&format!(":{port}")) {
            Some(name) => name,
            None if port == 80 => host,
            None => return false,
        };
        let bare = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
        let address: Option<IpAddr> = match bare {
            Some(v6) => v6.parse().ok().filter(IpAddr::is_ipv6),
            None => name.parse().ok().filter(IpAddr::is_ipv4),
        };
        let own = self.address.ip();
        match address {
            // Everybody's address: a name could be bent to it, a number cannot.
            Some(_) if own.is_unspecified() => true,
            Some(address) => address == own,
            None => name == "localhost" && (own.is_loopback() || own.is_unspecified()),
        }
    }

    fn has_token(&self, headers: &HeaderMap) -> Result<bool, Refusal> {
        let given = one(headers, &header::AUTHORIZATION)?;
        let given = given.and_then(|v| v.strip_prefix("Bearer "));
        Ok(given.is_some_and(|token| {
            let given: [u8; 32] = Sha256::digest(token).into();
            given == self.token
        }))
    }
}

/// Lets through what may ask, and closes every answer to all but this page.
pub(crate) async fn check(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let api = is_api(&request);
    let connection = request.extensions().get::<Arc<Connection>>().cloned();
    let mut response = match guard.refuse(&request) {
        Ok(()) => {
            if let Some(connection) = connection.filter(|_| api) {
                connection.trust();
            }
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            header::CACHE_CONTROL,
            if api { "no-store" } else { "no-cache" },
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(book::NO_PAGE));
    response
}

fn is_api(request: &Request) -> bool {
    let path = request.uri().path();
    path == "/api" || path.starts_with("/api/")
}

/// A header's one value. Two would be read by one reader as the first, by another as the last.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Refusal::new(
            Code::BadRequest,
            format!("the header `{name}` comes twice"),
            "",
        ));
    }
    first.map(|v| v.to_str()).transpose().map_err(|_| {
        Refusal::new(
            Code::BadRequest,
            format!("the header `{name}` is no text"),
            "",
        )
    })
}

fn refused(message: impl Into<String>, help: &str) -> Refusal {
    Refusal::new(Code::Refused, message, help)
}

pub(crate) fn too_large() -> Refusal {
    Refusal::new(
        Code::TooLarge,
        "the request is larger than 1 MB",
        "Files up to 512 KB can be edited here.",
    )
}

/// The beginning of what somebody sent.
fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A page that asks where it should be, sent to where it is.
pub(crate) fn moved(to: &str) -> Response {
    let value = HeaderValue::from_str(to);
    match value {
        Ok(value) => {
            let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
            response.headers_mut().insert(header::LOCATION, value);
            *response.body_mut() = Body::empty();
            response
        }
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_exact() {
        let at = |address: &str| Guard::new(address.parse().unwrap(), "t");
        let home = at("127.0.0.1:8737");
        for (host, own) in [
            ("127.0.0.1:8737", true),
            ("localhost:8737", true),
            ("127.0.0.1", false),
            ("127.0.0.1:80", false),
            ("127.0.0.2:8737", false),
            ("localhost.:8737", false),
            ("localhost.evil.test:8737", false),
            ("evil.test:8737", false),
            ("127.0.0.1.nip.io:8737", false),
            ("127.0.0.1:8737@evil.test", false),
            ("2130706433:8737", false),
            ("127.1:8737", false),
            ("[::1]:8737", false),
            ("", false),
            (":8737", false),
            ("127.0.0.1:87370", false),
        ] {
            assert_eq!(home.is_own_host(host), own, "{host}");
        }
        let open = at("0.0.0.0:8737");
        for (host, own) in [
            ("192.168.1.7:8737", true),
            ("[fe80::1]:8737", true),
            ("localhost:8737", true),
            ("evil.test:8737", false),
        ] {
            assert_eq!(open.is_own_host(host), own, "{host}");
        }
        assert!(at("[::1]:8737").is_own_host("[::1]:8737"));
        assert!(at("127.0.0.1:80").is_own_host("127.0.0.1"));
    }
}
