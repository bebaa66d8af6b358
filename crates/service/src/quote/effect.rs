//! What comes of a quote: the draft of a contract with exactly its terms, once.

use base::{
    approval::{Application, rows as applications},
    audit::{self, Change},
    error::AppError,
    events::{self, About, Event},
    moment,
};
use center::{app::contracts, center::Center, signing::freeze};
use domain::{Contract, MemberId, TenantId, quote::QuoteState};
use serde_json::json;
use store::{Tx, tenants};

use super::{
    draw,
    rows::{self, Quote},
    rule::{self, CHANGED, DRAFT},
};

/// Drafts the contract of a quote whose tenant is there. It has its text at once, where both parties are named as they are
/// registered.
pub fn draft(
    tx: &Tx,
    center: &Center,
    quote: &mut Quote,
    tenant: TenantId,
    by: Option<MemberId>,
) -> Result<Contract, AppError> {
    let wanted = quote.number.replacen("Q-", "C-", 1);
    let contract = draw::contract_of(quote, tenant, contracts::free_number(tx, &wanted)?)?;
    contracts::insert(tx, &contract)?;
    if freeze::has_parties(center, &tenants::get_tenant(tx, tenant)?) {
        freeze::contract_text(tx, center, &contract, by)?;
    }
    (quote.tenant, quote.contract) = (Some(tenant), Some(contract.id));
    Ok(contract)
}

/// Tells that a quote stands elsewhere now, with the change. An applicant who is no tenant yet is told by mail.
pub fn tell(tx: &Tx, quote: &Quote) -> Result<Event, AppError> {
    let about = About { tenant: quote.tenant, ..About::default() };
    let mut data = json!({ "number": quote.number, "state": quote.state.code() });
    if let Some(id) = quote.application.filter(|_| quote.tenant.is_none()) {
        data["application"] = json!(applications::get(tx, id)?.number);
    }
    events::record(tx, moment::now(), about, CHANGED, data)
}

/// Gives the quotes of an application to the tenant that came of it, and drafts the contracts: of each that its applicant has
/// accepted; where there is none, of the newest that was sent and is still valid.
pub fn of_application(
    center: &Center,
    tx: &Tx,
    application: &Application,
    tenant: TenantId,
) -> Result<Vec<Contract>, AppError> {
    let now = moment::now();
    let mut quotes = rows::of_application(tx, application.id)?;
    let is_accepted = |quote: &Quote| quote.state == QuoteState::Accepted;
    let stands = |quote: &Quote| rule::told(quote.state, quote.valid_until, now);
    let sent = quotes.iter().rposition(|quote| stands(quote) == QuoteState::Sent);
    let is_any = quotes.iter().any(is_accepted);
    let mut drafted = Vec::new();
    for (at, quote) in quotes.iter_mut().enumerate() {
        quote.tenant = Some(tenant);
        if is_accepted(quote) || (!is_any && sent == Some(at)) {
            let contract = draft(tx, center, quote, tenant, None)?;
            let detail = json!({ "number": quote.number, "contract": contract.number });
            let subject = quote.id.to_string();
            audit::record_own(tx, Change { tenant: Some(tenant), action: DRAFT, subject, detail })?;
            drafted.push(contract);
        }
        rows::change(tx, quote)?;
    }
    Ok(drafted)
}
