//! Redemption 核销: vouchers pay their share of a charge in the transaction that posts it, and take it back as the charge is.

use base::{error::AppError, moment::new_id};
use domain::{
    ContractId, MicroCny, Month, Run, RunId, Timestamp, TransferId, Zone,
    ledger::{Account, Cause, CorrectionKind, Posting, Unit},
    voucher::{Standing, VoucherCause, VoucherState, due},
};
use store::{
    Tx,
    corrections::Correction,
    ledger, runs,
    vouchers::{self, Voucher},
};

/// When an entry is posted, and the closed month that it corrects.
pub type Place = (Timestamp, Option<Month>);

/// Has the vouchers of a run's contract pay their share of a charge that was just posted for the run; below 0 it was given
/// back. Gives what they added to the contract.
pub fn charged(tx: &Tx, run: &Run, charge: MicroCny, place: Place) -> Result<MicroCny, AppError> {
    if charge.0 == 0 || !vouchers::has_paying(tx, run.contract)? {
        return Ok(MicroCny::ZERO);
    }
    let all = vouchers::paying(tx, run.contract)?;
    let Some(pool) = vouchers::pool_of_run(tx, run)? else { return Ok(MicroCny::ZERO) };
    let counted = all.iter().filter(|voucher| voucher.counts(run, pool));
    let counted: Vec<_> = counted.map(|voucher| (voucher.id, charge)).collect();
    pay(tx, run.contract, &all, &counted, place, &run.id.to_string())
}

/// The same for a correction that was just booked and gives back of a charge.
pub fn corrected(tx: &Tx, zone: &Zone, correction: &Correction, place: Place) -> Result<(), AppError> {
    let gives_back = matches!(correction.kind, CorrectionKind::CreditNote | CorrectionKind::Allowance);
    if !gives_back || !vouchers::has_paying(tx, correction.contract)? {
        return Ok(());
    }
    let all = vouchers::paying(tx, correction.contract)?;
    let subject = subject(tx, zone, &correction.corrects)?;
    let mut counted = Vec::new();
    for voucher in &all {
        if subject.is_of(tx, voucher)? {
            // A month may have more than the voucher pays for.
            let base = vouchers::paid(tx, voucher.id)?.base.0.max(0);
            counted.push((voucher.id, MicroCny(-correction.amount_micro_cny.0.min(base))));
        }
    }
    pay(tx, correction.contract, &all, &counted, place, &correction.id.to_string())?;
    Ok(())
}

/// The subject of a correction, as far as vouchers know it.
enum Subject {
    Run(Box<Run>),
    Month(Timestamp, Timestamp),
    Other,
}

fn subject(tx: &Tx, zone: &Zone, text: &str) -> Result<Subject, AppError> {
    let of_run = |id: RunId| {
        let found = runs::find_run(tx, id)?;
        Ok::<_, AppError>(found.map_or(Subject::Other, |row| Subject::Run(Box::new(row.run))))
    };
    if let Ok(id) = text.parse::<RunId>() {
        return of_run(id);
    }
    if let Ok(month) = text.parse::<Month>() {
        let (from, until) = zone.bounds(month);
        return Ok(Subject::Month(from, until));
    }
    let entry = text.parse::<i64>().ok().map(|seq| ledger::find_entry(tx, seq)).transpose()?.flatten();
    match entry.and_then(|row| row.transfer.cause.run().copied()) {
        Some(id) => of_run(id),
        None => Ok(Subject::Other),
    }
}

impl Subject {
    fn is_of(&self, tx: &Tx, voucher: &Voucher) -> Result<bool, AppError> {
        Ok(match self {
            Self::Run(run) => vouchers::pool_of_run(tx, run)?.is_some_and(|pool| voucher.counts(run, pool)),
            Self::Month(from, until) => {
                voucher.from_at.is_some_and(|begin| begin < *until) && *from < voucher.until_at
            }
            Self::Other => false,
        })
    }
}

/// Posts what each voucher has to pay more, or takes back, after these charges were added to what they pay for.
fn pay(
    tx: &Tx,
    contract: ContractId,
    all: &[Voucher],
    counted: &[(domain::VoucherId, MicroCny)],
    (at, corrects): Place,
    why: &str,
) -> Result<MicroCny, AppError> {
    if counted.is_empty() {
        return Ok(MicroCny::ZERO);
    }
    let mut standings = Vec::new();
    let mut paid = Vec::new();
    for voucher in all {
        let mut so_far = vouchers::paid(tx, voucher.id)?;
        let more = counted.iter().filter(|(id, _)| *id == voucher.id);
        so_far.base.0 += more.map(|(_, charge)| charge.0).sum::<i64>();
        standings.push(Standing {
            rate_bp: voucher.rate_bp,
            face: voucher.face_micro_cny,
            base: so_far.base,
            redeemed: so_far.redeemed,
            is_over: voucher.state != VoucherState::Active || at >= voucher.until_at,
            combined_bp: voucher.combined_bp,
        });
        paid.push(so_far);
    }
    let mut added = 0;
    for ((voucher, mut so_far), now) in all.iter().zip(paid).zip(due(&standings)) {
        let more = now.0 - so_far.redeemed.0;
        if more != 0 {
            so_far.entries += 1;
            so_far.redeemed = now;
            let posting = entry(contract, voucher, more, (so_far.entries, why), corrects);
            ledger::post(tx, &posting, new_id!(TransferId), at)?;
            added += more;
        }
        if counted.iter().any(|(id, _)| *id == voucher.id) || more != 0 {
            vouchers::set_paid(tx, voucher.id, so_far)?;
        }
    }
    Ok(MicroCny(added))
}

/// The entry by which a voucher pays, or takes back what it paid; that of one that is over goes to its pot.
fn entry(
    contract: ContractId,
    voucher: &Voucher,
    more: i64,
    (number, why): (i64, &str),
    corrects: Option<Month>,
) -> Posting {
    let own = Account::Voucher(voucher.id);
    let back = if voucher.state == VoucherState::Active { own } else { Account::Pot(voucher.programme) };
    let (debit, credit, cause) = if more > 0 {
        (own, Account::Contract(contract), VoucherCause::Redemption)
    } else {
        (Account::Contract(contract), back, VoucherCause::RedemptionReversal)
    };
    let key = format!("{}/redemption/{number}/{why}", voucher.id);
    let (unit, amount) = (Unit::MicroCny, more.abs());
    Posting { key, unit, debit, credit, amount, cause: Cause::Voucher(cause), corrects }
}
