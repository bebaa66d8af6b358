//! For each job that waits, the limit that binds it as of the last plan.

use domain::{ContractState, JobId, PoolId, ServiceClass, Timestamp};

use super::verdict::{Certainty, Verdict};
use crate::{
    hall::hold::HoldOwner,
    index::index,
    knows::{
        job::WaitingJob,
        lane::{Lane, LaneEntry},
        outlook::Outlook,
        planner::{NONE, Planner},
    },
    limit::{Limit, Misfit},
    policy::Backfill,
    snapshot::{Block, DiskShortage, Gate},
};

impl Planner {
    /// Why a job waits, as of the last plan; `None` if the job is not known. The first verdict after a change
    /// costs a forecast, the others constant time.
    pub fn verdict(&mut self, job: JobId) -> Option<Verdict> {
        let slot = self.slot_of(job)?;
        let mut outlook = self.outlook.take().unwrap_or_else(|| self.look_ahead());
        let verdict = self.judge(slot, &mut outlook);
        self.outlook = Some(outlook);
        Some(verdict)
    }

    /// One verdict for every job that waits, in planning order. Linear in the jobs.
    pub fn verdicts(&mut self) -> Vec<Verdict> {
        let mut outlook = self.outlook.take().unwrap_or_else(|| self.look_ahead());
        let mut aside = self.outside_of_lanes(&outlook).into_iter().peekable();
        let mut verdicts = Vec::with_capacity(self.jobs.len());
        for &lane in &self.order {
            let rank = outlook.rank[lane as usize];
            let class = class_of(lane);
            let before = outlook.ahead[lane as usize];
            let queue = self.queue_of_lane(lane);
            for (position, entry) in (0..).zip(self.lanes[lane as usize].entries()) {
                while let Some((_, slot)) = aside.next_if(|(key, _)| *key < (class, rank, *entry)) {
                    verdicts.push(self.judge(slot, &mut outlook));
                }
                verdicts.push(self.judge_in_lane(entry, queue, &mut outlook, before + position));
            }
        }
        let strays = aside.map(|(_, slot)| slot).collect::<Vec<_>>();
        verdicts.extend(strays.into_iter().map(|slot| self.judge(slot, &mut outlook)));
        self.outlook = Some(outlook);
        verdicts
    }

    /// Jobs that are in no lane, in the planning order that they would have. Linear in the jobs, if there are
    /// any such.
    fn outside_of_lanes(&self, outlook: &Outlook) -> Vec<((ServiceClass, u32, LaneEntry), u32)> {
        let lined_up: usize = self.lanes.iter().map(Lane::len).sum();
        if lined_up == self.jobs.len() {
            return Vec::new();
        }
        let key = |(slot, job): (u32, &WaitingJob)| {
            let lane = if job.queue == NONE { NONE } else { index(self.lane_of(job)) };
            let rank = outlook.rank.get(lane as usize).copied().unwrap_or(NONE);
            ((job.class, rank, self.entry(slot)), slot)
        };
        let mut aside: Vec<_> = self.jobs.iter().filter(|(_, job)| !job.is_in_lane).map(key).collect();
        aside.sort_unstable();
        aside
    }

    fn look_ahead(&mut self) -> Outlook {
        let count = self.lanes.len();
        let mut outlook = Outlook { ahead: vec![0; count], rank: vec![NONE; count], ..Outlook::default() };
        // Jobs have come to lanes that were empty at the last plan.
        let mut is_known = vec![false; count];
        self.order.iter().for_each(|&lane| is_known[lane as usize] = true);
        let is_new = |lane: &u32| !is_known[*lane as usize] && self.lanes[*lane as usize].len() > 0;
        self.order.extend((0..index(count)).filter(is_new));
        self.order.sort_by_key(|&lane| class_of(lane));
        let mut ahead = 0;
        for (rank, &lane) in (0..).zip(&self.order) {
            outlook.ahead[lane as usize] = ahead;
            outlook.rank[lane as usize] = rank;
            ahead += index(self.lanes[lane as usize].len());
        }
        outlook.forecasts = self.forecast();
        outlook
    }

    fn judge(&self, slot: u32, outlook: &mut Outlook) -> Verdict {
        let job = &self.jobs[slot];
        let id = job.id;
        if job.queue == NONE {
            let limit = Limit::ContractClosed { state: ContractState::Terminated };
            return Verdict { job: id, limit, ahead: 0, forecast_start: None, certainty: Certainty::Unknown };
        }
        let (lane, entry) = (self.lane_of(job), self.entry(slot));
        let ahead = outlook.ahead[lane] + index(self.lanes[lane].position(&entry));
        if !job.is_in_lane {
            let limit = self.own_limit(slot);
            return Verdict { job: id, limit, ahead, forecast_start: None, certainty: Certainty::Unknown };
        }
        self.judge_in_lane(&entry, Some(job.queue), outlook, ahead)
    }

    /// The verdict on a job in a lane, by its entry there: with many jobs, most of the cost is to fetch each
    /// job from memory.
    fn judge_in_lane(
        &self,
        entry: &LaneEntry,
        queue: Option<u32>,
        outlook: &mut Outlook,
        ahead: u32,
    ) -> Verdict {
        let slot = entry.job;
        let queue = queue.unwrap_or_else(|| self.jobs[slot].queue);
        let promise = self.promised_start(slot).filter(|_| self.policy.forecast_runs > 0);
        let limit = self.shared_limit(entry, queue, outlook, ahead);
        let (forecast_start, certainty) = match (promise, outlook.forecasts.get(&slot)) {
            (Some(start), _) => (Some(start), Certainty::Exact),
            (None, Some(&start)) => (Some(start), Certainty::Estimate),
            (None, None) => (None, Certainty::Unknown),
        };
        let job = JobId::from_bytes(entry.id.to_be_bytes());
        Verdict { job, limit, ahead, forecast_start, certainty }
    }

    /// The jobs to which a start is promised, each with its latest start. Linear in these jobs.
    pub fn promises(&self) -> impl Iterator<Item = (JobId, Timestamp)> {
        self.held.keys().filter_map(|slot| Some((self.jobs[*slot].id, self.promised_start(*slot)?)))
    }

    /// The latest start of a job for which cards are held.
    pub(crate) fn promised_start(&self, slot: u32) -> Option<Timestamp> {
        let card_pool = self.held.get(&slot)?;
        let mut holds = self.card_pools[*card_pool as usize].holds.iter();
        holds.find(|hold| hold.owner == HoldOwner::Job(slot)).map(|hold| hold.from.max(self.now))
    }

    /// The limit in the job itself or in its contract.
    fn own_limit(&self, slot: u32) -> Limit {
        let job = &self.jobs[slot];
        let (ask, queue) = (&self.asks.list[job.ask as usize], &self.queues[job.queue as usize]);
        let is_of_class = |(class, _): &(ServiceClass, PoolId)| *class == job.class;
        if ask.card_pools.is_empty() && queue.told.unpriced.iter().any(is_of_class) {
            return Limit::NoPrice { class: job.class };
        }
        let is_above = ask.cards > queue.limit;
        let above = is_above.then_some(Misfit::AboveContractLimit { limit: queue.limit });
        if let Some(why) = ask.misfit.clone().or(above) {
            return Limit::NeverFits { nodes: ask.nodes(), cards_per_node: ask.cards_per_node(), why };
        }
        match queue.told.gate {
            Gate::Closed(state) => return Limit::ContractClosed { state },
            Gate::Ended => return Limit::ContractClosed { state: ContractState::Expired },
            Gate::NotYet { starts_at } => return Limit::ContractNotStarted { starts_at },
            Gate::DiskFull(DiskShortage { free_mib, floor_mib }) => {
                return Limit::DiskFull { free_mib, floor_mib };
            }
            Gate::Open => {}
        }
        match job.block.as_deref().copied() {
            Some(Block::Budget(budget)) => Limit::BudgetUsedUp { budget, stands: None },
            Some(Block::Dependency { waits_for, first }) => Limit::Dependency { waits_for, first },
            Some(Block::ArrayLimit { running, limit }) => Limit::ArrayLimit { running, limit },
            None => Limit::ArrayLimit { running: 0, limit: 0 },
        }
    }

    /// The limit in the cards that others have or are promised. Constant once the ask of the job was looked
    /// at.
    fn shared_limit(&self, entry: &LaneEntry, queue: u32, outlook: &mut Outlook, ahead: u32) -> Limit {
        let (slot, end) = (entry.job, self.end_of(entry.limit));
        let ask = &self.asks.list[entry.ask as usize];
        let queue = &self.queues[queue as usize];
        let is_promised = self.held.contains_key(&slot);
        if let Some(limit) = &ask.nodes_out {
            return limit.clone();
        }
        if queue.is_above_limit_with(ask.cards) {
            return Limit::MaxRunningCards { running: queue.running, asked: ask.cards, limit: queue.limit };
        }
        if is_promised && let Some(until) = self.jobs[slot].reclaimed_until {
            return Limit::Reclaiming { asked: ask.cards, until };
        }
        if !is_promised
            && let Some(job) = queue.keeps_from(slot, ask.cards, end)
            && let Some(job) = self.planned(job)
        {
            return Limit::Behind { job, ahead };
        }
        // Guaranteed cards that are lent come back by reclaim, so that their quota does not bind.
        if let Some(quotas) = self.quotas.as_ref().filter(|_| !queue.is_guaranteed_with(ask.cards)) {
            let available = u32::try_from(quotas.available(queue.branch)).unwrap_or(0);
            let are_free = |(card_pool, labelled): &(u32, Box<[bool]>)| {
                self.card_pools[*card_pool as usize].fitting(ask.need(labelled)) >= ask.nodes()
            };
            if available < ask.cards && ask.card_pools.iter().any(are_free) {
                return Limit::KeptForOthers { available, asked: ask.cards };
            }
        }
        let met = |card_pool: u32| {
            let holds = &self.card_pools[card_pool as usize].holds;
            holds.iter().filter(|hold| hold.from < end && hold.owner != HoldOwner::Job(slot)).count()
        };
        let met = index(ask.card_pools.iter().map(|(card_pool, _)| met(*card_pool)).sum());
        let limit = outlook.limits.entry((entry.ask, met)).or_insert_with(|| self.card_limit(entry, end));
        match limit {
            Limit::Behind { job, .. } => Limit::Behind { job: *job, ahead },
            limit => limit.clone(),
        }
    }

    /// The job in a slot, if the planner lets it start. The slot may be that of a job for which an earlier plan kept room,
    /// and which has left or can't start any more since.
    fn planned(&self, slot: u32) -> Option<JobId> {
        self.jobs.get(slot).filter(|job| job.is_in_lane).map(|job| job.id)
    }

    /// The limit in the free cards.
    fn card_limit(&self, entry: &LaneEntry, end: Timestamp) -> Limit {
        let slot = entry.job;
        let ask = &self.asks.list[entry.ask as usize];
        let mut behind = None;
        let mut most = (0, 0);
        for (card_pool, labelled) in &ask.card_pools {
            let need = ask.need(labelled);
            let at = &self.card_pools[*card_pool as usize];
            let fitting = at.fitting(need);
            most = most.max((at.free_cards(), fitting));
            if fitting < need.nodes {
                continue;
            }
            let runs = |run: u32| self.runs[run].cards.count;
            let is_shut = self.policy.backfill == Backfill::None && at.held_in.0 == self.plan_number;
            if !is_shut && at.fitting_until(need, end, HoldOwner::Job(slot), runs) >= need.nodes {
                return Limit::MaxStarts { limit: self.policy.max_starts };
            }
            let held = at.holds.iter().filter(|hold| hold.from < end).map(|hold| hold.owner);
            let owners = held.chain(is_shut.then_some(HoldOwner::Job(at.held_in.1)));
            for owner in owners {
                match owner {
                    HoldOwner::Job(of) if of != slot => {
                        let job = self.planned(of).map(|job| Limit::Behind { job, ahead: 0 });
                        behind = behind.or(job);
                    }
                    HoldOwner::Maintenance(rank) => {
                        let from = at
                            .holds
                            .iter()
                            .find(|hold| hold.owner == HoldOwner::Maintenance(rank))
                            .map(|hold| hold.from);
                        behind = behind.or(from.map(|from| Limit::Maintenance { from }));
                    }
                    HoldOwner::Job(_) => {}
                }
            }
        }
        if let Some(limit) = behind {
            return limit;
        }
        let ((free, nodes_fitting), asked) = (most, ask.cards);
        if free < asked {
            Limit::FreeCards { free, asked }
        } else {
            Limit::Fragmented { free, asked, nodes_fitting, nodes_needed: ask.nodes() }
        }
    }
}

fn class_of(lane: u32) -> ServiceClass {
    ServiceClass::ALL[lane as usize % ServiceClass::ALL.len()]
}
