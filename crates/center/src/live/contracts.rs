//! Contracts and their balances. A charge comes off a balance in one place, and use that is not charged yet is added up
//! in one place.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    CardMs, Contract, ContractId, ContractState, JobId, MicroCny, PoolId, Timestamp,
    contract::{Burn, Funds},
};
use scheduler::use_decay::DecayedUse;
use store::ledger::ContractBalance;

use super::{Hold, Live, LiveRun, Use};

#[derive(Clone, Debug)]
pub struct LiveContract {
    pub contract: Contract,
    pub pools: Arc<[PoolId]>,
    /// As of the last metering.
    pub balance: ContractBalance,
    pub decayed_use: DecayedUse,
    /// When its runs are stopped, once its balance has ended.
    pub grace_ends_at: Option<Timestamp>,
}

impl LiveContract {
    /// The balance once `more` is charged too.
    pub fn balance_after(&self, more: Use) -> ContractBalance {
        ContractBalance {
            use_balance: CardMs(self.balance.use_balance.0 - more.used.0),
            money_balance: MicroCny(self.balance.money_balance.0 - more.charged.0 + more.by_vouchers.0),
        }
    }

    /// The funds that are left once `more` is charged too.
    pub fn funds_after(&self, more: Use) -> Funds {
        let ContractBalance { use_balance, money_balance } = self.balance_after(more);
        Funds::of(self.contract.kind, use_balance, money_balance)
    }

    /// The funds as of the last metering.
    pub fn funds(&self) -> Funds {
        self.funds_after(Use::default())
    }
}

/// Whose use is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Job(JobId),
    Contract(ContractId),
}

impl By {
    fn is_of(self, live: &LiveRun) -> bool {
        match self {
            Self::Job(job) => live.run.job == job,
            Self::Contract(contract) => live.run.contract == contract,
        }
    }
}

impl Live {
    pub fn contract(&self, id: ContractId) -> Option<&LiveContract> {
        self.contracts.get(&id)
    }

    pub fn contracts(&self) -> impl ExactSizeIterator<Item = &LiveContract> {
        self.contracts.values()
    }

    /// A contract as it is after a change, with its balance in the ledger. If its own balance has ended, its runs go on
    /// until `grace_ends_at`, or until the instant that was set when it ended.
    pub fn contract_changed(
        &mut self,
        contract: Contract,
        balance: ContractBalance,
        grace_ends_at: Option<Timestamp>,
    ) {
        let id = contract.id;
        let old = self.contracts.remove(&id);
        let set = old.as_ref().and_then(|old| old.grace_ends_at);
        let is_exhausted = contract.state == ContractState::Exhausted;
        let known = LiveContract {
            pools: contract.pools.as_slice().into(),
            contract,
            balance,
            decayed_use: old.map(|old| old.decayed_use).unwrap_or_default(),
            grace_ends_at: set.or(grace_ends_at).filter(|_| is_exhausted),
        };
        self.contracts.insert(id, known);
    }

    /// The balance of a contract in the ledger after money was moved for it, whose state stays as it is.
    pub fn balance_changed(&mut self, contract: ContractId, balance: ContractBalance) {
        if let Some(known) = self.contracts.get_mut(&contract) {
            known.balance = balance;
        }
    }

    /// When the next approved amendment is to come into force.
    pub fn next_amendment(&self) -> Option<Timestamp> {
        self.next_amendment
    }

    /// The next approved amendment comes into force at `next`, if there is one.
    pub fn amendments_come(&mut self, next: Option<Timestamp>) {
        self.next_amendment = next;
    }

    /// Takes a charge that was posted off a contract's balance. Less than nothing is given back.
    pub fn charge(&mut self, contract: ContractId, posted: Use, now: Timestamp) {
        let Some(known) = self.contracts.get_mut(&contract) else { return };
        known.balance = known.balance_after(posted);
        known.decayed_use = known.decayed_use.add(posted.used, now, self.half_life);
    }

    /// Use of running runs up to `now` that is not posted yet.
    ///
    /// Cost: linear in the runs that have not ended.
    pub fn unmetered(&self, by: By, now: Timestamp) -> Use {
        if let By::Job(job) = by
            && self.jobs.get(&job).is_none_or(|known| known.job.tasks.running == 0)
        {
            return Use::default();
        }
        self.runs.values().filter(|live| by.is_of(live)).map(|live| live.unmetered(now)).sum()
    }

    /// [`Self::unmetered`] of every contract that has runs, in one pass.
    pub fn unmetered_by_contract(&self, now: Timestamp) -> BTreeMap<ContractId, Use> {
        let mut sums: BTreeMap<ContractId, Use> = BTreeMap::new();
        for live in self.runs.values() {
            *sums.entry(live.run.contract).or_default() += live.unmetered(now);
        }
        sums
    }

    /// The burn of a contract by each of its running runs, from the instant of the last metering.
    pub fn burns(&self, contract: ContractId) -> impl Iterator<Item = Burn> {
        self.runs
            .values()
            .filter(move |live| live.run.contract == contract && live.run.state.started_at().is_some())
            .map(|live| Burn { cards: live.run.placement.card_count(), rate: live.run.rate })
    }

    /// Cards of a contract that runs have, or wait for and run on.
    pub fn cards_in_use(&self, contract: ContractId) -> u32 {
        let is_on_its_cards = |live: &&LiveRun| match live.hold {
            Hold::Held => true,
            Hold::Crowded => live.run.state.started_at().is_some(),
            Hold::Lent | Hold::Left => false,
        };
        let of_contract = self.runs.values().filter(|live| live.run.contract == contract);
        of_contract.filter(is_on_its_cards).map(|live| live.run.placement.card_count()).sum()
    }
}

#[cfg(test)]
mod tests {
    use domain::{Millis, QueueTerms, RatePerCardHour, TenantId, contract::ContractKind, metering::Metered};

    use super::*;
    use crate::live::fixtures::{contract, hall, pool, run};

    const YUAN: i64 = 1_000_000;
    const HOUR_MS: i64 = 3_600_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::default().plus(Millis::from_hours(hours))
    }

    /// A contract with so much money and so many card-hours.
    fn drawn_up(state: ContractState) -> Contract {
        Contract {
            id: contract(),
            tenant: TenantId::from_bytes([4; 16]),
            number: "C-1".into(),
            kind: ContractKind::Metered { credit_limit: MicroCny(0) },
            pools: vec![pool()],
            starts_at: at(0),
            ends_at: at(1000),
            queue: QueueTerms {
                weight: 1,
                guaranteed_cards: 0,
                borrowing_limit: None,
                lending_limit: None,
                max_running_cards: 8,
            },
            state,
            created_at: at(0),
        }
    }

    fn balance(card_hours: i64, yuan: i64) -> ContractBalance {
        ContractBalance { use_balance: CardMs(card_hours * HOUR_MS), money_balance: MicroCny(yuan * YUAN) }
    }

    fn used(card_hours: i64, yuan: i64) -> Use {
        Use { used: CardMs(card_hours * HOUR_MS), charged: MicroCny(yuan * YUAN), ..Use::default() }
    }

    /// A contract with 100 yuan, and two runs of it that began at once: on two cards and on four, at 10 yuan an hour.
    fn live() -> Live {
        let mut live = hall();
        live.contract_changed(drawn_up(ContractState::Active), balance(0, 100), None);
        for (n, cards) in [(1, 0b11), (2, 0b11_1100)] {
            let (mut run, job) = run(n, cards);
            run.rate = RatePerCardHour(MicroCny(10 * YUAN));
            run.state = run.state.start(at(0)).unwrap();
            live.run_started(run, &job);
        }
        live
    }

    #[test]
    fn use_that_is_not_posted_yet_is_the_same_by_job_and_by_contract() {
        let mut live = live();
        let ids: Vec<_> = live.runs().map(|known| (known.run.id, known.run.job)).collect();
        for hour in [1, 2] {
            for (run, _) in &ids {
                live.run_seen(*run, at(hour));
            }
        }
        assert_eq!(live.unmetered(By::Job(ids[0].1), at(1)), used(2, 20));
        assert_eq!(live.unmetered(By::Job(ids[1].1), at(1)), used(4, 40));
        assert_eq!(live.unmetered(By::Contract(contract()), at(1)), used(6, 60));
        assert_eq!(live.unmetered_by_contract(at(1)), BTreeMap::from([(contract(), used(6, 60))]));
        let known = live.contract(contract()).unwrap();
        assert_eq!(known.balance_after(used(6, 60)), balance(-6, 40));
        assert!(known.funds_after(used(10, 100)).is_exhausted());
        // Posted is posted once: it leaves the one sum and comes off the other.
        let Use { used: more, charged, .. } = used(2, 20);
        live.run_metered(ids[0].0, Metered { used: more, charged }, &[(at(1), used(2, 20))], at(1));
        assert_eq!(live.unmetered(By::Contract(contract()), at(1)), used(4, 40));
        assert_eq!(live.contract(contract()).unwrap().balance, balance(-2, 80));
        assert_eq!(live.unmetered(By::Contract(contract()), at(2)), used(10, 100));
        assert_eq!(live.unmetered(By::Contract(ContractId::from_bytes([9; 16])), at(1)), Use::default());
    }

    #[test]
    fn a_run_is_metered_no_further_than_its_engine_has_seen_it() {
        let mut live = live();
        let run = live.runs().next().unwrap().run.id;
        let soon = at(1).plus(Millis::from_secs(30));
        live.run_seen(run, at(1));
        assert_eq!(live.run(run).unwrap().may_meter_until(soon), Some(soon));
        assert_eq!(live.run(run).unwrap().may_meter_until(at(5)), Some(at(1)));
        // Found at a start: nothing is known of it since.
        let known = live.run(run).unwrap().clone();
        live.run_found(known.run, Metered::default());
        assert_eq!(live.run(run).unwrap().may_meter_until(at(5)), None);
        assert_eq!(live.run(run).unwrap().unmetered(at(5)), Use::default());
    }

    #[test]
    fn a_charge_comes_off_the_balance_and_counts_as_past_use() {
        let mut live = live();
        live.charge(contract(), used(6, 60), at(1));
        let known = live.contract(contract()).unwrap();
        assert_eq!(known.balance, balance(-6, 40));
        assert_eq!(known.decayed_use.at(at(1), Millis::from_hours(1)), CardMs(6 * HOUR_MS));
        assert_eq!(known.decayed_use.at(at(2), Millis::from_hours(1)), CardMs(3 * HOUR_MS));
        // The center lost a run: its charge is given back.
        live.charge(contract(), used(-6, -60), at(1));
        assert_eq!(live.contract(contract()).unwrap().balance, balance(0, 100));
        live.charge(ContractId::from_bytes([9; 16]), used(1, 1), at(1));
        assert_eq!(live.contracts().len(), 1);
        // A voucher pays 18 of the 60.
        live.charge(contract(), Use { by_vouchers: MicroCny(18 * YUAN), ..used(6, 60) }, at(1));
        assert_eq!(live.contract(contract()).unwrap().balance, balance(-6, 58));
    }

    #[test]
    fn the_grace_begins_when_the_balance_ends_and_only_then() {
        let mut live = live();
        let grace = |live: &Live| live.contract(contract()).unwrap().grace_ends_at;
        assert_eq!(grace(&live), None);
        live.contract_changed(drawn_up(ContractState::Exhausted), balance(0, 0), Some(at(5)));
        live.contract_changed(drawn_up(ContractState::Exhausted), balance(0, 0), Some(at(7)));
        assert_eq!(grace(&live), Some(at(5)));
        live.contract_changed(drawn_up(ContractState::Active), balance(0, 10), Some(at(8)));
        assert_eq!(grace(&live), None);
    }
}
