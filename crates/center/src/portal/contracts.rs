//! Contracts: what is left, on which terms, what happened to them; and what may be done to them.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    ContractState, MicroCny, Millis, Timestamp,
    contract::{ContractAction, ContractKind, Funds},
};
use serde::Deserialize;

use super::{
    fault::Fault,
    kit::{Html, Ui, escape},
    page::{Page, Visitor, ok},
    tables::tenant_words,
};
use crate::{
    app::{
        contracts::{self, ContractEventView, ContractView, TopUp},
        prices::{self, PriceView},
        statements::{self, TransferQuery, TransferView},
    },
    auth::Action,
    center::Center,
    error::AppError,
    moment,
};

/// A contract that lasts no longer than this at the present rate is warned of.
const WARN_BEFORE: Millis = Millis::from_hours(72);

/// A contract as a vessel with what is left in it.
pub struct Vessel {
    pub id: String,
    pub number: String,
    pub kind: String,
    pub state: String,
    pub look: &'static str,
    pub left: Html,
    pub left_permille: Option<u32>,
    pub terms: String,
    pub note: String,
}

pub fn vessels(ui: Ui, contracts: &[ContractView]) -> Vec<Vessel> {
    contracts.iter().map(|contract| vessel(ui, contract)).collect()
}

fn vessel(ui: Ui, contract: &ContractView) -> Vessel {
    let left_permille = contract.used_permille.map(|used| 1000_u32.saturating_sub(used));
    let look = match contract.state.as_str() {
        "exhausted" => " is-out",
        _ if left_permille.is_some_and(|left| left < 100) => " is-low",
        _ => "",
    };
    Vessel {
        id: contract.id.to_string(),
        number: contract.number.clone(),
        kind: contract.kind.clone(),
        state: contract.state.clone(),
        look,
        left: left(ui, &contract.funds),
        left_permille,
        terms: terms(ui, &contract.terms),
        note: lasts(ui, contract).unwrap_or_else(|| ui.t1("until", "day", day(&contract.ends_at))),
    }
}

fn day(at: &str) -> String {
    super::kit::local(at).and_then(|full| full.get(..10).map(str::to_owned)).unwrap_or_else(|| at.to_owned())
}

/// What is left.
fn left(ui: Ui, funds: &Funds) -> Html {
    match funds {
        Funds::Unlimited => Html(escape(ui.t("unlimited"))),
        Funds::CardTime { card_ms } => ui.hours(card_ms),
        Funds::Money { micro_cny } => ui.yuan(micro_cny),
    }
}

fn terms(ui: Ui, kind: &ContractKind) -> String {
    match kind {
        ContractKind::Prepaid { package, fee } => ui.t2("terms-prepaid", ui.plain_hours(package), fee),
        ContractKind::Metered { credit_limit } => ui.t1("terms-metered", "limit", credit_limit),
        ContractKind::Reserved { cards, fee } => ui.t2("terms-reserved", cards, fee),
        ContractKind::Grant { cap: Some(cap) } => ui.t1("terms-grant", "hours", ui.plain_hours(cap)),
        ContractKind::Grant { cap: None } => ui.t("terms-grant-open"),
    }
}

fn lasts(ui: Ui, contract: &ContractView) -> Option<String> {
    let until: Timestamp = contract.lasts_until.as_deref()?.parse().ok()?;
    Some(ui.t1("lasts", "time", until.since(moment::now())))
}

/// Contracts that end soon at the present rate, or have ended with work going on: id, and what to know.
pub fn warnings(center: &Center, ui: Ui, contracts: &[ContractView]) -> Vec<(String, String)> {
    let grace = center.settings.billing.grace_ms;
    let told = |contract: &ContractView| {
        let until = contract.lasts_until.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
        let is_soon = until.is_some_and(|until| until.since(moment::now()).0 <= WARN_BEFORE.0);
        let text = if contract.state == ContractState::Exhausted.code() {
            ui.t2("warn-exhausted", &contract.number, grace)
        } else if is_soon {
            let left = until.unwrap_or_default().since(moment::now());
            format!("{} {}", ui.t2("warn-soon", &contract.number, left), ui.t1("warn-grace", "time", grace))
        } else {
            return None;
        };
        Some((contract.id.to_string(), text))
    };
    contracts.iter().filter_map(told).collect()
}

struct Row {
    v: Vessel,
    tenant: String,
    domain: String,
    queue: String,
    ends_at: String,
}

struct Choice {
    href: String,
    word: String,
    count: usize,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "contracts.html")]
struct Contracts {
    p: Page,
    choices: Vec<Choice>,
    rows: Vec<Row>,
    with_tenant: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    state: String,
}

pub async fn list(
    State(center): State<Center>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Fault> {
    let ui = visitor.front.ui;
    let all = contracts::list(&center, &visitor.caller).map_err(|error| visitor.fault(error))?;
    let count = |state: &str| all.iter().filter(|contract| contract.state == state).count();
    let mut choices = vec![("", ui.t("all"), all.len())];
    let states = ContractState::ALL.map(ContractState::code);
    choices.extend(states.into_iter().filter(|s| count(s) > 0).map(|s| (s, ui.word("state", s), count(s))));
    let choices = choices.into_iter().map(|(state, word, count)| Choice {
        href: if state.is_empty() { "/contracts".into() } else { format!("/contracts?state={state}") },
        word,
        count,
        is_current: state == wanted.state,
    });
    let choices = choices.collect();
    let is_wanted = |contract: &&ContractView| wanted.state.is_empty() || contract.state == wanted.state;
    let row = |contract: &ContractView| {
        let (tenant, domain) = tenant_words(&center, ui, contract.tenant);
        let queue = contract.queue;
        Row {
            v: vessel(ui, contract),
            tenant,
            domain,
            queue: format!("{} / {}", queue.guaranteed_cards, queue.max_running_cards),
            ends_at: contract.ends_at.clone(),
        }
    };
    let rows = all.iter().filter(is_wanted).map(row).collect();
    let p = visitor.page("contracts", ui.t("nav-contracts"));
    Ok(ok(&Contracts { p, choices, rows, with_tenant: visitor.is_of_center() }))
}

struct Price {
    class: String,
    rate: MicroCny,
}

struct ActChoice {
    action: &'static str,
    is_danger: bool,
}

#[derive(Template)]
#[template(path = "contract.html")]
struct ContractPage {
    p: Page,
    c: ContractView,
    v: Vessel,
    tenant: String,
    warning: String,
    used: String,
    most: String,
    lending: String,
    borrowing: String,
    prices: Vec<Price>,
    events: Vec<ContractEventView>,
    transfers: Vec<TransferView>,
    may_read_money: bool,
    acts: Vec<ActChoice>,
    may_top_up: bool,
}

pub async fn page(
    State(center): State<Center>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Result<Response, Fault> {
    show(&center, &visitor, &id).await.map_err(|error| visitor.fault(error))
}

async fn show(center: &Center, visitor: &Visitor, id: &str) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let contract = contracts::show(center, &visitor.caller, id)?;
    let events = contracts::list_events(center, &visitor.caller, id).await?;
    let owner = Some(contract.tenant);
    let may_read_money = visitor.may(center, Action::ReadLedger, owner);
    let transfers = if may_read_money {
        let query = TransferQuery { contract: Some(id.to_owned()), cursor: None, limit: Some(20) };
        statements::list_transfers(center, &visitor.caller, query).await?.items
    } else {
        Vec::new()
    };
    let (tenant, _) = tenant_words(center, ui, contract.tenant);
    let queue = contract.queue;
    let limit =
        |limit: Option<u32>| limit.map_or_else(|| ui.t("no-bound"), |cards| ui.t1("unit-cards", "n", cards));
    let state = ContractState::from_code(&contract.state);
    let may_decide = visitor.may(center, Action::DecideContract, owner);
    let may_submit = visitor.may(center, Action::SubmitContract, owner);
    let can = |action: &ContractAction| {
        let allowed = if *action == ContractAction::Submit { may_submit } else { may_decide };
        allowed && !action.is_automatic() && state.is_some_and(|state| state.after(*action).is_ok())
    };
    let acts = ContractAction::ALL.into_iter().filter(can).map(|action| ActChoice {
        action: action.code(),
        is_danger: matches!(
            action,
            ContractAction::Suspend | ContractAction::Terminate | ContractAction::Return
        ),
    });
    let is_final = state.is_some_and(ContractState::is_final);
    let page = ContractPage {
        p: visitor.page("contracts", contract.number.clone()),
        v: vessel(ui, &contract),
        tenant,
        warning: warnings(center, ui, std::slice::from_ref(&contract))
            .pop()
            .map(|(_, text)| text)
            .unwrap_or_default(),
        used: contract
            .used_permille
            .map(|permille| ui.t1("used-share", "share", format!("{}.{} %", permille / 10, permille % 10)))
            .unwrap_or_default(),
        most: ui.t1("unit-cards", "n", queue.max_running_cards),
        lending: limit(queue.lending_limit),
        borrowing: limit(queue.borrowing_limit),
        prices: rates(center, visitor, &contract)?,
        events,
        transfers,
        may_read_money,
        acts: acts.collect(),
        may_top_up: visitor.may(center, Action::TopUp, owner) && !is_final,
        c: contract,
    };
    Ok(ok(&page))
}

/// What a card-hour costs by class, for this contract's kind and its tenant's domain.
fn rates(center: &Center, visitor: &Visitor, contract: &ContractView) -> Result<Vec<Price>, AppError> {
    let books = prices::list(center, &visitor.caller)?;
    let domain = center.live().tenants.get(&contract.tenant).map(|tenant| tenant.domain.code());
    let listed: Vec<PriceView> =
        books.into_iter().find(|book| book.is_in_force).map(|book| book.prices).unwrap_or_default();
    let rate = |class: domain::ServiceClass| {
        let of_class = listed.iter().filter(|price| {
            price.service_class == class.code()
                && Some(price.domain.as_str()) == domain
                && contract.pools.contains(&price.pool)
        });
        let most = of_class.map(|price| price.rate_micro_cny_per_card_hour).max();
        let is_metered = matches!(contract.terms, ContractKind::Metered { .. });
        let listed = domain::RatePerCardHour(MicroCny(most.unwrap_or_default()));
        (most.is_some() || !is_metered)
            .then(|| Price { class: class.code().to_owned(), rate: contract.terms.rate(listed).0 })
    };
    Ok(domain::ServiceClass::ALL.into_iter().filter_map(rate).collect())
}

#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
pub struct Act {
    csrf: String,
    action: String,
    reason: String,
}

pub async fn act(
    State(center): State<Center>,
    Path(id): Path<String>,
    visitor: Visitor,
    Form(form): Form<Act>,
) -> Result<Response, Fault> {
    visitor.check_csrf(&form.csrf)?;
    contracts::act(&center, &visitor.caller, &id, &form.action, &form.reason)
        .await
        .map_err(|error| visitor.fault(error))?;
    Ok(Redirect::to(&format!("/contracts/{id}")).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Payment {
    csrf: String,
    amount: String,
    reference: String,
}

pub async fn top_up(
    State(center): State<Center>,
    Path(id): Path<String>,
    visitor: Visitor,
    Form(form): Form<Payment>,
) -> Result<Response, Fault> {
    visitor.check_csrf(&form.csrf)?;
    let failed = |error| visitor.fault(error);
    let amount: MicroCny = form.amount.parse().map_err(|error: domain::money::InvalidAmount| {
        failed(AppError::invalid("amount", error.to_string(), ""))
    })?;
    let paid = TopUp { amount_micro_cny: amount.0, card_ms: 0, reference: form.reference };
    contracts::top_up(&center, &visitor.caller, &id, paid).await.map_err(failed)?;
    Ok(Redirect::to(&format!("/contracts/{id}")).into_response())
}
