//! Handing runs to the engine.

use domain::{Job, Run, RunId};
use engines::{ArrayTask, Ended, Exit, LaunchNode, LaunchSpec, RunLimits};

use super::{
    news::{self, Seen},
    starting::Launch,
};
use crate::{app::direct, center::Center};
use base::moment;

/// Hands runs to the engine. A run that the engine refuses ends as failed to start.
pub fn launch(center: &Center, launches: &[Launch]) {
    let mut failed = Vec::new();
    for launch in launches {
        let Some(spec) = launch_spec(center, &launch.run, &launch.job) else { continue };
        if let Err(error) = center.compute.engine.launch(&spec) {
            tracing::error!(run = %launch.run.id, %error, "failed to launch a run");
            if let engines::EngineError::InvalidSpec(_) = error {
                let ended = Ended {
                    started_at: None,
                    at: moment::now(),
                    took: None,
                    how: Exit::FailedToStart(error.to_string()),
                };
                failed.push((launch.run.id, Seen::Ended(ended)));
            }
        }
    }
    if !failed.is_empty() {
        news::take_in(center, failed);
    }
}

/// Hands a run to the engine that it has not heard of; ends it instead if it was asked to stop meanwhile.
pub fn relaunch(center: &Center, id: RunId) {
    let Some((run, job)) = ({
        let live = center.live();
        live.run(id).and_then(|known| Some((known.run.clone(), live.job(known.run.job)?.job.clone())))
    }) else {
        return;
    };
    if run.state.stop().is_some() {
        // The engine keeps it from ever starting.
        if let Err(error) = center.compute.engine.stop(id) {
            tracing::error!(run = %id, %error, "failed to stop a run");
        }
        return;
    }
    if let Some(engine) = &center.compute.slurm {
        match direct::seen(center, job.id) {
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
    launch(center, &[Launch { run, job }]);
}

fn launch_spec(center: &Center, run: &Run, job: &Job) -> Option<LaunchSpec> {
    let live = center.live();
    let settings = &center.settings;
    let nodes = run.placement.0.iter().map(|slot| {
        let node = live.node(slot.node)?;
        let pool = live.pool(node.node.pool)?;
        Some(LaunchNode {
            name: node.node.name.clone(),
            cards: slot.cards,
            card_count: node.node.cards,
            vendor: pool.model.vendor,
            model: pool.model.name.clone(),
            is_virtual: node.node.is_virtual,
        })
    });
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
    Some(LaunchSpec {
        run: run.id,
        job: job.id,
        tenant: job.tenant,
        uid_index: live.tenant(job.tenant)?.uid_index,
        job_name: job.spec.name.clone(),
        project: job.spec.project.clone().unwrap_or_default(),
        array,
        script: job.spec.script.clone(),
        args: job.spec.args.clone(),
        env,
        nodes: nodes.collect::<Option<_>>()?,
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
