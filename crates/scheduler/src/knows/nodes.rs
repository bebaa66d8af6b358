//! How the planner is told of nodes and counted pools, and where runs are on them.

use domain::{CardSet, NodeId, Placement, PoolId, node::Slot};

use super::planner::{KnownRun, NONE, Planner};
use crate::{
    hall::{
        card_pool::{CardPool, Space},
        hold::{Hold, HoldOwner},
        search::PoolCards,
        topology::Topology,
    },
    snapshot::{CountedPool, NodeView, Window},
};

impl Planner {
    /// Replaces all nodes and counted pools. Runs keep their cards; promises are made anew. Linear in nodes,
    /// runs and asks.
    pub fn set_places(&mut self, nodes: impl Iterator<Item = NodeView>, counted: &[CountedPool]) {
        let mut nodes: Vec<NodeView> = nodes.collect();
        nodes.sort_by(|a, b| (a.pool, &a.model).cmp(&(b.pool, &b.model)));
        let together = nodes.chunk_by(|a, b| a.pool == b.pool && a.model == b.model);
        let counts: Vec<usize> = together.map(<[NodeView]>::len).collect();
        let mut nodes = nodes.into_iter();
        let of_nodes = counts.into_iter().map(|count| {
            let nodes: Vec<NodeView> = nodes.by_ref().take(count).collect();
            let (pool, model) = (nodes[0].pool, nodes[0].model.clone());
            let topology = Topology::new(nodes);
            let free = topology.nodes.iter().map(|node| node.cards).collect();
            CardPool::of_nodes(pool, model, topology, free)
        });
        let counted = counted.iter().map(|of| CardPool::counted(of.pool, of.model.clone(), of.cards));
        let mut card_pools: Vec<CardPool> = of_nodes.chain(counted).collect();
        card_pools.sort_by(|a, b| (a.pool, &a.model).cmp(&(b.pool, &b.model)));
        let placed: Vec<(u32, Placement, Option<PoolId>)> =
            self.runs.iter().map(|(slot, run)| self.place(slot, run)).collect();
        self.card_pools = card_pools;
        self.node_at.clear();
        self.counted_at.clear();
        for (i, card_pool) in (0..).zip(&self.card_pools) {
            match &card_pool.space {
                Space::Nodes { topology, .. } => {
                    self.node_at.extend((0..).zip(&topology.nodes).map(|(rank, node)| (node.id, (i, rank))));
                }
                Space::Counted { .. } => _ = self.counted_at.insert(card_pool.pool, i),
            }
        }
        for slot in std::mem::take(&mut self.held).into_keys() {
            self.queues[self.jobs[slot].queue as usize].forget_promise(slot);
        }
        for (slot, placement, pool) in placed {
            let cards = self.cards_at(&placement, pool, self.runs[slot].cards.count);
            if let Some(card_pool) = self.card_pools.get_mut(cards.card_pool as usize) {
                card_pool.begin(slot, &cards, self.runs[slot].end);
            }
            self.runs[slot].cards = cards;
        }
        self.asks.look_again(&self.card_pools);
        self.hold_for_maintenance();
        self.quotas_are_stale = true;
    }

    fn place(&self, slot: u32, run: &KnownRun) -> (u32, Placement, Option<PoolId>) {
        match self.card_pools.get(run.cards.card_pool as usize) {
            Some(card_pool) => (slot, self.placement(&run.cards), Some(card_pool.pool)),
            None => (slot, Placement(Vec::new()), None),
        }
    }

    /// The cards of `placement`, or `count` cards of a counted pool. Cards that are not free, or on no node
    /// that is known, are left out.
    pub(crate) fn cards_at(&self, placement: &Placement, counted: Option<PoolId>, count: u32) -> PoolCards {
        let first = placement
            .0
            .first()
            .and_then(|slot| self.node_at.get(&slot.node))
            .map(|&(card_pool, _)| card_pool);
        let card_pool = first.or_else(|| counted.and_then(|pool| self.counted_at.get(&pool).copied()));
        let Some(card_pool) = card_pool else {
            return PoolCards { card_pool: NONE, count, places: Vec::new() };
        };
        let Space::Nodes { free_index, .. } = &self.card_pools[card_pool as usize].space else {
            let free = self.card_pools[card_pool as usize].free_cards();
            return PoolCards { card_pool, count: count.min(free), places: Vec::new() };
        };
        let at = |slot: &Slot| match self.node_at.get(&slot.node) {
            Some(&(of, rank)) if of == card_pool => {
                Some((rank, slot.cards.intersection(free_index.free(rank))))
            }
            _ => None,
        };
        PoolCards { card_pool, count, places: placement.0.iter().filter_map(at).collect() }
    }

    /// Takes in which cards are free by the nodes themselves, which may be fewer than runs leave free.
    pub(crate) fn free_as_seen(&mut self, nodes: &[NodeView]) {
        for node in nodes {
            let Some(&(card_pool, rank)) = self.node_at.get(&node.id) else { continue };
            let Space::Nodes { topology, free_index, .. } = &mut self.card_pools[card_pool as usize].space
            else {
                continue;
            };
            free_index.set(topology, rank, node.free.intersection(node.cards));
        }
    }

    fn hold_for_maintenance(&mut self) {
        for (i, card_pool) in (0..).zip(&mut self.card_pools) {
            let Space::Nodes { topology, .. } = &card_pool.space else { continue };
            let windows: Vec<(u32, NodeId, CardSet, Window)> = (0..)
                .zip(&topology.nodes)
                .filter_map(|(rank, node)| Some((rank, node.id, node.cards, node.maintenance?)))
                .filter(|(.., window)| window.until > self.now)
                .collect();
            for (rank, id, cards, window) in windows {
                let cards = PoolCards { card_pool: i, count: cards.len(), places: vec![(rank, cards)] };
                let owner = HoldOwner::Maintenance(rank);
                let (from, until) = (window.from, window.until);
                card_pool.add_hold(Hold {
                    owner,
                    id: u128::from_be_bytes(*id.as_bytes()),
                    from,
                    until,
                    cards,
                    spare: 0,
                    is_stale: false,
                });
            }
        }
    }

    /// Says whether a node takes runs from now on. A node that is not known is ignored.
    pub fn set_takes_runs(&mut self, node: NodeId, takes_runs: bool) {
        let Some(&(card_pool, rank)) = self.node_at.get(&node) else { return };
        self.card_pools[card_pool as usize].set_takes_runs(rank, takes_runs);
        self.asks.look_again(&self.card_pools);
        self.quotas_are_stale = true;
        self.outlook = None;
    }
}
