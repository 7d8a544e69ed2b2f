//! Answers: JSON for what was asked, and for what is refused a reason and a remedy.

use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::{Code, ErrorBody, File, Problem};
use crate::files::NotSaved;
use crate::guard;

/// A body in JSON.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
            Err(e) => Refusal::new(
                Code::Failed,
                format!("the answer cannot be written: {e}"),
                "",
            )
            .into_response(),
        }
    }
}

/// An answer that is no success.
#[derive(Debug)]
pub(crate) struct Refusal(Box<ErrorBody>);

impl Refusal {
    pub(crate) fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Problem {
            code,
            message: message.into(),
            help: help.into(),
        }
        .into()
    }
}

impl From<Problem> for Refusal {
    fn from(error: Problem) -> Self {
        Self(Box::new(ErrorBody { error, file: None }))
    }
}

impl From<NotSaved> for Refusal {
    fn from(reason: NotSaved) -> Self {
        match reason {
            NotSaved::Problem(problem) => problem.into(),
            NotSaved::Conflict(file) => conflict(*file),
        }
    }
}

fn conflict(file: File) -> Refusal {
    let error = Problem {
        code: Code::Conflict,
        message: format!("`{}` was changed elsewhere meanwhile", file.name),
        help: "Nothing was overwritten: choose which of the two texts stays.".to_owned(),
    };
    Refusal(Box::new(ErrorBody {
        error,
        file: Some(file),
    }))
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self.0.error.code {
            Code::BadRequest => StatusCode::BAD_REQUEST,
            Code::NoToken => StatusCode::UNAUTHORIZED,
            Code::Refused | Code::NotPassed => StatusCode::FORBIDDEN,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Code::Conflict | Code::CheckFirst => StatusCode::CONFLICT,
            Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::NotWritable => StatusCode::UNPROCESSABLE_ENTITY,
            Code::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut response = Json(&*self.0).into_response();
        *response.status_mut() = status;
        response
    }
}

/// A request's body, read whole and within limits; nothing at all stands for `{}`.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|t| t.as_bytes().starts_with(b"application/json"));
        let reading = axum::body::to_bytes(request.into_body(), guard::BODY);
        let read = tokio::time::timeout(READING, reading).await;
        let bytes = match read {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(_)) => return Err(guard::too_large()),
            Err(_) => return Err(bad("the request's body does not come to its end")),
        };
        if bytes.is_empty() {
            return serde_json::from_str("{}")
                .map(Self)
                .map_err(|e| bad(&e.to_string()));
        }
        if !is_json {
            return Err(bad("the request's body must be application/json"));
        }
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|e| bad(&format!("the request cannot be read: {e}")))
    }
}

/// How long a body may take to arrive.
const READING: std::time::Duration = std::time::Duration::from_secs(20);

fn bad(message: &str) -> Refusal {
    Refusal::new(Code::BadRequest, message, "")
}
