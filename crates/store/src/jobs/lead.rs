//! The filters of a list that lead: an index has each of them, newest first.

use domain::{ContractId, MemberId, ProjectId, TenantDomain, TenantId, job::JobStatus};

use super::{columns::select, filter::JobFilter};
use crate::db::{Param, Sql, StoreError, Tx, Value, statements};

/// The most jobs that are looked at for one page where they lie side by side.
const MOST_SIDE_BY_SIDE: i64 = 16_000;
/// The most jobs that are looked at for one page where an index leads to each.
const MOST_BY_INDEX: i64 = 4_000;

statements! { "jobs";
    ALL = select!("id < ?1 ORDER BY id DESC LIMIT ?2");
    OF_TENANT = select!("tenant = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2");
    OF_TENANT_IN_STATE = select!("tenant = ?3 AND state = ?4 AND id < ?1 ORDER BY id DESC LIMIT ?2");
    IN_STATE = select!("state = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2");
    OF_DOMAIN = select!("domain = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2");
    OF_PROJECT = select!("project = ?3 AND tenant = ?4 AND id < ?1 ORDER BY id DESC LIMIT ?2");
    OF_CONTRACT = select!("contract = ?3 AND tenant = ?4 AND id < ?1 ORDER BY id DESC LIMIT ?2");
    OF_MEMBER = select!("submitted_by = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2");
    OWNER_OF_PROJECT = "SELECT tenant FROM projects WHERE id = ?1";
    OWNER_OF_CONTRACT = "SELECT tenant FROM contracts WHERE id = ?1";
}

/// A filter that leads.
pub(super) enum Lead {
    All,
    Tenant(TenantId),
    TenantState(TenantId, JobStatus),
    State(JobStatus),
    Domain(TenantDomain),
    Project(ProjectId, TenantId),
    Contract(ContractId, TenantId),
    Member(MemberId),
}

impl Lead {
    pub(super) fn sql(&self) -> Sql {
        match self {
            Self::All => ALL,
            Self::Tenant(_) => OF_TENANT,
            Self::TenantState(..) => OF_TENANT_IN_STATE,
            Self::State(_) => IN_STATE,
            Self::Domain(_) => OF_DOMAIN,
            Self::Project(..) => OF_PROJECT,
            Self::Contract(..) => OF_CONTRACT,
            Self::Member(_) => OF_MEMBER,
        }
    }

    pub(super) fn most_looked_at(&self) -> i64 {
        match self {
            Self::All => MOST_SIDE_BY_SIDE,
            _ => MOST_BY_INDEX,
        }
    }

    pub(super) fn params(&self) -> Vec<Value<'_>> {
        match self {
            Self::All => vec![],
            Self::Tenant(tenant) => vec![tenant.value()],
            Self::TenantState(tenant, state) => vec![tenant.value(), state.code().value()],
            Self::State(state) => vec![state.code().value()],
            Self::Domain(domain) => vec![domain.code().value()],
            Self::Project(project, tenant) => vec![project.value(), tenant.value()],
            Self::Contract(contract, tenant) => vec![contract.value(), tenant.value()],
            Self::Member(member) => vec![member.value()],
        }
    }
}

/// The filters that leave the fewest rows to look at: one, or one for each state or project. None if nothing can match.
pub(super) fn leads(tx: &Tx, filter: &JobFilter) -> Result<Vec<Lead>, StoreError> {
    // A project and a contract have one tenant each: a filter by another can't match.
    let owned_by = |sql, id: Value<'_>| -> Result<Option<TenantId>, StoreError> {
        let owner = tx.find(sql, &[id], |row| row.get::<TenantId>(0))?;
        Ok(owner.filter(|owner| filter.tenant.is_none_or(|tenant| tenant == *owner)))
    };
    let of_states = || {
        let lead = |state: &JobStatus| match filter.tenant {
            Some(tenant) => Lead::TenantState(tenant, *state),
            None => Lead::State(*state),
        };
        filter.states.iter().map(lead).collect()
    };
    // Jobs that have not ended are few, so their states lead whatever else is asked for.
    if !filter.states.is_empty() && !filter.states.iter().any(|state| state.has_ended()) {
        return Ok(of_states());
    }
    if let Some(member) = filter.submitted_by {
        return Ok(vec![Lead::Member(member)]);
    }
    if !filter.projects.is_empty() {
        let lead = |project: &ProjectId| {
            let owner = owned_by(OWNER_OF_PROJECT, project.value())?;
            Ok(owner.map(|tenant| Lead::Project(*project, tenant)))
        };
        return filter.projects.iter().filter_map(|project| lead(project).transpose()).collect();
    }
    if let Some(contract) = filter.contract {
        let owner = owned_by(OWNER_OF_CONTRACT, (&contract).value())?;
        return Ok(owner.map(|tenant| Lead::Contract(contract, tenant)).into_iter().collect());
    }
    Ok(match (filter.tenant, filter.domain) {
        _ if !filter.states.is_empty() => of_states(),
        (Some(tenant), _) => vec![Lead::Tenant(tenant)],
        (None, Some(domain)) => vec![Lead::Domain(domain)],
        (None, None) => vec![Lead::All],
    })
}
