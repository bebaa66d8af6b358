//! The pages with samples, rendered in both languages without a server.

use base::text::Text;
use domain::{
    CardMs, ClaimId, FundingId, MicroCny, ProgrammeId, Rfc3339, Timestamp, VoucherId,
    voucher::{Level, Terms, When},
};

use super::*;
use crate::voucher::evidence::ModelUse;

fn at() -> Rfc3339 {
    Timestamp::from_secs(1_790_000_000).into()
}

fn name() -> Text {
    Text { zh: "市级 <b>".into(), en: "City <b>".into() }
}

fn programme(is_full: bool) -> ProgrammeView {
    let small = When {
        facility_kind: Some(FacilityKind::Domestic),
        usage: Some(Usage::Maas),
        tenant_size: Some(TenantSize::Sme),
        year_total_le_micro_cny: Some(MicroCny::from_yuan(500_000)),
    };
    let rules = vec![Rule { when: small, rate_bp: 5_000 }, Rule { when: When::default(), rate_bp: 1_250 }];
    ProgrammeView {
        id: ProgrammeId::from_bytes([1; 16]),
        slug: "hangzhou-2026".into(),
        name: name(),
        authority: "the <city>".into(),
        level: Level::City,
        year: 2026,
        mode: if is_full { Mode::Reimburse } else { Mode::Deduct },
        starts_at: at(),
        ends_at: at(),
        terms: Terms {
            rules: if is_full { rules } else { rules[1..].to_vec() },
            cap_per_tenant_micro_cny: is_full.then(|| MicroCny::from_yuan(8_000_000)),
            stack_with: if is_full { vec!["province-2026".into()] } else { Vec::new() },
            combined_bp: 6_000,
            exclusive_contracts: true,
            domains: Vec::new(),
        },
        pot_micro_cny: MicroCny::from_yuan(250_000_000),
        funded_micro_cny: MicroCny::from_yuan(1000),
        committed_micro_cny: MicroCny::from_yuan(300),
        spent_micro_cny: MicroCny::from_yuan(100),
        left_micro_cny: MicroCny::from_yuan(600),
        waiting: 2,
    }
}

fn voucher(state: VoucherState, mode: Mode) -> VoucherView {
    VoucherView {
        id: VoucherId::from_bytes([2; 16]),
        number: "V-2026-000001".into(),
        programme: "hangzhou-2026".into(),
        programme_name: name(),
        mode,
        tenant_slug: "qianwan".into(),
        contract: "HZ-1 <b>".into(),
        state,
        place: (state == VoucherState::Waiting).then_some(3),
        amount_micro_cny: MicroCny::from_yuan(1000),
        year_total_micro_cny: MicroCny::from_yuan(2000),
        facility_kind: FacilityKind::Domestic,
        usage: Usage::Training,
        tenant_size: TenantSize::Large,
        declared_by: "ann".into(),
        rule: 1,
        rate_bp: 3_000,
        face_micro_cny: MicroCny::from_yuan(300),
        base_micro_cny: MicroCny::from_yuan(200),
        used_micro_cny: MicroCny::from_yuan(60),
        held_micro_cny: MicroCny::from_yuan(40),
        left_micro_cny: MicroCny::from_yuan(240),
        granted_at: at(),
        from_at: (state != VoucherState::Waiting).then(at),
        until_at: at(),
        reason: if state == VoucherState::Revoked { "false <figures>".into() } else { String::new() },
    }
}

fn claim(state: ClaimState) -> ClaimView {
    ClaimView {
        id: ClaimId::from_bytes([3; 16]),
        number: "VC-2026-000001".into(),
        voucher: "V-2026-000001".into(),
        programme: "hangzhou-2026".into(),
        tenant_slug: "qianwan".into(),
        contract: "HZ-1".into(),
        month: "2026-11".into(),
        state,
        eligible_micro_cny: MicroCny::from_yuan(1000),
        rate_bp: 3_000,
        amount_micro_cny: MicroCny::from_yuan(300),
        reference: if state == ClaimState::Paid { "FIN-7".into() } else { String::new() },
        created_at: at(),
    }
}

impl VouchersPage {
    pub(in crate::voucher) fn samples(page: &Page) -> Vec<Self> {
        let sample = |is_full: bool| Self {
            page: page.clone(),
            programmes: if is_full { vec![programme(true), programme(false)] } else { Vec::new() },
            vouchers: if is_full {
                VoucherState::ALL.map(|state| voucher(state, Mode::Deduct)).to_vec()
            } else {
                Vec::new()
            },
            claims: if is_full { ClaimState::ALL.map(claim).to_vec() } else { Vec::new() },
            shown: page.t2("shown-of", 4, 9),
            newest: String::new(),
            older: if is_full { "/vouchers?cursor=x".into() } else { String::new() },
            with_tenant: is_full,
            with_claims: is_full,
            may_apply: is_full,
            may_found: !is_full,
        };
        vec![sample(true), sample(false)]
    }
}

impl ProgrammePage {
    pub(in crate::voucher) fn samples(page: &Page) -> Vec<Self> {
        let funding = |state: FundingState| FundingView {
            id: FundingId::from_bytes([4; 16]),
            amount_micro_cny: MicroCny::from_yuan(1000),
            reference: "hz-12".into(),
            state,
            proposed_by: "ann".into(),
            proposed_at: at(),
            decided_by: None,
            decided_at: None,
            note: if state == FundingState::Refused { "not <ours>".into() } else { String::new() },
        };
        let sample = |is_full: bool, typed: Form| {
            let detail = ProgrammeDetail {
                programme: programme(is_full),
                findings: if is_full {
                    vec![Finding::Overlap { rule: 2, with: 1 }, Finding::Gap]
                } else {
                    Vec::new()
                },
                fundings: if is_full { FundingState::ALL.map(funding).to_vec() } else { Vec::new() },
            };
            programme_page(page.clone(), detail, [is_full; 3], typed)
        };
        let mut wrong = Form::with(&[("amount", "much".into())]);
        wrong.yuan(page.ui, "amount");
        vec![sample(true, wrong), sample(false, Form::default())]
    }
}

impl ApplyPage {
    pub(in crate::voucher) fn samples(page: &Page) -> Vec<Self> {
        let ui = page.ui;
        let quote = VoucherQuote {
            programme: "hangzhou-2026".into(),
            contract: "HZ-1".into(),
            facility_kind: FacilityKind::Other,
            year_total_micro_cny: MicroCny::from_yuan(400_000),
            rule: 1,
            rate_bp: 5_000,
            face_micro_cny: MicroCny::from_yuan(200_000),
            is_cut: true,
            would_wait: true,
            cliff: Some(Cliff {
                year_total_micro_cny: MicroCny::from_yuan(500_000),
                rate_bp: 5_000,
                rate_above_bp: 3_000,
            }),
        };
        let sample = |quote| Self {
            page: page.clone(),
            programmes: vec![Choice::new("hangzhou-2026", "City")],
            contracts: vec![Choice::new("HZ-1", "HZ-1")],
            usages: choices(ui, "usage", Usage::ALL.map(Usage::code)),
            sizes: choices(ui, "tenant-size", TenantSize::ALL.map(TenantSize::code)),
            facilities: choices(ui, "facility", FacilityKind::ALL.map(FacilityKind::code)),
            quote,
            typed: Form::default(),
        };
        vec![sample(Some(quote)), sample(None)]
    }
}

impl VoucherPage {
    pub(in crate::voucher) fn samples(page: &Page) -> Vec<Self> {
        let sample = |state, mode, claims: Vec<ClaimView>, may: bool| {
            voucher_page(page.clone(), (voucher(state, mode), claims), [may; 2], Form::default())
        };
        vec![
            sample(VoucherState::Active, Mode::Reimburse, ClaimState::ALL.map(claim).to_vec(), true),
            sample(VoucherState::Active, Mode::Reimburse, Vec::new(), false),
            sample(VoucherState::Waiting, Mode::Deduct, Vec::new(), true),
            sample(VoucherState::Revoked, Mode::Deduct, Vec::new(), true),
        ]
    }
}

impl ClaimPage {
    pub(in crate::voucher) fn samples(page: &Page) -> Vec<Self> {
        let used =
            ModelUse { card_model: "ascend-910".into(), card_ms: CardMs(7_200_000), mpflops_hours: 512 };
        let sample = |state, used: Vec<ModelUse>, steps: Vec<&'static str>| Self {
            page: page.clone(),
            claim: claim(state),
            evidence: Evidence {
                statement_sha256: "ab".repeat(32),
                eligible_micro_cny: MicroCny::from_yuan(1000),
                used,
                invoice_no: "INV-1".into(),
                payment_proof: "<ICBC> 7".into(),
                is_unrelated: true,
                declared_by: "ann".into(),
            },
            acts: vec![ActView { at: at(), by: "ann".into(), state, note: "so <it> is".into() }],
            steps,
            typed: Form::default(),
        };
        vec![
            sample(ClaimState::Audited, vec![used], vec!["pay", "reject"]),
            sample(ClaimState::Paid, Vec::new(), Vec::new()),
        ]
    }
}

#[test]
fn shares_and_compute_are_told_to_the_last_place() {
    assert_eq!([3_000, 1_250, 1, 10_000].map(|bp: u32| percent(bp)), ["30 %", "12.5 %", "0.01 %", "100 %"]);
    assert_eq!(pflops_hours(12_034), "12.034");
}
