//! Who is in the demo: invented tenants of the three domains, one alliance, a contract of each kind.

use std::collections::BTreeMap;

use base::{auth::Caller, error::AppError, text::Text};
use center::{
    app::{
        contracts::{self, NewContract, TopUp},
        members::{self, NewMember},
        projects::{self, NewProject},
    },
    budget::ask::{self as budgets, BudgetChange, NewBudget},
    center::Center,
    price::ask::{self as prices, NewPrice, NewPriceBook},
    start::FirstOperator,
    tenant::ask::{self as tenants, NewTenant},
};
use domain::{
    CardMs, Lang, MicroCny, QueueTerms, ServiceClass, TenantDomain, contract::ContractKind, price::Waivers,
};
use industry::alliance::ask as alliance;

use super::options::PASSWORD;

/// A tenant of the demo.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub slug: &'static str,
    pub zh: &'static str,
    pub en: &'static str,
    pub domain: TenantDomain,
    alliance: Option<&'static str>,
}

impl Tenant {
    pub fn name(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.zh,
            Lang::En => self.en,
        }
    }
}

const ALLIANCE: &str = "digital-construction";

pub const TENANTS: [Tenant; 5] = [
    Tenant {
        slug: "xixi-build",
        zh: "西溪建造软件",
        en: "Xixi Building Software",
        domain: TenantDomain::Enterprise,
        alliance: Some(ALLIANCE),
    },
    Tenant {
        slug: "linghu-voice",
        zh: "灵湖语音",
        en: "Linghu Voice AI",
        domain: TenantDomain::Enterprise,
        alliance: None,
    },
    Tenant {
        slug: "qianwan-univ",
        zh: "钱湾大学",
        en: "Qianwan University",
        domain: TenantDomain::Research,
        alliance: None,
    },
    Tenant {
        slug: "wushan-tech",
        zh: "吴山理工学院",
        en: "Wushan Institute of Technology",
        domain: TenantDomain::Research,
        alliance: Some(ALLIANCE),
    },
    Tenant {
        slug: "linjiang-traffic",
        zh: "临江交通管理处",
        en: "Linjiang Traffic Office",
        domain: TenantDomain::Government,
        alliance: None,
    },
];

/// Everybody who acts: a developer of each tenant by its short name, and the operator.
#[derive(Debug)]
pub struct People {
    pub operator: Caller,
    pub developers: BTreeMap<&'static str, Caller>,
}

pub async fn caller(center: &Center, login: &str) -> Result<Caller, AppError> {
    let all = center.read(|tx| store::tenants::list_members(tx, None)).await?;
    let found = all.into_iter().find(|member| member.login == login);
    let member = found.ok_or_else(|| AppError::not_found("member", login))?;
    Ok(Caller { member, from: "demo".into(), once: None })
}

/// Gives a company's project a budget for the month of which most is used, so that the next alert is near. It only tells.
pub async fn set_budget(center: &Center, operator: &Caller) -> Result<(), AppError> {
    let new = NewBudget {
        whose: "project".into(),
        name: "heat-load".into(),
        tenant: Some("xixi-build".into()),
        span: "month".into(),
        unit: "micro_cny".into(),
        amount: MicroCny::from_yuan(1_000_000).0,
        ..NewBudget::default()
    };
    let made = budgets::make(center, operator, new).await?;
    // 78 %: the alert at 80 % comes with the next work.
    let amount = (made.spent * 100 / 78).max(MicroCny::from_yuan(200).0);
    let change = BudgetChange { amount: Some(amount), ..BudgetChange::default() };
    budgets::change(center, operator, &made.id.to_string(), change).await.map(drop)
}

/// Those who were signed up in the past.
pub async fn known(center: &Center) -> Result<People, AppError> {
    let mut developers = BTreeMap::new();
    for tenant in &TENANTS {
        developers.insert(tenant.slug, caller(center, tenant.slug).await?);
    }
    Ok(People { operator: caller(center, "operator").await?, developers })
}

/// Signs everybody up, the way that an operator would. `pause` is called between two steps, where time should pass.
pub async fn sign_up(
    center: &Center,
    first: Option<&FirstOperator>,
    pause: fn(),
) -> Result<People, AppError> {
    let operator = caller(center, "operator").await?;
    let password = members::MemberChange {
        password: Some(PASSWORD.into()),
        old_password: first.map(|first| first.password.clone()),
        ..members::MemberChange::default()
    };
    members::change(center, &operator, &operator.member.id.to_string(), password).await?;
    if let Some(file) = first.and_then(|first| first.password_file.as_ref()) {
        let _ = std::fs::remove_file(file);
    }
    let auditor = NewMember {
        login: "auditor".into(),
        name: Some("Auditor".into()),
        role: "auditor".into(),
        password: Some(PASSWORD.into()),
        tenant: None,
    };
    members::create(center, &operator, auditor).await?;
    publish_prices(center, &operator).await?;
    let name = Text { zh: "数字建造产业联盟".into(), en: "Digital Construction Alliance".into() };
    let founded = alliance::NewAlliance { slug: ALLIANCE.into(), name, lending_limit: None };
    alliance::found(center, &operator, founded).await?;
    let mut developers = BTreeMap::new();
    for tenant in &TENANTS {
        developers.insert(tenant.slug, sign_up_one(center, &operator, tenant, pause).await?);
    }
    Ok(People { operator, developers })
}

async fn sign_up_one(
    center: &Center,
    operator: &Caller,
    tenant: &Tenant,
    pause: fn(),
) -> Result<Caller, AppError> {
    pause();
    let new = NewTenant {
        slug: tenant.slug.into(),
        name_zh: tenant.zh.into(),
        name_en: tenant.en.into(),
        domain: tenant.domain.code().into(),
        alliance: tenant.alliance.map(str::to_owned),
        ..NewTenant::default()
    };
    tenants::create(center, operator, new).await?;
    // The three logins of a tenant: its short name is the developer's.
    for (suffix, role) in [("", "developer"), ("-admin", "admin"), ("-finance", "finance")] {
        let new = NewMember {
            login: format!("{}{suffix}", tenant.slug),
            name: Some(format!("{} ({role})", tenant.en)),
            role: role.into(),
            password: Some(PASSWORD.into()),
            tenant: Some(tenant.slug.into()),
        };
        members::create(center, operator, new).await?;
    }
    for (project, name, number, kind, most) in contracts_of(tenant.slug) {
        pause();
        let contract = sign(center, operator, tenant.slug, number, kind, most).await?;
        let new = NewProject {
            slug: project.into(),
            name: name.into(),
            contract: Some(contract),
            tenant: Some(tenant.slug.into()),
        };
        projects::create(center, operator, new).await?;
    }
    caller(center, tenant.slug).await
}

type ContractLine = (&'static str, &'static str, &'static str, ContractKind, u32);

/// Project, its name, contract number, kind, and the most cards at once.
fn contracts_of(slug: &str) -> Vec<ContractLine> {
    let card_hours = CardMs::from_card_hours;
    let yuan = MicroCny::from_yuan;
    match slug {
        "xixi-build" => {
            let kind = ContractKind::Metered { credit_limit: yuan(500) };
            vec![("heat-load", "Heat load forecasts", "QT-2022-001", kind, 32)]
        }
        "linghu-voice" => vec![
            (
                "keywords",
                "Keyword spotting",
                "QT-2022-002",
                ContractKind::Prepaid { package: card_hours(500), fee: yuan(6_000) },
                32,
            ),
            // 16,000 card-milliseconds: two seconds of eight cards.
            (
                "trial",
                "Trial package",
                "QT-2022-003",
                ContractKind::Prepaid { package: CardMs(16_000), fee: yuan(1) },
                8,
            ),
        ],
        "qianwan-univ" => {
            let kind = ContractKind::Grant { cap: Some(card_hours(2_000)) };
            vec![("digits", "Handwritten digits", "QT-2022-004", kind, 32)]
        }
        "wushan-tech" => {
            vec![("digits", "Data-parallel digits", "QT-2022-005", ContractKind::Grant { cap: None }, 16)]
        }
        _ => {
            let kind = ContractKind::Reserved { cards: 8, fee: yuan(40_000) };
            vec![("signals", "Signal timing", "QT-2022-006", kind, 8)]
        }
    }
}

async fn sign(
    center: &Center,
    operator: &Caller,
    tenant: &str,
    number: &str,
    terms: ContractKind,
    max_running_cards: u32,
) -> Result<String, AppError> {
    let guaranteed_cards = match terms {
        ContractKind::Reserved { cards, .. } => cards,
        _ => 8,
    };
    let today = base::moment::now();
    let new = NewContract {
        number: number.into(),
        terms,
        pools: pools(center),
        starts_at: today.minus(domain::Millis::from_hours(24)).to_string(),
        ends_at: today.plus(domain::Millis::from_hours(365 * 24)).to_string(),
        queue: QueueTerms {
            guaranteed_cards,
            borrowing_limit: None,
            lending_limit: None,
            weight: 1,
            max_running_cards,
        },
        tenant: Some(tenant.into()),
    };
    let contract = contracts::create(center, operator, new).await?;
    let id = contract.id.to_string();
    for action in ["submit", "approve", "activate"] {
        contracts::act(center, operator, &id, action, "signed on the opening day").await?;
    }
    if let ContractKind::Metered { .. } = terms {
        let paid = TopUp {
            amount_micro_cny: MicroCny::from_yuan(1_000).0,
            card_ms: 0,
            reference: format!("{number} first payment"),
            ..TopUp::default()
        };
        contracts::top_up(center, operator, &id, paid).await?;
    }
    Ok(number.to_owned())
}

/// The names of all pools.
fn pools(center: &Center) -> Vec<String> {
    center.live().pools().map(|pool| pool.name.clone()).collect()
}

/// Prices of the demo, in yuan a card-hour: invented, as every center sets its own.
async fn publish_prices(center: &Center, operator: &Caller) -> Result<(), AppError> {
    let yuan = |class: ServiceClass, domain: TenantDomain| {
        let base = match domain {
            TenantDomain::Enterprise => 12,
            TenantDomain::Government => 9,
            TenantDomain::Research => 6,
        };
        match class {
            ServiceClass::Urgent => base * 2,
            ServiceClass::Normal => base,
            ServiceClass::Spot => base / 2,
        }
    };
    let price = |pool: &str, class: ServiceClass, domain: TenantDomain| NewPrice {
        pool: pool.to_owned(),
        service_class: class.code().into(),
        domain: domain.code().into(),
        rate_micro_cny_per_card_hour: MicroCny::from_yuan(yuan(class, domain)).0,
    };
    let mut prices = Vec::new();
    for pool in pools(center) {
        for class in ServiceClass::ALL {
            prices.extend(TenantDomain::ALL.map(|domain| price(&pool, class, domain)));
        }
    }
    let book = NewPriceBook {
        name: "Opening prices".into(),
        effective_from: None,
        prices,
        waivers: Waivers::default(),
        confirmed: false,
    };
    prices::create(center, operator, book).await.map(drop)
}
