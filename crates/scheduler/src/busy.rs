//! Until when nodes are busy, by the time limits of what runs on them.
//!
//! A large job needs a node that is idle at once, and a node is idle when its last run has ended. So of nodes that are as good for
//! a run otherwise, it goes where it does not keep the node busy for longer than it is anyway, or for as little longer as can be.

use domain::Timestamp;

/// The runs of each node, by rank.
#[derive(Debug, Default)]
pub(crate) struct Busy {
    ends: Vec<Vec<(Timestamp, u32)>>,
    /// The last end of each node, long ago where nothing runs.
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

    /// Linear in the runs of the node, of which there are as many as cards at most.
    pub(crate) fn end(&mut self, rank: u32, run: u32) {
        let (ends, until) = (&mut self.ends[rank as usize], &mut self.until[rank as usize]);
        if let Some(at) = ends.iter().position(|(_, of)| *of == run) {
            ends.swap_remove(at);
        }
        *until = ends.iter().map(|(end, _)| *end).max().unwrap_or(LONG_AGO);
    }
}

/// How long a run from `now` until `end` keeps nodes busy that it is put on.
#[derive(Clone, Copy)]
pub(crate) struct Stay<'a> {
    pub(crate) busy: &'a Busy,
    pub(crate) now: Timestamp,
    pub(crate) end: Timestamp,
}

impl Stay<'_> {
    /// In microseconds beyond what runs there already. What is over its time ends at once.
    pub(crate) fn longer_us(self, rank: u32) -> i64 {
        let until = self.busy.until[rank as usize];
        let until = if until == LONG_AGO { until } else { until.max(self.now) };
        self.end.as_micros().saturating_sub(until.as_micros()).max(0)
    }
}
