//! Contracts, statements, use, the ledger.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use crate::{
    app::{
        capacity::{self, LedgerCheck},
        contracts::{self, ContractEventView, ContractView, DraftChange, NewContract, TopUp, ToppedUp},
        statements::{self, Statement, StatementAnnex, StatementQuery},
        transfers::{self, TransferQuery, TransferView},
    },
    center::Center,
};
use base::api::{
    Problem,
    extract::{Auth, Body, Id, Params},
};
use base::listing::Listing;

type Created<T> = (StatusCode, Json<T>);

/// Contracts that you may see.
#[utoipa::path(get, path = "/contracts", tag = "money", responses((status = 200, body = Vec<ContractView>)))]
pub async fn list_contracts(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<ContractView>>, Problem> {
    Ok(Json(contracts::list(&center, &caller).await?))
}

/// Draws up a contract, as a draft.
#[utoipa::path(post, path = "/contracts", tag = "money", request_body = NewContract,
    responses((status = 201, body = ContractView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn new_contract(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewContract>,
) -> Result<Created<ContractView>, Problem> {
    Ok((StatusCode::CREATED, Json(contracts::create(&center, &caller, body.value).await?)))
}

/// One contract.
#[utoipa::path(get, path = "/contracts/{id}", tag = "money", params(("id" = String, Path)),
    responses((status = 200, body = ContractView), (status = 404, body = Problem)))]
pub async fn show_contract(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<ContractView>, Problem> {
    Ok(Json(contracts::show(&center, &caller, &id).await?))
}

/// Changes a draft: what is given replaces what was there.
#[utoipa::path(patch, path = "/contracts/{id}", tag = "money", params(("id" = String, Path)),
    request_body = DraftChange, responses((status = 200, body = ContractView), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn change_draft(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    body: Body<DraftChange>,
) -> Result<Json<ContractView>, Problem> {
    Ok(Json(contracts::change(&center, &caller, &id, body.value).await?))
}

/// The events of a contract: each step, with who took it, when and why.
#[utoipa::path(get, path = "/contracts/{id}/events", tag = "money", params(("id" = String, Path)),
    responses((status = 200, body = Vec<ContractEventView>)))]
pub async fn contract_events(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<Vec<ContractEventView>>, Problem> {
    Ok(Json(contracts::list_events(&center, &caller, &id).await?))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractDecision {
    /// `submit`, `return`, `approve`, `activate`, `suspend`, `resume` or `terminate`.
    #[schema(value_type = domain::contract::DecidedAction)]
    pub action: String,
    #[serde(default)]
    pub reason: String,
}

/// Changes a contract's state.
#[utoipa::path(post, path = "/contracts/{id}/actions", tag = "money", params(("id" = String, Path)),
    request_body = ContractDecision, responses((status = 200, body = ContractView), (status = 409, body = Problem)))]
pub async fn contract_action(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    body: Body<ContractDecision>,
) -> Result<Json<ContractView>, Problem> {
    let ContractDecision { action, reason } = body.value;
    Ok(Json(contracts::act(&center, &caller, &id, &action, &reason).await?))
}

/// Books a payment. A reference is booked once: `booked` says whether it was now. With other amounts or for another contract
/// it is refused.
#[utoipa::path(post, path = "/contracts/{id}/top-up", tag = "money", params(("id" = String, Path)),
    request_body = TopUp, responses((status = 200, body = ToppedUp), (status = 409, body = Problem),
    (status = 422, body = Problem)))]
pub async fn top_up(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    body: Body<TopUp>,
) -> Result<Json<ToppedUp>, Problem> {
    Ok(Json(contracts::top_up(&center, &caller, &id, body.value).await?))
}

/// The document's word for a statement, or for what its lines about runs are made of.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it describes answers that are made of their own types")]
enum StatementOrAnnex {
    Statement(Box<Statement>),
    Annex(Box<StatementAnnex>),
}

/// A contract's statement of one month; a table with `format=csv` or `Accept: text/csv`, and what its lines about runs are
/// made of with `annex=jobs`. That of a closed month is always the same bytes, whose SHA-256 is in `X-Statement-SHA256`.
#[utoipa::path(get, path = "/contracts/{id}/statement", tag = "money", params(("id" = String, Path), StatementQuery),
    responses((status = 200, content((StatementOrAnnex = "application/json"), (String = "text/csv")))))]
pub async fn statement(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    Params(query): Params<StatementQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let answer = statements::answer(&center, &caller, &id, &query, accepts.starts_with("text/csv")).await?;
    Ok(answer.into_response())
}

/// Entries of the ledger, in the order of posting.
#[utoipa::path(get, path = "/ledger/transfers", tag = "money", params(TransferQuery),
    responses((status = 200, body = Listing<TransferView>)))]
pub async fn transfers(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(query): Params<TransferQuery>,
) -> Result<Json<Listing<TransferView>>, Problem> {
    Ok(Json(transfers::list_transfers(&center, &caller, query).await?))
}

/// Whether the books agree: adds up everything anew.
#[utoipa::path(get, path = "/ledger/check", tag = "money", responses((status = 200, body = LedgerCheck)))]
pub async fn check_ledger(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<LedgerCheck>, Problem> {
    Ok(Json(capacity::check_ledger(&center, &caller).await?))
}
