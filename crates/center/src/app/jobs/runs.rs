//! Lists of a job's runs.

use std::collections::BTreeSet;

use domain::{
    RunId, RunStatus,
    problem::{Wrong, field},
    reason::RunEnd,
    spec::ArraySpec,
};
use serde::Deserialize;
use store::{digits, recent, runs, runs::of_job};

use super::{
    RunView,
    listing::run_view,
    named::{self, JobName, read_digits},
    run_end::run_end,
    visible,
};
use crate::{actions, center::Center};
use base::{
    auth::Caller,
    error::AppError,
    listing::{Listing, MAX_PAGE, Total},
    params,
};

/// Which runs of a job to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RunQuery {
    /// A state or several, with commas between them; `failed` is also how those ended that were ended by a signal, took too
    /// long, or could not be started.
    pub state: Option<String>,
    /// The index of a task.
    pub task: Option<u32>,
    /// `newest` first (where left out), `oldest` first, or `failed_first`.
    #[param(inline, value_type = Option<RunOrder>)]
    pub order: Option<String>,
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// Also say how many there are on all pages.
    pub total: Option<bool>,
}

domain::codes! {
    /// The order of a list of runs.
    #[derive(Default)]
    pub enum RunOrder {
        #[default]
        Newest = "newest",
        /// By a cursor that is the id of any run, so that a list can be followed.
        Oldest = "oldest",
        FailedFirst = "failed_first",
    }
}

/// A job's runs, or those of a task: the newest first, or those that failed.
pub async fn list_runs(
    center: &Center,
    caller: &Caller,
    name: &JobName,
    query: RunQuery,
) -> Result<Listing<RunView>, AppError> {
    let id = visible(center, caller, name.id, actions::READ_JOB).await?.id;
    let limit = params::page_limit(query.limit)?;
    let states = states(query.state.as_deref())?;
    let order = query.order.as_deref().filter(|order| !order.is_empty());
    let known = RunOrder::ALL.map(RunOrder::code);
    let order =
        order.map(|order| params::word(field::ORDER, order, RunOrder::from_code, &known)).transpose()?;
    let order = order.unwrap_or_default();
    let task = match (name.one_task()?, query.task) {
        (Some(task), None) | (None, Some(task)) => Some(task),
        (None, None) => None,
        (Some(_), Some(_)) => {
            return Err(AppError::invalid(field::TASK, Wrong::NotBeside { other: field::ID }));
        }
    };
    // A task has few runs, which are never ordered by their states.
    let by_state = task.is_none() && (order == RunOrder::FailedFirst || !states.is_empty());
    let (cursor, with_total) = (query.cursor, query.total == Some(true));
    let after = if by_state { None } else { params::parse_cursor::<RunId>(cursor.as_deref())? };
    let place = cursor.as_deref().filter(|text| by_state && !text.is_empty());
    let place = place.map(str::parse::<of_job::Place>).transpose();
    let place = place.map_err(|()| AppError::invalid(field::CURSOR, Wrong::NotACursor))?;
    let (page, job) = center
        .try_read(move |tx| {
            let job = store::jobs::get_job(tx, id)?;
            let mut page = if let Some(task) = task {
                let rows = of_job::of_task(tx, id, named::position(&job, task)?, MAX_PAGE)?;
                let is_behind = |id: RunId| match order {
                    RunOrder::Oldest => after.is_none_or(|after| id > after),
                    RunOrder::Newest | RunOrder::FailedFirst => after.is_none_or(|after| id < after),
                };
                let is_wanted =
                    |row: &runs::RunRow| states.is_empty() || states.contains(&row.run.state.status());
                let and_more = rows.len() >= MAX_PAGE as usize;
                let mut rows: Vec<_> = rows.into_iter().filter(is_wanted).collect();
                if order == RunOrder::Oldest {
                    rows.reverse();
                }
                let total = Total { count: rows.len() as u64, and_more };
                rows.retain(|row| is_behind(row.run.id));
                Listing { total: Some(total), ..Listing::cut(rows, limit, |row| row.run.id.to_string()) }
            } else if by_state {
                let (rows, next) = of_job::by_state(tx, id, &states, place, limit)?;
                Listing { items: rows, next_cursor: next.map(|place| place.to_string()), total: None }
            } else {
                let rows = match order {
                    RunOrder::Oldest => runs::list_runs(tx, id, after, limit + 1)?,
                    RunOrder::Newest | RunOrder::FailedFirst => {
                        recent::runs_before(tx, id, after, limit + 1)?
                    }
                };
                Listing::cut(rows, limit, |row| row.run.id.to_string())
            };
            if with_total && page.total.is_none() {
                let (count, and_more) = of_job::count(tx, id, &states)?;
                page.total = Some(Total { count, and_more });
            }
            page.total = page.total.filter(|_| with_total);
            let Listing { items, next_cursor, total } = page;
            let with_end = |row: runs::RunRow| Ok::<_, AppError>((run_end(tx, &row)?, row));
            let items = items.into_iter().map(with_end).collect::<Result<Vec<_>, _>>()?;
            let page = Listing { items, next_cursor, total };
            Ok((page, job))
        })
        .await?;
    let live = center.live();
    Ok(page.map(|(end, row)| run_view(center, &live, &row, job.spec.array.as_ref(), end.as_ref())))
}

/// The states of a list of words; none where nothing is said.
fn states(text: Option<&str>) -> Result<BTreeSet<RunStatus>, AppError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(BTreeSet::new()) };
    let known: Vec<&str> = RunStatus::ALL.map(RunStatus::code).into();
    let named = |word: &str| match RunStatus::from_code(word)? {
        // As a job that failed: which way is told of each.
        RunStatus::Failed => {
            Some(vec![RunStatus::Failed, RunStatus::Signaled, RunStatus::TimedOut, RunStatus::FailedToStart])
        }
        state => Some(vec![state]),
    };
    let read = text.split(',').map(|word| params::word(field::STATE, word.trim(), named, &known));
    Ok(read.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Which runs to find.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DigitsQuery {
    /// Digits from the beginning or the end of a run's id, four at least.
    #[param(pattern = "^(run_)?[0-9A-Fa-f]{4,32}$")]
    pub id: String,
}

/// The runs that the caller may see whose ids begin or end with some digits: ten at most.
pub async fn runs_by_digits(
    center: &Center,
    caller: &Caller,
    text: &str,
) -> Result<Listing<RunView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_JOB, scope)?;
    let digits = read_digits(text, RunId::PREFIX)?.to_owned();
    let rows = center
        .read(move |tx| {
            let ids = digits::find_runs(tx, scope, &digits, super::MOST_BY_DIGITS)?;
            let with_array = |id: &RunId| {
                let row = runs::get_run(tx, *id)?;
                let array = store::jobs::get_job(tx, row.run.job)?.spec.array;
                Ok((run_end(tx, &row)?, row, array))
            };
            ids.iter().map(with_array).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let live = center.live();
    let view = |(end, row, array): &(Option<RunEnd>, runs::RunRow, Option<ArraySpec>)| {
        run_view(center, &live, row, array.as_ref(), end.as_ref())
    };
    Ok(Listing { items: rows.iter().map(view).collect(), next_cursor: None, total: None })
}
