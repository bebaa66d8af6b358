//! What came about.

use domain::ledger::CorrectionKind;

/// What came about, so that a test in which nothing does is seen.
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
    pub booked: [u32; CorrectionKind::ALL.len()],
}

impl Told {
    pub fn add(&mut self, more: &Self) {
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
            booked,
        } = more;
        self.payments += payments;
        self.jobs += jobs;
        self.ended += ended;
        self.lost += lost;
        self.preempted += preempted;
        self.closings += closings;
        self.restarts += restarts;
        self.refused += refused;
        self.exhausted += exhausted;
        self.forfeited += forfeited;
        self.terms += terms;
        self.booked.iter_mut().zip(booked).for_each(|(sum, more)| *sum += more);
    }

    pub fn assert_all_happened(&self) {
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
            booked,
        } = self;
        let all = [
            payments, jobs, ended, lost, preempted, closings, restarts, refused, exhausted, forfeited, terms,
        ];
        assert!(
            all.into_iter().chain(booked).all(|count| *count > 0),
            "something never came about: {self:?}"
        );
    }
}
