//! What can be asked of price books: those there are, and publishing the next.

use domain::{
    MicroCny, PriceBookId, RatePerCardHour, ServiceClass, TenantDomain, price,
    price::{Price, PriceBook},
    problem::{Quantity, Things, Wrong, field},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::contracts as rows;

use super::rule::{MANAGE, MOST_PRICES, MOST_RATE, READ};
use crate::center::Center;
use base::{
    auth::Caller,
    change::Changed,
    error::AppError,
    moment::{self, new_id},
    params,
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
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<PriceBookView>, AppError> {
    center.policies.check(caller, READ, None)?;
    let mut books = center.read(rows::list_price_books).await?;
    books.sort_by_key(|book| std::cmp::Reverse((book.effective_from, book.id)));
    let in_force = price::in_force(&books, moment::now()).map(|book| book.id);
    let live = center.live();
    let price = |price: &Price| PriceView {
        pool: live.pool(price.pool).map(|pool| pool.name.clone()).unwrap_or_default(),
        service_class: price.class.code().to_owned(),
        domain: price.domain.code().to_owned(),
        rate_micro_cny_per_card_hour: price.rate.0.0,
    };
    let view = |book: PriceBook| PriceBookView {
        id: book.id,
        effective_from: book.effective_from.to_string(),
        is_in_force: in_force == Some(book.id),
        prices: book.prices.iter().map(price).collect(),
        name: book.name,
    };
    Ok(books.into_iter().map(view).collect())
}

/// One version, by its id or name; the newest of that name.
pub async fn show(center: &Center, caller: &Caller, wanted: &str) -> Result<PriceBookView, AppError> {
    let is_it = |book: &PriceBookView| book.name == wanted || book.id.to_string() == wanted;
    let found = list(center, caller).await?.into_iter().find(is_it);
    found.ok_or_else(|| AppError::not_found("price book", wanted))
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
    let may = center.policies.may(caller, MANAGE, None)?;
    let now = moment::now();
    let effective_from = match &new.effective_from {
        None => now,
        Some(text) => params::parse_instant(field::EFFECTIVE_FROM, text)?,
    };
    if effective_from < now {
        return Err(AppError::invalid(field::EFFECTIVE_FROM, Wrong::InThePast));
    }
    let name = params::line::<64>(field::NAME, new.name)?;
    let given = new.prices.len();
    if !(1..=MOST_PRICES).contains(&given) {
        let wrong = Wrong::Count { of: Things::Prices, given, least: 1, most: MOST_PRICES };
        return Err(AppError::invalid(field::PRICES, wrong));
    }
    let prices = {
        let live = center.live();
        let parse = |view: &PriceView| {
            let pool = live.pool_named(&view.pool);
            let rate = view.rate_micro_cny_per_card_hour;
            if !(0..=MOST_RATE).contains(&rate) {
                let of = Quantity::Number;
                let wrong = Wrong::OutOfRange { of, given: rate, least: 0, most: MOST_RATE };
                return Err(AppError::invalid(field::RATE, wrong));
            }
            let classes = ServiceClass::ALL.map(ServiceClass::code);
            let domains = TenantDomain::ALL.map(TenantDomain::code);
            Ok(Price {
                pool: pool.ok_or_else(|| AppError::not_found("pool", &view.pool))?.id,
                class: params::word(
                    field::SERVICE_CLASS,
                    &view.service_class,
                    ServiceClass::from_code,
                    &classes,
                )?,
                domain: params::word(field::DOMAIN, &view.domain, TenantDomain::from_code, &domains)?,
                rate: RatePerCardHour(MicroCny(rate)),
            })
        };
        new.prices.iter().map(parse).collect::<Result<Vec<_>, _>>()?
    };
    let book = PriceBook { id: new_id!(PriceBookId), name: name.into(), effective_from, prices };
    center
        .change(
            may,
            move |tx| {
                rows::insert_price_book(tx, &book)?;
                let detail = json!({ "name": book.name, "prices": book.prices.len() });
                Ok(Changed::new(book.id, detail, book))
            },
            |center, book| center.live().price_book_published(book.clone(), moment::now()),
        )
        .await
        .map(|book| book.id)
}
