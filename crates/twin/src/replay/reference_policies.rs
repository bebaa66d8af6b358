//! The plain simulator of every policy on a count of cards, by the rules of [`super::reference`]: jobs are
//! put in order before each plan, and promises are made in a profile of the free cards.

use std::collections::BTreeSet;

use domain::{CardMs, Millis, Timestamp};
use scheduler::{Backfill, Order, use_decay::DecayedUse};

use super::setup::Setup;
use crate::trace::TraceJob;

/// As [`super::reference::starts`].
pub fn starts(jobs: &[TraceJob], setup: &Setup, progress: &mut dyn FnMut(u64)) -> Vec<Option<i64>> {
    let mut simulation = Simulation::new(jobs, setup);
    let mut next = 0;
    loop {
        let submission = jobs.get(next).map(|job| job.submit_ms);
        let end = simulation.ends.first().map(|(end, ..)| *end);
        match (submission, end) {
            (Some(submit), end) if end.is_none_or(|end| submit <= end) => {
                simulation.now = submit;
                if jobs[next].cards <= setup.cards {
                    simulation.queue.push(next);
                }
                next += 1;
                if next.is_multiple_of(1024) {
                    progress(next as u64);
                }
            }
            (_, Some(end)) => {
                simulation.now = end;
                simulation.end_next();
            }
            (_, None) => return simulation.started,
        }
        simulation.free_overdue();
        simulation.arrange();
        match setup.policy.backfill {
            Backfill::Conservative => simulation.plan_promises(),
            backfill => simulation.plan(backfill == Backfill::Easy),
        }
    }
}

struct Simulation<'a> {
    jobs: &'a [TraceJob],
    setup: &'a Setup,
    now: i64,
    free: u32,
    /// The waiting jobs, in order.
    queue: Vec<usize>,
    started: Vec<Option<i64>>,
    starts: u64,
    /// Of each run: end, rank among the starts, job.
    ends: BTreeSet<(i64, u64, usize)>,
    /// Of each run that holds cards: end by the estimate, job.
    estimates: BTreeSet<(i64, usize)>,
    shares: Vec<Share>,
}

/// The use of a queue.
#[derive(Clone, Copy, Default)]
struct Share {
    ended: DecayedUse,
    /// Running cards, and the sum of cards × start over runs.
    running: (i64, i64),
}

impl<'a> Simulation<'a> {
    fn new(jobs: &'a [TraceJob], setup: &'a Setup) -> Self {
        let queues = jobs.iter().map(|job| job.queue as usize + 1).max().unwrap_or(0);
        Self {
            jobs,
            setup,
            now: 0,
            free: setup.cards,
            queue: Vec::new(),
            started: vec![None; jobs.len()],
            starts: 0,
            ends: BTreeSet::new(),
            estimates: BTreeSet::new(),
            shares: vec![Share::default(); queues],
        }
    }

    fn end_next(&mut self) {
        let (end, _, index) = self.ends.pop_first().expect("one runs");
        let start = self.started[index].expect("it has started");
        let job = &self.jobs[index];
        if self.estimates.remove(&(start + job.estimate_ms, index)) {
            self.free += job.cards;
        }
        let share = &mut self.shares[job.queue as usize];
        let cards = i64::from(job.cards);
        share.running.0 -= cards;
        share.running.1 -= cards.saturating_mul(start);
        let used = CardMs(cards.saturating_mul(end - start));
        share.ended = share.ended.add(used, Timestamp::from_millis(end), self.setup.use_half_life);
    }

    fn free_overdue(&mut self) {
        while let Some(&(estimate, index)) = self.estimates.first()
            && estimate <= self.now
        {
            self.estimates.pop_first();
            self.free += self.jobs[index].cards;
        }
    }

    fn start(&mut self, index: usize) {
        let job = &self.jobs[index];
        let cards = i64::from(job.cards);
        self.started[index] = Some(self.now);
        self.free -= job.cards;
        self.ends.insert((self.now + job.run_ms, self.starts, index));
        self.estimates.insert((self.now + job.estimate_ms, index));
        self.starts += 1;
        let share = &mut self.shares[job.queue as usize];
        share.running.0 += cards;
        share.running.1 += cards.saturating_mul(self.now);
    }

    /// Puts the queue in order.
    fn arrange(&mut self) {
        match self.setup.policy.order {
            Order::Fifo => {}
            Order::ShortestFirst => self.queue.sort_by_key(|index| (self.jobs[*index].estimate_ms, *index)),
            Order::FairShare => {
                let standing: Vec<i64> = (0..self.shares.len()).map(|queue| self.standing(queue)).collect();
                self.queue.sort_by_key(|index| (standing[self.jobs[*index].queue as usize], *index));
            }
        }
    }

    /// Decayed use over weight; the queue with the least comes first.
    fn standing(&self, queue: usize) -> i64 {
        let share = &self.shares[queue];
        let half_life: Millis = self.setup.use_half_life;
        let ended = share.ended.at(Timestamp::from_millis(self.now), half_life).0;
        let running = share.running.0.saturating_mul(self.now).saturating_sub(share.running.1);
        let weight = i64::from(self.setup.queues.get(queue).copied().unwrap_or_default().weight.max(1));
        ended.saturating_add(running) / weight
    }

    fn plan(&mut self, easy: bool) {
        let queue = std::mem::take(&mut self.queue);
        let mut waiting = queue.into_iter();
        let head = loop {
            match waiting.next() {
                Some(index) if self.jobs[index].cards <= self.free => self.start(index),
                other => break other,
            }
        };
        let Some(head) = head else { return };
        self.queue.push(head);
        if !easy {
            self.queue.extend(waiting);
            return;
        }
        let profile = Profile::of(self);
        let (shadow, mut extra) = profile.earliest(self.jobs[head].cards);
        for index in waiting {
            let job = &self.jobs[index];
            let ends_before = self.now + job.estimate_ms <= shadow;
            if job.cards <= self.free && (ends_before || job.cards <= extra) {
                if !ends_before {
                    extra -= job.cards;
                }
                self.start(index);
            } else {
                self.queue.push(index);
            }
        }
    }

    /// Each job in order gets the earliest place that leaves the jobs before it theirs. A job whose place
    /// begins now starts.
    ///
    /// In the order of submission, a job never moves one that came before it. A run that ends early may let a
    /// job move forward into the place of one behind it. In other orders a place holds until another job
    /// comes before it.
    fn plan_promises(&mut self) {
        let mut profile = Profile::of(self);
        for index in std::mem::take(&mut self.queue) {
            let job = &self.jobs[index];
            let at = profile.place(job.cards, job.estimate_ms);
            if at == self.now {
                self.start(index);
            } else {
                self.queue.push(index);
            }
        }
    }
}

/// The free cards from each instant on, by the estimates.
struct Profile(Vec<(i64, u32)>);

impl Profile {
    fn of(simulation: &Simulation<'_>) -> Self {
        let mut steps = vec![(simulation.now, simulation.free)];
        for &(estimate, index) in &simulation.estimates {
            let last = *steps.last().expect("there is one");
            let free = last.1 + simulation.jobs[index].cards;
            if last.0 == estimate {
                steps.pop();
            }
            steps.push((estimate, free));
        }
        Self(steps)
    }

    /// From when on `cards` are free, where nothing is placed, and how many more are free then.
    fn earliest(&self, cards: u32) -> (i64, u32) {
        let (at, free) = self
            .0
            .iter()
            .find(|(_, free)| *free >= cards)
            .expect("no job asks for more cards than there are");
        (*at, free - cards)
    }

    /// Takes `cards` for `length_ms`, from the earliest instant on from which they are free for that long.
    fn place(&mut self, cards: u32, length_ms: i64) -> i64 {
        let mut first = 0;
        // The last step has all cards, so the search ends there at the latest.
        let mut last = 0;
        while last < self.0.len() && self.0[last].0 < self.0[first].0 + length_ms {
            if self.0[last].1 < cards {
                first = last + 1;
            }
            last += 1;
        }
        let from = self.0[first].0;
        let to = from + length_ms;
        if self.0.get(last).is_none_or(|step| step.0 != to) {
            self.0.insert(last, (to, self.0[last - 1].1));
        }
        for step in &mut self.0[first..last] {
            step.1 -= cards;
        }
        from
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        replay::{policy::ReplayPolicy, reference},
        trace::tests::{any_jobs, job},
    };

    fn run(jobs: &[TraceJob], cards: u32, policy: &str) -> Vec<Option<i64>> {
        starts(jobs, &Setup::new(cards, policy.parse().unwrap()), &mut |_| {})
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_reference(jobs in any_jobs()) {
            prop_assert_eq!(run(&jobs, 8, "fcfs"), reference::starts(&jobs, 8, false));
            prop_assert_eq!(run(&jobs, 8, "easy"), reference::starts(&jobs, 8, true));
        }

        #[test]
        fn no_card_is_given_twice_and_everyone_has_a_turn(jobs in any_jobs()) {
            for order in ["fcfs", "sjf", "fair-share"] {
                for backfill in ["", "+easy", "+conservative"] {
                    let policy: ReplayPolicy = format!("{order}{backfill}").parse().unwrap();
                    let starts = starts(&jobs, &Setup::new(8, policy), &mut |_| {});
                    let mut changes = Vec::new();
                    for (start, job) in starts.iter().zip(&jobs) {
                        let start = start.expect("it fits");
                        prop_assert!(start >= job.submit_ms);
                        changes.push((start, i64::from(job.cards)));
                        changes.push((start + job.run_ms, -i64::from(job.cards)));
                    }
                    changes.sort_unstable();
                    let mut busy = 0;
                    for (_, change) in changes {
                        busy += change;
                        prop_assert!(busy <= 8, "{policy}");
                    }
                }
            }
        }
    }

    #[test]
    fn conservative_backfill_delays_nobody_in_front() {
        let make =
            |submit_ms, run_ms, cards| TraceJob { submit_ms, run_ms, estimate_ms: run_ms, cards, ..job() };
        // The second job is promised 10, the third 20. The fourth would fit now and beside the second, but
        // not beside the third.
        let jobs = [make(0, 10, 3), make(1, 10, 3), make(2, 5, 4), make(3, 30, 1)];
        assert_eq!(run(&jobs, 4, "easy")[3], Some(3));
        assert_eq!(run(&jobs, 4, "conservative"), [Some(0), Some(10), Some(20), Some(25)]);
    }

    #[test]
    fn the_shortest_and_the_least_served_come_first() {
        let make =
            |submit_ms, run_ms, queue| TraceJob { submit_ms, run_ms, estimate_ms: run_ms, queue, ..job() };
        let jobs = [make(0, 10, 0), make(1, 9, 0), make(2, 3, 0), make(3, 5, 1)];
        assert_eq!(run(&jobs, 1, "sjf"), [Some(0), Some(18), Some(10), Some(13)]);
        assert_eq!(run(&jobs, 1, "fair-share"), [Some(0), Some(15), Some(24), Some(10)]);
    }
}
