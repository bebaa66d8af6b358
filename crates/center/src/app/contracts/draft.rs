//! Drawing up a contract.

use domain::{
    CardMs, Contract, ContractState, MicroCny, PoolId, QueueTerms, TenantId, Timestamp,
    contract::ContractKind,
};
use serde::Deserialize;
use serde_json::json;
use store::contracts as rows;

use super::{ContractView, MOST_AMOUNT, show};
use crate::{
    app::{
        audit::{self, Change},
        lookup,
    },
    auth::{Action, Caller},
    center::Center,
    error::AppError,
    moment::{self, new_id},
};

/// A contract as it is drawn up.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContract {
    pub number: String,
    /// `{"kind": "prepaid", "package": CARD_MS, "fee": MICRO_CNY}`, `{"kind": "metered", "credit_limit": MICRO_CNY}`,
    /// `{"kind": "reserved", "cards": N, "fee": MICRO_CNY}` or `{"kind": "grant", "cap": CARD_MS or null}`.
    #[schema(value_type = Object)]
    pub terms: ContractKind,
    /// Names of pools.
    pub pools: Vec<String>,
    /// RFC 3339, or a date.
    pub starts_at: String,
    pub ends_at: String,
    #[schema(value_type = Object)]
    pub queue: QueueTerms,
    /// The tenant's short name, for the center's people.
    pub tenant: Option<String>,
}

/// Draws up a contract, as a draft.
pub async fn create(center: &Center, caller: &Caller, new: NewContract) -> Result<ContractView, AppError> {
    let tenant = lookup::named_or_own_required(center, caller, new.tenant.as_deref())?;
    center.policies.check(caller, Action::SubmitContract, Some(tenant))?;
    let contract = drawn_up(center, tenant, new)?;
    let by = caller.clone();
    let contract = center
        .write(
            move |tx| {
                rows::insert_contract(tx, &contract)?;
                let change = Change {
                    tenant: Some(tenant),
                    action: "submit_contract",
                    subject: contract.id.to_string(),
                    detail: json!({ "number": contract.number, "kind": contract.kind.code() }),
                };
                audit::record(tx, &by, change)?;
                Ok(contract)
            },
            |center, contract| {
                center.live().add_contract(contract.clone(), CardMs::ZERO, MicroCny::ZERO);
                center.compute.fits.forget();
            },
        )
        .await?;
    show(center, caller, &contract.id.to_string())
}

fn drawn_up(center: &Center, tenant: TenantId, new: NewContract) -> Result<Contract, AppError> {
    let invalid = |field: &str, problem: &str, hint: &str| Err(AppError::invalid(field, problem, hint));
    let number_ok =
        (1..=64).contains(&new.number.chars().count()) && !new.number.chars().any(char::is_control);
    if !number_ok {
        return invalid("number", "is not a contract number", "use 1 to 64 printable characters");
    }
    let instant = |field: &str, text: &str| {
        text.parse::<Timestamp>()
            .map_err(|e| AppError::invalid(field, e.to_string(), "write it as 2026-05-20"))
    };
    let (starts_at, ends_at) = (instant("starts_at", &new.starts_at)?, instant("ends_at", &new.ends_at)?);
    if ends_at <= starts_at {
        return invalid("ends_at", "is not after `starts_at`", "give a later day");
    }
    let in_range = |value: i64| (0..=MOST_AMOUNT).contains(&value);
    let terms_ok = match new.terms {
        ContractKind::Prepaid { package, fee } => in_range(package.0) && package.0 > 0 && in_range(fee.0),
        ContractKind::Metered { credit_limit } => in_range(credit_limit.0),
        ContractKind::Reserved { cards, fee } => cards > 0 && in_range(fee.0),
        ContractKind::Grant { cap } => cap.is_none_or(|cap| in_range(cap.0) && cap.0 > 0),
    };
    if !terms_ok {
        return invalid(
            "terms",
            "are out of range",
            "give amounts from 0 to 10^15, a package and cards above 0",
        );
    }
    if new.queue.weight == 0 || new.queue.weight > 1_000_000 {
        return invalid("queue", "has a weight that is 0 or above a million", "give a weight of 1 or more");
    }
    if new.queue.max_running_cards == 0 || new.queue.guaranteed_cards > new.queue.max_running_cards {
        return invalid(
            "queue",
            "guarantees more cards than may run at once, or lets none run",
            "give max_running_cards of at least 1 and of at least guaranteed_cards",
        );
    }
    let live = center.live();
    let pool = |name: &String| {
        let found = live.pools.values().find(|pool| pool.name == *name);
        found.map(|pool| pool.id).ok_or_else(|| AppError::not_found("pool", name))
    };
    let mut pools: Vec<PoolId> = new.pools.iter().map(pool).collect::<Result<_, _>>()?;
    pools.sort_unstable();
    pools.dedup();
    if pools.is_empty() {
        return invalid("pools", "are none", "name at least one pool");
    }
    Ok(Contract {
        id: new_id!(ContractId),
        tenant,
        number: new.number,
        kind: new.terms,
        pools,
        starts_at,
        ends_at,
        queue: new.queue,
        state: ContractState::Draft,
        created_at: moment::now(),
    })
}
