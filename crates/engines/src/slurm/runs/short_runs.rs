//! Kinds of runs that take moments.
//!
//! Slurm starts a job when another one ends, and at instants that are a second or more apart. Where each run
//! takes less than that, cards idle most of the time unless Slurm has the next run before the last one ends.
//! So a run counts as soon over from its submission on if others of its kind were over within moments. One
//! run that takes longer ends that for its kind.

use std::{collections::HashMap, time::Duration};

use domain::TenantId;

/// The tenant of runs, and the name of their job.
pub(super) type JobKind = (TenantId, String);

/// A run that takes longer is not short.
const SHORT: Duration = Duration::from_secs(2);
/// So many short runs in a row make a kind short.
const IN_A_ROW: u8 = 4;
/// No more kinds are kept.
const MOST_KINDS: usize = 10_000;

/// How many runs of each kind were short in a row.
#[derive(Debug, Default)]
pub(crate) struct ShortRuns(HashMap<JobKind, u8>);

impl ShortRuns {
    /// Notes how long a run's processes were there.
    pub(super) fn note(&mut self, kind: JobKind, lasted: Duration) {
        if lasted >= SHORT {
            self.0.remove(&kind);
            return;
        }
        if self.0.len() >= MOST_KINDS && !self.0.contains_key(&kind) {
            // The kinds that go on are learned again at once.
            self.0.clear();
        }
        let count = self.0.entry(kind).or_default();
        *count = (*count + 1).min(IN_A_ROW);
    }

    pub(super) fn is_expected(&self, kind: &JobKind) -> bool {
        self.0.get(kind).is_some_and(|count| *count >= IN_A_ROW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str) -> JobKind {
        (TenantId::from_bytes([1; 16]), name.to_owned())
    }

    #[test]
    fn a_kind_is_short_after_some_in_a_row_and_until_one_is_not() {
        let mut short = ShortRuns::default();
        for count in 0..IN_A_ROW {
            assert!(!short.is_expected(&kind("a")), "after {count}");
            short.note(kind("a"), SHORT / 2);
        }
        assert!(short.is_expected(&kind("a")) && !short.is_expected(&kind("b")));
        short.note(kind("a"), SHORT);
        for count in 0..IN_A_ROW {
            assert!(!short.is_expected(&kind("a")), "after {count}");
            short.note(kind("a"), Duration::ZERO);
        }
        assert!(short.is_expected(&kind("a")));
    }

    #[test]
    fn kinds_are_bounded() {
        let mut short = ShortRuns::default();
        for n in 0..=MOST_KINDS {
            short.note(kind(&n.to_string()), Duration::ZERO);
        }
        assert!(short.0.len() <= MOST_KINDS);
    }
}
