//! Logs, read in parts or followed.

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{Response, sse::Event as Sse},
};
use domain::JobId;
use serde_json::json;

use crate::{
    app::{
        jobs::JobName,
        logs::{self, CHUNK, LOOK_EVERY, Log, LogQuery, LogView},
    },
    center::Center,
};
use base::api::{
    Problem,
    extract::{Auth, Id, Params},
};
use base::{
    error::AppError,
    http::{last_event_id, open_stream},
};

/// The job, and the task that is named with it (`JOB_7`).
fn named(text: &str, mut query: LogQuery) -> Result<(JobId, LogQuery), AppError> {
    let name = JobName::parse(text)?;
    query.task = query.task.or(name.one_task()?);
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
/// has ended and all was sent. Resumed by `Last-Event-ID` or `offset`.
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
    let resumed = last_event_id(&headers).and_then(|id| id.parse().ok());
    let from = resumed.or(query.offset).unwrap_or(0);
    // Checked once, so that what is wrong is a problem and not a stream that ends.
    logs::find(&center, &caller, id, &query).await?;
    let opened = open_stream(&center.clone(), move |out| async move {
        let mut offset = from;
        let mut stopping = center.stopping.subscribe();
        let mut found: Option<Log> = None;
        loop {
            if found.is_none() {
                let Ok(log) = logs::find(&center, &caller, id, &query).await else { return };
                found = log;
            }
            let is_over = logs::is_over(&center, id);
            let mut complete = false;
            if let Some(log) = found {
                let Ok(part) = logs::chunk(&center, log, offset, CHUNK).await else { return };
                offset = i64::try_from(part.end_offset).unwrap_or(i64::MAX);
                complete = part.complete;
                if !part.data.is_empty() {
                    let data = json!({ "offset": part.offset, "data": part.data }).to_string();
                    let event = Sse::default().event("log").id(offset.to_string()).data(data);
                    if out.send(event).await.is_err() {
                        return;
                    }
                    continue;
                }
            }
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
