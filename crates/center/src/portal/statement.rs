//! A month's statement, to read, to print and as a table.

use askama::Template;
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use domain::{CardMs, MicroCny};
use serde::Deserialize;

use super::{
    extract::Asked,
    page::{Page, Visitor, ok},
};
use crate::{
    app::{
        contracts, nodes,
        statements::{self, Statement, StatementQuery},
    },
    center::Center,
    error::AppError,
    http::Id,
    moment,
};

/// Months that are offered besides the one that is shown.
const MONTHS: usize = 12;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    month: String,
    format: String,
}

#[derive(Template)]
#[template(path = "statement.html")]
pub struct StatementPage {
    page: Page,
    statement: Statement,
    id: String,
    tenant: String,
    domain: String,
    months: Vec<String>,
    others: Vec<(String, String)>,
    opening_hours: CardMs,
    closing_hours: CardMs,
    /// What was given of a package, worked out from the balances.
    given_hours: CardMs,
    minus_hours: CardMs,
    minus_charge: MicroCny,
    minus_fees: i64,
    printed_at: String,
    is_virtual: bool,
}

pub async fn page(
    State(center): State<Center>,
    Id(id): Id,
    Asked(wanted): Asked<Wanted>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let query = StatementQuery { month: Some(wanted.month), format: None };
    let statement = statements::statement(&center, &visitor.caller, &id, &query).await?;
    if wanted.format == "csv" {
        let name = format!("attachment; filename=\"statement-{}.csv\"", statement.month);
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
            (header::CONTENT_DISPOSITION, name),
        ];
        return Ok((headers, statements::csv(&statement)).into_response());
    }
    let contract = contracts::show(&center, &visitor.caller, &id).await?;
    let all = contracts::list(&center, &visitor.caller).await?;
    let tenant = contract.owner.name.in_lang(ui.lang).to_owned();
    let domain = ui.word("domain", contract.owner.domain.code());
    let others = all
        .into_iter()
        .filter(|other| other.id != contract.id)
        .map(|other| (other.id.to_string(), other.number))
        .collect();
    let page = StatementPage {
        page: visitor.page("statement", ui.t1("statement-of", "month", &statement.month)),
        months: months(&contract.starts_at),
        others,
        id: contract.id.to_string(),
        tenant,
        domain,
        opening_hours: CardMs(statement.opening.card_ms),
        closing_hours: CardMs(statement.closing.card_ms),
        given_hours: CardMs(statement.closing.card_ms - statement.opening.card_ms + statement.used_card_ms.0),
        minus_hours: CardMs(-statement.used_card_ms.0),
        minus_charge: MicroCny(-statement.charge_micro_cny.0),
        minus_fees: -statement.fees_micro_cny,
        printed_at: moment::now().to_string(),
        is_virtual: nodes::has_virtual(&center, &visitor.caller)?,
        statement,
    };
    Ok(ok(&page))
}

/// The months since a contract began, newest first.
fn months(starts_at: &str) -> Vec<String> {
    let now = moment::now().to_string();
    let first = starts_at.get(..7).unwrap_or_default().to_owned();
    let (Some(mut year), Some(mut month)) =
        (now.get(..4).and_then(|y| y.parse::<u32>().ok()), now.get(5..7).and_then(|m| m.parse::<u32>().ok()))
    else {
        return Vec::new();
    };
    let mut months = Vec::new();
    while months.len() < MONTHS {
        let name = format!("{year:04}-{month:02}");
        if name < first {
            break;
        }
        months.push(name);
        (year, month) = if month == 1 { (year - 1, 12) } else { (year, month - 1) };
    }
    months
}

/// The statement of the first contract that one may read.
pub async fn newest(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    let all = contracts::list(&center, &visitor.caller).await?;
    let first = all.first().ok_or_else(|| AppError::not_found("contract", ""))?;
    Ok(Redirect::to(&format!("/contracts/{}/statement", first.id)).into_response())
}

#[cfg(test)]
impl super::sample::Sample for StatementPage {
    fn samples(page: &Page) -> Vec<Self> {
        use super::sample::views;
        use crate::app::statements::{Balances, StatementLine};
        let sample = |is_final: bool| Self {
            page: page.clone(),
            statement: Statement {
                contract: "HZ-1".into(),
                tenant_slug: "univ".into(),
                kind: "prepaid".into(),
                month: "2026-05".into(),
                from: views::AT.into(),
                to: views::LATER.into(),
                opening: Balances { card_ms: 0, micro_cny: 0 },
                closing: Balances { card_ms: 36_000_000, micro_cny: 1_000_000 },
                paid_in_micro_cny: 5_000_000,
                fees_micro_cny: if is_final { 500_000 } else { 0 },
                lines: vec![StatementLine {
                    project: "Vision".into(),
                    runs: 1200,
                    used_card_ms: CardMs(7_200_000),
                    charge_micro_cny: MicroCny(3_500_000),
                }],
                used_card_ms: CardMs(7_200_000),
                charge_micro_cny: MicroCny(3_500_000),
                is_final,
            },
            id: views::contract().id.to_string(),
            tenant: "Univ".into(),
            domain: page.word("domain", "research"),
            months: vec!["2026-05".into(), "2026-04".into()],
            others: if is_final { vec![("con_2".into(), "HZ-2".into())] } else { Vec::new() },
            opening_hours: CardMs(0),
            closing_hours: CardMs(36_000_000),
            given_hours: CardMs(43_200_000),
            minus_hours: CardMs(-7_200_000),
            minus_charge: MicroCny(-3_500_000),
            minus_fees: -500_000,
            printed_at: views::LATER.into(),
            is_virtual: is_final,
        };
        vec![sample(true), sample(false)]
    }
}
