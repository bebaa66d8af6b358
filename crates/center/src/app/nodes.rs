//! Nodes and pools: what is there, what runs on it, taking nodes out and back in.

use domain::{JobId, Node, NodeId, NodeState};
use serde::Serialize;
use serde_json::json;
use store::pools as rows;

use super::audit::{self, Change};
use crate::{
    auth::{Action, Caller},
    center::Center,
    error::AppError,
    events::{self, About},
    live::{Live, LiveNode},
    moment,
};

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct NodeView {
    #[schema(value_type = String)]
    pub id: NodeId,
    pub name: String,
    pub pool: String,
    pub card_model: String,
    pub is_virtual: bool,
    /// `up`, `drained` or `failed`.
    pub state: String,
    pub reason: String,
    pub switch: String,
    pub cards: Vec<CardView>,
    pub free_cards: u32,
    pub fp16_tflops: u32,
}

/// One card of a node. Whose job it runs is told to those who may see the job.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct CardView {
    pub index: u8,
    pub ring: u8,
    /// `idle`, `busy`, `drained` or `failed`.
    pub state: String,
    #[schema(value_type = Option<String>)]
    pub job: Option<JobId>,
    pub job_name: Option<String>,
    pub tenant_slug: Option<String>,
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

fn view(live: &Live, caller: &Caller, known: &LiveNode) -> NodeView {
    let node = &known.node;
    let model = live.pools.get(&node.pool).map(|pool| &pool.model);
    let on_card = |index: u8| {
        live.runs.values().find(|live| {
            live.run.placement.0.iter().any(|slot| slot.node == node.id && slot.cards.contains(index))
        })
    };
    let card = |index: u8| {
        let is_busy = known.busy.contains(index);
        let run = if is_busy { on_card(index) } else { None };
        let seen = run.filter(|live| caller.sees(live.run.tenant));
        CardView {
            index,
            ring: u8::try_from(node.rings.iter().position(|ring| ring.contains(index)).unwrap_or(0))
                .unwrap_or(0),
            state: match (&node.state, is_busy) {
                (_, true) => "busy",
                (NodeState::Up, false) => "idle",
                (other, false) => other.code(),
            }
            .to_owned(),
            job: seen.map(|live| live.run.job),
            job_name: seen.map(|live| live.job_name.to_string()),
            tenant_slug: seen.and_then(|r| live.tenants.get(&r.run.tenant)).map(|tenant| tenant.slug.clone()),
        }
    };
    NodeView {
        id: node.id,
        name: node.name.clone(),
        pool: live.pools.get(&node.pool).map(|pool| pool.name.clone()).unwrap_or_default(),
        card_model: known.model.to_string(),
        is_virtual: node.is_virtual,
        state: node.state.code().to_owned(),
        reason: node.state.reason().to_owned(),
        switch: node.switch.clone(),
        cards: (0..node.cards).map(card).collect(),
        free_cards: node.all_cards().without(known.busy).len(),
        fp16_tflops: model.map_or(0, |model| model.fp16_tflops * u32::from(node.cards)),
    }
}

/// All nodes, by name as people count: `node-2` before `node-10`.
pub fn list(center: &Center, caller: &Caller) -> Result<Vec<NodeView>, AppError> {
    center.policies.check(caller, Action::ReadNode, None)?;
    let live = center.live();
    let mut nodes: Vec<NodeView> = live.nodes.values().map(|known| view(&live, caller, known)).collect();
    nodes.sort_by(|a, b| (a.name.len(), &a.name).cmp(&(b.name.len(), &b.name)));
    Ok(nodes)
}

pub fn show(center: &Center, caller: &Caller, name: &str) -> Result<NodeView, AppError> {
    center.policies.check(caller, Action::ReadNode, None)?;
    let live = center.live();
    let known = live.nodes.values().find(|known| known.node.name == name);
    known.map(|known| view(&live, caller, known)).ok_or_else(|| AppError::not_found("node", name))
}

pub fn list_pools(center: &Center, caller: &Caller) -> Result<Vec<PoolView>, AppError> {
    center.policies.check(caller, Action::ReadNode, None)?;
    let live = center.live();
    let view = |pool: &rows::Pool| {
        let nodes = || live.nodes.values().filter(|known| known.node.pool == pool.id);
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
    Ok(live.pools.values().map(view).collect())
}

/// Takes a node out: what runs there goes on to its end, nothing new starts.
pub async fn drain(center: &Center, caller: &Caller, name: &str, reason: &str) -> Result<NodeView, AppError> {
    let reason = reason.trim();
    if !(1..=200).contains(&reason.chars().count()) || reason.chars().any(char::is_control) {
        return Err(AppError::invalid("reason", "is missing or too long", "say why, in 1 to 200 characters"));
    }
    set_state(center, caller, name, NodeState::Drained { reason: reason.to_owned() }).await
}

/// Puts a node back in.
pub async fn resume(center: &Center, caller: &Caller, name: &str) -> Result<NodeView, AppError> {
    set_state(center, caller, name, NodeState::Up).await
}

async fn set_state(
    center: &Center,
    caller: &Caller,
    name: &str,
    to: NodeState,
) -> Result<NodeView, AppError> {
    center.policies.check(caller, Action::ChangeNode, None)?;
    let found = {
        let live = center.live();
        live.nodes.values().find(|known| known.node.name == name).map(|known| known.node.clone())
    };
    let node: Node = found.ok_or_else(|| AppError::not_found("node", name))?;
    if node.state != to {
        let (by, id, node_name, state) = (caller.clone(), node.id, node.name.clone(), to.clone());
        center
            .write(
                move |tx| {
                    let now = moment::now();
                    rows::set_node_state(tx, id, &state, now, state.reason())?;
                    let detail =
                        json!({ "node": node_name, "state": state.code(), "reason": state.reason() });
                    let event = events::record(tx, now, About::default(), "node_changed", detail.clone())?;
                    let (action, subject) = (Action::ChangeNode.code(), id.to_string());
                    audit::record(tx, &by, Change { tenant: None, action, subject, detail })?;
                    Ok((state, event))
                },
                move |center, (state, event)| {
                    center.live().set_node_state(id, state.clone());
                    center.forget_what_fits();
                    events::tell(center, event.clone());
                    center.wakers.plan();
                },
            )
            .await?;
    }
    show(center, caller, name)
}
