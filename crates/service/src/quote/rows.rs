//! Quotes as rows.

use domain::{
    ApplicationId, ContractId, MemberId, MicroCny, PriceBookId, QuoteId, TenantDomain, TenantId, Timestamp,
    contract::ContractKindName,
    quote::{Line, QuoteState},
};
use store::{
    StoreError, Tx,
    db::{Record, params, rows, statements},
};

/// A quote as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    pub id: QuoteId,
    /// `Q-2026-000017`.
    pub number: String,
    /// `None` as long as its applicant is no tenant.
    pub tenant: Option<TenantId>,
    pub application: Option<ApplicationId>,
    /// Whose prices.
    pub domain: TenantDomain,
    pub kind: ContractKindName,
    pub lines: Vec<Line>,
    pub amount_micro_cny: MicroCny,
    pub credit_limit_micro_cny: MicroCny,
    pub price_book: PriceBookId,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub valid_until: Timestamp,
    pub note: String,
    pub state: QuoteState,
    pub drawn_by: MemberId,
    pub drawn_at: Timestamp,
    pub granted_by: Option<MemberId>,
    pub granted_at: Option<Timestamp>,
    pub sent_by: Option<MemberId>,
    pub sent_at: Option<Timestamp>,
    pub ended_by: Option<MemberId>,
    pub ended_at: Option<Timestamp>,
    pub contract: Option<ContractId>,
}

rows! { quote: Quote =
    id, number, tenant, application, domain as code, kind as code, lines as json, amount_micro_cny, credit_limit_micro_cny,
    price_book, starts_at, ends_at, valid_until, note, state as code, drawn_by, drawn_at, granted_by, granted_at, sent_by,
    sent_at, ended_by, ended_at, contract
}

statements! { "quotes", unique: { "quotes.number": "a quote with this number" };
    INSERT = quote!(insert into "quotes");
    FIND = concat!("SELECT ", quote!(columns), " FROM quotes WHERE number = ?1");
    MOVE = "UPDATE quotes SET tenant = ?2, state = ?3, granted_by = ?4, granted_at = ?5, sent_by = ?6, sent_at = ?7, \
        ended_by = ?8, ended_at = ?9, contract = ?10 WHERE id = ?1";
    LAST_NUMBER = "SELECT number FROM quotes WHERE number >= ?1 AND number < ?2
        ORDER BY length(number) DESC, number DESC LIMIT 1";
    // A tenant sees what was sent to it.
    LIST = concat!("SELECT ", quote!(columns), " FROM quotes WHERE (?1 IS NULL OR id < ?1) \
        AND (?2 IS NULL OR (tenant = ?2 AND sent_at IS NOT NULL)) AND (?3 IS NULL OR state = ?3) \
        ORDER BY id DESC LIMIT ?4");
    COUNT = "SELECT COUNT(*) FROM quotes WHERE (?1 IS NULL OR (tenant = ?1 AND sent_at IS NOT NULL)) \
        AND (?2 IS NULL OR state = ?2)";
    OF_APPLICATION = concat!("SELECT ", quote!(columns), " FROM quotes WHERE application = ?1 ORDER BY id");
    OVER = concat!("SELECT ", quote!(columns),
        " FROM quotes WHERE state = 'sent' AND valid_until <= ?1 ORDER BY valid_until, id LIMIT ?2");
}

pub fn insert(tx: &Tx, quote: &Quote) -> Result<(), StoreError> {
    quote.insert(tx, INSERT)
}

pub fn find(tx: &Tx, number: &str) -> Result<Option<Quote>, StoreError> {
    tx.find(FIND, params![number], Quote::read)
}

/// Keeps where a quote stands, whose it is and what came of it. What it says of money never changes.
pub fn change(tx: &Tx, quote: &Quote) -> Result<(), StoreError> {
    let row = params![
        &quote.id,
        &quote.tenant,
        quote.state.code(),
        &quote.granted_by,
        &quote.granted_at,
        &quote.sent_by,
        &quote.sent_at,
        &quote.ended_by,
        &quote.ended_at,
        &quote.contract,
    ];
    tx.update(MOVE, &quote.id, row)
}

/// The highest number from `least` up to `end`, which is left out.
pub fn last_number(tx: &Tx, least: &str, end: &str) -> Result<Option<String>, StoreError> {
    tx.find(LAST_NUMBER, params![least, end], |row| row.get(0))
}

/// Newest first, after the one of that id; a tenant's own that were sent to it, or all.
pub fn list(
    tx: &Tx,
    after: Option<QuoteId>,
    tenant: Option<TenantId>,
    state: Option<QuoteState>,
    limit: u32,
) -> Result<Vec<Quote>, StoreError> {
    tx.all(LIST, params![&after, &tenant, state.map(QuoteState::code), limit], Quote::read)
}

pub fn count(tx: &Tx, tenant: Option<TenantId>, state: Option<QuoteState>) -> Result<u64, StoreError> {
    tx.one(COUNT, params![&tenant, state.map(QuoteState::code)], |row| row.get(0))
}

/// The quotes of an application, oldest first.
pub fn of_application(tx: &Tx, application: ApplicationId) -> Result<Vec<Quote>, StoreError> {
    tx.all(OF_APPLICATION, params![&application], Quote::read)
}

/// The first `limit` of those that are not valid any more and whose state does not say so.
pub fn over(tx: &Tx, now: Timestamp, limit: u32) -> Result<Vec<Quote>, StoreError> {
    tx.all(OVER, params![now, limit], Quote::read)
}
