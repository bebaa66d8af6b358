//! The plan itself: each job in order starts, or waits for a limit.

use domain::{ContractId, ContractState, JobId, Millis, ServiceClass, Timestamp};

use crate::{
    Block, Certainty, Gate, Limit, Plan, Policy, Snapshot, Start, Trial, Verdict, Waiting, backfill,
    explain::explain,
    order::{Served, Streams},
    quota::Account,
    shape::Shapes,
    site::{Cards, End, Ends, Site, find, sites},
};

/// How many runs a dry run forecasts at least, to find its own start in a long queue.
const TRIAL_FORECAST_RUNS: u32 = 1024;

/// What to start now, and why the rest waits. The same snapshot gives the same plan, whatever the order of its lists.
pub fn plan(snapshot: &Snapshot, policy: &Policy, now: Timestamp) -> Plan {
    Planner::new(snapshot, None, policy, now).run()
}

/// What [`plan`] would decide about `job` if it were waiting too. `job` counts by its own `submitted_at`: give it `now`.
pub fn try_out(snapshot: &Snapshot, policy: &Policy, now: Timestamp, job: &Waiting) -> Trial {
    let policy = Policy { forecast_runs: policy.forecast_runs.max(TRIAL_FORECAST_RUNS), ..*policy };
    let Plan { starts, verdicts } = Planner::new(snapshot, Some(job), &policy, now).run();
    Trial {
        starts_now: starts.into_iter().find(|start| start.job == job.job).map(|start| start.placement),
        verdict: verdicts.into_iter().find(|verdict| verdict.job == job.job),
    }
}

/// A plan in the making.
pub(crate) struct Planner<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) now: Timestamp,
    snapshot: &'a Snapshot,
    waiting: Vec<&'a Waiting>,
    /// Of each job.
    shape_of: Vec<u32>,
    pub(crate) sites: Vec<Site<'a>>,
    /// By contract id.
    pub(crate) accounts: Vec<Account<'a>>,
    pub(crate) shapes: Shapes<'a>,
    ends: Option<Ends>,
    started: Vec<(Timestamp, u32, Cards)>,
    starts: Vec<Start>,
    pub(crate) pending: Vec<Pending<'a>>,
}

/// A job that has had its turn and goes on waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending<'a> {
    pub(crate) job: &'a Waiting,
    pub(crate) shape: u32,
    pub(crate) started: u32,
    /// It waits for cards or for its contract's limit, with so many tasks; 0 if it waits for what is its own matter.
    pub(crate) tasks: u32,
}

/// That of a job whose queue is not in the snapshot.
const NO_SHAPE: u32 = u32::MAX;

impl<'a> Planner<'a> {
    fn new(snapshot: &'a Snapshot, extra: Option<&'a Waiting>, policy: &'a Policy, now: Timestamp) -> Self {
        let mut accounts: Vec<Account> = snapshot.queues.iter().map(Account::new).collect();
        accounts.sort_by_key(|account| account.queue.id);
        let mut planner = Self {
            policy,
            now,
            snapshot,
            waiting: snapshot.waiting.iter().chain(extra).collect(),
            shape_of: Vec::new(),
            sites: sites(&snapshot.nodes),
            shapes: Shapes::new(accounts.len()),
            accounts,
            ends: None,
            started: Vec::new(),
            starts: Vec::new(),
            pending: Vec::new(),
        };
        for run in &snapshot.running {
            if let Some(queue) = queue_index(&planner.accounts, run.queue) {
                let account = &mut planner.accounts[queue as usize];
                account.count(run.placement.card_count(), run.expected_end.max(now));
            }
        }
        planner
    }

    fn run(mut self) -> Plan {
        let mut last = None;
        self.shape_of.reserve_exact(self.waiting.len());
        for &job in &self.waiting {
            let queue = match last {
                Some((id, queue)) if id == job.queue => queue,
                _ => queue_index(&self.accounts, job.queue),
            };
            last = Some((job.queue, queue));
            self.shape_of.push(match queue {
                Some(queue) => self.shapes.of(job, queue, &self.accounts[queue as usize], &self.sites),
                None => NO_SHAPE,
            });
        }
        let waiting = std::mem::take(&mut self.waiting);
        let shapes = &self.shapes.list;
        let queue_of = self.shape_of.iter().map(|&shape| shapes.get(shape as usize).map(|shape| shape.queue));
        let streams = Streams::new(self.accounts.len(), &waiting, queue_of);
        self.pending.reserve_exact(waiting.len());
        for class in ServiceClass::ALL {
            streams.each(
                class,
                &mut self,
                |planner, queue| planner.accounts[queue as usize].standing(planner.policy),
                |planner, index, started| planner.serve(waiting[index as usize], index, started),
            );
        }
        let shape_of = self.shape_of.iter().zip(&waiting);
        let mut strays: Vec<&Waiting> =
            shape_of.filter(|(shape, _)| **shape == NO_SHAPE).map(|(_, job)| *job).collect();
        let mut verdicts = explain(&mut self);
        strays.sort_by_key(|job| (job.class, job.submitted_at, job.job));
        verdicts.extend(strays.into_iter().map(|job| Verdict {
            job: job.job,
            limit: Limit::ContractClosed { state: ContractState::Terminated },
            ahead: 0,
            forecast_start: None,
            certainty: Certainty::Unknown,
        }));
        Plan { starts: self.starts, verdicts }
    }

    /// Starts a run of the job whose turn it is and which has `started` some already, or puts it among those that wait.
    fn serve(&mut self, job: &'a Waiting, index: u32, started: u32) -> Served {
        let shape = self.shape_of[index as usize];
        let startable = match job.block {
            Some(Block::Dependency { .. }) => 0,
            _ => job.tasks - started,
        };
        let queue = self.shapes.list[shape as usize].queue;
        let is_open = self.accounts[queue as usize].queue.gate == Gate::Open;
        let may_start = is_open && self.shapes.list[shape as usize].misfit.is_none();
        if may_start && startable > 0 && self.start(job, shape) {
            return Served::Again;
        }
        if startable > 0 || job.block.is_some() {
            let tasks = if may_start { startable } else { 0 };
            self.pending.push(Pending { job, shape, started, tasks });
        }
        Served::Done
    }

    /// Starts one run of `job`, if its contract and the free cards allow it. Constant where the same shape has failed
    /// before, else a search of the nodes.
    fn start(&mut self, job: &Waiting, index: u32) -> bool {
        let end = self.now.plus(job.time_limit);
        let shape = &mut self.shapes.list[index as usize];
        let account = &mut self.accounts[shape.queue as usize];
        // A job for which nodes are missing must not hold up its queue either.
        if shape.nodes_out.is_some() || crate::hall::index(self.starts.len()) >= self.policy.max_starts {
            return false;
        }
        if account.is_above_limit_with(shape.asked) {
            account.keep_when_ended(job.job, shape.asked);
            return false;
        }
        if account.keeps_from(shape.asked, end).is_some()
            || shape.fails_from.is_some_and(|limit| job.time_limit >= limit)
        {
            return false;
        }
        let place = (shape.nodes, shape.cards_per_node);
        let open = |site: &'_ Site<'_>| site.held.as_ref().is_none_or(|held| held.start >= end);
        let Some(found) = find(&self.sites, &shape.sites, place, |site| site.open_until(end)) else {
            let all_open = shape.sites.iter().all(|&site| open(&self.sites[site as usize]));
            shape.fails_from = Some(if all_open { Millis(i64::MIN) } else { job.time_limit });
            self.hold(job.job, index);
            return false;
        };
        let site = &mut self.sites[found.site as usize];
        site.take(&found.cards);
        account.count(shape.asked, end);
        self.starts.push(Start { job: job.job, placement: site.ground.placement(&found.cards) });
        self.started.push((end, shape.queue, found));
        true
    }

    /// Holds cards for `job`, which found none, unless a site of its holds some already.
    fn hold(&mut self, job: JobId, index: u32) {
        self.note_ends();
        let shape = &mut self.shapes.list[index as usize];
        if shape.was_held || shape.sites.iter().any(|&site| self.sites[site as usize].held.is_some()) {
            return;
        }
        shape.was_held = true;
        let place = (shape.nodes, shape.cards_per_node);
        let ends = self.ends.as_mut().map_or(&[][..], Ends::sorted);
        if let Some(from) = backfill::hold(&mut self.sites, &shape.sites, ends, job, place) {
            self.accounts[shape.queue as usize].keep(job, shape.asked, from);
        }
    }

    /// Brings `ends` up to what was started.
    pub(crate) fn note_ends(&mut self) {
        let ends = self.ends.get_or_insert_with(|| {
            let queue_of = |id| queue_index(&self.accounts, id).unwrap_or(u32::MAX);
            Ends::new(&self.sites, self.snapshot, self.now, queue_of)
        });
        for (at, queue, cards) in self.started.drain(..) {
            ends.add(at, queue, &cards);
        }
    }

    /// When runs end, those that this plan starts included.
    pub(crate) fn ends(&mut self) -> &[End] {
        self.note_ends();
        self.ends.as_mut().map_or(&[], Ends::sorted)
    }
}

fn queue_index(accounts: &[Account], id: ContractId) -> Option<u32> {
    accounts.binary_search_by_key(&id, |account| account.queue.id).ok().map(crate::hall::index)
}
