//! The watcher: one look at all jobs, and one at the accounting of those whose ends the controller does not
//! tell, however many they are.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{RunId, Timestamp};

use super::{
    cancel::cancel_named,
    core::Core,
    direct_job::DirectJob,
    find::{adopt, adopt_found, claimed_by},
    inactive_jobs::{note_inactive, resolve},
    job_name::{job_name, run_of},
    notices::{self, Notices},
    table::{RunTable, TrackedRun, is_job_of},
};
use crate::{
    clock,
    observation::Leaving,
    slurm::{
        client::job::{JobRecord, JobState},
        disk::record::RunEvent,
    },
    sync,
};

/// How many of the last looks tell how long one takes.
const LOOKS_KEPT: usize = 3;
/// How long Slurm usually needs to tidy up after a run's last process, and to have the run's end.
const TIDIED: Duration = Duration::from_millis(200);

/// A run that Slurm has, as it was when the watcher asked.
struct Watched {
    run: RunId,
    number: u32,
    direct: Option<Arc<DirectJob>>,
    started_at: Option<Timestamp>,
}

/// When the watcher looks next.
struct Rhythm {
    /// Between the last look and the next.
    pause: Duration,
    /// The shortest pause: Slurm spends no more than a share of its time on looks.
    floor: Duration,
    looked_at: Instant,
    /// The look was brought forward because all runs had given notice of their ends.
    is_early: bool,
}

/// The life of the watcher.
pub(crate) fn run(core: &Core) {
    let (least, most) = core.config.times.look;
    let mut rhythm = Rhythm { pause: least, floor: least, looked_at: Instant::now(), is_early: false };
    let mut took = VecDeque::new();
    loop {
        if !wait(core, &mut rhythm) {
            return;
        }
        let mut asking = Duration::ZERO;
        rhythm.looked_at = Instant::now();
        let has_news = look(core, &mut asking);
        // Slurm spends at most a fifth of its time on looks, or a tenth where runs give notice of their ends.
        // The quickest of the last looks is what one costs: the others waited for what else Slurm had to do.
        let share = if core.notices.as_ref().is_some_and(Notices::is_believed) { 10 } else { 5 };
        took.truncate(LOOKS_KEPT - 1);
        took.push_front(asking);
        let floor = (took.iter().min().copied().unwrap_or_default() * (share - 1)).clamp(least, most);
        rhythm.floor = floor;
        rhythm.pause = if has_news || rhythm.is_early {
            floor
        } else {
            (rhythm.pause + rhythm.pause / 4).clamp(floor, most)
        };
    }
}

/// Waits until it is time for the next look. False when the engine shuts down.
fn wait(core: &Core, rhythm: &mut Rhythm) -> bool {
    let mut table = core.table();
    while !table.is_ending
        && !table.runs.values().any(|entry| entry.job.number.is_some() || entry.may_be_there)
        && !core.sees_direct()
    {
        table = sync::wait(&core.to_watch, table);
        rhythm.is_early = false;
    }
    let begun = Instant::now();
    let was_early = std::mem::take(&mut rhythm.is_early);
    while !table.is_ending && begun.elapsed() < rhythm.pause {
        let mut left = rhythm.pause.saturating_sub(begun.elapsed());
        if let Some(next) = end_overdue_runs(core, &mut table) {
            left = left.min(next);
        }
        // Nothing is to come but the last ends. They are looked for at once, if the last look did not come
        // early as well.
        if let Some(at) = last_has_left(&table).filter(|at| !was_early && *at > rhythm.looked_at) {
            let to_wait = (at + TIDIED).saturating_duration_since(Instant::now());
            if to_wait.is_zero() {
                rhythm.is_early = true;
                break;
            }
            left = left.min(to_wait);
        }
        table = sync::wait_for(&core.to_watch, table, left);
        // A run was submitted or cancelled: a busy time begins.
        rhythm.pause = rhythm.pause.min(begun.elapsed() + rhythm.floor);
    }
    !table.is_ending
}

/// When the processes of the last run were gone, if those of all runs are.
fn last_has_left(table: &RunTable) -> Option<Instant> {
    table
        .runs
        .values()
        .map(|entry| entry.left_at)
        .try_fold(None, |last, left| Some(last.max(Some(left?))))
        .flatten()
}

/// Has the runs ended that have reached their time limits. How long until the next run reaches its own.
fn end_overdue_runs(core: &Core, table: &mut RunTable) -> Option<Duration> {
    let now = Instant::now();
    let (mut next, mut due) = (None, Vec::new());
    for (run, entry) in &mut table.runs {
        let Some(at) = entry.job.due.filter(|_| !entry.is_to_end()) else { continue };
        if let Some(left) = at.checked_duration_since(now).filter(|left| !left.is_zero()) {
            next = Some(next.map_or(left, |next: Duration| next.min(left)));
        } else {
            entry.is_due = true;
            due.push(*run);
        }
    }
    if !due.is_empty() {
        table.queue.retain(|run| !due.contains(run));
        for run in due {
            table.queue.push_front(run);
        }
        core.to_submit.notify_one();
    }
    next
}

/// Looks once at everything, and adds the time that Slurm took to `asking`. Whether there was news.
fn look(core: &Core, asking: &mut Duration) -> bool {
    let watched: Vec<Watched> = {
        let table = core.table();
        let of = |(run, entry): (&RunId, &TrackedRun)| {
            let (direct, started_at) = (entry.direct.clone(), entry.job.started_at);
            Some(Watched { run: *run, number: entry.job.number?, direct, started_at })
        };
        table.runs.iter().filter_map(of).collect()
    };
    let begun = Instant::now();
    let listed = core.slurm.jobs();
    *asking += begun.elapsed();
    core.outages().note(listed.is_ok().then(|| begun.elapsed()), clock::now_s());
    let listing = match listed {
        Ok(listing) => listing,
        Err(error) => {
            tracing::warn!(%error, "failed to look at Slurm's jobs; the engine tries again");
            return false;
        }
    };
    if listing.unreadable > 0 {
        tracing::warn!(
            jobs = listing.unreadable,
            "failed to read some of Slurm's jobs; they are passed over"
        );
    }
    let mut by_number: HashMap<u32, &JobRecord> = HashMap::new();
    let mut by_name: HashMap<&str, Vec<u32>> = HashMap::new();
    for job in &listing.jobs {
        by_number.insert(job.id, job);
        if run_of(&job.name).is_some() {
            by_name.entry(&job.name).or_default().push(job.id);
        }
    }
    let mut has_news = adopt_found(core, &by_name);
    let mut inactive = Vec::new();
    for Watched { run, number, direct, started_at } in watched {
        let of_number = by_number.get(&number).copied();
        let job = of_number.filter(|job| is_job_of(run, direct.as_deref(), started_at, job));
        if let Some(direct) = direct {
            let goes_on = |job: &JobRecord| {
                !job.state.is_over() && !matches!(job.state, JobState::Requeued | JobState::Pending)
            };
            if job.is_none_or(|job| !goes_on(job)) {
                inactive.extend(note_inactive(core, run, number, Some(direct), of_number));
            } else if let Some(entry) = core.table().runs.get_mut(&run) {
                entry.note_seen(begun);
            }
            continue;
        }
        if let Some(others) = by_name.get(job_name(run).as_str()).filter(|numbers| numbers.len() > 1) {
            end_double(core, run, number, others, &by_number);
        }
        match job {
            Some(job) if !job.state.is_over() && job.state != JobState::Requeued && job.restarts == 0 => {
                has_news |= note_active(core, run, job, begun);
            }
            _ => inactive.extend(note_inactive(core, run, number, None, of_number)),
        }
    }
    has_news |= resolve(core, inactive, asking);
    if core.sees_direct() {
        core.look_for_direct(&listing.jobs);
    }
    has_news
}

/// Notes what is new about a run whose job goes on. Whether its start is news.
fn note_active(core: &Core, run: RunId, job: &JobRecord, asked_at: Instant) -> bool {
    let mut table = core.table();
    let Some(entry) = table.runs.get_mut(&run) else { return false };
    entry.note_seen(asked_at);
    if entry.left_at.is_some_and(|at| at.elapsed() > notices::LATE) {
        tracing::info!(%run, number = job.id, "a run that gave notice of its end goes on");
        (entry.left_at, entry.leaving) = (None, Leaving::No);
        core.notices.iter().for_each(Notices::distrust);
        core.hint(run);
    }
    if job.state != JobState::Pending {
        entry.began_at.get_or_insert_with(Instant::now);
    }
    if entry.leaving == Leaving::Soon && entry.began_at.is_some_and(|at| at.elapsed() > notices::LATE) {
        core.notices.iter().for_each(|notices| notices.note_lasted(entry));
        let kind = entry.kind();
        // No run of its kind is expected to be over soon any more.
        for (run, entry) in &mut table.runs {
            if entry.leaving == Leaving::Soon && entry.kind() == kind {
                entry.leaving = Leaving::No;
                core.hint(*run);
            }
        }
    }
    let Some(entry) = table.runs.get_mut(&run) else { return false };
    // A controller that dies may forget that it was told to end a job.
    let is_told = entry.job.cancelled_at.is_some_and(|at| at.elapsed() > core.config.times.lost);
    if is_told && job.state != JobState::Completing {
        tracing::warn!(%run, number = job.id, "a job that Slurm was told to end goes on; Slurm is told again");
        entry.job.cancelled_at = None;
        table.queue.push_front(run);
        core.to_submit.notify_one();
        return false;
    }
    if job.state == JobState::Pending {
        give_back_if_late(core, &mut table, run, job);
        return false;
    }
    if entry.job.started_at.is_some() {
        return false;
    }
    entry.job.started_at = job.started_at();
    let is_news = entry.job.started_at.is_some();
    if let (Some(at), Some(spec)) = (entry.job.started_at, &entry.spec) {
        // The job began at some time in this second. Since clocks differ: not before its submission, and not
        // later than now.
        let since = |at: Timestamp| clock::now().since(at).0;
        let age_ms = (since(at) - 999).min(entry.job.submitted_at.map_or(i64::MAX, since)).max(0);
        let left_ms = u64::try_from(spec.time_limit.0.saturating_sub(age_ms)).unwrap_or(0);
        entry.job.due = Instant::now().checked_add(Duration::from_millis(left_ms));
    }
    drop(table);
    if is_news {
        core.hint(run);
    }
    is_news
}

/// Gives a run back whose job waits for too long, so that the center plans it elsewhere.
fn give_back_if_late(core: &Core, table: &mut RunTable, run: RunId, job: &JobRecord) {
    let Some(entry) = table.runs.get_mut(&run) else { return };
    let waited = entry.job.submitted_at.map_or(0, |at| clock::now().since(at).0);
    let waited = Duration::from_millis(u64::try_from(waited).unwrap_or(0));
    // The job names its nodes: where one of them is out, other nodes are better than waiting.
    let is_out = ["ReqNodeNotAvail", "NodeDown", "DOWN", "DRAIN"].iter().any(|why| job.reason.contains(why));
    let times = &core.config.times;
    let limit = if is_out { times.lost.min(times.pending) } else { times.pending };
    if waited <= limit || entry.stop {
        return;
    }
    tracing::warn!(%run, number = job.id, reason = job.reason, "Slurm does not start a run; the engine gives it back");
    // Without this event the next engine would take the run for cancelled by somebody.
    let event = RunEvent::Back(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
    if let Err(error) = core.records.append(run, &event) {
        tracing::error!(%run, %error, "failed to keep that a run is given back; the engine tries again");
        return;
    }
    entry.waited_too_long = Some(waited);
    entry.stop = true;
    table.queue.push_front(run);
    core.to_submit.notify_one();
}

/// Cancels all but one of several jobs of a run. The job that made the claim stays, or else the one that the
/// engine has.
fn end_double(core: &Core, run: RunId, number: u32, all: &[u32], by_number: &HashMap<u32, &JobRecord>) {
    let claimed = match claimed_by(core, run) {
        Ok(claimed) => claimed,
        Err(error) => {
            tracing::warn!(%run, %error, "failed to tell which of several Slurm jobs is the run; the engine tries again");
            return;
        }
    };
    let keep = claimed.filter(|claimed| all.contains(claimed)).unwrap_or(number);
    let goes_on = |other: &&u32| by_number.get(other).is_some_and(|job| !job.state.is_over());
    let others: Vec<u32> = all.iter().filter(|other| **other != keep).filter(goes_on).copied().collect();
    if !others.is_empty() {
        tracing::warn!(%run, keep, ?others, "a run has several Slurm jobs; all but one are cancelled");
        if let Err(error) = cancel_named(core, run, &others) {
            tracing::warn!(%run, %error, "failed to cancel a second job; the engine tries again");
        }
    }
    if keep != number {
        adopt(core, run, keep);
    }
}
