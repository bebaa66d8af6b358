//! The front page: what the center offers, its prices, how one joins, and how it is now.

use std::collections::BTreeSet;

use askama::Template;
use axum::{Extension, extract::State, response::Response};
use base::{
    error::AppError,
    page::{
        frame::{Front, Page, ok},
        words::{Html, Ui},
    },
};
use center::{
    app::{
        capacity::Recent,
        overview::{self, Posted},
    },
    center::Center,
    price::ask::{self as prices, PriceView},
    tenant::ask as tenants,
};
use domain::{CardMs, Lang, MicroCny, ServiceClass, TenantDomain};

#[derive(Template)]
#[template(path = "onboarding/welcome.html")]
pub struct WelcomePage {
    page: Page,
    hall: Posted,
    tide: Html,
    tables: Vec<PriceTable>,
    /// An example of what something costs, in one sentence; empty where there are no prices.
    example: String,
    alliances: Vec<String>,
    ways: [&'static str; 3],
}

/// The prices of one pool, a row for each class of service.
pub struct PriceTable {
    pool: String,
    rows: Vec<PriceRow>,
}

pub struct PriceRow {
    class: &'static str,
    company: String,
    university: String,
    department: String,
}

/// The cards and hours of the example.
const EXAMPLE: (i64, i64) = (8, 10);

pub async fn welcome(
    State(center): State<Center>,
    Extension(recent): Extension<Recent>,
    front: Front,
) -> Result<Response, AppError> {
    center.limits.request(&front.from)?;
    let ui = front.ui;
    let hall = overview::posted(&center, &recent).await?;
    let posted = prices::posted(&center);
    let of_lang = |alliance: domain::tenant::Alliance| match ui.lang {
        Lang::Zh => alliance.name_zh,
        Lang::En => alliance.name_en,
    };
    let title = front.center_name.clone();
    let description = ui.t1("welcome-description", "center", &front.center_name);
    let page = WelcomePage {
        tide: tide(ui, &hall),
        example: example(ui, &posted),
        tables: tables(ui, &posted),
        alliances: tenants::alliances(&center).await?.into_iter().map(of_lang).collect(),
        ways: WAYS.map(TenantDomain::code),
        hall,
        page: Page {
            description,
            generated: center.generated.map(|past| past.told(ui)).unwrap_or_default(),
            ..Page::new(front, "", title)
        },
    };
    Ok(ok(&page))
}

/// The three ways in, as people look for them.
pub const WAYS: [TenantDomain; 3] =
    [TenantDomain::Enterprise, TenantDomain::Research, TenantDomain::Government];

/// The share of all card time that was in use, in each of the last hours.
fn tide(ui: Ui, hall: &Posted) -> Html {
    const MOST: i64 = 10_000;
    let column = |hour: &domain::capacity::CapacityBalance| {
        let (whole, used) = (hour.capacity_card_ms.0.max(1), hour.sold_card_ms.0 + hour.granted_card_ms.0);
        let share = i64::try_from(i128::from(used) * i128::from(MOST) / i128::from(whole)).unwrap_or(0);
        vec![("sold", share)]
    };
    let columns: Vec<_> = hall.hours.iter().map(column).collect();
    ui.columns(&columns, MOST, 72, &ui.t("welcome-tide"))
}

fn tables(ui: Ui, posted: &[PriceView]) -> Vec<PriceTable> {
    let pools: BTreeSet<&str> = posted.iter().map(|price| price.pool.as_str()).collect();
    let rate = |pool: &str, class: ServiceClass, domain: TenantDomain| {
        let of_cell =
            |price: &&PriceView| price.pool == pool && price.service_class == class && price.domain == domain;
        let found = posted.iter().find(of_cell);
        found.map_or_else(|| "–".to_owned(), |price| ui.rate_text(&price.rate_micro_cny_per_card_hour))
    };
    let row = |pool: &str, class: ServiceClass| PriceRow {
        class: class.code(),
        company: rate(pool, class, TenantDomain::Enterprise),
        university: rate(pool, class, TenantDomain::Research),
        department: rate(pool, class, TenantDomain::Government),
    };
    let table = |pool: &str| {
        let is_there = |class: &ServiceClass| {
            posted.iter().any(|price| price.pool == pool && price.service_class == *class)
        };
        let rows = ServiceClass::ALL.into_iter().filter(is_there).map(|class| row(pool, class)).collect();
        PriceTable { pool: pool.to_owned(), rows }
    };
    pools.into_iter().map(table).collect()
}

/// What a company pays for some cards over some hours.
fn example(ui: Ui, posted: &[PriceView]) -> String {
    let of_example = |price: &&PriceView| {
        price.service_class == ServiceClass::Normal && price.domain == TenantDomain::Enterprise
    };
    let Some(price) = posted.iter().find(of_example) else { return String::new() };
    let (cards, hours) = EXAMPLE;
    let used = CardMs(cards * hours * 3_600_000);
    let cost = price.rate_micro_cny_per_card_hour.charge(used).unwrap_or(MicroCny::ZERO);
    let rate = ui.rate_text(&price.rate_micro_cny_per_card_hour);
    ui.t2("welcome-example", format!("{cards} × {hours} = {} × {rate}", cards * hours), ui.yuan_text(&cost))
}

#[cfg(test)]
impl WelcomePage {
    /// With and without prices and alliances, in service and not.
    pub fn samples(page: &Page) -> Vec<Self> {
        use domain::RatePerCardHour;
        let price = |class| PriceView {
            pool: "ascend <910>".into(),
            service_class: class,
            domain: TenantDomain::Enterprise,
            rate_micro_cny_per_card_hour: RatePerCardHour(MicroCny(12_000_000)),
        };
        let sample = |is_full: bool| {
            let posted: Vec<PriceView> =
                if is_full { ServiceClass::ALL.map(price).to_vec() } else { Vec::new() };
            let hall = Posted {
                nodes: 20,
                cards: 160,
                busy_cards: 40,
                capacity_tflops: 40_960,
                in_use_tflops: 10_240,
                models: ["ascend <910>".to_owned()].into(),
                is_all_virtual: is_full,
                is_in_service: is_full,
                hours: Vec::new(),
            };
            Self {
                page: Page {
                    is_signed_in: is_full,
                    description: "A <center>".into(),
                    generated: if is_full { "It <never> happened".into() } else { String::new() },
                    ..page.clone()
                },
                tide: tide(page.ui, &hall),
                example: example(page.ui, &posted),
                tables: tables(page.ui, &posted),
                alliances: if is_full { vec!["V & <A>".into()] } else { Vec::new() },
                ways: WAYS.map(TenantDomain::code),
                hall,
            }
        };
        vec![sample(true), sample(false)]
    }
}
