//! The rules of the specification, over rows of every kind of contract and every cause.

use std::collections::BTreeMap;

use base::text::Text;
use domain::{
    ContractId, ContractState, JobId, PoolId, PriceBookId, ProjectId, QueueTerms, RatePerCardHour, RunId,
    ServiceClass, TenantDomain, TenantId,
};

use super::*;
use crate::focus::{
    charge::{Bill, COLUMNS, Provider},
    rule::{CARD_HOURS, CONTRACT, WAIVER},
};

/// Columns of each row of Cost and Usage that are never null, but for those that follow.
const NEVER_NULL: [&str; 22] = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "HostProviderName",
    "InvoiceIssuerName",
    "ListCost",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
    "ServiceProviderName",
];

/// Columns that must be there and may be null.
const MAY_BE_NULL: [&str; 3] = ["ChargeClass", "PricingQuantity", "PricingUnit"];

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn contract(kind: ContractKind) -> Contract {
    Contract {
        id: ContractId::from_bytes([1; 16]),
        tenant: TenantId::from_bytes([2; 16]),
        number: "HZ,\"1\"".into(),
        kind,
        state: ContractState::Active,
        pools: Vec::new(),
        starts_at: at("2026-01-01T00:00:00Z"),
        ends_at: at("2027-01-01T00:00:00Z"),
        queue: QueueTerms {
            guaranteed_cards: 0,
            borrowing_limit: None,
            lending_limit: None,
            weight: 1,
            max_running_cards: 2,
        },
        created_at: at("2026-01-01T00:00:00Z"),
    }
}

fn run(list_rate: i64) -> RunOf {
    RunOf {
        job: JobId::from_bytes([3; 16]),
        job_name: "=train, \"fast\"".into(),
        project: ProjectId::from_bytes([4; 16]),
        project_name: "Vision".into(),
        pool: Some(PoolId::from_bytes([5; 16])),
        pool_name: "ascend-910".into(),
        class: ServiceClass::Normal,
        rate: RatePerCardHour(MicroCny(6_500_007)),
        price_book: Some(PriceBookId::from_bytes([6; 16])),
        list_rate: RatePerCardHour(MicroCny(list_rate)),
    }
}

fn kinds() -> [ContractKind; 4] {
    let fee = MicroCny(123_456_789);
    [
        ContractKind::Prepaid { package: CardMs(360_000_000), fee },
        ContractKind::Metered { credit_limit: MicroCny(0) },
        ContractKind::Reserved { cards: 2, fee },
        ContractKind::Grant { cap: None },
    ]
}

/// A row by its columns.
type Cells = BTreeMap<&'static str, String>;

fn bill(span: Span<'_>) -> Bill {
    let account = Account {
        id: TenantId::from_bytes([2; 16]),
        name: Text { zh: "某大学".into(), en: "Univ".into() },
        domain: TenantDomain::Research,
    };
    let provider = Provider { name: "算力中心".into(), issuer: "算力中心有限公司".into() };
    Bill { provider, account, from: span.from, until: span.until }
}

/// A decimal number in the fifteenth place.
fn decimal(text: &str) -> i128 {
    assert!(!text.contains(['e', 'E', '+', ',']), "{text}");
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{places:0<15}").parse().unwrap_or_else(|_| panic!("no number: {text}"))
}

/// A text as CSV reads it back.
fn unquoted(cell: &str) -> String {
    let inner = cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"'));
    inner.map_or_else(|| cell.to_owned(), |inner| inner.replace("\"\"", "\""))
}

fn assert_by_the_rules(cells: &Cells) {
    let cell = |name: &str| cells.get(name).unwrap_or_else(|| panic!("no {name}")).as_str();
    let is_null = |name: &str| cell(name).is_empty();
    for name in NEVER_NULL {
        assert!(!is_null(name), "{name}: {cells:?}");
    }
    assert!(cells.values().all(|value| value != "\"\"" && value != "null"), "{cells:?}");
    let category = cell("ChargeCategory");
    assert!(["Usage", "Purchase", "Credit", "Adjustment"].contains(&category), "{category}");
    let (is_use, is_bought) = (category == "Usage", category == "Purchase");
    let is_correction = cell("ChargeClass") == "Correction";
    assert!(is_correction || is_null("ChargeClass"));
    assert_eq!(is_correction, !is_null("x_CorrectsMonth"));
    assert_eq!((cell("BillingCurrency"), cell("ServiceSubcategory")), ("CNY", "AI Platforms"));
    assert!(["One-Time", "Recurring", "Usage-Based"].contains(&cell("ChargeFrequency")));
    assert!(!is_bought || cell("ChargeFrequency") != "Usage-Based");
    // Periods.
    let time = |name: &str| at(cell(name));
    assert!(time("ChargePeriodStart") < time("ChargePeriodEnd"), "{cells:?}");
    assert!(time("BillingPeriodStart") <= time("ChargePeriodStart"));
    assert!(time("ChargePeriodEnd") <= time("BillingPeriodEnd"));
    // Prices and quantities.
    for name in [
        "PricingQuantity",
        "PricingUnit",
        "PricingCategory",
        "SkuId",
        "SkuPriceId",
        "ListUnitPrice",
        "ContractedUnitPrice",
    ] {
        assert_eq!(!is_null(name), is_use || is_bought, "{name}: {cells:?}");
    }
    if is_use || is_bought {
        assert!([CARD_HOURS, CONTRACT, WAIVER].contains(&cell("PricingUnit")));
        assert!(["Standard", "Committed"].contains(&cell("PricingCategory")));
        for (price, cost) in [("ListUnitPrice", "ListCost"), ("ContractedUnitPrice", "ContractedCost")] {
            let unit = decimal(cell(price));
            assert!(unit >= 0, "{cells:?}");
            // Both have fifteen places; a micro-yuan is the sixth.
            let product = unit / 1_000_000_000 * decimal(cell("PricingQuantity")) / 1_000_000;
            let off = (product - decimal(cell(cost))).abs();
            assert!(is_correction || off <= 1_000_001_000, "{price}: {off} {cells:?}");
        }
    }
    // Consumption and commitments.
    let status = cell("CommitmentDiscountStatus");
    assert_eq!(!is_null("ConsumedQuantity"), is_use && status != "Unused", "{cells:?}");
    assert_eq!(is_null("ConsumedQuantity"), is_null("ConsumedUnit"));
    assert_eq!(is_null("ConsumedQuantity"), is_null("ResourceId"));
    let is_of_commitment = !is_null("CommitmentDiscountId");
    assert_eq!(!status.is_empty(), is_of_commitment && is_use, "{cells:?}");
    assert!(["", "Used", "Unused"].contains(&status));
    for name in ["CommitmentDiscountCategory", "CommitmentDiscountType", "CommitmentDiscountName"] {
        assert_eq!(!is_null(name), is_of_commitment, "{name}");
    }
    assert_eq!(is_null("CommitmentDiscountQuantity"), is_null("CommitmentDiscountUnit"));
    assert_eq!(cell("PricingCategory") == "Committed", is_of_commitment && is_use);
    assert_eq!(!is_null("ContractApplied"), !status.is_empty());
    if !is_null("ContractApplied") {
        let applied: serde_json::Value =
            serde_json::from_str(&unquoted(cell("ContractApplied"))).expect("JSON");
        let [element] = applied["Elements"].as_array().expect("elements").as_slice() else {
            panic!("{applied}")
        };
        assert_eq!(
            element["ContractCommitmentID"].as_str(),
            Some(unquoted(cell("CommitmentDiscountId")).as_str())
        );
        assert!(element["ContractCommitmentAppliedCost"].is_number(), "{applied}");
        assert!(element["ContractCommitmentAppliedQuantity"].is_number(), "{applied}");
    }
    // Costs.
    let cost = |name: &str| decimal(cell(name));
    if is_bought {
        assert_eq!(cost("EffectiveCost"), 0);
    }
    if category == "Credit" {
        for name in ["ContractedCost", "EffectiveCost", "ListCost"] {
            assert_eq!(cost(name), cost("BilledCost"), "{name}");
        }
    }
}

#[test]
fn the_columns_are_those_of_the_specification_and_ours_come_last() {
    let ours = COLUMNS.iter().position(|name| name.starts_with("x_")).expect("there are some");
    let (of_focus, own) = COLUMNS.split_at(ours);
    assert!(own.iter().all(|name| name.starts_with("x_")));
    assert!(
        of_focus
            .iter()
            .all(|name| name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphanumeric))
    );
    assert!(of_focus.is_sorted() && own.is_sorted());
    for name in NEVER_NULL.iter().chain(&MAY_BE_NULL) {
        assert!(of_focus.contains(name), "{name}");
    }
}

#[test]
fn each_row_keeps_to_the_rules_of_the_specification() {
    let zone = Zone::default();
    let month = "2026-11".parse().expect("a month");
    let (from, until) = zone.bounds(month);
    let span = Span { zone: &zone, from, until };
    let bill = bill(span);
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    for kind in kinds() {
        let contract = contract(kind);
        for cause in CauseName::ALL {
            for corrects in [None, Some(month.before())] {
                let is_of_run = matches!(cause, CauseName::Use | CauseName::Refund | CauseName::Waiver);
                let run_of = is_of_run.then(|| RunId::from_bytes([9; 16]));
                let sign = if cause == CauseName::Use { -1 } else { 1 };
                let ms = 1_300_123 * sign;
                let rate = RatePerCardHour(MicroCny(6_500_007));
                let money = match kind {
                    ContractKind::Reserved { .. } | ContractKind::Grant { .. } if is_of_run => 0,
                    _ if is_of_run => rate.charge(CardMs(ms)).expect("it fits").0,
                    _ if cause == CauseName::Forfeiture || cause == CauseName::FeeCancelled => -77_000_001,
                    _ => 77_000_001,
                };
                for list_rate in [6_500_007, 7_000_003] {
                    let key = Key { day: zone.day(from) + 3, cause, corrects, run: run_of };
                    let moved = Moved { card_ms: CardMs(ms), money: MicroCny(money) };
                    let run = run_of.map(|_| run(list_rate));
                    let Some(charge) = charge(&contract, span, key, moved, run) else { continue };
                    let billed = billing::billed(kind.name(), cause, MicroCny(money));
                    assert_eq!(charge.costs.billed, billed, "{kind:?} {cause:?}");
                    let cells = bill.cells(&charge);
                    assert_eq!(cells.len(), COLUMNS.len());
                    let cells: Cells = COLUMNS.into_iter().zip(cells).collect();
                    assert_by_the_rules(&cells);
                    let place = (cells["ChargeCategory"].clone(), cells["CommitmentDiscountStatus"].clone());
                    *seen.entry(place).or_default() += 1;
                }
            }
        }
    }
    let places: Vec<_> = seen.keys().map(|(category, status)| (category.as_str(), status.as_str())).collect();
    let want = [
        ("Adjustment", ""),
        ("Credit", ""),
        ("Purchase", ""),
        ("Usage", ""),
        ("Usage", "Unused"),
        ("Usage", "Used"),
    ];
    assert_eq!(places, want);
}

#[test]
fn what_is_billed_is_in_a_row_whatever_its_cause() {
    let zone = Zone::default();
    let (from, until) = zone.bounds("2026-11".parse().expect("a month"));
    for kind in kinds() {
        for cause in CauseName::ALL {
            let is_of_run = matches!(cause, CauseName::Use | CauseName::Refund | CauseName::Waiver);
            let key = Key { day: zone.day(from), cause, corrects: None, run: None };
            let moved = Moved { card_ms: CardMs(7), money: MicroCny(5) };
            let charge = charge(
                &contract(kind),
                Span { zone: &zone, from, until },
                key,
                moved,
                is_of_run.then(|| run(1)),
            );
            let in_rows = charge.map_or(MicroCny::ZERO, |charge| charge.costs.billed);
            assert_eq!(in_rows, billing::billed(kind.name(), cause, MicroCny(5)), "{kind:?} {cause:?}");
        }
    }
}

#[test]
fn a_term_is_spread_over_the_use_of_its_month_to_the_last_part() {
    let zone = Zone::default();
    let (from, until) = zone.bounds("2026-11".parse().expect("a month"));
    let span = Span { zone: &zone, from, until };
    let contract = contract(kinds()[2]);
    let key = |day: i64, cause| Key {
        day: zone.day(from) + day,
        cause,
        corrects: None,
        run: Some(RunId::from_bytes([9; 16])),
    };
    let used = |day: i64, cause, ms: i64| {
        let moved = Moved { card_ms: CardMs(ms), money: MicroCny::ZERO };
        charge(&contract, span, key(day, cause), moved, Some(run(1)))
    };
    let all =
        [used(0, CauseName::Use, -1_000), used(1, CauseName::Use, -3_000), used(1, CauseName::Refund, 500)];
    let mut charges: Vec<Charge> = all.into_iter().flatten().collect();
    spread_term(&contract, span, MicroCny(1_000_003), CardMs(10_000), &mut charges);
    let effective: Vec<i64> = charges.iter().map(|charge| charge.costs.effective.0).collect();
    assert_eq!(effective, [100_000, 300_000, -50_001, 650_004]);
    assert_eq!(effective.iter().sum::<i64>(), 1_000_003);
    let bill = bill(span);
    for charge in &charges {
        let cells: Cells = COLUMNS.into_iter().zip(bill.cells(charge)).collect();
        assert_by_the_rules(&cells);
    }
    let last: Cells = COLUMNS.into_iter().zip(bill.cells(&charges[3])).collect();
    assert_eq!(
        (last["CommitmentDiscountStatus"].as_str(), last["ConsumedQuantity"].as_str()),
        ("Unused", "")
    );
}
