//! The capacity balance, and whether the ledger agrees with itself and with the runs.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    Millis, Rfc3339, Timestamp,
    capacity::{self, CapacityBalance},
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use store::{chain, ledger};

use crate::{actions, center::Center};
use base::params;
use base::{auth::Caller, error::AppError, moment};

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// RFC 3339, or a date. The last 24 hours where left out.
    #[param(inline, value_type = Option<domain::schema::InstantOrDay>)]
    pub from: Option<String>,
    #[param(inline, value_type = Option<domain::schema::InstantOrDay>)]
    pub to: Option<String>,
}

/// The balance of all card time in an interval.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct CapacityView {
    pub from: Rfc3339,
    pub to: Rfc3339,
    #[serde(flatten)]
    pub balance: CapacityBalance,
    /// The parts add up to the whole, to the card-millisecond.
    pub closes: bool,
}

pub async fn balance(center: &Center, caller: &Caller, interval: Interval) -> Result<CapacityView, AppError> {
    center.policies.check(caller, actions::READ_CAPACITY, None)?;
    let (from, to) = {
        let Interval { from, to } = &interval;
        params::interval(center.settings.time_zone, from.as_deref(), to.as_deref(), 24, moment::now())?
    };
    between(center, from, to).await
}

/// The balance of an interval that has passed.
pub async fn between(center: &Center, from: Timestamp, to: Timestamp) -> Result<CapacityView, AppError> {
    let (stretches, occupancies) = center
        .read(move |tx| {
            Ok((
                store::pools::stretches_between(tx, from, to)?,
                store::runs::occupancies_between(tx, from, to)?,
            ))
        })
        .await?;
    let balance = capacity::balance(&stretches, &occupancies, from, to);
    Ok(CapacityView { from: from.into(), to: to.into(), closes: balance.closes(), balance })
}

/// How old the balance of the last day may be: adding up a day of many runs takes longer than a page should.
const DAY_AGE: Millis = Millis::from_secs(15);
/// Hours that are remembered.
const HOURS: i64 = 24;

/// Balances that were made lately, for overviews that are looked at often.
#[derive(Clone, Debug, Default)]
pub struct Recent(Arc<Mutex<Made>>);

#[derive(Debug, Default)]
struct Made {
    /// The balance of the last day, and when it was made.
    day: Option<(Timestamp, CapacityView)>,
    /// Balances of hours that have passed, by their first instant: they hardly change any more.
    hours: BTreeMap<Timestamp, CapacityBalance>,
}

impl Recent {
    /// The balance of the last 24 hours, or of the 24 hours before a moment ago.
    pub async fn last_day(&self, center: &Center, now: Timestamp) -> Result<CapacityView, AppError> {
        let made = self.0.lock().day.clone();
        if let Some((_, balance)) = made.filter(|(made_at, _)| now < made_at.plus(DAY_AGE)) {
            return Ok(balance);
        }
        let balance = between(center, now.minus(Millis::from_hours(24)), now).await?;
        self.0.lock().day = Some((now, balance.clone()));
        Ok(balance)
    }

    /// The balances of the last 24 hours, each from the full hour on by the center's clock; of the running one as far as it
    /// has come.
    pub async fn last_hours(
        &self,
        center: &Center,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Vec<CapacityBalance>, AppError> {
        center.policies.check(caller, actions::READ_CAPACITY, None)?;
        self.posted_hours(center, now).await
    }

    /// The same, as the center posts it for everybody.
    pub async fn posted_hours(
        &self,
        center: &Center,
        now: Timestamp,
    ) -> Result<Vec<CapacityBalance>, AppError> {
        let zone = center.settings.time_zone;
        let begins = |back: i64| zone.hour_begins(now.minus(Millis::from_hours(back)));
        let mut hours = Vec::new();
        for back in (0..HOURS).rev() {
            let from = begins(back);
            let made = self.0.lock().hours.get(&from).copied();
            let balance = if let Some(balance) = made {
                balance
            } else {
                let until = if back == 0 { now } else { begins(back - 1) };
                let balance = between(center, from, until).await?.balance;
                if back > 0 {
                    self.0.lock().hours.insert(from, balance);
                }
                balance
            };
            hours.push(balance);
        }
        let oldest = begins(HOURS - 1);
        self.0.lock().hours.retain(|from, _| *from >= oldest);
        Ok(hours)
    }
}

/// Whether the books agree: debits with credits, each run's postings with its times and rate.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct LedgerCheck {
    pub is_balanced: bool,
    /// The faults that were found, in words.
    pub problems: Vec<String>,
    pub transfers: u64,
    /// Whether everything is as the chain of the books has it.
    pub is_sealed: bool,
    /// How many links the chain has.
    pub links: i64,
    /// Rows that no link covers yet.
    pub unsealed_rows: u64,
}

pub async fn check_ledger(center: &Center, caller: &Caller) -> Result<LedgerCheck, AppError> {
    center.policies.check(caller, actions::READ_LEDGER, None)?;
    let (report, chain) = center
        .read(|tx| Ok((ledger::verify(tx)?, chain::verify_chain(tx, chain::Given::default())?)))
        .await?;
    let mut problems: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
    problems.extend(chain.faults.iter().map(chain::Fault::told));
    Ok(LedgerCheck {
        is_balanced: report.is_right(),
        problems,
        transfers: report.transfers,
        is_sealed: chain.faults.is_empty(),
        links: chain.links,
        unsealed_rows: chain.unsealed.iter().map(|unsealed| unsealed.rows).sum(),
    })
}
