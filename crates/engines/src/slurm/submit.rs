//! The submitter: hands runs in, each once, and cancels those that are to end.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{Launch, RunId, batch::Memory};

use super::{
    Core, Entry, Known, SlurmNode,
    cancel::cancel,
    face::{Asked, FaceError, JobRecord, Submission},
    files::Account,
    job_name, never_began, now,
    record::Line,
    run_of, script, slurm_limit_min,
};
use crate::{Exit, LaunchSpec, Leaving};

/// How many runs are cancelled or looked for in one call.
const BATCH: usize = 32;
/// How many are handed in at once, each by a thread of its own: most of it is waiting for Slurm. Where all of Slurm is on one small
/// machine, a submission takes a tenth of a second while jobs begin, and four at once don't keep up.
pub(super) const AT_ONCE: usize = 8;
/// Jobs of a run are looked for in accounting from this long before the run was made on, in seconds: clocks differ.
const LOOK_BACK_S: i64 = 3600;

/// What came of an attempt.
enum Attempt {
    Done,
    /// Slurm is not there, or takes nothing now: later.
    Later,
}

/// One of the threads that see to the queue.
pub(super) fn run(core: &Core) {
    let mut pause = Duration::ZERO;
    loop {
        let mut known = core.known();
        let begun = Instant::now();
        let batch = loop {
            if known.is_ending {
                return;
            }
            let left = pause.saturating_sub(begun.elapsed());
            let batch = if left.is_zero() { take(&mut known) } else { Vec::new() };
            if !batch.is_empty() {
                break batch;
            }
            // Some of the queue may wait for an answer that could still come.
            let wait = if left.is_zero() { Duration::from_secs(1) } else { left };
            known = core.to_submit.wait_timeout(known, wait).expect("nothing panics while it is held").0;
        };
        drop(known);
        let went_well = cancel(core, &batch) & look_for(core, &batch) & submit(core, &batch);
        core.known().in_hand.retain(|run| !batch.contains(run));
        // What was put back meanwhile may be seen to by another one.
        core.to_submit.notify_one();
        pause = if went_well {
            Duration::ZERO
        } else {
            (pause * 2).clamp(Duration::from_millis(250), Duration::from_secs(5))
        };
    }
}

/// The next runs of the queue that can be seen to now: one that is to be handed in, or several that can be seen to at once.
fn take(known: &mut Known) -> Vec<RunId> {
    let now = Instant::now();
    let (mut batch, mut rest) = (Vec::new(), Vec::new());
    while let Some(run) = known.queue.pop_front() {
        let Some(entry) = known.runs.get(&run) else { continue };
        if entry.not_before.is_some_and(|at| now < at) || known.in_hand.contains(&run) {
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
    // Back to the front, in their order.
    rest.into_iter().rev().for_each(|run| known.queue.push_front(run));
    known.in_hand.extend(&batch);
    batch
}

pub(super) fn again(core: &Core, runs: impl IntoIterator<Item = RunId>) {
    let mut known = core.known();
    for run in runs {
        if known.runs.contains_key(&run) && !known.queue.contains(&run) {
            known.queue.push_back(run);
        }
    }
}

/// Finds, in two calls, the jobs of those runs of the batch that may have been handed in before.
fn look_for(core: &Core, batch: &[RunId]) -> bool {
    let wanted: Vec<RunId> = {
        let known = core.known();
        let is_wanted = |run: &&RunId| {
            known.runs.get(run).is_some_and(|entry| entry.number.is_none() && entry.may_be_there)
        };
        batch.iter().filter(is_wanted).copied().collect()
    };
    if wanted.is_empty() {
        return true;
    }
    let found = match find_jobs(core, &wanted) {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, runs = wanted.len(), "failed to look for runs in Slurm; it is tried again");
            again(core, wanted);
            return false;
        }
    };
    for run in wanted {
        let number = found.get(&run).copied();
        if let Some(number) = number {
            tracing::info!(%run, number, "found the Slurm job of a run");
            adopt(core, run, number);
        } else if let Some(entry) = core.known().runs.get_mut(&run) {
            entry.may_be_there = false;
        }
    }
    true
}

/// Takes jobs for the runs' own of which it was not clear whether Slurm took them, where a look at all jobs shows that it did.
/// Whether there were such.
pub(super) fn adopt_found(core: &Core, by_name: &HashMap<&str, Vec<u32>>) -> bool {
    let unclear: Vec<RunId> = {
        let known = core.known();
        let is_unclear = |(run, entry): &(&RunId, &Entry)| {
            entry.number.is_none() && entry.may_be_there && !known.in_hand.contains(run)
        };
        known.runs.iter().filter(is_unclear).map(|(run, _)| *run).collect()
    };
    let mut has_found = false;
    for run in unclear {
        let Some(numbers) = by_name.get(job_name(run).as_str()) else { continue };
        if let Some(number) = choose(core, run, numbers.clone()) {
            tracing::info!(%run, number, "found the Slurm job of a run");
            adopt(core, run, number);
            has_found = true;
        }
    }
    has_found
}

/// Of several jobs the one that got through as the run; else the first.
fn choose(core: &Core, run: RunId, mut numbers: Vec<u32>) -> Option<u32> {
    if let Some(entry) = core.known().runs.get(&run) {
        numbers.retain(|number| !entry.forgotten.contains(number));
    }
    let claimed = claimed_by(core, run).filter(|claimed| numbers.contains(claimed));
    claimed.or_else(|| numbers.into_iter().min())
}

/// Takes a job for the run's own.
pub(super) fn adopt(core: &Core, run: RunId, number: u32) {
    let at = now();
    if let Err(error) = core.records.append(run, &Line::Submitted { number, at }) {
        // The job is found by its name again.
        tracing::error!(%run, %error, "failed to keep the number of a Slurm job");
    }
    let mut known = core.known();
    let Some(entry) = known.runs.get_mut(&run) else { return };
    (entry.number, entry.submitted_at, entry.may_be_there) = (Some(number), Some(at), false);
    entry.confirmed_at = None;
    (entry.gone_since, entry.unlisted_at, entry.last_listed, entry.cancelled_at) = (None, None, None, None);
    if entry.left_at.is_none() {
        let is_brief = core.notices.as_ref().is_some_and(|notices| notices.expects_brief(entry));
        entry.leaving = if is_brief { Leaving::Soon } else { Leaving::No };
    }
    if entry.is_to_end() {
        known.queue.push_front(run);
    }
    drop(known);
    core.to_watch.notify_one();
}

fn find_jobs(core: &Core, runs: &[RunId]) -> Result<HashMap<RunId, u32>, FaceError> {
    let listing = core.face.jobs()?;
    let mut found: HashMap<RunId, Vec<u32>> = HashMap::new();
    let mut note = |jobs: &[JobRecord]| {
        for job in jobs {
            if let Some(run) = run_of(&job.name).filter(|run| runs.contains(run)) {
                found.entry(run).or_default().push(job.id);
            }
        }
    };
    note(&listing.jobs);
    let asked = Asked {
        names: runs.iter().map(|run| job_name(*run)).collect(),
        since: runs.iter().copied().map(looked_for_s).min().unwrap_or(0),
        ..Asked::default()
    };
    note(&core.face.accounting(&asked)?);
    Ok(found.into_iter().filter_map(|(run, numbers)| Some((run, choose(core, run, numbers)?))).collect())
}

/// Whether Slurm has, or has had, a job of this number under a run's name.
pub(super) fn is_named(core: &Core, run: RunId, number: u32) -> Result<bool, FaceError> {
    let name = job_name(run);
    let is_it = |job: &JobRecord| job.id == number && job.name == name;
    if core.face.jobs()?.jobs.iter().any(is_it) {
        return Ok(true);
    }
    let asked =
        Asked { jobs: vec![number], names: vec![name.clone()], since: looked_for_s(run), ..Asked::default() };
    Ok(core.face.accounting(&asked)?.iter().any(is_it))
}

/// Since when accounting may have jobs of a run, in seconds since 1970.
pub(super) fn looked_for_s(run: RunId) -> i64 {
    run.made_at().as_micros() / 1_000_000 - LOOK_BACK_S
}

/// The number of the job that was let through as the run.
pub(super) fn claimed_by(core: &Core, run: RunId) -> Option<u32> {
    let tenant = core.known().runs.get(&run)?.spec.as_ref()?.tenant;
    let account = core.account_of(tenant).ok()?;
    core.shared.word(run, "claim", account.uid)?.parse().ok()
}

/// Hands in those of the batch that Slurm does not have.
fn submit(core: &Core, batch: &[RunId]) -> bool {
    let is_later = |run: &RunId| matches!(submit_if_wanted(core, *run), Attempt::Later);
    let held_up = batch.iter().position(is_later).unwrap_or(batch.len());
    again(core, batch[held_up..].iter().copied());
    held_up == batch.len()
}

fn submit_if_wanted(core: &Core, run: RunId) -> Attempt {
    let spec = {
        let known = core.known();
        match known.runs.get(&run) {
            _ if known.is_ending => return Attempt::Done,
            Some(entry) if entry.number.is_some() || entry.may_be_there => return Attempt::Done,
            Some(entry) if entry.stop => None,
            Some(entry) => entry.spec.clone(),
            None => return Attempt::Done,
        }
    };
    let Some(spec) = spec else {
        core.end(run, never_began(Exit::Stopped { status: None }), None);
        return Attempt::Done;
    };
    submit_one(core, &spec)
}

fn submit_one(core: &Core, spec: &Arc<LaunchSpec>) -> Attempt {
    let run = spec.run;
    let refuse = |why: String| {
        tracing::warn!(%run, why, "Slurm does not take a run");
        core.end(run, never_began(Exit::FailedToStart(why.clone())), Some(&why));
        Attempt::Done
    };
    let account = match core.account_of(spec.tenant) {
        Ok(account) => account,
        Err(why) => return refuse(why),
    };
    let charged = match charged_account(core, spec) {
        Charged::To(name) => name,
        Charged::Later => return put_off(core, run),
        Charged::NeverOpened(waited) => {
            let why = format!("its account in Slurm took no jobs for {} s", waited.as_secs());
            core.end(run, never_began(Exit::MachineLost), Some(&why));
            return Attempt::Done;
        }
    };
    let nodes = match nodes_of(core, spec) {
        Ok(Ok(nodes)) => nodes,
        Ok(Err(why)) => return refuse(why),
        Err(error) => {
            tracing::warn!(%run, %error, "failed to ask Slurm for its nodes; it is tried again");
            return Attempt::Later;
        }
    };
    let master = &nodes[0].address;
    let start = match core.shared.prepare(spec, &account, &core.config.path, master) {
        Ok(start) => start,
        Err(error) => {
            tracing::error!(%run, %error, "failed to make the folder of a run; it is tried again");
            return Attempt::Later;
        }
    };
    if let Some(entry) = core.known().runs.get_mut(&run) {
        entry.account = Some(account.clone());
    }
    // Should this process die now, the next one looks first.
    if let Err(error) = core.records.append(run, &Line::Submitting(now())) {
        tracing::error!(%run, %error, "failed to write the record of a run; it is tried again");
        return Attempt::Later;
    }
    let is_of_project = charged.is_some();
    match core.face.submit(&submission(core, spec, &account, &nodes[0], charged, &start)) {
        Ok(number) => {
            adopt(core, run, number);
            core.hint(run);
            Attempt::Done
        }
        // The account may just have been made, paused or opened: what is known of it is soon what is so.
        Err(FaceError::Refused(why)) if is_of_project && may_try_again(core, run) => {
            tracing::info!(%run, why, "Slurm does not take a run under its project's account; it is tried again");
            put_off(core, run)
        }
        Err(FaceError::Refused(why)) => refuse(why),
        Err(FaceError::Unreachable(why)) => {
            tracing::warn!(%run, why, "Slurm takes nothing now; it is tried again");
            Attempt::Later
        }
        Err(FaceError::Unclear(why)) => {
            tracing::warn!(%run, why, "it is not clear whether Slurm took a run; it is looked for later");
            if let Some(entry) = core.known().runs.get_mut(&run) {
                entry.may_be_there = true;
                entry.not_before = Some(Instant::now() + core.config.times.unclear);
            }
            Attempt::Later
        }
    }
}

/// The Slurm nodes of the run, or why it can't have them.
fn nodes_of(core: &Core, spec: &LaunchSpec) -> Result<Result<Vec<SlurmNode>, String>, FaceError> {
    let find = |known: &Known| -> Option<Vec<SlurmNode>> {
        let of = |name: &str| known.nodes.iter().find(|node| node.name == name).cloned();
        spec.nodes.iter().map(|node| of(&node.name)).collect()
    };
    if let Some(nodes) = find(&core.known()) {
        return Ok(Ok(nodes));
    }
    let fresh = core.face.nodes()?;
    let mut known = core.known();
    known.nodes = fresh;
    Ok(find(&known).ok_or_else(|| {
        let names: Vec<&str> = known.nodes.iter().map(|node| node.name.as_str()).collect();
        let missing = spec.nodes.iter().find(|node| !names.contains(&node.name.as_str()));
        format!("Slurm has no node `{}`", missing.map_or("", |node| node.name.as_str()))
    }))
}

/// Under which Slurm account a run is handed in.
enum Charged {
    /// Its project's; `None`: as the settings say.
    To(Option<String>),
    Later,
    NeverOpened(Duration),
}

fn charged_account(core: &Core, spec: &LaunchSpec) -> Charged {
    if !core.config.keeps_accounts {
        return Charged::To(None);
    }
    let since = |at: domain::Timestamp| Duration::from_millis(u64::try_from(now().since(at).0).unwrap_or(0));
    let known = core.project_accounts.lock().expect("nothing panics while it is held");
    match known.as_ref() {
        None if since(core.began) < core.config.times.first_look => Charged::Later,
        None => Charged::To(None),
        Some(known) => match known.get(&(spec.tenant, spec.project.clone())) {
            None => Charged::To(None),
            Some(account) if account.is_open => Charged::To(Some(account.name.clone())),
            Some(_) => {
                let waited = since(spec.run.made_at());
                if waited < core.config.times.pending { Charged::Later } else { Charged::NeverOpened(waited) }
            }
        },
    }
}

/// Sees to a run later, while others go on.
fn put_off(core: &Core, run: RunId) -> Attempt {
    if let Some(entry) = core.known().runs.get_mut(&run) {
        entry.not_before = Some(Instant::now() + core.config.times.refused);
    }
    again(core, [run]);
    Attempt::Done
}

/// Whether a run that was refused under its project's account is handed in again.
fn may_try_again(core: &Core, run: RunId) -> bool {
    const MOST: u8 = 3;
    core.known().runs.get_mut(&run).is_some_and(|entry| {
        entry.refusals += 1;
        entry.refusals <= MOST
    })
}

/// `charged`: the account of its project, where it has one.
fn submission(
    core: &Core,
    spec: &LaunchSpec,
    account: &Account,
    node: &SlurmNode,
    charged: Option<String>,
    start: &str,
) -> Submission {
    let config = &core.config;
    let folder = core.shared.run_folder(spec.run);
    let owner = core.owner_of(spec.tenant);
    let first = &spec.nodes[0];
    let cards = first.cards.len();
    // Slurm gives each node the same; the planner does too.
    let named = config.gres.get(&first.model).cloned().or_else(|| {
        let (kind, of, _) = node.gres.as_ref()?;
        Some(of.as_ref().map_or_else(|| kind.clone(), |of| format!("{kind}:{of}")))
    });
    let (batch, is_batch) = (&spec.batch, spec.launch == Launch::Batch);
    let cpus = cards.saturating_mul(config.cpus_per_card).max(1);
    // What the center allows, and below that what the script asks for.
    let most = spec.limits.memory_bytes.map(|bytes| bytes.div_ceil(1 << 20));
    let (mib_per_node, mib_per_cpu) = match batch.memory {
        Some(Memory::MibPerNode(0)) | None => (most.or(batch.memory.map(|_| 0)), None),
        Some(Memory::MibPerNode(mib)) => (Some(most.map_or(mib, |most| mib.min(most))), None),
        Some(Memory::MibPerCpu(mib)) if most.is_none() => (None, Some(mib)),
        Some(Memory::MibPerCpu(_)) => (most, None),
    };
    let is_own = account.uid == rustix::process::geteuid().as_raw();
    Submission {
        name: job_name(spec.run),
        comment: format!("qiantang {}", spec.job),
        user: owner.user.clone().filter(|_| !is_own),
        account: charged.or_else(|| owner.account.clone()),
        partition: config.partition.clone(),
        qos: config.qos.clone(),
        script: {
            let notice = core.notices.as_ref().map(|notices| notices.script(spec.run));
            script::batch(spec, &folder, start, notice)
        },
        work_dir: core.shared.work_folder(spec.tenant, spec.job),
        stdout: folder.join("stdout"),
        stderr: folder.join("stderr"),
        nodes: spec.nodes.iter().map(|node| node.name.clone()).collect(),
        gres: named.filter(|_| cards > 0).map(|named| format!("{named}:{cards}")),
        time_limit_min: slurm_limit_min(spec.time_limit),
        memory_mib_per_node: mib_per_node,
        memory_mib_per_cpu: mib_per_cpu,
        tasks: batch.tasks.filter(|_| is_batch),
        tasks_per_node: if is_batch { batch.tasks_per_node } else { Some(1) },
        cpus_per_task: if is_batch {
            batch.cpus_per_task
        } else {
            Some(cpus.max(batch.cpus_per_task.unwrap_or(1)))
        },
        // A script that says how many processors its tasks have gets these.
        min_cpus: Some(cpus).filter(|_| is_batch && !batch.tells_processors()),
        exclusive: spec.exclusive && is_batch,
        env: Vec::new(),
    }
}
