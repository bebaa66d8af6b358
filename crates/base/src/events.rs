//! Events: what happened to jobs, nodes and contracts, in order, for pages and streams that follow along.

use domain::{JobId, Rfc3339, RunId, TenantId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use store::{Tx, events::NewEvent};

use crate::{error::AppError, notice::topic::Topic};

/// One event. `seq` grows by commit; a stream is resumed after the last one seen.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Event {
    pub seq: i64,
    pub at: Rfc3339,
    /// Whose it is; none for events of the center itself.
    pub tenant: Option<TenantId>,
    pub job: Option<JobId>,
    pub run: Option<RunId>,
    /// `job_submitted`, `job_stopping`, `job_ended`, `run_started`, `run_ended`, `contract_changed`, `node_changed`,
    /// `period_closed`, `invoice_requested`, `invoice_issued`, `invoice_reversed`, `invoice_refused`.
    pub kind: String,
    #[schema(value_type = Object)]
    pub data: Value,
}

/// The kind of an event. Its words in both languages are the text `event-<code>`, with hyphens.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    code: &'static str,
    topics: &'static [Topic],
}

impl Kind {
    /// A kind that nobody hears of, unless they follow the events.
    pub const fn new(code: &'static str) -> Self {
        Self { code, topics: &[] }
    }

    /// The kind, with what people hear of it.
    #[must_use]
    pub const fn tells(self, topics: &'static [Topic]) -> Self {
        Self { topics, ..self }
    }

    pub const fn code(self) -> &'static str {
        self.code
    }

    pub const fn topics(self) -> &'static [Topic] {
        self.topics
    }
}

/// The thing that an event is about.
#[derive(Clone, Copy, Debug, Default)]
pub struct About {
    pub tenant: Option<TenantId>,
    pub job: Option<JobId>,
    pub run: Option<RunId>,
}

/// Keeps an event with the change that it tells of. It is told after the commit.
pub fn record(tx: &Tx, at: Timestamp, about: About, kind: Kind, data: Value) -> Result<Event, AppError> {
    let new = NewEvent {
        at,
        tenant: about.tenant,
        job: about.job,
        run: about.run,
        kind: kind.code().to_owned(),
        data,
    };
    let seq = store::events::append(tx, &new)?;
    Ok(Event {
        seq,
        at: at.into(),
        tenant: about.tenant,
        job: about.job,
        run: about.run,
        kind: new.kind,
        data: new.data,
    })
}

impl From<store::events::Event> for Event {
    fn from(kept: store::events::Event) -> Self {
        let event = kept.event;
        Self {
            seq: kept.seq,
            at: event.at.into(),
            tenant: event.tenant,
            job: event.job,
            run: event.run,
            kind: event.kind,
            data: event.data,
        }
    }
}
