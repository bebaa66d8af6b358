//! Examples of the pages of invoices.

use base::text::Text;
use domain::{ContractId, InvoiceId, MicroCny, Timestamp, contract::ContractKindName};

use super::*;

fn view(state: InvoiceState) -> InvoiceView {
    let at = Timestamp::from_secs(1_790_000_000);
    let is_out = matches!(state, InvoiceState::Issued | InvoiceState::Reversed);
    let is_back = state == InvoiceState::Reversed;
    let said = |is_said: bool, text: &str| is_said.then(|| text.to_owned());
    InvoiceView {
        id: InvoiceId::from_bytes([7; 16]),
        request: "FP-000017".into(),
        tenant_slug: "univ".into(),
        tenant_name: Text { zh: "某大学".into(), en: "A <University>".into() },
        kind: if is_out { InvoiceKind::Special } else { InvoiceKind::Ordinary },
        title: "某<大学>".into(),
        tax_number: if is_out { "91330100799655058B".into() } else { String::new() },
        rate_bp: 600,
        email: if is_out { "fin@univ.example".into() } else { String::new() },
        note: if is_out { "by <May>".into() } else { String::new() },
        billed_micro_cny: MicroCny(106_004_999),
        amount_micro_cny: MicroCny(106_000_000),
        net_micro_cny: MicroCny(100_000_000),
        tax_micro_cny: MicroCny(6_000_000),
        rounding_micro_cny: MicroCny(if is_out { -4_999 } else { 0 }),
        state,
        requested_by: "li".into(),
        requested_at: at.into(),
        decided_by: said(is_out, "bo"),
        decided_at: (state != InvoiceState::Requested).then(|| at.into()),
        number: said(is_out, "25332000000012345678"),
        issued_on: said(is_out, "2026-12-01"),
        reason: if is_back || state == InvoiceState::Refused {
            "typed <wrongly>".into()
        } else {
            String::new()
        },
        reversed_by: said(is_back, "bo"),
        reversed_at: is_back.then(|| at.into()),
        red_number: said(is_back, "25332000000012345679"),
        confirmation: said(is_back, "33011234567890"),
        reversed_on: said(is_back, "2026-12-05"),
        is_generated: is_back,
    }
}

fn statement(number: &str, billed: i64) -> StatementOf {
    StatementOf {
        statement: number.into(),
        month: "2026-11".into(),
        contract_id: ContractId::from_bytes([7; 16]),
        contract: "HZ-1 <b>".into(),
        kind: ContractKindName::Metered,
        billed_micro_cny: MicroCny(billed),
    }
}

impl InvoicesPage {
    pub fn samples(page: &Page) -> Vec<Self> {
        let sample = |invoices, may: bool, numbers| Self {
            page: page.clone(),
            invoices,
            query: InvoicesQuery {
                state: if may { "issued".into() } else { String::new() },
                ..InvoicesQuery::default()
            },
            states: states(page.ui),
            is_of_center: may,
            shown: page.t2("shown-of", 3, 9),
            newest: if may { String::new() } else { "/invoices".into() },
            older: if may { "/invoices?cursor=FP-000002".into() } else { String::new() },
            may_request: !may,
            may_issue: may,
            numbers,
        };
        let mut wrong = Form::with(&[("table", "<b>".into())]);
        wrong.blame_by(page.ui, "table", "amount");
        let all = InvoiceState::ALL.map(view).to_vec();
        vec![
            sample(all.clone(), true, wrong),
            sample(all, false, Form::default()),
            sample(Vec::new(), false, Form::default()),
        ]
    }
}

impl NewInvoicePage {
    pub fn samples(page: &Page) -> Vec<Self> {
        let amount = |rounding| AmountView {
            billed_micro_cny: MicroCny(106_004_999),
            amount_micro_cny: MicroCny(106_000_000),
            net_micro_cny: MicroCny(100_000_000),
            tax_micro_cny: MicroCny(6_000_000),
            rounding_micro_cny: MicroCny(rounding),
        };
        let sample = |statements, tenant: &str, amount, wanted| Self {
            page: page.clone(),
            tenant: tenant.into(),
            statements,
            kinds: kinds(page.ui),
            rates: rates(&[600, 1_300]),
            amount,
            wanted,
        };
        let both = || vec![statement("2026-11-0001", 106_004_999), statement("2026-11-0002", -5)];
        let picked = || Form::with(&[("statement", "2026-11-0001".into()), ("kind", "special".into())]);
        let mut wrong = picked();
        wrong.blame_by(page.ui, "statement", "amount");
        vec![
            sample(both(), "", Some(amount(-4_999)), picked()),
            sample(both(), "univ", Some(amount(0)), picked()),
            sample(both(), "", None, wrong),
            sample(Vec::new(), "", None, Form::default()),
        ]
    }
}

impl InvoicePage {
    pub fn samples(page: &Page) -> Vec<Self> {
        let sample = |state, may: bool, typed| Self {
            page: page.clone(),
            invoice: view(state),
            statements: vec![statement("2026-11-0001", 106_004_999)],
            tenant: "A <University>".into(),
            payee: may.then(|| PayeeSettings { name: "算力<中心>".into(), ..PayeeSettings::default() }),
            may_issue: may,
            may_withdraw: state == InvoiceState::Requested && !may,
            typed,
        };
        let mut wrong = Form::with(&[("invoice_number", "12".into())]);
        wrong.blame_by(page.ui, "invoice_number", "amount");
        let each = InvoiceState::ALL.into_iter();
        let each = each.flat_map(|state| [true, false].map(|may| sample(state, may, Form::default())));
        each.chain([sample(InvoiceState::Requested, true, wrong)]).collect()
    }
}
