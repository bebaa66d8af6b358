//! What is held for a job that could not start, so that those behind it don't starve it (EASY backfill).
//!
//! In each site, the first job in order that has its quota but not its cards gets the earliest start that the time
//! limits of running runs allow, and cards for it. Until then later jobs may use these cards only if they end in time;
//! all other cards are free to them. It is worked out anew in each plan from what runs then: as nothing was
//! started that is in its way, its start only ever comes forward, but for jobs that come before it in the order.

use domain::{CardSet, JobId, Timestamp};

use crate::{
    fit::Kind,
    hall::Hall,
    site::{Cards, End, Site, find},
};

/// Cards held for a job.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) job: JobId,
    /// From when it has them.
    pub(crate) start: Timestamp,
    /// What is free besides them.
    rest: Hall,
}

impl Site<'_> {
    /// The cards that a run may use that ends at `end`.
    pub(crate) fn open_until(&self, end: Timestamp) -> &Hall {
        match &self.held {
            Some(held) if held.start < end => &held.rest,
            _ => &self.hall,
        }
    }

    /// Log n a node.
    pub(crate) fn take(&mut self, cards: &[(u32, CardSet)]) {
        for &(rank, cards) in cards {
            self.hall.take(&self.ground, rank, cards);
            if let Some(held) = &mut self.held {
                let open = cards.intersection(held.rest.free()[rank as usize]);
                held.rest.take(&self.ground, rank, open);
            }
        }
    }

    /// When `nodes` nodes will first have `ask` cards each, if nothing starts: linear in the ends, which are in order
    /// of time.
    fn earliest(&self, own: u32, nodes: u32, ask: u32, ends: &[End]) -> Option<(Timestamp, Hall)> {
        let mut free = self.hall.free().to_vec();
        let mut fitting = self.hall.fitting(ask);
        for at_once in ends.chunk_by(|a, b| a.at == b.at) {
            for end in at_once.iter().filter(|end| end.site == own) {
                let node = self.ground.nodes[end.rank as usize];
                let before = free[end.rank as usize];
                let after = before.union(end.cards.intersection(node.cards));
                let fits = |free| node.takes_runs && Kind::of(node, free).fit(ask).is_some();
                fitting += u32::from(!fits(before) && fits(after));
                free[end.rank as usize] = after;
            }
            if fitting >= nodes {
                return Some((at_once[0].at, Hall::with_free(&self.ground, free)));
            }
        }
        None
    }
}

/// Holds cards for `job` in the site `of` that can give them first, and says from when; `None` if none ever can. Linear
/// in ends and nodes.
pub(crate) fn hold(
    sites: &mut [Site<'_>],
    of: &[u32],
    ends: &[End],
    job: JobId,
    (nodes, ask): (u32, u32),
) -> Option<Timestamp> {
    let earliest = |&site: &u32| {
        let (start, hall) = sites[site as usize].earliest(site, nodes, ask, ends)?;
        Some((start, site, hall))
    };
    let (start, site, then) = of.iter().filter_map(earliest).min_by_key(|&(start, site, _)| (start, site))?;
    let Cards { cards, .. } = find(sites, &[site], (nodes, ask), |_| &then).expect("it fits then");
    let site = &mut sites[site as usize];
    let mut rest = site.hall.clone();
    for &(rank, cards) in &cards {
        let held_now = cards.intersection(rest.free()[rank as usize]);
        rest.take(&site.ground, rank, held_now);
    }
    site.held = Some(Held { job, start, rest });
    Some(start)
}
