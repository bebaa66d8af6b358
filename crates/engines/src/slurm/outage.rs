//! When Slurm did not answer. A controller that dies has forgotten what happened last: it begins no job of which it had just
//! written down the start, and goes on with one of which it had just heard the end.

use std::{collections::VecDeque, ops::RangeInclusive};

/// So long ago, in seconds, a center that starts may have missed something.
const BEFORE_S: i64 = 60;
/// After so many seconds Slurm has itself found out: its nodes tell of their jobs every half an hour or so.
const KEPT_S: i64 = 3600;

/// The times at which Slurm's controller may have been started anew, in seconds since 1970.
#[derive(Debug)]
pub(super) struct Outages {
    answered_s: i64,
    is_out: bool,
    past: VecDeque<RangeInclusive<i64>>,
}

impl Outages {
    /// Of a center that starts now, and does not know what was before.
    pub(super) fn new(now_s: i64) -> Self {
        Self { answered_s: now_s, is_out: false, past: [now_s - BEFORE_S..=now_s].into() }
    }

    pub(super) fn note(&mut self, has_answered: bool, now_s: i64) {
        let was_out = std::mem::replace(&mut self.is_out, !has_answered);
        if !has_answered {
            return;
        }
        if was_out {
            self.past.push_back(self.answered_s..=now_s);
        }
        self.past.retain(|out| out.end() + KEPT_S >= now_s);
        self.answered_s = now_s;
    }

    /// Whether it did not answer at some time of these.
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
        for (has_answered, at_s) in [(true, 1010), (false, 1020), (false, 1030), (true, 1040), (true, 1050)] {
            outages.note(has_answered, at_s);
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
        outages.note(false, 1060);
        assert!(outages.overlap(&(1050..=2000)));
        assert!(!outages.overlap(&(1041..=1049)));
        outages.note(true, 9000);
        assert!(!outages.overlap(&(1000..=1049)), "it is over for long");
        assert!(outages.overlap(&(1050..=1060)));
    }
}
