//! Figures of benches.

use std::time::Duration;

/// The middle one; of an even number the upper of the two.
pub fn median(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

#[allow(clippy::cast_precision_loss, reason = "counts of a bench")]
pub fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}
