//! Operations on price books: listing and comparing the versions, and publishing the next.

use std::collections::BTreeSet;

use domain::{
    MicroCny, PriceBookId, RatePerCardHour, Rfc3339, ServiceClass, TenantDomain, price,
    price::{MOST_RATE, Price, PriceBook, PriceChange, Waivers},
    problem::{Quantity, Things, Wrong, field},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::prices as rows;

use super::rule::{MANAGE, MOST_PRICES, READ};
use crate::{center::Center, live::Live};
use base::{
    auth::Caller,
    change::Changed,
    error::AppError,
    moment::{self, new_id},
    params,
    refusal::{ChangedPrice, Refused},
};

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PriceBookView {
    pub id: PriceBookId,
    pub name: String,
    pub effective_from: Rfc3339,
    pub is_in_force: bool,
    pub prices: Vec<PriceView>,
    /// How much is waived of the use of runs that the center cut short.
    pub waivers: Waivers,
    /// The lines in which it differs from the version before it.
    pub changes: Vec<PriceChangeView>,
}

/// A price that differs from that of the version before.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PriceChangeView {
    pub pool: String,
    pub service_class: ServiceClass,
    pub domain: TenantDomain,
    /// `null` where there was no price.
    pub before_micro_cny_per_card_hour: Option<RatePerCardHour>,
    /// `null` where there is none any more: jobs of this kind are refused.
    pub after_micro_cny_per_card_hour: Option<RatePerCardHour>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PriceView {
    /// The pool's name.
    pub pool: String,
    pub service_class: ServiceClass,
    pub domain: TenantDomain,
    pub rate_micro_cny_per_card_hour: RatePerCardHour,
}

/// All versions, newest first.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<PriceBookView>, AppError> {
    center.policies.check(caller, READ, None)?;
    let mut books = center.read(rows::list_price_books).await?;
    books.sort_by_key(|book| std::cmp::Reverse((book.effective_from, book.id)));
    let in_force = price::in_force(&books, moment::now()).map(|book| book.id);
    let live = center.live();
    let befores: Vec<Option<PriceBook>> = books.iter().skip(1).cloned().map(Some).chain([None]).collect();
    let view = |(book, before): (PriceBook, Option<PriceBook>)| PriceBookView {
        changes: price::changes(before.as_ref(), &book)
            .into_iter()
            .map(|one| change_view(&live, one))
            .collect(),
        waivers: book.waivers,
        id: book.id,
        effective_from: book.effective_from.into(),
        is_in_force: in_force == Some(book.id),
        prices: views(&live, &book.prices),
        name: book.name,
    };
    Ok(books.into_iter().zip(befores).map(view).collect())
}

/// The prices in force, as the center posts them for everybody.
pub fn posted(center: &Center) -> Vec<PriceView> {
    let live = center.live();
    live.prices(moment::now()).map(|book| views(&live, &book.prices)).unwrap_or_default()
}

/// The prices in force; none where no version is.
pub fn in_force(center: &Center, caller: &Caller) -> Result<Vec<PriceView>, AppError> {
    center.policies.check(caller, READ, None)?;
    let live = center.live();
    Ok(live.prices(moment::now()).map(|book| views(&live, &book.prices)).unwrap_or_default())
}

fn views(live: &Live, prices: &[Price]) -> Vec<PriceView> {
    let view = |price: &Price| PriceView {
        pool: live.pool(price.pool).map(|pool| pool.name.clone()).unwrap_or_default(),
        service_class: price.class,
        domain: price.domain,
        rate_micro_cny_per_card_hour: price.rate,
    };
    prices.iter().map(view).collect()
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
    #[schema(value_type = domain::schema::Line64)]
    pub name: String,
    /// RFC 3339; now where left out. Never earlier than now: what was metered stays as it was.
    #[schema(value_type = Option<domain::schema::InstantOrDay>)]
    pub effective_from: Option<String>,
    #[schema(min_items = 1, max_items = 1000)]
    pub prices: Vec<NewPrice>,
    /// 100 % of what is lost and nothing of what is preempted, where left out.
    #[serde(default)]
    pub waivers: Waivers,
    /// Set once somebody has looked at the prices that are dropped, doubled or free.
    #[serde(default)]
    pub confirmed: bool,
}

/// A price to publish. Its words are read with the rest, so that a wrong one is told by its field.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPrice {
    /// The pool's name.
    pub pool: String,
    /// `urgent`, `normal` or `spot`.
    #[schema(value_type = ServiceClass)]
    pub service_class: String,
    /// `research`, `enterprise` or `government`.
    #[schema(value_type = TenantDomain)]
    pub domain: String,
    pub rate_micro_cny_per_card_hour: i64,
}

fn change_view(live: &Live, change: PriceChange) -> PriceChangeView {
    PriceChangeView {
        pool: live.pool(change.pool).map_or_else(|| change.pool.to_string(), |pool| pool.name.clone()),
        service_class: change.class,
        domain: change.domain,
        before_micro_cny_per_card_hour: change.before,
        after_micro_cny_per_card_hour: change.after,
    }
}

/// How many risky changes a refusal names.
const MOST_NAMED: usize = 5;

/// Refuses a version that drops, doubles or waives prices of the one before, until somebody confirms that.
fn confirm(live: &Live, risky: &[PriceChange]) -> Result<(), AppError> {
    if risky.is_empty() {
        return Ok(());
    }
    let changed = |change: &PriceChange| {
        let view = change_view(live, *change);
        let (before, after) = (change.before, change.after);
        ChangedPrice { pool: view.pool, class: change.class, domain: change.domain, before, after }
    };
    let first = risky.iter().take(MOST_NAMED).map(changed).collect();
    Err(Refused::PriceChange { count: risky.len(), first }.into())
}

/// The lines of a version that are to be confirmed: they differ much from those of the one that it replaces.
pub async fn risky(
    center: &Center,
    caller: &Caller,
    new: &NewPriceBook,
) -> Result<Vec<PriceChangeView>, AppError> {
    center.policies.check(caller, MANAGE, None)?;
    let changes = to_confirm(center, &drawn_up(center, new)?).await?;
    let live = center.live();
    Ok(changes.into_iter().map(|change| change_view(&live, change)).collect())
}

async fn to_confirm(center: &Center, book: &PriceBook) -> Result<Vec<PriceChange>, AppError> {
    let books = center.read(rows::list_price_books).await?;
    let changes = price::changes(price::in_force(&books, book.effective_from), book);
    Ok(changes.into_iter().filter(|change| change.wants_confirmation()).collect())
}

fn drawn_up(center: &Center, new: &NewPriceBook) -> Result<PriceBook, AppError> {
    let now = moment::now();
    let effective_from = match &new.effective_from {
        None => now,
        Some(text) => params::parse_instant(center.settings.time_zone, field::EFFECTIVE_FROM, text)?,
    };
    if effective_from < now {
        return Err(AppError::invalid(field::EFFECTIVE_FROM, Wrong::InThePast));
    }
    let name = params::line::<64>(field::NAME, new.name.clone())?;
    let given = new.prices.len();
    if !(1..=MOST_PRICES).contains(&given) {
        let wrong = Wrong::Count { of: Things::Prices, given, least: 1, most: MOST_PRICES };
        return Err(AppError::invalid(field::PRICES, wrong));
    }
    let prices = {
        let live = center.live();
        let parse = |view: &NewPrice| {
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
    let mut places = BTreeSet::new();
    if let Some(twice) = prices.iter().find(|price| !places.insert((price.pool, price.class, price.domain))) {
        let (class, domain) = (twice.class.code(), twice.domain.code());
        let pool = center.live().pool(twice.pool).map(|pool| pool.name.clone()).unwrap_or_default();
        let what = format!("{pool} {class} {domain}");
        return Err(AppError::invalid(field::PRICES, Wrong::Twice { what }));
    }
    if !new.waivers.is_valid() {
        let given = i64::from(new.waivers.lost_percent.max(new.waivers.preempted_percent));
        let wrong = Wrong::OutOfRange { of: Quantity::Number, given, least: 0, most: 100 };
        return Err(AppError::invalid(field::WAIVERS, wrong));
    }
    Ok(PriceBook {
        id: new_id!(PriceBookId),
        name: name.into(),
        effective_from,
        prices,
        waivers: new.waivers,
    })
}

/// A new version.
pub async fn create(center: &Center, caller: &Caller, new: NewPriceBook) -> Result<PriceBookId, AppError> {
    let may = center.policies.may(caller, MANAGE, None)?;
    let book = drawn_up(center, &new)?;
    if !new.confirmed {
        let risky = to_confirm(center, &book).await?;
        confirm(&center.live(), &risky)?;
    }
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
