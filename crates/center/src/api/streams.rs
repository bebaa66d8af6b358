//! Events, as a stream of server-sent events.

use axum::{
    extract::State,
    http::HeaderMap,
    response::{Response, sse::Event as Sse},
};
use tokio::sync::{broadcast::error::RecvError, mpsc};

use crate::center::Center;
use base::api::{Problem, extract::Auth};
use base::{
    auth::Scope,
    events::Event,
    http::{last_event_id, open_stream},
};

/// Events kept at once for a reader that resumes.
const BATCH: u32 = 500;

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
        None => match center.read(store::events::latest_seq).await {
            Ok(seq) => seq,
            Err(_) => return,
        },
    };
    let mut is_behind = resumed.is_some();
    loop {
        if is_behind {
            let Ok(kept) =
                center.read(move |tx| store::events::list_after(tx, seen, scope.tenant(), None, BATCH)).await
            else {
                return;
            };
            is_behind = kept.len() == BATCH as usize;
            for event in kept {
                seen = event.seq;
                if send(out, &Event::from(event)).await.is_err() {
                    return;
                }
            }
            continue;
        }
        tokio::select! {
            event = news.recv() => match event {
                Ok(event) if event.seq > seen && is_for(&event, scope) => {
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

/// Whether those who see `scope` may see an event.
pub fn is_for(event: &Event, scope: Scope) -> bool {
    match scope {
        Scope::Center => true,
        Scope::Tenant(own) => event.tenant == Some(own),
    }
}

async fn send(out: &mpsc::Sender<Sse>, event: &Event) -> Result<(), ()> {
    let data = serde_json::to_string(event).map_err(|_| ())?;
    let sse = Sse::default().event(event.kind.clone()).id(event.seq.to_string()).data(data);
    out.send(sse).await.map_err(|_| ())
}
