//! The hall beside what the settings name, as they change.

use domain::{NodeStatus, Rfc3339};

use super::wish::{DifferenceKind, Here, HereNode, HerePool, RetiredNode, Wish};
use crate::settings::{self, NodeSettings, PoolSettings};

const POOL: &str = "a";

fn line(name: &str, count: u32, cards: u8) -> NodeSettings {
    NodeSettings {
        name: name.into(),
        count,
        cards,
        cards_per_ring: None,
        is_virtual: true,
        switch: String::new(),
        labels: Vec::new(),
    }
}

fn wish(pool: &str, model: &str, nodes: &[(&str, u32, u8)]) -> Wish {
    let nodes = nodes.iter().map(|(name, count, cards)| line(name, *count, *cards)).collect();
    settings::wish(&[PoolSettings { name: pool.into(), card_model: model.into(), model: None, nodes }])
}

/// The hall once all that may come in has come.
fn settled(mut here: Here, wish: &Wish) -> Here {
    let coming: Vec<HereNode> = wish
        .coming(&here)
        .into_iter()
        .map(|node| HereNode {
            name: node.names[0].clone(),
            pool: node.pool.clone(),
            state: NodeStatus::Up,
            reason: String::new(),
            cards: node.cards,
            ring_cards: node.ring_cards.unwrap_or(node.cards),
            is_virtual: node.is_virtual,
        })
        .collect();
    for pool in &wish.pools {
        if here.pools.iter().all(|known| known.name != pool.name)
            && coming.iter().any(|node| node.pool == pool.name)
        {
            let (name, card_model) = (pool.name.clone(), pool.model.name.clone());
            here.pools.push(HerePool { name, card_model, retired_at: None });
        }
    }
    here.nodes.extend(coming);
    here
}

fn told(wish: &Wish, here: &Here) -> Vec<(DifferenceKind, String)> {
    wish.differences(here).into_iter().map(|found| (found.kind, found.name)).collect()
}

fn names(here: &Here) -> Vec<&str> {
    here.nodes.iter().map(|node| node.name.as_str()).collect()
}

#[test]
fn a_new_hall_is_as_wished() {
    let wish = wish(POOL, "ascend-910", &[("lab-", 3, 8), ("gpu", 1, 4)]);
    let here = settled(Here::default(), &wish);
    assert_eq!(names(&here), ["lab-01", "lab-02", "lab-03", "gpu"]);
    assert_eq!(told(&wish, &here), []);
}

#[test]
fn another_count_invents_no_node() {
    let of = |count| wish(POOL, "ascend-910", &[("lab-", count, 8)]);
    let three = settled(Here::default(), &of(3));
    assert_eq!(settled(three.clone(), &of(1)), three);
    let not_named = |n: &str| (DifferenceKind::NodeNotNamed, format!("lab-{n}"));
    assert_eq!(told(&of(1), &three), [not_named("02"), not_named("03")]);
    // The one node keeps its name as others follow it.
    let one = settled(Here::default(), &of(1));
    assert_eq!(names(&one), ["lab-"]);
    let more = settled(one, &of(3));
    assert_eq!(names(&more), ["lab-", "lab-02", "lab-03"]);
    assert_eq!(told(&of(3), &more), []);
}

#[test]
fn a_renamed_node_or_pool_does_not_double_the_hall() {
    let before = settled(Here::default(), &wish(POOL, "ascend-910", &[("lab-", 2, 8)]));
    for renamed in [
        wish(POOL, "ascend-910", &[("gpu-", 2, 8)]),
        wish("b", "ascend-910", &[("gpu-", 2, 8)]),
        wish("b", "ascend-910", &[("lab-", 1, 8), ("gpu-", 2, 8)]),
    ] {
        assert_eq!(settled(before.clone(), &renamed), before, "{renamed:?}");
        let kinds: Vec<_> = told(&renamed, &before).into_iter().map(|(kind, _)| kind).collect();
        assert!(kinds.contains(&DifferenceKind::NodeNotNamed), "{kinds:?}");
        assert!(kinds.contains(&DifferenceKind::NodeWaits), "{kinds:?}");
    }
    // Once the old names are retired, the new ones come in.
    let renamed = wish(POOL, "ascend-910", &[("gpu-", 2, 8)]);
    let mut here = before;
    for node in &mut here.nodes {
        node.state = NodeStatus::Leaving;
    }
    assert_eq!(names(&settled(here, &renamed)), ["lab-01", "lab-02", "gpu-01", "gpu-02"]);
}

#[test]
fn what_a_node_or_pool_is_stays_and_is_told() {
    let here = settled(Here::default(), &wish(POOL, "ascend-910", &[("lab-", 1, 8)]));
    let lab = |kind| vec![(kind, "lab-".to_owned())];
    assert_eq!(told(&wish(POOL, "ascend-910", &[("lab-", 1, 4)]), &here), lab(DifferenceKind::NodeCards));
    let other = wish(POOL, "ascend-910b1", &[("lab-", 1, 8), ("new", 1, 8)]);
    assert_eq!(settled(here.clone(), &other), here);
    assert_eq!(
        told(&other, &here),
        [(DifferenceKind::NodeWaits, "new".into()), (DifferenceKind::PoolModel, POOL.into())]
    );
    let mut real = wish(POOL, "ascend-910", &[("lab-", 1, 8)]);
    real.nodes[0].is_virtual = false;
    real.nodes[0].ring_cards = Some(4);
    let kinds: Vec<_> = told(&real, &here).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [DifferenceKind::NodeRings, DifferenceKind::NodeVirtual]);
    let moved = wish("b", "ascend-910", &[("lab-", 1, 8)]);
    assert_eq!(settled(here.clone(), &moved).nodes, here.nodes);
    assert_eq!(
        told(&moved, &here),
        [(DifferenceKind::NodePool, "lab-".into()), (DifferenceKind::PoolNotNamed, POOL.into())]
    );
}

#[test]
fn a_retired_name_is_not_used_again_without_a_word() {
    let wish = wish(POOL, "ascend-910", &[("lab-", 2, 8)]);
    let mut here = settled(Here::default(), &wish);
    let gone = here.nodes.pop().expect("lab-02");
    here.retired.push(RetiredNode {
        name: gone.name,
        pool: gone.pool,
        cards: 8,
        is_virtual: true,
        since: Rfc3339::default(),
        retired_at: Rfc3339::default(),
        reason: "sold".into(),
    });
    assert_eq!(settled(here.clone(), &wish), here);
    assert_eq!(told(&wish, &here), [(DifferenceKind::NodeRetired, "lab-02".into())]);
}
