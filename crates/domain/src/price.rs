//! Price books 价目: immutable versions of the prices of a card-hour.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    Outcome, PoolId, PriceBookId, RatePerCardHour, ServiceClass, TenantDomain, Timestamp, run::StopCause,
};

/// The most micro-CNY of one card-hour, by a price book or a package.
pub const MOST_RATE: i64 = 1_000_000_000_000;

/// A version of the prices. A later version never touches use that was metered under an earlier one: a run
/// keeps the rate that it started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceBook {
    pub id: PriceBookId,
    pub name: String,
    pub effective_from: Timestamp,
    pub prices: Vec<Price>,
    pub waivers: Waivers,
}

/// How much of the use of a run that the center cut short is waived: card time and charge alike, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Waivers {
    /// Of the use up to the last instant at which a run that was lost is known to have been alive.
    #[schema(maximum = 100)]
    pub lost_percent: u8,
    /// Of the use up to the notice by which a run's cards were reclaimed.
    #[schema(maximum = 100)]
    pub preempted_percent: u8,
}

impl Default for Waivers {
    /// Lost runs are free. A run whose cards are reclaimed has checkpoints, and pays for its use up to the
    /// notice.
    fn default() -> Self {
        Self { lost_percent: 100, preempted_percent: 0 }
    }
}

impl Waivers {
    /// Everything is free that the center cut short.
    pub const ALL: Self = Self { lost_percent: 100, preempted_percent: 100 };

    pub fn is_valid(self) -> bool {
        self.lost_percent <= 100 && self.preempted_percent <= 100
    }

    /// The share that is waived after this end, in percent.
    pub fn percent(self, outcome: Outcome) -> u8 {
        match outcome {
            Outcome::Lost => self.lost_percent,
            Outcome::Stopped { cause: StopCause::Preempted } => self.preempted_percent,
            _ => 0,
        }
    }

    /// The part of an amount above 0 that is waived after this end, rounded up.
    pub fn of(self, outcome: Outcome, amount: i64) -> i64 {
        let part = (i128::from(amount) * i128::from(self.percent(outcome))).div_euclid(100);
        let is_rounded = i128::from(amount) * i128::from(self.percent(outcome)) % 100 != 0;
        i64::try_from(part + i128::from(is_rounded)).unwrap_or(amount).min(amount)
    }
}

/// The price of a card-hour in one pool, for one service class and one domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    pub pool: PoolId,
    pub class: ServiceClass,
    pub domain: TenantDomain,
    pub rate: RatePerCardHour,
}

impl PriceBook {
    /// The rate; `None` where the book has no price. A job without a price is refused, never free by
    /// accident.
    pub fn rate(&self, pool: PoolId, class: ServiceClass, domain: TenantDomain) -> Option<RatePerCardHour> {
        self.prices
            .iter()
            .find(|price| price.pool == pool && price.class == class && price.domain == domain)
            .map(|price| price.rate)
    }
}

/// A line that differs between two price books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceChange {
    pub pool: PoolId,
    pub class: ServiceClass,
    pub domain: TenantDomain,
    pub before: Option<RatePerCardHour>,
    pub after: Option<RatePerCardHour>,
}

impl PriceChange {
    /// Whether somebody has to confirm it: jobs find no price any more, pay double or more, or pay nothing.
    pub fn wants_confirmation(self) -> bool {
        match (self.before, self.after) {
            (_, None) => true,
            (before, Some(RatePerCardHour::FREE)) => before != Some(RatePerCardHour::FREE),
            (Some(before), Some(after)) if before != RatePerCardHour::FREE => {
                i128::from(after.0.0) >= 2 * i128::from(before.0.0)
            }
            _ => false,
        }
    }
}

/// The lines in which `after` differs from `before`, by pool, class and domain.
pub fn changes(before: Option<&PriceBook>, after: &PriceBook) -> Vec<PriceChange> {
    let lines = before.into_iter().chain([after]).flat_map(|book| &book.prices);
    let places: BTreeSet<_> = lines.map(|price| (price.pool, price.class, price.domain)).collect();
    let change = |(pool, class, domain)| {
        let before = before.and_then(|book| book.rate(pool, class, domain));
        let after = after.rate(pool, class, domain);
        (before != after).then_some(PriceChange { pool, class, domain, before, after })
    };
    places.into_iter().filter_map(change).collect()
}

/// The price book in force at `now`: the one that took effect last.
pub fn in_force(books: &[PriceBook], now: Timestamp) -> Option<&PriceBook> {
    books.iter().filter(|book| book.effective_from <= now).max_by_key(|book| (book.effective_from, book.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MicroCny;

    #[test]
    fn what_drops_doubles_or_is_free_is_to_be_confirmed() {
        let pool = PoolId::from_bytes([1; 16]);
        let book = |yuan: &[Option<i64>]| PriceBook {
            id: PriceBookId::from_bytes([1; 16]),
            name: "v".into(),
            effective_from: Timestamp::default(),
            prices: yuan
                .iter()
                .zip(ServiceClass::ALL)
                .filter_map(|(yuan, class)| {
                    let rate = RatePerCardHour(MicroCny::from_yuan((*yuan)?));
                    Some(Price { pool, class, domain: TenantDomain::Research, rate })
                })
                .collect(),
            waivers: Waivers::default(),
        };
        let risky = |before: Option<&[Option<i64>]>, after: &[Option<i64>]| {
            let before = before.map(book);
            let all = changes(before.as_ref(), &book(after));
            (all.len(), all.into_iter().filter(|change| change.wants_confirmation()).count())
        };
        assert_eq!(risky(None, &[Some(5), Some(6)]), (2, 0));
        assert_eq!(risky(None, &[Some(0), Some(6)]), (2, 1));
        assert_eq!(risky(Some(&[Some(5), Some(6)]), &[Some(9), Some(6)]), (1, 0));
        assert_eq!(risky(Some(&[Some(5), Some(6)]), &[Some(10), None]), (2, 2));
        assert_eq!(risky(Some(&[Some(0)]), &[Some(0)]), (0, 0));
        assert_eq!(risky(Some(&[Some(0)]), &[Some(7)]), (1, 0));
    }

    #[test]
    fn a_share_is_waived_in_the_tenant_s_favour() {
        let waivers = Waivers { lost_percent: 33, preempted_percent: 0 };
        assert_eq!(waivers.of(Outcome::Lost, 10), 4);
        assert_eq!(waivers.of(Outcome::Stopped { cause: StopCause::Preempted }, 10), 0);
        assert_eq!(waivers.of(Outcome::Succeeded, 10), 0);
        assert_eq!(Waivers::ALL.of(Outcome::Lost, i64::MAX), i64::MAX);
    }

    #[test]
    fn the_latest_effective_book_counts_and_a_missing_price_is_not_free() {
        let pool = PoolId::from_bytes([1; 16]);
        let book = |n: u8, from: i64, yuan: i64| PriceBook {
            id: PriceBookId::from_bytes([n; 16]),
            name: format!("v{n}"),
            effective_from: Timestamp::from_secs(from),
            prices: vec![Price {
                pool,
                class: ServiceClass::Normal,
                domain: TenantDomain::Research,
                rate: RatePerCardHour(MicroCny::from_yuan(yuan)),
            }],
            waivers: Waivers::default(),
        };
        let books = [book(1, 0, 10), book(2, 100, 8)];
        let rate_at = |secs: i64, domain: TenantDomain| {
            in_force(&books, Timestamp::from_secs(secs))
                .and_then(|b| b.rate(pool, ServiceClass::Normal, domain))
        };
        assert_eq!(rate_at(99, TenantDomain::Research), Some(RatePerCardHour(MicroCny::from_yuan(10))));
        assert_eq!(rate_at(100, TenantDomain::Research), Some(RatePerCardHour(MicroCny::from_yuan(8))));
        assert_eq!(rate_at(100, TenantDomain::Enterprise), None);
        assert_eq!(rate_at(-1, TenantDomain::Research), None);
    }
}
