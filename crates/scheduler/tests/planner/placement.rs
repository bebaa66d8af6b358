//! Where runs are placed.

use domain::{CardSet, Millis, Placement, card::Affinity};
use scheduler::{NodeView, Policy, Snapshot, plan};

use crate::build::*;

/// Free cards of the nodes, cards asked for, and the expected node and cards.
type Row = (&'static [u64], u32, Option<(u32, u64)>);

/// Where a job goes on `nodes`: node numbers and cards.
fn placed(nodes: Vec<NodeView>, count: u32, ask: u32) -> Option<Vec<(u32, CardSet)>> {
    let mut of = queue(0);
    of.pools = (0..4).map(pool_id).collect();
    let snapshot =
        Snapshot { nodes, queues: vec![of], waiting: vec![job(0, 0, count, ask)], ..Snapshot::default() };
    let number = |id| (0..1000).find(|&number| node_id(number) == id).unwrap();
    let Placement(slots) = plan(&snapshot, &Policy::default(), NOW).starts.pop()?.placement;
    Some(slots.into_iter().map(|slot| (number(slot.node), slot.cards)).collect())
}

fn with_free(number: u32, affinity: Affinity, free: u64) -> NodeView {
    NodeView { free: CardSet::from_bits(free), ..node(number, affinity) }
}

#[test]
fn one_node_is_chosen_by_ring_then_use_then_evenness() {
    let table: [Row; 16] = [
        // One card: a ring with 1 free before 3, before 2, before 4.
        (&[0x0f, 0x07, 0x03, 0x01], 1, Some((3, 0x01))),
        (&[0x0f, 0x07, 0x03], 1, Some((1, 0x01))),
        (&[0x0f, 0x03], 1, Some((1, 0x01))),
        (&[0x0f], 1, Some((0, 0x01))),
        // Two: 2 free before 4, before 3; 1 will not do, nor will 1 + 1 over two rings.
        (&[0x07, 0x0f, 0x30], 2, Some((2, 0x30))),
        (&[0x07, 0x0f], 2, Some((1, 0x03))),
        (&[0x07, 0x11], 2, Some((0, 0x03))),
        (&[0x11], 2, None),
        // Four: a whole ring; 2 + 2 will not do.
        (&[0x33, 0xf3], 4, Some((1, 0xf0))),
        (&[0x33], 4, None),
        // Whole rings of a node in use before those of an idle one.
        (&[0xff, 0xf0], 4, Some((1, 0xf0))),
        (&[0xff, 0xf0], 1, Some((1, 0x10))),
        // Eight: the whole node.
        (&[0x7f, 0xfe, 0xff], 8, Some((2, 0xff))),
        (&[0x7f, 0xfe], 8, None),
        // The better ring of a node.
        (&[0x1f], 1, Some((0, 0x10))),
        // Equal rings: an even remainder on the node.
        (&[0x71, 0x31], 1, Some((1, 0x01))),
    ];
    for (free, ask, want) in table {
        let nodes = (0..).zip(free).map(|(number, &free)| with_free(number, Affinity::Rings, free)).collect();
        let want = want.map(|(node, cards)| vec![(node, CardSet::from_bits(cards))]);
        assert_eq!(placed(nodes, 1, ask), want, "{ask} of {free:x?}");
    }
}

#[test]
fn without_rings_the_best_fit_is_taken() {
    let table: [Row; 5] = [
        (&[0xff, 0x1f, 0x07], 3, Some((2, 0x07))),
        (&[0xff, 0x1f, 0x07], 4, Some((1, 0x0f))),
        (&[0xff, 0x1f, 0x07], 6, Some((0, 0x3f))),
        (&[0x55, 0xff], 4, Some((0, 0x55))),
        (&[0x55, 0x0f], 5, None),
    ];
    for (free, ask, want) in table {
        let nodes = (0..).zip(free).map(|(number, &free)| with_free(number, Affinity::Any, free)).collect();
        assert_eq!(placed(nodes, 1, ask), want.map(|(node, cards)| vec![(node, CardSet::from_bits(cards))]));
    }
}

#[test]
fn of_nodes_that_are_as_good_the_one_that_is_busy_anyway_is_taken() {
    // Until when nodes 0, 1, 2… are busy, in hours, each with 4 of 8 cards free; for how many hours the job
    // runs.
    let table: [(&[i64], i64, u32); 6] = [
        // Where the node is busy for no longer: the first such node.
        (&[1, 5, 9], 4, 1),
        (&[9, 5, 1], 4, 0),
        // Longer everywhere: where the difference is least.
        (&[1, 3, 2], 4, 1),
        // To the microsecond.
        (&[1, 4, 9], 4, 1),
        (&[2, 2, 2], 4, 0),
        // Overdue runs end at once, on whichever node.
        (&[-2, -1], 4, 0),
    ];
    for (until, hours, want) in table {
        let nodes = (0..3).take(until.len()).map(|number| node(number, Affinity::Any)).collect();
        let mut waiting = job(100, 0, 1, 1);
        waiting.time_limit = Millis::from_hours(hours);
        let mut snapshot =
            Snapshot { nodes, queues: vec![queue(0)], waiting: vec![waiting], ..Snapshot::default() };
        for (at, hours) in until.iter().enumerate() {
            let number = u32::try_from(at).unwrap();
            // A short run beside the long one does not matter.
            occupy(&mut snapshot, 10 + number, 0, &[(at, cards(0, 1))], *hours);
            occupy(&mut snapshot, 20 + number, 0, &[(at, cards(2, 3))], -3);
        }
        let placed = plan(&snapshot, &Policy::default(), NOW).starts.remove(0).placement;
        assert_eq!(placed.0[0].node, node_id(want), "busy until {until:?}, {hours} hours");
    }
}

#[test]
fn a_gang_takes_one_switch_if_it_can_and_as_few_as_it_must() {
    // Switches of nodes 0, 1, 2…; nodes asked for; expected nodes.
    let table: [(&[&str], u32, &[u32]); 6] = [
        (&["a", "b", "b"], 2, &[1, 2]),
        // The smallest switch that has enough.
        (&["a", "a", "a", "b", "b"], 2, &[3, 4]),
        (&["a", "a", "a", "b", "b"], 3, &[0, 1, 2]),
        // None has enough: the largest, and the smallest that has the nodes still missing.
        (&["a", "b", "b", "c", "c", "c"], 4, &[0, 3, 4, 5]),
        (&["a", "b", "b", "c", "c", "c"], 5, &[1, 2, 3, 4, 5]),
        (&["a", "b", "c"], 3, &[0, 1, 2]),
    ];
    for (switches, count, want) in table {
        let nodes =
            (0..).zip(switches).map(|(number, switch)| node_of(number, Affinity::Rings, 8, 0, switch));
        let found = placed(nodes.collect(), count, 8).unwrap();
        assert_eq!(found.iter().map(|(node, _)| *node).collect::<Vec<_>>(), want, "{switches:?}");
        assert!(found.iter().all(|(_, cards)| *cards == CardSet::first(8)));
    }
}

#[test]
fn a_gang_is_placed_in_one_pool() {
    let pools = |of: [u32; 4]| {
        let node = |(number, pool)| node_of(number, Affinity::Any, 8, pool, "a");
        (0..).zip(of).map(node).collect::<Vec<_>>()
    };
    assert_eq!(placed(pools([0, 1, 1, 2]), 2, 8).unwrap()[0].0, 1);
    assert_eq!(placed(pools([0, 1, 2, 3]), 2, 8), None);
    assert_eq!(placed(pools([9, 9, 9, 2]), 1, 8).unwrap()[0].0, 3);
}

#[test]
fn nodes_that_are_out_get_nothing() {
    let mut nodes = vec![node(0, Affinity::Any), node(1, Affinity::Any)];
    nodes[0].takes_runs = false;
    assert_eq!(placed(nodes.clone(), 1, 2), Some(vec![(1, CardSet::first(2))]));
    nodes[1].takes_runs = false;
    assert_eq!(placed(nodes, 1, 2), None);
}
