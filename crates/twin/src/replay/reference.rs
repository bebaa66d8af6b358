//! The plain simulator: first come, first served on a count of cards, alone or with EASY backfill. It is slow
//! and short, so that one can see that it is right, and faster simulators are checked against it.
//!
//! The rules: an event is one submission or one end. At one instant, submissions come before ends;
//! submissions in the order of the trace, ends in the order of the starts. After each event there is a plan.
//! It starts jobs from the front of the queue for as long as they fit. With backfill, the first job that does
//! not fit is promised the earliest instant at which enough cards are free by the estimates of runs (its
//! shadow). Others start, in order, if they fit now and either end by the shadow, by their estimates, or
//! leave enough cards for the promise. A run at the end of its estimate has its cards free, even if its end
//! is still to come at this instant.

use std::collections::{BTreeSet, VecDeque};

use crate::trace::TraceJob;

/// When each of `jobs` starts, in milliseconds of the trace; `None` for a job that asks for more than `cards`
/// cards. `jobs` are in order of submission.
pub fn starts(jobs: &[TraceJob], cards: u32, easy: bool) -> Vec<Option<i64>> {
    let mut started = vec![None; jobs.len()];
    let mut running = RunningJobs { free: cards, ..RunningJobs::default() };
    let mut queue: VecDeque<usize> = VecDeque::new();
    let mut next = 0;
    loop {
        let submission = jobs.get(next).map(|job| job.submit_ms);
        let end = running.by_end.first().map(|(end, ..)| *end);
        let now = match (submission, end) {
            (Some(submit), end) if end.is_none_or(|end| submit <= end) => {
                if jobs[next].cards <= cards {
                    queue.push_back(next);
                }
                next += 1;
                submit
            }
            (_, Some(end)) => {
                let (_, _, index) = running.by_end.pop_first().expect("one runs");
                let estimate = started[index].expect("it has started") + jobs[index].estimate_ms;
                running.release(jobs, (estimate, index));
                end
            }
            (_, None) => return started,
        };
        while let Some(&over) = running.by_estimate.first().filter(|(estimate, _)| *estimate <= now) {
            running.release(jobs, over);
        }
        plan(jobs, now, easy, &mut queue, &mut running, &mut started);
    }
}

#[derive(Default)]
struct RunningJobs {
    free: u32,
    /// How many runs have been started.
    starts: u64,
    /// Of each run: end, rank among the starts, job.
    by_end: BTreeSet<(i64, u64, usize)>,
    /// Of each run that holds cards: end by the estimate, job.
    by_estimate: BTreeSet<(i64, usize)>,
}

impl RunningJobs {
    fn start(&mut self, jobs: &[TraceJob], started: &mut [Option<i64>], index: usize, now: i64) {
        let job = &jobs[index];
        started[index] = Some(now);
        self.free -= job.cards;
        self.by_end.insert((now + job.run_ms, self.starts, index));
        self.by_estimate.insert((now + job.estimate_ms, index));
        self.starts += 1;
    }

    /// Frees a run's cards, once.
    fn release(&mut self, jobs: &[TraceJob], run: (i64, usize)) {
        if self.by_estimate.remove(&run) {
            self.free += jobs[run.1].cards;
        }
    }

    /// The instant at which `cards` will be free by the estimates, and how many more are free then.
    fn shadow(&self, jobs: &[TraceJob], cards: u32) -> (i64, u32) {
        let (mut free, mut shadow) = (self.free, None);
        for &(estimate, index) in &self.by_estimate {
            if shadow.is_some_and(|shadow| shadow < estimate) {
                break;
            }
            free += jobs[index].cards;
            shadow = shadow.or((free >= cards).then_some(estimate));
        }
        (shadow.expect("no job asks for more cards than there are"), free - cards)
    }
}

fn plan(
    jobs: &[TraceJob],
    now: i64,
    easy: bool,
    queue: &mut VecDeque<usize>,
    running: &mut RunningJobs,
    started: &mut [Option<i64>],
) {
    while let Some(&first) = queue.front().filter(|first| jobs[**first].cards <= running.free) {
        queue.pop_front();
        running.start(jobs, started, first, now);
    }
    if !easy || queue.len() < 2 || running.free == 0 {
        return;
    }
    let (shadow, mut extra) = running.shadow(jobs, jobs[queue[0]].cards);
    let mut at = 1;
    while at < queue.len() {
        let job = &jobs[queue[at]];
        let ends_before = now + job.estimate_ms <= shadow;
        if job.cards <= running.free && (ends_before || job.cards <= extra) {
            if !ends_before {
                extra -= job.cards;
            }
            let index = queue.remove(at).expect("it is there");
            running.start(jobs, started, index, now);
        } else {
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::trace::tests::job;

    /// Submission, run, estimate in seconds; cards.
    fn jobs(rows: &[(i64, i64, i64, u32)]) -> Vec<TraceJob> {
        let make = |&(submit, run, estimate, cards): &(i64, i64, i64, u32)| TraceJob {
            submit_ms: submit * 1000,
            run_ms: run * 1000,
            estimate_ms: estimate * 1000,
            cards,
            ..job()
        };
        rows.iter().map(make).collect()
    }

    fn seconds(rows: &[(i64, i64, i64, u32)], cards: u32, easy: bool) -> Vec<Option<i64>> {
        starts(&jobs(rows), cards, easy).into_iter().map(|start| start.map(|ms| ms / 1000)).collect()
    }

    #[test]
    fn first_come_is_first_served() {
        // The second does not fit beside the first, and the third may not pass it.
        let rows = [(0, 10, 10, 3), (1, 5, 5, 2), (2, 1, 1, 1)];
        assert_eq!(seconds(&rows, 4, false), [Some(0), Some(10), Some(10)]);
    }

    #[test]
    fn backfill_passes_only_what_does_not_delay_the_promise() {
        // The second job is promised 10. Jobs that end by then pass; longer ones pass only beside it.
        let rows = [(0, 10, 10, 3), (1, 5, 5, 3), (2, 8, 8, 1), (2, 9, 9, 1)];
        assert_eq!(seconds(&rows, 4, true), [Some(0), Some(10), Some(2), Some(10)]);
        let beside = [(0, 10, 10, 2), (1, 5, 5, 3), (2, 99, 99, 1), (2, 99, 99, 1)];
        assert_eq!(seconds(&beside, 4, true), [Some(0), Some(10), Some(2), Some(15)]);
    }

    #[test]
    fn all_that_end_by_the_promise_count_towards_what_is_left() {
        // At 10 three cards are free, of which the head needs one: the last may take one of the other two for
        // long.
        let rows = [(0, 10, 10, 1), (0, 10, 10, 2), (0, 50, 50, 1), (1, 5, 5, 2), (2, 99, 99, 1)];
        assert_eq!(seconds(&rows, 5, true)[4], Some(2));
    }

    #[test]
    fn a_run_at_its_estimate_leaves_its_cards_to_who_comes_at_that_instant() {
        let rows = [(0, 10, 10, 4), (10, 1, 1, 4)];
        assert_eq!(seconds(&rows, 4, false), [Some(0), Some(10)]);
    }

    #[test]
    fn too_wide_a_job_never_starts_and_holds_nobody_up() {
        let rows = [(0, 10, 10, 5), (0, 1, 1, 4)];
        assert_eq!(seconds(&rows, 4, true), [None, Some(0)]);
    }

    /// The mean wait in seconds and the mean bounded slowdown.
    fn means(trace: &crate::Trace, cards: u32, easy: bool) -> (f64, f64) {
        let (mut waits, mut slowdowns) = (0.0, 0.0);
        for (start, job) in starts(&trace.jobs, cards, easy).into_iter().zip(&trace.jobs) {
            let wait_ms = start.expect("no job is too wide") - job.submit_ms;
            let (wait, run) = (as_s(wait_ms), as_s(job.run_ms));
            waits += wait;
            slowdowns += ((wait + run) / run.max(10.0)).max(1.0);
        }
        let count = f64::from(u32::try_from(trace.jobs.len()).expect("few"));
        (waits / count, slowdowns / count)
    }

    fn as_s(ms: i64) -> f64 {
        f64::from(i32::try_from(ms / 1000).expect("seconds of a few years"))
    }

    /// `QIANTANG_TRACES`: a folder with KTH-SP2-1996-2.1-cln.swf.gz and SDSC-BLUE-2000-4.2-cln.swf.gz of the
    /// Parallel Workloads Archive. The figures are those of another, independent simulator.
    #[test]
    #[ignore = "needs the archive's traces"]
    fn the_figures_are_those_of_an_independent_simulator() {
        let folder =
            PathBuf::from(std::env::var_os("QIANTANG_TRACES").expect("QIANTANG_TRACES names a folder"));
        for (file, cards, easy, wait_s, slowdown) in [
            ("KTH-SP2-1996-2.1-cln.swf.gz", 100, false, 218_980.6, 4_297.07),
            ("KTH-SP2-1996-2.1-cln.swf.gz", 100, true, 6_412.2, 86.28),
            ("SDSC-BLUE-2000-4.2-cln.swf.gz", 1152, false, 331_647.4, 4_111.60),
            ("SDSC-BLUE-2000-4.2-cln.swf.gz", 1152, true, 7_127.8, 41.51),
        ] {
            let (trace, faults) = crate::read(&std::fs::read(folder.join(file)).expect("the trace"), None);
            assert_eq!((faults.bad, trace.cards), (0, cards));
            let (wait, slow) = means(&trace, cards, easy);
            assert!((wait - wait_s).abs() <= 0.05, "{file}, EASY {easy}: {wait}");
            assert!((slow - slowdown).abs() <= 0.005, "{file}, EASY {easy}: {slow}");
        }
    }
}
