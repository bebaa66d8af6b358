//! The cards of real nodes, compared with those of this machine.

use std::collections::BTreeMap;

use base::{
    error::AppError,
    events::{self, About},
    moment,
};
use domain::{Lang, NodeState, PoolId, card::Vendor};
use engines::detect::{FoundCards, RealNode, lacking};
use serde_json::json;
use store::{Tx, pools};

use crate::event_kinds;

/// How the reason begins for which a node without its cards is out.
const LACKS: &str = "detection: ";

/// Takes out the real nodes whose cards are not here, so that nobody is sold them, and puts those back in that were out for
/// that and have them now.
pub fn compare_cards(tx: &Tx, found: &[FoundCards]) -> Result<(), AppError> {
    let pools: BTreeMap<PoolId, Vendor> =
        pools::list_pools(tx)?.into_iter().map(|pool| (pool.id, pool.model.vendor)).collect();
    let mut nodes = pools::list_nodes(tx)?;
    nodes.retain(|node| !node.is_virtual);
    nodes.sort_by_key(|node| node.id);
    let real: Vec<RealNode> = nodes
        .iter()
        .map(|node| RealNode {
            name: node.name.clone(),
            vendor: pools.get(&node.pool).copied().unwrap_or(Vendor::Other),
            cards: node.cards,
        })
        .collect();
    let lacks = lacking(&real, found);
    for node in nodes {
        let lack = lacks.iter().find(|lack| lack.node == node.name);
        let lack = lack.map(|lack| format!("{LACKS}{}", lack.text(Lang::En)));
        let to = match (lack, &node.state) {
            (Some(reason), NodeState::Up | NodeState::Failed { .. }) => NodeState::Failed { reason },
            (None, NodeState::Failed { reason }) if reason.starts_with(LACKS) => NodeState::Up,
            _ => continue,
        };
        if to == node.state {
            continue;
        }
        tracing::warn!(node = %node.name, state = to.code(), reason = to.reason(), "a node's cards were compared with those of this machine");
        pools::set_node_state(tx, node.id, &to, moment::now(), to.reason())?;
        let detail = json!({ "node": node.name, "state": to.code(), "reason": to.reason() });
        events::record(tx, moment::now(), About::default(), event_kinds::NODE_CHANGED, detail)?;
    }
    Ok(())
}
