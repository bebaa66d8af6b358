//! Contracts: those that one may see, and what was done to them.

pub mod apart;
mod draft;
mod states;
pub mod term;
mod top_up;

use std::collections::HashMap;

use domain::{
    CardMs, Contract, ContractId, ContractState, MicroCny, QueueTerms, Rfc3339, TenantId, Timestamp,
    contract::{ContractAction, ContractKind, ContractKindName, Funds},
};
use serde::Serialize;
use store::{Tx, contracts as rows, ledger::ContractBalance, payments, tenants};

use crate::{
    actions,
    center::Center,
    live::{By, Live, LiveContract, Use},
};
use base::{
    auth::{Action, Caller},
    error::AppError,
    moment,
};
use base::{
    lookup::{Names, TenantName},
    params,
};

pub use draft::{
    DraftChange, NewContract, change, check_terms, create, drafted, free_number, insert, unless_draft,
};
pub use states::{
    StateChange, act, amended, applied, balance, change_state, corrected, end_by_itself, replenish, touched,
};
pub use top_up::{TopUp, ToppedUp, top_up};

pub use base::params::MOST_AMOUNT;

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ContractView {
    pub id: ContractId,
    pub number: String,
    pub tenant: TenantId,
    pub tenant_slug: String,
    /// For pages.
    #[serde(skip)]
    pub owner: TenantName,
    pub kind: ContractKindName,
    pub terms: ContractKind,
    pub state: ContractState,
    /// Names of the pools that it covers.
    pub pools: Vec<String>,
    pub starts_at: Rfc3339,
    pub ends_at: Rfc3339,
    pub queue: QueueTerms,
    /// Up to when use is counted: the instant of this answer.
    pub as_of: Rfc3339,
    /// The funds that are left, with the use up to `as_of` counted.
    pub funds: Funds,
    /// The share of a package or capped grant that is used, in thousandths.
    pub used_permille: Option<u32>,
    /// Money paid in less money charged, use up to `as_of` counted.
    pub money_balance_micro_cny: MicroCny,
    /// Card time used; for a package or capped grant less what it gives.
    pub use_balance_card_ms: CardMs,
    /// The two balances as they are posted: those of the ledger and of statements.
    pub posted_money_balance_micro_cny: MicroCny,
    pub posted_use_balance_card_ms: CardMs,
    pub running_cards: u32,
    pub waiting_jobs: u32,
    /// When the funds end if all goes on as now.
    pub lasts_until: Option<Rfc3339>,
    /// When its runs are stopped, once its balance has ended.
    pub grace_ends_at: Option<Rfc3339>,
    /// The part of the fee that is not paid yet; `null` for kinds without a fee.
    pub fee_open_micro_cny: Option<MicroCny>,
}

fn view(
    live: &Live,
    known: &LiveContract,
    unmetered: Use,
    (owner, paid): (TenantName, MicroCny),
    now: Timestamp,
) -> ContractView {
    let contract = &known.contract;
    let ContractBalance { use_balance, money_balance } = known.balance_after(unmetered);
    let funds = known.funds_after(unmetered);
    let whole = match contract.kind {
        ContractKind::Prepaid { package, .. } => Some(package),
        ContractKind::Grant { cap } => cap,
        _ => None,
    };
    let permille = |whole: CardMs| {
        let used = (i128::from(whole.0) - i128::from(use_balance.0)).max(0);
        u32::try_from(used * 1000 / i128::from(whole.0.max(1))).unwrap_or(u32::MAX)
    };
    let lasts = funds.last_for(live.burns(contract.id)).filter(|_| contract.state == ContractState::Active);
    ContractView {
        id: contract.id,
        number: contract.number.clone(),
        tenant: contract.tenant,
        tenant_slug: owner.slug.clone(),
        owner,
        kind: contract.kind.name(),
        terms: contract.kind,
        state: contract.state,
        pools: contract.pools.iter().filter_map(|id| live.pool(*id)).map(|pool| pool.name.clone()).collect(),
        starts_at: contract.starts_at.into(),
        ends_at: contract.ends_at.into(),
        queue: contract.queue,
        as_of: now.into(),
        funds,
        used_permille: whole.map(permille),
        money_balance_micro_cny: money_balance,
        use_balance_card_ms: use_balance,
        posted_money_balance_micro_cny: known.balance.money_balance,
        posted_use_balance_card_ms: known.balance.use_balance,
        running_cards: live.cards_in_use(contract.id),
        waiting_jobs: u32::try_from(
            live.jobs().filter(|j| j.job.contract == contract.id && j.job.tasks.waiting() > 0).count(),
        )
        .unwrap_or(u32::MAX),
        lasts_until: lasts.map(|lasts| now.plus(lasts).into()),
        grace_ends_at: known.grace_ends_at.map(Rfc3339),
        fee_open_micro_cny: contract.fee().map(|fee| MicroCny(fee.0 - paid.0)),
    }
}

/// Contracts that the caller may see, by number.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<ContractView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_CONTRACT, scope)?;
    let owners = owners(center, scope).await?;
    let paid = center.read(payments::fees_settled).await?;
    let live = center.live();
    let now = moment::now();
    let unmetered = live.unmetered_by_contract(now);
    let seen = live.contracts().filter_map(|known| Some((known, owners.get(&known.contract.tenant)?)));
    let mut views: Vec<ContractView> = seen
        .map(|(known, owner)| {
            let unmetered = unmetered.get(&known.contract.id).copied().unwrap_or_default();
            let paid = paid.get(&known.contract.id).copied().unwrap_or_default();
            view(&live, known, unmetered, (owner.clone(), paid), now)
        })
        .collect();
    views.sort_by(|a, b| a.number.cmp(&b.number));
    Ok(views)
}

/// The names of a tenant, or of all.
async fn owners(center: &Center, scope: Option<TenantId>) -> Result<HashMap<TenantId, TenantName>, AppError> {
    let read = move |tx: &Tx| match scope {
        Some(own) => Ok(vec![tenants::get_tenant(tx, own)?]),
        None => tenants::list_tenants(tx),
    };
    let found = center.read(read).await?;
    Ok(found.into_iter().map(|tenant| (tenant.id, tenant.into())).collect())
}

/// The contract of that id, if the caller may do `action` to it.
pub fn visible(center: &Center, caller: &Caller, id: &str, action: Action) -> Result<Contract, AppError> {
    let id: ContractId = params::id(id, "contract")?;
    let found = center.live().contract(id).map(|known| known.contract.clone());
    let contract =
        found.filter(|c| caller.sees(c.tenant)).ok_or_else(|| AppError::not_found("contract", id))?;
    center.policies.check(caller, action, Some(contract.tenant))?;
    Ok(contract)
}

pub async fn show(center: &Center, caller: &Caller, id: &str) -> Result<ContractView, AppError> {
    let contract = visible(center, caller, id, actions::READ_CONTRACT)?;
    let read = move |tx: &Tx| {
        let paid = payments::fees_settled(tx)?.remove(&contract.id).unwrap_or_default();
        Ok((tenants::get_tenant(tx, contract.tenant)?.into(), paid))
    };
    let owner = center.read(read).await?;
    let live = center.live();
    let known = live.contract(contract.id).ok_or_else(|| AppError::not_found("contract", id))?;
    let now = moment::now();
    Ok(view(&live, known, live.unmetered(By::Contract(contract.id), now), owner, now))
}

/// One change of a contract's state.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ContractEventView {
    pub at: Rfc3339,
    /// The login, or `center`.
    pub actor: String,
    pub action: ContractAction,
    pub from: ContractState,
    pub to: ContractState,
    pub reason: String,
}

pub async fn list_events(
    center: &Center,
    caller: &Caller,
    id: &str,
) -> Result<Vec<ContractEventView>, AppError> {
    let contract = visible(center, caller, id, actions::READ_CONTRACT)?.id;
    let read = move |tx: &Tx| {
        let mut names = Names::of(tx);
        let mut view = |event: rows::ContractEvent| {
            Ok(ContractEventView {
                at: event.at.into(),
                actor: event.actor.map_or_else(|| Ok("center".to_owned()), |id| names.login(id))?,
                action: event.action,
                from: event.from,
                to: event.to,
                reason: event.reason,
            })
        };
        rows::list_contract_events(tx, contract)?.into_iter().map(&mut view).collect()
    };
    center.read(read).await
}
