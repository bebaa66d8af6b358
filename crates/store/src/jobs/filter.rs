//! The filters of lists of jobs, for the rows that the leading one gives.

use std::collections::{BTreeSet, HashSet};

use domain::{
    ContractId, JobId, MemberId, PoolId, ProjectId, ServiceClass, TenantDomain, TenantId, Timestamp,
    job::JobStatus, spec::MAX_TIME_LIMIT,
};

use super::columns::tasks;
use crate::{
    contracts,
    db::{Row, StoreError, Tx, params, statements},
    pools,
};

/// The jobs that are wanted: those that match all that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    pub tenant: Option<TenantId>,
    /// In one of these states; in any where there are none.
    pub states: BTreeSet<JobStatus>,
    /// Of one of these projects; of any where there are none.
    pub projects: Vec<ProjectId>,
    pub contract: Option<ContractId>,
    pub domain: Option<TenantDomain>,
    pub submitted_by: Option<MemberId>,
    /// Its runs had cards in this pool, or it waits and its contract and card models let it start there.
    pub pool: Option<PoolId>,
    pub class: Option<ServiceClass>,
    /// Submitted then or later.
    pub since: Option<Timestamp>,
    /// Submitted before.
    pub until: Option<Timestamp>,
    /// A part of the name, in upper or lower case.
    pub name_contains: Option<String>,
}

statements! { "job_pools";
    RAN_IN = "SELECT pool FROM job_pools WHERE pool = ?1 AND job = ?2";
    FIRST_DIRECT = "SELECT MIN(j.id) FROM direct_jobs d JOIN jobs j ON j.id = d.job \
                    WHERE d.job >= ?1 AND d.job < ?2 AND j.submitted_at >= ?3";
}

impl JobFilter {
    /// Whether only that is asked for by which counts are kept.
    pub(super) fn is_kept_count(&self) -> bool {
        let Self { tenant, states, .. } = self;
        *self == Self { tenant: *tenant, states: states.clone(), ..Self::default() }
    }
}

/// The ids among which a search goes on.
pub(super) struct Bounds {
    pub from: JobId,
    pub before: JobId,
}

impl Bounds {
    /// A job's id is made when it is submitted, or before: that of a job that was handed to Slurm directly is made of its
    /// start there, and the center may have come later.
    pub(super) fn of(tx: &Tx, filter: &JobFilter, after: Option<JobId>) -> Result<Self, StoreError> {
        let first_at = |at: Timestamp| JobId::new(at, [0; 10]);
        let last = JobId::from_bytes([0xff; 16]);
        // The first ids of a millisecond are those of its beginning.
        let until = filter.until.map_or(last, |until| first_at(until.plus(domain::Millis(1))));
        let from = match filter.since {
            None => JobId::from_bytes([0; 16]),
            Some(since) => {
                let (earliest, own) = (first_at(since.minus(MAX_TIME_LIMIT)), first_at(since));
                let read = |row: Row<'_>| row.get::<Option<JobId>>(0);
                let direct = tx.one(FIRST_DIRECT, params![&earliest, &own, since], read)?;
                direct.map_or(own, |direct| direct.min(own))
            }
        };
        Ok(Self { from, before: after.unwrap_or(last).min(until) })
    }
}

/// All filters, for the rows that a lead gives.
pub(super) struct Rest<'a> {
    filter: &'a JobFilter,
    name: Option<String>,
    pool: Option<InPool<'a>>,
}

impl<'a> Rest<'a> {
    pub(super) fn new(tx: &'a Tx, filter: &'a JobFilter) -> Result<Self, StoreError> {
        let name = filter.name_contains.as_deref().filter(|name| !name.is_empty()).map(str::to_lowercase);
        let pool = filter.pool.map(|pool| InPool::new(tx, pool, filter.tenant)).transpose()?;
        Ok(Self { filter, name, pool })
    }

    pub(super) fn matches(&self, row: Row<'_>) -> Result<bool, StoreError> {
        let filter = self.filter;
        let same = |index: usize, id: Option<&[u8; 16]>| -> Result<bool, StoreError> {
            Ok(match id {
                Some(id) => row.blob(index)? == id,
                None => true,
            })
        };
        let is_code = |index: usize, code: Option<&'static str>| -> Result<bool, StoreError> {
            Ok(match code {
                Some(code) => row.text(index)? == code,
                None => true,
            })
        };
        let submitted_at: Timestamp = row.get(6)?;
        Ok(same(1, filter.tenant.as_ref().map(TenantId::as_bytes))?
            && (filter.projects.is_empty() || filter.projects.contains(&row.get(3)?))
            && same(4, filter.contract.as_ref().map(ContractId::as_bytes))?
            && same(5, filter.submitted_by.as_ref().map(MemberId::as_bytes))?
            && is_code(2, filter.domain.map(TenantDomain::code))?
            && is_code(11, filter.class.map(ServiceClass::code))?
            && filter.since.is_none_or(|since| submitted_at >= since)
            && filter.until.is_none_or(|until| submitted_at < until)
            && (filter.states.is_empty() || filter.states.contains(&row.code(12)?))
            && match &self.name {
                Some(name) => row.text(7)?.to_lowercase().contains(name.as_str()),
                None => true,
            }
            && match &self.pool {
                Some(pool) => pool.has(row)?,
                None => true,
            })
    }
}

/// Whether jobs are a matter of one pool.
struct InPool<'a> {
    tx: &'a Tx,
    pool: PoolId,
    model: String,
    /// The contracts that let jobs start in it.
    contracts: HashSet<ContractId>,
}

impl<'a> InPool<'a> {
    fn new(tx: &'a Tx, pool: PoolId, tenant: Option<TenantId>) -> Result<Self, StoreError> {
        let known = pools::list_pools(tx)?.into_iter().find(|known| known.id == pool);
        let model = known.map(|known| known.model.name).unwrap_or_default();
        let contracts = contracts::list_contracts(tx, tenant)?.into_iter();
        let contracts = contracts.filter(|contract| contract.pools.contains(&pool));
        Ok(Self { tx, pool, model, contracts: contracts.map(|contract| contract.id).collect() })
    }

    fn has(&self, row: Row<'_>) -> Result<bool, StoreError> {
        let state: JobStatus = row.code(12)?;
        let waits =
            matches!(state, JobStatus::Queued | JobStatus::Running) && tasks(row.skip(15))?.waiting() > 0;
        let models: Option<String> = row.get(10)?;
        let goes_with = |models: &String| models.split('|').any(|model| model.trim() == self.model);
        if waits
            && self.contracts.contains(&row.get::<ContractId>(4)?)
            && models.as_ref().is_none_or(goes_with)
        {
            return Ok(true);
        }
        let job: JobId = row.get(0)?;
        Ok(self.tx.find(RAN_IN, params![&self.pool, &job], |_| Ok(()))?.is_some())
    }
}
