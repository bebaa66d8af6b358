//! Whether the center can work, and its figures for Prometheus.

use base::{
    auth::Caller,
    error::AppError,
    loops::{LoopState, LoopView},
    moment,
};
use domain::{Millis, NodeStatus, Timestamp};

use crate::{
    actions,
    backup::{folder, scheduled},
    center::Center,
    metrics::Figures,
};

/// Whether the store answers, no disk is full, all loops go on and the center is not stopping; in words, to be read without a token.
pub async fn readiness(center: &Center) -> Result<String, String> {
    if center.compute.wakers.is_stopping() {
        return Err("stopping\n".into());
    }
    if let Err(error) = center.read(store::events::latest_seq).await {
        return Err(format!("the store does not answer: {error}\n"));
    }
    if let Some(full) = center.compute.disks.full() {
        let shortage = full.shortage();
        return Err(format!(
            "disk_full: the disk of `{}` has {} MiB free and must have {} MiB\n",
            full.name.code(),
            shortage.free_mib,
            shortage.floor_mib
        ));
    }
    let late: Vec<LoopView> =
        center.loops.list(moment::now()).into_iter().filter(|known| known.is_late).collect();
    // Whoever asks needs no token: what fails is for those with one.
    let tell = |known: &LoopView| match known.state {
        LoopState::Over => format!("the loop `{}` is over: start the center anew\n", known.name),
        _ => format!("the loop `{}` had no good turn for {} s\n", known.name, known.since_good_ms.as_secs()),
    };
    let told: String = late.iter().map(tell).collect();
    if late.iter().any(|known| known.state == LoopState::Over) {
        Err(told)
    } else {
        Ok(format!("ready\n{told}"))
    }
}

/// All metrics as Prometheus reads them, in OpenMetrics or in the format before it, for the center's people; `None` asks where the settings give them to everybody.
pub async fn metrics(center: &Center, caller: Option<&Caller>, is_open: bool) -> Result<String, AppError> {
    if let Some(caller) = caller {
        center.policies.check(caller, actions::READ_METRICS, None)?;
    }
    let (turnovers, born_at) =
        center.read(|tx| Ok((store::ledger::turnovers_of_center(tx)?, scheduled::since(tx, None)?))).await?;
    let backup = backup(center, born_at).await?;
    center.metrics.take(&Figures { turnovers, backup, ..figures(center) });
    Ok(if is_open { center.http_metrics.render() } else { center.http_metrics.render_plain() })
}

/// Whole days until then; below 0 once it has passed.
fn days_left(at: Timestamp, now: Timestamp) -> i64 {
    (at.as_micros() - now.as_micros()).div_euclid(Millis::from_hours(24).0 * 1000)
}

/// How many seconds old the newest backup is, and its bytes.
async fn backup(center: &Center, born_at: Option<Timestamp>) -> Result<(u64, u64), AppError> {
    let folder = center.settings.backup_dir.clone();
    // A folder that can't be read has no backup that is of use: its age counts from the center's first day.
    let found = tokio::task::spawn_blocking(move || folder::list(&folder).unwrap_or_default()).await?;
    let newest = found.first();
    let now = moment::now();
    let age = now.since(newest.map(|one| one.made_at).or(born_at).unwrap_or(now));
    Ok((u64::try_from(age.as_secs()).unwrap_or(0), newest.map_or(0, |one| one.bytes)))
}

/// The figures of all metrics at the moment, but for those of the ledger.
fn figures(center: &Center) -> Figures {
    let (mut busy, mut idle, mut drained, mut failed) = (0, 0, 0, 0);
    let live = center.live();
    for known in live.nodes() {
        let on_busy = u64::from(known.busy.len());
        let free = match known.node.state.status() {
            NodeStatus::Up => &mut idle,
            NodeStatus::Drained | NodeStatus::Leaving => &mut drained,
            NodeStatus::Failed => &mut failed,
        };
        busy += on_busy;
        *free += u64::from(known.node.cards) - on_busy;
    }
    let jobs_waiting = live.jobs().filter(|job| job.job.tasks.waiting() > 0).count();
    let runs_alive = live.runs().len();
    drop(live);
    let written = center.store.stats();
    Figures {
        cards: [("busy", busy), ("idle", idle), ("drained", drained), ("failed", failed)],
        jobs_waiting: jobs_waiting as u64,
        runs_alive: runs_alive as u64,
        commits: written.commits,
        changes: written.closures,
        turnovers: Vec::new(),
        loops: center.loops.list(moment::now()),
        backup: (0, 0),
        certificate_days: center.metrics.certificate_expires_at().map(|at| days_left(at, moment::now())),
        disks: center.compute.disks.all(),
        slurm_calls: center.compute.slurm.iter().flat_map(|engine| engine.calls()).collect(),
    }
}
