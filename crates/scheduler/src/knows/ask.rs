//! The asks: what jobs ask for, once for all jobs that ask for the same. An ask that has found no cards in a
//! plan finds none later in it.

use std::sync::Arc;

use domain::{Millis, PoolId, ServiceClass};
use rustc_hash::FxHashMap;

use crate::{
    hall::{
        card_pool::{CardPool, Space},
        fit::{NodeAsk, NodeKind},
        search::{Need, Search},
    },
    index::index,
    limit::{Limit, Misfit},
    snapshot::{Queue, Waiting},
};

/// For each service class, the index of a set of pools.
pub(crate) type PoolsByClass = [u32; ServiceClass::ALL.len()];

#[derive(Debug)]
pub(crate) struct Ask {
    key: AskKey,
    /// The fewest cards of one run.
    pub(crate) cards: u32,
    /// The card pools that a run may use, each with the sets of labels that will do there.
    pub(crate) card_pools: Vec<(u32, Box<[bool]>)>,
    /// Why no run of the ask ever fits, whatever the contract allows.
    pub(crate) misfit: Option<Misfit>,
    /// Set where too few nodes take runs.
    pub(crate) nodes_out: Option<Limit>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct AskKey {
    pools: u32,
    nodes: u32,
    max_nodes: u32,
    per_node: NodeAsk,
    models: Arc<[Arc<str>]>,
    labels: Arc<[Arc<str>]>,
}

impl AskKey {
    /// Whether `job` asks for this, as far as can be told without reading names.
    fn is_of(&self, job: &Waiting, pools: u32) -> bool {
        (self.pools, self.nodes, self.max_nodes) == (pools, job.nodes, job.max_nodes.max(job.nodes))
            && self.per_node == NodeAsk { cards: job.cards_per_node, is_exclusive: job.is_exclusive }
            && Arc::ptr_eq(&self.models, &job.models)
            && Arc::ptr_eq(&self.labels, &job.labels)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Asks {
    pub(crate) list: Vec<Ask>,
    /// For each ask, the last plan in which a job of it found no cards, and the shortest time limit of such a
    /// job there. Cards only get fewer in a plan, so no job with this time limit or a longer one finds any.
    /// Kept apart from the asks, since the planner looks at it for each job in line.
    fails_from: Vec<(u64, Millis)>,
    known: FxHashMap<AskKey, u32>,
    /// The last ask that was looked for: most jobs ask for the same as the job before them.
    last: u32,
    /// The sets of pools of the queues.
    pools: Vec<Arc<[PoolId]>>,
}

impl Asks {
    /// For each service class, the index of the set of pools that a queue's jobs may use.
    pub(crate) fn pools_of(&mut self, queue: &Queue) -> PoolsByClass {
        ServiceClass::ALL.map(|class| {
            let is_priced = |pool: &PoolId| !queue.unpriced.contains(&(class, *pool));
            self.pools(queue.pools.iter().copied().filter(is_priced).collect())
        })
    }

    fn pools(&mut self, mut sorted: Vec<PoolId>) -> u32 {
        sorted.sort_unstable();
        sorted.dedup();
        let known = self.pools.iter().position(|known| **known == *sorted);
        index(known.unwrap_or_else(|| {
            self.pools.push(sorted.into());
            self.pools.len() - 1
        }))
    }

    /// The index of the ask of `job` in a queue with this set of `pools`.
    pub(crate) fn of(&mut self, job: &Waiting, pools: u32, card_pools: &[CardPool]) -> u32 {
        if self.list.get(self.last as usize).is_some_and(|ask| ask.key.is_of(job, pools)) {
            return self.last;
        }
        self.last = self.find_or_make(job, pools, card_pools);
        self.last
    }

    fn find_or_make(&mut self, job: &Waiting, pools: u32, card_pools: &[CardPool]) -> u32 {
        let key = AskKey {
            pools,
            nodes: job.nodes,
            max_nodes: job.max_nodes.max(job.nodes),
            per_node: NodeAsk { cards: job.cards_per_node, is_exclusive: job.is_exclusive },
            models: job.models.clone(),
            labels: job.labels.clone(),
        };
        self.of_key(key, card_pools)
    }

    /// The index of the same ask in another set of `pools`.
    pub(crate) fn in_pools(&mut self, ask: u32, pools: u32, card_pools: &[CardPool]) -> u32 {
        self.of_key(AskKey { pools, ..self.list[ask as usize].key.clone() }, card_pools)
    }

    fn of_key(&mut self, key: AskKey, card_pools: &[CardPool]) -> u32 {
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let pools = key.pools;
        let mut ask =
            Ask { cards: 0, card_pools: Vec::new(), misfit: None, nodes_out: None, key: key.clone() };
        ask.look(card_pools, &self.pools[pools as usize]);
        self.list.push(ask);
        self.fails_from.push((0, Millis(0)));
        self.known.insert(key, index(self.list.len() - 1));
        index(self.list.len() - 1)
    }

    /// Whether it is known that in this plan no job of the ask with this time limit finds cards.
    pub(crate) fn fails_with(&self, ask: u32, plan_number: u64, limit: Millis) -> bool {
        let (of, from) = self.fails_from[ask as usize];
        of == plan_number && limit >= from
    }

    /// Notes that no job of the ask with this time limit finds cards.
    pub(crate) fn note_failure(&mut self, ask: u32, plan_number: u64, limit: Millis) {
        let (of, from) = &mut self.fails_from[ask as usize];
        *from = if *of == plan_number { (*from).min(limit) } else { limit };
        *of = plan_number;
    }

    /// Looks at the card pools again, after nodes have changed.
    pub(crate) fn look_again(&mut self, card_pools: &[CardPool]) {
        for ask in &mut self.list {
            ask.look(card_pools, &self.pools[ask.key.pools as usize]);
        }
    }
}

impl Ask {
    pub(crate) fn nodes(&self) -> u32 {
        self.key.nodes
    }

    pub(crate) fn max_nodes(&self) -> u32 {
        self.key.max_nodes
    }

    pub(crate) fn cards_per_node(&self) -> u32 {
        self.key.per_node.cards
    }

    /// The need of a run in a card pool in which the sets of labels in `labelled` will do.
    pub(crate) fn need<'l>(&self, labelled: &'l [bool]) -> Need<'l> {
        Need { nodes: self.key.nodes, search: Search { per_node: self.key.per_node, labelled } }
    }

    /// Works out where the ask may run, and whether it ever can. Linear in the card pools and their kinds of
    /// nodes.
    fn look(&mut self, card_pools: &[CardPool], pools: &[PoolId]) {
        let AskKey { models, labels, per_node, nodes, .. } = &self.key;
        let may_use = |card_pool: &CardPool| {
            pools.contains(&card_pool.pool)
                && (models.is_empty() || models.iter().any(|model| **model == *card_pool.model))
        };
        let of = |(i, card_pool): (u32, &CardPool)| {
            let labelled = match &card_pool.space {
                Space::Nodes { topology, .. } => topology.labelled(labels),
                Space::Counted { .. } if labels.is_empty() => Box::default(),
                Space::Counted { .. } => return None,
            };
            may_use(card_pool).then_some((i, labelled))
        };
        self.card_pools = (0..).zip(card_pools).filter_map(of).collect();
        // An exclusive node counts as the largest that there is.
        let most = |card_pool: &CardPool| match &card_pool.space {
            Space::Nodes { idle_kinds, .. } if per_node.is_exclusive => {
                idle_kinds.iter().map(|(kind, ..)| kind.cards()).max()
            }
            _ => None,
        };
        let a_node =
            self.card_pools.iter().filter_map(|(card_pool, _)| most(&card_pools[*card_pool as usize])).max();
        self.cards = nodes.saturating_mul(a_node.unwrap_or(per_node.cards));
        self.misfit = self.find_misfit(card_pools);
        let able = self.card_pools.iter().map(|(card_pool, labelled)| {
            card_pools[*card_pool as usize].able_nodes(self.need(labelled).search)
        });
        let best = able.max_by_key(|&(all, usable)| (usable, all));
        self.nodes_out = best
            .filter(|&(_, usable)| usable < self.key.nodes)
            .map(|(all, usable)| Limit::NodesOut { out: all - usable, usable, needed: self.key.nodes });
    }

    /// Why a run can't start even if nothing else ran and every node took runs.
    fn find_misfit(&self, card_pools: &[CardPool]) -> Option<Misfit> {
        let AskKey { models, labels, per_node, nodes, .. } = &self.key;
        if *nodes == 0 || per_node.cards == 0 {
            return Some(Misfit::NothingAsked);
        }
        if self.card_pools.is_empty() {
            return Some(match models.first() {
                Some(_) => Misfit::NoSuchModel { models: models.clone() },
                None => Misfit::TooManyNodes { usable: 0 },
            });
        }
        let of = |card_pool: u32| &card_pools[card_pool as usize];
        let idle_kinds = |card_pool: u32| match &of(card_pool).space {
            Space::Nodes { idle_kinds, .. } => &idle_kinds[..],
            Space::Counted { .. } => &[],
        };
        let is_counted = self
            .card_pools
            .iter()
            .any(|(card_pool, _)| matches!(of(*card_pool).space, Space::Counted { .. }));
        let kinds = || {
            self.card_pools.iter().flat_map(|(card_pool, _)| idle_kinds(*card_pool)).map(|(kind, ..)| kind)
        };
        let fits = |per_node: NodeAsk| kinds().any(|kind| kind.fit(per_node).is_some());
        if !is_counted && !fits(*per_node) {
            let most = kinds().map(NodeKind::cards).max().unwrap_or(0);
            if per_node.cards > most {
                let nodes = self.card_pools.iter().flat_map(|(card_pool, _)| match &of(*card_pool).space {
                    Space::Nodes { topology, .. } => &topology.nodes[..],
                    Space::Counted { .. } => &[],
                });
                let largest =
                    nodes.filter(|node| node.cards.len() == most).min_by(|a, b| a.name.cmp(&b.name));
                let node = largest.map(|node| node.name.clone()).unwrap_or_default();
                return Some(Misfit::CardsPerNode { most, node, pool: None });
            }
            let allowed = (1..=most).filter(|&cards| fits(NodeAsk { cards, ..*per_node }));
            return Some(Misfit::Affinity { asked: per_node.cards, allowed: allowed.collect() });
        }
        let able = |(card_pool, labelled): &(u32, Box<[bool]>)| {
            of(*card_pool).able_nodes(self.need(labelled).search).0
        };
        let usable = self.card_pools.iter().map(able).max().unwrap_or(0);
        if usable == 0 && !labels.is_empty() && !is_counted {
            return Some(Misfit::NoSuchLabels { labels: labels.clone() });
        }
        (usable < *nodes).then_some(Misfit::TooManyNodes { usable })
    }
}
