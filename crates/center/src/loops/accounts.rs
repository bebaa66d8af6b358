//! The accounts loop: keeps accounts, limits and pauses in Slurm as the contracts are. Nothing waits for it but runs whose
//! account takes no jobs.

use std::{
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use engines::slurm::SlurmEngine;

use crate::{
    app::slurm_accounts,
    center::Center,
    wakers::{ACCOUNTS, sleep},
};

/// Between two turns, where nothing calls: what Slurm counts goes on.
pub const EVERY: Duration = Duration::from_mins(1);
/// After a turn that Slurm did not answer.
const AGAIN: Duration = Duration::from_secs(10);
/// Slurm is busy with this for one part of its time in so many, at most.
const SHARE: u32 = 4;

pub fn run(center: &Center, engine: &SlurmEngine, called: &Receiver<()>) {
    let mut last: Vec<String> = Vec::new();
    while !center.compute.wakers.is_stopping() {
        let begun = Instant::now();
        let kept = slurm_accounts::keep(center, engine);
        let at_most = if kept.is_ok() { EVERY } else { AGAIN };
        let told = kept.unwrap_or_else(|error| vec![error.to_string()]);
        // A problem that persists is logged once.
        for problem in told.iter().filter(|problem| !last.contains(problem)) {
            tracing::warn!(problem, "Slurm's accounts are not as they should be; it is tried again");
        }
        if !told.is_empty() {
            center.loops.failed(ACCOUNTS, &told.join("; "));
        }
        center.loops.turned(ACCOUNTS, begun.elapsed());
        last = told;
        let rest = begun.elapsed() * (SHARE - 1);
        let rested = Instant::now();
        if !sleep(called, at_most) {
            return;
        }
        center.compute.wakers.pause(rest.saturating_sub(rested.elapsed()));
    }
}
