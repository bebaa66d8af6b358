//! Budgets as they stand, and which of them count the jobs of whom.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use domain::{
    BudgetId, MemberId, ProjectId, RunId, Timestamp, Zone,
    budget::{Budget, Stretch, Whose},
};

use super::Use;

#[derive(Clone, Debug)]
pub struct LiveBudget {
    pub budget: Budget,
    /// The project's short name, or the member's login.
    pub name: Arc<str>,
    /// The stretch of time in which `spent` was posted.
    pub stretch: Stretch,
    pub spent: Use,
    /// The shares that were told of in that stretch.
    pub told: BTreeSet<u8>,
    /// Whether it was used up at the last look, with what was not posted yet.
    pub(super) is_used_up: bool,
}

impl LiveBudget {
    /// A budget as it stands in the ledger at `at`.
    pub fn new(budget: Budget, name: &str, stretch: Stretch, spent: Use, told: BTreeSet<u8>) -> Self {
        let mut new = Self { budget, name: name.into(), stretch, spent, told, is_used_up: false };
        // Nothing starts before the first look.
        new.is_used_up = new.is_used_up_with(Use::default());
        new
    }

    /// What is spent once `more` is posted too, in its unit.
    pub fn spent_with(&self, more: Use) -> i64 {
        let Use { used, charged, .. } = self.spent + more;
        self.budget.amount(used, charged)
    }

    fn is_used_up_with(&self, more: Use) -> bool {
        self.budget.is_used_up(self.spent_with(more))
    }

    /// Whether it lets nothing start.
    pub(super) fn holds(&self) -> bool {
        self.budget.hard_stop && (self.is_used_up || self.is_used_up_with(Use::default()))
    }

    /// Takes up the stretch of time of `at`, of which nothing is spent yet.
    pub(super) fn turn_to(&mut self, zone: &Zone, at: Timestamp) {
        self.stretch = self.budget.span.stretch(zone, at);
        (self.spent, self.told, self.is_used_up) = (Use::default(), BTreeSet::new(), false);
    }
}

/// All budgets, and which count the jobs of whom.
#[derive(Debug, Default)]
pub struct Budgets {
    pub(super) known: BTreeMap<BudgetId, LiveBudget>,
    pub(super) of: HashMap<Whose, Vec<BudgetId>>,
}

impl Budgets {
    /// Those that count a job of a project and a member.
    pub(super) fn of(&self, project: ProjectId, member: MemberId) -> impl Iterator<Item = BudgetId> + '_ {
        // Nothing is looked up where there are none.
        let whose = [Whose::Project(project), Whose::Member(member)];
        let any = if self.known.is_empty() { &[][..] } else { &whose[..] };
        let found: Vec<&Vec<BudgetId>> = any.iter().filter_map(|whose| self.of.get(whose)).collect();
        found.into_iter().flatten().copied()
    }
}

/// A share of a budget that is reached and was not told of.
#[derive(Clone, Debug)]
pub struct Crossed {
    pub budget: Budget,
    pub name: Arc<str>,
    pub stretch: Stretch,
    pub share: u8,
    pub spent: i64,
}

/// What a look at the budgets found at one instant.
#[derive(Debug, Default)]
pub struct BudgetsSeen {
    /// Runs of budgets that were used up since the last look: their use is posted up to the instant.
    pub to_meter: Vec<RunId>,
    /// Runs that are to end.
    pub to_stop: Vec<RunId>,
    pub crossed: Vec<Crossed>,
    /// Jobs may start that could not, or the other way round.
    pub has_changed: bool,
    /// When to look again, as far as is known.
    pub next: Option<Timestamp>,
}
