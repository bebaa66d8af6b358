//! The submitters: they submit runs, each once, and cancel the jobs of runs that are to end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    Lang, RunId, Zone,
    reason::{Interruption, NotStarted},
};

use super::{
    cancel::cancel,
    core::{Core, NoUser, never_began},
    find::{adopt, look_for},
    submission::{Charged, charged_account, submission},
    table::RunTable,
};
use crate::{
    clock,
    observation::Exit,
    slurm::{
        client::{node::NodeRecord, port::SlurmError},
        disk::record::RunEvent,
    },
    spec::LaunchSpec,
    sync,
};

/// How many runs are cancelled or looked for in one call.
const BATCH: usize = 32;
/// The number of submitters. Each is a thread, and most of its time goes into waiting for Slurm. Where all of
/// Slurm is on one small machine, a submission takes a tenth of a second while jobs begin, and four at once
/// don't keep up.
pub(crate) const AT_ONCE: usize = 8;
/// How often a run is submitted at most under an account that refuses it.
const MOST_REFUSALS: u8 = 3;

/// The outcome of an attempt to submit a run.
enum Attempt {
    Done,
    /// Slurm is not there, or takes nothing now: the run is submitted later.
    Later,
}

/// The life of a submitter.
pub(crate) fn run(core: &Core) {
    let mut pause = Duration::ZERO;
    loop {
        let mut table = core.table();
        let begun = Instant::now();
        let batch = loop {
            if table.is_ending {
                return;
            }
            let left = pause.saturating_sub(begun.elapsed());
            let batch = if left.is_zero() { take(&mut table) } else { Vec::new() };
            if !batch.is_empty() {
                break batch;
            }
            // Some of the queue may wait for an answer that could still come.
            let wait = if left.is_zero() { Duration::from_secs(1) } else { left };
            table = sync::wait_for(&core.to_submit, table, wait);
        };
        drop(table);
        let went_well = cancel(core, &batch) & look_for(core, &batch) & submit(core, &batch);
        core.table().in_hand.retain(|run| !batch.contains(run));
        // Another submitter may take what was put back meanwhile.
        core.to_submit.notify_one();
        pause = if went_well {
            Duration::ZERO
        } else {
            (pause * 2).clamp(Duration::from_millis(250), Duration::from_secs(5))
        };
    }
}

/// Takes the next runs from the queue that can be worked on now: one run to submit, or several to look for or
/// to end in one call.
fn take(table: &mut RunTable) -> Vec<RunId> {
    let now = Instant::now();
    let (mut batch, mut rest) = (Vec::new(), Vec::new());
    while let Some(run) = table.queue.pop_front() {
        let Some(entry) = table.runs.get(&run) else { continue };
        if entry.not_before.is_some_and(|at| now < at) || table.in_hand.contains(&run) {
            rest.push(run);
            continue;
        }
        let is_new = !entry.is_to_end() && !entry.may_be_there;
        if is_new && !batch.is_empty() {
            rest.push(run);
            break;
        }
        batch.push(run);
        if is_new || batch.len() >= BATCH {
            break;
        }
    }
    // The others go back to the front, in their order.
    rest.into_iter().rev().for_each(|run| table.queue.push_front(run));
    table.in_hand.extend(&batch);
    batch
}

/// Submits those runs of the batch that Slurm does not have. Whether Slurm took all that it should.
fn submit(core: &Core, batch: &[RunId]) -> bool {
    let is_later = |run: &RunId| matches!(submit_if_wanted(core, *run), Attempt::Later);
    let held_up = batch.iter().position(is_later).unwrap_or(batch.len());
    core.put_back(batch[held_up..].iter().copied());
    held_up == batch.len()
}

fn submit_if_wanted(core: &Core, run: RunId) -> Attempt {
    let spec = {
        let table = core.table();
        match table.runs.get(&run) {
            _ if table.is_ending => return Attempt::Done,
            Some(entry) if entry.job.number.is_some() || entry.may_be_there => return Attempt::Done,
            Some(entry) if entry.stop => None,
            Some(entry) => entry.spec.clone(),
            None => return Attempt::Done,
        }
    };
    let Some(spec) = spec else {
        core.end(run, never_began(Exit::Stopped { status: None }, None), None);
        return Attempt::Done;
    };
    submit_one(core, &spec)
}

fn submit_one(core: &Core, spec: &Arc<LaunchSpec>) -> Attempt {
    let run = spec.run;
    let refuse = |why: NotStarted| {
        let said = why.text(Lang::En);
        tracing::warn!(%run, why = said, "Slurm refused a run");
        core.end(run, never_began(Exit::FailedToStart(why), None), Some(&said));
        Attempt::Done
    };
    let user = match core.user_of(spec.tenant) {
        Ok(user) => user,
        Err(NoUser::Refused(why)) => return refuse(why),
        Err(error @ NoUser::NotLookedUp(_)) => {
            tracing::warn!(%run, %error, "failed to find the user of a run; the engine tries again");
            return Attempt::Later;
        }
    };
    let charged = match charged_account(core, spec) {
        Charged::To(name) => name,
        Charged::Later => return put_off(core, run),
        Charged::NeverOpened(waited) => {
            let why = Interruption::AccountClosed { waited_s: waited.as_secs() };
            let said = why.text(Lang::En, &Zone::utc());
            core.end(run, never_began(Exit::MachineLost, Some(why)), Some(&said));
            return Attempt::Done;
        }
    };
    let nodes = match nodes_of(core, spec) {
        Ok(Ok(nodes)) => nodes,
        Ok(Err(why)) => return refuse(why),
        Err(error) => {
            tracing::warn!(%run, %error, "failed to ask Slurm for its nodes; the engine tries again");
            return Attempt::Later;
        }
    };
    let master = &nodes[0].address;
    let start = match core.shared.prepare(spec, &user, &core.config.path, master) {
        Ok(start) => start,
        Err(error) => {
            tracing::error!(%run, %error, "failed to make the folder of a run; the engine tries again");
            return Attempt::Later;
        }
    };
    if let Some(entry) = core.table().runs.get_mut(&run) {
        entry.user = Some(user.clone());
    }
    // Should this process die now, the next engine looks for the job before it submits one.
    if let Err(error) = core.records.append(run, &RunEvent::Submitting(clock::now())) {
        tracing::error!(%run, %error, "failed to write the record of a run; the engine tries again");
        return Attempt::Later;
    }
    let is_of_project = charged.is_some();
    match core.slurm.submit(&submission(core, spec, &user, &nodes[0], charged, &start)) {
        Ok(number) => {
            adopt(core, run, number);
            core.hint(run);
            Attempt::Done
        }
        // The account may just have been made, paused or opened. What the engine knows of it is soon up to
        // date.
        Err(SlurmError::Refused(why)) if is_of_project && may_try_again(core, run) => {
            tracing::info!(%run, why, "Slurm refused a run under its project's account; the engine tries again");
            put_off(core, run)
        }
        Err(SlurmError::Refused(said)) => refuse(NotStarted::SlurmRefused { said }),
        Err(SlurmError::Unreachable(why)) => {
            tracing::warn!(%run, why, "Slurm can't take a run now; the engine tries again");
            Attempt::Later
        }
        Err(SlurmError::Unclear(why)) => {
            tracing::warn!(%run, why, "it is unclear whether Slurm took a run; the engine looks for its job later");
            if let Some(entry) = core.table().runs.get_mut(&run) {
                entry.may_be_there = true;
                entry.not_before = Some(Instant::now() + core.config.times.unclear);
            }
            Attempt::Later
        }
    }
}

/// The Slurm nodes of the run, or why it can't have them.
fn nodes_of(core: &Core, spec: &LaunchSpec) -> Result<Result<Vec<NodeRecord>, NotStarted>, SlurmError> {
    let find = |table: &RunTable| -> Option<Vec<NodeRecord>> {
        let of = |name: &str| table.nodes.iter().find(|node| node.name == name).cloned();
        spec.nodes.iter().map(|node| of(&node.name)).collect()
    };
    if let Some(nodes) = find(&core.table()) {
        return Ok(Ok(nodes));
    }
    let fresh = core.slurm.nodes()?;
    let mut table = core.table();
    table.nodes = fresh;
    Ok(find(&table).ok_or_else(|| {
        let names: Vec<&str> = table.nodes.iter().map(|node| node.name.as_str()).collect();
        let missing = spec.nodes.iter().find(|node| !names.contains(&node.name.as_str()));
        NotStarted::NoSuchNode { node: missing.map(|node| node.name.clone()).unwrap_or_default() }
    }))
}

/// Leaves a run for later, while others go on.
fn put_off(core: &Core, run: RunId) -> Attempt {
    if let Some(entry) = core.table().runs.get_mut(&run) {
        entry.not_before = Some(Instant::now() + core.config.times.refused);
    }
    core.put_back([run]);
    Attempt::Done
}

/// Whether a run that was refused under its project's account is submitted again.
fn may_try_again(core: &Core, run: RunId) -> bool {
    core.table().runs.get_mut(&run).is_some_and(|entry| {
        entry.refusals += 1;
        entry.refusals <= MOST_REFUSALS
    })
}
