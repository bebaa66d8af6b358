//! The tasks of a job, in numbers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The tasks of a job, counted by where they stand. A job without an array has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tasks {
    pub total: u32,
    /// The first task whose turn is still to come. All tasks before it were tried or cancelled.
    pub next: u32,
    /// Tasks from `next` on that were cancelled.
    #[serde(default)]
    pub dropped: u32,
    /// Tasks that are to be tried again.
    pub to_retry: u32,
    pub running: u32,
    pub succeeded: u32,
    pub failed: u32,
    /// Tasks that were stopped while they ran, or cancelled before.
    pub stopped: u32,
}

impl Tasks {
    pub fn new(total: u32) -> Self {
        Self { total, ..Self::default() }
    }

    /// Tasks that wait for cards.
    pub fn waiting(&self) -> u32 {
        self.total - self.next - self.dropped + self.to_retry
    }

    /// Tasks that have ended for good.
    pub fn ended(&self) -> u32 {
        self.succeeded + self.failed + self.stopped
    }

    /// Whether a task has begun, of those that were not stopped.
    pub fn have_begun(&self) -> bool {
        self.running + self.to_retry + self.succeeded + self.failed > 0
    }

    /// Whether each task that was tried or cancelled is counted in exactly one place.
    pub fn is_consistent(&self) -> bool {
        self.next + self.dropped <= self.total
            && self.next + self.dropped == self.to_retry + self.running + self.ended()
    }
}
