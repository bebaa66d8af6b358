//! Entries that a term books as it passes: fees of reserved cards, which are earned month by month, and the
//! rest of a package or grant whose term has ended.

use std::collections::BTreeSet;

use domain::{
    CardMs, Contract, ContractId, ContractState, MicroCny, Timestamp, TransferId, Zone,
    contract::ContractKind,
    ledger::{Account, Cause, Posting, Unit},
    zone::Month,
};
use store::{
    Tx,
    ledger::{self, ContractBalance},
    periods,
};

use super::states::balance;
use crate::center::Center;
use base::{error::AppError, moment::new_id};

/// The contracts of reserved cards whose fee is booked up to the beginning of a month.
#[derive(Debug, Default)]
pub struct Earned {
    month: Option<Month>,
    contracts: BTreeSet<ContractId>,
}

impl Earned {
    /// `self` for the same month, empty for another.
    fn of(self, month: Month) -> Self {
        if self.month == Some(month) { self } else { Self { month: Some(month), contracts: BTreeSet::new() } }
    }
}

/// Books what is due by `now`, any number of times. `earned` spares a look at fees that are booked for this month; with
/// an error it is gone, so that all are looked at again.
pub fn keep(center: &Center, now: Timestamp, earned: Earned) -> Result<Earned, AppError> {
    let mut earned = earned.of(center.settings.time_zone.month(now));
    let due: Vec<Contract> = {
        let live = center.live();
        let is_busy = |contract: &Contract| live.runs().any(|known| known.run.contract == contract.id);
        let known = live.contracts().map(|known| (&known.contract, known.balance));
        let is_due = |(contract, balance): &(&Contract, ContractBalance)| match contract.kind {
            ContractKind::Reserved { .. } => {
                let has_ended = contract.state.is_final();
                let is_new = !earned.contracts.contains(&contract.id);
                (is_new || has_ended) && was_activated(contract.state) && balance.money_balance.0 > 0
            }
            ContractKind::Prepaid { .. } | ContractKind::Grant { cap: Some(_) } => {
                let is_left = balance.money_balance.0 > 0 || balance.use_balance.0 > 0;
                contract.state == ContractState::Expired && is_left && !is_busy(contract)
            }
            ContractKind::Metered { .. } | ContractKind::Grant { cap: None } => false,
        };
        known.filter(is_due).map(|(contract, _)| contract.clone()).collect()
    };
    if due.is_empty() {
        return Ok(earned);
    }
    let reserved = due.iter().filter(|contract| matches!(contract.kind, ContractKind::Reserved { .. }));
    earned.contracts.extend(reserved.map(|contract| contract.id));
    let zone = center.settings.time_zone;
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
    Ok(earned)
}

/// Books what is due of one contract by `now`; its balance with it, if anything was.
pub fn book(
    tx: &Tx,
    zone: &Zone,
    contract: &Contract,
    now: Timestamp,
) -> Result<Option<ContractBalance>, AppError> {
    let before = balance(tx, contract.id)?;
    let entries = match contract.kind {
        ContractKind::Reserved { .. } if was_activated(contract.state) => {
            let posted = ledger::sum_of_cause(tx, contract.id, Cause::Term)?;
            earned(contract, posted, before.money_balance, &months_passed(zone, contract, now))
        }
        ContractKind::Prepaid { .. } | ContractKind::Grant { cap: Some(_) }
            if contract.state == ContractState::Expired =>
        {
            left(contract, before).into_iter().map(|posting| (now, posting)).collect()
        }
        _ => Vec::new(),
    };
    let open_from = periods::open_from(tx)?;
    for (at, posting) in &entries {
        let (at, corrects) = if *at < open_from { (now, Some(zone.month(*at))) } else { (*at, None) };
        ledger::post(tx, &Posting { corrects, ..posting.clone() }, new_id!(TransferId), at)?;
    }
    if entries.is_empty() { Ok(None) } else { Ok(Some(balance(tx, contract.id)?)) }
}

/// The instants at which the months of a term ended that have passed by `now`, and the term itself.
fn months_passed(zone: &Zone, contract: &Contract, now: Timestamp) -> Vec<Timestamp> {
    let mut ends = Vec::new();
    let mut at = contract.starts_at;
    while at < contract.ends_at {
        at = zone.bounds(zone.month(at)).1.min(contract.ends_at);
        if at > now {
            break;
        }
        ends.push(at);
    }
    ends
}

/// Whether a contract has been active.
fn was_activated(state: ContractState) -> bool {
    !matches!(state, ContractState::Draft | ContractState::Submitted | ContractState::Approved)
}

/// The entries for the parts of a reservation's fee that are earned by each of these instants. They go beyond
/// `posted`, in micro-yuan, and only as far as the contract's money. Each is booked a microsecond before its
/// instant.
fn earned(
    contract: &Contract,
    posted: i64,
    money: MicroCny,
    until: &[Timestamp],
) -> Vec<(Timestamp, Posting)> {
    let (mut before, mut left) = (posted, money.0);
    let mut entries = Vec::new();
    for at in until {
        let due = contract.earned_by_term(*at).0;
        let amount = (due - before).min(left);
        if amount <= 0 {
            continue;
        }
        let posting = Posting {
            key: format!("{}/term/{before}-{}", contract.id, before + amount),
            unit: Unit::MicroCny,
            debit: Account::Contract(contract.id),
            credit: Account::TermRevenue,
            amount,
            cause: Cause::Term,
            corrects: None,
        };
        (before, left) = (before + amount, left - amount);
        entries.push((Timestamp::from_micros(at.as_micros() - 1), posting));
    }
    entries
}

/// The entries that give the center the rest of a package or grant whose term has ended.
fn left(contract: &Contract, balance: ContractBalance) -> Vec<Posting> {
    let own = Account::Contract(contract.id);
    let post = |what: &str, unit, credit, amount| Posting {
        key: format!("{}/forfeiture/{what}", contract.id),
        unit,
        debit: own,
        credit,
        amount,
        cause: Cause::Forfeiture,
        corrects: None,
    };
    let CardMs(time) = balance.use_balance;
    let all = [
        post("time", Unit::CardMs, Account::Capacity, time),
        post("money", Unit::MicroCny, Account::Forfeited, balance.money_balance.0),
    ];
    all.into_iter().filter(|posting| posting.amount > 0).collect()
}

#[cfg(test)]
mod tests {
    use domain::{ContractId, Millis, PoolId, QueueTerms, TenantId};

    use super::*;

    fn reserved(fee: i64) -> Contract {
        let at = |text: &str| text.parse().unwrap();
        Contract {
            id: ContractId::from_bytes([1; 16]),
            tenant: TenantId::from_bytes([2; 16]),
            number: "R-1".into(),
            kind: ContractKind::Reserved { cards: 2, fee: MicroCny(fee) },
            pools: vec![PoolId::from_bytes([3; 16])],
            starts_at: at("2026-01-01T00:00:00Z"),
            ends_at: at("2027-01-01T00:00:00Z"),
            queue: QueueTerms {
                weight: 1,
                guaranteed_cards: 0,
                borrowing_limit: None,
                lending_limit: None,
                max_running_cards: 2,
            },
            state: ContractState::Active,
            created_at: Timestamp::default(),
        }
    }

    #[test]
    fn a_year_s_fee_is_earned_month_by_month_and_to_the_last_of_it() {
        let contract = reserved(120_000_000_001);
        let zone = Zone::utc();
        let mut ends: Vec<Timestamp> = Vec::new();
        let mut month = zone.month(contract.starts_at);
        for _ in 0..12 {
            ends.push(zone.bounds(month).1);
            month = month.next();
        }
        let MicroCny(fee) = contract.fee().unwrap();
        let all = earned(&contract, 0, MicroCny(fee), &ends);
        assert_eq!(all.len(), 12);
        assert_eq!(all.iter().map(|(_, posting)| posting.amount).sum::<i64>(), fee);
        assert!(all[0].1.amount.abs_diff(fee / 365 * 31) < 400, "{}", all[0].1.amount);
        // What was booked is not booked again, and no more than there is.
        let january = all[0].1.amount;
        assert_eq!(earned(&contract, january, MicroCny(fee - january), &ends).len(), 11);
        assert_eq!(earned(&contract, fee, MicroCny(0), &ends), []);
        assert_eq!(earned(&contract, 0, MicroCny(5), &ends)[0].1.amount, 5);
        assert_eq!(all[0].0.plus(Millis(1)).floor_millis(), ends[0].floor_millis());
    }

    #[test]
    fn what_is_left_goes_to_the_center_once() {
        let contract = reserved(1);
        let balance = ContractBalance { use_balance: CardMs(7), money_balance: MicroCny(-2) };
        let all = left(&contract, balance);
        assert_eq!(
            all.iter().map(|posting| (posting.unit, posting.amount)).collect::<Vec<_>>(),
            [(Unit::CardMs, 7)]
        );
        assert!(left(&contract, ContractBalance::default()).is_empty());
    }
}
