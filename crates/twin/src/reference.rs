//! The plain simulator: first come, first served on a count of cards, alone or with EASY backfill. Slow and short, so
//! that one can see that it is right; faster ones are checked against it.
//!
//! The rules: an event is one submission or one end. Of one instant, submissions come before ends; submissions in the order
//! of the trace, ends in the order in which the runs were started. After each event there is a plan. It starts jobs from
//! the front of the queue for as long as they fit. With backfill, the first that does not fit is promised the earliest
//! instant at which, by the estimates of what runs, enough cards are free (its shadow); others start, in order, if they fit
//! now and either end by the shadow, by their estimates, or leave enough cards for the promise. A run that has come to the
//! end of its estimate has its cards free, even if its end is an event still to come at this instant.

use std::collections::{BTreeSet, VecDeque};

use crate::trace::TraceJob;

/// When each of `jobs` starts, in milliseconds of the trace; `None` for one that is wider than the `cards` there are.
/// `jobs` are in order of submission.
pub fn starts(jobs: &[TraceJob], cards: u32, easy: bool) -> Vec<Option<i64>> {
    let mut started = vec![None; jobs.len()];
    let mut hall = Hall { free: cards, ..Hall::default() };
    let mut queue: VecDeque<usize> = VecDeque::new();
    let mut next = 0;
    loop {
        let submission = jobs.get(next).map(|job| job.submit_ms);
        let end = hall.by_end.first().map(|(end, ..)| *end);
        let now = match (submission, end) {
            (Some(submit), end) if end.is_none_or(|end| submit <= end) => {
                if jobs[next].cards <= cards {
                    queue.push_back(next);
                }
                next += 1;
                submit
            }
            (_, Some(end)) => {
                let (_, _, index) = hall.by_end.pop_first().expect("one runs");
                let estimate = started[index].expect("it has started") + jobs[index].estimate_ms;
                hall.release(jobs, (estimate, index));
                end
            }
            (_, None) => return started,
        };
        while let Some(&over) = hall.by_estimate.first().filter(|(estimate, _)| *estimate <= now) {
            hall.release(jobs, over);
        }
        plan(jobs, now, easy, &mut queue, &mut hall, &mut started);
    }
}

/// What runs.
#[derive(Default)]
struct Hall {
    free: u32,
    /// How many have been started.
    starts: u64,
    /// End, rank among the starts, job.
    by_end: BTreeSet<(i64, u64, usize)>,
    /// End by the estimate, job; of those that hold cards.
    by_estimate: BTreeSet<(i64, usize)>,
}

impl Hall {
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
        (shadow.expect("no job is wider than the hall"), free - cards)
    }
}

fn plan(
    jobs: &[TraceJob],
    now: i64,
    easy: bool,
    queue: &mut VecDeque<usize>,
    hall: &mut Hall,
    started: &mut [Option<i64>],
) {
    while let Some(&first) = queue.front().filter(|first| jobs[**first].cards <= hall.free) {
        queue.pop_front();
        hall.start(jobs, started, first, now);
    }
    if !easy || queue.len() < 2 || hall.free == 0 {
        return;
    }
    let (shadow, mut extra) = hall.shadow(jobs, jobs[queue[0]].cards);
    let mut at = 1;
    while at < queue.len() {
        let job = &jobs[queue[at]];
        let ends_before = now + job.estimate_ms <= shadow;
        if job.cards <= hall.free && (ends_before || job.cards <= extra) {
            if !ends_before {
                extra -= job.cards;
            }
            let index = queue.remove(at).expect("it is there");
            hall.start(jobs, started, index, now);
        } else {
            at += 1;
        }
    }
}

#[cfg(test)]
#[path = "reference_tests.rs"]
mod tests;
