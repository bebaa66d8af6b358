//! Jobs and tasks of them, as a request names them: `job_…`, `job_…_7`, `job_…_[3-9]`.

use domain::{
    Job, JobId, JobStatus, RunId, Zone,
    job::{
        Positions,
        task::{self, Indices},
    },
    problem::{Wrong, field},
};
use serde::Serialize;
use store::{Tx, digits, jobs, runs::of_job};

use super::run_end::run_end;
use crate::reason::ReasonView;
use base::{error::AppError, params};

/// A job, or tasks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobName {
    pub id: JobId,
    pub tasks: Option<Indices>,
}

impl From<JobId> for JobName {
    fn from(id: JobId) -> Self {
        Self { id, tasks: None }
    }
}

impl std::fmt::Display for JobName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.tasks {
            Some(tasks) => write!(f, "{}_{tasks}", self.id),
            None => write!(f, "{}", self.id),
        }
    }
}

impl JobName {
    /// What names no job is not found.
    pub fn parse(text: &str) -> Result<Self, AppError> {
        let named = task::parse(text).map_err(|_| AppError::not_found("task", text))?;
        Ok(Self { id: params::id(named.job, "job")?, tasks: named.tasks })
    }

    /// The job alone, where a task has no meaning.
    pub fn whole(&self) -> Result<JobId, AppError> {
        if self.tasks.is_some() { Err(AppError::not_found("job", self)) } else { Ok(self.id) }
    }

    /// The index of the task that is meant; `None` where the whole job is. Several are not found as one.
    pub fn one_task(&self) -> Result<Option<u32>, AppError> {
        let Some(tasks) = &self.tasks else { return Ok(None) };
        tasks.only().map(Some).ok_or_else(|| AppError::not_found("task", self))
    }

    /// The positions of the tasks that are meant; not found if the job has none of them.
    pub fn positions(&self, job: &Job) -> Result<Option<Positions>, AppError> {
        let Some(tasks) = &self.tasks else { return Ok(None) };
        let positions = tasks.positions(job.spec.array.as_ref());
        if positions.is_empty() { Err(AppError::not_found("task", self)) } else { Ok(Some(positions)) }
    }
}

/// The position of the task with this index.
pub fn position(job: &Job, index: u32) -> Result<u32, AppError> {
    let index = Indices::one(index);
    let first = index.positions(job.spec.array.as_ref()).ranges().first().map(|(first, _)| *first);
    first.ok_or_else(|| AppError::not_found("task", JobName { id: job.id, tasks: Some(index) }))
}

/// One task of a job.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TaskView {
    /// The index in the array; 0 for a job that is no array.
    pub index: u32,
    /// As that of a job which has no other task.
    pub state: JobStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// Its newest run.
    pub run: Option<RunId>,
    /// Of that run; `null` where no process ended by itself.
    pub exit_code: Option<i32>,
    /// Why that run ended as it did, once the task has ended.
    pub reason: Option<ReasonView>,
}

pub fn view(tx: &Tx, job: &Job, index: u32, zone: &Zone) -> Result<TaskView, AppError> {
    let position = position(job, index)?;
    let latest = of_job::of_task(tx, job.id, position, 1)?.pop();
    let end = latest.as_ref().map(|row| run_end(tx, row)).transpose()?.flatten();
    let latest = latest.map(|row| row.run);
    let is_to_retry = job.tasks.to_retry > 0
        && jobs::list_retries(tx, job.id)?.into_iter().any(|(task, _)| task == position);
    let state = task::status(job, position, latest.as_ref(), is_to_retry);
    Ok(TaskView {
        index,
        state,
        reason: end.filter(|_| state.has_ended()).map(|end| ReasonView::of_run(&end, zone)),
        attempts: latest.as_ref().map_or(0, |run| run.attempt),
        run: latest.as_ref().map(|run| run.id),
        exit_code: latest.and_then(|run| run.state.outcome()).and_then(domain::Outcome::exit_code),
    })
}

/// Digits from the beginning or the end of an id, with its prefix or without.
pub fn read_digits<'a>(text: &'a str, prefix: &str) -> Result<&'a str, AppError> {
    let digits = text.strip_prefix(prefix).unwrap_or(text);
    let is_part = (digits::FEWEST..=32).contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let wrong = || {
        let least = digits::FEWEST;
        AppError::invalid(field::ID, Wrong::NoPartOfAnId { given: text.chars().take(80).collect(), least })
    };
    is_part.then_some(digits).ok_or_else(wrong)
}
