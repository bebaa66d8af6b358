//! The capacity balance, and whether the books agree with it.

use domain::{
    Timestamp,
    capacity::{self, CapacityBalance},
};
use serde::{Deserialize, Serialize};
use store::ledger;

use super::views;
use crate::{
    auth::{Action, Caller},
    center::Center,
    error::AppError,
    moment,
};

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// RFC 3339, or a date. The last 24 hours where left out.
    pub from: Option<String>,
    pub to: Option<String>,
}

/// What became of all card time of an interval.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct CapacityView {
    pub from: String,
    pub to: String,
    /// `capacity_card_ms` and its parts `sold_card_ms`, `granted_card_ms`, `idle_card_ms`, `drained_card_ms`,
    /// `failed_card_ms`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub balance: CapacityBalance,
    /// The parts add up to the whole, to the card-millisecond.
    pub closes: bool,
}

pub async fn balance(center: &Center, caller: &Caller, interval: Interval) -> Result<CapacityView, AppError> {
    center.policies.check(caller, Action::ReadCapacity, None)?;
    let (from, to) = views::interval(interval.from.as_deref(), interval.to.as_deref(), 24, moment::now())?;
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
    Ok(CapacityView { from: from.to_string(), to: to.to_string(), closes: balance.closes(), balance })
}

/// Whether the books agree: debits with credits, each run's postings with its times and rate.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct LedgerCheck {
    pub is_balanced: bool,
    /// What is wrong, in words.
    pub problems: Vec<String>,
    pub transfers: u64,
}

pub async fn check_ledger(center: &Center, caller: &Caller) -> Result<LedgerCheck, AppError> {
    center.policies.check(caller, Action::ReadLedger, None)?;
    let report = center.read(ledger::verify).await?;
    Ok(LedgerCheck { is_balanced: report.is_right(), problems: report.faults, transfers: report.transfers })
}
