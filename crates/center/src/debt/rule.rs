//! How old a debt is. A debt is on the statement of the month in which it arose, and due some days after that month was
//! closed. Whatever is paid goes to the oldest debt first.

use domain::MicroCny;
use serde::Serialize;

domain::codes! {
    /// The kind of a debt.
    pub enum DebtKind {
        /// A part of a contract's fee.
        Fee = "fee",
        /// That by which a contract's balance is below 0.
        Balance = "balance",
    }
}

/// A debt by how many days it has been due.
#[allow(clippy::struct_field_names)] // An amount says its unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Ages {
    /// It is on no statement yet, or its day has not passed.
    pub not_due_micro_cny: MicroCny,
    pub days_1_to_30_micro_cny: MicroCny,
    pub days_31_to_60_micro_cny: MicroCny,
    pub days_61_to_90_micro_cny: MicroCny,
    pub over_90_days_micro_cny: MicroCny,
    /// All of them.
    pub total_micro_cny: MicroCny,
}

impl Ages {
    /// Adds an amount that is late by so many days; by none or less where its day has not passed.
    fn add_late(&mut self, days: i64, amount: i64) {
        let part = match days {
            ..=0 => &mut self.not_due_micro_cny,
            1..=30 => &mut self.days_1_to_30_micro_cny,
            31..=60 => &mut self.days_31_to_60_micro_cny,
            61..=90 => &mut self.days_61_to_90_micro_cny,
            91.. => &mut self.over_90_days_micro_cny,
        };
        part.0 = part.0.saturating_add(amount);
        self.total_micro_cny.0 = self.total_micro_cny.0.saturating_add(amount);
    }

    pub fn add(&mut self, more: Self) {
        for (part, more) in self.parts_mut().into_iter().zip(more.parts()) {
            part.0 = part.0.saturating_add(more.0);
        }
    }

    /// From what is not due to what is due longest, and the total.
    pub fn parts(&self) -> [MicroCny; 6] {
        [
            self.not_due_micro_cny,
            self.days_1_to_30_micro_cny,
            self.days_31_to_60_micro_cny,
            self.days_61_to_90_micro_cny,
            self.over_90_days_micro_cny,
            self.total_micro_cny,
        ]
    }

    fn parts_mut(&mut self) -> [&mut MicroCny; 6] {
        [
            &mut self.not_due_micro_cny,
            &mut self.days_1_to_30_micro_cny,
            &mut self.days_31_to_60_micro_cny,
            &mut self.days_61_to_90_micro_cny,
            &mut self.over_90_days_micro_cny,
            &mut self.total_micro_cny,
        ]
    }
}

/// The debt at the end of a closed month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtMonthEnd {
    /// How many days its statement is late by; 0 or less where its day has not passed.
    pub days_late: i64,
    /// Below 0 where the other side owed.
    pub owed: i64,
    /// All that was credited since.
    pub paid_since: i64,
}

/// A debt by age: of each closed month, in their order, the part that is left of what was owed at its end. What is owed now and
/// was not owed then is on no statement yet.
pub fn ages(owed_now: i64, months: &[AtMonthEnd]) -> Ages {
    let (mut ages, mut told) = (Ages::default(), 0);
    let owed_now = owed_now.max(0);
    for month in months {
        let left = month.owed.saturating_sub(month.paid_since).clamp(0, owed_now);
        if left > told {
            ages.add_late(month.days_late, left - told);
            told = left;
        }
    }
    if owed_now > told {
        ages.add_late(0, owed_now - told);
    }
    ages
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn month(days_late: i64, owed: i64, paid_since: i64) -> AtMonthEnd {
        AtMonthEnd { days_late, owed, paid_since }
    }

    fn told(owed_now: i64, months: &[AtMonthEnd]) -> [i64; 6] {
        ages(owed_now, months).parts().map(|part| part.0)
    }

    #[test]
    fn what_is_paid_goes_to_the_oldest_debt() {
        // 100 in the first month, 50 more in the second, 7 since; 30 were paid in the third.
        let months = [month(40, 100, 30), month(9, 150, 30)];
        assert_eq!(told(127, &months), [7, 50, 70, 0, 0, 127]);
        // All of the first month is paid, and a part of the second.
        assert_eq!(told(20, &[month(40, 100, 130), month(9, 150, 130)]), [0, 20, 0, 0, 0, 20]);
        // Nobody owes.
        assert_eq!(told(-5, &months), [0; 6]);
    }

    #[test]
    fn a_debt_is_late_from_the_day_after_its_last() {
        let of = |days| told(1, &[month(days, 1, 0)]).iter().position(|amount| *amount == 1);
        let places = [-3, 0, 1, 30, 31, 60, 61, 90, 91, 4000].map(of);
        assert_eq!(places, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4].map(Some));
    }

    proptest! {
        #[test]
        fn the_ages_are_the_debt(steps in prop::collection::vec((0_i64..1000, 0_i64..1000), 0..8)) {
            // What was borrowed and paid in each month; the last one goes on.
            let (mut owed, mut months) = (0, Vec::new());
            for (place, (borrowed, paid)) in steps.iter().enumerate() {
                owed += borrowed - paid;
                let since: i64 = steps[place + 1..].iter().map(|(_, paid)| paid).sum();
                months.push(month(400 - 30 * i64::try_from(place).unwrap(), owed, since));
            }
            months.pop();
            let all = ages(owed, &months);
            prop_assert_eq!(all.total_micro_cny.0, owed.max(0));
            let parts = all.parts();
            prop_assert_eq!(parts[..5].iter().map(|part| part.0).sum::<i64>(), all.total_micro_cny.0);
            prop_assert!(parts.iter().all(|part| part.0 >= 0));
            // The newest month is on no statement: what was borrowed in it is not due, as far as it is still owed.
            if let Some((borrowed, _)) = steps.last() {
                prop_assert_eq!(all.not_due_micro_cny.0, owed.max(0).min(*borrowed));
            }
        }
    }
}
