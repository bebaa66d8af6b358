//! The watch loop: looks at runs of which the engine has news, and takes their starts and ends into the store.

use std::{
    collections::BTreeSet,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use domain::{Millis, RunId, run::StopCause};
use engines::{Leaving, Observation, Observation::NotLaunched};

use crate::{
    app::runs::{
        launching,
        news::{self, Seen},
        stopping,
    },
    center::Center,
    live::LiveRun,
    wakers::WATCH,
};
use base::moment;

/// Looks at all runs this often, in case the engine's news of one was lost.
pub const ALL_EVERY: Duration = Duration::from_secs(3);
/// A run that has waited this long for cards that another one does not leave gives its place up.
const LATE: Millis = Millis(5000);
/// How many runs are taken into one commit at most.
const BATCH: usize = 256;

pub fn run(center: &Center, hints: &Receiver<RunId>) {
    let mut looked_at_all = Instant::now();
    while !center.compute.wakers.is_stopping() {
        let mut batch = BTreeSet::new();
        match hints.recv_timeout(Duration::from_millis(200)) {
            Ok(run) => drop(batch.insert(run)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while batch.len() < BATCH
            && let Ok(run) = hints.try_recv()
        {
            batch.insert(run);
        }
        let began = Instant::now();
        let is_whole = looked_at_all.elapsed() > ALL_EVERY;
        if is_whole {
            looked_at_all = began;
            batch.extend(stale(center));
        }
        look(center, &batch);
        // What could not be looked at is, with all else, in the next turn that is whole.
        if is_whole {
            center.loops.turned(WATCH, began.elapsed());
        }
    }
}

/// Runs that should have been heard of by now: all that were asked to stop, or were planned a while ago.
fn stale(center: &Center) -> Vec<RunId> {
    let before = moment::now().minus(Millis::from_secs(ALL_EVERY.as_secs().cast_signed()));
    let live = center.live();
    live.runs().filter(|live| live.run.state.planned_at() < before).map(|live| live.run.id).collect()
}

/// Takes in whether a run leaves its cards. The next run can be planned on the cards of one that leaves,
/// while Slurm tidies up after it or shortly before that. If the run turns out to go on, those that were to
/// begin on its cards are stopped and planned anew.
fn leave_or_stay(center: &Center, run: RunId, leaving: Leaving) {
    let (is_news, in_the_way) = {
        let mut live = center.live();
        let is_news = live.run_leaving(run, leaving);
        // After a restart, or where something went wrong, without news of it.
        let waited = if is_news { Millis(0) } else { LATE };
        (is_news, live.in_the_way(run, waited, moment::now()))
    };
    if !in_the_way.is_empty() {
        tracing::info!(%run, runs = in_the_way.len(), "runs wait for cards of one that goes on, and are planned anew");
        stopping::stop(center, in_the_way, StopCause::Preempted);
    }
    if is_news {
        center.compute.wakers.plan();
    }
}

/// Compares what the engine has with what the store expects, and mends the difference.
pub fn look(center: &Center, batch: &BTreeSet<RunId>) {
    let mut changes = Vec::new();
    for &run in batch {
        let Some(known) = center.live().run(run).map(|live| live.run.state) else { continue };
        match center.compute.engine.observe(run) {
            // It ran, by the books, and its engine never heard of it: the database is a copy of another center's.
            Ok(NotLaunched) if known.started_at().is_some() => {
                tracing::warn!(%run, "a run is unknown to its engine, though it had started: it is lost");
                let last_seen = center.live().run(run).and_then(LiveRun::metered_until);
                changes.push((run, Seen::Vanished { started_at: None, last_seen }));
            }
            Ok(NotLaunched) => {
                // Its launch was lost with a center or a host process that died: hand it on again.
                launching::relaunch(center, run);
            }
            Ok(Observation::Alive { started, leaving, seen_at }) => {
                if let Some(seen_at) = seen_at {
                    center.live().run_seen(run, seen_at);
                }
                leave_or_stay(center, run, leaving);
                if known.stop().is_some()
                    && let Err(error) = center.compute.engine.stop(run)
                {
                    tracing::error!(%run, %error, "failed to stop a run");
                    center.loops.failed(WATCH, &error);
                }
                if let (None, Some(started)) = (known.started_at(), started) {
                    changes.push((run, Seen::Started(started.at)));
                }
            }
            Ok(Observation::Ended(ended)) => changes.push((run, Seen::Ended(ended))),
            Ok(Observation::Vanished { started, last_seen, .. }) => {
                tracing::warn!(%run, "a run vanished: its supervisor or the machine went down");
                // What is posted was seen too, by this center or the one before.
                let known = |live: &LiveRun| live.seen_at.max(live.metered_until());
                let last_seen = last_seen.max(center.live().run(run).and_then(known));
                changes.push((run, Seen::Vanished { started_at: started.map(|s| s.at), last_seen }));
            }
            Err(error) => {
                tracing::error!(%run, %error, "failed to observe a run");
                center.loops.failed(WATCH, &error);
            }
        }
    }
    if !changes.is_empty() {
        news::take_in(center, changes);
    }
}
