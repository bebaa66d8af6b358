//! Which queues lend to each other, and the tree of quotas that follows from it.
//!
//! Queues that share a pool, directly or through other queues, form a *lending group*. Each group has a root
//! in the tree. A queue of which no job may start keeps no cards from the others.

use std::collections::BTreeMap;

use domain::PoolId;

use super::{planner::Planner, queue_state::QueueState, quota_tree::QuotaTree};
use crate::{hall::card_pool::CardPool, index::index, policy::Backfill};

impl Planner {
    /// Builds the tree of quotas anew, if nodes or queues have changed since it was built.
    pub(crate) fn renew_quotas(&mut self) {
        if !std::mem::take(&mut self.quotas_are_stale) {
            return;
        }
        let has_none = |queue: &QueueState| queue.limit == u32::MAX && queue.guaranteed() == 0;
        self.has_no_terms =
            self.policy.backfill != Backfill::Conservative && self.queues.iter().all(has_none);
        let has_limits =
            |queue: &QueueState| queue.told.terms.lending_limit.is_some() || queue.told.cohort.is_some();
        let keeps = |queue: &QueueState| queue.guaranteed() > 0 && has_limits(queue);
        if !self.queues.iter().any(keeps) {
            self.quotas = None;
            return;
        }
        let (mut quotas, groups) = (QuotaTree::default(), self.lending_groups());
        let mut roots: BTreeMap<u32, (u32, BTreeMap<_, u32>)> = BTreeMap::new();
        for (i, group) in groups.iter().enumerate() {
            let queue = &self.queues[i];
            let (root, cohorts) = roots.entry(*group).or_insert_with(|| {
                let is_in_group =
                    |card_pool: &&CardPool| uses_pool(&self.queues, &groups, *group, card_pool.pool);
                let cards: u32 = self.card_pools.iter().filter(is_in_group).map(CardPool::capacity).sum();
                let of_group = self.queues.iter().zip(&groups).filter(|(_, of)| *of == group);
                let guaranteed: u32 = of_group.map(|(queue, _)| queue.guaranteed()).sum();
                let spare = i64::from(cards.saturating_sub(guaranteed));
                (quotas.add(None, spare, None), BTreeMap::new())
            });
            let root = *root;
            let parent = match queue.told.cohort {
                None => root,
                Some(id) => *cohorts.entry(id).or_insert_with(|| {
                    let known = self.cohorts.iter().find(|cohort| cohort.id == id);
                    let lending_limit = known.map_or(Some(0), |cohort| cohort.lending_limit.map(i64::from));
                    quotas.add(Some(root), 0, lending_limit)
                }),
            };
            let terms = queue.told.terms;
            let (own, lending) = (i64::from(queue.guaranteed()), terms.lending_limit.map(i64::from));
            self.queues[i].branch = quotas.add(Some(parent), own, lending);
        }
        for queue in &self.queues {
            quotas.count(queue.branch, i64::from(queue.running));
        }
        self.quotas = Some(quotas);
    }

    /// The lending group of each queue.
    fn lending_groups(&self) -> Vec<u32> {
        let mut group: Vec<u32> = (0..index(self.queues.len())).collect();
        let mut of_pool: BTreeMap<PoolId, u32> = BTreeMap::new();
        for i in 0..self.queues.len() {
            for pool in self.queues[i].told.pools.iter() {
                let (own, others) = (group[i], *of_pool.entry(*pool).or_insert(group[i]));
                if own != others {
                    let (into, from) = (own.min(others), own.max(others));
                    group.iter_mut().filter(|of| **of == from).for_each(|of| *of = into);
                    of_pool.values_mut().filter(|of| **of == from).for_each(|of| *of = into);
                }
            }
        }
        group
    }
}

/// Whether a queue of the group may use the pool.
fn uses_pool(queues: &[QueueState], groups: &[u32], group: u32, pool: PoolId) -> bool {
    queues.iter().zip(groups).any(|(queue, of)| *of == group && queue.told.pools.contains(&pool))
}
