//! Workloads like that of a trace, but longer, denser or wider. The same seed makes the same workload.
//!
//! A workload has the trace's number of jobs a day, its hours and weekdays (in the center's local time), and
//! jobs that are drawn from the trace's, each with its user, queue, size, run and estimate, so that these
//! stay together; runs are jittered by up to a tenth. The bursts in which a user submits are not fitted.

use crate::{
    random::Dice,
    trace::{JobName, MAX_JOBS, MAX_RUN_MS, Trace, TraceJob},
};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The most jobs that are kept to draw from, spread over the trace.
const MAX_SAMPLES: usize = 1_000_000;

/// A model of a trace, from which workloads are made.
#[derive(Clone, Debug)]
pub struct Model {
    /// The trace without its jobs: names, start, local time.
    frame: Trace,
    samples: Vec<TraceJob>,
    jobs: u64,
    length_ms: i64,
    /// Arrivals at each hour of the day over the mean, in thousandths.
    hours: [u64; 24],
    /// Arrivals on each weekday over the mean, in thousandths, from the weekday of 1970-01-01 on.
    weekdays: [u64; 7],
}

/// How a workload is to differ from its trace.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    pub seed: u64,
    /// `None`: as long as the trace.
    pub days: Option<u32>,
    /// Jobs a day over those of the trace, in thousandths.
    pub demand_milli: u32,
    /// Cards of each job, and of the center, over those of the trace, in thousandths.
    pub cards_milli: u32,
}

impl Model {
    /// Fits a model to a trace.
    pub fn of(trace: &Trace) -> Self {
        let (first, last) = (trace.jobs.first(), trace.jobs.last());
        let first_ms = first.map_or(0, |job| job.submit_ms);
        let length_ms = (last.map_or(0, |job| job.submit_ms) - first_ms).max(0) + 1;
        let frame = Trace { jobs: Vec::new(), labels: Vec::new(), ..trace.clone() };
        let (mut hours, mut weekdays) = ([0_u64; 24], [0_u64; 7]);
        for job in &trace.jobs {
            let (hour, weekday) = clock(&frame, job.submit_ms);
            hours[hour] += 1;
            weekdays[weekday] += 1;
        }
        let (mut open_hours, mut open_weekdays) = ([0_u64; 24], [0_u64; 7]);
        // In a short trace some hours and weekdays come more often than others. A year is enough to count
        // them.
        for hour in 0..(length_ms / HOUR_MS + 1).min(24 * 366) {
            let (at, weekday) = clock(&frame, first_ms + hour * HOUR_MS);
            open_hours[at] += 1;
            open_weekdays[weekday] += 1;
        }
        let stride = trace.jobs.len().div_ceil(MAX_SAMPLES).max(1);
        Self {
            samples: trace.jobs.iter().step_by(stride).copied().collect(),
            jobs: trace.jobs.len() as u64,
            length_ms,
            hours: weights(hours, open_hours),
            weekdays: weights(weekdays, open_weekdays),
            frame,
        }
    }
}

/// Jobs for each open hour, in thousandths of the mean.
fn weights<const N: usize>(jobs: [u64; N], open: [u64; N]) -> [u64; N] {
    let (all, hours): (u64, u64) = (jobs.iter().sum(), open.iter().sum());
    let weight = |at: usize| {
        let expected = all.saturating_mul(open[at]);
        jobs[at].saturating_mul(1000).saturating_mul(hours).checked_div(expected).unwrap_or(1000)
    };
    std::array::from_fn(weight)
}

/// The hour of the day and the weekday in the trace's local time.
fn clock(frame: &Trace, submit_ms: i64) -> (usize, usize) {
    let start_ms = frame.start.map_or(0, domain::Timestamp::floor_millis);
    let wall_ms = start_ms + submit_ms + i64::from(frame.utc_offset_s) * 1000;
    let hour = wall_ms.rem_euclid(DAY_MS) / HOUR_MS;
    let weekday = wall_ms.div_euclid(DAY_MS).rem_euclid(7);
    (usize::try_from(hour).unwrap_or(0), usize::try_from(weekday).unwrap_or(0))
}

/// Makes a workload that begins at the trace's zero.
pub fn generate(model: &Model, wanted: &Workload) -> Trace {
    let length_ms = wanted.days.map_or(model.length_ms, |days| i64::from(days) * DAY_MS).max(1);
    let cards = scale(model.frame.cards, wanted.cards_milli);
    let cards = if model.frame.cards == 0 { 0 } else { cards };
    let mut trace = Trace { cards, ..model.frame.clone() };
    if model.samples.is_empty() {
        return trace;
    }
    let count =
        u128::from(model.jobs) * u128::from(wanted.demand_milli) * u128::from(length_ms.unsigned_abs())
            / (1000 * u128::from(model.length_ms.unsigned_abs()));
    let count = usize::try_from(count).unwrap_or(MAX_JOBS).clamp(1, MAX_JOBS);
    // For each hour, the sum of the weights of all hours before it.
    let mut sums = vec![0_u64];
    for hour in 0..=(length_ms - 1) / HOUR_MS {
        let (at, weekday) = clock(&trace, hour * HOUR_MS);
        let covered = (length_ms - hour * HOUR_MS).min(HOUR_MS).unsigned_abs();
        let weight = model.hours[at] * model.weekdays[weekday] * covered / HOUR_MS.unsigned_abs();
        sums.push(sums[sums.len() - 1].saturating_add(weight));
    }
    let total = sums[sums.len() - 1].max(1);
    let mut dice = Dice(wanted.seed);
    trace.jobs.reserve_exact(count);
    for _ in 0..count {
        let drawn = dice.below(total);
        let hour = sums.partition_point(|sum| *sum <= drawn).clamp(1, sums.len() - 1) - 1;
        let begins = i64::try_from(hour).unwrap_or(0) * HOUR_MS;
        let within = (length_ms - begins).clamp(1, HOUR_MS).unsigned_abs();
        let submit_ms = begins + dice.below(within).cast_signed();
        let sample = model.samples[dice.index(model.samples.len())];
        let jitter = 900 + dice.below(201).cast_signed();
        let run_ms = (sample.run_ms.saturating_mul(jitter) / 1000).clamp(1, MAX_RUN_MS);
        trace.jobs.push(TraceJob {
            submit_ms,
            run_ms,
            estimate_ms: sample.estimate_ms.max(run_ms),
            cards: scale(sample.cards, wanted.cards_milli),
            ..sample
        });
    }
    trace.sort();
    number(&mut trace);
    trace
}

/// The trace with `demand_milli` thousandths of its jobs: each stays, goes, or comes again up to an hour
/// apart.
pub fn scaled(trace: &Trace, demand_milli: u32, seed: u64) -> Trace {
    let mut more = Trace { jobs: Vec::new(), labels: Vec::new(), ..trace.clone() };
    let mut dice = Dice(seed);
    for job in &trace.jobs {
        let whole = demand_milli / 1000;
        let copies = whole + u32::from(dice.below(1000) < u64::from(demand_milli % 1000));
        for copy in 0..copies {
            let apart =
                if copy == 0 { 0 } else { dice.below(2 * HOUR_MS.unsigned_abs()).cast_signed() - HOUR_MS };
            if more.jobs.len() < MAX_JOBS {
                more.jobs.push(TraceJob { submit_ms: (job.submit_ms + apart).max(0), ..*job });
            }
        }
    }
    more.sort();
    number(&mut more);
    more
}

fn number(trace: &mut Trace) {
    for (at, job) in trace.jobs.iter_mut().enumerate() {
        job.name = JobName::number(at as u64 + 1);
    }
}

fn scale(cards: u32, milli: u32) -> u32 {
    let scaled = (u64::from(cards) * u64::from(milli) + 500) / 1000;
    u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
}

impl Workload {
    /// A workload as long, dense and wide as the trace.
    pub fn same(seed: u64) -> Self {
        Self { seed, days: None, demand_milli: 1000, cards_milli: 1000 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::tests::job;

    /// Four weeks of work from 9 to 17 on five days a week; one user in four asks for 8 cards and an hour.
    fn office() -> Trace {
        let mut trace = Trace { cards: 64, ..Trace::new("") };
        let (few, many) = (trace.users.of("few"), trace.users.of("many"));
        for day in (0..28).filter(|day| (day + 3) % 7 < 5) {
            for slot in 0..400 {
                let wide = slot % 4 == 0;
                let run_ms = if wide { HOUR_MS } else { 60_000 };
                trace.jobs.push(TraceJob {
                    submit_ms: day * DAY_MS + 9 * HOUR_MS + slot * 72_000,
                    run_ms,
                    estimate_ms: 2 * run_ms,
                    cards: if wide { 8 } else { 1 },
                    user: if wide { few } else { many },
                    ..job()
                });
            }
        }
        trace
    }

    fn within(got: i128, expected: i128, percent: i128) -> bool {
        (got - expected).abs() * 100 <= expected.abs() * percent
    }

    #[test]
    fn a_workload_is_like_its_trace() {
        let trace = office();
        let made = generate(&Model::of(&trace), &Workload::same(7));
        assert_eq!((made.jobs.len(), made.cards), (trace.jobs.len(), 64));
        assert!(within(made.card_ms(), trace.card_ms(), 5), "{} {}", made.card_ms(), trace.card_ms());
        let wide = made.jobs.iter().filter(|job| job.cards == 8).count();
        assert!(within(wide as i128, trace.jobs.len() as i128 / 4, 5), "{wide}");
        for job in &made.jobs {
            assert_eq!(
                (made.users.get(job.user) == "few", job.estimate_ms >= job.run_ms),
                (job.cards == 8, true)
            );
            let (hour, weekday) = clock(&made, job.submit_ms);
            assert!((9..17).contains(&hour), "at {hour}");
            assert!((weekday + 3) % 7 < 5, "on {weekday}");
        }
        for hour in 9..17 {
            let count = made.jobs.iter().filter(|job| clock(&made, job.submit_ms).0 == hour).count();
            assert!(within(count as i128, trace.jobs.len() as i128 / 8, 10), "{hour}: {count}");
        }
    }

    #[test]
    fn a_seed_makes_one_workload() {
        let model = Model::of(&office());
        let [first, again, other] = [7, 7, 8].map(|seed| generate(&model, &Workload::same(seed)));
        assert_eq!(first, again);
        assert_ne!(first, other);
    }

    /// The figures are those of the first version; another workload from the same seed would make what was compared with it
    /// worthless.
    #[test]
    fn a_seed_makes_the_same_workload_in_every_version() {
        let made = generate(&Model::of(&office()), &Workload::same(7));
        let sum = |of: fn(&TraceJob) -> i64| made.jobs.iter().map(of).sum::<i64>();
        assert_eq!(
            [
                sum(|job| job.submit_ms),
                sum(|job| job.run_ms),
                sum(|job| job.estimate_ms),
                sum(|job| job.cards.into())
            ],
            [9_260_157_679_864, 7_448_833_080, 14_886_360_000, 21_769]
        );
    }

    #[test]
    fn demand_length_and_cards_scale() {
        let trace = office();
        let wanted = Workload { days: Some(56), demand_milli: 1500, cards_milli: 2000, ..Workload::same(1) };
        let made = generate(&Model::of(&trace), &wanted);
        // The trace ends on a Friday evening, so its weeks are a little dense.
        assert!(within(made.jobs.len() as i128, 3 * trace.jobs.len() as i128, 10), "{}", made.jobs.len());
        assert_eq!((made.cards, made.jobs.iter().map(|job| job.cards).max()), (128, Some(16)));
        assert!(made.jobs.iter().all(|job| job.submit_ms < 56 * DAY_MS));
    }

    #[test]
    fn demand_is_scaled_in_place() {
        let trace = office();
        let same: Vec<_> = scaled(&trace, 1000, 3).jobs.iter().map(|job| job.submit_ms).collect();
        assert_eq!(same, trace.jobs.iter().map(|job| job.submit_ms).collect::<Vec<_>>());
        for (milli, share) in [(500, 50), (1500, 150), (3000, 300)] {
            let jobs = scaled(&trace, milli, 3).jobs.len();
            assert!(within(jobs as i128, trace.jobs.len() as i128 * share / 100, 3), "{milli}: {jobs}");
        }
    }

    #[test]
    fn a_trace_without_jobs_makes_none() {
        assert!(generate(&Model::of(&Trace::new("")), &Workload::same(1)).jobs.is_empty());
    }
}
