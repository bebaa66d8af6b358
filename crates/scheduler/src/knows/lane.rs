//! Lanes: the jobs that may start, in order. There is a lane for each service class, and for each queue where
//! queues matter.

use std::collections::VecDeque;

use domain::Millis;

/// Jobs in the order of their turns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lane {
    entries: VecDeque<LaneEntry>,
    /// The asks of the jobs.
    asks: Vec<AskCount>,
}

/// A job of a lane. Jobs are in the order of the key, then of their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LaneEntry {
    /// By the order of the policy, then by age.
    pub(crate) key: (i64, i64),
    pub(crate) id: u128,
    pub(crate) job: u32,
    pub(crate) ask: u32,
    pub(crate) limit: Millis,
}

/// The jobs of a lane that ask for the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AskCount {
    pub(crate) ask: u32,
    pub(crate) count: u32,
    /// No job of them has a shorter time limit.
    pub(crate) shortest: Millis,
}

impl Lane {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn get(&self, position: usize) -> Option<&LaneEntry> {
        self.entries.get(position)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &LaneEntry> {
        self.entries.iter()
    }

    pub(crate) fn asks(&self) -> &[AskCount] {
        &self.asks
    }

    pub(crate) fn reserve(&mut self, more: usize) {
        self.entries.reserve(more);
    }

    /// Costs the log of the jobs, and the jobs that come after the new one.
    #[inline]
    pub(crate) fn insert(&mut self, entry: LaneEntry) {
        match self.asks.iter_mut().find(|asked| asked.ask == entry.ask) {
            Some(asked) => {
                asked.count += 1;
                asked.shortest = asked.shortest.min(entry.limit);
            }
            None => self.asks.push(AskCount { ask: entry.ask, count: 1, shortest: entry.limit }),
        }
        match self.entries.back() {
            Some(last) if *last > entry => self.entries.insert(self.position(&entry), entry),
            _ => self.entries.push_back(entry),
        }
    }

    /// The position of an entry, or the one that it would have.
    pub(crate) fn position(&self, entry: &LaneEntry) -> usize {
        self.entries.partition_point(|other| other < entry)
    }

    pub(crate) fn remove(&mut self, position: usize) {
        let Some(entry) = self.entries.remove(position) else { return };
        self.forget(&entry);
    }

    /// Removes the entries at these positions, which are rising.
    pub(crate) fn remove_all(&mut self, positions: &[u32]) {
        if positions.len() < 16 {
            return positions.iter().rev().for_each(|&position| self.remove(position as usize));
        }
        let mut gone = positions.iter().peekable();
        let kept = (0..).zip(&self.entries).filter_map(|(i, entry)| {
            match gone.next_if(|&&position| position == i) {
                Some(_) => None,
                None => Some(*entry),
            }
        });
        let kept: VecDeque<LaneEntry> = kept.collect();
        for &position in positions {
            let entry = self.entries[position as usize];
            self.forget(&entry);
        }
        self.entries = kept;
    }

    fn forget(&mut self, entry: &LaneEntry) {
        if let Some(i) = self.asks.iter().position(|asked| asked.ask == entry.ask) {
            self.asks[i].count -= 1;
            if self.asks[i].count == 0 {
                self.asks.swap_remove(i);
            }
        }
    }
}
