//! The face of a statement: who pays whom how much until when, and the fee, which is on no account of the contract's.

use domain::{MicroCny, Rfc3339, Tenant, Timestamp, Zone};
use serde::{Deserialize, Serialize};
use store::payments::{FeeMove, FeeMoved};

use crate::settings::{PayeeSettings, Settings};

/// The center's own part of each statement: its calendar, the payee and the days to pay.
#[derive(Clone, Debug)]
pub struct Issuer {
    pub zone: Zone,
    /// Nobody where the settings name nobody.
    pub payee: Option<PayeeSettings>,
    pub due_days: u16,
}

impl Issuer {
    pub fn of(settings: &Settings) -> Self {
        let payee = &settings.books.payee;
        Self {
            zone: settings.time_zone.clone(),
            payee: (*payee != PayeeSettings::default()).then(|| payee.clone()),
            due_days: settings.books.due_days,
        }
    }

    /// The day until which a statement is paid that was given out at an instant.
    pub fn due_on(&self, issued_at: Timestamp) -> String {
        let day = self.zone.day(issued_at) + i64::from(self.due_days);
        self.zone.date(self.zone.day_begins(day))
    }
}

/// Who pays whom how much, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Face {
    pub payer: Payer,
    pub payee: Option<PayeeSettings>,
    /// Of kinds with a fee: how much of it is open.
    pub fees: Option<Fees>,
    pub due: Due,
}

/// Whom a statement is made out to. Texts are empty where nobody said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Payer {
    /// The name as it is registered.
    pub name: String,
    /// The unified social credit code.
    pub tax_number: String,
    /// A tax number of another kind.
    pub other_tax_number: String,
}

impl Payer {
    pub fn of(tenant: &Tenant) -> Self {
        Self {
            name: tenant.legal_name.clone(),
            tax_number: tenant.tax_number.clone(),
            other_tax_number: tenant.other_tax_number.clone(),
        }
    }
}

/// The amount to be paid at the end of the month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Due {
    /// The last day, `YYYY-MM-DD`; told once the month is closed.
    pub on: Option<String>,
    /// The open part of the fee.
    pub fee_micro_cny: MicroCny,
    /// How far the closing balance is below 0.
    pub balance_micro_cny: MicroCny,
    /// Both.
    pub micro_cny: MicroCny,
}

impl Due {
    pub fn of(fees: Option<&Fees>, closing: MicroCny) -> Self {
        let fee = fees.map_or(0, |fees| fees.closing_micro_cny.0).max(0);
        let balance = closing.0.saturating_neg().max(0);
        Self {
            on: None,
            fee_micro_cny: MicroCny(fee),
            balance_micro_cny: MicroCny(balance),
            micro_cny: MicroCny(fee.saturating_add(balance)),
        }
    }
}

/// How much of the fee was open at the beginning, what moved that, and how much is open at the end. The opening amount and
/// all lines are the closing amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Fees {
    pub opening_micro_cny: MicroCny,
    pub lines: Vec<FeeLine>,
    pub closing_micro_cny: MicroCny,
}

/// A fee that became due, or a payment of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FeeLine {
    pub what: FeeMove,
    pub at: Rfc3339,
    /// The payment's; empty for the fee itself.
    pub reference: String,
    /// The amount that it adds to the open part; below 0 where it takes from it.
    pub micro_cny: MicroCny,
}

impl Fees {
    /// Of all that moved how much is open, the part in `[from, until)`. Nothing where nothing ever did by then.
    pub fn of(moved: Vec<FeeMoved>, from: Timestamp, until: Timestamp) -> Option<Self> {
        let known: Vec<FeeMoved> = moved.into_iter().filter(|one| one.at < until).collect();
        if known.is_empty() {
            return None;
        }
        let sum = |ours: &dyn Fn(&FeeMoved) -> bool| {
            MicroCny(known.iter().filter(|one| ours(one)).map(|one| one.amount.0).sum())
        };
        let (opening_micro_cny, closing_micro_cny) = (sum(&|one| one.at < from), sum(&|_| true));
        let lines = known.into_iter().filter(|one| one.at >= from).map(|one| FeeLine {
            what: one.what,
            at: one.at.into(),
            reference: one.reference,
            micro_cny: one.amount,
        });
        Some(Self { opening_micro_cny, lines: lines.collect(), closing_micro_cny })
    }

    /// Whether the opening amount and all lines are the closing amount.
    pub fn add_up(&self) -> bool {
        let lines: i64 = self.lines.iter().map(|line| line.micro_cny.0).sum();
        self.opening_micro_cny.0 + lines == self.closing_micro_cny.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: u32) -> Timestamp {
        format!("2026-11-{day:02}T00:00:00Z").parse().unwrap()
    }

    fn moved(day: u32, what: FeeMove, amount: i64) -> FeeMoved {
        FeeMoved { at: at(day), what, reference: String::new(), amount: MicroCny(amount) }
    }

    #[test]
    fn what_is_open_of_a_fee_leads_from_one_month_to_the_next() {
        let all = vec![
            moved(1, FeeMove::Fee, 100),
            moved(3, FeeMove::Payment, -60),
            moved(5, FeeMove::Reversal, 60),
            moved(9, FeeMove::Payment, -100),
        ];
        let fees = |from, until| Fees::of(all.clone(), at(from), at(until));
        assert_eq!(fees(1, 1), None);
        let first = fees(1, 5).unwrap();
        let second = fees(5, 9).unwrap();
        assert_eq!((first.opening_micro_cny.0, first.lines.len(), first.closing_micro_cny.0), (0, 2, 40));
        assert_eq!(
            (second.opening_micro_cny.0, second.lines.len(), second.closing_micro_cny.0),
            (40, 1, 100)
        );
        assert!(first.add_up() && second.add_up());
        let paid = fees(9, 10).unwrap();
        assert_eq!(Due::of(Some(&paid), MicroCny(5)), Due::default());
        let due = Due::of(Some(&first), MicroCny(-2));
        assert_eq!((due.fee_micro_cny.0, due.balance_micro_cny.0, due.micro_cny.0), (40, 2, 42));
    }

    #[test]
    fn a_statement_is_due_some_days_after_it_was_given_out() {
        let issuer = Issuer { zone: Zone::default(), payee: None, due_days: 30 };
        // At the center it is the 1st of December already.
        assert_eq!(issuer.due_on("2026-11-30T16:00:00Z".parse().unwrap()), "2026-12-31");
    }
}
