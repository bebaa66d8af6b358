//! The order of jobs: service class, then the standing of their queues, then age.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
};

use domain::{JobId, ServiceClass, Timestamp};

use crate::{Waiting, hall::index, quota::Standing};

/// The waiting jobs by service class and queue, oldest first, as indices.
#[derive(Debug)]
pub(crate) struct Streams<'w> {
    waiting: &'w [&'w Waiting],
    buckets: Vec<Vec<u32>>,
    queues: usize,
}

impl<'w> Streams<'w> {
    /// Distributes the `waiting` jobs to their queues, which `queue_of` gives in the same order; jobs without one are left
    /// out. Linear if the jobs of each queue come oldest first, else n log n.
    pub(crate) fn new(
        queues: usize,
        waiting: &'w [&'w Waiting],
        queue_of: impl Iterator<Item = Option<u32>> + Clone,
    ) -> Self {
        let with_bucket = |(i, queue): (u32, Option<u32>)| {
            let class = waiting[i as usize].class as usize;
            queue.map(|queue| (i, class * queues + queue as usize))
        };
        let placed = (0..).zip(queue_of).filter_map(with_bucket);
        let mut lengths = vec![0; ServiceClass::ALL.len() * queues];
        placed.clone().for_each(|(_, bucket)| lengths[bucket] += 1);
        let mut buckets: Vec<Vec<u32>> = lengths.into_iter().map(Vec::with_capacity).collect();
        placed.for_each(|(i, bucket)| buckets[bucket].push(i));
        for bucket in &mut buckets {
            bucket.sort_by_key(|&i| (waiting[i as usize].submitted_at, waiting[i as usize].job));
        }
        Self { waiting, buckets, queues }
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
            let &index = of_class[queue as usize].get(position)?;
            let Waiting { submitted_at, job, .. } = *self.waiting[index as usize];
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
