//! The mirror loop: keeps nodes as Slurm has them. Those with cards become nodes of the center, in a pool for each card
//! model; what Slurm takes out is out here, and comes back with it. What an operator took out here stays out.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use domain::{
    CardModel, Node, NodeId, NodeState, PoolId, RunId, Timestamp,
    card::{Affinity, MAX_CARDS_PER_NODE, Vendor},
    node::even_rings,
    spec,
};
use engines::slurm::{NodeCondition, SlurmEngine, SlurmNode};
use serde_json::json;
use store::pools;

use crate::{
    actions,
    app::{
        direct::{self, Billing},
        nodes,
    },
    center::Center,
    event_kinds,
    retirement::{
        self,
        wish::{Whose, Wish, WishedNode, WishedPool},
    },
    wakers::MIRROR,
};
use base::{
    audit::{self, Change},
    error::AppError,
    events::{self, About},
    moment::{self, new_id},
};

/// Between two looks at Slurm's nodes.
pub const EVERY: Duration = Duration::from_secs(5);
/// Between two looks at how Slurm's nodes are wired: that changes with the hall.
const SWITCHES_EVERY: Duration = Duration::from_mins(5);
/// How a reason begins that is Slurm's.
const MARK: &str = "Slurm: ";
/// The reason of a node that Slurm doesn't list.
const VANISHED: &str = "it is not among Slurm's nodes any more";

/// Between two looks at what the engine has seen of jobs that were handed to Slurm directly.
const DIRECT_EVERY: Duration = Duration::from_millis(300);

pub fn run(center: &Center, engine: &SlurmEngine) {
    let mut was_answered = true;
    let mut waits = HashMap::new();
    let mut wired: Option<Instant> = None;
    let mut switches = HashMap::new();
    while !center.compute.wakers.is_stopping() {
        let begun = Instant::now();
        if wired.is_none_or(|at| at.elapsed() >= SWITCHES_EVERY) {
            match engine.switches() {
                Ok(found) => (switches, wired) = (found, Some(Instant::now())),
                // Some versions say so where there is no topology.
                Err(error) => tracing::debug!(%error, "Slurm does not tell of its switches"),
            }
        }
        match engine.nodes() {
            Ok(nodes) => {
                was_answered = true;
                if let Err(error) = take_in(center, nodes, &switches) {
                    tracing::error!(%error, "failed to take in Slurm's nodes; it is tried again");
                    center.loops.failed(MIRROR, &error);
                }
            }
            // Nodes stay as they are: what can't be asked may still run.
            Err(error) => {
                if std::mem::take(&mut was_answered) {
                    tracing::warn!(%error, "Slurm does not tell of its nodes; it is asked again");
                }
                center.loops.failed(MIRROR, &error);
            }
        }
        center.loops.turned(MIRROR, begun.elapsed());
        let begun = Instant::now();
        while begun.elapsed() < EVERY && !center.compute.wakers.is_stopping() {
            // Not before the nodes are known that they run on.
            if was_answered {
                take_in_direct(center, engine, &mut waits);
            }
            std::thread::park_timeout(DIRECT_EVERY);
        }
    }
}

/// A job that can't be taken in yet.
struct Wait {
    since: Instant,
    is_told: bool,
}

fn take_in_direct(center: &Center, engine: &SlurmEngine, waits: &mut HashMap<RunId, Wait>) {
    let seen = engine.direct_jobs();
    waits.retain(|run, _| seen.iter().any(|direct| direct.run() == *run));
    for direct in seen {
        let number = direct.number;
        let wait =
            waits.entry(direct.run()).or_insert_with(|| Wait { since: Instant::now(), is_told: false });
        match direct::take_in(center, engine, &direct) {
            Ok(Billing::Settled) => drop(waits.remove(&direct.run())),
            Ok(Billing::NoCards) if wait.since.elapsed() > direct::PATIENCE => {
                wait.since = Instant::now();
                direct::make_room(center, &direct);
            }
            Ok(Billing::NoCards | Billing::Unclear) => {}
            // A problem that persists is logged once.
            Ok(Billing::Nobody | Billing::NoPrice) if std::mem::replace(&mut wait.is_told, true) => {}
            Ok(Billing::Nobody) => tracing::warn!(
                number, user = direct.user, nodes = ?direct.nodes,
                "nobody pays for a job that was handed to Slurm directly: its tenant has no project with a contract, or no \
                 member, or its nodes are not the center's"
            ),
            Ok(Billing::NoPrice) => tracing::error!(
                number,
                user = direct.user,
                "the price book has no price for the pool of a job that was handed to Slurm directly: it is billed once \
                 there is one"
            ),
            Err(error) => {
                center.loops.failed(MIRROR, &error);
                if !std::mem::replace(&mut wait.is_told, true) {
                    tracing::error!(
                        number, %error,
                        "failed to take in a job that was handed to Slurm directly; it is tried again"
                    );
                }
            }
        }
    }
}

/// The state that Slurm gives a node here, if it is one.
fn state_of(node: &SlurmNode) -> NodeState {
    let why = if node.reason.is_empty() { &node.state } else { &node.reason };
    let why: String = why.chars().filter(|c| !c.is_control()).take(180).collect();
    match node.condition {
        NodeCondition::Up => NodeState::Up,
        NodeCondition::Drained => NodeState::Drained { reason: format!("{MARK}{why}") },
        NodeCondition::Down => NodeState::Failed { reason: format!("{MARK}{why}") },
    }
}

/// Whether a node's state is to be changed to Slurm's.
fn is_news(now: &NodeState, slurms: &NodeState) -> bool {
    // Where an operator took it out by hand, only an operator puts it back in.
    now != slurms && (now.takes_runs() || now.reason().starts_with(MARK))
}

/// Nodes that Slurm has, each once, and what is to be changed here for them.
fn take_in(
    center: &Center,
    found: Vec<SlurmNode>,
    switches: &HashMap<String, String>,
) -> Result<(), AppError> {
    let settings = &center.settings.engine.slurm;
    let mut nodes: Vec<SlurmNode> = Vec::new();
    let is_empty = found.is_empty();
    for node in found {
        let is_wanted = settings.partition.as_ref().is_none_or(|wanted| *wanted == node.partition);
        if is_wanted && !nodes.iter().any(|known| known.name == node.name) {
            nodes.push(node);
        }
    }
    let names: HashSet<String> = nodes.iter().map(|node| node.name.clone()).collect();
    center.compute.wish_is(wish_of(settings, &nodes));
    let mut new = Vec::new();
    let mut changed = Vec::new();
    let mut moved = Vec::new();
    {
        let live = center.live();
        for node in nodes {
            match live.node_named(&node.name) {
                Some(known) => {
                    let state = state_of(&node);
                    if is_news(&known.node.state, &state) {
                        changed.push((known.node.id, node.name.clone(), state));
                    }
                    let switch = switches.get(&node.name);
                    if let Some(switch) = switch.filter(|switch| **switch != known.node.switch) {
                        moved.push((known.node.id, switch.clone()));
                    }
                }
                // One that was retired here is an operator's to bring back.
                None if live.is_retired(&node.name) => {}
                None => new.extend(wanted(settings, &node)),
            }
        }
        // A node that Slurm has no more can't run anything. A list without any node is no list.
        let lost = NodeState::Failed { reason: format!("{MARK}{VANISHED}") };
        let is_gone = |node: &&Node| !is_empty && !names.contains(&node.name);
        for known in live.nodes().map(|known| &known.node).filter(is_gone) {
            if is_news(&known.state, &lost) {
                changed.push((known.id, known.name.clone(), lost.clone()));
            }
        }
    }
    if !new.is_empty() {
        add(center, new, switches)?;
    }
    if !moved.is_empty() {
        rewire(center, moved)?;
    }
    for (id, name, state) in changed {
        let detail = json!({ "node": name, "state": state.code(), "reason": state.reason() });
        let subject = id.to_string();
        center.write_now(
            move |tx| {
                let now = moment::now();
                pools::set_node_state(tx, id, &state, now, state.reason())?;
                let event =
                    events::record(tx, now, About::default(), event_kinds::NODE_CHANGED, detail.clone())?;
                audit::record_own(
                    tx,
                    Change { tenant: None, action: actions::MIRROR_NODE, subject, detail },
                )?;
                Ok((state, event))
            },
            move |center, (state, event)| {
                nodes::changed(center, id, event, |node| node.state = state.clone());
            },
        )?;
    }
    retirement::ask::recount(center);
    Ok(())
}

/// Slurm's nodes with cards, as the hall that is to be.
fn wish_of(settings: &crate::settings::SlurmSettings, nodes: &[SlurmNode]) -> Wish {
    let found: Vec<_> = nodes.iter().filter_map(|node| wanted(settings, node)).collect();
    let mut pools: Vec<WishedPool> = Vec::new();
    for (model, ..) in &found {
        if !pools.iter().any(|pool| pool.name == model.name) {
            pools.push(WishedPool { name: model.name.clone(), model: model.clone() });
        }
    }
    let node = |(model, node, cards): (CardModel, SlurmNode, u8)| WishedNode {
        pool: model.name,
        cards,
        ring_cards: None,
        is_virtual: false,
        switch: String::new(),
        labels: labels_of(&node),
        names: vec![node.name],
    };
    Wish { whose: Whose::Slurm, pools, nodes: found.into_iter().map(node).collect() }
}

/// The node and its card model, as they are to be kept here; `None` for a node without cards.
fn wanted(settings: &crate::settings::SlurmSettings, node: &SlurmNode) -> Option<(CardModel, SlurmNode, u8)> {
    let (kind, of, count) = node.gres.as_ref()?;
    let cards = u8::try_from(*count).ok().filter(|cards| (1..=MAX_CARDS_PER_NODE).contains(cards))?;
    let slurms = of.as_ref().unwrap_or(kind);
    let name = settings.models.get(slurms).unwrap_or(slurms);
    let model = CardModel::known(name).unwrap_or_else(|| CardModel {
        name: name.clone(),
        vendor: if kind == "npu" { Vendor::Ascend } else { Vendor::Nvidia },
        // What is not known of a model is 0 and shown as such.
        fp16_tflops: 0,
        memory_mib: 0,
        tdp_watts: 0,
        affinity: Affinity::Any,
    });
    Some((model, node.clone(), cards))
}

/// Slurm's features of a node are what `--constraint` asks for there, and so here.
fn labels_of(node: &SlurmNode) -> Vec<String> {
    let features = node.features.iter().filter(|feature| spec::is_label(feature));
    features.take(spec::MAX_LABELS).cloned().collect()
}

/// Keeps that nodes are behind other switches.
fn rewire(center: &Center, moved: Vec<(NodeId, String)>) -> Result<(), AppError> {
    center.write_now(
        move |tx| -> Result<_, AppError> {
            for (id, switch) in &moved {
                pools::set_node_switch(tx, *id, switch)?;
            }
            Ok(moved)
        },
        |center, moved| {
            for (id, switch) in moved {
                center.live().node_changed(*id, |node| node.switch.clone_from(switch));
            }
            center.compute.fits.forget();
            center.compute.wakers.plan();
        },
    )?;
    Ok(())
}

fn add(
    center: &Center,
    new: Vec<(CardModel, SlurmNode, u8)>,
    switches: &HashMap<String, String>,
) -> Result<(), AppError> {
    let switches = switches.clone();
    center.write_now(
        move |tx| {
            // Slurm counts whole seconds, and a run may begin in this one.
            let now = Timestamp::from_secs(moment::now().as_micros().div_euclid(1_000_000));
            let mut added = Vec::new();
            for (model, found, cards) in new {
                let mut pool = pools::find_pool(tx, &model.name)?;
                if pool.is_none() {
                    let new =
                        pools::Pool { id: new_id!(PoolId), name: model.name.clone(), model, retired_at: None };
                    pools::insert_pool(tx, &new)?;
                    pool = Some(new);
                }
                // A pool that was retired here gets no more nodes until it is brought back.
                let Some(pool) = pool.filter(|pool| pool.retired_at.is_none()) else { continue };
                let node = Node {
                    id: new_id!(NodeId),
                    pool: pool.id,
                    name: found.name.clone(),
                    cards,
                    rings: even_rings(cards, cards),
                    is_virtual: false,
                    switch: switches.get(&found.name).cloned().unwrap_or_default(),
                    since: now,
                    state: NodeState::Up,
                    labels: labels_of(&found),
                    maintenance: None,
                };
                pools::insert_node(tx, &node)?;
                added.push((pool, node));
            }
            Ok(added)
        },
        |center, added| {
            let mut live = center.live();
            for (pool, node) in added {
                tracing::info!(node = %node.name, pool = %pool.name, cards = node.cards, "a node of Slurm is new here");
                live.node_added(node.clone(), pool);
            }
            drop(live);
            center.compute.fits.forget();
            center.compute.wakers.plan();
        },
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_took_out_stays_out() {
        let by_hand = NodeState::Drained { reason: "a new fan".into() };
        let by_slurm = NodeState::Drained { reason: "Slurm: a new fan".into() };
        for (now, slurms, want) in [
            (&NodeState::Up, &by_slurm, true),
            (&by_slurm, &NodeState::Up, true),
            (&by_slurm, &by_slurm, false),
            (&by_hand, &NodeState::Up, false),
            (&by_hand, &by_slurm, false),
            (&NodeState::Up, &NodeState::Up, false),
        ] {
            assert_eq!(is_news(now, slurms), want, "{now:?} {slurms:?}");
        }
    }
}
