//! Committing what was planned.

use std::{collections::HashMap, sync::Arc};

use domain::{
    ContractId, Job, Millis, NodeId, Placement, PriceBookId, RatePerCardHour, Run, RunId, RunState,
    ServiceClass, Timestamp, contract::ContractKind,
};
use scheduler::{Started, Ticket};
use store::{Tx, amendments, contracts, jobs, pools, runs};

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

/// Commits a plan's starts as runs that are starting, before the engine hears of them. A start whose job was cancelled,
/// whose contract ended or whose node was retired since the plan was made is passed over. Gives each run with the ticket by which the planner
/// knows it.
pub fn start(center: &Center, starts: Vec<Started>) -> Result<Vec<(Ticket, Launch)>, AppError> {
    let now = moment::now();
    let starts = with_tariffs(center, starts, now);
    center.write_now(
        move |tx| {
            let mut launches = Vec::with_capacity(starts.len());
            let mut open: HashMap<ContractId, Option<ContractKind>> = HashMap::new();
            for (start, tariff) in starts {
                let mut job = jobs::get_job(tx, start.job)?;
                let kind = if let Some(kind) = open.get(&job.contract) {
                    *kind
                } else {
                    let contract = contracts::get_contract(tx, job.contract)?;
                    let kind = amendments::kind_at(tx, &contract, now)?;
                    let kind = contract.state.accepts_jobs().then_some(kind);
                    open.insert(job.contract, kind);
                    kind
                };
                let is_open = kind.is_some_and(|kind| tariff.is_of(kind));
                if !is_open || job.startable() == 0 || !are_here(tx, &start.placement)? {
                    continue;
                }
                let ticket = start.ticket;
                launches.push((ticket, start_one(tx, &mut job, start, tariff, now)?));
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

/// Whether all nodes of a placement are still in the hall.
fn are_here(tx: &Tx, placement: &Placement) -> Result<bool, AppError> {
    for slot in &placement.0 {
        if !pools::is_here(tx, slot.node)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn start_one(
    tx: &Tx,
    job: &mut Job,
    start: Started,
    tariff: Tariff,
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
        rate: tariff.rate,
        price_book: tariff.price_book,
        charged_at_most: tariff.charged_at_most,
        is_granted: tariff.is_granted,
        state: RunState::Starting { planned_at: now, stop: None },
    };
    runs::insert_run(tx, &run)?;
    jobs::update_job_progress(tx, job)?;
    Ok(Launch { run, job: Arc::new(job.clone()) })
}

/// The terms on which a run is charged, as of the instant at which it was planned.
#[derive(Clone, Copy, Debug)]
pub struct Tariff {
    pub rate: RatePerCardHour,
    /// The price book in force.
    pub price_book: Option<PriceBookId>,
    pub charged_at_most: Option<Millis>,
    pub is_granted: bool,
}

impl Tariff {
    /// Whether a contract of this kind has this rate. An amendment can change that of a package while a plan is made.
    fn is_of(&self, kind: ContractKind) -> bool {
        !matches!(kind, ContractKind::Prepaid { .. }) || kind.rate(None) == Some(self.rate)
    }
}

/// Each start with what it costs, by its own nodes. The planner starts nothing for which there is no price; where the
/// prices changed since it planned, the start is left out and planned anew.
fn with_tariffs(center: &Center, starts: Vec<Started>, now: Timestamp) -> Vec<(Started, Tariff)> {
    let live = center.live();
    let tariff = |start: &Started| {
        let job = &live.job(start.job)?.job;
        // One whose budget was used up since it was planned waits.
        if live.held_by_budget(job.project, job.submitted_by).is_some() {
            return None;
        }
        let (spec, contract) = (&job.spec, job.contract);
        let tariff = tariff_on(&live, contract, start.placement.0.first()?.node, spec.service_class, now)?;
        Some(Tariff { charged_at_most: Some(center.settings.charged_at_most(spec)), ..tariff })
    };
    let priced = starts.into_iter().filter_map(|start| tariff(&start).map(|tariff| (start, tariff)));
    priced.collect()
}

/// The terms on which a run on this node is charged; `None` where the contract needs a price and there is
/// none.
pub fn tariff_on(
    live: &Live,
    contract: ContractId,
    node: NodeId,
    class: ServiceClass,
    now: Timestamp,
) -> Option<Tariff> {
    let contract = &live.contract(contract)?.contract;
    let pool = live.node(node)?.node.pool;
    let rate = live.rate(contract, pool, class, now)?;
    let price_book = live.prices(now).map(|book| book.id);
    Some(Tariff { rate, price_book, charged_at_most: None, is_granted: contract.kind.is_grant() })
}
