//! Price books 价目: immutable versions of the prices of a card-hour.

use serde::{Deserialize, Serialize};

use crate::{PoolId, PriceBookId, RatePerCardHour, ServiceClass, TenantDomain, Timestamp};

/// A version of the prices. A later version never touches use that was metered under an earlier one: a run
/// keeps the rate that it started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceBook {
    pub id: PriceBookId,
    pub name: String,
    pub effective_from: Timestamp,
    pub prices: Vec<Price>,
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

/// The price book in force at `now`: the one that took effect last.
pub fn in_force(books: &[PriceBook], now: Timestamp) -> Option<&PriceBook> {
    books.iter().filter(|book| book.effective_from <= now).max_by_key(|book| (book.effective_from, book.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MicroCny;

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
