//! The policies that the twin compares, as values with names.

use std::{fmt, str::FromStr};

/// In which order jobs have their turn, and what may pass the first that does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Policy {
    pub order: Order,
    pub backfill: Backfill,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// As they were submitted.
    #[default]
    Submission,
    /// The shortest estimate first.
    Shortest,
    /// The queue with the least decayed use for its weight first.
    FairShare,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Backfill {
    #[default]
    None,
    /// The first that does not fit is promised its start.
    Easy,
    /// Every job is promised its start.
    Conservative,
}

impl Policy {
    /// The five with names of their own.
    pub const NAMED: [&str; 5] = ["fcfs", "easy", "conservative", "sjf", "fair-share"];
}

impl fmt::Display for Policy {
    /// `fcfs`, `easy`, `sjf+easy`…
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = match self.order {
            Order::Submission => "",
            Order::Shortest => "sjf",
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
        let names = Policy::NAMED.join(", ");
        write!(
            f,
            "`{}` is not a policy: write {names}, or an order and a backfill as in fair-share+easy",
            self.0
        )
    }
}

impl std::error::Error for InvalidPolicy {}

impl FromStr for Policy {
    type Err = InvalidPolicy;

    /// An order (`fcfs`, `sjf`, `fair-share`), a backfill (`easy`, `conservative`), or one of each with a plus between.
    fn from_str(text: &str) -> Result<Self, InvalidPolicy> {
        let (mut order, mut backfill) = (None, None);
        for word in text.split('+') {
            let first = match word.trim() {
                "fcfs" => order.replace(Order::Submission).is_none(),
                "sjf" => order.replace(Order::Shortest).is_none(),
                "fair-share" => order.replace(Order::FairShare).is_none(),
                "easy" => backfill.replace(Backfill::Easy).is_none(),
                "conservative" => backfill.replace(Backfill::Conservative).is_none(),
                _ => false,
            };
            if !first {
                return Err(InvalidPolicy(text.chars().take(60).collect()));
            }
        }
        Ok(Self { order: order.unwrap_or_default(), backfill: backfill.unwrap_or_default() })
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
            let policy: Policy = text.parse().unwrap();
            assert_eq!(policy.to_string(), name);
            assert_eq!(name.parse(), Ok(policy));
        }
        for bad in ["", "EASY", "easy+easy", "easy+conservative", "sjf+fair-share", "+"] {
            assert!(bad.parse::<Policy>().is_err(), "{bad}");
        }
    }
}
