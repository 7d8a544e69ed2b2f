//! What can be asked, and who answers: one line for each request of `API.md`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use futures_util::StreamExt as _;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::answer::{Asked, Json, Refusal};
use crate::api::{
    AskHint, Code, Course, Examine, Examined, Exercise, File, HintGiven, ResetDone, Save, Solution,
    Started, StopReason, Stopped,
};
use crate::book::{self, Book, Found};
use crate::desk::{Desk, waiting};
use crate::files::NotSaved;
use crate::guard::{self, Guard};
use crate::web;

type Reply<T> = Result<Json<T>, Refusal>;
type At = State<Arc<Desk>>;

/// Everything that is answered.
pub(crate) fn router(desk: Arc<Desk>, book: Book, guard: Guard) -> Router {
    let api = Router::new()
        .route("/state", get(course))
        .route("/events", get(events))
        .route("/stop", post(stop))
        .route("/exercises/{exercise}", get(exercise))
        .route("/exercises/{exercise}/files/{*name}", get(file).put(save))
        .route("/exercises/{exercise}/examine", post(examine))
        .route("/exercises/{exercise}/check", post(check))
        .route("/exercises/{exercise}/hint", post(hint))
        .route("/exercises/{exercise}/reset", post(reset))
        .route("/exercises/{exercise}/solution", get(solution))
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        .with_state(desk);
    Router::new()
        .nest("/api", api)
        .route("/api", any(nothing))
        .route("/api/", any(nothing))
        .route("/_mslab/{name}", get(asset))
        .fallback_service(get(page).fallback(wrong_method).with_state(Arc::new(book)))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(
            Arc::new(guard),
            guard::check,
        ))
}

async fn nothing() -> Refusal {
    Refusal::new(
        Code::NotFound,
        "there is no such thing to ask for",
        "The page and the server may be of different versions: load the page anew.",
    )
}

async fn wrong_method() -> Refusal {
    Refusal::new(Code::WrongMethod, "it cannot be asked for in this way", "")
}

async fn course(State(desk): At) -> Reply<Course> {
    Ok(Json(waiting(move || desk.course()).await?))
}

async fn exercise(State(desk): At, Path(exercise): Path<String>) -> Reply<Exercise> {
    Ok(Json(waiting(move || desk.exercise(&exercise)).await?))
}

async fn file(State(desk): At, Path((exercise, name)): Path<(String, String)>) -> Reply<File> {
    Ok(Json(waiting(move || desk.file(&exercise, &name)).await?))
}

async fn save(
    State(desk): At,
    Path((exercise, name)): Path<(String, String)>,
    Asked(save): Asked<Save>,
) -> Reply<File> {
    let text = save.text.as_ref();
    if text.is_some_and(|t| t.len() as u64 > crate::files::LIMIT) {
        return Err(guard::too_large());
    }
    let saved = waiting(move || {
        Ok(match desk.save(&exercise, &name, &save) {
            Err(NotSaved::Problem(problem)) => return Err(problem),
            saved => saved,
        })
    });
    Ok(Json(saved.await??))
}

async fn examine(
    State(desk): At,
    Path(exercise): Path<String>,
    Asked(asked): Asked<Examine>,
) -> Reply<Examined> {
    let examined = waiting(move || desk.room.examine(&exercise, &asked.files));
    Ok(Json(examined.await?))
}

async fn check(
    State(desk): At,
    Path(exercise): Path<String>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Result<(StatusCode, Json<Started>), Refusal> {
    let opened = desk.clone();
    let place = exercise.clone();
    waiting(move || opened.open(&place)).await?;
    let run = desk.check(&exercise)?;
    Ok((StatusCode::ACCEPTED, Json(Started { run })))
}

async fn stop(State(desk): At, Asked(Nothing {}): Asked<Nothing>) -> Json<Stopped> {
    let run = desk.runs.stop(None, StopReason::Asked);
    Json(Stopped { run })
}

async fn hint(
    State(desk): At,
    Path(exercise): Path<String>,
    Asked(asked): Asked<AskHint>,
) -> Reply<HintGiven> {
    let hint = waiting(move || desk.room.hint(&exercise, asked.key.as_deref()));
    Ok(Json(hint.await?))
}

async fn reset(
    State(desk): At,
    Path(exercise): Path<String>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Reply<ResetDone> {
    Ok(Json(desk.reset(exercise).await?))
}

async fn solution(
    State(desk): At,
    Path(exercise): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Reply<Solution> {
    let spoil = query.get("spoil").is_some_and(|s| s == "true");
    let solution = waiting(move || desk.room.solution(&exercise, spoil));
    Ok(Json(solution.await?))
}

/// A body with nothing in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn events(
    State(desk): At,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Refusal> {
    let after = match query.get("after") {
        None => desk.board.last(),
        Some(after) => after.parse().map_err(|_| {
            Refusal::new(
                Code::BadRequest,
                "`after` is no number",
                "It is the `seq` of the last event that was seen.",
            )
        })?,
    };
    let lines = desk
        .board
        .clone()
        .follow(after, query.get("instance").map(String::as_str));
    let body = Body::from_stream(lines.map(Ok::<_, std::convert::Infallible>));
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

async fn asset(Path(name): Path<String>) -> Response {
    match web::asset(&name) {
        Some(bytes) => ([(header::CONTENT_TYPE, book::media_type(&name))], bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn page(State(book): State<Arc<Book>>, uri: Uri) -> Response {
    let Ok(path) = percent_decode_str(uri.path()).decode_utf8() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let path = path.into_owned();
    let looked = waiting(move || {
        let found = book.find(&path);
        Ok(match found {
            Found::Nothing => (found, book.not_found()),
            found => (found, None),
        })
    });
    let (status, file) = match looked.await {
        Ok((Found::File(file), _)) => (StatusCode::OK, file),
        Ok((Found::Folder, _)) => return guard::moved(&format!("{}/", uri.path())),
        Ok((Found::Nothing, Some(file))) => (StatusCode::NOT_FOUND, file),
        Ok((Found::Nothing, None)) => return StatusCode::NOT_FOUND.into_response(),
        Err(problem) => return Refusal::from(problem).into_response(),
    };
    let mut response = (status, file.bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(file.media_type),
    );
    if let Some(policy) = file.policy.and_then(|p| HeaderValue::from_str(&p).ok()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
