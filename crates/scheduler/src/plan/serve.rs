//! The turn of one job: its run starts, or the job waits.

use std::cmp::Reverse;

use domain::{Millis, Timestamp};

use super::decisions::{Decisions, Started};
use crate::{
    hall::{
        hold::HoldOwner,
        search::{PoolCards, Quality},
    },
    index::index,
    knows::{
        lane::LaneEntry,
        planner::{KnownRun, Planner, Ticket},
    },
    policy::Backfill,
    snapshot::Block,
};

/// The outcome of a job's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    Started,
    /// The job waits, for a reason that says nothing new about its ask.
    Waits,
    /// The job waits, and its ask is newly known to fail.
    Failed,
}

impl Planner {
    /// Starts a run of a job, or finds that the job has to wait. Costs constant time where the same ask has
    /// failed before, else a search of the nodes.
    pub(crate) fn serve(&mut self, entry: &LaneEntry, decisions: &mut Decisions) -> Served {
        let (slot, end) = (entry.job, self.end_of(entry.limit));
        let owner = HoldOwner::Job(slot);
        let ask = &self.asks.list[entry.ask as usize];
        let has_hold = !self.held.is_empty() && self.held.contains_key(&slot);
        if ask.nodes_out.is_some() {
            // A job for which nodes are missing must not hold up its queue.
            self.asks.note_failure(entry.ask, self.plan_number, Millis(i64::MIN));
            return Served::Failed;
        }
        if index(decisions.starts.len()) >= self.policy.max_starts {
            return Served::Waits;
        }
        let queue_at = self.jobs[slot].queue;
        let queue = &mut self.queues[queue_at as usize];
        queue.forget_keeps_before(self.plan_number);
        if queue.is_above_limit_with(ask.cards) {
            queue.keep_when_ended(slot, ask.cards, self.now);
            return Served::Waits;
        }
        // A promised start fits within the limit together with all that runs, so its holder needs no check.
        if !has_hold && queue.keeps_from(slot, ask.cards, end).is_some() {
            return Served::Waits;
        }
        let is_guaranteed = queue.is_guaranteed_with(ask.cards);
        let room = self.quotas.as_ref().map_or(i64::MAX, |quotas| quotas.available(queue.branch));
        if room < i64::from(ask.cards) {
            if is_guaranteed {
                self.reclaim(entry, decisions);
            }
            return Served::Waits;
        }
        // With conservative backfill each job gets a promise of its own, also where it is known that the job
        // can't start.
        let gets_promise = self.policy.backfill == Backfill::Conservative;
        if !has_hold && !gets_promise && self.asks.fails_with(entry.ask, self.plan_number, entry.limit) {
            if is_guaranteed {
                self.reclaim(entry, decisions);
            }
            return Served::Waits;
        }
        if has_hold && self.is_not_before(slot, entry.ask) {
            self.note_failure(entry, end);
            let card_pool = self.held[&slot];
            self.card_pools[card_pool as usize].held_in = (self.plan_number, slot);
            return Served::Failed;
        }
        let queue = &self.queues[queue_at as usize];
        let room = u32::try_from(room).unwrap_or(u32::MAX).min(queue.limit - queue.running);
        if let Some(found) = self.find(entry, end, room) {
            self.start(entry, found, end, decisions);
            return Served::Started;
        }
        self.note_failure(entry, end);
        self.hold(slot, entry, owner);
        if is_guaranteed {
            self.reclaim(entry, decisions);
        }
        Served::Failed
    }

    /// The best cards for a run in any card pool, `room` at most.
    fn find(&mut self, entry: &LaneEntry, end: Timestamp, room: u32) -> Option<PoolCards> {
        let owner = HoldOwner::Job(entry.job);
        let ask = &self.asks.list[entry.ask as usize];
        let is_shut = self.policy.backfill == Backfill::None;
        let mut best: Option<(Quality, u32, PoolCards)> = None;
        for (card_pool, labelled) in &ask.card_pools {
            let mut need = ask.need(labelled);
            let at = &mut self.card_pools[*card_pool as usize];
            if is_shut && at.held_in.0 == self.plan_number {
                continue;
            }
            let runs = |run: u32| self.runs[run].cards.count;
            if ask.max_nodes() > ask.nodes() {
                let most =
                    at.fitting_until(need, end, owner, runs).min(room / need.search.per_node.cards.max(1));
                need.nodes = most.clamp(ask.nodes(), ask.max_nodes());
            }
            if let Some((quality, cards)) = at.find(*card_pool, need, (self.now, end), owner, runs) {
                // An elastic run takes as many nodes as it can; then the better place counts.
                let is_better = best.as_ref().is_none_or(|(other, nodes, _)| {
                    (Reverse(need.nodes), quality) < (Reverse(*nodes), *other)
                });
                if is_better {
                    best = Some((quality, need.nodes, cards));
                }
            }
        }
        best.map(|(.., cards)| cards)
    }

    fn start(&mut self, entry: &LaneEntry, cards: PoolCards, end: Timestamp, decisions: &mut Decisions) {
        let job = &self.jobs[entry.job];
        let (count, id) = (cards.count, job.id);
        let run = KnownRun {
            id: None,
            job: id,
            queue: job.queue,
            class: job.class,
            started_at: self.now,
            end,
            is_preempted: false,
            cards,
        };
        self.drop_hold(entry.job);
        let placement = self.placement(&run.cards);
        let ticket = Ticket(self.begin(run));
        decisions.starts.push(Started { ticket, job: id, cards: count, placement, expected_end: end });
    }

    /// Notes that a task of a job has started. Says whether the job has no other task that may start; then it
    /// is in no lane any more.
    pub(crate) fn task_started(&mut self, slot: u32, position: Option<u32>) -> bool {
        self.drop_hold(slot);
        let job = &mut self.jobs[slot];
        job.reclaimed_until = None;
        job.tasks -= 1;
        if let Some(Block::ArrayLimit { running, .. }) = job.block.as_deref_mut() {
            *running += 1;
        }
        if job.tasks > 0 {
            return false;
        }
        if position.is_none() {
            let (lane, entry) = (self.lane_of(&self.jobs[slot]), self.entry(slot));
            let position = self.lanes[lane].position(&entry);
            self.lanes[lane].remove(position);
        }
        self.jobs[slot].is_in_lane = false;
        if self.jobs[slot].block.is_none() {
            self.remove_job(slot);
        }
        true
    }
}
