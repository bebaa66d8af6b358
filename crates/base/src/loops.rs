//! How the loops that keep the center going fare: the threads sleep and work by themselves, and say here how each turn went.

use std::{collections::BTreeMap, fmt::Display, time::Duration};

use domain::{Millis, Timestamp, time::Rfc3339};
use parking_lot::Mutex;
use serde::Serialize;

use crate::moment;

/// A loop that had no good turn for so many times its period is in trouble, and not merely interrupted.
const PERIODS: i64 = 5;
/// No loop counts as more frequent here.
const SHORTEST_PERIOD: Millis = Millis::from_secs(60);

domain::codes! {
    /// How a loop fares.
    pub enum LoopState {
        /// Its first turn is not over.
        Starting = "starting",
        /// All that it did in its last turn went well.
        Done = "done",
        /// Something failed, and no turn went well since. It is tried again with each turn.
        Failing = "failing",
        /// Its thread is gone, and comes back only with the center.
        Over = "over",
    }
}

/// A loop as operators see it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct LoopView {
    /// `plan`, `watch`, `meter`, `seal`, `roots`, `backup`, `disk`, `quota`, `applications`, `notices`, `mail`, `webhooks`; with issuers `issuers`; with HTTPS `certificate`; on Slurm `mirror` and `accounts`.
    pub name: String,
    pub state: LoopState,
    /// When its last turn ended.
    pub turned_at: Option<Rfc3339>,
    /// How long that turn took.
    pub took_ms: Option<Millis>,
    /// How long ago its last good turn ended; counted from its start where it had none.
    pub since_good_ms: Millis,
    /// It had no good turn for several times as long as a turn and the sleep after it should take.
    pub is_late: bool,
    /// Turns that failed, since the start.
    pub failures: u64,
    /// Turns that failed since the last good one.
    pub failures_in_a_row: u64,
    pub failing_since: Option<Rfc3339>,
    /// The last failure, where the loop is failing or over.
    pub error: Option<String>,
}

#[derive(Debug)]
struct Loop {
    /// It has a turn at least this often.
    every: Millis,
    last: Option<(Timestamp, Millis)>,
    /// When the last good turn ended, or the loop was started.
    good_at: Timestamp,
    failing: Option<Failing>,
    failures: u64,
    /// Something failed in this turn.
    has_failed: bool,
    is_over: bool,
}

#[derive(Debug)]
struct Failing {
    since: Timestamp,
    in_a_row: u64,
    error: String,
}

/// All loops, by name.
#[derive(Debug, Default)]
pub struct Loops(Mutex<BTreeMap<&'static str, Loop>>);

impl Loops {
    /// A loop begins, which has a turn at least `every` so often.
    pub fn started(&self, name: &'static str, every: Millis) {
        let good_at = moment::now();
        let new = Loop {
            every: every.max(SHORTEST_PERIOD),
            last: None,
            good_at,
            failing: None,
            failures: 0,
            has_failed: false,
            is_over: false,
        };
        self.0.lock().insert(name, new);
    }

    /// Something failed in a loop's turn. It shows at once, and until a whole turn went well.
    pub fn failed(&self, name: &'static str, error: &dyn Display) {
        let mut loops = self.0.lock();
        let Some(known) = loops.get_mut(name) else { return };
        let is_first = !std::mem::replace(&mut known.has_failed, true);
        known.failures += u64::from(is_first);
        let new = || Failing { since: moment::now(), in_a_row: 0, error: String::new() };
        let failing = known.failing.get_or_insert_with(new);
        failing.in_a_row += u64::from(is_first);
        failing.error = error.to_string();
    }

    /// A turn in which a loop did all that it is there for is over.
    pub fn turned(&self, name: &'static str, took: Duration) {
        let now = moment::now();
        let mut loops = self.0.lock();
        let Some(known) = loops.get_mut(name) else { return };
        known.last = Some((now, Millis(i64::try_from(took.as_millis()).unwrap_or(i64::MAX))));
        if !std::mem::take(&mut known.has_failed) {
            (known.good_at, known.failing) = (now, None);
        }
    }

    /// A loop's thread is gone, though the center goes on.
    pub fn ended(&self, name: &'static str, why: &dyn Display) {
        self.failed(name, why);
        if let Some(known) = self.0.lock().get_mut(name) {
            known.is_over = true;
        }
    }

    pub fn list(&self, now: Timestamp) -> Vec<LoopView> {
        self.0.lock().iter().map(|(name, known)| view(name, known, now)).collect()
    }
}

fn view(name: &str, known: &Loop, now: Timestamp) -> LoopView {
    let state = match (&known.failing, known.last) {
        _ if known.is_over => LoopState::Over,
        (Some(_), _) => LoopState::Failing,
        (None, None) => LoopState::Starting,
        (None, Some(_)) => LoopState::Done,
    };
    let since_good_ms = now.since(known.good_at);
    let failing = known.failing.as_ref();
    LoopView {
        name: name.to_owned(),
        state,
        turned_at: known.last.map(|(at, _)| at.into()),
        took_ms: known.last.map(|(_, took)| took),
        since_good_ms,
        is_late: known.is_over || since_good_ms.0 > known.every.0.saturating_mul(PERIODS),
        failures: known.failures,
        failures_in_a_row: failing.map_or(0, |failing| failing.in_a_row),
        failing_since: failing.map(|failing| failing.since.into()),
        error: failing.map(|failing| failing.error.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(loops: &Loops, later: Millis) -> LoopView {
        loops.list(moment::now().plus(later)).pop().expect("it was started")
    }

    #[test]
    fn a_failure_shows_at_once_and_until_a_whole_turn_went_well() {
        let (loops, took, soon) = (Loops::default(), Duration::from_millis(7), Millis(0));
        loops.started("meter", Millis::from_secs(1));
        assert_eq!(only(&loops, soon).state, LoopState::Starting);
        loops.turned("meter", took);
        let seen = only(&loops, soon);
        assert_eq!((seen.state, seen.took_ms, seen.failures), (LoopState::Done, Some(Millis(7)), 0));
        assert!(seen.turned_at.is_some() && !seen.is_late);

        for turn in 1..=3 {
            loops.failed("meter", &"the disk is full");
            loops.failed("meter", &format!("no room for the {turn}. time"));
            assert_eq!(only(&loops, soon).state, LoopState::Failing, "before the turn is over");
            loops.turned("meter", took);
        }
        let seen = only(&loops, soon);
        assert_eq!((seen.state, seen.failures, seen.failures_in_a_row), (LoopState::Failing, 3, 3));
        assert_eq!(seen.error.as_deref(), Some("no room for the 3. time"));
        let since = seen.failing_since.expect("it fails");
        loops.failed("meter", &"again");
        assert_eq!(only(&loops, soon).failing_since, Some(since), "it fails since the first time");
        assert!(!only(&loops, Millis::from_secs(299)).is_late);
        assert!(only(&loops, Millis::from_secs(301)).is_late);

        loops.turned("meter", took);
        loops.turned("meter", took);
        let seen = only(&loops, soon);
        assert_eq!((seen.state, seen.failures, seen.failures_in_a_row), (LoopState::Done, 4, 0));
        assert_eq!((seen.error, seen.failing_since), (None, None));
    }

    #[test]
    fn a_loop_that_is_over_stays_so() {
        let loops = Loops::default();
        loops.started("plan", Millis::from_secs(5));
        loops.ended("plan", &"it panicked");
        let seen = only(&loops, Millis(0));
        assert_eq!(
            (seen.state, seen.is_late, seen.error.as_deref()),
            (LoopState::Over, true, Some("it panicked"))
        );
    }
}
