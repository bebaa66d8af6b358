//! A month's statement, to read, to print and as a table.

use askama::Template;
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::Id,
    moment,
    page::{
        extract::Asked,
        frame::{Page, Tab, Visitor, ok},
        words::Ui,
    },
};
use domain::{CardMs, ContractId, MicroCny, Timestamp, Zone};
use serde::Deserialize;

use crate::{
    app::{
        contracts, nodes,
        statements::{self, Statement, StatementLine, StatementQuery},
    },
    center::Center,
};

/// Months that are offered besides the one that is shown.
const MONTHS: usize = 12;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    month: String,
    format: String,
}

/// What was used by one project, and at the end by all.
struct Use {
    name: String,
    /// Empty for all of them.
    runs: String,
    used: CardMs,
    charge: MicroCny,
}

/// A balance, or what changed it.
struct Balance {
    name: String,
    hours: String,
    amount: MicroCny,
}

#[derive(Template)]
#[template(path = "statement.html")]
pub struct StatementPage {
    page: Page,
    statement: Statement,
    id: String,
    tenant: String,
    domain: String,
    uses: Vec<Use>,
    balances: Vec<Balance>,
    months: Vec<Tab>,
    others: Vec<Tab>,
    printed_at: Timestamp,
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
    let tab = |id: ContractId, month: &str, word: String, is_current| Tab {
        href: format!("/contracts/{id}/statement?month={month}"),
        word,
        count: String::new(),
        is_current,
    };
    let others = all.into_iter().filter(|other| other.id != contract.id);
    let others = others.map(|other| tab(other.id, &statement.month, other.number, false)).collect();
    let months = months(ui.zone, contract.starts_at.0)
        .into_iter()
        .map(|month| tab(contract.id, &month, month.clone(), month == statement.month));
    let page = StatementPage {
        page: visitor.page("statement", ui.t1("statement-of", "month", &statement.month)),
        uses: uses(ui, &statement),
        balances: balances(ui, &statement),
        months: months.collect(),
        others,
        id: contract.id.to_string(),
        tenant,
        domain,
        printed_at: moment::now(),
        is_virtual: nodes::has_virtual(&center, &visitor.caller)?,
        statement,
    };
    Ok(ok(&page))
}

fn uses(ui: Ui, statement: &Statement) -> Vec<Use> {
    let of_project = |line: &StatementLine| Use {
        name: line.project.clone(),
        runs: ui.count(line.runs),
        used: line.used_card_ms,
        charge: line.charge_micro_cny,
    };
    let sum = Use {
        name: ui.t("total"),
        runs: String::new(),
        used: statement.used_card_ms,
        charge: statement.charge_micro_cny,
    };
    statement.lines.iter().map(of_project).chain([sum]).collect()
}

/// From the balance at the beginning to the one at the end.
fn balances(ui: Ui, statement: &Statement) -> Vec<Balance> {
    let Statement { opening, closing, used_card_ms, .. } = statement;
    let of = |key: &str, card_ms: Option<CardMs>, amount: MicroCny| Balance {
        name: ui.t(key),
        hours: card_ms.map(|card_ms| ui.plain_hours(&card_ms)).unwrap_or_default(),
        amount,
    };
    // What was given of a package is no figure of its own.
    let given = closing.card_ms - opening.card_ms + *used_card_ms;
    let less = |amount: MicroCny| MicroCny(-amount.0);
    let fees = statement.fees_micro_cny;
    let fees = (fees != MicroCny::ZERO).then(|| of("fees", None, less(fees)));
    let mut all = vec![
        of("opening", Some(opening.card_ms), opening.micro_cny),
        of("paid-in", Some(given), statement.paid_in_micro_cny),
    ];
    all.extend(fees);
    all.push(of("charged", Some(CardMs::ZERO - *used_card_ms), less(statement.charge_micro_cny)));
    all.push(of("closing", Some(closing.card_ms), closing.micro_cny));
    all
}

/// The months since a contract began, newest first.
fn months(zone: &Zone, starts_at: Timestamp) -> Vec<String> {
    let now = zone.clock(moment::now());
    let first = zone.clock(starts_at).chars().take(7).collect::<String>();
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
mod tests {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for StatementPage {
        fn samples(page: &Page) -> Vec<Self> {
            use crate::app::statements::Balances;
            use domain::contract::ContractKindName;
            let statement = |is_final: bool| Statement {
                contract: "HZ-1".into(),
                tenant_slug: "univ".into(),
                kind: ContractKindName::Prepaid,
                month: "2026-05".into(),
                from: views::AT.into(),
                to: views::LATER.into(),
                opening: Balances::default(),
                closing: Balances { card_ms: CardMs(36_000_000), micro_cny: MicroCny(1_000_000) },
                paid_in_micro_cny: MicroCny(5_000_000),
                fees_micro_cny: MicroCny(if is_final { 500_000 } else { 0 }),
                lines: vec![StatementLine {
                    project: "Vision".into(),
                    runs: 1200,
                    used_card_ms: CardMs(7_200_000),
                    charge_micro_cny: MicroCny(3_500_000),
                }],
                used_card_ms: CardMs(7_200_000),
                charge_micro_cny: MicroCny(3_500_000),
                is_final,
            };
            let tab = |word: &str, is_current| Tab {
                href: format!("/contracts/{}/statement?month=2026-05", views::ID),
                word: word.into(),
                count: String::new(),
                is_current,
            };
            let sample = |is_final: bool| Self {
                page: page.clone(),
                uses: uses(page.ui, &statement(is_final)),
                balances: balances(page.ui, &statement(is_final)),
                statement: statement(is_final),
                id: views::contract().id.to_string(),
                tenant: "Univ".into(),
                domain: page.word("domain", "research"),
                months: vec![tab("2026-05", true), tab("2026-04", false)],
                others: if is_final { vec![tab("HZ-2", false)] } else { Vec::new() },
                printed_at: views::LATER,
                is_virtual: is_final,
            };
            vec![sample(true), sample(false)]
        }
    }
}
