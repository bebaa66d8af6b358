//! Pools, their nodes, and what became of each node over time.

use domain::{
    CardModel, Node, NodeId, NodeState, PoolId, Timestamp,
    capacity::NodeStretch,
    node::{Departure, Maintenance},
};

use crate::db::{Record, Row, StoreError, Tx, json, params, rows, statements};

/// A pool: nodes with one card model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    pub id: PoolId,
    pub name: String,
    pub model: CardModel,
    /// When it was retired: it is offered no more.
    pub retired_at: Option<Timestamp>,
}

/// A node that is in the hall no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoneNode {
    pub id: NodeId,
    pub pool: PoolId,
    pub name: String,
    pub cards: u8,
    pub is_virtual: bool,
    pub since: Timestamp,
    pub how: Departure,
    pub reason: String,
    pub gone_at: Timestamp,
}

rows! { pool: Pool = id, name, model as json, retired_at }

macro_rules! node_columns {
    () => {
        "id, pool, name, cards, rings, is_virtual, switch, since, state, reason, labels, maintenance"
    };
}

statements! { "nodes", unique: { "pools.name": "a pool with this name", "nodes.name": "a node with this name" };
    INSERT_POOL = pool!(insert into "pools");
    LIST_POOLS = concat!("SELECT ", pool!(columns), " FROM pools ORDER BY name");
    FIND_POOL = concat!("SELECT ", pool!(columns), " FROM pools WHERE name = ?1");
    INSERT_NODE = concat!(
        "INSERT INTO nodes (", node_columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    );
    LIST_NODES = concat!("SELECT ", node_columns!(), " FROM nodes WHERE gone_at IS NULL ORDER BY name");
    GET_NODE = concat!("SELECT ", node_columns!(), " FROM nodes WHERE id = ?1");
    LIST_GONE = "SELECT id, pool, name, cards, is_virtual, since, state, reason, gone_at FROM nodes \
                 WHERE gone_at IS NOT NULL ORDER BY name";
    POOLS_OF_NODES = "SELECT id, pool FROM nodes";
    SET_NODE = "UPDATE nodes SET state = ?2, reason = ?3 WHERE id = ?1";
    LET_GO = "UPDATE nodes SET name = ?2, state = ?3, reason = ?4, gone_at = ?5, maintenance = NULL WHERE id = ?1";
    COME_BACK = "UPDATE nodes SET state = 'up', reason = '', gone_at = NULL WHERE id = ?1";
    RAN = "SELECT 1 FROM runs WHERE instr(placement, ?1) > 0 LIMIT 1";
    RUNS = "SELECT 1 FROM runs WHERE ended_at IS NULL AND instr(placement, ?1) > 0 LIMIT 1";
    IS_HERE = "SELECT 1 FROM nodes WHERE id = ?1 AND gone_at IS NULL";
    SET_POOL_RETIRED = "UPDATE pools SET retired_at = ?2 WHERE id = ?1";
    LAST_STRETCH_END = "SELECT MAX(until_at) FROM node_stretches WHERE node = ?1";
    SET_LABELS = "UPDATE nodes SET labels = ?2 WHERE id = ?1";
    SET_SWITCH = "UPDATE nodes SET switch = ?2 WHERE id = ?1";
    SET_MAINTENANCE = "UPDATE nodes SET maintenance = ?2 WHERE id = ?1";
    OPEN_STRETCH = "SELECT from_at, cards FROM node_stretches WHERE node = ?1 AND until_at IS NULL";
    INSERT_STRETCH =
        "INSERT INTO node_stretches (node, from_at, cards, condition, reason) VALUES (?1, ?2, ?3, ?4, ?5)";
    CLOSE_STRETCH = "UPDATE node_stretches SET until_at = ?2 WHERE node = ?1 AND until_at IS NULL";
    REWRITE_STRETCH =
        "UPDATE node_stretches SET condition = ?2, reason = ?3 WHERE node = ?1 AND until_at IS NULL";
    STRETCHES_BETWEEN = "SELECT node, cards, from_at, until_at, condition FROM node_stretches \
                         WHERE from_at < ?2 AND (until_at IS NULL OR until_at > ?1) ORDER BY node, from_at";
}

pub fn insert_pool(tx: &Tx, pool: &Pool) -> Result<(), StoreError> {
    pool.insert(tx, INSERT_POOL)
}

/// All pools, by name.
pub fn list_pools(tx: &Tx) -> Result<Vec<Pool>, StoreError> {
    tx.all(LIST_POOLS, params![], Pool::read)
}

pub fn find_pool(tx: &Tx, name: &str) -> Result<Option<Pool>, StoreError> {
    tx.find(FIND_POOL, params![name], Pool::read)
}

/// Keeps a node. Its first stretch begins at its `since`, in its state.
pub fn insert_node(tx: &Tx, node: &Node) -> Result<(), StoreError> {
    let (rings, labels) = (json(&node.rings)?, json(&node.labels)?);
    let maintenance = node.maintenance.as_ref().map(json).transpose()?;
    let row = params![
        &node.id,
        &node.pool,
        &node.name,
        node.cards,
        &rings,
        node.is_virtual,
        &node.switch,
        node.since,
        node.state.code(),
        node.state.reason(),
        &labels,
        &maintenance,
    ];
    tx.execute(INSERT_NODE, row)?;
    let condition = node.state.condition().code();
    let stretch = params![&node.id, node.since, node.cards, condition, node.state.reason()];
    tx.execute(INSERT_STRETCH, stretch)
}

/// The nodes of the hall, by name.
pub fn list_nodes(tx: &Tx) -> Result<Vec<Node>, StoreError> {
    tx.all(LIST_NODES, params![], node)
}

/// The nodes that went, by name.
pub fn list_gone(tx: &Tx) -> Result<Vec<GoneNode>, StoreError> {
    tx.all(LIST_GONE, params![], |row| {
        Ok(GoneNode {
            id: row.get(0)?,
            pool: row.get(1)?,
            name: row.get(2)?,
            cards: row.get(3)?,
            is_virtual: row.get(4)?,
            since: row.get(5)?,
            how: row.code(6)?,
            reason: row.get(7)?,
            gone_at: row.get(8)?,
        })
    })
}

/// The pool of each node, also of those that went.
pub fn pools_of_nodes(tx: &Tx) -> Result<Vec<(NodeId, PoolId)>, StoreError> {
    tx.all(POOLS_OF_NODES, params![], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Whether a run was ever planned for a node.
///
/// Cost: linear in all runs.
pub fn has_run(tx: &Tx, id: NodeId) -> Result<bool, StoreError> {
    Ok(tx.find(RAN, params![&id], |_| Ok(()))?.is_some())
}

/// Whether a run is on a node that has not ended.
///
/// Cost: linear in the runs that have not ended.
pub fn has_active_run(tx: &Tx, id: NodeId) -> Result<bool, StoreError> {
    Ok(tx.find(RUNS, params![&id], |_| Ok(()))?.is_some())
}

/// Whether a node is in the hall.
pub fn is_here(tx: &Tx, id: NodeId) -> Result<bool, StoreError> {
    Ok(tx.find(IS_HERE, params![&id], |_| Ok(()))?.is_some())
}

/// Takes a node out of the hall for good: its open stretch ends, and none follows.
pub fn let_go(
    tx: &Tx,
    id: NodeId,
    name: &str,
    how: Departure,
    reason: &str,
    at: Timestamp,
) -> Result<Timestamp, StoreError> {
    let began_at: Timestamp = tx.one(OPEN_STRETCH, params![&id], |row| row.get(0))?;
    // Where the clock went back, the stretch has a moment at least.
    let at = at.max(Timestamp::from_micros(began_at.as_micros() + 1));
    tx.update(LET_GO, &id, params![&id, name, how.code(), reason, at])?;
    tx.execute(CLOSE_STRETCH, params![&id, at])?;
    Ok(at)
}

/// Takes a node back into the hall: a stretch begins, and the time between is not its.
pub fn come_back(tx: &Tx, id: NodeId, at: Timestamp) -> Result<Node, StoreError> {
    tx.update(COME_BACK, &id, params![&id])?;
    let ended_at: Option<Timestamp> = tx.one(LAST_STRETCH_END, params![&id], |row| row.get(0))?;
    let node = tx.get(GET_NODE, &id, node)?;
    let at = ended_at.map_or(at, |ended_at| at.max(ended_at));
    let stretch = params![&id, at, node.cards, node.state.condition().code(), node.state.reason()];
    tx.execute(INSERT_STRETCH, stretch)?;
    Ok(node)
}

/// Sets since when a pool is retired; `None`: it is not.
pub fn set_pool_retired(tx: &Tx, id: PoolId, at: Option<Timestamp>) -> Result<(), StoreError> {
    tx.update(SET_POOL_RETIRED, &id, params![&id, at])
}

/// Changes a node's state from `at` on: ends its open stretch and begins the next one, with which `reason` is
/// kept. Gives the instant from which the state really counts: where the clock went back, that is the
/// beginning of the open stretch.
pub fn set_node_state(
    tx: &Tx,
    id: NodeId,
    state: &NodeState,
    at: Timestamp,
    reason: &str,
) -> Result<Timestamp, StoreError> {
    tx.update(SET_NODE, &id, params![&id, state.code(), state.reason()])?;
    let (began_at, cards): (Timestamp, u8) =
        tx.one(OPEN_STRETCH, params![&id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if at <= began_at {
        tx.execute(REWRITE_STRETCH, params![&id, state.condition().code(), reason])?;
        return Ok(began_at);
    }
    tx.execute(CLOSE_STRETCH, params![&id, at])?;
    tx.execute(INSERT_STRETCH, params![&id, at, cards, state.condition().code(), reason])?;
    Ok(at)
}

pub fn set_node_labels(tx: &Tx, id: NodeId, labels: &[String]) -> Result<(), StoreError> {
    tx.update(SET_LABELS, &id, params![&id, &json(&labels)?])
}

/// Sets the switch of a node. A node that is gone is no error.
pub fn set_node_switch(tx: &Tx, id: NodeId, switch: &str) -> Result<(), StoreError> {
    tx.execute(SET_SWITCH, params![&id, switch])
}

/// Sets when a node will be out for maintenance; `None`: it will not.
pub fn set_node_maintenance(tx: &Tx, id: NodeId, work: Option<&Maintenance>) -> Result<(), StoreError> {
    let work = work.map(json).transpose()?;
    tx.update(SET_MAINTENANCE, &id, params![&id, &work])
}

/// The stretches of all nodes that touch `[from, until)`, whole, by node and time.
pub fn stretches_between(tx: &Tx, from: Timestamp, until: Timestamp) -> Result<Vec<NodeStretch>, StoreError> {
    tx.all(STRETCHES_BETWEEN, params![from, until], |row| {
        Ok(NodeStretch {
            node: row.get(0)?,
            cards: row.get(1)?,
            from: row.get(2)?,
            until: row.get(3)?,
            status: row.code(4)?,
        })
    })
}

fn node(row: Row<'_>) -> Result<Node, StoreError> {
    let reason = row.text(9)?;
    Ok(Node {
        id: row.get(0)?,
        pool: row.get(1)?,
        name: row.get(2)?,
        cards: row.get(3)?,
        rings: row.json(4)?,
        is_virtual: row.get(5)?,
        switch: row.get(6)?,
        since: row.get(7)?,
        state: row.word(8, |code| NodeState::from_code(code, reason))?,
        labels: row.json(10)?,
        maintenance: if row.is_null(11)? { None } else { Some(row.json(11)?) },
    })
}
