//! How jobs come, enter a lane, leave it and go.

use domain::{JobId, ServiceClass};

use super::{
    job::WaitingJob,
    lane::LaneEntry,
    planner::{NONE, Planner},
};
use crate::{
    index::index,
    policy::Order,
    snapshot::{Gate, Waiting},
};

impl Planner {
    /// Takes in the first jobs, all at once. Goes through them step by step and lane by lane, since most of
    /// the cost is memory that is far from that of the job before.
    pub(crate) fn submit_all(&mut self, waiting: &[Waiting]) {
        debug_assert!(self.jobs.len() == 0 && self.job_of.is_none());
        self.jobs.reserve(waiting.len());
        let mut counts = vec![0; self.lanes.len()];
        let mut lanes = Vec::with_capacity(waiting.len());
        for waiting in waiting {
            let (queue, ask) = self.queue_and_ask_of(waiting);
            let job = WaitingJob::new(waiting, queue, ask);
            // Jobs whose queue is not known enter no lane.
            let lane = if queue == NONE { 0 } else { self.lane_of(&job) };
            counts[lane] += 1;
            lanes.push(index(lane));
            self.jobs.insert(job);
        }
        let mut next = 0;
        for (lane, count) in self.lanes.iter_mut().zip(&mut counts) {
            lane.reserve(*count);
            (*count, next) = (next, next + *count);
        }
        let mut by_lane = vec![0; lanes.len()];
        for (slot, lane) in (0..).zip(lanes) {
            let at = &mut counts[lane as usize];
            by_lane[*at] = slot;
            *at += 1;
        }
        for slot in by_lane {
            self.enter_lane(slot);
        }
    }

    /// The queue of a job and its ask there; [`NONE`] where the queue is not known.
    fn queue_and_ask_of(&mut self, waiting: &Waiting) -> (u32, u32) {
        let queue = self.queue_at.get(&waiting.queue).copied().unwrap_or(NONE);
        let ask = match self.queues.get(queue as usize) {
            Some(queue) => self.asks.of(waiting, queue.pools[waiting.class as usize], &self.card_pools),
            None => NONE,
        };
        (queue, ask)
    }

    fn insert_job(&mut self, job: WaitingJob) -> u32 {
        let id = job.id;
        let slot = self.jobs.insert(job);
        if let Some(job_of) = &mut self.job_of {
            job_of.insert(id, slot);
        }
        slot
    }

    /// The slot of the job with this id.
    pub(crate) fn slot_of(&mut self, id: JobId) -> Option<u32> {
        let jobs = &self.jobs;
        let job_of =
            self.job_of.get_or_insert_with(|| jobs.iter().map(|(slot, job)| (job.id, slot)).collect());
        job_of.get(&id).copied()
    }

    pub(crate) fn remove_job(&mut self, slot: u32) {
        if let (Some(job), Some(job_of)) = (self.jobs.remove(slot), &mut self.job_of) {
            job_of.remove(&job.id);
        }
    }

    /// Takes in a job that waits, or what has changed about it: its tasks, or that nothing blocks it any
    /// more.
    pub fn submit(&mut self, waiting: &Waiting) {
        let (queue, ask) = self.queue_and_ask_of(waiting);
        let new = WaitingJob::new(waiting, queue, ask);
        self.outlook = None;
        let Some(slot) = self.slot_of(waiting.job) else {
            let slot = self.insert_job(new);
            return self.enter_lane(slot);
        };
        let job = &mut self.jobs[slot];
        let (is_in_lane, reclaimed_until) = (job.is_in_lane, job.reclaimed_until);
        if is_in_lane && new.has_same_place_as(job) && !new.is_blocked() {
            *job = WaitingJob { is_in_lane, reclaimed_until, ..new };
            return;
        }
        self.leave_lane(slot);
        self.jobs[slot] = WaitingJob { reclaimed_until, ..new };
        self.enter_lane(slot);
    }

    /// Forgets a job that does not wait any more.
    pub fn withdraw(&mut self, job: JobId) {
        if let Some(slot) = self.slot_of(job) {
            self.leave_lane(slot);
            self.drop_hold(slot);
            self.remove_job(slot);
            self.outlook = None;
        }
    }

    /// Puts a job into its lane, if the job itself and its contract's state let it start.
    pub(crate) fn enter_lane(&mut self, slot: u32) {
        let job = &self.jobs[slot];
        let Some(queue) = self.queues.get(job.queue as usize) else { return };
        let ask = &self.asks.list[job.ask as usize];
        let may = !job.is_blocked() && queue.told.gate == Gate::Open;
        if may && ask.misfit.is_none() && ask.cards <= queue.limit {
            let (lane, entry, class) = (self.lane_of(job), self.entry(slot), job.class);
            self.lanes[lane].insert(entry);
            if !std::mem::replace(&mut self.is_lane_busy[lane], true) {
                self.busy_lanes[class as usize].push(index(lane));
            }
            self.jobs[slot].is_in_lane = true;
        } else {
            self.drop_hold(slot);
        }
    }

    pub(crate) fn leave_lane(&mut self, slot: u32) {
        if self.jobs[slot].is_in_lane {
            let (lane, entry) = (self.lane_of(&self.jobs[slot]), self.entry(slot));
            let position = self.lanes[lane].position(&entry);
            debug_assert!(self.lanes[lane].get(position).is_some_and(|of| of.job == slot));
            self.lanes[lane].remove(position);
            self.jobs[slot].is_in_lane = false;
        }
    }

    pub(crate) fn lane_of(&self, job: &WaitingJob) -> usize {
        match self.policy.order {
            Order::FairShare => job.queue as usize * ServiceClass::ALL.len() + job.class as usize,
            Order::Fifo | Order::ShortestFirst => job.class as usize,
        }
    }

    /// The queue whose jobs a lane has; `None` where it has those of all queues.
    pub(crate) fn queue_of_lane(&self, lane: u32) -> Option<u32> {
        match self.policy.order {
            Order::FairShare => Some(lane / index(ServiceClass::ALL.len())),
            Order::Fifo | Order::ShortestFirst => None,
        }
    }

    pub(crate) fn entry(&self, slot: u32) -> LaneEntry {
        let job = &self.jobs[slot];
        let first = if self.policy.order == Order::ShortestFirst { job.time_limit.0 } else { 0 };
        LaneEntry {
            key: (first, job.submitted_at.as_micros()),
            id: u128::from_be_bytes(*job.id.as_bytes()),
            job: slot,
            ask: job.ask,
            limit: job.time_limit,
        }
    }
}
