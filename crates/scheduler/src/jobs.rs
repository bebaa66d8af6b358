//! The jobs that wait: what is kept of each, and how they come, get in line, and go.

use domain::{JobId, Millis, ServiceClass, Timestamp};

use crate::{
    Block, Gate, Order, Waiting, index,
    planner::{NONE, Planner},
    stream::Entry,
};

/// A job that waits: what in [`Waiting`] is its own. The rest is what it asks for, of which there is one for many jobs.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(crate) class: ServiceClass,
    pub(crate) time_limit: Millis,
    pub(crate) submitted_at: Timestamp,
    pub(crate) tasks: u32,
    /// Few have one, and there are many jobs to go through.
    pub(crate) block: Option<Box<Block>>,
    /// [`NONE`] where its queue is not known.
    pub(crate) account: u32,
    /// [`NONE`] where its queue is not known.
    pub(crate) ask: u32,
    /// It is in its stream.
    pub(crate) is_lined_up: bool,
    /// Runs of others were told to end for it, by then.
    pub(crate) reclaimed_until: Option<Timestamp>,
}

impl Job {
    fn new(waiting: &Waiting, account: u32, ask: u32) -> Self {
        let &Waiting { job, class, time_limit, submitted_at, tasks, block, .. } = waiting;
        Self {
            id: job,
            class,
            time_limit,
            submitted_at,
            tasks,
            block: block.map(Box::new),
            account,
            ask,
            is_lined_up: false,
            reclaimed_until: None,
        }
    }

    /// Whether none of its tasks may start as far as itself is concerned.
    fn is_blocked(&self) -> bool {
        self.tasks == 0 || matches!(self.block.as_deref(), Some(Block::Dependency { .. }))
    }

    /// Its place in line: the same key, limit and ask as `other`, in the same queue.
    fn has_place_of(&self, other: &Self) -> bool {
        (self.ask, self.account, self.class, self.time_limit, self.submitted_at)
            == (other.ask, other.account, other.class, other.time_limit, other.submitted_at)
    }
}

impl Planner {
    /// The first jobs, all at once. Step by step over all of them and stream by stream, since what costs is memory that is far
    /// from that of the job before.
    pub(crate) fn submit_all(&mut self, waiting: &[Waiting]) {
        debug_assert!(self.jobs.len() == 0 && self.job_of.is_none());
        self.jobs.reserve(waiting.len());
        let mut counts = vec![0; self.streams.len()];
        let mut streams = Vec::with_capacity(waiting.len());
        for waiting in waiting {
            let (account, ask) = self.place_of(waiting);
            let job = Job::new(waiting, account, ask);
            // Those of no queue are in no stream.
            let stream = if account == NONE { 0 } else { self.stream_of(&job) };
            counts[stream] += 1;
            streams.push(index(stream));
            self.jobs.insert(job);
        }
        let mut next = 0;
        for (stream, count) in self.streams.iter_mut().zip(&mut counts) {
            stream.reserve(*count);
            (*count, next) = (next, next + *count);
        }
        let mut by_stream = vec![0; streams.len()];
        for (slot, stream) in (0..).zip(streams) {
            let at = &mut counts[stream as usize];
            by_stream[*at] = slot;
            *at += 1;
        }
        for slot in by_stream {
            self.line_up(slot);
        }
    }

    /// The queue of a job and what it asks for there; [`NONE`] where its queue is not known.
    fn place_of(&mut self, waiting: &Waiting) -> (u32, u32) {
        let account = self.account_of.get(&waiting.queue).copied().unwrap_or(NONE);
        let ask = match self.accounts.get(account as usize) {
            Some(account) => self.asks.of(waiting, account.pools, &self.sites),
            None => NONE,
        };
        (account, ask)
    }

    fn take_in(&mut self, job: Job) -> u32 {
        let id = job.id;
        let slot = self.jobs.insert(job);
        if let Some(job_of) = &mut self.job_of {
            job_of.insert(id, slot);
        }
        slot
    }

    /// Where the job is that has this id.
    pub(crate) fn slot_of(&mut self, id: JobId) -> Option<u32> {
        let jobs = &self.jobs;
        let job_of =
            self.job_of.get_or_insert_with(|| jobs.iter().map(|(slot, job)| (job.id, slot)).collect());
        job_of.get(&id).copied()
    }

    pub(crate) fn let_go(&mut self, slot: u32) {
        if let (Some(job), Some(job_of)) = (self.jobs.remove(slot), &mut self.job_of) {
            job_of.remove(&job.id);
        }
    }

    /// A job that waits, new or otherwise than it was: with other tasks, or with nothing in its way any more.
    pub fn submit(&mut self, waiting: &Waiting) {
        let (account, ask) = self.place_of(waiting);
        let new = Job::new(waiting, account, ask);
        self.outlook = None;
        let Some(slot) = self.slot_of(waiting.job) else {
            let slot = self.take_in(new);
            return self.line_up(slot);
        };
        let job = &mut self.jobs[slot];
        let (is_lined_up, reclaimed_until) = (job.is_lined_up, job.reclaimed_until);
        if is_lined_up && new.has_place_of(job) && !new.is_blocked() {
            *job = Job { is_lined_up, reclaimed_until, ..new };
            return;
        }
        self.step_back(slot);
        self.jobs[slot] = Job { reclaimed_until, ..new };
        self.line_up(slot);
    }

    /// A job that waits no more, be it that it was cancelled.
    pub fn withdraw(&mut self, job: JobId) {
        if let Some(slot) = self.slot_of(job) {
            self.step_back(slot);
            self.drop_hold(slot);
            self.let_go(slot);
            self.outlook = None;
        }
    }

    /// How many jobs wait.
    pub fn waiting(&self) -> usize {
        self.jobs.len()
    }

    /// Puts a job into its stream, if it may start as far as itself and its contract's state are concerned.
    pub(crate) fn line_up(&mut self, slot: u32) {
        let job = &self.jobs[slot];
        let Some(account) = self.accounts.get(job.account as usize) else { return };
        let ask = &self.asks.list[job.ask as usize];
        let may = !job.is_blocked() && account.queue.gate == Gate::Open;
        if may && ask.misfit.is_none() && ask.cards <= account.limit {
            let (stream, entry, class) = (self.stream_of(job), self.entry(slot), job.class);
            self.streams[stream].insert(entry);
            if !std::mem::replace(&mut self.is_busy[stream], true) {
                self.busy[class as usize].push(index(stream));
            }
            self.jobs[slot].is_lined_up = true;
        } else {
            self.drop_hold(slot);
        }
    }

    pub(crate) fn step_back(&mut self, slot: u32) {
        if self.jobs[slot].is_lined_up {
            let (stream, entry) = (self.stream_of(&self.jobs[slot]), self.entry(slot));
            let position = self.streams[stream].position(&entry);
            debug_assert!(self.streams[stream].get(position).is_some_and(|of| of.job == slot));
            self.streams[stream].remove(position);
            self.jobs[slot].is_lined_up = false;
        }
    }

    pub(crate) fn stream_of(&self, job: &Job) -> usize {
        match self.policy.order {
            Order::FairShare => job.account as usize * ServiceClass::ALL.len() + job.class as usize,
            Order::Fifo | Order::ShortestFirst => job.class as usize,
        }
    }

    /// Whose jobs a stream has; `None` where it has those of all.
    pub(crate) fn account_of_stream(&self, stream: u32) -> Option<u32> {
        match self.policy.order {
            Order::FairShare => Some(stream / index(ServiceClass::ALL.len())),
            Order::Fifo | Order::ShortestFirst => None,
        }
    }

    pub(crate) fn entry(&self, slot: u32) -> Entry {
        let job = &self.jobs[slot];
        let first = if self.policy.order == Order::ShortestFirst { job.time_limit.0 } else { 0 };
        Entry {
            key: (first, job.submitted_at.as_micros()),
            id: u128::from_be_bytes(*job.id.as_bytes()),
            job: slot,
            ask: job.ask,
            limit: job.time_limit,
        }
    }
}
