//! The order of jobs: service class, then the standing of their queues, then age.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
};

use domain::{JobId, ServiceClass, Timestamp};

use crate::{Waiting, hall::index, quota::Standing};

/// The jobs of one service class, queue by queue, oldest first.
#[derive(Debug)]
pub(crate) struct Streams {
    /// By class and queue: the jobs, as indices.
    buckets: Vec<Vec<u32>>,
    queues: usize,
}

impl Streams {
    /// Distributes jobs, each given by an index, itself and the index of its queue. Linear if the jobs of each queue
    /// come oldest first, else n log n.
    pub(crate) fn new(queues: usize, jobs: &[(u32, &Waiting, u32)]) -> Self {
        let mut buckets = vec![Vec::<(Timestamp, JobId, u32)>::new(); ServiceClass::ALL.len() * queues];
        for &(i, job, queue) in jobs {
            buckets[job.class as usize * queues + queue as usize].push((job.submitted_at, job.job, i));
        }
        let sorted = |mut bucket: Vec<(Timestamp, JobId, u32)>| {
            bucket.sort();
            bucket.into_iter().map(|(.., i)| i).collect()
        };
        Self { buckets: buckets.into_iter().map(sorted).collect(), queues }
    }

    fn of(&self, class: ServiceClass, queue: u32) -> &[u32] {
        &self.buckets[class as usize * self.queues + queue as usize]
    }

    /// Calls `serve` with each job of `class` in order and how many runs it has started, again and again while it
    /// answers [`Served::Again`]. `job_of`
    /// gives the job of an index, `standing` that of a queue as it is then. Log of the queues where the turn passes from
    /// one queue to another, else constant.
    pub(crate) fn each<'a, C>(
        &self,
        class: ServiceClass,
        context: &mut C,
        job_of: impl Fn(&C, u32) -> &'a Waiting,
        standing: impl Fn(&C, u32) -> Standing,
        mut serve: impl FnMut(&mut C, u32, u32) -> Served,
    ) {
        let turn = |context: &C, queue: u32, position: usize, runs: u32| {
            let &job = self.of(class, queue).get(position)?;
            let Waiting { submitted_at, job: id, .. } = job_of(context, job);
            Some(Turn {
                standing: standing(context, queue),
                submitted_at: *submitted_at,
                job: *id,
                queue,
                position,
                runs,
            })
        };
        let first = (0..index(self.queues)).filter_map(|queue| turn(context, queue, 0, 0));
        let mut turns: BinaryHeap<Reverse<Turn>> = first.map(Reverse).collect();
        while let Some(mut top) = turns.peek_mut() {
            let Turn { queue, position, runs, .. } = top.0;
            let next = match serve(context, self.of(class, queue)[position], runs) {
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
    queue: u32,
    position: usize,
    runs: u32,
}
