//! Which queue may use whose cards: a tree of quotas, with lending and borrowing between its branches.
//!
//! The leaves are queues with their guaranteed cards. Above a queue is its cohort, if it is in one; at the
//! root are the pools that the queues use together, with the cards that nobody is guaranteed. Each branch
//! lends the part of its quota that it does not use, up to its lending limit, and borrows from the others
//! under the same parent. The part of a quota that is not lent is used first; what a branch uses beyond it
//! comes out of the parent's quota.

use crate::index::index;

/// One branch.
#[derive(Clone, Debug)]
struct Branch {
    parent: Option<u32>,
    /// The branch's own cards, with those that the branches below it lend.
    quota: i64,
    /// How much of `quota` others may use while it is idle; `None`: all of it.
    lending_limit: Option<i64>,
    used: i64,
}

impl Branch {
    /// The part of the quota that is not lent.
    fn kept(&self) -> i64 {
        self.lending_limit.map_or(0, |lending| (self.quota - lending).max(0))
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct QuotaTree {
    branches: Vec<Branch>,
}

impl QuotaTree {
    /// Adds a branch with `quota` cards of its own. Branches are added from the root down, and lend at once.
    pub(crate) fn add(&mut self, parent: Option<u32>, quota: i64, lending_limit: Option<i64>) -> u32 {
        self.branches.push(Branch { parent, quota: 0, lending_limit, used: 0 });
        let branch = index(self.branches.len() - 1);
        self.grow(branch, quota);
        branch
    }

    /// Adds cards to the quota of a branch, and those of them that are lent to the parent's quota.
    fn grow(&mut self, branch: u32, by: i64) {
        let of = &mut self.branches[branch as usize];
        let lent_before = of.quota - of.kept();
        of.quota += by;
        let lent = of.quota - of.kept() - lent_before;
        if let Some(parent) = of.parent {
            self.grow(parent, lent);
        }
    }

    /// How many cards the branch may still use: its own and those that it can borrow. Below 0 where nodes
    /// went out.
    pub(crate) fn available(&self, branch: u32) -> i64 {
        let of = &self.branches[branch as usize];
        match of.parent {
            None => of.quota - of.used,
            Some(parent) => (of.kept() - of.used).max(0) + self.available(parent).max(0),
        }
    }

    /// Counts `cards` more as used by the branch; fewer where `cards` is below 0.
    pub(crate) fn count(&mut self, branch: u32, cards: i64) {
        let of = &mut self.branches[branch as usize];
        let beyond_before = (of.used - of.kept()).max(0);
        of.used += cards;
        let beyond = (of.used - of.kept()).max(0) - beyond_before;
        if let Some(parent) = of.parent
            && beyond != 0
        {
            self.count(parent, beyond);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree with `spare` cards that nobody is guaranteed, and branches at its root: guaranteed cards,
    /// lending limit.
    fn tree<const N: usize>(spare: i64, branches: [(i64, Option<i64>); N]) -> (QuotaTree, [u32; N]) {
        let mut quotas = QuotaTree::default();
        let root = quotas.add(None, spare, None);
        let added = branches.map(|(quota, lending)| quotas.add(Some(root), quota, lending));
        (quotas, added)
    }

    #[test]
    fn idle_cards_are_lent_up_to_the_limit() {
        let (quotas, [own, lender, miser]) = tree(3, [(4, None), (10, Some(6)), (8, Some(0))]);
        // Its own cards, those that the lender lends, and those that nobody is guaranteed.
        assert_eq!(quotas.available(own), 4 + 6 + 3);
        assert_eq!(quotas.available(lender), 10 + 4 + 3);
        assert_eq!(quotas.available(miser), 8 + 4 + 6 + 3);
    }

    #[test]
    fn what_is_borrowed_is_no_longer_there_and_what_is_kept_is() {
        let (mut quotas, [borrower, lender]) = tree(0, [(0, None), (10, Some(6))]);
        quotas.count(borrower, 6);
        assert_eq!((quotas.available(borrower), quotas.available(lender)), (0, 4));
        quotas.count(lender, 4);
        assert_eq!((quotas.available(borrower), quotas.available(lender)), (0, 0));
        quotas.count(borrower, -5);
        assert_eq!((quotas.available(borrower), quotas.available(lender)), (5, 5));
        quotas.count(lender, -4);
        assert_eq!((quotas.available(borrower), quotas.available(lender)), (5, 9));
    }

    #[test]
    fn a_cohort_lends_inside_and_borrows_what_is_nobodys() {
        let mut quotas = QuotaTree::default();
        let root = quotas.add(None, 5, None);
        let alliance = quotas.add(Some(root), 0, Some(0));
        let (a, b) = (quotas.add(Some(alliance), 8, None), quotas.add(Some(alliance), 8, None));
        let outside = quotas.add(Some(root), 0, None);
        assert_eq!((quotas.available(a), quotas.available(outside)), (8 + 8 + 5, 5));
        quotas.count(a, 18);
        assert_eq!((quotas.available(b), quotas.available(outside)), (3, 3));
        quotas.count(outside, 3);
        assert_eq!((quotas.available(a), quotas.available(outside)), (0, 0));
    }

    #[test]
    fn a_cohort_may_lend_to_the_others() {
        let mut quotas = QuotaTree::default();
        let root = quotas.add(None, 0, None);
        let alliance = quotas.add(Some(root), 0, Some(3));
        let member = quotas.add(Some(alliance), 8, None);
        let outside = quotas.add(Some(root), 0, None);
        assert_eq!(quotas.available(outside), 3);
        quotas.count(outside, 3);
        assert_eq!(quotas.available(member), 5);
        quotas.count(member, 5);
        assert_eq!((quotas.available(member), quotas.available(outside)), (0, 0));
    }

    #[test]
    fn counting_back_leaves_nothing() {
        let (mut quotas, [a, b]) = tree(2, [(4, Some(1)), (6, Some(2))]);
        let before = (quotas.available(a), quotas.available(b));
        for (branch, cards) in [(a, 5), (b, 4), (a, -2), (b, 1), (b, -5), (a, -3)] {
            quotas.count(branch, cards);
        }
        assert_eq!((quotas.available(a), quotas.available(b)), before);
    }
}
