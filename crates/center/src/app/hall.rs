//! The hall: every node with its cards, and the state that each card is in now.

use std::collections::BTreeMap;

use domain::{CardSet, JobId, NodeId, NodeState, NodeStatus, node::Maintenance};

use crate::{
    actions,
    center::Center,
    live::{Live, LiveNode},
};
use base::{auth::Caller, error::AppError, text::natural_cmp};

domain::codes! {
    /// The one state that a card is in, in the order in which they are shown.
    pub enum CardState {
        Sold = "sold",
        Granted = "granted",
        Idle = "idle",
        Drained = "drained",
        Failed = "failed",
    }
}

/// A node with the state of each of its cards. Whose jobs run there is not told: everybody may see the hall.
#[derive(Clone, Debug)]
pub struct HallNode {
    pub name: String,
    pub pool: String,
    pub switch: String,
    pub is_virtual: bool,
    pub state: NodeStatus,
    /// Why it is out; empty where it is not.
    pub reason: String,
    pub maintenance: Option<Maintenance>,
    pub fp16_tflops: u32,
    pub busy_cards: u32,
    pub cards: Vec<CardState>,
    pub rings: Vec<CardSet>,
}

/// All nodes, by name as people count: `node-2` before `node-10`.
///
/// Cost: linear in nodes and runs.
pub fn list(center: &Center, caller: &Caller) -> Result<Vec<HallNode>, AppError> {
    center.policies.check(caller, actions::READ_NODE, None)?;
    Ok(all(&center.live()))
}

/// All nodes, in the order of [`by_name`].
pub fn all(live: &Live) -> Vec<HallNode> {
    let granted = granted(live);
    by_name(live).into_iter().map(|known| node(live, known, &granted)).collect()
}

/// All nodes by name, as people count.
pub fn by_name(live: &Live) -> Vec<&LiveNode> {
    let mut nodes: Vec<&LiveNode> = live.nodes().collect();
    nodes.sort_by(|a, b| natural_cmp(&a.node.name, &b.node.name));
    nodes
}

pub fn show(center: &Center, caller: &Caller, name: &str) -> Result<HallNode, AppError> {
    center.policies.check(caller, actions::READ_NODE, None)?;
    let live = center.live();
    live.node_named(name)
        .map(|known| node(&live, known, &granted(&live)))
        .ok_or_else(|| AppError::not_found("node", name))
}

/// The cards that a job's runs have now, by node; none of a job that the caller may not see.
pub fn cards_of_job(
    center: &Center,
    caller: &Caller,
    job: JobId,
) -> Result<BTreeMap<String, CardSet>, AppError> {
    center.policies.check(caller, actions::READ_JOB, caller.scope()?.tenant())?;
    let live = center.live();
    let mut cards: BTreeMap<String, CardSet> = BTreeMap::new();
    let runs = live.runs().map(|known| &known.run);
    for run in runs.filter(|run| run.job == job && caller.sees(run.tenant)) {
        for slot in &run.placement.0 {
            let Some(known) = live.node(slot.node) else { continue };
            let on_node = cards.entry(known.node.name.clone()).or_insert(CardSet::EMPTY);
            *on_node = on_node.union(slot.cards);
        }
    }
    Ok(cards)
}

/// The cards of runs under grants, by node.
fn granted(live: &Live) -> BTreeMap<NodeId, CardSet> {
    let mut granted: BTreeMap<NodeId, CardSet> = BTreeMap::new();
    for run in live.runs().map(|known| &known.run).filter(|run| run.is_granted) {
        for slot in &run.placement.0 {
            let on_node = granted.entry(slot.node).or_insert(CardSet::EMPTY);
            *on_node = on_node.union(slot.cards);
        }
    }
    granted
}

fn node(live: &Live, known: &LiveNode, granted: &BTreeMap<NodeId, CardSet>) -> HallNode {
    let node = &known.node;
    let granted = granted.get(&node.id).copied().unwrap_or(CardSet::EMPTY);
    let card = |index: u8| match (&node.state, known.busy.contains(index)) {
        (_, true) if granted.contains(index) => CardState::Granted,
        (_, true) => CardState::Sold,
        (NodeState::Up, false) => CardState::Idle,
        (NodeState::Drained { .. } | NodeState::Leaving { .. }, false) => CardState::Drained,
        (NodeState::Failed { .. }, false) => CardState::Failed,
    };
    let pool = live.pool(node.pool);
    HallNode {
        name: node.name.clone(),
        pool: pool.map(|pool| pool.name.clone()).unwrap_or_default(),
        switch: node.switch.clone(),
        is_virtual: node.is_virtual,
        reason: node.state.reason().to_owned(),
        maintenance: node.maintenance.clone(),
        fp16_tflops: pool.map_or(0, |pool| pool.model.fp16_tflops) * u32::from(node.cards),
        state: node.state.status(),
        busy_cards: known.busy.len(),
        cards: (0..node.cards).map(card).collect(),
        rings: node.rings.clone(),
    }
}
