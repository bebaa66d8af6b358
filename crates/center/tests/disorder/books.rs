//! The invariants of the books, after each step.

use std::collections::{BTreeMap, BTreeSet};

use center::app::statements;
use domain::{
    ContractId, ContractState, Month, Timestamp, Zone,
    contract::Funds,
    ledger::{Account, CorrectionKind, Unit},
};
use store::{
    Store, StoreError, Tx,
    chain::{self, Given},
    contracts,
    corrections::{self, CorrectionState},
    ledger, periods,
};

use crate::world::World;

/// The books as they were at the step before.
#[derive(Debug, Default)]
pub struct Seen {
    /// The bytes of each statement that was given out.
    given_out: BTreeMap<String, String>,
    last_transfer: i64,
    /// From when on entries may be posted.
    open_from: Option<Timestamp>,
}

/// Holds at every step. The statements are those of one contract, or of all.
pub fn assert_right(world: &mut World, zone: &Zone, contract: Option<ContractId>) {
    let seen = std::mem::take(&mut world.seen);
    world.seen = world.center().store.read(move |tx| look(tx, &seen)).expect("the books are read");
    let balances = world.center().store.read(ledger::balances_of_contracts).expect("balances");
    let center = world.center();
    let live = center.live();
    for known in live.contracts() {
        let kept = balances.get(&known.contract.id).copied().unwrap_or_default();
        assert_eq!(known.balance, kept, "what is live of {} is what is kept", known.contract.number);
    }
    // What is live of budgets is what the ledger has, whatever was posted, given back, closed or started anew.
    for known in live.budgets() {
        let (tenant, whose) = (known.budget.tenant, known.budget.whose);
        let (from, until) = (known.stretch.from, center::budget::books::until(known.stretch));
        let kept =
            center.store.read(move |tx| center::budget::rows::spent(tx, tenant, from, until)).expect("sums");
        let kept = kept.get(&whose).copied().unwrap_or_default();
        assert_eq!((known.spent.used, known.spent.charged), (kept.used, kept.charged), "{:?}", known.budget);
    }
    drop(live);
    let now = base::moment::now();
    let issuer = statements::Issuer { zone: zone.clone(), ..statements::Issuer::of(&center.settings) };
    let months = world.center().store.read(|tx| add_up(tx, &issuer, now, contract)).expect("statements");
    assert!(months > 0);
}

fn look(tx: &Tx, seen: &Seen) -> Result<Seen, StoreError> {
    let report = ledger::verify(tx)?;
    assert!(report.is_right() && report.faults.is_empty(), "{:#?}", report.faults);
    let mut sums: BTreeMap<Unit, i64> = BTreeMap::new();
    for turnover in ledger::turnovers_of_center(tx)? {
        *sums.entry(turnover.unit).or_default() += turnover.credits - turnover.debits;
    }
    let balances = ledger::balances_of_contracts(tx)?;
    for balance in balances.values() {
        *sums.entry(Unit::CardMs).or_default() += balance.use_balance.0;
        *sums.entry(Unit::MicroCny).or_default() += balance.money_balance.0;
    }
    assert!(sums.values().all(|sum| *sum == 0), "accounts sum to 0: {sums:?}");

    for contract in contracts::list_contracts(tx, None)? {
        let left = balances.get(&contract.id).copied().unwrap_or_default();
        let funds = Funds::of(contract.kind, left.use_balance, left.money_balance);
        let is_wrong = contract.state == ContractState::Exhausted && !funds.is_exhausted();
        assert!(!is_wrong, "{} is exhausted and has {funds:?}", contract.number);
    }

    crate::vouchers::assert_paid(tx)?;

    let mut last_transfer = seen.last_transfer;
    for row in ledger::list_transfers(tx, None, seen.last_transfer, u32::MAX)? {
        last_transfer = row.seq;
        let is_late = seen.open_from.is_some_and(|from| row.transfer.at < from);
        assert!(!is_late, "{:?} is posted into a closed month", row.transfer);
    }

    let mut taken_back = BTreeSet::new();
    for correction in corrections::list(tx, None, u32::MAX)? {
        let is_reversal = correction.kind == CorrectionKind::Reversal;
        if is_reversal && correction.state == CorrectionState::Booked {
            let reference = correction.corrects;
            assert!(taken_back.insert(reference.clone()), "{reference} is taken back twice");
        }
    }

    let mut given_out = BTreeMap::new();
    for period in periods::list(tx)? {
        for frozen in periods::list_statements(tx, period.month)? {
            given_out.insert(frozen.number, frozen.body);
        }
    }
    for (number, body) in &seen.given_out {
        assert_eq!(given_out.get(number), Some(body), "{number} has changed");
    }
    let open_from = periods::last(tx)?.map(|period| period.until);
    Ok(Seen { given_out, last_transfer, open_from })
}

/// The opening balance and the lines of each month are its closing balance, which is the next one's opening, and the last one's
/// that of the ledger. Says how many statements there are.
fn add_up(
    tx: &Tx,
    issuer: &statements::Issuer,
    now: Timestamp,
    only: Option<ContractId>,
) -> Result<usize, StoreError> {
    let zone = &issuer.zone;
    let Some(first) = periods::first_entry(tx)? else { return Ok(1) };
    let this = zone.month(now);
    let months: Vec<Month> = std::iter::successors(Some(zone.month(first)), |month| Some(month.next()))
        .take_while(|month| *month <= this)
        .collect();
    let mut count = 0;
    let all = contracts::list_contracts(tx, None)?.into_iter();
    for contract in all.filter(|contract| only.is_none_or(|only| only == contract.id)) {
        let mut opening = statements::Balances::default();
        for month in &months {
            let made = statements::make_with(tx, issuer, &contract, *month, Vec::new())?;
            assert!(made.adds_up(), "{} of {month}: {made:?}", contract.number);
            assert_eq!(made.opening, opening, "{} of {month}", contract.number);
            opening = made.closing;
            count += 1;
            if let Some(frozen) = periods::find_statement(tx, contract.id, *month)? {
                let kept: statements::Statement = serde_json::from_str(&frozen.body).expect("a statement");
                let of = |one: &statements::Statement| (one.opening, one.closing);
                assert_eq!(of(&kept), of(&made), "{} is what is posted", frozen.number);
            }
        }
        let account = Account::Contract(contract.id);
        assert_eq!(opening.micro_cny.0, ledger::balance(tx, account, Unit::MicroCny)?, "{}", contract.number);
        assert_eq!(opening.card_ms.0, ledger::balance(tx, account, Unit::CardMs)?, "{}", contract.number);
    }
    Ok(count)
}

/// The chain has all, and nothing else.
pub fn assert_sealed(store: &Store) {
    let report = store.read(|tx| chain::verify(tx, Given::default())).expect("the chain is read");
    assert!(report.is_clean, "{:#?}", report.faults);
}
