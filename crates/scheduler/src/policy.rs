//! The policy of the planner, as a value.

use domain::Millis;

/// How a planner decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub order: Order,
    pub backfill: Backfill,
    /// Queues get their guaranteed cards back from queues that borrowed them.
    pub reclaims: bool,
    /// How long a run that is preempted has to end by itself.
    pub preemption_grace: Millis,
    /// The time after which past use counts half, see [`crate::use_decay`].
    pub use_half_life: Millis,
    /// Each running card of a queue counts as if it had been used this long already, from the moment that its
    /// run is planned. So a burst of runs can't overtake others before its use is counted.
    pub entry_penalty: Millis,
    /// The most runs that one plan starts. Others start in the next plan.
    pub max_starts: u32,
    /// For how many runs, in planning order, the start is forecast; 0: for none. [`crate::try_out`] looks at
    /// 1,024 at least.
    pub forecast_runs: u32,
    /// The most ends of runs that the forecast looks ahead.
    pub forecast_ends: u32,
}

/// Which job comes first within a service class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// Queues below their guaranteed cards come first, then those with the least decayed use for their
    /// weight; within a queue the oldest job.
    #[default]
    FairShare,
    /// The oldest job comes first, whatever its queue.
    Fifo,
    /// The job with the shortest time limit comes first, whatever its queue; of equal ones the oldest.
    ShortestFirst,
}

/// Which jobs may start before an earlier one that can't start yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backfill {
    /// No job that could use the same pool.
    None,
    /// Jobs that don't delay the first one that waits for cards, which is promised its start.
    #[default]
    Easy,
    /// Jobs that delay no other: each is promised a start. Costs waiting jobs × (runs + waiting jobs) a plan.
    Conservative,
}

impl Default for Policy {
    /// Fair share with EASY backfill; half-life 7 days, entry penalty 10 minutes, reclaim with a grace of 60
    /// s, 10,000 starts, forecasts of 128 runs over 4,096 ends.
    fn default() -> Self {
        Self {
            order: Order::default(),
            backfill: Backfill::default(),
            reclaims: true,
            preemption_grace: Millis::from_secs(60),
            use_half_life: Millis::from_hours(7 * 24),
            entry_penalty: Millis::from_secs(600),
            max_starts: 10_000,
            forecast_runs: 128,
            forecast_ends: 4096,
        }
    }
}
