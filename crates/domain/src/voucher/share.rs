//! How much of a contract's charges its vouchers pay.

use crate::MicroCny;

const WHOLE_BP: i128 = 10_000;

/// A share of an amount, rounded down to a micro-CNY; nothing of what is below zero.
pub fn share_of(amount: MicroCny, rate_bp: u32) -> MicroCny {
    let share = i128::from(amount.0.max(0)) * i128::from(rate_bp) / WHOLE_BP;
    MicroCny(i64::try_from(share).unwrap_or(i64::MAX))
}

/// A voucher of a contract after a charge was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub rate_bp: u32,
    pub face: MicroCny,
    /// The charges that it pays a share of, less what was given back of them.
    pub base: MicroCny,
    /// What it has paid so far, less what was given back.
    pub redeemed: MicroCny,
    /// It pays no more, and only takes back.
    pub is_over: bool,
    /// The most that all vouchers of the contract pay together, as its programme says.
    pub combined_bp: u32,
}

/// What each voucher of a contract has to have paid in all. They come in the order in which they pay: the one that ends first
/// comes first. A share is taken back where the charges that are left don't bear it any more.
pub fn due(vouchers: &[Standing]) -> Vec<MicroCny> {
    let own = |one: &Standing| share_of(one.base, one.rate_bp);
    let mut all: Vec<MicroCny> = vouchers.iter().map(|one| one.redeemed.min(own(one))).collect();
    // One whose base is another's, too, pays no more of it than all of them may together.
    let combined_bp = vouchers.iter().map(|one| one.combined_bp).min().unwrap_or(0);
    for (at, one) in vouchers.iter().enumerate().filter(|(_, one)| !one.is_over) {
        let together: i64 = all.iter().map(|paid| paid.0).fold(0, i64::saturating_add);
        let room = share_of(one.base, combined_bp).0.saturating_sub(together);
        let more = own(one).min(one.face).0.saturating_sub(all[at].0);
        all[at].0 += more.min(room).max(0);
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn voucher(rate_bp: u32, face: i64, base: i64, redeemed: i64) -> Standing {
        let (face, base, redeemed) = (MicroCny(face), MicroCny(base), MicroCny(redeemed));
        Standing { rate_bp, face, base, redeemed, is_over: false, combined_bp: 10_000 }
    }

    fn paid(vouchers: &[Standing]) -> Vec<i64> {
        due(vouchers).into_iter().map(|paid| paid.0).collect()
    }

    #[test]
    fn a_voucher_pays_its_share_of_what_was_incurred_up_to_its_face() {
        // (g): a contract of a million, of which 600,000 are incurred.
        let million = 1_000_000_000_000;
        assert_eq!(paid(&[voucher(3_000, million * 3 / 10, million * 6 / 10, 0)]), [million * 18 / 100]);
        assert_eq!(paid(&[voucher(3_000, 5, 9, 0)]), [2]);
        assert_eq!(paid(&[voucher(3_000, 5, 90, 0)]), [5]);
        assert_eq!(paid(&[voucher(3_000, 5, 0, 2)]), [0]);
        assert_eq!(paid(&[voucher(3_000, 5, -7, 2)]), [0]);
        let over = Standing { is_over: true, ..voucher(3_000, 500, 1_000, 200) };
        assert_eq!(paid(&[over]), [200]);
        assert_eq!(paid(&[Standing { base: MicroCny(500), ..over }]), [150]);
    }

    #[test]
    fn the_one_that_ends_first_pays_first_and_together_they_pay_no_more_than_they_may() {
        let both = [voucher(6_000, 1_000, 1_000, 0), voucher(6_000, 1_000, 1_000, 0)];
        assert_eq!(paid(&both), [600, 400]);
        let limited = both.map(|one| Standing { combined_bp: 7_000, ..one });
        assert_eq!(paid(&limited), [600, 100]);
        let spent = [voucher(6_000, 250, 1_000, 0), voucher(6_000, 1_000, 1_000, 0)];
        assert_eq!(paid(&spent), [250, 600]);
        // What the later one has paid stays paid.
        let later = [voucher(6_000, 1_000, 1_000, 0), voucher(6_000, 1_000, 1_000, 600)];
        assert_eq!(paid(&later), [400, 600]);
    }

    proptest! {
        #[test]
        fn no_voucher_pays_more_than_its_share_its_face_or_all_together(
            all in prop::collection::vec((1_u32..=10_000, 0_i64..1_000_000, 0_i64..1_000_000, 1_u32..=10_000, any::<bool>()), 1..5),
            steps in prop::collection::vec(-400_000_i64..1_000_000, 1..12),
        ) {
            let mut vouchers: Vec<Standing> = all.into_iter().map(|(rate_bp, face, _, combined_bp, is_over)| Standing {
                is_over, combined_bp, ..voucher(rate_bp, face, 0, 0)
            }).collect();
            for step in steps {
                for one in &mut vouchers {
                    one.base.0 = (one.base.0 + step).max(0);
                }
                let now = due(&vouchers);
                let again: Vec<_> = vouchers.iter().zip(&now).map(|(one, paid)| Standing { redeemed: *paid, ..*one }).collect();
                // No effect twice.
                prop_assert_eq!(&due(&again), &now);
                let most = vouchers.iter().map(|one| one.combined_bp).min().unwrap();
                let before: i64 = vouchers.iter().map(|one| one.redeemed.0).sum();
                let together: i64 = now.iter().map(|paid| paid.0).sum();
                if together > before {
                    prop_assert!(together <= share_of(vouchers[0].base, most).0);
                }
                for (one, paid) in vouchers.iter_mut().zip(now) {
                    prop_assert!(paid.0 >= 0 && paid <= one.face && paid <= share_of(one.base, one.rate_bp));
                    prop_assert!(!one.is_over || paid <= one.redeemed);
                    one.redeemed = paid;
                }
            }
        }
    }
}
