//! Quotes 报价单: what the center offers at the prices of a book, and the terms of the contract that comes of it. Amounts are
//! made by the code that charges runs.

use serde::{Deserialize, Serialize};

use crate::{
    CardMs, MicroCny, PoolId, RatePerCardHour, ServiceClass, codes,
    contract::{ContractKind, ContractKindName},
};

/// All of a price, in basis points.
pub const WHOLE_BP: u32 = 10_000;

codes! {
    /// Where a quote stands.
    pub enum QuoteState {
        /// It is drawn up, and only the center knows of it.
        Draft = "draft",
        /// It was sent, and is valid until its instant.
        Sent = "sent",
        Accepted = "accepted",
        /// The clock ended it.
        Expired = "expired",
        /// The center took it back.
        Withdrawn = "withdrawn",
    }
}

/// A line of a quote: cards of a pool, for an amount of card time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub pool: PoolId,
    pub class: ServiceClass,
    /// How many at once.
    pub cards: u32,
    pub card_ms: CardMs,
    /// As the price book has it.
    pub rate: RatePerCardHour,
    pub discount_bp: u32,
    pub amount: MicroCny,
}

impl Line {
    /// The line with its amount; `None` if that does not fit 64 bits.
    pub fn priced(self, kind: ContractKindName) -> Option<Self> {
        Some(Self { amount: amount(kind, self.rate, self.card_ms, self.discount_bp)?, ..self })
    }

    /// What it would cost without its discount.
    pub fn listed(&self) -> MicroCny {
        self.rate.charge(self.card_ms).unwrap_or_default()
    }
}

/// The amount for card time at a rate: what a run is charged for the same, less the discount, rounded down. A grant is free.
pub fn amount(
    kind: ContractKindName,
    rate: RatePerCardHour,
    used: CardMs,
    discount_bp: u32,
) -> Option<MicroCny> {
    if kind == ContractKindName::Grant {
        return Some(MicroCny::ZERO);
    }
    let charged = i128::from(rate.charge(used)?.0);
    let left = i128::from(WHOLE_BP.saturating_sub(discount_bp));
    i64::try_from(charged * left / i128::from(WHOLE_BP)).ok().map(MicroCny)
}

/// The sum of all lines; `None` if it does not fit 64 bits.
pub fn total(lines: &[Line]) -> Option<MicroCny> {
    lines.iter().try_fold(MicroCny::ZERO, |sum, line| sum.checked_add(line.amount))
}

/// The greatest discount of any line.
pub fn most_discount(lines: &[Line]) -> u32 {
    lines.iter().map(|line| line.discount_bp).max().unwrap_or(0)
}

/// How many cards of all lines may run at once.
pub fn cards(lines: &[Line]) -> u32 {
    lines.iter().fold(0, |sum, line| sum.saturating_add(line.cards))
}

/// The terms of the contract that comes of these lines; `None` if a sum does not fit 64 bits.
pub fn terms(kind: ContractKindName, lines: &[Line], credit_limit: MicroCny) -> Option<ContractKind> {
    let time = lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.card_ms.0)).map(CardMs)?;
    let fee = total(lines)?;
    Some(match kind {
        ContractKindName::Prepaid => ContractKind::Prepaid { package: time, fee },
        ContractKindName::Metered => ContractKind::Metered { credit_limit },
        ContractKindName::Reserved => ContractKind::Reserved { cards: cards(lines), fee },
        ContractKindName::Grant => ContractKind::Grant { cap: Some(time) },
    })
}

/// Whether the contract of a kind can hold a discount. A metered one is charged by the price book, and a grant is free.
pub fn takes_discount(kind: ContractKindName) -> bool {
    matches!(kind, ContractKindName::Prepaid | ContractKindName::Reserved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(rate: i64, card_ms: i64, discount_bp: u32) -> Line {
        let (pool, class) = (PoolId::from_bytes([1; 16]), ServiceClass::Normal);
        let rate = RatePerCardHour(MicroCny(rate));
        Line { pool, class, cards: 8, card_ms: CardMs(card_ms), rate, discount_bp, amount: MicroCny::ZERO }
    }

    #[test]
    fn a_tenth_off_is_a_tenth_off_and_a_grant_is_free() {
        let hours = 1_000 * 3_600_000;
        let of = |kind, bp| line(12_000_000, hours, bp).priced(kind).map(|line| line.amount);
        assert_eq!(of(ContractKindName::Prepaid, 0), Some(MicroCny::from_yuan(12_000)));
        assert_eq!(of(ContractKindName::Prepaid, 1000), Some(MicroCny::from_yuan(10_800)));
        assert_eq!(of(ContractKindName::Reserved, WHOLE_BP), Some(MicroCny::ZERO));
        assert_eq!(of(ContractKindName::Grant, 0), Some(MicroCny::ZERO));
        assert_eq!(line(i64::MAX, i64::MAX, 0).priced(ContractKindName::Prepaid), None);
    }

    #[test]
    fn the_terms_are_the_sums_of_the_lines() {
        let lines: Vec<Line> = [line(12_000_000, 3_600_000, 0), line(6_000_000, 7_200_000, 5000)]
            .into_iter()
            .filter_map(|line| line.priced(ContractKindName::Prepaid))
            .collect();
        let fee = MicroCny::from_yuan(12 + 6);
        assert_eq!(
            terms(ContractKindName::Prepaid, &lines, MicroCny::ZERO),
            Some(ContractKind::Prepaid { package: CardMs(3 * 3_600_000), fee })
        );
        assert_eq!(
            terms(ContractKindName::Reserved, &lines, MicroCny::ZERO),
            Some(ContractKind::Reserved { cards: 16, fee })
        );
        let credit_limit = MicroCny(7);
        assert_eq!(
            terms(ContractKindName::Metered, &lines, credit_limit),
            Some(ContractKind::Metered { credit_limit })
        );
        assert_eq!((most_discount(&lines), most_discount(&[])), (5000, 0));
    }

    proptest! {
        #[test]
        fn without_a_discount_a_quote_is_the_charge_and_with_one_never_more(
            rate in 0_i64..1_000_000_000, used in 0_i64..1_000_000_000_000, bp in 0_u32..=WHOLE_BP,
        ) {
            let rate = RatePerCardHour(MicroCny(rate));
            let charge = rate.charge(CardMs(used)).unwrap();
            let quoted = |bp| amount(ContractKindName::Metered, rate, CardMs(used), bp).unwrap();
            prop_assert_eq!(quoted(0), charge);
            prop_assert!(quoted(bp) <= charge && quoted(bp).0 >= 0);
            prop_assert!(quoted(bp).0 >= charge.0 - i64::try_from(i128::from(charge.0) * i128::from(bp) / 10_000).unwrap() - 1);
        }
    }
}
