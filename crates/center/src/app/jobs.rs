//! Jobs: submitting, trying out, listing, explaining, cancelling.

use std::sync::Arc;

use domain::{
    CardMs, ContractId, Job, JobId, JobSpec, MicroCny, Millis, Project, RatePerCardHour, RunId, TenantId,
    Timestamp,
    contract::ContractKind,
    job::{JobState, Tasks},
    price,
    run::StopCause,
    spec::{Dependency, SpecProblem},
};
use scheduler::{Limit, Waiting};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{StoreError, Tx, jobs, recent};

use super::{
    Page,
    audit::{self, Change},
    once::Once,
    runs,
    views::{self, VerdictView},
};
use crate::{
    auth::{Action, Caller},
    center::{Center, Shape},
    error::AppError,
    events::{self, About},
    live::{Fate, fate},
    loops::plan,
    moment::{self, new_id},
};

/// A job as a list shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct JobView {
    #[schema(value_type = String)]
    pub id: JobId,
    pub name: String,
    #[schema(value_type = String)]
    pub tenant: TenantId,
    pub tenant_slug: String,
    /// The project's short name.
    pub project: String,
    /// The contract's number.
    pub contract: String,
    /// `queued`, `running`, `stopping`, or how it ended: `succeeded`, `failed`, `timed_out`, `cancelled`, `stopped`,
    /// `never_ran`, `lost`.
    pub state: String,
    pub nodes: u32,
    pub cards_per_node: u32,
    pub service_class: String,
    #[schema(value_type = Object)]
    pub tasks: Tasks,
    /// RFC 3339.
    pub submitted_at: String,
    pub submitted_by: String,
    pub started_at: Option<String>,
    pub ended_at: Option<String>,
    /// Use up to now counted.
    #[schema(value_type = i64)]
    pub used_card_ms: CardMs,
    #[schema(value_type = i64)]
    pub charge_micro_cny: MicroCny,
    /// Why it waits, where tasks of it wait.
    pub verdict: Option<VerdictView>,
}

/// A job with all that was asked for.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct JobDetail {
    #[serde(flatten)]
    pub job: JobView,
    #[schema(value_type = Object)]
    pub spec: JobSpec,
    pub time_limit_ms: i64,
    /// Of its newest run; `null` where no process ended by itself.
    pub exit_code: Option<i32>,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct JobQuery {
    /// A state, or `active` for all that have not ended.
    pub state: Option<String>,
    /// A project's short name.
    pub project: Option<String>,
    /// A tenant's short name; for the center's people.
    pub tenant: Option<String>,
    /// `research`, `enterprise` or `government`; for the center's people.
    pub domain: Option<String>,
    /// Part of a name.
    pub name: Option<String>,
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

/// All that is decided about a job before it is kept.
struct Admitted {
    tenant: TenantId,
    project: Project,
    contract: ContractId,
    spec: JobSpec,
}

/// Keeps a job. Returns when it is on disk; with the key of an earlier request, the job of that request.
pub async fn submit(
    center: &Center,
    caller: &Caller,
    spec: JobSpec,
    once: Option<Once>,
) -> Result<JobId, AppError> {
    let admitted = admit(center, caller, spec)?;
    if let Some(limit) = center.never_fits(&shape(&admitted)) {
        return Err(never(&limit));
    }
    let caller = caller.clone();
    let now = moment::now();
    let (id, created) = center
        .write(
            move |tx| {
                if let Some(earlier) = once.as_ref().map(|once| once.earlier(tx)).transpose()?.flatten() {
                    let id =
                        earlier.parse().map_err(|_| AppError::Internal("a kept answer is no job".into()))?;
                    return Ok((id, None));
                }
                let unmet = unmet(tx, &admitted)?;
                let Admitted { tenant, project, contract, spec } = admitted;
                let id = new_id!(JobId);
                let job = Job::new(id, tenant, project.id, contract, caller.member.id, now, spec);
                jobs::insert_job(tx, &job)?;
                let about = About { tenant: Some(tenant), job: Some(id), run: None };
                let data = json!({ "name": job.spec.name, "tasks": job.tasks.total });
                let event = events::record(tx, now, about, "job_submitted", data)?;
                let detail = json!({ "name": job.spec.name, "project": project.slug, "nodes": job.spec.nodes,
                    "cards_per_node": job.spec.cards_per_node, "tasks": job.tasks.total });
                let change =
                    Change { tenant: Some(tenant), action: "submit_job", subject: id.to_string(), detail };
                audit::record(tx, &caller, change)?;
                if let Some(once) = once {
                    once.keep(tx, &id.to_string())?;
                }
                Ok((id, Some((Arc::new(job), unmet, event))))
            },
            |center, (_, created)| {
                if let Some((job, unmet, event)) = created {
                    let limit = runs::time_limit(center, job);
                    center.live().set_job(job.clone(), limit, Some(unmet.clone()));
                    events::tell(center, event.clone());
                    center.wakers.plan();
                }
            },
        )
        .await?;
    if created.is_some() {
        center.metrics.jobs_submitted.inc();
    }
    Ok(id)
}

/// Everything about a request that can be decided before the write.
fn admit(center: &Center, caller: &Caller, mut spec: JobSpec) -> Result<Admitted, AppError> {
    center.policies.check(caller, Action::SubmitJob, caller.member.tenant)?;
    let tenant = caller.member.tenant.ok_or(AppError::Forbidden { action: Action::SubmitJob.code() })?;
    let problems = spec.problems();
    if !problems.is_empty() {
        return Err(AppError::Invalid(problems));
    }
    let live = center.live();
    let project = project(&live, tenant, spec.project.as_deref())?;
    spec.project = Some(project.slug.clone());
    let no_contract = || {
        AppError::refused(
            "no_contract",
            format!("the project `{}` has no contract to charge", project.slug),
            "ask your administrator to give the project a contract",
        )
    };
    let known = project.contract.and_then(|id| live.contracts.get(&id)).ok_or_else(no_contract)?;
    let contract = &known.contract;
    if !contract.state.accepts_jobs() {
        return Err(AppError::refused(
            "contract_not_active",
            format!("the contract {} is {}", contract.number, contract.state.code()),
            "ask your administrator, or submit to a project with another contract",
        ));
    }
    let models: Vec<&str> = contract
        .pools
        .iter()
        .filter_map(|id| live.pools.get(id))
        .map(|pool| pool.model.name.as_str())
        .collect();
    if let Some(wanted) = &spec.card_model
        && !models.contains(&wanted.as_str())
    {
        return Err(AppError::invalid(
            "card_model",
            format!("is `{wanted}`, which the contract {} does not cover", contract.number),
            format!("it covers: {}", views::listed(&models)),
        ));
    }
    let active = live.jobs_of(tenant);
    let most = center.settings.jobs.max_active_per_tenant;
    if active >= most {
        return Err(AppError::refused(
            "too_many_jobs",
            format!("{active} of your jobs are queued or running; at most {most} may be"),
            "wait for some to end, or use an array: it counts as one job",
        ));
    }
    let contract = contract.id;
    Ok(Admitted { tenant, project, contract, spec })
}

fn project(live: &crate::live::Live, tenant: TenantId, slug: Option<&str>) -> Result<Project, AppError> {
    let own: Vec<&Project> = live.projects.values().filter(|project| project.tenant == tenant).collect();
    let names = || format!("your projects are: {}", views::listed(own.iter().map(|project| &project.slug)));
    match (slug, own.as_slice()) {
        (Some(slug), _) => own
            .iter()
            .find(|project| project.slug == slug)
            .map(|project| (*project).clone())
            .ok_or_else(|| AppError::invalid("project", format!("there is no project `{slug}`"), names())),
        (None, [only]) => Ok((*only).clone()),
        (None, []) => Err(AppError::refused(
            "no_project",
            "your tenant has no project",
            "ask your administrator to make one",
        )),
        (None, _) => Err(AppError::invalid("project", "is not named, and you have several", names())),
    }
}

fn shape(admitted: &Admitted) -> Shape {
    Shape {
        contract: admitted.contract,
        nodes: admitted.spec.nodes,
        cards_per_node: admitted.spec.cards_per_node,
        model: admitted.spec.card_model.clone(),
    }
}

fn never(limit: &Limit) -> AppError {
    let problem = SpecProblem::new(
        "cards_per_node",
        limit.text(domain::Lang::En),
        format!("ask for what can be had: `qiantang nodes` shows it ({})", limit.text(domain::Lang::Zh)),
    );
    AppError::Invalid(vec![problem])
}

/// Asks the planner whether a job of this shape could start in an empty center.
pub fn ask_whether_it_fits(center: &Center, shape: &Shape) -> Option<Limit> {
    let now = moment::now();
    let policy = plan::policy(center);
    let mut snapshot = center.live().snapshot(policy.use_half_life, now);
    snapshot.waiting.clear();
    let job = Waiting {
        job: new_id!(JobId),
        queue: shape.contract,
        class: domain::ServiceClass::Urgent,
        nodes: shape.nodes,
        cards_per_node: shape.cards_per_node,
        model: shape.model.as_deref().map(Into::into),
        time_limit: Millis(1),
        submitted_at: now,
        tasks: 1,
        block: None,
    };
    let trial = scheduler::try_out(&snapshot, &policy, now, &job);
    trial.verdict.map(|verdict| verdict.limit).filter(|limit| matches!(limit, Limit::NeverFits { .. }))
}

/// What of a new job's dependencies is still to come. Refused if one is not there, or can't come about any more.
fn unmet(tx: &Tx, admitted: &Admitted) -> Result<Vec<Dependency>, AppError> {
    let mut unmet = Vec::new();
    for dependency in &admitted.spec.after {
        let other = found(jobs::get_row(tx, dependency.job))?.filter(|job| job.tenant == admitted.tenant);
        let Some(other) = other else {
            return Err(AppError::invalid(
                "after",
                format!("there is no job {}", dependency.job),
                "name jobs of yours",
            ));
        };
        match fate(dependency.when, other.state) {
            Fate::Met => {}
            Fate::Open => unmet.push(*dependency),
            Fate::Never => {
                let state = other.state.code();
                return Err(AppError::invalid(
                    "after",
                    format!("the job {} is {state}: what you wait for can't come about", dependency.job),
                    "leave the dependency out, or wait for another job",
                ));
            }
        }
    }
    Ok(unmet)
}

/// A row that may be missing.
fn found<T>(row: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match row {
        Ok(row) => Ok(Some(row)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The dependencies of a queued job that are still to come, when the center starts.
pub fn still_unmet(tx: &Tx, job: &Job) -> Result<(Vec<Dependency>, bool), AppError> {
    let (mut unmet, mut is_hopeless) = (Vec::new(), false);
    for dependency in &job.spec.after {
        let state = found(jobs::get_row(tx, dependency.job))?.map(|other| other.state);
        match state.map_or(Fate::Never, |state| fate(dependency.when, state)) {
            Fate::Met => {}
            Fate::Open => unmet.push(*dependency),
            Fate::Never => {
                is_hopeless = true;
                unmet.push(*dependency);
            }
        }
    }
    Ok((unmet, is_hopeless))
}

/// What a job would cost and when it would start, if it were submitted now.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct DryRun {
    pub starts_now: bool,
    /// The cards that it would get now, by node.
    pub placement: Vec<PlaceView>,
    /// What it would wait for.
    pub verdict: Option<VerdictView>,
    pub price: Quote,
    /// The number of the contract that it would be charged to.
    pub contract: String,
    pub project: String,
    pub tasks: u32,
}

/// Cards on one node.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PlaceView {
    pub node: String,
    /// Indices, as ranges: `0-3`.
    pub cards: String,
    pub card_indices: Vec<u8>,
    pub is_virtual: bool,
}

/// What it would cost.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Quote {
    #[schema(value_type = i64)]
    pub rate_micro_cny_per_card_hour: RatePerCardHour,
    /// Where every task runs to its time limit.
    #[schema(value_type = i64)]
    pub most_micro_cny: MicroCny,
    /// Card time where every task runs to its time limit.
    #[schema(value_type = i64)]
    pub most_card_ms: CardMs,
    /// Cards of one run.
    pub cards: u32,
    pub time_limit_ms: i64,
}

/// Tries a job out: the way that a submitted one goes, without keeping anything.
pub fn dry_run(center: &Center, caller: &Caller, spec: JobSpec) -> Result<DryRun, AppError> {
    let admitted = admit(center, caller, spec)?;
    let now = moment::now();
    let policy = plan::policy(center);
    let (snapshot, quote, contract) = {
        let live = center.live();
        let (quote, number) = quote(center, &live, &admitted, now)?;
        (live.snapshot(policy.use_half_life, now), quote, number)
    };
    let spec = &admitted.spec;
    let waiting = Waiting {
        job: new_id!(JobId),
        queue: admitted.contract,
        class: spec.service_class,
        nodes: spec.nodes,
        cards_per_node: spec.cards_per_node,
        model: spec.card_model.as_deref().map(Into::into),
        time_limit: Millis(quote.time_limit_ms),
        submitted_at: now,
        tasks: spec.task_count(),
        block: spec.after.first().map(|first| scheduler::Block::Dependency {
            waits_for: u32::try_from(spec.after.len()).unwrap_or(u32::MAX),
            first: first.job,
        }),
    };
    let trial = scheduler::try_out(&snapshot, &policy, now, &waiting);
    let live = center.live();
    Ok(DryRun {
        starts_now: trial.starts_now.is_some(),
        placement: trial.starts_now.map(|placement| places(&live, &placement)).unwrap_or_default(),
        verdict: trial.verdict.as_ref().map(VerdictView::of),
        price: quote,
        contract,
        project: admitted.project.slug,
        tasks: spec.task_count(),
    })
}

/// The cards of a placement, as they are shown.
pub fn places(live: &crate::live::Live, placement: &domain::Placement) -> Vec<PlaceView> {
    let place = |slot: &domain::node::Slot| {
        let node = live.nodes.get(&slot.node);
        PlaceView {
            node: node.map_or_else(|| slot.node.to_string(), |live| live.node.name.clone()),
            cards: slot.cards.to_string(),
            card_indices: slot.cards.iter().collect(),
            is_virtual: node.is_some_and(|live| live.node.is_virtual),
        }
    };
    placement.0.iter().map(place).collect()
}

fn quote(
    center: &Center,
    live: &crate::live::Live,
    admitted: &Admitted,
    now: Timestamp,
) -> Result<(Quote, String), AppError> {
    let spec = &admitted.spec;
    let contract = &live
        .contracts
        .get(&admitted.contract)
        .ok_or_else(|| AppError::not_found("contract", admitted.contract))?
        .contract;
    let domain = live.tenants.get(&admitted.tenant).map(|tenant| tenant.domain);
    let book = price::in_force(&live.price_books, now);
    let wanted = |pool: &domain::PoolId| {
        let pool = live.pools.get(pool)?;
        spec.card_model.as_ref().is_none_or(|model| *model == pool.model.name).then_some(pool.id)
    };
    // The dearest of the pools that it may be placed in.
    let listed = contract
        .pools
        .iter()
        .filter_map(wanted)
        .filter_map(|pool| book?.rate(pool, spec.service_class, domain?))
        .max();
    if listed.is_none() && matches!(contract.kind, ContractKind::Metered { .. }) {
        return Err(AppError::refused(
            "no_price",
            format!(
                "the price book has no price for {} work of your domain in this pool",
                spec.service_class.code()
            ),
            "choose another service class, or ask the center",
        ));
    }
    let rate = contract.kind.rate(listed.unwrap_or_default());
    let time_limit = spec.time_limit_ms.unwrap_or(center.settings.jobs.default_time_limit_ms);
    let of_one = i128::from(spec.card_count()) * i128::from(time_limit.0);
    let most = CardMs(i64::try_from(of_one * i128::from(spec.task_count())).unwrap_or(i64::MAX));
    let quote = Quote {
        rate_micro_cny_per_card_hour: rate,
        most_micro_cny: rate.charge(most).unwrap_or(MicroCny(i64::MAX)),
        most_card_ms: most,
        cards: spec.card_count(),
        time_limit_ms: time_limit.0,
    };
    Ok((quote, contract.number.clone()))
}

/// Jobs, newest first.
pub async fn list(center: &Center, caller: &Caller, query: JobQuery) -> Result<Page<JobView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, Action::ReadJob, scope)?;
    let after = views::parse_cursor::<JobId>(query.cursor.as_deref())?;
    let limit = views::page_limit(query.limit)?;
    let Some(filter) = filter(center, scope, query)? else {
        return Ok(Page { items: Vec::new(), next_cursor: None });
    };
    let (rows, next) = if filter.state.as_deref() == Some("active") {
        let mut ids = active(&center.live(), &filter, after, limit as usize + 1);
        let has_more = ids.len() > limit as usize;
        ids.truncate(limit as usize);
        let next = ids.last().copied().filter(|_| has_more);
        (center.read(move |tx| ids.into_iter().map(|id| jobs::get_row(tx, id)).collect()).await?, next)
    } else {
        let page = center.read(move |tx| jobs::page_jobs(tx, &filter, after, limit)).await?;
        (page.rows, page.next)
    };
    let live = center.live();
    let items = rows.into_iter().map(|row| row_view(&live, row)).collect();
    Ok(Page { items, next_cursor: next.map(|id| id.to_string()) })
}

/// Jobs that have not ended, newest first: those are at hand.
fn active(
    live: &crate::live::Live,
    filter: &jobs::JobFilter,
    after: Option<JobId>,
    most: usize,
) -> Vec<JobId> {
    let wanted_name = filter.name_contains.as_ref().map(|name| name.to_lowercase());
    let matches = |job: &Job| {
        filter.tenant.is_none_or(|tenant| tenant == job.tenant)
            && filter.project.is_none_or(|project| project == job.project)
            && wanted_name.as_ref().is_none_or(|name| job.spec.name.to_lowercase().contains(name))
            && filter
                .domain
                .is_none_or(|domain| live.tenants.get(&job.tenant).is_some_and(|t| t.domain == domain))
    };
    let newest_first = live.jobs.iter().rev().filter(|(id, _)| after.is_none_or(|after| **id < after));
    newest_first.filter(|(_, known)| matches(&known.job)).map(|(id, _)| *id).take(most).collect()
}

/// `None` if nothing can match.
fn filter(
    center: &Center,
    scope: Option<TenantId>,
    query: JobQuery,
) -> Result<Option<jobs::JobFilter>, AppError> {
    const STATES: [&str; 11] = [
        "active",
        "queued",
        "running",
        "stopping",
        "succeeded",
        "failed",
        "timed_out",
        "cancelled",
        "stopped",
        "never_ran",
        "lost",
    ];
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let state = given(query.state)
        .map(|text| views::word("state", &text, |t| STATES.iter().find(|s| **s == t).copied(), &STATES))
        .transpose()?;
    let domain = given(query.domain)
        .map(|text| {
            let known = domain::TenantDomain::ALL.map(domain::TenantDomain::code);
            views::word("domain", &text, domain::TenantDomain::from_code, &known)
        })
        .transpose()?;
    let live = center.live();
    let mut tenant = scope;
    if let Some(slug) = given(query.tenant) {
        match live.tenants.values().find(|t| t.slug == slug && scope.is_none_or(|own| own == t.id)) {
            Some(found) => tenant = Some(found.id),
            None => return Ok(None),
        }
    }
    let mut projects = Vec::new();
    if let Some(slug) = given(query.project) {
        let matches = |p: &&Project| p.slug == slug && tenant.is_none_or(|tenant| tenant == p.tenant);
        projects = live.projects.values().filter(matches).map(|p| p.id).collect();
        if projects.is_empty() {
            return Ok(None);
        }
    }
    Ok(Some(jobs::JobFilter {
        tenant,
        state: state.map(str::to_owned),
        project: projects.first().copied(),
        name_contains: given(query.name).map(|name| name.chars().take(128).collect()),
        domain,
        contract: None,
    }))
}

fn row_view(live: &crate::live::Live, row: jobs::JobRow) -> JobView {
    // A row may be ahead of what is live by a commit: what has ended is all metered.
    let unmetered = if row.state.has_ended() {
        (CardMs::ZERO, MicroCny::ZERO)
    } else {
        live.unmetered(row.id, moment::now())
    };
    JobView {
        verdict: live.verdicts.get(&row.id).map(VerdictView::of),
        tenant_slug: live.tenants.get(&row.tenant).map(|tenant| tenant.slug.clone()).unwrap_or_default(),
        project: live.projects.get(&row.project).map(|project| project.slug.clone()).unwrap_or_default(),
        contract: live.contracts.get(&row.contract).map(|c| c.contract.number.clone()).unwrap_or_default(),
        submitted_by: live.logins.get(&row.submitted_by).cloned().unwrap_or_default(),
        id: row.id,
        name: row.name,
        tenant: row.tenant,
        state: row.state.code().to_owned(),
        nodes: row.nodes,
        cards_per_node: row.cards_per_node,
        service_class: row.class.code().to_owned(),
        tasks: row.tasks,
        submitted_at: row.submitted_at.to_string(),
        started_at: views::instant(row.started_at),
        ended_at: views::instant(row.ended_at),
        used_card_ms: row.used_card_ms + unmetered.0,
        charge_micro_cny: MicroCny(row.charge_micro_cny.0 + unmetered.1.0),
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
    let row = visible(center, caller, id, Action::ReadJob).await?;
    let (job, latest) =
        center.read(move |tx| Ok((jobs::get_job(tx, id)?, recent::latest_run(tx, id)?))).await?;
    Ok(JobDetail {
        time_limit_ms: runs::time_limit(center, &job).0,
        spec: job.spec,
        job: row_view(&center.live(), row),
        exit_code: latest.and_then(|row| row.run.state.outcome()).and_then(domain::Outcome::exit_code),
    })
}

/// Why a job waits; refused if it doesn't.
pub async fn why(center: &Center, caller: &Caller, id: JobId) -> Result<VerdictView, AppError> {
    let row = visible(center, caller, id, Action::ReadJob).await?;
    let verdict = center.live().verdicts.get(&id).map(VerdictView::of);
    verdict.ok_or_else(|| {
        let state = row.state.code();
        let (message, hint) = if row.state == JobState::Queued {
            ("the job was submitted just now and is not planned yet".to_owned(), "ask again in a moment")
        } else {
            (format!("the job is {state}: nothing of it waits"), "`qiantang show` tells how it went")
        };
        AppError::refused("not_waiting", message, hint)
    })
}

/// A run of a job.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RunView {
    #[schema(value_type = String)]
    pub id: RunId,
    #[schema(value_type = String)]
    pub job: JobId,
    /// The index in the array, 0 for a job that is no array.
    pub task: u32,
    pub attempt: u32,
    /// `starting`, `running`, or how it ended.
    pub state: String,
    pub exit_code: Option<i32>,
    /// Why it was asked to stop.
    pub stopping: Option<String>,
    pub planned_at: String,
    pub started_at: Option<String>,
    pub ended_at: Option<String>,
    pub elapsed_ms: i64,
    pub places: Vec<PlaceView>,
    #[schema(value_type = i64)]
    pub rate_micro_cny_per_card_hour: RatePerCardHour,
    #[schema(value_type = i64)]
    pub used_card_ms: CardMs,
    #[schema(value_type = i64)]
    pub charge_micro_cny: MicroCny,
}

/// A job's runs, newest first.
pub async fn list_runs(
    center: &Center,
    caller: &Caller,
    id: JobId,
    cursor: Option<&str>,
    limit: Option<u32>,
) -> Result<Page<RunView>, AppError> {
    visible(center, caller, id, Action::ReadJob).await?;
    let after = views::parse_cursor::<RunId>(cursor)?;
    let limit = views::page_limit(limit)?;
    let (rows, job) = center
        .read(move |tx| Ok((recent::runs_before(tx, id, after, limit + 1)?, jobs::get_job(tx, id)?)))
        .await?;
    let page = Page::cut(rows, limit, |row| row.run.id.to_string());
    let live = center.live();
    let array = job.spec.array;
    Ok(page.map(|row| run_view(&live, &row.run, array.as_ref())))
}

fn run_view(live: &crate::live::Live, run: &domain::Run, array: Option<&domain::spec::ArraySpec>) -> RunView {
    let now = moment::now();
    let outcome = run.state.outcome();
    RunView {
        id: run.id,
        job: run.job,
        task: array.and_then(|array| array.index(run.task)).unwrap_or(run.task),
        attempt: run.attempt,
        state: outcome.map_or_else(|| run.state.code().to_owned(), |outcome| outcome.code().0.to_owned()),
        exit_code: outcome.and_then(domain::Outcome::exit_code),
        stopping: run.state.stop().map(|stop| stop.cause.code().to_owned()),
        planned_at: run.state.planned_at().to_string(),
        started_at: views::instant(run.state.started_at()),
        ended_at: views::instant(run.state.ended_at()),
        elapsed_ms: run.elapsed(now).0,
        places: places(live, &run.placement),
        rate_micro_cny_per_card_hour: run.rate,
        used_card_ms: run.used(now),
        charge_micro_cny: run.charge(now),
    }
}

/// Stops a job: what waits never starts, what runs is told to end. A job that has ended stays as it is, and that is no
/// error: cancelling twice is cancelling once.
pub async fn cancel(center: &Center, caller: &Caller, id: JobId) -> Result<JobDetail, AppError> {
    let row = visible(center, caller, id, Action::CancelJob).await?;
    if !row.state.has_ended() {
        let by = caller.clone();
        stop_job(center, id, StopCause::Cancelled, move |tx, job| {
            let change = Change {
                tenant: Some(job.tenant),
                action: "cancel_job",
                subject: id.to_string(),
                detail: json!({ "name": job.spec.name }),
            };
            audit::record(tx, &by, change)
        })
        .await?;
    }
    show(center, caller, id).await
}

async fn stop_job(
    center: &Center,
    id: JobId,
    cause: StopCause,
    record: impl FnOnce(&Tx, &Job) -> Result<(), AppError> + Send + 'static,
) -> Result<(), AppError> {
    let now = moment::now();
    let (_, stopped) = center
        .write(
            move |tx| {
                let mut job = jobs::get_job(tx, id)?;
                if job.stop(cause, now).is_err() {
                    return Ok((None, Vec::new()));
                }
                jobs::update_job_progress(tx, &job)?;
                let mut stopped = Vec::new();
                for run in recent::active_runs(tx, id)? {
                    stopped.extend(runs::request_stop(tx, run.run.id, cause)?);
                }
                record(tx, &job)?;
                let about = About { tenant: Some(job.tenant), job: Some(id), run: None };
                let (kind, data) = ended_or_stopping(&job);
                let event = events::record(tx, now, about, kind, data)?;
                Ok((Some((Arc::new(job), event)), stopped))
            },
            |center, (changed, stopped)| {
                runs::apply_stops(center, stopped);
                if let Some((job, event)) = changed {
                    took_job(center, job);
                    events::tell(center, event.clone());
                }
            },
        )
        .await?;
    runs::tell_engine_to_stop(center, &stopped);
    Ok(())
}

fn ended_or_stopping(job: &Job) -> (&'static str, Value) {
    match job.state {
        JobState::Ended { outcome, .. } => {
            ("job_ended", json!({ "outcome": outcome.code(), "name": job.spec.name }))
        }
        _ => ("job_stopping", json!({ "name": job.spec.name })),
    }
}

/// Takes a changed job into what is live, with all that waited for it.
fn took_job(center: &Center, job: &Arc<Job>) {
    let hopeless = {
        let mut live = center.live();
        live.set_job(job.clone(), runs::time_limit(center, job), None);
        live.settle_dependents(job)
    };
    if !hopeless.is_empty() {
        give_up(center, hopeless);
    }
    center.wakers.plan();
}

/// Ends jobs that wait for what can't come about. Called from a commit's own thread, so it only hands the work on.
pub fn give_up(center: &Center, ids: Vec<JobId>) {
    let now = moment::now();
    let follow = center.clone();
    center.store.submit(
        move |tx| -> Result<_, AppError> {
            let mut ended = Vec::new();
            for id in ids {
                let mut job = jobs::get_job(tx, id)?;
                if job.never_run(now).is_err() {
                    continue;
                }
                jobs::update_job_progress(tx, &job)?;
                let about = About { tenant: Some(job.tenant), job: Some(id), run: None };
                let (kind, data) = ended_or_stopping(&job);
                ended.push((Arc::new(job), events::record(tx, now, about, kind, data)?));
            }
            Ok(ended)
        },
        move |result| match result {
            Ok(ended) => {
                for (job, event) in ended {
                    took_job(&follow, &job);
                    events::tell(&follow, event);
                }
            }
            Err(error) => tracing::error!(%error, "failed to end jobs that can never run"),
        },
    );
}
