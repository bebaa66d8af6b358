//! What can be asked of invoices: listing and showing them, which statements one may be over, and requesting one.

use base::{
    auth::Caller,
    change::Changed,
    error::AppError,
    events::{self, About, Event},
    listing::{Listing, Total},
    lookup::{Names, named_or_own_required},
    moment, params,
    text::Text,
};
use center::{app::statements, center::Center, generated::GeneratedPast};
use domain::{
    ContractId, InvoiceId, MicroCny, Rfc3339,
    billing::InvoiceAmounts,
    contract::ContractKindName,
    problem::{Wrong, field},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    StoreError, Tx, contracts,
    invoices::{self as rows, Filter, Invoice},
    periods,
};

pub use super::drawn::NewInvoice;
use super::{
    drawn::{self, Rates},
    rule::{InvoiceKind, InvoiceState, READ, REQUEST, REQUESTED, percent, request_number, serial},
};

/// Which invoices to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct InvoiceQuery {
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    #[param(inline, value_type = Option<InvoiceState>)]
    pub state: Option<String>,
    /// A tenant's short name; for the center's people.
    pub tenant: Option<String>,
}

/// Whose statements to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OpenQuery {
    /// A tenant's short name; for the center's people, who name one.
    pub tenant: Option<String>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct InvoiceView {
    pub id: InvoiceId,
    /// The number of the request: `FP-000017`.
    pub request: String,
    pub tenant_slug: String,
    pub tenant_name: Text,
    pub kind: InvoiceKind,
    /// The buyer, as registered.
    pub title: String,
    pub tax_number: String,
    /// The tax rate in basis points.
    pub rate_bp: u16,
    pub email: String,
    pub note: String,
    /// What its statements bill, to the last part.
    pub billed_micro_cny: MicroCny,
    /// The invoice's amount with the tax: the sum, rounded to the fen.
    pub amount_micro_cny: MicroCny,
    pub net_micro_cny: MicroCny,
    pub tax_micro_cny: MicroCny,
    /// How much the rounding added.
    pub rounding_micro_cny: MicroCny,
    pub state: InvoiceState,
    pub requested_by: String,
    pub requested_at: Rfc3339,
    /// Who issued, refused or withdrew it; told to the center's people.
    pub decided_by: Option<String>,
    pub decided_at: Option<Rfc3339>,
    /// The number in the tax system.
    pub number: Option<String>,
    /// `YYYY-MM-DD`.
    pub issued_on: Option<String>,
    /// Why it was refused or reversed.
    pub reason: String,
    /// Told to the center's people.
    pub reversed_by: Option<String>,
    pub reversed_at: Option<Rfc3339>,
    /// The number of the red-letter invoice.
    pub red_number: Option<String>,
    /// The number of the form by which the tax system allowed it.
    pub confirmation: Option<String>,
    pub reversed_on: Option<String>,
    /// It never happened: a demo's past was made up.
    pub is_generated: bool,
}

impl InvoiceView {
    /// Whether its statements bill no whole number of fen.
    pub fn is_rounded(&self) -> bool {
        self.rounding_micro_cny != MicroCny::ZERO
    }

    pub fn rate_percent(&self) -> String {
        percent(self.rate_bp)
    }
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct InvoiceDetail {
    #[serde(flatten)]
    pub invoice: InvoiceView,
    pub statements: Vec<StatementOf>,
}

/// A statement that an invoice is over, or may be.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct StatementOf {
    /// The statement's number.
    pub statement: String,
    pub month: String,
    pub contract_id: ContractId,
    /// The contract's number.
    pub contract: String,
    pub kind: ContractKindName,
    /// The part of it that is billed; below 0 where it lowers the invoice.
    pub billed_micro_cny: MicroCny,
}

/// The amounts of an invoice that was not requested yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AmountView {
    pub billed_micro_cny: MicroCny,
    pub amount_micro_cny: MicroCny,
    pub net_micro_cny: MicroCny,
    pub tax_micro_cny: MicroCny,
    pub rounding_micro_cny: MicroCny,
}

impl AmountView {
    pub fn is_rounded(&self) -> bool {
        self.rounding_micro_cny != MicroCny::ZERO
    }
}

impl From<InvoiceAmounts> for AmountView {
    fn from(of: InvoiceAmounts) -> Self {
        Self {
            billed_micro_cny: of.billed,
            amount_micro_cny: of.amount(),
            net_micro_cny: of.net(),
            tax_micro_cny: of.tax(),
            rounding_micro_cny: of.rounding(),
        }
    }
}

/// Invoices, newest first, with how many there are in all.
pub async fn list(
    center: &Center,
    caller: &Caller,
    query: InvoiceQuery,
) -> Result<Listing<InvoiceView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, READ, scope)?;
    let before = match query.cursor.as_deref().filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(serial(text).ok_or_else(|| AppError::invalid(field::CURSOR, Wrong::NotACursor))?),
    };
    let limit = params::page_limit(query.limit)?;
    let known = InvoiceState::ALL.map(InvoiceState::code);
    let state = query.state.as_deref().filter(|text| !text.is_empty());
    let state = state.map(|text| params::word(field::STATE, text, InvoiceState::from_code, &known));
    let named = query.tenant.filter(|slug| !slug.is_empty());
    let tenant = match named {
        Some(slug) => Some(base::lookup::tenant(center, caller, &slug).await?.id),
        None => scope,
    };
    let filter = Filter { tenant, state: state.transpose()? };
    let looker = Looker::of(center, caller);
    let read = move |tx: &Tx| {
        let found = rows::list(tx, filter, before, limit + 1)?.into_iter();
        let views = found.map(|one| view(tx, one, looker)).collect::<Result<Vec<_>, _>>()?;
        Ok((views, rows::count(tx, filter)?))
    };
    let (found, count) = center.read(read).await?;
    let page = Listing::cut(found, limit, |one| one.request.clone());
    Ok(Listing { total: Some(Total { count, and_more: false }), ..page })
}

/// One invoice, by the number of its request.
pub async fn show(center: &Center, caller: &Caller, request: &str) -> Result<InvoiceDetail, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, READ, scope)?;
    let (caller, request) = (caller.clone(), request.to_owned());
    let looker = Looker::of(center, &caller);
    center.try_read(move |tx| Ok(detail(tx, visible(tx, &caller, &request)?, looker)?)).await
}

/// The invoice of a request that the caller may know of.
pub(super) fn visible(tx: &Tx, caller: &Caller, request: &str) -> Result<Invoice, AppError> {
    let found = serial(request).map(|serial| rows::find(tx, serial)).transpose()?.flatten();
    let found = found.filter(|invoice| caller.sees(invoice.tenant));
    found.ok_or_else(|| AppError::not_found("invoice", request))
}

/// Who looks at an invoice, and at which center.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looker {
    is_of_center: bool,
    past: Option<GeneratedPast>,
}

impl Looker {
    pub fn of(center: &Center, caller: &Caller) -> Self {
        Self { is_of_center: caller.member.tenant.is_none(), past: center.generated }
    }
}

pub(super) fn view(tx: &Tx, one: Invoice, looker: Looker) -> Result<InvoiceView, StoreError> {
    let mut names = Names::of(tx);
    let owner = names.tenant(one.tenant)?;
    let amounts =
        InvoiceAmounts { billed: one.billed_micro_cny, amount_fen: one.amount_fen, tax_fen: one.tax_fen };
    let said = |text: String| Some(text).filter(|text| !text.is_empty());
    let mut of_center = |by: Option<domain::MemberId>| {
        by.filter(|_| looker.is_of_center).map(|by| names.login(by)).transpose()
    };
    let (decided_by, reversed_by) = (of_center(one.decided_by)?, of_center(one.reversed_by)?);
    Ok(InvoiceView {
        id: one.id,
        request: request_number(one.serial),
        tenant_slug: owner.slug,
        tenant_name: owner.name,
        kind: one.kind,
        title: one.title,
        tax_number: one.tax_number,
        rate_bp: one.rate_bp,
        email: one.email,
        note: one.note,
        billed_micro_cny: amounts.billed,
        amount_micro_cny: amounts.amount(),
        net_micro_cny: amounts.net(),
        tax_micro_cny: amounts.tax(),
        rounding_micro_cny: amounts.rounding(),
        state: one.state,
        requested_by: names.login(one.requested_by)?,
        requested_at: one.requested_at.into(),
        decided_by,
        decided_at: one.decided_at.map(Rfc3339),
        number: said(one.number),
        issued_on: said(one.issued_on),
        reason: one.reason,
        reversed_by,
        reversed_at: one.reversed_at.map(Rfc3339),
        red_number: said(one.red_number),
        confirmation: said(one.confirmation),
        reversed_on: said(one.reversed_on),
        is_generated: looker.past.is_some_and(|past| past.holds(one.requested_at)),
    })
}

pub(super) fn detail(tx: &Tx, one: Invoice, looker: Looker) -> Result<InvoiceDetail, StoreError> {
    let mut statements = Vec::new();
    for line in rows::lines(tx, one.id)? {
        let missing = || StoreError::NotFound { noun: "statement", id: line.statement.clone() };
        let kept = periods::find_numbered(tx, &line.statement)?.ok_or_else(missing)?;
        let contract = contracts::get_contract(tx, kept.contract)?;
        statements.push(StatementOf {
            statement: line.statement,
            month: kept.month.to_string(),
            contract_id: contract.id,
            contract: contract.number,
            kind: contract.kind.name(),
            billed_micro_cny: line.billed_micro_cny,
        });
    }
    Ok(InvoiceDetail { invoice: view(tx, one, looker)?, statements })
}

/// The newest statements of a tenant that are in no invoice and bill something.
pub async fn open_statements(
    center: &Center,
    caller: &Caller,
    query: OpenQuery,
) -> Result<Vec<StatementOf>, AppError> {
    center.policies.check(caller, READ, caller.scope()?.tenant())?;
    let tenant = named_or_own_required(center, caller, query.tenant.as_deref()).await?;
    let work = move |tx: &Tx| {
        let mut open = Vec::new();
        for kept in periods::list_open(tx, tenant, MOST_OPEN)? {
            let statement = statements::thawed(&kept)?;
            let billed = statement.billed()?;
            if billed != MicroCny::ZERO {
                open.push(StatementOf {
                    statement: kept.number,
                    month: statement.month,
                    contract_id: statement.contract_id,
                    contract: statement.contract,
                    kind: statement.kind,
                    billed_micro_cny: billed,
                });
            }
        }
        Ok(open)
    };
    center.try_read(work).await
}

/// How many statements are looked at for those that may be invoiced.
const MOST_OPEN: u32 = 500;

/// The amounts of an invoice, as they would be if it were requested now.
pub async fn amounts(center: &Center, caller: &Caller, new: NewInvoice) -> Result<AmountView, AppError> {
    center.policies.check(caller, REQUEST, caller.scope()?.tenant())?;
    let (rates, caller, now) = (Rates::of(center), caller.clone(), moment::now());
    let work = move |tx: &Tx| {
        let (invoice, _) = drawn::up(tx, &rates, &caller, &new, now)?;
        Ok(InvoiceAmounts::of(invoice.billed_micro_cny, invoice.rate_bp).into())
    };
    center.try_read(work).await
}

/// Requests an invoice. Its statements are in no other from here on, until it is withdrawn, refused or reversed.
pub async fn request(center: &Center, caller: &Caller, new: NewInvoice) -> Result<InvoiceDetail, AppError> {
    let scope = caller.scope()?.tenant();
    let may = center.policies.may(caller, REQUEST, scope)?;
    let looker = Looker::of(center, caller);
    let (rates, caller, now) = (Rates::of(center), caller.clone(), moment::now());
    let work = move |tx: &Tx| {
        let (invoice, lines) = drawn::up(tx, &rates, &caller, &new, now)?;
        rows::insert(tx, &invoice, &lines)?;
        let event = event(tx, &invoice, REQUESTED, now)?;
        let amount = invoice.amount_fen.saturating_mul(domain::billing::MICRO_OF_FEN);
        let names: Vec<&str> = lines.iter().map(|line| line.statement.as_str()).collect();
        let told = json!({ "request": request_number(invoice.serial), "kind": invoice.kind.code(),
            "amount_micro_cny": amount, "statements": names });
        let (id, tenant) = (invoice.id, invoice.tenant);
        let shown = detail(tx, invoice, looker)?;
        Ok(Changed::new(id, told, (shown, event)).of_tenant(tenant))
    };
    let told = |center: &Center, (_, event): &(InvoiceDetail, Event)| center.tell(event.clone());
    Ok(center.change(may, work, told).await?.0)
}

/// Keeps an event of an invoice.
pub(super) fn event(
    tx: &Tx,
    invoice: &Invoice,
    kind: events::Kind,
    now: domain::Timestamp,
) -> Result<Event, AppError> {
    let request = request_number(invoice.serial);
    let data = json!({ "name": request, "href": format!("/invoices/{request}"), "state": invoice.state.code(),
        "amount_micro_cny": invoice.amount_fen.saturating_mul(domain::billing::MICRO_OF_FEN) });
    events::record(tx, now, About { tenant: Some(invoice.tenant), ..About::default() }, kind, data)
}
