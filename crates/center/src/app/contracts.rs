//! Contracts: drawing up, deciding, paying in, and the ends that come by themselves.

use domain::{
    CardMs, Contract, ContractId, ContractState, MemberId, MicroCny, PoolId, QueueTerms, TenantId, Timestamp,
    contract::{ContractAction, ContractKind, Funds},
    ledger::{Account, Cause, Posting, Unit},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Tx, contracts as rows, ledger};

use super::{
    audit::{self, Change},
    tenants, views,
};
use crate::{
    auth::{Action, Caller},
    center::Center,
    error::AppError,
    events::{self, About, Event},
    live::{Live, LiveContract},
    moment::{self, new_id},
};

/// The most of one amount: far beyond any real contract, and low enough that no sum of them overflows.
const MOST_AMOUNT: i64 = 1_000_000_000_000_000;

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ContractView {
    #[schema(value_type = String)]
    pub id: ContractId,
    pub number: String,
    #[schema(value_type = String)]
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
    #[schema(value_type = i64)]
    pub money_balance_micro_cny: MicroCny,
    /// Card time used; for a package or capped grant less what it gives.
    #[schema(value_type = i64)]
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
    let tenant = tenants::named_or_own_required(center, caller, new.tenant.as_deref())?;
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
                center.forget_what_fits();
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

/// Who may do what to a contract. What the center's loops do is for nobody.
fn needed(action: ContractAction) -> Option<Action> {
    match action {
        ContractAction::Submit => Some(Action::SubmitContract),
        ContractAction::Return
        | ContractAction::Approve
        | ContractAction::Activate
        | ContractAction::Suspend
        | ContractAction::Resume
        | ContractAction::Terminate => Some(Action::DecideContract),
        ContractAction::Exhaust | ContractAction::Replenish | ContractAction::Expire => None,
    }
}

/// Changes a contract's state. Activating it posts its package and fee.
pub async fn act(
    center: &Center,
    caller: &Caller,
    id: &str,
    action: &str,
    reason: &str,
) -> Result<ContractView, AppError> {
    let known = ContractAction::ALL.into_iter().filter(|a| needed(*a).is_some()).map(ContractAction::code);
    let known: Vec<&str> = known.collect();
    let action = views::word("action", action, ContractAction::from_code, &known)?;
    let Some(needed) = needed(action) else {
        let hint = format!("use one of: {}", known.join(", "));
        return Err(AppError::invalid("action", "is done by the center itself", hint));
    };
    if reason.chars().count() > 500 || reason.chars().any(char::is_control) {
        return Err(AppError::invalid("reason", "is too long", "use at most 500 printable characters"));
    }
    let contract = visible(center, caller, id, needed)?;
    let (by, reason) = (caller.clone(), reason.to_owned());
    let id_now = contract.id;
    center
        .write(
            move |tx| {
                let change = change_state(tx, id_now, action, Some(by.member.id), &reason, moment::now())?;
                let detail =
                    json!({ "action": action.code(), "reason": reason, "number": change.contract.number });
                let subject = id_now.to_string();
                let tenant = Some(change.contract.tenant);
                audit::record(tx, &by, Change { tenant, action: needed.code(), subject, detail })?;
                Ok(change)
            },
            applied,
        )
        .await?;
    show(center, caller, id)
}

/// What a change of state leaves behind.
#[derive(Clone, Debug)]
struct StateChange {
    contract: Contract,
    use_balance: CardMs,
    money_balance: MicroCny,
    event: Event,
}

fn change_state(
    tx: &Tx,
    id: ContractId,
    action: ContractAction,
    actor: Option<MemberId>,
    reason: &str,
    now: Timestamp,
) -> Result<StateChange, AppError> {
    let mut contract = rows::get_contract(tx, id)?;
    let from = contract.state;
    let to = from.after(action).map_err(|error| {
        AppError::refused(
            "contract_state",
            error.to_string(),
            "look at the contract's history to see where it stands",
        )
    })?;
    rows::set_contract_state(tx, id, from, to)?;
    contract.state = to;
    let event =
        rows::ContractEvent { contract: id, at: now, actor, action, reason: reason.to_owned(), from, to };
    rows::insert_contract_event(tx, &event)?;
    if action == ContractAction::Activate {
        for posting in opening(&contract) {
            ledger::post(tx, &posting, new_id!(TransferId), now)?;
        }
    }
    let (use_balance, money_balance) = balances(tx, id)?;
    let about = About { tenant: Some(contract.tenant), ..About::default() };
    let data =
        json!({ "contract": id, "number": contract.number, "action": action.code(), "state": to.code() });
    let event = events::record(tx, now, about, "contract_changed", data)?;
    Ok(StateChange { contract, use_balance, money_balance, event })
}

/// The two balances of a contract in the ledger.
pub fn balances(tx: &Tx, id: ContractId) -> Result<(CardMs, MicroCny), AppError> {
    let account = Account::Contract(id);
    Ok((
        CardMs(ledger::balance(tx, account, Unit::CardMs)?),
        MicroCny(ledger::balance(tx, account, Unit::MicroCny)?),
    ))
}

/// What is posted when a contract becomes active: a package is paid for and given; reserved cards are charged at once.
fn opening(contract: &Contract) -> Vec<Posting> {
    let own = Account::Contract(contract.id);
    let post = |what: &str, unit, debit, credit, amount, cause| {
        let key = format!("{}/{what}", contract.id);
        Posting { key, unit, debit, credit, amount, cause }
    };
    let postings = match contract.kind {
        ContractKind::Prepaid { package, fee } => vec![
            post("package", Unit::CardMs, Account::Capacity, own, package.0, Cause::Package),
            post("fee-in", Unit::MicroCny, Account::Cash, own, fee.0, Cause::TopUp),
        ],
        ContractKind::Reserved { fee, .. } => vec![
            post("fee-in", Unit::MicroCny, Account::Cash, own, fee.0, Cause::TopUp),
            post("fee", Unit::MicroCny, own, Account::Revenue, fee.0, Cause::Fee),
        ],
        ContractKind::Grant { cap: Some(cap) } => {
            vec![post("package", Unit::CardMs, Account::Capacity, own, cap.0, Cause::Package)]
        }
        ContractKind::Grant { cap: None } | ContractKind::Metered { .. } => Vec::new(),
    };
    postings.into_iter().filter(|posting| posting.amount > 0).collect()
}

fn applied(center: &Center, change: &StateChange) {
    let grace = center.settings.billing.grace_ms;
    {
        let mut live = center.live();
        live.add_contract(change.contract.clone(), change.use_balance, change.money_balance);
        if let Some(known) = live.contracts.get_mut(&change.contract.id) {
            known.grace_ends_at = match change.contract.state {
                ContractState::Exhausted => {
                    Some(known.grace_ends_at.unwrap_or_else(|| moment::now().plus(grace)))
                }
                _ => None,
            };
        }
    }
    center.forget_what_fits();
    events::tell(center, change.event.clone());
    center.wakers.plan();
    center.wakers.meter();
}

/// The center ends a contract whose balance or term has ended.
pub fn end_by_itself(center: &Center, id: ContractId, action: ContractAction, now: Timestamp) {
    let reason = match action {
        ContractAction::Exhaust => "the balance ended",
        _ => "the term ended",
    };
    let done = center.write_now(
        move |tx| {
            let change = change_state(tx, id, action, None, reason, now)?;
            let detail = json!({ "action": action.code(), "number": change.contract.number });
            let (tenant, subject) = (Some(change.contract.tenant), id.to_string());
            audit::record_own(tx, Change { tenant, action: "end_contract", subject, detail })?;
            Ok(change)
        },
        applied,
    );
    match done {
        Ok(change) => tracing::warn!(
            contract = %change.contract.number, state = change.contract.state.code(),
            grace_ms = center.settings.billing.grace_ms.0, "{reason}: its queue is held, its runs are stopped after the grace"
        ),
        Err(error) => tracing::error!(contract = %id, %error, "failed to end a contract; it is tried again"),
    }
}

/// Money paid in.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUp {
    /// Above 0. For a package or capped grant leave it out and give card time.
    #[serde(default)]
    pub amount_micro_cny: i64,
    /// Card time added to a package or a capped grant.
    #[serde(default)]
    pub card_ms: i64,
    /// What names this payment, such as the bank's number for it: the same again is not booked again.
    pub reference: String,
}

/// Books a payment. A contract whose balance had ended is active again if it has something left.
pub async fn top_up(
    center: &Center,
    caller: &Caller,
    id: &str,
    top_up: TopUp,
) -> Result<ContractView, AppError> {
    let contract = visible(center, caller, id, Action::TopUp)?;
    let amounts = [top_up.amount_micro_cny, top_up.card_ms];
    if amounts.iter().any(|amount| !(0..=MOST_AMOUNT).contains(amount)) || amounts == [0, 0] {
        let hint = "give amount_micro_cny, card_ms or both, from 0 to 10^15, not both 0";
        return Err(AppError::invalid("amount_micro_cny", "is out of range", hint));
    }
    let takes_card_time =
        matches!(contract.kind, ContractKind::Prepaid { .. } | ContractKind::Grant { cap: Some(_) });
    if top_up.card_ms > 0 && !takes_card_time {
        return Err(AppError::invalid(
            "card_ms",
            format!("can't be added to a {} contract", contract.kind.code()),
            "pay in money instead",
        ));
    }
    if !(1..=64).contains(&top_up.reference.chars().count()) || top_up.reference.chars().any(char::is_control)
    {
        return Err(AppError::invalid("reference", "is not a reference", "use 1 to 64 printable characters"));
    }
    if contract.state.is_final() {
        let message = format!("the contract {} is {}", contract.number, contract.state.code());
        return Err(AppError::refused("contract_state", message, "draw up a new contract"));
    }
    let by = caller.clone();
    let id_now = contract.id;
    center.write(move |tx| booked(tx, &by, id_now, &top_up), applied).await?;
    show(center, caller, id)
}

fn booked(tx: &Tx, by: &Caller, id: ContractId, top_up: &TopUp) -> Result<StateChange, AppError> {
    let now = moment::now();
    let own = Account::Contract(id);
    let parts = [
        (Unit::MicroCny, Account::Cash, top_up.amount_micro_cny, Cause::TopUp, "money"),
        (Unit::CardMs, Account::Capacity, top_up.card_ms, Cause::Package, "time"),
    ];
    for (unit, debit, amount, cause, what) in parts {
        if amount > 0 {
            let key = format!("{id}/top-up/{what}/{}", top_up.reference);
            let posting = Posting { key, unit, debit, credit: own, amount, cause };
            ledger::post(tx, &posting, new_id!(TransferId), now)?;
        }
    }
    let contract = rows::get_contract(tx, id)?;
    let detail = json!({ "number": contract.number, "amount_micro_cny": top_up.amount_micro_cny,
        "card_ms": top_up.card_ms, "reference": top_up.reference });
    let (tenant, subject) = (Some(contract.tenant), id.to_string());
    audit::record(tx, by, Change { tenant, action: Action::TopUp.code(), subject, detail })?;
    let (use_balance, money_balance) = balances(tx, id)?;
    let is_back = contract.state == ContractState::Exhausted
        && !Funds::of(contract.kind, use_balance, money_balance).is_exhausted();
    if is_back {
        return change_state(tx, id, ContractAction::Replenish, Some(by.member.id), &top_up.reference, now);
    }
    let about = About { tenant, ..About::default() };
    let data = json!({ "contract": id, "number": contract.number, "action": "top_up", "state": contract.state.code() });
    let event = events::record(tx, now, about, "contract_changed", data)?;
    Ok(StateChange { contract, use_balance, money_balance, event })
}
