//! The facts about tenants and prices that the loops need at every step. Their names and all else are in the store.

use domain::{
    AllianceId, Contract, Millis, PoolId, RatePerCardHour, ServiceClass, Tenant, TenantDomain, TenantId,
    Timestamp,
    price::{self, PriceBook},
    tenant::Alliance,
};

use super::Live;

/// How long a price book that was replaced is kept: the machine's clock may be set back a little.
const REPLACED_BOOKS_KEPT: Millis = Millis::from_hours(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveTenant {
    /// Its number on this machine: a run's uid is counted from it.
    pub uid_index: u32,
    pub domain: TenantDomain,
    pub alliance: Option<AllianceId>,
}

impl Live {
    pub fn tenant(&self, id: TenantId) -> Option<LiveTenant> {
        self.tenants.get(&id).copied()
    }

    pub fn tenants(&self) -> impl Iterator<Item = (TenantId, LiveTenant)> {
        self.tenants.iter().map(|(id, tenant)| (*id, *tenant))
    }

    pub fn tenant_count(&self) -> usize {
        self.tenants.len()
    }

    /// A tenant signed up, or is in another alliance.
    pub fn tenant_changed(&mut self, tenant: &Tenant) {
        let Tenant { uid_index, domain, alliance, .. } = *tenant;
        self.tenants.insert(tenant.id, LiveTenant { uid_index, domain, alliance });
    }

    /// By id.
    pub fn alliances(&self) -> impl ExactSizeIterator<Item = AllianceId> {
        self.lending_limits.keys().copied()
    }

    /// An alliance was founded, or lends another number of its idle cards.
    pub fn alliance_changed(&mut self, alliance: &Alliance) {
        self.lending_limits.insert(alliance.id, alliance.lending_limit);
    }

    /// The prices in force at `now`.
    pub fn prices(&self, now: Timestamp) -> Option<&PriceBook> {
        price::in_force(&self.price_books, now)
    }

    /// The price of a card-hour under a contract in one of its pools; `None` where the contract needs a price
    /// and there is none.
    pub fn rate(
        &self,
        contract: &Contract,
        pool: PoolId,
        class: ServiceClass,
        now: Timestamp,
    ) -> Option<RatePerCardHour> {
        let domain = self.tenant(contract.tenant)?.domain;
        let listed = self.prices(now).and_then(|book| book.rate(pool, class, domain));
        contract.kind.rate(listed)
    }

    /// The pools of a contract in which a service class has no price.
    pub fn unpriced(&self, contract: &Contract, now: Timestamp) -> Vec<(ServiceClass, PoolId)> {
        let of_class = |class| contract.pools.iter().map(move |pool| (class, *pool));
        let all = ServiceClass::ALL.into_iter().flat_map(of_class);
        all.filter(|(class, pool)| self.rate(contract, *pool, *class, now).is_none()).collect()
    }

    /// A price book was published. Books that were replaced long before `now` are forgotten.
    pub fn price_book_published(&mut self, book: PriceBook, now: Timestamp) {
        self.price_books.push(book);
        let since = now.minus(REPLACED_BOOKS_KEPT);
        let in_force = self.prices(since).map(|book| book.id);
        self.price_books.retain(|book| book.effective_from > since || Some(book.id) == in_force);
    }
}

#[cfg(test)]
mod tests {
    use domain::{PriceBookId, Zone};

    use super::*;

    #[test]
    fn only_prices_in_force_and_to_come_are_kept() {
        let at = |hours: i64| Timestamp::default().plus(Millis::from_hours(hours));
        let book = |n: u8, from: i64| PriceBook {
            id: PriceBookId::from_bytes([n; 16]),
            name: format!("v{n}"),
            effective_from: at(from),
            prices: Vec::new(),
            waivers: price::Waivers::default(),
        };
        let mut live = Live::new(Millis::from_hours(1), Millis::from_hours(1), <&Zone>::default());
        assert!(live.prices(at(0)).is_none());
        for (n, from) in [(1, 0), (2, 10), (3, 40)] {
            live.price_book_published(book(n, from), at(20));
        }
        let names = |live: &Live| live.price_books.iter().map(|book| book.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&live), ["v2", "v3"]);
        let in_force = |hours: i64| live.prices(at(hours)).map(|book| book.name.as_str());
        assert_eq!([in_force(20), in_force(39), in_force(40)], [Some("v2"), Some("v2"), Some("v3")]);
        // Until the clock can't be set back to it any more.
        live.price_book_published(book(4, 50), at(40));
        assert_eq!(names(&live), ["v2", "v3", "v4"]);
        live.price_book_published(book(5, 60), at(42));
        assert_eq!(names(&live), ["v3", "v4", "v5"]);
    }
}
