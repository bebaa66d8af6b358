//! Jobs: submitting, and stopping. Beside it: what is shown of them ([`listing`]), and trying them out ([`dry_run`]).

mod dry_run;
mod listing;

use std::sync::Arc;

use domain::{
    ContractId, Job, JobId, JobSpec, Project, TenantId,
    job::JobState,
    run::StopCause,
    script::{Note, NoteAction},
    spec::{Dependency, SpecProblem},
};
use scheduler::Limit;
use serde_json::{Value, json};
use store::{StoreError, Tx, jobs, recent};

pub use dry_run::{DryRun, PlaceView, Quote, dry_run, places};
pub use listing::{JobDetail, JobQuery, JobView, RunView, list, list_runs, show, visible, why};

use super::{
    audit::{self, Change},
    runs, views,
};
use crate::{
    auth::{Action, Caller, Once},
    center::Center,
    error::AppError,
    events::{self, About},
    fits::Shape,
    live::{Fate, fate},
    moment::{self, new_id},
    settings::EngineKind,
};

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
    let now = moment::now();
    let policy = center.settings.planning();
    let snapshot = || center.live().snapshot(policy.use_half_life, now);
    if let Some(limit) = center.compute.fits.never_fits(&shape(&admitted), &policy, now, snapshot) {
        return Err(never(&limit));
    }
    let caller = caller.clone();
    let (id, created) = center
        .write(
            move |tx| {
                if let Some(earlier) = once.as_ref().map(|once| once.earlier(tx)).transpose()?.flatten() {
                    let id = earlier
                        .body
                        .parse()
                        .map_err(|_| AppError::Internal("a kept answer is no job".into()))?;
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
                    center.tell(event.clone());
                    center.compute.wakers.plan();
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
    let slurms = match center.settings.engine.kind {
        EngineKind::Slurm => Some(&center.settings.engine.slurm.models),
        EngineKind::Local => None,
    };
    name_models(&mut spec, &models, |name| slurms.and_then(|slurms| slurms.get(name)));
    if let Some(wanted) = spec.card_models().find(|wanted| !models.contains(wanted)) {
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

/// Takes what is a card model's name from the labels, as scripts say both in one word, and calls by the center's name what
/// has another one in Slurm.
fn name_models<'a>(spec: &mut JobSpec, models: &[&str], slurms: impl Fn(&str) -> Option<&'a String>) {
    let ours = |name: &str| {
        let of_slurm = || slurms(name).filter(|name| models.contains(&name.as_str()));
        if models.contains(&name) { name.to_owned() } else { of_slurm().map_or(name, |name| name).to_owned() }
    };
    if spec.card_model.is_some() {
        spec.card_model = Some(spec.card_models().map(ours).collect::<Vec<_>>().join("|"));
    }
    for label in &mut spec.labels {
        *label = ours(label);
    }
    let (named, labels): (Vec<String>, _) =
        std::mem::take(&mut spec.labels).into_iter().partition(|label| models.contains(&label.as_str()));
    spec.labels = labels;
    if !named.is_empty() && spec.card_model.is_none() {
        spec.card_model = Some(named.join("|"));
    }
}

/// What there is to tell of a script's options on this center.
pub fn notes(center: &Center, mut notes: Vec<Note>) -> Vec<Note> {
    let is_slurm = center.settings.engine.kind == EngineKind::Slurm;
    notes.retain(|note| note.action != NoteAction::OnSlurm || !is_slurm);
    notes
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
        is_exclusive: admitted.spec.exclusive,
        models: admitted.spec.card_models().map(str::to_owned).collect(),
        labels: admitted.spec.labels.clone(),
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
        match fate(dependency.when, other.state, other.tasks) {
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
        let other = found(jobs::get_row(tx, dependency.job))?;
        match other.map_or(Fate::Never, |other| fate(dependency.when, other.state, other.tasks)) {
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
                    center.tell(event.clone());
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
    center.compute.wakers.plan();
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
                    follow.tell(event);
                }
            }
            Err(error) => tracing::error!(%error, "failed to end jobs that can never run"),
        },
    );
}
