//! Rules that hold for any center and any course of events.

use std::collections::BTreeMap;

use domain::{CardSet, JobId, Millis, NodeId, Timestamp, card::Affinity};
use proptest::prelude::*;
use scheduler::{Block, Gate, Limit, NodeView, Occupied, Plan, Policy, Snapshot, plan, try_out};

use crate::{
    build::*,
    random::{Random, busy_center, center, random_job},
    reference,
};

/// The number of cases: `usual`, or `PROPTEST_CASES` for the long form.
fn cases(usual: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_some() {
        config
    } else {
        ProptestConfig { cases: usual, ..config }
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn the_slow_planner_starts_the_same(seed: u64, max_starts in 1_u32..40) {
        let snapshot = busy_center(&mut Random::new(seed), 14);
        let policy = Policy { max_starts, reclaims: false, ..Policy::default() };
        let fast = plan(&snapshot, &policy, NOW);
        prop_assert_eq!(&fast.starts, &reference::starts(&snapshot, &policy, NOW));
        assert_sound(&snapshot, &policy, NOW, &fast);
    }

    #[test]
    fn the_order_of_the_lists_has_no_meaning(seed: u64) {
        let mut random = Random::new(seed);
        let mut snapshot = busy_center(&mut random, 25);
        let before = plan(&snapshot, &Policy::default(), NOW);
        random.shuffle(&mut snapshot.nodes);
        random.shuffle(&mut snapshot.queues);
        random.shuffle(&mut snapshot.waiting);
        random.shuffle(&mut snapshot.running);
        for queue in &mut snapshot.queues {
            let mut pools = queue.pools.to_vec();
            random.shuffle(&mut pools);
            queue.pools = pools.into();
        }
        let after = plan(&snapshot, &Policy::default(), NOW);
        prop_assert_eq!(&before.starts, &after.starts);
        for (before, after) in before.verdicts.iter().zip(&after.verdicts) {
            prop_assert_eq!(before, after);
        }
        prop_assert_eq!(serde_json::to_string(&before).unwrap(), serde_json::to_string(&after).unwrap());
    }

    #[test]
    fn a_dry_run_says_what_the_plan_does(seed: u64) {
        let mut random = Random::new(seed);
        let mut snapshot = busy_center(&mut random, 12);
        let queues = u32::try_from(snapshot.queues.len()).unwrap();
        let tried = random_job(&mut random, 100, queues);
        let trial = try_out(&snapshot, &Policy::default(), NOW, &tried);
        snapshot.waiting.push(tried);
        let Plan { starts, verdicts, .. } = plan(&snapshot, &Policy::default(), NOW);
        let start = starts.into_iter().find(|start| start.job == job_id(100));
        prop_assert_eq!(trial.starts_now, start.map(|start| start.placement));
        prop_assert_eq!(trial.verdict, verdicts.into_iter().find(|verdict| verdict.job == job_id(100)));
    }
}

proptest! {
    #![proptest_config(cases(64))]

    /// 64 × 200 events: jobs come, runs end or overrun, nodes go out and come back, contracts close and open,
    /// jobs are cancelled, time passes. There is a plan after each.
    #[test]
    fn no_course_of_events_breaks_the_rules(seed: u64) {
        let mut random = Random::new(seed);
        let mut world = center(&mut random);
        let (mut now, mut next) = (NOW, 0);
        for _ in 0..200 {
            happen(&mut world, &mut random, &mut now, &mut next);
            let policy = Policy { max_starts: 1 + random.below(20), ..Policy::default() };
            let decided = plan(&world, &policy, now);
            assert_sound(&world, &policy, now, &decided);
            carry_out(&mut world, now, &mut next, decided);
        }
    }
}

fn happen(world: &mut Snapshot, random: &mut Random, now: &mut Timestamp, next: &mut u32) {
    let pick = |random: &mut Random, len: usize| random.below(u32::try_from(len).unwrap()) as usize;
    match random.below(10) {
        0..4 => {
            let queues = u32::try_from(world.queues.len()).unwrap();
            let mut job = random_job(random, *next, queues);
            job.submitted_at = *now;
            world.waiting.push(job);
            *next += 1;
        }
        4..7 if !world.running.is_empty() => {
            let run = world.running.swap_remove(pick(random, world.running.len()));
            for slot in &run.placement.0 {
                let node = world.nodes.iter_mut().find(|node| node.id == slot.node).unwrap();
                assert!(node.free.is_disjoint(slot.cards));
                node.free = node.free.union(slot.cards);
            }
        }
        7 => {
            let node = pick(random, world.nodes.len());
            world.nodes[node].takes_runs ^= true;
        }
        8 => {
            let queue = pick(random, world.queues.len());
            let is_open = world.queues[queue].gate == Gate::Open;
            world.queues[queue].gate = if is_open { Gate::Ended } else { Gate::Open };
        }
        9 if !world.waiting.is_empty() => {
            let job = pick(random, world.waiting.len());
            world.waiting.swap_remove(job);
        }
        _ => *now = now.plus(Millis(i64::from(random.below(3_600_000)))),
    }
}

fn carry_out(world: &mut Snapshot, now: Timestamp, next: &mut u32, plan: Plan) {
    for start in plan.starts {
        let job = world.waiting.iter_mut().find(|job| job.job == start.job).unwrap();
        job.tasks -= 1;
        if let Some(Block::ArrayLimit { running, .. }) = &mut job.block {
            *running += 1;
        }
        *next += 1;
        let (queue, class, expected_end) = (job.queue, job.class, now.plus(job.time_limit));
        let placement = start.placement;
        for slot in &placement.0 {
            let node = world.nodes.iter_mut().find(|node| node.id == slot.node).unwrap();
            node.free = node.free.without(slot.cards);
        }
        world.running.push(Occupied {
            run: run_id(*next),
            job: start.job,
            queue,
            class,
            cards: placement.card_count(),
            placement,
            counted: None,
            started_at: now,
            expected_end,
            is_preempted: false,
        });
    }
    world.waiting.retain(|job| job.tasks > 0 || job.block.is_some());
}

/// No card is given twice or taken from a run, no gang is split, no ring rule broken, no quota exceeded; and
/// each job that goes on waiting has one verdict, with a forecast that is not in the past.
fn assert_sound(snapshot: &Snapshot, policy: &Policy, now: Timestamp, plan: &Plan) {
    let mut free: BTreeMap<NodeId, CardSet> =
        snapshot.nodes.iter().map(|node| (node.id, node.free)).collect();
    let mut tasks: BTreeMap<JobId, u32> = BTreeMap::new();
    assert!(plan.starts.len() <= policy.max_starts as usize);
    for start in &plan.starts {
        let job = snapshot.waiting.iter().find(|job| job.job == start.job).unwrap();
        let queue = snapshot.queues.iter().find(|queue| queue.id == job.queue).unwrap();
        assert_eq!(queue.gate, Gate::Open);
        assert!(!matches!(job.block, Some(Block::Budget(_) | Block::Dependency { .. })));
        assert_eq!(start.placement.0.len(), job.nodes as usize, "a gang is whole");
        let mut pools = Vec::new();
        for slot in &start.placement.0 {
            let node = snapshot.nodes.iter().find(|node| node.id == slot.node).unwrap();
            let left = free.get_mut(&slot.node).unwrap();
            assert!(slot.cards.is_subset(*left), "{} of {left}", slot.cards);
            *left = left.without(slot.cards);
            assert_eq!(slot.cards.len(), job.cards_per_node);
            assert!(node.takes_runs && queue.pools.contains(&node.pool));
            assert!(job.models.is_empty() || job.models.contains(&node.model));
            assert!(is_wired(node, slot.cards), "{} of {node:?}", slot.cards);
            pools.push((node.pool, &node.model));
        }
        pools.dedup();
        assert_eq!(pools.len(), 1, "a gang is in one pool");
        let mut nodes: Vec<NodeId> = start.placement.0.iter().map(|slot| slot.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        assert_eq!(nodes.len(), job.nodes as usize, "each on another node");
        *tasks.entry(start.job).or_default() += 1;
    }
    for queue in &snapshot.queues {
        let terms = queue.terms;
        let running = snapshot.running.iter().filter(|run| run.queue == queue.id);
        let before: u32 = running.map(|run| run.placement.card_count()).sum();
        let of_queue = |job: JobId| snapshot.waiting.iter().any(|of| of.job == job && of.queue == queue.id);
        let started = plan.starts.iter().filter(|start| of_queue(start.job));
        let started: u32 = started.map(|start| start.placement.card_count()).sum();
        let limit = terms.borrowing_limit.map_or(u32::MAX, |limit| terms.guaranteed_cards + limit);
        assert!(started == 0 || before + started <= limit.min(terms.max_running_cards));
    }
    let mut verdicts: Vec<JobId> = plan.verdicts.iter().map(|verdict| verdict.job).collect();
    verdicts.sort_unstable();
    let waits = snapshot.waiting.iter().filter(|job| {
        let started = tasks.get(&job.job).copied().unwrap_or(0);
        assert!(started <= job.tasks);
        started < job.tasks || job.block.is_some()
    });
    let mut waits: Vec<JobId> = waits.map(|job| job.job).collect();
    waits.sort_unstable();
    assert_eq!(verdicts, waits);
    let is_full = plan.starts.len() == policy.max_starts as usize;
    assert!(is_full || !plan.verdicts.iter().any(|verdict| matches!(verdict.limit, Limit::MaxStarts { .. })));
    assert!(plan.verdicts.iter().all(|verdict| verdict.forecast_start.is_none_or(|start| start >= now)));
}

/// Whether a run may have exactly these cards of a node.
fn is_wired(node: &NodeView, cards: CardSet) -> bool {
    let count = cards.len();
    cards == node.cards
        || match node.affinity {
            Affinity::Any => true,
            Affinity::Rings => {
                count.is_power_of_two() && node.rings.iter().any(|ring| cards.is_subset(*ring))
            }
            Affinity::Pairs => count == 1 || cards.iter().all(|card| cards.contains(card ^ 1)),
        }
}
