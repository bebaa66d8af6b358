//! A planner that is told of one event after the other: no card is given twice, no promise is broken, and
//! each queue gets its share.

use std::collections::{BTreeMap, BTreeSet};

use domain::{CardMs, CardSet, JobId, Millis, NodeId, ServiceClass, Timestamp, card::Affinity};
use scheduler::{Backfill, Certainty, Order, Planner, Policy, Snapshot, Ticket, Waiting};

use crate::{build::*, random::Random};

/// The number of events: `usual`, or `PLANNER_EVENTS` for the long form.
fn events(usual: u64) -> u64 {
    std::env::var("PLANNER_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

struct World {
    planner: Planner,
    now: Timestamp,
    free: BTreeMap<NodeId, CardSet>,
    jobs: BTreeMap<JobId, Waiting>,
    /// By their ends.
    runs: BTreeSet<(Timestamp, Ticket)>,
    /// The cards that each run holds, and its queue.
    held: BTreeMap<Ticket, (Vec<(NodeId, CardSet)>, u32)>,
    running: BTreeMap<u32, u32>,
    most: Vec<u32>,
    promised: BTreeMap<JobId, Timestamp>,
    kept_promises: u64,
    next: u32,
}

impl World {
    fn new(random: &mut Random, policy: Policy) -> Self {
        let nodes: Vec<_> = (0..6)
            .map(|number| {
                let affinity = random.of(&[Affinity::Any, Affinity::Rings]);
                let mut node = node_of(number, affinity, 8, u32::from(number >= 4), random.of(&["a", "b"]));
                if number >= 4 {
                    node.affinity = Affinity::Any;
                }
                node
            })
            .collect();
        let queues: Vec<_> = (0..4)
            .map(|number| {
                let mut of = queue(number);
                of.pools = [pool_id(0), pool_id(1)][..=number as usize % 2].into();
                of.terms.guaranteed_cards = random.of(&[0, 0, 8, 16]);
                of.terms.max_running_cards = random.of(&[12, 24, 100]);
                of.terms.weight = 1 + random.below(3);
                of.use_card_ms = CardMs(i64::from(random.below(100)) * 3_600_000);
                of
            })
            .collect();
        let free = nodes.iter().map(|node| (node.id, node.cards)).collect();
        let most = queues.iter().map(|queue| queue.terms.max_running_cards).collect();
        let snapshot = Snapshot { nodes, queues, ..Snapshot::default() };
        Self {
            planner: Planner::of(&snapshot, policy, NOW),
            now: NOW,
            free,
            jobs: BTreeMap::new(),
            runs: BTreeSet::new(),
            held: BTreeMap::new(),
            running: BTreeMap::new(),
            most,
            promised: BTreeMap::new(),
            kept_promises: 0,
            next: 0,
        }
    }

    fn submit(&mut self, random: &mut Random) {
        let (nodes, cards) = random.of(&[(1, 1), (1, 1), (1, 2), (1, 4), (1, 8), (2, 8), (2, 4), (3, 8)]);
        let mut of = job(0, random.below(4), nodes, cards);
        of.job = job_id(self.next);
        of.class = random.of(&[
            ServiceClass::Urgent,
            ServiceClass::Normal,
            ServiceClass::Normal,
            ServiceClass::Spot,
        ]);
        of.time_limit = Millis::from_secs(60 * (1 + i64::from(random.below(90))));
        of.submitted_at = self.now;
        self.next += 1;
        self.planner.submit(&of);
        self.jobs.insert(of.job, of);
    }

    fn end(&mut self, ticket: Ticket) {
        let (places, queue) = self.held.remove(&ticket).expect("it runs");
        let mut count = 0;
        for (node, cards) in places {
            let free = self.free.get_mut(&node).expect("a node");
            assert!(free.is_disjoint(cards), "{cards} were free already");
            *free = free.union(cards);
            count += cards.len();
        }
        *self.running.get_mut(&queue).expect("its queue") -= count;
        self.planner.end(ticket, self.now);
    }

    fn plan(&mut self, random: &mut Random) {
        let decisions = self.planner.plan(self.now);
        for start in decisions.starts {
            let job = self.jobs.remove(&start.job).expect("a job that waits");
            assert_eq!(start.placement.0.len(), job.nodes as usize, "a gang is whole");
            let mut nodes = BTreeSet::new();
            for slot in &start.placement.0 {
                let free = self.free.get_mut(&slot.node).expect("a node");
                assert!(slot.cards.is_subset(*free), "{} of {free}", slot.cards);
                assert_eq!(slot.cards.len(), job.cards_per_node);
                *free = free.without(slot.cards);
                assert!(nodes.insert(slot.node), "each on another node");
            }
            let queue = (0..4).find(|&queue| queue_id(queue) == job.queue).expect("a queue");
            let running = self.running.entry(queue).or_default();
            *running += job.nodes * job.cards_per_node;
            assert!(*running <= self.most[queue as usize], "queue {queue} is above its limit");
            if let Some(promised) = self.promised.remove(&start.job) {
                assert!(
                    self.now <= promised,
                    "{} was promised {promised} and starts at {}",
                    start.job,
                    self.now
                );
                self.kept_promises += 1;
            }
            let ends = job.time_limit.0 / i64::from(random.of(&[1, 1, 2, 5]));
            self.runs.insert((self.now.plus(Millis(ends.max(1))), start.ticket));
            let places = start.placement.0.iter().map(|slot| (slot.node, slot.cards)).collect();
            self.held.insert(start.ticket, (places, queue));
        }
        for preemption in decisions.preemptions {
            let known =
                self.runs.iter().find(|(_, ticket)| *ticket == preemption.ticket).copied().expect("it runs");
            if known.0 > preemption.ends_at {
                self.runs.remove(&known);
                self.runs.insert((preemption.ends_at, preemption.ticket));
            }
        }
    }

    /// Notes the promises, and asserts that none is later than before.
    fn look(&mut self) {
        for id in self.jobs.keys() {
            let verdict = self.planner.verdict(*id).expect("it waits");
            let Some(start) = verdict.forecast_start.filter(|_| verdict.certainty == Certainty::Exact) else {
                assert!(!self.promised.contains_key(id), "{id} had a promise: {verdict:?}");
                continue;
            };
            let before = self.promised.insert(*id, start);
            assert!(
                before.is_none_or(|before| start <= before),
                "{id}: {before:?}, then {start} at {}",
                self.now
            );
        }
    }
}

fn run_world(seed: u64, policy: Policy, count: u64, looks: bool) -> u64 {
    let mut random = Random::new(seed);
    let mut world = World::new(&mut random, policy);
    for _ in 0..count {
        // Jobs that never fit are withdrawn in the end, else there would soon be no others.
        let is_crowded = world.jobs.len() >= 60;
        if !is_crowded && (world.jobs.len() < 40 && random.below(5) < 2 || world.runs.is_empty()) {
            world.submit(&mut random);
        } else if is_crowded || random.one_in(50) && !world.jobs.is_empty() {
            let index = random.below(u32::try_from(world.jobs.len()).unwrap()) as usize;
            let id = *world.jobs.keys().nth(index).unwrap();
            world.jobs.remove(&id);
            world.promised.remove(&id);
            world.planner.withdraw(id);
        } else {
            let (at, ticket) = world.runs.pop_first().unwrap();
            world.now = world.now.max(at);
            world.end(ticket);
            // Ends at one instant are told together.
            while let Some(&(next, ticket)) = world.runs.first()
                && next <= at
            {
                world.runs.pop_first();
                world.end(ticket);
            }
        }
        world.plan(&mut random);
        if looks {
            world.look();
        }
    }
    world.kept_promises
}

#[test]
fn promises_are_kept_and_no_card_is_given_twice() {
    for (seed, (order, backfill)) in (0..).zip([
        (Order::FairShare, Backfill::Easy),
        (Order::Fifo, Backfill::Easy),
        (Order::ShortestFirst, Backfill::Easy),
        (Order::Fifo, Backfill::Conservative),
        (Order::FairShare, Backfill::Conservative),
    ]) {
        for reclaims in [false, true] {
            let policy = Policy { order, backfill, reclaims, ..Policy::default() };
            println!("{order:?} {backfill:?} {reclaims}");
            let kept = run_world(seed * 7 + u64::from(reclaims), policy, events(6000) / 10, true);
            assert!(kept > 5, "{order:?} {backfill:?}: promises are made, and kept: {kept}");
        }
    }
}

#[test]
fn nothing_breaks_without_backfill() {
    for order in [Order::FairShare, Order::Fifo, Order::ShortestFirst] {
        let policy = Policy { order, backfill: Backfill::None, forecast_runs: 0, ..Policy::default() };
        run_world(99, policy, events(3000), false);
    }
}

/// Three queues that always have work, with weights 1, 2 and 3: of any day, each gets its share of the
/// card-hours within 2 %.
#[test]
fn shares_follow_weights_day_by_day() {
    let weights = [1_u32, 2, 3];
    let queues = (0..3).map(|number| {
        let mut of = queue(number);
        of.terms.weight = weights[number as usize];
        of
    });
    let nodes = (0..40).map(|number| node(number, Affinity::Any)).collect();
    let snapshot = Snapshot { nodes, queues: queues.collect(), ..Snapshot::default() };
    let mut planner = Planner::of(&snapshot, Policy { forecast_runs: 0, ..Policy::default() }, NOW);
    let mut random = Random::new(5);
    let (mut now, mut next) = (NOW, 0_u32);
    let mut runs: BTreeSet<(Timestamp, Ticket)> = BTreeSet::new();
    let mut queue_of = BTreeMap::new();
    let mut started: BTreeMap<Ticket, (u32, u32, Timestamp)> = BTreeMap::new();
    let mut waiting = [0_u32; 3];
    // Card time of each queue by hour.
    let mut used: BTreeMap<i64, [i64; 3]> = BTreeMap::new();
    let hours = 24 * 12;
    while now < NOW.plus(Millis::from_hours(hours)) {
        for queue in 0..3 {
            while waiting[queue as usize] < 30 {
                let (nodes, cards) = random.of(&[(1, 1), (1, 2), (1, 4), (1, 8), (2, 8)]);
                let mut of = job(next, queue, nodes, cards);
                of.time_limit = Millis::from_secs(60 * (10 + i64::from(random.below(50))));
                of.submitted_at = now;
                queue_of.insert(of.job, queue);
                planner.submit(&of);
                waiting[queue as usize] += 1;
                next += 1;
            }
        }
        for start in planner.plan(now).starts {
            let queue = queue_of.remove(&start.job).expect("known");
            waiting[queue as usize] -= 1;
            started.insert(start.ticket, (queue, start.cards, now));
            let lasts = start.expected_end.since(now).0 * i64::from(50 + random.below(51)) / 100;
            runs.insert((now.plus(Millis(lasts)), start.ticket));
        }
        let (at, ticket) = runs.pop_first().expect("something always runs");
        let (queue, cards, since) = started.remove(&ticket).expect("it runs");
        now = at;
        planner.end(ticket, now);
        let mut from = since;
        while from < at {
            let hour = from.since(NOW).0 / HOUR.0;
            let until = NOW.plus(Millis((hour + 1) * HOUR.0)).min(at);
            used.entry(hour).or_default()[queue as usize] += until.since(from).0 * i64::from(cards);
            from = until;
        }
    }
    for first in 0..hours - 24 {
        let day = (first..first + 24).fold([0_i64; 3], |sum, hour| {
            let of = used.get(&hour).copied().unwrap_or_default();
            [sum[0] + of[0], sum[1] + of[1], sum[2] + of[2]]
        });
        let all: i64 = day.iter().sum();
        for (got, weight) in day.iter().zip(weights) {
            let share = i64::from(weight) * all / 6;
            assert!(
                (got - share).abs() * 100 <= share * 2,
                "from hour {first}: {day:?}, {got} is not {share} ± 2 %"
            );
        }
    }
}
