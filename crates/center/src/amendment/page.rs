//! Amendments in a browser: the form that draws one up, and the decision, which the contract's page asks for.

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
        form::{Choice, Form},
        frame::{Page, Visitor, render},
        words::Ui,
    },
};
use domain::{CardMs, MicroCny, QueueTerms, amendment::Effective, contract::ContractKind};

use super::{
    ask::{self, Approval, NewAmendment},
    rule::DRAW_UP,
};
use crate::{
    app::contracts::{self as known_contracts, ContractView},
    center::Center,
    portal::contracts::{
        show::{Wanted, show_contract},
        vessel::terms,
    },
};

/// The most cards that a field takes: more than any center has.
const MOST_CARDS: u32 = 1_000_000;

#[derive(Template)]
#[template(path = "amendment/new.html")]
#[allow(clippy::struct_excessive_bools, reason = "each is the answer to a question of its own")]
pub struct AmendPage {
    page: Page,
    contract: ContractView,
    terms: String,
    form: Form,
    effective: Vec<Choice>,
    adds_fee: bool,
    adds_time: bool,
    has_credit: bool,
    has_cards: bool,
}

/// The form, with the terms that hold.
pub async fn draft(State(center): State<Center>, Id(id): Id, visitor: Visitor) -> Result<Response, AppError> {
    let contract = amendable(&center, &visitor, &id).await?;
    let form = Form::with(&typed(visitor.front.ui, &contract));
    Ok(show(&visitor, contract, StatusCode::OK, form))
}

/// The contract of that id, for those who may draw up amendments.
async fn amendable(center: &Center, visitor: &Visitor, id: &str) -> Result<ContractView, AppError> {
    let contract = known_contracts::show(center, &visitor.caller, id).await?;
    center.policies.check(&visitor.caller, DRAW_UP, Some(contract.tenant))?;
    Ok(contract)
}

/// The terms that hold, as they are typed.
fn typed(ui: Ui, contract: &ContractView) -> Vec<(&'static str, String)> {
    let queue = contract.queue;
    let mut values = vec![
        ("effective", Effective::Now.code().to_owned()),
        ("ends", ui.zone.date(contract.ends_at.0)),
        ("guaranteed", queue.guaranteed_cards.to_string()),
        ("most", queue.max_running_cards.to_string()),
        ("weight", queue.weight.to_string()),
    ];
    match &contract.terms {
        ContractKind::Metered { credit_limit } => values.push(("credit", credit_limit.to_string())),
        ContractKind::Reserved { cards, .. } => values.push(("cards", cards.to_string())),
        ContractKind::Prepaid { .. } | ContractKind::Grant { .. } => {}
    }
    let limits = [("borrowing", queue.borrowing_limit), ("lending", queue.lending_limit)];
    values.extend(limits.iter().filter_map(|(name, limit)| Some((*name, (*limit)?.to_string()))));
    values
}

fn show(visitor: &Visitor, contract: ContractView, status: StatusCode, amendment: Form) -> Response {
    let ui = visitor.front.ui;
    let page = visitor.page("contracts", format!("{} {}", ui.t("amend"), contract.number));
    render(status, &AmendPage::of(page, contract, amendment))
}

impl AmendPage {
    fn of(page: Page, contract: ContractView, form: Form) -> Self {
        use ContractKind as K;
        let ui = page.ui;
        let kind = contract.terms;
        let effective = Effective::ALL.map(|one| Choice::new(one.code(), ui.word("effective", one.code())));
        Self {
            terms: terms(ui, &kind),
            effective: effective.into(),
            adds_fee: matches!(kind, K::Prepaid { .. } | K::Reserved { .. }),
            adds_time: matches!(kind, K::Prepaid { .. } | K::Grant { cap: Some(_) }),
            has_credit: matches!(kind, K::Metered { .. }),
            has_cards: matches!(kind, K::Reserved { .. }),
            page,
            contract,
            form,
        }
    }
}

/// The amendment as it is written; what is wrong is said at its field.
fn read(ui: Ui, form: &mut Form, contract: &ContractView) -> NewAmendment {
    let was = Form::with(&typed(ui, contract));
    let is_new = |form: &Form, name: &str| form.value(name) != was.value(name);
    let queue_fields = ["guaranteed", "most", "weight", "borrowing", "lending"];
    let has_new_queue = queue_fields.iter().any(|name| is_new(form, name));
    let queue = has_new_queue.then(|| QueueTerms {
        guaranteed_cards: form.number(ui, "guaranteed", 0..=MOST_CARDS),
        borrowing_limit: form.number_or_none(ui, "borrowing", 0..=MOST_CARDS),
        lending_limit: form.number_or_none(ui, "lending", 0..=MOST_CARDS),
        weight: form.number(ui, "weight", 1..=MOST_CARDS),
        max_running_cards: form.number(ui, "most", 1..=MOST_CARDS),
    });
    let has = |form: &Form, name: &str| !form.value(name).is_empty();
    let add_fee = if has(form, "add-fee") { form.yuan(ui, "add-fee") } else { MicroCny::ZERO };
    let add_time = if has(form, "add-hours") { form.hours(ui, "add-hours") } else { CardMs::ZERO };
    let is_metered = matches!(contract.terms, ContractKind::Metered { .. });
    let credit = (is_metered && is_new(form, "credit")).then(|| form.yuan(ui, "credit").0);
    let is_reserved = matches!(contract.terms, ContractKind::Reserved { .. });
    let cards = (is_reserved && is_new(form, "cards")).then(|| form.number(ui, "cards", 1..=MOST_CARDS));
    let ends_at = is_new(form, "ends").then(|| form.day(ui, "ends"));
    if form.value("reason").is_empty() {
        form.blame_by(ui, "reason", "reason-needed");
    }
    NewAmendment {
        ends_at,
        queue,
        add_fee_micro_cny: add_fee.0,
        add_card_ms: add_time.0,
        credit_limit_micro_cny: credit,
        cards,
        effective: Some(form.value("effective").to_owned()),
        reason: form.value("reason").to_owned(),
    }
}

pub async fn draw_up(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let contract = amendable(&center, &visitor, &id).await?;
    let new = read(ui, &mut form, &contract);
    if !form.is_good() {
        return Ok(show(&visitor, contract, StatusCode::UNPROCESSABLE_ENTITY, form));
    }
    match ask::draw_up(&center, &visitor.caller, &id, new).await {
        Ok(_) => Ok(Redirect::to(&format!("/contracts/{id}#versions")).into_response()),
        Err(error) => {
            let status = form.explain(ui, error, |name| match name {
                "ends_at" => Some("ends"),
                "queue" => Some("most"),
                "effective" => Some("effective"),
                "reason" => Some("reason"),
                _ => None,
            })?;
            Ok(show(&visitor, contract, status, form))
        }
    }
}

pub async fn decide(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let contract = ask::show(&center, &visitor.caller, &id).await?.contract_id;
    let decision =
        Approval { approve: form.value("decision") == "approve", note: form.value("note").to_owned() };
    match ask::decide(&center, &visitor.caller, &id, decision).await {
        Ok(_) => Ok(Redirect::to(&format!("/contracts/{contract}#versions")).into_response()),
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, |_| None)?;
            show_contract(&center, &visitor, &contract.to_string(), Wanted::default(), (status, form)).await
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::Lang;

    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for AmendPage {
        fn samples(page: &Page) -> Vec<Self> {
            let of = |terms: ContractKind| ContractView { terms, ..views::contract() };
            let form = |contract: &ContractView| Form::with(&typed(page.ui, contract));
            let prepaid = views::contract();
            let mut wrong = form(&prepaid);
            read(page.ui, &mut wrong, &prepaid);
            let reserved = of(ContractKind::Reserved { cards: 8, fee: MicroCny(5) });
            let metered = of(ContractKind::Metered { credit_limit: MicroCny(5) });
            let (of_reserved, of_metered) = (form(&reserved), form(&metered));
            vec![
                Self::of(page.clone(), prepaid, wrong),
                Self::of(page.clone(), reserved, of_reserved),
                Self::of(page.clone(), metered, of_metered),
            ]
        }
    }

    #[test]
    fn only_what_was_typed_anew_is_amended() {
        let ui = Ui::of(Lang::En);
        let contract = views::contract();
        let mut values = typed(ui, &contract);
        values.extend([("reason", "more work".to_owned()), ("add-fee", "100".to_owned())]);
        let mut form = Form::with(&values);
        let new = read(ui, &mut form, &contract);
        assert!(form.is_good(), "{form:?}");
        assert_eq!(
            (new.add_fee_micro_cny, new.add_card_ms, new.ends_at, new.queue),
            (100_000_000, 0, None, None)
        );
        values.retain(|(name, _)| *name != "most");
        values.push(("most", "32".to_owned()));
        let new = read(ui, &mut Form::with(&values), &contract);
        assert_eq!(
            new.queue.map(|queue| (queue.max_running_cards, queue.lending_limit)),
            Some((32, Some(4)))
        );
    }
}
