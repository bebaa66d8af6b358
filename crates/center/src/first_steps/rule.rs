//! What a new center still needs before somebody can compute in it. Pure.

use domain::ContractState;
use serde::Serialize;

domain::codes! {
    /// The steps of a new center, in their order.
    pub enum StepName {
        Node = "node",
        Person = "person",
        Tenant = "tenant",
        Contract = "contract",
        Price = "price",
        Member = "member",
        Project = "project",
    }
}

/// One step: done, or where it is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Step {
    pub name: StepName,
    pub is_done: bool,
    /// The page with the form; of a contract that is not active yet, its own page.
    pub href: String,
    /// The command that does it.
    pub command: String,
    /// A contract that is there and not active yet: its state.
    pub contract_state: Option<ContractState>,
}

/// What is there of each.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a step that is done or not")]
pub struct There {
    pub nodes: usize,
    /// Duties are separate, and nobody else is there who may decide what one drew up.
    pub needs_second_person: bool,
    pub tenants: usize,
    /// The contract that is nearest to being active: its id, its number and its state.
    pub contract: Option<(String, String, ContractState)>,
    pub has_price_book: bool,
    pub needs_prices: bool,
    /// A member of a tenant may submit.
    pub has_submitter: bool,
    /// A project has a contract that was active.
    pub has_project: bool,
}

/// All steps, or none where every one is done.
pub fn steps(there: &There) -> Vec<Step> {
    let step = |name, is_done, href: &str, command: &str| Step {
        name,
        is_done,
        href: href.to_owned(),
        command: command.to_owned(),
        contract_state: None,
    };
    let mut contract =
        step(StepName::Contract, false, "/contracts/new", "qiantang contracts new NUMBER --tenant SLUG …");
    if let Some((id, number, state)) = &there.contract {
        contract.is_done =
            !matches!(state, ContractState::Draft | ContractState::Submitted | ContractState::Approved);
        if !contract.is_done {
            let next = match state {
                ContractState::Draft => "submit",
                ContractState::Submitted => "approve",
                _ => "activate",
            };
            contract.href = format!("/contracts/{id}");
            contract.command = format!("qiantang contracts act {number} {next}");
            contract.contract_state = Some(*state);
        }
    }
    let steps = vec![
        step(StepName::Node, there.nodes > 0, "/nodes", "qiantang serve --config FILE"),
        step(
            StepName::Person,
            !there.needs_second_person || contract.is_done,
            "/people#add-member",
            "qiantang members new LOGIN --name NAME --role contracts",
        ),
        step(StepName::Tenant, there.tenants > 0, "/tenants#new", "qiantang tenants new SLUG …"),
        contract,
        step(
            StepName::Price,
            there.has_price_book || (there.contract.is_some() && !there.needs_prices),
            "/prices/new",
            "qiantang prices new NAME --price 'POOL:*:*=YUAN'",
        ),
        step(
            StepName::Member,
            there.has_submitter,
            "/people#add-member",
            "qiantang members new LOGIN --tenant SLUG …",
        ),
        step(
            StepName::Project,
            there.has_project,
            "/people#add-project",
            "qiantang projects new SLUG --tenant SLUG --contract NUMBER …",
        ),
    ];
    // Where one person may do everything, a second is no step.
    let is_step = |step: &Step| step.name != StepName::Person || there.needs_second_person;
    let steps: Vec<Step> = steps.into_iter().filter(is_step).collect();
    if steps.iter().all(|step| step.is_done) { Vec::new() } else { steps }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(there: &There) -> Vec<&'static str> {
        steps(there).iter().filter(|step| !step.is_done).map(|step| step.name.code()).collect()
    }

    #[test]
    fn each_step_is_open_until_it_is_done_and_then_all_are_gone() {
        let mut there = There { nodes: 2, ..There::default() };
        assert_eq!(missing(&there), ["tenant", "contract", "price", "member", "project"]);
        there.tenants = 1;
        there.contract = Some(("con_1".into(), "HZ-1".into(), ContractState::Draft));
        there.needs_prices = true;
        assert_eq!(missing(&there), ["contract", "price", "member", "project"]);
        let found = steps(&there);
        let contract = found.iter().find(|step| step.name == StepName::Contract).expect("it is there");
        assert_eq!(
            (&*contract.href, &*contract.command),
            ("/contracts/con_1", "qiantang contracts act HZ-1 submit")
        );
        there.contract = Some(("con_1".into(), "HZ-1".into(), ContractState::Active));
        (there.has_price_book, there.has_submitter) = (true, true);
        assert_eq!(missing(&there), ["project"]);
        there.has_project = true;
        assert_eq!(steps(&there), []);
    }

    #[test]
    fn where_duties_are_separate_a_second_person_is_a_step() {
        let there = There { nodes: 1, needs_second_person: true, ..There::default() };
        assert_eq!(missing(&there), ["person", "tenant", "contract", "price", "member", "project"]);
        let found = steps(&There { needs_second_person: false, ..there });
        assert!(found.iter().all(|step| step.name != StepName::Person));
    }

    #[test]
    fn a_grant_needs_no_price() {
        let contract = Some(("con_1".into(), "HZ-1".into(), ContractState::Active));
        let there = There {
            nodes: 1,
            tenants: 1,
            contract,
            has_submitter: true,
            has_project: true,
            ..There::default()
        };
        assert_eq!(missing(&there), [""; 0]);
        assert_eq!(missing(&There { needs_prices: true, ..there }), ["price"]);
    }
}
