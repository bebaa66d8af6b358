//! The runs that are not over, as the engine's threads share them.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{RunId, Timestamp};

use super::{DirectJob, SlurmNode, brief, face, files::Account, now};
use crate::{LaunchSpec, Leaving};

/// All runs that are not over.
#[derive(Default)]
pub(super) struct Known {
    pub runs: HashMap<RunId, Entry>,
    /// To be handed in, or looked for, in this order.
    pub queue: VecDeque<RunId>,
    /// Those of them that one of the submitters sees to now: for no other one until it is done.
    pub in_hand: HashSet<RunId>,
    pub nodes: Vec<SlurmNode>,
    pub is_ending: bool,
}

/// A run that is not over.
pub(super) struct Entry {
    /// `None`: it is only known that it is to end; or see `direct`.
    pub spec: Option<Arc<LaunchSpec>>,
    /// Somebody handed it to Slurm directly.
    pub direct: Option<Arc<DirectJob>>,
    pub stop: bool,
    /// Slurm may have it: it is looked for there before it is handed in.
    pub may_be_there: bool,
    /// Not before then: its last submission had no answer, which may still come about.
    pub not_before: Option<Instant>,
    pub number: Option<u32>,
    pub submitted_at: Option<Timestamp>,
    pub account: Option<Account>,
    pub started_at: Option<Timestamp>,
    /// When the controller was first seen not to have it, or to have it as ended.
    pub gone_since: Option<Instant>,
    /// Since when both the controller and the accounting answer and neither knows it.
    pub missing_since: Option<Instant>,
    /// The numbers of jobs of it that the controller forgot before they began; accounting may know them all the same.
    pub forgotten: Vec<u32>,
    /// When the controller was first seen not to have it at all.
    pub unlisted_at: Option<Timestamp>,
    /// What the controller last said of it after that.
    pub last_listed: Option<face::JobRecord>,
    pub last_seen: Option<Timestamp>,
    /// When it was first known to run.
    pub began_at: Option<Instant>,
    pub leaving: Leaving,
    /// When its processes were gone, by what they told.
    pub left_at: Option<Instant>,
    pub waited_too_long: Option<Duration>,
    /// When its time limit is over.
    pub due: Option<Instant>,
    /// It is over.
    pub is_due: bool,
    /// When Slurm last said that the number is that of its job.
    pub confirmed_at: Option<Instant>,
    /// When Slurm was last told to end it.
    pub cancelled_at: Option<Instant>,
    /// How often Slurm refused it under its project's account.
    pub refusals: u8,
}

impl Entry {
    pub(super) fn new(spec: Option<Arc<LaunchSpec>>, may_be_there: bool) -> Self {
        Self {
            spec,
            direct: None,
            stop: false,
            may_be_there,
            not_before: None,
            number: None,
            submitted_at: None,
            account: None,
            started_at: None,
            gone_since: None,
            missing_since: None,
            forgotten: Vec::new(),
            unlisted_at: None,
            last_listed: None,
            last_seen: None,
            began_at: None,
            leaving: Leaving::No,
            left_at: None,
            waited_too_long: None,
            due: None,
            is_due: false,
            confirmed_at: None,
            cancelled_at: None,
            refusals: 0,
        }
    }

    /// What it is like, by its job.
    pub(super) fn kind(&self) -> Option<brief::Kind> {
        self.spec.as_ref().map(|spec| (spec.tenant, spec.job_name.clone()))
    }

    /// Takes note that Slurm has its job as one that goes on, and when it was asked.
    pub(super) fn note_seen(&mut self, asked_at: Instant) {
        (self.gone_since, self.missing_since, self.unlisted_at) = (None, None, None);
        (self.last_seen, self.confirmed_at) = (Some(now()), Some(asked_at));
    }

    /// Whether Slurm is to end it.
    pub(super) fn is_to_end(&self) -> bool {
        self.stop || self.is_due
    }
}
