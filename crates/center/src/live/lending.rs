//! Cards that change hands before their run has ended: lent by runs that will be over soon, and taken back.

use std::collections::HashMap;

use domain::{Millis, NodeId, RunId, Timestamp, node::Slot};
use engines::Leaving;

use super::{Hold, Live, LiveRun};

/// How many runs may wait for one card, beside the one that has it: what Slurm gets through on it between two of the instants at
/// which it starts jobs by itself.
pub(super) const MOST_AHEAD: usize = 3;

impl Live {
    /// Runs that will be over soon lend their cards to what comes next, unless enough waits for these already. Which did.
    ///
    /// Cost: linear in the cards of runs that will be over soon.
    pub fn lend(&mut self) -> Vec<RunId> {
        let mut on: HashMap<(NodeId, u8), usize> = HashMap::new();
        let cards_of = |live: &Live, id: &RunId| {
            let slots = live.runs.get(id).map(|live| live.run.placement.0.clone()).unwrap_or_default();
            slots
                .into_iter()
                .flat_map(|slot| slot.cards.iter().map(move |card| (slot.node, card)).collect::<Vec<_>>())
        };
        for card in self.soon_over.iter().flat_map(|id| cards_of(self, id)) {
            *on.entry(card).or_default() += 1;
        }
        let has_room = |id: &&RunId| {
            self.runs.get(id).is_some_and(|live| live.hold == Hold::Held)
                && cards_of(self, id).all(|card| on.get(&card).is_none_or(|runs| *runs <= MOST_AHEAD))
        };
        let lent: Vec<RunId> = self.soon_over.iter().filter(has_room).copied().collect();
        for id in &lent {
            self.let_go(*id, Hold::Lent);
        }
        self.hold_what_is_free();
        lent
    }

    /// Runs whose lent cards nobody took have them back.
    pub fn take_back(&mut self, lent: &[RunId]) {
        for id in lent {
            let Some(live) = self.runs.get(id).filter(|live| live.hold == Hold::Lent) else { continue };
            if live.run.placement.0.iter().all(|slot| self.is_free(slot)) {
                self.let_go(*id, Hold::Crowded);
                self.hold_what_is_free();
            }
        }
    }

    /// Runs that were planned at least `waited` ago, have not begun, and will not soon. If `of` has begun and stays on its cards,
    /// they are those that were to follow it there; if it has not, and another run stays on its cards, it is `of` itself.
    pub fn in_the_way(&self, of: RunId, waited: Millis, now: Timestamp) -> Vec<RunId> {
        let Some(of) = self.runs.get(&of).filter(|live| live.hold == Hold::Crowded) else {
            return Vec::new();
        };
        let has_begun = |live: &LiveRun| live.run.state.started_at().is_some();
        let has_waited = |live: &LiveRun| {
            let planned_at = live.run.state.planned_at();
            !has_begun(live) && live.run.state.stop().is_none() && now.since(planned_at) >= waited
        };
        let overlaps = |slot: &Slot| {
            let mut own = of.run.placement.0.iter();
            own.any(|own| own.node == slot.node && !own.cards.is_disjoint(slot.cards))
        };
        let mut others = self
            .runs
            .values()
            .filter(|live| live.run.id != of.run.id && live.run.placement.0.iter().any(overlaps));
        if has_begun(of) {
            let is_later = |live: &&LiveRun| {
                live.hold != Hold::Left && live.run.state.planned_at() >= of.run.state.planned_at()
            };
            let stays = of.leaving == Leaving::No;
            return others
                .filter(|live| stays && has_waited(live))
                .filter(is_later)
                .map(|live| live.run.id)
                .collect();
        }
        let stays =
            |live: &LiveRun| live.hold == Hold::Held && has_begun(live) && live.leaving == Leaving::No;
        if has_waited(of) && others.any(stays) { vec![of.run.id] } else { Vec::new() }
    }
}
