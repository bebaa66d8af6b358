//! Decisions on a contract: each step has a page of its own that says what the step will do before it is
//! taken.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::Id,
    page::{
        extract::Sent,
        form::Form,
        frame::{Page, Visitor, render},
        words::{Html, Ui},
    },
    refusal::Refused,
};
use domain::{
    ContractState,
    contract::{ContractAction, ContractKind},
};

use super::{
    show::is_danger,
    vessel::{left, terms},
};
use crate::{
    actions,
    app::contracts::{self, ContractView},
    center::Center,
};

/// The most characters of a reason, as the center takes it.
const MOST_REASON: usize = 500;

#[derive(Template)]
#[template(path = "contract_act.html")]
pub struct ActPage {
    page: Page,
    contract: ContractView,
    form: Form,
    tenant: String,
    terms: String,
    left: Html,
    action: ContractAction,
    after: ContractState,
    effect: String,
    posted: String,
    is_danger: bool,
}

/// The page of a step, with the step's effect and a form to confirm it.
pub async fn look(
    State(center): State<Center>,
    visitor: Visitor,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
) -> Result<Response, AppError> {
    let Ok(Path((id, action))) = path else { return Err(AppError::not_found("page", "")) };
    let action = by_people(&action)?;
    show_act(&center, &visitor, &id, action, StatusCode::OK, Form::default()).await
}

/// The step of that name, if it is one that people take.
fn by_people(action: &str) -> Result<ContractAction, AppError> {
    let known = ContractAction::from_code(action).filter(|action| !action.is_automatic());
    known.ok_or_else(|| AppError::not_found("page", ""))
}

async fn show_act(
    center: &Center,
    visitor: &Visitor,
    id: &str,
    action: ContractAction,
    status: StatusCode,
    form: Form,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let contract = contracts::show(center, &visitor.caller, id).await?;
    let needed =
        if action == ContractAction::Submit { actions::SUBMIT_CONTRACT } else { actions::DECIDE_CONTRACT };
    center.policies.check(&visitor.caller, needed, Some(contract.tenant))?;
    let after = contract
        .state
        .after(action)
        .map_err(|_| Refused::ActionOutOfTurn { state: contract.state, action })?;
    let page = ActPage {
        page: visitor.page("contracts", format!("{} {}", ui.word("act", action.code()), contract.number)),
        form,
        tenant: contract.owner.name.in_lang(ui.lang).to_owned(),
        terms: terms(ui, &contract.terms),
        left: left(ui, &contract),
        action,
        after,
        effect: ui.word("effect", action),
        posted: if action == ContractAction::Activate { posted(ui, &contract.terms) } else { String::new() },
        is_danger: is_danger(action),
        contract,
    };
    Ok(render(status, &page))
}

/// The entries that the ledger gets when a contract of these terms is activated, in words.
fn posted(ui: Ui, terms: &ContractKind) -> String {
    match terms {
        ContractKind::Prepaid { package, fee } => ui.t2("posted-prepaid", ui.set_hours(package), fee),
        ContractKind::Reserved { fee, .. } => ui.t1("posted-reserved", "fee", fee),
        ContractKind::Grant { cap: Some(cap) } => ui.t1("posted-grant", "hours", ui.set_hours(cap)),
        ContractKind::Grant { cap: None } | ContractKind::Metered { .. } => ui.t("posted-nothing"),
    }
}

pub async fn act(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let (action, reason) = (form.value("action").to_owned(), form.value("reason").to_owned());
    let known = by_people(&action)?;
    if reason.is_empty() && is_danger(known) {
        form.blame_by(ui, "reason", "reason-needed");
    } else if reason.chars().count() > MOST_REASON {
        form.blame_by(ui, "reason", "reason-long");
    }
    if !form.is_good() {
        return show_act(&center, &visitor, &id, known, StatusCode::UNPROCESSABLE_ENTITY, form).await;
    }
    match contracts::act(&center, &visitor.caller, &id, &action, &reason).await {
        Ok(_) => Ok(Redirect::to(&format!("/contracts/{id}")).into_response()),
        Err(error) => {
            let status = form.explain(ui, error, |name| (name == "reason").then_some("reason"))?;
            show_act(&center, &visitor, &id, known, status, form).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for ActPage {
        fn samples(page: &Page) -> Vec<Self> {
            let sample = |form: Form, action: ContractAction, after: ContractState| Self {
                page: page.clone(),
                contract: views::contract(),
                form,
                tenant: "Univ".into(),
                terms: terms(page.ui, &views::contract().terms),
                left: left(page.ui, &views::contract()),
                action,
                after,
                effect: page.word("effect", action),
                posted: if is_danger(action) {
                    String::new()
                } else {
                    posted(page.ui, &views::contract().terms)
                },
                is_danger: is_danger(action),
            };
            let mut form = Form::with(&[("reason", "\"x\"".to_owned())]);
            form.blame_by(page.ui, "reason", "reason-long");
            vec![
                sample(Form::default(), ContractAction::Activate, ContractState::Active),
                sample(form, ContractAction::Suspend, ContractState::Suspended),
            ]
        }
    }
}
