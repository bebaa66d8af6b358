use domain::{Millis, RunId, Timestamp};
use engines::Leaving;
use scheduler::Planner;

use crate::live::{
    Hold, Live,
    fixtures::{hall, node, run},
    lending::MOST_AHEAD,
};

fn add(live: &mut Live, n: u8, cards: u64) -> RunId {
    let (run, job) = run(n, cards);
    let id = run.id;
    live.run_started(run, &job);
    id
}

fn in_the_way(live: &Live, of: RunId) -> Vec<RunId> {
    live.in_the_way(of, Millis(0), Timestamp::default())
}

fn begin(live: &mut Live, id: RunId) {
    let mut run = live.runs[&id].run.clone();
    run.state = run.state.start(Timestamp::default()).unwrap();
    live.run_changed(&run);
}

fn busy(live: &Live) -> u64 {
    live.nodes[&node()].busy.bits()
}

/// The number of cards that the planner takes for free, after it was told of the changes.
fn free(live: &mut Live, planner: &mut Planner) -> u32 {
    live.tell(planner, Timestamp::default());
    planner.free_cards()
}

#[test]
fn cards_of_a_run_that_leaves_go_to_the_next() {
    let (mut live, mut planner) = (hall(), Planner::new(scheduler::Policy::default()));
    let first = add(&mut live, 1, 0b1111);
    assert_eq!(free(&mut live, &mut planner), 4);
    assert!(!live.run_leaving(first, Leaving::No), "no news");
    assert!(live.run_leaving(first, Leaving::Now));
    assert!(!live.run_leaving(first, Leaving::Now), "no news");
    assert_eq!((busy(&live), free(&mut live, &mut planner)), (0, 8));
    let next = add(&mut live, 2, 0b0011);
    live.remove_run(first);
    assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b0011, 6));
    live.remove_run(next);
    assert_eq!((busy(&live), free(&mut live, &mut planner)), (0, 8));
}

#[test]
fn a_run_that_stays_gets_its_cards_back_once_they_are_free() {
    let (mut live, mut planner) = (hall(), Planner::new(scheduler::Policy::default()));
    let first = add(&mut live, 1, 0b1111);
    live.run_leaving(first, Leaving::Now);
    let (near, far) = (add(&mut live, 2, 0b0011), add(&mut live, 3, 0b0011_0000));
    assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b0011_0011, 4));
    assert!(live.run_leaving(first, Leaving::No));
    assert!(in_the_way(&live, first).is_empty(), "it may not have begun either");
    begin(&mut live, first);
    assert_eq!(in_the_way(&live, first), [near], "not {far}");
    let later = |millis| Timestamp::default().plus(Millis(millis));
    assert!(live.in_the_way(first, Millis(5), later(4)).is_empty());
    assert_eq!(live.in_the_way(first, Millis(5), later(5)), [near]);
    // The ones of its cards that are free are for no other.
    assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b0011_1111, 2));
    let late = add(&mut live, 4, 0b0100);
    assert_eq!(live.runs[&late].hold, Hold::Crowded);
    live.remove_run(near);
    assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b0011_1111, 2));
    assert!(in_the_way(&live, first).is_empty());
    assert_eq!(in_the_way(&live, late), [late], "its card is of one that stays");
    live.remove_run(late);
    live.remove_run(first);
    assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b0011_0000, 6));
}

#[test]
fn cards_of_a_run_that_is_soon_over_are_lent_for_one_plan() {
    let (mut live, mut planner) = (hall(), Planner::new(scheduler::Policy::default()));
    let (first, other) = (add(&mut live, 1, 0b0011), add(&mut live, 2, 0b1100));
    assert!(live.lend().is_empty());
    assert!(live.run_leaving(first, Leaving::Soon));
    assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b1111, 4), "to others it has its cards");
    assert_eq!(live.lend(), [first], "not {other}");
    assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b1100, 6));
    live.take_back(&[first]);
    assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b1111, 4));
    live.lend();
    let next = add(&mut live, 3, 0b0001);
    live.take_back(&[first]);
    assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b1101, 5), "a card went to {next}");
    live.remove_run(first);
    assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b1101, 5));
}

#[test]
fn what_lends_its_cards_still_counts_for_its_queue() {
    let (mut live, mut planner) = (hall(), Planner::new(scheduler::Policy::default()));
    let first = add(&mut live, 1, 0b1111);
    live.run_leaving(first, Leaving::Soon);
    live.lend();
    let snapshot = live.snapshot(Timestamp::default());
    let counted: Vec<(usize, u32)> =
        snapshot.running.iter().map(|run| (run.placement.0.len(), run.cards)).collect();
    assert_eq!(counted, [(0, 4)]);
    assert_eq!(free(&mut live, &mut planner), 8);
    assert!(planner.ticket(first).is_some());
    live.remove_run(first);
    assert_eq!(free(&mut live, &mut planner), 8);
    assert!(planner.ticket(first).is_none());
}

#[test]
fn only_so_many_wait_for_one_card() {
    let mut live = hall();
    let mut runs = vec![add(&mut live, 1, 1)];
    for n in 0..10 {
        let last = runs[runs.len() - 1];
        live.run_leaving(last, Leaving::Soon);
        if live.lend().is_empty() {
            break;
        }
        runs.push(add(&mut live, n + 2, 1));
    }
    assert_eq!(runs.len(), 1 + MOST_AHEAD);
    live.run_leaving(runs[0], Leaving::Now);
    assert_eq!(live.lend(), [runs[MOST_AHEAD]]);
}

#[test]
fn what_was_lent_comes_back_where_nobody_has_it_any_more() {
    let (mut live, mut planner) = (hall(), Planner::new(scheduler::Policy::default()));
    let first = add(&mut live, 1, 0b11);
    live.run_leaving(first, Leaving::Soon);
    live.lend();
    let next = add(&mut live, 2, 0b01);
    assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b01, 7));
    live.remove_run(next);
    assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b11, 6));
    assert_eq!(live.runs[&first].hold, Hold::Held);
}

#[test]
fn where_a_run_stays_all_that_waits_for_its_cards_is_in_the_way() {
    let mut live = hall();
    let first = add(&mut live, 1, 0b11);
    live.run_leaving(first, Leaving::Soon);
    live.lend();
    let second = add(&mut live, 2, 0b01);
    live.run_leaving(second, Leaving::Soon);
    live.lend();
    let (third, beside) = (add(&mut live, 3, 0b01), add(&mut live, 4, 0b100));
    begin(&mut live, first);
    assert!(live.run_leaving(first, Leaving::No));
    assert_eq!(in_the_way(&live, first), [second, third], "not {beside}");
    for run in [second, third] {
        live.remove_run(run);
    }
    assert_eq!(busy(&live), 0b111);
}
