//! A queue as the planner keeps it: the cards that it runs and may run, its past use, and the room kept for
//! its own jobs.

use std::cmp::Ordering;

use domain::{CardMs, PoolId, QueueTerms, ServiceClass, Timestamp};

use super::{ask::PoolsByClass, use_decay::DecayedUse};
use crate::{
    policy::Policy,
    snapshot::{Gate, Queue},
};

#[derive(Debug)]
pub(crate) struct QueueState {
    pub(crate) told: Queue,
    /// The most cards that the queue may have running.
    pub(crate) limit: u32,
    pub(crate) running: u32,
    used: DecayedUse,
    /// The use between `used.as_of` and `counted_to`, not faded yet.
    fresh: CardMs,
    counted_to: Timestamp,
    /// The queue's runs: end, cards, slot.
    ends: Vec<(Timestamp, u32, u32)>,
    keeps: Vec<Keep>,
    /// The queue's jobs to which a start is promised: slot, cards, start.
    promised: Vec<(u32, u32, Timestamp)>,
    /// One of the keeps is for a job that the limit holds back.
    keeps_for_limit: bool,
    /// The number of the plan that made the keeps.
    plan_number: u64,
    /// The queue's branch in the tree of quotas.
    pub(crate) branch: u32,
    /// The pools that its jobs may use.
    pub(crate) pools: PoolsByClass,
}

/// A part of the limit that is kept for a job from an instant on, so that a job that the limit holds back
/// does not starve behind smaller jobs of its own queue.
#[derive(Clone, Copy, Debug)]
struct Keep {
    job: u32,
    from: Timestamp,
    /// How many cards other runs that go on beyond `from` may still take.
    spare: u32,
}

/// How often use is faded in a half-life. Between two fadings new use counts in full.
const FADINGS_PER_HALF_LIFE: i64 = 1024;

impl QueueState {
    pub(crate) fn new(told: Queue, pools: PoolsByClass, now: Timestamp) -> Self {
        let mut queue = Self {
            limit: 0,
            running: 0,
            used: DecayedUse::default(),
            fresh: CardMs::ZERO,
            counted_to: now,
            ends: Vec::new(),
            keeps: Vec::new(),
            promised: Vec::new(),
            keeps_for_limit: false,
            plan_number: 0,
            branch: 0,
            pools,
            told,
        };
        queue.renew(now);
        queue
    }

    /// Takes over the terms in `told`, and the use there as that of `now`.
    pub(crate) fn renew(&mut self, now: Timestamp) {
        self.limit = running_limit(&self.told.terms);
        self.used = DecayedUse { value: self.told.use_card_ms, as_of: now };
        self.fresh = CardMs::ZERO;
        self.counted_to = now;
    }

    /// The cards that are kept for the queue or lent by it: none where no job of it may start, so that what nobody can use
    /// is everybody's.
    pub(crate) fn guaranteed(&self) -> u32 {
        let has_price = |pool: &PoolId| {
            ServiceClass::ALL.into_iter().any(|class| !self.told.unpriced.contains(&(class, *pool)))
        };
        let may_start = self.told.gate == Gate::Open && self.told.pools.iter().any(has_price);
        if may_start { self.told.terms.guaranteed_cards } else { 0 }
    }

    /// Counts the use of the running cards up to `now`.
    fn count_use(&mut self, now: Timestamp) {
        if now > self.counted_to {
            self.fresh.0 = self.fresh.0.saturating_add(CardMs::of(self.running, self.counted_to, now).0);
            self.counted_to = now;
        }
    }

    /// Counts a run that holds `cards` until `end`.
    pub(crate) fn begin(&mut self, run: u32, cards: u32, end: Timestamp, now: Timestamp) {
        self.count_use(now);
        self.running = self.running.saturating_add(cards);
        self.ends.push((end, cards, run));
        for keep in self.keeps.iter_mut().filter(|keep| keep.from < end) {
            keep.spare = keep.spare.saturating_sub(cards);
        }
    }

    /// Linear in the queue's runs.
    pub(crate) fn end(&mut self, run: u32, now: Timestamp) {
        self.count_use(now);
        if let Some(i) = self.ends.iter().rposition(|&(.., of)| of == run) {
            self.running -= self.ends.swap_remove(i).1;
        }
    }

    /// Moves the end of a run to `end`.
    pub(crate) fn set_end(&mut self, run: u32, end: Timestamp) {
        if let Some(of) = self.ends.iter_mut().find(|&&mut (.., of)| of == run) {
            of.0 = end;
        }
    }

    pub(crate) fn is_above_limit_with(&self, asked: u32) -> bool {
        self.running.saturating_add(asked) > self.limit
    }

    /// Whether the queue would stay within its guaranteed cards with a run of `asked` cards more.
    pub(crate) fn is_guaranteed_with(&self, asked: u32) -> bool {
        self.running.saturating_add(asked) <= self.told.terms.guaranteed_cards
    }

    /// Forgets the keeps of earlier plans.
    pub(crate) fn forget_keeps_before(&mut self, plan_number: u64) {
        if self.plan_number != plan_number {
            self.plan_number = plan_number;
            self.keeps.clear();
            self.keeps_for_limit = false;
        }
    }

    /// Whether this plan has kept room for a job that the limit holds back.
    pub(crate) fn has_kept(&self, plan_number: u64) -> bool {
        self.plan_number == plan_number && self.keeps_for_limit
    }

    /// Another job for which the queue keeps the room that `job` would take with `asked` cards until `end`.
    pub(crate) fn keeps_from(&self, job: u32, asked: u32, end: Timestamp) -> Option<u32> {
        let mut against = self.keeps.iter().filter(|keep| keep.from < end && keep.spare < asked);
        against.find(|keep| keep.job != job).map(|keep| keep.job)
    }

    /// Keeps room for `job`, the first of the queue that the limit holds back, from when enough of the
    /// queue's runs have ended. Done once a plan; costs r log r in the queue's runs.
    pub(crate) fn keep_when_ended(&mut self, job: u32, asked: u32, now: Timestamp) {
        if self.keeps_for_limit || asked > self.limit {
            return;
        }
        self.keeps_for_limit = true;
        self.ends.sort_unstable();
        let mut running = self.running;
        for &(end, cards, _) in &self.ends {
            running = running.saturating_sub(cards);
            if running.saturating_add(asked) <= self.limit {
                return self.keep(job, asked, end.max(now), now);
            }
        }
    }

    /// The cards that are promised to other jobs than `job`.
    fn promised_besides(&self, job: u32) -> u32 {
        let others = self.promised.iter().filter(|(of, ..)| *of != job);
        others.fold(0, |sum: u32, (_, cards, _)| sum.saturating_add(*cards))
    }

    /// Whether a start can be promised to `job`: the limit must hold it together with all running and
    /// promised cards.
    pub(crate) fn may_promise(&self, job: u32, asked: u32) -> bool {
        let taken = self.running.saturating_add(self.promised_besides(job));
        taken.saturating_add(asked) <= self.limit
    }

    /// Notes that a start is promised to `job`, and keeps room for it.
    pub(crate) fn promise(&mut self, job: u32, cards: u32, from: Timestamp, now: Timestamp) {
        self.forget_promise(job);
        self.promised.push((job, cards, from));
        self.keeps.retain(|keep| keep.job != job);
        self.keep(job, cards, from, now);
    }

    pub(crate) fn forget_promise(&mut self, job: u32) {
        self.promised.retain(|(of, ..)| *of != job);
    }

    /// Keeps room for all jobs to which a start is promised, at the beginning of a plan.
    pub(crate) fn keep_promises(&mut self, plan_number: u64, now: Timestamp) {
        if self.plan_number == plan_number || self.limit == u32::MAX {
            return;
        }
        self.forget_keeps_before(plan_number);
        for (job, cards, from) in self.promised.clone() {
            self.keep(job, cards, from.max(now), now);
        }
    }

    /// Keeps room for `job` from `from` on.
    fn keep(&mut self, job: u32, asked: u32, from: Timestamp, now: Timestamp) {
        let asked = asked.saturating_add(self.promised_besides(job));
        let then = self.ends.iter().filter(|(end, ..)| (*end).max(now) > from).map(|(_, cards, _)| cards);
        let taken = then.fold(asked, |sum, cards| sum.saturating_add(*cards));
        self.keeps.push(Keep { job, from, spare: self.limit.saturating_sub(taken) });
    }

    /// Where the queue stands among others at `now`.
    pub(crate) fn standing(&mut self, policy: &Policy, now: Timestamp) -> QueueStanding {
        self.count_use(now);
        if now.since(self.used.as_of).0 >= (policy.use_half_life.0 / FADINGS_PER_HALF_LIFE).max(1) {
            self.used = self.used.add(self.fresh, now, policy.use_half_life);
            self.fresh = CardMs::ZERO;
        }
        let penalty = i128::from(self.running) * i128::from(policy.entry_penalty.0);
        QueueStanding {
            has_guaranteed: self.running >= self.told.terms.guaranteed_cards,
            used: i128::from(self.used.value.0) + i128::from(self.fresh.0) + penalty,
            weight: self.told.terms.weight.max(1),
        }
    }
}

/// The most cards that a queue with these terms may have running.
pub(crate) fn running_limit(terms: &QueueTerms) -> u32 {
    let borrowable = terms.borrowing_limit.map(|limit| terms.guaranteed_cards.saturating_add(limit));
    terms.max_running_cards.min(borrowable.unwrap_or(u32::MAX))
}

/// Where a queue stands among others: queues below their guaranteed cards come first, then those with the
/// least use over weight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueStanding {
    has_guaranteed: bool,
    used: i128,
    weight: u32,
}

impl QueueStanding {
    /// The standing of all queues where queues don't matter.
    pub(crate) const EQUAL: Self = Self { has_guaranteed: false, used: 0, weight: 1 };
}

impl Ord for QueueStanding {
    fn cmp(&self, other: &Self) -> Ordering {
        // Compares used / weight without dividing.
        let (own, others) = (self.used * i128::from(other.weight), other.used * i128::from(self.weight));
        self.has_guaranteed.cmp(&other.has_guaranteed).then(own.cmp(&others))
    }
}

impl PartialOrd for QueueStanding {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for QueueStanding {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for QueueStanding {}
