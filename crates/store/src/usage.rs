//! Use by day: few rows for reports and overviews to add up, however many runs there were.

use std::{collections::BTreeMap, ops::Range};

use domain::{CardMs, JobId, MemberId, MicroCny, PoolId, ProjectId, ServiceClass, TenantId, Timestamp};

use crate::db::{Row, StoreError, Tx, params, statements};

/// The use of one project's runs in an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseRow {
    pub tenant: TenantId,
    pub project: ProjectId,
    /// How many runs ended in the interval.
    pub runs: u64,
    pub used: CardMs,
    pub charged: MicroCny,
}

/// Entries of runs on one side of a contract's account.
macro_rules! entries {
    ($side:literal) => {
        concat!(
            "SELECT t.run, t.unit, t.amount, '",
            $side,
            "', r.job, j.name, j.submitted_by, n.pool, r.started_at, r.ended_at, j.class \
             FROM transfers t JOIN runs r ON r.id = t.run JOIN jobs j ON j.id = r.job \
             JOIN nodes n ON n.id = substr(r.placement, 1, 16) \
             WHERE t.",
            $side,
            "_contract = ?1 AND t.",
            $side,
            " = 'contract' AND t.at >= ?2 AND t.at < ?3 \
             AND t.cause IN ('use', 'refund', 'waiver')"
        )
    };
}

statements! { "use_by_day";
    ADD = "INSERT INTO use_by_day (day, tenant, project, runs, used_card_ms, charged_micro_cny) \
           VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (day, tenant, project) DO UPDATE SET \
           runs = use_by_day.runs + excluded.runs, used_card_ms = use_by_day.used_card_ms + excluded.used_card_ms, \
           charged_micro_cny = use_by_day.charged_micro_cny + excluded.charged_micro_cny";
    BETWEEN = "SELECT tenant, project, CAST(SUM(runs) AS BIGINT), CAST(SUM(used_card_ms) AS BIGINT), \
               CAST(SUM(charged_micro_cny) AS BIGINT) FROM use_by_day WHERE day >= ?1 AND day < ?2 \
               AND (?3 IS NULL OR tenant = ?3) GROUP BY tenant, project ORDER BY tenant, project";
    USED = concat!(entries!("debit"), " UNION ALL ", entries!("credit"));
    BY_DAY = "SELECT day, CAST(SUM(charged_micro_cny) AS BIGINT) FROM use_by_day WHERE day >= ?1 AND day < ?2 \
              AND (?3 IS NULL OR tenant = ?3) GROUP BY day ORDER BY day";
}

/// Adds use that was posted on a day, by the number of the day in the center's time zone. Amounts are negative where use
/// is given back.
pub fn add_use(tx: &Tx, day: i64, row: &UseRow) -> Result<(), StoreError> {
    let runs = i64::try_from(row.runs).unwrap_or(i64::MAX);
    tx.execute(ADD, params![day, &row.tenant, &row.project, runs, row.used, row.charged])
}

/// The charges of each day of `first..beyond`, days without any among them.
pub fn charges_by_day(
    tx: &Tx,
    tenant: Option<TenantId>,
    Range { start: first, end: beyond }: Range<i64>,
) -> Result<Vec<MicroCny>, StoreError> {
    let charged =
        tx.all(BY_DAY, params![first, beyond, &tenant], |row: Row<'_>| Ok((row.get(0)?, row.get(1)?)))?;
    let charged: BTreeMap<i64, MicroCny> = charged.into_iter().collect();
    Ok((first..beyond).map(|day| charged.get(&day).copied().unwrap_or(MicroCny::ZERO)).collect())
}

/// The use that was posted on the days of `first..beyond`, by tenant and project.
pub fn use_between(
    tx: &Tx,
    tenant: Option<TenantId>,
    Range { start: first, end: beyond }: Range<i64>,
) -> Result<Vec<UseRow>, StoreError> {
    tx.all(BETWEEN, params![first, beyond, &tenant], |row: Row<'_>| {
        Ok(UseRow {
            tenant: row.get(0)?,
            project: row.get(1)?,
            runs: row.get(2)?,
            used: row.get(3)?,
            charged: row.get(4)?,
        })
    })
}

/// An entry of a run's use, with all that it can be added up by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedEntry {
    pub used: CardMs,
    pub charged: MicroCny,
    pub job: JobId,
    pub job_name: String,
    pub member: MemberId,
    /// Of its first node, which is that of all.
    pub pool: PoolId,
    pub class: ServiceClass,
    /// Whether this is the first entry of a run that had begun and that ended in the interval: each such run counts once.
    pub ended: bool,
}

/// Hands the use of a contract's runs that was posted in `[from, until)` to `take`, entry by entry.
///
/// Cost: linear in those entries.
pub fn each_use(
    tx: &Tx,
    contract: domain::ContractId,
    from: Timestamp,
    until: Timestamp,
    mut take: impl FnMut(UsedEntry),
) -> Result<(), StoreError> {
    let mut counted = std::collections::HashSet::new();
    tx.each(USED, params![&contract, from, until], |row: Row<'_>| {
        let run: domain::RunId = row.get(0)?;
        let amount: i64 = row.get(2)?;
        let signed = if row.text(3)? == "debit" { amount } else { -amount };
        let (used, charged) = if row.text(1)? == "card_ms" { (signed, 0) } else { (0, signed) };
        let ended_at: Option<Timestamp> = row.get(9)?;
        let has_ended = !row.is_null(8)? && ended_at.is_some_and(|at| at >= from && at < until);
        take(UsedEntry {
            used: CardMs(used),
            charged: MicroCny(charged),
            job: row.get(4)?,
            job_name: row.get(5)?,
            member: row.get(6)?,
            pool: row.get(7)?,
            class: row.code(10)?,
            ended: has_ended && counted.insert(run),
        });
        Ok(std::ops::ControlFlow::Continue(()))
    })
}
