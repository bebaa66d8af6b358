//! Contracts: those that one may see, and what was done to them.

mod draft;
mod states;
mod top_up;

use domain::{
    CardMs, Contract, ContractId, ContractState, MemberId, MicroCny, QueueTerms, TenantId, Timestamp,
    contract::{ContractKind, Funds},
};
use serde::Serialize;
use store::contracts as rows;

use super::views;
use crate::{
    auth::{Action, Caller},
    center::Center,
    error::AppError,
    live::{Live, LiveContract},
    moment::{self},
};

pub use draft::{NewContract, create};
pub use states::{act, balances, end_by_itself};
pub use top_up::{TopUp, top_up};

/// The most of one amount: far beyond any real contract, and low enough that no sum of them overflows.
const MOST_AMOUNT: i64 = 1_000_000_000_000_000;

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ContractView {
    pub id: ContractId,
    pub number: String,
    pub tenant: TenantId,
    pub tenant_slug: String,
    /// `prepaid`, `metered`, `reserved` or `grant`.
    pub kind: String,
    #[schema(value_type = Object)]
    pub terms: ContractKind,
    pub state: String,
    /// Names of the pools that it covers.
    pub pools: Vec<String>,
    pub starts_at: String,
    pub ends_at: String,
    #[schema(value_type = Object)]
    pub queue: QueueTerms,
    /// What is left, use up to now counted.
    #[schema(value_type = Object)]
    pub funds: Funds,
    /// The share of a package or capped grant that is used, in thousandths.
    pub used_permille: Option<u32>,
    /// Money paid in less money charged, use up to now counted.
    pub money_balance_micro_cny: MicroCny,
    /// Card time used; for a package or capped grant less what it gives.
    pub use_balance_card_ms: CardMs,
    pub running_cards: u32,
    pub waiting_jobs: u32,
    /// When the funds end if all goes on as now.
    pub lasts_until: Option<String>,
    /// When its runs are stopped, once its balance has ended.
    pub grace_ends_at: Option<String>,
}

fn view(live: &Live, known: &LiveContract, now: Timestamp) -> ContractView {
    let contract = &known.contract;
    let (mut use_balance, mut money_balance) = (known.use_balance.0, known.money_balance.0);
    for running in live.runs.values().filter(|live| live.run.contract == contract.id) {
        use_balance -= running.run.used(now).0 - running.metered.used.0;
        money_balance -= running.run.charge(now).0 - running.metered.charged.0;
    }
    let funds = Funds::of(contract.kind, CardMs(use_balance), MicroCny(money_balance));
    let whole = match contract.kind {
        ContractKind::Prepaid { package, .. } => Some(package),
        ContractKind::Grant { cap } => cap,
        _ => None,
    };
    let permille = |whole: CardMs| {
        let used = (i128::from(whole.0) - i128::from(use_balance)).max(0);
        u32::try_from(used * 1000 / i128::from(whole.0.max(1))).unwrap_or(u32::MAX)
    };
    let lasts = funds.last_for(live.burns(contract.id)).filter(|_| contract.state == ContractState::Active);
    ContractView {
        id: contract.id,
        number: contract.number.clone(),
        tenant: contract.tenant,
        tenant_slug: live.tenants.get(&contract.tenant).map(|tenant| tenant.slug.clone()).unwrap_or_default(),
        kind: contract.kind.code().to_owned(),
        terms: contract.kind,
        state: contract.state.code().to_owned(),
        pools: contract
            .pools
            .iter()
            .filter_map(|id| live.pools.get(id))
            .map(|pool| pool.name.clone())
            .collect(),
        starts_at: contract.starts_at.to_string(),
        ends_at: contract.ends_at.to_string(),
        queue: contract.queue,
        funds,
        used_permille: whole.map(permille),
        money_balance_micro_cny: MicroCny(money_balance),
        use_balance_card_ms: CardMs(use_balance),
        running_cards: live.cards_in_use(contract.id),
        waiting_jobs: u32::try_from(
            live.jobs.values().filter(|j| j.job.contract == contract.id && j.job.tasks.waiting() > 0).count(),
        )
        .unwrap_or(u32::MAX),
        lasts_until: lasts.map(|lasts| now.plus(lasts).to_string()),
        grace_ends_at: views::instant(known.grace_ends_at),
    }
}

/// Contracts that the caller may see, by number.
pub fn list(center: &Center, caller: &Caller) -> Result<Vec<ContractView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, Action::ReadContract, scope)?;
    let live = center.live();
    let now = moment::now();
    let seen = live.contracts.values().filter(|known| scope.is_none_or(|own| own == known.contract.tenant));
    let mut views: Vec<ContractView> = seen.map(|known| view(&live, known, now)).collect();
    views.sort_by(|a, b| a.number.cmp(&b.number));
    Ok(views)
}

/// The contract of that id, if the caller may do `action` to it.
pub fn visible(center: &Center, caller: &Caller, id: &str, action: Action) -> Result<Contract, AppError> {
    let id: ContractId = views::id(id, "contract")?;
    let found = center.live().contracts.get(&id).map(|known| known.contract.clone());
    let contract =
        found.filter(|c| caller.sees(c.tenant)).ok_or_else(|| AppError::not_found("contract", id))?;
    center.policies.check(caller, action, Some(contract.tenant))?;
    Ok(contract)
}

pub fn show(center: &Center, caller: &Caller, id: &str) -> Result<ContractView, AppError> {
    let contract = visible(center, caller, id, Action::ReadContract)?;
    let live = center.live();
    let known = live.contracts.get(&contract.id).ok_or_else(|| AppError::not_found("contract", id))?;
    Ok(view(&live, known, moment::now()))
}

/// One change of a contract's state.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ContractEventView {
    pub at: String,
    /// The login, or `center`.
    pub actor: String,
    pub action: String,
    pub from: String,
    pub to: String,
    pub reason: String,
}

pub async fn list_events(
    center: &Center,
    caller: &Caller,
    id: &str,
) -> Result<Vec<ContractEventView>, AppError> {
    let contract = visible(center, caller, id, Action::ReadContract)?.id;
    let events = center.read(move |tx| rows::list_contract_events(tx, contract)).await?;
    let live = center.live();
    let login = |id: Option<MemberId>| {
        id.map_or_else(|| "center".to_owned(), |id| live.logins.get(&id).cloned().unwrap_or_default())
    };
    let view = |event: rows::ContractEvent| ContractEventView {
        at: event.at.to_string(),
        actor: login(event.actor),
        action: event.action.code().to_owned(),
        from: event.from.code().to_owned(),
        to: event.to.code().to_owned(),
        reason: event.reason,
    };
    Ok(events.into_iter().map(view).collect())
}
