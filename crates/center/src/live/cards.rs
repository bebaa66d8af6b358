//! Which run has which cards. Each card is one run's at any time; what leaves, or soon will, hands its own on.

use std::collections::HashMap;

use domain::{CardSet, NodeId, RunId, node::Slot};
use engines::Leaving;

use super::{Hold, Live, LiveRun};

impl Live {
    /// A run that has its cards, unless another one has them: then as soon as they are free.
    pub(super) fn add_run(&mut self, live: LiveRun) {
        let id = live.run.id;
        let slots = live.run.placement.0.clone();
        self.runs.insert(id, live);
        let is_idle =
            |slot: &Slot| self.nodes.get(&slot.node).is_none_or(|node| node.busy.is_disjoint(slot.cards));
        if slots.iter().all(is_idle) {
            self.hold(id, &slots);
        } else {
            self.let_go(id, Hold::Crowded);
            self.hold_what_is_free();
        }
    }

    pub(super) fn remove_run(&mut self, id: RunId) -> Option<LiveRun> {
        self.let_go(id, Hold::Left);
        self.soon_over.remove(&id);
        let live = self.runs.remove(&id)?;
        self.hold_what_is_free();
        // Cards that a run lent to this one are free, though that run has not ended.
        let lent: Vec<RunId> = self.soon_over.iter().copied().collect();
        self.take_back(&lent);
        Some(live)
    }

    /// The engine says whether a run leaves. Gives whether that is news.
    pub fn run_leaving(&mut self, id: RunId, leaving: Leaving) -> bool {
        let Some(live) = self.runs.get_mut(&id).filter(|live| live.leaving != leaving) else { return false };
        live.leaving = leaving;
        let hold = live.hold;
        if leaving == Leaving::Soon {
            self.soon_over.insert(id);
        } else {
            self.soon_over.remove(&id);
        }
        match (leaving, hold) {
            (Leaving::Now, _) => self.let_go(id, Hold::Left),
            (Leaving::Soon, Hold::Left) | (Leaving::No, Hold::Left | Hold::Lent) => {
                self.let_go(id, Hold::Crowded);
            }
            _ => {}
        }
        self.hold_what_is_free();
        true
    }

    pub(super) fn is_free(&self, slot: &Slot) -> bool {
        let held = self.nodes.get(&slot.node).map_or(CardSet::EMPTY, |node| node.held);
        held.is_disjoint(slot.cards)
    }

    /// From now on a run stands to its cards as `to`; if it held them, they are free. Before anyone looks at what is busy,
    /// [`Self::hold_what_is_free`] has to see who waits for them.
    pub(super) fn let_go(&mut self, id: RunId, to: Hold) {
        let Some(live) = self.runs.get_mut(&id) else { return };
        for slot in &live.run.placement.0 {
            if let Some(node) = self.nodes.get_mut(&slot.node) {
                if live.hold == Hold::Held {
                    node.held = node.held.without(slot.cards);
                }
                node.busy = node.held;
            }
        }
        if live.hold == Hold::Lent {
            self.touched.displaced.insert(id);
        }
        live.hold = to;
        self.touched.runs.insert(id);
        if to == Hold::Crowded {
            self.crowded_out.insert(id);
        } else {
            self.crowded_out.remove(&id);
        }
    }

    fn hold(&mut self, id: RunId, slots: &[Slot]) {
        for slot in slots {
            if let Some(node) = self.nodes.get_mut(&slot.node) {
                node.held = node.held.union(slot.cards);
                node.busy = node.busy.union(slot.cards);
            }
        }
        if let Some(live) = self.runs.get_mut(&id) {
            live.hold = Hold::Held;
        }
        self.touched.runs.insert(id);
    }

    /// Runs get their cards as soon as nobody holds one of them. Until then nobody gets one that comes later.
    pub(super) fn hold_what_is_free(&mut self) {
        let mut wanted: HashMap<NodeId, CardSet> = HashMap::new();
        // The oldest first: ids are in the order of time.
        for id in std::mem::take(&mut self.crowded_out) {
            let Some(slots) = self.runs.get(&id).map(|live| live.run.placement.0.clone()) else { continue };
            let is_wanted =
                |slot: &Slot| wanted.get(&slot.node).is_some_and(|cards| !cards.is_disjoint(slot.cards));
            if slots.iter().all(|slot| self.is_free(slot) && !is_wanted(slot)) {
                self.hold(id, &slots);
            } else {
                for slot in &slots {
                    let of_node = wanted.entry(slot.node).or_insert(CardSet::EMPTY);
                    *of_node = of_node.union(slot.cards);
                }
                self.touched.runs.insert(id);
                self.crowded_out.insert(id);
            }
            // It has more of its cards than before, or fewer.
            self.touched.displaced.insert(id);
        }
        for (id, cards) in wanted {
            if let Some(node) = self.nodes.get_mut(&id) {
                node.busy = node.held.union(cards);
            }
        }
    }
}

#[cfg(test)]
mod tests;
