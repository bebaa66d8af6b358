//! The part of a statement that a tenant is billed, and the amounts of an invoice over it.

use crate::{MicroCny, contract::ContractKindName, ledger::CauseName};

/// Micro-CNY in one fen.
pub const MICRO_OF_FEN: i64 = 10_000;

const REQUEST_PREFIX: &str = "FP-";

/// The number of a request, as people write it.
pub fn request_number(serial: i64) -> String {
    format!("{REQUEST_PREFIX}{serial:06}")
}

/// The serial number of a request that is written like that; nothing where it is none.
pub fn serial(request: &str) -> Option<i64> {
    let read = request.strip_prefix(REQUEST_PREFIX)?.parse::<i64>().ok()?;
    (read > 0 && request_number(read) == request).then_some(read)
}

/// All of it, in basis points.
const WHOLE_BP: i128 = 10_000;

/// How a line of a statement counts towards what is billed: times the amount by which it moved the contract's balance.
///
/// Of contracts with a fee the fee is billed, and not the use that it pays for; of metered ones the use is. Red-letter entries
/// lower what is billed, whatever the contract is. Payments, and debts that are given up, are no charges.
fn factor(kind: ContractKindName, cause: CauseName) -> i128 {
    use CauseName as C;
    use ContractKindName as K;
    match cause {
        // A voucher's part is the programme's to pay, and no tenant is billed for it; what is taken back of it is.
        C::CreditNote | C::Allowance | C::Redemption | C::RedemptionReversal => -1,
        C::Use | C::Refund | C::Waiver => match kind {
            K::Metered => -1,
            K::Prepaid | K::Reserved | K::Grant => 0,
        },
        C::Fee | C::FeeCancelled => match kind {
            K::Prepaid | K::Reserved => 1,
            K::Metered | K::Grant => 0,
        },
        C::TopUp
        | C::Package
        | C::Term
        | C::Forfeiture
        | C::Reversal
        | C::PayOut
        | C::Transfer
        | C::WriteOff
        | C::Funding
        | C::Issue
        | C::Return
        | C::Reimbursement
        | C::Recovery => 0,
    }
}

/// The amount that the tenant of a contract of that kind is billed for a line: below 0 where it lowers the bill. `moved` is by
/// how much the line moved the balance.
pub fn billed(kind: ContractKindName, cause: CauseName, moved: MicroCny) -> MicroCny {
    let amount = factor(kind, cause) * i128::from(moved.0);
    MicroCny(i64::try_from(amount).unwrap_or(if amount < 0 { i64::MIN } else { i64::MAX }))
}

/// The amounts of an invoice, in fen: the tax is in the amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvoiceAmounts {
    /// The sum of what the statements bill, to the last part.
    pub billed: MicroCny,
    /// With the tax.
    pub amount_fen: i64,
    pub tax_fen: i64,
}

impl InvoiceAmounts {
    /// The sum is rounded to the fen once, half a fen up; so is the tax in it, `amount × rate / (1 + rate)`.
    pub fn of(billed: MicroCny, rate_bp: u16) -> Self {
        let amount_fen =
            (i128::from(billed.0) + i128::from(MICRO_OF_FEN / 2)).div_euclid(MICRO_OF_FEN.into());
        let (rate, whole) = (i128::from(rate_bp), WHOLE_BP + i128::from(rate_bp));
        let tax_fen = (2 * amount_fen * rate + whole).div_euclid(2 * whole);
        // Both are smaller than the sum.
        let fen = |amount: i128| i64::try_from(amount).unwrap_or(i64::MAX);
        Self { billed, amount_fen: fen(amount_fen), tax_fen: fen(tax_fen) }
    }

    pub fn amount(self) -> MicroCny {
        MicroCny(self.amount_fen.saturating_mul(MICRO_OF_FEN))
    }

    pub fn tax(self) -> MicroCny {
        MicroCny(self.tax_fen.saturating_mul(MICRO_OF_FEN))
    }

    /// Without the tax.
    pub fn net(self) -> MicroCny {
        MicroCny(self.amount().0 - self.tax().0)
    }

    /// How much the rounding to the fen added.
    pub fn rounding(self) -> MicroCny {
        MicroCny(self.amount().0 - self.billed.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_kind_is_billed_for_what_it_pays_for() {
        use CauseName as C;
        use ContractKindName as K;
        let all = |kind| -> Vec<(CauseName, i64)> {
            let each = C::ALL.into_iter().map(|cause| (cause, billed(kind, cause, MicroCny(7)).0));
            each.filter(|(_, amount)| *amount != 0).collect()
        };
        let red =
            [C::CreditNote, C::Allowance, C::Redemption, C::RedemptionReversal].map(|cause| (cause, -7));
        let fee = [(C::Fee, 7), (C::FeeCancelled, 7)];
        let by_use = [(C::Use, -7), (C::Refund, -7), (C::Waiver, -7)];
        assert_eq!(all(K::Grant), red);
        assert_eq!(all(K::Metered), [by_use.as_slice(), &red].concat());
        for kind in [K::Prepaid, K::Reserved] {
            assert_eq!(all(kind), [fee.as_slice(), &red].concat());
        }
    }

    #[test]
    fn half_a_fen_is_rounded_up_once_and_the_tax_is_in_the_amount() {
        for (billed, rate, amount, tax, rounding) in [
            (1_060_000, 600, 106, 6, 0),
            (4_999, 600, 0, 0, -4_999),
            (5_000, 600, 1, 0, 5_000),
            (-5_000, 600, 0, 0, 5_000),
            (-5_001, 600, -1, 0, -4_999),
            (100_000_000, 600, 10_000, 566, 0),
            (100_000_000, 0, 10_000, 0, 0),
            (125_000, 1_300, 13, 1, 5_000),
            // Exactly half a fen of tax.
            (530_000, 600, 53, 3, 0),
        ] {
            let of = InvoiceAmounts::of(MicroCny(billed), rate);
            assert_eq!(
                (of.amount_fen, of.tax_fen, of.rounding().0),
                (amount, tax, rounding),
                "{billed} {rate}"
            );
            assert_eq!(of.net().0 + of.tax().0, of.billed.0 + of.rounding().0);
        }
    }

    proptest! {
        #[test]
        fn no_rounding_is_more_than_half_a_fen(billed in -1_000_000_000_000_000_i64..1_000_000_000_000_000, rate in 0_u16..=10_000) {
            let of = InvoiceAmounts::of(MicroCny(billed), rate);
            prop_assert!((-4_999..=5_000).contains(&of.rounding().0));
            let (amount, rate) = (i128::from(of.amount_fen), i128::from(rate));
            let off = 2 * (i128::from(of.tax_fen) * (10_000 + rate) - amount * rate);
            prop_assert!(off.abs() <= 10_000 + rate);
        }
    }
}
