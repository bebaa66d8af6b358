//! The course of a reservation: from when to when its cards are kept, and how much of its fee is earned by an instant.
//!
//! The fee is spread evenly over the part of the term on which the contract is active, in milliseconds. That part begins
//! with the later of the term's start and the activation, because before it nobody was kept anything; it ends with the
//! term, or with an earlier termination.

use crate::{MicroCny, Timestamp};

/// Terms by which a fee is earned from an instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub from: Timestamp,
    /// The end of the term.
    pub until: Timestamp,
    /// The whole fee, with what was earned of it before.
    pub fee: MicroCny,
}

impl Step {
    /// How much is earned by `at`, of which `before` was earned when the step began: what is left of the fee is spread over
    /// what is left of the term.
    fn earned(self, before: i64, at: Timestamp) -> i64 {
        let whole = i128::from(self.until.since(self.from).0);
        let passed = i128::from(at.min(self.until).since(self.from).0).max(0);
        if whole <= 0 || passed >= whole {
            return self.fee.0;
        }
        let share = i128::from(self.fee.0 - before) * passed / whole;
        before + i64::try_from(share).expect("a part of what is left of the fee is no more than that")
    }
}

/// The course of a contract that was activated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    first: Step,
    /// Those that changed it later, each from a later instant on.
    later: Vec<Step>,
    /// When people ended it, if they did.
    over_at: Option<Timestamp>,
}

impl Course {
    /// The course of a term from `starts_at` on that was activated at `activated_at`.
    pub fn new(
        starts_at: Timestamp,
        activated_at: Timestamp,
        (until, fee): (Timestamp, MicroCny),
        over_at: Option<Timestamp>,
    ) -> Self {
        let first = Step { from: starts_at.max(activated_at), until, fee };
        Self { first, later: Vec::new(), over_at }
    }

    /// From an instant on another end and another whole fee hold: what is left of the fee is spread over what is left of the
    /// term, and what was earned before stays so.
    pub fn amend(&mut self, from: Timestamp, until: Timestamp, fee: MicroCny) {
        self.later.push(Step { from: from.max(self.first.from), until, fee });
    }

    /// The first instant of the part of the term on which it is active.
    pub fn from(&self) -> Timestamp {
        self.first.from
    }

    /// The end of that part.
    pub fn until(&self) -> Timestamp {
        let until = self.later.last().unwrap_or(&self.first).until;
        self.over_at.map_or(until, |over| over.min(until))
    }

    /// How much of the fee is earned by `at`: rounded down, and nothing more once it is over.
    pub fn earned_by(&self, at: Timestamp) -> MicroCny {
        let at = self.over_at.map_or(at, |over| over.min(at));
        if at <= self.first.from {
            return MicroCny::ZERO;
        }
        let (mut step, mut before) = (self.first, 0);
        for next in self.later.iter().take_while(|next| next.from < at) {
            (step, before) = (*next, step.earned(before, next.from));
        }
        MicroCny(step.earned(before, at))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Millis;

    fn at(days: i64) -> Timestamp {
        Timestamp::default().plus(Millis::from_hours(24 * days))
    }

    fn course(starts: i64, activated: i64, over: Option<i64>) -> Course {
        Course::new(at(starts), at(activated), (at(100), MicroCny(1000)), over.map(at))
    }

    #[test]
    fn a_fee_is_earned_from_the_later_of_start_and_activation() {
        let in_time = course(0, -10, None);
        assert_eq!(
            [-5, 0, 10, 50, 100, 200].map(|day| in_time.earned_by(at(day)).0),
            [0, 0, 100, 500, 1000, 1000]
        );
        let late = course(0, 50, None);
        assert_eq!([0, 10, 50, 60, 75, 100].map(|day| late.earned_by(at(day)).0), [0, 0, 0, 200, 500, 1000]);
        assert_eq!((late.from(), late.until()), (at(50), at(100)));
        // No part of the term is left: all of it is earned at once, and nothing before.
        let too_late = course(0, 120, None);
        assert_eq!([110, 120, 121].map(|day| too_late.earned_by(at(day)).0), [0, 0, 1000]);
    }

    #[test]
    fn nothing_is_earned_once_people_have_ended_it() {
        let ended = course(0, 0, Some(25));
        assert_eq!([10, 25, 26, 100].map(|day| ended.earned_by(at(day)).0), [100, 250, 250, 250]);
        assert_eq!(ended.until(), at(25));
        assert_eq!(course(50, 0, Some(25)).earned_by(at(60)), MicroCny::ZERO, "before its start");
    }

    #[test]
    fn an_amendment_spreads_the_rest_anew_and_leaves_the_past_as_it_was() {
        let mut longer = course(0, 0, None);
        longer.amend(at(50), at(150), MicroCny(1500));
        let days = [0, 10, 50, 60, 100, 150, 200];
        assert_eq!(days.map(|day| longer.earned_by(at(day)).0), [0, 100, 500, 600, 1000, 1500, 1500]);
        assert_eq!(longer.until(), at(150));
        let mut shorter = course(0, 0, None);
        shorter.amend(at(50), at(60), MicroCny(1000));
        assert_eq!([50, 55, 60, 99].map(|day| shorter.earned_by(at(day)).0), [500, 750, 1000, 1000]);
        // Before the term began there is nothing to leave as it was.
        let mut early = course(10, 0, None);
        early.amend(at(5), at(20), MicroCny(2000));
        assert_eq!([10, 15, 20].map(|day| early.earned_by(at(day)).0), [0, 1000, 2000]);
        // What people ended before it held never held.
        let mut ended = course(0, 0, Some(25));
        ended.amend(at(50), at(60), MicroCny(9000));
        assert_eq!((ended.earned_by(at(99)).0, ended.until()), (250, at(25)));
    }

    proptest! {
        #[test]
        fn what_is_earned_grows_to_the_fee_and_no_further(
            fee in 0_i64..1_000_000_000_000,
            starts in -100_i64..100,
            activated in -100_i64..150,
            ends in 101_i64..400,
            looks in prop::collection::vec(-200_i64..500, 1..20),
        ) {
            let course = Course::new(at(starts), at(activated), (at(ends), MicroCny(fee)), None);
            let mut looks = looks;
            looks.sort_unstable();
            let mut last = 0;
            for day in looks {
                let earned = course.earned_by(at(day)).0;
                prop_assert!((last..=fee).contains(&earned));
                prop_assert!(day > activated || earned == 0);
                last = earned;
            }
            prop_assert_eq!(course.earned_by(at(500)).0, fee);
        }
    }
}
