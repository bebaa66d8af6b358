//! Jobs that have not ended, and what they wait for of each other.

use std::sync::Arc;

use domain::{
    Job, JobId, Millis, RunState, TenantId, Timestamp,
    job::{JobOutcome, JobState, Tasks},
    spec::{Dependency, DependencyKind},
};
use scheduler::{Block, Limit, Waiting};

use super::Live;

#[derive(Clone, Debug)]
pub struct LiveJob {
    /// With the outline of its specification: however many jobs wait, their scripts are on the disk alone.
    pub job: Arc<Job>,
    /// The bytes that the outline leaves out.
    pub payload_bytes: u64,
    /// The card models of which any will do; none where all do.
    pub models: Arc<[Arc<str>]>,
    pub labels: Arc<[Arc<str>]>,
    pub time_limit: Millis,
    /// Dependencies on other jobs that are still to come.
    pub unmet: Vec<Dependency>,
    /// Tasks to be tried again, with the attempt that comes.
    pub retries: Vec<(u32, u32)>,
}

impl Live {
    pub fn job(&self, id: JobId) -> Option<&LiveJob> {
        self.jobs.get(&id)
    }

    /// By id, which is the order in which they were submitted.
    pub fn jobs(&self) -> impl DoubleEndedIterator<Item = &LiveJob> + ExactSizeIterator {
        self.jobs.values()
    }

    /// How many jobs of a tenant have not ended.
    pub fn jobs_of(&self, tenant: TenantId) -> u32 {
        self.active_jobs.get(&tenant).copied().unwrap_or(0)
    }

    /// Why a job waits that the planner does not know, as of the last plan; `None` if it does not wait.
    pub fn waits_unplanned(&self, id: JobId) -> Option<Limit> {
        let waiting = self.jobs.get(&id).and_then(|known| self.waiting(known))?;
        Some(match waiting.block {
            Some(Block::Budget(budget)) => Limit::BudgetUsedUp { budget, stands: None },
            Some(Block::Dependency { waits_for, first }) => Limit::Dependency { waits_for, first },
            Some(Block::ArrayLimit { running, limit }) => Limit::ArrayLimit { running, limit },
            None => Limit::NotPlanned,
        })
    }

    /// Since when the first of a job's runs is being started, where none of them has begun.
    pub fn starts_since(&self, id: JobId) -> Option<Timestamp> {
        // A job of which nothing runs needs no look at all runs.
        self.jobs.get(&id).filter(|known| known.job.tasks.running > 0)?;
        let own = self.runs.values().map(|known| &known.run).filter(|run| run.job == id);
        let planned = own.map(|run| match run.state {
            RunState::Starting { planned_at, .. } => Some(planned_at),
            _ => None,
        });
        planned.collect::<Option<Vec<Timestamp>>>()?.into_iter().min()
    }

    /// The bytes that a tenant's waiting jobs have on the disk for their runs.
    pub fn waiting_bytes_of(&self, tenant: TenantId) -> u64 {
        self.waiting_bytes.get(&tenant).copied().unwrap_or(0)
    }

    /// Whether a job waits that could start if there were cards.
    ///
    /// Cost: linear in the jobs that have not ended, where none does.
    pub fn has_work(&self) -> bool {
        let mut waiting = self.jobs.values().filter_map(|known| self.waiting(known));
        waiting.any(|waiting| waiting.tasks > 0 && waiting.block.is_none())
    }

    /// A job as the planner sees it, if tasks of it wait: none of them starts while a budget that counts it is used up.
    pub(super) fn waiting(&self, live: &LiveJob) -> Option<Waiting> {
        let waiting = waiting(live)?;
        let budget = self.held_by_budget(live.job.project, live.job.submitted_by);
        Some(Waiting { block: budget.map(Block::Budget).or(waiting.block), ..waiting })
    }

    /// A job was submitted; it waits for `unmet` of other jobs.
    pub fn job_submitted(&mut self, job: &Job, unmet: Vec<Dependency>) {
        self.job_found(job, job.spec.payload_bytes(), unmet, Vec::new());
    }

    /// A job is there that was submitted before this center started, with the tasks that are to be tried again.
    pub fn job_found(
        &mut self,
        job: &Job,
        payload_bytes: u64,
        unmet: Vec<Dependency>,
        retries: Vec<(u32, u32)>,
    ) {
        let id = job.id;
        self.put_job(job, payload_bytes);
        for dependency in &unmet {
            self.waited_for.entry(dependency.job).or_default().insert(id);
        }
        if let Some(known) = self.jobs.get_mut(&id) {
            known.unmet = unmet;
            known.retries = retries;
        }
    }

    /// A job is to stop, or ended. Gives the jobs that can never run now.
    pub fn job_changed(&mut self, job: &Arc<Job>) -> Vec<JobId> {
        self.set_job(job);
        self.settle_dependents(job)
    }

    /// Tasks that were to be tried again were cancelled.
    pub fn retries_dropped(&mut self, id: JobId, tasks: &[u32]) {
        if let Some(known) = self.jobs.get_mut(&id) {
            known.retries.retain(|(task, _)| !tasks.contains(task));
        }
    }

    /// The planner is to be told of a job again: its start was not carried out.
    pub fn job_not_started(&mut self, id: JobId) {
        self.touched.jobs.insert(id);
    }

    /// Takes in a job as it is after a change; drops it if it has ended.
    pub(super) fn set_job(&mut self, job: &Job) {
        let known = self.jobs.get(&job.id).map(|known| known.payload_bytes);
        self.put_job(job, known.unwrap_or_else(|| job.spec.payload_bytes()));
    }

    fn put_job(&mut self, job: &Job, payload_bytes: u64) {
        let id = job.id;
        self.touched.jobs.insert(id);
        let old = self.jobs.remove(&id);
        let waited = old.as_ref().map_or(0, |old| waiting_bytes(&old.job, old.payload_bytes));
        let waiting = self.waiting_bytes.entry(job.tenant).or_default();
        *waiting = (*waiting - waited) + waiting_bytes(job, payload_bytes);
        let active = self.active_jobs.entry(job.tenant).or_default();
        if job.state.has_ended() {
            *active -= u32::from(old.is_some());
            return;
        }
        *active += u32::from(old.is_none());
        let (unmet, retries) = old.map(|old| (old.unmet, old.retries)).unwrap_or_default();
        let models = job.spec.card_models().map(Into::into).collect();
        let labels = job.spec.labels.iter().map(|label| label.as_str().into()).collect();
        let time_limit = job.spec.time_limit_ms.unwrap_or(self.default_time_limit);
        let job = Arc::new(job.outline());
        self.jobs.insert(id, LiveJob { job, payload_bytes, models, labels, time_limit, unmet, retries });
    }

    /// Crosses off dependencies on `job` that have come about. Gives the jobs that can never run now that it stands as
    /// it does.
    pub(super) fn settle_dependents(&mut self, job: &Job) -> Vec<JobId> {
        let Some(dependents) = self.waited_for.get(&job.id).cloned() else { return Vec::new() };
        let mut hopeless = Vec::new();
        for id in dependents {
            let Some(dependent) = self.jobs.get_mut(&id) else { continue };
            let mut is_hopeless = false;
            self.touched.jobs.insert(id);
            dependent.unmet.retain(|dependency| {
                if dependency.job != job.id {
                    return true;
                }
                match fate(dependency.when, job.state, job.tasks) {
                    Fate::Open => true,
                    Fate::Met => false,
                    Fate::Never => {
                        is_hopeless = true;
                        true
                    }
                }
            });
            if is_hopeless {
                hopeless.push(id);
            }
        }
        if job.state.has_ended() {
            self.waited_for.remove(&job.id);
        }
        hopeless
    }
}

/// The bytes that a job keeps on the disk until no task of it waits.
fn waiting_bytes(job: &Job, payload_bytes: u64) -> u64 {
    let waits = job.tasks.waiting() > 0 && !job.state.has_ended();
    if waits { payload_bytes } else { 0 }
}

/// How a dependency stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Open,
    Met,
    Never,
}

/// Whether a job in `state` is what `when` asks for, may still be, or can't be any more.
pub fn fate(when: DependencyKind, state: JobState, tasks: Tasks) -> Fate {
    let JobState::Ended { outcome, .. } = state else {
        let has_begun = tasks.have_begun();
        return if when == DependencyKind::Started && has_begun { Fate::Met } else { Fate::Open };
    };
    let is_met = match when {
        DependencyKind::Started | DependencyKind::Ended => true,
        DependencyKind::Succeeded => outcome == JobOutcome::Succeeded,
        DependencyKind::Failed => outcome != JobOutcome::Succeeded,
    };
    if is_met { Fate::Met } else { Fate::Never }
}

/// A job as it waits by itself, if tasks of it do.
fn waiting(live: &LiveJob) -> Option<Waiting> {
    let job = &live.job;
    if job.tasks.waiting() == 0 || matches!(job.state, JobState::Stopping { .. } | JobState::Ended { .. }) {
        return None;
    }
    let tasks = job.startable();
    let block = match (live.unmet.first(), &job.spec.array) {
        (Some(first), _) => Some(Block::Dependency {
            waits_for: u32::try_from(live.unmet.len()).unwrap_or(u32::MAX),
            first: first.job,
        }),
        (None, Some(array)) if tasks == 0 => Some(Block::ArrayLimit {
            running: job.tasks.running,
            limit: array.max_running.unwrap_or(u32::MAX),
        }),
        _ => None,
    };
    Some(Waiting {
        job: job.id,
        queue: job.contract,
        class: job.spec.service_class,
        nodes: job.spec.nodes,
        max_nodes: job.spec.most_nodes(),
        cards_per_node: job.spec.cards_per_node,
        is_exclusive: job.spec.exclusive,
        models: live.models.clone(),
        labels: live.labels.clone(),
        time_limit: live.time_limit,
        submitted_at: job.submitted_at,
        tasks,
        block,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_of_waiting_jobs_are_counted_and_not_kept() {
        let mut live = crate::live::fixtures::hall();
        let (run, job) = crate::live::fixtures::run(1, 1);
        let mut spec = job.spec.clone();
        (spec.script, spec.comment) = ("x".repeat(1000), "y".into());
        spec.env.insert("A".into(), "z".repeat(500));
        let bytes = spec.payload_bytes();
        assert!((1501..1600).contains(&bytes), "{bytes}");
        let mut job =
            Job::new(job.id, job.tenant, job.project, job.contract, job.submitted_by, job.submitted_at, spec);
        let waiting = |live: &Live| live.waiting_bytes_of(run.tenant);
        live.job_submitted(&job, Vec::new());
        assert_eq!(waiting(&live), bytes);
        let known = live.job(job.id).expect("it waits").job.clone();
        assert_eq!(known.spec, job.spec.outline());
        assert!(known.spec.script.is_empty() && known.spec.env.is_empty());
        // With an outline alone, as after a start of the center, it counts the same.
        live.job_changed(&Arc::new(job.outline()));
        assert_eq!(waiting(&live), bytes);
        job.start_task(false).expect("a task waits");
        live.job_changed(&Arc::new(job.clone()));
        assert_eq!(waiting(&live), 0, "its run has it");
        job.stop(domain::run::StopCause::Cancelled, Timestamp::default()).expect("it goes on");
        live.job_changed(&Arc::new(job));
        assert_eq!(waiting(&live), 0);
    }

    #[test]
    fn what_is_waited_for_comes_about_or_can_not() {
        use DependencyKind as K;
        let ended = |outcome| JobState::Ended { at: Timestamp::default(), outcome };
        let (waits, begun) = (Tasks::new(1), Tasks { next: 1, to_retry: 1, ..Tasks::new(1) });
        let states = [
            (JobState::Queued, waits),
            // It was preempted, and waits again.
            (JobState::Queued, begun),
            (JobState::Running, begun),
            (ended(JobOutcome::Succeeded), begun),
            (ended(JobOutcome::Cancelled), waits),
        ];
        for (when, want) in [
            (K::Started, [Fate::Open, Fate::Met, Fate::Met, Fate::Met, Fate::Met]),
            (K::Ended, [Fate::Open, Fate::Open, Fate::Open, Fate::Met, Fate::Met]),
            (K::Succeeded, [Fate::Open, Fate::Open, Fate::Open, Fate::Met, Fate::Never]),
            (K::Failed, [Fate::Open, Fate::Open, Fate::Open, Fate::Never, Fate::Met]),
        ] {
            assert_eq!(states.map(|(state, tasks)| fate(when, state, tasks)), want, "{when:?}");
        }
    }
}
