//! Statements: what a contract was given and charged in a month, from the ledger alone. That of a closed month is given
//! out as it was frozen, byte for byte.

mod billed;
mod csv;
mod face;
mod made;

use axum::{
    Json,
    http::header,
    response::{IntoResponse, Response},
};
use domain::{
    Month, Timestamp, Zone,
    problem::{Wrong, field},
};
use serde::Deserialize;
use store::{
    invoices::{self, Invoice},
    periods,
};

use super::contracts;
use crate::{actions, center::Center};
use base::{auth::Caller, error::AppError, moment, params};

pub use billed::{numbered, thawed};
pub use face::{Due, Face, FeeLine, Fees, Issuer, Payer};
pub use made::{Balances, CauseTotal, JobLine, Statement, StatementAnnex, StatementLine, bounds, make_with};
pub use store::payments::FeeMove;

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct StatementQuery {
    /// `YYYY-MM`, in the center's time zone; this month where left out.
    #[param(inline, value_type = Option<domain::schema::MonthOrNone>)]
    pub month: Option<String>,
    /// `json`, or `csv` for a table.
    #[param(inline, value_type = Option<Format>)]
    pub format: Option<String>,
    /// `jobs` for what its lines about runs are made of, job by job.
    #[param(inline, value_type = Option<Annex>)]
    pub annex: Option<String>,
}

domain::codes! {
    /// The forms in which a statement is given out.
    #[derive(Default)]
    pub enum Format {
        #[default]
        Json = "json",
        Csv = "csv",
    }

    /// The lists that come with a statement.
    pub enum Annex {
        Jobs = "jobs",
    }
}

/// A statement, and the bytes that were frozen when its month was closed.
#[derive(Clone, Debug)]
pub struct GivenOut {
    pub statement: Statement,
    pub frozen: Option<Frozen>,
}

#[derive(Clone, Debug)]
pub struct Frozen {
    /// JSON.
    pub body: String,
    /// In hexadecimal.
    pub sha256: String,
}

/// A statement in the form that was asked for.
#[derive(Clone, Debug)]
pub enum Answer {
    Statement(Box<GivenOut>),
    Annex(Box<StatementAnnex>),
    Csv(String),
}

/// The header that has the SHA-256 of a frozen statement.
const DIGEST: &str = "x-statement-sha256";

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Csv(table) => ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], table).into_response(),
            Self::Annex(annex) => Json(annex).into_response(),
            Self::Statement(given) => match given.frozen {
                None => Json(given.statement).into_response(),
                Some(Frozen { body, sha256 }) => {
                    let kind = [(header::CONTENT_TYPE, "application/json")];
                    (kind, [(DIGEST, sha256)], body).into_response()
                }
            },
        }
    }
}

/// The answer to a query: a statement or its annex, as JSON or CSV. A query that names no format gets CSV if
/// the caller prefers it, JSON otherwise.
pub async fn answer(
    center: &Center,
    caller: &Caller,
    id: &str,
    query: &StatementQuery,
    prefers_csv: bool,
) -> Result<Answer, AppError> {
    let format = match query.format.as_deref().filter(|text| !text.is_empty()) {
        None if prefers_csv => Format::Csv,
        None => Format::default(),
        Some(text) => params::word(field::FORMAT, text, Format::from_code, &Format::ALL.map(Format::code))?,
    };
    let annex = query.annex.as_deref().filter(|text| !text.is_empty());
    let annex =
        annex.map(|text| params::word(field::ANNEX, text, Annex::from_code, &Annex::ALL.map(Annex::code)));
    Ok(match (annex.transpose()?, format) {
        (None, Format::Json) => Answer::Statement(Box::new(statement(center, caller, id, query).await?)),
        (None, Format::Csv) => {
            Answer::Csv(csv::statement(&statement(center, caller, id, query).await?.statement))
        }
        (Some(Annex::Jobs), Format::Json) => {
            Answer::Annex(Box::new(by_job(center, caller, id, query).await?))
        }
        (Some(Annex::Jobs), Format::Csv) => {
            Answer::Csv(csv::annex(&by_job(center, caller, id, query).await?))
        }
    })
}

pub async fn statement(
    center: &Center,
    caller: &Caller,
    id: &str,
    query: &StatementQuery,
) -> Result<GivenOut, AppError> {
    let contract = contracts::visible(center, caller, id, actions::READ_STATEMENT)?;
    let issuer = Issuer::of(&center.settings);
    let month = month(&issuer.zone, query.month.as_deref(), moment::now())?;
    center
        .try_read(move |tx| match periods::find_statement(tx, contract.id, month)? {
            None => Ok(GivenOut { statement: made::make(tx, &issuer, &contract, month)?, frozen: None }),
            Some(kept) => {
                let statement = thawed(&kept)?;
                let frozen = Frozen { body: kept.body, sha256: store::chain::hex(&kept.sha256) };
                Ok(GivenOut { statement, frozen: Some(frozen) })
            }
        })
        .await
}

/// The annex of a statement by job.
pub async fn by_job(
    center: &Center,
    caller: &Caller,
    id: &str,
    query: &StatementQuery,
) -> Result<StatementAnnex, AppError> {
    let of = statement(center, caller, id, query).await?.statement;
    let contract = contracts::visible(center, caller, id, actions::READ_STATEMENT)?;
    center.read(move |tx| made::annex(tx, &contract, &of)).await
}

/// The invoice that a statement is on, asked for or issued, where there is one.
pub async fn invoice_over(center: &Center, statement: &str) -> Result<Option<Invoice>, AppError> {
    let statement = statement.to_owned();
    center.read(move |tx| invoices::of_statement(tx, &statement)).await
}

/// The month that is asked for.
fn month(zone: &Zone, text: Option<&str>, now: Timestamp) -> Result<Month, AppError> {
    let this = zone.month(now);
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(this) };
    let month = named_month(text)?;
    if month > this {
        return Err(AppError::invalid(field::MONTH, Wrong::InTheFuture));
    }
    Ok(month)
}

/// A month as it is written: `2026-11`.
pub fn named_month(text: &str) -> Result<Month, AppError> {
    text.parse().map_err(|_| AppError::invalid(field::MONTH, Wrong::NotAMonth { given: text.to_owned() }))
}
