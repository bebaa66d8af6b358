//! Warnings about contracts: funds that run low, terms that end. Each is given once for what it is about, also across
//! restarts: another payment, or another end of the term, is another matter.

use base::{
    error::AppError,
    events::{self, About, Event},
    moment,
};
use domain::{ContractId, ContractState, Millis, Timestamp, Zone, contract::Funds};
use serde_json::json;
use store::{StoreError, Tx, contracts, db::params, statements};

use super::topics::{BALANCE_LOW, CONTRACT_EXPIRING};
use crate::{center::Center, live::LiveContract};

/// Shares of the funds, in per cent, and days before the end, at which a warning is given: the most distant first.
pub const LOW_PERCENT: [i64; 3] = [50, 20, 5];
pub const EXPIRING_DAYS: [i64; 3] = [30, 14, 7];

const LOW: &str = "balance_low";
const EXPIRING: &str = "contract_expiring";

statements! { "contract_warnings";
    PAID = "SELECT CAST(COALESCE(SUM(amount_micro_cny), 0) AS BIGINT) FROM payments WHERE contract = ?1 AND purpose = 'balance'";
    IS_TOLD = "SELECT 1 FROM contract_warnings WHERE contract = ?1 AND warning = ?2 AND threshold = ?3 AND basis = ?4";
    TELL = "INSERT INTO contract_warnings (contract, warning, threshold, basis, told_at) VALUES (?1, ?2, ?3, ?4, ?5) \
        ON CONFLICT DO NOTHING";
}

/// The thresholds that `left` of `whole` has reached, the nearest last. None where there is nothing of which it is a part.
pub fn reached(left: i64, whole: i64) -> impl Iterator<Item = i64> {
    let (left, whole) = (i128::from(left.max(0)), i128::from(whole));
    LOW_PERCENT.into_iter().filter(move |percent| whole > 0 && left * 100 <= whole * i128::from(*percent))
}

/// The thresholds that an end has reached, the nearest last. None once it has come.
pub fn days_reached(now: Timestamp, ends_at: Timestamp) -> impl Iterator<Item = i64> {
    let left = ends_at.since(now);
    EXPIRING_DAYS.into_iter().filter(move |days| left.0 > 0 && left.0 <= Millis::from_hours(days * 24).0)
}

/// A contract as it is looked at.
#[derive(Clone, Debug)]
struct Look {
    id: ContractId,
    /// What of the funds is left, where anything runs out.
    left: Option<i64>,
}

/// Gives the warnings that are due.
pub fn turn(center: &Center) -> Result<(), AppError> {
    let now = moment::now();
    let looks: Vec<Look> = {
        let live = center.live();
        let mut unmetered = live.unmetered_by_contract(now);
        let active = live.contracts().filter(|known| known.contract.state == ContractState::Active);
        active
            .map(|known: &LiveContract| {
                let left = match known.funds_after(unmetered.remove(&known.contract.id).unwrap_or_default()) {
                    Funds::Unlimited => None,
                    Funds::CardTime { card_ms } => Some(card_ms.0),
                    Funds::Money { micro_cny } => Some(micro_cny.0),
                };
                Look { id: known.contract.id, left }
            })
            .collect()
    };
    let due = center.read_now(|tx| {
        let mut due = Vec::new();
        for look in &looks {
            due.extend(warnings(tx, look, now)?);
        }
        Ok(due)
    })?;
    if due.is_empty() {
        return Ok(());
    }
    let zone = center.common.time_zone;
    center.write_now(
        move |tx| {
            due.iter().map(|warning| give(tx, zone, warning, now)).collect::<Result<Vec<_>, AppError>>()
        },
        |center, events| events.iter().flatten().for_each(|event| center.tell(event.clone())),
    )?;
    Ok(())
}

/// A warning to give.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Warning {
    contract: ContractId,
    what: &'static str,
    /// All that were reached; the last is told.
    thresholds: Vec<i64>,
    basis: i64,
}

fn warnings(tx: &Tx, look: &Look, now: Timestamp) -> Result<Vec<Warning>, StoreError> {
    let contract = contracts::get_contract(tx, look.id)?;
    let mut all = Vec::new();
    if let Some(left) = look.left {
        let paid: i64 = tx.one(PAID, params![&look.id], |row| row.get(0))?;
        let whole = match contract.kind.given() {
            Some(package) => package.0,
            None => paid.saturating_add(contract.kind.amount().0),
        };
        let thresholds: Vec<i64> = reached(left, whole).collect();
        all.push(Warning { contract: look.id, what: LOW, thresholds, basis: whole });
    }
    let thresholds: Vec<i64> = days_reached(now, contract.ends_at).collect();
    let basis = contract.ends_at.as_micros();
    all.push(Warning { contract: look.id, what: EXPIRING, thresholds, basis });
    let mut due = Vec::new();
    for warning in all {
        let Some(nearest) = warning.thresholds.last() else { continue };
        let key = params![&warning.contract, warning.what, *nearest, warning.basis];
        if tx.find(IS_TOLD, key, |_| Ok(()))?.is_none() {
            due.push(warning);
        }
    }
    Ok(due)
}

/// Keeps that a warning was given, with its event. Thresholds that were passed over are told with the nearest.
fn give(tx: &Tx, zone: &Zone, warning: &Warning, now: Timestamp) -> Result<Option<Event>, AppError> {
    let mut is_new = false;
    for threshold in &warning.thresholds {
        let row = params![&warning.contract, warning.what, *threshold, warning.basis, now];
        is_new = tx.changed(TELL, row)? > 0;
    }
    let (Some(nearest), true) = (warning.thresholds.last(), is_new) else { return Ok(None) };
    let contract = contracts::get_contract(tx, warning.contract)?;
    let about = About { tenant: Some(contract.tenant), ..About::default() };
    let base = json!({ "contract": contract.id, "number": contract.number, "state": contract.state.code() });
    let (kind, key) = match warning.what {
        LOW => (BALANCE_LOW, "percent"),
        _ => (CONTRACT_EXPIRING, "days"),
    };
    let mut data = base;
    data[key] = json!(nearest);
    data["date"] = json!(zone.date(contract.ends_at));
    Ok(Some(events::record(tx, now, about, kind, data)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_reached_from_above() {
        let all = |left| reached(left, 1000).collect::<Vec<_>>();
        assert!(all(501).is_empty());
        assert_eq!(all(500), [50]);
        assert_eq!(all(200), [50, 20]);
        assert_eq!(all(50), [50, 20, 5]);
        assert_eq!(all(-7), [50, 20, 5], "a balance below nothing is a low one");
        assert_eq!(reached(0, 0).count(), 0, "of nothing there is no share");
        assert_eq!(reached(i64::MAX, i64::MAX).count(), 0);
    }

    #[test]
    fn an_end_is_warned_of_before_it_comes() {
        let now = Timestamp::from_secs(1_000_000);
        let days = |days: i64| now.plus(Millis::from_hours(24 * days));
        let all = |ends_at| days_reached(now, ends_at).collect::<Vec<_>>();
        assert!(all(days(31)).is_empty());
        assert_eq!(all(days(30)), [30]);
        assert_eq!(all(days(10)), [30, 14]);
        assert_eq!(all(days(7)), [30, 14, 7]);
        assert!(all(now).is_empty(), "it has ended");
    }
}
