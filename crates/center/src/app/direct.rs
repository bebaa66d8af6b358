//! Jobs that people hand to Slurm directly: each life of one is a job here with one run, metered and charged like any other, so
//! that direct jobs are billed too. Its end is told of by the engine; where its contract's balance ends, it is stopped.

use std::{sync::Arc, time::Duration};

use domain::{
    CardMs, CardSet, Contract, Job, JobId, JobSpec, Member, MicroCny, NodeId, Placement, Project, Run,
    RunState, ServiceClass, Tenant, Timestamp, contract::ContractKind, node::Slot, spec::MAX_TIME_LIMIT,
};
use engines::slurm::{DirectJob, SlurmEngine};
use serde_json::json;
use store::{Tx, amendments, contracts, direct as rows, jobs, runs as run_rows, tenants};

use super::runs::{
    news::{self, Seen},
    starting, stopping,
};
use crate::{
    actions,
    center::Center,
    event_kinds,
    live::{Live, LiveRun},
    settings::Settings,
};
use base::audit::{self, Change};
use base::{
    error::AppError,
    events::{self, About},
    moment,
};

/// The outcome of an attempt to bill a job that was handed to Slurm directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Billing {
    /// The center has it, or it is none to bill.
    Settled,
    /// Its cards are not free here yet: what ran on them before has not been seen to end, or a run was planned there.
    NoCards,
    /// It may be a run of the center's own.
    Unclear,
    /// It is not known who pays for it, or where it runs.
    Nobody,
    /// Its contract is metered, and the price book has no price for its pool.
    NoPrice,
}

/// All that is decided of it before the write.
struct Bill {
    job: Job,
    run: Run,
}

/// Takes a job in that the engine has seen. Any number of times.
pub fn take_in(center: &Center, engine: &SlurmEngine, direct: &DirectJob) -> Result<Billing, AppError> {
    let payers = match known(center, engine, direct)? {
        Known::Here(fate) => return Ok(fate),
        Known::New(payers) => *payers,
    };
    let decided = decide(&center.live(), &center.settings, &payers, direct);
    let bill = match decided {
        Ok(Some(bill)) => bill,
        Ok(None) => {
            engine.pass_over(direct);
            return Ok(Billing::Settled);
        }
        Err(fate) => return Ok(fate),
    };
    let seen = serde_json::to_string(direct).map_err(AppError::internal)?;
    let end = direct.ended.clone();
    let settings = center.settings.clone();
    center.write_now(
        move |tx| {
            let (job, run, event) = keep(tx, bill, &seen)?;
            let taken = end
                .map(|ended| news::take_one(tx, &settings, run.id, Seen::Ended(ended), true))
                .transpose()?;
            Ok((job, run, event, taken.flatten()))
        },
        move |center, (job, run, event, taken)| {
            center.tell(event.clone());
            if let Some(taken) = taken {
                news::apply_all(center, std::slice::from_ref(taken));
                return;
            }
            center.live().run_started(run.clone(), job);
            center.metrics.runs_started.inc();
            center.compute.wakers.meter();
            center.compute.wakers.plan();
        },
    )?;
    hand_on(engine, direct)?;
    Ok(Billing::Settled)
}

/// The engine is to watch it, if it goes on.
fn hand_on(engine: &SlurmEngine, direct: &DirectJob) -> Result<(), AppError> {
    if direct.ended.is_some() {
        engine.pass_over(direct);
        return Ok(());
    }
    engine.adopt(direct).map_err(AppError::internal)
}

/// Who may pay for a job: its tenant with its projects; and the tenant's members.
struct Payers {
    tenant: Tenant,
    projects: Vec<Project>,
    members: Vec<Member>,
}

enum Known {
    /// It is kept here already, or may be a run of the center's own.
    Here(Billing),
    New(Box<Payers>),
}

fn known(center: &Center, engine: &SlurmEngine, direct: &DirectJob) -> Result<Known, AppError> {
    let (id, named, tenant) = (direct.run(), direct.named_as(), direct.tenant);
    let (is_kept, is_own, payers) = center.store.read(move |tx| -> Result<_, AppError> {
        let is_kept = run_rows::find_run(tx, id)?.is_some();
        // Anybody can give a job such a name. While a run of that id goes on, the engine soon knows which job is its own.
        let own = named.map(|named| run_rows::find_run(tx, named)).transpose()?.flatten();
        let payers = Payers {
            tenant: tenants::get_tenant(tx, tenant)?,
            projects: tenants::list_projects(tx, Some(tenant))?,
            members: tenants::list_members(tx, Some(tenant))?,
        };
        Ok((is_kept, own.is_some_and(|row| !row.run.state.has_ended()), payers))
    })?;
    if is_kept {
        if center.live().run(id).is_some() {
            hand_on(engine, direct)?;
        } else {
            engine.pass_over(direct);
        }
        return Ok(Known::Here(Billing::Settled));
    }
    Ok(if is_own { Known::Here(Billing::Unclear) } else { Known::New(Box::new(payers)) })
}

/// The observation of a job that was handed to Slurm directly; `None` for other jobs.
pub fn seen(center: &Center, job: JobId) -> Result<Option<DirectJob>, AppError> {
    let text = center.store.read(move |tx| -> Result<_, AppError> { Ok(rows::find(tx, job)?) })?;
    text.map(|text| read(job, &text)).transpose()
}

/// Reads the kept observation of a job that was handed to Slurm directly.
pub fn read(job: JobId, seen: &str) -> Result<DirectJob, AppError> {
    serde_json::from_str(seen).map_err(|error| AppError::internal_at(job, error))
}

/// Who pays, from when, at what rate, and on which cards; `None` for one that is over before anybody pays.
fn decide(
    live: &Live,
    settings: &Settings,
    payers: &Payers,
    direct: &DirectJob,
) -> Result<Option<Bill>, Billing> {
    let nodes: Vec<_> = direct
        .nodes
        .iter()
        .map(|name| live.node_named(name))
        .collect::<Option<_>>()
        .ok_or(Billing::Nobody)?;
    let first = nodes.first().ok_or(Billing::Nobody)?;
    let tenant = &payers.tenant;
    let named = settings.engine.slurm.tenants.get(&tenant.slug).and_then(|owner| owner.project.as_deref());
    let named = direct.project.as_deref().or(named);
    let (project, contract) = payer(live, &payers.projects, named, first.node.pool).ok_or(Billing::Nobody)?;
    let since = nodes.iter().map(|node| node.node.since);
    let from =
        since.chain([direct.started_at(), contract.starts_at, tenant.created_at]).max().unwrap_or_default();
    if direct.ended.as_ref().is_some_and(|ended| ended.at <= from) {
        return Ok(None);
    }
    let is_over = direct.ended.is_some();
    let free = nodes.iter().map(|node| {
        let all = node.node.all_cards();
        // Whose cards they were when it ran does not matter any more, only how many.
        (node.node.id, if is_over { all } else { all.without(node.busy) })
    });
    let placement = place(&free.collect::<Vec<_>>(), direct.cards).ok_or(Billing::NoCards)?;
    let tariff = starting::tariff_on(live, contract.id, first.node.id, ServiceClass::Normal, moment::now())
        .ok_or(Billing::NoPrice)?;
    let limit =
        direct.ends_by_s.map(|until| Timestamp::from_secs(until).since(from)).filter(|limit| limit.0 > 0);
    let spec = JobSpec {
        name: printable(&direct.name),
        project: Some(project.slug.clone()),
        nodes: u32::try_from(nodes.len()).unwrap_or(u32::MAX),
        cards_per_node: placement.0.iter().map(|slot| slot.cards.len()).max().unwrap_or(0),
        time_limit_ms: Some(limit.unwrap_or(MAX_TIME_LIMIT).min(MAX_TIME_LIMIT)),
        comment: format!("Slurm {} · {}", direct.number, direct.user),
        ..JobSpec::default()
    };
    // A row of a job has a member. Where the user of Slurm is none, it is the first; all views tell the user.
    let is_user = |member: &&Member| member.login == direct.user;
    let member = payers.members.iter().find(is_user).or(payers.members.first()).ok_or(Billing::Nobody)?;
    let mut job = Job::new(direct.job(), direct.tenant, project.id, contract.id, member.id, from, spec);
    job.start_task(false).map_err(|_| Billing::Nobody)?;
    let state = RunState::Running { planned_at: from, started_at: from, stop: None };
    let run = Run {
        id: direct.run(),
        job: job.id,
        tenant: direct.tenant,
        contract: contract.id,
        task: 0,
        attempt: 1,
        placement,
        rate: tariff.rate,
        price_book: tariff.price_book,
        charged_at_most: None,
        is_granted: tariff.is_granted,
        state,
    };
    Ok(Some(Bill { job, run }))
}

/// The project that pays, with its contract: the named one, else the tenant's first with a contract that takes jobs in
/// the pool, else the first with any.
fn payer<'a>(
    live: &'a Live,
    projects: &'a [Project],
    named: Option<&str>,
    pool: domain::PoolId,
) -> Option<(&'a Project, &'a Contract)> {
    let wanted = projects.iter().filter(|project| named.is_none_or(|named| named == project.slug));
    let with_contract =
        wanted.filter_map(|project| Some((project, &live.contract(project.contract?)?.contract)));
    with_contract.min_by_key(|(project, contract)| {
        (!contract.pools.contains(&pool), !contract.state.accepts_jobs(), project.id)
    })
}

/// `cards` cards shared out evenly over nodes with these free cards; `None` if they have too few.
fn place(free: &[(NodeId, CardSet)], cards: u32) -> Option<Placement> {
    let nodes = u32::try_from(free.len()).ok().filter(|nodes| *nodes > 0)?;
    let share = |rank: usize| cards / nodes + u32::from(rank < (cards % nodes) as usize);
    let slots = free.iter().enumerate().map(|(rank, (node, free))| {
        let cards = free.lowest(share(rank))?;
        Some(Slot { node: *node, cards })
    });
    let slots: Vec<Slot> = slots.collect::<Option<_>>()?;
    Some(Placement(slots.into_iter().filter(|slot| !slot.cards.is_empty()).collect()))
}

/// A name as people see it here.
fn printable(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    if name.trim().is_empty() { "slurm".to_owned() } else { name }
}

fn keep(tx: &Tx, bill: Bill, seen: &str) -> Result<(Arc<Job>, Run, events::Event), AppError> {
    let Bill { job, mut run } = bill;
    // It may have begun before the terms that hold now.
    let contract = contracts::get_contract(tx, run.contract)?;
    let kind = amendments::kind_at(tx, &contract, run.state.planned_at())?;
    if let (ContractKind::Prepaid { .. }, Some(rate)) = (kind, kind.rate(None)) {
        run.rate = rate;
    }
    jobs::insert_job(tx, &job)?;
    rows::insert(tx, job.id, seen)?;
    run_rows::insert_run(tx, &run)?;
    let from = run.state.planned_at();
    jobs::add_job_use(tx, job.id, CardMs::ZERO, MicroCny::ZERO, Some(from))?;
    let about = About { tenant: Some(job.tenant), job: Some(job.id), run: Some(run.id) };
    let data = json!({ "task": 0, "attempt": 1, "cards": run.placement.card_count() });
    let event = events::record(tx, from, about, event_kinds::RUN_STARTED, data)?;
    let detail =
        json!({ "name": job.spec.name, "comment": job.spec.comment, "cards": run.placement.card_count() });
    let subject = job.id.to_string();
    audit::record_own(
        tx,
        Change { tenant: Some(job.tenant), action: actions::BILL_DIRECT_JOB, subject, detail },
    )?;
    Ok((Arc::new(job), run, event))
}

/// Runs that were planned, but have not begun, on nodes whose cards such a job has: they can't begin there, and are planned
/// anew elsewhere.
pub fn make_room(center: &Center, direct: &DirectJob) {
    let in_the_way: Vec<_> = {
        let live = center.live();
        let is_there = |run: &&LiveRun| {
            let is_on =
                |slot: &Slot| live.node(slot.node).is_some_and(|node| direct.nodes.contains(&node.node.name));
            run.run.state.started_at().is_none() && run.run.placement.0.iter().any(is_on)
        };
        live.runs().filter(is_there).map(|run| run.run.id).collect()
    };
    if !in_the_way.is_empty() {
        tracing::info!(
            number = direct.number,
            runs = in_the_way.len(),
            "a job that was handed to Slurm directly has the cards of planned runs: they are planned anew"
        );
        stopping::stop(center, in_the_way, domain::run::StopCause::Preempted);
    }
}

/// How long the cards of such a job may be another's here before planned runs make room.
pub const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_shared_out_evenly() {
        let node = |n: u8| NodeId::from_bytes([n; 16]);
        let all = CardSet::first(8);
        let lens = |free: &[(NodeId, CardSet)], cards| {
            place(free, cards).map(|placed| placed.0.iter().map(|slot| slot.cards.len()).collect::<Vec<_>>())
        };
        assert_eq!(lens(&[(node(1), all), (node(2), all)], 16), Some(vec![8, 8]));
        assert_eq!(lens(&[(node(1), all), (node(2), all)], 5), Some(vec![3, 2]));
        assert_eq!(lens(&[(node(1), all), (node(2), all)], 1), Some(vec![1]));
        assert_eq!(lens(&[(node(1), CardSet::from_bits(0xf0))], 4), Some(vec![4]));
        assert_eq!(lens(&[(node(1), CardSet::from_bits(0xf0))], 5), None);
        assert_eq!(lens(&[], 1), None);
        let only_free = place(&[(node(1), CardSet::from_bits(0xf0))], 2).unwrap();
        assert_eq!(only_free.0[0].cards, CardSet::from_bits(0x30));
    }

    #[test]
    fn names_are_printable() {
        assert_eq!(printable("a\n\u{7}b"), "ab");
        assert_eq!(printable(" \n"), "slurm");
        assert_eq!(printable(&"长".repeat(100)).chars().count(), 64);
    }
}
