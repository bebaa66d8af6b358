//! The watcher: one look at all jobs, and one at the accounting of those of whose end the controller does not tell, however
//! many they are.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{RunId, Timestamp};

use super::{
    Core, DirectJob, Entry, Known,
    cancel::cancel_named,
    face::{JobRecord, JobState},
    gone::{leaves, settle},
    is_job_of, job_name, judge, notice, now,
    record::Line,
    run_of,
    submit::{adopt, adopt_found, claimed_by},
};
use crate::Leaving;

/// How many looks tell how long one takes.
const LOOKS_KEPT: usize = 3;
/// So long after a run's processes are gone, Slurm has mostly tidied up and has its end.
const TIDIED: Duration = Duration::from_millis(200);

/// A run that Slurm has, as the watcher goes through it.
struct Watched {
    run: RunId,
    number: u32,
    direct: Option<Arc<DirectJob>>,
    started_at: Option<Timestamp>,
}

pub(super) fn run(core: &Core) {
    let (least, most) = core.config.times.look;
    let (mut pause, mut floor) = (least, least);
    let mut took = VecDeque::new();
    let (mut looked_at, mut is_early) = (Instant::now(), false);
    loop {
        {
            let mut known = core.known();
            while !known.is_ending
                && !known.runs.values().any(|entry| entry.number.is_some() || entry.may_be_there)
                && !core.sees_direct()
            {
                known = core.to_watch.wait(known).expect("nothing panics while it is held");
                is_early = false;
            }
            let begun = Instant::now();
            let was_early = std::mem::take(&mut is_early);
            while !known.is_ending && begun.elapsed() < pause {
                let mut left = pause.saturating_sub(begun.elapsed());
                if let Some(next) = end_what_is_due(core, &mut known) {
                    left = left.min(next);
                }
                // Nothing is to come but the last ends: they are looked for at once, if that was not done just before.
                if let Some(at) = last_has_left(&known).filter(|at| !was_early && *at > looked_at) {
                    let to_wait = (at + TIDIED).saturating_duration_since(Instant::now());
                    if to_wait.is_zero() {
                        is_early = true;
                        break;
                    }
                    left = left.min(to_wait);
                }
                known = core.to_watch.wait_timeout(known, left).expect("nothing panics while it is held").0;
                // Something was handed in or cancelled: a busy time begins.
                pause = pause.min(begun.elapsed() + floor);
            }
            if known.is_ending {
                return;
            }
        }
        let mut asking = Duration::ZERO;
        looked_at = Instant::now();
        let has_news = look(core, &mut asking);
        // Slurm spends at most a fifth of its time on this, or a tenth where ends are heard of without. The quickest of the last looks
        // is what one costs; others waited for what Slurm had to do besides.
        let share = if core.notices.as_ref().is_some_and(notice::Notices::is_believed) { 10 } else { 5 };
        took.truncate(LOOKS_KEPT - 1);
        took.push_front(asking);
        floor = (took.iter().min().copied().unwrap_or_default() * (share - 1)).clamp(least, most);
        pause = if has_news || is_early { floor } else { (pause + pause / 4).clamp(floor, most) };
    }
}

/// Where the processes of all runs are gone: when the last one's were.
fn last_has_left(known: &Known) -> Option<Instant> {
    known
        .runs
        .values()
        .map(|entry| entry.left_at)
        .try_fold(None, |last, left| Some(last.max(Some(left?))))
        .flatten()
}

/// Has those ended whose time limit is over. How long until that is so of the next one.
fn end_what_is_due(core: &Core, known: &mut Known) -> Option<Duration> {
    let now = Instant::now();
    let (mut next, mut due) = (None, Vec::new());
    for (run, entry) in &mut known.runs {
        let Some(at) = entry.due.filter(|_| !entry.is_to_end()) else { continue };
        if let Some(left) = at.checked_duration_since(now).filter(|left| !left.is_zero()) {
            next = Some(next.map_or(left, |next: Duration| next.min(left)));
        } else {
            entry.is_due = true;
            due.push(*run);
        }
    }
    if !due.is_empty() {
        known.queue.retain(|run| !due.contains(run));
        for run in due {
            known.queue.push_front(run);
        }
        core.to_submit.notify_one();
    }
    next
}

/// Looks once at everything. Whether there was news; adds up how long Slurm took.
fn look(core: &Core, asking: &mut Duration) -> bool {
    let watched: Vec<Watched> = {
        let known = core.known();
        let of = |(run, entry): (&RunId, &Entry)| {
            let (direct, started_at) = (entry.direct.clone(), entry.started_at);
            Some(Watched { run: *run, number: entry.number?, direct, started_at })
        };
        known.runs.iter().filter_map(of).collect()
    };
    let begun = Instant::now();
    let listed = core.face.jobs();
    *asking += begun.elapsed();
    core.outages().note(listed.is_ok().then(|| begun.elapsed()), now().as_micros() / 1_000_000);
    let listing = match listed {
        Ok(listing) => listing,
        Err(error) => {
            tracing::warn!(%error, "failed to look at Slurm's jobs; it is tried again");
            return false;
        }
    };
    if listing.unreadable > 0 {
        tracing::warn!(jobs = listing.unreadable, "jobs of Slurm can't be read; they are passed over");
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
    let mut gone = Vec::new();
    for Watched { run, number, direct, started_at } in watched {
        let of_number = by_number.get(&number).copied();
        let job = of_number.filter(|job| is_job_of(run, direct.as_deref(), started_at, job));
        if let Some(direct) = direct {
            let goes_on = |job: &JobRecord| {
                !job.state.is_over() && !matches!(job.state, JobState::Requeued | JobState::Pending)
            };
            if job.is_none_or(|job| !goes_on(job)) {
                gone.extend(leaves(core, run, number, Some(direct), of_number));
            } else if let Some(entry) = core.known().runs.get_mut(&run) {
                entry.note_seen(begun);
            }
            continue;
        }
        if let Some(others) = by_name.get(job_name(run).as_str()).filter(|numbers| numbers.len() > 1) {
            end_double(core, run, number, others, &by_number);
        }
        match job {
            Some(job) if !job.state.is_over() && job.state != JobState::Requeued && job.restarts == 0 => {
                has_news |= goes_on(core, run, job, begun);
            }
            _ => gone.extend(leaves(core, run, number, None, of_number)),
        }
    }
    has_news |= settle(core, gone, asking);
    if core.sees_direct() {
        core.look_for_direct(&listing.jobs);
    }
    has_news
}

/// A job that goes on: what is new about it.
fn goes_on(core: &Core, run: RunId, job: &JobRecord, asked_at: Instant) -> bool {
    let mut known = core.known();
    let Some(entry) = known.runs.get_mut(&run) else { return false };
    entry.note_seen(asked_at);
    if entry.left_at.is_some_and(|at| at.elapsed() > notice::LATE) {
        tracing::info!(%run, number = job.id, "a run goes on that was said to have ended");
        (entry.left_at, entry.leaving) = (None, Leaving::No);
        core.notices.iter().for_each(notice::Notices::distrust);
        core.hint(run);
    }
    if job.state != JobState::Pending {
        entry.began_at.get_or_insert_with(Instant::now);
    }
    if entry.leaving == Leaving::Soon && entry.began_at.is_some_and(|at| at.elapsed() > notice::LATE) {
        core.notices.iter().for_each(|notices| notices.note_lasted(entry));
        let kind = entry.kind();
        // None of its kind is expected to be over soon any more.
        for (run, entry) in &mut known.runs {
            if entry.leaving == Leaving::Soon && entry.kind() == kind {
                entry.leaving = Leaving::No;
                core.hint(*run);
            }
        }
    }
    let Some(entry) = known.runs.get_mut(&run) else { return false };
    // A controller that dies may forget that it was told to end a job.
    let is_told = entry.cancelled_at.is_some_and(|at| at.elapsed() > core.config.times.lost);
    if is_told && job.state != JobState::Completing {
        tracing::warn!(%run, number = job.id, "a job goes on that Slurm was told to end: it is told again");
        entry.cancelled_at = None;
        known.queue.push_front(run);
        core.to_submit.notify_one();
        return false;
    }
    if job.state == JobState::Pending {
        let waited = entry.submitted_at.map_or(0, |at| now().since(at).0);
        let waited = Duration::from_millis(u64::try_from(waited).unwrap_or(0));
        // Its nodes are its own choice: where one of them is out, others are better than waiting.
        let is_out =
            ["ReqNodeNotAvail", "NodeDown", "DOWN", "DRAIN"].iter().any(|why| job.reason.contains(why));
        let times = &core.config.times;
        let limit = if is_out { times.lost.min(times.pending) } else { times.pending };
        if waited > limit && !entry.stop {
            tracing::warn!(%run, number = job.id, reason = job.reason, "Slurm does not start a run: it is given back");
            // An engine after this one would take it for cancelled by somebody.
            let line = Line::Back(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
            if let Err(error) = core.records.append(run, &line) {
                tracing::error!(%run, %error, "failed to keep that a run is given back; it is tried again");
                return false;
            }
            entry.waited_too_long = Some(waited);
            entry.stop = true;
            known.queue.push_front(run);
            core.to_submit.notify_one();
        }
        return false;
    }
    if entry.started_at.is_some() {
        return false;
    }
    entry.started_at = judge::started_at(job);
    let is_news = entry.started_at.is_some();
    if let (Some(at), Some(spec)) = (entry.started_at, &entry.spec) {
        // It began at some time in this second. Clocks differ: it was not before it was handed in, nor is it to come.
        let since = |at: Timestamp| now().since(at).0;
        let age_ms = (since(at) - 999).min(entry.submitted_at.map_or(i64::MAX, since)).max(0);
        let left_ms = u64::try_from(spec.time_limit.0.saturating_sub(age_ms)).unwrap_or(0);
        entry.due = Instant::now().checked_add(Duration::from_millis(left_ms));
    }
    drop(known);
    if is_news {
        core.hint(run);
    }
    is_news
}

/// Two jobs of one run: the one that was let through stays, else the one that is known; the others go.
fn end_double(core: &Core, run: RunId, number: u32, all: &[u32], by_number: &HashMap<u32, &JobRecord>) {
    let keep = claimed_by(core, run).filter(|claimed| all.contains(claimed)).unwrap_or(number);
    let goes_on = |other: &&u32| by_number.get(other).is_some_and(|job| !job.state.is_over());
    let others: Vec<u32> = all.iter().filter(|other| **other != keep).filter(goes_on).copied().collect();
    if !others.is_empty() {
        tracing::warn!(%run, keep, ?others, "a run has several Slurm jobs: all but one are cancelled");
        if let Err(error) = cancel_named(core, run, &others) {
            tracing::warn!(%run, %error, "failed to cancel a second job; it is tried again");
        }
    }
    if keep != number {
        adopt(core, run, keep);
    }
}
