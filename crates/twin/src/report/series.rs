//! A replay over time, in equal steps.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "means for plots: 52 bits are plenty, and places in the list are small"
)]

use crate::{replay::outcome::ReplayOutcome, trace::Trace};

/// The most steps of a series.
pub const STEPS: usize = 240;

/// How many queues are compared for fairness: those with the most jobs.
const MAX_QUEUES: usize = 64;

/// Means over each step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// The beginning of the first step, in milliseconds of the trace.
    pub start_ms: i64,
    pub step_ms: i64,
    /// Cards at work.
    pub busy: Vec<f64>,
    /// Waiting jobs.
    pub waiting: Vec<f64>,
    /// Jain's index between the queues that want cards: (Σs)² / n Σs², where s is the share of the cards of a
    /// queue's running and waiting jobs that run. `None` where fewer than two queues want any.
    pub fairness: Vec<Option<f64>>,
}

impl Series {
    /// The mean over time; 1 where there is nothing to compare.
    pub fn mean_fairness(&self) -> f64 {
        let known: Vec<f64> = self.fairness.iter().flatten().copied().collect();
        if known.is_empty() { 1.0 } else { known.iter().sum::<f64>() / known.len() as f64 }
    }
}

/// The series of a replay from `span.0` to `span.1`, in milliseconds of the trace.
pub fn series(trace: &Trace, outcome: &ReplayOutcome, span: (i64, i64)) -> Series {
    let length = (span.1 - span.0).max(1);
    let steps = STEPS.min(length as usize);
    let step_ms = (length as u64).div_ceil(steps as u64) as i64;
    let bins = Bins { start_ms: span.0, step_ms, steps };
    let place = places(trace);
    let groups = place.iter().filter(|place| place.is_some()).count();
    let (mut busy, mut waiting) = (vec![0.0; steps], vec![0.0; steps]);
    let (mut got, mut wanted) = (vec![0.0; steps * groups], vec![0.0; steps * groups]);
    for (job, run) in trace.jobs.iter().zip(&outcome.runs) {
        let Some(run) = run else { continue };
        let cards = f64::from(job.cards);
        let group = place.get(job.queue as usize).copied().flatten();
        bins.each(job.submit_ms, run.start_ms, |step, part| {
            waiting[step] += part;
            if let Some(group) = group {
                wanted[step * groups + group] += part * cards;
            }
        });
        bins.each(run.start_ms, run.end_ms, |step, part| {
            busy[step] += part * cards;
            if let Some(group) = group {
                wanted[step * groups + group] += part * cards;
                got[step * groups + group] += part * cards;
            }
        });
    }
    let fairness = (0..steps).map(|step| {
        let of = step * groups..(step + 1) * groups;
        let some = got[of.clone()].iter().zip(&wanted[of]).filter(|(_, wanted)| **wanted > 0.0);
        jain(some.map(|(got, wanted)| got / wanted))
    });
    Series { start_ms: span.0, step_ms, busy, waiting, fairness: fairness.collect() }
}

/// The place of each queue among those with the most jobs, by the queue's number.
fn places(trace: &Trace) -> Vec<Option<usize>> {
    let count = trace.queues.len();
    let mut jobs = vec![0_u64; count];
    for job in &trace.jobs {
        if let Some(sum) = jobs.get_mut(job.queue as usize) {
            *sum += 1;
        }
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|group| (std::cmp::Reverse(jobs[*group]), *group));
    let mut places = vec![None; count];
    for (place, group) in order.into_iter().take(MAX_QUEUES).enumerate() {
        places[group] = Some(place);
    }
    places
}

/// Jain's index of shares; `None` for fewer than two, or if all are 0.
fn jain(shares: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut count, mut sum, mut squares) = (0_u32, 0.0, 0.0);
    for share in shares {
        count += 1;
        sum += share;
        squares += share * share;
    }
    (count >= 2 && squares > 0.0).then(|| sum * sum / (f64::from(count) * squares))
}

struct Bins {
    start_ms: i64,
    step_ms: i64,
    steps: usize,
}

impl Bins {
    /// Calls `add` with each step that the interval touches, and the share of the step that it covers.
    fn each(&self, from_ms: i64, to_ms: i64, mut add: impl FnMut(usize, f64)) {
        let (from, to) = ((from_ms - self.start_ms).max(0), to_ms - self.start_ms);
        if to <= from {
            return;
        }
        let step_ms = self.step_ms;
        let last = (((to - 1) / step_ms) as usize).min(self.steps - 1);
        for step in (from / step_ms) as usize..=last {
            let begins = step as i64 * step_ms;
            let covered = to.min(begins + step_ms) - from.max(begins);
            add(step, covered as f64 / step_ms as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        replay::{policy::ReplayPolicy, replay, setup::Setup},
        trace::{TraceJob, tests::job},
    };

    #[test]
    fn steps_hold_means() {
        let mut trace = Trace::new("");
        let (a, b) = (trace.queues.of("a"), trace.queues.of("b"));
        // One queue has both cards from 0 to 120 s; the other waits for them all that time and then runs as
        // long.
        let make = |queue| TraceJob { run_ms: 120_000, estimate_ms: 120_000, cards: 2, queue, ..job() };
        trace.jobs = vec![make(a), make(b)];
        let outcome = replay(&trace, &Setup::new(2, ReplayPolicy::default()), &mut |_| {});
        let got = series(&trace, &outcome, (0, 240_000));
        assert_eq!((got.step_ms, got.busy.len()), (1000, STEPS));
        assert!(got.busy.iter().all(|busy| (busy - 2.0).abs() < 1e-9));
        assert!(got.waiting[..120].iter().all(|waiting| (waiting - 1.0).abs() < 1e-9));
        assert!(got.waiting[120..].iter().all(|waiting| *waiting == 0.0));
        assert_eq!((got.fairness[0], got.fairness[239]), (Some(0.5), None));
        assert!((got.mean_fairness() - 0.5).abs() < 1e-9);
    }

    #[test]
    fn an_interval_is_spread_by_what_it_covers() {
        let bins = Bins { start_ms: 100, step_ms: 10, steps: 3 };
        let mut parts = vec![0.0; 3];
        bins.each(105, 123, |step, part| parts[step] += part);
        bins.each(119, 119, |step, part| parts[step] += part);
        assert_eq!(parts, [0.5, 1.0, 0.3]);
    }
}
