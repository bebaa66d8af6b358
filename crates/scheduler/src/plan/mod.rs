//! The plan: which jobs start on which cards, which are promised a start, and which runs give back cards.

pub(crate) mod decisions;
pub(crate) mod promise;
pub(crate) mod reclaim;
pub(crate) mod serve;
pub(crate) mod turns;
