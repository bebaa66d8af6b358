//! Runs that have not ended: a run enters with its start and leaves with its end.

use std::sync::Arc;

use domain::{
    CardMs, Job, JobId, MemberId, MicroCny, Millis, ProjectId, Run, RunId, ServiceClass, Timestamp,
    metering::Metered,
};
use engines::Leaving;

use super::{Live, LiveJob, Use};

/// How a run stands to its cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// They are its own.
    Held,
    /// Another run is still on some of them. This one gets each card as it becomes free, and no other run does.
    Crowded,
    /// It will be over soon. What comes next may have them, and waits for its end; for its queue it runs.
    Lent,
    /// Its processes are said to be gone. What comes next may have them.
    Left,
}

#[derive(Clone, Debug)]
pub struct LiveRun {
    pub run: Run,
    pub project: ProjectId,
    /// Who submitted its job.
    pub member: MemberId,
    pub job_name: Arc<str>,
    pub class: ServiceClass,
    pub time_limit: Millis,
    /// The use that is posted.
    pub metered: Metered,
    pub hold: Hold,
    /// The engine's last word on whether the run leaves its cards.
    pub leaving: Leaving,
    /// The last instant at which the engine saw it alive. `None`: not since the center started.
    pub seen_at: Option<Timestamp>,
}

/// How long it is taken for granted that a run goes on which its engine has seen.
const TRUST: Millis = Millis::from_secs(60);

impl LiveRun {
    /// A run of a job, whose use is posted up to `metered`. It waits for its cards until it is seen that they are free.
    fn new(run: Run, job: &LiveJob, metered: Metered) -> Self {
        Self {
            run,
            project: job.job.project,
            member: job.job.submitted_by,
            job_name: job.job.spec.name.as_str().into(),
            class: job.job.spec.service_class,
            time_limit: job.time_limit,
            metered,
            hold: Hold::Crowded,
            leaving: Leaving::No,
            seen_at: None,
        }
    }

    /// Up to when the run may be metered at `now`: no further than its engine can tell that it goes on.
    pub fn may_meter_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.seen_at.map(|seen_at| if now > seen_at.plus(TRUST) { seen_at } else { now })
    }

    /// Up to when its use is posted.
    pub fn metered_until(&self) -> Option<Timestamp> {
        domain::metering::metered_until(&self.run, self.metered)
    }

    /// Use up to `now` that is not posted yet.
    pub fn unmetered(&self, now: Timestamp) -> Use {
        let Some(until) = self.may_meter_until(now) else { return Use::default() };
        // What was posted up to a later instant stays.
        Use {
            used: CardMs((self.run.used(until).0 - self.metered.used.0).max(0)),
            charged: MicroCny((self.run.charge(until).0 - self.metered.charged.0).max(0)),
            // They pay as it is posted.
            by_vouchers: MicroCny::ZERO,
        }
    }
}

impl Live {
    pub fn run(&self, id: RunId) -> Option<&LiveRun> {
        self.runs.get(&id)
    }

    /// By id, which is the order in which they were planned.
    pub fn runs(&self) -> impl ExactSizeIterator<Item = &LiveRun> {
        self.runs.values()
    }

    /// A run goes on that was committed before this center started. Left out if its job has ended.
    pub fn run_found(&mut self, run: Run, metered: Metered) {
        if let Some(job) = self.jobs.get(&run.job) {
            let live = LiveRun::new(run, job, metered);
            self.add_run(live);
        }
    }

    /// A run of a job was committed as starting, and the job with one task more that goes on.
    pub fn run_started(&mut self, run: Run, job: &Arc<Job>) {
        self.set_job(job);
        if let Some(known) = self.jobs.get_mut(&job.id) {
            known.retries.retain(|(task, _)| run.attempt == 1 || *task != run.task);
        }
        // A start rules nothing out that others wait for, so none of them is hopeless now.
        self.settle_dependents(job);
        let (id, planned_at) = (run.id, run.state.planned_at());
        self.run_found(run, Metered::default());
        self.run_seen(id, planned_at);
    }

    /// The engine saw a run alive.
    pub fn run_seen(&mut self, run: RunId, at: Timestamp) {
        if let Some(known) = self.runs.get_mut(&run) {
            known.seen_at = known.seen_at.max(Some(at));
        }
    }

    /// A run began, or is to stop.
    pub fn run_changed(&mut self, run: &Run) {
        if let Some(known) = self.runs.get_mut(&run.id) {
            known.run = run.clone();
            self.touched.runs.insert(run.id);
        }
    }

    /// A run's use was posted up to `metered`, in these parts, each at its instant.
    pub fn run_metered(&mut self, run: RunId, metered: Metered, parts: &[(Timestamp, Use)], now: Timestamp) {
        if let Some(known) = self.runs.get_mut(&run) {
            known.metered = metered;
            let (contract, spender) = (known.run.contract, (known.project, known.member));
            self.charge(contract, parts.iter().map(|(_, posted)| *posted).sum(), now);
            self.spend(spender, parts);
        }
    }

    /// A run ended, and left its job so; with the task that is to be tried again and the attempt that comes. Gives the
    /// jobs that can never run now.
    pub fn run_ended(&mut self, run: RunId, job: &Arc<Job>, retry: Option<(u32, u32)>) -> Vec<JobId> {
        self.remove_run(run);
        self.set_job(job);
        if let (Some(retry), Some(known)) = (retry, self.jobs.get_mut(&job.id)) {
            known.retries.push(retry);
        }
        self.settle_dependents(job)
    }
}
