//! Approved amendments come into force at their instant.

use domain::{Rfc3339, Timestamp};
use serde_json::json;
use store::{Tx, amendments as rows, contracts};

use super::rule::{self, ENFORCE};
use crate::{
    app::contracts::{self as known_contracts, StateChange},
    center::Center,
    wakers::METER,
};
use base::{
    audit::{self, Change},
    error::AppError,
};

/// Puts approved amendments in force whose instant has come, and gives the next instant at which one is due.
pub fn keep(center: &Center, now: Timestamp) -> Option<Timestamp> {
    let next = center.live().next_amendment()?;
    if next > now {
        return Some(next);
    }
    let done = center.write_now(
        move |tx| put_in_force(tx, now),
        |center, done| {
            for change in &done.0 {
                known_contracts::applied(center, change);
            }
            center.live().amendments_come(done.1);
        },
    );
    match done {
        Ok((_, next)) => next,
        Err(error) => {
            tracing::error!(%error, "failed to put amendments in force; it is tried again");
            center.loops.failed(METER, &error);
            None
        }
    }
}

type Done = (Vec<StateChange>, Option<Timestamp>);

fn put_in_force(tx: &Tx, now: Timestamp) -> Result<Done, AppError> {
    let mut changes = Vec::new();
    for amendment in rows::list_coming(tx)? {
        let contract = contracts::get_contract(tx, amendment.contract)?;
        if amendment.from_at.is_none_or(|from| from > now) || !rule::has_terms(contract.state) {
            continue;
        }
        let change = known_contracts::amended(tx, &amendment, None, now)?;
        let detail = json!({ "number": contract.number, "contract": contract.id, "from": amendment.from_at.map(Rfc3339) });
        let (tenant, subject) = (Some(contract.tenant), amendment.id.to_string());
        audit::record_own(tx, Change { tenant, action: ENFORCE, subject, detail })?;
        changes.push(change);
    }
    Ok((changes, rows::list_coming(tx)?.first().and_then(|next| next.from_at)))
}
