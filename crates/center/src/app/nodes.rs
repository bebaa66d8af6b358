//! Nodes and pools: what is there and what runs on it.

mod changes;

use std::collections::{BTreeSet, HashMap};

use domain::{CardSet, JobId, NodeId, NodeState, NodeStatus, Rfc3339, TenantId};
use serde::Serialize;
use store::{Tx, pools as rows};

pub use changes::{NewMaintenance, changed, drain, keep_maintenance, resume, set_labels, set_maintenance};

use crate::{
    actions,
    app::hall,
    center::Center,
    live::{Live, LiveNode, LiveRun},
};
use base::lookup::Names;
use base::{auth::Caller, error::AppError};

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct NodeView {
    pub id: NodeId,
    pub name: String,
    pub pool: String,
    pub card_model: String,
    pub is_virtual: bool,
    pub state: NodeStatus,
    pub reason: String,
    pub switch: String,
    /// Labels that jobs may ask for.
    pub labels: Vec<String>,
    pub maintenance: Option<MaintenanceView>,
    pub cards: Vec<CardView>,
    /// Cards on which a run could start now; none of a node that is out.
    pub free_cards: u32,
    pub fp16_tflops: u32,
}

/// When a node is out for maintenance.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MaintenanceView {
    pub from: Rfc3339,
    pub until: Rfc3339,
    pub reason: String,
}

domain::codes! {
    /// Whether a card has a run, or could have one.
    pub enum CardStatus {
        Idle = "idle",
        Busy = "busy",
        Drained = "drained",
        Failed = "failed",
    }
}

/// One card of a node. Whose job it runs is told to those who may see the job.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct CardView {
    pub index: u8,
    pub ring: u8,
    pub state: CardStatus,
    pub job: Option<JobId>,
    pub job_name: Option<String>,
    pub tenant_slug: Option<String>,
    /// By which its short name is looked up.
    #[serde(skip)]
    pub tenant: Option<TenantId>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PoolView {
    pub name: String,
    pub card_model: String,
    pub fp16_tflops_per_card: u32,
    pub nodes: u32,
    pub cards: u32,
    pub free_cards: u32,
}

/// The runs on each node, with the cards that they have there.
type OnNodes<'a> = HashMap<NodeId, Vec<(CardSet, &'a LiveRun)>>;

fn on_nodes(live: &Live) -> OnNodes<'_> {
    let mut on: OnNodes<'_> = HashMap::new();
    for known in live.runs() {
        for slot in &known.run.placement.0 {
            on.entry(slot.node).or_default().push((slot.cards, known));
        }
    }
    on
}

fn view(live: &Live, on: &OnNodes<'_>, caller: &Caller, known: &LiveNode) -> NodeView {
    let node = &known.node;
    let model = live.pool(node.pool).map(|pool| &pool.model);
    let here = on.get(&node.id).map(Vec::as_slice).unwrap_or_default();
    let on_card = |index: u8| here.iter().find(|(cards, _)| cards.contains(index)).map(|(_, run)| *run);
    let card = |index: u8| {
        let is_busy = known.busy.contains(index);
        let run = if is_busy { on_card(index) } else { None };
        let seen = run.filter(|live| caller.sees(live.run.tenant));
        CardView {
            index,
            ring: u8::try_from(node.rings.iter().position(|ring| ring.contains(index)).unwrap_or(0))
                .unwrap_or(0),
            state: match (&node.state, is_busy) {
                (_, true) => CardStatus::Busy,
                (NodeState::Up, false) => CardStatus::Idle,
                (NodeState::Drained { .. } | NodeState::Leaving { .. }, false) => CardStatus::Drained,
                (NodeState::Failed { .. }, false) => CardStatus::Failed,
            },
            job: seen.map(|live| live.run.job),
            job_name: seen.map(|live| live.job_name.to_string()),
            tenant_slug: None,
            tenant: seen.map(|live| live.run.tenant),
        }
    };
    NodeView {
        id: node.id,
        name: node.name.clone(),
        pool: live.pool(node.pool).map(|pool| pool.name.clone()).unwrap_or_default(),
        card_model: known.model.to_string(),
        is_virtual: node.is_virtual,
        state: node.state.status(),
        reason: node.state.reason().to_owned(),
        switch: node.switch.clone(),
        labels: node.labels.clone(),
        maintenance: node.maintenance.as_ref().map(|work| MaintenanceView {
            from: work.from.into(),
            until: work.until.into(),
            reason: work.reason.clone(),
        }),
        cards: (0..node.cards).map(card).collect(),
        free_cards: if node.state.takes_runs() { node.all_cards().without(known.busy).len() } else { 0 },
        fp16_tflops: model.map_or(0, |model| model.fp16_tflops * u32::from(node.cards)),
    }
}

/// All nodes, by name as people count: `node-2` before `node-10`.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<NodeView>, AppError> {
    some(center, caller, |_| true).await
}

/// The nodes of these names, in the same order.
pub async fn list_named(
    center: &Center,
    caller: &Caller,
    names: &BTreeSet<String>,
) -> Result<Vec<NodeView>, AppError> {
    some(center, caller, |known| names.contains(&known.node.name)).await
}

async fn some(
    center: &Center,
    caller: &Caller,
    is_wanted: impl Fn(&LiveNode) -> bool,
) -> Result<Vec<NodeView>, AppError> {
    center.policies.check(caller, actions::READ_NODE, None)?;
    let nodes = {
        let live = center.live();
        let on = on_nodes(&live);
        let wanted = hall::by_name(&live).into_iter().filter(|known| is_wanted(known));
        wanted.map(|known| view(&live, &on, caller, known)).collect()
    };
    named(center, nodes).await
}

pub async fn show(center: &Center, caller: &Caller, name: &str) -> Result<NodeView, AppError> {
    center.policies.check(caller, actions::READ_NODE, None)?;
    let found = {
        let live = center.live();
        live.node_named(name).map(|known| view(&live, &on_nodes(&live), caller, known))
    };
    let node = found.ok_or_else(|| AppError::not_found("node", name))?;
    let mut named = named(center, vec![node]).await?;
    named.pop().ok_or_else(|| AppError::not_found("node", name))
}

/// Writes the short names of tenants beside their cards.
async fn named(center: &Center, mut nodes: Vec<NodeView>) -> Result<Vec<NodeView>, AppError> {
    if nodes.iter().flat_map(|node| &node.cards).all(|card| card.tenant.is_none()) {
        return Ok(nodes);
    }
    let read = move |tx: &Tx| {
        let mut names = Names::of(tx);
        for card in nodes.iter_mut().flat_map(|node| &mut node.cards) {
            card.tenant_slug = card.tenant.map(|id| names.tenant(id)).transpose()?.map(|tenant| tenant.slug);
        }
        Ok(nodes)
    };
    center.read(read).await
}

/// Whether the center has nodes that are simulated.
pub fn has_virtual(center: &Center, caller: &Caller) -> Result<bool, AppError> {
    center.policies.check(caller, actions::READ_NODE, None)?;
    Ok(center.live().nodes().any(|known| known.node.is_virtual))
}

pub fn list_pools(center: &Center, caller: &Caller) -> Result<Vec<PoolView>, AppError> {
    center.policies.check(caller, actions::READ_NODE, None)?;
    let live = center.live();
    let view = |pool: &rows::Pool| {
        let nodes = || live.nodes().filter(|known| known.node.pool == pool.id);
        PoolView {
            name: pool.name.clone(),
            card_model: pool.model.name.clone(),
            fp16_tflops_per_card: pool.model.fp16_tflops,
            nodes: u32::try_from(nodes().count()).unwrap_or(u32::MAX),
            cards: nodes().map(|known| u32::from(known.node.cards)).sum(),
            free_cards: nodes()
                .filter(|known| known.node.state.takes_runs())
                .map(|known| known.node.all_cards().without(known.busy).len())
                .sum(),
        }
    };
    // What is retired is offered no more; a pool on its way out still has nodes.
    let is_there = |pool: &PoolView, is_retired: bool| !is_retired || pool.nodes > 0;
    let all = live.pools().map(|pool| (view(pool), pool.retired_at.is_some()));
    Ok(all.filter(|(pool, is_retired)| is_there(pool, *is_retired)).map(|(pool, _)| pool).collect())
}
