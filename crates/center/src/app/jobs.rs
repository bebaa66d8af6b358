//! Jobs: submitting, and stopping. Beside it: what is shown of them ([`listing`]), and trying them out ([`dry_run`]).

mod awaited;
mod cancel_tasks;
mod cancelling;
mod dry_run;
pub mod ending;
mod listing;
mod named;
mod run_end;
mod runs;
mod sorting;
mod table;
mod wanted;

use domain::{
    Contract, ContractId, Job, JobId, JobSpec, Lang, MemberId, PoolId, Project, RatePerCardHour, SpecProblem,
    TenantId, Timestamp,
    problem::{JobFault, field},
    script::{Note, NoteAction, NoteWhy, ParsedScript},
    spec::Dependency,
};
use scheduler::Limit;
use serde_json::json;
use store::{Tx, jobs, tenants};

use awaited::found;

pub use cancelling::{CancelJobs, Cancelled, MOST_NAMED, cancel, cancel_many};
pub use dry_run::{DryRun, PlaceView, Quote, dry_run, places};
pub use listing::{
    JobDetail, JobView, MOST_BY_DIGITS, RunView, count_by_state, list, list_of, run_view, show, visible, why,
};
pub use named::{JobName, TaskView, position};
pub use run_end::run_end;
pub use runs::{DigitsQuery, RunQuery, list_runs, runs_by_digits};
pub use sorting::{Column, NEWEST, Order};
pub use table::table;
pub use wanted::{JobQuery, JobsWanted};

use crate::{
    actions,
    center::Center,
    disk, event_kinds,
    fits::Shape,
    live::{Fate, Live, LiveNode, fate},
    notices::job_mail,
    secret,
    settings::EngineKind,
};
use base::{
    auth::{Caller, May, Once},
    change::Changed,
    error::AppError,
    events::{self, About, Event},
    moment::{self, new_id},
    refusal::Refused,
};

/// All that is decided about a job before it is kept.
struct Admitted {
    tenant: TenantId,
    project: Project,
    contract: ContractId,
    spec: JobSpec,
}

/// A submission on its way into the store.
enum Kept {
    /// A request with the same key came before; this is its job.
    Earlier(JobId),
    New(Box<NewJob>),
    /// Nothing is kept yet: the planner is to be asked first whether a job of this shape can ever start.
    Unasked(Shape, Box<Submission>),
}

struct NewJob {
    job: Job,
    unmet: Vec<Dependency>,
    event: Event,
}

/// A request to keep a job.
struct Submission {
    by: MemberId,
    tenant: TenantId,
    spec: JobSpec,
    once: Option<Once>,
}

/// Keeps a job. Returns when it is on disk; with the key of an earlier request, the job of that request.
pub async fn submit(
    center: &Center,
    caller: &Caller,
    spec: JobSpec,
    once: Option<Once>,
) -> Result<JobId, AppError> {
    let (may, tenant) = may_submit(center, caller)?;
    disk::ask::has_room(center)?;
    if !spec.problems().is_empty() {
        // All that is wrong is told at once, also what the center alone knows; the writer has no part in it.
        let (for_read, by) = (center.clone(), caller.member.id);
        let admitted = center.try_read(move |tx| admit(tx, &for_read, (tenant, by), spec)).await;
        return Err(admitted.err().unwrap_or_else(|| AppError::internal("what is wrong was admitted")));
    }
    let mut submission = Submission { by: caller.member.id, tenant, spec, once };
    // The planner is asked between two writes, never in one: all others would wait.
    let mut asked = None;
    loop {
        let for_write = center.clone();
        let kept = center
            .change(
                may.clone(),
                move |tx| keep(tx, &for_write, submission, asked.as_ref()),
                |center, kept| {
                    if let Kept::New(new) = kept {
                        center.live().job_submitted(&new.job, new.unmet.clone());
                        center.tell(new.event.clone());
                        center.compute.wakers.plan();
                    }
                },
            )
            .await?;
        match kept {
            Kept::Earlier(id) => return Ok(id),
            Kept::New(new) => {
                center.metrics.jobs_submitted.inc();
                return Ok(new.job.id);
            }
            Kept::Unasked(shape, again) => {
                let now = moment::now();
                let policy = center.settings.planning();
                if let Some(limit) =
                    center.compute.fits.ask(&shape, &policy, now, || center.live().snapshot(now))
                {
                    return Err(never(center, &limit));
                }
                (asked, submission) = (Some(shape), *again);
            }
        }
    }
}

/// Keeps a job with its event and its key. `asked` is a shape that can start.
fn keep(
    tx: &Tx,
    center: &Center,
    submission: Submission,
    asked: Option<&Shape>,
) -> Result<Changed<Kept>, AppError> {
    let Submission { by, tenant, spec, once } = submission;
    if let Some(earlier) = once.as_ref().map(|once| once.earlier(tx)).transpose()?.flatten() {
        let id = earlier.body.parse();
        let id = id.map_err(|_| AppError::internal("a kept answer is no job"))?;
        return Ok(Changed::nothing(Kept::Earlier(id)));
    }
    let admitted = admit(tx, center, (tenant, by), spec)?;
    let shape = shape(&admitted);
    if asked != Some(&shape) {
        match center.compute.fits.known(&shape) {
            Some(None) => {}
            Some(Some(limit)) => return Err(never(center, &limit)),
            None => {
                let again = Submission { by, tenant, spec: admitted.spec, once };
                return Ok(Changed::nothing(Kept::Unasked(shape, Box::new(again))));
            }
        }
    }
    let unmet = unmet(tx, &admitted)?;
    let Admitted { tenant, project, contract, spec } = admitted;
    let (id, now) = (new_id!(JobId), moment::now());
    let job = Job::new(id, tenant, project.id, contract, by, now, spec);
    jobs::insert_job(tx, &job)?;
    job_mail::keep(tx, &job)?;
    let about = About { tenant: Some(tenant), job: Some(id), run: None };
    let data = json!({ "name": job.spec.name, "tasks": job.tasks.total });
    let event = events::record(tx, now, about, event_kinds::JOB_SUBMITTED, data)?;
    let detail = json!({ "name": job.spec.name, "project": project.slug, "nodes": job.spec.nodes,
        "cards_per_node": job.spec.cards_per_node, "tasks": job.tasks.total });
    if let Some(once) = once {
        once.keep(tx, &id.to_string())?;
    }
    Ok(Changed::new(id, detail, Kept::New(Box::new(NewJob { job, unmet, event }))))
}

/// Whether the caller may submit. Gives the tenant that the job is to be of.
fn may_submit(center: &Center, caller: &Caller) -> Result<(May, TenantId), AppError> {
    let may = center.policies.may(caller, actions::SUBMIT_JOB, caller.member.tenant)?;
    let tenant = caller.member.tenant.ok_or(AppError::Forbidden { action: actions::SUBMIT_JOB.code() })?;
    Ok((may, tenant))
}

/// Everything that can be decided about a request before it is kept, as the store and what is live have it. All that is
/// wrong with it is told at once.
fn admit(
    tx: &Tx,
    center: &Center,
    (tenant, by): (TenantId, MemberId),
    mut spec: JobSpec,
) -> Result<Admitted, AppError> {
    let mut problems = spec.problems();
    let project = match project(tx, tenant, spec.project.as_deref()) {
        Ok(project) => Some(project),
        Err(AppError::Invalid(more)) => {
            problems.extend(more);
            None
        }
        Err(error) if problems.is_empty() => return Err(error),
        Err(_) => None,
    };
    for dependency in &spec.after {
        problems.extend(awaited(tx, tenant, dependency)?.err());
    }
    if let Some(project) = &project {
        problems.extend(secret::given::missing(tx, &spec.secrets, (tenant, project.id, by))?);
    }
    let contract = project.as_ref().and_then(|project| project.contract);
    if let Some(contract) =
        contract.and_then(|id| center.live().contract(id).map(|live| live.contract.clone()))
    {
        problems.extend(models_and_cards(center, &contract, &mut spec));
    }
    let Some(project) = project.filter(|_| problems.is_empty()) else {
        return Err(AppError::Invalid(problems));
    };
    spec.project = Some(project.slug.clone());
    let no_contract = || AppError::from(Refused::NoContract { project: project.slug.clone() });
    let live = center.live();
    let known = project.contract.and_then(|id| live.contract(id)).ok_or_else(no_contract)?;
    let contract = &known.contract;
    if !contract.state.accepts_jobs() {
        let (contract, state) = (contract.number.clone(), contract.state);
        return Err(Refused::ContractNotActive { contract, state }.into());
    }
    dearest(&live, contract, &spec, moment::now())?;
    let active = live.jobs_of(tenant);
    let most = center.settings.jobs.max_active_per_tenant;
    if active >= most {
        return Err(Refused::TooManyJobs { active, most }.into());
    }
    let (waiting, asked) = (live.waiting_bytes_of(tenant), spec.payload_bytes());
    let most = center.settings.jobs.waiting_mib_per_tenant.saturating_mul(1 << 20);
    if waiting.saturating_add(asked) > most {
        let (waiting_bytes, asked_bytes, most_bytes) = (waiting, asked, most);
        return Err(Refused::TooMuchWaiting { waiting_bytes, asked_bytes, most_bytes }.into());
    }
    let contract = contract.id;
    Ok(Admitted { tenant, project, contract, spec })
}

/// Names the models as the center does, and shares the cards out to nodes. Gives what is wrong with either.
fn models_and_cards(center: &Center, contract: &Contract, spec: &mut JobSpec) -> Option<SpecProblem> {
    let live = center.live();
    let pools: Vec<_> = contract.pools.iter().filter_map(|id| live.pool(*id)).collect();
    let models: Vec<&str> = pools.iter().map(|pool| pool.model.name.as_str()).collect();
    let slurms = match center.settings.engine.kind {
        EngineKind::Slurm => Some(&center.settings.engine.slurm.models),
        EngineKind::Local => None,
    };
    name_models(spec, &models, |name| slurms.and_then(|slurms| slurms.get(name)));
    if let Some(wanted) = spec.card_models().find(|wanted| !models.contains(wanted)) {
        let covered = models.iter().map(|model| (*model).to_owned()).collect();
        let (model, contract) = (wanted.to_owned(), contract.number.clone());
        let fault = JobFault::ModelNotCovered { model, contract, covered };
        return Some(SpecProblem::new(field::CARD_MODEL, fault));
    }
    let is_wanted = |node: &&LiveNode| {
        pools.iter().any(|pool| pool.id == node.node.pool && spec.takes_model(&pool.model.name))
    };
    let on_node = live.nodes().filter(is_wanted).map(|node| u32::from(node.node.cards)).max().unwrap_or(1);
    spec.settle_cards(on_node).err().map(|fault| SpecProblem::new(field::CARDS, fault))
}

/// The dearest rate at which a job may run, among the pools of its contract that have its card models and a price.
pub(super) fn dearest(
    live: &Live,
    contract: &Contract,
    spec: &JobSpec,
    now: Timestamp,
) -> Result<RatePerCardHour, AppError> {
    let is_wanted = |pool: &&PoolId| live.pool(**pool).is_some_and(|pool| spec.takes_model(&pool.model.name));
    let wanted = contract.pools.iter().filter(is_wanted);
    let dearest = wanted.filter_map(|pool| live.rate(contract, *pool, spec.service_class, now)).max();
    dearest.ok_or_else(|| Refused::NoPrice { class: spec.service_class }.into())
}

/// Takes names of card models out of the labels, as scripts say both in one word, and turns Slurm's names of models into
/// the center's.
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

/// The notes on a script that hold on this center: those on its options, and on what it starts.
pub fn notes(center: &Center, parsed: &ParsedScript) -> Vec<Note> {
    let is_slurm = center.settings.engine.kind == EngineKind::Slurm;
    let holds = |note: &&Note| note.action != NoteAction::OnSlurm || !is_slurm;
    parsed.notes.iter().filter(holds).cloned().chain(notes_on_start(center, &parsed.spec)).collect()
}

/// The notes on what a job starts, by the engine of this center.
pub fn notes_on_start(center: &Center, spec: &JobSpec) -> Vec<Note> {
    let is_slurm = center.settings.engine.kind == EngineKind::Slurm;
    let mut notes = domain::script::notes_on_start(spec, is_slurm);
    notes.extend(domain::script::notes_on_secrets(spec));
    if spec.mail.is_some() && !center.common.mail.is_on() {
        let (option, why) = ("--mail-type".to_owned(), NoteWhy::NoMail);
        notes.push(Note { line: 0, option, action: NoteAction::Ignored, why });
    }
    notes
}

/// The project of that short name, or the only one that the tenant has.
fn project(tx: &Tx, tenant: TenantId, slug: Option<&str>) -> Result<Project, AppError> {
    if let Some(slug) = slug
        && let Some(found) = tenants::find_project(tx, tenant, slug)?
    {
        return Ok(found);
    }
    let mut own = tenants::list_projects(tx, Some(tenant))?;
    let refused = |fault: JobFault| Err(AppError::invalid(field::PROJECT, fault));
    let slugs = || own.iter().map(|project| project.slug.clone()).collect();
    match (slug, own.len()) {
        (Some(slug), _) => refused(JobFault::NoSuchProject { slug: slug.to_owned(), own: slugs() }),
        (None, 0) => Err(Refused::NoProject.into()),
        (None, 1) => Ok(own.remove(0)),
        (None, _) => refused(JobFault::ProjectNotNamed { own: slugs() }),
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

/// Names the pool of the node that a limit is about.
pub(super) fn name_pool(live: &Live, limit: &mut Limit) {
    limit.name_pool(|node| {
        let pool = live.node_named(node)?.node.pool;
        live.pool(pool).map(|pool| pool.name.as_str().into())
    });
}

fn never(center: &Center, limit: &Limit) -> AppError {
    let mut limit = limit.clone();
    name_pool(&center.live(), &mut limit);
    let text = |lang| limit.text(lang, center.settings.time_zone);
    let fault = JobFault::NeverFits { zh: text(Lang::Zh), en: text(Lang::En) };
    AppError::invalid(field::CARDS_PER_NODE, fault)
}

/// The dependencies of a new job that are still to come. Refused if one is not there, or can't come about any more.
fn unmet(tx: &Tx, admitted: &Admitted) -> Result<Vec<Dependency>, AppError> {
    let mut unmet = Vec::new();
    for dependency in &admitted.spec.after {
        match awaited(tx, admitted.tenant, dependency)? {
            Ok(true) => unmet.push(*dependency),
            Ok(false) => {}
            Err(problem) => return Err(AppError::Invalid(vec![problem])),
        }
    }
    Ok(unmet)
}

/// Whether a dependency is still to come; else what is wrong with it.
fn awaited(
    tx: &Tx,
    tenant: TenantId,
    dependency: &Dependency,
) -> Result<Result<bool, SpecProblem>, AppError> {
    let job = dependency.job;
    let other = found(jobs::get_row(tx, job))?.filter(|other| other.tenant == tenant);
    let Some(other) = other else {
        return Ok(Err(SpecProblem::new(field::AFTER, JobFault::NoSuchJob { job })));
    };
    Ok(match fate(dependency.when, other.state, other.tasks) {
        Fate::Met => Ok(false),
        Fate::Open => Ok(true),
        Fate::Never => Err(SpecProblem::new(field::AFTER, JobFault::NeverMet { job, state: other.state })),
    })
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
