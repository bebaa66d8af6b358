//! Paying in, in two steps: the payment is written and looked over, and then booked.

use askama::Template;
use axum::{
    extract::State,
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
    refusal::{Refused, Wanted},
};
use domain::{
    CardMs, MicroCny,
    contract::{ContractKind, Funds},
    text::Line,
};

use super::{
    show::may_top_up,
    vessel::{left, terms},
};
use crate::{
    actions,
    app::contracts::{self, ContractView, TopUp},
    center::Center,
};

#[derive(Template)]
#[template(path = "top_up.html")]
pub struct TopUpPage {
    page: Page,
    /// The title of the step that the reader is to take now.
    step: String,
    contract: ContractView,
    form: Form,
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
    /// The funds that are left once the payment is booked.
    left_then: Html,
}

pub async fn top_up_form(
    State(center): State<Center>,
    Id(id): Id,
    visitor: Visitor,
) -> Result<Response, AppError> {
    show_top_up(&center, &visitor, &id, StatusCode::OK, Form::default(), None).await
}

async fn show_top_up(
    center: &Center,
    visitor: &Visitor,
    id: &str,
    status: StatusCode,
    form: Form,
    paid: Option<&TopUp>,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let contract = contracts::show(center, &visitor.caller, id).await?;
    center.policies.check(&visitor.caller, actions::TOP_UP, Some(contract.tenant))?;
    if !may_top_up(center, visitor, &contract) {
        let (contract, state) = (contract.number.clone(), contract.state);
        return Err(Refused::ContractState { contract, state, wanted: Wanted::PayIn }.into());
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
        form,
        tenant: contract.owner.name.in_lang(ui.lang).to_owned(),
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
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let contract = contracts::visible(&center, &visitor.caller, &id, actions::TOP_UP)?;
    let paid = read_top_up(ui, &mut form, &contract.kind);
    if !form.is_good() {
        return show_top_up(&center, &visitor, &id, StatusCode::UNPROCESSABLE_ENTITY, form, None).await;
    }
    match form.value("step") {
        "book" => {}
        "change" => return show_top_up(&center, &visitor, &id, StatusCode::OK, form, None).await,
        _ => return show_top_up(&center, &visitor, &id, StatusCode::OK, form, Some(&paid)).await,
    }
    match contracts::top_up(&center, &visitor.caller, &id, paid).await {
        Ok(done) if done.booked => Ok(Redirect::to(&format!("/contracts/{id}")).into_response()),
        Ok(_) => {
            form.blame_by(ui, "reference", "booked_before");
            show_top_up(&center, &visitor, &id, StatusCode::CONFLICT, form, None).await
        }
        Err(error) => {
            let field = |name: &str| match name {
                "amount_micro_cny" => Some("amount"),
                "card_ms" => Some("hours"),
                "reference" | "already_there" => Some("reference"),
                "bank" => Some("bank"),
                "paid_on" => Some("paid_on"),
                "payer" => Some("payer"),
                _ => None,
            };
            let status = form.explain(ui, error, field)?;
            show_top_up(&center, &visitor, &id, status, form, None).await
        }
    }
}

/// Reads the payment to be booked; each fault is shown at its field.
fn read_top_up(ui: Ui, form: &mut Form, kind: &ContractKind) -> TopUp {
    let (has_amount, has_hours) = (!form.value("amount").is_empty(), !form.value("hours").is_empty());
    let amount = if has_amount { form.yuan(ui, "amount") } else { MicroCny::ZERO };
    let card_time = if has_hours { form.hours(ui, "hours") } else { CardMs::ZERO };
    if amount.0 == 0 && card_time.0 == 0 {
        let field = if matches!(kind, ContractKind::Grant { .. }) { "hours" } else { "amount" };
        form.blame_by(ui, field, if field == "hours" { "hours" } else { "amount-micro-cny" });
    }
    let reference = form.value("reference").to_owned();
    if let Err(wrong) = Line::<64>::parse(&*reference) {
        form.blame_for(ui, "reference", wrong);
    }
    let [bank, paid_on, payer] = ["bank", "paid_on", "payer"].map(|name| form.value(name).to_owned());
    TopUp { amount_micro_cny: amount.0, card_ms: card_time.0, reference, bank, paid_on, payer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for TopUpPage {
        fn samples(page: &Page) -> Vec<Self> {
            let sample = |form: Form, review: Option<Review>| Self {
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
            let typed = || {
                Form::with(&[("amount", "1,000".into()), ("hours", "2".into()), ("reference", "B 1".into())])
            };
            let mut wrong = typed();
            wrong.blame_by(page.ui, "amount", "amount");
            let review = |left_then: Html| Review {
                amount: MicroCny::from_yuan(1000),
                card_time: CardMs(7_200_000),
                left_then,
            };
            vec![
                sample(Form::default(), None),
                sample(wrong, None),
                sample(typed(), Some(review(page.hours(&CardMs(7_200_000))))),
                sample(typed(), Some(review(Html::default()))),
            ]
        }
    }
}
