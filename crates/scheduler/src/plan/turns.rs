//! The turns of a plan: due promises first, then the lanes of each class by their standing, each job in
//! order.

use std::{cmp::Reverse, collections::BinaryHeap};

use domain::{Millis, ServiceClass, Timestamp};

use super::{decisions::Decisions, serve::Served};
use crate::{
    hall::hold::HoldOwner,
    index::index,
    knows::{
        lane::AskCount,
        planner::Planner,
        queue_state::{QueueStanding, QueueState},
    },
    policy::{Backfill, Order},
};

/// With more holders of cards than this, a lane is gone through to its end rather than searched for them.
const MANY_HOLDERS: usize = 16;

/// The turn of a lane. Turns are in the order of the lanes' standings, then of their next jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct LaneTurn {
    standing: QueueStanding,
    key: (i64, i64),
    id: u128,
    lane: u32,
    position: u32,
}

impl Planner {
    /// Decides which runs start and which end at `now`, which must not be before the `now` of the last plan.
    ///
    /// Costs constant time for each queue and each ask in it, and a search for each start and for each ask
    /// that finds no cards.
    pub fn plan(&mut self, now: Timestamp) -> Decisions {
        self.now = self.now.max(now);
        self.plan_number += 1;
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

    /// Gives the first turns to jobs whose promised start has come.
    fn keep_promises(&mut self, decisions: &mut Decisions) {
        if self.held.is_empty() {
            return;
        }
        for &slot in self.held.keys() {
            self.queues[self.jobs[slot].queue as usize].keep_promises(self.plan_number, self.now);
        }
        let is_due = |(&slot, &card_pool): (&u32, &u32)| {
            let hold = self.card_pools[card_pool as usize]
                .holds
                .iter()
                .find(|hold| hold.owner == HoldOwner::Job(slot))?;
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
                self.task_started(slot, None);
            }
        }
    }

    fn plan_class(&mut self, class: ServiceClass, decisions: &mut Decisions) {
        let mut turns = BinaryHeap::new();
        let mut busy = std::mem::take(&mut self.busy_lanes[class as usize]);
        busy.retain(|&lane| {
            let turn = self.turn(lane, 0);
            turns.extend(turn.map(Reverse));
            self.is_lane_busy[lane as usize] = turn.is_some();
            turn.is_some()
        });
        self.busy_lanes[class as usize] = busy;
        let mut gone: Vec<u32> = Vec::new();
        while let Some(Reverse(turn)) = turns.pop() {
            let next = turns.peek().map(|Reverse(next)| *next);
            let stopped_at = self.walk(turn, next, &mut gone, decisions);
            let shift = index(gone.len());
            self.lanes[turn.lane as usize].remove_all(&gone);
            gone.clear();
            match stopped_at.and_then(|position| self.turn(turn.lane, position - shift)) {
                Some(next) => turns.push(Reverse(next)),
                None => self.order.push(turn.lane),
            }
        }
    }

    fn turn(&mut self, lane: u32, position: u32) -> Option<LaneTurn> {
        let entry = self.lanes[lane as usize].get(position as usize)?;
        let (key, id) = (entry.key, entry.id);
        let standing = self.standing(lane);
        Some(LaneTurn { standing, key, id, lane, position })
    }

    /// Gives the jobs of a lane their turns, until one starts that changes the standing of its queue, or
    /// until one comes after the first job of the `next` lane. Then the result is the position at which to go
    /// on. The positions of jobs that don't wait any more go into `gone`.
    fn walk(
        &mut self,
        turn: LaneTurn,
        next: Option<LaneTurn>,
        gone: &mut Vec<u32>,
        decisions: &mut Decisions,
    ) -> Option<u32> {
        let lane = turn.lane;
        let mut position = turn.position;
        // A job that holds cards may start on them, whatever others found.
        let last_holder = self.last_holder(lane);
        if self.can_nothing_start(lane) && last_holder.is_none_or(|last| last < position) {
            return None;
        }
        let next = next.filter(|next| next.standing == turn.standing);
        while let Some(&entry) = self.lanes[lane as usize].get(position as usize) {
            if next.is_some_and(|next| (entry.key, entry.id) > (next.key, next.id)) {
                return Some(position);
            }
            let is_known = self.has_no_terms
                && self.asks.fails_with(entry.ask, self.plan_number, entry.limit)
                && last_holder.is_none_or(|last| last < position);
            if is_known {
                position += 1;
                continue;
            }
            match self.serve(&entry, decisions) {
                Served::Started => {
                    let is_done = self.task_started(entry.job, Some(position));
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
                        && self.card_pools.iter().all(|card_pool| card_pool.held_in.0 == self.plan_number)
                    {
                        return None;
                    }
                    self.note_asks_above_free_cards(lane);
                    if self.can_nothing_start(lane) && last_holder.is_none_or(|last| last < position) {
                        return None;
                    }
                }
            }
        }
        None
    }

    /// Notes that asks for more cards than are free anywhere fail, once a job has its promise: their jobs
    /// find no cards and are promised none. Where queues have guaranteed cards their jobs have a turn all the
    /// same, since they may get these back.
    fn note_asks_above_free_cards(&mut self, lane: u32) {
        if self.policy.backfill != Backfill::Easy || !self.has_no_terms {
            return;
        }
        for asked in self.lanes[lane as usize].asks() {
            let ask = &self.asks.list[asked.ask as usize];
            // Not `ask.cards`: small exclusive nodes have fewer.
            let cards = ask.nodes().saturating_mul(ask.cards_per_node());
            let is_too_much =
                |(card_pool, _): &(u32, _)| self.card_pools[*card_pool as usize].free_cards() < cards;
            let has_promise = |(card_pool, _): &(u32, _)| {
                self.card_pools[*card_pool as usize].held_in.0 == self.plan_number
            };
            if ask.card_pools.iter().any(has_promise) && ask.card_pools.iter().all(is_too_much) {
                self.asks.note_failure(asked.ask, self.plan_number, Millis(i64::MIN));
            }
        }
    }

    /// Whether it is known that no job of a lane can start in this plan, and all room that is kept for them
    /// is kept already.
    fn can_nothing_start(&self, lane: u32) -> bool {
        let queue = self.queue_of_lane(lane).and_then(|queue| self.queues.get(queue as usize));
        let is_blocked = |asked: &AskCount| {
            let ask = &self.asks.list[asked.ask as usize];
            let wants_room = |queue: &QueueState| {
                queue.is_above_limit_with(ask.cards) && !queue.has_kept(self.plan_number)
            };
            self.asks.fails_with(asked.ask, self.plan_number, asked.shortest)
                && !queue.is_some_and(wants_room)
        };
        self.policy.backfill != Backfill::Conservative
            && self.lanes[lane as usize].asks().iter().all(is_blocked)
    }

    /// The position of the last job in a lane for which cards are held.
    fn last_holder(&self, lane: u32) -> Option<u32> {
        if self.held.len() > MANY_HOLDERS {
            return Some(u32::MAX);
        }
        let of = |slot: &u32| self.jobs[*slot].is_in_lane && self.lane_of(&self.jobs[*slot]) == lane as usize;
        let positions = self
            .held
            .keys()
            .filter(|slot| of(slot))
            .map(|slot| index(self.lanes[lane as usize].position(&self.entry(*slot))));
        positions.max()
    }
}
