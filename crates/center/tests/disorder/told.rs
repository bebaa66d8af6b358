//! Counts of the acts that came about.

use domain::ledger::CorrectionKind;

/// How often each kind of act came about, so that a test in which one never does fails.
#[derive(Debug, Default)]
pub struct Told {
    pub payments: u32,
    pub jobs: u32,
    pub ended: u32,
    pub lost: u32,
    pub preempted: u32,
    pub closings: u32,
    pub restarts: u32,
    pub refused: u32,
    pub exhausted: u32,
    pub forfeited: u32,
    pub terms: u32,
    pub redeemed: u32,
    pub taken_back: u32,
    pub returned: u32,
    pub issued: u32,
    pub budgets: u32,
    pub alerts: u32,
    pub budget_ended: u32,
    pub booked: [u32; CorrectionKind::ALL.len()],
}

impl Told {
    fn counts(&mut self) -> impl Iterator<Item = &mut u32> {
        let Self {
            payments,
            jobs,
            ended,
            lost,
            preempted,
            closings,
            restarts,
            refused,
            exhausted,
            forfeited,
            terms,
            redeemed,
            taken_back,
            returned,
            issued,
            budgets,
            alerts,
            budget_ended,
            booked,
        } = self;
        let all = [
            payments,
            jobs,
            ended,
            lost,
            preempted,
            closings,
            restarts,
            refused,
            exhausted,
            forfeited,
            terms,
            redeemed,
            taken_back,
            returned,
            issued,
            budgets,
            alerts,
            budget_ended,
        ];
        all.into_iter().chain(booked)
    }

    pub fn add(&mut self, mut more: Self) {
        for (sum, more) in self.counts().zip(more.counts()) {
            *sum += *more;
        }
    }

    pub fn assert_all_happened(mut self) {
        let is_missing = self.counts().any(|count| *count == 0);
        assert!(!is_missing, "something never came about: {self:?}");
    }
}
