//! What jobs ask for. Jobs that ask for the same are one thing to the planner: what found no cards once in a plan can't
//! find any again.

use std::sync::Arc;

use domain::{Millis, PoolId};
use rustc_hash::FxHashMap;

use crate::{
    Limit, Misfit, Waiting,
    fit::Want,
    hall::Search,
    index,
    site::{Need, Site, Space},
};

#[derive(Debug)]
pub(crate) struct Ask {
    key: Key,
    /// Cards of one run, at least.
    pub(crate) cards: u32,
    /// Where it may run, and which sets of labels do there.
    pub(crate) sites: Vec<(u32, Box<[bool]>)>,
    /// Why none of them ever fits, whatever the contract allows.
    pub(crate) misfit: Option<Misfit>,
    /// Set where nodes that are out leave too few.
    pub(crate) nodes_out: Option<Limit>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    pools: u32,
    nodes: u32,
    max_nodes: u32,
    want: Want,
    models: Arc<[Arc<str>]>,
    labels: Arc<[Arc<str>]>,
}

impl Key {
    /// Whether it is what `job` asks for, as far as can be told without reading names.
    fn is_of(&self, job: &Waiting, pools: u32) -> bool {
        (self.pools, self.nodes, self.max_nodes) == (pools, job.nodes, job.max_nodes.max(job.nodes))
            && self.want == Want { cards: job.cards_per_node, is_exclusive: job.is_exclusive }
            && Arc::ptr_eq(&self.models, &job.models)
            && Arc::ptr_eq(&self.labels, &job.labels)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Asks {
    pub(crate) list: Vec<Ask>,
    /// Of each: in the plan with that stamp, the shortest time limit with which one of them found no cards. In a plan cards
    /// only get fewer, so that none with this time limit or a longer one will find any. Apart from the rest, since each job
    /// in line is looked at by it.
    fails_from: Vec<(u64, Millis)>,
    known: FxHashMap<Key, u32>,
    /// What was asked for last: most jobs ask for what the one before them did.
    last: u32,
    pools: Vec<Arc<[PoolId]>>,
}

impl Asks {
    /// The index of a set of pools.
    pub(crate) fn pools(&mut self, pools: &Arc<[PoolId]>) -> u32 {
        let mut sorted = pools.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let known = self.pools.iter().position(|known| **known == *sorted);
        index(known.unwrap_or_else(|| {
            self.pools.push(sorted.into());
            self.pools.len() - 1
        }))
    }

    /// The index of what `job` asks for in a queue with this set of `pools`.
    pub(crate) fn of(&mut self, job: &Waiting, pools: u32, sites: &[Site]) -> u32 {
        if self.list.get(self.last as usize).is_some_and(|ask| ask.key.is_of(job, pools)) {
            return self.last;
        }
        self.last = self.find_or_make(job, pools, sites);
        self.last
    }

    fn find_or_make(&mut self, job: &Waiting, pools: u32, sites: &[Site]) -> u32 {
        let key = Key {
            pools,
            nodes: job.nodes,
            max_nodes: job.max_nodes.max(job.nodes),
            want: Want { cards: job.cards_per_node, is_exclusive: job.is_exclusive },
            models: job.models.clone(),
            labels: job.labels.clone(),
        };
        self.of_key(key, sites)
    }

    /// The index of the same in another set of `pools`.
    pub(crate) fn in_pools(&mut self, ask: u32, pools: u32, sites: &[Site]) -> u32 {
        self.of_key(Key { pools, ..self.list[ask as usize].key.clone() }, sites)
    }

    fn of_key(&mut self, key: Key, sites: &[Site]) -> u32 {
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let pools = key.pools;
        let mut ask = Ask { cards: 0, sites: Vec::new(), misfit: None, nodes_out: None, key: key.clone() };
        ask.look(sites, &self.pools[pools as usize]);
        self.list.push(ask);
        self.fails_from.push((0, Millis(0)));
        self.known.insert(key, index(self.list.len() - 1));
        index(self.list.len() - 1)
    }

    pub(crate) fn fails_with(&self, ask: u32, stamp: u64, limit: Millis) -> bool {
        let (of, from) = self.fails_from[ask as usize];
        of == stamp && limit >= from
    }

    /// Notes that with `limit` no cards were found.
    pub(crate) fn failed(&mut self, ask: u32, stamp: u64, limit: Millis) {
        let (of, from) = &mut self.fails_from[ask as usize];
        *from = if *of == stamp { (*from).min(limit) } else { limit };
        *of = stamp;
    }

    /// Looks at the sites again, after nodes changed.
    pub(crate) fn look_again(&mut self, sites: &[Site]) {
        for ask in &mut self.list {
            ask.look(sites, &self.pools[ask.key.pools as usize]);
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
        self.key.want.cards
    }

    /// What it needs of the site with these `labelled` sets.
    pub(crate) fn need<'l>(&self, labelled: &'l [bool]) -> Need<'l> {
        Need { nodes: self.key.nodes, search: Search { want: self.key.want, labelled } }
    }

    /// Linear in the sites and their kinds of nodes.
    fn look(&mut self, sites: &[Site], pools: &[PoolId]) {
        let Key { models, labels, want, nodes, .. } = &self.key;
        let may_use = |site: &Site| {
            pools.contains(&site.pool)
                && (models.is_empty() || models.iter().any(|model| **model == *site.model))
        };
        let of = |(i, site): (u32, &Site)| {
            let labelled = match &site.space {
                Space::Nodes { ground, .. } => ground.labelled(labels),
                Space::Counted { .. } if labels.is_empty() => Box::default(),
                Space::Counted { .. } => return None,
            };
            may_use(site).then_some((i, labelled))
        };
        self.sites = (0..).zip(sites).filter_map(of).collect();
        // With exclusive nodes, as many as the largest of them has.
        let most = |site: &Site| match &site.space {
            Space::Nodes { whole, .. } if want.is_exclusive => {
                whole.iter().map(|(kind, ..)| kind.cards()).max()
            }
            _ => None,
        };
        let a_node = self.sites.iter().filter_map(|(site, _)| most(&sites[*site as usize])).max();
        self.cards = nodes.saturating_mul(a_node.unwrap_or(want.cards));
        self.misfit = self.find_misfit(sites);
        let able =
            self.sites.iter().map(|(site, labelled)| sites[*site as usize].able(self.need(labelled).search));
        let best = able.max_by_key(|&(all, usable)| (usable, all));
        self.nodes_out = best
            .filter(|&(_, usable)| usable < self.key.nodes)
            .map(|(all, usable)| Limit::NodesOut { out: all - usable, usable, needed: self.key.nodes });
    }

    /// Why it can't start even if nothing else ran and every node took runs.
    fn find_misfit(&self, sites: &[Site]) -> Option<Misfit> {
        let Key { models, labels, want, nodes, .. } = &self.key;
        if *nodes == 0 || want.cards == 0 {
            return Some(Misfit::NothingAsked);
        }
        if self.sites.is_empty() {
            return Some(match models.first() {
                Some(_) => Misfit::NoSuchModel { models: models.clone() },
                None => Misfit::TooManyNodes { usable: 0 },
            });
        }
        let of = |site: u32| &sites[site as usize];
        let whole = |site: u32| match &of(site).space {
            Space::Nodes { whole, .. } => &whole[..],
            Space::Counted { .. } => &[],
        };
        let is_counted = self.sites.iter().any(|(site, _)| matches!(of(*site).space, Space::Counted { .. }));
        let kinds = || self.sites.iter().flat_map(|(site, _)| whole(*site)).map(|(kind, ..)| kind);
        let fits = |want: Want| kinds().any(|kind| kind.fit(want).is_some());
        if !is_counted && !fits(*want) {
            let most = kinds().map(crate::fit::Kind::cards).max().unwrap_or(0);
            if want.cards > most {
                return Some(Misfit::CardsPerNode { most });
            }
            let allowed = (1..=most).filter(|&cards| fits(Want { cards, ..*want }));
            return Some(Misfit::Affinity { asked: want.cards, allowed: allowed.collect() });
        }
        let able = |(site, labelled): &(u32, Box<[bool]>)| of(*site).able(self.need(labelled).search).0;
        let usable = self.sites.iter().map(able).max().unwrap_or(0);
        if usable == 0 && !labels.is_empty() && !is_counted {
            return Some(Misfit::NoSuchLabels { labels: labels.clone() });
        }
        (usable < *nodes).then_some(Misfit::TooManyNodes { usable })
    }
}
