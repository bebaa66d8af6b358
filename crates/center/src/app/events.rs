//! The events that are kept, for those who follow them.

use std::collections::BTreeMap;

use base::{
    auth::{Caller, Scope},
    error::AppError,
    events::Event,
    listing::{Listing, Total},
    params,
};
use domain::JobId;
use store::{events as rows, recent};

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

/// The most events that are counted.
const MOST_COUNTED: u32 = 10_000;

/// A page of the events that the caller sees, newest first, with the names of the jobs in them.
pub async fn newest_first(
    center: &Center,
    caller: &Caller,
    cursor: Option<&str>,
) -> Result<(Listing<Event>, BTreeMap<JobId, String>), AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_JOB, scope)?;
    let before = params::parse_cursor::<i64>(cursor)?;
    let limit = params::page_limit(None)?;
    let (kept, names, count) = center
        .read(move |tx| {
            let kept = recent::events_before(tx, scope, before, limit + 1)?;
            let names = recent::jobs_of_events(tx, &kept)?;
            // One more tells that there are more.
            Ok((kept, names, recent::count_events(tx, scope, MOST_COUNTED + 1)?))
        })
        .await?;
    let total = Some(Total::up_to(MOST_COUNTED, count));
    let page = Listing::cut(kept, limit, |event| event.seq.to_string()).map(Event::from);
    Ok((Listing { total, ..page }, names))
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
