//! All nodes, by pool and card model; and when the cards that are taken come free.

use domain::{CardSet, ContractId, NodeId, PoolId, Timestamp};

use crate::{
    NodeView, Snapshot,
    backfill::Held,
    hall::{Found, Ground, Hall},
};

/// The nodes of one pool and card model. A run's nodes are all of one site.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    /// Where it is in the list of sites.
    pub(crate) index: u32,
    pub(crate) pool: PoolId,
    pub(crate) model: &'a str,
    pub(crate) ground: Ground<'a>,
    pub(crate) hall: Hall,
    /// What is held for a job that could not start.
    pub(crate) held: Option<Held>,
}

/// Cards of one site, and where they are in it.
#[derive(Clone, Debug)]
pub(crate) struct Cards {
    pub(crate) site: u32,
    pub(crate) cards: Vec<(u32, CardSet)>,
}

impl Cards {
    /// Their ends, if they are taken until `at`.
    pub(crate) fn ends(&self, at: Timestamp, queue: u32) -> impl Iterator<Item = End> {
        let site = self.site;
        self.cards.iter().map(move |&(rank, cards)| End { at, site, rank, cards, queue })
    }
}

/// Sites by pool, then model. n log n, linear if the nodes come sorted so.
pub(crate) fn sites(nodes: &[NodeView]) -> Vec<Site<'_>> {
    let mut sorted: Vec<&NodeView> = nodes.iter().collect();
    sorted.sort_by(|a, b| (a.pool, &a.model).cmp(&(b.pool, &b.model)));
    sorted
        .chunk_by(|a, b| a.pool == b.pool && a.model == b.model)
        .zip(0..)
        .map(|(nodes, index)| {
            let ground = Ground::new(nodes.to_vec());
            let hall = Hall::as_seen(&ground);
            Site { index, pool: nodes[0].pool, model: &nodes[0].model, ground, hall, held: None }
        })
        .collect()
}

/// The best place for a job in any of `sites`, whose `hall` says which cards it may use there.
pub(crate) fn find<'s>(
    sites: &'s [Site<'_>],
    of: &[u32],
    (nodes, ask): (u32, u32),
    hall: impl Fn(&'s Site<'_>) -> &'s Hall,
) -> Option<Cards> {
    let found_in = |&site: &u32| {
        let Site { ground, .. } = &sites[site as usize];
        let found = hall(&sites[site as usize]).find(ground, nodes, ask)?;
        Some((found, site))
    };
    let best = |(found, site): &(Found, u32)| (found.switches, found.fit, *site);
    let (found, site) = of.iter().filter_map(found_in).min_by_key(best)?;
    let at = &sites[site as usize];
    Some(Cards { site, cards: at.ground.cards(hall(at), &found, ask) })
}

/// When runs end and which cards that frees, in order of time.
#[derive(Debug)]
pub(crate) struct Ends {
    where_is: Vec<(NodeId, u32, u32)>,
    list: Vec<End>,
    is_sorted: bool,
}

/// Ends of one run on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct End {
    pub(crate) at: Timestamp,
    pub(crate) site: u32,
    pub(crate) rank: u32,
    pub(crate) cards: CardSet,
    /// The index of the queue of the run.
    pub(crate) queue: u32,
}

impl Ends {
    /// Of the runs of the snapshot; those that are overdue end at `now`. r log n.
    pub(crate) fn new(
        sites: &[Site],
        snapshot: &Snapshot,
        now: Timestamp,
        queue_of: impl Fn(ContractId) -> u32,
    ) -> Self {
        let mut where_is: Vec<(NodeId, u32, u32)> = Vec::with_capacity(snapshot.nodes.len());
        for (i, site) in (0..).zip(sites) {
            where_is.extend((0..).zip(&site.ground.nodes).map(|(rank, node)| (node.id, i, rank)));
        }
        where_is.sort_unstable();
        let mut ends = Self { where_is, list: Vec::with_capacity(snapshot.running.len()), is_sorted: false };
        for run in &snapshot.running {
            let (at, queue) = (run.expected_end.max(now), queue_of(run.queue));
            for slot in &run.placement.0 {
                let known = ends.where_is.binary_search_by_key(&slot.node, |&(id, ..)| id);
                // A run on a node that left the snapshot frees nothing.
                if let Ok(i) = known {
                    let (_, site, rank) = ends.where_is[i];
                    ends.list.push(End { at, site, rank, cards: slot.cards, queue });
                }
            }
        }
        ends
    }

    pub(crate) fn add(&mut self, at: Timestamp, queue: u32, started: &Cards) {
        self.list.extend(started.ends(at, queue));
        self.is_sorted = false;
    }

    /// r log r after a change.
    pub(crate) fn sorted(&mut self) -> &[End] {
        if !self.is_sorted {
            self.list.sort_unstable();
            self.is_sorted = true;
        }
        &self.list
    }
}
