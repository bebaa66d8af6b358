//! How the planner decides, as a value.

use domain::Millis;

/// The settings of a planner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub order: Order,
    pub backfill: Backfill,
    /// Queues get their guaranteed cards back from those that borrowed them.
    pub reclaims: bool,
    /// How long a run that is preempted has to end by itself.
    pub preemption_grace: Millis,
    /// In this time past use comes to count half, see [`crate::use_decay`].
    pub use_half_life: Millis,
    /// Each card that a queue has running counts as if it had been used this long already, from the moment that its
    /// run is planned: a burst can't overtake before its use is counted.
    pub entry_penalty: Millis,
    /// The most runs that one plan starts. What is left over starts in the next plan.
    pub max_starts: u32,
    /// For how many runs, in planning order, the start is forecast; 0: for none. [`crate::try_out`] looks at 1,024 at
    /// least.
    pub forecast_runs: u32,
    /// How many ends of runs the forecast looks ahead at most.
    pub forecast_ends: u32,
}

/// Which job comes first within a service class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// Queues below their guaranteed cards, then those with the least decayed use for their weight; in a queue the oldest.
    #[default]
    FairShare,
    /// The oldest, whatever its queue.
    Fifo,
    /// That with the shortest time limit, whatever its queue; of equal ones the oldest.
    ShortestFirst,
}

/// Which jobs may start before one that comes before them and can't start yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backfill {
    /// None that could use the same pool.
    None,
    /// Those that don't delay the first that waits for cards, to which its start is promised.
    #[default]
    Easy,
    /// Those that delay none: a start is promised to each. Costs waiting jobs × (runs + waiting jobs) a plan.
    Conservative,
}

impl Default for Policy {
    /// Fair share with EASY backfill; half-life 7 days, entry penalty 10 minutes, reclaim with a grace of 60 s, 10,000
    /// starts, forecasts of 128 runs over 4,096 ends.
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
