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

use super::columns::{state, tasks};
use crate::db::{Param, Row, Sql, StoreError, Tx, Value, statements};

/// The most jobs that are looked at for one page where they lie side by side.
const MOST_SIDE_BY_SIDE: i64 = 16_000;
/// The most jobs that are looked at for one page where an index leads to each.
const MOST_BY_INDEX: i64 = 4_000;

/// The jobs that are wanted: those that match all that is `Some`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    pub tenant: Option<TenantId>,
    /// As [`JobState::code`] gives it.
    pub state: Option<String>,
    pub project: Option<ProjectId>,
    pub contract: Option<ContractId>,
    pub domain: Option<TenantDomain>,
    /// A part of the name, in upper or lower case.
    pub name_contains: Option<String>,
}

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

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT id, tenant, domain, project, contract, submitted_by, submitted_at, name, nodes, cards_per_node, ",
            "card_model, class, state, stop_cause, ended_at, tasks_total, tasks_next, tasks_to_retry, tasks_running, ",
            "tasks_succeeded, tasks_failed, tasks_stopped, started_at, used_card_ms, charged_micro_cny FROM jobs ",
            "WHERE ",
            $condition
        )
    };
}

statements! { "jobs";
    GET_ROW = select!("id = ?1");
    ALL = select!("id < ?1 ORDER BY id DESC LIMIT ?2");
    OF_TENANT = select!("tenant = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2");
    OF_TENANT_IN_STATE = select!("tenant = ?3 AND state = ?4 AND id < ?1 ORDER BY id DESC LIMIT ?2");
    IN_STATE = select!("state = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2");
    OF_DOMAIN = select!("domain = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2");
    OF_PROJECT = select!("project = ?3 AND tenant = ?4 AND id < ?1 ORDER BY id DESC LIMIT ?2");
    OF_CONTRACT = select!("contract = ?3 AND tenant = ?4 AND id < ?1 ORDER BY id DESC LIMIT ?2");
    OWNER_OF_PROJECT = "SELECT tenant FROM projects WHERE id = ?1";
    OWNER_OF_CONTRACT = "SELECT tenant FROM contracts WHERE id = ?1";
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
    let nothing = JobPage { rows: Vec::new(), next: None };
    let limit = limit as usize;
    let Some(lead) = lead(tx, filter)? else { return Ok(nothing) };
    if limit == 0 {
        return Ok(nothing);
    }
    let after = after.unwrap_or(JobId::from_bytes([0xff; 16]));
    let most = lead.most_looked_at();
    let mut bound = vec![after.value(), most.value()];
    bound.extend(lead.params());
    let rest = Rest::new(filter);
    let (mut rows, mut looked_at, mut last) = (Vec::new(), 0, None);
    tx.each(lead.sql(), &bound, |row| {
        looked_at += 1;
        if rest.matches(row)? {
            rows.push(job_row(row)?);
        }
        if rows.len() >= limit || looked_at >= most {
            last = Some(row.get(0)?);
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(JobPage { rows, next: last })
}

/// The filter that leads.
enum Lead<'a> {
    All,
    Tenant(&'a TenantId),
    TenantState(&'a TenantId, &'a str),
    State(&'a str),
    Domain(&'static str),
    Project(&'a ProjectId, TenantId),
    Contract(&'a ContractId, TenantId),
}

impl Lead<'_> {
    fn sql(&self) -> Sql {
        match self {
            Self::All => ALL,
            Self::Tenant(_) => OF_TENANT,
            Self::TenantState(..) => OF_TENANT_IN_STATE,
            Self::State(_) => IN_STATE,
            Self::Domain(_) => OF_DOMAIN,
            Self::Project(..) => OF_PROJECT,
            Self::Contract(..) => OF_CONTRACT,
        }
    }

    fn most_looked_at(&self) -> i64 {
        match self {
            Self::All => MOST_SIDE_BY_SIDE,
            _ => MOST_BY_INDEX,
        }
    }

    fn params(&self) -> Vec<Value<'_>> {
        match self {
            Self::All => vec![],
            Self::Tenant(tenant) => vec![tenant.value()],
            Self::TenantState(tenant, state) => vec![tenant.value(), state.value()],
            Self::State(state) => vec![state.value()],
            Self::Domain(domain) => vec![domain.value()],
            Self::Project(project, tenant) => vec![project.value(), tenant.value()],
            Self::Contract(contract, tenant) => vec![contract.value(), tenant.value()],
        }
    }
}

/// The filter that leaves the fewest rows to look at. `None` if nothing can match.
fn lead<'a>(tx: &Tx, filter: &'a JobFilter) -> Result<Option<Lead<'a>>, StoreError> {
    // A project and a contract have one tenant each: a filter by another can't match.
    let owned_by = |sql, id: Value<'_>| -> Result<Option<TenantId>, StoreError> {
        let owner = tx.find(sql, &[id], |row| row.get::<TenantId>(0))?;
        Ok(owner.filter(|owner| filter.tenant.is_none_or(|tenant| tenant == *owner)))
    };
    // Jobs that have not ended are few, so their state leads whatever else is asked for.
    let is_active = |state: &str| matches!(state, "queued" | "running" | "stopping");
    Ok(Some(match (&filter.state, &filter.tenant, &filter.project, &filter.contract, filter.domain) {
        (Some(state), Some(tenant), _, _, _) if is_active(state) => Lead::TenantState(tenant, state),
        (Some(state), None, _, _, _) if is_active(state) => Lead::State(state),
        (_, _, Some(project), _, _) => match owned_by(OWNER_OF_PROJECT, project.value())? {
            Some(tenant) => Lead::Project(project, tenant),
            None => return Ok(None),
        },
        (_, _, _, Some(contract), _) => match owned_by(OWNER_OF_CONTRACT, contract.value())? {
            Some(tenant) => Lead::Contract(contract, tenant),
            None => return Ok(None),
        },
        (Some(state), Some(tenant), ..) => Lead::TenantState(tenant, state),
        (None, Some(tenant), ..) => Lead::Tenant(tenant),
        (Some(state), None, ..) => Lead::State(state),
        (None, None, _, _, Some(domain)) => Lead::Domain(domain.code()),
        (None, None, None, None, None) => Lead::All,
    }))
}

/// All filters again, for the rows that the lead gives.
struct Rest<'a> {
    filter: &'a JobFilter,
    name: Option<String>,
}

impl<'a> Rest<'a> {
    fn new(filter: &'a JobFilter) -> Self {
        let name = filter.name_contains.as_deref().filter(|name| !name.is_empty()).map(str::to_lowercase);
        Self { filter, name }
    }

    fn matches(&self, row: Row<'_>) -> Result<bool, StoreError> {
        let filter = self.filter;
        let same = |index: usize, id: Option<&[u8; 16]>| -> Result<bool, StoreError> {
            Ok(match id {
                Some(id) => row.blob(index)? == id,
                None => true,
            })
        };
        Ok(same(1, filter.tenant.as_ref().map(TenantId::as_bytes))?
            && same(3, filter.project.as_ref().map(ProjectId::as_bytes))?
            && same(4, filter.contract.as_ref().map(ContractId::as_bytes))?
            && match filter.domain {
                Some(domain) => row.text(2)? == domain.code(),
                None => true,
            }
            && match &filter.state {
                Some(state) => row.text(12)? == state,
                None => true,
            }
            && match &self.name {
                Some(name) => row.text(7)?.to_lowercase().contains(name.as_str()),
                None => true,
            })
    }
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
        started_at: row.get(22)?,
        used_card_ms: row.get(23)?,
        charge_micro_cny: row.get(24)?,
    })
}
