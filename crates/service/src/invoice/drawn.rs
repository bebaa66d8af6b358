//! An invoice as it is drawn up: over which statements, to whom, how much.

use base::{auth::Caller, error::AppError, moment::new_id, params, refusal::Refused};
use center::{app::statements, center::Center, person::rule::read_email};
use domain::{
    InvoiceId, MicroCny, Tenant, TenantId, Timestamp,
    billing::InvoiceAmounts,
    problem::{InvoiceFault, Quantity, Wrong, field},
    tenant::read_credit_code,
};
use serde::Deserialize;
use store::{
    Tx, contracts,
    invoices::{self as rows, Invoice, InvoiceLine},
    tenants,
};

use super::rule::{InvoiceKind, InvoiceState, MOST_STATEMENTS, request_number};

/// An invoice to request.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvoice {
    /// The numbers of statements of closed months, of one tenant.
    #[schema(max_items = 200)]
    pub statements: Vec<String>,
    /// `special` (专票: the buyer deducts the tax) or `ordinary` (普票).
    #[schema(value_type = InvoiceKind)]
    pub kind: String,
    /// The buyer; the tenant's registered name where it is left out.
    pub title: Option<String>,
    /// The buyer's unified social credit code; the tenant's where it is left out. A special invoice needs one.
    pub tax_number: Option<String>,
    /// In basis points, of the rates that the center has; its first where it is left out.
    #[schema(minimum = 0, maximum = 5_000)]
    pub rate_bp: Option<u16>,
    /// Where the invoice is sent to.
    #[serde(default)]
    pub email: String,
    /// For the center to read.
    #[serde(default)]
    pub note: String,
}

/// The tax rates that the center has.
#[derive(Clone, Debug)]
pub struct Rates(pub Vec<u16>);

impl Rates {
    pub fn of(center: &Center) -> Self {
        Self(center.settings.books.invoice_rates_bp.clone())
    }

    fn chosen(&self, given: Option<u16>) -> Result<u16, AppError> {
        let first = self.0.first().copied();
        let chosen = given.or(first).filter(|rate| self.0.contains(rate));
        chosen.ok_or_else(|| {
            let fault = InvoiceFault::Rate { given: given.unwrap_or_default(), allowed: self.0.clone() };
            AppError::invalid(field::RATE_BP, Wrong::Invoice(fault))
        })
    }
}

fn wrong(at: domain::problem::Field, fault: InvoiceFault) -> AppError {
    AppError::invalid(at, Wrong::Invoice(fault))
}

/// The invoice that is asked for, with its statements. Nothing is kept yet.
pub fn up(
    tx: &Tx,
    rates: &Rates,
    caller: &Caller,
    new: &NewInvoice,
    now: Timestamp,
) -> Result<(Invoice, Vec<InvoiceLine>), AppError> {
    let id = new_id!(InvoiceId);
    let known = InvoiceKind::ALL.map(InvoiceKind::code);
    let kind = params::word(field::KIND, &new.kind, InvoiceKind::from_code, &known)?;
    let rate_bp = rates.chosen(new.rate_bp)?;
    let (tenant, lines) = lines(tx, id, caller, &new.statements)?;
    let tenant = tenants::get_tenant(tx, tenant)?;
    let mut sum = MicroCny::ZERO;
    for line in &lines {
        let too_much = || AppError::internal("the statements bill more than can be counted");
        sum = sum.checked_add(line.billed_micro_cny).ok_or_else(too_much)?;
    }
    let amounts = InvoiceAmounts::of(sum, rate_bp);
    if amounts.amount_fen <= 0 {
        return Err(wrong(field::STATEMENTS, InvoiceFault::NothingToInvoice { billed: sum }));
    }
    let (title, tax_number) = buyer(&tenant, kind, new)?;
    let email = read_email(&new.email)?;
    let note = if new.note.trim().is_empty() {
        String::new()
    } else {
        params::line::<500>(field::NOTE, new.note.trim())?.into()
    };
    let invoice = Invoice {
        id,
        serial: rows::next_serial(tx)?,
        tenant: tenant.id,
        kind,
        title,
        tax_number,
        rate_bp,
        email,
        note,
        billed_micro_cny: sum,
        amount_fen: amounts.amount_fen,
        tax_fen: amounts.tax_fen,
        state: InvoiceState::Requested,
        requested_by: caller.member.id,
        requested_at: now,
        decided_by: None,
        decided_at: None,
        number: String::new(),
        issued_on: String::new(),
        reason: String::new(),
        reversed_by: None,
        reversed_at: None,
        red_number: String::new(),
        confirmation: String::new(),
        reversed_on: String::new(),
    };
    Ok((invoice, lines))
}

/// The tenant of the statements, and what each bills, from its frozen bytes.
fn lines(
    tx: &Tx,
    invoice: InvoiceId,
    caller: &Caller,
    statements: &[String],
) -> Result<(TenantId, Vec<InvoiceLine>), AppError> {
    if statements.is_empty() {
        return Err(wrong(field::STATEMENTS, InvoiceFault::NoStatements));
    }
    if statements.len() > MOST_STATEMENTS {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let (given, most) = (count(statements.len()), count(MOST_STATEMENTS));
        let range = Wrong::OutOfRange { of: Quantity::Items, given, least: 1, most };
        return Err(AppError::invalid(field::STATEMENTS, range));
    }
    let mut owner: Option<TenantId> = None;
    let mut lines: Vec<InvoiceLine> = Vec::new();
    for (place, number) in (1_i64..).zip(statements) {
        if lines.iter().any(|line| line.statement == *number) {
            return Err(AppError::invalid(field::STATEMENTS, Wrong::Twice { what: number.clone() }));
        }
        let unknown = || AppError::invalid(field::STATEMENTS, Wrong::NoSuch { given: number.clone() });
        let (kept, statement) = statements::numbered(tx, number)?.ok_or_else(unknown)?;
        let tenant = contracts::get_contract(tx, kept.contract)?.tenant;
        if !caller.sees(tenant) {
            return Err(unknown());
        }
        if *owner.get_or_insert(tenant) != tenant {
            let fault = InvoiceFault::OfAnotherTenant { statement: number.clone() };
            return Err(wrong(field::STATEMENTS, fault));
        }
        if let Some(other) = rows::of_statement(tx, number)? {
            let request = request_number(other.serial);
            return Err(Refused::AlreadyInvoiced { statement: number.clone(), request }.into());
        }
        lines.push(InvoiceLine {
            invoice,
            place,
            statement: kept.number,
            billed_micro_cny: statement.billed()?,
            is_live: true,
        });
    }
    let owner = owner.ok_or_else(|| wrong(field::STATEMENTS, InvoiceFault::NoStatements))?;
    Ok((owner, lines))
}

/// Title and tax number: those that are asked for, else those by which the tenant is registered.
fn buyer(tenant: &Tenant, kind: InvoiceKind, new: &NewInvoice) -> Result<(String, String), AppError> {
    let given = |text: &Option<String>, own: &str| {
        let given = text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        given.unwrap_or(own).to_owned()
    };
    let title: String = params::line::<128>(field::TITLE, given(&new.title, &tenant.legal_name))?.into();
    let number = given(&new.tax_number, &tenant.tax_number);
    if number.is_empty() {
        return match kind {
            InvoiceKind::Special => Err(wrong(field::TAX_NUMBER, InvoiceFault::NeedsTaxNumber)),
            InvoiceKind::Ordinary => Ok((title, number)),
        };
    }
    let read = read_credit_code(&number);
    let number = read
        .map_err(|fault| AppError::invalid(field::TAX_NUMBER, Wrong::CreditCode { given: number, fault }))?;
    Ok((title, number))
}
