//! Handing runs to the engine.

use std::sync::Arc;

use domain::{Job, NodeId, PoolId, Run, RunId, TenantId, node::Slot, reason::NotStarted};
use engines::{ArrayTask, Ended, EngineError, Exit, LaunchNode, LaunchSpec, RunLimits};
use store::jobs;

use super::{
    news::{self, Seen},
    starting::Launch,
};
use crate::{app::direct, center::Center, live::Live, secret::given, settings::Settings};
use base::{error::AppError, moment};

/// The center does not know what a run is to be launched with.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Lacks {
    #[error("the center does not know the node {0}")]
    Node(NodeId),
    #[error("the center does not know the pool {0}")]
    Pool(PoolId),
    #[error("the center does not know the tenant {0}")]
    Tenant(TenantId),
}

/// Hands runs to the engine. A run that the engine refuses, or that the center has not all for, ends as failed to start.
pub fn launch(center: &Center, launches: &[Launch]) {
    let mut failed = Vec::new();
    for launch in launches {
        let id = launch.run.id;
        let secrets = match secrets_of(center, &launch.job) {
            Ok(secrets) => secrets,
            Err(error) => {
                tracing::error!(run = %id, %error, "failed to read the secrets of a run; it is tried again");
                continue;
            }
        };
        let spec = secrets.and_then(|secrets| {
            let spec = launch_spec(&center.live(), &center.settings, &launch.run, &launch.job);
            spec.map(|spec| LaunchSpec { secrets, ..spec }).map_err(|lacks| lacks.to_string())
        });
        let refused = match spec {
            Ok(spec) => match center.compute.engine.launch(&spec) {
                Ok(()) => None,
                Err(error) => {
                    tracing::error!(run = %id, %error, "failed to launch a run");
                    matches!(error, EngineError::InvalidSpec(_)).then(|| error.to_string())
                }
            },
            Err(lacks) => {
                tracing::error!(run = %id, %lacks, "failed to launch a run");
                Some(lacks)
            }
        };
        if let Some(why) = refused {
            let (at, how) = (moment::now(), Exit::FailedToStart(NotStarted::Launch { said: why }));
            failed.push((id, Seen::Ended(Ended { started_at: None, at, took: None, how, why: None })));
        }
    }
    if !failed.is_empty() {
        news::take_in(center, failed);
    }
}

/// The variables that a run gets of the secrets that its job names; or why it can't have them.
fn secrets_of(center: &Center, job: &Job) -> Result<Result<Vec<(String, String)>, String>, AppError> {
    if job.spec.secrets.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    given::values(center, job)
}

/// Hands a run to the engine that it has not heard of; ends it instead if it was asked to stop meanwhile.
pub fn relaunch(center: &Center, id: RunId) {
    let Some(run) = center.live().run(id).map(|known| known.run.clone()) else { return };
    if run.state.stop().is_some() {
        // The engine keeps it from ever starting.
        if let Err(error) = center.compute.engine.stop(id) {
            tracing::error!(run = %id, %error, "failed to stop a run");
        }
        return;
    }
    if let Some(engine) = &center.compute.slurm {
        match direct::seen(center, run.job) {
            Ok(None) => {}
            Ok(Some(direct)) => {
                if let Err(error) = engine.adopt(&direct) {
                    tracing::error!(run = %id, %error, "failed to take up a job that was handed to Slurm directly");
                }
                return;
            }
            Err(error) => {
                tracing::error!(run = %id, %error, "failed to read how a run came about; it is tried again");
                return;
            }
        }
    }
    match center.read_now(|tx| Ok(jobs::get_job(tx, run.job)?)) {
        Ok(job) => launch(center, &[Launch { run, job: Arc::new(job) }]),
        Err(error) => {
            tracing::error!(run = %id, %error, "failed to read the job of a run; it is tried again");
        }
    }
}

fn launch_spec(live: &Live, settings: &Settings, run: &Run, job: &Job) -> Result<LaunchSpec, Lacks> {
    let of_slot = |slot: &Slot| {
        let node = live.node(slot.node).ok_or(Lacks::Node(slot.node))?;
        let pool = live.pool(node.node.pool).ok_or(Lacks::Pool(node.node.pool))?;
        Ok(LaunchNode {
            name: node.node.name.clone(),
            cards: slot.cards,
            card_count: node.node.cards,
            vendor: pool.model.vendor,
            model: pool.model.name.clone(),
            is_virtual: node.node.is_virtual,
        })
    };
    let nodes = run.placement.0.iter().map(of_slot).collect::<Result<_, _>>()?;
    let array = job.spec.array.as_ref().and_then(|array| {
        let (min, max) = array.bounds()?;
        let step = match array.ranges.as_slice() {
            [range] => range.step,
            _ => 1,
        };
        Some(ArrayTask { index: array.index(run.task)?, count: job.spec.task_count(), min, max, step })
    });
    let own_env = job.spec.env.iter();
    let env = settings.jobs.env.iter().chain(own_env).map(|(k, v)| (k.clone(), v.clone())).collect();
    let mib = |mib: u64| mib.saturating_mul(1 << 20);
    Ok(LaunchSpec {
        run: run.id,
        job: job.id,
        tenant: job.tenant,
        uid_index: live.tenant(job.tenant).ok_or(Lacks::Tenant(job.tenant))?.uid_index,
        job_name: job.spec.name.clone(),
        project: job.spec.project.clone().unwrap_or_default(),
        array,
        script: job.spec.script.clone(),
        encoding: job.spec.encoding,
        args: job.spec.args.clone(),
        env,
        secret_names: job.spec.secrets.clone(),
        secrets: Vec::new(),
        nodes,
        launch: job.spec.launch,
        batch: job.spec.batch.clone(),
        exclusive: job.spec.exclusive,
        time_limit: settings.time_limit(&job.spec),
        kill_grace: settings.engine.kill_grace_ms,
        log_limit_bytes: mib(settings.engine.log_limit_mib),
        limits: RunLimits {
            max_processes: u32::try_from(settings.engine.max_processes).unwrap_or(u32::MAX),
            max_open_files: u32::try_from(settings.engine.max_open_files).unwrap_or(u32::MAX),
            memory_bytes: settings.engine.memory_mib.map(mib),
            file_size_bytes: settings.engine.file_size_mib.map(mib),
        },
    })
}

#[cfg(test)]
mod tests {
    use domain::{CardSet, Placement};

    use super::*;
    use crate::live::fixtures;

    #[test]
    fn a_run_that_cannot_be_launched_is_told_why() {
        let live = fixtures::hall();
        let settings = Settings::parse("here", "", std::iter::empty()).expect("the defaults are valid");
        let (run, job) = fixtures::run(1, 0b11);
        let lacks = |run: &Run| launch_spec(&live, &settings, run, &job).expect_err("something is not there");
        assert_eq!(lacks(&run), Lacks::Tenant(job.tenant));
        let node = NodeId::from_bytes([9; 16]);
        let elsewhere = Placement(vec![Slot { node, cards: CardSet::first(1) }]);
        let run = Run { placement: elsewhere, ..run };
        assert_eq!(lacks(&run).to_string(), format!("the center does not know the node {node}"));
    }
}
