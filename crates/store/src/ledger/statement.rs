//! The lines of a statement: what moved a contract's balance in an interval, from the ledger alone.

use std::collections::BTreeMap;

use domain::{
    CardMs, ContractId, JobId, MicroCny, Month, RatePerCardHour, ServiceClass, Timestamp, ledger::Unit,
};

use crate::{
    db::{Row, Sql, StoreError, Tx, params, statements},
    runs,
};

/// The runs whose entries are one line: those of a project in a pool, of one class and at one rate; of one job, where
/// lines are by job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The project's short name.
    pub project: String,
    /// The pool's name.
    pub pool: String,
    pub class: ServiceClass,
    pub rate: RatePerCardHour,
    pub job: Option<(JobId, String)>,
}

/// The sums that entries of one cause moved on a contract's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The code of the cause, whichever it is.
    pub cause: String,
    /// The closed month that the entries correct.
    pub corrects: Option<Month>,
    /// The runs that they are about, where they are about runs.
    pub group: Option<Group>,
    /// Credits less debits.
    pub used: CardMs,
    pub amount: MicroCny,
}

/// Runs that ended in an interval, of those that had begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedRuns {
    pub contract: ContractId,
    pub group: Group,
    pub runs: u64,
}

/// How fine lines are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Project,
    Job,
}

macro_rules! group {
    (by_project) => {
        "p.slug, o.name, j.class, r.rate_micro_cny, NULL, NULL"
    };
    (by_job) => {
        "p.slug, o.name, j.class, r.rate_micro_cny, j.id, j.name"
    };
}

/// A run's project and pool: all nodes of a run are in one pool.
macro_rules! joined {
    ($join:literal) => {
        concat!(
            $join,
            " JOIN jobs j ON j.id = r.job ",
            $join,
            " JOIN projects p ON p.id = j.project ",
            $join,
            " JOIN nodes n ON n.id = substr(r.placement, 1, 16) ",
            $join,
            " JOIN pools o ON o.id = n.pool "
        )
    };
}

macro_rules! lines {
    ($by:ident, $side:literal) => {
        concat!(
            "SELECT t.cause, t.corrects, t.unit, CAST(SUM(t.amount) AS BIGINT), r.id IS NOT NULL, ",
            group!($by),
            " FROM transfers t LEFT JOIN runs r ON r.id = t.run ",
            joined!("LEFT"),
            "WHERE t.",
            $side,
            "_contract = ?1 AND t.",
            $side,
            " = 'contract' AND t.at >= ?2 AND t.at < ?3 ",
            "GROUP BY t.cause, t.corrects, t.unit, r.id IS NOT NULL, ",
            group!($by)
        )
    };
}

macro_rules! ended {
    ($by:ident) => {
        concat!(
            "SELECT r.contract, COUNT(*), ",
            group!($by),
            " FROM runs r ",
            joined!(""),
            "WHERE r.started_at >= ?1 AND r.started_at < ?3 AND r.ended_at >= ?2 AND r.ended_at < ?3 ",
            "AND (?4 IS NULL OR r.contract = ?4) GROUP BY r.contract, ",
            group!($by)
        )
    };
}

statements! { "transfers";
    DEBITS_BY_PROJECT = lines!(by_project, "debit");
    CREDITS_BY_PROJECT = lines!(by_project, "credit");
    DEBITS_BY_JOB = lines!(by_job, "debit");
    CREDITS_BY_JOB = lines!(by_job, "credit");
    ENDED_BY_PROJECT = ended!(by_project);
    ENDED_BY_JOB = ended!(by_job);
}

/// The lines of a contract for `[from, until)`. Whatever was posted is in one of them: the balance before the interval
/// and all lines are the balance after it.
///
/// Cost: linear in the contract's transfers in the interval.
pub fn lines_between(
    tx: &Tx,
    contract: ContractId,
    from: Timestamp,
    until: Timestamp,
    by: By,
) -> Result<Vec<Line>, StoreError> {
    let [debits, credits]: [Sql; 2] = match by {
        By::Project => [DEBITS_BY_PROJECT, CREDITS_BY_PROJECT],
        By::Job => [DEBITS_BY_JOB, CREDITS_BY_JOB],
    };
    let mut lines: BTreeMap<_, (CardMs, MicroCny)> = BTreeMap::new();
    for (sql, sign) in [(debits, -1), (credits, 1)] {
        for (key, unit, amount) in tx.all(sql, params![&contract, from, until], part)? {
            let (used, money) = lines.entry(key).or_default();
            match unit {
                Unit::CardMs => used.0 += sign * amount,
                Unit::MicroCny => money.0 += sign * amount,
            }
        }
    }
    let line = |((cause, corrects, group), (used, amount))| Line { cause, corrects, group, used, amount };
    Ok(lines.into_iter().map(line).collect())
}

type Key = (String, Option<Month>, Option<Group>);

/// One unit of a line, from one side of its entries.
fn part(row: Row<'_>) -> Result<(Key, Unit, i64), StoreError> {
    let corrects = if row.is_null(1)? { None } else { Some(row.word(1, |month| month.parse().ok())?) };
    let group = if row.get(4)? { Some(group(row.skip(5))?) } else { None };
    Ok(((row.get(0)?, corrects, group), row.code(2)?, row.get(3)?))
}

fn group(row: Row<'_>) -> Result<Group, StoreError> {
    Ok(Group {
        project: row.get(0)?,
        pool: row.get::<Option<String>>(1)?.unwrap_or_default(),
        class: row.code(2)?,
        rate: RatePerCardHour(row.get(3)?),
        job: row.get::<Option<JobId>>(4)?.map(|id| Ok((id, row.get(5)?))).transpose()?,
    })
}

/// The runs that ended in `[from, until)`, of those that had begun; of one contract, or of all.
///
/// Cost: linear in the runs that started in the interval, or before it by no more than the longest run took.
pub fn ended_runs(
    tx: &Tx,
    contract: Option<ContractId>,
    from: Timestamp,
    until: Timestamp,
    by: By,
) -> Result<Vec<EndedRuns>, StoreError> {
    let sql = match by {
        By::Project => ENDED_BY_PROJECT,
        By::Job => ENDED_BY_JOB,
    };
    let bound = params![runs::earliest_start(tx, from)?, from, until, &contract];
    tx.all(sql, bound, |row: Row<'_>| {
        Ok(EndedRuns { contract: row.get(0)?, runs: row.get(1)?, group: group(row.skip(2))? })
    })
}
