//! The overview, at a glance: for a tenant its own part, for the center's people the whole center.

use std::collections::{BTreeMap, BTreeSet};

use domain::{CardMs, JobId, JobStatus, MicroCny, NodeState, Timestamp, capacity::CapacityBalance};
use serde::Serialize;
use store::{jobs, recent as recent_rows};

use super::{
    capacity::{CapacityView, Recent},
    contracts::{self, ContractView},
    jobs::JobView,
};
use crate::{
    actions,
    center::Center,
    first_steps::{ask as first_steps, rule::Step},
    live::LiveJob,
    waiting::{self, rule::LimitCount},
};
use base::{
    auth::{Action, Caller, Scope},
    error::AppError,
    events::Event,
    loops::{LoopState, LoopView},
    moment,
};

/// How many of the newest events an overview has.
const EVENTS: u32 = 20;
/// How many jobs of a kind it names.
const JOBS: u32 = 10;

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Overview {
    /// Jobs by state, those that have ended too; in the order of the alphabet.
    pub jobs: Vec<StateCount>,
    /// The newest jobs that run, of `running` in `jobs`.
    pub running: Vec<JobView>,
    pub waiting: WaitingView,
    /// The jobs that ended last.
    pub ended: Vec<JobView>,
    pub contracts: Vec<ContractView>,
    /// Cards that the caller's runs have; all runs for the center's people.
    pub running_cards: u32,
    /// Tasks that wait for cards.
    pub waiting_tasks: u64,
    /// Card time and charges of this month, as far as they were metered.
    pub month_card_ms: CardMs,
    pub month_charge_micro_cny: MicroCny,
    pub month: String,
    /// Newest first.
    pub events: Vec<Event>,
    /// The names of the jobs that these events are about, for pages.
    #[serde(skip)]
    pub job_names: BTreeMap<JobId, String>,
    /// A disk of the center is full: nothing starts, and no job is taken on.
    pub is_disk_full: bool,
    /// Of the whole center, for its people.
    pub center: Option<CenterOverview>,
}

/// The jobs that wait, at a glance.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct WaitingView {
    /// Jobs of which something waits.
    pub jobs: u64,
    /// The limits that hold them back, each with its jobs, the most first.
    pub reasons: Vec<LimitCount>,
    /// Those that start next, as far as that is known.
    pub next: Vec<JobView>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct StateCount {
    pub state: JobStatus,
    pub jobs: u64,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct CenterOverview {
    pub nodes: u32,
    pub virtual_nodes: u32,
    pub cards: u32,
    pub busy_cards: u32,
    pub idle_cards: u32,
    pub drained_cards: u32,
    pub failed_cards: u32,
    /// Dense FP16; 1,000 TFLOPS are a PFLOPS.
    pub capacity_tflops: u64,
    pub in_use_tflops: u64,
    pub tenants: u32,
    /// Of the last 24 hours.
    pub balance: CapacityView,
    /// What a new center still needs; empty once all is done.
    pub first_steps: Vec<Step>,
}

pub async fn overview(center: &Center, recent: &Recent, caller: &Caller) -> Result<Overview, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_JOB, scope)?;
    let now = moment::now();
    let zone = center.settings.time_zone;
    let month = zone.month(now);
    let days = zone.day(zone.bounds(month).0)..zone.day(now) + 1;
    let waiting = waiting::look(center, scope, JOBS as usize);
    let runs_of_scope =
        |known: &&LiveJob| known.job.tasks.running > 0 && scope.is_none_or(|own| own == known.job.tenant);
    let running: Vec<JobId> = center
        .live()
        .jobs()
        .rev()
        .filter(runs_of_scope)
        .map(|known| known.job.id)
        .take(JOBS as usize)
        .collect();
    let (counts, used, events, job_names, ended) = center
        .read(move |tx| {
            let latest = recent_rows::events_before(tx, scope, None, EVENTS)?;
            let names = recent_rows::jobs_of_events(tx, &latest)?;
            let used = store::usage::use_between(tx, scope, days)?;
            let ended = recent_rows::ended_jobs(tx, scope, JOBS)?;
            Ok((jobs::count_by_state(tx, scope)?, used, latest, names, ended))
        })
        .await?;
    let next = super::jobs::list_of(center, waiting.next).await?;
    let waiting = WaitingView { jobs: waiting.jobs, reasons: waiting.reasons, next };
    let running = super::jobs::list_of(center, running).await?;
    let ended = super::jobs::list_of(center, ended).await?;
    let contracts = contracts::list(center, caller).await?;
    let of_center = match scope {
        None => {
            let first_steps = first_steps::open(center, caller).await?;
            Some(CenterOverview { first_steps, ..center_overview(center, recent, now).await? })
        }
        Some(_) => None,
    };
    let mut counts: Vec<StateCount> =
        counts.into_iter().map(|(state, jobs)| StateCount { state, jobs }).collect();
    counts.sort_by_key(|count| count.state.code());
    let live = center.live();
    let is_seen = |tenant| scope.is_none_or(|own| own == tenant);
    Ok(Overview {
        jobs: counts,
        running,
        waiting,
        ended,
        contracts,
        running_cards: live
            .runs()
            .filter(|known| is_seen(known.run.tenant))
            .map(|known| known.run.placement.card_count())
            .sum(),
        waiting_tasks: live
            .jobs()
            .filter(|known| is_seen(known.job.tenant))
            .map(|known| u64::from(known.job.tasks.waiting()))
            .sum(),
        month_card_ms: used.iter().map(|row| row.used).sum(),
        month_charge_micro_cny: MicroCny(used.iter().map(|row| row.charged.0).sum()),
        month: month.to_string(),
        events: events.into_iter().map(Event::from).collect(),
        job_names,
        is_disk_full: center.compute.disks.full().is_some(),
        center: of_center,
    })
}

/// The figures of the hall that the center posts for everybody.
#[derive(Clone, Debug)]
pub struct Posted {
    pub nodes: u32,
    pub cards: u32,
    pub busy_cards: u32,
    pub capacity_tflops: u64,
    pub in_use_tflops: u64,
    /// Names of the models of its cards.
    pub models: BTreeSet<String>,
    pub is_all_virtual: bool,
    /// Work is taken on and started.
    pub is_in_service: bool,
    /// Of each of the last 24 hours.
    pub hours: Vec<CapacityBalance>,
}

pub async fn posted(center: &Center, recent: &Recent) -> Result<Posted, AppError> {
    let now = moment::now();
    let found = center_overview(center, recent, now).await?;
    let hours = recent.posted_hours(center, now).await?;
    let is_over = center.loops.list(now).iter().any(|known| known.state == LoopState::Over);
    let is_all_virtual = is_all_virtual(center);
    let is_full = center.compute.disks.full().is_some();
    let live = center.live();
    let models = live.nodes().filter_map(|known| live.pool(known.node.pool));
    Ok(Posted {
        nodes: found.nodes,
        cards: found.cards,
        busy_cards: found.busy_cards,
        capacity_tflops: found.capacity_tflops,
        in_use_tflops: found.in_use_tflops,
        models: models.map(|pool| pool.model.name.clone()).collect(),
        is_all_virtual,
        is_in_service: !is_over && !is_full,
        hours,
    })
}

/// How the center's loops fare, by name.
pub fn loops(center: &Center, caller: &Caller) -> Result<Vec<LoopView>, AppError> {
    center.policies.check(caller, actions::READ_CENTER, None)?;
    Ok(center.loops.list(moment::now()))
}

/// How many jobs are queued or running, of those that `caller` may read; `None` if none may be read.
pub fn active_jobs(center: &Center, caller: &Caller) -> Option<usize> {
    let scope = seen_by(center, caller, actions::READ_JOB)?.tenant();
    let live = center.live();
    Some(scope.map_or(live.jobs().len(), |own| live.jobs_of(own) as usize))
}

/// How many nodes the center has, for those who may read nodes.
pub fn nodes_seen(center: &Center, caller: &Caller) -> Option<usize> {
    center.policies.check(caller, actions::READ_NODE, None).ok()?;
    Some(center.live().nodes().len())
}

/// How many contracts there are, of those that `caller` may read; `None` if none may be read.
pub fn contracts_seen(center: &Center, caller: &Caller) -> Option<usize> {
    let scope = seen_by(center, caller, actions::READ_CONTRACT)?.tenant();
    let live = center.live();
    let is_seen = |tenant| scope.is_none_or(|own| own == tenant);
    Some(live.contracts().filter(|known| is_seen(known.contract.tenant)).count())
}

/// The part of the center, one tenant or all, in which `caller` may do `action`, if there is one.
fn seen_by(center: &Center, caller: &Caller, action: Action) -> Option<Scope> {
    let scope = caller.scope().ok()?;
    center.policies.check(caller, action, scope.tenant()).ok()?;
    Some(scope)
}

/// Whether every node is virtual: the center is a demo or a rehearsal, which each page then says.
pub fn is_all_virtual(center: &Center) -> bool {
    let live = center.live();
    live.nodes().len() > 0 && live.nodes().all(|known| known.node.is_virtual)
}

async fn center_overview(
    center: &Center,
    recent: &Recent,
    now: Timestamp,
) -> Result<CenterOverview, AppError> {
    let balance = recent.last_day(center, now).await?;
    let live = center.live();
    let mut view = CenterOverview {
        nodes: 0,
        virtual_nodes: 0,
        cards: 0,
        busy_cards: 0,
        idle_cards: 0,
        drained_cards: 0,
        failed_cards: 0,
        capacity_tflops: 0,
        in_use_tflops: 0,
        tenants: u32::try_from(live.tenant_count()).unwrap_or(u32::MAX),
        balance,
        first_steps: Vec::new(),
    };
    for known in live.nodes() {
        let tflops = live.pool(known.node.pool).map_or(0, |pool| u64::from(pool.model.fp16_tflops));
        let (cards, busy) = (u32::from(known.node.cards), known.busy.len());
        view.nodes += 1;
        view.virtual_nodes += u32::from(known.node.is_virtual);
        view.cards += cards;
        view.busy_cards += busy;
        let free = cards - busy;
        match known.node.state {
            NodeState::Up => view.idle_cards += free,
            NodeState::Drained { .. } | NodeState::Leaving { .. } => view.drained_cards += free,
            NodeState::Failed { .. } => view.failed_cards += free,
        }
        view.capacity_tflops += tflops * u64::from(cards);
        view.in_use_tflops += tflops * u64::from(busy);
    }
    Ok(view)
}
