//! Which shapes of jobs could never start, as the planner said when it was first asked.

use std::{collections::HashMap, sync::Arc};

use domain::{ContractId, JobId, Millis, ServiceClass, Timestamp};
use parking_lot::Mutex;
use scheduler::{Limit, Policy, Snapshot, Waiting};

use base::moment::new_id;

/// Everything that decides whether a job can ever start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    pub contract: ContractId,
    pub nodes: u32,
    pub cards_per_node: u32,
    pub is_exclusive: bool,
    pub models: Vec<String>,
    pub labels: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Fits(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    limits: HashMap<Shape, Option<Limit>>,
    /// How many times all answers were forgotten.
    forgotten: u64,
}

impl Fits {
    /// Why no job of this shape can ever start, if so; `None` if the planner was not asked yet.
    pub fn known(&self, shape: &Shape) -> Option<Option<Limit>> {
        self.0.lock().limits.get(shape).cloned()
    }

    /// Asks the planner why no job of this shape can ever start, of the snapshot that `snapshot` gives, and remembers
    /// the answer.
    pub fn ask(
        &self,
        shape: &Shape,
        policy: &Policy,
        now: Timestamp,
        snapshot: impl FnOnce() -> Snapshot,
    ) -> Option<Limit> {
        let forgotten = self.0.lock().forgotten;
        let limit = ask(snapshot(), shape, policy, now);
        let mut known = self.0.lock();
        // An answer of before a change of the hall is not one of after it.
        if known.forgotten == forgotten {
            known.limits.insert(shape.clone(), limit.clone());
        }
        limit
    }

    /// Nodes or contracts changed: the planner is to be asked anew.
    pub fn forget(&self) {
        let mut known = self.0.lock();
        known.limits.clear();
        known.forgotten += 1;
    }
}

/// Asks the planner whether a job of this shape could start in an empty center.
fn ask(mut snapshot: Snapshot, shape: &Shape, policy: &Policy, now: Timestamp) -> Option<Limit> {
    snapshot.waiting.clear();
    // Whether it fits does not depend on its price.
    snapshot.queues.iter_mut().for_each(|queue| queue.unpriced = Arc::default());
    let job = Waiting {
        job: new_id!(JobId),
        queue: shape.contract,
        class: ServiceClass::Urgent,
        nodes: shape.nodes,
        max_nodes: shape.nodes,
        cards_per_node: shape.cards_per_node,
        is_exclusive: shape.is_exclusive,
        models: shape.models.iter().map(|model| model.as_str().into()).collect(),
        labels: shape.labels.iter().map(|label| label.as_str().into()).collect(),
        time_limit: Millis(1),
        submitted_at: now,
        tasks: 1,
        block: None,
    };
    let trial = scheduler::try_out(&snapshot, policy, now, &job);
    trial.verdict.map(|verdict| verdict.limit).filter(|limit| matches!(limit, Limit::NeverFits { .. }))
}
