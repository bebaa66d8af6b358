//! Operations on nodes and pools that go: retiring, removing, bringing back, and what differs from the wish.

use base::{
    audit::{self, Change},
    auth::Caller,
    change::Changed,
    error::AppError,
    events::{self, About, Event},
    moment, params,
    refusal::Refused,
};
use domain::{Node, NodeId, NodeState, node::Departure, problem::field};
use serde::Serialize;
use serde_json::json;
use store::{
    Tx,
    pools::{self, GoneNode, Pool},
};

use super::{
    rows,
    rule::{BRING_BACK_NODE, BRING_BACK_POOL, NODE_WENT, READ, REMOVE_NODE, RETIRE_NODE, RETIRE_POOL},
    told::DifferenceView,
    wish::{Here, Whose, Wish},
};
use crate::{center::Center, event_kinds::NODE_CHANGED, live::Live, wakers::METER};

/// The hall beside what it is to be.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RetirementView {
    /// Who says which nodes there are to be.
    pub whose: Whose,
    /// Whether that is known: a center on Slurm knows it once Slurm has answered.
    pub is_known: bool,
    pub differences: Vec<DifferenceView>,
    pub here: Here,
}

/// The hall as it is.
pub fn here(live: &Live) -> Here {
    Here::of(live.pools(), live.nodes().map(|known| &known.node), live.gone())
}

/// What differs between the wish and the hall; nothing where the wish is not known.
pub fn differences(wish: Option<&Wish>, here: &Here) -> Vec<DifferenceView> {
    let of = |wish: &Wish| {
        let found = wish.differences(here).into_iter();
        found.map(|difference| DifferenceView::of(difference, wish.whose)).collect()
    };
    wish.map(of).unwrap_or_default()
}

pub fn look(center: &Center, caller: &Caller) -> Result<RetirementView, AppError> {
    center.policies.check(caller, READ, None)?;
    let here = here(&center.live());
    let wish = center.compute.wish();
    Ok(RetirementView {
        whose: if center.compute.slurm.is_some() { Whose::Slurm } else { Whose::Settings },
        is_known: wish.is_some(),
        differences: differences(wish.as_ref(), &here),
        here,
    })
}

/// How many differences there are, for those who may know.
pub fn count_seen(center: &Center, caller: &Caller) -> Option<usize> {
    center.policies.check(caller, READ, None).ok()?;
    Some(center.compute.differences())
}

/// Whether a node of that name was retired.
pub fn is_retired(center: &Center, name: &str) -> bool {
    center.live().is_retired(name)
}

/// Counts the differences anew: pages show how many there are.
pub fn recount(center: &Center) {
    let here = here(&center.live());
    let count = center.compute.wish().map_or(0, |wish| wish.differences(&here).len());
    center.compute.differences_are(count);
}

/// A change of the hall, to be brought into what is live.
struct HallChange {
    left: Vec<GoneNode>,
    leaving: Vec<(NodeId, NodeState)>,
    came: Vec<(Pool, Node)>,
    pool: Option<Pool>,
    events: Vec<Event>,
}

impl HallChange {
    const NOTHING: Self =
        Self { left: Vec::new(), leaving: Vec::new(), came: Vec::new(), pool: None, events: Vec::new() };

    fn tell(&mut self, tx: &Tx, node: &str, state: &str, reason: &str) -> Result<(), AppError> {
        let detail = json!({ "node": node, "state": state, "reason": reason });
        self.events.push(events::record(tx, moment::now(), About::default(), NODE_CHANGED, detail)?);
        Ok(())
    }
}

fn applied(center: &Center, change: &HallChange) {
    {
        let mut live = center.live();
        for gone in &change.left {
            live.node_left(gone.clone());
        }
        for (id, state) in &change.leaving {
            live.node_changed(*id, |node| node.state = state.clone());
        }
        if let Some(pool) = &change.pool {
            live.pool_added(pool.clone());
        }
        for (pool, node) in &change.came {
            live.node_added(node.clone(), pool);
        }
    }
    recount(center);
    center.compute.fits.forget();
    for event in &change.events {
        center.tell(event.clone());
    }
    center.compute.wakers.plan();
    center.compute.wakers.meter();
}

/// Takes a node out of the hall: at once where nothing runs on it, else it takes no more runs, and goes when the last has
/// ended.
fn retire(tx: &Tx, node: &Node, reason: &str, change: &mut HallChange) -> Result<(), AppError> {
    let now = moment::now();
    let state = NodeState::Leaving { reason: reason.to_owned() };
    if pools::has_active_run(tx, node.id)? {
        pools::set_node_state(tx, node.id, &state, now, reason)?;
        change.tell(tx, &node.name, state.code(), reason)?;
        change.leaving.push((node.id, state));
    } else {
        change.left.push(let_go(tx, node, &node.name, Departure::Retired, reason)?);
        change.tell(tx, &node.name, Departure::Retired.code(), reason)?;
    }
    Ok(())
}

fn let_go(tx: &Tx, node: &Node, name: &str, how: Departure, reason: &str) -> Result<GoneNode, AppError> {
    let gone_at = pools::let_go(tx, node.id, name, how, reason, moment::now())?;
    Ok(GoneNode {
        id: node.id,
        pool: node.pool,
        name: name.to_owned(),
        cards: node.cards,
        is_virtual: node.is_virtual,
        since: node.since,
        how,
        reason: reason.to_owned(),
        gone_at,
    })
}

/// Once a change left no node that the settings don't name, those come in that waited for it.
fn bring_in(tx: &Tx, wish: Option<&Wish>, change: &mut HallChange) -> Result<(), AppError> {
    let Some(wish) = wish.filter(|wish| wish.whose == Whose::Settings) else { return Ok(()) };
    for (pool, node) in rows::bring_in(tx, wish, moment::now())? {
        change.tell(tx, &node.name, node.state.code(), "")?;
        change.came.push((pool, node));
    }
    Ok(())
}

/// A reason, where one is given.
fn reason_of(reason: &str) -> Result<String, AppError> {
    match reason.trim() {
        "" => Ok(String::new()),
        reason => params::line::<200>(field::REASON, reason).map(String::from),
    }
}

fn node_named(center: &Center, name: &str) -> Result<Node, AppError> {
    let known = center.live().node_named(name).map(|known| known.node.clone());
    known.ok_or_else(|| AppError::not_found("node", name))
}

/// Retires a node: it drains, and is gone once nothing runs on it. Its history stays, and so does its name.
pub async fn retire_node(
    center: &Center,
    caller: &Caller,
    name: &str,
    reason: &str,
) -> Result<RetirementView, AppError> {
    let may = center.policies.may(caller, RETIRE_NODE, None)?;
    let reason = reason_of(reason)?;
    let node = node_named(center, name)?;
    let wish = center.compute.wish();
    let work = move |tx: &Tx| {
        let mut change = HallChange::NOTHING;
        retire(tx, &node, &reason, &mut change)?;
        bring_in(tx, wish.as_ref(), &mut change)?;
        Ok(Changed::new(node.id, json!({ "node": node.name, "reason": reason }), change))
    };
    center.change(may, work, applied).await?;
    look(center, caller)
}

/// Removes a node that never ran anything. Its name is free again.
pub async fn remove_node(center: &Center, caller: &Caller, name: &str) -> Result<RetirementView, AppError> {
    let may = center.policies.may(caller, REMOVE_NODE, None)?;
    let node = node_named(center, name)?;
    let wish = center.compute.wish();
    let work = move |tx: &Tx| {
        if pools::has_run(tx, node.id)? {
            return Err(Refused::NodeHasWorked { node: node.name }.into());
        }
        let mut change = HallChange::NOTHING;
        let name = format!("{} ({})", node.name, node.id);
        change.left.push(let_go(tx, &node, &name, Departure::Removed, "")?);
        change.tell(tx, &node.name, Departure::Removed.code(), "")?;
        // The one that was removed by mistake would come back at once.
        if wish.as_ref().is_some_and(|wish| !wish.names_node(&node.name)) {
            bring_in(tx, wish.as_ref(), &mut change)?;
        }
        Ok(Changed::new(node.id, json!({ "node": node.name }), change))
    };
    center.change(may, work, applied).await?;
    look(center, caller)
}

/// Brings a node back that was retired, or is being retired.
pub async fn bring_back_node(
    center: &Center,
    caller: &Caller,
    name: &str,
) -> Result<RetirementView, AppError> {
    let may = center.policies.may(caller, BRING_BACK_NODE, None)?;
    let found = {
        let live = center.live();
        let leaving =
            live.node_named(name).filter(|known| matches!(known.node.state, NodeState::Leaving { .. }));
        let retired = live.gone().find(|gone| gone.how == Departure::Retired && gone.name == name);
        let known = leaving.map(|known| (known.node.id, known.node.pool, false));
        known.or_else(|| retired.map(|gone| (gone.id, gone.pool, true)))
    };
    let (id, pool, is_gone) = found.ok_or_else(|| AppError::not_found("retired node", name))?;
    let pool = center.live().pool(pool).cloned().ok_or_else(|| AppError::not_found("pool", pool))?;
    if pool.retired_at.is_some() {
        return Err(Refused::PoolRetired { pool: pool.name }.into());
    }
    let name = name.to_owned();
    let work = move |tx: &Tx| {
        let mut change = HallChange::NOTHING;
        if is_gone {
            change.came.push((pool, pools::come_back(tx, id, moment::now())?));
        } else {
            pools::set_node_state(tx, id, &NodeState::Up, moment::now(), "")?;
            change.leaving.push((id, NodeState::Up));
        }
        change.tell(tx, &name, NodeState::Up.code(), "")?;
        Ok(Changed::new(id, json!({ "node": name }), change))
    };
    center.change(may, work, applied).await?;
    look(center, caller)
}

fn pool_named(center: &Center, name: &str) -> Result<Pool, AppError> {
    center.live().pool_named(name).cloned().ok_or_else(|| AppError::not_found("pool", name))
}

/// Retires a pool with all its nodes: no contract and no price is offered it any more.
pub async fn retire_pool(
    center: &Center,
    caller: &Caller,
    name: &str,
    reason: &str,
) -> Result<RetirementView, AppError> {
    let may = center.policies.may(caller, RETIRE_POOL, None)?;
    let reason = reason_of(reason)?;
    let pool = pool_named(center, name)?;
    let nodes: Vec<Node> = {
        let live = center.live();
        let of_pool = live.nodes().map(|known| &known.node).filter(|node| node.pool == pool.id);
        of_pool.cloned().collect()
    };
    let wish = center.compute.wish();
    let work = move |tx: &Tx| {
        let mut change = HallChange::NOTHING;
        for node in &nodes {
            retire(tx, node, &reason, &mut change)?;
        }
        // A pool that is retired already keeps its date.
        let retired_at = pool.retired_at.or_else(|| Some(moment::now()));
        pools::set_pool_retired(tx, pool.id, retired_at)?;
        let detail = json!({ "pool": pool.name, "reason": reason });
        let id = pool.id;
        change.pool = Some(Pool { retired_at, ..pool });
        bring_in(tx, wish.as_ref(), &mut change)?;
        Ok(Changed::new(id, detail, change))
    };
    center.change(may, work, applied).await?;
    look(center, caller)
}

/// Brings a pool back. Its nodes stay retired: each is brought back by itself.
pub async fn bring_back_pool(
    center: &Center,
    caller: &Caller,
    name: &str,
) -> Result<RetirementView, AppError> {
    let may = center.policies.may(caller, BRING_BACK_POOL, None)?;
    let pool = pool_named(center, name)?;
    let wish = center.compute.wish();
    let work = move |tx: &Tx| {
        let mut change = HallChange::NOTHING;
        pools::set_pool_retired(tx, pool.id, None)?;
        let (id, detail) = (pool.id, json!({ "pool": pool.name }));
        change.pool = Some(Pool { retired_at: None, ..pool });
        bring_in(tx, wish.as_ref(), &mut change)?;
        Ok(Changed::new(id, detail, change))
    };
    center.change(may, work, applied).await?;
    look(center, caller)
}

/// Lets those nodes go that are to, and on which nothing runs any more.
pub fn finish(center: &Center) {
    let due: Vec<Node> = {
        let live = center.live();
        let is_due =
            |node: &&Node| matches!(node.state, NodeState::Leaving { .. }) && !live.is_node_busy(node.id);
        live.nodes().map(|known| &known.node).filter(is_due).cloned().collect()
    };
    for node in due {
        let work = move |tx: &Tx| {
            let mut change = HallChange::NOTHING;
            if pools::has_active_run(tx, node.id)? || !pools::is_here(tx, node.id)? {
                return Ok(change);
            }
            let (reason, how) = (node.state.reason().to_owned(), Departure::Retired);
            change.left.push(let_go(tx, &node, &node.name, how, &reason)?);
            change.tell(tx, &node.name, how.code(), &reason)?;
            let detail = json!({ "node": node.name, "departure": how.code(), "reason": reason });
            let (action, subject) = (NODE_WENT, node.id.to_string());
            audit::record_own(tx, Change { tenant: None, action, subject, detail })?;
            Ok(change)
        };
        if let Err(error) = center.write_now(work, applied) {
            tracing::error!(%error, "failed to let a retired node go; it is tried again");
            center.loops.failed(METER, &error);
        }
    }
}

/// Refuses what would undo a retirement without a word.
pub fn stays(node: &Node) -> Result<(), AppError> {
    if matches!(node.state, NodeState::Leaving { .. }) {
        return Err(Refused::NodeLeaving { node: node.name.clone() }.into());
    }
    Ok(())
}

/// Tells the log what differs, the first of it by name.
pub fn log(differences: &[DifferenceView]) {
    const MOST: usize = 20;
    for difference in differences.iter().take(MOST) {
        tracing::warn!("the hall differs from its wish: {}", difference.line());
    }
    if differences.len() > MOST {
        let more = differences.len() - MOST;
        tracing::warn!(more, "more differs: `qiantang doctor` tells all of it");
    }
}
