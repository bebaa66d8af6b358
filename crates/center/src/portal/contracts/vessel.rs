//! A contract as a vessel: what is left in it, on which terms, and when to warn of its end.

use base::{
    moment,
    page::words::{Html, Ui, escape},
};
use domain::{
    ContractState, Millis, Rfc3339,
    contract::{ContractKind, ContractKindName, Funds},
};

use crate::{app::contracts::ContractView, center::Center};

/// A contract that lasts no longer than this at the present rate is warned of.
const WARN_BEFORE: Millis = Millis::from_hours(72);

/// A contract as a vessel with what is left in it.
pub struct Vessel {
    pub id: String,
    pub number: String,
    pub kind: ContractKindName,
    pub state: ContractState,
    pub look: &'static str,
    pub left: Html,
    pub left_permille: Option<u32>,
    pub terms: String,
    pub note: String,
}

pub fn vessels(ui: Ui, contracts: &[ContractView]) -> Vec<Vessel> {
    contracts.iter().map(|contract| vessel(ui, contract)).collect()
}

pub fn vessel(ui: Ui, contract: &ContractView) -> Vessel {
    let used = contract.used_permille.filter(|_| has_begun(contract));
    let left_permille = used.map(|used| 1000_u32.saturating_sub(used));
    let look = match contract.state {
        ContractState::Exhausted => " is-out",
        _ if left_permille.is_some_and(|left| left < 100) => " is-low",
        _ => "",
    };
    Vessel {
        id: contract.id.to_string(),
        number: contract.number.clone(),
        kind: contract.kind,
        state: contract.state,
        look,
        left: left(ui, contract),
        left_permille,
        terms: terms(ui, &contract.terms),
        note: lasts(ui, contract).unwrap_or_else(|| ui.t1("until", "day", ui.zone.date(contract.ends_at.0))),
    }
}

/// Whether it has been activated: before that nothing of it is there to be used.
fn has_begun(contract: &ContractView) -> bool {
    !matches!(contract.state, ContractState::Draft | ContractState::Submitted | ContractState::Approved)
}

/// The funds that are left of a contract, as people read them.
pub fn left(ui: Ui, contract: &ContractView) -> Html {
    match &contract.funds {
        _ if !has_begun(contract) => Html(escape(ui.t("not-begun"))),
        Funds::Unlimited => Html(escape(ui.t("unlimited"))),
        Funds::CardTime { card_ms } => ui.hours(card_ms),
        Funds::Money { micro_cny } => ui.yuan(micro_cny),
    }
}

pub fn terms(ui: Ui, kind: &ContractKind) -> String {
    match kind {
        ContractKind::Prepaid { package, fee } => ui.t2("terms-prepaid", ui.set_hours(package), fee),
        ContractKind::Metered { credit_limit } => ui.t1("terms-metered", "limit", credit_limit),
        ContractKind::Reserved { cards, fee } => ui.t2("terms-reserved", cards, fee),
        ContractKind::Grant { cap: Some(cap) } => ui.t1("terms-grant", "hours", ui.set_hours(cap)),
        ContractKind::Grant { cap: None } => ui.t("terms-grant-open"),
    }
}

fn lasts(ui: Ui, contract: &ContractView) -> Option<String> {
    let Rfc3339(until) = contract.lasts_until?;
    Some(ui.t1("lasts", "time", ui.span(until.since(moment::now()))))
}

/// Contracts that end soon at the present rate, or have ended with work going on: id, and what to know.
pub fn warnings(center: &Center, ui: Ui, contracts: &[ContractView]) -> Vec<(String, String)> {
    let grace = center.settings.billing.grace_ms;
    let told = |contract: &ContractView| {
        let until = contract.lasts_until.map(|at| at.0);
        let is_soon = until.is_some_and(|until| until.since(moment::now()).0 <= WARN_BEFORE.0);
        let text = if contract.state == ContractState::Exhausted {
            ui.t2("warn-exhausted", &contract.number, ui.span(grace))
        } else if is_soon {
            let left = ui.span(until.unwrap_or_default().since(moment::now()));
            let grace = ui.t1("warn-grace", "time", ui.span(grace));
            format!("{} {grace}", ui.t2("warn-soon", &contract.number, left))
        } else {
            return None;
        };
        Some((contract.id.to_string(), text))
    };
    contracts.iter().filter_map(told).collect()
}
