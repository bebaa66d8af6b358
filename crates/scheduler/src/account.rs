//! What a queue has running, what it may have, and what of that is kept for a job of its own.

use std::cmp::Ordering;

use domain::{CardMs, Timestamp};

use crate::{Policy, Queue, use_decay::DecayedUse};

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) queue: Queue,
    /// The most cards that it may have running.
    pub(crate) limit: u32,
    pub(crate) running: u32,
    used: DecayedUse,
    /// What was used since then, up to `counted_to`, not faded yet.
    fresh: CardMs,
    counted_to: Timestamp,
    /// Its runs: end, cards, slot.
    ends: Vec<(Timestamp, u32, u32)>,
    keeps: Vec<Keep>,
    /// Jobs of its to which a start is promised, with their cards, and from when.
    promised: Vec<(u32, u32, Timestamp)>,
    keeps_for_quota: bool,
    /// The plan that made the keeps.
    stamp: u64,
    /// Its branch in the tree of quotas.
    pub(crate) branch: u32,
    /// The index of its pools among the sets of pools.
    pub(crate) pools: u32,
}

/// Part of the limit, kept for a job from an instant on: a job that waits for the cards of its own queue must not
/// starve behind smaller ones of it either.
#[derive(Clone, Copy, Debug)]
struct Keep {
    job: u32,
    from: Timestamp,
    /// How many cards runs that go on beyond `from` may still take.
    spare: u32,
}

/// Use is faded this often in a half-life, and counts in full until then.
const FADINGS_PER_HALF_LIFE: i64 = 1024;

impl Account {
    pub(crate) fn new(queue: Queue, pools: u32, now: Timestamp) -> Self {
        let mut account = Self {
            limit: 0,
            running: 0,
            used: DecayedUse::default(),
            fresh: CardMs::ZERO,
            counted_to: now,
            ends: Vec::new(),
            keeps: Vec::new(),
            promised: Vec::new(),
            keeps_for_quota: false,
            stamp: 0,
            branch: 0,
            pools,
            queue,
        };
        account.renew(now);
        account
    }

    /// Takes in what `queue` now says: its terms, and its use as of `now`.
    pub(crate) fn set(&mut self, queue: Queue, now: Timestamp) {
        self.queue = queue;
        self.renew(now);
    }

    fn renew(&mut self, now: Timestamp) {
        let terms = &self.queue.terms;
        let borrowable = terms.borrowing_limit.map(|limit| terms.guaranteed_cards.saturating_add(limit));
        self.limit = terms.max_running_cards.min(borrowable.unwrap_or(u32::MAX));
        self.used = DecayedUse { value: self.queue.use_card_ms, as_of: now };
        self.fresh = CardMs::ZERO;
        self.counted_to = now;
    }

    /// Counts what runs up to `now`.
    fn count_use(&mut self, now: Timestamp) {
        if now > self.counted_to {
            self.fresh.0 = self.fresh.0.saturating_add(CardMs::of(self.running, self.counted_to, now).0);
            self.counted_to = now;
        }
    }

    /// Counts a run that has `cards` until `end`.
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

    /// The run now ends at `end`.
    pub(crate) fn set_end(&mut self, run: u32, end: Timestamp) {
        if let Some(of) = self.ends.iter_mut().find(|&&mut (.., of)| of == run) {
            of.0 = end;
        }
    }

    pub(crate) fn is_above_limit_with(&self, asked: u32) -> bool {
        self.running.saturating_add(asked) > self.limit
    }

    /// Whether a run of `asked` cards would still be within what the queue is guaranteed.
    pub(crate) fn is_guaranteed_with(&self, asked: u32) -> bool {
        self.running.saturating_add(asked) <= self.queue.terms.guaranteed_cards
    }

    /// Forgets what was kept in plans before that of `stamp`.
    pub(crate) fn forget_keeps_before(&mut self, stamp: u64) {
        if self.stamp != stamp {
            self.stamp = stamp;
            self.keeps.clear();
            self.keeps_for_quota = false;
        }
    }

    /// Whether in the plan of `stamp` room was kept for a job that the limit holds back.
    pub(crate) fn has_kept(&self, stamp: u64) -> bool {
        self.stamp == stamp && self.keeps_for_quota
    }

    /// The job for which the queue keeps what a run of `job`, `asked` cards until `end`, would take.
    pub(crate) fn keeps_from(&self, job: u32, asked: u32, end: Timestamp) -> Option<u32> {
        let mut against = self.keeps.iter().filter(|keep| keep.from < end && keep.spare < asked);
        against.find(|keep| keep.job != job).map(|keep| keep.job)
    }

    /// Keeps room for `job`, the first of the queue that the limit holds back, from when enough of the queue's runs
    /// have ended. Once a plan; r log r in the queue's runs.
    pub(crate) fn keep_when_ended(&mut self, job: u32, asked: u32, now: Timestamp) {
        if self.keeps_for_quota || asked > self.limit {
            return;
        }
        self.keeps_for_quota = true;
        self.ends.sort_unstable();
        let mut running = self.running;
        for &(end, cards, _) in &self.ends {
            running = running.saturating_sub(cards);
            if running.saturating_add(asked) <= self.limit {
                return self.keep(job, asked, end.max(now), now);
            }
        }
    }

    /// Cards that are promised to others than `job`.
    fn promised_besides(&self, job: u32) -> u32 {
        let others = self.promised.iter().filter(|(of, ..)| *of != job);
        others.fold(0, |sum: u32, (_, cards, _)| sum.saturating_add(*cards))
    }

    /// Whether a start can be promised to `job`: with all that was promised and runs, it must be within the limit.
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

    /// Keeps room for all to whom a start is promised, at the beginning of the plan of `stamp`.
    pub(crate) fn keep_promises(&mut self, stamp: u64, now: Timestamp) {
        if self.stamp == stamp || self.limit == u32::MAX {
            return;
        }
        self.forget_keeps_before(stamp);
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

    /// Where it stands among the queues at `now`: below its guaranteed cards first, then by use over weight.
    pub(crate) fn standing(&mut self, policy: &Policy, now: Timestamp) -> Standing {
        self.count_use(now);
        if now.since(self.used.as_of).0 >= (policy.use_half_life.0 / FADINGS_PER_HALF_LIFE).max(1) {
            self.used = self.used.add(self.fresh, now, policy.use_half_life);
            self.fresh = CardMs::ZERO;
        }
        let penalty = i128::from(self.running) * i128::from(policy.entry_penalty.0);
        Standing {
            has_guaranteed: self.running >= self.queue.terms.guaranteed_cards,
            used: i128::from(self.used.value.0) + i128::from(self.fresh.0) + penalty,
            weight: self.queue.terms.weight.max(1),
        }
    }
}

/// Less is served first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    has_guaranteed: bool,
    used: i128,
    weight: u32,
}

impl Standing {
    /// That of all queues where queues don't matter.
    pub(crate) const EQUAL: Self = Self { has_guaranteed: false, used: 0, weight: 1 };
}

impl Ord for Standing {
    fn cmp(&self, other: &Self) -> Ordering {
        // used / weight, without dividing.
        let (own, others) = (self.used * i128::from(other.weight), other.used * i128::from(self.weight));
        self.has_guaranteed.cmp(&other.has_guaranteed).then(own.cmp(&others))
    }
}

impl PartialOrd for Standing {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Standing {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Standing {}
