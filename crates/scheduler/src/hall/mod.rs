//! The hall: nodes, and which of their cards are free or held. Knows runs and jobs by number only.

pub(crate) mod busy;
pub(crate) mod card_pool;
pub(crate) mod earliest_start;
pub(crate) mod fit;
pub(crate) mod free_index;
pub(crate) mod hold;
pub(crate) mod rank_set;
pub(crate) mod search;
#[cfg(test)]
pub(crate) mod test_nodes;
pub(crate) mod topology;
