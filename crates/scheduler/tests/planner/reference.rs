//! A slow, obvious planner, which looks at every job and every node again for each decision.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use domain::{CardSet, NodeId, Placement, PoolId, Timestamp, card::Affinity, node::Slot};
use scheduler::{Block, Gate, NodeView, PlannedStart, Policy, Queue, Snapshot, Waiting};

type Free = BTreeMap<NodeId, CardSet>;
type CardPool = (PoolId, String);
/// How good a node is: penalty, breaks a whole node, misses cards, leaves an odd number, cards left, cards in
/// all, how much longer the node is busy, switch, name.
type Score = (u32, bool, bool, bool, u32, u32, i64, String, String);

/// The starts of a plan.
pub fn starts(snapshot: &Snapshot, policy: &Policy, now: Timestamp) -> Vec<PlannedStart> {
    let mut free: Free = snapshot.nodes.iter().map(|node| (node.id, node.free)).collect();
    let empty: Free = snapshot.nodes.iter().map(|node| (node.id, node.cards)).collect();
    let mut runs: Vec<(&Queue, Placement, Timestamp)> = Vec::new();
    for run in &snapshot.running {
        let queue = snapshot.queues.iter().find(|queue| queue.id == run.queue).expect("runs have queues");
        runs.push((queue, run.placement.clone(), run.expected_end.max(now)));
    }
    let mut tasks: Vec<u32> = snapshot.waiting.iter().map(|job| job.tasks).collect();
    let mut done = BTreeSet::new();
    // The cards of a pool that are held from an instant on; the room kept in a queue: from when, how much is
    // spare, whether for its limit.
    let mut held: BTreeMap<CardPool, (Timestamp, Placement)> = BTreeMap::new();
    let mut kept: Vec<(&Queue, Timestamp, u32, bool)> = Vec::new();
    // The promised cards of queues.
    let mut promised: Vec<(domain::ContractId, u32)> = Vec::new();
    let mut starts = Vec::new();
    loop {
        let running = |runs: &[(&Queue, Placement, Timestamp)], queue: &Queue, after: Timestamp| {
            let of_queue = runs.iter().filter(|(of, _, end)| of.id == queue.id && *end > after);
            of_queue.map(|(_, placement, _)| placement.card_count()).sum::<u32>()
        };
        let long_ago = Timestamp::from_micros(i64::MIN);
        let in_order =
            snapshot.waiting.iter().enumerate().filter(|(i, _)| !done.contains(i)).filter_map(|(i, job)| {
                let queue = snapshot.queues.iter().find(|queue| queue.id == job.queue)?;
                let cards = running(&runs, queue, long_ago);
                // Weights below 4 divide 12.
                let used = queue.use_card_ms.0 + i64::from(cards) * policy.entry_penalty.0;
                let share = used * 12 / i64::from(queue.terms.weight.max(1));
                Some((
                    (job.class, cards >= queue.terms.guaranteed_cards, share, job.submitted_at, job.job),
                    i,
                    queue,
                ))
            });
        let Some((_, i, queue)) = in_order.min_by_key(|(key, ..)| *key) else { return starts };
        let job = &snapshot.waiting[i];
        done.insert(i);
        let asked = job.nodes * job.cards_per_node;
        let terms = queue.terms;
        let limit =
            terms.max_running_cards.min(terms.guaranteed_cards + terms.borrowing_limit.unwrap_or(9999));
        let end = now.plus(job.time_limit);
        let is_blocked =
            matches!(job.block, Some(Block::Budget(_) | Block::Dependency { .. })) || tasks[i] == 0;
        let all_up = &|_: &NodeView| true;
        let fits_some_day = place(snapshot, queue, job, &empty, &|node| node.takes_runs, &|_| 0).is_some();
        let fits_ever = place(snapshot, queue, job, &empty, all_up, &|_| 0).is_some() && asked <= limit;
        if is_blocked || queue.gate != Gate::Open || !fits_ever || !fits_some_day {
            continue;
        }
        if starts.len() == policy.max_starts as usize {
            continue;
        }
        if running(&runs, queue, long_ago) + asked > limit {
            if !kept.iter().any(|(of, .., for_limit)| of.id == queue.id && *for_limit) {
                let ends: BTreeSet<Timestamp> = runs.iter().map(|(.., end)| *end).collect();
                let from = ends.into_iter().find(|&end| running(&runs, queue, end) + asked <= limit).unwrap();
                let others: u32 =
                    promised.iter().filter(|(of, _)| *of == queue.id).map(|(_, cards)| cards).sum();
                let then = asked + others + running(&runs, queue, from);
                kept.push((queue, from, limit.saturating_sub(then), true));
            }
            continue;
        }
        if kept.iter().any(|(of, from, spare, _)| of.id == queue.id && *from < end && *spare < asked) {
            continue;
        }
        let mut open = free.clone();
        for (_, (_, placement)) in held.iter().filter(|(_, (from, _))| *from < end) {
            change(&mut open, placement, CardSet::without);
        }
        let longer = |node: NodeId| {
            let on_it =
                runs.iter().filter(|(_, placement, _)| placement.0.iter().any(|slot| slot.node == node));
            let until = on_it.map(|(.., end)| end.as_micros()).max().unwrap_or(i64::MIN);
            end.as_micros().saturating_sub(until).max(0)
        };
        let longer: &dyn Fn(NodeId) -> i64 = if job.nodes == 1 { &longer } else { &|_| 0 };
        if let Some(placement) = place(snapshot, queue, job, &open, &|node| node.takes_runs, longer) {
            change(&mut free, &placement, CardSet::without);
            for (_, from, spare, _) in kept.iter_mut().filter(|(of, ..)| of.id == queue.id) {
                *spare -= if *from < end { asked } else { 0 };
            }
            runs.push((queue, placement.clone(), end));
            starts.push(PlannedStart { job: job.job, placement });
            tasks[i] -= 1;
            done.remove(&i);
            continue;
        }
        let own: Vec<CardPool> = card_pools(snapshot, queue, job);
        if own.iter().any(|card_pool| held.contains_key(card_pool)) {
            continue;
        }
        let ends: BTreeSet<Timestamp> = runs.iter().map(|(.., end)| *end).collect();
        let found = ends.into_iter().find_map(|at| {
            let mut then = free.clone();
            for (_, placement, _) in runs.iter().filter(|(.., end)| *end <= at) {
                change(&mut then, placement, CardSet::union);
            }
            let of = |card_pool: &CardPool| {
                let usable = |node: &NodeView| node.takes_runs && card_pool_of(node) == *card_pool;
                Some((card_pool.clone(), at, place(snapshot, queue, job, &then, &usable, &|_| 0)?))
            };
            own.iter().find_map(of)
        });
        if let Some((card_pool, from, placement)) = found {
            let others: u32 = promised.iter().filter(|(of, _)| *of == queue.id).map(|(_, cards)| cards).sum();
            if running(&runs, queue, long_ago) + others + asked > limit {
                continue;
            }
            let then = asked + others + running(&runs, queue, from);
            kept.push((queue, from, limit.saturating_sub(then), false));
            promised.push((queue.id, asked));
            held.insert(card_pool, (from, placement));
        }
    }
}

fn change(free: &mut Free, placement: &Placement, how: fn(CardSet, CardSet) -> CardSet) {
    for slot in &placement.0 {
        let cards = free.get_mut(&slot.node).unwrap();
        *cards = how(*cards, slot.cards);
    }
}

fn card_pool_of(node: &NodeView) -> CardPool {
    (node.pool, node.model.to_string())
}

fn card_pools(snapshot: &Snapshot, queue: &Queue, job: &Waiting) -> Vec<CardPool> {
    let usable = snapshot.nodes.iter().filter(|node| {
        queue.pools.contains(&node.pool) && (job.models.is_empty() || job.models.contains(&node.model))
    });
    usable.map(card_pool_of).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The best place among `free` cards of the nodes that are `usable`.
fn place(
    snapshot: &Snapshot,
    queue: &Queue,
    job: &Waiting,
    free: &Free,
    usable: &dyn Fn(&NodeView) -> bool,
    longer: &dyn Fn(NodeId) -> i64,
) -> Option<Placement> {
    let in_card_pool = |card_pool: CardPool| {
        let nodes = snapshot.nodes.iter().filter(|node| card_pool_of(node) == card_pool && usable(node));
        let scored = nodes.filter_map(|node| {
            Some((score(node, free[&node.id], job.cards_per_node, longer(node.id))?, node))
        });
        let mut by_switch = BTreeMap::<&str, Vec<(Score, CardSet, NodeId)>>::new();
        let mut all = Vec::new();
        for ((score, cards), node) in scored {
            by_switch.entry(&node.switch).or_default().push((score.clone(), cards, node.id));
            all.push((score, cards, node.id));
        }
        let mut chosen = Vec::new();
        let mut switches = 0;
        if job.nodes == 1 {
            chosen.extend(all.into_iter().min());
            switches = 1;
        }
        while chosen.len() < job.nodes as usize {
            let left = job.nodes as usize - chosen.len();
            let enough = by_switch.iter().filter(|(_, nodes)| nodes.len() >= left);
            let smallest = enough.min_by_key(|(name, nodes)| (nodes.len(), **name)).map(|(name, _)| *name);
            let largest = by_switch.iter().max_by_key(|(name, nodes)| (nodes.len(), Reverse(**name)));
            let name = smallest.or(largest.map(|(name, _)| *name))?;
            let mut nodes = by_switch.remove(name).unwrap();
            nodes.sort();
            chosen.extend(nodes.into_iter().take(left));
            switches += 1;
        }
        let fit = |(score, ..): &(Score, CardSet, NodeId)| {
            (score.0, score.1, score.2, score.3, score.4, score.5, score.6)
        };
        let worst = chosen.iter().map(fit).max()?;
        chosen.sort_by(|(a, ..), (b, ..)| (&a.7, &a.8).cmp(&(&b.7, &b.8)));
        let slots = chosen.into_iter().map(|(_, cards, node)| Slot { node, cards }).collect();
        Some((switches, worst, card_pool, Placement(slots)))
    };
    let best = card_pools(snapshot, queue, job).into_iter().filter_map(in_card_pool);
    best.min_by(|a, b| (&a.0, &a.1, &a.2).cmp(&(&b.0, &b.1, &b.2))).map(|(.., placement)| placement)
}

/// How well a run of `ask` cards fits the `free` ones, and which cards it gets.
fn score(node: &NodeView, free: CardSet, ask: u32, longer: i64) -> Option<(Score, CardSet)> {
    let left = free.len().checked_sub(ask)?;
    let table = |left: u32| [0, 2, 1, 3, 4, 5, 6, 7][left as usize];
    let single = |card: u8| free.contains(card) && !free.contains(card ^ 1);
    let (penalty, cards, is_odd) = match node.affinity {
        _ if ask == node.cards.len() => (0, free, false),
        Affinity::Any => (0, free.lowest(ask)?, false),
        Affinity::Rings => {
            let rings = node.rings.iter().map(|ring| ring.intersection(free));
            let ring = rings.filter(|ring| ring.len() >= ask).min_by_key(|ring| table(ring.len() - ask))?;
            [1, 2, 4, 8].contains(&ask).then_some(())?;
            (table(ring.len() - ask), ring.lowest(ask)?, left % 2 == 1)
        }
        Affinity::Pairs if ask == 1 => match (0..64).find(|&card| single(card)) {
            Some(card) => (0, CardSet::only(card), false),
            None => (1, free.lowest(1)?, false),
        },
        Affinity::Pairs => {
            let whole: CardSet = free.iter().filter(|&card| !single(card)).collect();
            ask.is_multiple_of(2).then_some(())?;
            (0, whole.lowest(ask)?, false)
        }
    };
    let wired = node.rings.iter().fold(CardSet::EMPTY, |all, ring| all.union(*ring));
    let (switch, name) = (node.switch.to_string(), node.name.to_string());
    let (breaks_whole, lacks) = (free == node.cards && left > 0, !wired.is_subset(node.cards));
    let score = (penalty, breaks_whole, lacks, is_odd, left, node.cards.len(), longer, switch, name);
    Some((score, cards))
}
