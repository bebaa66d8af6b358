//! What is done with an invoice that was requested: the tenant withdraws it, the center issues, refuses or reverses it.

use base::{
    auth::{Action, Caller},
    change::Changed,
    error::AppError,
    events::{Event, Kind},
    moment, params,
    refusal::{Did, Refused},
};
use center::{app::contracts::apart, center::Center};
use domain::{
    MemberId, PersonId, Timestamp, Zone,
    billing::MICRO_OF_FEN,
    problem::{Field, InvoiceFault, Wrong, field},
};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{
    Tx,
    invoices::{self as rows, Invoice},
    tenants,
};

use super::{
    ask::{self, InvoiceDetail, Looker},
    rule::{
        Act, ISSUE, ISSUED, REFUSE, REFUSED, REVERSE, REVERSED, WITHDRAW, after, is_invoice_number,
        request_number,
    },
};

/// An invoice as the tax system issued it.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuedInvoice {
    /// The 20 digits of the tax system.
    #[schema(pattern = "^[0-9]{20}$")]
    pub invoice_number: String,
    /// `YYYY-MM-DD`.
    pub issued_on: String,
}

/// Why an invoice is not issued.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvoiceRefusal {
    #[schema(value_type = domain::schema::Line500)]
    pub reason: String,
}

/// The red-letter invoice by which an issued one is taken back.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvoiceReversal {
    /// The 20 digits of the red-letter invoice.
    #[schema(pattern = "^[0-9]{20}$")]
    pub red_number: String,
    /// The number of the confirmation that the tax system asks for before.
    pub confirmation: String,
    /// `YYYY-MM-DD`.
    pub reversed_on: String,
    #[schema(value_type = domain::schema::Line500)]
    pub reason: String,
}

/// Who decides, when, and by which rules.
#[derive(Clone, Debug)]
pub struct Decider {
    by: MemberId,
    person: PersonId,
    is_apart: bool,
    zone: &'static Zone,
    pub now: Timestamp,
}

impl Decider {
    pub fn of(center: &Center, caller: &Caller) -> Self {
        Self {
            by: caller.member.id,
            person: caller.member.person,
            is_apart: center.settings.are_duties_separate(),
            zone: center.settings.time_zone,
            now: moment::now(),
        }
    }

    /// Whether the one who decides requested the invoice, as whichever member, where duties are separate.
    pub fn is_own(&self, tx: &Tx, invoice: &Invoice) -> Result<bool, AppError> {
        let requester = tenants::get_member(tx, invoice.requested_by)?;
        Ok(self.is_apart && (requester.person == self.person || requester.id == self.by))
    }

    /// A day that is not to come.
    pub fn day(&self, at: Field, text: &str) -> Result<String, AppError> {
        let not_a_day = || AppError::invalid(at, Wrong::NotADay { given: text.to_owned() });
        let begins = params::day(self.zone, at, text)?.ok_or_else(not_a_day)?;
        if begins > self.now {
            return Err(AppError::invalid(at, Wrong::InTheFuture));
        }
        Ok(text.to_owned())
    }

    /// The invoice as it is issued under a number of the tax system. Nothing is kept yet.
    pub fn issued(&self, invoice: &Invoice, number: &str, issued_on: &str) -> Option<Invoice> {
        let state = after(invoice.state, Act::Issue)?;
        Some(Invoice {
            state,
            decided_by: Some(self.by),
            decided_at: Some(self.now),
            number: number.to_owned(),
            issued_on: issued_on.to_owned(),
            ..invoice.clone()
        })
    }
}

fn wrong(at: Field, fault: InvoiceFault) -> AppError {
    AppError::invalid(at, Wrong::Invoice(fault))
}

/// Refuses what is no number of the tax system.
fn invoice_number(at: Field, text: &str) -> Result<String, AppError> {
    if is_invoice_number(text) {
        return Ok(text.to_owned());
    }
    Err(wrong(at, InvoiceFault::NotAnInvoiceNumber { given: text.to_owned() }))
}

fn out_of_turn(invoice: &Invoice) -> AppError {
    Refused::InvoiceState { request: request_number(invoice.serial), state: invoice.state }.into()
}

/// Issues a requested invoice under the number that the tax system gave it.
pub async fn issue(
    center: &Center,
    caller: &Caller,
    request: &str,
    given: IssuedInvoice,
) -> Result<InvoiceDetail, AppError> {
    let decider = Decider::of(center, caller);
    let work = move |tx: &Tx, invoice: Invoice| {
        let issued = decider.issued(&invoice, given.invoice_number.trim(), given.issued_on.trim());
        let issued = issued.ok_or_else(|| out_of_turn(&invoice))?;
        invoice_number(field::INVOICE_NUMBER, &issued.number)?;
        decider.day(field::ISSUED_ON, &issued.issued_on)?;
        if decider.is_own(tx, &invoice)? {
            return Err(apart::same_person(Did::RequestedInvoice));
        }
        if let Some(other) = rows::find_number(tx, &issued.number)? {
            let fault =
                InvoiceFault::NumberUsed { number: issued.number, request: request_number(other.serial) };
            return Err(wrong(field::INVOICE_NUMBER, fault));
        }
        rows::decide(tx, &issued)?;
        let told = told_of_issue(&issued);
        Ok((issued, told))
    };
    decided(center, caller, request, (ISSUE, Some(ISSUED)), work).await
}

/// What the audit log keeps of an issue.
pub fn told_of_issue(issued: &Invoice) -> Value {
    json!({ "request": request_number(issued.serial), "amount_micro_cny": issued.amount_fen.saturating_mul(MICRO_OF_FEN),
        "invoice_number": issued.number, "issued_on": issued.issued_on })
}

/// Refuses a requested invoice: its statements are free again.
pub async fn refuse(
    center: &Center,
    caller: &Caller,
    request: &str,
    refusal: InvoiceRefusal,
) -> Result<InvoiceDetail, AppError> {
    let decider = Decider::of(center, caller);
    let work = move |tx: &Tx, invoice: Invoice| {
        let state = after(invoice.state, Act::Refuse).ok_or_else(|| out_of_turn(&invoice))?;
        let reason: String = params::line::<500>(field::REASON, refusal.reason.trim())?.into();
        let told = json!({ "request": request_number(invoice.serial), "reason": reason });
        let (decided_by, decided_at) = (Some(decider.by), Some(decider.now));
        let refused = Invoice { state, decided_by, decided_at, reason, ..invoice };
        rows::decide(tx, &refused)?;
        Ok((refused, told))
    };
    decided(center, caller, request, (REFUSE, Some(REFUSED)), work).await
}

/// Withdraws a requested invoice: its statements are free again.
pub async fn withdraw(center: &Center, caller: &Caller, request: &str) -> Result<InvoiceDetail, AppError> {
    let decider = Decider::of(center, caller);
    let work = move |tx: &Tx, invoice: Invoice| {
        let state = after(invoice.state, Act::Withdraw).ok_or_else(|| out_of_turn(&invoice))?;
        let told = json!({ "request": request_number(invoice.serial) });
        let (decided_by, decided_at) = (Some(decider.by), Some(decider.now));
        let withdrawn = Invoice { state, decided_by, decided_at, ..invoice };
        rows::decide(tx, &withdrawn)?;
        Ok((withdrawn, told))
    };
    decided(center, caller, request, (WITHDRAW, None), work).await
}

/// Takes an issued invoice back by a red-letter one: its statements are free again.
pub async fn reverse(
    center: &Center,
    caller: &Caller,
    request: &str,
    given: InvoiceReversal,
) -> Result<InvoiceDetail, AppError> {
    let decider = Decider::of(center, caller);
    let work = move |tx: &Tx, invoice: Invoice| {
        let state = after(invoice.state, Act::Reverse).ok_or_else(|| out_of_turn(&invoice))?;
        let red_number = invoice_number(field::RED_NUMBER, given.red_number.trim())?;
        let confirmation: String = params::line::<64>(field::CONFIRMATION, given.confirmation.trim())?.into();
        let reversed_on = decider.day(field::REVERSED_ON, given.reversed_on.trim())?;
        if reversed_on < invoice.issued_on {
            let before = Wrong::NotAfter { other: field::ISSUED_ON };
            return Err(AppError::invalid(field::REVERSED_ON, before));
        }
        if red_number == invoice.number {
            let (number, request) = (red_number, request_number(invoice.serial));
            return Err(wrong(field::RED_NUMBER, InvoiceFault::NumberUsed { number, request }));
        }
        let reason: String = params::line::<500>(field::REASON, given.reason.trim())?.into();
        let told = json!({ "request": request_number(invoice.serial), "invoice_number": invoice.number,
            "red_number": red_number, "confirmation": confirmation, "reversed_on": reversed_on, "reason": reason });
        let (reversed_by, reversed_at) = (Some(decider.by), Some(decider.now));
        let reversed = Invoice {
            state,
            reversed_by,
            reversed_at,
            red_number,
            confirmation,
            reversed_on,
            reason,
            ..invoice
        };
        rows::reverse(tx, &reversed)?;
        Ok((reversed, told))
    };
    decided(center, caller, request, (REVERSE, Some(REVERSED)), work).await
}

/// A change of one invoice, and what is told of it.
async fn decided(
    center: &Center,
    caller: &Caller,
    request: &str,
    (action, kind): (Action, Option<Kind>),
    work: impl FnOnce(&Tx, Invoice) -> Result<(Invoice, Value), AppError> + Send + 'static,
) -> Result<InvoiceDetail, AppError> {
    let scope = caller.scope()?.tenant();
    let may = center.policies.may(caller, action, scope)?;
    let looker = Looker::of(center, caller);
    let (caller, request) = (caller.clone(), request.to_owned());
    let work = move |tx: &Tx| {
        let found = ask::visible(tx, &caller, &request)?;
        let (invoice, told) = work(tx, found)?;
        let event = kind.map(|kind| ask::event(tx, &invoice, kind, moment::now())).transpose()?;
        let (id, tenant) = (invoice.id, invoice.tenant);
        let shown = ask::detail(tx, invoice, looker)?;
        Ok(Changed::new(id, told, (shown, event)).of_tenant(tenant))
    };
    let told = |center: &Center, (_, event): &(InvoiceDetail, Option<Event>)| {
        if let Some(event) = event {
            center.tell(event.clone());
        }
    };
    Ok(center.change(may, work, told).await?.0)
}
