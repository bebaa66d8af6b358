//! The figures of a replay, for people. Card time and money are integers; averages and shares are not.
#![expect(clippy::cast_precision_loss, reason = "averages and shares for people: 52 bits are plenty")]

use domain::{CardMs, MicroCny, RatePerCardHour, TenantDomain};
use serde::Serialize;

use super::{
    groups::{self, JobGroup},
    series::{Series, series},
    statistics::{percentile, wait_and_slowdown},
};
use crate::{replay::outcome::ReplayOutcome, trace::Trace};

/// The power that cards draw, and the price of their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The power of a card at work.
    pub tdp_watts: u32,
    /// The power of an idle card, in percent of that at work.
    pub idle_percent: u32,
    /// The power of the whole center over that of its cards, in thousandths.
    pub pue_milli: u32,
    pub price: RatePerCardHour,
}

impl Default for Terms {
    /// 310 W, 30 % of it idle, PUE 1.25, 5 yuan a card-hour.
    fn default() -> Self {
        Self {
            tdp_watts: 310,
            idle_percent: 30,
            pue_milli: 1250,
            price: RatePerCardHour(MicroCny::from_yuan(5)),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// The name of the replay beside others; empty where the policy and the cards tell them apart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
    pub policy: String,
    pub cards: u32,
    /// All jobs of the trace.
    pub jobs: u64,
    /// Jobs that never started, as they ask for more than there is or than their queue may have; no figure below counts them.
    pub jobs_too_wide: u64,
    /// Jobs that never started, as their contract lets none start or there is no price for their class; no figure below counts
    /// them.
    pub jobs_barred: u64,
    pub average_wait_s: f64,
    pub average_bounded_slowdown: f64,
    pub max_wait_s: f64,
    /// Card time used over cards × makespan, from 0 to 1.
    pub utilization: f64,
    /// From the first submission to the last end.
    pub makespan_s: f64,
    pub wait_s: Percentiles,
    pub bounded_slowdown: Percentiles,
    pub slowdown_counts: Vec<Bucket>,
    pub balance: Balance,
    pub node_failures: u64,
    /// Runs that ended because a node failed, and were run anew.
    pub runs_lost: u64,
    /// Runs that ended for another queue's guaranteed cards, and were run anew.
    pub runs_preempted: u64,
    /// Jobs under which nodes failed too often; no figure counts them.
    pub jobs_given_up: u64,
    pub energy_kwh: f64,
    pub revenue_micro_cny: MicroCny,
    /// The mean over time of Jain's index between the queues; 1 where all get the same share of the cards
    /// that they want.
    pub fairness: f64,
    pub by_size: Vec<JobGroup>,
    pub by_domain: Vec<JobGroup>,
    pub by_queue: Vec<JobGroup>,
    #[serde(skip)]
    pub series: Series,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    pub p50: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
}

/// The jobs with a bounded slowdown below `below` that are in no earlier bucket.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bucket {
    /// `None`: all other jobs.
    pub below: Option<f64>,
    pub jobs: u64,
}

/// Where the capacity went, in card-milliseconds: `capacity` = `research` + `enterprise` + `government` +
/// `unnamed` + `lost` + `down` + `idle`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Balance {
    pub capacity: CardMs,
    pub research: CardMs,
    pub enterprise: CardMs,
    pub government: CardMs,
    /// Sold to jobs whose domain the trace does not say.
    pub unnamed: CardMs,
    /// Used by runs that were cut short.
    pub lost: CardMs,
    /// On nodes that were out.
    pub down: CardMs,
    pub idle: CardMs,
}

impl Balance {
    pub fn sold(&self) -> CardMs {
        self.research + self.enterprise + self.government + self.unnamed
    }
}

impl Figures {
    /// The policy, after the replay's label if it has one.
    pub fn name(&self) -> String {
        if self.label.is_empty() { self.policy.clone() } else { format!("{} · {}", self.label, self.policy) }
    }
}

/// Works out the figures of a replay.
pub fn figures(trace: &Trace, outcome: &ReplayOutcome, terms: &Terms) -> Figures {
    let span = span_ms(trace, outcome);
    let (mut waits, mut slowdowns) = (Vec::new(), Vec::new());
    let mut balance = Balance {
        capacity: CardMs(i64::from(outcome.setup.cards).saturating_mul(span.1 - span.0)),
        ..Balance::default()
    };
    let mut revenue = MicroCny::ZERO;
    let jobs_barred = trace.jobs.iter().filter(|job| outcome.setup.bars(job)).count() as u64;
    for (job, run) in trace.jobs.iter().zip(&outcome.runs) {
        let Some(run) = run else { continue };
        let (wait, slowdown) = wait_and_slowdown(job.submit_ms, run.start_ms, run.end_ms);
        waits.push(wait);
        slowdowns.push(slowdown);
        let used = CardMs(i64::from(job.cards).saturating_mul(run.end_ms - run.start_ms));
        let part = match job.domain {
            Some(TenantDomain::Research) => &mut balance.research,
            Some(TenantDomain::Enterprise) => &mut balance.enterprise,
            Some(TenantDomain::Government) => &mut balance.government,
            None => &mut balance.unnamed,
        };
        *part = CardMs(part.0.saturating_add(used.0));
        let charge = terms.price.charge(used).unwrap_or(MicroCny(i64::MAX));
        revenue = revenue.checked_add(charge).unwrap_or(MicroCny(i64::MAX));
    }
    let (sold, cut) = (balance.sold(), &outcome.interruptions);
    (balance.lost, balance.down) = (cut.lost, cut.down);
    balance.idle = CardMs(balance.capacity.0.saturating_sub(sold.0 + cut.lost.0 + cut.down.0));
    let count = waits.len().max(1) as f64;
    // From 0: an empty sum of floats is -0, which reads "-0.00".
    let mean = |values: &[f64]| values.iter().fold(0.0, |sum, value| sum + value) / count;
    let (average_wait_s, average_bounded_slowdown) = (mean(&waits), mean(&slowdowns));
    waits.sort_unstable_by(f64::total_cmp);
    slowdowns.sort_unstable_by(f64::total_cmp);
    let series = series(trace, outcome, span);
    Figures {
        label: String::new(),
        node_failures: outcome.interruptions.node_failures,
        runs_lost: outcome.interruptions.runs_lost,
        runs_preempted: outcome.interruptions.runs_preempted,
        policy: outcome.setup.policy.to_string(),
        cards: outcome.setup.cards,
        jobs: trace.jobs.len() as u64,
        jobs_too_wide: (trace.jobs.len() - waits.len()) as u64
            - outcome.interruptions.jobs_given_up
            - jobs_barred,
        jobs_barred,
        jobs_given_up: outcome.interruptions.jobs_given_up,
        average_wait_s,
        average_bounded_slowdown,
        max_wait_s: waits.last().copied().unwrap_or(0.0),
        utilization: if balance.capacity.0 > 0 { sold.0 as f64 / balance.capacity.0 as f64 } else { 0.0 },
        makespan_s: (span.1 - span.0) as f64 / 1000.0,
        wait_s: percentiles(&waits),
        slowdown_counts: counts(&slowdowns),
        bounded_slowdown: percentiles(&slowdowns),
        balance,
        energy_kwh: energy_kwh(&balance, terms),
        revenue_micro_cny: revenue,
        fairness: series.mean_fairness(),
        by_size: groups::by_size(trace, outcome),
        by_domain: groups::by_domain(trace, outcome),
        by_queue: groups::by_queue(trace, outcome),
        series,
    }
}

/// From the first submission to the last end, in milliseconds of the trace.
fn span_ms(trace: &Trace, outcome: &ReplayOutcome) -> (i64, i64) {
    let first = trace.jobs.first().map_or(0, |job| job.submit_ms);
    let last = outcome.runs.iter().flatten().map(|run| run.end_ms).chain(outcome.interruptions.last_ms).max();
    (first, last.unwrap_or(first))
}

fn percentiles(sorted: &[f64]) -> Percentiles {
    let at = |percent| percentile(sorted, percent);
    Percentiles { p50: at(50), p90: at(90), p95: at(95), p99: at(99) }
}

const BOUNDS: [f64; 8] = [1.1, 1.5, 2.0, 5.0, 10.0, 100.0, 1000.0, 10_000.0];

fn counts(sorted: &[f64]) -> Vec<Bucket> {
    let mut from = 0;
    let mut bucket = |below: Option<f64>| {
        let to = below.map_or(sorted.len(), |below| sorted.partition_point(|slowdown| *slowdown < below));
        let jobs = (to - from) as u64;
        from = to;
        Bucket { below, jobs }
    };
    BOUNDS.into_iter().map(Some).chain([None]).map(&mut bucket).collect()
}

fn energy_kwh(balance: &Balance, terms: &Terms) -> f64 {
    let busy = (i128::from(balance.sold().0) + i128::from(balance.lost.0)) * 100;
    let idle = i128::from(balance.idle.0.max(0)) * i128::from(terms.idle_percent);
    let watt_ms = (busy + idle) * i128::from(terms.tdp_watts) * i128::from(terms.pue_milli);
    watt_ms as f64 / 100.0 / 1000.0 / 3_600_000.0 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        replay::{
            policy::ReplayPolicy,
            replay,
            setup::{QueueSetup, Setup},
        },
        trace::{TraceJob, tests::job},
    };

    fn sample() -> (Trace, ReplayOutcome) {
        let mut trace = Trace::new("");
        trace.queues.of("a");
        let make = |submit: i64, run: i64, cards, domain| TraceJob {
            submit_ms: submit * 1000,
            run_ms: run * 1000,
            estimate_ms: run * 1000,
            cards,
            domain,
            ..job()
        };
        trace.jobs = vec![
            make(100, 100, 4, Some(TenantDomain::Research)),
            make(100, 5, 4, Some(TenantDomain::Government)),
            make(100, 1, 9, None),
            make(190, 95, 2, None),
        ];
        let outcome = replay(&trace, &Setup::new(4, ReplayPolicy::default()), &mut |_| {});
        (trace, outcome)
    }

    #[test]
    fn figures_by_hand() {
        let (trace, outcome) = sample();
        let got = figures(&trace, &outcome, &Terms::default());
        // Waits of 0, 100 and 15 s; the run of 5 s counts as one of 10 s.
        assert_eq!((got.jobs, got.jobs_too_wide), (4, 1));
        assert!((got.average_wait_s - 115.0 / 3.0).abs() < 1e-9);
        let slowdown = (1.0 + 105.0 / 10.0 + (15.0 + 95.0) / 95.0) / 3.0;
        assert!((got.average_bounded_slowdown - slowdown).abs() < 1e-9);
        assert!((got.max_wait_s - 100.0).abs() < 1e-9 && (got.makespan_s - 200.0).abs() < 1e-9);
        assert_eq!(got.balance.sold(), CardMs(610_000));
        assert_eq!((got.balance.capacity, got.balance.idle), (CardMs(800_000), CardMs(190_000)));
        assert!((got.utilization - 0.7625).abs() < 1e-9);
        // 5 yuan an hour, rounded down for each run: 555,555 + 27,777 + 263,888.
        assert_eq!(got.revenue_micro_cny, MicroCny(847_220));
        let watt_s = 310.0 * (610.0 + 0.3 * 190.0) * 1.25;
        assert!((got.energy_kwh - watt_s / 3.6e6).abs() < 1e-9);
        assert_eq!(
            got.slowdown_counts.iter().map(|bucket| bucket.jobs).collect::<Vec<_>>(),
            [1, 1, 0, 0, 0, 1, 0, 0, 0]
        );
        assert_eq!((got.wait_s.p50, got.wait_s.p99), (15.0, 100.0));
    }

    #[test]
    fn jobs_that_cannot_start_are_counted_apart() {
        let (mut trace, _) = sample();
        trace.queues.of("b");
        trace.jobs[1].queue = 1;
        let shut = QueueSetup { is_shut: true, ..QueueSetup::default() };
        let queues = vec![QueueSetup::default(), shut];
        let setup = Setup { queues, ..Setup::new(4, ReplayPolicy::default()) };
        let got = figures(&trace, &replay(&trace, &setup, &mut |_| {}), &Terms::default());
        assert_eq!((got.jobs, got.jobs_barred, got.jobs_too_wide), (4, 1, 1));
        // The run of 100 s from 100 s on is the only one that another waits for.
        assert!((got.average_wait_s - 5.0).abs() < 1e-9, "{}", got.average_wait_s);
        assert_eq!(got.balance.government, CardMs(0));
    }

    #[test]
    fn an_empty_trace_has_figures() {
        let trace = Trace::new("");
        let outcome = replay(&trace, &Setup::new(4, ReplayPolicy::default()), &mut |_| {});
        let got = figures(&trace, &outcome, &Terms::default());
        assert_eq!((got.jobs, got.utilization, got.average_wait_s, got.energy_kwh), (0, 0.0, 0.0, 0.0));
        assert!(got.average_wait_s.is_sign_positive() && got.average_bounded_slowdown.is_sign_positive());
    }
}
