//! A quote as it is drawn up: what was sent is read, and each line priced by the book in force.

use std::collections::BTreeSet;

use base::{
    approval::{Application, rows as applications},
    auth::Caller,
    error::AppError,
    moment::{self, new_id},
    params::{self, MOST_AMOUNT},
};
use center::{
    app::contracts,
    center::Center,
    settings::{MOST_VALID_DAYS, WHOLE_BP},
};
use domain::{
    CardMs, ContractState, MicroCny, Millis, QueueTerms, QuoteId, ServiceClass, TenantDomain, Timestamp,
    Zone,
    contract::{ContractKind, ContractKindName},
    price::{self, PriceBook},
    problem::{Quantity, QuoteFault, Things, Wrong, field},
    quote::{self, Line, QuoteState},
};
use serde::Deserialize;
use store::{Tx, pools, prices, tenants};

use super::{
    rows::{self, Quote},
    rule::{self, MOST_CARDS, MOST_LINES},
};
use crate::onboarding;

/// A quote to draw up.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewQuote {
    /// The short name of the tenant that it is for; or
    pub tenant: Option<String>,
    /// the number of an application whose applicant is no tenant yet.
    pub application: Option<String>,
    /// The kind of contract that comes of it: `prepaid`, `metered`, `reserved` or `grant`.
    #[schema(value_type = ContractKindName)]
    pub kind: String,
    #[schema(min_items = 1, max_items = 50)]
    pub lines: Vec<NewLine>,
    /// How far below zero the balance of a metered contract may go.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000i64)]
    pub credit_limit_micro_cny: i64,
    /// The term of the contract. RFC 3339, or a date.
    #[schema(value_type = domain::schema::InstantOrDay)]
    pub starts_at: String,
    #[schema(value_type = domain::schema::InstantOrDay)]
    pub ends_at: String,
    /// Until when it may be accepted; some days from now, as the settings say, where it is left out.
    #[schema(value_type = Option<domain::schema::InstantOrDay>)]
    pub valid_until: Option<String>,
    /// For its reader.
    #[serde(default)]
    pub note: String,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLine {
    /// The pool's name.
    pub pool: String,
    /// `urgent`, `normal` or `spot`.
    #[schema(value_type = ServiceClass)]
    pub service_class: String,
    /// How many cards at once.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub cards: u32,
    /// Card time; all of these cards over the whole term where it is left out, as for reserved cards.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000i64)]
    pub card_ms: Option<i64>,
    /// In basis points: 1000 are 10 %.
    #[serde(default)]
    #[schema(maximum = 10_000)]
    pub discount_bp: u32,
}

/// Whom a quote is for.
struct Party {
    tenant: Option<domain::TenantId>,
    application: Option<domain::ApplicationId>,
    domain: TenantDomain,
}

/// The terms that a new quote names, before anything is priced.
struct Asked {
    kind: ContractKindName,
    term: (Timestamp, Timestamp),
    valid_until: Timestamp,
    credit_limit: MicroCny,
    note: String,
}

/// Draws a quote up, in the transaction that keeps it.
pub fn drawn_up(tx: &Tx, center: &Center, caller: &Caller, new: &NewQuote) -> Result<Quote, AppError> {
    let now = moment::now();
    let party = party(tx, new)?;
    let asked = asked(center, new, now)?;
    let books = prices::list_price_books(tx)?;
    let book =
        price::in_force(&books, now).ok_or_else(|| AppError::invalid(field::LINES, QuoteFault::NoPrices))?;
    let lines = lines(tx, book, party.domain, &asked, &new.lines)?;
    let too_much = || AppError::invalid(field::LINES, QuoteFault::TooMuch { most: MOST_AMOUNT });
    let terms = quote::terms(asked.kind, &lines, asked.credit_limit).ok_or_else(too_much)?;
    contracts::check_terms(&terms, &queue_of(asked.kind, &lines))?;
    let quote = Quote {
        id: new_id!(QuoteId),
        number: next_number(tx, center.settings.time_zone, now)?,
        tenant: party.tenant,
        application: party.application,
        domain: party.domain,
        kind: asked.kind,
        amount_micro_cny: quote::total(&lines).ok_or_else(too_much)?,
        lines,
        credit_limit_micro_cny: asked.credit_limit,
        price_book: book.id,
        starts_at: asked.term.0,
        ends_at: asked.term.1,
        valid_until: asked.valid_until,
        note: asked.note,
        state: QuoteState::Draft,
        drawn_by: caller.member.id,
        drawn_at: now,
        granted_by: None,
        granted_at: None,
        sent_by: None,
        sent_at: None,
        ended_by: None,
        ended_at: None,
        contract: None,
    };
    rows::insert(tx, &quote)?;
    Ok(quote)
}

fn party(tx: &Tx, new: &NewQuote) -> Result<Party, AppError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    match (given(&new.tenant), given(&new.application)) {
        (Some(slug), None) => {
            let found = tenants::find_tenant(tx, &slug)?;
            let tenant = found.ok_or_else(|| AppError::not_found("tenant", &slug))?;
            Ok(Party { tenant: Some(tenant.id), application: None, domain: tenant.domain })
        }
        (None, Some(number)) => {
            // Whoever asks for something else than to join has a tenant that is quoted.
            let found = applications::find(tx, &number)?.filter(|one| one.kind == onboarding::rule::CODE);
            let one = found.ok_or_else(|| AppError::not_found("application", &number))?;
            let Application { id, domain, tenant, .. } = one;
            if tenant.is_none() && !rule::takes_quotes(one.state, one.outcome()) {
                return Err(AppError::invalid(field::APPLICATION, QuoteFault::ApplicationOver));
            }
            Ok(Party { tenant, application: Some(id), domain })
        }
        _ => Err(AppError::invalid(field::TENANT, QuoteFault::OneParty)),
    }
}

fn asked(center: &Center, new: &NewQuote, now: Timestamp) -> Result<Asked, AppError> {
    let zone = center.settings.time_zone;
    let known = ContractKindName::ALL.map(ContractKindName::code);
    let kind = params::word(field::KIND, &new.kind, ContractKindName::from_code, &known)?;
    let starts_at = params::parse_instant(zone, field::STARTS_AT, &new.starts_at)?;
    let ends_at = params::parse_instant(zone, field::ENDS_AT, &new.ends_at)?;
    if ends_at <= starts_at || ends_at <= now {
        return Err(AppError::invalid(field::ENDS_AT, Wrong::NotAfter { other: field::STARTS_AT }));
    }
    let days = |days: i64| Millis::from_hours(24 * days);
    let valid_until = match new.valid_until.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => params::parse_instant(zone, field::VALID_UNTIL, text)?,
        None => now.plus(days(center.settings.quotes.valid_days)).min(ends_at),
    };
    if valid_until <= now {
        return Err(AppError::invalid(field::VALID_UNTIL, Wrong::InThePast));
    }
    if valid_until > now.plus(days(MOST_VALID_DAYS)) {
        let wrong = QuoteFault::ValidTooLong { most_days: MOST_VALID_DAYS };
        return Err(AppError::invalid(field::VALID_UNTIL, wrong));
    }
    if valid_until > ends_at {
        return Err(AppError::invalid(field::VALID_UNTIL, Wrong::AfterEnd { end: field::ENDS_AT }));
    }
    let credit = new.credit_limit_micro_cny;
    if !(0..=MOST_AMOUNT).contains(&credit) {
        let (of, given) = (Quantity::Number, credit);
        let wrong = Wrong::OutOfRange { of, given, least: 0, most: MOST_AMOUNT };
        return Err(AppError::invalid(field::CREDIT_LIMIT, wrong));
    }
    if credit > 0 && kind != ContractKindName::Metered {
        return Err(AppError::invalid(field::CREDIT_LIMIT, QuoteFault::NoCredit { kind }));
    }
    let note = new.note.trim();
    if !note.is_empty() {
        params::line::<500>(field::NOTE, note)?;
    }
    let (credit_limit, note) = (MicroCny(credit), note.to_owned());
    Ok(Asked { kind, term: (starts_at, ends_at), valid_until, credit_limit, note })
}

fn lines(
    tx: &Tx,
    book: &PriceBook,
    domain: TenantDomain,
    asked: &Asked,
    given: &[NewLine],
) -> Result<Vec<Line>, AppError> {
    if !(1..=MOST_LINES).contains(&given.len()) {
        let wrong = Wrong::Count { of: Things::Lines, given: given.len(), least: 1, most: MOST_LINES };
        return Err(AppError::invalid(field::LINES, wrong));
    }
    let mut places = BTreeSet::new();
    let known = ServiceClass::ALL.map(ServiceClass::code);
    let one = |new: &NewLine| {
        let found = pools::find_pool(tx, &new.pool)?.filter(|pool| pool.retired_at.is_none());
        let pool = found.ok_or_else(|| AppError::not_found("pool", &new.pool))?;
        let class = params::word(field::SERVICE_CLASS, &new.service_class, ServiceClass::from_code, &known)?;
        if !places.insert((pool.id, class)) {
            let what = format!("{} {}", pool.name, class.code());
            return Err(AppError::invalid(field::LINES, Wrong::Twice { what }));
        }
        in_range(field::CARDS, i64::from(new.cards), 1, i64::from(MOST_CARDS))?;
        in_range(field::DISCOUNT, i64::from(new.discount_bp), 0, i64::from(WHOLE_BP))?;
        let kind = asked.kind;
        if new.discount_bp > 0 && !quote::takes_discount(kind) {
            return Err(AppError::invalid(field::DISCOUNT, QuoteFault::NoDiscount { kind }));
        }
        let card_ms = match new.card_ms {
            Some(_) if kind == ContractKindName::Reserved => {
                return Err(AppError::invalid(field::CARD_TIME, QuoteFault::HoursOfReserved));
            }
            Some(card_ms) => {
                in_range(field::CARD_TIME, card_ms, 1, MOST_AMOUNT)?;
                card_ms
            }
            None => asked.term.1.since(asked.term.0).0.saturating_mul(i64::from(new.cards)),
        };
        let no_price = || QuoteFault::NoPrice { pool: pool.name.clone(), class };
        let rate = book.rate(pool.id, class, domain);
        let rate = rate.ok_or_else(|| AppError::invalid(field::LINES, no_price()))?;
        let line = Line {
            pool: pool.id,
            class,
            cards: new.cards,
            card_ms: CardMs(card_ms),
            rate,
            discount_bp: new.discount_bp,
            amount: MicroCny::ZERO,
        };
        let priced = line.priced(kind).filter(|line| card_ms <= MOST_AMOUNT && line.amount.0 <= MOST_AMOUNT);
        priced.ok_or_else(|| AppError::invalid(field::LINES, QuoteFault::TooMuch { most: MOST_AMOUNT }))
    };
    given.iter().map(one).collect()
}

fn in_range(at: domain::problem::Field, given: i64, least: i64, most: i64) -> Result<(), AppError> {
    if (least..=most).contains(&given) {
        return Ok(());
    }
    Err(AppError::invalid(at, Wrong::OutOfRange { of: Quantity::Number, given, least, most }))
}

/// The queue of the contract that comes of these lines: as many cards run at once as the lines have, and reserved ones are
/// guaranteed.
pub fn queue_of(kind: ContractKindName, lines: &[Line]) -> QueueTerms {
    let cards = quote::cards(lines);
    let guaranteed_cards = if kind == ContractKindName::Reserved { cards } else { 0 };
    QueueTerms {
        guaranteed_cards,
        borrowing_limit: None,
        lending_limit: None,
        weight: 1,
        max_running_cards: cards,
    }
}

/// The contract that comes of a quote, as a draft.
pub fn contract_of(
    quote: &Quote,
    tenant: domain::TenantId,
    number: String,
) -> Result<domain::Contract, AppError> {
    let terms: ContractKind = quote::terms(quote.kind, &quote.lines, quote.credit_limit_micro_cny)
        .ok_or_else(|| AppError::internal_at(quote.id, "a quote whose sums don't fit"))?;
    let mut of_lines: Vec<_> = quote.lines.iter().map(|line| line.pool).collect();
    of_lines.sort_unstable();
    of_lines.dedup();
    Ok(domain::Contract {
        id: new_id!(domain::ContractId),
        tenant,
        number,
        kind: terms,
        pools: of_lines,
        starts_at: quote.starts_at,
        ends_at: quote.ends_at,
        queue: queue_of(quote.kind, &quote.lines),
        state: ContractState::Draft,
        created_at: moment::now(),
    })
}

/// The next number of this year, by the center's calendar: `Q-2026-000017`.
fn next_number(tx: &Tx, zone: &Zone, now: Timestamp) -> Result<String, AppError> {
    let date = zone.date(now);
    let (year, _) = date.split_once('-').expect("a date has a year");
    let (prefix, end) = (format!("Q-{year}-"), format!("Q-{year}."));
    let last = match rows::last_number(tx, &prefix, &end)? {
        None => 0,
        Some(last) => last[prefix.len()..].parse::<u64>().map_err(AppError::internal)?,
    };
    Ok(format!("{prefix}{:06}", last + 1))
}
