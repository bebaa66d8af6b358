//! Committing what was planned.

use std::{collections::HashMap, sync::Arc};

use domain::{
    ContractId, Job, JobId, NodeId, RatePerCardHour, Run, RunId, RunState, ServiceClass, Timestamp,
    contract::ContractKind,
};
use scheduler::{Started, Ticket};
use store::{Tx, contracts, jobs, runs};

use crate::{center::Center, live::Live};
use base::{
    error::AppError,
    moment::{self, new_id},
};

/// A run that is committed as starting and goes to the engine next.
#[derive(Clone, Debug)]
pub struct Launch {
    pub run: Run,
    pub job: Arc<Job>,
}

/// Commits a plan's starts as runs that are starting, before the engine hears of them. A start whose job was cancelled
/// or whose contract ended since the plan was made is passed over. Gives each run with the ticket by which the planner
/// knows it.
pub fn start(center: &Center, starts: Vec<Started>) -> Result<Vec<(Ticket, Launch)>, AppError> {
    let now = moment::now();
    let rates = rates(center, &starts, now);
    center.write_now(
        move |tx| {
            let mut launches = Vec::with_capacity(starts.len());
            let mut open: HashMap<ContractId, bool> = HashMap::new();
            for start in starts {
                let mut job = jobs::get_job(tx, start.job)?;
                let is_open = if let Some(is_open) = open.get(&job.contract) {
                    *is_open
                } else {
                    let is_open = contracts::get_contract(tx, job.contract)?.state.accepts_jobs();
                    open.insert(job.contract, is_open);
                    is_open
                };
                let Some((rate, is_granted)) = rates.get(&start.job).copied() else { continue };
                if !is_open || job.startable() == 0 {
                    continue;
                }
                let ticket = start.ticket;
                launches.push((ticket, start_one(tx, &mut job, start, rate, is_granted, now)?));
            }
            Ok(launches)
        },
        |center, launches| {
            let mut live = center.live();
            for (_, launch) in launches {
                live.run_started(launch.run.clone(), &launch.job);
            }
        },
    )
}

fn start_one(
    tx: &Tx,
    job: &mut Job,
    start: Started,
    rate: RatePerCardHour,
    is_granted: bool,
    now: Timestamp,
) -> Result<Launch, AppError> {
    let retry = if job.tasks.to_retry > 0 { jobs::pop_retry(tx, job.id)? } else { None };
    let (task, attempt) = retry.unwrap_or((job.tasks.next, 1));
    job.start_task(retry.is_some()).map_err(|error| AppError::internal_at(job.id, error))?;
    let run = Run {
        id: new_id!(RunId),
        job: job.id,
        tenant: job.tenant,
        contract: job.contract,
        task,
        attempt,
        placement: start.placement,
        rate,
        is_granted,
        state: RunState::Starting { planned_at: now, stop: None },
    };
    runs::insert_run(tx, &run)?;
    jobs::update_job_progress(tx, job)?;
    Ok(Launch { run, job: Arc::new(job.clone()) })
}

/// The rate of each start and whether it is granted: by the contract's kind, and the price book in force for the pool
/// that the run is placed in.
fn rates(center: &Center, starts: &[Started], now: Timestamp) -> HashMap<JobId, (RatePerCardHour, bool)> {
    let live = center.live();
    let rate = |start: &Started| {
        let job = &live.job(start.job)?.job;
        let node = start.placement.0.first()?.node;
        let rate = rate_on(&live, job.contract, node, job.spec.service_class, now);
        if rate.is_none() {
            tracing::error!(job = %job.id, "no price for this pool, class and domain: the job is not started");
        }
        Some((start.job, rate?))
    };
    starts.iter().filter_map(rate).collect()
}

/// The rate of a run on this node, and whether it is granted; `None` where there must be a price and is none.
pub fn rate_on(
    live: &Live,
    contract: ContractId,
    node: NodeId,
    class: ServiceClass,
    now: Timestamp,
) -> Option<(RatePerCardHour, bool)> {
    let contract = &live.contract(contract)?.contract;
    let pool = live.node(node)?.node.pool;
    let domain = live.tenant(contract.tenant)?.domain;
    let listed = live.prices(now).and_then(|book| book.rate(pool, class, domain));
    let is_metered = matches!(contract.kind, ContractKind::Metered { .. });
    if is_metered && listed.is_none() {
        return None;
    }
    Some((contract.kind.rate(listed.unwrap_or_default()), contract.kind.is_grant()))
}
