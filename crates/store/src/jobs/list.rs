//! Lists of jobs, newest first, by any mix of filters.
//!
//! One filter leads: an index has it, newest first. The rows that it gives are looked at one by one for the
//! other filters, up to a bound, so that a page costs the same however rare the jobs are that match. A page
//! that came to the bound says from where to go on.

use std::ops::ControlFlow;

use domain::{
    CardMs, ContractId, JobId, JobState, MemberId, MicroCny, ProjectId, ServiceClass, TenantDomain, TenantId,
    Timestamp, job::Tasks,
};

use super::{
    columns::{select, state, tasks},
    filter::{Bounds, JobFilter, Rest},
    lead::{Lead, leads},
};
use crate::db::{Param, Row, StoreError, Tx, statements};

/// A job as a list shows it: without its specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    pub id: JobId,
    pub tenant: TenantId,
    pub domain: TenantDomain,
    pub project: ProjectId,
    pub contract: ContractId,
    pub submitted_by: MemberId,
    pub submitted_at: Timestamp,
    pub name: String,
    pub nodes: u32,
    pub cards_per_node: u32,
    pub card_model: Option<String>,
    pub class: ServiceClass,
    pub state: JobState,
    pub tasks: Tasks,
    /// When its first run began.
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// As far as its runs are metered.
    pub used_card_ms: CardMs,
    pub charge_micro_cny: MicroCny,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobPage {
    pub rows: Vec<JobRow>,
    /// The `after` of the next page; `None` if this is the last. Older jobs may match even where this page
    /// has few rows or none, as it ends at the bound.
    pub next: Option<JobId>,
}

statements! { "jobs";
    GET_ROW = select!("id = ?1");
}

/// One job as a list shows it.
pub fn get_row(tx: &Tx, id: JobId) -> Result<JobRow, StoreError> {
    tx.get(GET_ROW, &id, job_row)
}

/// A page of the newest jobs that match and are older than `after`: `limit` of them, or those that a bounded
/// search finds.
pub fn page_jobs(
    tx: &Tx,
    filter: &JobFilter,
    after: Option<JobId>,
    limit: u32,
) -> Result<JobPage, StoreError> {
    let limit = limit as usize;
    let (mut rows, mut seen_to) = (Vec::new(), None);
    if limit == 0 {
        return Ok(JobPage { rows, next: None });
    }
    let (rest, bounds) = (Rest::new(tx, filter)?, Bounds::of(tx, filter, after)?);
    // Each lead has its part of the jobs, and the page ends where the first of them came to its end.
    for lead in leads(tx, filter)? {
        let mut found = 0;
        let last = search(tx, &lead, &rest, &bounds, |row| {
            rows.push(job_row(row)?);
            found += 1;
            Ok(if found < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        seen_to = seen_to.max(last);
    }
    rows.sort_unstable_by_key(|row: &JobRow| std::cmp::Reverse(row.id));
    rows.retain(|row| seen_to.is_none_or(|seen_to| row.id >= seen_to));
    if rows.len() > limit {
        rows.truncate(limit);
        seen_to = rows.last().map(|row| row.id);
    }
    Ok(JobPage { rows, next: seen_to })
}

/// How many jobs match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCount {
    pub jobs: u64,
    /// The count came to the bound of a search: there may be more.
    pub and_more: bool,
}

/// How many jobs match: all of them where only their tenant and states are asked for, else those that a bounded search
/// finds.
pub fn count_jobs(tx: &Tx, filter: &JobFilter) -> Result<JobCount, StoreError> {
    if filter.is_kept_count() {
        let counts = super::count_by_state(tx, filter.tenant)?.into_iter();
        let wanted = counts.filter(|(state, _)| filter.states.is_empty() || filter.states.contains(state));
        return Ok(JobCount { jobs: wanted.map(|(_, jobs)| jobs).sum(), and_more: false });
    }
    let (rest, bounds) = (Rest::new(tx, filter)?, Bounds::of(tx, filter, None)?);
    let mut count = JobCount::default();
    for lead in leads(tx, filter)? {
        let last = search(tx, &lead, &rest, &bounds, |_| {
            count.jobs += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        count.and_more |= last.is_some();
    }
    Ok(count)
}

/// Hands the jobs that match to `take`, newest first, until it breaks or the search comes to its bound; gives the job that
/// was looked at last then.
fn search(
    tx: &Tx,
    lead: &Lead,
    rest: &Rest<'_>,
    bounds: &Bounds,
    mut take: impl FnMut(Row<'_>) -> Result<ControlFlow<()>, StoreError>,
) -> Result<Option<JobId>, StoreError> {
    let most = lead.most_looked_at();
    let mut bound = vec![bounds.before.value(), most.value()];
    bound.extend(lead.params());
    let (mut looked_at, mut last) = (0, None);
    tx.each(lead.sql(), &bound, |row| {
        let id: JobId = row.get(0)?;
        if id < bounds.from {
            return Ok(ControlFlow::Break(()));
        }
        looked_at += 1;
        let is_full = rest.matches(row)? && take(row)?.is_break();
        if is_full || looked_at >= most {
            last = Some(id);
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(last)
}

fn job_row(row: Row<'_>) -> Result<JobRow, StoreError> {
    Ok(JobRow {
        id: row.get(0)?,
        tenant: row.get(1)?,
        domain: row.code(2)?,
        project: row.get(3)?,
        contract: row.get(4)?,
        submitted_by: row.get(5)?,
        submitted_at: row.get(6)?,
        name: row.get(7)?,
        nodes: row.get(8)?,
        cards_per_node: row.get(9)?,
        card_model: row.get(10)?,
        class: row.code(11)?,
        state: state(row.skip(12))?,
        ended_at: row.get(14)?,
        tasks: tasks(row.skip(15))?,
        started_at: row.get(23)?,
        used_card_ms: row.get(24)?,
        charge_micro_cny: row.get(25)?,
    })
}
