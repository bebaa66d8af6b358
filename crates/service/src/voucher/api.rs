//! Programmes, vouchers and claims over HTTP.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use base::{
    api::{
        Problem,
        extract::{Auth, Body, Params},
    },
    approval::Answers,
    http::Id,
    listing::Listing,
};
use center::center::Center;
use domain::voucher::ClaimStep;
use serde::Deserialize;

use super::{
    ask::{self, Applied, Revocation, VoucherQuery, VoucherQuote},
    claim::{self, ClaimQuery, NewClaim, NewStep},
    programme::{self, FundingDecision, NewFunding, NewProgramme},
    report as reports,
    view::{ClaimDetail, ClaimView, FundingView, ProgrammeDetail, ProgrammeView, VoucherView},
};

/// An application for a voucher.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApplication {
    /// By the names of the form's questions: `programme`, `contract`, `usage` (`training`, `inference` or `maas`),
    /// `tenant_size` (`sme` or `large`), `facility_kind` (`domestic` or `other`; needed where the contract has both),
    /// `amount_yuan`, `elsewhere_yuan`.
    #[schema(value_type = Object)]
    pub answers: Answers,
}

/// Programmes of vouchers, with what their pots have.
#[utoipa::path(get, path = "/vouchers/programmes", tag = "money",
    responses((status = 200, body = Vec<ProgrammeView>)))]
pub async fn list_programmes(
    State(center): State<Center>,
    Auth(caller): Auth,
) -> Result<Json<Vec<ProgrammeView>>, Problem> {
    Ok(Json(programme::list(&center, &caller).await?))
}

/// Founds a programme, which is never changed.
#[utoipa::path(post, path = "/vouchers/programmes", tag = "money", request_body = NewProgramme,
    responses((status = 201, body = ProgrammeDetail), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn create_programme(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewProgramme>,
) -> Result<(StatusCode, Json<ProgrammeDetail>), Problem> {
    Ok((StatusCode::CREATED, Json(programme::create(&center, &caller, body.value).await?)))
}

/// One programme, with the money of its pot and what people should know of its rules.
#[utoipa::path(get, path = "/vouchers/programmes/{slug}", tag = "money", params(("slug" = String, Path)),
    responses((status = 200, body = ProgrammeDetail), (status = 404, body = Problem)))]
pub async fn show_programme(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(slug): Id,
) -> Result<Json<ProgrammeDetail>, Problem> {
    Ok(Json(programme::show(&center, &caller, &slug).await?))
}

/// The entries of a programme's pot and vouchers as CSV.
#[utoipa::path(get, path = "/vouchers/programmes/{slug}/report", tag = "money", params(("slug" = String, Path)),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = Problem)))]
pub async fn report(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(slug): Id,
) -> Result<Response, Problem> {
    let table = reports::csv(&center, &caller, &slug).await?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], table).into_response())
}

/// Proposes money for a pot, which is booked once another person says so.
#[utoipa::path(post, path = "/vouchers/programmes/{slug}/fundings", tag = "money", params(("slug" = String, Path)),
    request_body = NewFunding, responses((status = 201, body = FundingView), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn propose_funding(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(slug): Id,
    body: Body<NewFunding>,
) -> Result<(StatusCode, Json<FundingView>), Problem> {
    Ok((StatusCode::CREATED, Json(programme::propose_funding(&center, &caller, &slug, body.value).await?)))
}

/// Books proposed money into its pot, or refuses it.
#[utoipa::path(post, path = "/vouchers/fundings/{id}/decide", tag = "money", params(("id" = String, Path)),
    request_body = FundingDecision, responses((status = 200, body = FundingView), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn decide_funding(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    body: Body<FundingDecision>,
) -> Result<Json<FundingView>, Problem> {
    Ok(Json(programme::decide_funding(&center, &caller, &id, body.value).await?))
}

/// Vouchers, newest first, page by page.
#[utoipa::path(get, path = "/vouchers", tag = "money", params(VoucherQuery),
    responses((status = 200, body = Listing<VoucherView>), (status = 404, body = Problem)))]
pub async fn list_vouchers(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(query): Params<VoucherQuery>,
) -> Result<Json<Listing<VoucherView>>, Problem> {
    Ok(Json(ask::list(&center, &caller, query).await?))
}

/// One voucher by its number.
#[utoipa::path(get, path = "/vouchers/{number}", tag = "money", params(("number" = String, Path)),
    responses((status = 200, body = VoucherView), (status = 404, body = Problem)))]
pub async fn show_voucher(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
) -> Result<Json<VoucherView>, Problem> {
    Ok(Json(ask::show(&center, &caller, &number).await?))
}

/// Takes a voucher back; what is left of it goes to its pot.
#[utoipa::path(post, path = "/vouchers/{number}/revoke", tag = "money", params(("number" = String, Path)),
    request_body = Revocation, responses((status = 200, body = VoucherView), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn revoke(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
    body: Body<Revocation>,
) -> Result<Json<VoucherView>, Problem> {
    Ok(Json(ask::revoke(&center, &caller, &number, body.value).await?))
}

/// What an application for a voucher would come to, without handing it in.
#[utoipa::path(post, path = "/vouchers/quote", tag = "money", request_body = NewApplication,
    responses((status = 200, body = VoucherQuote), (status = 404, body = Problem), (status = 409, body = Problem),
    (status = 422, body = Problem)), extensions(("x-idempotency-key" = json!("none"))))]
pub async fn quote(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewApplication>,
) -> Result<Json<VoucherQuote>, Problem> {
    Ok(Json(ask::quote(&center, &caller, &body.value.answers).await?))
}

/// Hands in an application for a voucher.
#[utoipa::path(post, path = "/vouchers/applications", tag = "money", request_body = NewApplication,
    responses((status = 201, body = Applied), (status = 404, body = Problem), (status = 409, body = Problem),
    (status = 422, body = Problem)))]
pub async fn apply(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewApplication>,
) -> Result<(StatusCode, Json<Applied>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::apply(&center, &caller, &body.value.answers).await?)))
}

/// Claims on closed months, newest first, page by page.
#[utoipa::path(get, path = "/vouchers/claims", tag = "money", params(ClaimQuery),
    responses((status = 200, body = Listing<ClaimView>), (status = 404, body = Problem)))]
pub async fn list_claims(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(query): Params<ClaimQuery>,
) -> Result<Json<Listing<ClaimView>>, Problem> {
    Ok(Json(claim::list(&center, &caller, query).await?))
}

/// Draws a claim on a closed month up, with the figures of the books.
#[utoipa::path(post, path = "/vouchers/claims", tag = "money", request_body = NewClaim,
    responses((status = 201, body = ClaimDetail), (status = 404, body = Problem), (status = 409, body = Problem),
    (status = 422, body = Problem)))]
pub async fn draw_up(
    State(center): State<Center>,
    Auth(caller): Auth,
    body: Body<NewClaim>,
) -> Result<(StatusCode, Json<ClaimDetail>), Problem> {
    Ok((StatusCode::CREATED, Json(claim::draw_up(&center, &caller, body.value).await?)))
}

/// One claim by its number, with its evidence and what was done with it.
#[utoipa::path(get, path = "/vouchers/claims/{number}", tag = "money", params(("number" = String, Path)),
    responses((status = 200, body = ClaimDetail), (status = 404, body = Problem)))]
pub async fn show_claim(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
) -> Result<Json<ClaimDetail>, Problem> {
    Ok(Json(claim::show(&center, &caller, &number).await?))
}

/// Hands a claim in.
#[utoipa::path(post, path = "/vouchers/claims/{number}/submit", tag = "money", params(("number" = String, Path)),
    request_body = NewStep, responses((status = 200, body = ClaimDetail), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn submit_claim(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
    body: Body<NewStep>,
) -> Result<Json<ClaimDetail>, Problem> {
    Ok(Json(claim::step(&center, &caller, &number, ClaimStep::Submit, body.value).await?))
}

/// Finds a claim's figures to be those of the books; what differs is refused.
#[utoipa::path(post, path = "/vouchers/claims/{number}/verify", tag = "money", params(("number" = String, Path)),
    request_body = NewStep, responses((status = 200, body = ClaimDetail), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn verify_claim(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
    body: Body<NewStep>,
) -> Result<Json<ClaimDetail>, Problem> {
    Ok(Json(claim::step(&center, &caller, &number, ClaimStep::Verify, body.value).await?))
}

/// Audits a claim, for the data bureau.
#[utoipa::path(post, path = "/vouchers/claims/{number}/audit", tag = "money", params(("number" = String, Path)),
    request_body = NewStep, responses((status = 200, body = ClaimDetail), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn audit_claim(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
    body: Body<NewStep>,
) -> Result<Json<ClaimDetail>, Problem> {
    Ok(Json(claim::step(&center, &caller, &number, ClaimStep::Audit, body.value).await?))
}

/// Pays a claim, for the finance bureau; `reference` is that of the payment.
#[utoipa::path(post, path = "/vouchers/claims/{number}/pay", tag = "money", params(("number" = String, Path)),
    request_body = NewStep, responses((status = 200, body = ClaimDetail), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn pay_claim(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
    body: Body<NewStep>,
) -> Result<Json<ClaimDetail>, Problem> {
    Ok(Json(claim::step(&center, &caller, &number, ClaimStep::Pay, body.value).await?))
}

/// Rejects a claim, for whoever has its next step.
#[utoipa::path(post, path = "/vouchers/claims/{number}/reject", tag = "money", params(("number" = String, Path)),
    request_body = NewStep, responses((status = 200, body = ClaimDetail), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn reject_claim(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
    body: Body<NewStep>,
) -> Result<Json<ClaimDetail>, Problem> {
    Ok(Json(claim::step(&center, &caller, &number, ClaimStep::Reject, body.value).await?))
}

/// Books that what was paid on a claim came back.
#[utoipa::path(post, path = "/vouchers/claims/{number}/recover", tag = "money", params(("number" = String, Path)),
    request_body = NewStep, responses((status = 200, body = ClaimDetail), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn recover_claim(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(number): Id,
    body: Body<NewStep>,
) -> Result<Json<ClaimDetail>, Problem> {
    Ok(Json(claim::step(&center, &caller, &number, ClaimStep::Recover, body.value).await?))
}
