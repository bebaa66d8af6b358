//! News for pages that are open: a page asks for itself anew when something happened that it may show.

use std::time::Duration;

use axum::{
    extract::State,
    response::{Response, sse::Event as Sse},
};
use base::{
    auth::Scope,
    error::AppError,
    events::Event,
    http::open_stream,
    page::{extract::Asked, frame::Visitor},
};
use domain::JobId;
use serde::Deserialize;
use tokio::sync::{broadcast::error::RecvError, mpsc};

use crate::{center::Center, event_kinds};

/// The least time between two pieces of news: what happens meanwhile is told at once.
const NEWS_EVERY: Duration = Duration::from_millis(700);

#[derive(Deserialize)]
pub struct NewsQuery {
    /// Only news of this job.
    job: Option<String>,
}

/// Events `news` without content, at most one in a while.
pub async fn stream(
    State(center): State<Center>,
    visitor: Visitor,
    Asked(wanted): Asked<NewsQuery>,
) -> Result<Response, AppError> {
    let scope = visitor.caller.scope()?;
    let job: Option<JobId> = wanted.job.and_then(|id| id.parse().ok());
    open_stream(&center.clone(), move |out| async move { tell(&center, scope, job, &out).await })
}

async fn tell(center: &Center, scope: Scope, job: Option<JobId>, out: &mpsc::Sender<Sse>) {
    let mut news = center.events.subscribe();
    let mut stopping = center.stopping.subscribe();
    let mut seq = 0;
    loop {
        tokio::select! {
            event = news.recv() => match event {
                Ok(event) if is_for(&event, scope, job) => seq = event.seq,
                Ok(_) => continue,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            _ = stopping.changed() => return,
            () = out.closed() => return,
        }
        // The plan that follows an event is waited for, so that the page shows its verdicts.
        tokio::select! {
            () = tokio::time::sleep(NEWS_EVERY) => {}
            _ = stopping.changed() => return,
            () = out.closed() => return,
        }
        // What came meanwhile is in what the page will read.
        while news.try_recv().is_ok() {}
        if out.send(Sse::default().event("news").data(seq.to_string())).await.is_err() {
            return;
        }
    }
}

fn is_for(event: &Event, scope: Scope, job: Option<JobId>) -> bool {
    // Nodes are public: pages of tenants show them too.
    let is_public = event.kind == event_kinds::NODE_CHANGED.code();
    (scope.sees(event) || is_public) && job.is_none_or(|job| event.job == Some(job))
}
