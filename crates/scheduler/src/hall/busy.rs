//! Until when nodes are busy, by the time limits of the runs on them.
//!
//! A large job needs nodes that are idle at the same time, and a node is idle once its last run has ended. So
//! of nodes that are equally good otherwise, a run takes the one that it keeps busy no longer than other runs
//! do already, or for as little longer as possible.

use domain::Timestamp;

/// The ends of the runs of each node, by rank.
#[derive(Debug, Default)]
pub(crate) struct Busy {
    ends: Vec<Vec<(Timestamp, u32)>>,
    /// The last end on each node; long ago where nothing runs.
    until: Vec<Timestamp>,
}

const LONG_AGO: Timestamp = Timestamp::from_micros(i64::MIN);

impl Busy {
    pub(crate) fn of(nodes: usize) -> Self {
        Self { ends: vec![Vec::new(); nodes], until: vec![LONG_AGO; nodes] }
    }

    pub(crate) fn begin(&mut self, rank: u32, run: u32, end: Timestamp) {
        let (ends, until) = (&mut self.ends[rank as usize], &mut self.until[rank as usize]);
        ends.push((end, run));
        *until = (*until).max(end);
    }

    /// Linear in the runs of the node, of which there is at most one a card.
    pub(crate) fn end(&mut self, rank: u32, run: u32) {
        let (ends, until) = (&mut self.ends[rank as usize], &mut self.until[rank as usize]);
        if let Some(at) = ends.iter().position(|(_, of)| *of == run) {
            ends.swap_remove(at);
        }
        *until = ends.iter().map(|(end, _)| *end).max().unwrap_or(LONG_AGO);
    }
}

/// A run from `now` until `end`, to be compared with how long nodes are `busy` without it.
#[derive(Clone, Copy)]
pub(crate) struct Stay<'a> {
    pub(crate) busy: &'a Busy,
    pub(crate) now: Timestamp,
    pub(crate) end: Timestamp,
}

impl Stay<'_> {
    /// How much longer the run would keep a node busy than the runs there do, in microseconds. A run past its
    /// time limit counts as ending now.
    pub(crate) fn longer_us(self, rank: u32) -> i64 {
        let until = self.busy.until[rank as usize];
        let until = if until == LONG_AGO { until } else { until.max(self.now) };
        self.end.as_micros().saturating_sub(until.as_micros()).max(0)
    }
}
