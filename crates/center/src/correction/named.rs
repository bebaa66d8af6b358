//! The subject of a correction: a payment, a run, an entry, a month or the contract itself. A text that names
//! nothing of the contract's is refused, so that every correction leads to its subject.

use domain::{
    Contract, MicroCny, Month, RunId, Timestamp, Zone,
    ledger::{Account, CorrectionKind, Unit},
};
use store::{
    StoreError, Tx,
    corrections::{self, Correction},
    ledger, payments, periods, runs,
};

use super::rule::Named;

/// The subject that a correction's `corrects` names, and the closed month to which it belongs, if any.
pub type Found = (Named, Option<Month>);

/// Finds what a correction of the contract names. Nothing where it is no thing of the contract's, or of a month to come.
pub fn find(
    tx: &Tx,
    zone: &Zone,
    correction: &Correction,
    contract: &Contract,
    now: Timestamp,
) -> Result<Option<Found>, StoreError> {
    use CorrectionKind as K;
    let text = &*correction.corrects;
    if !matches!(correction.kind, K::CreditNote | K::Allowance) {
        let payment = payments::find(tx, text)?.filter(|payment| payment.contract == contract.id);
        if let Some(payment) = payment {
            let named = Named::Payment(payment.purpose, payment.amount_micro_cny, payment.card_ms);
            return Ok(Some((named, periods::closed_at(tx, payment.booked_at)?)));
        }
        if correction.kind == K::Reversal {
            return Ok(None);
        }
        if text == contract.number || text == contract.id.to_string() {
            return Ok(Some((Named::Whole, None)));
        }
    }
    let Some((charged, month)) = charge(tx, zone, text, contract, now)? else { return Ok(None) };
    Ok(Some((Named::Charge { left: charged }, month)))
}

/// The charge of a run, a month or an entry, less the amounts given back of it, with the closed month to
/// which it belongs. `None` where the text names none of these of the contract's, or a month to come.
fn charge(
    tx: &Tx,
    zone: &Zone,
    text: &str,
    contract: &Contract,
    now: Timestamp,
) -> Result<Option<(MicroCny, Option<Month>)>, StoreError> {
    if let Ok(id) = text.parse::<RunId>() {
        return run(tx, id, contract, now);
    }
    if let Ok(month) = text.parse::<Month>() {
        if month > zone.month(now) {
            return Ok(None);
        }
        let (from, until) = zone.bounds(month);
        let left = earned(tx, contract, Some((month, from, until)))?;
        return Ok(Some((left, periods::find(tx, month)?.map(|period| period.month))));
    }
    let seq = text.parse::<i64>().ok().filter(|seq| seq.to_string() == text);
    let Some(found) = seq.map(|seq| ledger::find_entry(tx, seq)).transpose()?.flatten() else {
        return Ok(None);
    };
    let entry = found.transfer;
    let own = Account::Contract(contract.id);
    if entry.debit != own && entry.credit != own {
        return Ok(None);
    }
    // An entry of a run's use and the run itself are one charge, which is given back once.
    if let Some(id) = entry.cause.run() {
        let of_run = run(tx, *id, contract, now)?;
        return Ok(of_run.map(|(left, month)| (left.min(MicroCny(entry.amount)), entry.corrects.or(month))));
    }
    let is_charge = entry.debit == own
        && entry.unit == Unit::MicroCny
        && matches!(entry.credit, Account::Revenue | Account::TermRevenue);
    let charged = if is_charge { entry.amount } else { 0 };
    let left = charged - corrections::given_back(tx, contract.id, text)?.0;
    Ok(Some((MicroCny(left), entry.corrects.or(periods::closed_at(tx, entry.at)?))))
}

/// The charge of a run of the contract, less the amounts given back of the run and of its entries.
fn run(
    tx: &Tx,
    id: RunId,
    contract: &Contract,
    now: Timestamp,
) -> Result<Option<(MicroCny, Option<Month>)>, StoreError> {
    let Some(found) = runs::find_run(tx, id)?.filter(|found| found.run.contract == contract.id) else {
        return Ok(None);
    };
    let at = found.run.state.ended_at().unwrap_or(now);
    let left = found.metered.charged.0 - corrections::given_back_of_run(tx, contract.id, id)?.0;
    Ok(Some((MicroCny(left), periods::closed_at(tx, at)?)))
}

/// The charges of a contract, in all or in a month, less the amounts waived, given back and corrected.
pub fn earned(
    tx: &Tx,
    contract: &Contract,
    of: Option<(Month, Timestamp, Timestamp)>,
) -> Result<MicroCny, StoreError> {
    let from = [Account::Revenue, Account::TermRevenue, Account::Waived];
    let moved = from.into_iter().map(|account| ledger::moved_between(tx, contract.id, account, of));
    Ok(MicroCny(moved.sum::<Result<i64, StoreError>>()?))
}
