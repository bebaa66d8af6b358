//! Stopping runs.

use domain::{Run, RunId, run::StopCause};
use store::{Tx, runs};

use crate::center::Center;
use base::{error::AppError, moment};

/// Asks runs to stop: keeps why, then tells the engine.
pub fn stop(center: &Center, ids: Vec<RunId>, cause: StopCause) {
    let stopped = center.write_now(
        move |tx| {
            let mut stopped = Vec::new();
            for id in ids {
                if let Some(run) = request_stop(tx, id, cause)? {
                    stopped.push(run);
                }
            }
            Ok(stopped)
        },
        |center, stopped| apply_stops(center, stopped),
    );
    match stopped {
        Ok(stopped) => tell_engine_to_stop(center, &stopped),
        Err(error) => tracing::error!(%error, "failed to stop runs; it is tried again"),
    }
}

/// Keeps that a run is to stop; `None` if it has ended.
pub fn request_stop(tx: &Tx, id: RunId, cause: StopCause) -> Result<Option<Run>, AppError> {
    let mut row = runs::get_run(tx, id)?;
    let Ok(state) = row.run.state.request_stop(cause, moment::now()) else { return Ok(None) };
    row.run.state = state;
    runs::update_run_state(tx, &row.run)?;
    Ok(Some(row.run))
}

/// Brings what is live up to date with runs that are to stop.
pub fn apply_stops(center: &Center, stopped: &[Run]) {
    let mut live = center.live();
    for run in stopped {
        live.run_changed(run);
    }
}

/// Tells the engine, after the commit. A failure is mended by the watch loop, which looks at stopping runs again and
/// again.
pub fn tell_engine_to_stop(center: &Center, stopped: &[Run]) {
    for run in stopped {
        if let Err(error) = center.compute.engine.stop(run.id) {
            tracing::error!(run = %run.id, %error, "failed to tell the engine to stop a run");
        }
    }
}
