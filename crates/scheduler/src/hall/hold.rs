//! Cards that are held for later: for jobs that could not start, so that younger jobs don't starve them, and
//! for maintenance.

use domain::Timestamp;

use super::search::PoolCards;

#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) owner: HoldOwner,
    /// The id of the owner's job or node. Holds are in its order, so that the order depends on nothing else.
    pub(crate) id: u128,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) cards: PoolCards,
    /// Where only cards are counted and this is the only hold: how many more cards are free at `from`.
    pub(crate) spare: u32,
    /// Something happened that may bring the start forward.
    pub(crate) is_stale: bool,
}

/// For whom cards are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HoldOwner {
    /// The slot of the job.
    Job(u32),
    /// The rank of the node.
    Maintenance(u32),
}
