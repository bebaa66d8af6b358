//! Price books in a browser: all versions, one of them, and a form to publish the next.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::Id,
    page::{
        extract::Sent,
        form::Form,
        frame::{Page, Visitor, ok, render},
        words::{Html, Ui, escape},
    },
    refusal::Refused,
};
use domain::{RatePerCardHour, Rfc3339, ServiceClass, TenantDomain, price::Waivers};

use super::{
    ask::{self, NewPrice, NewPriceBook, PriceBookView, PriceChangeView, PriceView},
    rule::MANAGE,
};
use crate::{app::nodes, center::Center};

#[derive(Template)]
#[template(path = "price/list.html")]
pub struct PriceBooksPage {
    page: Page,
    books: Vec<BookRow>,
    may_manage: bool,
}

/// A version as the list shows it.
struct BookRow {
    id: String,
    name: String,
    effective_from: Rfc3339,
    is_in_force: bool,
    prices: usize,
}

#[derive(Template)]
#[template(path = "price/show.html")]
pub struct PriceBookPage {
    page: Page,
    book: String,
    effective_from: Rfc3339,
    is_in_force: bool,
    prices: Vec<Price>,
    waivers: Waivers,
    changes: Vec<Change>,
}

/// One price in words.
struct Price {
    pool: String,
    class: String,
    domain: String,
    rate: RatePerCardHour,
}

#[derive(Template)]
#[template(path = "price/new.html")]
pub struct DraftPage {
    page: Page,
    draft: Form,
    rates: Vec<Row>,
    domains: Vec<String>,
    /// Changes that are to be confirmed.
    risky: Vec<Change>,
}

/// A price that differs from the version before, in words.
struct Change {
    pool: String,
    class: String,
    domain: String,
    before: Html,
    after: Html,
}

impl Change {
    fn of(ui: Ui, change: PriceChangeView) -> Self {
        let none = || Html(escape(ui.t("price-no-price")));
        let amount = |rate: Option<RatePerCardHour>| rate.map_or_else(none, |rate| ui.rate(&rate));
        Self {
            pool: change.pool,
            class: ui.word("class", change.service_class.code()),
            domain: ui.word("domain", change.domain.code()),
            before: amount(change.before_micro_cny_per_card_hour),
            after: amount(change.after_micro_cny_per_card_hour),
        }
    }
}

/// The prices of one pool and class, a field for each domain.
struct Row {
    pool: String,
    class: String,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    label: String,
    value: String,
    problem: String,
}

pub async fn list(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let line = |book: PriceBookView| BookRow {
        id: book.id.to_string(),
        name: book.name,
        effective_from: book.effective_from,
        is_in_force: book.is_in_force,
        prices: book.prices.len(),
    };
    let page = PriceBooksPage {
        page: visitor.page("prices", ui.t("nav-prices")),
        books: ask::list(&center, &visitor.caller).await?.into_iter().map(line).collect(),
        may_manage: visitor.may(&center, MANAGE, None),
    };
    Ok(ok(&page))
}

pub async fn show(State(center): State<Center>, Id(id): Id, visitor: Visitor) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let book = ask::show(&center, &visitor.caller, &id).await?;
    let price = |price: PriceView| Price {
        class: ui.word("class", price.service_class),
        domain: ui.word("domain", price.domain),
        rate: price.rate_micro_cny_per_card_hour,
        pool: price.pool,
    };
    let page = PriceBookPage {
        page: visitor.page("prices", book.name.clone()),
        book: book.name,
        effective_from: book.effective_from,
        is_in_force: book.is_in_force,
        prices: book.prices.into_iter().map(price).collect(),
        waivers: book.waivers,
        changes: book.changes.into_iter().map(|change| Change::of(ui, change)).collect(),
    };
    Ok(ok(&page))
}

/// The name of the field of one price.
fn field_name(pool: &str, class: ServiceClass, domain: TenantDomain) -> String {
    format!("rate/{pool}/{}/{}", class.code(), domain.code())
}

/// The form begins with the prices in force.
pub async fn draft(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    center.policies.check(&visitor.caller, MANAGE, None)?;
    let books = ask::list(&center, &visitor.caller).await?;
    let in_force = books.into_iter().find(|book| book.is_in_force);
    let waivers = in_force.as_ref().map(|book| book.waivers).unwrap_or_default();
    let prices = in_force.map(|book| book.prices).unwrap_or_default();
    let value = |price: &PriceView| {
        let name = field_name(&price.pool, price.service_class, price.domain);
        (name, price.rate_micro_cny_per_card_hour.to_string())
    };
    let waived = [("lost_percent", waivers.lost_percent), ("preempted_percent", waivers.preempted_percent)];
    let waived = waived.map(|(name, percent)| (name.to_owned(), percent.to_string()));
    let form = Form::of(prices.iter().map(value).chain(waived).collect());
    show_draft(&center, &visitor, StatusCode::OK, form)
}

fn show_draft(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    form: Form,
) -> Result<Response, AppError> {
    show_draft_with(center, visitor, status, form, Vec::new())
}

/// The form, with the changes that are to be confirmed.
fn show_draft_with(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    form: Form,
    risky: Vec<Change>,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let pools = nodes::list_pools(center, &visitor.caller)?;
    let page = DraftPage {
        page: visitor.page("prices", ui.t("price-new")),
        rates: pools.iter().flat_map(|pool| rows_of(ui, &pool.name, &form)).collect(),
        domains: TenantDomain::ALL.map(|domain| ui.word("domain", domain.code())).to_vec(),
        draft: form,
        risky,
    };
    Ok(render(status, &page))
}

fn rows_of(ui: Ui, pool: &str, form: &Form) -> Vec<Row> {
    let row = |class: ServiceClass| {
        let word = ui.word("class", class.code());
        let field = |domain: TenantDomain| {
            let name = field_name(pool, class, domain);
            Field {
                label: format!("{pool} {word} {}", ui.word("domain", domain.code())),
                value: form.value(&name).to_owned(),
                problem: form.problem(&name).to_owned(),
                name,
            }
        };
        let fields = TenantDomain::ALL.map(field).into();
        Row { pool: pool.to_owned(), class: word, fields }
    };
    ServiceClass::ALL.map(row).into()
}

pub async fn publish(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let mut prices = Vec::new();
    for pool in nodes::list_pools(&center, &visitor.caller)? {
        for class in ServiceClass::ALL {
            for domain in TenantDomain::ALL {
                let name = field_name(&pool.name, class, domain);
                // Where nothing is typed there is no price: jobs of that kind are not taken.
                if form.value(&name).is_empty() {
                    continue;
                }
                prices.push(NewPrice {
                    pool: pool.name.clone(),
                    service_class: class.code().to_owned(),
                    domain: domain.code().to_owned(),
                    rate_micro_cny_per_card_hour: form.yuan(ui, &name).0,
                });
            }
        }
    }
    let has_start = !form.value("effective_from").is_empty();
    let effective_from = has_start.then(|| form.instant(ui, "effective_from"));
    let usual = Waivers::default();
    let mut percent = |name: &str, usual: u8| {
        let given = form.number_or_none(ui, name, 0..=100);
        given.and_then(|percent| u8::try_from(percent).ok()).unwrap_or(usual)
    };
    let waivers = Waivers {
        lost_percent: percent("lost_percent", usual.lost_percent),
        preempted_percent: percent("preempted_percent", usual.preempted_percent),
    };
    if !form.is_good() {
        return show_draft(&center, &visitor, StatusCode::UNPROCESSABLE_ENTITY, form);
    }
    let confirmed = form.value("confirmed") == "on";
    let new =
        NewPriceBook { name: form.value("name").to_owned(), effective_from, prices, waivers, confirmed };
    match ask::create(&center, &visitor.caller, new.clone()).await {
        Err(AppError::Refused(refused)) if matches!(*refused, Refused::PriceChange { .. }) => {
            let risky = ask::risky(&center, &visitor.caller, &new).await?;
            let risky = risky.into_iter().map(|change| Change::of(ui, change)).collect();
            form.blame_by(ui, "confirmed", "confirm_prices");
            show_draft_with(&center, &visitor, StatusCode::CONFLICT, form, risky)
        }
        Ok(id) => Ok(Redirect::to(&format!("/prices/book/{id}")).into_response()),
        Err(error) => {
            let status = form.explain(ui, error, |name| match name {
                "name" => Some("name"),
                "effective_from" => Some("effective_from"),
                _ => None,
            })?;
            show_draft(&center, &visitor, status, form)
        }
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::portal::sample::{Sample, views};
    use domain::MicroCny;

    fn change(ui: Ui) -> Change {
        Change::of(
            ui,
            PriceChangeView {
                pool: "ascend".into(),
                service_class: ServiceClass::Urgent,
                domain: TenantDomain::Enterprise,
                before_micro_cny_per_card_hour: Some(RatePerCardHour(MicroCny(5_500_000))),
                after_micro_cny_per_card_hour: None,
            },
        )
    }

    impl Sample for PriceBooksPage {
        fn samples(page: &Page) -> Vec<Self> {
            let line = |is_in_force| BookRow {
                id: views::ID.into(),
                name: "2026 <H1>".into(),
                effective_from: views::AT.into(),
                is_in_force,
                prices: 9,
            };
            let sample = |books, may_manage| Self { page: page.clone(), books, may_manage };
            vec![sample(vec![line(true), line(false)], true), sample(Vec::new(), false)]
        }
    }

    impl Sample for PriceBookPage {
        fn samples(page: &Page) -> Vec<Self> {
            let price = Price {
                pool: "ascend".into(),
                class: page.word("class", "normal"),
                domain: page.word("domain", "research"),
                rate: RatePerCardHour(MicroCny(5_500_001)),
            };
            let sample = |is_in_force, prices| Self {
                page: page.clone(),
                book: "2026 <H1>".into(),
                effective_from: views::AT.into(),
                is_in_force,
                prices,
                waivers: Waivers::default(),
                changes: if is_in_force { vec![change(page.ui)] } else { Vec::new() },
            };
            vec![sample(true, vec![price]), sample(false, Vec::new())]
        }
    }

    impl Sample for DraftPage {
        fn samples(page: &Page) -> Vec<Self> {
            let name = field_name("ascend", ServiceClass::Normal, TenantDomain::Research);
            let mut wrong = Form::with(&[(name.as_str(), "much".into()), ("effective_from", "soon".into())]);
            wrong.yuan(page.ui, &name);
            wrong.instant(page.ui, "effective_from");
            let sample = |form: Form, pools: &[&str]| Self {
                page: page.clone(),
                rates: pools.iter().flat_map(|pool| rows_of(page.ui, pool, &form)).collect(),
                domains: TenantDomain::ALL.map(|domain| page.word("domain", domain.code())).to_vec(),
                draft: form,
                risky: if pools.is_empty() { Vec::new() } else { vec![change(page.ui)] },
            };
            vec![sample(wrong, &["ascend"]), sample(Form::default(), &[])]
        }
    }
}
