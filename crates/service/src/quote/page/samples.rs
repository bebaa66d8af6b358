//! Samples of the pages of quotes, for tests; and what their form reads.

use domain::{CardMs, MicroCny, PriceBookId, QuoteId, RatePerCardHour, TenantDomain, Timestamp};

use super::*;
use crate::quote::ask::LineView;

pub fn quote(state: QuoteState, kind: ContractKindName, discount_bp: u32) -> QuoteView {
    let at = Timestamp::from_secs(1_790_000_000).into();
    let line = LineView {
        pool: "ascend <910>".into(),
        service_class: ServiceClass::Normal,
        cards: 8,
        card_ms: CardMs(3_600_000_000),
        rate_micro_cny_per_card_hour: RatePerCardHour(MicroCny(12_000_000)),
        discount_bp,
        amount_micro_cny: MicroCny(9_000_000_000),
    };
    let is_new = state == QuoteState::Draft;
    QuoteView {
        id: QuoteId::from_bytes([3; 16]),
        number: "Q-2026-000017".into(),
        tenant: (!is_new).then(|| "univ".to_owned()),
        application: is_new.then(|| "A-2026-000017".to_owned()),
        customer: "<Univ>".into(),
        domain: TenantDomain::Research,
        kind,
        lines: vec![line],
        amount_micro_cny: MicroCny(9_000_000_000),
        listed_micro_cny: MicroCny(12_000_000_000),
        credit_limit_micro_cny: MicroCny(5_000_000),
        discount_bp,
        price_book: "2026 & H2".into(),
        price_book_id: PriceBookId::from_bytes([4; 16]),
        starts_at: at,
        ends_at: at,
        valid_until: at,
        note: if is_new { String::new() } else { "as <agreed>".into() },
        state,
        drawn_at: at,
        drawn_by: is_new.then(|| "li".to_owned()),
        granted_by: (is_new && discount_bp > 0).then(|| "wang".to_owned()),
        sent_at: (!is_new).then_some(at),
        ended_at: None,
        contract_id: (state == QuoteState::Accepted).then(|| domain::ContractId::from_bytes([5; 16])),
        contract: (state == QuoteState::Accepted).then(|| "C-2026-000017".to_owned()),
    }
}

impl QuotesPage {
    pub fn samples(page: &Page) -> Vec<Self> {
        let sample = |quotes: Vec<QuoteView>| Self {
            page: page.clone(),
            states: vec![Choice::new("sent", page.word("quote-state", "sent"))],
            state: if quotes.is_empty() { "sent".into() } else { String::new() },
            may_draw_up: !quotes.is_empty(),
            shown: page.t2("shown-of", 1, 1),
            newest: String::new(),
            older: if quotes.is_empty() { String::new() } else { "/quotes?cursor=x".into() },
            quotes,
        };
        let all = QuoteState::ALL.map(|state| quote(state, ContractKindName::Prepaid, 0));
        vec![sample(all.into()), sample(Vec::new())]
    }
}

impl NewPage {
    pub fn samples(page: &Page) -> Vec<Self> {
        let sample = |form: Form| Self {
            page: page.clone(),
            form,
            kinds: ContractKindName::ALL.map(ContractKindName::code),
            tenants: vec![Choice::new("univ", "Univ <1>")],
            pools: vec![Choice::new("npu", "npu")],
            classes: vec![Choice::new("normal", page.word("class", "normal"))],
            rows: (1..=LINES).map(row).collect(),
        };
        let mut wrong = Form::with(&[("discount-1", "x".into()), ("kind", "metered".into())]);
        read(page.ui, &mut wrong);
        vec![sample(Form::with(&[("kind", "prepaid".into())])), sample(wrong)]
    }
}

impl QuotePage {
    pub fn samples(page: &Page) -> Vec<Self> {
        let sample = |quote: QuoteView, is_open: bool| Self {
            page: page.clone(),
            form: Form::default(),
            may_send: is_open,
            may_grant: is_open,
            may_withdraw: is_open,
            may_accept: is_open,
            is_center: quote.drawn_by.is_some(),
            sheet: Sheet::of(page.ui, quote),
        };
        let mut samples: Vec<Self> =
            ContractKindName::ALL.map(|kind| sample(quote(QuoteState::Draft, kind, 2500), true)).into();
        samples.push(sample(quote(QuoteState::Accepted, ContractKindName::Prepaid, 0), false));
        if let Some(first) = samples.first_mut() {
            first.form.notice = "no".into();
        }
        samples
    }
}

impl ApplicantQuotePage {
    pub fn samples(page: &Page) -> Vec<Self> {
        let sample = |state: QuoteState| Self {
            page: page.clone(),
            sheet: Sheet::of(page.ui, quote(state, ContractKindName::Reserved, 500)),
            form: Form::default(),
            of: "A-2026-000017".into(),
            secret: "s3cret".into(),
            may_accept: state == QuoteState::Sent,
        };
        vec![sample(QuoteState::Sent), sample(QuoteState::Withdrawn)]
    }
}

#[test]
fn what_is_typed_is_read_line_by_line() {
    let ui = Ui::of(domain::Lang::En);
    let filled = |more: &[(&str, &str)]| {
        let mut values: Vec<(&str, String)> =
            more.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        for (name, value) in [
            ("tenant", "univ"),
            ("kind", "prepaid"),
            ("pool-1", "npu"),
            ("class-1", "normal"),
            ("cards-1", "8"),
            ("hours-1", "1,000"),
            ("discount-1", "12.5 %"),
            ("starts", "2026-12-01"),
            ("ends", "2027-12-01"),
        ] {
            if !values.iter().any(|(known, _)| *known == name) {
                values.push((name, value.to_owned()));
            }
        }
        Form::with(&values)
    };
    let mut form = filled(&[]);
    let new = read(ui, &mut form);
    assert!(form.is_good(), "{form:?}");
    let [line] = &new.lines[..] else { panic!("{new:?}") };
    assert_eq!((line.cards, line.card_ms, line.discount_bp), (8, Some(3_600_000_000), 1250));
    for (name, value, at) in [
        ("tenant", "", "tenant"),
        ("application", "A-1", "tenant"),
        ("pool-1", "", "pool-1"),
        ("cards-1", "0", "cards-1"),
        ("hours-1", "-1", "hours-1"),
        ("discount-1", "101", "discount-1"),
        ("discount-1", "1.234", "discount-1"),
        ("ends", "2026-12-01", "ends"),
        ("valid", "soon", "valid"),
    ] {
        let mut form = filled(&[(name, value)]);
        read(ui, &mut form);
        assert!(!form.problem(at).is_empty(), "{name}={value}: {form:?}");
    }
}
