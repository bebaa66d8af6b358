//! What can be asked of quotes: those that one may see, drawing one up, granting a discount, sending, accepting, withdrawing.

use base::{
    approval::{Application, rows as applications},
    audit::{self, Change},
    auth::{Caller, credentials},
    change::Changed,
    error::AppError,
    events::Event,
    listing::{Listing, Total},
    lookup::Names,
    moment, params,
    refusal::{Did, Paper, Refused},
};
use center::{app::contracts, center::Center};
use domain::{
    CardMs, Contract, ContractId, MicroCny, PriceBookId, QuoteId, RatePerCardHour, Rfc3339, ServiceClass,
    TenantDomain, Timestamp,
    contract::ContractKindName,
    problem::field,
    quote::{self, Line, QuoteState},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Tx, contracts as kept_contracts, pools, prices, tenants};

use super::{
    draw,
    effect::{draft, tell},
    rows::{self, Quote},
    rule::{self, ACCEPT, ACCEPT_BY_SECRET, EXPIRE, GRANT, MANAGE, Move, READ},
};

pub use draw::{NewLine, NewQuote};

/// The most quotes that expire in one transaction.
const EXPIRE_AT_ONCE: u32 = 100;

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct QuoteView {
    pub id: QuoteId,
    pub number: String,
    /// The tenant's short name; `null` as long as its applicant is no tenant.
    pub tenant: Option<String>,
    /// The number of the application that it is attached to.
    pub application: Option<String>,
    /// Whom it is for, as they are registered, where that is known.
    pub customer: String,
    pub domain: TenantDomain,
    pub kind: ContractKindName,
    pub lines: Vec<LineView>,
    /// The sum of all lines; for a metered contract what the use would cost.
    pub amount_micro_cny: MicroCny,
    /// The same without discounts.
    pub listed_micro_cny: MicroCny,
    pub credit_limit_micro_cny: MicroCny,
    /// The greatest discount of a line.
    pub discount_bp: u32,
    /// The name of the price book that it is made by.
    pub price_book: String,
    pub price_book_id: PriceBookId,
    pub starts_at: Rfc3339,
    pub ends_at: Rfc3339,
    pub valid_until: Rfc3339,
    pub note: String,
    pub state: QuoteState,
    pub drawn_at: Rfc3339,
    /// Logins of the center's people; none for others.
    pub drawn_by: Option<String>,
    pub granted_by: Option<String>,
    pub sent_at: Option<Rfc3339>,
    pub ended_at: Option<Rfc3339>,
    /// The contract that was drafted from it.
    pub contract_id: Option<ContractId>,
    pub contract: Option<String>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct LineView {
    /// The pool's name.
    pub pool: String,
    pub service_class: ServiceClass,
    pub cards: u32,
    pub card_ms: CardMs,
    pub rate_micro_cny_per_card_hour: RatePerCardHour,
    pub discount_bp: u32,
    pub amount_micro_cny: MicroCny,
}

/// Which quotes to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct QuoteQuery {
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    #[param(inline, value_type = Option<QuoteState>)]
    pub state: Option<String>,
}

/// Who looks at a quote: the center's people read who did what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    Center,
    Customer,
}

fn view(tx: &Tx, quote: Quote, reader: Reader) -> Result<QuoteView, AppError> {
    let mut names = Names::of(tx);
    let all = pools::list_pools(tx)?;
    let line = |line: &Line| LineView {
        pool: all.iter().find(|pool| pool.id == line.pool).map(|pool| pool.name.clone()).unwrap_or_default(),
        service_class: line.class,
        cards: line.cards,
        card_ms: line.card_ms,
        rate_micro_cny_per_card_hour: line.rate,
        discount_bp: line.discount_bp,
        amount_micro_cny: line.amount,
    };
    let tenant = quote.tenant.map(|id| tenants::get_tenant(tx, id)).transpose()?;
    let application = quote.application.map(|id| applications::get(tx, id)).transpose()?;
    let asked_as = |application: &Application| {
        let name = application.answers.get(field::LEGAL_NAME.code);
        name.and_then(|name| name.as_str()).unwrap_or_default().to_owned()
    };
    let customer = match (&tenant, &application) {
        (Some(tenant), _) if !tenant.legal_name.is_empty() => tenant.legal_name.clone(),
        (Some(tenant), _) => tenant.name_zh.clone(),
        (None, Some(application)) => asked_as(application),
        (None, None) => String::new(),
    };
    let mut login = |member: Option<_>| match (reader, member) {
        (Reader::Center, Some(member)) => names.login(member).map(Some),
        _ => Ok(None),
    };
    let listed = quote.lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.listed().0));
    let contract = quote.contract.map(|id| kept_contracts::get_contract(tx, id)).transpose()?;
    Ok(QuoteView {
        id: quote.id,
        tenant: tenant.map(|tenant| tenant.slug),
        application: application.map(|application| application.number),
        customer,
        domain: quote.domain,
        kind: quote.kind,
        lines: quote.lines.iter().map(line).collect(),
        amount_micro_cny: quote.amount_micro_cny,
        listed_micro_cny: MicroCny(listed),
        credit_limit_micro_cny: quote.credit_limit_micro_cny,
        discount_bp: quote::most_discount(&quote.lines),
        price_book: prices::get_price_book(tx, quote.price_book)?.name,
        price_book_id: quote.price_book,
        starts_at: quote.starts_at.into(),
        ends_at: quote.ends_at.into(),
        valid_until: quote.valid_until.into(),
        state: rule::told(quote.state, quote.valid_until, moment::now()),
        drawn_at: quote.drawn_at.into(),
        drawn_by: login(Some(quote.drawn_by))?,
        granted_by: login(quote.granted_by)?,
        sent_at: quote.sent_at.map(Rfc3339),
        ended_at: quote.ended_at.map(Rfc3339),
        contract_id: quote.contract,
        contract: contract.map(|contract| contract.number),
        number: quote.number,
        note: quote.note,
    })
}

fn reader_of(caller: &Caller) -> Reader {
    if caller.member.tenant.is_none() { Reader::Center } else { Reader::Customer }
}

/// Quotes that the caller may see, newest first: of a tenant's people those that were sent to it.
pub async fn list(
    center: &Center,
    caller: &Caller,
    query: QuoteQuery,
) -> Result<Listing<QuoteView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, READ, scope)?;
    let after = params::parse_cursor::<QuoteId>(query.cursor.as_deref())?;
    let limit = params::page_limit(query.limit)?;
    let known = QuoteState::ALL.map(QuoteState::code);
    let given = query.state.filter(|state| !state.is_empty());
    let state =
        given.map(|text| params::word(field::STATE, &text, QuoteState::from_code, &known)).transpose()?;
    let reader = reader_of(caller);
    let read = move |tx: &Tx| {
        let found = rows::list(tx, after, scope, state, limit + 1)?;
        let page = Listing::cut(found, limit, |one| one.id.to_string());
        let count = rows::count(tx, scope, state)?;
        let items = page.items.into_iter().map(|one| view(tx, one, reader)).collect::<Result<_, _>>()?;
        Ok(Listing { items, next_cursor: page.next_cursor, total: Some(Total { count, and_more: false }) })
    };
    center.try_read(read).await
}

/// The quote of that number, if the caller may know of it.
fn found(tx: &Tx, caller: &Caller, number: &str) -> Result<Quote, AppError> {
    let sees = |quote: &Quote| match caller.member.tenant {
        None => true,
        Some(_) => quote.sent_at.is_some() && quote.tenant.is_some_and(|tenant| caller.sees(tenant)),
    };
    rows::find(tx, number)?.filter(sees).ok_or_else(|| AppError::not_found("quote", number))
}

/// [`found`] before a change, which asks the policies first.
async fn known(center: &Center, caller: &Caller, number: &str) -> Result<Quote, AppError> {
    let (caller, number) = (caller.clone(), number.to_owned());
    center.try_read(move |tx| found(tx, &caller, &number)).await
}

pub async fn show(center: &Center, caller: &Caller, number: &str) -> Result<QuoteView, AppError> {
    center.policies.check(caller, READ, caller.member.tenant)?;
    let (caller, number) = (caller.clone(), number.to_owned());
    center.try_read(move |tx| view(tx, found(tx, &caller, &number)?, reader_of(&caller))).await
}

/// Draws a quote up, as a draft that the center alone knows of.
pub async fn draw_up(center: &Center, caller: &Caller, new: NewQuote) -> Result<QuoteView, AppError> {
    let may = center.policies.may(caller, MANAGE, None)?;
    let (handle, caller) = (center.clone(), caller.clone());
    let work = move |tx: &Tx| {
        let quote = draw::drawn_up(tx, &handle, &caller, &new)?;
        let detail = detail(&quote);
        let changed = (quote.id, quote.tenant);
        let changed = of_tenant(Changed::new(changed.0, detail, view(tx, quote, Reader::Center)?), changed.1);
        Ok(changed)
    };
    center.change(may, work, |_, _| ()).await
}

fn of_tenant<T>(changed: Changed<T>, tenant: Option<domain::TenantId>) -> Changed<T> {
    match tenant {
        Some(tenant) => changed.of_tenant(tenant),
        None => changed,
    }
}

fn detail(quote: &Quote) -> serde_json::Value {
    json!({ "number": quote.number, "kind": quote.kind.code(), "amount_micro_cny": quote.amount_micro_cny,
        "discount_bp": quote::most_discount(&quote.lines), "state": quote.state.code() })
}

/// Moves a quote on; refuses what its state does not allow.
fn moved(quote: &mut Quote, step: Move, now: Timestamp) -> Result<(), AppError> {
    let is_over = now >= quote.valid_until;
    let state = rule::told(quote.state, quote.valid_until, now);
    let after = rule::after(quote.state, is_over, step);
    quote.state = after.ok_or_else(|| {
        let state = if quote.state == QuoteState::Draft && is_over { QuoteState::Expired } else { state };
        Paper::QuoteState { number: quote.number.clone(), state }
    })?;
    Ok(())
}

/// Grants the discount of a draft that its drawer may not give alone.
pub async fn grant(center: &Center, caller: &Caller, number: &str) -> Result<QuoteView, AppError> {
    let may = center.policies.may(caller, GRANT, None)?;
    let (handle, caller, number) = (center.clone(), caller.clone(), number.to_owned());
    let work = move |tx: &Tx| {
        let mut quote = found(tx, &caller, &number)?;
        let now = moment::now();
        moved(&mut quote, Move::Grant, now)?;
        let (settings, discount) = (&handle.settings.quotes, quote::most_discount(&quote.lines));
        if !rule::grants(settings, caller.role(), discount) {
            let most_bp = settings.alone(caller.role());
            return Err(Paper::DiscountAbove { discount_bp: discount, most_bp }.into());
        }
        let drawer = tenants::get_member(tx, quote.drawn_by)?.person;
        if drawer == caller.member.person && handle.settings.are_duties_separate() {
            return Err(Refused::SamePerson { did: Did::DrewUpQuote }.into());
        }
        (quote.granted_by, quote.granted_at) = (Some(caller.member.id), Some(now));
        rows::change(tx, &quote)?;
        let detail = json!({ "number": quote.number, "discount_bp": discount,
            "amount_micro_cny": quote.amount_micro_cny });
        let (id, tenant) = (quote.id, quote.tenant);
        Ok(of_tenant(Changed::new(id, detail, view(tx, quote, Reader::Center)?), tenant))
    };
    center.change(may, work, |_, _| ()).await
}

/// Sends a quote: from then on the one it is for may accept it. Its discount is one that the sender gives alone, or was
/// granted.
pub async fn send(center: &Center, caller: &Caller, number: &str) -> Result<QuoteView, AppError> {
    go(center, caller, number, Move::Send).await
}

/// Takes a quote back that nobody has accepted.
pub async fn withdraw(center: &Center, caller: &Caller, number: &str) -> Result<QuoteView, AppError> {
    go(center, caller, number, Move::Withdraw).await
}

async fn go(center: &Center, caller: &Caller, number: &str, step: Move) -> Result<QuoteView, AppError> {
    let may = center.policies.may(caller, MANAGE, None)?;
    let (handle, caller, number) = (center.clone(), caller.clone(), number.to_owned());
    let work = move |tx: &Tx| {
        let mut quote = found(tx, &caller, &number)?;
        let (now, by) = (moment::now(), caller.member.id);
        moved(&mut quote, step, now)?;
        if step == Move::Send {
            let (settings, discount) = (&handle.settings.quotes, quote::most_discount(&quote.lines));
            if quote.granted_by.is_none() && !rule::gives_alone(settings, caller.role(), discount) {
                let most_bp = settings.alone(caller.role());
                return Err(Paper::DiscountAbove { discount_bp: discount, most_bp }.into());
            }
            (quote.sent_by, quote.sent_at) = (Some(by), Some(now));
        } else {
            (quote.ended_by, quote.ended_at) = (Some(by), Some(now));
        }
        rows::change(tx, &quote)?;
        // A draft that is taken back is nobody else's matter.
        let event = quote.sent_at.map(|_| tell(tx, &quote)).transpose()?;
        let (id, tenant, detail) = (quote.id, quote.tenant, detail(&quote));
        let view = view(tx, quote, Reader::Center)?;
        Ok(of_tenant(Changed::new(id, detail, (view, event)), tenant))
    };
    let told = |center: &Center, (_, event): &(QuoteView, Option<Event>)| {
        if let Some(event) = event {
            center.tell(event.clone());
        }
    };
    Ok(center.change(may, work, told).await?.0)
}

/// What an acceptance brings.
type Accepted = (QuoteView, Option<Contract>, Event);

fn effects(center: &Center, (_, contract, event): &Accepted) {
    if let Some(contract) = contract {
        contracts::drafted(center, contract);
    }
    center.tell(event.clone());
}

/// Accepts a quote for the tenant that it was sent to. The draft of a contract with exactly its terms is there with it.
pub async fn accept(center: &Center, caller: &Caller, number: &str) -> Result<QuoteView, AppError> {
    let owner = known(center, caller, number).await?.tenant;
    let may = center.policies.may(caller, ACCEPT, owner)?;
    let (handle, caller, number) = (center.clone(), caller.clone(), number.to_owned());
    let work = move |tx: &Tx| {
        let mut quote = found(tx, &caller, &number)?;
        let now = moment::now();
        moved(&mut quote, Move::Accept, now)?;
        let tenant = caller.member.tenant.ok_or(AppError::Forbidden { action: ACCEPT.code() })?;
        (quote.ended_by, quote.ended_at) = (Some(caller.member.id), Some(now));
        let contract = match quote.contract {
            Some(_) => None,
            None => Some(draft(tx, &handle, &mut quote, tenant, Some(caller.member.id))?),
        };
        rows::change(tx, &quote)?;
        let event = tell(tx, &quote)?;
        let id = quote.id;
        let shown = view(tx, quote, Reader::Customer)?;
        let detail = json!({ "number": shown.number, "amount_micro_cny": shown.amount_micro_cny,
            "contract": shown.contract });
        Ok(Changed::new(id, detail, (shown, contract, event)))
    };
    Ok(center.change(may, work, effects).await?.0)
}

/// The application that a secret is for, and its quote of that number, if it was sent.
fn of_secret(tx: &Tx, of: &str, secret: &[u8; 32], number: &str) -> Result<(Application, Quote), AppError> {
    let application = applications::find(tx, of)?.filter(|found| found.tracking.as_ref() == Some(secret));
    let application = application.ok_or_else(|| AppError::not_found("application", of))?;
    let is_its = |quote: &Quote| quote.application == Some(application.id) && quote.sent_at.is_some();
    let quote = rows::find(tx, number)?.filter(is_its).ok_or_else(|| AppError::not_found("quote", number))?;
    Ok((application, quote))
}

/// A quote for whoever has the secret of its application. Whoever guesses is slowed down.
pub async fn show_by_secret(
    center: &Center,
    from: &str,
    (of, secret): (&str, &str),
    number: &str,
) -> Result<QuoteView, AppError> {
    let (of, hash, number) = (of.to_owned(), credentials::hash(secret), number.to_owned());
    let read = move |tx: &Tx| view(tx, of_secret(tx, &of, &hash, &number)?.1, Reader::Customer);
    match center.try_read(read).await {
        Err(error @ AppError::NotFound { .. }) => {
            center.limits.application(from)?;
            Err(error)
        }
        found => found,
    }
}

/// Accepts a quote by the secret of its application. The contract is drafted with it where the applicant is a tenant
/// already, and with the application's approval otherwise.
pub async fn accept_by_secret(
    center: &Center,
    from: &str,
    (of, secret): (&str, &str),
    number: &str,
) -> Result<(), AppError> {
    center.limits.application(from)?;
    let (of, hash, number) = (of.to_owned(), credentials::hash(secret), number.to_owned());
    let (from, handle) = (from.to_owned(), center.clone());
    let work = move |tx: &Tx| {
        let (application, mut quote) = of_secret(tx, &of, &hash, &number)?;
        let outcome = application.outcome();
        if application.tenant.is_none() && !rule::takes_quotes(application.state, outcome) {
            let (number, state) = (application.number, application.state);
            return Err(Refused::ApplicationState { number, state }.into());
        }
        let now = moment::now();
        moved(&mut quote, Move::Accept, now)?;
        quote.ended_at = Some(now);
        let contract = match (application.tenant, quote.contract) {
            (Some(tenant), None) => Some(draft(tx, &handle, &mut quote, tenant, None)?),
            _ => None,
        };
        rows::change(tx, &quote)?;
        let event = tell(tx, &quote)?;
        let (tenant, subject) = (quote.tenant, quote.id.to_string());
        let detail = json!({ "number": quote.number, "amount_micro_cny": quote.amount_micro_cny });
        let change = Change { tenant, action: ACCEPT_BY_SECRET, subject, detail };
        audit::record_stranger(tx, &from, change)?;
        Ok((view(tx, quote, Reader::Customer)?, contract, event))
    };
    center.write(work, effects).await?;
    Ok(())
}

/// The quotes of an application for the center's people, or for its applicant, who sees what was sent.
pub fn of_application(
    tx: &Tx,
    application: &Application,
    is_center: bool,
) -> Result<Vec<QuoteView>, AppError> {
    let reader = if is_center { Reader::Center } else { Reader::Customer };
    let all = rows::of_application(tx, application.id)?.into_iter();
    all.filter(|quote| is_center || quote.sent_at.is_some()).map(|quote| view(tx, quote, reader)).collect()
}

/// Ends what is not valid any more; the rule itself refuses to accept it from that instant on.
pub fn expire(center: &Center) -> Result<(), AppError> {
    loop {
        let now = moment::now();
        let work = move |tx: &Tx| {
            let mut told = Vec::new();
            for mut quote in rows::over(tx, now, EXPIRE_AT_ONCE)? {
                moved(&mut quote, Move::Expire, now)?;
                quote.ended_at = Some(now);
                rows::change(tx, &quote)?;
                let detail = json!({ "number": quote.number });
                let (tenant, subject) = (quote.tenant, quote.id.to_string());
                audit::record_own(tx, Change { tenant, action: EXPIRE, subject, detail })?;
                told.push(tell(tx, &quote)?);
            }
            Ok(told)
        };
        let told: Vec<Event> = center.write_now(work, |center, told: &Vec<Event>| {
            for event in told {
                center.tell(event.clone());
            }
        })?;
        if told.is_empty() {
            return Ok(());
        }
    }
}
