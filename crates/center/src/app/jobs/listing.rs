//! Lists and views of jobs and their runs.

use std::collections::{BTreeMap, HashMap};

use domain::{
    BudgetId, CardMs, ContractId, JobId, JobSpec, JobState, JobStatus, MicroCny, Outcome, PriceBookId,
    RatePerCardHour, Rfc3339, RunId, RunStatus, ServiceClass, TenantId,
    budget::UsedUp,
    job::{JobOutcome, Tasks},
    problem::{Wrong, field},
    reason::{JobCause, JobEnd, RunEnd},
    run::StopCause,
};
use scheduler::Limit;
use serde::Serialize;
use store::{
    Tx, digits, jobs, reasons, recent,
    runs::{RunRow, of_job},
};

use super::{
    PlaceView,
    awaited::{found, ruled_out_by},
    dry_run::Quote,
    named::{self, JobName, TaskView, read_digits},
    places,
    sorting::{self, Order},
    wanted::{Asked, JobQuery, JobsWanted},
};
use crate::{
    actions,
    app::{direct, verdict::VerdictView},
    center::Center,
    live::{By, Live, Use},
    reason::ReasonView,
};
use base::{
    auth::{Action, Caller},
    error::AppError,
    listing::{Listing, Total},
    lookup::{Names, TenantName},
    moment, params,
    refusal::Refused,
};

/// A job as a list shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct JobView {
    pub id: JobId,
    pub name: String,
    pub tenant: TenantId,
    pub tenant_slug: String,
    /// For pages.
    #[serde(skip)]
    pub owner: TenantName,
    /// The project's short name.
    pub project: String,
    /// The contract's number.
    pub contract: String,
    /// For pages, which link to the contract.
    #[serde(skip)]
    pub contract_id: ContractId,
    /// `queued`, `running`, `stopping`, or how it ended.
    pub state: JobStatus,
    pub nodes: u32,
    pub cards_per_node: u32,
    pub service_class: ServiceClass,
    pub tasks: Tasks,
    pub submitted_at: Rfc3339,
    /// A member's login; the user in Slurm where it was handed to Slurm directly.
    pub submitted_by: String,
    pub started_at: Option<Rfc3339>,
    pub ended_at: Option<Rfc3339>,
    /// Use up to now counted.
    pub used_card_ms: CardMs,
    pub charge_micro_cny: MicroCny,
    /// Why it waits, where tasks of it wait.
    pub verdict: Option<VerdictView>,
    /// Why it ended as it did, once it has.
    pub reason: Option<ReasonView>,
    /// It is of a demo's generated past, and never happened.
    pub is_generated: bool,
}

/// A job with all that was asked for.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct JobDetail {
    #[serde(flatten)]
    pub job: JobView,
    /// Without script, arguments, environment and comment for those who may not read them.
    pub spec: JobSpec,
    pub time_limit_ms: i64,
    /// The most that it can cost with the cards and at the rate of its newest run, as a dry run tells it; `null` where no
    /// run of it began, and where it was handed to Slurm directly.
    pub most_micro_cny: Option<MicroCny>,
    /// Of its newest run; `null` where no process ended by itself. Of an array: that of the first of its tasks that failed,
    /// in the order of their indices. Of a task, where one is named.
    pub exit_code: Option<i32>,
    /// The index of the first task of an array that failed.
    pub first_failed_task: Option<u32>,
    /// The task that was named (`JOB_7`).
    pub task: Option<TaskView>,
    /// Where it was handed to Slurm directly; `null` for what was asked for here.
    pub direct: Option<DirectView>,
}

/// Which job of Slurm's it is. Its script and its output are its user's; the center has neither.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct DirectView {
    pub number: u32,
    pub user: String,
}

/// How many jobs or runs are told at most of those that are found by some digits.
pub const MOST_BY_DIGITS: usize = 10;

/// A row of a list, with the names of the things in it.
struct Named {
    row: jobs::JobRow,
    owner: TenantName,
    project: String,
    submitted_by: String,
    direct: Option<DirectView>,
    cause: Option<JobCause>,
}

fn named(tx: &Tx, names: &mut Names<'_>, row: jobs::JobRow) -> Result<Named, AppError> {
    let (owner, project) = (names.tenant(row.tenant)?, names.project(row.project)?);
    let seen = store::direct::find(tx, row.id)?.map(|seen| direct::read(row.id, &seen)).transpose()?;
    let direct = seen.map(|seen| DirectView { number: seen.number, user: seen.user });
    let submitted_by = match &direct {
        Some(direct) => direct.user.clone(),
        None => names.login(row.submitted_by)?,
    };
    let cause = cause(tx, &row)?;
    Ok(Named { row, owner, project, submitted_by, direct, cause })
}

/// Why a job ended, where its state alone does not tell.
fn cause(tx: &Tx, row: &jobs::JobRow) -> Result<Option<JobCause>, AppError> {
    let JobState::Ended { outcome, .. } = row.state else { return Ok(None) };
    if outcome == JobOutcome::Succeeded {
        return Ok(None);
    }
    match reasons::find_of_job(tx, row.id)? {
        // It ended before reasons were kept.
        None if outcome == JobOutcome::NeverRan => Ok(ruled_out_by(tx, &jobs::get_job(tx, row.id)?)?),
        kept => Ok(kept),
    }
}

/// Jobs, newest first.
pub async fn list(center: &Center, caller: &Caller, query: JobQuery) -> Result<Listing<JobView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_JOB, scope)?;
    let after = params::parse_cursor::<JobId>(query.cursor.as_deref())?;
    let limit = params::page_limit(query.limit)?;
    let with_total = query.total == Some(true);
    let order = Order::read(query.sort.as_deref())?;
    let digits = query.id.as_deref().filter(|text| !text.is_empty());
    let digits = digits.map(|text| read_digits(text, JobId::PREFIX).map(str::to_owned)).transpose()?;
    let wanted = query.wanted();
    if digits.is_some() && wanted != JobsWanted::default() {
        return Err(AppError::invalid(field::ID, Wrong::NotBeside { other: field::WHICH }));
    }
    let asked = Asked::of(caller, center.settings.time_zone, wanted)?;
    let now = moment::now();
    let (rows, next, total) = center
        .try_read(move |tx| {
            if let Some(digits) = digits {
                let ids = digits::find_jobs(tx, scope, &digits, MOST_BY_DIGITS)?;
                let mut names = Names::of(tx);
                let rows = ids.into_iter().map(|id| named(tx, &mut names, jobs::get_row(tx, id)?));
                return Ok((rows.collect::<Result<Vec<_>, AppError>>()?, None, None));
            }
            let filter = asked.filter(tx)?;
            let page = sorting::page(tx, &filter, order, now, after, limit)?;
            let total = with_total.then(|| jobs::count_jobs(tx, &filter)).transpose()?;
            let mut names = Names::of(tx);
            let rows = page.rows.into_iter().map(|row| named(tx, &mut names, row));
            Ok((rows.collect::<Result<Vec<_>, AppError>>()?, page.next, total))
        })
        .await?;
    let items = views(center, rows);
    let total = total.map(|total| Total { count: total.jobs, and_more: total.and_more });
    Ok(Listing { items, next_cursor: next.map(|id| id.to_string()), total })
}

/// These jobs, in the same order. Whoever asks has found that the caller may see them.
pub async fn list_of(center: &Center, ids: Vec<JobId>) -> Result<Vec<JobView>, AppError> {
    let rows = center.try_read(move |tx| {
        let mut names = Names::of(tx);
        let rows = ids.into_iter().map(|id| named(tx, &mut names, jobs::get_row(tx, id)?));
        rows.collect::<Result<Vec<_>, AppError>>()
    });
    Ok(views(center, rows.await?))
}

/// How many of the caller's jobs are in each state, those that have ended too.
pub async fn count_by_state(center: &Center, caller: &Caller) -> Result<BTreeMap<JobStatus, u64>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_JOB, scope)?;
    center.read(move |tx| jobs::count_by_state(tx, scope)).await
}

fn views(center: &Center, rows: Vec<Named>) -> Vec<JobView> {
    let mut verdicts = verdicts(center, rows.iter().map(|named| named.row.id));
    let live = center.live();
    let view = |named: Named| {
        let verdict = verdicts.remove(&named.row.id);
        row_view(center, &live, named, verdict)
    };
    rows.into_iter().map(view).collect()
}

/// Why the jobs wait that do. Asked before what is live is looked at: the planner is never waited for while that is held.
fn verdicts(center: &Center, ids: impl Iterator<Item = JobId>) -> HashMap<JobId, VerdictView> {
    let zone = center.settings.time_zone;
    let (mut told, mut unknown) = (Vec::new(), Vec::new());
    {
        let mut planner = center.compute.planner();
        for id in ids {
            match planner.verdict(id) {
                Some(verdict) => told.push((id, verdict)),
                None => unknown.push(id),
            }
        }
    }
    let (live, now) = (center.live(), moment::now());
    // A list has many jobs that wait for few budgets.
    let mut budgets: HashMap<BudgetId, Option<UsedUp>> = HashMap::new();
    let mut stands = |id| budgets.entry(id).or_insert_with(|| live.stands(id, now)).clone();
    let of_planner = told.into_iter().map(|(id, mut verdict)| {
        verdict.limit.tell_budget(&mut stands);
        (id, VerdictView::of(&verdict, zone))
    });
    let mut known: HashMap<JobId, VerdictView> = of_planner.collect();
    // What changed since the last plan, such as an array that runs as many tasks as it may.
    let unplanned = unknown.into_iter().filter_map(|id| {
        let mut limit = live.waits_unplanned(id)?;
        limit.tell_budget(|budget| live.stands(budget, now));
        Some((id, VerdictView::unplanned(&limit, zone)))
    });
    known.extend(unplanned);
    known
}

/// Why one job waits, to be started too.
fn verdict(center: &Center, id: JobId) -> Option<VerdictView> {
    let starting = || {
        let since = center.live().starts_since(id)?;
        Some(VerdictView::unplanned(&Limit::Starting { since }, center.settings.time_zone))
    };
    verdicts(center, std::iter::once(id)).remove(&id).or_else(starting)
}

fn row_view(center: &Center, live: &Live, named: Named, verdict: Option<VerdictView>) -> JobView {
    let (zone, generated) = (center.settings.time_zone, center.generated);
    let Named { row, owner, project, submitted_by, direct: _, cause } = named;
    let reason = match row.state {
        JobState::Ended { outcome, .. } => {
            Some(ReasonView::of_job(&JobEnd { outcome, tasks: row.tasks, cause }, zone))
        }
        _ => None,
    };
    // A row may be ahead of what is live by a commit: the use of a job that has ended is all metered.
    let unmetered =
        if row.state.has_ended() { Use::default() } else { live.unmetered(By::Job(row.id), moment::now()) };
    JobView {
        verdict: verdict.filter(|_| !row.state.has_ended()),
        reason,
        tenant_slug: owner.slug.clone(),
        owner,
        project,
        contract: live.contract(row.contract).map(|c| c.contract.number.clone()).unwrap_or_default(),
        submitted_by,
        contract_id: row.contract,
        id: row.id,
        name: row.name,
        tenant: row.tenant,
        state: row.state.status(),
        nodes: row.nodes,
        cards_per_node: row.cards_per_node,
        service_class: row.class,
        tasks: row.tasks,
        submitted_at: row.submitted_at.into(),
        started_at: row.started_at.map(Rfc3339),
        ended_at: row.ended_at.map(Rfc3339),
        used_card_ms: row.used_card_ms + unmetered.used,
        charge_micro_cny: MicroCny(row.charge_micro_cny.0 + unmetered.charged.0),
        is_generated: generated.is_some_and(|past| past.holds(row.submitted_at)),
    }
}

/// A job that the caller may see; not found otherwise.
pub async fn visible(
    center: &Center,
    caller: &Caller,
    id: JobId,
    action: Action,
) -> Result<jobs::JobRow, AppError> {
    let row = center.read(move |tx| found(jobs::get_row(tx, id))).await?;
    let row = row.filter(|row| caller.sees(row.tenant)).ok_or_else(|| AppError::not_found("job", id))?;
    center.policies.check(caller, action, Some(row.tenant))?;
    Ok(row)
}

/// One job with all that was asked for, and with the task that is named.
pub async fn show(center: &Center, caller: &Caller, name: &JobName) -> Result<JobDetail, AppError> {
    let (id, index, zone) = (name.id, name.one_task()?, center.settings.time_zone);
    let row = visible(center, caller, id, actions::READ_JOB).await?;
    let may_read_script = center.policies.check(caller, actions::READ_SCRIPT, Some(row.tenant)).is_ok();
    let (mut named, mut job, latest, failed, task) = center
        .try_read(move |tx| {
            let named = named(tx, &mut Names::of(tx), row)?;
            let job = jobs::get_job(tx, id)?;
            let is_array = job.spec.array.is_some();
            let failed = if is_array && job.tasks.failed > 0 { of_job::first_failed(tx, id)? } else { None };
            let task = index.map(|index| named::view(tx, &job, index, zone)).transpose()?;
            Ok((named, job, recent::latest_run(tx, id)?, failed, task))
        })
        .await?;
    if !may_read_script {
        let JobSpec { script, args, env, comment, secrets, .. } = &mut job.spec;
        script.clear();
        args.clear();
        env.clear();
        comment.clear();
        secrets.clear();
    }
    let direct = named.direct.take();
    let verdict = verdict(center, id);
    let run = latest.as_ref().map(|row| &row.run).filter(|_| direct.is_none());
    let quote = run.map(|run| Quote::of(&center.settings, &job.spec, run.placement.card_count(), run.rate));
    let exit_code = |row: &RunRow| row.run.state.outcome().and_then(Outcome::exit_code);
    let exit_code = match (&task, &failed) {
        (Some(task), _) => task.exit_code,
        (None, Some(failed)) => exit_code(failed),
        (None, None) if job.spec.array.is_none() => latest.as_ref().and_then(exit_code),
        // Of an array, the code of a task that ended well says nothing of the others.
        (None, None) => (job.state.status() == JobStatus::Succeeded).then_some(0),
    };
    let array = job.spec.array.as_ref();
    Ok(JobDetail {
        first_failed_task: failed.and_then(|row| array?.index(row.run.task)),
        task,
        time_limit_ms: center.settings.time_limit(&job.spec).0,
        most_micro_cny: quote.map(|quote| quote.most_micro_cny),
        spec: job.spec,
        job: row_view(center, &center.live(), named, verdict),
        exit_code,
        direct,
    })
}

/// Why a job or a task waits; refused, with how it stands, if it doesn't.
pub async fn why(center: &Center, caller: &Caller, name: &JobName) -> Result<VerdictView, AppError> {
    let (id, index, zone) = (name.id, name.one_task()?, center.settings.time_zone);
    let row = visible(center, caller, id, actions::READ_JOB).await?;
    if let Some(index) = index {
        let task = center.try_read(move |tx| named::view(tx, &jobs::get_job(tx, id)?, index, zone)).await?;
        if task.state != JobStatus::Queued {
            return Err(Refused::TaskNotWaiting { task: name.to_string(), state: task.state }.into());
        }
    }
    let verdict = verdict(center, id);
    if let Some(verdict) = verdict.filter(|_| !row.state.has_ended()) {
        return Ok(verdict);
    }
    let (state, end) = (row.state.status(), row.state);
    let JobState::Ended { outcome, .. } = end else {
        return Err(Refused::NotWaiting { state, why: None }.into());
    };
    let tasks = row.tasks;
    let cause = center.try_read(move |tx| cause(tx, &row)).await?;
    let reason = ReasonView::of_job(&JobEnd { outcome, tasks, cause }, zone);
    Err(Refused::NotWaiting { state, why: Some(reason.text) }.into())
}

/// A run of a job.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RunView {
    pub id: RunId,
    pub job: JobId,
    /// The index in the array, 0 for a job that is no array.
    pub task: u32,
    pub attempt: u32,
    /// `starting`, `running`, or how it ended.
    pub state: RunStatus,
    pub exit_code: Option<i32>,
    /// Why it ended as it did, once it has.
    pub reason: Option<ReasonView>,
    /// Why it was asked to stop.
    pub stopping: Option<StopCause>,
    pub planned_at: Rfc3339,
    pub started_at: Option<Rfc3339>,
    pub ended_at: Option<Rfc3339>,
    pub elapsed_ms: i64,
    pub places: Vec<PlaceView>,
    pub rate_micro_cny_per_card_hour: RatePerCardHour,
    /// The price book that was in force when it was planned.
    pub price_book: Option<PriceBookId>,
    /// The card time up to its end, or to the notice by which its cards were reclaimed.
    pub used_card_ms: CardMs,
    /// The charge for the run, less the part that is waived.
    pub charge_micro_cny: MicroCny,
    /// The part of the charge that the center waives, as it cut the run short.
    pub waived_micro_cny: MicroCny,
    /// It is of a demo's generated past, and never happened.
    pub is_generated: bool,
}

pub fn run_view(
    center: &Center,
    live: &Live,
    row: &RunRow,
    array: Option<&domain::spec::ArraySpec>,
    end: Option<&RunEnd>,
) -> RunView {
    let zone = center.settings.time_zone;
    let now = moment::now();
    let run = &row.run;
    let (used, charged) = (run.used(now), run.charge(now));
    let waived =
        if run.state.has_ended() { MicroCny(charged.0 - row.metered.charged.0) } else { MicroCny::ZERO };
    RunView {
        id: run.id,
        job: run.job,
        task: array.and_then(|array| array.index(run.task)).unwrap_or(run.task),
        attempt: run.attempt,
        state: run.state.status(),
        exit_code: run.state.outcome().and_then(Outcome::exit_code),
        reason: end.map(|end| ReasonView::of_run(end, zone)),
        stopping: run.state.stop().map(|stop| stop.cause),
        planned_at: run.state.planned_at().into(),
        started_at: run.state.started_at().map(Rfc3339),
        ended_at: run.state.ended_at().map(Rfc3339),
        elapsed_ms: run.elapsed(now).0,
        places: places(live, &run.placement),
        rate_micro_cny_per_card_hour: run.rate,
        price_book: run.price_book,
        used_card_ms: used,
        charge_micro_cny: MicroCny(charged.0 - waived.0),
        waived_micro_cny: waived,
        is_generated: center.generated.is_some_and(|past| past.holds(run.state.planned_at())),
    }
}
