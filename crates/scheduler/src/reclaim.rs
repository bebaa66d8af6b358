//! Guaranteed cards come back: which runs of those that borrowed them end before their time.
//!
//! Of the queues that run more than they are guaranteed, those of the own cohort first; of their runs the lowest class first,
//! then the newest. What turns out not to be needed is let be, so that few runs and little work are lost.

use std::cmp::Reverse;

use domain::CardSet;

use crate::{
    hall::Hall,
    hold::Owner,
    plan::{Decisions, Preemption},
    planner::{Planner, Ticket},
    site::{Need, Site, Space},
    stream::Entry,
};

/// Runs that are looked at for one job, at most.
const MOST_CANDIDATES: usize = 1024;

impl Planner {
    /// Tells runs of others to end so that a job within its queue's guaranteed cards gets what it asks for, unless that was
    /// done already.
    pub(crate) fn reclaim(&mut self, entry: &Entry, decisions: &mut Decisions) {
        let slot = entry.job;
        let is_done = self.jobs[slot].reclaimed_until.is_some_and(|until| until > self.now);
        if !self.policy.reclaims || is_done {
            return;
        }
        let ask = &self.asks.list[entry.ask as usize];
        let best = ask.sites.iter().filter_map(|(site, labelled)| {
            let victims = self.victims(slot, *site, ask.need(labelled), ask.cards)?;
            let lost = |run: &u32| {
                let run = &self.runs[*run];
                i128::from(self.now.since(run.started_at).0) * i128::from(run.cards.count)
            };
            Some((victims.len(), victims.iter().map(lost).sum::<i128>(), *site, victims))
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
        if self.accounts[self.jobs[slot].account as usize].may_promise(slot, cards) {
            self.hold_for(slot, entry, Owner::Job(slot));
        }
    }

    /// The runs of a site that would have to end; `None` where even all that may would not do.
    fn victims(&self, slot: u32, site: u32, need: Need, cards: u32) -> Option<Vec<u32>> {
        let own = self.jobs[slot].account;
        let cohort = self.accounts[own as usize].queue.cohort;
        let is_near =
            |account: u32| cohort.is_some() && self.accounts[account as usize].queue.cohort == cohort;
        let at = &self.sites[site as usize];
        let may_end = |&(_, run): &(_, u32)| {
            let run = &self.runs[run];
            let account = self.accounts.get(run.account as usize);
            let borrows = account.is_some_and(|of| of.running > of.queue.terms.guaranteed_cards);
            // What this plan starts has not begun yet.
            let has_begun = run.id.is_some() || run.started_at < self.now;
            borrows && has_begun && run.account != own && !run.is_preempted && run.end > self.now
        };
        let mut candidates: Vec<u32> =
            at.ends.iter().filter(|end| may_end(end)).map(|&(_, run)| run).collect();
        candidates.sort_unstable_by_key(|&run| {
            let of = &self.runs[run];
            (Reverse(is_near(of.account)), Reverse(of.class), Reverse(of.started_at), Reverse(of.id), of.job)
        });
        candidates.truncate(MOST_CANDIDATES);
        let room = self.quotas.as_ref().map(|quotas| quotas.available(self.accounts[own as usize].branch));
        let wanted_quota = room.map_or(0, |room| (i64::from(cards) - room).max(0));
        let is_enough = |victims: &[u32]| {
            let freed: i64 = victims.iter().map(|run| i64::from(self.runs[*run].cards.count)).sum();
            freed >= wanted_quota && self.would_fit(at, need, victims)
        };
        let mut victims = Vec::new();
        let mut cut: Vec<(u32, u32)> = Vec::new();
        for run in candidates {
            let of = &self.runs[run];
            let account = &self.accounts[of.account as usize];
            let already: u32 =
                cut.iter().filter(|(of_account, _)| *of_account == of.account).map(|(_, cards)| cards).sum();
            if account.running.saturating_sub(already) <= account.queue.terms.guaranteed_cards {
                continue;
            }
            cut.push((of.account, of.cards.count));
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

    /// Whether a job would find its nodes if these runs, and those that were told to before, had ended.
    fn would_fit(&self, site: &Site, need: Need, victims: &[u32]) -> bool {
        let ending = site.ends.iter().map(|&(_, run)| run).filter(|run| self.runs[*run].is_preempted);
        match &site.space {
            Space::Counted { free, .. } => {
                let freed: u32 = victims.iter().map(|run| self.runs[*run].cards.count).sum();
                free + freed >= need.cards()
            }
            Space::Nodes { ground, hall, .. } => {
                let mut freed: Vec<(u32, CardSet)> = Vec::new();
                for run in victims.iter().copied().chain(ending) {
                    for &(rank, cards) in &self.runs[run].cards.places {
                        match freed.iter_mut().find(|(of, _)| *of == rank) {
                            Some((_, all)) => *all = all.union(cards),
                            None => freed.push((rank, hall.free(rank).union(cards))),
                        }
                    }
                }
                let fits = |rank: u32, free: CardSet| need.search.fit(&ground.kind(rank, free)).is_some();
                let is_more = |hall: &Hall, &(rank, free): &(u32, CardSet)| {
                    !hall.is_out(rank) && fits(rank, free) && !fits(rank, hall.free(rank))
                };
                let more = freed.iter().filter(|freed| is_more(hall, freed)).count();
                hall.fitting(need.search) as usize + more >= need.nodes as usize
            }
        }
    }
}
