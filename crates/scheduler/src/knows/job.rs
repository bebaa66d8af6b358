//! A job that waits, as the planner keeps it.

use domain::{JobId, Millis, ServiceClass, Timestamp};

use crate::snapshot::{Block, Waiting};

/// The part of [`Waiting`] that is the job's own. What the job asks for is an `Ask`, which many jobs share.
#[derive(Debug)]
pub(crate) struct WaitingJob {
    pub(crate) id: JobId,
    pub(crate) class: ServiceClass,
    pub(crate) time_limit: Millis,
    pub(crate) submitted_at: Timestamp,
    pub(crate) tasks: u32,
    /// In a box, since few jobs have one and there are many jobs to go through.
    pub(crate) block: Option<Box<Block>>,
    /// `NONE` where the queue is not known.
    pub(crate) queue: u32,
    /// `NONE` where the queue is not known.
    pub(crate) ask: u32,
    pub(crate) is_in_lane: bool,
    /// Until when runs of other queues were told to end for this job.
    pub(crate) reclaimed_until: Option<Timestamp>,
}

impl WaitingJob {
    pub(crate) fn new(waiting: &Waiting, queue: u32, ask: u32) -> Self {
        let &Waiting { job, class, time_limit, submitted_at, tasks, block, .. } = waiting;
        Self {
            id: job,
            class,
            time_limit,
            submitted_at,
            tasks,
            block: block.map(Box::new),
            queue,
            ask,
            is_in_lane: false,
            reclaimed_until: None,
        }
    }

    /// Whether the job itself lets none of its tasks start.
    pub(crate) fn is_blocked(&self) -> bool {
        self.tasks == 0 || matches!(self.block.as_deref(), Some(Block::Budget(_) | Block::Dependency { .. }))
    }

    /// Whether both jobs have the same place in line: the same lane, key, time limit and ask.
    pub(crate) fn has_same_place_as(&self, other: &Self) -> bool {
        (self.ask, self.queue, self.class, self.time_limit, self.submitted_at)
            == (other.ask, other.queue, other.class, other.time_limit, other.submitted_at)
    }
}
