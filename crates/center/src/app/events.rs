//! The events that are kept, for those who follow them.

use base::{
    auth::{Caller, Scope},
    error::AppError,
    events::Event,
    listing::Listing,
    params,
};
use domain::JobId;
use store::events as rows;

use super::jobs;
use crate::{actions, center::Center};

/// Events read at once for a reader that resumes.
pub const BATCH: u32 = 500;

/// The events of a job, oldest first.
pub async fn of_job(
    center: &Center,
    caller: &Caller,
    id: JobId,
    cursor: Option<&str>,
    limit: Option<u32>,
) -> Result<Listing<Event>, AppError> {
    jobs::visible(center, caller, id, actions::READ_JOB).await?;
    let after = params::parse_cursor::<i64>(cursor)?.unwrap_or(0);
    let limit = params::page_limit(limit)?;
    let kept = center.read(move |tx| rows::list_after(tx, after, None, Some(id), limit + 1)).await?;
    let page = Listing::cut(kept, limit, |event| event.seq.to_string());
    Ok(page.map(Event::from))
}

/// The number of the newest event.
pub async fn newest(center: &Center) -> Result<i64, AppError> {
    center.read(rows::latest_seq).await
}

/// At most [`BATCH`] of the events after number `seen` that those of `scope` see.
pub async fn after(center: &Center, scope: Scope, seen: i64) -> Result<Vec<Event>, AppError> {
    let kept = center.read(move |tx| rows::list_after(tx, seen, scope.tenant(), None, BATCH)).await?;
    Ok(kept.into_iter().map(Event::from).collect())
}
