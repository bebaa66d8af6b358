//! How the planner decides, as a value.

use domain::Millis;

/// The settings of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// In this time past use comes to count half. The planner takes [`crate::Queue::use_card_ms`] as it is; who keeps the
    /// use decays it by this, see [`crate::use_decay`].
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

impl Default for Policy {
    /// Half-life 7 days, entry penalty 10 minutes, 10,000 starts, forecasts of 128 runs over 4,096 ends.
    fn default() -> Self {
        Self {
            use_half_life: Millis::from_hours(7 * 24),
            entry_penalty: Millis::from_secs(600),
            max_starts: 10_000,
            forecast_runs: 128,
            forecast_ends: 4096,
        }
    }
}
