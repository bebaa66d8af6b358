//! The runs of one job: of one of its tasks, or by how they stand, those that failed first. A job may have a million.

use std::collections::BTreeSet;

use domain::{JobId, RunStatus};

use super::{RunRow, run_columns, run_row};
use crate::db::{Sql, StoreError, Tx, params, statements};

statements! { "runs";
    OF_TASK = concat!("SELECT ", run_columns!(), " FROM runs WHERE job = ?1 AND task = ?2 ORDER BY attempt DESC LIMIT ?3");
    ENDED_SO = concat!(
        "SELECT ", run_columns!(),
        " FROM runs WHERE job = ?1 AND outcome = ?2 AND (task, attempt) > (?3, ?4) ORDER BY task, attempt LIMIT ?5"
    );
    ACTIVE = concat!(
        "SELECT ", run_columns!(),
        " FROM runs WHERE job = ?1 AND outcome IS NULL AND (task, attempt) > (?2, ?3) ORDER BY task, attempt LIMIT ?4"
    );
    COUNT_ENDED_SO = "SELECT COUNT(*) FROM (SELECT 1 FROM runs WHERE job = ?1 AND outcome = ?2 LIMIT ?3) AS some";
    COUNT_STARTING = "SELECT COUNT(*) FROM runs WHERE job = ?1 AND outcome IS NULL AND started_at IS NULL";
    COUNT_RUNNING = "SELECT COUNT(*) FROM runs WHERE job = ?1 AND outcome IS NULL AND started_at IS NOT NULL";
}

/// The order of states: what failed first, what ended well last.
const RANKS: [&[RunStatus]; 5] = [
    &[RunStatus::Failed, RunStatus::Signaled, RunStatus::TimedOut, RunStatus::FailedToStart],
    &[RunStatus::Lost],
    &[RunStatus::Starting, RunStatus::Running],
    &[
        RunStatus::Cancelled,
        RunStatus::BalanceEnded,
        RunStatus::BudgetEnded,
        RunStatus::ContractEnded,
        RunStatus::DiskFull,
        RunStatus::DiskQuota,
        RunStatus::Preempted,
    ],
    &[RunStatus::Succeeded],
];
/// A count goes no further.
const MOST_COUNTED: u64 = 100_000;

/// A place in a job's runs by their states: behind this attempt of the task among those of the rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    rank: usize,
    task: u32,
    attempt: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}-{}", self.rank, self.task, self.attempt)
    }
}

impl std::str::FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut numbers = text.split('-').map(|part| part.parse::<u32>().map_err(drop));
        let mut next = || numbers.next().unwrap_or(Err(()));
        let (rank, task, attempt) = (next()? as usize, next()?, next()?);
        let is_whole = numbers.next().is_none() && rank < RANKS.len();
        is_whole.then_some(Self { rank, task, attempt }).ok_or(())
    }
}

/// The runs of a task, newest first; `most` of them.
pub fn of_task(tx: &Tx, job: JobId, task: u32, most: u32) -> Result<Vec<RunRow>, StoreError> {
    tx.all(OF_TASK, params![&job, task, most], run_row)
}

/// A page of a job's runs in one of these states (in any where there are none), those that failed first, and by task
/// within that; with the place behind which the next begins.
pub fn by_state(
    tx: &Tx,
    job: JobId,
    states: &BTreeSet<RunStatus>,
    after: Option<Place>,
    limit: u32,
) -> Result<(Vec<RunRow>, Option<Place>), StoreError> {
    let begin = after.unwrap_or_default();
    let (mut rows, mut last) = (Vec::new(), None);
    for (rank, of_rank) in RANKS.iter().enumerate().skip(begin.rank) {
        let is_wanted = |state: &&RunStatus| states.is_empty() || states.contains(state);
        let wanted: Vec<RunStatus> = of_rank.iter().filter(is_wanted).copied().collect();
        let is_first = after.is_some() && rank == begin.rank;
        let (task, attempt) = if is_first { (i64::from(begin.task), begin.attempt) } else { (-1, 0) };
        let room = limit as usize + 1 - rows.len();
        let mut found: Vec<RunRow> = Vec::new();
        if wanted.iter().any(|state| is_active(*state)) {
            let all = tx.all(ACTIVE, params![&job, task, attempt, u32::MAX], run_row)?;
            let all = all.into_iter().filter(|row| wanted.contains(&row.run.state.status()));
            found.extend(all.take(room));
        }
        for state in wanted.iter().filter(|state| !is_active(**state)) {
            let bound = params![&job, state.code(), task, attempt, u32::try_from(room).unwrap_or(u32::MAX)];
            found.extend(tx.all(ENDED_SO, bound, run_row)?);
        }
        found.sort_unstable_by_key(|row| (row.run.task, row.run.attempt));
        for row in found {
            if rows.len() == limit as usize {
                return Ok((rows, last));
            }
            last = Some(Place { rank, task: row.run.task, attempt: row.run.attempt });
            rows.push(row);
        }
    }
    Ok((rows, None))
}

fn is_active(state: RunStatus) -> bool {
    matches!(state, RunStatus::Starting | RunStatus::Running)
}

/// The first run, by task, of those that failed for good: its exit code is the job's.
pub fn first_failed(tx: &Tx, job: JobId) -> Result<Option<RunRow>, StoreError> {
    let failed = RANKS[0].iter().copied().collect();
    let (mut rows, _) = by_state(tx, job, &failed, None, 1)?;
    Ok(rows.pop())
}

/// How many runs of a job are in one of these states (in any where there are none), and whether there are more.
pub fn count(tx: &Tx, job: JobId, states: &BTreeSet<RunStatus>) -> Result<(u64, bool), StoreError> {
    let (mut count, mut and_more) = (0, false);
    let is_wanted = |state: &RunStatus| states.is_empty() || states.contains(state);
    for state in RunStatus::ALL.into_iter().filter(is_wanted) {
        let number = |sql: Sql, more: &[crate::db::Value<'_>]| {
            let bound = [params![&job], more].concat();
            tx.one(sql, &bound, |row| row.get::<u64>(0))
        };
        let found = match state {
            RunStatus::Starting => number(COUNT_STARTING, &[])?,
            RunStatus::Running => number(COUNT_RUNNING, &[])?,
            _ => {
                let most = i64::try_from(MOST_COUNTED + 1).unwrap_or(i64::MAX);
                number(COUNT_ENDED_SO, params![state.code(), most])?
            }
        };
        and_more |= found > MOST_COUNTED;
        count += found.min(MOST_COUNTED);
    }
    Ok((count, and_more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_one_rank() {
        let ranked = RANKS.concat();
        assert_eq!(ranked.len(), RunStatus::ALL.len());
        assert!(RunStatus::ALL.iter().all(|state| ranked.contains(state)));
    }
}
