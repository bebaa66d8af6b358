//! Use by day: few rows for reports and overviews to add up, however many runs there were.

use std::collections::BTreeMap;

use domain::{CardMs, MicroCny, ProjectId, TenantId, Timestamp};

use crate::db::{Row, StoreError, Tx, params, statements};

const DAY_MS: i64 = 86_400_000;

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

statements! { "use_by_day";
    ADD = "INSERT INTO use_by_day (day, tenant, project, runs, used_card_ms, charged_micro_cny) \
           VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (day, tenant, project) DO UPDATE SET \
           runs = use_by_day.runs + excluded.runs, used_card_ms = use_by_day.used_card_ms + excluded.used_card_ms, \
           charged_micro_cny = use_by_day.charged_micro_cny + excluded.charged_micro_cny";
    BETWEEN = "SELECT tenant, project, CAST(SUM(runs) AS BIGINT), CAST(SUM(used_card_ms) AS BIGINT), \
               CAST(SUM(charged_micro_cny) AS BIGINT) FROM use_by_day WHERE day >= ?1 AND day < ?2 \
               AND (?3 IS NULL OR tenant = ?3) GROUP BY tenant, project ORDER BY tenant, project";
    BY_DAY = "SELECT day, CAST(SUM(charged_micro_cny) AS BIGINT) FROM use_by_day WHERE day >= ?1 AND day < ?2 \
              AND (?3 IS NULL OR tenant = ?3) GROUP BY day ORDER BY day";
}

/// Adds use that was metered at `at`. Amounts are negative where use is given back.
pub fn add_use(tx: &Tx, at: Timestamp, row: &UseRow) -> Result<(), StoreError> {
    let day = at.floor_millis().div_euclid(DAY_MS);
    let runs = i64::try_from(row.runs).unwrap_or(i64::MAX);
    tx.execute(ADD, params![day, &row.tenant, &row.project, runs, row.used, row.charged])
}

/// The charges of each day (UTC) that `[from, until)` touches, days without any among them.
pub fn charges_by_day(
    tx: &Tx,
    tenant: Option<TenantId>,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<MicroCny>, StoreError> {
    let (first, beyond) = days(from, until);
    let charged =
        tx.all(BY_DAY, params![first, beyond, &tenant], |row: Row<'_>| Ok((row.get(0)?, row.get(1)?)))?;
    let charged: BTreeMap<i64, MicroCny> = charged.into_iter().collect();
    Ok((first..beyond).map(|day| charged.get(&day).copied().unwrap_or(MicroCny::ZERO)).collect())
}

/// The first day that an interval touches, and the first one beyond it.
fn days(from: Timestamp, until: Timestamp) -> (i64, i64) {
    (from.floor_millis().div_euclid(DAY_MS), (until.floor_millis() - 1).div_euclid(DAY_MS) + 1)
}

/// The use that was metered on the days (UTC) that `[from, until)` touches, by tenant and project.
pub fn use_between(
    tx: &Tx,
    tenant: Option<TenantId>,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<UseRow>, StoreError> {
    let (first, beyond) = days(from, until);
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
