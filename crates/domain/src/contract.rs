//! Contracts 合同: how much a tenant may use, at which price and until when; and the queue that a contract
//! gives.

pub mod amendment;
pub mod budget;
pub mod course;

use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{
    CardMs, ContractId, MicroCny, Millis, PoolId, RatePerCardHour, TenantId, Timestamp, codes, schema,
};

/// A tenant's right to compute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    pub id: ContractId,
    pub tenant: TenantId,
    /// The number by which the parties call it: `HZ-2022-017`. Unique in the center.
    pub number: String,
    pub kind: ContractKind,
    pub pools: Vec<PoolId>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub queue: QueueTerms,
    pub state: ContractState,
    pub created_at: Timestamp,
}

impl Contract {
    /// The terms of its queue as they bind: of reserved cards no more run than are reserved.
    pub fn limits(&self) -> QueueTerms {
        match self.kind {
            ContractKind::Reserved { cards, .. } => {
                let most = self.queue.max_running_cards.min(cards);
                let guaranteed_cards = self.queue.guaranteed_cards.min(most);
                QueueTerms { max_running_cards: most, guaranteed_cards, ..self.queue }
            }
            _ => self.queue,
        }
    }

    /// The fee that is due with its activation.
    pub fn fee(&self) -> Option<MicroCny> {
        self.kind.fee()
    }
}

/// The four kinds of contracts, with their terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ContractKind {
    /// A package of card time whose fee is due at the start.
    Prepaid { package: CardMs, fee: MicroCny },
    /// Use is paid from a balance at the rates of the price book, down to minus `credit_limit`.
    Metered { credit_limit: MicroCny },
    /// `cards` cards are held for the term, at a flat fee.
    Reserved { cards: u32, fee: MicroCny },
    /// Use is free of charge, up to `cap` where there is one: research, incubation, teaching.
    Grant { cap: Option<CardMs> },
}

codes! {
    /// A kind of contract without its terms.
    pub enum ContractKindName {
        Prepaid = "prepaid",
        Metered = "metered",
        Reserved = "reserved",
        Grant = "grant",
    }
}

impl ContractKind {
    pub fn name(self) -> ContractKindName {
        match self {
            Self::Prepaid { .. } => ContractKindName::Prepaid,
            Self::Metered { .. } => ContractKindName::Metered,
            Self::Reserved { .. } => ContractKindName::Reserved,
            Self::Grant { .. } => ContractKindName::Grant,
        }
    }

    pub fn code(self) -> &'static str {
        self.name().code()
    }

    /// The whole fee.
    pub fn fee(self) -> Option<MicroCny> {
        match self {
            Self::Prepaid { fee, .. } | Self::Reserved { fee, .. } => Some(fee),
            Self::Metered { .. } | Self::Grant { .. } => None,
        }
    }

    /// The card time that it gives.
    pub fn given(self) -> Option<CardMs> {
        match self {
            Self::Prepaid { package, .. } => Some(package),
            Self::Grant { cap } => cap,
            Self::Metered { .. } | Self::Reserved { .. } => None,
        }
    }

    /// The money that it is about: its fee, or the credit that it gives.
    pub fn amount(self) -> MicroCny {
        match self {
            Self::Prepaid { fee, .. } | Self::Reserved { fee, .. } => fee,
            Self::Metered { credit_limit } => credit_limit,
            Self::Grant { .. } => MicroCny::ZERO,
        }
    }

    /// Whether its use counts as granted, not sold, in the capacity balance.
    pub fn is_grant(self) -> bool {
        matches!(self, Self::Grant { .. })
    }

    /// The charge for a card for an hour under this kind; `listed` is the rate of the price book. The rate of
    /// a package is its fee over its card time, rounded down, so that a used-up package is never charged
    /// above its fee. `None` where it needs a listed price and there is none.
    pub fn rate(self, listed: Option<RatePerCardHour>) -> Option<RatePerCardHour> {
        match self {
            Self::Prepaid { package, fee } if package.0 > 0 => {
                let micro = i128::from(fee.0) * 3_600_000 / i128::from(package.0);
                Some(RatePerCardHour(MicroCny(i64::try_from(micro).unwrap_or(i64::MAX))))
            }
            Self::Metered { .. } => listed,
            Self::Prepaid { .. } | Self::Reserved { .. } | Self::Grant { .. } => Some(RatePerCardHour::FREE),
        }
    }
}

/// The queue that a contract gives. Cards are counted over all pools of the contract. The words are those of
/// Kueue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueTerms {
    /// The cards that it gets whenever it asks.
    pub guaranteed_cards: u32,
    /// How many idle cards it may borrow beyond its own; no limit where left out.
    pub borrowing_limit: Option<u32>,
    /// How many of its own idle cards others may borrow; all of them where left out.
    pub lending_limit: Option<u32>,
    /// Its share where queues compete, relative to the shares of the others; at least 1.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub weight: u32,
    /// The most cards that it may have running at once.
    pub max_running_cards: u32,
}

codes! {
    /// Where a contract stands.
    pub enum ContractState {
        Draft = "draft",
        Submitted = "submitted",
        Approved = "approved",
        Active = "active",
        Exhausted = "exhausted",
        Suspended = "suspended",
        Expired = "expired",
        Terminated = "terminated",
    }

    /// An act on a contract. Each is recorded with its actor, time and reason.
    pub enum ContractAction {
        Submit = "submit",
        /// The contract goes back to be changed.
        Return = "return",
        Approve = "approve",
        Activate = "activate",
        /// The balance ended.
        Exhaust = "exhaust",
        /// The contract has funds again: by a payment, use that was given back, or a correction.
        Replenish = "replenish",
        Suspend = "suspend",
        Resume = "resume",
        Expire = "expire",
        Terminate = "terminate",
    }
}

/// What people do with a contract; the rest of its actions are the center's own. It stands for a text of a request.
#[derive(Debug)]
pub struct DecidedAction;

impl PartialSchema for DecidedAction {
    fn schema() -> RefOr<Schema> {
        let decided = ContractAction::ALL.iter().filter(|action| !action.is_automatic());
        schema::one_of(decided.map(|action| action.code()))
    }
}

impl ToSchema for DecidedAction {}

/// A change that the contract's state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a contract that is {} can't be changed by `{}`", from.code(), action.code())]
pub struct IllegalContractAction {
    pub from: ContractState,
    pub action: ContractAction,
}

impl ContractState {
    /// Whether money may be put on the contract: from its approval to its end.
    pub fn takes_money(self) -> bool {
        matches!(self, Self::Approved | Self::Active | Self::Exhausted | Self::Suspended)
    }

    /// Whether no other state follows.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Expired | Self::Terminated)
    }

    /// Whether jobs may be submitted. The jobs in the queue of an exhausted or suspended contract wait until
    /// it is active again.
    pub fn accepts_jobs(self) -> bool {
        matches!(self, Self::Active)
    }

    /// The state after `action`.
    pub fn after(self, action: ContractAction) -> Result<Self, IllegalContractAction> {
        use ContractAction as A;
        Ok(match (self, action) {
            (Self::Draft, A::Submit) => Self::Submitted,
            (Self::Submitted, A::Return) => Self::Draft,
            (Self::Submitted, A::Approve) => Self::Approved,
            (Self::Approved, A::Activate)
            | (Self::Exhausted, A::Replenish)
            | (Self::Suspended, A::Resume) => Self::Active,
            (Self::Active, A::Exhaust) => Self::Exhausted,
            (Self::Active | Self::Exhausted, A::Suspend) => Self::Suspended,
            (Self::Active | Self::Exhausted | Self::Suspended, A::Expire) => Self::Expired,
            (from, A::Terminate) if !from.is_final() => Self::Terminated,
            (from, action) => return Err(IllegalContractAction { from, action }),
        })
    }
}

impl ContractAction {
    /// Whether only the center's own loops do this, when a limit is reached.
    pub fn is_automatic(self) -> bool {
        matches!(self, Self::Exhaust | Self::Replenish | Self::Expire)
    }
}

/// The rest of a contract, as of the last metering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "left", rename_all = "snake_case")]
pub enum Funds {
    /// Nothing but the term runs out.
    Unlimited,
    /// The card time of a package or a capped grant.
    CardTime { card_ms: CardMs },
    /// The money, including the credit limit.
    Money { micro_cny: MicroCny },
}

/// The use of a contract by one running run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burn {
    pub cards: u32,
    pub rate: RatePerCardHour,
}

impl Funds {
    /// The rest, from the balances (credits less debits) of the contract's two accounts in the ledger.
    pub fn of(kind: ContractKind, use_balance: CardMs, money_balance: MicroCny) -> Self {
        match kind {
            ContractKind::Prepaid { .. } | ContractKind::Grant { cap: Some(_) } => {
                Self::CardTime { card_ms: use_balance }
            }
            ContractKind::Metered { credit_limit } => {
                Self::Money { micro_cny: MicroCny(money_balance.0.saturating_add(credit_limit.0)) }
            }
            ContractKind::Reserved { .. } | ContractKind::Grant { cap: None } => Self::Unlimited,
        }
    }

    pub fn is_exhausted(self) -> bool {
        match self {
            Self::Unlimited => false,
            Self::CardTime { card_ms } => card_ms.0 <= 0,
            Self::Money { micro_cny } => micro_cny.0 <= 0,
        }
    }

    /// How long these funds last under `burns`: up to the last millisecond that they cover; `None` if they
    /// last for ever. The time counts from the instant as of which the funds are given.
    pub fn last_for(self, burns: impl Iterator<Item = Burn>) -> Option<Millis> {
        let (left, per_hour) = match self {
            Self::Unlimited => return None,
            Self::CardTime { card_ms } => (
                i128::from(card_ms.0) * 3_600_000,
                burns.map(|b| i128::from(b.cards) * 3_600_000).sum::<i128>(),
            ),
            Self::Money { micro_cny } => (
                i128::from(micro_cny.0) * 3_600_000,
                burns.map(|b| i128::from(b.cards) * i128::from(b.rate.0.0)).sum::<i128>(),
            ),
        };
        if left <= 0 {
            return Some(Millis(0));
        }
        if per_hour == 0 {
            return None;
        }
        Some(Millis(i64::try_from(left / per_hour).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_machine_is_what_the_table_says() {
        use ContractAction as A;
        use ContractState as S;
        let allowed = [
            (S::Draft, A::Submit, S::Submitted),
            (S::Submitted, A::Return, S::Draft),
            (S::Submitted, A::Approve, S::Approved),
            (S::Approved, A::Activate, S::Active),
            (S::Active, A::Exhaust, S::Exhausted),
            (S::Exhausted, A::Replenish, S::Active),
            (S::Active, A::Suspend, S::Suspended),
            (S::Exhausted, A::Suspend, S::Suspended),
            (S::Suspended, A::Resume, S::Active),
            (S::Active, A::Expire, S::Expired),
            (S::Exhausted, A::Expire, S::Expired),
            (S::Suspended, A::Expire, S::Expired),
            (S::Draft, A::Terminate, S::Terminated),
            (S::Submitted, A::Terminate, S::Terminated),
            (S::Approved, A::Terminate, S::Terminated),
            (S::Active, A::Terminate, S::Terminated),
            (S::Exhausted, A::Terminate, S::Terminated),
            (S::Suspended, A::Terminate, S::Terminated),
        ];
        for from in S::ALL {
            for action in A::ALL {
                let want = allowed.iter().find(|row| row.0 == from && row.1 == action).map(|row| row.2);
                assert_eq!(from.after(action).ok(), want, "{from:?} {action:?}");
            }
        }
    }

    #[test]
    fn a_used_up_package_costs_its_fee_at_most() {
        let package = CardMs::from_card_hours(7);
        let fee = MicroCny::from_yuan(100);
        let rate = ContractKind::Prepaid { package, fee }.rate(None).expect("it needs no listed price");
        let charged = rate.charge(package).unwrap();
        assert!(charged <= fee && fee.0 - charged.0 < 10, "{charged:?}");
    }

    proptest! {
        #[test]
        fn no_path_leaves_a_final_state_or_activates_what_was_not_approved(actions in prop::collection::vec(0_usize..10, 0..40)) {
            let mut state = ContractState::Draft;
            let mut was_approved = false;
            for action in actions.into_iter().map(|i| ContractAction::ALL[i]) {
                let was_final = state.is_final();
                if let Ok(next) = state.after(action) {
                    prop_assert!(!was_final);
                    was_approved |= next == ContractState::Approved;
                    prop_assert!(was_approved || !next.accepts_jobs());
                    state = next;
                }
            }
        }

        #[test]
        fn funds_end_exactly_when_the_use_reaches_them(left in 1_i64..1_000_000_000_000, cards in 1_u32..1000, rate in 1_i64..100_000_000) {
            let rate = RatePerCardHour(MicroCny(rate));
            let burn = || std::iter::once(Burn { cards, rate });
            let lasts = Funds::CardTime { card_ms: CardMs(left) }.last_for(burn()).unwrap();
            prop_assert!(lasts.0 * i64::from(cards) <= left && (lasts.0 + 1) * i64::from(cards) > left);
            let lasts = Funds::Money { micro_cny: MicroCny(left) }.last_for(burn()).unwrap();
            prop_assert!(rate.charge(CardMs(lasts.0 * i64::from(cards))).unwrap().0 <= left);
            prop_assert!(rate.charge(CardMs((lasts.0 + 1) * i64::from(cards))).unwrap().0 >= left);
        }
    }
}
