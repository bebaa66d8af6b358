//! Which queues share cards with which, and the tree of quotas that follows from it.

use std::collections::BTreeMap;

use domain::PoolId;

use crate::{account::Account, index, planner::Planner, quotas::Quotas, site::Site};

impl Planner {
    /// The tree of quotas as nodes and queues are now.
    pub(crate) fn renew_quotas(&mut self) {
        if !std::mem::take(&mut self.is_stale) {
            return;
        }
        let has_none =
            |account: &Account| account.limit == u32::MAX && account.queue.terms.guaranteed_cards == 0;
        self.has_no_terms =
            self.policy.backfill != crate::Backfill::Conservative && self.accounts.iter().all(has_none);
        let keeps =
            |account: &Account| account.queue.terms.lending_limit.is_some() || account.queue.cohort.is_some();
        if !self.accounts.iter().any(keeps) {
            self.quotas = None;
            return;
        }
        let (mut quotas, markets) = (Quotas::default(), self.markets());
        let mut roots: BTreeMap<u32, (u32, BTreeMap<_, u32>)> = BTreeMap::new();
        for (i, market) in markets.iter().enumerate() {
            let account = &self.accounts[i];
            let (root, cohorts) = roots.entry(*market).or_insert_with(|| {
                let in_market = |site: &&Site| markets_pool(&self.accounts, &markets, *market, site.pool);
                let cards: u32 = self.sites.iter().filter(in_market).map(Site::capacity).sum();
                let of_market = self.accounts.iter().zip(&markets).filter(|(_, of)| *of == market);
                let guaranteed: u32 =
                    of_market.map(|(account, _)| account.queue.terms.guaranteed_cards).sum();
                let nobodys = i64::from(cards.saturating_sub(guaranteed));
                (quotas.add(None, nobodys, None), BTreeMap::new())
            });
            let root = *root;
            let parent = match account.queue.cohort {
                None => root,
                Some(id) => *cohorts.entry(id).or_insert_with(|| {
                    let known = self.cohorts.iter().find(|cohort| cohort.id == id);
                    let lending_limit = known.map_or(Some(0), |cohort| cohort.lending_limit.map(i64::from));
                    quotas.add(Some(root), 0, lending_limit)
                }),
            };
            let terms = account.queue.terms;
            let (own, lending) = (i64::from(terms.guaranteed_cards), terms.lending_limit.map(i64::from));
            self.accounts[i].branch = quotas.add(Some(parent), own, lending);
        }
        for account in &self.accounts {
            quotas.count(account.branch, i64::from(account.running));
        }
        self.quotas = Some(quotas);
    }

    /// For each queue the market in which it is: queues that share a pool, be it through others, are in one.
    fn markets(&self) -> Vec<u32> {
        let mut market: Vec<u32> = (0..index(self.accounts.len())).collect();
        let mut of_pool: BTreeMap<PoolId, u32> = BTreeMap::new();
        for i in 0..self.accounts.len() {
            for pool in self.accounts[i].queue.pools.iter() {
                let (own, others) = (market[i], *of_pool.entry(*pool).or_insert(market[i]));
                if own != others {
                    let (into, from) = (own.min(others), own.max(others));
                    market.iter_mut().filter(|of| **of == from).for_each(|of| *of = into);
                    of_pool.values_mut().filter(|of| **of == from).for_each(|of| *of = into);
                }
            }
        }
        market
    }
}

fn markets_pool(accounts: &[Account], markets: &[u32], market: u32, pool: PoolId) -> bool {
    accounts.iter().zip(markets).any(|(account, of)| *of == market && account.queue.pools.contains(&pool))
}
