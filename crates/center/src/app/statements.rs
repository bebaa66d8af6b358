//! Statements: what a contract was given and charged in a month, from the ledger alone, so that the same month always
//! gives the same statement.

use domain::{
    CardMs, JobId, MicroCny, Month, Rfc3339, Timestamp, Zone,
    contract::ContractKindName,
    ledger::{Account, Cause, Unit},
    problem::{Wrong, field},
};
use serde::{Deserialize, Serialize};
use store::{ledger, recent, tenants::get_tenant};

use super::contracts;
use crate::{actions, center::Center};
use base::{auth::Caller, error::AppError, moment};
use base::{listing::Listing, params};

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct StatementQuery {
    /// `YYYY-MM`, in the center's time zone; this month where left out.
    pub month: Option<String>,
    /// `csv` for a table.
    pub format: Option<String>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Statement {
    pub contract: String,
    pub tenant_slug: String,
    pub kind: ContractKindName,
    pub month: String,
    pub from: Rfc3339,
    pub to: Rfc3339,
    /// Balances at the beginning and the end, credits less debits.
    pub opening: Balances,
    pub closing: Balances,
    pub paid_in_micro_cny: MicroCny,
    pub fees_micro_cny: MicroCny,
    pub lines: Vec<StatementLine>,
    pub used_card_ms: CardMs,
    pub charge_micro_cny: MicroCny,
    /// The month is over: nothing of this will change.
    pub is_final: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Balances {
    pub card_ms: CardMs,
    pub micro_cny: MicroCny,
}

/// Use by one project; what was given back for runs that the center lost is taken off.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct StatementLine {
    pub project: String,
    /// Runs with postings in the month.
    pub runs: u64,
    pub used_card_ms: CardMs,
    pub charge_micro_cny: MicroCny,
}

pub async fn statement(
    center: &Center,
    caller: &Caller,
    id: &str,
    query: &StatementQuery,
) -> Result<Statement, AppError> {
    let contract = contracts::visible(center, caller, id, actions::READ_STATEMENT)?;
    let now = moment::now();
    let zone = &center.settings.time_zone;
    let month = month(zone, query.month.as_deref(), now)?;
    let (from, to) = zone.bounds(month);
    let id = contract.id;
    let tenant = contract.tenant;
    let (tenant_slug, uses, others, opening, closing) = center
        .read(move |tx| {
            let balances = |at| {
                let [card_ms, micro_cny] =
                    [Unit::CardMs, Unit::MicroCny].map(|unit| recent::balance_at(tx, id, unit, at));
                Ok::<_, store::StoreError>(Balances {
                    card_ms: CardMs(card_ms?),
                    micro_cny: MicroCny(micro_cny?),
                })
            };
            let uses = ledger::use_by_project_between(tx, id, from, to)?;
            let (slug, sums) = (get_tenant(tx, tenant)?.slug, recent::sums_by_cause(tx, id, from, to)?);
            Ok((slug, uses, sums, balances(from)?, balances(to)?))
        })
        .await?;
    let money = |cause: Cause| {
        let of_cause = others.iter().filter(|(code, unit, _)| code == cause.code() && unit == "micro_cny");
        MicroCny(of_cause.map(|(_, _, amount)| amount).sum())
    };
    let lines: Vec<StatementLine> = uses
        .into_iter()
        .map(|line| StatementLine {
            project: line.project_slug,
            runs: line.runs,
            used_card_ms: line.used,
            charge_micro_cny: line.charged,
        })
        .collect();
    Ok(Statement {
        contract: contract.number,
        tenant_slug,
        kind: contract.kind.name(),
        month: month.to_string(),
        from: from.into(),
        to: to.into(),
        opening,
        closing,
        paid_in_micro_cny: money(Cause::TopUp),
        fees_micro_cny: money(Cause::Fee),
        used_card_ms: lines.iter().map(|line| line.used_card_ms).sum(),
        charge_micro_cny: MicroCny(lines.iter().map(|line| line.charge_micro_cny.0).sum()),
        lines,
        is_final: to <= now,
    })
}

/// The month that is asked for.
fn month(zone: &Zone, text: Option<&str>, now: Timestamp) -> Result<Month, AppError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(zone.month(now)) };
    text.parse().map_err(|_| AppError::invalid(field::MONTH, Wrong::NotAMonth { given: text.to_owned() }))
}

/// The statement as a table: a row a project, then the totals.
pub fn csv(statement: &Statement) -> String {
    let mut table = String::from("month,contract,tenant,project,runs,used_card_ms,charge_micro_cny\r\n");
    for line in &statement.lines {
        let fields = [
            statement.month.clone(),
            quoted(&statement.contract),
            quoted(&statement.tenant_slug),
            quoted(&line.project),
            line.runs.to_string(),
            line.used_card_ms.0.to_string(),
            line.charge_micro_cny.0.to_string(),
        ];
        table.push_str(&fields.join(","));
        table.push_str("\r\n");
    }
    table
}

/// A CSV field. One that a spreadsheet would take for a formula gets an apostrophe before it.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    if text.contains(['"', ',', '\n', '\r']) || !guard.is_empty() {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// An entry of the ledger.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TransferView {
    pub seq: i64,
    pub at: Rfc3339,
    pub key: String,
    /// `card_ms` or `micro_cny`.
    pub unit: Unit,
    pub debit: String,
    pub credit: String,
    pub amount: i64,
    pub cause: String,
    /// The job whose run it is about, if it is about one.
    pub job: Option<JobId>,
    pub job_name: Option<String>,
}

impl TransferView {
    /// What it is for, without the run.
    pub fn cause_code(&self) -> &str {
        self.cause.split_once(' ').map_or(&self.cause, |(code, _)| code)
    }
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TransferQuery {
    /// A contract's id; needed but for the center's people.
    pub contract: Option<String>,
    /// `oldest` (as left out) or `newest`: which come first.
    pub order: Option<String>,
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

/// Entries in the order of posting, or the newest first.
pub async fn list_transfers(
    center: &Center,
    caller: &Caller,
    query: TransferQuery,
) -> Result<Listing<TransferView>, AppError> {
    let contract = if let Some(id) = query.contract.as_deref().filter(|text| !text.is_empty()) {
        Some(contracts::visible(center, caller, id, actions::READ_LEDGER)?.id)
    } else {
        center.policies.check(caller, actions::READ_LEDGER, None).map_err(|error| {
            match caller.member.tenant {
                Some(_) => AppError::invalid(field::CONTRACT, Wrong::ContractNotNamed),
                None => error,
            }
        })?;
        None
    };
    let cursor = params::parse_cursor::<i64>(query.cursor.as_deref())?;
    let limit = params::page_limit(query.limit)?;
    let newest_first = match query.order.as_deref() {
        None | Some("") => false,
        Some(order) => {
            params::word(
                field::ORDER,
                order,
                |text| ["oldest", "newest"].iter().position(|known| *known == text),
                &["oldest", "newest"],
            )? == 1
        }
    };
    let rows = center
        .read(move |tx| {
            let rows = if newest_first {
                recent::transfers_before(tx, contract, cursor, limit + 1)?
            } else {
                let filter = ledger::TransferFilter { contract, run: None };
                ledger::list_transfers(tx, &filter, cursor.unwrap_or(0), limit + 1)?
            };
            rows.into_iter()
                .map(|row| {
                    let job = match row.transfer.cause {
                        Cause::Use(run) | Cause::Refund(run) | Cause::Waiver(run) => {
                            recent::job_of_run(tx, run)?
                        }
                        _ => None,
                    };
                    Ok((row, job))
                })
                .collect::<Result<Vec<_>, store::StoreError>>()
        })
        .await?;
    let page = Listing::cut(rows, limit, |(row, _)| row.seq.to_string());
    let live = center.live();
    let account = |account: Account| match account {
        Account::Contract(id) => {
            live.contract(id).map_or_else(|| id.to_string(), |c| c.contract.number.clone())
        }
        of_center => of_center.code().to_owned(),
    };
    Ok(page.map(|(ledger::TransferRow { seq, transfer }, job)| TransferView {
        seq,
        at: transfer.at.into(),
        unit: transfer.unit,
        debit: account(transfer.debit),
        credit: account(transfer.credit),
        amount: transfer.amount,
        cause: match transfer.cause {
            Cause::Use(run) | Cause::Refund(run) => format!("{} {run}", transfer.cause.code()),
            other => other.code().to_owned(),
        },
        job: job.as_ref().map(|(id, _)| *id),
        job_name: job.map(|(_, name)| name),
        key: transfer.key,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_never_a_formula() {
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("west-lake"), "west-lake");
    }
}
