//! When waiting jobs will start: the planning order run forward on the time limits of runs.
//!
//! At each end of a run, the first jobs in order are placed as a plan places them, each until its time limit.
//! Where there is backfill, the first job of a card pool that finds no cards is taken to have as many as it
//! needs from when they come free, and later jobs may overtake it on the cards that this leaves; which cards
//! those are is not looked at. Within a queue no job overtakes one that waits for the queue's limit.

use std::{cmp::Reverse, collections::BinaryHeap};

use domain::Timestamp;
use rustc_hash::FxHashMap;

use crate::{
    hall::{
        card_pool::{CardPool, Space},
        free_index::FreeIndex,
        search::{Need, PoolCards, Quality},
    },
    index::index,
    knows::planner::Planner,
    policy::Backfill,
};

/// A job of which tasks have not started yet.
struct Ahead {
    job: u32,
    tasks: u32,
    start: Option<Timestamp>,
}

impl Planner {
    /// The starts of the first jobs in order, as far as the policy looks ahead. Each end costs linear time in
    /// the jobs that could start, and a search for each that does.
    pub(crate) fn forecast(&self) -> FxHashMap<u32, Timestamp> {
        let first = self.first_in_order(self.policy.forecast_runs);
        let mut ahead: Vec<Ahead> =
            first.into_iter().map(|(job, tasks)| Ahead { job, tasks, start: None }).collect();
        if ahead.is_empty() {
            return FxHashMap::default();
        }
        let mut future = Future {
            spaces: self.card_pools.iter().map(FreeCards::of).collect(),
            running: self.queues.iter().map(|queue| queue.running).collect(),
            started: BinaryHeap::new(),
            coming: Vec::new(),
            planner: self,
        };
        let of_card_pool = |card_pool: &CardPool| {
            card_pool.ends.iter().map(|&(at, run)| (at.max(self.now), run)).collect::<Vec<_>>()
        };
        let mut ends: Vec<(Timestamp, u32)> = self.card_pools.iter().flat_map(of_card_pool).collect();
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
                future.end(run.queue, &run.cards);
                ends = rest;
                seen += 1;
            }
            while future.started.peek().is_some_and(|Reverse((end, _))| *end == at) {
                if let Some(Reverse((_, i))) = future.started.pop() {
                    let (queue, cards) = std::mem::take(&mut future.coming[i as usize]);
                    future.end(queue, &cards);
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

    /// The first jobs in order that may start, each with its tasks, up to `runs` tasks in all.
    fn first_in_order(&self, mut runs: u32) -> Vec<(u32, u32)> {
        let mut first = Vec::new();
        for &lane in &self.order {
            for entry in self.lanes[lane as usize].entries() {
                if runs == 0 {
                    return first;
                }
                let tasks = self.jobs[entry.job].tasks.min(runs);
                runs -= tasks;
                first.push((entry.job, tasks));
            }
        }
        first
    }
}

/// The free cards of a card pool at an instant of the forecast.
enum FreeCards {
    Nodes(FreeIndex),
    Counted(u32),
}

impl FreeCards {
    fn of(card_pool: &CardPool) -> Self {
        match &card_pool.space {
            Space::Nodes { free_index, .. } => Self::Nodes(free_index.clone()),
            Space::Counted { free, .. } => Self::Counted(*free),
        }
    }
}

/// Whether a card pool admits jobs at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Open,
    /// An earlier job is to have its cards at `from`, when `spare` more are free.
    Held {
        from: Timestamp,
        spare: u32,
    },
    Shut,
}

impl Door {
    fn admits(self, end: Timestamp, cards: u32) -> bool {
        match self {
            Self::Open => true,
            Self::Held { from, spare } => end <= from || cards <= spare,
            Self::Shut => false,
        }
    }
}

struct Future<'p> {
    planner: &'p Planner,
    spaces: Vec<FreeCards>,
    /// Running cards by queue.
    running: Vec<u32>,
    /// The ends of the runs that start in the forecast, by their index in `coming`.
    started: BinaryHeap<Reverse<(Timestamp, u32)>>,
    coming: Vec<(u32, PoolCards)>,
}

impl Future<'_> {
    fn end(&mut self, queue: u32, cards: &PoolCards) {
        if let Some(running) = self.running.get_mut(queue as usize) {
            *running = running.saturating_sub(cards.count);
        }
        let Some(card_pool) = self.planner.card_pools.get(cards.card_pool as usize) else { return };
        match (&mut self.spaces[cards.card_pool as usize], &card_pool.space) {
            (FreeCards::Nodes(free_index), Space::Nodes { topology, .. }) => {
                cards.places.iter().for_each(|&(rank, cards)| free_index.give(topology, rank, cards));
            }
            (FreeCards::Counted(free), _) => *free += cards.count,
            (FreeCards::Nodes(_), Space::Counted { .. }) => {}
        }
    }

    fn take(&mut self, cards: &PoolCards) {
        match (
            &mut self.spaces[cards.card_pool as usize],
            &self.planner.card_pools[cards.card_pool as usize].space,
        ) {
            (FreeCards::Nodes(free_index), Space::Nodes { topology, .. }) => {
                cards.places.iter().for_each(|&(rank, cards)| free_index.take(topology, rank, cards));
            }
            (FreeCards::Counted(free), _) => *free -= cards.count,
            (FreeCards::Nodes(_), Space::Counted { .. }) => {}
        }
    }

    /// Starts the runs that can start at `now`. Gives the number of jobs that start for the first time.
    /// `ends` are the coming ends of the runs that run already.
    fn start(&mut self, ahead: &mut [Ahead], ends: &[(Timestamp, u32)], now: Timestamp) -> usize {
        let planner = self.planner;
        let mut doors = vec![Door::Open; planner.card_pools.len()];
        let mut open_queues = vec![true; self.running.len()];
        let mut first_starts = 0;
        for next in ahead.iter_mut().filter(|next| next.tasks > 0) {
            let is_shut =
                |(card_pool, door): (usize, &Door)| *door == Door::Shut || self.free_cards(card_pool) == 0;
            if doors.iter().enumerate().all(is_shut) {
                break;
            }
            let job = &planner.jobs[next.job];
            let (ask, queue) = (&planner.asks.list[job.ask as usize], job.queue as usize);
            let end = now.plus(job.time_limit);
            while next.tasks > 0 && open_queues[queue] {
                if self.running[queue].saturating_add(ask.cards) > planner.queues[queue].limit {
                    open_queues[queue] = false;
                    break;
                }
                let best = ask
                    .card_pools
                    .iter()
                    .filter(|(card_pool, _)| doors[*card_pool as usize].admits(end, ask.cards))
                    .filter_map(|(card_pool, labelled)| self.find(*card_pool, ask.need(labelled)))
                    .min_by_key(|(quality, cards)| (*quality, cards.card_pool));
                let Some((_, cards)) = best else {
                    let is_first =
                        ask.card_pools.iter().all(|(card_pool, _)| doors[*card_pool as usize] == Door::Open);
                    if planner.policy.backfill == Backfill::None {
                        ask.card_pools
                            .iter()
                            .for_each(|(card_pool, _)| doors[*card_pool as usize] = Door::Shut);
                    } else if is_first {
                        let coming = ask
                            .card_pools
                            .iter()
                            .filter_map(|(card_pool, _)| self.opening(*card_pool, ends, ask.cards));
                        if let Some((from, card_pool, spare)) = coming.min() {
                            doors[card_pool as usize] = Door::Held { from, spare };
                        }
                    }
                    break;
                };
                if let Door::Held { from, spare } = &mut doors[cards.card_pool as usize]
                    && end > *from
                {
                    *spare -= cards.count;
                }
                self.take(&cards);
                self.running[queue] += cards.count;
                self.coming.push((job.queue, cards));
                self.started.push(Reverse((end, index(self.coming.len() - 1))));
                first_starts += usize::from(next.start.is_none());
                next.start.get_or_insert(now);
                next.tasks -= 1;
            }
        }
        first_starts
    }

    fn free_cards(&self, card_pool: usize) -> u32 {
        match &self.spaces[card_pool] {
            FreeCards::Nodes(free_index) => free_index.free_cards,
            FreeCards::Counted(free) => *free,
        }
    }

    /// When `cards` cards are free in a card pool if nothing more starts, and how many more are free then.
    /// Linear in the ends up to then, and in the runs that started in the forecast.
    fn opening(
        &self,
        card_pool: u32,
        ends: &[(Timestamp, u32)],
        cards: u32,
    ) -> Option<(Timestamp, u32, u32)> {
        let of_card_pool =
            |at: Timestamp, of: &PoolCards| (of.card_pool == card_pool).then_some((at, of.count));
        let runs = ends.iter().filter_map(|&(at, run)| of_card_pool(at, &self.planner.runs[run].cards));
        let started = self.started.iter();
        let mut started: Vec<(Timestamp, u32)> =
            started.filter_map(|Reverse((at, i))| of_card_pool(*at, &self.coming[*i as usize].1)).collect();
        started.sort_unstable();
        let (mut runs, mut started) = (runs.peekable(), started.into_iter().peekable());
        let mut free = self.free_cards(card_pool as usize);
        while let Some(at) = runs.peek().into_iter().chain(started.peek()).map(|(at, _)| *at).min() {
            while let Some((_, count)) = runs.next_if(|(of, _)| *of == at) {
                free += count;
            }
            while let Some((_, count)) = started.next_if(|(of, _)| *of == at) {
                free += count;
            }
            if free >= cards {
                return Some((at, card_pool, free - cards));
            }
        }
        None
    }

    fn find(&self, card_pool: u32, need: Need) -> Option<(Quality, PoolCards)> {
        match (&self.spaces[card_pool as usize], &self.planner.card_pools[card_pool as usize].space) {
            (FreeCards::Nodes(free_index), Space::Nodes { topology, .. }) => {
                let found = free_index.find(topology, need.nodes, need.search, None)?;
                Some((found.quality(), free_index.cards_of(topology, card_pool, &found, need)))
            }
            (FreeCards::Counted(free), _) if *free >= need.cards() => {
                Some(((1, 1, None, 0), PoolCards { card_pool, count: need.cards(), places: Vec::new() }))
            }
            _ => None,
        }
    }
}
