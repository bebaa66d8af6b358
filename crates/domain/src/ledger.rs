//! The ledger 账本: append-only, double-entry, in integers.
//!
//! A transfer moves one amount in one unit from the account that it debits to the account that it credits, so
//! each entry balances by its shape. Its key is unique: posting twice is posting once. An account's balance
//! is the sum of its credits less the sum of its debits.

use serde::{Deserialize, Serialize};

use crate::{CardMs, ContractId, MicroCny, Run, RunId, Timestamp, TransferId, codes};

/// A place between which amounts are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "account", content = "contract", rename_all = "snake_case")]
pub enum Account {
    /// Money that came in from outside.
    Cash,
    /// Money that the center has earned.
    Revenue,
    /// Card time that the center has promised in packages and grants.
    Capacity,
    /// Card time that the center has delivered.
    Delivered,
    /// The account of a contract: the amounts that it was given, less those that it has used.
    Contract(ContractId),
}

codes! {
    /// The thing that an amount counts.
    pub enum Unit {
        CardMs = "card_ms",
        MicroCny = "micro_cny",
    }
}

/// An entry of the ledger. Its `amount` is above zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    pub id: TransferId,
    pub key: String,
    pub at: Timestamp,
    pub unit: Unit,
    pub debit: Account,
    pub credit: Account,
    pub amount: i64,
    pub cause: Cause,
}

/// Why an entry was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", content = "run", rename_all = "snake_case")]
pub enum Cause {
    /// Money was paid in.
    TopUp,
    /// The card time of a package or grant.
    Package,
    /// The fee of a package or of reserved cards.
    Fee,
    /// The use of a run.
    Use(RunId),
    /// A run's use is given back, as the center was at fault.
    Refund(RunId),
}

impl Cause {
    pub fn code(self) -> &'static str {
        match self {
            Self::TopUp => "top_up",
            Self::Package => "package",
            Self::Fee => "fee",
            Self::Use(_) => "use",
            Self::Refund(_) => "refund",
        }
    }
}

/// An entry before it has an id and a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    pub key: String,
    pub unit: Unit,
    pub debit: Account,
    pub credit: Account,
    pub amount: i64,
    pub cause: Cause,
}

/// How far a run has been metered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metered {
    pub used: CardMs,
    pub charged: MicroCny,
}

/// The postings by which a run is metered up to `now`, and how far it is metered then. They post the
/// difference to what was posted before; for a run that the center lost, they give all of that back. There
/// are at most two, and none of amount 0.
pub fn meter(run: &Run, metered: Metered, now: Timestamp) -> (Vec<Posting>, Metered) {
    let is_refund = run.state.outcome().is_some_and(crate::Outcome::is_fault_of_center);
    let due = if is_refund {
        Metered::default()
    } else {
        Metered { used: run.used(now), charged: run.charge(now) }
    };
    let contract = Account::Contract(run.contract);
    let moves = [
        (Unit::CardMs, Account::Delivered, metered.used.0, due.used.0),
        (Unit::MicroCny, Account::Revenue, metered.charged.0, due.charged.0),
    ];
    let postings = moves
        .into_iter()
        .filter(|(_, _, before, after)| before != after)
        .map(|(unit, center, before, after)| {
            let mark = match unit {
                Unit::CardMs => "use",
                Unit::MicroCny => "fee",
            };
            let (debit, credit, cause) = if after > before {
                (contract, center, Cause::Use(run.id))
            } else {
                (center, contract, Cause::Refund(run.id))
            };
            let key = format!("{}/{mark}/{before}-{after}", run.id);
            Posting { key, unit, debit, credit, amount: (after - before).abs(), cause }
        })
        .collect();
    (postings, due)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        CardSet, JobId, NodeId, Outcome, Placement, RatePerCardHour, RunState, TenantId, node::Slot,
    };
    use proptest::prelude::*;

    fn run(rate: i64) -> Run {
        Run {
            id: RunId::from_bytes([1; 16]),
            job: JobId::from_bytes([2; 16]),
            tenant: TenantId::from_bytes([3; 16]),
            contract: ContractId::from_bytes([4; 16]),
            task: 0,
            attempt: 1,
            placement: Placement(vec![Slot { node: NodeId::from_bytes([5; 16]), cards: CardSet::first(8) }]),
            rate: RatePerCardHour(MicroCny(rate)),
            is_granted: false,
            state: RunState::Starting { planned_at: Timestamp::default(), stop: None },
        }
    }

    proptest! {
        #[test]
        fn however_often_it_is_metered_the_sums_are_those_of_the_whole(
            rate in 0_i64..100_000_000, start in 0_i64..1000, ticks in prop::collection::vec(0_i64..10_000_000, 0..10), lost: bool,
        ) {
            let mut run = run(rate);
            run.state = run.state.start(Timestamp::from_micros(start)).unwrap();
            let mut ticks = ticks;
            ticks.sort_unstable();
            let end = ticks.last().copied().unwrap_or(start) + 7;
            let (mut metered, mut used, mut charged, mut keys) = (Metered::default(), 0, 0, Vec::new());
            for tick in ticks.into_iter().map(Some).chain([None]) {
                let now = Timestamp::from_micros(tick.unwrap_or(end));
                if tick.is_none() {
                    let outcome = if lost { Outcome::Lost } else { Outcome::Succeeded };
                    run.state = run.state.end(now, outcome).unwrap();
                }
                let (postings, upto) = meter(&run, metered, now);
                for posting in &postings {
                    prop_assert!(posting.amount > 0);
                    let signed = if posting.debit == Account::Contract(run.contract) { posting.amount } else { -posting.amount };
                    match posting.unit {
                        Unit::CardMs => used += signed,
                        Unit::MicroCny => charged += signed,
                    }
                    prop_assert!(!keys.contains(&posting.key));
                    keys.push(posting.key.clone());
                }
                metered = upto;
                prop_assert!(meter(&run, metered, now).0.is_empty(), "metering twice posts nothing");
            }
            let whole = if lost { CardMs::ZERO } else { run.used(run.state.ended_at().unwrap()) };
            prop_assert_eq!(used, whole.0);
            prop_assert_eq!(charged, run.rate.charge(whole).unwrap().0);
        }
    }
}
