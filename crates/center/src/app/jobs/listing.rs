//! Lists and views of jobs and their runs.

use std::collections::{BTreeMap, HashMap};

use domain::{
    CardMs, ContractId, Job, JobId, JobSpec, JobState, JobStatus, MicroCny, PriceBookId, RatePerCardHour,
    Rfc3339, RunId, RunStatus, ServiceClass, TenantDomain, TenantId, Zone,
    job::{JobOutcome, Tasks},
    problem::field,
    reason::{JobCause, JobEnd, RunEnd},
    run::StopCause,
};
use scheduler::Limit;
use serde::{Deserialize, Serialize};
use store::{StoreError, Tx, jobs, reasons, recent, runs::RunRow, tenants};

use super::{
    PlaceView,
    awaited::{found, ruled_out_by},
    dry_run::Quote,
    places,
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
    listing::Listing,
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
}

/// A job with all that was asked for.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct JobDetail {
    #[serde(flatten)]
    pub job: JobView,
    pub spec: JobSpec,
    pub time_limit_ms: i64,
    /// The most that it can cost with the cards and at the rate of its newest run, as a dry run tells it; `null` where no
    /// run of it began, and where it was handed to Slurm directly.
    pub most_micro_cny: Option<MicroCny>,
    /// Of its newest run; `null` where no process ended by itself.
    pub exit_code: Option<i32>,
    /// Where it was handed to Slurm directly; `null` for what was asked for here.
    pub direct: Option<DirectView>,
}

/// Which job of Slurm's it is. Its script and its output are its user's; the center has neither.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct DirectView {
    pub number: u32,
    pub user: String,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct JobQuery {
    /// A state, or `active` for all that have not ended.
    pub state: Option<String>,
    /// A project's short name.
    pub project: Option<String>,
    /// A tenant's short name; for the center's people.
    pub tenant: Option<String>,
    /// `research`, `enterprise` or `government`; for the center's people.
    #[param(inline, value_type = Option<TenantDomain>)]
    pub domain: Option<String>,
    /// Part of a name.
    pub name: Option<String>,
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

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
    let asked = Asked::of(scope, query)?;
    let for_read = center.clone();
    let (rows, next) = center
        .try_read(move |tx| {
            let Some(filter) = asked.filter(tx)? else { return Ok((Vec::new(), None)) };
            let (rows, next) = if filter.state.as_deref() == Some("active") {
                let mut ids = active(&for_read.live(), &filter, after, limit as usize + 1);
                let has_more = ids.len() > limit as usize;
                ids.truncate(limit as usize);
                let next = ids.last().copied().filter(|_| has_more);
                (ids.into_iter().map(|id| jobs::get_row(tx, id)).collect::<Result<_, _>>()?, next)
            } else {
                let page = jobs::page_jobs(tx, &filter, after, limit)?;
                (page.rows, page.next)
            };
            let mut names = Names::of(tx);
            let rows = rows.into_iter().map(|row| named(tx, &mut names, row));
            Ok((rows.collect::<Result<Vec<_>, AppError>>()?, next))
        })
        .await?;
    let mut verdicts = verdicts(center, rows.iter().map(|named| named.row.id));
    let live = center.live();
    let items = rows.into_iter().map(|named| {
        let verdict = verdicts.remove(&named.row.id);
        row_view(&live, named, verdict, center.settings.time_zone)
    });
    let items = items.collect();
    Ok(Listing { items, next_cursor: next.map(|id| id.to_string()) })
}

/// How many of the caller's jobs are in each state, those that have ended too.
pub async fn count_by_state(center: &Center, caller: &Caller) -> Result<BTreeMap<JobStatus, u64>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_JOB, scope)?;
    center.read(move |tx| jobs::count_by_state(tx, scope)).await
}

/// Jobs that have not ended, newest first: those are at hand.
fn active(live: &Live, filter: &jobs::JobFilter, after: Option<JobId>, most: usize) -> Vec<JobId> {
    let wanted_name = filter.name_contains.as_ref().map(|name| name.to_lowercase());
    let matches = |job: &Job| {
        filter.tenant.is_none_or(|tenant| tenant == job.tenant)
            && filter.project.is_none_or(|project| project == job.project)
            && wanted_name.as_ref().is_none_or(|name| job.spec.name.to_lowercase().contains(name))
            && filter
                .domain
                .is_none_or(|domain| live.tenant(job.tenant).is_some_and(|tenant| tenant.domain == domain))
    };
    let newest_first = live.jobs().rev().map(|known| &known.job);
    let older = newest_first.filter(|job| after.is_none_or(|after| job.id < after));
    older.filter(|job| matches(job)).map(|job| job.id).take(most).collect()
}

/// A query whose words are read, before its short names are looked up.
struct Asked {
    /// Whose jobs the caller may see.
    scope: Option<TenantId>,
    tenant: Option<String>,
    project: Option<String>,
    filter: jobs::JobFilter,
}

impl Asked {
    fn of(scope: Option<TenantId>, query: JobQuery) -> Result<Self, AppError> {
        let states: Vec<&str> = ["active"].into_iter().chain(JobStatus::ALL.map(JobStatus::code)).collect();
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let state = given(query.state)
            .map(|text| {
                params::word(field::STATE, &text, |t| states.iter().find(|s| **s == t).copied(), &states)
            })
            .transpose()?;
        let domain = given(query.domain)
            .map(|text| {
                let known = TenantDomain::ALL.map(TenantDomain::code);
                params::word(field::DOMAIN, &text, TenantDomain::from_code, &known)
            })
            .transpose()?;
        let filter = jobs::JobFilter {
            tenant: scope,
            state: state.map(str::to_owned),
            name_contains: given(query.name),
            domain,
            ..jobs::JobFilter::default()
        };
        Ok(Self { scope, tenant: given(query.tenant), project: given(query.project), filter })
    }

    /// `None` if nothing can match.
    fn filter(self, tx: &Tx) -> Result<Option<jobs::JobFilter>, StoreError> {
        let Self { scope, tenant, project, mut filter } = self;
        if let Some(slug) = tenant {
            let found = tenants::find_tenant(tx, &slug)?;
            match found.filter(|found| scope.is_none_or(|own| own == found.id)) {
                Some(found) => filter.tenant = Some(found.id),
                None => return Ok(None),
            }
        }
        if let Some(slug) = project {
            let found = if let Some(tenant) = filter.tenant {
                tenants::find_project(tx, tenant, &slug)?
            } else {
                let all = tenants::list_projects(tx, None)?.into_iter();
                all.filter(|project| project.slug == slug).min_by_key(|project| project.id)
            };
            match found {
                Some(found) => filter.project = Some(found.id),
                None => return Ok(None),
            }
        }
        Ok(Some(filter))
    }
}

/// Why the jobs wait that do. Asked before what is live is looked at: the planner is never waited for while that is held.
fn verdicts(center: &Center, ids: impl Iterator<Item = JobId>) -> HashMap<JobId, VerdictView> {
    let zone = center.settings.time_zone;
    let (mut known, mut unknown) = (HashMap::new(), Vec::new());
    {
        let mut planner = center.compute.planner();
        for id in ids {
            match planner.verdict(id) {
                Some(verdict) => _ = known.insert(id, VerdictView::of(&verdict, zone)),
                None => unknown.push(id),
            }
        }
    }
    let live = center.live();
    // What changed since the last plan, such as an array that runs as many tasks as it may.
    let unplanned = unknown
        .into_iter()
        .filter_map(|id| Some((id, VerdictView::unplanned(&live.waits_unplanned(id)?, zone))));
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

fn row_view(live: &Live, named: Named, verdict: Option<VerdictView>, zone: &Zone) -> JobView {
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

/// One job with all that was asked for.
pub async fn show(center: &Center, caller: &Caller, id: JobId) -> Result<JobDetail, AppError> {
    let row = visible(center, caller, id, actions::READ_JOB).await?;
    let (mut named, job, latest) = center
        .try_read(move |tx| {
            let named = named(tx, &mut Names::of(tx), row)?;
            Ok((named, jobs::get_job(tx, id)?, recent::latest_run(tx, id)?))
        })
        .await?;
    let direct = named.direct.take();
    let verdict = verdict(center, id);
    let run = latest.as_ref().map(|row| &row.run).filter(|_| direct.is_none());
    let quote = run.map(|run| Quote::of(&center.settings, &job.spec, run.placement.card_count(), run.rate));
    Ok(JobDetail {
        time_limit_ms: center.settings.time_limit(&job.spec).0,
        most_micro_cny: quote.map(|quote| quote.most_micro_cny),
        spec: job.spec,
        job: row_view(&center.live(), named, verdict, center.settings.time_zone),
        exit_code: latest.and_then(|row| row.run.state.outcome()).and_then(domain::Outcome::exit_code),
        direct,
    })
}

/// Why a job waits; refused, with how it stands, if it doesn't.
pub async fn why(center: &Center, caller: &Caller, id: JobId) -> Result<VerdictView, AppError> {
    let row = visible(center, caller, id, actions::READ_JOB).await?;
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
    let reason = ReasonView::of_job(&JobEnd { outcome, tasks, cause }, center.settings.time_zone);
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
}

/// A job's runs, newest first.
pub async fn list_runs(
    center: &Center,
    caller: &Caller,
    id: JobId,
    cursor: Option<&str>,
    limit: Option<u32>,
) -> Result<Listing<RunView>, AppError> {
    visible(center, caller, id, actions::READ_JOB).await?;
    let after = params::parse_cursor::<RunId>(cursor)?;
    let limit = params::page_limit(limit)?;
    let (rows, job) = center
        .read(move |tx| {
            let rows = recent::runs_before(tx, id, after, limit + 1)?.into_iter();
            let rows =
                rows.map(|row| Ok((run_end(tx, &row)?, row))).collect::<Result<Vec<_>, StoreError>>()?;
            Ok((rows, jobs::get_job(tx, id)?))
        })
        .await?;
    let page = Listing::cut(rows, limit, |(_, row)| row.run.id.to_string());
    let live = center.live();
    let (array, zone) = (job.spec.array, center.settings.time_zone);
    Ok(page.map(|(end, row)| run_view(&live, &row, array.as_ref(), end.as_ref(), zone)))
}

/// Why a run ended as it did; `None` for one that has not.
pub fn run_end(tx: &Tx, row: &RunRow) -> Result<Option<RunEnd>, StoreError> {
    let Some(outcome) = row.run.state.outcome() else { return Ok(None) };
    let kept = if outcome.is_success() { None } else { reasons::find_of_run(tx, row.run.id)? };
    Ok(Some(kept.unwrap_or_else(|| RunEnd::plain(outcome))))
}

pub fn run_view(
    live: &Live,
    row: &RunRow,
    array: Option<&domain::spec::ArraySpec>,
    end: Option<&RunEnd>,
    zone: &Zone,
) -> RunView {
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
        exit_code: run.state.outcome().and_then(domain::Outcome::exit_code),
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
    }
}
