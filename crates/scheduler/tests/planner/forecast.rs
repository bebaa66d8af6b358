//! When waiting jobs are expected to start.

use domain::{CardSet, Millis, card::Affinity};
use scheduler::{Backfill, Block, Certainty, Policy, Snapshot, plan, try_out};

use crate::build::*;
use Certainty::{Estimate, Exact, Unknown};

/// Two nodes of 8 cards; one comes free after 1 hour, one after 2.
fn center() -> Snapshot {
    let mut snapshot = Snapshot {
        nodes: (0..2).map(|number| node(number, Affinity::Any)).collect(),
        queues: vec![queue(0), queue(9)],
        ..Snapshot::default()
    };
    occupy(&mut snapshot, 900, 9, &[(0, CardSet::first(8))], 1);
    occupy(&mut snapshot, 901, 9, &[(1, CardSet::first(8))], 2);
    snapshot
}

/// The forecast start in hours from now, and its certainty.
fn forecasts(snapshot: &Snapshot, policy: &Policy) -> Vec<(Option<i64>, Certainty)> {
    let verdicts = plan(snapshot, policy, NOW).verdicts;
    let hours = |at: domain::Timestamp| at.since(NOW).0 / HOUR.0;
    verdicts.iter().map(|verdict| (verdict.forecast_start.map(hours), verdict.certainty)).collect()
}

#[test]
fn jobs_start_in_order_as_cards_come_free() {
    let mut snapshot = center();
    snapshot.waiting = vec![job(0, 0, 1, 8), job(1, 0, 2, 8), job(2, 0, 1, 4), job(3, 0, 1, 8)];
    snapshot.waiting[0].time_limit = Millis(HOUR.0 * 4);
    let policy = Policy::default();
    assert_eq!(
        forecasts(&snapshot, &policy),
        // The second job needs both nodes: the first ends after 1 + 4 hours. Meanwhile the others overtake
        // the second.
        [(Some(1), Exact), (Some(5), Estimate), (Some(2), Estimate), (Some(3), Estimate)]
    );
    let in_order = Policy { backfill: Backfill::None, ..policy };
    assert_eq!(
        forecasts(&snapshot, &in_order),
        [(Some(1), Estimate), (Some(5), Estimate), (Some(6), Estimate), (Some(6), Estimate)]
    );
    let mut long = snapshot.clone();
    long.waiting[2].time_limit = Millis(HOUR.0 * 4);
    assert_eq!(
        forecasts(&long, &policy)[1..],
        // This job would take a card from the second.
        [(Some(5), Estimate), (Some(6), Estimate), (Some(2), Estimate)]
    );
    let few = Policy { forecast_runs: 2, ..policy };
    assert_eq!(
        forecasts(&snapshot, &few),
        [(Some(1), Exact), (Some(5), Estimate), (None, Unknown), (None, Unknown)]
    );
    let short = Policy { forecast_ends: 1, ..policy };
    assert_eq!(forecasts(&snapshot, &short)[0], (Some(1), Exact));
    assert_eq!(forecasts(&snapshot, &short)[1], (None, Unknown));
    let none = Policy { forecast_runs: 0, ..policy };
    assert!(forecasts(&snapshot, &none).iter().all(|forecast| *forecast == (None, Unknown)));
}

#[test]
fn quota_is_awaited_without_holding_up_others() {
    let mut snapshot = center();
    snapshot.queues[0].terms.max_running_cards = 8;
    snapshot.queues.push(queue(1));
    snapshot.nodes.push(node(2, Affinity::Any));
    occupy(&mut snapshot, 902, 0, &[(2, cards(0, 3))], 9);
    snapshot.waiting = vec![job(0, 0, 1, 8), job(1, 1, 1, 8)];
    assert_eq!(
        forecasts(&snapshot, &Policy::default()).into_iter().map(|(hours, _)| hours).collect::<Vec<_>>(),
        [Some(1), Some(9)],
        "queue 1 has used less and is before queue 0"
    );
}

#[test]
fn what_has_no_known_end_has_no_forecast() {
    let mut snapshot = center();
    snapshot.waiting = vec![job(0, 0, 1, 8)];
    snapshot.waiting[0].block = Some(Block::Dependency { waits_for: 1, first: job_id(7) });
    assert_eq!(forecasts(&snapshot, &Policy::default()), [(None, Unknown)]);
    snapshot.waiting[0] = job(0, 0, 3, 8);
    assert_eq!(forecasts(&snapshot, &Policy::default()), [(None, Unknown)]);
}

#[test]
fn an_overdue_run_is_taken_to_end_at_once() {
    let mut snapshot = center();
    snapshot.running[0].expected_end = NOW.minus(HOUR);
    snapshot.waiting = vec![job(0, 0, 1, 8)];
    assert_eq!(forecasts(&snapshot, &Policy::default()), [(Some(0), Exact)]);
}

#[test]
fn a_dry_run_finds_its_start_in_a_long_queue() {
    let mut snapshot = center();
    snapshot.waiting = (0..300).map(|number| job(number, 0, 1, 8)).collect();
    let trial = try_out(&snapshot, &Policy::default(), NOW, &job(300, 0, 1, 8));
    let verdict = trial.verdict.unwrap();
    assert_eq!((trial.starts_now, verdict.ahead), (None, 300));
    // One node from hour 1, the other from hour 2: the nth start is at hour 1 + n / 2, rounded up.
    assert_eq!(verdict.forecast_start, Some(NOW.plus(Millis(HOUR.0 * 151))));
}

#[test]
fn a_promise_is_told_however_far_back_its_job_is() {
    let mut snapshot = center();
    snapshot.nodes.push(node_of(2, Affinity::Any, 8, 1, "a"));
    occupy(&mut snapshot, 902, 9, &[(2, CardSet::first(8))], 7);
    snapshot.queues.push(queue(1));
    snapshot.queues[2].pools = [pool_id(1)].into();
    snapshot.queues[2].use_card_ms = domain::CardMs(1);
    snapshot.waiting = (0..5).map(|number| job(number, 0, 1, 8)).chain([job(5, 1, 1, 8)]).collect();
    let few = Policy { forecast_runs: 2, ..Policy::default() };
    assert_eq!(forecasts(&snapshot, &few)[5], (Some(7), Exact));
}
