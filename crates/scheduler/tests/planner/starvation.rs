//! Large gangs do not starve behind small jobs.
//!
//! The bound: once a job is the first in order of those that its contract lets start, it starts at the latest
//! when the runs that were running then have come to their time limits. The same holds for a job that is the
//! first of its queue to wait for its contract's limit.

use domain::{CardMs, Millis, card::Affinity};
use scheduler::{Block, Certainty, Occupied, Policy, Snapshot, Waiting, plan, use_decay::DecayedUse};

use crate::{build::*, random::Random};

const MINUTE: Millis = Millis::from_secs(60);
const LONGEST_MINUTES: u32 = 30;

/// Lets 12 small jobs of `small_queue` come each minute, each of which runs for its whole time of 1 to 30
/// minutes; the gang comes in minute 60 as job 5000. Gives how many minutes the gang waits from when it is
/// the first in order until it starts, and asserts that it starts no later than promised.
fn wait_minutes(mut world: Snapshot, small_queue: u32, gang: &Waiting, seed: u64) -> i64 {
    let mut random = Random::new(seed);
    let (mut forecast, mut first_since) = (None, None);
    let mut used = DecayedUse { as_of: NOW, ..DecayedUse::default() };
    let policy = Policy::default();
    for minute in 0..60 + 4 * i64::from(LONGEST_MINUTES) {
        let now = NOW.plus(Millis(minute * MINUTE.0));
        let ended = |run: &Occupied| run.expected_end <= now;
        for run in world.running.iter().filter(|run| ended(run)) {
            for slot in &run.placement.0 {
                let node = world.nodes.iter_mut().find(|node| node.id == slot.node).unwrap();
                node.free = node.free.union(slot.cards);
            }
        }
        let small_cards =
            u32::try_from(world.running.iter().filter(|run| run.queue == queue_id(small_queue)).count());
        let use_of_minute = CardMs(i64::from(small_cards.unwrap()) * MINUTE.0);
        used = used.add(use_of_minute, now, policy.use_half_life);
        world.queues[small_queue as usize].use_card_ms = used.value;
        world.running.retain(|run| !ended(run));
        for i in 0..12 {
            let mut small = job(u32::try_from(minute).unwrap() * 12 + i, small_queue, 1, 1);
            small.submitted_at = now;
            small.time_limit = Millis(MINUTE.0 * i64::from(1 + random.below(LONGEST_MINUTES)));
            world.waiting.push(small);
        }
        if minute == 60 {
            // Older jobs come before the gang where they share its queue, so begin with none.
            world.waiting.clear();
            world.waiting.push(Waiting { submitted_at: now, ..gang.clone() });
        }
        let decided = plan(&world, &policy, now);
        if decided.starts.iter().any(|start| start.job == gang.job) {
            assert!(
                forecast.is_none_or(|promised| now <= promised),
                "promised for {forecast:?}, started {now}"
            );
            return minute - first_since.unwrap_or(minute);
        }
        if let Some(verdict) = decided.verdicts.iter().find(|verdict| verdict.job == gang.job) {
            if verdict.ahead == 0 {
                first_since = first_since.or(Some(minute));
            }
            if verdict.certainty == Certainty::Exact {
                assert!(forecast.is_none_or(|promised| verdict.forecast_start <= Some(promised)));
                forecast = verdict.forecast_start;
            }
        }
        for start in decided.starts {
            let job = world.waiting.iter().find(|job| job.job == start.job).unwrap();
            assert_eq!(job.block, None::<Block>);
            let expected_end = now.plus(job.time_limit);
            for slot in &start.placement.0 {
                let node = world.nodes.iter_mut().find(|node| node.id == slot.node).unwrap();
                node.free = node.free.without(slot.cards);
            }
            let (queue, class, placement) = (job.queue, job.class, start.placement);
            world.running.push(Occupied {
                run: run_id(0),
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
            world.waiting.retain(|job| job.job != start.job);
        }
    }
    panic!("the gang starved");
}

fn center(queues: u32) -> Snapshot {
    let nodes = (0..4).map(|number| node(number, Affinity::Rings)).collect();
    Snapshot { nodes, queues: (0..queues).map(queue).collect(), ..Snapshot::default() }
}

#[test]
fn a_gang_starts_within_the_longest_time_limit_behind_a_stream_of_its_own_queue() {
    for seed in 0..8 {
        let minutes = wait_minutes(center(1), 0, &job(5000, 0, 4, 8), seed);
        assert!((1..=LONGEST_MINUTES.into()).contains(&minutes), "{minutes}");
    }
}

#[test]
fn a_gang_starts_within_the_longest_time_limit_behind_a_stream_of_another_queue() {
    for seed in 0..8 {
        let minutes = wait_minutes(center(2), 0, &job(5000, 1, 4, 8), seed);
        assert!((1..=LONGEST_MINUTES.into()).contains(&minutes), "{minutes}");
    }
}

#[test]
fn a_gang_that_waits_for_its_contract_does_not_starve_behind_smaller_jobs_of_it() {
    for seed in 0..8 {
        let mut world = center(1);
        world.queues[0].terms.max_running_cards = 16;
        let minutes = wait_minutes(world, 0, &job(5000, 0, 2, 8), seed);
        assert!((1..=LONGEST_MINUTES.into()).contains(&minutes), "{minutes}");
    }
}
