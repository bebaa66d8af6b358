//! A small hall and runs on it, for the tests of what is live.

use std::sync::Arc;

use domain::{
    CardModel, CardSet, ContractId, Job, JobId, JobSpec, MemberId, Millis, Node, NodeId, NodeState,
    Placement, PoolId, ProjectId, RatePerCardHour, Run, RunId, RunState, TenantId, Timestamp, Zone,
    node::Slot,
};
use store::pools::Pool;

use super::Live;

pub(crate) fn node() -> NodeId {
    NodeId::from_bytes([1; 16])
}

pub(crate) fn pool() -> PoolId {
    PoolId::from_bytes([2; 16])
}

pub(crate) fn contract() -> ContractId {
    ContractId::from_bytes([5; 16])
}

/// One node with eight cards in one ring; use counts half after an hour.
pub(crate) fn hall() -> Live {
    let node = Node {
        id: node(),
        pool: pool(),
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
    let mut live = Live::new(Millis::from_hours(1), Millis::from_hours(1), <&Zone>::default());
    let model = CardModel::known("ascend-910").unwrap();
    live.node_added(node, &Pool { id: pool(), name: "p".into(), model, retired_at: None });
    live
}

/// A job of one task that has started, with its run on these cards. Their ids are made of `n`.
pub(crate) fn run(n: u8, cards: u64) -> (Run, Arc<Job>) {
    let (id, tenant) = (JobId::from_bytes([n; 16]), TenantId::from_bytes([4; 16]));
    let (project, member) = (ProjectId::from_bytes([6; 16]), MemberId::from_bytes([7; 16]));
    let spec = JobSpec { name: "j".into(), ..JobSpec::default() };
    let mut job = Job::new(id, tenant, project, contract(), member, Timestamp::default(), spec);
    job.start_task(false).unwrap();
    let run = Run {
        id: RunId::from_bytes([n; 16]),
        job: id,
        tenant,
        contract: contract(),
        task: 0,
        attempt: 1,
        placement: Placement(vec![Slot { node: node(), cards: CardSet::from_bits(cards) }]),
        rate: RatePerCardHour::default(),
        price_book: None,
        charged_at_most: None,
        is_granted: false,
        state: RunState::Starting { planned_at: Timestamp::default(), stop: None },
    };
    (run, Arc::new(job))
}
