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
    page::{
        extract::Asked,
        frame::{Page, Tab, Visitor, ok},
        words::{Html, Ui},
    },
};
use domain::{
    CardMs, ContractId, MicroCny, Month, Timestamp, Zone, billing::request_number, decimal::grouped,
};
use serde::Deserialize;

use crate::{
    app::{
        contracts, nodes,
        statements::{
            self, Answer, Face, FeeLine, GivenOut, JobLine, Statement, StatementLine, StatementQuery,
        },
    },
    center::Center,
};

/// The most jobs on the page; the files have them all.
const MOST_JOBS: usize = 200;

/// Months that are offered besides the one that is shown.
const MONTHS: usize = 12;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    month: String,
    format: String,
    annex: String,
}

/// A balance, or a line that moved it.
struct Row {
    name: String,
    /// Project, pool and service class.
    detail: String,
    runs: String,
    /// A card-hour's price.
    rate: Html,
    hours: CardMs,
    amount: Html,
}

#[derive(Template)]
#[template(path = "statement.html")]
pub struct StatementPage {
    page: Page,
    statement: Statement,
    id: String,
    tenant: String,
    domain: String,
    number: String,
    sha256: String,
    face: Option<Face>,
    moves: Vec<Row>,
    totals: Vec<Row>,
    /// From what was open of the fee at the beginning to what is at the end; empty where there is no fee.
    fees: Vec<Row>,
    /// The lines about runs, job by job.
    jobs: Vec<Row>,
    /// How many jobs more there are than a page has.
    more_jobs: usize,
    months: Vec<Tab>,
    others: Vec<Tab>,
    may_see_periods: bool,
    /// The number of the request by which it is in an invoice; empty where it is in none.
    invoice: String,
    /// One of the tenant's looks at a statement that is given out, and may ask for an invoice.
    may_invoice: bool,
    is_virtual: bool,
}

pub async fn page(
    State(center): State<Center>,
    Id(id): Id,
    Asked(wanted): Asked<Wanted>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let query =
        StatementQuery { month: Some(wanted.month), format: Some(wanted.format), annex: Some(wanted.annex) };
    let wants_file = [&query.format, &query.annex].into_iter().flatten().any(|text| !text.is_empty());
    let GivenOut { statement, frozen } = statements::statement(&center, &visitor.caller, &id, &query).await?;
    if wants_file {
        let answer = statements::answer(&center, &visitor.caller, &id, &query, false).await?;
        let kind = if matches!(answer, Answer::Csv(_)) { "csv" } else { "json" };
        let name = format!("attachment; filename=\"statement-{}.{kind}\"", statement.month);
        return Ok(([(header::CONTENT_DISPOSITION, name)], answer).into_response());
    }
    let annex = statements::by_job(&center, &visitor.caller, &id, &query).await?;
    let contract = contracts::show(&center, &visitor.caller, &id).await?;
    let all = contracts::list(&center, &visitor.caller).await?;
    let tab = |id: ContractId, month: &str, word: String, is_current| Tab {
        href: format!("/contracts/{id}/statement?month={month}"),
        word,
        count: String::new(),
        is_current,
    };
    let others = all.into_iter().filter(|other| other.id != contract.id);
    let others = others.map(|other| tab(other.id, &statement.month, other.number, false)).collect();
    let months = months(center.settings.time_zone, contract.starts_at.0, contract.as_of.0)
        .into_iter()
        .map(|month| tab(contract.id, &month, month.clone(), month == statement.month));
    let number = statement.number.clone().unwrap_or_default();
    let invoice = statements::invoice_over(&center, &number).await?;
    let page = StatementPage {
        invoice: invoice.map(|found| request_number(found.serial)).unwrap_or_default(),
        may_invoice: !number.is_empty() && !visitor.is_of_center(),
        page: visitor.page("statement", ui.t1("statement-of", "month", &statement.month)),
        moves: moves(ui, &statement),
        totals: totals(ui, &statement),
        fees: fees(ui, statement.face.as_ref()),
        jobs: annex.lines.iter().take(MOST_JOBS).map(|line| job(ui, line)).collect(),
        more_jobs: annex.lines.len().saturating_sub(MOST_JOBS),
        face: statement.face.clone(),
        months: months.collect(),
        others,
        id: contract.id.to_string(),
        tenant: statement.tenant_name.in_lang(ui.lang).to_owned(),
        domain: ui.word("domain", contract.owner.domain.code()),
        number,
        sha256: frozen.map(|frozen| frozen.sha256).unwrap_or_default(),
        may_see_periods: visitor.may(&center, crate::period::READ, None),
        is_virtual: nodes::has_virtual(&center, &visitor.caller)?,
        statement,
    };
    Ok(ok(&page))
}

fn row(name: String, hours: CardMs, amount: MicroCny) -> Row {
    let nothing = String::new;
    Row { name, detail: nothing(), runs: nothing(), rate: Html::default(), hours, amount: exact(amount) }
}

/// Yuan to the millionth, with no more places than it takes, so that what is printed adds up.
fn exact(amount: MicroCny) -> Html {
    let sign = if amount.0 < 0 { "− " } else { "" };
    let micro = amount.0.unsigned_abs();
    let places = format!("{:06}", micro % 1_000_000);
    let places = format!("{:0<2}", places.trim_end_matches('0'));
    let text = grouped(&format!("{}.{places}", micro / 1_000_000));
    Html(format!(r#"<span class="nowrap">{sign}¥ {text}</span>"#))
}

/// From the balance at the beginning to the one at the end: the first row and all that follow are the last.
fn moves(ui: Ui, statement: &Statement) -> Vec<Row> {
    let line = |line: &StatementLine| {
        let cause = ui.word("cause", &line.cause);
        let name = match &line.corrects {
            Some(month) => ui.t2("statement-corrects", cause, month),
            None => cause,
        };
        let class = line.service_class.map(|class| ui.word("class", class));
        let parts = [line.project.clone(), line.pool.clone(), class];
        Row {
            detail: parts
                .into_iter()
                .flatten()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(" · "),
            runs: if line.ended_runs > 0 { ui.count(line.ended_runs) } else { String::new() },
            rate: line.rate_micro_cny_per_card_hour.map(|rate| ui.rate(&rate)).unwrap_or_default(),
            ..row(name, line.card_ms, line.micro_cny)
        }
    };
    let (opening, closing) = (statement.opening, statement.closing);
    let opening = row(ui.t("opening"), opening.card_ms, opening.micro_cny);
    let closing = row(ui.t("closing"), closing.card_ms, closing.micro_cny);
    std::iter::once(opening).chain(statement.lines.iter().map(line)).chain([closing]).collect()
}

/// A line about the runs of a job.
fn job(ui: Ui, JobLine { job, job_name, line }: &JobLine) -> Row {
    let cause = ui.word("cause", &line.cause);
    let cause =
        line.corrects.as_ref().map_or(cause.clone(), |month| ui.t2("statement-corrects", cause, month));
    let project = line.project.clone().unwrap_or_default();
    Row {
        detail: [cause, project, job.to_string()].join(" · "),
        rate: line.rate_micro_cny_per_card_hour.map(|rate| ui.rate(&rate)).unwrap_or_default(),
        ..row(job_name.clone(), line.card_ms, line.micro_cny)
    }
}

/// From what was open of the fee at the beginning of the month to what is at its end.
fn fees(ui: Ui, face: Option<&Face>) -> Vec<Row> {
    let Some(fees) = face.and_then(|face| face.fees.as_ref()) else { return Vec::new() };
    let money = |name: String, amount| row(name, CardMs::ZERO, amount);
    let line = |line: &FeeLine| {
        let parts = [ui.zone.clock(line.at.0), line.reference.clone()];
        Row {
            detail: parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "),
            ..money(ui.word("fee-move", line.what), line.micro_cny)
        }
    };
    let opening = money(ui.t("fee-opening"), fees.opening_micro_cny);
    let closing = money(ui.t("fee-closing"), fees.closing_micro_cny);
    std::iter::once(opening).chain(fees.lines.iter().map(line)).chain([closing]).collect()
}

/// The lines by cause, and what they come to.
fn totals(ui: Ui, statement: &Statement) -> Vec<Row> {
    let of_cause = statement
        .totals
        .iter()
        .map(|total| row(ui.word("cause", &total.cause), total.card_ms, total.micro_cny));
    let (opening, closing) = (statement.opening, statement.closing);
    let moved = MicroCny(closing.micro_cny.0 - opening.micro_cny.0);
    of_cause.chain([row(ui.t("total"), closing.card_ms - opening.card_ms, moved)]).collect()
}

/// The months since a contract began, newest first.
fn months(zone: &Zone, starts_at: Timestamp, now: Timestamp) -> Vec<String> {
    let first = zone.month(starts_at);
    let months = std::iter::successors(Some(zone.month(now)), |month: &Month| Some(month.before()));
    months.take_while(|month| *month >= first).take(MONTHS).map(|month| month.to_string()).collect()
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
            let tab = |word: &str, is_current| Tab {
                href: format!("/contracts/{}/statement?month=2026-05", views::ID),
                word: word.into(),
                count: String::new(),
                is_current,
            };
            let sample = |is_final: bool| {
                let statement = views::statement(is_final);
                Self {
                    page: page.clone(),
                    moves: moves(page.ui, &statement),
                    totals: totals(page.ui, &statement),
                    fees: fees(page.ui, statement.face.as_ref()),
                    jobs: if is_final { vec![job(page.ui, &views::job_line())] } else { Vec::new() },
                    more_jobs: usize::from(is_final),
                    face: statement.face.clone(),
                    id: views::contract().id.to_string(),
                    tenant: "Univ".into(),
                    domain: page.word("domain", "research"),
                    number: statement.number.clone().unwrap_or_default(),
                    sha256: if is_final { "ab".repeat(32) } else { String::new() },
                    months: vec![tab("2026-05", true), tab("2026-04", false)],
                    others: if is_final { vec![tab("HZ-2", false)] } else { Vec::new() },
                    may_see_periods: is_final,
                    invoice: if is_final { "FP-000017".into() } else { String::new() },
                    may_invoice: true,
                    is_virtual: is_final,
                    statement,
                }
            };
            vec![sample(true), sample(false)]
        }
    }

    #[test]
    fn what_is_printed_is_exact() {
        let told = |micro: i64| {
            exact(MicroCny(micro)).0.replace(r#"<span class="nowrap">"#, "").replace("</span>", "")
        };
        assert_eq!(told(-1_234_567_000_001), "− ¥ 1,234,567.000001");
        assert_eq!([0, 500_000, 23_760].map(told), ["¥ 0.00", "¥ 0.50", "¥ 0.02376"]);
    }

    #[test]
    fn the_months_of_a_contract_are_those_of_the_center_s_zone() {
        let at = |text: &str| text.parse().unwrap();
        let all = months(&Zone::default(), at("2026-10-31T16:00:00Z"), at("2026-12-31T15:59:59Z"));
        assert_eq!(all, ["2026-12", "2026-11"]);
    }
}
