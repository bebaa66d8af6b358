//! The table of runs that are not over, which the engine's threads share.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{RunId, Timestamp};

use super::{direct_job::DirectJob, job_name::job_name, short_runs::JobKind};
use crate::{
    clock,
    observation::Leaving,
    slurm::{
        client::{job::JobRecord, node::NodeRecord},
        disk::user::UnixUser,
    },
    spec::LaunchSpec,
};

/// All runs that are not over.
#[derive(Default)]
pub(crate) struct RunTable {
    pub runs: HashMap<RunId, TrackedRun>,
    /// Runs to be submitted, looked for or ended, in this order.
    pub queue: VecDeque<RunId>,
    /// Runs of the queue that a submitter works on now. The other submitters leave them alone until it is
    /// done.
    pub in_hand: HashSet<RunId>,
    pub nodes: Vec<NodeRecord>,
    /// The engine shuts down.
    pub is_ending: bool,
}

/// A run that is not over.
pub(crate) struct TrackedRun {
    /// `None` where only the wish to end the run is known, and for direct jobs.
    pub spec: Option<Arc<LaunchSpec>>,
    /// Set where somebody submitted the job to Slurm directly.
    pub direct: Option<Arc<DirectJob>>,
    /// The center wants the run's end.
    pub stop: bool,
    /// Slurm may have the run's job: the engine looks for it there before it submits one.
    pub may_be_there: bool,
    /// The run rests until then: its last submission had no answer, and the job may still come about.
    pub not_before: Option<Instant>,
    /// The owner of the run's files.
    pub user: Option<UnixUser>,
    /// The run's Slurm job, of which nothing is known before the run has one.
    pub job: TrackedJob,
    /// The numbers of earlier jobs that the controller forgot before they began. The accounting may know them
    /// all the same.
    pub forgotten: Vec<u32>,
    pub last_seen: Option<Timestamp>,
    /// When the job was first known to run.
    pub began_at: Option<Instant>,
    pub leaving: Leaving,
    /// When the run's processes were gone, by their own notice.
    pub left_at: Option<Instant>,
    /// Set where Slurm did not start the job for so long: the run is given back.
    pub waited_too_long: Option<Duration>,
    /// The run has reached its time limit.
    pub is_due: bool,
    /// How often Slurm refused the run under its project's account.
    pub refusals: u8,
}

/// The Slurm job of a run, as far as it is known. A run that gets another job starts with an empty one.
#[derive(Default)]
pub(crate) struct TrackedJob {
    pub number: Option<u32>,
    pub submitted_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    /// When the run reaches its time limit.
    pub due: Option<Instant>,
    /// When Slurm last confirmed that the number is that of the run's job.
    pub confirmed_at: Option<Instant>,
    /// When Slurm was last told to end the job.
    pub cancelled_at: Option<Instant>,
    /// When the controller was first seen not to have the job, or to have it as ended.
    pub gone_since: Option<Instant>,
    /// When the controller was first seen not to have the job at all.
    pub unlisted_at: Option<Timestamp>,
    /// The controller's last word on the job after it ended.
    pub last_listed: Option<JobRecord>,
    /// Since when both the controller and the accounting answer and neither knows the job.
    pub missing_since: Option<Instant>,
}

impl TrackedJob {
    pub(crate) fn submitted(number: u32, at: Timestamp) -> Self {
        Self { number: Some(number), submitted_at: Some(at), ..Self::default() }
    }
}

impl TrackedRun {
    pub(crate) fn new(spec: Option<Arc<LaunchSpec>>, may_be_there: bool) -> Self {
        Self {
            spec,
            direct: None,
            stop: false,
            may_be_there,
            not_before: None,
            user: None,
            job: TrackedJob::default(),
            forgotten: Vec::new(),
            last_seen: None,
            began_at: None,
            leaving: Leaving::No,
            left_at: None,
            waited_too_long: None,
            is_due: false,
            refusals: 0,
        }
    }

    pub(crate) fn of_direct(direct: Arc<DirectJob>) -> Self {
        let mut entry = Self::new(None, false);
        let (number, started_at) = (Some(direct.number), Some(direct.started_at()));
        entry.job = TrackedJob { number, started_at, ..TrackedJob::default() };
        entry.direct = Some(direct);
        entry
    }

    /// The kind of run, by its job.
    pub(super) fn kind(&self) -> Option<JobKind> {
        self.spec.as_ref().map(|spec| (spec.tenant, spec.job_name.clone()))
    }

    /// Notes that Slurm said that the job goes on, and when Slurm was asked.
    pub(super) fn note_seen(&mut self, asked_at: Instant) {
        let job = &mut self.job;
        (job.gone_since, job.missing_since, job.unlisted_at) = (None, None, None);
        (self.last_seen, job.confirmed_at) = (Some(clock::now()), Some(asked_at));
    }

    /// Whether Slurm is to end the job.
    pub(super) fn is_to_end(&self) -> bool {
        self.stop || self.is_due
    }
}

/// Whether a job with the number of a run's job is the run's: numbers come round again. A job that has begun
/// is also known by its start, since its user can give it another name.
pub(super) fn is_job_of(
    run: RunId,
    direct: Option<&DirectJob>,
    started_at: Option<Timestamp>,
    job: &JobRecord,
) -> bool {
    let is_started_then = || started_at.is_some() && job.started_at() == started_at;
    direct.map_or_else(|| job.name == job_name(run) || is_started_then(), |direct| direct.is(job))
}
