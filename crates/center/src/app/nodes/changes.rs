//! Changing nodes: taking them out and back in, labels, maintenance.

use domain::{
    Node, NodeId, NodeState, Timestamp, limits,
    node::Maintenance,
    problem::{Wrong, field},
};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Tx, pools as rows};

use super::{NodeView, show};
use crate::{actions, center::Center, event_kinds, retirement::ask as retirement, wakers::METER};
use base::{
    audit::{self, Change},
    auth::{Caller, May},
    change::Changed,
    error::AppError,
    events::{self, About, Event},
    moment, params,
};

/// Takes a node out: what runs there goes on to its end, nothing new starts.
pub async fn drain(center: &Center, caller: &Caller, name: &str, reason: &str) -> Result<NodeView, AppError> {
    let reason = checked_reason(reason)?;
    set_state(center, caller, name, NodeState::Drained { reason }).await
}

/// Puts a node back in.
pub async fn resume(center: &Center, caller: &Caller, name: &str) -> Result<NodeView, AppError> {
    set_state(center, caller, name, NodeState::Up).await
}

fn checked_reason(reason: &str) -> Result<String, AppError> {
    params::line::<200>(field::REASON, reason.trim()).map(String::from)
}

fn found(center: &Center, caller: &Caller, name: &str) -> Result<(May, Node), AppError> {
    let may = center.policies.may(caller, actions::CHANGE_NODE, None)?;
    let live = center.live();
    let known = live.node_named(name).map(|known| (may, known.node.clone()));
    known.ok_or_else(|| AppError::not_found("node", name))
}

async fn set_state(
    center: &Center,
    caller: &Caller,
    name: &str,
    to: NodeState,
) -> Result<NodeView, AppError> {
    let (may, node) = found(center, caller, name)?;
    retirement::stays(&node)?;
    if node.state != to {
        center
            .change(
                may,
                move |tx| {
                    let detail = json!({ "node": node.name, "state": to.code(), "reason": to.reason() });
                    rows::set_node_state(tx, node.id, &to, moment::now(), to.reason())?;
                    let event = node_changed(tx, &detail)?;
                    Ok(Changed::new(node.id, detail, (node.id, to, event)))
                },
                |center, (id, state, event)| {
                    changed(center, *id, event, |node| node.state = state.clone());
                },
            )
            .await?;
    }
    show(center, caller, name).await
}

/// Keeps the event.
fn node_changed(tx: &Tx, detail: &Value) -> Result<Event, AppError> {
    events::record(tx, moment::now(), About::default(), event_kinds::NODE_CHANGED, detail.clone())
}

/// Brings what is live up to date with a change of a node, and tells of it.
pub fn changed(center: &Center, id: NodeId, event: &Event, change: impl FnOnce(&mut Node)) {
    center.live().node_changed(id, change);
    center.compute.fits.forget();
    center.tell(event.clone());
    center.compute.wakers.plan();
    center.compute.wakers.meter();
}

/// Sets what jobs may ask of a node.
pub async fn set_labels(
    center: &Center,
    caller: &Caller,
    name: &str,
    mut labels: Vec<String>,
) -> Result<NodeView, AppError> {
    let (may, node) = found(center, caller, name)?;
    labels.sort_unstable();
    labels.dedup();
    if let Some(wrong) = limits::labels_fault(&labels) {
        return Err(AppError::invalid(field::LABELS, wrong));
    }
    center
        .change(
            may,
            move |tx| {
                rows::set_node_labels(tx, node.id, &labels)?;
                let detail = json!({ "node": node.name, "labels": labels });
                let event = node_changed(tx, &detail)?;
                Ok(Changed::new(node.id, detail, (node.id, labels, event)))
            },
            |center, (id, labels, event)| {
                changed(center, *id, event, |node| node.labels.clone_from(labels));
            },
        )
        .await?;
    show(center, caller, name).await
}

/// When a node is to be out.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMaintenance {
    /// RFC 3339.
    #[schema(value_type = domain::schema::InstantOrDay)]
    pub from: String,
    #[schema(value_type = domain::schema::InstantOrDay)]
    pub until: String,
    #[schema(value_type = domain::schema::Line200)]
    pub reason: String,
}

fn checked(center: &Center, new: &NewMaintenance) -> Result<Maintenance, AppError> {
    let from = params::parse_instant(center.settings.time_zone, field::FROM, &new.from)?;
    let until = params::parse_instant(center.settings.time_zone, field::UNTIL, &new.until)?;
    if until <= from {
        return Err(AppError::invalid(field::UNTIL, Wrong::NotAfter { other: field::FROM }));
    }
    if until <= moment::now() {
        return Err(AppError::invalid(field::UNTIL, Wrong::InThePast));
    }
    Ok(Maintenance { from, until, reason: checked_reason(&new.reason)? })
}

/// Sets when a node will be out for maintenance, or calls it off: one that has begun ends then.
pub async fn set_maintenance(
    center: &Center,
    caller: &Caller,
    name: &str,
    new: Option<NewMaintenance>,
) -> Result<NodeView, AppError> {
    let (may, node) = found(center, caller, name)?;
    let work = new.as_ref().map(|new| checked(center, new)).transpose()?;
    if work != node.maintenance {
        center
            .change(
                may,
                move |tx| {
                    let work_detail = work.as_ref().map(|work| {
                        json!({ "from": work.from.to_string(), "until": work.until.to_string(), "reason": work.reason })
                    });
                    let detail = json!({ "node": node.name, "maintenance": work_detail });
                    rows::set_node_maintenance(tx, node.id, work.as_ref())?;
                    // A node that the earlier maintenance drained takes runs again; if the new one has begun, it drains it anew.
                    let is_own = |old: &Maintenance| node.state == NodeState::Drained { reason: old.reason.clone() };
                    let state = node.maintenance.as_ref().is_some_and(is_own).then_some(NodeState::Up);
                    if let Some(state) = &state {
                        rows::set_node_state(tx, node.id, state, moment::now(), "")?;
                    }
                    let event = node_changed(tx, &detail)?;
                    Ok(Changed::new(node.id, detail, (node.id, work, state, event)))
                },
                |center, (id, work, state, event)| {
                    changed(center, *id, event, |node| {
                        node.maintenance.clone_from(work);
                        node.state = state.clone().unwrap_or_else(|| node.state.clone());
                    });
                },
            )
            .await?;
    }
    show(center, caller, name).await
}

/// Drains nodes whose maintenance begins, and puts back in those whose maintenance is over. Gives when to look again.
pub fn keep_maintenance(center: &Center, now: Timestamp) -> Option<Timestamp> {
    let (mut due, mut next) = (Vec::new(), None::<Timestamp>);
    for node in center.live().nodes().map(|known| &known.node) {
        let Some(work) = &node.maintenance else { continue };
        match work.due(&node.state, now) {
            Some(turn) => due.push((node.id, node.name.clone(), turn)),
            None => next = Some(next.map_or(work.next(now), |at| at.min(work.next(now)))),
        }
    }
    for (id, name, turn) in due {
        let kept = center.write_now(
            move |tx| {
                let mut detail = json!({ "node": name });
                if let Some(state) = &turn.state {
                    rows::set_node_state(tx, id, state, now, state.reason())?;
                    detail["state"] = json!(state.code());
                    detail["reason"] = json!(state.reason());
                }
                if turn.is_over {
                    rows::set_node_maintenance(tx, id, None)?;
                    detail["maintenance"] = Value::Null;
                }
                let event = node_changed(tx, &detail)?;
                let (action, subject) = (actions::CHANGE_NODE, id.to_string());
                audit::record_own(tx, Change { tenant: None, action, subject, detail })?;
                Ok((turn, event))
            },
            move |center, (turn, event)| {
                changed(center, id, event, |node| {
                    node.state = turn.state.clone().unwrap_or_else(|| node.state.clone());
                    if turn.is_over {
                        node.maintenance = None;
                    }
                });
            },
        );
        if let Err(error) = kept {
            tracing::error!(%error, "failed to keep a maintenance window; it is tried again");
            center.loops.failed(METER, &error);
        }
    }
    next
}
