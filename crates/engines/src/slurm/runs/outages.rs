//! Times at which Slurm did not answer. A controller that dies has forgotten what happened last. It does not
//! begin a job whose start it had just written down, and it goes on with a job whose end it had just heard.

use std::{collections::VecDeque, ops::RangeInclusive, time::Duration};

/// A center that starts may have missed an outage within so many seconds before.
const BEFORE_S: i64 = 60;
/// After so many seconds Slurm has found out by itself: its nodes report their jobs every half an hour or so.
const KEPT_S: i64 = 3600;

/// An answer that took so many times as long as the quickest of the last ones waited for a controller that
/// was not there. All programs that ask Slurm try again by themselves.
const WAITED_TIMES: u32 = 4;
const WAITED_LEAST: Duration = Duration::from_secs(1);
/// How many of the last answers tell how long one takes.
const ANSWERS_KEPT: usize = 8;

/// The times at which Slurm's controller may have been started anew, in seconds since 1970.
#[derive(Debug)]
pub(crate) struct Outages {
    answered_s: i64,
    is_out: bool,
    took: VecDeque<Duration>,
    past: VecDeque<RangeInclusive<i64>>,
}

impl Outages {
    /// The outages as a center knows them that starts now: none, but it does not know what was before.
    pub(crate) fn new(now_s: i64) -> Self {
        let past = [now_s - BEFORE_S..=now_s].into();
        Self { answered_s: now_s, is_out: false, took: VecDeque::new(), past }
    }

    /// Notes that Slurm answered within that time, or did not answer.
    pub(super) fn note(&mut self, answered_within: Option<Duration>, now_s: i64) {
        let Some(took) = answered_within else {
            self.is_out = true;
            return;
        };
        let usual = self.took.iter().min().copied().unwrap_or(took);
        let was_out = std::mem::take(&mut self.is_out) || took > (usual * WAITED_TIMES).max(WAITED_LEAST);
        if was_out {
            self.past.push_back(self.answered_s..=now_s);
        }
        self.took.truncate(ANSWERS_KEPT - 1);
        self.took.push_front(took);
        self.past.retain(|out| out.end() + KEPT_S >= now_s);
        self.answered_s = now_s;
    }

    /// Whether Slurm did not answer at one of these times.
    pub(super) fn overlap(&self, times_s: &RangeInclusive<i64>) -> bool {
        let is_in = |out: &RangeInclusive<i64>| out.start() <= times_s.end() && times_s.start() <= out.end();
        self.past.iter().any(is_in) || self.is_out && self.answered_s <= *times_s.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_answered_is_an_outage() {
        let mut outages = Outages::new(1000);
        assert!(outages.overlap(&(900..=940)), "nobody knows what was before");
        assert!(!outages.overlap(&(900..=939)));
        let quick = Some(Duration::from_millis(100));
        for (answered, at_s) in [(quick, 1010), (None, 1020), (None, 1030), (quick, 1040), (quick, 1050)] {
            outages.note(answered, at_s);
        }
        for (times_s, want) in [
            (1001..=1009, false),
            (1001..=1010, true),
            (1025..=1026, true),
            (1040..=1090, true),
            (1041..=1090, false),
        ] {
            assert_eq!(outages.overlap(&times_s), want, "{times_s:?}");
        }
        outages.note(None, 1060);
        assert!(outages.overlap(&(1050..=2000)));
        assert!(!outages.overlap(&(1041..=1049)));
        outages.note(quick, 9000);
        assert!(!outages.overlap(&(1000..=1049)), "it is over for long");
        assert!(outages.overlap(&(1050..=1060)));
    }

    #[test]
    fn an_answer_that_is_late_has_waited() {
        let ms = |ms| Some(Duration::from_millis(ms));
        for (usual, late, want) in
            [(100, 900, false), (100, 1100, true), (2000, 7000, false), (2000, 9000, true)]
        {
            let mut outages = Outages::new(1000);
            outages.note(ms(usual), 1010);
            outages.note(ms(usual), 1020);
            outages.note(ms(late), 1030);
            assert_eq!(outages.overlap(&(1021..=1029)), want, "{usual} {late}");
        }
    }
}
