//! Two strangers come to the front door: a company that is asked back and sends its application again, and a department. Two
//! people decide each, and both become tenants. Each is made an offer and accepts it, and both sides sign the contracts: a package
//! of the company's, and a trial of the department's, which is about to end and is renewed.

use base::{approval::Answers, auth::Caller, error::AppError, moment};
use center::{
    app::{
        contracts as known_contracts,
        members::{self, NewMember},
    },
    center::Center,
    signing::ask::{self as signing, NewSignature, Renewal},
};
use domain::{CardMs, Millis, ServiceClass, TenantDomain, contract::ContractKindName};
use serde_json::json;
use service::{
    application::{
        account,
        ask::{self as desk, NewVerdict},
    },
    onboarding::ask::{self as door, Act, DrawnUp},
    quote::ask::{self as quotes, NewLine, NewQuote},
};

use super::{options::PASSWORD, people::caller};

/// The addresses that the strangers come from.
const FROM: [&str; 2] = ["192.0.2.10", "192.0.2.20"];

/// What came of the opening day at the front door.
#[derive(Debug)]
pub struct Opened {
    /// The numbers of the applications.
    pub company: String,
    pub office: String,
    /// The company's quote, and the contract that both sides signed.
    pub quote: String,
    pub contract: String,
    /// The department's trial, signed like the company's, and the draft that goes on after it.
    pub trial: String,
    pub renewal: String,
}

/// What somebody who applies is offered.
struct Offer {
    kind: ContractKindName,
    cards: u32,
    card_hours: i64,
    discount_bp: u32,
    days: i64,
}

const PACKAGE: Offer =
    Offer { kind: ContractKindName::Prepaid, cards: 16, card_hours: 2_000, discount_bp: 500, days: 365 };
/// Short enough to be renewed at once.
const TRIAL: Offer =
    Offer { kind: ContractKindName::Grant, cards: 8, card_hours: 500, discount_bp: 0, days: 20 };

/// Lets them apply, and the center's people decide.
pub async fn open(center: &Center, operator: &Caller) -> Result<Opened, AppError> {
    let mut people = Vec::new();
    for (login, role) in [("contracts", "contracts"), ("operator-2", "operator")] {
        let new = NewMember {
            login: login.into(),
            name: Some(login.into()),
            role: role.into(),
            password: Some(PASSWORD.into()),
            tenant: None,
        };
        members::create(center, operator, new).await?;
        people.push(caller(center, login).await?);
    }
    let [contracts, second] = &people[..] else { return Err(AppError::internal("two people were made")) };

    let company =
        apply(center, FROM[0], TenantDomain::Enterprise, company("训练模型 · training models")).await?;
    let back = NewVerdict {
        verdict: "return".into(),
        reason: "请说明训练数据的来源 · Please say where the training data comes from.".into(),
        ..NewVerdict::default()
    };
    desk::judge(center, contracts, &company.number, back).await?;
    let mended =
        self::company("以公开的分子数据库训练分子性质预测模型 · molecule properties, from public databases");
    let of_company = (company.number.as_str(), company.secret.as_str());
    door::change(center, FROM[0], of_company, Act::HandIn, &mended).await?;
    let quote = quoted(center, contracts, (FROM[0], of_company), &PACKAGE).await?;
    approve(center, &[contracts, operator], &company.number).await?;

    let office = apply(center, FROM[1], TenantDomain::Government, office()).await?;
    let of_office = (office.number.as_str(), office.secret.as_str());
    let offered = quoted(center, contracts, (FROM[1], of_office), &TRIAL).await?;
    approve(center, &[operator, second], &office.number).await?;
    for (from, drawn) in FROM.iter().zip([&company, &office]) {
        account::set_password(center, from, (&drawn.number, &drawn.secret), PASSWORD.into()).await?;
    }
    let (_, contract) = signed(center, [operator, contracts], "hupan-pharma-admin", &quote).await?;
    let (id, trial) = signed(center, [operator, contracts], "hubin-data-admin", &offered).await?;
    let renewal = signing::renew(center, operator, &id, Renewal::default()).await?.number;
    Ok(Opened { company: company.number, office: office.number, quote, contract, trial, renewal })
}

/// Makes somebody who applies an offer, which they accept by their link. Its number.
async fn quoted(
    center: &Center,
    by: &Caller,
    (from, of): (&str, (&str, &str)),
    offer: &Offer,
) -> Result<String, AppError> {
    let pool = center.live().pools().next().map(|pool| pool.name.clone()).unwrap_or_default();
    let line = NewLine {
        pool,
        service_class: ServiceClass::Normal.code().into(),
        cards: offer.cards,
        card_ms: Some(CardMs::from_card_hours(offer.card_hours).0),
        discount_bp: offer.discount_bp,
    };
    let now = moment::now();
    let new = NewQuote {
        application: Some(of.0.to_owned()),
        kind: offer.kind.code().into(),
        lines: vec![line],
        starts_at: now.minus(Millis::from_hours(24)).to_string(),
        ends_at: now.plus(Millis::from_hours(offer.days * 24)).to_string(),
        ..NewQuote::default()
    };
    let number = quotes::draw_up(center, by, new).await?.number;
    quotes::send(center, by, &number).await?;
    quotes::accept_by_secret(center, from, of, &number).await?;
    Ok(number)
}

/// The contract that came of the quote is submitted, approved, and signed by both sides, with which it is active. Its id and
/// number.
async fn signed(
    center: &Center,
    [operator, contracts]: [&Caller; 2],
    admin: &str,
    quote: &str,
) -> Result<(String, String), AppError> {
    let admin = caller(center, admin).await?;
    let id = quotes::show(center, &admin, quote).await?.contract_id;
    let id = id.ok_or_else(|| AppError::internal("an accepted quote has its contract"))?.to_string();
    known_contracts::act(center, &admin, &id, "submit", "").await?;
    known_contracts::act(center, operator, &id, "approve", "as quoted").await?;
    let text = signing::show(center, &admin, &id, None).await?;
    for by in [&admin, contracts] {
        let (version, sha256) = (text.version, text.sha256.clone());
        let new = NewSignature { version, sha256, code: None, password: Some(PASSWORD.to_owned()) };
        signing::sign(center, by, &id, new).await?;
    }
    Ok((id, text.contract))
}

async fn apply(
    center: &Center,
    from: &str,
    domain: TenantDomain,
    answers: Answers,
) -> Result<DrawnUp, AppError> {
    door::draw_up(center, from, domain.code(), &answers, Act::HandIn).await
}

async fn approve(center: &Center, by: &[&Caller], number: &str) -> Result<(), AppError> {
    for reviewer in by {
        let yes = NewVerdict { verdict: "approve".into(), ..NewVerdict::default() };
        desk::judge(center, reviewer, number, yes).await?;
    }
    Ok(())
}

/// Invented, as all of the demo's people are; the code has its right check digit.
fn company(purpose: &str) -> Answers {
    answers(
        &json!({ "legal_name": "湖畔新药科技有限公司", "name_en": "Hupan Pharma", "tax_number": COMPANY_CODE,
        "slug": "hupan-pharma", "contact": "陈湖", "email": "chen.hu@hupan.example", "phone": "0571-5550 0101",
        "work": "药物发现 · drug discovery", "staff": 86, "budget": 800_000, "cards": 16,
        "card_hours": 2000, "purpose": purpose }),
    )
}

fn office() -> Answers {
    answers(&json!({ "legal_name": "湖滨区数据资源管理局", "name_en": "Hubin District Data Office",
        "tax_number": OFFICE_CODE, "slug": "hubin-data", "contact": "周滨", "email": "zhou.bin@hubin.example",
        "phone": "0571-5550 0202", "work": "政务热线 · citizens' hotline", "approval": "湖滨数政〔2026〕12 号", "protection": 2, "cards": 8,
        "card_hours": 500,
        "purpose": "热线来电的语音识别与归类 · recognising and sorting calls to the hotline" }))
}

fn answers(given: &serde_json::Value) -> Answers {
    given.as_object().cloned().unwrap_or_default()
}

const COMPANY_CODE: &str = "91330100MA2DEM001H";
const OFFICE_CODE: &str = "11330100MB1DEM002Q";
