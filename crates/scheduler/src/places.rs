//! The nodes and counted pools that the planner knows, and where runs are on them.

use domain::{CardSet, NodeId, Placement, PoolId};

use crate::{
    CountedPool, NodeView,
    ground::Ground,
    hold::{Hold, Owner},
    planner::{NONE, Planner, Run},
    site::{Cards, Site, Space},
};

impl Planner {
    /// All nodes and counted pools, in place of those that it knew. Runs keep their cards; promises are made anew. In
    /// nodes, runs and jobs.
    pub fn set_places(&mut self, nodes: impl Iterator<Item = NodeView>, counted: &[CountedPool]) {
        let mut nodes: Vec<NodeView> = nodes.collect();
        nodes.sort_by(|a, b| (a.pool, &a.model).cmp(&(b.pool, &b.model)));
        let together = nodes.chunk_by(|a, b| a.pool == b.pool && a.model == b.model);
        let counts: Vec<usize> = together.map(<[NodeView]>::len).collect();
        let mut nodes = nodes.into_iter();
        let of_nodes = counts.into_iter().map(|count| {
            let nodes: Vec<NodeView> = nodes.by_ref().take(count).collect();
            let (pool, model) = (nodes[0].pool, nodes[0].model.clone());
            let ground = Ground::new(nodes);
            let free = ground.nodes.iter().map(|node| node.cards).collect();
            Site::of_nodes(pool, model, ground, free)
        });
        let counted = counted.iter().map(|of| Site::counted(of.pool, of.model.clone(), of.cards));
        let mut sites: Vec<Site> = of_nodes.chain(counted).collect();
        sites.sort_by(|a, b| (a.pool, &a.model).cmp(&(b.pool, &b.model)));
        let placed: Vec<(u32, Placement, Option<PoolId>)> =
            self.runs.iter().map(|(slot, run)| self.place(slot, run)).collect();
        self.sites = sites;
        self.node_at.clear();
        self.counted_at.clear();
        for (i, site) in (0..).zip(&self.sites) {
            match &site.space {
                Space::Nodes { ground, .. } => {
                    self.node_at.extend((0..).zip(&ground.nodes).map(|(rank, node)| (node.id, (i, rank))));
                }
                Space::Counted { .. } => _ = self.counted_at.insert(site.pool, i),
            }
        }
        for slot in std::mem::take(&mut self.held).into_keys() {
            self.accounts[self.jobs[slot].account as usize].forget_promise(slot);
        }
        for (slot, placement, pool) in placed {
            let cards = self.cards_at(&placement, pool, self.runs[slot].cards.count);
            if let Some(site) = self.sites.get_mut(cards.site as usize) {
                site.begin(slot, &cards, self.runs[slot].end);
            }
            self.runs[slot].cards = cards;
        }
        self.asks.look_again(&self.sites);
        self.hold_for_maintenance();
        self.is_stale = true;
    }

    fn place(&self, slot: u32, run: &Run) -> (u32, Placement, Option<PoolId>) {
        match self.sites.get(run.cards.site as usize) {
            Some(site) => (slot, self.placement(&run.cards), Some(site.pool)),
            None => (slot, Placement(Vec::new()), None),
        }
    }

    /// Where cards are: of `placement`, or `count` of a counted pool. What is not free, or on no node that is known, is left
    /// out.
    pub(crate) fn cards_at(&self, placement: &Placement, counted: Option<PoolId>, count: u32) -> Cards {
        let first = placement.0.first().and_then(|slot| self.node_at.get(&slot.node)).map(|&(site, _)| site);
        let site = first.or_else(|| counted.and_then(|pool| self.counted_at.get(&pool).copied()));
        let Some(site) = site else { return Cards { site: NONE, count, places: Vec::new() } };
        let Space::Nodes { hall, .. } = &self.sites[site as usize].space else {
            let free = self.sites[site as usize].free_cards();
            return Cards { site, count: count.min(free), places: Vec::new() };
        };
        let at = |slot: &domain::node::Slot| match self.node_at.get(&slot.node) {
            Some(&(of, rank)) if of == site => Some((rank, slot.cards.intersection(hall.free(rank)))),
            _ => None,
        };
        Cards { site, count, places: placement.0.iter().filter_map(at).collect() }
    }

    /// The cards that the nodes say are free, where that is less than what runs leave.
    pub(crate) fn free_as_seen(&mut self, nodes: &[NodeView]) {
        for node in nodes {
            let Some(&(site, rank)) = self.node_at.get(&node.id) else { continue };
            let Space::Nodes { ground, hall, .. } = &mut self.sites[site as usize].space else { continue };
            hall.set(ground, rank, node.free.intersection(node.cards));
        }
    }

    fn hold_for_maintenance(&mut self) {
        for (i, site) in (0..).zip(&mut self.sites) {
            let Space::Nodes { ground, .. } = &site.space else { continue };
            let windows: Vec<(u32, NodeId, CardSet, crate::Window)> = (0..)
                .zip(&ground.nodes)
                .filter_map(|(rank, node)| Some((rank, node.id, node.cards, node.maintenance?)))
                .filter(|(.., window)| window.until > self.now)
                .collect();
            for (rank, id, cards, window) in windows {
                let cards = Cards { site: i, count: cards.len(), places: vec![(rank, cards)] };
                let owner = Owner::Maintenance(rank);
                let (from, until) = (window.from, window.until);
                site.add_hold(Hold {
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

    /// Lets a node take runs, or no more. What is not known is ignored.
    pub fn set_takes_runs(&mut self, node: NodeId, takes_runs: bool) {
        let Some(&(site, rank)) = self.node_at.get(&node) else { return };
        self.sites[site as usize].set_takes_runs(rank, takes_runs);
        self.asks.look_again(&self.sites);
        self.is_stale = true;
        self.outlook = None;
    }
}
