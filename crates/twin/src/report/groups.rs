//! Figures of the jobs of one size, one domain or one queue.
#![expect(clippy::cast_precision_loss, reason = "averages for people: 52 bits are plenty")]

use domain::{CardMs, TenantDomain};
use serde::Serialize;

use super::statistics::{percentile, wait_and_slowdown};
use crate::{
    replay::outcome::ReplayOutcome,
    trace::{Trace, TraceJob},
};

/// How many queues are shown by themselves; the others are one group.
const MAX_QUEUES: usize = 12;

/// The largest size of each class, in cards; the last class is open.
const SIZES: [u32; 7] = [1, 4, 8, 32, 128, 512, u32::MAX];
const SIZE_NAMES: [&str; 7] = ["1", "2–4", "5–8", "9–32", "33–128", "129–512", "513+"];

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct JobGroup {
    /// Empty for jobs without a name, or for all other jobs.
    pub name: String,
    pub jobs: u64,
    pub used: CardMs,
    pub average_wait_s: f64,
    pub p95_wait_s: f64,
    pub average_bounded_slowdown: f64,
}

/// Groups by the number of cards that jobs ask for; only classes that have jobs.
pub fn by_size(trace: &Trace, outcome: &ReplayOutcome) -> Vec<JobGroup> {
    let class = |job: &TraceJob| SIZES.iter().position(|most| job.cards <= *most).unwrap_or(0);
    let groups = collect(trace, outcome, SIZES.len(), class);
    let named = SIZE_NAMES.iter().zip(groups);
    named
        .filter(|(_, group)| group.jobs > 0)
        .map(|(name, group)| JobGroup { name: (*name).into(), ..group })
        .collect()
}

/// Groups by domain, named by its code; only domains that have jobs.
pub fn by_domain(trace: &Trace, outcome: &ReplayOutcome) -> Vec<JobGroup> {
    let class = |job: &TraceJob| {
        TenantDomain::ALL
            .iter()
            .position(|domain| Some(*domain) == job.domain)
            .unwrap_or(TenantDomain::ALL.len())
    };
    let groups = collect(trace, outcome, TenantDomain::ALL.len() + 1, class);
    let names = TenantDomain::ALL.map(TenantDomain::code).into_iter().chain([""]);
    let some = names.zip(groups).filter(|(_, group)| group.jobs > 0);
    some.map(|(name, group)| JobGroup { name: name.into(), ..group }).collect()
}

/// Groups for the queues with the most card time, and one for all others.
pub fn by_queue(trace: &Trace, outcome: &ReplayOutcome) -> Vec<JobGroup> {
    let mut used = vec![0_i64; trace.queues.len()];
    for job in &trace.jobs {
        let card_ms = i64::from(job.cards).saturating_mul(job.run_ms);
        if let Some(sum) = used.get_mut(job.queue as usize) {
            *sum = sum.saturating_add(card_ms);
        }
    }
    let mut order: Vec<usize> = (0..used.len()).collect();
    order.sort_by_key(|queue| (-used[*queue], *queue));
    let shown = order.len().min(MAX_QUEUES);
    let mut place = vec![shown; used.len()];
    for (at, queue) in order[..shown].iter().enumerate() {
        place[*queue] = at;
    }
    let class = |job: &TraceJob| place.get(job.queue as usize).copied().unwrap_or(shown);
    let mut groups = collect(trace, outcome, shown + 1, class);
    for (group, queue) in groups.iter_mut().zip(&order[..shown]) {
        group.name =
            u32::try_from(*queue).map_or_else(|_| String::new(), |queue| trace.queues.get(queue).into());
    }
    groups.retain(|group| group.jobs > 0);
    groups
}

fn collect(
    trace: &Trace,
    outcome: &ReplayOutcome,
    count: usize,
    class: impl Fn(&TraceJob) -> usize,
) -> Vec<JobGroup> {
    let mut groups = vec![(JobGroup::default(), Vec::new()); count];
    for (job, run) in trace.jobs.iter().zip(&outcome.runs) {
        let Some(run) = run else { continue };
        let (group, waits) = &mut groups[class(job)];
        let (wait, slowdown) = wait_and_slowdown(job.submit_ms, run.start_ms, run.end_ms);
        waits.push(wait);
        group.jobs += 1;
        group.average_bounded_slowdown += slowdown;
        let card_ms = i64::from(job.cards).saturating_mul(run.end_ms - run.start_ms);
        group.used = CardMs(group.used.0.saturating_add(card_ms));
    }
    let finish = |(group, mut waits): (JobGroup, Vec<f64>)| {
        let jobs = waits.len().max(1) as f64;
        waits.sort_unstable_by(f64::total_cmp);
        JobGroup {
            average_wait_s: waits.iter().sum::<f64>() / jobs,
            p95_wait_s: percentile(&waits, 95),
            average_bounded_slowdown: group.average_bounded_slowdown / jobs,
            ..group
        }
    };
    groups.into_iter().map(finish).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        replay::{policy::ReplayPolicy, replay, setup::Setup},
        trace::tests::job,
    };

    #[test]
    fn every_job_is_in_one_group_of_each_kind() {
        let mut trace = Trace::new("");
        for number in 0..40_u32 {
            let queue = trace.queues.of(&format!("q{}", number % 20));
            let domain = TenantDomain::ALL.get(number as usize % 4).copied();
            trace.jobs.push(TraceJob { cards: 1 + number * number, queue, domain, run_ms: 60_000, ..job() });
        }
        let outcome = replay(&trace, &Setup::new(2000, ReplayPolicy::default()), &mut |_| {});
        let [sizes, domains, queues] = [by_size, by_domain, by_queue].map(|by| by(&trace, &outcome));
        for groups in [&sizes, &domains, &queues] {
            assert_eq!(groups.iter().map(|group| group.jobs).sum::<u64>(), 40);
            assert_eq!(groups.iter().map(|group| group.used).sum::<CardMs>().0, 60_000 * 20_580);
        }
        assert_eq!(sizes.iter().map(|group| &*group.name).collect::<Vec<_>>(), SIZE_NAMES);
        assert_eq!(
            domains.iter().map(|group| &*group.name).collect::<Vec<_>>(),
            ["research", "enterprise", "government", ""]
        );
        assert_eq!((queues.len(), &*queues[0].name, &*queues[12].name), (13, "q19", ""));
    }
}
