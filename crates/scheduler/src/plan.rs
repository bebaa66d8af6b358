//! The plan itself: each job in order starts, or waits for a limit.

use std::{cmp::Reverse, collections::BinaryHeap};

use domain::{JobId, Millis, Placement, RunId, ServiceClass, Timestamp};

use crate::{
    Backfill, Order, Plan, Policy, Snapshot, Start, Trial, Waiting,
    account::{Account, Standing},
    hold::Owner,
    index,
    planner::{Planner, Run, Ticket},
    site::{Cards, Quality},
    stream::{Asked, Entry},
};

/// How many runs a dry run forecasts at least, to find its own start in a long queue.
const TRIAL_FORECAST_RUNS: u32 = 1024;

/// With more of them, a stream is gone through rather than searched for who holds cards.
const MANY_HOLDERS: usize = 16;

/// What to start now, and why the rest waits. The same snapshot gives the same plan, whatever the order of its lists.
pub fn plan(snapshot: &Snapshot, policy: &Policy, now: Timestamp) -> Plan {
    let mut planner = Planner::of(snapshot, *policy, now);
    let decisions = planner.plan(now);
    let starts =
        decisions.starts.into_iter().map(|started| Start { job: started.job, placement: started.placement });
    Plan { starts: starts.collect(), preemptions: decisions.preemptions, verdicts: planner.verdicts() }
}

/// What [`plan`] would decide about `job` if it were waiting too. `job` counts by its own `submitted_at`: give it `now`.
pub fn try_out(snapshot: &Snapshot, policy: &Policy, now: Timestamp, job: &Waiting) -> Trial {
    let policy = Policy { forecast_runs: policy.forecast_runs.max(TRIAL_FORECAST_RUNS), ..*policy };
    let mut planner = Planner::of(snapshot, policy, now);
    planner.submit(job);
    let decisions = planner.plan(now);
    Trial {
        starts_now: decisions
            .starts
            .into_iter()
            .find(|start| start.job == job.job)
            .map(|start| start.placement),
        verdict: planner.verdict(job.job),
    }
}

/// What a plan changes.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    /// In the order in which they were decided; an array may be in it several times, once a task.
    pub starts: Vec<Started>,
    pub preemptions: Vec<Preemption>,
}

/// A run to start now. The planner takes it as running from now on.
#[derive(Clone, Debug)]
pub struct Started {
    pub ticket: Ticket,
    pub job: JobId,
    pub cards: u32,
    /// Empty where only cards are counted.
    pub placement: Placement,
    pub expected_end: Timestamp,
}

/// A run to end before its time, so that a queue gets its guaranteed cards back.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Preemption {
    #[serde(skip)]
    pub ticket: Ticket,
    pub run: Option<RunId>,
    pub job: JobId,
    /// Whose job gets the cards.
    pub for_job: JobId,
    /// When it is stopped if it has not ended by itself.
    pub ends_at: Timestamp,
}

/// What became of a job's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Served {
    Started,
    /// It waits, and what it asks for is known not to be there.
    Waits,
    /// It waits, and this was found out just now.
    Failed,
}

/// The turn of a stream: of its standing, then of its oldest job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    standing: Standing,
    key: (i64, i64),
    id: u128,
    stream: u32,
    position: u32,
}

impl Planner {
    /// What to start and to stop at `now`, which must not be before that of the last plan.
    ///
    /// Cost: constant for each queue and for each kind of what is asked for in it; and for each start and each job that is
    /// looked at for the first time, a search.
    pub fn plan(&mut self, now: Timestamp) -> Decisions {
        self.now = self.now.max(now);
        self.stamp += 1;
        self.renew_quotas();
        self.order.clear();
        self.outlook = None;
        let mut decisions = Decisions::default();
        self.keep_promises(&mut decisions);
        for class in ServiceClass::ALL {
            self.plan_class(class, &mut decisions);
        }
        decisions
    }

    /// Jobs to which a start was promised for now, or before, come first.
    fn keep_promises(&mut self, decisions: &mut Decisions) {
        if self.held.is_empty() {
            return;
        }
        for &slot in self.held.keys() {
            self.accounts[self.jobs[slot].account as usize].keep_promises(self.stamp, self.now);
        }
        let is_due = |(&slot, &site): (&u32, &u32)| {
            let hold = self.sites[site as usize].holds.iter().find(|hold| hold.owner == Owner::Job(slot))?;
            (hold.from <= self.now).then_some((
                hold.from,
                self.jobs[slot].submitted_at,
                self.jobs[slot].id,
                slot,
            ))
        };
        let mut due: Vec<_> = self.held.iter().filter_map(is_due).collect();
        due.sort_unstable();
        for (.., slot) in due {
            let entry = self.entry(slot);
            if self.serve(&entry, decisions) == Served::Started {
                self.settle(slot, None);
            }
        }
    }

    fn plan_class(&mut self, class: ServiceClass, decisions: &mut Decisions) {
        let mut turns = BinaryHeap::new();
        let mut busy = std::mem::take(&mut self.busy[class as usize]);
        busy.retain(|&stream| {
            let turn = self.turn(stream, 0);
            turns.extend(turn.map(Reverse));
            self.is_busy[stream as usize] = turn.is_some();
            turn.is_some()
        });
        self.busy[class as usize] = busy;
        let mut gone: Vec<u32> = Vec::new();
        while let Some(Reverse(turn)) = turns.pop() {
            let next = turns.peek().map(|Reverse(next)| *next);
            let stopped_at = self.walk(turn, next, &mut gone, decisions);
            let shift = index(gone.len());
            self.streams[turn.stream as usize].remove_all(&gone);
            gone.clear();
            match stopped_at.and_then(|position| self.turn(turn.stream, position - shift)) {
                Some(next) => turns.push(Reverse(next)),
                None => self.order.push(turn.stream),
            }
        }
    }

    fn turn(&mut self, stream: u32, position: u32) -> Option<Turn> {
        let entry = self.streams[stream as usize].get(position as usize)?;
        let (key, id) = (entry.key, entry.id);
        let standing = self.standing(stream);
        Some(Turn { standing, key, id, stream, position })
    }

    /// Lets the jobs of a stream have their turn, until one starts that changes how its queue stands, or one comes after that
    /// of the `next` stream: then it says the position at which to go on. The positions of those that don't wait any more go
    /// into `gone`.
    fn walk(
        &mut self,
        turn: Turn,
        next: Option<Turn>,
        gone: &mut Vec<u32>,
        decisions: &mut Decisions,
    ) -> Option<u32> {
        let stream = turn.stream;
        let mut position = turn.position;
        // Who holds cards may start on them, whatever others found.
        let last_holder = self.last_holder(stream);
        if self.can_nothing_start(stream) && last_holder.is_none_or(|last| last < position) {
            return None;
        }
        let next = next.filter(|next| next.standing == turn.standing);
        while let Some(&entry) = self.streams[stream as usize].get(position as usize) {
            if next.is_some_and(|next| (entry.key, entry.id) > (next.key, next.id)) {
                return Some(position);
            }
            let is_known = self.has_no_terms
                && self.asks.fails_with(entry.ask, self.stamp, entry.limit)
                && last_holder.is_none_or(|last| last < position);
            if is_known {
                position += 1;
                continue;
            }
            match self.serve(&entry, decisions) {
                Served::Started => {
                    let is_done = self.settle(entry.job, Some(position));
                    gone.extend(is_done.then_some(position));
                    position += u32::from(is_done);
                    if self.policy.order == Order::FairShare {
                        return Some(position);
                    }
                }
                Served::Waits => position += 1,
                Served::Failed => {
                    position += 1;
                    if self.policy.backfill == Backfill::None
                        && self.sites.iter().all(|site| site.held_in.0 == self.stamp)
                    {
                        return None;
                    }
                    self.note_what_is_too_much(stream);
                    if self.can_nothing_start(stream) && last_holder.is_none_or(|last| last < position) {
                        return None;
                    }
                }
            }
        }
        None
    }

    /// Once a job has its promise, what asks for more cards than are free anywhere need not be tried: it finds none, and is
    /// promised none. Where queues have cards of their own it is tried all the same: it may get those back from others.
    fn note_what_is_too_much(&mut self, stream: u32) {
        if self.policy.backfill != Backfill::Easy || !self.has_no_terms {
            return;
        }
        for asked in self.streams[stream as usize].asks() {
            let ask = &self.asks.list[asked.ask as usize];
            // Exclusive nodes that are small are less.
            let cards = ask.nodes().saturating_mul(ask.cards_per_node());
            let is_too_much = |(site, _): &(u32, _)| self.sites[*site as usize].free_cards() < cards;
            let has_promise = |(site, _): &(u32, _)| self.sites[*site as usize].held_in.0 == self.stamp;
            if ask.sites.iter().any(has_promise) && ask.sites.iter().all(is_too_much) {
                self.asks.failed(asked.ask, self.stamp, Millis(i64::MIN));
            }
        }
    }

    /// One task of a job has started. Says whether no other waits that may start too: then it is no longer in line.
    fn settle(&mut self, slot: u32, position: Option<u32>) -> bool {
        self.drop_hold(slot);
        let job = &mut self.jobs[slot];
        job.reclaimed_until = None;
        job.tasks -= 1;
        if let Some(crate::Block::ArrayLimit { running, .. }) = job.block.as_deref_mut() {
            *running += 1;
        }
        if job.tasks > 0 {
            return false;
        }
        if position.is_none() {
            let (stream, entry) = (self.stream_of(&self.jobs[slot]), self.entry(slot));
            let position = self.streams[stream].position(&entry);
            self.streams[stream].remove(position);
        }
        self.jobs[slot].is_lined_up = false;
        if self.jobs[slot].block.is_none() {
            self.let_go(slot);
        }
        true
    }

    /// Whether it is known that no job of a stream can start in this plan, and what is kept for them is.
    fn can_nothing_start(&self, stream: u32) -> bool {
        let account = self.account_of_stream(stream).and_then(|account| self.accounts.get(account as usize));
        let is_blocked = |asked: &Asked| {
            let ask = &self.asks.list[asked.ask as usize];
            let wants_room =
                |account: &Account| account.is_above_limit_with(ask.cards) && !account.has_kept(self.stamp);
            self.asks.fails_with(asked.ask, self.stamp, asked.shortest) && !account.is_some_and(wants_room)
        };
        self.policy.backfill != Backfill::Conservative
            && self.streams[stream as usize].asks().iter().all(is_blocked)
    }

    /// The position of the last job in a stream for which cards are held.
    fn last_holder(&self, stream: u32) -> Option<u32> {
        if self.held.len() > MANY_HOLDERS {
            return Some(u32::MAX);
        }
        let of =
            |slot: &u32| self.jobs[*slot].is_lined_up && self.stream_of(&self.jobs[*slot]) == stream as usize;
        let positions = self
            .held
            .keys()
            .filter(|slot| of(slot))
            .map(|slot| index(self.streams[stream as usize].position(&self.entry(*slot))));
        positions.max()
    }

    /// Starts a run of a job, or finds that it has to wait. Constant where the same ask has failed before, else a search of
    /// the nodes.
    fn serve(&mut self, entry: &Entry, decisions: &mut Decisions) -> Served {
        let (slot, end) = (entry.job, self.end_of(entry.limit));
        let owner = Owner::Job(slot);
        let ask = &self.asks.list[entry.ask as usize];
        let has_hold = !self.held.is_empty() && self.held.contains_key(&slot);
        if ask.nodes_out.is_some() {
            // A job for which nodes are missing must not hold up its queue either.
            self.asks.failed(entry.ask, self.stamp, Millis(i64::MIN));
            return Served::Failed;
        }
        if index(decisions.starts.len()) >= self.policy.max_starts {
            return Served::Waits;
        }
        let account_of = self.jobs[slot].account;
        let account = &mut self.accounts[account_of as usize];
        account.forget_keeps_before(self.stamp);
        if account.is_above_limit_with(ask.cards) {
            account.keep_when_ended(slot, ask.cards, self.now);
            return Served::Waits;
        }
        // What is promised is within the limit, with all else that is.
        if !has_hold && account.keeps_from(slot, ask.cards, end).is_some() {
            return Served::Waits;
        }
        let is_guaranteed = account.is_guaranteed_with(ask.cards);
        let room = self.quotas.as_ref().map_or(i64::MAX, |quotas| quotas.available(account.branch));
        if room < i64::from(ask.cards) {
            if is_guaranteed {
                self.reclaim(entry, decisions);
            }
            return Served::Waits;
        }
        // With conservative backfill each gets a promise of its own, also where it is known that it can't start.
        let gets_promise = self.policy.backfill == Backfill::Conservative;
        if !has_hold && !gets_promise && self.asks.fails_with(entry.ask, self.stamp, entry.limit) {
            if is_guaranteed {
                self.reclaim(entry, decisions);
            }
            return Served::Waits;
        }
        if has_hold && self.is_not_before(slot, entry.ask) {
            self.failed(entry, end);
            let site = self.held[&slot];
            self.sites[site as usize].held_in = (self.stamp, slot);
            return Served::Failed;
        }
        let account = &self.accounts[account_of as usize];
        let room = u32::try_from(room).unwrap_or(u32::MAX).min(account.limit - account.running);
        if let Some(found) = self.find(entry, end, room) {
            self.start(entry, found, end, decisions);
            return Served::Started;
        }
        self.failed(entry, end);
        self.hold(slot, entry, owner);
        if is_guaranteed {
            self.reclaim(entry, decisions);
        }
        Served::Failed
    }

    /// The best cards for a run in any site, of at most `room` cards.
    fn find(&mut self, entry: &Entry, end: Timestamp, room: u32) -> Option<Cards> {
        let owner = Owner::Job(entry.job);
        let ask = &self.asks.list[entry.ask as usize];
        let is_shut = self.policy.backfill == Backfill::None;
        let mut best: Option<(Quality, u32, Cards)> = None;
        for (site, labelled) in &ask.sites {
            let mut need = ask.need(labelled);
            let at = &mut self.sites[*site as usize];
            if is_shut && at.held_in.0 == self.stamp {
                continue;
            }
            let runs = |run: u32| self.runs[run].cards.count;
            if ask.max_nodes() > ask.nodes() {
                let most = at.fitting_until(need, end, owner, runs).min(room / need.search.want.cards.max(1));
                need.nodes = most.clamp(ask.nodes(), ask.max_nodes());
            }
            if let Some((quality, cards)) = at.find(*site, need, (self.now, end), owner, runs) {
                // More nodes where it takes any number of them, then the better place.
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

    fn start(&mut self, entry: &Entry, cards: Cards, end: Timestamp, decisions: &mut Decisions) {
        let job = &self.jobs[entry.job];
        let (count, id) = (cards.count, job.id);
        let run = Run {
            id: None,
            job: id,
            account: job.account,
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
}
