//! Logs, read in parts or followed.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{Response, sse::Event as Sse},
};
use domain::{
    JobId, Lang,
    problem::{Wrong, field},
};
use serde_json::json;

use crate::{
    app::{
        jobs::JobName,
        logs::{self, CHUNK, LOOK_EVERY, Log, LogQuery, LogView},
    },
    center::Center,
    log::{
        ask::Which,
        merged::{self, FoundView, MergedQuery, MergedView, RawQuery, SearchQuery},
        raw,
    },
};
use base::api::{
    Problem,
    extract::{Auth, Id, Params},
};
use base::{
    error::AppError,
    http::{last_event_id, open_bytes, open_stream},
};

/// The job, and the task that is named with it (`JOB_7`).
fn which(text: &str) -> Result<Which, AppError> {
    let name = JobName::parse(text)?;
    Ok(Which { job: name.id, task: name.one_task()? })
}

/// The same, where the query may name the task, too.
fn named(text: &str, mut query: LogQuery) -> Result<(JobId, LogQuery), AppError> {
    let name = JobName::parse(text)?;
    let task = name.one_task()?;
    if task.is_some() && query.task.is_some() {
        return Err(AppError::invalid(field::TASK, Wrong::NotBeside { other: field::ID }));
    }
    query.task = query.task.or(task);
    Ok((name.id, query))
}

/// A part of a job's log.
#[utoipa::path(get, path = "/jobs/{id}/logs", tag = "jobs", params(("id" = String, Path), LogQuery),
    responses((status = 200, body = LogView), (status = 404, body = Problem)))]
pub async fn read(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    Params(query): Params<LogQuery>,
) -> Result<Json<LogView>, Problem> {
    let (id, query) = named(&id, query)?;
    Ok(Json(logs::read(&center, &caller, id, query).await?))
}

/// A job's log as it grows: events `log` with `{offset, data}`, their id where the next part begins; `end` when the run
/// has ended and all was sent. Where the text is not the UTF-8 of the bytes, `bytes` has these in Base64, and where bytes are
/// left out before a part, `left_out_bytes` is how many. Resumed by `Last-Event-ID` or `offset`.
#[utoipa::path(get, path = "/jobs/{id}/logs/stream", tag = "jobs", params(("id" = String, Path), LogQuery),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub async fn follow(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    Params(query): Params<LogQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (id, query) = named(&id, query)?;
    let resumed: Option<i64> = last_event_id(&headers).and_then(|id| id.parse().ok());
    // Checked once, so that what is wrong is a problem and not a stream that ends.
    logs::find(&center, &caller, id, &query).await?;
    let opened = open_stream(&center.clone(), move |out| async move {
        let mut offset = resumed;
        let mut stopping = center.stopping.subscribe();
        let mut found: Option<Log> = None;
        loop {
            if found.is_none() {
                let Ok(log) = logs::find(&center, &caller, id, &query).await else { return };
                found = log;
            }
            let is_over = logs::is_over(&center, id);
            let mut complete = false;
            if let Some(log) = &mut found {
                let from = match offset {
                    Some(offset) => offset,
                    None => match logs::begin(&center, log, query.offset, query.tail).await {
                        Ok(from) => from,
                        Err(_) => return,
                    },
                };
                let Ok(part) = logs::chunk(&center, log, from, CHUNK).await else { return };
                offset = Some(i64::try_from(part.end_offset).unwrap_or(i64::MAX));
                complete = part.complete;
                if !part.data.is_empty() {
                    let mut data = json!({ "offset": part.offset, "data": part.data });
                    if let Some(bytes) = part.bytes {
                        data["bytes"] = bytes.into();
                    }
                    if let Some(before) = u64::try_from(from).ok().filter(|from| *from < part.offset) {
                        data["left_out_bytes"] = (part.offset - before).into();
                    }
                    let event =
                        Sse::default().event("log").id(part.end_offset.to_string()).data(data.to_string());
                    if out.send(event).await.is_err() {
                        return;
                    }
                    continue;
                }
            }
            let offset = offset.unwrap_or(0);
            if complete || (found.is_none() && is_over) {
                let _ = out.send(Sse::default().event("end").id(offset.to_string()).data("{}")).await;
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stopping.changed() => return,
                () = out.closed() => return,
            }
        }
    });
    Ok(opened?)
}

/// A job's log as the bytes that the run wrote, whatever their encoding: from `offset` on, from an instant on, or the last
/// lines; both streams as they came where none is named. Where bytes are left out, a line says how many.
#[utoipa::path(get, path = "/jobs/{id}/logs/raw", tag = "jobs", params(("id" = String, Path), RawQuery),
    responses((status = 200, content_type = "application/octet-stream", body = String), (status = 404, body = Problem)))]
pub async fn raw(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    Params(query): Params<RawQuery>,
) -> Result<Response, Problem> {
    let which = which(&id)?;
    let found = merged::find_raw(&center, &caller, which, &query).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    let limit = query.limit_bytes;
    let sent = open_bytes(&center.clone(), headers, move |out| async move {
        if let Some((log, filter, from)) = found {
            raw::send(center, log, filter, (from, limit), Lang::En, out).await;
        }
    });
    Ok(sent?)
}

/// Both streams of a run as they came: pieces with their instants, streams and nodes. Where the engine can't know the order,
/// `ordered` is false, and all of standard output comes first.
#[utoipa::path(get, path = "/jobs/{id}/logs/merged", tag = "jobs", params(("id" = String, Path), MergedQuery),
    responses((status = 200, body = MergedView), (status = 404, body = Problem)))]
pub async fn merged(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    Params(query): Params<MergedQuery>,
) -> Result<Json<MergedView>, Problem> {
    let which = which(&id)?;
    Ok(Json(merged::read(&center, &caller, which, query).await?))
}

/// The lines of a log that have a text in them, whatever the case of its letters, as a terminal shows them. One answer looks
/// at some megabytes; `next_cursor` goes on.
#[utoipa::path(get, path = "/jobs/{id}/logs/search", tag = "jobs", params(("id" = String, Path), SearchQuery),
    responses((status = 200, body = FoundView), (status = 404, body = Problem)))]
pub async fn search(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    Params(query): Params<SearchQuery>,
) -> Result<Json<FoundView>, Problem> {
    let which = which(&id)?;
    Ok(Json(merged::search(&center, &caller, which, query).await?))
}
