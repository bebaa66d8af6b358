//! The lines of a statement: the use and the charges of a contract's runs, from the ledger alone.

use std::collections::BTreeMap;

use domain::{CardMs, ContractId, JobId, MicroCny, ProjectId, Timestamp, ledger::Unit};

use crate::db::{Row, Sql, StoreError, Tx, params, statements};

/// The use and the charges of a job's runs in an interval: the sums of its transfers, less those that gave
/// use back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseLine {
    pub project: ProjectId,
    pub project_slug: String,
    /// `None`: the line is for a whole project.
    pub job: Option<JobId>,
    pub job_name: String,
    /// How many runs have transfers in the interval.
    pub runs: u64,
    pub used: CardMs,
    pub charged: MicroCny,
}

macro_rules! lines {
    ($columns:literal, $contract:literal, $group:literal) => {
        concat!(
            "SELECT ", $columns, ", t.unit, CAST(SUM(t.amount) AS BIGINT), COUNT(DISTINCT t.run) FROM transfers t ",
            "JOIN runs r ON r.id = t.run JOIN jobs j ON j.id = r.job JOIN projects p ON p.id = j.project WHERE t.",
            $contract, " = ?1 AND t.at >= ?2 AND t.at < ?3 GROUP BY ", $group, ", t.unit"
        )
    };
}

statements! { "transfers";
    USED_BY_JOB = lines!("p.id, p.slug, j.id, j.name", "debit_contract", "p.id, p.slug, j.id, j.name");
    RETURNED_BY_JOB = lines!("p.id, p.slug, j.id, j.name", "credit_contract", "p.id, p.slug, j.id, j.name");
    USED_BY_PROJECT = lines!("p.id, p.slug, NULL, ''", "debit_contract", "p.id, p.slug");
    RETURNED_BY_PROJECT = lines!("p.id, p.slug, NULL, ''", "credit_contract", "p.id, p.slug");
}

/// A contract's lines for `[from, until)`, a line for each job, by project and job.
///
/// Cost: linear in the contract's transfers in the interval.
pub fn use_between(
    tx: &Tx,
    contract: ContractId,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<UseLine>, StoreError> {
    lines(tx, [USED_BY_JOB, RETURNED_BY_JOB], contract, from, until)
}

/// A contract's lines for `[from, until)`, a line for each project.
pub fn use_by_project_between(
    tx: &Tx,
    contract: ContractId,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<UseLine>, StoreError> {
    lines(tx, [USED_BY_PROJECT, RETURNED_BY_PROJECT], contract, from, until)
}

fn lines(
    tx: &Tx,
    [used, returned]: [Sql; 2],
    contract: ContractId,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<UseLine>, StoreError> {
    let mut lines: BTreeMap<(ProjectId, Option<JobId>), UseLine> = BTreeMap::new();
    for (sql, sign) in [(used, 1), (returned, -1)] {
        for (line, unit, amount) in tx.all(sql, params![&contract, from, until], part)? {
            let runs = line.runs;
            let line = lines.entry((line.project, line.job)).or_insert(line);
            // Runs whose use is given back were counted above, or in an earlier interval.
            line.runs = line.runs.max(runs);
            match unit {
                Unit::CardMs => line.used.0 += sign * amount,
                Unit::MicroCny => line.charged.0 += sign * amount,
            }
        }
    }
    Ok(lines.into_values().collect())
}

/// One unit of a line, before it is added to the line.
fn part(row: Row<'_>) -> Result<(UseLine, Unit, i64), StoreError> {
    let line = UseLine {
        project: row.get(0)?,
        project_slug: row.get(1)?,
        job: row.get(2)?,
        job_name: row.get(3)?,
        runs: row.get(6)?,
        used: CardMs::ZERO,
        charged: MicroCny::ZERO,
    };
    Ok((line, row.code(4)?, row.get(5)?))
}
