//! Drawing up a contract, and changing the draft.

use domain::{
    Contract, ContractId, ContractState, MicroCny, PoolId, QueueTerms, TenantId,
    contract::ContractKind,
    price::MOST_RATE,
    problem::{ContractFault, Quantity, Wrong, field},
};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Tx, contracts as rows, ledger::ContractBalance, texts};

use super::{ContractView, MOST_AMOUNT, show, visible};
use crate::{actions, center::Center, signing::freeze};
use base::{
    auth::Caller,
    change::Changed,
    error::AppError,
    lookup,
    moment::{self, new_id},
    params,
    refusal::{Refused, Wanted},
};

/// The most weight of a queue.
const MOST_WEIGHT: u32 = 1_000_000;

/// A contract as it is drawn up.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContract {
    #[schema(value_type = domain::schema::Line64)]
    pub number: String,
    /// `{"kind": "prepaid", "package": CARD_MS, "fee": MICRO_CNY}`, `{"kind": "metered", "credit_limit": MICRO_CNY}`,
    /// `{"kind": "reserved", "cards": N, "fee": MICRO_CNY}` or `{"kind": "grant", "cap": CARD_MS or null}`.
    pub terms: ContractKind,
    /// Names of pools.
    #[schema(min_items = 1)]
    pub pools: Vec<String>,
    /// RFC 3339, or a date.
    #[schema(value_type = domain::schema::InstantOrDay)]
    pub starts_at: String,
    #[schema(value_type = domain::schema::InstantOrDay)]
    pub ends_at: String,
    pub queue: QueueTerms,
    /// The tenant's short name, for the center's people.
    pub tenant: Option<String>,
}

/// Draws up a contract, as a draft.
pub async fn create(center: &Center, caller: &Caller, new: NewContract) -> Result<ContractView, AppError> {
    let tenant = lookup::named_or_own_required(center, caller, new.tenant.as_deref()).await?;
    let may = center.policies.may(caller, actions::SUBMIT_CONTRACT, Some(tenant))?;
    let contract = drawn_up(center, tenant, new)?;
    let contract = center
        .change(
            may,
            move |tx| {
                let detail = insert(tx, &contract)?;
                Ok(Changed::new(contract.id, detail, contract))
            },
            drafted,
        )
        .await?;
    show(center, caller, &contract.id.to_string()).await
}

/// Keeps a new draft, in the transaction of whoever asks. Gives what the audit log says of it.
pub fn insert(tx: &Tx, contract: &Contract) -> Result<Value, AppError> {
    rows::insert_contract(tx, contract)?;
    Ok(json!({ "number": contract.number, "kind": contract.kind.code() }))
}

/// Brings what is live up to date with a draft.
pub fn drafted(center: &Center, contract: &Contract) {
    center.live().contract_changed(contract.clone(), ContractBalance::default(), None);
    center.compute.fits.forget();
}

/// That number, or the first of `-2`, `-3`, … behind it that no contract has.
pub fn free_number(tx: &Tx, wanted: &str) -> Result<String, AppError> {
    let mut number = wanted.to_owned();
    let mut next = 2;
    while rows::has_number(tx, &number)? {
        number = format!("{wanted}-{next}");
        next += 1;
    }
    Ok(number)
}

/// Changes to a draft; what is left out stays.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftChange {
    #[schema(value_type = Option<domain::schema::Line64>)]
    pub number: Option<String>,
    /// The whole terms, as for a new contract.
    pub terms: Option<ContractKind>,
    /// Names of pools: all of them.
    #[schema(min_items = 1)]
    pub pools: Option<Vec<String>>,
    /// RFC 3339, or a date.
    #[schema(value_type = Option<domain::schema::InstantOrDay>)]
    pub starts_at: Option<String>,
    #[schema(value_type = Option<domain::schema::InstantOrDay>)]
    pub ends_at: Option<String>,
    /// The whole terms of its queue.
    pub queue: Option<QueueTerms>,
}

/// Changes a draft. From its submission on a contract stays as it is: it is returned to be changed, and amended once it is
/// active.
pub async fn change(
    center: &Center,
    caller: &Caller,
    id: &str,
    change: DraftChange,
) -> Result<ContractView, AppError> {
    let before = visible(center, caller, id, actions::SUBMIT_CONTRACT)?;
    let may = center.policies.may(caller, actions::SUBMIT_CONTRACT, Some(before.tenant))?;
    refuse_unless_draft(&before)?;
    let names = |pools: &[PoolId]| {
        let live = center.live();
        pools.iter().filter_map(|id| live.pool(*id)).map(|pool| pool.name.clone()).collect()
    };
    let whole = NewContract {
        number: change.number.unwrap_or_else(|| before.number.clone()),
        terms: change.terms.unwrap_or(before.kind),
        pools: change.pools.unwrap_or_else(|| names(&before.pools)),
        starts_at: change.starts_at.unwrap_or_else(|| before.starts_at.to_string()),
        ends_at: change.ends_at.unwrap_or_else(|| before.ends_at.to_string()),
        queue: change.queue.unwrap_or(before.queue),
        tenant: None,
    };
    let after = drawn_up(center, before.tenant, whole)?;
    let after = Contract { id: before.id, state: before.state, created_at: before.created_at, ..after };
    let (handle, by) = (center.clone(), caller.member.id);
    center
        .change(
            may,
            move |tx| {
                let now = rows::get_contract(tx, before.id)?;
                refuse_unless_draft(&now)?;
                if now != before {
                    return Err(Refused::ChangedMeanwhile { contract: now.number }.into());
                }
                if after == before {
                    return Ok(Changed::nothing(after));
                }
                rows::change_draft(tx, &after)?;
                if texts::newest(tx, after.id)?.is_some() {
                    freeze::contract_text(tx, &handle, &after, Some(by))?;
                }
                let was = serde_json::to_string(&before)
                    .map_err(|error| AppError::internal_at(before.id, error))?;
                let detail = json!({ "number": after.number, "kind": after.kind.code(),
                    "changed": changed_fields(&before, &after), "before": was });
                Ok(Changed::new(after.id, detail, after))
            },
            drafted,
        )
        .await?;
    show(center, caller, id).await
}

fn refuse_unless_draft(contract: &Contract) -> Result<(), AppError> {
    unless_draft(&contract.number, contract.state)
}

/// Refuses to change a contract that is no draft.
pub fn unless_draft(number: &str, state: ContractState) -> Result<(), AppError> {
    if state == ContractState::Draft {
        return Ok(());
    }
    Err(Refused::ContractState { contract: number.to_owned(), state, wanted: Wanted::Change }.into())
}

/// The fields in which a draft differs, by their names in the API.
fn changed_fields(before: &Contract, after: &Contract) -> String {
    let fields = [
        ("number", before.number != after.number),
        ("terms", before.kind != after.kind),
        ("pools", before.pools != after.pools),
        ("starts_at", before.starts_at != after.starts_at),
        ("ends_at", before.ends_at != after.ends_at),
        ("queue", before.queue != after.queue),
    ];
    let changed: Vec<&str> = fields.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
    changed.join(" ")
}

fn drawn_up(center: &Center, tenant: TenantId, new: NewContract) -> Result<Contract, AppError> {
    let number = params::line::<64>(field::NUMBER, new.number)?;
    let starts_at = params::parse_instant(center.settings.time_zone, field::STARTS_AT, &new.starts_at)?;
    let ends_at = params::parse_instant(center.settings.time_zone, field::ENDS_AT, &new.ends_at)?;
    if ends_at <= starts_at {
        return Err(AppError::invalid(field::ENDS_AT, Wrong::NotAfter { other: field::STARTS_AT }));
    }
    check_terms(&new.terms, &new.queue)?;
    let live = center.live();
    let pool = |name: &String| {
        let found = live.pool_named(name);
        found.map(|pool| pool.id).ok_or_else(|| AppError::not_found("pool", name))
    };
    let mut pools: Vec<PoolId> = new.pools.iter().map(pool).collect::<Result<_, _>>()?;
    pools.sort_unstable();
    pools.dedup();
    if pools.is_empty() {
        return Err(AppError::invalid(field::POOLS, ContractFault::NoPools));
    }
    Ok(Contract {
        id: new_id!(ContractId),
        tenant,
        number: number.into(),
        kind: new.terms,
        pools,
        starts_at,
        ends_at,
        queue: new.queue,
        state: ContractState::Draft,
        created_at: moment::now(),
    })
}

/// Refuses terms that can't be.
pub fn check_terms(terms: &ContractKind, queue: &QueueTerms) -> Result<(), AppError> {
    let in_range = |value: i64| (0..=MOST_AMOUNT).contains(&value);
    let terms_ok = match *terms {
        ContractKind::Prepaid { package, fee } => in_range(package.0) && package.0 > 0 && in_range(fee.0),
        ContractKind::Metered { credit_limit } => in_range(credit_limit.0),
        ContractKind::Reserved { cards, fee } => cards > 0 && in_range(fee.0),
        ContractKind::Grant { cap } => cap.is_none_or(|cap| in_range(cap.0) && cap.0 > 0),
    };
    if !terms_ok {
        return Err(AppError::invalid(field::TERMS, ContractFault::Terms { most: MOST_AMOUNT }));
    }
    // The rate of a package is bounded as those of price books are, so that charges stay exact.
    if let ContractKind::Prepaid { package, fee } = *terms
        && i128::from(fee.0) * 3_600_000 > i128::from(MOST_RATE) * i128::from(package.0)
    {
        let wrong = ContractFault::PackageRate { most: MicroCny(MOST_RATE) };
        return Err(AppError::invalid(field::TERMS, wrong));
    }
    if let ContractKind::Reserved { cards, .. } = *terms
        && queue.max_running_cards > cards
    {
        let wrong = ContractFault::MoreThanReserved { cards, most: queue.max_running_cards };
        return Err(AppError::invalid(field::QUEUE, wrong));
    }
    if let Some(wrong) = queue_fault(queue) {
        return Err(AppError::invalid(field::QUEUE, wrong));
    }
    Ok(())
}

fn queue_fault(queue: &QueueTerms) -> Option<Wrong> {
    let (guaranteed, most) = (queue.guaranteed_cards, queue.max_running_cards);
    if !(1..=MOST_WEIGHT).contains(&queue.weight) {
        let (of, given) = (Quantity::Weight, queue.weight.into());
        Some(Wrong::OutOfRange { of, given, least: 1, most: MOST_WEIGHT.into() })
    } else if most == 0 {
        Some(ContractFault::NoCardRuns.into())
    } else {
        (guaranteed > most).then_some(ContractFault::Guarantee { guaranteed, most }.into())
    }
}
