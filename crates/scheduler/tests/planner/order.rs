//! Which job goes first, which may start, and that gangs are not split.

use std::collections::BTreeSet;

use domain::{CardMs, CardSet, Millis, QueueTerms, ServiceClass, card::Affinity};
use scheduler::{Block, Policy, Snapshot, plan};

use crate::build::*;

/// A center of one node of 8 cards with `busy` of them held by a run of queue 9.
fn center(free: u8) -> Snapshot {
    let mut snapshot =
        Snapshot { nodes: vec![node(0, Affinity::Any)], queues: vec![queue(9)], ..Snapshot::default() };
    if free < 8 {
        occupy(&mut snapshot, 900, 9, &[(0, cards(free, 7))], 1);
    }
    snapshot
}

fn terms(
    guaranteed_cards: u32,
    borrowing_limit: Option<u32>,
    weight: u32,
    max_running_cards: u32,
) -> QueueTerms {
    QueueTerms { guaranteed_cards, borrowing_limit, lending_limit: None, weight, max_running_cards }
}

#[test]
fn class_then_guarantee_then_fair_share_then_age() {
    // (queue, class, guaranteed cards, weight, used card-hours) of jobs 0, 1, 2…, each of one card; the
    // expected order.
    use ServiceClass::{Normal, Spot, Urgent};
    type Row = (ServiceClass, u32, u32, i64);
    let table: [(&str, &[Row], &[u32]); 7] = [
        ("age decides among equals", &[(Normal, 0, 1, 0), (Normal, 0, 1, 0)], &[0, 1]),
        ("class before all", &[(Spot, 8, 9, 0), (Normal, 8, 9, 0), (Urgent, 0, 1, 99)], &[2, 1, 0]),
        ("less used first", &[(Normal, 0, 1, 10), (Normal, 0, 1, 5)], &[1, 0]),
        ("use counts by weight", &[(Normal, 0, 1, 10), (Normal, 0, 3, 29)], &[1, 0]),
        ("below its guarantee first", &[(Normal, 0, 1, 0), (Normal, 1, 1, 99)], &[1, 0]),
        ("both below: less used first", &[(Normal, 1, 1, 9), (Normal, 1, 1, 3)], &[1, 0]),
        ("weight 0 counts as 1", &[(Normal, 0, 0, 10), (Normal, 0, 1, 9)], &[1, 0]),
    ];
    for (what, rows, want) in table {
        let mut snapshot = center(8);
        for (number, &(class, guaranteed, weight, used)) in (0..).zip(rows) {
            let mut of = queue(number);
            of.terms = terms(guaranteed, None, weight, 8);
            of.use_card_ms = CardMs::from_card_hours(used);
            snapshot.queues.push(of);
            let mut asks = job(number, number, 1, 1);
            asks.class = class;
            snapshot.waiting.push(asks);
        }
        assert_eq!(started(&snapshot), want, "{what}");
    }
}

#[test]
fn what_starts_counts_at_once_so_that_a_burst_does_not_overtake() {
    let mut snapshot = center(8);
    snapshot.queues.extend([queue(0), queue(1)]);
    // Queue 0 has all the older jobs.
    snapshot.waiting.extend((0..6).map(|number| job(number, 0, 1, 1)));
    snapshot.waiting.extend((6..12).map(|number| job(number, 1, 1, 1)));
    assert_eq!(started(&snapshot), [0, 6, 1, 7, 2, 8, 3, 9]);
    // With three times the weight, three times the cards.
    snapshot.queues[2].terms.weight = 3;
    assert_eq!(started(&snapshot), [0, 6, 7, 8, 1, 9, 10, 11]);
}

#[test]
fn limits_of_running_cards_hold() {
    // (terms, running, asks) → starts.
    let table: [(QueueTerms, u8, &[u32], &[u32]); 8] = [
        (terms(0, None, 1, 4), 0, &[2, 2, 2], &[0, 1]),
        (terms(0, None, 1, 4), 3, &[1, 1], &[0]),
        (terms(0, None, 1, 4), 4, &[1], &[]),
        (terms(0, None, 1, 0), 0, &[1], &[]),
        (terms(2, Some(1), 1, 8), 0, &[1, 1, 1, 1], &[0, 1, 2]),
        (terms(2, Some(0), 1, 8), 1, &[1, 1], &[0]),
        (terms(2, None, 1, 8), 0, &[1, 1, 1, 1], &[0, 1, 2, 3]),
        (terms(8, None, 1, 3), 0, &[4, 3], &[1]),
    ];
    for (terms, running, asks, want) in table {
        let mut snapshot = center(8);
        snapshot.queues.push(queue(0));
        snapshot.queues[1].terms = terms;
        if running > 0 {
            occupy(&mut snapshot, 901, 0, &[(0, CardSet::first(running))], 1);
        }
        snapshot.waiting = (0..).zip(asks).map(|(number, &ask)| job(number, 0, 1, ask)).collect();
        assert_eq!(started(&snapshot), want, "{terms:?} {running} {asks:?}");
    }
}

#[test]
fn a_queue_counts_as_below_its_guarantee_until_it_has_it() {
    let mut snapshot = center(4);
    snapshot.queues.extend([queue(0), queue(1)]);
    snapshot.queues[2].terms = terms(2, None, 1, 8);
    snapshot.queues[2].use_card_ms = CardMs::from_card_hours(1000);
    snapshot.waiting.extend((0..4).map(|number| job(number, 0, 1, 1)));
    snapshot.waiting.extend((4..8).map(|number| job(number, 1, 1, 1)));
    assert_eq!(started(&snapshot), [4, 5, 0, 1]);
}

#[test]
fn a_gang_starts_whole_or_not_at_all() {
    // Free cards of each of three nodes, the ask, whether it starts.
    let table: [(&[u8], u32, u32, bool); 7] = [
        (&[8, 8, 8], 3, 8, true),
        (&[8, 8, 7], 3, 8, false),
        (&[8, 8, 7], 2, 8, true),
        (&[4, 4, 4], 3, 4, true),
        (&[4, 4, 3], 3, 4, false),
        (&[8, 0, 0], 2, 4, false),
        (&[8, 0, 0], 1, 8, true),
    ];
    for (free, nodes, ask, want) in table {
        let mut snapshot = Snapshot {
            nodes: (0..3).map(|number| node(number, Affinity::Any)).collect(),
            queues: vec![queue(0), queue(9)],
            ..Snapshot::default()
        };
        for (index, &free) in free.iter().enumerate().filter(|(_, free)| **free < 8) {
            occupy(&mut snapshot, 900, 9, &[(index, cards(free, 7))], 1);
        }
        snapshot.waiting = vec![job(0, 0, nodes, ask)];
        let plan = plan(&snapshot, &Policy::default(), NOW);
        assert_eq!(plan.starts.len() == 1, want, "{free:?} {nodes} × {ask}");
        for start in plan.starts {
            assert_eq!(start.placement.0.len(), nodes as usize);
            assert!(start.placement.0.iter().all(|slot| slot.cards.len() == ask));
        }
    }
}

#[test]
fn an_array_starts_as_many_tasks_as_it_may() {
    let mut snapshot = center(8);
    snapshot.queues.push(queue(0));
    snapshot.waiting = vec![job(0, 0, 1, 1), job(1, 0, 1, 1)];
    snapshot.waiting[0].tasks = 5;
    assert_eq!(started(&snapshot), [0, 0, 0, 0, 0, 1]);
    snapshot.waiting[0].tasks = 100;
    assert_eq!(started(&snapshot), [0; 8]);
    snapshot.waiting[0].tasks = 3;
    snapshot.waiting[0].block = Some(Block::ArrayLimit { running: 1, limit: 4 });
    assert_eq!(started(&snapshot), [0, 0, 0, 1]);
    snapshot.waiting[0].block = Some(Block::Dependency { waits_for: 1, first: job_id(7) });
    assert_eq!(started(&snapshot), [1]);
}

#[test]
fn a_plan_starts_no_more_than_it_may_and_the_next_goes_on() {
    let mut snapshot = center(8);
    snapshot.queues.push(queue(0));
    snapshot.waiting = (0..5).map(|number| job(number, 0, 1, 1)).collect();
    let policy = Policy { max_starts: 3, ..Policy::default() };
    let first = plan(&snapshot, &policy, NOW);
    assert_eq!(first.starts.len(), 3);
    assert_eq!(first.verdicts.iter().map(|verdict| number_of(verdict.job)).collect::<Vec<_>>(), [3, 4]);
    assert!(first.verdicts.iter().all(|verdict| verdict.forecast_start == Some(NOW)));
}

#[test]
fn what_is_lent_is_called_back_lowest_class_first_then_newest_first_and_no_more_than_needed() {
    let mut snapshot = center(8);
    snapshot.queues.push(queue(1));
    snapshot.queues[1].terms = terms(8, None, 1, 8);
    // Runs of two cards each, of a queue without a guarantee: their class, and for how many hours they have run.
    let runs = [
        (ServiceClass::Normal, 3),
        (ServiceClass::Spot, 4),
        (ServiceClass::Spot, 1),
        (ServiceClass::Normal, 1),
    ];
    for (number, (class, hours)) in (0..).zip(runs) {
        let first = 2 * u8::try_from(number).unwrap();
        occupy(&mut snapshot, number, 9, &[(0, cards(first, first + 1))], 9);
        let run = snapshot.running.last_mut().unwrap();
        (run.class, run.started_at) = (class, NOW.minus(Millis::from_hours(hours)));
    }
    for (ask, want) in
        [(1, &[2][..]), (2, &[2]), (3, &[1, 2]), (4, &[1, 2]), (6, &[1, 2, 3]), (8, &[0, 1, 2, 3])]
    {
        snapshot.waiting = vec![job(10, 1, 1, ask)];
        let called: BTreeSet<_> =
            plan(&snapshot, &Policy::default(), NOW).preemptions.iter().filter_map(|back| back.run).collect();
        assert_eq!(called, want.iter().map(|number| run_id(*number)).collect(), "{ask} cards are asked for");
    }
}
