//! News for pages that are open: a page asks for what changed of it when something happened that it may show.

use std::{collections::BTreeSet, time::Duration};

use axum::{
    extract::State,
    response::{Response, sse::Event as Sse},
};
use base::{auth::Scope, error::AppError, events::Event, http::open_stream, page::frame::Visitor};
use domain::JobId;
use serde::Serialize;
use tokio::sync::{
    broadcast::error::{RecvError, TryRecvError},
    mpsc,
};

use crate::{center::Center, event_kinds};

/// The least time between two pieces of news: what happens meanwhile is told at once.
const NEWS_EVERY: Duration = Duration::from_millis(700);
/// The most jobs that a piece of news names.
const MOST_JOBS: usize = 16;

/// What happened in a while. A page that shows one job passes over the news of others.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct News {
    seq: i64,
    /// `null` where they are too many, or not known.
    jobs: Option<BTreeSet<JobId>>,
    kinds: Option<BTreeSet<String>>,
}

impl News {
    fn nothing() -> Self {
        Self { seq: 0, jobs: Some(BTreeSet::new()), kinds: Some(BTreeSet::new()) }
    }

    fn add(&mut self, event: &Event) {
        self.seq = event.seq;
        if let Some(kinds) = &mut self.kinds {
            kinds.insert(event.kind.clone());
        }
        if let (Some(jobs), Some(job)) = (&mut self.jobs, event.job) {
            jobs.insert(job);
            if jobs.len() > MOST_JOBS {
                self.jobs = None;
            }
        }
    }
}

/// Events `news` that say what kinds of things happened and to which jobs, at most one in a while.
pub async fn stream(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    let scope = visitor.caller.scope()?;
    open_stream(&center.clone(), move |out| async move { tell(&center, scope, &out).await })
}

async fn tell(center: &Center, scope: Scope, out: &mpsc::Sender<Sse>) {
    let mut events = center.events.subscribe();
    let mut stopping = center.stopping.subscribe();
    loop {
        let mut news = News::nothing();
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) if is_for(&event, scope) => news.add(&event),
                Ok(_) => continue,
                Err(RecvError::Lagged(_)) => news = News::default(),
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
        loop {
            match events.try_recv() {
                Ok(event) if is_for(&event, scope) => news.add(&event),
                Ok(_) => {}
                Err(TryRecvError::Lagged(_)) => news = News::default(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        let Ok(data) = serde_json::to_string(&news) else { return };
        if out.send(Sse::default().event("news").data(data)).await.is_err() {
            return;
        }
    }
}

fn is_for(event: &Event, scope: Scope) -> bool {
    // Nodes are public: pages of tenants show them too.
    scope.sees(event) || event.kind == event_kinds::NODE_CHANGED.code()
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    #[test]
    fn news_name_few_jobs_and_all_kinds() {
        let event = |seq: i64, kind: &str| Event {
            seq,
            at: Timestamp::from_secs(1).into(),
            tenant: None,
            job: u8::try_from(seq).ok().map(|n| JobId::from_bytes([n; 16])),
            run: None,
            kind: kind.into(),
            data: serde_json::Value::Null,
        };
        let mut news = News::nothing();
        (1..=16).for_each(|seq| news.add(&event(seq, "run_started")));
        assert_eq!((news.seq, news.jobs.as_ref().map(BTreeSet::len)), (16, Some(16)));
        assert!(serde_json::to_string(&news).unwrap().len() < 1024);
        news.add(&event(17, "run_ended"));
        assert_eq!((news.jobs, news.kinds.map(|kinds| kinds.len())), (None, Some(2)));
    }
}
