//! What is done to a contract: each step on a page of its own that says what it will do before it is done, and payments
//! in two steps: written, looked at, booked.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    CardMs, ContractState, MicroCny,
    contract::{ContractAction, ContractKind, Funds},
};

use super::{
    contract::{is_danger, may_top_up},
    contracts::{left, terms},
    extract::{Id, Sent},
    fault::{self, Fault},
    kit::{Html, Ui},
    page::{Page, Visitor, render},
    tables::tenant_words,
    typed::Typed,
};
use crate::{
    app::contracts::{self, ContractView, TopUp},
    auth::Action,
    center::Center,
    error::AppError,
};

/// The most characters of a reason, as the center takes it.
const MOST_REASON: usize = 500;

type Fields = Sent<Vec<(String, String)>>;

#[derive(Template)]
#[template(path = "contract_act.html")]
pub struct ActPage {
    page: Page,
    contract: ContractView,
    form: Typed,
    tenant: String,
    terms: String,
    left: Html,
    action: &'static str,
    after: &'static str,
    effect: String,
    posted: String,
    is_danger: bool,
}

/// What a step will do, and where to confirm it.
pub async fn look(
    State(center): State<Center>,
    visitor: Visitor,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
) -> Result<Response, Fault> {
    let nowhere = || visitor.fault(AppError::not_found("page", ""));
    let Ok(Path((id, action))) = path else { return Err(nowhere()) };
    let known = ContractAction::from_code(&action).filter(|action| !action.is_automatic());
    let action = known.ok_or_else(nowhere)?;
    show_act(&center, &visitor, &id, action, StatusCode::OK, Typed::default())
}

fn show_act(
    center: &Center,
    visitor: &Visitor,
    id: &str,
    action: ContractAction,
    status: StatusCode,
    f: Typed,
) -> Result<Response, Fault> {
    let failed = |error| visitor.fault(error);
    let ui = visitor.front.ui;
    let contract = contracts::show(center, &visitor.caller, id).map_err(failed)?;
    let needed =
        if action == ContractAction::Submit { Action::SubmitContract } else { Action::DecideContract };
    center.policies.check(&visitor.caller, needed, Some(contract.tenant)).map_err(failed)?;
    let state = ContractState::from_code(&contract.state).unwrap_or(ContractState::Terminated);
    let after = state
        .after(action)
        .map_err(|error| failed(AppError::refused("contract_state", error.to_string(), "")))?;
    let page = ActPage {
        page: visitor.page("contracts", format!("{} {}", ui.word("act", action.code()), contract.number)),
        form: f,
        tenant: tenant_words(center, ui, contract.tenant).0,
        terms: terms(ui, &contract.terms),
        left: left(ui, &contract),
        action: action.code(),
        after: after.code(),
        effect: ui.word("effect", action.code()),
        posted: if action == ContractAction::Activate { posted(ui, &contract.terms) } else { String::new() },
        is_danger: is_danger(action),
        contract,
    };
    Ok(render(status, &page))
}

/// What the ledger gets when a contract of these terms is activated.
fn posted(ui: Ui, terms: &ContractKind) -> String {
    match terms {
        ContractKind::Prepaid { package, fee } => ui.t2("posted-prepaid", ui.plain_hours(package), fee),
        ContractKind::Reserved { fee, .. } => ui.t1("posted-reserved", "fee", fee),
        ContractKind::Grant { cap: Some(cap) } => ui.t1("posted-grant", "hours", ui.plain_hours(cap)),
        ContractKind::Grant { cap: None } | ContractKind::Metered { .. } => ui.t("posted-nothing"),
    }
}

pub async fn act(
    State(center): State<Center>,
    Id(id): Id,
    visitor: Visitor,
    Sent(fields): Fields,
) -> Result<Response, Fault> {
    let mut f = Typed::of(fields);
    visitor.check_csrf(f.value("csrf"))?;
    let ui = visitor.front.ui;
    let (action, reason) = (f.value("action").to_owned(), f.value("reason").to_owned());
    let known = ContractAction::from_code(&action).filter(|action| !action.is_automatic());
    let known = known.ok_or_else(|| visitor.fault(AppError::not_found("page", "")))?;
    if reason.is_empty() && is_danger(known) {
        f.blame_by(ui, "reason", "reason-needed");
    } else if reason.chars().count() > MOST_REASON {
        f.blame_by(ui, "reason", "reason-long");
    }
    if !f.is_good() {
        return show_act(&center, &visitor, &id, known, StatusCode::UNPROCESSABLE_ENTITY, f);
    }
    match contracts::act(&center, &visitor.caller, &id, &action, &reason).await {
        Ok(_) => Ok(Redirect::to(&format!("/contracts/{id}")).into_response()),
        Err(error @ AppError::Invalid(_)) => {
            let status = fault::status(&error);
            let field = |name: &str| (name == "reason").then_some("reason");
            f.take(ui, error, field).map_err(|error| visitor.fault(error))?;
            show_act(&center, &visitor, &id, known, status, f)
        }
        Err(error) => Err(visitor.fault(error)),
    }
}

#[derive(Template)]
#[template(path = "top_up.html")]
pub struct TopUpPage {
    page: Page,
    /// What the reader is to do now.
    step: String,
    contract: ContractView,
    form: Typed,
    tenant: String,
    terms: String,
    left: Html,
    takes_money: bool,
    takes_time: bool,
    /// Set where what was written is looked at before it is booked.
    review: Option<Review>,
}

fn step(ui: Ui, is_reviewed: bool) -> String {
    if is_reviewed { ui.t("confirm") } else { ui.t("payment") }
}

struct Review {
    amount: MicroCny,
    card_time: CardMs,
    /// What is left with it.
    left_then: Html,
}

pub async fn top_up_form(
    State(center): State<Center>,
    Id(id): Id,
    visitor: Visitor,
) -> Result<Response, Fault> {
    show_top_up(&center, &visitor, &id, StatusCode::OK, Typed::default(), None)
}

fn show_top_up(
    center: &Center,
    visitor: &Visitor,
    id: &str,
    status: StatusCode,
    f: Typed,
    paid: Option<&TopUp>,
) -> Result<Response, Fault> {
    let failed = |error| visitor.fault(error);
    let ui = visitor.front.ui;
    let contract = contracts::show(center, &visitor.caller, id).map_err(failed)?;
    center.policies.check(&visitor.caller, Action::TopUp, Some(contract.tenant)).map_err(failed)?;
    if !may_top_up(center, visitor, &contract) {
        return Err(failed(AppError::refused("contract_state", "there is nothing to pay in", "")));
    }
    let (takes_money, takes_time) = takes(&contract);
    let review = paid.map(|paid| Review {
        amount: MicroCny(paid.amount_micro_cny),
        card_time: CardMs(paid.card_ms),
        left_then: match contract.funds {
            Funds::CardTime { card_ms } => ui.hours(&CardMs(card_ms.0.saturating_add(paid.card_ms))),
            Funds::Money { micro_cny } => {
                ui.yuan(&MicroCny(micro_cny.0.saturating_add(paid.amount_micro_cny)))
            }
            Funds::Unlimited => Html::default(),
        },
    });
    let page = TopUpPage {
        step: step(ui, review.is_some()),
        page: visitor.page("contracts", format!("{} {}", ui.t("top-up"), contract.number)),
        form: f,
        tenant: tenant_words(center, ui, contract.tenant).0,
        terms: terms(ui, &contract.terms),
        left: left(ui, &contract),
        takes_money,
        takes_time,
        review,
        contract,
    };
    Ok(render(status, &page))
}

/// Whether money, and whether card time, can be paid in.
fn takes(contract: &ContractView) -> (bool, bool) {
    match contract.terms {
        ContractKind::Prepaid { .. } => (true, true),
        ContractKind::Grant { .. } => (false, true),
        ContractKind::Metered { .. } | ContractKind::Reserved { .. } => (true, false),
    }
}

pub async fn top_up(
    State(center): State<Center>,
    Id(id): Id,
    visitor: Visitor,
    Sent(fields): Fields,
) -> Result<Response, Fault> {
    let mut f = Typed::of(fields);
    visitor.check_csrf(f.value("csrf"))?;
    let failed = |error| visitor.fault(error);
    let ui = visitor.front.ui;
    let contract = contracts::visible(&center, &visitor.caller, &id, Action::TopUp).map_err(failed)?;
    let paid = read_top_up(ui, &mut f, &contract.kind);
    if !f.is_good() {
        return show_top_up(&center, &visitor, &id, StatusCode::UNPROCESSABLE_ENTITY, f, None);
    }
    match f.value("step") {
        "book" => {}
        "change" => return show_top_up(&center, &visitor, &id, StatusCode::OK, f, None),
        _ => return show_top_up(&center, &visitor, &id, StatusCode::OK, f, Some(&paid)),
    }
    match contracts::top_up(&center, &visitor.caller, &id, paid).await {
        Ok(_) => Ok(Redirect::to(&format!("/contracts/{id}")).into_response()),
        Err(error @ (AppError::Invalid(_) | AppError::Refused { code: "already_there", .. })) => {
            let status = fault::status(&error);
            let field = |name: &str| match name {
                "amount_micro_cny" => Some("amount"),
                "card_ms" => Some("hours"),
                "reference" | "already_there" => Some("reference"),
                _ => None,
            };
            f.take(ui, error, field).map_err(failed)?;
            show_top_up(&center, &visitor, &id, status, f, None)
        }
        Err(error) => Err(failed(error)),
    }
}

/// What is to be booked; what is wrong is said at its field.
fn read_top_up(ui: Ui, f: &mut Typed, kind: &ContractKind) -> TopUp {
    let (has_amount, has_hours) = (!f.value("amount").is_empty(), !f.value("hours").is_empty());
    let amount = if has_amount { f.yuan(ui, "amount") } else { MicroCny::ZERO };
    let card_time = if has_hours { f.hours(ui, "hours") } else { CardMs::ZERO };
    if amount.0 == 0 && card_time.0 == 0 {
        let field = if matches!(kind, ContractKind::Grant { .. }) { "hours" } else { "amount" };
        f.blame_by(ui, field, if field == "hours" { "hours" } else { "amount-micro-cny" });
    }
    let reference = f.value("reference").to_owned();
    if !(1..=64).contains(&reference.chars().count()) || reference.chars().any(char::is_control) {
        f.blame_by(ui, "reference", "reference");
    }
    TopUp { amount_micro_cny: amount.0, card_ms: card_time.0, reference }
}

#[cfg(test)]
impl super::sample::Sample for ActPage {
    fn samples(page: &Page) -> Vec<Self> {
        use super::sample::views;
        let sample = |form: Typed, action: ContractAction, after: ContractState| Self {
            page: page.clone(),
            contract: views::contract(),
            form,
            tenant: "Univ".into(),
            terms: terms(page.ui, &views::contract().terms),
            left: left(page.ui, &views::contract()),
            action: action.code(),
            after: after.code(),
            effect: page.word("effect", action.code()),
            posted: if is_danger(action) { String::new() } else { posted(page.ui, &views::contract().terms) },
            is_danger: is_danger(action),
        };
        let mut form = Typed::with(&[("reason", "\"x\"".to_owned())]);
        form.blame_by(page.ui, "reason", "reason-long");
        vec![
            sample(Typed::default(), ContractAction::Activate, ContractState::Active),
            sample(form, ContractAction::Suspend, ContractState::Suspended),
        ]
    }
}

#[cfg(test)]
impl super::sample::Sample for TopUpPage {
    fn samples(page: &Page) -> Vec<Self> {
        use super::sample::views;
        let sample = |form: Typed, review: Option<Review>| Self {
            page: page.clone(),
            step: step(page.ui, review.is_some()),
            contract: views::contract(),
            form,
            tenant: "Univ".into(),
            terms: terms(page.ui, &views::contract().terms),
            left: left(page.ui, &views::contract()),
            takes_money: true,
            takes_time: true,
            review,
        };
        let typed =
            || Typed::with(&[("amount", "1,000".into()), ("hours", "2".into()), ("reference", "B 1".into())]);
        let mut wrong = typed();
        wrong.blame_by(page.ui, "amount", "amount");
        let review = |left_then: Html| Review {
            amount: MicroCny::from_yuan(1000),
            card_time: CardMs(7_200_000),
            left_then,
        };
        vec![
            sample(Typed::default(), None),
            sample(wrong, None),
            sample(typed(), Some(review(page.hours(&CardMs(7_200_000))))),
            sample(typed(), Some(review(Html::default()))),
        ]
    }
}
