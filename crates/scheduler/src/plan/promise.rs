//! Which jobs are promised a start, and when a promise is looked at again.

use domain::{Millis, Timestamp};

use crate::{
    hall::{
        card_pool::CardPool,
        hold::{Hold, HoldOwner},
    },
    knows::{lane::LaneEntry, planner::Planner},
    policy::Backfill,
};

impl Planner {
    /// Whether a job can't start before its promised start, since nothing has happened that could bring the
    /// start forward.
    pub(crate) fn is_not_before(&self, slot: u32, ask: u32) -> bool {
        if self.asks.list[ask as usize].card_pools.len() > 1 {
            return false;
        }
        let card_pool = &self.card_pools[self.held[&slot] as usize];
        let hold = card_pool.holds.iter().find(|hold| hold.owner == HoldOwner::Job(slot));
        hold.is_some_and(|hold| !hold.is_stale && hold.from > self.now)
    }

    /// Notes that a job found no cards, for other jobs of its ask.
    pub(crate) fn note_failure(&mut self, entry: &LaneEntry, end: Timestamp) {
        let ask = &self.asks.list[entry.ask as usize];
        // Where others hold no cards from before the job's end, or even all free cards would not do, a job
        // with a shorter time limit finds none either.
        let owner = HoldOwner::Job(entry.job);
        let is_open = |card_pool: &u32| {
            self.card_pools[*card_pool as usize]
                .holds
                .iter()
                .all(|hold| hold.from >= end || hold.owner == owner)
        };
        let is_short = |(card_pool, labelled): &(u32, Box<[bool]>)| {
            is_open(card_pool)
                || self.card_pools[*card_pool as usize].fitting(ask.need(labelled)) < ask.nodes()
        };
        let are_short = ask.card_pools.iter().all(is_short) && self.policy.backfill != Backfill::None;
        let limit = if are_short { Millis(i64::MIN) } else { entry.limit };
        self.asks.note_failure(entry.ask, self.plan_number, limit);
    }

    /// Holds cards for a job that found none, as far as the policy and the limit of its queue allow. With
    /// EASY backfill there is one promise for each card pool and class at a time.
    pub(crate) fn hold(&mut self, slot: u32, entry: &LaneEntry, owner: HoldOwner) {
        let ask = &self.asks.list[entry.ask as usize];
        let had = self.held.contains_key(&slot);
        let class = self.jobs[slot].class;
        let is_of_class =
            |hold: &Hold| matches!(hold.owner, HoldOwner::Job(of) if self.jobs[of].class == class);
        let is_taken = |card_pool: &CardPool| {
            card_pool.held_in.0 == self.plan_number || card_pool.holds.iter().any(is_of_class)
        };
        let is_first =
            !ask.card_pools.iter().any(|(card_pool, _)| is_taken(&self.card_pools[*card_pool as usize]));
        match self.policy.backfill {
            Backfill::None => {
                for (card_pool, _) in &ask.card_pools {
                    self.card_pools[*card_pool as usize].held_in = (self.plan_number, slot);
                }
            }
            _ if !self.queues[self.jobs[slot].queue as usize].may_promise(slot, ask.cards) => {}
            Backfill::Easy if !had && !is_first => {}
            Backfill::Easy | Backfill::Conservative => self.hold_for(slot, entry, owner),
        }
    }

    /// Holds cards for a job from its earliest start.
    pub(crate) fn hold_for(&mut self, slot: u32, entry: &LaneEntry, owner: HoldOwner) {
        let ask = &self.asks.list[entry.ask as usize];
        let was = self.held.get(&slot).copied();
        let mut best: Option<(Timestamp, u32, Hold)> = None;
        for (card_pool, labelled) in &ask.card_pools {
            let (need, runs) = (ask.need(labelled), |run: u32| &self.runs[run].cards);
            let found = self.card_pools[*card_pool as usize].earliest(
                *card_pool,
                need,
                entry.limit,
                (owner, entry.id),
                self.now,
                runs,
            );
            if let Some(hold) = found
                && best.as_ref().is_none_or(|(from, ..)| hold.from < *from)
            {
                best = Some((hold.from, *card_pool, hold));
            }
        }
        let Some((from, card_pool, hold)) = best else { return };
        if let Some(was) = was {
            self.card_pools[was as usize].remove_hold(owner);
        }
        self.card_pools[card_pool as usize].add_hold(hold);
        self.card_pools[card_pool as usize].held_in = (self.plan_number, slot);
        self.held.insert(slot, card_pool);
        let (queue, cards) = (self.jobs[slot].queue, ask.cards);
        self.queues[queue as usize].promise(slot, cards, from, self.now);
    }
}
