//! Price books.

use domain::{
    MicroCny, PriceBookId, RatePerCardHour, ServiceClass, TenantDomain, Timestamp, price,
    price::{Price, PriceBook},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::contracts as rows;

use super::{
    audit::{self, Change},
    views,
};
use crate::{
    auth::{Action, Caller},
    center::Center,
    error::AppError,
    moment::{self, new_id},
};

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PriceBookView {
    pub id: PriceBookId,
    pub name: String,
    pub effective_from: String,
    pub is_in_force: bool,
    pub prices: Vec<PriceView>,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceView {
    /// The pool's name.
    pub pool: String,
    /// `urgent`, `normal` or `spot`.
    pub service_class: String,
    /// `research`, `enterprise` or `government`.
    pub domain: String,
    pub rate_micro_cny_per_card_hour: i64,
}

/// All versions, newest first.
pub fn list(center: &Center, caller: &Caller) -> Result<Vec<PriceBookView>, AppError> {
    center.policies.check(caller, Action::ReadPrice, None)?;
    let live = center.live();
    let in_force = price::in_force(&live.price_books, moment::now()).map(|book| book.id);
    let price = |price: &Price| PriceView {
        pool: live.pools.get(&price.pool).map(|pool| pool.name.clone()).unwrap_or_default(),
        service_class: price.class.code().to_owned(),
        domain: price.domain.code().to_owned(),
        rate_micro_cny_per_card_hour: price.rate.0.0,
    };
    let mut books: Vec<&PriceBook> = live.price_books.iter().collect();
    books.sort_by_key(|book| std::cmp::Reverse((book.effective_from, book.id)));
    let view = |book: &PriceBook| PriceBookView {
        id: book.id,
        name: book.name.clone(),
        effective_from: book.effective_from.to_string(),
        is_in_force: in_force == Some(book.id),
        prices: book.prices.iter().map(price).collect(),
    };
    Ok(books.into_iter().map(view).collect())
}

#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPriceBook {
    pub name: String,
    /// RFC 3339; now where left out. Never earlier than now: what was metered stays as it was.
    pub effective_from: Option<String>,
    pub prices: Vec<PriceView>,
}

/// A new version.
pub async fn create(center: &Center, caller: &Caller, new: NewPriceBook) -> Result<PriceBookId, AppError> {
    center.policies.check(caller, Action::ManagePrice, None)?;
    let now = moment::now();
    let effective_from = match &new.effective_from {
        None => now,
        Some(text) => text.parse::<Timestamp>().map_err(|e| {
            AppError::invalid("effective_from", e.to_string(), "write it as 2026-05-20T00:00:00Z")
        })?,
    };
    if effective_from < now {
        return Err(AppError::invalid("effective_from", "is in the past", "give an instant to come"));
    }
    if !(1..=64).contains(&new.name.chars().count()) || new.prices.is_empty() || new.prices.len() > 1000 {
        return Err(AppError::invalid(
            "prices",
            "are none or too many, or the name is missing",
            "give 1 to 1000 prices",
        ));
    }
    let prices = {
        let live = center.live();
        let parse = |view: &PriceView| {
            let pool = live.pools.values().find(|pool| pool.name == view.pool);
            let rate = view.rate_micro_cny_per_card_hour;
            if !(0..=1_000_000_000_000).contains(&rate) {
                return Err(AppError::invalid(
                    "rate_micro_cny_per_card_hour",
                    format!("is {rate}"),
                    "give 0 to 10^12",
                ));
            }
            let classes = ServiceClass::ALL.map(ServiceClass::code);
            let domains = TenantDomain::ALL.map(TenantDomain::code);
            Ok(Price {
                pool: pool.ok_or_else(|| AppError::not_found("pool", &view.pool))?.id,
                class: views::word("service_class", &view.service_class, ServiceClass::from_code, &classes)?,
                domain: views::word("domain", &view.domain, TenantDomain::from_code, &domains)?,
                rate: RatePerCardHour(MicroCny(rate)),
            })
        };
        new.prices.iter().map(parse).collect::<Result<Vec<_>, _>>()?
    };
    let book = PriceBook { id: new_id!(PriceBookId), name: new.name, effective_from, prices };
    let by = caller.clone();
    center
        .write(
            move |tx| {
                rows::insert_price_book(tx, &book)?;
                let (action, subject) = (Action::ManagePrice.code(), book.id.to_string());
                let detail = json!({ "name": book.name, "prices": book.prices.len() });
                audit::record(tx, &by, Change { tenant: None, action, subject, detail })?;
                Ok(book)
            },
            |center, book| center.live().price_books.push(book.clone()),
        )
        .await
        .map(|book| book.id)
}
