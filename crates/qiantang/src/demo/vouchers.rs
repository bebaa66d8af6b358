//! A programme of vouchers by the rules that Hangzhou has published, and the voucher of a company, which pays its share of what
//! the company computes.

use base::{auth::Caller, error::AppError};
use center::center::Center;
use domain::{
    MicroCny, TenantDomain,
    card::Vendor,
    voucher::{FacilityKind, Level, Mode, Rule, TenantSize, Terms, When},
};
use serde_json::json;
use service::{
    application::ask::{self as desk, NewVerdict},
    voucher::{
        ask,
        programme::{self, FundingDecision, NewFunding, NewProgramme},
    },
};

use super::people::caller;

const PROGRAMME: &str = "hangzhou-vouchers";
/// The company's metered contract.
const CONTRACT: &str = "QT-2022-001";

/// Founds the programme, fills its pot, and has the company apply. Gives nothing where the cards are of neither kind that the
/// rules know, as a cluster's may be.
pub async fn hand_out(center: &Center, operator: &Caller) -> Result<Option<String>, AppError> {
    let is_known = |pool: &store::pools::Pool| pool.model.vendor == Vendor::Ascend;
    if !center.live().pools().all(is_known) {
        return Ok(None);
    }
    let now = base::moment::now();
    let year = center.settings.time_zone.date(now);
    let new = NewProgramme {
        slug: PROGRAMME.into(),
        name_zh: "杭州市算力券".into(),
        name_en: "Hangzhou computing vouchers".into(),
        authority: "杭州市数据资源管理局".into(),
        level: Level::City,
        year: year.get(..4).and_then(|year| year.parse().ok()).unwrap_or_default(),
        mode: Mode::Deduct,
        pot_micro_cny: MicroCny::from_yuan(250_000_000).0,
        starts_at: now.minus(domain::Millis::from_hours(24)).to_string(),
        ends_at: now.plus(domain::Millis::from_hours(365 * 24)).to_string(),
        terms: terms(),
    };
    programme::create(center, operator, new).await?;
    let amount_micro_cny = MicroCny::from_yuan(1_000_000).0;
    let new = NewFunding { amount_micro_cny, reference: "杭数资〔2025〕12 号".into() };
    let funding = programme::propose_funding(center, operator, PROGRAMME, new).await?;
    let second = caller(center, "operator-2").await?;
    let book = FundingDecision { book: true, note: String::new() };
    programme::decide_funding(center, &second, &funding.id.to_string(), book).await?;

    let finance = caller(center, "xixi-build-finance").await?;
    let answers = json!({ "programme": PROGRAMME, "contract": CONTRACT, "usage": "training",
        "tenant_size": "large", "amount_yuan": 10_000 });
    let answers = answers.as_object().cloned().unwrap_or_default();
    let applied = ask::apply(center, &finance, &answers).await?;
    for reviewer in [&caller(center, "contracts").await?, operator] {
        let yes = NewVerdict { verdict: "approve".into(), ..NewVerdict::default() };
        desk::judge(center, reviewer, &applied.number, yes).await?;
    }
    let vouchers = ask::list(center, &finance, ask::VoucherQuery::default()).await?;
    Ok(vouchers.items.into_iter().next().map(|voucher| voucher.number))
}

/// Of the city's measures of June 2025: 30 % on domestic cards, 20 % on others, 50 % for small firms up to 500,000 yuan a year,
/// 8 million a company and year.
fn terms() -> Terms {
    let small = When {
        tenant_size: Some(TenantSize::Sme),
        year_total_le_micro_cny: Some(MicroCny::from_yuan(500_000)),
        ..When::default()
    };
    let domestic = When { facility_kind: Some(FacilityKind::Domestic), ..When::default() };
    Terms {
        rules: vec![
            Rule { when: small, rate_bp: 5_000 },
            Rule { when: domestic, rate_bp: 3_000 },
            Rule { when: When::default(), rate_bp: 2_000 },
        ],
        cap_per_tenant_micro_cny: Some(MicroCny::from_yuan(8_000_000)),
        stack_with: Vec::new(),
        combined_bp: 10_000,
        exclusive_contracts: true,
        domains: vec![TenantDomain::Enterprise],
    }
}
