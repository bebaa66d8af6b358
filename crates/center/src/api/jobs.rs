//! Jobs.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::problem::{Wrong, field};
use domain::{JobId, JobSpec, script::Note};
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        events,
        jobs::{
            self, CancelJobs, Cancelled, DigitsQuery, DryRun, JobDetail, JobName, JobQuery, JobView,
            RunQuery, RunView,
        },
        statements::Format,
        verdict::VerdictView,
    },
    center::Center,
};
use base::api::{
    Problem,
    extract::{Auth, Body, Bytes, Id, Key, Params, Spec},
};
use base::{error::AppError, events::Event, listing::Listing};

type Created<T> = (StatusCode, HeaderMap, Json<T>);

/// A job that was kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct JobCreated {
    pub id: JobId,
    pub url: String,
    /// Options of the script that were not taken as they stand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}

fn created(id: JobId, notes: Vec<Note>) -> Created<JobCreated> {
    let url = format!("/api/v1/jobs/{id}");
    let mut headers = HeaderMap::new();
    if let Ok(location) = HeaderValue::from_str(&url) {
        headers.insert(header::LOCATION, location);
    }
    (StatusCode::CREATED, headers, Json(JobCreated { id, url, notes }))
}

/// Jobs that you may see, newest first, or by `sort`. All that match as one table with `format=csv`.
#[utoipa::path(get, path = "/jobs", tag = "jobs", params(JobQuery),
    responses((status = 200, content((Listing<JobView> = "application/json"), (String = "text/csv"))),
    (status = 422, body = Problem)))]
pub async fn list(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(query): Params<JobQuery>,
) -> Result<Response, Problem> {
    Ok(match query.format()? {
        Format::Csv if query.id.as_deref().is_some_and(|id| !id.is_empty()) => {
            return Err(AppError::invalid(field::ID, Wrong::NotBeside { other: field::FORMAT }).into());
        }
        Format::Csv => jobs::table(&center, &caller, query.wanted()).await?,
        Format::Json => Json(jobs::list(&center, &caller, query).await?).into_response(),
    })
}

/// Submits a job. Answered when it is on disk.
#[utoipa::path(post, path = "/jobs", tag = "jobs", extensions(("x-idempotency-key" = json!("own"))), request_body(content = JobSpec, description = "A job specification: \
    name, script, nodes, cards_per_node, time_limit_ms, project, service_class, card_model, env, args, array, after, \
    comment, mail, launch, batch"), params(("Idempotency-Key" = inline(Option<domain::schema::Key>), Header, description = "The same again gives the same job")),
    responses((status = 201, body = JobCreated), (status = 422, body = Problem), (status = 409, body = Problem)))]
pub async fn submit(
    State(center): State<Center>,
    Auth(caller): Auth,
    key: Key,
    Spec(body): Spec,
) -> Result<Created<JobCreated>, Problem> {
    let once = key.once(&caller, "POST /jobs", &body.bytes)?;
    let notes = jobs::notes_on_start(&center, &body.value);
    let id = jobs::submit(&center, &caller, body.value, once).await?;
    Ok(created(id, notes))
}

/// Submits a script with `#SBATCH` lines. It need not be UTF-8: its bytes are run as they are.
#[utoipa::path(post, path = "/jobs/script", tag = "jobs", extensions(("x-idempotency-key" = json!("own"))), request_body(content = inline(domain::schema::Script), content_type = "text/plain"),
    params(("Idempotency-Key" = inline(Option<domain::schema::Key>), Header, description = "The same again gives the same job")),
    responses((status = 201, body = JobCreated), (status = 422, body = Problem)))]
pub async fn submit_script(
    State(center): State<Center>,
    Auth(caller): Auth,
    key: Key,
    Bytes(script): Bytes,
) -> Result<Created<JobCreated>, Problem> {
    let once = key.once(&caller, "POST /jobs/script", &script)?;
    let parsed = domain::script::parse(&script).map_err(AppError::Invalid)?;
    let notes = jobs::notes(&center, &parsed);
    let id = jobs::submit(&center, &caller, parsed.spec, once).await?;
    Ok(created(id, notes))
}

/// A job's cost and start, if it were submitted now; nothing is kept.
#[utoipa::path(post, path = "/jobs/dry-run", tag = "jobs", extensions(("x-idempotency-key" = json!("none"))), request_body = JobSpec,
    responses((status = 200, body = DryRun), (status = 422, body = Problem)))]
pub async fn dry_run(
    State(center): State<Center>,
    Auth(caller): Auth,
    Spec(body): Spec,
) -> Result<Json<DryRun>, Problem> {
    Ok(Json(jobs::dry_run(&center, &caller, body.value).await?))
}

/// One job. `JOB_7` is its task with the index 7.
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = JobDetail), (status = 404, body = Problem)))]
pub async fn show(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<JobDetail>, Problem> {
    Ok(Json(jobs::show(&center, &caller, &JobName::parse(&id)?).await?))
}

/// Stops a job, or tasks of it: `JOB_7`, `JOB_[3-9]`. What waits never starts; what runs is told to end.
#[utoipa::path(post, path = "/jobs/{id}/cancel", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = JobDetail), (status = 404, body = Problem)))]
pub async fn cancel(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<JobDetail>, Problem> {
    Ok(Json(jobs::cancel(&center, &caller, JobName::parse(&id)?).await?))
}

/// Stops several jobs: those that are named, or all that match and have not ended. A dry run says how many there are.
#[utoipa::path(post, path = "/jobs/cancel", tag = "jobs", request_body = CancelJobs,
    responses((status = 200, body = Cancelled), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn cancel_many(
    State(center): State<Center>,
    Auth(caller): Auth,
    Body { value, .. }: Body<CancelJobs>,
) -> Result<Json<Cancelled>, Problem> {
    Ok(Json(jobs::cancel_many(&center, &caller, value).await?))
}

/// Why a job waits: the binding limit with its numbers, who is ahead, when it will start.
#[utoipa::path(get, path = "/jobs/{id}/why", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = VerdictView), (status = 409, body = Problem, description = "It does not wait")))]
pub async fn why(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
) -> Result<Json<VerdictView>, Problem> {
    Ok(Json(jobs::why(&center, &caller, &JobName::parse(&id)?).await?))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// A job's runs, newest first, or those that failed first; those of a task (`JOB_7`).
#[utoipa::path(get, path = "/jobs/{id}/runs", tag = "jobs", params(("id" = String, Path), RunQuery),
    responses((status = 200, body = Listing<RunView>)))]
pub async fn runs(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    Params(query): Params<RunQuery>,
) -> Result<Json<Listing<RunView>>, Problem> {
    Ok(Json(jobs::list_runs(&center, &caller, &JobName::parse(&id)?, query).await?))
}

/// Runs by some digits of their ids.
#[utoipa::path(get, path = "/runs", tag = "jobs", params(DigitsQuery),
    responses((status = 200, body = Listing<RunView>), (status = 422, body = Problem)))]
pub async fn runs_by_digits(
    State(center): State<Center>,
    Auth(caller): Auth,
    Params(query): Params<DigitsQuery>,
) -> Result<Json<Listing<RunView>>, Problem> {
    Ok(Json(jobs::runs_by_digits(&center, &caller, &query.id).await?))
}

/// The events of a job, oldest first.
#[utoipa::path(get, path = "/jobs/{id}/events", tag = "jobs", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Listing<Event>)))]
pub async fn events(
    State(center): State<Center>,
    Auth(caller): Auth,
    Id(id): Id,
    Params(query): Params<PageQuery>,
) -> Result<Json<Listing<Event>>, Problem> {
    let id = JobName::parse(&id)?.whole()?;
    Ok(Json(events::of_job(&center, &caller, id, query.cursor.as_deref(), query.limit).await?))
}
