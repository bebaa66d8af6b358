//! Everything live as the planner sees it: whole in a snapshot, or told change by change.

use domain::{Contract, ContractState, Placement, RunId, Timestamp, run::StopCause};
use scheduler::{Cohort, DiskShortage, Gate, NodeView, Occupied, Planner, Queue, Snapshot, Window};

use super::{Hold, Live, LiveContract, LiveNode, LiveRun, Touched};

impl Live {
    /// Everything at once, for a planner that is asked once.
    ///
    /// Cost: linear in nodes, contracts, and jobs that have not ended.
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        Snapshot {
            nodes: self.nodes.values().map(|node| self.node_view(node)).collect(),
            queues: self.contracts.values().map(|known| self.queue(known, now)).collect(),
            waiting: self.jobs.values().filter_map(|known| self.waiting(known)).collect(),
            running: self.runs.values().filter_map(occupied).collect(),
            counted: Vec::new(),
            cohorts: self.cohorts(),
        }
    }

    /// Tells the planner of all changes since it was told last.
    ///
    /// Cost: linear in what changed and in the contracts; where nodes came or went, in all.
    pub fn tell(&mut self, planner: &mut Planner, now: Timestamp) {
        let Touched { jobs, runs, displaced, nodes, are_nodes_new } = std::mem::take(&mut self.touched);
        if are_nodes_new {
            planner.set_places(self.nodes.values().map(|node| self.node_view(node)), &[]);
        }
        for (id, node) in nodes.iter().filter_map(|id| Some((id, self.nodes.get(id)?))) {
            planner.set_takes_runs(*id, node.node.state.takes_runs());
        }
        planner.set_cohorts(self.cohorts());
        for contract in self.contracts.values() {
            planner.set_queue(self.queue(contract, now), now);
        }
        let has_its_place = |id: &RunId| {
            !displaced.contains(id) && self.runs.get(id).is_some_and(|live| live.hold == Hold::Held)
        };
        // First those that give cards back: others may have the same ones.
        for id in runs.iter().filter(|id| !has_its_place(id)) {
            if let Some(ticket) = planner.ticket(*id) {
                planner.end(ticket, now);
            }
        }
        for occupied in runs.iter().filter_map(|id| self.runs.get(id).and_then(occupied)) {
            match planner.ticket(occupied.run) {
                Some(ticket) => planner.confirm(ticket, occupied.run, occupied.expected_end),
                None => _ = planner.occupy(&occupied, now),
            }
        }
        for id in jobs {
            match self.jobs.get(&id).and_then(|known| self.waiting(known)) {
                Some(waiting) => planner.submit(&waiting),
                None => planner.withdraw(id),
            }
        }
    }

    /// A disk has less free than it must, or all have enough.
    pub fn disk_is_short(&mut self, shortage: Option<DiskShortage>) {
        self.shortage = shortage;
    }

    /// A contract's queue as the planner sees it.
    fn queue(&self, live: &LiveContract, now: Timestamp) -> Queue {
        let contract = &live.contract;
        Queue {
            id: contract.id,
            tenant: contract.tenant,
            cohort: self.tenants.get(&contract.tenant).and_then(|tenant| tenant.alliance),
            pools: live.pools.clone(),
            unpriced: self.unpriced(contract, now).into(),
            terms: contract.limits(),
            gate: match (gate(contract, now), self.shortage) {
                (Gate::Open, Some(shortage)) => Gate::DiskFull(shortage),
                (gate, _) => gate,
            },
            use_card_ms: live.decayed_use.at(now, self.half_life),
        }
    }

    /// Each alliance is a cohort.
    fn cohorts(&self) -> Vec<Cohort> {
        let cohort = |(&id, &lending_limit)| Cohort { id, lending_limit };
        self.lending_limits.iter().map(cohort).collect()
    }

    fn node_view(&self, live: &LiveNode) -> NodeView {
        NodeView {
            id: live.node.id,
            pool: live.node.pool,
            name: live.name.clone(),
            model: live.model.clone(),
            affinity: self.pools.get(&live.node.pool).map(|pool| pool.model.affinity).unwrap_or_default(),
            rings: live.rings.clone(),
            cards: live.node.all_cards(),
            free: live.node.all_cards().without(live.busy),
            takes_runs: live.node.state.takes_runs(),
            switch: live.switch.clone(),
            labels: live.labels.clone(),
            maintenance: live
                .node
                .maintenance
                .as_ref()
                .map(|work| Window { from: work.from, until: work.until }),
        }
    }
}

/// Whether the jobs of a contract may start.
pub fn gate(contract: &Contract, now: Timestamp) -> Gate {
    if contract.state != ContractState::Active {
        Gate::Closed(contract.state)
    } else if now < contract.starts_at {
        Gate::NotYet { starts_at: contract.starts_at }
    } else if now >= contract.ends_at {
        Gate::Ended
    } else {
        Gate::Open
    }
}

/// A run as the planner sees it, if it counts as running.
fn occupied(live: &LiveRun) -> Option<Occupied> {
    let placement = match live.hold {
        // The planner leaves out what is another's.
        Hold::Held | Hold::Crowded => live.run.placement.clone(),
        Hold::Lent => Placement(Vec::new()),
        Hold::Left => return None,
    };
    let from = live.run.state.started_at().unwrap_or_else(|| live.run.state.planned_at());
    Some(Occupied {
        run: live.run.id,
        job: live.run.job,
        queue: live.run.contract,
        class: live.class,
        placement,
        cards: live.run.placement.card_count(),
        counted: None,
        started_at: from,
        expected_end: from.plus(live.time_limit),
        is_preempted: live.run.state.stop().is_some_and(|stop| stop.cause == StopCause::Preempted),
    })
}
