//! Entries that the passing of a term books, and the end of a contract: fees of reserved cards, which are earned month by
//! month, the rest of a package whose term has ended, and the part of a fee that is due no more when people end a contract.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Contract, ContractId, ContractState, Course, MicroCny, Timestamp, TransferId, Zone,
    contract::ContractKind,
    ledger::{Account, Cause, Posting, Unit},
    zone::Month,
};
use store::{
    Tx, contracts,
    ledger::{self, ContractBalance},
    payments, periods,
};

use super::states::balance;
use crate::center::Center;
use base::{error::AppError, moment::new_id};

/// The contracts of which nothing is due: it spares a look at their entries.
#[derive(Debug, Default)]
pub struct Looked {
    /// Those of reserved cards whose fee is booked up to the beginning of this month.
    month: Option<Month>,
    contracts: BTreeSet<ContractId>,
    /// Those that have ended, with the balance and the settled part of the fee of which nothing was due.
    ended: BTreeMap<ContractId, (ContractBalance, MicroCny)>,
}

impl Looked {
    /// `self` for the same month, empty for another.
    fn of(self, month: Month) -> Self {
        if self.month == Some(month) { self } else { Self { month: Some(month), ..Self::default() } }
    }

    /// Whether a contract with this balance may be due to be looked at.
    fn is_due(&self, contract: &Contract, balance: ContractBalance) -> bool {
        let is_new = || contract.state.is_final() || !self.contracts.contains(&contract.id);
        let has_left = balance.money_balance.0 > 0 || balance.use_balance.0 > 0;
        has_left
            && match contract.kind {
                ContractKind::Reserved { .. } => is_new(),
                ContractKind::Prepaid { .. } | ContractKind::Grant { cap: Some(_) } => {
                    contract.state.is_final()
                }
                ContractKind::Metered { .. } | ContractKind::Grant { cap: None } => false,
            }
    }

    /// Keeps that nothing is due of a contract as it stands.
    fn note(&mut self, contract: &Contract, stands: (ContractBalance, MicroCny)) {
        if contract.state.is_final() {
            self.ended.insert(contract.id, stands);
        } else {
            self.contracts.insert(contract.id);
        }
    }
}

/// Books what is due by `now`, any number of times. `looked` spares a look at contracts of which nothing is; with an error
/// it is gone, so that all are looked at again.
pub fn keep(center: &Center, now: Timestamp, looked: Looked) -> Result<Looked, AppError> {
    let zone = center.settings.time_zone;
    let mut looked = looked.of(zone.month(now));
    let candidates: Vec<(Contract, ContractBalance)> = {
        let live = center.live();
        // What is left of a package is known once its runs are over.
        let is_busy = |contract: &Contract| {
            !matches!(contract.kind, ContractKind::Reserved { .. })
                && live.runs().any(|known| known.run.contract == contract.id)
        };
        let known = live.contracts().filter(|known| looked.is_due(&known.contract, known.balance));
        known.filter(|one| !is_busy(&one.contract)).map(|one| (one.contract.clone(), one.balance)).collect()
    };
    if candidates.is_empty() {
        return Ok(looked);
    }
    let mut due = Vec::new();
    center.read_now(|tx| -> Result<(), AppError> {
        let settled = payments::fees_settled(tx)?;
        for (contract, balance) in candidates {
            let stands = (balance, settled.get(&contract.id).copied().unwrap_or_default());
            if looked.ended.get(&contract.id) == Some(&stands) {
                continue;
            }
            if entries(tx, zone, &contract, now)?.is_empty() {
                looked.note(&contract, stands);
            } else {
                due.push(contract);
            }
        }
        Ok(())
    })?;
    if due.is_empty() {
        return Ok(looked);
    }
    let work = move |tx: &Tx| -> Result<_, AppError> {
        let mut changed = Vec::new();
        for contract in due {
            changed.extend(book(tx, zone, &contract, now)?.map(|balance| (contract.id, balance)));
        }
        Ok(changed)
    };
    center.write_now(work, |center, changed| {
        let mut live = center.live();
        for (id, balance) in changed {
            live.balance_changed(*id, *balance);
        }
    })?;
    Ok(looked)
}

/// Books what is due of one contract by `now`; its balance with it, if anything was.
pub fn book(
    tx: &Tx,
    zone: &Zone,
    contract: &Contract,
    now: Timestamp,
) -> Result<Option<ContractBalance>, AppError> {
    let entries = entries(tx, zone, contract, now)?;
    let open_from = periods::open_from(tx)?;
    for (at, posting) in &entries {
        let (at, corrects) = if *at < open_from { (now, Some(zone.month(*at))) } else { (*at, None) };
        ledger::post(tx, &Posting { corrects, ..posting.clone() }, new_id!(TransferId), at)?;
    }
    if entries.is_empty() { Ok(None) } else { Ok(Some(balance(tx, contract.id)?)) }
}

/// The entries that are due of a contract by `now`, each with the instant to which it belongs.
fn entries(
    tx: &Tx,
    zone: &Zone,
    contract: &Contract,
    now: Timestamp,
) -> Result<Vec<(Timestamp, Posting)>, AppError> {
    let ContractBalance { use_balance, money_balance } = balance(tx, contract.id)?;
    let was_terminated = contract.state == ContractState::Terminated;
    let so_far = |cause: Cause, unit: Unit| ledger::sum_of_cause(tx, contract.id, cause, unit);
    let course = contracts::course(tx, contract)?;
    let (mut entries, mut money) = (Vec::new(), money_balance.0);
    match contract.kind {
        ContractKind::Reserved { .. } => {
            if let Some(course) = &course {
                let posted = so_far(Cause::Term, Unit::MicroCny)?;
                entries = earned(contract.id, course, posted, money_balance, &ends_passed(zone, course, now));
                money -= entries.iter().map(|(_, posting)| posting.amount).sum::<i64>();
            }
        }
        ContractKind::Prepaid { .. } | ContractKind::Grant { cap: Some(_) } if contract.state.is_final() => {
            let time = (Unit::CardMs, so_far(Cause::Forfeiture, Unit::CardMs)?, use_balance.0);
            // What a correction gave back after the end waits to be paid out.
            let given_back = ledger::corrected_since(tx, contract.id, contract.ends_at)?.max(0);
            let of_money = (Unit::MicroCny, so_far(Cause::Forfeiture, Unit::MicroCny)?, money - given_back);
            let all = if was_terminated { vec![time] } else { vec![time, of_money] };
            let all = all.into_iter().filter_map(|(unit, before, left)| {
                forfeited(contract.id, unit, before, left).map(|posting| (now, posting))
            });
            entries = all.collect();
        }
        _ => {}
    }
    if was_terminated
        && course.is_some()
        && let Some(fee) = contract.fee()
    {
        let settled = payments::fees_settled(tx)?.get(&contract.id).copied().unwrap_or_default();
        let before = so_far(Cause::FeeCancelled, Unit::MicroCny)?;
        let due_no_more = cancelled(contract.id, before, money.min(fee.0 - settled.0));
        entries.extend(due_no_more.map(|posting| (now, posting)));
    }
    Ok(entries)
}

/// The instants by `now` at which months ended in the course of a contract, and the course itself.
fn ends_passed(zone: &Zone, course: &Course, now: Timestamp) -> Vec<Timestamp> {
    let (mut at, until) = (course.from(), course.until());
    let mut ends = Vec::new();
    while at < until {
        at = zone.bounds(zone.month(at)).1.min(until);
        if at > now {
            break;
        }
        ends.push(at);
    }
    ends
}

/// The entries for the parts of a reservation's fee that are earned by each of these instants. They go beyond
/// `posted`, in micro-yuan, and only as far as the contract's money. Each is booked a microsecond before its
/// instant.
fn earned(
    contract: ContractId,
    course: &Course,
    posted: i64,
    money: MicroCny,
    until: &[Timestamp],
) -> Vec<(Timestamp, Posting)> {
    let (mut before, mut left) = (posted, money.0);
    let mut entries = Vec::new();
    for at in until {
        let amount = (course.earned_by(*at).0 - before).min(left);
        if amount <= 0 {
            continue;
        }
        let last = Timestamp::from_micros(at.as_micros() - 1);
        let to = (Account::TermRevenue, Unit::MicroCny);
        entries.push((last, step(contract, ("term", Cause::Term), to, (before, amount))));
        (before, left) = (before + amount, left - amount);
    }
    entries
}

/// The entry that gives the center the rest of a package or grant that has ended.
fn forfeited(contract: ContractId, unit: Unit, before: i64, left: i64) -> Option<Posting> {
    let (what, to) = match unit {
        Unit::CardMs => ("forfeiture/time", Account::Capacity),
        Unit::MicroCny => ("forfeiture/money", Account::Forfeited),
    };
    (left > 0).then(|| step(contract, (what, Cause::Forfeiture), (to, unit), (before, left)))
}

/// The entry for the part of a fee that was neither earned nor paid when people ended the contract.
fn cancelled(contract: ContractId, before: i64, unearned: i64) -> Option<Posting> {
    let to = (Account::Receivable, Unit::MicroCny);
    (unearned > 0).then(|| step(contract, ("fee-cancelled", Cause::FeeCancelled), to, (before, unearned)))
}

/// An entry that takes more of the same off a contract: its key has the sum of those before, so that none is posted twice.
fn step(
    contract: ContractId,
    (what, cause): (&str, Cause),
    (credit, unit): (Account, Unit),
    (before, amount): (i64, i64),
) -> Posting {
    let key = format!("{contract}/{what}/{before}-{}", before + amount);
    Posting { key, unit, debit: Account::Contract(contract), credit, amount, cause, corrects: None }
}

#[cfg(test)]
mod tests {
    use domain::Millis;

    use super::*;

    const CONTRACT: ContractId = ContractId::from_bytes([1; 16]);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The course of the year 2026.
    fn course(activated: &str, fee: i64, over: Option<&str>) -> Course {
        let term = (at("2027-01-01T00:00:00Z"), MicroCny(fee));
        Course::new(at("2026-01-01T00:00:00Z"), at(activated), term, over.map(at))
    }

    #[test]
    fn a_year_s_fee_is_earned_month_by_month_and_to_the_last_of_it() {
        let fee = 120_000_000_001;
        let course = course("2025-12-20T00:00:00Z", fee, None);
        let ends = ends_passed(&Zone::utc(), &course, at("2030-01-01T00:00:00Z"));
        let all = earned(CONTRACT, &course, 0, MicroCny(fee), &ends);
        assert_eq!((ends.len(), all.len()), (12, 12));
        assert_eq!(all.iter().map(|(_, posting)| posting.amount).sum::<i64>(), fee);
        assert!(all[0].1.amount.abs_diff(fee / 365 * 31) < 400, "{}", all[0].1.amount);
        // What was booked is not booked again, and no more than there is.
        let january = all[0].1.amount;
        assert_eq!(earned(CONTRACT, &course, january, MicroCny(fee - january), &ends).len(), 11);
        assert_eq!(earned(CONTRACT, &course, fee, MicroCny(0), &ends), []);
        assert_eq!(earned(CONTRACT, &course, 0, MicroCny(5), &ends)[0].1.amount, 5);
        assert_eq!(all[0].0.plus(Millis(1)).floor_millis(), ends[0].floor_millis());
        assert_eq!(ends_passed(&Zone::utc(), &course, at("2026-03-31T23:59:59Z")).len(), 2);
    }

    #[test]
    fn no_month_before_the_activation_earns_and_none_after_the_termination() {
        let late = course("2026-09-16T00:00:00Z", 1_000_000, None);
        let ends = ends_passed(&Zone::utc(), &late, at("2030-01-01T00:00:00Z"));
        assert_eq!(ends.first(), Some(&at("2026-10-01T00:00:00Z")));
        let all = earned(CONTRACT, &late, 0, MicroCny(1_000_000), &ends);
        assert_eq!(all.iter().map(|(_, posting)| posting.amount).sum::<i64>(), 1_000_000);
        assert_eq!(all[0].1.amount, 1_000_000 * 15 / (15 + 31 + 30 + 31));
        let ended = course("2026-01-01T00:00:00Z", 365, Some("2026-02-10T00:00:00Z"));
        let ends = ends_passed(&Zone::utc(), &ended, at("2030-01-01T00:00:00Z"));
        assert_eq!(ends, ["2026-02-01T00:00:00Z", "2026-02-10T00:00:00Z"].map(at));
        let all = earned(CONTRACT, &ended, 0, MicroCny(365), &ends);
        assert_eq!(all.iter().map(|(_, posting)| posting.amount).collect::<Vec<_>>(), [31, 9]);
        let never = course("2025-12-01T00:00:00Z", 365, Some("2025-12-24T00:00:00Z"));
        assert_eq!(ends_passed(&Zone::utc(), &never, at("2030-01-01T00:00:00Z")), []);
    }

    #[test]
    fn what_is_left_goes_to_the_center_once_and_what_comes_back_later_too() {
        let time = forfeited(CONTRACT, Unit::CardMs, 0, 7).unwrap();
        assert_eq!((time.credit, time.amount), (Account::Capacity, 7));
        let later = forfeited(CONTRACT, Unit::CardMs, 7, 3).unwrap();
        assert!(time.key.ends_with("/forfeiture/time/0-7") && later.key.ends_with("/forfeiture/time/7-10"));
        assert_eq!(forfeited(CONTRACT, Unit::MicroCny, 0, 5).unwrap().credit, Account::Forfeited);
        assert_eq!(forfeited(CONTRACT, Unit::MicroCny, 0, -2), None);
        assert_eq!(cancelled(CONTRACT, 0, 4).unwrap().credit, Account::Receivable);
        assert_eq!(cancelled(CONTRACT, 4, 0), None);
    }
}
