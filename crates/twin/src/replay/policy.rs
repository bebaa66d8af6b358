//! The policies that the twin compares, as values with names.

use std::{fmt, str::FromStr};

use scheduler::{Backfill, Order, Policy};

/// The order of jobs, and which jobs may overtake the first that does not fit. `fcfs` by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayPolicy {
    pub order: Order,
    pub backfill: Backfill,
}

impl Default for ReplayPolicy {
    fn default() -> Self {
        Self { order: Order::Fifo, backfill: Backfill::None }
    }
}

impl ReplayPolicy {
    /// The five policies that have names of their own.
    pub const NAMED: [&str; 5] = ["fcfs", "easy", "conservative", "sjf", "fair-share"];

    /// The same order and backfill as a planner's.
    pub fn of(policy: &Policy) -> Self {
        Self { order: policy.order, backfill: policy.backfill }
    }
}

impl fmt::Display for ReplayPolicy {
    /// `fcfs`, `easy`, `sjf+easy`…
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = match self.order {
            Order::Fifo => "",
            Order::ShortestFirst => "sjf",
            Order::FairShare => "fair-share",
        };
        let backfill = match self.backfill {
            Backfill::None => "",
            Backfill::Easy => "easy",
            Backfill::Conservative => "conservative",
        };
        match (order, backfill) {
            ("", "") => f.write_str("fcfs"),
            (one, "") | ("", one) => f.write_str(one),
            (order, backfill) => write!(f, "{order}+{backfill}"),
        }
    }
}

/// Why a text is not a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPolicy(pub String);

impl fmt::Display for InvalidPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ReplayPolicy::NAMED.join(", ");
        write!(
            f,
            "`{}` is not a policy: write {names}, or an order and a backfill as in fair-share+easy",
            self.0
        )
    }
}

impl std::error::Error for InvalidPolicy {}

impl FromStr for ReplayPolicy {
    type Err = InvalidPolicy;

    /// Reads an order (`fcfs`, `sjf`, `fair-share`), a backfill (`easy`, `conservative`), or one of each with
    /// a plus between.
    fn from_str(text: &str) -> Result<Self, InvalidPolicy> {
        let (mut order, mut backfill) = (None, None);
        for word in text.split('+') {
            let first = match word.trim() {
                "fcfs" => order.replace(Order::Fifo).is_none(),
                "sjf" => order.replace(Order::ShortestFirst).is_none(),
                "fair-share" => order.replace(Order::FairShare).is_none(),
                "easy" => backfill.replace(Backfill::Easy).is_none(),
                "conservative" => backfill.replace(Backfill::Conservative).is_none(),
                _ => false,
            };
            if !first {
                return Err(InvalidPolicy(text.chars().take(60).collect()));
            }
        }
        let fcfs = Self::default();
        Ok(Self { order: order.unwrap_or(fcfs.order), backfill: backfill.unwrap_or(fcfs.backfill) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_have_one_name() {
        for (text, name) in [
            ("fcfs", "fcfs"),
            ("easy", "easy"),
            ("fcfs+easy", "easy"),
            ("easy + fair-share", "fair-share+easy"),
            ("sjf+conservative", "sjf+conservative"),
        ] {
            let policy: ReplayPolicy = text.parse().unwrap();
            assert_eq!(policy.to_string(), name);
            assert_eq!(name.parse(), Ok(policy));
        }
        for bad in ["", "EASY", "easy+easy", "easy+conservative", "sjf+fair-share", "+"] {
            assert!(bad.parse::<ReplayPolicy>().is_err(), "{bad}");
        }
    }
}
