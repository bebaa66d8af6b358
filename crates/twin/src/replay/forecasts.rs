//! The forecasts and promises that waiting jobs would have been told, and how good they were.
//!
//! A job that does not start when it is submitted is told a forecast start: the planning order is run forward
//! on the time limits. The first jobs in order are promised a start as well, and may only start earlier.

use serde::Serialize;

use super::{driver, ids, setup::Setup};
use crate::trace::Trace;

/// The starts that a job was told, and its real start, in milliseconds of the trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToldStart {
    /// The forecast at the submission; `None` where the job started at once.
    pub forecast_ms: Option<i64>,
    /// The earliest start that was ever promised.
    pub promise_ms: Option<i64>,
    pub start_ms: Option<i64>,
}

/// How good the forecasts were. Errors are start − forecast in seconds: an error below 0 is an earlier start.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Forecasts {
    /// Jobs that did not start with the plan after their submission.
    pub waited: u64,
    /// Jobs that were told a forecast at their submission.
    pub forecast: u64,
    pub error_s: Quantiles,
    pub mean_absolute_error_s: f64,
    /// The share of jobs that started within ten minutes of the forecast, from 0 to 1.
    pub within_10_min: f64,
    /// The share of jobs that started later than the forecast, from 0 to 1.
    pub later: f64,
    /// Jobs to which a start was ever promised.
    pub promised: u64,
    /// Jobs that started later than a promise to them.
    pub promises_broken: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quantiles {
    pub min: f64,
    pub p5: f64,
    pub p25: f64,
    pub p50: f64,
    pub p75: f64,
    pub p95: f64,
    pub max: f64,
}

/// Replays the trace and notes what each job is told. Each submission that does not start at once costs a
/// forecast of all waiting jobs.
pub fn told(trace: &Trace, setup: &Setup, progress: &mut dyn FnMut(u64)) -> Vec<ToldStart> {
    let mut told = vec![ToldStart::default(); trace.jobs.len()];
    let mut look = |planner: &mut scheduler::Planner, now: i64, submitted: Option<usize>| {
        for (job, at) in planner.promises() {
            let promise = &mut told[ids::job_index(job)].promise_ms;
            *promise = Some(promise.map_or(at.floor_millis(), |known| known.min(at.floor_millis()).max(now)));
        }
        if let Some(index) = submitted
            && let Some(verdict) = planner.verdict(ids::job_id(index))
        {
            told[index].forecast_ms = verdict.forecast_start.map(domain::Timestamp::floor_millis);
        }
    };
    let (starts, _) = driver::watched(&trace.jobs, setup, u32::MAX, &mut look, progress);
    for (told, start) in told.iter_mut().zip(starts) {
        told.start_ms = start;
    }
    told
}

/// Sums up the result of [`told`] for `trace`.
pub fn forecasts(trace: &Trace, told: &[ToldStart]) -> Forecasts {
    let mut sums = Forecasts::default();
    let (mut errors, mut absolute, mut near, mut later) = (Vec::new(), 0.0, 0_u64, 0_u64);
    for (job, told) in trace.jobs.iter().zip(told) {
        let Some(start) = told.start_ms else { continue };
        sums.waited += u64::from(start > job.submit_ms || told.forecast_ms.is_some());
        if let Some(promise) = told.promise_ms {
            sums.promised += 1;
            sums.promises_broken += u64::from(start > promise);
        }
        if let Some(forecast) = told.forecast_ms {
            let error = seconds(start - forecast);
            sums.forecast += 1;
            absolute += error.abs();
            near += u64::from(error.abs() <= 600.0);
            later += u64::from(error > 0.0);
            errors.push(error);
        }
    }
    errors.sort_unstable_by(f64::total_cmp);
    let at =
        |percent: usize| errors.get((errors.len().saturating_sub(1)) * percent / 100).copied().unwrap_or(0.0);
    sums.error_s =
        Quantiles { min: at(0), p5: at(5), p25: at(25), p50: at(50), p75: at(75), p95: at(95), max: at(100) };
    let of_all = |part: f64| part / seconds_of(sums.forecast.max(1));
    sums.mean_absolute_error_s = of_all(absolute);
    (sums.within_10_min, sums.later) = (of_all(seconds_of(near)), of_all(seconds_of(later)));
    sums
}

/// Exact up to 2^53 ms.
#[expect(clippy::cast_precision_loss)]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss)]
fn seconds_of(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{replay::setup::Nodes, trace::tests::any_jobs};
    use domain::card::Affinity;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

        /// No job starts later than promised, whatever comes later, and the looks at the planner change
        /// nothing.
        #[test]
        fn no_promise_is_broken(jobs in any_jobs()) {
            let mut trace = Trace::new("test");
            trace.jobs = jobs;
            for policy in ["easy", "conservative", "fair-share+easy", "sjf+easy"] {
              let nodes = Nodes { count: 2, cards_per_node: 4, affinity: Affinity::Any, ring_len: 4, nodes_per_switch: 2 };
              for setup in [Setup::new(8, policy.parse().unwrap()), Setup::on(nodes, policy.parse().unwrap())] {
                let told = told(&trace, &setup, &mut |_| {});
                let sums = forecasts(&trace, &told);
                prop_assert_eq!(sums.promises_broken, 0, "{}: {:?}", policy, told);
                let starts: Vec<_> = told.iter().map(|told| told.start_ms).collect();
                prop_assert_eq!(starts, driver::starts(&trace.jobs, &setup, &mut |_| {}).0);
                prop_assert!(sums.forecast <= sums.waited, "{:?}", sums);
              }
            }
        }
    }

    #[test]
    fn errors_are_start_less_forecast() {
        let mut trace = Trace::new("test");
        trace.jobs = vec![crate::trace::tests::job(); 4];
        let of = |forecast_ms: i64, start_ms: i64| ToldStart {
            forecast_ms: Some(forecast_ms),
            promise_ms: Some(2_000_000),
            start_ms: Some(start_ms),
        };
        let told = [of(1000, 1_000), of(1_000_000, 10_000), of(1000, 3000), of(1000, 3_001_000)];
        let sums = forecasts(&trace, &told);
        assert_eq!((sums.forecast, sums.promised, sums.promises_broken), (4, 4, 1));
        assert_eq!((sums.error_s.min, sums.error_s.p50, sums.error_s.max), (-990.0, 0.0, 3000.0));
        assert!((sums.mean_absolute_error_s - 998.0).abs() < 1e-9 && (sums.within_10_min - 0.5).abs() < 1e-9);
        assert!((sums.later - 0.5).abs() < 1e-9);
    }
}
