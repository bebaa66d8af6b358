//! The work of the demo: what each tenant submits, and following it to its end.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use base::{auth::Caller, error::AppError};
use center::{
    Ready,
    app::{
        capacity, contracts,
        jobs::{self, RunQuery},
        logs::{self, LogQuery},
        verdict::VerdictView,
    },
    center::Center,
};
use domain::{JobId, JobSpec, JobStatus, Millis, Timestamp};

use crate::{context::say, examples, words};

use super::{
    options::Options,
    people::{People, TENANTS, Tenant},
    report::{Ended, Report},
};

/// All of it takes less than a minute; something is wrong if it is not over by then.
const PATIENCE: Duration = Duration::from_mins(4);

/// A job of the demo, and how it should end.
struct Item {
    tenant: &'static str,
    project: &'static str,
    name: &'static str,
    script: &'static str,
    change: fn(&mut JobSpec),
    ends: JobStatus,
}

/// Eight cards until the trial package ends, and with it the run.
const UNTIL_THE_BALANCE_ENDS: &str = "\
#!/bin/bash
trap 'echo \"told to stop: the balance has ended\"; exit 0' TERM
while true; do echo \"working at $SECONDS s\"; sleep 1 & wait $!; done
";

/// Holds sixteen cards for a moment, so that the next waits.
const HOLD: &str =
    "#!/bin/bash\necho \"node $SLURM_NODEID of $SLURM_NNODES holds cards $QIANTANG_CARDS\"\nsleep 3\n";

fn items() -> Vec<Item> {
    let item =
        |tenant, project, name, script, ends| Item { tenant, project, name, script, change: |_| (), ends };
    vec![
        item("qianwan-univ", "digits", "digits-one-card", examples::DIGITS_ONE_CARD, JobStatus::Succeeded),
        item("wushan-tech", "digits", "digits-two-nodes", examples::DIGITS_TWO_NODES, JobStatus::Succeeded),
        Item {
            change: |spec| (spec.nodes, spec.cards_per_node) = (2, 8),
            ..item("wushan-tech", "digits", "waits-for-its-quota", HOLD, JobStatus::Succeeded)
        },
        item("linghu-voice", "keywords", "voice-keywords", examples::VOICE, JobStatus::Succeeded),
        item("linghu-voice", "keywords", "overruns", examples::OVERRUNS, JobStatus::TimedOut),
        Item {
            change: |spec| spec.cards_per_node = 8,
            ..item(
                "linghu-voice",
                "trial",
                "ends-with-its-balance",
                UNTIL_THE_BALANCE_ENDS,
                JobStatus::Stopped,
            )
        },
        item("xixi-build", "heat-load", "building-load", examples::BUILDING, JobStatus::Succeeded),
        item("xixi-build", "heat-load", "fails", examples::FAILS, JobStatus::Failed),
        item("linjiang-traffic", "signals", "city-traffic", examples::CITY, JobStatus::Succeeded),
        Item {
            change: |spec| {
                if let Some(array) = &mut spec.array {
                    array.max_running = Some(2);
                }
            },
            ..item("qianwan-univ", "digits", "digits-sweep", examples::SWEEP_ARRAY, JobStatus::Succeeded)
        },
    ]
}

struct Followed {
    item: Item,
    tenant: &'static Tenant,
    caller: Caller,
    id: JobId,
    /// As it was at the last look.
    state: Option<JobStatus>,
    waited: Option<VerdictView>,
}

/// Submits everything, follows it to its end, and closes the books.
pub async fn run(options: &Options, ready: &Ready, people: &People) -> Result<Report, AppError> {
    let center = &ready.center;
    let began = Instant::now();
    // Slurm tells of whole seconds: a run of the center's first second began with it.
    let from = Timestamp::from_secs(center.started_at.as_micros().div_euclid(1_000_000));
    let mut followed = submit(center, people).await?;
    let mut first_result_s = None;
    let mut news = center.events.subscribe();
    while followed.iter().any(|job| !is_over(job.state)) {
        if began.elapsed() > PATIENCE {
            let open: Vec<&str> =
                followed.iter().filter(|j| !is_over(j.state)).map(|j| j.item.name).collect();
            return Err(AppError::internal(format!("these jobs did not end in time: {}", open.join(", "))));
        }
        for job in &mut followed {
            look(options, center, job, began).await?;
        }
        if first_result_s.is_none() && followed.iter().any(|job| job.state == Some(JobStatus::Succeeded)) {
            first_result_s = Some(began.elapsed().as_secs_f64());
        }
        // Something happened, or it is time to look for verdicts anyway.
        let _ = tokio::time::timeout(Duration::from_millis(250), news.recv()).await;
    }
    let until = base::moment::now();
    close(center, people, followed, (from, until), first_result_s.unwrap_or_default()).await
}

fn is_over(state: Option<JobStatus>) -> bool {
    state.is_some_and(JobStatus::has_ended)
}

async fn submit(center: &Center, people: &People) -> Result<Vec<Followed>, AppError> {
    let mut followed = Vec::new();
    for item in items() {
        let tenant = TENANTS.iter().find(|tenant| tenant.slug == item.tenant);
        let (Some(tenant), Some(caller)) = (tenant, people.developers.get(item.tenant)) else {
            return Err(AppError::not_found("tenant", item.tenant));
        };
        let mut spec = domain::script::parse(item.script).map_err(AppError::Invalid)?.spec;
        spec.name = item.name.to_owned();
        spec.project = Some(item.project.to_owned());
        spec.time_limit_ms = spec.time_limit_ms.or(Some(Millis::from_secs(120)));
        (item.change)(&mut spec);
        let id = jobs::submit(center, caller, spec, None).await?;
        followed.push(Followed { item, tenant, caller: caller.clone(), id, state: None, waited: None });
    }
    Ok(followed)
}

/// Says what has changed about a job since the last look.
async fn look(
    options: &Options,
    center: &Center,
    job: &mut Followed,
    began: Instant,
) -> Result<(), AppError> {
    if is_over(job.state) {
        return Ok(());
    }
    let shown = jobs::show(center, &job.caller, &job.id.into()).await?.job;
    let verdict = shown.verdict.filter(|verdict| verdict.code != "array_limit");
    let is_news = job.state != Some(shown.state) || (job.waited.is_none() && verdict.is_some());
    job.waited = job.waited.take().or(verdict);
    job.state = Some(shown.state);
    if is_news && !options.json {
        let why = match (&job.waited, shown.state) {
            (Some(verdict), JobStatus::Queued) => format!(": {}", verdict.text.in_lang(options.lang)),
            _ => String::new(),
        };
        let seconds = began.elapsed().as_secs_f64();
        let state = words::state(options.lang, shown.state.code());
        let line =
            format!("{seconds:6.1} s  {:<22} {}: {state}{why}", job.item.name, job.tenant.name(options.lang));
        say(&line).map_err(|failure| AppError::internal(failure.message))?;
    }
    Ok(())
}

/// The accuracy that a job's log ends with; of an array the best of its tasks.
async fn best_accuracy(center: &Center, job: &Followed) -> Result<Option<f64>, AppError> {
    let mut best: Option<f64> = None;
    for run in jobs::list_runs(center, &job.caller, &job.id.into(), RunQuery::default()).await?.items {
        let tail = LogQuery { run: Some(run.id.to_string()), offset: Some(-4096), ..LogQuery::default() };
        let log = logs::read(center, &job.caller, job.id, tail).await?;
        let said = logs::last_accuracy(&log.data).and_then(|number| number.parse().ok());
        best = best.into_iter().chain(said).reduce(f64::max);
    }
    Ok(best)
}

async fn close(
    center: &Center,
    people: &People,
    followed: Vec<Followed>,
    (from, until): (Timestamp, Timestamp),
    seconds_to_first_result: f64,
) -> Result<Report, AppError> {
    let mut ended = Vec::new();
    for job in followed {
        let detail = jobs::show(center, &job.caller, &job.id.into()).await?;
        let (shown, exit_code) = (detail.job, detail.exit_code);
        let accuracy = best_accuracy(center, &job).await?;
        ended.push(Ended {
            name: job.item.name,
            tenant: job.tenant,
            state: shown.state,
            should_end: job.item.ends,
            exit_code,
            card_ms: shown.used_card_ms,
            charge: shown.charge_micro_cny,
            verdict: job.waited,
            accuracy,
        });
    }
    let balance = capacity::between(center, from, until).await?;
    let ledger = capacity::check_ledger(center, &people.operator).await?;
    let mut spent = BTreeMap::new();
    for contract in contracts::list(center, &people.operator).await? {
        spent.insert(contract.number.clone(), contract);
    }
    Ok(Report {
        jobs: ended,
        balance,
        ledger,
        contracts: spent.into_values().collect(),
        seconds_to_first_result,
        past: None,
    })
}
