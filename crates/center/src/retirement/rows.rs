//! The hall as the store has it, and the nodes that the settings name brought into it.

use base::{
    audit::{self, Change},
    error::AppError,
    moment::new_id,
};
use domain::{Node, NodeId, PoolId, Timestamp};
use serde_json::json;
use store::{
    Tx,
    pools::{self, Pool},
};

use super::{
    rule::NODE_CAME,
    wish::{Here, Wish, WishedPool},
};

/// Reads the hall.
pub fn here(tx: &Tx) -> Result<Here, AppError> {
    let (pools, nodes, gone) = (pools::list_pools(tx)?, pools::list_nodes(tx)?, pools::list_gone(tx)?);
    Ok(Here::of(pools.iter(), nodes.iter(), gone.iter()))
}

/// Brings in the nodes that are wished and may come, with their pools; and pools that are wished without nodes.
pub fn bring_in(tx: &Tx, wish: &Wish, now: Timestamp) -> Result<Vec<(Pool, Node)>, AppError> {
    let mut known = pools::list_pools(tx)?;
    let here = here(tx)?;
    let is_new_hall = here.nodes.is_empty() && here.retired.is_empty();
    let mut pool_named = |wished: &WishedPool| -> Result<Pool, AppError> {
        if let Some(found) = known.iter().find(|pool| pool.name == wished.name) {
            return Ok(found.clone());
        }
        let (name, model) = (wished.name.clone(), wished.model.clone());
        let pool = Pool { id: new_id!(PoolId), name, model, retired_at: None };
        pools::insert_pool(tx, &pool)?;
        known.push(pool.clone());
        Ok(pool)
    };
    let mut came = Vec::new();
    for wished in wish.coming(&here) {
        let Some(pool) = wish.pools.iter().find(|pool| pool.name == wished.pool) else { continue };
        let pool = pool_named(pool)?;
        let node = wished.node(new_id!(NodeId), pool.id, now);
        pools::insert_node(tx, &node)?;
        if !is_new_hall {
            let detail = json!({ "node": node.name, "pool": pool.name });
            let (action, subject) = (NODE_CAME, node.id.to_string());
            audit::record_own(tx, Change { tenant: None, action, subject, detail })?;
        }
        came.push((pool, node));
    }
    let has_nodes = |pool: &&WishedPool| wish.nodes.iter().any(|node| node.pool == pool.name);
    for pool in wish.pools.iter().filter(|pool| !has_nodes(pool)) {
        pool_named(pool)?;
    }
    Ok(came)
}
