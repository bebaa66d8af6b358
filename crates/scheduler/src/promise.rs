//! To whom a start is promised, and when that is looked at again.

use domain::{Millis, Timestamp};

use crate::{
    Backfill,
    hold::{Hold, Owner},
    planner::Planner,
    site::Site,
    stream::Entry,
};

impl Planner {
    /// Whether nothing happened that could bring the start forward that is promised to a job.
    pub(crate) fn is_not_before(&self, slot: u32, ask: u32) -> bool {
        if self.asks.list[ask as usize].sites.len() > 1 {
            return false;
        }
        let site = &self.sites[self.held[&slot] as usize];
        let hold = site.holds.iter().find(|hold| hold.owner == Owner::Job(slot));
        hold.is_some_and(|hold| !hold.is_stale && hold.from > self.now)
    }

    /// Notes that a job found no cards, for others that ask for the same.
    pub(crate) fn failed(&mut self, entry: &Entry, end: Timestamp) {
        let ask = &self.asks.list[entry.ask as usize];
        // Where nothing is held for others from before its end, or all that is free would not do, none of a shorter time
        // limit finds more.
        let owner = Owner::Job(entry.job);
        let is_open = |site: &u32| {
            self.sites[*site as usize].holds.iter().all(|hold| hold.from >= end || hold.owner == owner)
        };
        let is_short = |(site, labelled): &(u32, Box<[bool]>)| {
            is_open(site) || self.sites[*site as usize].fitting(ask.need(labelled)) < ask.nodes()
        };
        let are_short = ask.sites.iter().all(is_short) && self.policy.backfill != Backfill::None;
        let limit = if are_short { Millis(i64::MIN) } else { entry.limit };
        self.asks.failed(entry.ask, self.stamp, limit);
    }

    /// Holds cards for a job that found none, if it had some held before, or is the first in its sites: with EASY backfill
    /// there is one promise a site and class at a time.
    pub(crate) fn hold(&mut self, slot: u32, entry: &Entry, owner: Owner) {
        let ask = &self.asks.list[entry.ask as usize];
        let had = self.held.contains_key(&slot);
        let class = self.jobs[slot].class;
        let is_of_class = |hold: &Hold| matches!(hold.owner, Owner::Job(of) if self.jobs[of].class == class);
        let is_taken = |site: &Site| site.held_in.0 == self.stamp || site.holds.iter().any(is_of_class);
        let is_first = !ask.sites.iter().any(|(site, _)| is_taken(&self.sites[*site as usize]));
        match self.policy.backfill {
            Backfill::None => {
                for (site, _) in &ask.sites {
                    self.sites[*site as usize].held_in = (self.stamp, slot);
                }
            }
            _ if !self.accounts[self.jobs[slot].account as usize].may_promise(slot, ask.cards) => {}
            Backfill::Easy if !had && !is_first => {}
            Backfill::Easy | Backfill::Conservative => self.hold_for(slot, entry, owner),
        }
    }

    /// Holds cards for a job from as early as can be.
    pub(crate) fn hold_for(&mut self, slot: u32, entry: &Entry, owner: Owner) {
        let ask = &self.asks.list[entry.ask as usize];
        let was = self.held.get(&slot).copied();
        let mut best: Option<(Timestamp, u32, Hold)> = None;
        for (site, labelled) in &ask.sites {
            let (need, runs) = (ask.need(labelled), |run: u32| &self.runs[run].cards);
            let found = self.sites[*site as usize].earliest(
                *site,
                need,
                entry.limit,
                (owner, entry.id),
                self.now,
                runs,
            );
            if let Some(hold) = found
                && best.as_ref().is_none_or(|(from, ..)| hold.from < *from)
            {
                best = Some((hold.from, *site, hold));
            }
        }
        let Some((from, site, hold)) = best else { return };
        if let Some(was) = was {
            self.sites[was as usize].remove_hold(owner);
        }
        self.sites[site as usize].add_hold(hold);
        self.sites[site as usize].held_in = (self.stamp, slot);
        self.held.insert(slot, site);
        let (account, cards) = (self.jobs[slot].account, ask.cards);
        self.accounts[account as usize].promise(slot, cards, from, self.now);
    }
}
