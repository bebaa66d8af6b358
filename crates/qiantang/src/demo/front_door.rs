//! Two strangers come to the front door: a company that is asked back and sends its application again, and a department. Two
//! people decide each, and both become tenants.

use base::{approval::Answers, auth::Caller, error::AppError};
use center::{
    app::members::{self, NewMember},
    center::Center,
};
use domain::TenantDomain;
use serde_json::json;
use service::{
    application::{
        account,
        ask::{self as desk, NewVerdict},
    },
    onboarding::ask::{self as door, Act, DrawnUp},
};

use super::{options::PASSWORD, people::caller};

/// The addresses that the strangers come from.
const FROM: [&str; 2] = ["192.0.2.10", "192.0.2.20"];

/// Lets them apply, and the center's people decide. The numbers of their applications.
pub async fn open(center: &Center, operator: &Caller) -> Result<[String; 2], AppError> {
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
    approve(center, &[contracts, operator], &company.number).await?;

    let office = apply(center, FROM[1], TenantDomain::Government, office()).await?;
    approve(center, &[operator, second], &office.number).await?;
    for (from, drawn) in FROM.iter().zip([&company, &office]) {
        account::set_password(center, from, (&drawn.number, &drawn.secret), PASSWORD.into()).await?;
    }
    Ok([company.number, office.number])
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
