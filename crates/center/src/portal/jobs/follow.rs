//! A job's log in the page as it grows.

use axum::{
    extract::State,
    http::HeaderMap,
    response::{Response, sse::Event as Sse},
};
use base::{
    error::AppError,
    http::{Id, last_event_id, open_stream},
    page::{extract::Asked, frame::Visitor, words::Ui},
    params,
};
use domain::JobId;
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    log::{ELEMENTS, LogPart},
    log_rows::{self, Look},
};
use crate::{
    app::logs::LOOK_EVERY,
    center::Center,
    log::{
        ask::{self, Amount, Next, RunLog},
        encoding::Reading,
        lines::Lines,
        order::{Filter, Place},
    },
};

/// The most bytes that are read again when a page goes on after a break.
const MAX_SHOWN_BYTES: u64 = 16 << 20;

/// A job's log as it grows: events `lines` with what is new, `anew` with all where too much is, `end` at the end. The id of
/// each is where the shown lines begin and end.
pub async fn stream(
    State(center): State<Center>,
    Id(id): Id,
    Asked(wanted): Asked<LogPart>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let job: JobId = params::id(&id, "job")?;
    // Checked once, so that what is wrong is an answer and not a stream that ends.
    let found = wanted.find(&center, &visitor, job).await?;
    let (log, filter, reading) = found.ok_or_else(|| AppError::not_found("log", job))?;
    let resume = last_event_id(&headers).unwrap_or(&wanted.resume);
    let shown = resume.split_once(',').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    open_stream(&center.clone(), move |out| async move {
        let follower = Follower {
            center: &center,
            job,
            ui: visitor.front.ui,
            wanted: &wanted,
            log: &log,
            filter,
            reading,
        };
        // The reader has gone, or the engine failed, which was told; the browser tries again.
        let _ended = follower.follow(shown, &out).await;
    })
}

/// Follows one log for one page.
struct Follower<'a> {
    center: &'a Center,
    job: JobId,
    ui: Ui,
    wanted: &'a LogPart,
    log: &'a RunLog,
    filter: Filter,
    reading: Reading,
}

/// Why following ended.
struct Over;

impl From<AppError> for Over {
    fn from(error: AppError) -> Self {
        tracing::warn!(%error, "a log can't be followed");
        Self
    }
}

impl Follower<'_> {
    async fn follow(&self, shown: Option<(Place, Place)>, out: &mpsc::Sender<Sse>) -> Result<(), Over> {
        let mut stopping = self.center.stopping.subscribe();
        let look = self.wanted.look(self.ui, self.log, "", true);
        let (mut from, mut seen, mut lines) = match self.again(shown).await? {
            Some(again) => again,
            None => self.anew(&look, out).await?,
        };
        loop {
            let part = match ask::next(self.center, self.log, self.filter, seen).await? {
                Next::Part(part) => part,
                Next::TooMuch => {
                    (from, seen, lines) = self.anew(&look, out).await?;
                    continue;
                }
            };
            let is_over = part.has_ended && part.is_at_end();
            let is_quiet = part.pieces.is_empty();
            part.write(&mut lines);
            seen = part.to;
            if is_over {
                lines.end();
            }
            if !is_quiet || is_over {
                let done: Vec<_> =
                    lines.take().iter().map(|line| (line.number, log_rows::row(&look, line))).collect();
                let data = json!({ "done": done, "open": log_rows::rows(&look, &lines.open()) });
                self.send(out, "lines", (from, seen), &data.to_string()).await?;
            }
            if is_over {
                return self.send(out, "end", (from, seen), "end").await;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stopping.changed() => return Ok(()),
                () = out.closed() => return Ok(()),
            }
        }
    }

    /// The terminals as they were when these lines were shown; `None` where they can't be made again.
    async fn again(&self, shown: Option<(Place, Place)>) -> Result<Option<(Place, Place, Lines)>, Over> {
        let Some((from, to)) = shown else { return Ok(None) };
        let bytes: u64 = to.0.iter().zip(from.0).map(|(to, from)| to.saturating_sub(from)).sum();
        if bytes > MAX_SHOWN_BYTES {
            return Ok(None);
        }
        let part = ask::between(self.center, self.log, self.filter, (from, to)).await?;
        // Without the order of arrival the lines would get other numbers.
        let is_ordered = part.layout.arrivals.is_some() || self.filter.stream.is_some();
        if part.to != to || part.from != from || !is_ordered {
            return Ok(None);
        }
        let mut lines = Lines::new(self.reading);
        part.write(&mut lines);
        lines.take();
        Ok(Some((from, to, lines)))
    }

    /// Sends the end of the log in place of all that is shown.
    async fn anew(&self, look: &Look<'_>, out: &mpsc::Sender<Sse>) -> Result<(Place, Place, Lines), Over> {
        let part = ask::last(self.center, self.log, self.filter, None, Amount::Elements(ELEMENTS)).await?;
        let mut lines = Lines::new(self.reading);
        part.write(&mut lines);
        let earlier = self.wanted.earlier(self.ui, self.job, self.log.run, &part, self.filter);
        let rows = earlier + &log_rows::rows(look, &lines.take());
        let data = json!({ "rows": rows, "open": log_rows::rows(look, &lines.open()) });
        self.send(out, "anew", (part.from, part.to), &data.to_string()).await?;
        Ok((part.from, part.to, lines))
    }

    async fn send(
        &self,
        out: &mpsc::Sender<Sse>,
        kind: &str,
        (from, to): (Place, Place),
        data: &str,
    ) -> Result<(), Over> {
        let event = Sse::default().event(kind).id(format!("{from},{to}")).data(data);
        out.send(event).await.map_err(|_| Over)
    }
}
