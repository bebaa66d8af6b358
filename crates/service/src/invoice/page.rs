//! Invoices in a browser: all of them, a form to request one with its amount before, and one to print, with what may be done
//! with it.

use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::{Id, encode},
    page::{
        extract::{Asked, Sent},
        form::{Choice, Form},
        frame::{Page, Visitor, render},
        words::Ui,
    },
};
use center::{center::Center, settings::PayeeSettings};
use serde::Deserialize;

use super::{
    ask::{self, AmountView, InvoiceDetail, InvoiceQuery, InvoiceView, NewInvoice, OpenQuery, StatementOf},
    decide::{self, InvoiceRefusal, InvoiceReversal, IssuedInvoice},
    rule::{ISSUE, InvoiceKind, InvoiceState, REQUEST, WITHDRAW, percent},
    table::{self, NumbersTable},
};

#[derive(Template)]
#[template(path = "invoice/list.html")]
pub struct InvoicesPage {
    page: Page,
    invoices: Vec<InvoiceView>,
    query: InvoicesQuery,
    states: Vec<Choice>,
    is_of_center: bool,
    shown: String,
    newest: String,
    older: String,
    may_request: bool,
    may_issue: bool,
    /// The table of numbers that was sent, with its faults.
    numbers: Form,
}

/// As a browser asks: empty where nothing is narrowed down.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct InvoicesQuery {
    cursor: String,
    state: String,
    tenant: String,
}

impl InvoicesQuery {
    fn is_filtered(&self) -> bool {
        !self.state.is_empty() || !self.tenant.is_empty()
    }
}

#[derive(Template)]
#[template(path = "invoice/new.html")]
pub struct NewInvoicePage {
    page: Page,
    /// The tenant for whom one of the center asks; else empty.
    tenant: String,
    statements: Vec<StatementOf>,
    kinds: Vec<Choice>,
    rates: Vec<Choice>,
    amount: Option<AmountView>,
    wanted: Form,
}

/// The form as a link opens it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewQuery {
    tenant: String,
    /// The number of a statement that is picked already.
    statement: String,
}

#[derive(Template)]
#[template(path = "invoice/show.html")]
pub struct InvoicePage {
    page: Page,
    invoice: InvoiceView,
    statements: Vec<StatementOf>,
    tenant: String,
    payee: Option<PayeeSettings>,
    may_issue: bool,
    may_withdraw: bool,
    /// What was sent, with its faults.
    typed: Form,
}

pub async fn list(
    State(center): State<Center>,
    Asked(query): Asked<InvoicesQuery>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    show_list(&center, &visitor, query, StatusCode::OK, Form::default()).await
}

async fn show_list(
    center: &Center,
    visitor: &Visitor,
    query: InvoicesQuery,
    status: StatusCode,
    numbers: Form,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let asked = InvoiceQuery {
        cursor: text(&query.cursor),
        limit: None,
        state: text(&query.state),
        tenant: text(&query.tenant),
    };
    let found = ask::list(center, &visitor.caller, asked).await?;
    let fields = [("state", &query.state), ("tenant", &query.tenant)];
    let kept: Vec<String> = fields
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    let at = |more: Option<String>| {
        let all: Vec<String> = kept.iter().cloned().chain(more).collect();
        if all.is_empty() { "/invoices".to_owned() } else { format!("/invoices?{}", all.join("&")) }
    };
    let own = visitor.caller.member.tenant;
    let page = InvoicesPage {
        page: visitor.page("invoices", ui.t("nav-invoices")),
        states: states(ui),
        is_of_center: visitor.is_of_center(),
        shown: ui.shown_of(found.items.len(), found.total),
        newest: if query.cursor.is_empty() { String::new() } else { at(None) },
        older: found
            .next_cursor
            .map(|next| at(Some(format!("cursor={}", encode(&next)))))
            .unwrap_or_default(),
        invoices: found.items,
        may_request: own.is_some() && visitor.may(center, REQUEST, own),
        may_issue: visitor.may(center, ISSUE, None),
        query,
        numbers,
    };
    Ok(render(status, &page))
}

fn states(ui: Ui) -> Vec<Choice> {
    InvoiceState::ALL.map(|state| Choice::new(state.code(), ui.word("invoice-state", state.code()))).into()
}

/// The table for the tax system.
pub async fn export(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    let table = table::export(&center, &visitor.caller).await?;
    let kind = (header::CONTENT_TYPE, "text/csv; charset=utf-8");
    let name = (header::CONTENT_DISPOSITION, "attachment; filename=\"invoices.csv\"");
    Ok(([kind, name], table).into_response())
}

pub async fn import(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let given = NumbersTable { table: form.raw("table").to_owned() };
    match table::import(&center, &visitor.caller, given).await {
        Ok(_) => Ok(Redirect::to("/invoices?state=issued").into_response()),
        Err(error) => {
            let status =
                form.explain(visitor.front.ui, error, |name| (name == "table").then_some("table"))?;
            show_list(&center, &visitor, InvoicesQuery::default(), status, form).await
        }
    }
}

pub async fn draft(
    State(center): State<Center>,
    Asked(query): Asked<NewQuery>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    center.policies.check(&visitor.caller, REQUEST, visitor.caller.scope()?.tenant())?;
    let mut fields = vec![("kind", InvoiceKind::Ordinary.code().to_owned()), ("tenant", query.tenant)];
    if !query.statement.is_empty() {
        fields.push(("statement", query.statement));
    }
    show_draft(&center, &visitor, StatusCode::OK, Form::with(&fields), None).await
}

async fn show_draft(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    wanted: Form,
    amount: Option<AmountView>,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let tenant = wanted.value("tenant").to_owned();
    let open = OpenQuery { tenant: Some(tenant.clone()).filter(|slug| !slug.is_empty()) };
    let page = NewInvoicePage {
        page: visitor.page("invoices", ui.t("invoice-new")),
        statements: ask::open_statements(center, &visitor.caller, open).await?,
        kinds: kinds(ui),
        rates: rates(&center.settings.books.invoice_rates_bp),
        tenant,
        amount,
        wanted,
    };
    Ok(render(status, &page))
}

fn kinds(ui: Ui) -> Vec<Choice> {
    InvoiceKind::ALL.map(|kind| Choice::new(kind.code(), ui.word("invoice-kind", kind.code()))).into()
}

fn rates(rates_bp: &[u16]) -> Vec<Choice> {
    let choice = |rate: &u16| Choice::new(rate.to_string(), format!("{}%", percent(*rate)));
    rates_bp.iter().map(choice).collect()
}

/// Shows the amount of what was picked, or requests the invoice.
pub async fn request(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let text = |name: &str| form.value(name).to_owned();
    let rate = text("rate_bp");
    let rate_bp = if rate.is_empty() { None } else { Some(rate.parse().unwrap_or(u16::MAX)) };
    let new = NewInvoice {
        statements: form.all("statement"),
        kind: text("kind"),
        title: Some(text("title")),
        tax_number: Some(text("tax_number")),
        rate_bp,
        email: text("email"),
        note: text("note"),
    };
    let refused = if form.value("act") == "request" {
        match ask::request(&center, &visitor.caller, new).await {
            Ok(done) => {
                let request = done.invoice.request;
                return Ok(Redirect::to(&format!("/invoices/{request}")).into_response());
            }
            Err(error) => error,
        }
    } else {
        match ask::amounts(&center, &visitor.caller, new).await {
            Ok(amount) => return show_draft(&center, &visitor, StatusCode::OK, form, Some(amount)).await,
            Err(error) => error,
        }
    };
    let status = form.explain(ui, refused, |name| match name {
        "statements" | "already_invoiced" => Some("statement"),
        "kind" => Some("kind"),
        "title" => Some("title"),
        "tax_number" => Some("tax_number"),
        "rate_bp" => Some("rate_bp"),
        "email" => Some("email"),
        "note" => Some("note"),
        _ => None,
    })?;
    show_draft(&center, &visitor, status, form, None).await
}

pub async fn show(
    State(center): State<Center>,
    Id(request): Id,
    visitor: Visitor,
) -> Result<Response, AppError> {
    show_one(&center, &visitor, &request, StatusCode::OK, Form::default()).await
}

async fn show_one(
    center: &Center,
    visitor: &Visitor,
    request: &str,
    status: StatusCode,
    typed: Form,
) -> Result<Response, AppError> {
    let InvoiceDetail { invoice, statements } = ask::show(center, &visitor.caller, request).await?;
    let payee = &center.settings.books.payee;
    let scope = visitor.caller.member.tenant;
    let page = InvoicePage {
        page: visitor.page("invoices", visitor.front.ui.t1("invoice-of", "request", &invoice.request)),
        may_issue: visitor.may(center, ISSUE, scope),
        may_withdraw: invoice.state == InvoiceState::Requested && visitor.may(center, WITHDRAW, scope),
        payee: (*payee != PayeeSettings::default()).then(|| payee.clone()),
        tenant: invoice.tenant_name.in_lang(visitor.front.ui.lang).to_owned(),
        invoice,
        statements,
        typed,
    };
    Ok(render(status, &page))
}

/// The page again after an act: as it is now, or with what is wrong.
async fn acted(
    center: &Center,
    visitor: &Visitor,
    request: &str,
    (mut form, done): (Form, Result<InvoiceDetail, AppError>),
) -> Result<Response, AppError> {
    match done {
        Ok(_) => Ok(Redirect::to(&format!("/invoices/{}", encode(request))).into_response()),
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, |name| match name {
                "invoice_number" => Some("invoice_number"),
                "issued_on" => Some("issued_on"),
                "reason" => Some("reason"),
                "red_number" => Some("red_number"),
                "confirmation" => Some("confirmation"),
                "reversed_on" => Some("reversed_on"),
                _ => None,
            })?;
            show_one(center, visitor, request, status, form).await
        }
    }
}

pub async fn issue(
    State(center): State<Center>,
    Id(request): Id,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    let text = |name: &str| form.value(name).to_owned();
    let given = IssuedInvoice { invoice_number: text("invoice_number"), issued_on: text("issued_on") };
    let done = decide::issue(&center, &visitor.caller, &request, given).await;
    acted(&center, &visitor, &request, (form, done)).await
}

pub async fn refuse(
    State(center): State<Center>,
    Id(request): Id,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    let given = InvoiceRefusal { reason: form.value("reason").to_owned() };
    let done = decide::refuse(&center, &visitor.caller, &request, given).await;
    acted(&center, &visitor, &request, (form, done)).await
}

pub async fn withdraw(
    State(center): State<Center>,
    Id(request): Id,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    let done = decide::withdraw(&center, &visitor.caller, &request).await;
    acted(&center, &visitor, &request, (form, done)).await
}

pub async fn reverse(
    State(center): State<Center>,
    Id(request): Id,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    let text = |name: &str| form.value(name).to_owned();
    let given = InvoiceReversal {
        red_number: text("red_number"),
        confirmation: text("confirmation"),
        reversed_on: text("reversed_on"),
        reason: text("reason"),
    };
    let done = decide::reverse(&center, &visitor.caller, &request, given).await;
    acted(&center, &visitor, &request, (form, done)).await
}

#[cfg(test)]
pub(super) mod samples;
