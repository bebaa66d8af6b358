//! When jobs will start: the order run forward on the time limits of what runs.
//!
//! At each end of a run, the first jobs in order are placed as a plan places them, each until its time limit. There is
//! no overtaking for cards, and within a queue none for its quota: backfill can only bring a start forward.

use std::{cmp::Reverse, collections::BinaryHeap};

use domain::Timestamp;

use crate::{
    hall::Hall,
    plan::{Pending, Planner},
    site::{Cards, End, find},
};

/// A job as far as it has not started yet.
struct Ahead<'a> {
    pending: Pending<'a>,
    tasks: u32,
    start: Option<Timestamp>,
}

/// The start of each of the first pending jobs that wait for cards or quota, in their order, as far as the policy looks;
/// `None` where it is not reached. At each end, linear in the jobs that could start, with a search for each that does.
pub(crate) fn forecast(planner: &mut Planner) -> Vec<Option<Timestamp>> {
    let mut runs = planner.policy.forecast_runs;
    let mut ahead = Vec::new();
    for &pending in planner.pending.iter().filter(|pending| pending.tasks > 0) {
        if runs == 0 {
            break;
        }
        let tasks = pending.tasks.min(runs);
        runs -= tasks;
        ahead.push(Ahead { pending, tasks, start: None });
    }
    if ahead.is_empty() {
        return Vec::new();
    }
    let ends = planner.ends().to_vec();
    let mut future = Future {
        halls: planner.sites.iter().map(|site| site.hall.clone()).collect(),
        running: planner.accounts.iter().map(|account| account.running).collect(),
        started: BinaryHeap::new(),
        planner,
    };
    let (mut known, mut now, mut left) = (ends.into_iter().peekable(), future.planner.now, ahead.len());
    let mut ends_left = future.planner.policy.forecast_ends;
    loop {
        left -= future.start(&mut ahead, now);
        if left == 0 {
            break;
        }
        let next_started = future.started.peek().map(|Reverse(end)| end.at);
        let next = known.peek().map(|end| end.at).into_iter().chain(next_started).min();
        let Some(at) = next else { break };
        now = at;
        let mut seen = 0;
        while let Some(end) = known.next_if(|end| end.at == at) {
            future.end(&end);
            seen += 1;
        }
        while future.started.peek().is_some_and(|Reverse(end)| end.at == at) {
            if let Some(Reverse(end)) = future.started.pop() {
                future.end(&end);
                seen += 1;
            }
        }
        match ends_left.checked_sub(seen) {
            Some(rest) => ends_left = rest,
            None => break,
        }
    }
    ahead.iter().map(|job| job.start).collect()
}

struct Future<'p, 'a> {
    planner: &'p Planner<'a>,
    halls: Vec<Hall>,
    /// Cards by queue.
    running: Vec<u32>,
    started: BinaryHeap<Reverse<End>>,
}

impl Future<'_, '_> {
    fn end(&mut self, end: &End) {
        let ground = &self.planner.sites[end.site as usize].ground;
        self.halls[end.site as usize].give(ground, end.rank, end.cards);
        if let Some(running) = self.running.get_mut(end.queue as usize) {
            *running = running.saturating_sub(end.cards.len());
        }
    }

    /// Starts what can start at `now`, and says how many jobs thereby started first.
    fn start(&mut self, ahead: &mut [Ahead], now: Timestamp) -> usize {
        let sites = &self.planner.sites;
        let mut open_sites = vec![true; sites.len()];
        let mut open_queues = vec![true; self.running.len()];
        let mut first_starts = 0;
        for job in ahead.iter_mut().filter(|job| job.tasks > 0) {
            if !open_sites.contains(&true) {
                break;
            }
            let shape = &self.planner.shapes.list[job.pending.shape as usize];
            let place = (shape.nodes, shape.cards_per_node);
            let usable: Vec<u32> =
                shape.sites.iter().copied().filter(|&site| open_sites[site as usize]).collect();
            while job.tasks > 0 && !usable.is_empty() && open_queues[shape.queue as usize] {
                let limit = self.planner.accounts[shape.queue as usize].limit;
                if self.running[shape.queue as usize].saturating_add(shape.asked) > limit {
                    open_queues[shape.queue as usize] = false;
                    break;
                }
                let Some(found) = self.find(&usable, place) else {
                    for &site in &usable {
                        open_sites[site as usize] = false;
                    }
                    break;
                };
                for &(rank, cards) in &found.cards {
                    self.halls[found.site as usize].take(&sites[found.site as usize].ground, rank, cards);
                }
                self.running[shape.queue as usize] += shape.asked;
                let end = now.plus(job.pending.job.time_limit);
                self.started.extend(found.ends(end, shape.queue).map(Reverse));
                first_starts += usize::from(job.start.is_none());
                job.start.get_or_insert(now);
                job.tasks -= 1;
            }
        }
        first_starts
    }

    fn find(&self, of: &[u32], place: (u32, u32)) -> Option<Cards> {
        find(&self.planner.sites, of, place, |site| &self.halls[site.index as usize])
    }
}
