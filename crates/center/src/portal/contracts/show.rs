//! One contract: what is left, on which terms, what happened to it, what was posted for it.

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use base::{
    error::AppError,
    http::{Id, encode},
    page::{
        extract::Asked,
        form::Form,
        frame::{Page, Visitor, render},
        words::{Html, Ui},
    },
};
use domain::{
    ContractState, RatePerCardHour, ServiceClass, contract::ContractAction, contract::ContractKind,
};
use serde::Deserialize;

use super::vessel::{Vessel, vessel, warnings};
use crate::{
    actions,
    amendment::{
        ask::{self as amendments, AmendmentState, AmendmentView, VersionView},
        change::{Told, told},
        rule::DECIDE,
        told::may_amend,
    },
    app::{
        contracts::{self, ContractEventView, ContractView},
        transfers::{self, TransferQuery, TransferView},
    },
    center::Center,
    price::ask as prices,
    signing::{
        ask as signing,
        rule::{RENEW, takes_text},
    },
};

/// Entries of the ledger on one page.
const ENTRIES: u32 = 20;

struct Price {
    class: ServiceClass,
    rate: RatePerCardHour,
}

/// Something that can be done now, and whether it takes something away.
struct ActChoice {
    action: ContractAction,
    is_danger: bool,
}

#[derive(Template)]
#[template(path = "contract.html")]
#[allow(clippy::struct_excessive_bools, reason = "each is the answer to a question of its own")]
pub struct ContractPage {
    page: Page,
    contract: ContractView,
    vessel: Vessel,
    tenant: String,
    warning: String,
    used: String,
    /// The funds that are left by the posted balance, without the use since then.
    posted: Html,
    most: String,
    lending: String,
    borrowing: String,
    prices: Vec<Price>,
    events: Vec<ContractEventView>,
    transfers: Vec<TransferView>,
    shown: String,
    newest: String,
    older: String,
    may_read_money: bool,
    acts: Vec<ActChoice>,
    may_top_up: bool,
    may_edit: bool,
    may_amend: bool,
    may_decide_amendments: bool,
    may_renew: bool,
    /// The contracts that this one goes on after, or that go on after it.
    neighbours: Vec<(String, String)>,
    /// Whether there is a text to read, or one may be had made.
    has_text: bool,
    /// Amendments that nobody has decided yet.
    open_amendments: Vec<Proposed>,
    versions: Vec<VersionLine>,
    /// The decision on an amendment that was sent, with its faults.
    decision: Form,
    is_final: bool,
}

/// An amendment to decide.
struct Proposed {
    view: AmendmentView,
    changes: Vec<Told>,
}

/// A version of the terms, with what it changed.
struct VersionLine {
    view: VersionView,
    changes: Vec<Told>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// Entries of the ledger before this one.
    cursor: String,
}

pub async fn page(
    State(center): State<Center>,
    Id(id): Id,
    Asked(wanted): Asked<Wanted>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    show_contract(&center, &visitor, &id, wanted, (StatusCode::OK, Form::default())).await
}

/// The page of a contract, with the decision on an amendment that was refused, if one was.
pub async fn show_contract(
    center: &Center,
    visitor: &Visitor,
    id: &str,
    wanted: Wanted,
    (status, decision): (StatusCode, Form),
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let contract = contracts::show(center, &visitor.caller, id).await?;
    let events = contracts::list_events(center, &visitor.caller, id).await?;
    let owner = Some(contract.tenant);
    let may_read_money = visitor.may(center, actions::READ_LEDGER, owner);
    let (mut transfers, mut older, mut shown) = (Vec::new(), String::new(), String::new());
    if may_read_money {
        let query = TransferQuery {
            contract: Some(id.to_owned()),
            order: Some("newest".into()),
            cursor: Some(wanted.cursor.clone()),
            limit: Some(ENTRIES),
            total: Some(true),
        };
        let found = transfers::list_transfers(center, &visitor.caller, query).await?;
        shown = ui.shown_of(found.items.len(), found.total);
        transfers = found.items;
        older = found.next_cursor.map(|next| format!("?cursor={}#ledger", encode(&next))).unwrap_or_default();
    }
    let amendments = amendments::list(center, &visitor.caller, id).await?;
    let open = amendments.into_iter().filter(|one| one.state == AmendmentState::Proposed);
    let open_amendments = open.map(|view| Proposed { changes: told(ui, &view.changes), view }).collect();
    let versions = amendments::versions(center, &visitor.caller, id).await?.into_iter().rev();
    let versions = versions.map(|view| VersionLine { changes: told(ui, &view.changes), view }).collect();
    let neighbours = signing::neighbours(center, &visitor.caller, id).await?;
    let has_text = !signing::list(center, &visitor.caller, id).await?.is_empty();
    let tenant = contract.owner.name.in_lang(ui.lang).to_owned();
    let queue = contract.queue;
    let limit =
        |limit: Option<u32>| limit.map_or_else(|| ui.t("no-bound"), |cards| ui.t1("unit-cards", "n", cards));
    let is_final = contract.state.is_final();
    let page = ContractPage {
        page: visitor.page("contracts", contract.number.clone()),
        vessel: vessel(ui, &contract),
        warning: warnings(center, ui, std::slice::from_ref(&contract))
            .pop()
            .map(|(_, text)| text)
            .unwrap_or_default(),
        used: contract
            .used_permille
            .map(|permille| ui.t1("used-share", "share", format!("{}.{} %", permille / 10, permille % 10)))
            .unwrap_or_default(),
        posted: posted(ui, &contract),
        most: ui.t1("unit-cards", "n", queue.max_running_cards),
        lending: limit(queue.lending_limit),
        borrowing: limit(queue.borrowing_limit),
        prices: rates(center, visitor, &contract)?,
        tenant,
        events,
        transfers,
        shown,
        newest: if wanted.cursor.is_empty() { String::new() } else { format!("/contracts/{id}#ledger") },
        older,
        may_read_money,
        acts: acts(center, visitor, &contract),
        may_top_up: may_top_up(center, visitor, &contract),
        may_edit: contract.state == ContractState::Draft
            && visitor.may(center, actions::SUBMIT_CONTRACT, owner),
        may_amend: may_amend(center, visitor, &contract),
        may_decide_amendments: visitor.may(center, DECIDE, owner),
        may_renew: signing::is_renewable(&contract) && visitor.may(center, RENEW, owner),
        neighbours: neighbours.into_iter().map(|(id, number)| (id.to_string(), number)).collect(),
        has_text: has_text || takes_text(contract.state),
        open_amendments,
        versions,
        decision,
        is_final,
        contract,
    };
    Ok(render(status, &page))
}

/// The balance in the ledger, in the unit in which the contract counts.
fn posted(ui: Ui, contract: &ContractView) -> Html {
    match contract.terms {
        ContractKind::Metered { .. } => ui.yuan(&contract.posted_money_balance_micro_cny),
        _ => ui.hours(&contract.posted_use_balance_card_ms),
    }
}

/// The actions that this reader may take on a contract in its present state.
fn acts(center: &Center, visitor: &Visitor, contract: &ContractView) -> Vec<ActChoice> {
    let is_open = |action: &ContractAction| {
        let needed = if *action == ContractAction::Submit {
            actions::SUBMIT_CONTRACT
        } else {
            actions::DECIDE_CONTRACT
        };
        !action.is_automatic()
            && visitor.may(center, needed, Some(contract.tenant))
            && contract.state.after(*action).is_ok()
    };
    let open = ContractAction::ALL.into_iter().filter(is_open);
    open.map(|action| ActChoice { action, is_danger: is_danger(action) }).collect()
}

/// Whether it takes something away from the tenant.
pub fn is_danger(action: ContractAction) -> bool {
    matches!(action, ContractAction::Suspend | ContractAction::Terminate)
}

/// Whether there is anything to pay in, and this reader may.
pub fn may_top_up(center: &Center, visitor: &Visitor, contract: &ContractView) -> bool {
    let takes = !matches!(contract.terms, ContractKind::Grant { cap: None });
    takes
        && matches!(
            contract.state,
            ContractState::Approved
                | ContractState::Active
                | ContractState::Exhausted
                | ContractState::Suspended
        )
        && visitor.may(center, actions::TOP_UP, Some(contract.tenant))
}

/// The price of a card-hour by class, for this contract's kind and its tenant's domain; the highest of its
/// pools.
fn rates(center: &Center, visitor: &Visitor, contract: &ContractView) -> Result<Vec<Price>, AppError> {
    let domain = contract.owner.domain;
    let listed = prices::in_force(center, &visitor.caller)?;
    let rate = |class: ServiceClass| {
        let of_class = listed.iter().filter(|price| {
            price.service_class == class && price.domain == domain && contract.pools.contains(&price.pool)
        });
        let most = of_class.map(|price| price.rate_micro_cny_per_card_hour).max();
        contract.terms.rate(most).map(|rate| Price { class, rate })
    };
    Ok(ServiceClass::ALL.into_iter().filter_map(rate).collect())
}

#[cfg(test)]
mod tests {
    use domain::{
        AmendmentId,
        amendment::{Effective, Term},
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::amendment::change::TermChange;
    use crate::portal::sample::{Sample, views};
    use domain::MicroCny;

    fn changes() -> Vec<TermChange> {
        let change = |term, before, after| TermChange { term, before, after };
        vec![
            change(Term::Fee, json!(5_000_000), json!(7_500_000)),
            change(Term::EndsAt, json!("2026-05-20T00:00:00Z"), json!("2027-05-20T00:00:00Z")),
            change(Term::LendingLimit, Value::Null, json!(4)),
        ]
    }

    fn refused(ui: Ui) -> Form {
        let mut decision = Form::default();
        decision.blame_by(ui, "note", "reason-needed");
        decision
    }

    fn proposed(ui: Ui) -> Vec<Proposed> {
        let view = AmendmentView {
            id: AmendmentId::from_bytes([6; 16]),
            contract: "HZ-1".into(),
            contract_id: views::contract().id,
            state: AmendmentState::Proposed,
            effective: Effective::NextMonth,
            from_at: None,
            changes: changes(),
            reason: "\"more\" <work>".into(),
            drawn_by: "li".into(),
            drawn_at: views::AT.into(),
            decided_by: None,
            decided_at: None,
            note: String::new(),
        };
        vec![Proposed { changes: told(ui, &view.changes), view }]
    }

    fn versions(ui: Ui) -> Vec<VersionLine> {
        let contract = views::contract();
        let version = |number: i64, has_lapsed: bool| VersionView {
            number,
            from_at: views::AT.into(),
            terms: contract.terms,
            ends_at: contract.ends_at,
            queue: contract.queue,
            changes: if number > 1 { changes() } else { Vec::new() },
            amendment: None,
            approved_by: (number > 1).then(|| "wang".into()),
            reason: if number > 1 { "more work".into() } else { String::new() },
            has_lapsed,
        };
        let all = [version(3, true), version(2, false), version(1, false)].into_iter();
        all.map(|view| VersionLine { changes: told(ui, &view.changes), view }).collect()
    }

    impl Sample for ContractPage {
        fn samples(page: &Page) -> Vec<Self> {
            let event = |actor: &str, action: ContractAction, reason: &str| ContractEventView {
                at: views::AT.into(),
                actor: actor.into(),
                action,
                from: ContractState::Approved,
                to: ContractState::Active,
                reason: reason.into(),
            };
            let sample = |vessel: Vessel, is_whole: bool| Self {
                page: page.clone(),
                contract: views::contract(),
                vessel,
                tenant: "Univ".into(),
                posted: page.yuan(&MicroCny(1_500_000)),
                warning: if is_whole { "3 < 4".into() } else { String::new() },
                used: "95.0 %".into(),
                most: "16".into(),
                lending: "4".into(),
                borrowing: "8".into(),
                prices: if is_whole {
                    vec![Price { class: ServiceClass::Normal, rate: RatePerCardHour(MicroCny(1_500_000)) }]
                } else {
                    Vec::new()
                },
                events: vec![
                    event("li", ContractAction::Activate, "As agreed"),
                    event("center", ContractAction::Exhaust, "None left"),
                ],
                transfers: if is_whole { views::transfers() } else { Vec::new() },
                shown: page.t2("shown-of", 2, 9),
                newest: String::new(),
                older: if is_whole { "?cursor=2#ledger".into() } else { String::new() },
                may_read_money: true,
                acts: if is_whole {
                    [ContractAction::Resume, ContractAction::Terminate]
                        .map(|action| ActChoice { action, is_danger: is_danger(action) })
                        .into()
                } else {
                    Vec::new()
                },
                may_top_up: is_whole,
                may_edit: is_whole,
                may_amend: is_whole,
                may_decide_amendments: is_whole,
                may_renew: is_whole,
                neighbours: if is_whole { vec![("con_1".into(), "HZ-1-R".into())] } else { Vec::new() },
                has_text: is_whole,
                open_amendments: if is_whole { proposed(page.ui) } else { Vec::new() },
                versions: if is_whole { versions(page.ui) } else { Vec::new() },
                decision: if is_whole { refused(page.ui) } else { Form::default() },
                is_final: !is_whole,
            };
            let mut samples: Vec<Self> = views::vessels(page.ui)
                .into_iter()
                .zip([true, false])
                .map(|(vessel, is)| sample(vessel, is))
                .collect();
            samples.extend(
                views::vessels(page.ui)
                    .pop()
                    .map(|vessel| Self { may_read_money: false, ..sample(vessel, false) }),
            );
            samples
        }
    }
}
