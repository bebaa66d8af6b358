//! Guaranteed cards come back: which runs of queues that borrowed them end before their time.
//!
//! Queues of the job's own cohort that run more than they are guaranteed come first, then others that do; of
//! their runs the lowest class comes first, then the newest. Runs that turn out not to be needed go on, so
//! that few runs and little work are lost.

use std::cmp::Reverse;

use domain::CardSet;

use super::decisions::{Decisions, Preemption};
use crate::{
    hall::{
        card_pool::{CardPool, Space},
        free_index::FreeIndex,
        hold::HoldOwner,
        search::Need,
    },
    knows::{
        lane::LaneEntry,
        planner::{Planner, Ticket},
    },
};

/// The most runs that are looked at for one job.
const MOST_CANDIDATES: usize = 1024;

impl Planner {
    /// Tells runs of other queues to end, so that a job within its queue's guaranteed cards gets what it asks
    /// for. Does nothing while runs that were told to end for this job are still ending.
    pub(crate) fn reclaim(&mut self, entry: &LaneEntry, decisions: &mut Decisions) {
        let slot = entry.job;
        let is_done = self.jobs[slot].reclaimed_until.is_some_and(|until| until > self.now);
        if !self.policy.reclaims || is_done {
            return;
        }
        let ask = &self.asks.list[entry.ask as usize];
        let best = ask.card_pools.iter().filter_map(|(card_pool, labelled)| {
            let victims = self.victims(slot, *card_pool, ask.need(labelled), ask.cards)?;
            let lost = |run: &u32| {
                let run = &self.runs[*run];
                i128::from(self.now.since(run.started_at).0) * i128::from(run.cards.count)
            };
            Some((victims.len(), victims.iter().map(lost).sum::<i128>(), *card_pool, victims))
        });
        let Some((.., victims)) = best.min() else { return };
        let cards = ask.cards;
        let ends_at = self.now.plus(self.policy.preemption_grace);
        let for_job = self.jobs[slot].id;
        for victim in victims {
            let run = &mut self.runs[victim];
            run.is_preempted = true;
            let (id, job, end) = (run.id, run.job, run.end.min(ends_at));
            self.set_end(victim, end);
            decisions.preemptions.push(Preemption {
                ticket: Ticket(victim),
                run: id,
                job,
                for_job,
                ends_at: end,
            });
        }
        self.jobs[slot].reclaimed_until = Some(ends_at);
        if self.queues[self.jobs[slot].queue as usize].may_promise(slot, cards) {
            self.hold_for(slot, entry, HoldOwner::Job(slot));
        }
    }

    /// The runs of a card pool that would have to end; `None` where even all that may end would not do.
    fn victims(&self, slot: u32, card_pool: u32, need: Need, cards: u32) -> Option<Vec<u32>> {
        let own = self.jobs[slot].queue;
        let cohort = self.queues[own as usize].told.cohort;
        let is_near = |queue: u32| cohort.is_some() && self.queues[queue as usize].told.cohort == cohort;
        let at = &self.card_pools[card_pool as usize];
        let may_end = |&(_, run): &(_, u32)| {
            let run = &self.runs[run];
            let queue = self.queues.get(run.queue as usize);
            let borrows = queue.is_some_and(|of| of.running > of.told.terms.guaranteed_cards);
            // Runs that this plan starts have not begun yet.
            let has_begun = run.id.is_some() || run.started_at < self.now;
            borrows && has_begun && run.queue != own && !run.is_preempted && run.end > self.now
        };
        let mut candidates: Vec<u32> =
            at.ends.iter().filter(|end| may_end(end)).map(|&(_, run)| run).collect();
        candidates.sort_unstable_by_key(|&run| {
            let of = &self.runs[run];
            (Reverse(is_near(of.queue)), Reverse(of.class), Reverse(of.started_at), Reverse(of.id), of.job)
        });
        candidates.truncate(MOST_CANDIDATES);
        let room = self.quotas.as_ref().map(|quotas| quotas.available(self.queues[own as usize].branch));
        let wanted_quota = room.map_or(0, |room| (i64::from(cards) - room).max(0));
        let is_enough = |victims: &[u32]| {
            let freed: i64 = victims.iter().map(|run| i64::from(self.runs[*run].cards.count)).sum();
            freed >= wanted_quota && self.would_fit(at, need, victims)
        };
        let mut victims = Vec::new();
        let mut cut: Vec<(u32, u32)> = Vec::new();
        for run in candidates {
            let of = &self.runs[run];
            let queue = &self.queues[of.queue as usize];
            let already: u32 =
                cut.iter().filter(|(of_queue, _)| *of_queue == of.queue).map(|(_, cards)| cards).sum();
            if queue.running.saturating_sub(already) <= queue.told.terms.guaranteed_cards {
                continue;
            }
            cut.push((of.queue, of.cards.count));
            victims.push(run);
            if is_enough(&victims) {
                break;
            }
        }
        if !is_enough(&victims) {
            return None;
        }
        for i in (0..victims.len().saturating_sub(1)).rev() {
            let run = victims.remove(i);
            if !is_enough(&victims) {
                victims.insert(i, run);
            }
        }
        Some(victims)
    }

    /// Whether a job would find its nodes if these runs, and those that were told to end before, had ended.
    fn would_fit(&self, card_pool: &CardPool, need: Need, victims: &[u32]) -> bool {
        let ending = card_pool.ends.iter().map(|&(_, run)| run).filter(|run| self.runs[*run].is_preempted);
        match &card_pool.space {
            Space::Counted { free, .. } => {
                let freed: u32 = victims.iter().map(|run| self.runs[*run].cards.count).sum();
                free + freed >= need.cards()
            }
            Space::Nodes { topology, free_index, .. } => {
                let mut freed: Vec<(u32, CardSet)> = Vec::new();
                for run in victims.iter().copied().chain(ending) {
                    for &(rank, cards) in &self.runs[run].cards.places {
                        match freed.iter_mut().find(|(of, _)| *of == rank) {
                            Some((_, all)) => *all = all.union(cards),
                            None => freed.push((rank, free_index.free(rank).union(cards))),
                        }
                    }
                }
                let fits = |rank: u32, free: CardSet| need.search.fit(&topology.kind(rank, free)).is_some();
                let is_more = |free_index: &FreeIndex, &(rank, free): &(u32, CardSet)| {
                    !free_index.is_out(rank) && fits(rank, free) && !fits(rank, free_index.free(rank))
                };
                let more = freed.iter().filter(|freed| is_more(free_index, freed)).count();
                free_index.fitting(need.search) as usize + more >= need.nodes as usize
            }
        }
    }
}
