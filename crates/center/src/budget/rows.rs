//! Budgets, the shares of them that were told of, and what is spent of them by the ledger.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

use domain::{
    BudgetId, CardMs, ContractId, JobId, MemberId, MicroCny, ProjectId, RunId, TenantId, Timestamp,
    budget::{Alerts, Budget, Span, Whose},
    ledger::Unit,
};

use store::{
    StoreError, Tx, contracts,
    db::{Row, json, params},
    jobs, ledger, runs, statements,
};

/// The columns of a budget.
macro_rules! columns {
    () => {
        "id, tenant, project, member, from_at, unit, most, alerts, hard_stop, created_at"
    };
}

/// Use by the entries on one side of a contract's account, signed, with the job that it is of.
macro_rules! entries {
    ($side:literal, $sign:literal) => {
        concat!(
            "SELECT t.at, t.unit, ",
            $sign,
            "t.amount, j.id, j.project, j.submitted_by, j.name FROM transfers t JOIN runs r ON r.id = t.run \
             JOIN jobs j ON j.id = r.job WHERE t.",
            $side,
            "_contract = ?1 AND t.at >= ?2 AND t.at < ?3 AND t.",
            $side,
            " = 'contract' AND t.cause IN ('use', 'refund', 'waiver')"
        )
    };
}

/// The same, added up by project and member.
macro_rules! sums {
    ($side:literal, $sign:literal) => {
        concat!(
            "SELECT project, submitted_by, unit, CAST(SUM(amount) AS BIGINT) FROM (SELECT j.project, j.submitted_by, t.unit, ",
            $sign,
            "t.amount AS amount FROM transfers t JOIN runs r ON r.id = t.run JOIN jobs j ON j.id = r.job WHERE t.",
            $side,
            "_contract = ?1 AND t.at >= ?2 AND t.at < ?3 AND t.",
            $side,
            " = 'contract' AND t.cause IN ('use', 'refund', 'waiver')) AS entries GROUP BY project, submitted_by, unit"
        )
    };
}

statements! { "budgets", unique: {
        "budgets.project, budgets.span, budgets.unit": "a budget of this project for this span in this unit",
        "budgets.member, budgets.span, budgets.unit": "a budget of this member for this span in this unit",
    };
    INSERT = concat!("INSERT INTO budgets (", columns!(), ", span, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    GET = concat!("SELECT ", columns!(), " FROM budgets WHERE id = ?1 AND ended_at IS NULL");
    LIST = concat!(
        "SELECT ", columns!(), " FROM budgets WHERE ended_at IS NULL AND (?1 IS NULL OR tenant = ?1) ORDER BY tenant, id"
    );
    COUNT = "SELECT COUNT(*) FROM budgets WHERE ended_at IS NULL AND tenant = ?1";
    CHANGE = "UPDATE budgets SET most = ?2, alerts = ?3, hard_stop = ?4 WHERE id = ?1 AND ended_at IS NULL";
    END = "UPDATE budgets SET ended_at = ?2 WHERE id = ?1 AND ended_at IS NULL";
    TELL = "INSERT INTO budget_alerts (budget, from_at, share, at, spent, most, is_over) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0) \
            ON CONFLICT (budget, from_at, share) WHERE is_over = 0 DO NOTHING RETURNING share";
    TOLD = "SELECT share FROM budget_alerts WHERE budget = ?1 AND from_at = ?2 AND is_over = 0";
    ALERTS = "SELECT from_at, share, at, spent, most FROM budget_alerts WHERE budget = ?1 ORDER BY at DESC, share DESC LIMIT ?2";
    FORGET = "UPDATE budget_alerts SET is_over = 1 WHERE budget = ?1 AND from_at = ?2 AND share = ?3 AND is_over = 0";
    SUMS = concat!(sums!("debit", ""), " UNION ALL ", sums!("credit", "-"));
    ENTRIES = concat!(entries!("debit", ""), " UNION ALL ", entries!("credit", "-"));
    GIVEN_BACK = "SELECT corrects, amount_micro_cny, decided_at FROM corrections WHERE contract = ?1 AND state = 'booked' \
                  AND kind IN ('credit_note', 'allowance') AND decided_at >= ?2 AND decided_at < ?3";
}

pub fn insert(tx: &Tx, budget: &Budget, by: MemberId) -> Result<(), StoreError> {
    let Budget { id, tenant, whose, span, unit, limit, alerts, hard_stop, created_at } = budget;
    let from_at = match span {
        Span::Month => None,
        Span::Total { from } => Some(*from),
    };
    let (project, member, alerts) = (whose.project(), whose.member(), json(alerts)?);
    let columns = params![
        id,
        tenant,
        &project,
        &member,
        from_at,
        unit.code(),
        *limit,
        &alerts,
        *hard_stop,
        *created_at,
        span.kind().code(),
        &by
    ];
    tx.execute(INSERT, columns)
}

fn read(row: Row<'_>) -> Result<Budget, StoreError> {
    let id: BudgetId = row.get(0)?;
    let (project, member): (Option<ProjectId>, Option<MemberId>) = (row.get(2)?, row.get(3)?);
    let whose = match (project, member) {
        (Some(project), None) => Whose::Project(project),
        (None, Some(member)) => Whose::Member(member),
        _ => return Err(row.corrupt("it is of a project or of a member, and not of both")),
    };
    let from: Option<Timestamp> = row.get(4)?;
    let alerts: Alerts = row.json(7)?;
    Ok(Budget {
        id,
        tenant: row.get(1)?,
        whose,
        span: from.map_or(Span::Month, |from| Span::Total { from }),
        unit: row.code(5)?,
        limit: row.get(6)?,
        alerts,
        hard_stop: row.get(8)?,
        created_at: row.get(9)?,
    })
}

/// One that nobody took away.
pub fn get(tx: &Tx, id: BudgetId) -> Result<Budget, StoreError> {
    tx.get(GET, &id, read)
}

/// Those that nobody took away: of a tenant, or all.
pub fn list(tx: &Tx, tenant: Option<TenantId>) -> Result<Vec<Budget>, StoreError> {
    tx.all(LIST, params![&tenant], read)
}

pub fn count(tx: &Tx, tenant: TenantId) -> Result<u64, StoreError> {
    tx.one(COUNT, params![&tenant], |row| row.get(0))
}

/// Keeps a budget's limit, shares and hard stop as they are now.
pub fn change(tx: &Tx, budget: &Budget) -> Result<(), StoreError> {
    let alerts = json(&budget.alerts)?;
    tx.update(CHANGE, &budget.id, params![&budget.id, budget.limit, &alerts, budget.hard_stop])
}

pub fn end(tx: &Tx, id: BudgetId, at: Timestamp) -> Result<(), StoreError> {
    tx.update(END, &id, params![&id, at])
}

/// A share of a budget that was reached in the stretch that begins at `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    pub from: Timestamp,
    pub share: u8,
    pub at: Timestamp,
    pub spent: i64,
    pub limit: i64,
}

fn share(row: Row<'_>, column: usize) -> Result<u8, StoreError> {
    let share: i64 = row.get(column)?;
    u8::try_from(share).map_err(|_| row.corrupt(format!("{share} is no share")))
}

/// Keeps that a share was told of. `false` if it was before.
pub fn tell(tx: &Tx, budget: BudgetId, alert: &Alert) -> Result<bool, StoreError> {
    let Alert { from, share: of, at, spent, limit } = *alert;
    let row = params![&budget, from, i64::from(of), at, spent, limit];
    Ok(tx.find(TELL, row, |row| share(row, 0))?.is_some())
}

/// The shares that were told of in the stretch that begins at `from`.
pub fn told(tx: &Tx, budget: BudgetId, from: Timestamp) -> Result<BTreeSet<u8>, StoreError> {
    Ok(tx.all(TOLD, params![&budget, from], |row| share(row, 0))?.into_iter().collect())
}

/// The newest of all shares that were told of.
pub fn alerts(tx: &Tx, budget: BudgetId, most: u32) -> Result<Vec<Alert>, StoreError> {
    tx.all(ALERTS, params![&budget, most], |row| {
        let (from, at) = (row.get(0)?, row.get(2)?);
        Ok(Alert { from, share: share(row, 1)?, at, spent: row.get(3)?, limit: row.get(4)? })
    })
}

/// A share that was told of is to be told of again once it is reached.
pub fn forget(tx: &Tx, budget: BudgetId, from: Timestamp, share: u8) -> Result<(), StoreError> {
    tx.execute(FORGET, params![&budget, from, i64::from(share)])
}

/// Use that is posted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    pub used: CardMs,
    pub charged: MicroCny,
}

impl Spent {
    fn add(&mut self, unit: Unit, amount: i64) {
        match unit {
            Unit::CardMs => self.used.0 += amount,
            Unit::MicroCny => self.charged.0 += amount,
        }
    }
}

/// What is posted in `[from, until)` for the jobs of a tenant, by whose they are: each in the sum of its project and in that
/// of its member. What people gave back of a run is taken off.
///
/// Cost: linear in the entries of that time.
pub fn spent(
    tx: &Tx,
    tenant: TenantId,
    from: Timestamp,
    until: Timestamp,
) -> Result<BTreeMap<Whose, Spent>, StoreError> {
    let mut sums: BTreeMap<Whose, Spent> = BTreeMap::new();
    let mut add = |project, member, unit, amount| {
        for whose in [Whose::Project(project), Whose::Member(member)] {
            sums.entry(whose).or_default().add(unit, amount);
        }
    };
    for contract in contracts::list_contracts(tx, Some(tenant))? {
        tx.each(SUMS, params![&contract.id, from, until], |row: Row<'_>| {
            add(row.get(0)?, row.get(1)?, row.code(2)?, row.get(3)?);
            Ok(ControlFlow::Continue(()))
        })?;
        for back in given_back(tx, contract.id, from, until)? {
            add(back.project, back.member, Unit::MicroCny, -back.amount.0);
        }
    }
    Ok(sums)
}

/// Money that people gave back of a run's charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenBack {
    pub job: JobId,
    pub job_name: String,
    pub project: ProjectId,
    pub member: MemberId,
    pub amount: MicroCny,
    pub at: Timestamp,
}

/// What was given back of a contract's runs in `[from, until)`. A correction that names a month is no project's.
fn given_back(
    tx: &Tx,
    contract: ContractId,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<GivenBack>, StoreError> {
    let booked: Vec<(String, MicroCny, Timestamp)> =
        tx.all(GIVEN_BACK, params![&contract, from, until], |row: Row<'_>| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let mut all = Vec::with_capacity(booked.len());
    for (corrects, amount, at) in booked {
        all.extend(of_run(tx, &corrects, amount, at)?);
    }
    Ok(all)
}

/// Whose a correction is that gives back a part of a charge: that of the run that it names, or whose entry it names.
pub fn of_run(
    tx: &Tx,
    corrects: &str,
    amount: MicroCny,
    at: Timestamp,
) -> Result<Option<GivenBack>, StoreError> {
    let named = match corrects.parse::<RunId>() {
        Ok(run) => Some(run),
        Err(_) => match corrects.parse::<i64>() {
            Ok(seq) => ledger::find_entry(tx, seq)?.and_then(|found| found.transfer.cause.run().copied()),
            Err(_) => None,
        },
    };
    let Some(found) = named.map(|run| runs::find_run(tx, run)).transpose()?.flatten() else {
        return Ok(None);
    };
    let job = jobs::get_row(tx, found.run.job)?;
    Ok(Some(GivenBack {
        job: job.id,
        job_name: job.name,
        project: job.project,
        member: job.submitted_by,
        amount,
        at,
    }))
}

/// An entry of a job's use, or what was given back of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpentEntry {
    pub at: Timestamp,
    pub job: JobId,
    pub job_name: String,
    pub spent: Spent,
}

/// Hands what is posted in `[from, until)` for somebody's jobs to `take`, entry by entry.
///
/// Cost: linear in the entries of the tenant in that time.
pub fn each_spent(
    tx: &Tx,
    tenant: TenantId,
    whose: Whose,
    (from, until): (Timestamp, Timestamp),
    mut take: impl FnMut(SpentEntry),
) -> Result<(), StoreError> {
    let is_its = |project: ProjectId, member: MemberId| match whose {
        Whose::Project(own) => own == project,
        Whose::Member(own) => own == member,
    };
    for contract in contracts::list_contracts(tx, Some(tenant))? {
        tx.each(ENTRIES, params![&contract.id, from, until], |row: Row<'_>| {
            if is_its(row.get(4)?, row.get(5)?) {
                let mut spent = Spent::default();
                spent.add(row.code(1)?, row.get(2)?);
                take(SpentEntry { at: row.get(0)?, job: row.get(3)?, job_name: row.get(6)?, spent });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        for GivenBack { job, job_name, project, member, amount, at } in
            given_back(tx, contract.id, from, until)?
        {
            if is_its(project, member) {
                let spent = Spent { used: CardMs::ZERO, charged: MicroCny(-amount.0) };
                take(SpentEntry { at, job, job_name, spent });
            }
        }
    }
    Ok(())
}
