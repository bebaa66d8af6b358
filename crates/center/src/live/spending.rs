//! Budgets and what is spent of them. Use that was posted is added to a budget in one place, beside the one where it comes
//! off the balance of its contract.
//!
//! Where nobody has a budget, none of this costs a job more than a look at an empty map.

use std::collections::BTreeMap;

use domain::{
    BudgetId, CardMs, JobId, MemberId, MicroCny, Millis, ProjectId, RunId, Timestamp,
    budget::{Budget, UsedUp, Whose},
    contract::Burn,
};

use super::{
    Live, LiveRun, Use,
    budgets::{BudgetsSeen, Crossed, LiveBudget},
};

/// The running use of a budget that is not posted.
#[derive(Debug, Default)]
struct Running {
    unmetered: Use,
    burns: Vec<Burn>,
    runs: Vec<RunId>,
}

impl Live {
    pub fn budget(&self, id: BudgetId) -> Option<&LiveBudget> {
        self.budgets.known.get(&id)
    }

    pub fn budgets(&self) -> impl ExactSizeIterator<Item = &LiveBudget> {
        self.budgets.known.values()
    }

    /// A budget was made, or is there that was made before this center started, as it stands in the ledger.
    pub fn budget_made(&mut self, made: LiveBudget) {
        let (id, whose) = (made.budget.id, made.budget.whose);
        self.budgets.known.insert(id, made);
        self.budgets.of.entry(whose).or_default().push(id);
        self.touch_jobs_of(&[whose]);
    }

    /// A budget has another limit, other shares, or stops what it did not. Of shares that are not reached any more people
    /// are told again.
    pub fn budget_changed(&mut self, budget: &Budget, unreached: &[u8]) {
        let Some(known) = self.budgets.known.get_mut(&budget.id) else { return };
        known.budget = budget.clone();
        known.told.retain(|share| !unreached.contains(share));
        self.touch_jobs_of(&[budget.whose]);
    }

    /// A budget was taken away.
    pub fn budget_ended(&mut self, id: BudgetId) {
        let Some(known) = self.budgets.known.remove(&id) else { return };
        let whose = known.budget.whose;
        if let Some(of) = self.budgets.of.get_mut(&whose) {
            of.retain(|known| *known != id);
            if of.is_empty() {
                self.budgets.of.remove(&whose);
            }
        }
        self.touch_jobs_of(&[whose]);
    }

    /// People were told of a share of a budget.
    pub fn budget_told(&mut self, id: BudgetId, from: Timestamp, share: u8) {
        if let Some(known) = self.budgets.known.get_mut(&id).filter(|known| known.stretch.from == from) {
            known.told.insert(share);
        }
    }

    /// Adds use that was posted to the budgets that count it, each part by the instant of its posting. Less than nothing is
    /// given back.
    pub fn spend(&mut self, (project, member): (ProjectId, MemberId), parts: &[(Timestamp, Use)]) {
        let ids: Vec<BudgetId> = self.budgets.of(project, member).collect();
        for id in ids {
            let Some(known) = self.budgets.known.get_mut(&id) else { continue };
            for (at, part) in parts {
                if known.stretch.is_over(*at) {
                    known.turn_to(self.zone, *at);
                }
                // What is posted late into a stretch that is over is not this one's.
                if known.stretch.has(*at) {
                    // A budget is of what the use costs, whoever pays for it.
                    known.spent += Use { by_vouchers: MicroCny::ZERO, ..*part };
                }
            }
        }
    }

    /// The budget that lets no job of a project and a member start: that of which the least is left.
    pub fn held_by_budget(&self, project: ProjectId, member: MemberId) -> Option<BudgetId> {
        let known = self.budgets.of(project, member).filter_map(|id| self.budgets.known.get(&id));
        let holding = known.filter(|known| known.holds());
        let left =
            |known: &&LiveBudget| (known.budget.limit - known.spent_with(Use::default()), known.budget.id);
        holding.min_by_key(left).map(|known| known.budget.id)
    }

    /// How a budget stands at `now`, for whoever waits for it.
    ///
    /// Cost: linear in the runs that have not ended.
    pub fn stands(&self, id: BudgetId, now: Timestamp) -> Option<UsedUp> {
        let known = self.budgets.known.get(&id)?;
        let running = self.unmetered_by_budget(now).remove(&id).unwrap_or_default();
        Some(UsedUp {
            whose: known.budget.whose.kind(),
            name: known.name.as_ref().to_owned(),
            month: known.stretch.month.map(|month| month.to_string()),
            from: known.stretch.from,
            unit: known.budget.unit,
            amount: known.budget.limit,
            spent: known.spent_with(running),
        })
    }

    /// Use of running runs up to `now` that is not posted yet, of each budget that counts any.
    ///
    /// Cost: linear in the runs that have not ended.
    pub fn unmetered_by_budget(&self, now: Timestamp) -> BTreeMap<BudgetId, Use> {
        self.running(now).into_iter().map(|(id, running)| (id, running.unmetered)).collect()
    }

    fn running(&self, now: Timestamp) -> BTreeMap<BudgetId, Running> {
        let mut all: BTreeMap<BudgetId, Running> = BTreeMap::new();
        if self.budgets.known.is_empty() {
            return all;
        }
        for live in self.runs.values() {
            for id in self.budgets.of(live.project, live.member) {
                let Some(known) = self.budgets.known.get(&id) else { continue };
                let running = all.entry(id).or_default();
                running.unmetered += live.unmetered_since(known.stretch.from, now);
                running.runs.push(live.run.id);
                if live.run.state.started_at().is_some() {
                    let cards = live.run.placement.card_count();
                    running.burns.push(Burn { cards, rate: live.run.rate });
                }
            }
        }
        all
    }

    /// Looks at how all budgets stand at `now`. A stretch of time that is over gives way to the next.
    ///
    /// Cost: linear in the runs and the budgets; where a budget is used up or is not any more, in the jobs too.
    pub fn look_at_budgets(&mut self, now: Timestamp) -> BudgetsSeen {
        let mut seen = BudgetsSeen::default();
        if self.budgets.known.is_empty() {
            return seen;
        }
        let mut changed = Vec::new();
        for known in self.budgets.known.values_mut() {
            if known.stretch.is_over(now) {
                if known.is_used_up {
                    changed.push(known.budget.whose);
                }
                known.turn_to(self.zone, now);
            }
        }
        let mut running = self.running(now);
        for (id, known) in &mut self.budgets.known {
            let Running { unmetered, burns, runs } = running.remove(id).unwrap_or_default();
            let spent = known.spent_with(unmetered);
            let was_used_up = std::mem::replace(&mut known.is_used_up, known.budget.is_used_up(spent));
            let ends = known.budget.hard_stop && known.is_used_up;
            if was_used_up != known.is_used_up {
                changed.push(known.budget.whose);
                if ends {
                    seen.to_meter.extend(runs.iter().copied());
                }
            }
            if ends {
                let goes_on =
                    |run: &RunId| self.runs.get(run).is_some_and(|live| live.run.state.stop().is_none());
                seen.to_stop.extend(runs.iter().copied().filter(goes_on));
            }
            let LiveBudget { budget, name, stretch, told, .. } = &*known;
            let untold = budget.reached(spent).filter(|share| !told.contains(share));
            seen.crossed.extend(untold.map(|share| Crossed {
                budget: budget.clone(),
                name: name.clone(),
                stretch: *stretch,
                share,
                spent,
            }));
            // The next amount at which something is due.
            let to_come = budget.alerts.shares().iter().map(|share| budget.amount_of(*share));
            let to_come = to_come.chain([budget.limit]).filter(|amount| *amount > spent).min();
            let lasts = to_come.and_then(|amount| budget.lasts(spent, amount, &burns));
            let due = lasts.map(|lasts| now.plus(Millis(lasts.0 + 1)));
            seen.next = seen.next.into_iter().chain(due).chain(stretch.until).min();
        }
        seen.has_changed = !changed.is_empty();
        self.touch_jobs_of(&changed);
        seen
    }

    /// The planner is to be told of the jobs of these again.
    fn touch_jobs_of(&mut self, whose: &[Whose]) {
        if whose.is_empty() {
            return;
        }
        let is_theirs = |project, member| {
            whose.iter().any(|whose| match whose {
                Whose::Project(own) => *own == project,
                Whose::Member(own) => *own == member,
            })
        };
        let all = self.jobs.values().map(|known| &known.job);
        let touched: Vec<JobId> =
            all.filter(|job| is_theirs(job.project, job.submitted_by)).map(|job| job.id).collect();
        self.touched.jobs.extend(touched);
    }
}

impl LiveRun {
    /// Use up to `now` that is not posted yet, without that of before `from`, which begins a day: that is posted on the day
    /// before.
    fn unmetered_since(&self, from: Timestamp, now: Timestamp) -> Use {
        let Some(until) = self.may_meter_until(now) else { return Use::default() };
        let before = from.min(until);
        let used = self.run.used(before).max(self.metered.used);
        let charged = self.run.charge(before).max(self.metered.charged);
        Use {
            used: CardMs((self.run.used(until).0 - used.0).max(0)),
            charged: MicroCny((self.run.charge(until).0 - charged.0).max(0)),
            ..Use::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{
        RatePerCardHour, TenantId, Zone,
        budget::{Alerts, Span},
        ledger::Unit,
        metering::Metered,
    };

    use super::*;
    use crate::live::fixtures::{hall, run};

    const YUAN: i64 = 1_000_000;
    const PROJECT: ProjectId = ProjectId::from_bytes([6; 16]);
    const MEMBER: MemberId = MemberId::from_bytes([7; 16]);

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    /// A budget of so much, made at `now`, of which nothing is spent.
    fn budget(n: u8, whose: Whose, unit: Unit, limit: i64, now: Timestamp) -> LiveBudget {
        let budget = Budget {
            id: BudgetId::from_bytes([n; 16]),
            tenant: TenantId::from_bytes([4; 16]),
            whose,
            span: Span::Month,
            unit,
            limit,
            alerts: Alerts::of([50, 100]).expect("shares"),
            hard_stop: true,
            created_at: now,
        };
        let stretch = budget.span.stretch(<&Zone>::default(), now);
        LiveBudget::new(budget, "vision", stretch, Use::default(), BTreeSet::new())
    }

    /// Two runs at 10 yuan a card-hour that began at `from`, on two cards and on four.
    fn live(from: Timestamp) -> Live {
        let mut live = hall();
        for (n, cards) in [(1, 0b11), (2, 0b11_1100)] {
            let (mut run, job) = run(n, cards);
            run.rate = RatePerCardHour(MicroCny(10 * YUAN));
            run.state = run.state.start(from).expect("it starts");
            let id = run.id;
            live.run_started(run, &job);
            live.run_seen(id, at("2027-01-01T00:00:00Z"));
        }
        live
    }

    fn shares(seen: &BudgetsSeen) -> Vec<u8> {
        seen.crossed.iter().map(|one| one.share).collect()
    }

    #[test]
    fn a_budget_ends_at_the_millisecond_at_which_it_is_used_up() {
        let from = at("2026-11-10T00:00:00Z");
        let mut live = live(from);
        assert_eq!(live.look_at_budgets(from).next, None, "nobody has a budget");
        // Six cards cost 60 yuan an hour: half of 30 is used after a quarter of an hour.
        let of = budget(1, Whose::Project(PROJECT), Unit::MicroCny, 30 * YUAN, from);
        let (id, stretch) = (of.budget.id, of.stretch);
        live.budget_made(of);
        let first = live.look_at_budgets(from);
        assert_eq!(first.next, Some(at("2026-11-10T00:15:00.001Z")));
        let half = live.look_at_budgets(at("2026-11-10T00:15:00.001Z"));
        assert_eq!(shares(&half), [50]);
        assert_eq!(shares(&live.look_at_budgets(at("2026-11-10T00:16:00Z"))), [50], "until it is kept");
        live.budget_told(id, stretch.from, 50);
        assert_eq!(live.held_by_budget(PROJECT, MEMBER), None);
        let before = live.look_at_budgets(at("2026-11-10T00:29:59.999Z"));
        assert!(before.to_stop.is_empty() && shares(&before).is_empty(), "{before:?}");
        let end = live.look_at_budgets(before.next.expect("its end"));
        assert_eq!((end.to_stop.len(), end.to_meter.len(), shares(&end)), (2, 2, vec![100]));
        assert!(end.has_changed);
        assert_eq!(live.held_by_budget(PROJECT, MEMBER), Some(id));
        assert_eq!(live.held_by_budget(ProjectId::from_bytes([8; 16]), MEMBER), None);
        let stands = live.stands(id, at("2026-11-10T00:30:00Z")).expect("it is known");
        assert_eq!((stands.amount, stands.spent, &*stands.name), (30 * YUAN, 30 * YUAN, "vision"));
        // Raised, it lets jobs start again, and people are told of its shares again.
        let mut raised = live.budget(id).expect("it is known").budget.clone();
        raised.limit = 100 * YUAN;
        live.budget_changed(&raised, &[50]);
        let more = live.look_at_budgets(at("2026-11-10T00:31:00Z"));
        assert!(more.has_changed && more.to_stop.is_empty() && shares(&more).is_empty(), "{more:?}");
        assert_eq!(live.held_by_budget(PROJECT, MEMBER), None);
        live.budget_ended(id);
        assert!(live.budgets().len() == 0 && live.look_at_budgets(from).next.is_none());
    }

    #[test]
    fn the_budget_of_which_the_least_is_left_binds_and_a_soft_one_never() {
        let from = at("2026-11-10T00:00:00Z");
        let mut live = live(from);
        // Six cards use 6,000 card-milliseconds a second.
        live.budget_made(budget(1, Whose::Project(PROJECT), Unit::CardMs, 12_000, from));
        live.budget_made(budget(2, Whose::Member(MEMBER), Unit::CardMs, 6_000, from));
        let mut soft = budget(3, Whose::Project(PROJECT), Unit::MicroCny, 1, from);
        soft.budget.hard_stop = false;
        live.budget_made(soft);
        let early = live.look_at_budgets(at("2026-11-10T00:00:00.500Z"));
        assert!(early.to_stop.is_empty() && early.has_changed, "the soft one only tells: {early:?}");
        assert_eq!(live.held_by_budget(PROJECT, MEMBER), None);
        assert_eq!(live.look_at_budgets(at("2026-11-10T00:00:01Z")).to_stop.len(), 2);
        assert_eq!(live.held_by_budget(PROJECT, MEMBER), Some(BudgetId::from_bytes([2; 16])));
        live.look_at_budgets(at("2026-11-10T00:00:03Z"));
        assert_eq!(live.held_by_budget(PROJECT, MEMBER), Some(BudgetId::from_bytes([2; 16])), "of both");
        let other = MemberId::from_bytes([9; 16]);
        assert_eq!(live.held_by_budget(PROJECT, other), Some(BudgetId::from_bytes([1; 16])));
    }

    #[test]
    fn a_month_begins_at_the_center_s_midnight_with_nothing_spent_and_no_use_of_before() {
        let eve = at("2026-11-30T15:59:50Z");
        let midnight = at("2026-11-30T16:00:00Z");
        let mut live = live(eve);
        let of = budget(1, Whose::Project(PROJECT), Unit::CardMs, 60_000, eve);
        let id = of.budget.id;
        live.budget_made(of);
        // Ten seconds on six cards: it is used up as the month ends.
        let end = live.look_at_budgets(at("2026-11-30T15:59:59.999Z"));
        assert_eq!((end.to_stop.len(), end.next), (0, Some(midnight)));
        let next = live.look_at_budgets(midnight);
        assert_eq!((next.to_stop.len(), live.held_by_budget(PROJECT, MEMBER)), (0, None));
        let spent = |live: &Live, now: &str| live.stands(id, at(now)).expect("it is known").spent;
        assert_eq!(
            spent(&live, "2026-11-30T16:00:02Z"),
            12_000,
            "what is not posted of before is not its own"
        );
        // What is posted of before is posted before, and is not added to the new month.
        let (runs, six) = ([1, 2].map(|n| RunId::from_bytes([n; 16])), [2, 4]);
        for (run, cards) in runs.into_iter().zip(six) {
            let part = |secs: i64| Use { used: CardMs(cards * secs * 1000), ..Use::default() };
            let metered = Metered { used: CardMs(cards * 12_000), charged: MicroCny(0) };
            let parts = [(at("2026-11-30T15:59:59.999Z"), part(10)), (at("2026-11-30T16:00:02Z"), part(2))];
            live.run_metered(run, metered, &parts, midnight);
        }
        assert_eq!(spent(&live, "2026-11-30T16:00:02Z"), 12_000);
        assert_eq!(spent(&live, "2026-11-30T16:00:03Z"), 18_000);
        // A posting of the next month is the first word of it, even before anybody looked.
        let january = [(at("2026-12-31T16:00:00Z"), Use { used: CardMs(7), ..Use::default() })];
        live.spend((PROJECT, MEMBER), &january);
        let known = live.budget(id).expect("it is known");
        assert_eq!((known.spent.used, known.stretch.from), (CardMs(7), at("2026-12-31T16:00:00Z")));
        // Less than nothing is given back.
        live.spend(
            (PROJECT, MEMBER),
            &[(at("2027-01-02T00:00:00Z"), Use { used: CardMs(-3), ..Use::default() })],
        );
        assert_eq!(live.budget(id).expect("it is known").spent.used, CardMs(4));
    }
}
