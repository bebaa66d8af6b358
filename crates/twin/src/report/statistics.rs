//! Waits, slowdowns and percentiles.
#![expect(clippy::cast_precision_loss, reason = "averages and shares for people: 52 bits are plenty")]

/// The shortest run that the slowdown counts, in seconds. Without it, a job of a second that waits for a
/// second would be as bad off as a job of an hour that waits for an hour.
pub const BOUND_S: f64 = 10.0;

/// The wait in seconds, and the bounded slowdown.
pub(crate) fn wait_and_slowdown(submit_ms: i64, start_ms: i64, end_ms: i64) -> (f64, f64) {
    let wait = (start_ms - submit_ms) as f64 / 1000.0;
    let run = (end_ms - start_ms) as f64 / 1000.0;
    (wait, ((wait + run) / run.max(BOUND_S)).max(1.0))
}

/// The smallest value that `percent` of the values are not above; 0 without values.
pub(crate) fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_there_are() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        for (percent, value) in [(1, 2.0), (50, 100.0), (95, 190.0), (100, 200.0)] {
            assert!((percentile(&values, percent) - value).abs() < 1e-9);
        }
        assert_eq!((percentile(&[], 50), percentile(&[7.0], 99)), (0.0, 7.0));
    }
}
