//! Kinds of runs that take moments.
//!
//! Slurm starts jobs when another one ends and at instants that are a second or more apart. Where each run takes less than that,
//! cards idle most of the time unless Slurm has the next run before the one before it ends. So runs whose like were over within
//! moments count as soon over as soon as they are handed in. Where one of them takes longer, that holds no more for its kind.

use std::{collections::HashMap, time::Duration};

use domain::TenantId;

/// Whose runs, and what their job is called.
pub(super) type Kind = (TenantId, String);

/// A run that takes longer is not brief.
const BRIEF: Duration = Duration::from_secs(2);
/// So many in a row make a kind brief.
const IN_A_ROW: u8 = 4;
/// No more kinds are kept.
const MOST_KINDS: usize = 10_000;

/// How many of each kind were brief in a row.
#[derive(Debug, Default)]
pub(super) struct Brief(HashMap<Kind, u8>);

impl Brief {
    /// A run's processes were there for so long.
    pub(super) fn note(&mut self, kind: Kind, lasted: Duration) {
        if lasted >= BRIEF {
            self.0.remove(&kind);
            return;
        }
        if self.0.len() >= MOST_KINDS && !self.0.contains_key(&kind) {
            // Those that go on are learned again at once.
            self.0.clear();
        }
        let count = self.0.entry(kind).or_default();
        *count = (*count + 1).min(IN_A_ROW);
    }

    pub(super) fn is_expected(&self, kind: &Kind) -> bool {
        self.0.get(kind).is_some_and(|count| *count >= IN_A_ROW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str) -> Kind {
        (TenantId::from_bytes([1; 16]), name.to_owned())
    }

    #[test]
    fn a_kind_is_brief_after_some_in_a_row_and_until_one_is_not() {
        let mut brief = Brief::default();
        for count in 0..IN_A_ROW {
            assert!(!brief.is_expected(&kind("a")), "after {count}");
            brief.note(kind("a"), BRIEF / 2);
        }
        assert!(brief.is_expected(&kind("a")) && !brief.is_expected(&kind("b")));
        brief.note(kind("a"), BRIEF);
        for count in 0..IN_A_ROW {
            assert!(!brief.is_expected(&kind("a")), "after {count}");
            brief.note(kind("a"), Duration::ZERO);
        }
        assert!(brief.is_expected(&kind("a")));
    }

    #[test]
    fn kinds_are_bounded() {
        let mut brief = Brief::default();
        for n in 0..=MOST_KINDS {
            brief.note(kind(&n.to_string()), Duration::ZERO);
        }
        assert!(brief.0.len() <= MOST_KINDS);
    }
}
