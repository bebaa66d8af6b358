//! The list of contracts.

use askama::Template;
use axum::{extract::State, response::Response};
use base::{
    error::AppError,
    page::{
        extract::Asked,
        frame::{Page, Tab, Visitor, ok},
    },
};
use domain::{ContractState, Rfc3339};
use serde::Deserialize;

use super::vessel::{Vessel, vessel};
use crate::{
    actions,
    app::contracts::{self, ContractView},
    center::Center,
};

struct Row {
    vessel: Vessel,
    tenant: String,
    domain: String,
    queue: String,
    ends_at: Rfc3339,
}

#[derive(Template)]
#[template(path = "contracts.html")]
pub struct ContractsPage {
    page: Page,
    states: Vec<Tab>,
    contracts: Vec<Row>,
    with_tenant: bool,
    may_draft: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    state: String,
}

pub async fn list(
    State(center): State<Center>,
    visitor: Visitor,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let all = contracts::list(&center, &visitor.caller).await?;
    let count = |state: ContractState| all.iter().filter(|contract| contract.state == state).count();
    let mut counted = vec![("", ui.t("all"), all.len())];
    let states = ContractState::ALL.into_iter().filter(|state| count(*state) > 0);
    counted.extend(states.map(|state| (state.code(), ui.word("state", state), count(state))));
    let states = counted.into_iter().map(|(state, word, count)| Tab {
        href: if state.is_empty() { "/contracts".into() } else { format!("/contracts?state={state}") },
        word,
        count: count.to_string(),
        is_current: state == wanted.state,
    });
    let states = states.collect();
    let is_wanted =
        |contract: &&ContractView| wanted.state.is_empty() || contract.state.code() == wanted.state;
    let row = |contract: &ContractView| {
        let owner = &contract.owner;
        let queue = contract.queue;
        Row {
            vessel: vessel(ui, contract),
            tenant: owner.name.in_lang(ui.lang).to_owned(),
            domain: ui.word("domain", owner.domain.code()),
            queue: format!("{} / {}", queue.guaranteed_cards, queue.max_running_cards),
            ends_at: contract.ends_at,
        }
    };
    let contracts = all.iter().filter(is_wanted).map(row).collect();
    let page = visitor.page("contracts", ui.t("nav-contracts"));
    let may_draft = visitor.may(&center, actions::SUBMIT_CONTRACT, visitor.caller.member.tenant);
    Ok(ok(&ContractsPage { page, states, contracts, with_tenant: visitor.is_of_center(), may_draft }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for ContractsPage {
        fn samples(page: &Page) -> Vec<Self> {
            let row = |vessel: Vessel| Row {
                vessel,
                tenant: "Univ".into(),
                domain: page.word("domain", "research"),
                queue: "8 / 16".into(),
                ends_at: views::LATER.into(),
            };
            let sample = |with_tenant: bool| Self {
                page: page.clone(),
                states: vec![Tab {
                    href: "/contracts".into(),
                    word: page.t("all"),
                    count: "2".into(),
                    is_current: with_tenant,
                }],
                contracts: if with_tenant {
                    views::vessels(page.ui).into_iter().map(row).collect()
                } else {
                    Vec::new()
                },
                with_tenant,
                may_draft: with_tenant,
            };
            vec![sample(true), sample(false)]
        }
    }
}
