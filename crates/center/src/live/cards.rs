//! Which run has which cards. Each card is one run's at any time; what leaves, or soon will, hands its own on.

use std::collections::HashMap;

use domain::{CardSet, Millis, NodeId, RunId, Timestamp, node::Slot};
use engines::Leaving;

use super::{Live, LiveRun, waiting};

/// How many runs may wait for one card, beside the one that has it: what Slurm gets through on it between two of the instants at
/// which it starts jobs by itself.
const MOST_AHEAD: usize = 3;

/// How a run stands to its cards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hold {
    /// They are its own.
    Held,
    /// Another one has some of them: it gets all as soon as they are free, and nobody else gets one.
    #[default]
    Crowded,
    /// It will be over soon. What comes next may have them, and waits for its end; for its queue it runs.
    Lent,
    /// Its processes are said to be gone. What comes next may have them.
    Left,
}

impl Live {
    /// A run that has its cards, unless another one has them: then as soon as they are free.
    pub fn add_run(&mut self, live: LiveRun) {
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

    pub fn remove_run(&mut self, id: RunId) -> Option<LiveRun> {
        self.let_go(id, Hold::Left);
        self.soon_over.remove(&id);
        let live = self.runs.remove(&id)?;
        self.hold_what_is_free();
        // What it was lent is free without an end of who lent it.
        let lent: Vec<RunId> = self.soon_over.iter().copied().collect();
        self.take_back(&lent);
        Some(live)
    }

    /// What the engine says of whether a run leaves. Whether that is news.
    pub fn set_leaving(&mut self, id: RunId, leaving: Leaving) -> bool {
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

    /// Whether something waits that could start if there were cards.
    ///
    /// Cost: linear in the jobs that have not ended, where none does.
    pub fn has_work(&self) -> bool {
        let mut waiting = self.jobs.values().filter_map(waiting);
        waiting.any(|waiting| waiting.tasks > 0 && waiting.block.is_none())
    }

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

    /// Those of these runs that lent their cards, and nobody took one, have them as before.
    pub fn take_back(&mut self, lent: &[RunId]) {
        for id in lent {
            let Some(live) = self.runs.get(id).filter(|live| live.hold == Hold::Lent) else { continue };
            if live.run.placement.0.iter().all(|slot| self.is_free(slot)) {
                self.let_go(*id, Hold::Crowded);
                self.hold_what_is_free();
            }
        }
    }

    /// Runs that have not begun since they were planned, so long ago, and will not soon: where `of` stays on its cards, what was
    /// to have them after it; or itself, where what has its cards stays.
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

    fn is_free(&self, slot: &Slot) -> bool {
        let held = self.nodes.get(&slot.node).map_or(CardSet::EMPTY, |node| node.held);
        held.is_disjoint(slot.cards)
    }

    /// From now on a run stands to its cards as `to`; if it held them, they are free. Before anyone looks at what is busy,
    /// [`Self::hold_what_is_free`] has to see who waits for them.
    fn let_go(&mut self, id: RunId, to: Hold) {
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
    fn hold_what_is_free(&mut self) {
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
mod tests {
    use super::*;
    use crate::live::LiveRun;
    use domain::{
        CardSet, ContractId, JobId, Node, NodeState, PoolId, Run, TenantId, Timestamp, ledger::Metered,
    };
    use scheduler::Planner;
    use store::pools::Pool;

    fn node() -> NodeId {
        NodeId::from_bytes([1; 16])
    }

    fn hall() -> Live {
        let pool = PoolId::from_bytes([2; 16]);
        let model = domain::CardModel::known("ascend-910").unwrap();
        let of_hall = Node {
            id: node(),
            pool,
            name: "n1".into(),
            cards: 8,
            rings: vec![CardSet::first(8)],
            is_virtual: false,
            switch: String::new(),
            since: Timestamp::default(),
            state: NodeState::Up,
            labels: vec![],
            maintenance: None,
        };
        let mut live = Live::default();
        live.add_node(of_hall, &Pool { id: pool, name: "p".into(), model });
        live
    }

    fn add(live: &mut Live, n: u8, cards: u64) -> RunId {
        let id = RunId::from_bytes([n; 16]);
        let run = Run {
            id,
            job: JobId::from_bytes([n; 16]),
            tenant: TenantId::from_bytes([4; 16]),
            contract: ContractId::from_bytes([5; 16]),
            task: 0,
            attempt: 1,
            placement: domain::Placement(vec![Slot { node: node(), cards: CardSet::from_bits(cards) }]),
            rate: domain::RatePerCardHour::default(),
            is_granted: false,
            state: domain::RunState::Starting { planned_at: Timestamp::default(), stop: None },
        };
        let (class, time_limit) = (domain::ServiceClass::Normal, Millis::from_hours(1));
        let metered = Metered::default();
        live.add_run(LiveRun {
            run,
            job_name: "j".into(),
            class,
            time_limit,
            metered,
            hold: Hold::default(),
            leaving: Leaving::No,
        });
        id
    }

    fn in_the_way(live: &Live, of: RunId) -> Vec<RunId> {
        live.in_the_way(of, Millis(0), Timestamp::default())
    }

    fn begin(live: &mut Live, id: RunId) {
        let state = domain::RunState::Starting { planned_at: Timestamp::default(), stop: None };
        live.runs.get_mut(&id).unwrap().run.state = state.start(Timestamp::default()).unwrap();
    }

    fn busy(live: &Live) -> u64 {
        live.nodes[&node()].busy.bits()
    }

    /// What the planner thinks is free, after it was told what changed.
    fn free(live: &mut Live, planner: &mut Planner) -> u32 {
        live.tell(planner, Millis::from_hours(1), Timestamp::default());
        planner.free_cards()
    }

    #[test]
    fn cards_of_a_run_that_leaves_go_to_the_next() {
        let (mut live, mut planner) = (hall(), Planner::new(scheduler::Policy::default()));
        let first = add(&mut live, 1, 0b1111);
        assert_eq!(free(&mut live, &mut planner), 4);
        assert!(!live.set_leaving(first, Leaving::No), "no news");
        assert!(live.set_leaving(first, Leaving::Now));
        assert!(!live.set_leaving(first, Leaving::Now), "no news");
        assert_eq!((busy(&live), free(&mut live, &mut planner)), (0, 8));
        let next = add(&mut live, 2, 0b0011);
        live.remove_run(first);
        assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b0011, 6));
        live.remove_run(next);
        assert_eq!((busy(&live), free(&mut live, &mut planner)), (0, 8));
    }

    #[test]
    fn a_run_that_stays_gets_its_cards_back_once_they_are_free() {
        let (mut live, mut planner) = (hall(), Planner::new(scheduler::Policy::default()));
        let first = add(&mut live, 1, 0b1111);
        live.set_leaving(first, Leaving::Now);
        let (near, far) = (add(&mut live, 2, 0b0011), add(&mut live, 3, 0b0011_0000));
        assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b0011_0011, 4));
        assert!(live.set_leaving(first, Leaving::No));
        assert!(in_the_way(&live, first).is_empty(), "it may not have begun either");
        begin(&mut live, first);
        assert_eq!(in_the_way(&live, first), [near], "not {far}");
        let later = |millis| Timestamp::default().plus(Millis(millis));
        assert!(live.in_the_way(first, Millis(5), later(4)).is_empty());
        assert_eq!(live.in_the_way(first, Millis(5), later(5)), [near]);
        // The ones of its cards that are free are for no other.
        assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b0011_1111, 2));
        let late = add(&mut live, 4, 0b0100);
        assert_eq!(live.runs[&late].hold, Hold::Crowded);
        live.remove_run(near);
        assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b0011_1111, 2));
        assert!(in_the_way(&live, first).is_empty());
        assert_eq!(in_the_way(&live, late), [late], "its card is of one that stays");
        live.remove_run(late);
        live.remove_run(first);
        assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b0011_0000, 6));
    }

    #[test]
    fn cards_of_a_run_that_is_soon_over_are_lent_for_one_plan() {
        let (mut live, mut planner) = (hall(), Planner::new(scheduler::Policy::default()));
        let (first, other) = (add(&mut live, 1, 0b0011), add(&mut live, 2, 0b1100));
        assert!(live.lend().is_empty());
        assert!(live.set_leaving(first, Leaving::Soon));
        assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b1111, 4), "to others it has its cards");
        assert_eq!(live.lend(), [first], "not {other}");
        assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b1100, 6));
        live.take_back(&[first]);
        assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b1111, 4));
        live.lend();
        let next = add(&mut live, 3, 0b0001);
        live.take_back(&[first]);
        assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b1101, 5), "a card went to {next}");
        live.remove_run(first);
        assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b1101, 5));
    }

    #[test]
    fn what_lends_its_cards_still_counts_for_its_queue() {
        let (mut live, mut planner) = (hall(), Planner::new(scheduler::Policy::default()));
        let first = add(&mut live, 1, 0b1111);
        live.set_leaving(first, Leaving::Soon);
        live.lend();
        let snapshot = live.snapshot(Millis::from_hours(1), Timestamp::default());
        let counted: Vec<(usize, u32)> =
            snapshot.running.iter().map(|run| (run.placement.0.len(), run.cards)).collect();
        assert_eq!(counted, [(0, 4)]);
        assert_eq!(free(&mut live, &mut planner), 8);
        assert!(planner.ticket(first).is_some());
        live.remove_run(first);
        assert_eq!(free(&mut live, &mut planner), 8);
        assert!(planner.ticket(first).is_none());
    }

    #[test]
    fn only_so_many_wait_for_one_card() {
        let mut live = hall();
        let mut runs = vec![add(&mut live, 1, 1)];
        for n in 0..10 {
            let last = runs[runs.len() - 1];
            live.set_leaving(last, Leaving::Soon);
            if live.lend().is_empty() {
                break;
            }
            runs.push(add(&mut live, n + 2, 1));
        }
        assert_eq!(runs.len(), 1 + MOST_AHEAD);
        live.set_leaving(runs[0], Leaving::Now);
        assert_eq!(live.lend(), [runs[MOST_AHEAD]]);
    }

    #[test]
    fn what_was_lent_comes_back_where_nobody_has_it_any_more() {
        let (mut live, mut planner) = (hall(), Planner::new(scheduler::Policy::default()));
        let first = add(&mut live, 1, 0b11);
        live.set_leaving(first, Leaving::Soon);
        live.lend();
        let next = add(&mut live, 2, 0b01);
        assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b01, 7));
        live.remove_run(next);
        assert_eq!((busy(&live), free(&mut live, &mut planner)), (0b11, 6));
        assert_eq!(live.runs[&first].hold, Hold::Held);
    }

    #[test]
    fn where_a_run_stays_all_that_waits_for_its_cards_is_in_the_way() {
        let mut live = hall();
        let first = add(&mut live, 1, 0b11);
        live.set_leaving(first, Leaving::Soon);
        live.lend();
        let second = add(&mut live, 2, 0b01);
        live.set_leaving(second, Leaving::Soon);
        live.lend();
        let (third, beside) = (add(&mut live, 3, 0b01), add(&mut live, 4, 0b100));
        begin(&mut live, first);
        assert!(live.set_leaving(first, Leaving::No));
        assert_eq!(in_the_way(&live, first), [second, third], "not {beside}");
        for run in [second, third] {
            live.remove_run(run);
        }
        assert_eq!(busy(&live), 0b111);
    }
}
