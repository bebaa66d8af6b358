//! When waiting jobs will start: the order run forward on the time limits of what runs.
//!
//! At each end of a run, the first jobs in order are placed as a plan places them, each until its time limit. Where there is
//! backfill, the first of a site that finds no cards is taken to have as many as it needs from when they come free, and later
//! jobs may overtake it with what that leaves; which cards those are is not looked at. Within a queue there is no overtaking
//! for its quota.

use std::{cmp::Reverse, collections::BinaryHeap};

use domain::Timestamp;
use rustc_hash::FxHashMap;

use crate::{
    Backfill,
    hall::Hall,
    index,
    planner::Planner,
    site::{Cards, Need, Site, Space, cards_of},
};

/// A job as far as it has not started yet.
struct Ahead {
    job: u32,
    tasks: u32,
    start: Option<Timestamp>,
}

impl Planner {
    /// The start of each of the first jobs in order, as far as the policy looks. At each end, linear in the jobs that could
    /// start, with a search for each that does.
    pub(crate) fn forecast(&self) -> FxHashMap<u32, Timestamp> {
        let first = self.first_in_order(self.policy.forecast_runs);
        let mut ahead: Vec<Ahead> =
            first.into_iter().map(|(job, tasks)| Ahead { job, tasks, start: None }).collect();
        if ahead.is_empty() {
            return FxHashMap::default();
        }
        let mut future = Future {
            spaces: self.sites.iter().map(Free::of).collect(),
            running: self.accounts.iter().map(|account| account.running).collect(),
            started: BinaryHeap::new(),
            coming: Vec::new(),
            planner: self,
        };
        let of_site =
            |site: &Site| site.ends.iter().map(|&(at, run)| (at.max(self.now), run)).collect::<Vec<_>>();
        let mut ends: Vec<(Timestamp, u32)> = self.sites.iter().flat_map(of_site).collect();
        ends.sort_unstable();
        let (mut ends, mut now, mut left) = (ends.as_slice(), self.now, ahead.len());
        let mut ends_left = self.policy.forecast_ends;
        loop {
            left -= future.start(&mut ahead, ends, now);
            if left == 0 {
                break;
            }
            let next_started = future.started.peek().map(|Reverse((at, _))| *at);
            let Some(at) = ends.first().map(|(at, _)| *at).into_iter().chain(next_started).min() else {
                break;
            };
            now = at;
            let mut seen = 0;
            while let Some(((_, run), rest)) = ends.split_first().filter(|((end, _), _)| *end == at) {
                let run = &self.runs[*run];
                future.end(run.account, &run.cards);
                ends = rest;
                seen += 1;
            }
            while future.started.peek().is_some_and(|Reverse((end, _))| *end == at) {
                if let Some(Reverse((_, i))) = future.started.pop() {
                    let (account, cards) = std::mem::take(&mut future.coming[i as usize]);
                    future.end(account, &cards);
                    seen += 1;
                }
            }
            match ends_left.checked_sub(seen) {
                Some(rest) => ends_left = rest,
                None => break,
            }
        }
        ahead.into_iter().filter_map(|job| Some((job.job, job.start?))).collect()
    }
}

/// What is free of a site then.
enum Free {
    Nodes(Hall),
    Counted(u32),
}

impl Free {
    fn of(site: &Site) -> Self {
        match &site.space {
            Space::Nodes { hall, .. } => Self::Nodes(hall.clone()),
            Space::Counted { free, .. } => Self::Counted(*free),
        }
    }
}

/// Whether a site lets jobs in at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Open,
    /// A job before them is to have its cards at `from`, when `spare` are free besides.
    Held {
        from: Timestamp,
        spare: u32,
    },
    Shut,
}

impl Door {
    fn lets(self, end: Timestamp, cards: u32) -> bool {
        match self {
            Self::Open => true,
            Self::Held { from, spare } => end <= from || cards <= spare,
            Self::Shut => false,
        }
    }
}

struct Future<'p> {
    planner: &'p Planner,
    spaces: Vec<Free>,
    /// Cards by queue.
    running: Vec<u32>,
    /// When which of those that start in the forecast end.
    started: BinaryHeap<Reverse<(Timestamp, u32)>>,
    coming: Vec<(u32, Cards)>,
}

impl Future<'_> {
    fn end(&mut self, account: u32, cards: &Cards) {
        if let Some(running) = self.running.get_mut(account as usize) {
            *running = running.saturating_sub(cards.count);
        }
        let Some(site) = self.planner.sites.get(cards.site as usize) else { return };
        match (&mut self.spaces[cards.site as usize], &site.space) {
            (Free::Nodes(hall), Space::Nodes { ground, .. }) => {
                cards.places.iter().for_each(|&(rank, cards)| hall.give(ground, rank, cards));
            }
            (Free::Counted(free), _) => *free += cards.count,
            (Free::Nodes(_), Space::Counted { .. }) => {}
        }
    }

    fn take(&mut self, cards: &Cards) {
        match (&mut self.spaces[cards.site as usize], &self.planner.sites[cards.site as usize].space) {
            (Free::Nodes(hall), Space::Nodes { ground, .. }) => {
                cards.places.iter().for_each(|&(rank, cards)| hall.take(ground, rank, cards));
            }
            (Free::Counted(free), _) => *free -= cards.count,
            (Free::Nodes(_), Space::Counted { .. }) => {}
        }
    }

    /// Starts what can start at `now`, and says how many jobs thereby started first. `ends` are those to come of what runs.
    fn start(&mut self, ahead: &mut [Ahead], ends: &[(Timestamp, u32)], now: Timestamp) -> usize {
        let planner = self.planner;
        let mut doors = vec![Door::Open; planner.sites.len()];
        let mut open_queues = vec![true; self.running.len()];
        let mut first_starts = 0;
        for next in ahead.iter_mut().filter(|next| next.tasks > 0) {
            let is_shut = |(site, door): (usize, &Door)| *door == Door::Shut || self.free_cards(site) == 0;
            if doors.iter().enumerate().all(is_shut) {
                break;
            }
            let job = &planner.jobs[next.job];
            let (ask, account) = (&planner.asks.list[job.ask as usize], job.account as usize);
            let end = now.plus(job.time_limit);
            while next.tasks > 0 && open_queues[account] {
                if self.running[account].saturating_add(ask.cards) > planner.accounts[account].limit {
                    open_queues[account] = false;
                    break;
                }
                let best = ask
                    .sites
                    .iter()
                    .filter(|(site, _)| doors[*site as usize].lets(end, ask.cards))
                    .filter_map(|(site, labelled)| self.find(*site, ask.need(labelled)))
                    .min_by_key(|(quality, cards)| (*quality, cards.site));
                let Some((_, cards)) = best else {
                    let is_first = ask.sites.iter().all(|(site, _)| doors[*site as usize] == Door::Open);
                    if planner.policy.backfill == Backfill::None {
                        ask.sites.iter().for_each(|(site, _)| doors[*site as usize] = Door::Shut);
                    } else if is_first {
                        let coming =
                            ask.sites.iter().filter_map(|(site, _)| self.comes(*site, ends, ask.cards));
                        if let Some((from, site, spare)) = coming.min() {
                            doors[site as usize] = Door::Held { from, spare };
                        }
                    }
                    break;
                };
                if let Door::Held { from, spare } = &mut doors[cards.site as usize]
                    && end > *from
                {
                    *spare -= cards.count;
                }
                self.take(&cards);
                self.running[account] += cards.count;
                self.coming.push((job.account, cards));
                self.started.push(Reverse((end, index(self.coming.len() - 1))));
                first_starts += usize::from(next.start.is_none());
                next.start.get_or_insert(now);
                next.tasks -= 1;
            }
        }
        first_starts
    }

    fn free_cards(&self, site: usize) -> u32 {
        match &self.spaces[site] {
            Free::Nodes(hall) => hall.free_cards,
            Free::Counted(free) => *free,
        }
    }

    /// When so many cards are free in a site if nothing more starts, and how many are free besides. Linear in the ends up to
    /// then, and in what started.
    fn comes(&self, site: u32, ends: &[(Timestamp, u32)], cards: u32) -> Option<(Timestamp, u32, u32)> {
        let of_site = |at: Timestamp, of: &Cards| (of.site == site).then_some((at, of.count));
        let runs = ends.iter().filter_map(|&(at, run)| of_site(at, &self.planner.runs[run].cards));
        let started = self.started.iter();
        let mut started: Vec<(Timestamp, u32)> =
            started.filter_map(|Reverse((at, i))| of_site(*at, &self.coming[*i as usize].1)).collect();
        started.sort_unstable();
        let (mut runs, mut started) = (runs.peekable(), started.into_iter().peekable());
        let mut free = self.free_cards(site as usize);
        while let Some(at) = runs.peek().into_iter().chain(started.peek()).map(|(at, _)| *at).min() {
            while let Some((_, count)) = runs.next_if(|(of, _)| *of == at) {
                free += count;
            }
            while let Some((_, count)) = started.next_if(|(of, _)| *of == at) {
                free += count;
            }
            if free >= cards {
                return Some((at, site, free - cards));
            }
        }
        None
    }

    fn find(&self, site: u32, need: Need) -> Option<(crate::site::Quality, Cards)> {
        match (&self.spaces[site as usize], &self.planner.sites[site as usize].space) {
            (Free::Nodes(hall), Space::Nodes { ground, .. }) => {
                let found = hall.find(ground, need.nodes, need.search, None)?;
                Some((found.quality(), cards_of(ground, hall, site, &found, need)))
            }
            (Free::Counted(free), _) if *free >= need.cards() => {
                Some(((1, 1, None, 0), Cards { site, count: need.cards(), places: Vec::new() }))
            }
            _ => None,
        }
    }
}
