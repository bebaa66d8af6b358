//! The steps of a new center that are still to be done.

use base::{auth::Caller, error::AppError};
use domain::{ContractState, contract::ContractKind};

use super::{
    rows,
    rule::{Step, There, steps},
};
use crate::{actions, center::Center, role::rule::Right};

/// The steps, for those who may take them; none once all are done.
pub async fn open(center: &Center, caller: &Caller) -> Result<Vec<Step>, AppError> {
    if center.policies.check(caller, actions::CHANGE_NODE, None).is_err() {
        return Ok(Vec::new());
    }
    let (roles, own_people, has_project, has_price_book) = center
        .read(|tx| {
            let has = (rows::has_paid_project(tx)?, rows::has_price_book(tx)?);
            Ok((rows::roles(tx)?, rows::own_people(tx)?, has.0, has.1))
        })
        .await?;
    let may = |role: &domain::Role, right| Right::of(&center.policies, *role).contains(&right);
    let deciders = own_people.iter().filter(|role| may(role, Right::KeepContracts)).count();
    let live = center.live();
    let all = || live.contracts().map(|known| &known.contract);
    // The furthest of them: what was active once need not be so now.
    let rank = |state: ContractState| match state {
        ContractState::Active => 5,
        ContractState::Exhausted | ContractState::Suspended | ContractState::Expired => 4,
        ContractState::Approved => 3,
        ContractState::Submitted => 2,
        ContractState::Draft => 1,
        ContractState::Terminated => 0,
    };
    let furthest =
        all().filter(|contract| rank(contract.state) > 0).max_by_key(|contract| rank(contract.state));
    Ok(steps(&There {
        nodes: live.nodes().len(),
        needs_second_person: center.settings.are_duties_separate() && deciders < 2,
        tenants: live.tenant_count(),
        contract: furthest.map(|one| (one.id.to_string(), one.number.clone(), one.state)),
        has_price_book,
        needs_prices: all().any(|contract| matches!(contract.kind, ContractKind::Metered { .. })),
        has_submitter: roles.iter().any(|role| may(role, Right::Submit)),
        has_project,
    }))
}
