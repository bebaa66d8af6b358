//! Vouchers amid the disorder: several on one contract, one that waits for its pot, one that ends early.

use base::{
    approval::{
        Terms as Approval,
        keep::{Asker, New, draw_up},
    },
    error::AppError,
    moment::{self, new_id},
};
use center::{center::Center, voucher::keep};
use domain::{
    ContractId, FundingId, MicroCny, Millis, ProgrammeId, Timestamp, VoucherId,
    voucher::{
        FacilityKind, FundingState, Level, Mode, Rule, Standing, TenantSize, Terms, Usage, VoucherState,
        When, due,
    },
};
use store::{
    StoreError, Tx,
    vouchers::{self, Funding, Programme, Voucher},
};

use crate::scene::caller;

const YUAN: i64 = 1_000_000;

/// Number, contract, rate, face in yuan, end, the most that all pay together.
const VOUCHERS: [(&str, &str, u32, i64, &str, u32); 5] = [
    ("V-1", "M-1", 3_000, 90, "2026-05-10T00:00:00Z", 8_000),
    ("V-2", "M-1", 6_001, 4_000, "2026-12-01T00:00:00Z", 8_000),
    ("V-3", "M-2", 10_000, 70, "2026-12-01T00:00:00Z", 10_000),
    ("V-4", "M-2", 3_333, 300, "2026-12-20T00:00:00Z", 10_000),
    // Its pot has not enough.
    ("V-5", "M-2", 5_000, 900, "2026-12-30T00:00:00Z", 10_000),
];

pub fn hand_out(center: &Center) {
    let (operator, firm) = (caller(center, "operator").member.id, caller(center, "firm").member);
    let zone = center.settings.time_zone;
    let terms =
        Approval { draft: Millis::from_hours(1), due: Millis::from_hours(1), review: Millis::from_hours(1) };
    let work = move |tx: &Tx| -> Result<(), AppError> {
        let now = moment::now();
        let programme = programme(operator, now);
        vouchers::insert_programme(tx, &programme)?;
        put_in(tx, programme.id, operator, 4_500 * YUAN, "first")?;
        let contracts = store::contracts::list_contracts(tx, None)?;
        for (number, contract, rate_bp, face, until, combined_bp) in VOUCHERS {
            let contract = contracts.iter().find(|known| known.number == contract).expect("it is there");
            let asker = Asker::Member { member: firm.id, tenant: firm.tenant };
            let answers = base::approval::Answers::new();
            let new = New {
                kind: "voucher",
                form_version: 1,
                domain: domain::TenantDomain::Enterprise,
                asker,
                answers,
            };
            let application = draw_up(tx, zone, new, now, &terms)?.application.id;
            let ids = (programme.id, firm.id, application);
            let until = until.parse().expect("an instant");
            let voucher =
                voucher(contract, number, ids, (rate_bp, combined_bp), MicroCny(face * YUAN), (now, until));
            keep::grant(tx, &voucher, now)?;
        }
        Ok(())
    };
    center.write_now(work, |_, ()| ()).expect("vouchers are handed out");
}

/// A voucher that waits for its pot.
pub fn voucher(
    contract: &domain::Contract,
    number: &str,
    (programme, declared_by, application): (ProgrammeId, domain::MemberId, domain::ApplicationId),
    (rate_bp, combined_bp): (u32, u32),
    face: MicroCny,
    (now, until_at): (Timestamp, Timestamp),
) -> Voucher {
    Voucher {
        id: new_id!(VoucherId),
        number: number.into(),
        programme,
        tenant: contract.tenant,
        contract: contract.id,
        mode: Mode::Deduct,
        application,
        amount_micro_cny: face,
        year_total_micro_cny: face,
        facility_kind: FacilityKind::Domestic,
        usage: Usage::Training,
        tenant_size: TenantSize::Large,
        declared_by,
        rule: 1,
        rate_bp,
        combined_bp,
        face_micro_cny: face,
        pools: contract.pools.clone(),
        granted_at: now,
        from_at: None,
        until_at,
        closes_at: until_at,
        state: VoucherState::Waiting,
        ended_at: None,
        reason: String::new(),
    }
}

fn programme(created_by: domain::MemberId, now: Timestamp) -> Programme {
    Programme {
        id: new_id!(ProgrammeId),
        slug: "city-2026".into(),
        name_zh: "市级算力券".into(),
        name_en: "City vouchers".into(),
        authority: "the city".into(),
        level: Level::City,
        year: 2026,
        mode: Mode::Deduct,
        pot_micro_cny: MicroCny(i64::MAX),
        starts_at: now,
        ends_at: now.plus(Millis::from_hours(24 * 365)),
        terms: Terms {
            rules: vec![Rule { when: When::default(), rate_bp: 3_000 }],
            cap_per_tenant_micro_cny: None,
            stack_with: Vec::new(),
            combined_bp: 10_000,
            exclusive_contracts: false,
            domains: Vec::new(),
        },
        created_by,
        created_at: now,
    }
}

fn put_in(
    tx: &Tx,
    programme: ProgrammeId,
    by: domain::MemberId,
    amount: i64,
    reference: &str,
) -> Result<(), AppError> {
    let now = moment::now();
    let funding = Funding {
        id: new_id!(FundingId),
        programme,
        amount_micro_cny: MicroCny(amount),
        reference: reference.into(),
        state: FundingState::Booked,
        proposed_by: by,
        proposed_at: now,
        decided_by: Some(by),
        decided_at: Some(now),
        note: String::new(),
    };
    vouchers::insert_funding(tx, &funding)?;
    keep::fund(tx, &funding, now).map(drop)
}

/// Puts money into the pot, or takes a voucher back.
pub fn touch(center: &Center, fund: bool, which: usize, amount: i64) -> Result<(), AppError> {
    let by = caller(center, "operator").member.id;
    let work = move |tx: &Tx| -> Result<(), AppError> {
        let programme = vouchers::list_programmes(tx, 1)?.remove(0);
        if fund {
            let reference = new_id!(FundingId).to_string();
            return put_in(tx, programme.id, by, amount, &reference);
        }
        let mut all = vouchers::list_all(tx)?;
        let Some(voucher) = all.get_mut(which).filter(|one| one.state == VoucherState::Active) else {
            return Ok(());
        };
        keep::end(tx, voucher, VoucherState::Revoked, "false figures", moment::now()).map(drop)
    };
    center.write_now(work, |_, ()| ())
}

/// No voucher owes anything, and nothing is lost of what was put into pots.
pub fn assert_paid(tx: &Tx) -> Result<(), StoreError> {
    let now = moment::now();
    for contract in store::contracts::list_contracts(tx, None)? {
        let all = vouchers::paying(tx, contract.id)?;
        let paid: Vec<_> = all.iter().map(|one| vouchers::paid(tx, one.id)).collect::<Result<_, _>>()?;
        let standings: Vec<_> = all.iter().zip(&paid).map(|(one, paid)| standing(one, *paid, now)).collect();
        let is: Vec<_> = paid.iter().map(|paid| paid.redeemed).collect();
        assert_eq!(due(&standings), is, "{}: {standings:?}", contract.number);
        assert_eq!(
            paid_into(tx, contract.id)?,
            is.iter().map(|paid| paid.0).sum::<i64>(),
            "{}",
            contract.number
        );
    }
    Ok(())
}

fn standing(voucher: &Voucher, paid: vouchers::Paid, now: Timestamp) -> Standing {
    Standing {
        rate_bp: voucher.rate_bp,
        face: voucher.face_micro_cny,
        base: paid.base,
        redeemed: paid.redeemed,
        is_over: voucher.state != VoucherState::Active || now >= voucher.until_at,
        combined_bp: voucher.combined_bp,
    }
}

/// What vouchers paid into a contract, less what they took back, by its entries.
fn paid_into(tx: &Tx, contract: ContractId) -> Result<i64, StoreError> {
    let entries = store::ledger::list_transfers(tx, Some(contract), 0, u32::MAX)?;
    let signed = |row: &store::ledger::TransferRow| match row.transfer.cause.code() {
        "redemption" => row.transfer.amount,
        "redemption_reversal" => -row.transfer.amount,
        _ => 0,
    };
    Ok(entries.iter().map(signed).sum())
}
