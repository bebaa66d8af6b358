//! What a queue has running, what it may have, and what of that is kept for a job of its own.

use std::cmp::Ordering;

use domain::{JobId, Timestamp};

use crate::{Policy, Queue};

#[derive(Debug)]
pub(crate) struct Account<'a> {
    pub(crate) queue: &'a Queue,
    /// The most cards that it may have running.
    pub(crate) limit: u32,
    pub(crate) running: u32,
    /// When how many of them end.
    ends: Vec<(Timestamp, u32)>,
    keeps: Vec<Keep>,
    keeps_for_quota: bool,
}

/// Part of the limit, kept for a job from an instant on: a job that waits for the cards of its own queue must not
/// starve behind smaller ones of it either.
#[derive(Debug)]
struct Keep {
    job: JobId,
    from: Timestamp,
    /// How many cards runs that go on beyond `from` may still take.
    spare: u32,
}

impl<'a> Account<'a> {
    pub(crate) fn new(queue: &'a Queue) -> Self {
        let terms = &queue.terms;
        let borrowable = terms.borrowing_limit.map(|limit| terms.guaranteed_cards.saturating_add(limit));
        let limit = terms.max_running_cards.min(borrowable.unwrap_or(u32::MAX));
        Self { queue, limit, running: 0, ends: Vec::new(), keeps: Vec::new(), keeps_for_quota: false }
    }

    /// Counts a run that has `cards` until `end`.
    pub(crate) fn count(&mut self, cards: u32, end: Timestamp) {
        self.running = self.running.saturating_add(cards);
        self.ends.push((end, cards));
        for keep in self.keeps.iter_mut().filter(|keep| keep.from < end) {
            keep.spare = keep.spare.saturating_sub(cards);
        }
    }

    pub(crate) fn is_above_limit_with(&self, asked: u32) -> bool {
        self.running.saturating_add(asked) > self.limit
    }

    /// The job for which the queue keeps what a run of `asked` cards until `end` would take.
    pub(crate) fn keeps_from(&self, asked: u32, end: Timestamp) -> Option<JobId> {
        let against = self.keeps.iter().find(|keep| keep.from < end && keep.spare < asked);
        against.map(|keep| keep.job)
    }

    /// Keeps room for `job`, the first of the queue that the limit holds back, from when enough of the queue's runs
    /// have ended. Once a plan; r log r in the queue's runs.
    pub(crate) fn keep_when_ended(&mut self, job: JobId, asked: u32) {
        if self.keeps_for_quota || asked > self.limit {
            return;
        }
        self.keeps_for_quota = true;
        self.ends.sort_unstable();
        let mut running = self.running;
        for &(end, cards) in &self.ends {
            running = running.saturating_sub(cards);
            if running.saturating_add(asked) <= self.limit {
                return self.keep(job, asked, end);
            }
        }
    }

    /// Keeps room for `job` from `from` on.
    pub(crate) fn keep(&mut self, job: JobId, asked: u32, from: Timestamp) {
        let then = self.ends.iter().filter(|(end, _)| *end > from).map(|(_, cards)| cards);
        let taken = then.fold(asked, |sum, cards| sum.saturating_add(*cards));
        self.keeps.push(Keep { job, from, spare: self.limit.saturating_sub(taken) });
    }

    /// Where it stands among the queues: below its guaranteed cards first, then by use over weight.
    pub(crate) fn standing(&self, policy: &Policy) -> Standing {
        let penalty = i128::from(self.running) * i128::from(policy.entry_penalty.0);
        Standing {
            has_guaranteed: self.running >= self.queue.terms.guaranteed_cards,
            used: i128::from(self.queue.use_card_ms.0) + penalty,
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
