//! The order of jobs: service class, then the standing of their queues, then age.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
};

use domain::{JobId, ServiceClass, Timestamp};

use crate::{Waiting, hall::index, quota::Standing};

/// The waiting jobs by service class and queue, oldest first.
#[derive(Debug)]
pub(crate) struct Streams {
    buckets: Vec<Vec<Queued>>,
    queues: usize,
}

/// A job by its age, with its index.
type Queued = (Timestamp, JobId, u32);

impl Streams {
    /// Distributes jobs, each given by an index, itself and the index of its queue. Linear if the jobs of each queue
    /// come oldest first, else n log n.
    pub(crate) fn new(queues: usize, jobs: &[(u32, &Waiting, u32)]) -> Self {
        let mut buckets = vec![Vec::<Queued>::new(); ServiceClass::ALL.len() * queues];
        for &(i, job, queue) in jobs {
            buckets[job.class as usize * queues + queue as usize].push((job.submitted_at, job.job, i));
        }
        for bucket in &mut buckets {
            bucket.sort();
        }
        Self { buckets, queues }
    }

    /// Calls `serve` with each job of `class` in order and how many runs it has started, again and again while it
    /// answers [`Served::Again`]. `standing` gives that of a queue as it is then. Log of the queues where the turn passes
    /// from one queue to another, else constant.
    pub(crate) fn each<C>(
        &self,
        class: ServiceClass,
        context: &mut C,
        standing: impl Fn(&C, u32) -> Standing,
        mut serve: impl FnMut(&mut C, u32, u32) -> Served,
    ) {
        let of_class = &self.buckets[class as usize * self.queues..][..self.queues];
        let turn = |context: &C, queue: u32, position: usize, runs: u32| {
            let &(submitted_at, job, index) = of_class[queue as usize].get(position)?;
            Some(Turn { standing: standing(context, queue), submitted_at, job, index, queue, position, runs })
        };
        let first = (0..index(self.queues)).filter_map(|queue| turn(context, queue, 0, 0));
        let mut turns: BinaryHeap<Reverse<Turn>> = first.map(Reverse).collect();
        while let Some(mut top) = turns.peek_mut() {
            let Turn { index, queue, position, runs, .. } = top.0;
            let next = match serve(context, index, runs) {
                Served::Again => turn(context, queue, position, runs + 1),
                Served::Done => turn(context, queue, position + 1, 0),
            };
            match next {
                Some(next) => top.0 = next,
                None => drop(PeekMut::pop(top)),
            }
        }
    }
}

/// What became of a job's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// It started a run and has more; its queue's standing has changed.
    Again,
    Done,
}

/// The turn of a queue's oldest job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    standing: Standing,
    submitted_at: Timestamp,
    job: JobId,
    index: u32,
    queue: u32,
    position: usize,
    runs: u32,
}
