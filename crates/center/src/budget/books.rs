//! Budgets as they stand in the ledger.

use std::collections::{BTreeMap, btree_map::Entry};

use base::lookup::Names;
use domain::{
    TenantId, Timestamp, Zone,
    budget::{Budget, Stretch, Whose},
};
use store::{StoreError, Tx};

use super::rows;
use crate::live::{Live, LiveBudget, Use};

/// What is spent in some stretches, each read once.
#[derive(Debug, Default)]
pub struct Sums(BTreeMap<(TenantId, Timestamp, Timestamp), BTreeMap<Whose, rows::Spent>>);

/// The end of a stretch, for those that have none: a year that no clock shows.
pub fn until(stretch: Stretch) -> Timestamp {
    stretch.until.unwrap_or(Timestamp::from_micros(i64::MAX))
}

impl Sums {
    fn of(&mut self, tx: &Tx, budget: &Budget, stretch: Stretch) -> Result<Use, StoreError> {
        let key = (budget.tenant, stretch.from, until(stretch));
        let sums = match self.0.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(rows::spent(tx, key.0, key.1, key.2)?),
        };
        let spent = sums.get(&budget.whose).copied().unwrap_or_default();
        Ok(Use { used: spent.used, charged: spent.charged, ..Use::default() })
    }
}

/// A budget as it stands at `now`, with what is posted and told of it.
pub fn stands(
    tx: &Tx,
    sums: &mut Sums,
    zone: &Zone,
    budget: Budget,
    now: Timestamp,
) -> Result<LiveBudget, StoreError> {
    let stretch = budget.span.stretch(zone, now);
    let spent = sums.of(tx, &budget, stretch)?;
    let told = rows::told(tx, budget.id, stretch.from)?;
    let name = name(tx, budget.whose)?;
    Ok(LiveBudget::new(budget, &name, stretch, spent, told))
}

fn name(tx: &Tx, whose: Whose) -> Result<String, StoreError> {
    let mut names = Names::of(tx);
    match whose {
        Whose::Project(project) => names.project(project),
        Whose::Member(member) => names.login(member),
    }
}

/// Takes all budgets up as they stand, at the start.
pub fn load(tx: &Tx, live: &mut Live, zone: &Zone, now: Timestamp) -> Result<(), StoreError> {
    let mut sums = Sums::default();
    for budget in rows::list(tx, None)? {
        live.budget_made(stands(tx, &mut sums, zone, budget, now)?);
    }
    Ok(())
}
