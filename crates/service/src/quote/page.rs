//! Quotes in a browser: the list, drawing one up, one on paper with what can be done to it; and an applicant's.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::{Id, encode},
    moment,
    page::{
        extract::{Asked, Sent, SentByStranger},
        form::{Choice, Form},
        frame::{Front, Page, Visitor, render},
        words::{Html, Ui},
    },
};
use center::{app::nodes, center::Center, tenant::ask as tenants};
use domain::{ServiceClass, contract::ContractKindName, quote::QuoteState};
use serde::Deserialize;

use super::{
    ask::{self, NewLine, NewQuote, QuoteQuery, QuoteView},
    rule::{ACCEPT, GRANT, MANAGE, MOST_CARDS},
    sheet::Sheet,
};
use crate::percent;

/// The lines that the form has.
const LINES: usize = 5;

#[derive(Template)]
#[template(path = "quote/list.html")]
pub struct QuotesPage {
    page: Page,
    quotes: Vec<QuoteView>,
    states: Vec<Choice>,
    state: String,
    may_draw_up: bool,
    shown: String,
    newest: String,
    older: String,
}

#[derive(Template)]
#[template(path = "quote/new.html")]
pub struct NewPage {
    page: Page,
    form: Form,
    kinds: [&'static str; 4],
    tenants: Vec<Choice>,
    pools: Vec<Choice>,
    classes: Vec<Choice>,
    rows: Vec<Row>,
}

/// The names of a line's fields.
struct Row {
    pool: String,
    class: String,
    cards: String,
    hours: String,
    discount: String,
}

fn row(number: usize) -> Row {
    let name = |field: &str| format!("{field}-{number}");
    Row {
        pool: name("pool"),
        class: name("class"),
        cards: name("cards"),
        hours: name("hours"),
        discount: name("discount"),
    }
}

#[derive(Template)]
#[template(path = "quote/show.html")]
#[allow(clippy::struct_excessive_bools, reason = "each is the answer to a question of its own")]
pub struct QuotePage {
    page: Page,
    sheet: Sheet,
    form: Form,
    may_send: bool,
    may_grant: bool,
    may_withdraw: bool,
    may_accept: bool,
    /// For the center's people, who read who did what.
    is_center: bool,
}

#[derive(Template)]
#[template(path = "quote/public.html")]
pub struct ApplicantQuotePage {
    page: Page,
    sheet: Sheet,
    form: Form,
    of: String,
    secret: String,
    may_accept: bool,
}

/// A quote's state: icon and word.
fn state(ui: Ui, state: QuoteState) -> Html {
    let look = match state {
        QuoteState::Draft => "draft",
        QuoteState::Sent => "submitted",
        QuoteState::Accepted => "approved",
        QuoteState::Expired => "expired",
        QuoteState::Withdrawn => "cancelled",
    };
    ui.state_as(look, &ui.word("quote-state", state.code()))
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    cursor: String,
    state: String,
}

pub async fn list(
    State(center): State<Center>,
    Asked(wanted): Asked<Wanted>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let query = QuoteQuery { cursor: text(&wanted.cursor), limit: None, state: text(&wanted.state) };
    let found = ask::list(&center, &visitor.caller, query).await?;
    let at = |cursor: Option<&str>| {
        let state = Some(("state", wanted.state.as_str())).filter(|(_, state)| !state.is_empty());
        let pairs = state.into_iter().chain(cursor.map(|cursor| ("cursor", cursor)));
        let all: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encode(value))).collect();
        if all.is_empty() { "/quotes".to_owned() } else { format!("/quotes?{}", all.join("&")) }
    };
    let known =
        QuoteState::ALL.into_iter().filter(|state| visitor.is_of_center() || *state != QuoteState::Draft);
    let page = QuotesPage {
        page: visitor.page("quotes", ui.t("nav-quotes")),
        states: known.map(|state| Choice::new(state.code(), ui.word("quote-state", state.code()))).collect(),
        may_draw_up: visitor.may(&center, MANAGE, None),
        shown: ui.shown_of(found.items.len(), found.total),
        newest: if wanted.cursor.is_empty() { String::new() } else { at(None) },
        older: found.next_cursor.as_deref().map(|next| at(Some(next))).unwrap_or_default(),
        quotes: found.items,
        state: wanted.state.clone(),
    };
    Ok(render(StatusCode::OK, &page))
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct For {
    application: String,
}

pub async fn form(
    State(center): State<Center>,
    Asked(wanted): Asked<For>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    center.policies.check(&visitor.caller, MANAGE, None)?;
    let zone = visitor.front.ui.zone;
    let today = zone.date(moment::now());
    let year: u32 = today.get(..4).and_then(|year| year.parse().ok()).unwrap_or_default();
    // 29 February has no counterpart in the year after.
    let end = format!("{}{}", year + 1, today.get(4..).unwrap_or_default()).replace("-02-29", "-03-01");
    let begun = Form::with(&[
        ("kind", "prepaid".to_owned()),
        ("starts", today),
        ("ends", end),
        ("application", wanted.application),
    ]);
    show_form(&center, &visitor, StatusCode::OK, begun).await
}

async fn show_form(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    form: Form,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let tenant = |view: tenants::TenantView| {
        let name = view.name.in_lang(ui.lang).to_owned();
        Choice::new(view.slug, name)
    };
    let pools = nodes::list_pools(center, &visitor.caller)?;
    let page = NewPage {
        page: visitor.page("quotes", ui.t("quote-new")),
        form,
        kinds: ContractKindName::ALL.map(ContractKindName::code),
        tenants: tenants::list(center, &visitor.caller).await?.into_iter().map(tenant).collect(),
        pools: pools.into_iter().map(|pool| Choice::new(pool.name.clone(), pool.name)).collect(),
        classes: ServiceClass::ALL
            .map(|class| Choice::new(class.code(), ui.word("class", class.code())))
            .into(),
        rows: (1..=LINES).map(row).collect(),
    };
    Ok(render(status, &page))
}

/// The quote as it is written; what is wrong is said at its field.
fn read(ui: Ui, form: &mut Form) -> NewQuote {
    let text = |form: &Form, name: &str| Some(form.value(name).to_owned()).filter(|text| !text.is_empty());
    let (tenant, application) = (text(form, "tenant"), text(form, "application"));
    if tenant.is_some() == application.is_some() {
        form.blame_by(ui, "tenant", "quote-party");
    }
    let kind = form.value("kind").to_owned();
    let mut lines = Vec::new();
    for Row { pool, class, cards, hours, discount: off } in (1..=LINES).map(row) {
        let is_empty = [&pool, &cards, &hours, &off].iter().all(|name| form.value(name).is_empty());
        if is_empty {
            continue;
        }
        if form.value(&pool).is_empty() {
            form.blame_by(ui, &pool, "pool");
        }
        lines.push(NewLine {
            pool: form.value(&pool).to_owned(),
            service_class: form.value(&class).to_owned(),
            cards: form.number(ui, &cards, 1..=MOST_CARDS),
            card_ms: (!form.value(&hours).is_empty()).then(|| form.hours(ui, &hours).0),
            discount_bp: percent::read(ui, form, &off),
        });
    }
    if lines.is_empty() {
        form.blame_by(ui, "pool-1", "pool");
    }
    let credit =
        if kind == "metered" && !form.value("credit").is_empty() { form.yuan(ui, "credit").0 } else { 0 };
    let (starts_at, ends_at) = (form.day(ui, "starts"), form.day(ui, "ends"));
    if !starts_at.is_empty() && !ends_at.is_empty() && ends_at <= starts_at {
        form.blame_by(ui, "ends", "ends-at");
    }
    NewQuote {
        tenant,
        application,
        kind,
        lines,
        credit_limit_micro_cny: credit,
        starts_at,
        ends_at,
        valid_until: (!form.value("valid").is_empty()).then(|| form.day(ui, "valid")),
        note: form.value("note").to_owned(),
    }
}

/// The form's field for what the center names.
fn field(name: &str) -> Option<&'static str> {
    Some(match name {
        "tenant" => "tenant",
        "application" => "application",
        "kind" | "terms" => "kind",
        "lines" | "pool" | "service_class" | "card_ms" | "discount_bp" | "cards" => "pool-1",
        "credit_limit_micro_cny" => "credit",
        "starts_at" => "starts",
        "ends_at" => "ends",
        "valid_until" => "valid",
        "note" => "note",
        _ => return None,
    })
}

pub async fn draw_up(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    center.policies.check(&visitor.caller, MANAGE, None)?;
    let ui = visitor.front.ui;
    let new = read(ui, &mut form);
    if !form.is_good() {
        return show_form(&center, &visitor, StatusCode::UNPROCESSABLE_ENTITY, form).await;
    }
    match ask::draw_up(&center, &visitor.caller, new).await {
        Ok(made) => Ok(Redirect::to(&format!("/quotes/{}", made.number)).into_response()),
        Err(error) => {
            let status = form.explain(ui, error, field)?;
            show_form(&center, &visitor, status, form).await
        }
    }
}

pub async fn show(
    State(center): State<Center>,
    Id(number): Id,
    visitor: Visitor,
) -> Result<Response, AppError> {
    show_quote(&center, &visitor, &number, (StatusCode::OK, Form::default())).await
}

async fn show_quote(
    center: &Center,
    visitor: &Visitor,
    number: &str,
    (status, form): (StatusCode, Form),
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let quote = ask::show(center, &visitor.caller, number).await?;
    let (is_draft, is_sent) = (quote.state == QuoteState::Draft, quote.state == QuoteState::Sent);
    let settings = &center.settings.quotes;
    let role = visitor.caller.role();
    let may_manage = visitor.may(center, MANAGE, None);
    let may_give = super::rule::gives_alone(settings, role, quote.discount_bp) || quote.granted_by.is_some();
    let page = QuotePage {
        page: visitor.page("quotes", format!("{} {}", ui.t("quote"), quote.number)),
        may_send: is_draft && may_manage && may_give,
        may_grant: is_draft
            && quote.granted_by.is_none()
            && quote.discount_bp > 0
            && visitor.may(center, GRANT, None)
            && super::rule::grants(settings, role, quote.discount_bp),
        may_withdraw: (is_draft || is_sent) && may_manage,
        may_accept: is_sent
            && !visitor.is_of_center()
            && visitor.may(center, ACCEPT, visitor.caller.member.tenant),
        is_center: visitor.is_of_center(),
        sheet: Sheet::of(ui, quote),
        form,
    };
    Ok(render(status, &page))
}

pub async fn act(
    State(center): State<Center>,
    Id(number): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let caller = &visitor.caller;
    let done = match form.value("act") {
        "send" => ask::send(&center, caller, &number).await,
        "grant" => ask::grant(&center, caller, &number).await,
        "accept" => ask::accept(&center, caller, &number).await,
        "withdraw" => ask::withdraw(&center, caller, &number).await,
        _ => return Err(AppError::not_found("page", "")),
    };
    match done {
        Ok(_) => Ok(Redirect::to(&format!("/quotes/{number}")).into_response()),
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, |_| None)?;
            show_quote(&center, &visitor, &number, (status, form)).await
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct OfApplicant {
    secret: String,
    quote: String,
}

pub async fn of_applicant(
    State(center): State<Center>,
    Id(of): Id,
    front: Front,
    Asked(wanted): Asked<OfApplicant>,
) -> Result<Response, AppError> {
    center.limits.request(&front.from)?;
    show_of_applicant(&center, front, of, wanted, (StatusCode::OK, Form::default())).await
}

async fn show_of_applicant(
    center: &Center,
    front: Front,
    of: String,
    wanted: OfApplicant,
    (status, form): (StatusCode, Form),
) -> Result<Response, AppError> {
    let ui = front.ui;
    let quote = ask::show_by_secret(center, &front.from, (&of, &wanted.secret), &wanted.quote).await?;
    let page = ApplicantQuotePage {
        page: Page::new(front, "", format!("{} {}", ui.t("quote"), quote.number)),
        may_accept: quote.state == QuoteState::Sent,
        sheet: Sheet::of(ui, quote),
        form,
        of,
        secret: wanted.secret,
    };
    Ok(render(status, &page))
}

pub async fn accept_of_applicant(
    State(center): State<Center>,
    Id(of): Id,
    SentByStranger { front, mut form }: SentByStranger,
) -> Result<Response, AppError> {
    let wanted =
        OfApplicant { secret: form.value("secret").to_owned(), quote: form.value("quote").to_owned() };
    let of_secret = (of.as_str(), wanted.secret.as_str());
    match ask::accept_by_secret(&center, &front.from, of_secret, &wanted.quote).await {
        Ok(()) => {
            let (secret, quote) = (encode(&wanted.secret), encode(&wanted.quote));
            Ok(Redirect::to(&format!("/apply/{of}/quote?secret={secret}&quote={quote}")).into_response())
        }
        Err(error) => {
            let status = form.explain(front.ui, error, |_| None)?;
            show_of_applicant(&center, front, of, wanted, (status, form)).await
        }
    }
}

impl QuotesPage {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "templates hand over fields by reference")]
    fn state_of(&self, of: &QuoteState) -> Html {
        state(self.page.ui, *of)
    }
}

impl QuotePage {
    fn stands(&self) -> Html {
        state(self.page.ui, self.sheet.quote.state)
    }
}

impl ApplicantQuotePage {
    fn stands(&self) -> Html {
        state(self.page.ui, self.sheet.quote.state)
    }
}

#[cfg(test)]
pub mod samples;
