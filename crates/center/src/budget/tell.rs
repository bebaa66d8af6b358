//! Telling people that a share of a budget is used: once for each share and stretch of time, whatever happens to the center.

use base::{
    error::AppError,
    events::{self, About, Event},
};
use domain::{Rfc3339, Timestamp};
use serde_json::json;
use store::Tx;

use super::{rows, rule::ALERT};
use crate::{center::Center, live::Crossed};

/// Keeps that these shares are reached, each with its event.
pub fn tell(center: &Center, crossed: Vec<Crossed>, now: Timestamp) -> Result<(), AppError> {
    if crossed.is_empty() {
        return Ok(());
    }
    let work = move |tx: &Tx| -> Result<_, AppError> {
        let mut events: Vec<Event> = Vec::new();
        for one in &crossed {
            events.extend(keep(tx, one, now)?);
        }
        Ok((crossed, events))
    };
    let told = |center: &Center, (crossed, events): &(Vec<Crossed>, Vec<Event>)| {
        let mut live = center.live();
        for one in crossed {
            live.budget_told(one.budget.id, one.stretch.from, one.share);
        }
        drop(live);
        for event in events {
            center.tell(event.clone());
        }
    };
    center.write_now(work, told).map(drop)
}

fn keep(tx: &Tx, one: &Crossed, now: Timestamp) -> Result<Option<Event>, AppError> {
    let Crossed { budget, name, stretch, share, spent } = one;
    let (share, spent, limit) = (*share, *spent, budget.limit);
    let alert = rows::Alert { from: stretch.from, share, at: now, spent, limit };
    if !rows::tell(tx, budget.id, &alert)? {
        return Ok(None);
    }
    let about = About { tenant: Some(budget.tenant), ..About::default() };
    let data = json!({
        "budget": budget.id, "whose": budget.whose.kind(), "name": name.as_ref(), "span": budget.span.kind(),
        "from": Rfc3339(stretch.from), "unit": budget.unit, "share": share, "spent": spent, "amount": limit,
        "hard_stop": budget.hard_stop,
    });
    Ok(Some(events::record(tx, now, about, ALERT, data)?))
}
