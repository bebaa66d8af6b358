//! The face of a voucher, from its pot and back: granted, given when the pot has it, and taken back when it ends.

use base::{
    audit::{self, Change},
    error::AppError,
    events::{self, About, Event},
    moment::new_id,
};
use domain::{
    MicroCny, ProgrammeId, Timestamp, TransferId,
    ledger::{Account, Cause, Posting, Unit},
    voucher::{FundingState, VoucherCause, VoucherState},
};
use serde_json::json;
use store::{
    Tx, ledger,
    vouchers::{self, Funding, Voucher},
};

use super::{CHANGED, EXPIRE, ISSUE};
use crate::{center::Center, wakers::METER};

/// The most vouchers that end in one transaction.
const END_AT_ONCE: u32 = 100;

/// What a pot has that is neither committed nor spent.
pub fn left_in_pot(tx: &Tx, programme: ProgrammeId) -> Result<MicroCny, AppError> {
    Ok(MicroCny(ledger::balance(tx, Account::Pot(programme), Unit::MicroCny)?))
}

/// What a voucher has left of its face.
pub fn left_of(tx: &Tx, voucher: &Voucher) -> Result<MicroCny, AppError> {
    Ok(MicroCny(ledger::balance(tx, Account::Voucher(voucher.id), Unit::MicroCny)?))
}

fn move_money(
    tx: &Tx,
    (debit, credit): (Account, Account),
    amount: MicroCny,
    (cause, key): (VoucherCause, String),
    now: Timestamp,
) -> Result<(), AppError> {
    let (unit, cause) = (Unit::MicroCny, Cause::Voucher(cause));
    let posting = Posting { key, unit, debit, credit, amount: amount.0, cause, corrects: None };
    ledger::post(tx, &posting, new_id!(TransferId), now)?;
    Ok(())
}

fn tell(tx: &Tx, voucher: &Voucher, now: Timestamp) -> Result<Event, AppError> {
    let about = About { tenant: Some(voucher.tenant), ..About::default() };
    let data = json!({ "number": voucher.number, "state": voucher.state });
    events::record(tx, now, about, CHANGED, data)
}

/// Puts money that was decided into its pot, and gives what waits for it its face.
pub fn fund(tx: &Tx, funding: &Funding, now: Timestamp) -> Result<Vec<Event>, AppError> {
    debug_assert_eq!(funding.state, FundingState::Booked);
    let accounts = (Account::Pledged, Account::Pot(funding.programme));
    let why = (VoucherCause::Funding, funding.id.to_string());
    move_money(tx, accounts, funding.amount_micro_cny, why, now)?;
    give_faces(tx, funding.programme, now)
}

/// Grants a voucher: it is last in the line for its pot, and has its face at once where there is enough for all.
pub fn grant(tx: &Tx, voucher: &Voucher, now: Timestamp) -> Result<Vec<Event>, AppError> {
    debug_assert_eq!(voucher.state, VoucherState::Waiting);
    vouchers::insert(tx, voucher)?;
    let mut events = vec![tell(tx, voucher, now)?];
    events.extend(give_faces(tx, voucher.programme, now)?);
    Ok(events)
}

/// Gives the vouchers that wait their faces, in the order in which they were granted, as far as the pot goes. None is passed
/// over for a smaller one.
fn give_faces(tx: &Tx, programme: ProgrammeId, now: Timestamp) -> Result<Vec<Event>, AppError> {
    let mut events = Vec::new();
    for mut voucher in vouchers::waiting(tx, programme)? {
        if voucher.until_at <= now {
            continue;
        }
        if left_in_pot(tx, programme)? < voucher.face_micro_cny {
            break;
        }
        let accounts = (Account::Pot(programme), Account::Voucher(voucher.id));
        let why = (VoucherCause::Issue, format!("{}/issue", voucher.id));
        move_money(tx, accounts, voucher.face_micro_cny, why, now)?;
        (voucher.state, voucher.from_at) = (VoucherState::Active, Some(now));
        vouchers::set_state(tx, &voucher)?;
        let detail = json!({ "number": voucher.number, "amount_micro_cny": voucher.face_micro_cny });
        let (tenant, subject) = (Some(voucher.tenant), voucher.id.to_string());
        audit::record_own(tx, Change { tenant, action: ISSUE, subject, detail })?;
        events.push(tell(tx, &voucher, now)?);
    }
    Ok(events)
}

/// Ends a voucher. What is left of it goes back to the pot, but what claims that are under way keep, and to whoever waits.
pub fn end(
    tx: &Tx,
    voucher: &mut Voucher,
    state: VoucherState,
    reason: &str,
    now: Timestamp,
) -> Result<(MicroCny, Vec<Event>), AppError> {
    (voucher.state, voucher.ended_at) = (state, Some(now));
    reason.clone_into(&mut voucher.reason);
    vouchers::set_state(tx, voucher)?;
    let mut events = vec![tell(tx, voucher, now)?];
    let (back, more) = give_back(tx, voucher, now)?;
    events.extend(more);
    Ok((back, events))
}

/// Gives back to the pot what an ended voucher has and no claim keeps.
pub fn give_back(tx: &Tx, voucher: &Voucher, now: Timestamp) -> Result<(MicroCny, Vec<Event>), AppError> {
    let has = left_of(tx, voucher)?;
    let keeps = vouchers::held(tx, voucher.id)?;
    let back = MicroCny(has.0 - keeps.0);
    if back.0 > 0 {
        let accounts = (Account::Voucher(voucher.id), Account::Pot(voucher.programme));
        let key = format!("{}/return/{}-{}", voucher.id, has.0, keeps.0);
        move_money(tx, accounts, back, (VoucherCause::Return, key), now)?;
    }
    Ok((back, give_faces(tx, voucher.programme, now)?))
}

/// Pays a claim out of its voucher: the authority has paid the tenant.
pub fn reimburse(
    tx: &Tx,
    voucher: &Voucher,
    claim: &str,
    amount: MicroCny,
    now: Timestamp,
) -> Result<(), AppError> {
    let accounts = (Account::Voucher(voucher.id), Account::Reimbursed);
    let why = (VoucherCause::Reimbursement, format!("{}/claim/{claim}", voucher.id));
    move_money(tx, accounts, amount, why, now)
}

/// Books that what was paid on a claim came back: it is the pot's again.
pub fn recover(
    tx: &Tx,
    voucher: &Voucher,
    claim: &str,
    amount: MicroCny,
    now: Timestamp,
) -> Result<Vec<Event>, AppError> {
    let accounts = (Account::Reimbursed, Account::Pot(voucher.programme));
    let why = (VoucherCause::Recovery, format!("{}/recovery/{claim}", voucher.id));
    move_money(tx, accounts, amount, why, now)?;
    give_faces(tx, voucher.programme, now)
}

/// Ends the vouchers whose time is over.
pub fn expire(center: &Center, now: Timestamp) {
    let work = move |tx: &Tx| -> Result<Vec<Event>, AppError> {
        let mut all = Vec::new();
        for mut voucher in vouchers::over(tx, now, END_AT_ONCE)? {
            let (back, events) = end(tx, &mut voucher, VoucherState::Expired, "", now)?;
            let detail =
                json!({ "number": voucher.number, "state": voucher.state, "amount_micro_cny": back });
            let (tenant, subject) = (Some(voucher.tenant), voucher.id.to_string());
            audit::record_own(tx, Change { tenant, action: EXPIRE, subject, detail })?;
            all.extend(events);
        }
        Ok(all)
    };
    // Most of the time there is none: a look is cheaper than a write.
    let is_due = center.read_now(move |tx| Ok::<_, AppError>(!vouchers::over(tx, now, 1)?.is_empty()));
    let done = is_due.and_then(|is_due| {
        if !is_due {
            return Ok(());
        }
        let told =
            |center: &Center, events: &Vec<Event>| events.iter().for_each(|event| center.tell(event.clone()));
        center.write_now(work, told).map(drop)
    });
    if let Err(error) = done {
        tracing::error!(%error, "failed to end vouchers whose time is over; it is tried again");
        center.loops.failed(METER, &error);
    }
}
