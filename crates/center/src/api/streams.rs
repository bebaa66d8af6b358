//! Events, as a stream of server-sent events.

use axum::{
    extract::State,
    http::HeaderMap,
    response::{Response, sse::Event as Sse},
};
use tokio::sync::{broadcast::error::RecvError, mpsc};

use crate::{actions, app::events, center::Center};
use base::api::{Problem, extract::Auth};
use base::{
    auth::Scope,
    events::Event,
    http::{last_event_id, open_stream},
};

/// Events as they happen: those of your tenant's jobs and contracts, or of the whole center for its people.
/// The id of each is its `seq`. A stream that is resumed after `Last-Event-ID` has no gap and no repetition.
#[utoipa::path(get, path = "/events", tag = "jobs",
    params(("Last-Event-ID" = Option<i64>, Header, description = "Go on after this event")),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub async fn events(
    State(center): State<Center>,
    Auth(caller): Auth,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let scope = caller.scope()?;
    center.policies.check(&caller, actions::READ_JOB, scope.tenant())?;
    let resumed = last_event_id(&headers).and_then(|id| id.parse().ok());
    let opened =
        open_stream(&center.clone(), move |out| async move { follow(&center, scope, resumed, &out).await });
    Ok(opened?)
}

async fn follow(center: &Center, scope: Scope, resumed: Option<i64>, out: &mpsc::Sender<Sse>) {
    // Listening begins before reading, so that nothing falls between the two; what comes twice is told by its number.
    let mut news = center.events.subscribe();
    let mut stopping = center.stopping.subscribe();
    let mut seen = match resumed {
        Some(seq) => seq,
        None => match events::newest(center).await {
            Ok(seq) => seq,
            Err(_) => return,
        },
    };
    let mut is_behind = resumed.is_some();
    loop {
        if is_behind {
            let Ok(kept) = events::after(center, scope, seen).await else { return };
            is_behind = kept.len() == events::BATCH as usize;
            for event in kept {
                seen = event.seq;
                if send(out, &event).await.is_err() {
                    return;
                }
            }
            continue;
        }
        tokio::select! {
            event = news.recv() => match event {
                Ok(event) if event.seq > seen && scope.sees(&event) => {
                    seen = event.seq;
                    if send(out, &event).await.is_err() {
                        return;
                    }
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => is_behind = true,
                Err(RecvError::Closed) => return,
            },
            _ = stopping.changed() => return,
            () = out.closed() => return,
        }
    }
}

async fn send(out: &mpsc::Sender<Sse>, event: &Event) -> Result<(), ()> {
    let data = serde_json::to_string(event).map_err(|_| ())?;
    let sse = Sse::default().event(event.kind.clone()).id(event.seq.to_string()).data(data);
    out.send(sse).await.map_err(|_| ())
}
