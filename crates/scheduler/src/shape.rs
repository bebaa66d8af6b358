//! Jobs of one queue that ask for the same are one thing to the planner: what can't start once can't start again.

use std::{collections::BTreeMap, sync::Arc};

use domain::Millis;

use crate::{Limit, Misfit, Waiting, hall::index, quota::Account, site::Site};

/// What jobs of one queue ask for.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) queue: u32,
    pub(crate) nodes: u32,
    pub(crate) cards_per_node: u32,
    /// Cards of one run.
    pub(crate) asked: u32,
    /// Where they may run.
    pub(crate) sites: Vec<u32>,
    /// Why none of them ever fits.
    pub(crate) misfit: Option<Misfit>,
    /// Set where nodes that are out leave too few.
    pub(crate) nodes_out: Option<Limit>,
    /// The shortest time limit with which one of them found no cards. In a plan cards only get fewer, so that none with
    /// this time limit or a longer one will find any.
    pub(crate) fails_from: Option<Millis>,
    /// It was tried to hold cards for one of them.
    pub(crate) was_held: bool,
    /// The limits found, by how many of the sites' held cards are closed to the job.
    pub(crate) limits: Vec<(u32, Limit)>,
}

/// All shapes.
#[derive(Debug)]
pub(crate) struct Shapes<'a> {
    pub(crate) list: Vec<Shape>,
    /// By queue: what was asked for, and the shape of it.
    known: Vec<BTreeMap<Ask<'a>, u32>>,
}

/// Nodes, cards a node, model.
type Ask<'a> = (u32, u32, Option<&'a str>);

impl<'a> Shapes<'a> {
    pub(crate) fn new(queues: usize) -> Self {
        Self { list: Vec::new(), known: vec![BTreeMap::new(); queues] }
    }

    /// The index of the shape of `job`, whose queue is that of `account`. Log of the queue's shapes.
    pub(crate) fn of(&mut self, job: &'a Waiting, queue: u32, account: &Account, sites: &[Site]) -> u32 {
        let ask = (job.nodes, job.cards_per_node, job.model.as_deref());
        *self.known[queue as usize].entry(ask).or_insert_with(|| {
            self.list.push(Shape::new(job, queue, account, sites));
            index(self.list.len() - 1)
        })
    }
}

impl Shape {
    /// Linear in the sites and their kinds of nodes.
    fn new(job: &Waiting, queue: u32, account: &Account, sites: &[Site]) -> Self {
        let (nodes, ask) = (job.nodes, job.cards_per_node);
        let in_pools = |site: &Site| account.queue.pools.contains(&site.pool);
        let of_model = |site: &Site| job.model.as_deref().is_none_or(|model| model == site.model);
        let may_use: Vec<u32> = (0..)
            .zip(sites)
            .filter(|(_, site)| in_pools(site) && of_model(site))
            .map(|(site, _)| site)
            .collect();
        let asked = nodes.saturating_mul(ask);
        let misfit = misfit(job, account, may_use.iter().map(|&site| &sites[site as usize]), asked);
        let able = may_use.iter().map(|&site| sites[site as usize].ground.able(ask));
        let best = able.max_by_key(|&(all, usable)| (usable, all));
        let nodes_out = best.filter(|&(_, usable)| usable < nodes).map(|(all, usable)| Limit::NodesOut {
            out: all - usable,
            usable,
            needed: nodes,
        });
        Self {
            queue,
            nodes,
            cards_per_node: ask,
            asked,
            sites: may_use,
            misfit,
            nodes_out,
            fails_from: None,
            was_held: false,
            limits: Vec::new(),
        }
    }
}

/// Why the job can't start even if nothing else ran and every node took runs.
fn misfit<'s, 'n: 's>(
    job: &Waiting,
    account: &Account,
    sites: impl Iterator<Item = &'s Site<'n>> + Clone,
    asked: u32,
) -> Option<Misfit> {
    let (nodes, ask) = (job.nodes, job.cards_per_node);
    if nodes == 0 || ask == 0 {
        return Some(Misfit::NothingAsked);
    }
    let kinds = sites.clone().flat_map(|site| &site.ground.whole).map(|(kind, ..)| kind);
    let Some(most) = kinds.clone().map(crate::fit::Kind::cards).max() else {
        return Some(match &job.model {
            Some(model) => Misfit::NoSuchModel { model: model.clone() },
            None => Misfit::TooManyNodes { usable: 0 },
        });
    };
    if ask > most {
        return Some(Misfit::CardsPerNode { most });
    }
    if kinds.clone().all(|kind| kind.fit(ask).is_none()) {
        let allowed = (1..=most).filter(|&other| kinds.clone().any(|kind| kind.fit(other).is_some()));
        let allowed: Arc<[u32]> = allowed.collect();
        return Some(Misfit::Affinity { asked: ask, allowed });
    }
    let usable = sites.map(|site| site.ground.able(ask).0).max().unwrap_or(0);
    if usable < nodes {
        return Some(Misfit::TooManyNodes { usable });
    }
    (asked > account.limit).then_some(Misfit::AboveContractLimit { limit: account.limit })
}
