//! Facts that are worked out once for all verdicts between two changes.

use domain::Timestamp;
use rustc_hash::FxHashMap;

use crate::limit::Limit;

#[derive(Debug, Default)]
pub(crate) struct Outlook {
    /// For each lane, how many jobs are in the lanes before it.
    pub(crate) ahead: Vec<u32>,
    /// For each lane, its place in the order; `NONE` if it has none.
    pub(crate) rank: Vec<u32>,
    /// By the slot of the job.
    pub(crate) forecasts: FxHashMap<u32, Timestamp>,
    /// By the ask of a job, and how many holds of others the job meets.
    pub(crate) limits: FxHashMap<(u32, u32), Limit>,
}
