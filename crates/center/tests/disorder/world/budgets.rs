//! Budgets amid the disorder: set, changed and taken away.

use base::error::AppError;
use center::budget::ask::{self as budgets, BudgetChange, NewBudget};

use super::World;
use crate::scene::contracts;

impl World {
    /// A budget is set, changed or taken away.
    pub(super) fn budget(&mut self) -> Result<(), AppError> {
        let center = self.center().clone();
        let known: Vec<_> = center.live().budgets().map(|known| known.budget.id.to_string()).collect();
        let amount = 1 + self.below(400_000_000);
        match self.dice.below(4) {
            0 if !known.is_empty() => {
                let (amount, hard_stop) = (Some(amount * 2), Some(self.dice.below(4) > 0));
                let change = BudgetChange { amount, hard_stop, ..BudgetChange::default() };
                let id = self.dice.pick(&known);
                self.runtime.block_on(budgets::change(&center, &self.operator, id, change)).map(drop)
            }
            1 if known.len() > 3 => {
                let id = self.dice.pick(&known);
                self.runtime.block_on(budgets::end(&center, &self.operator, id))
            }
            _ => {
                let (number, slug, ..) = *self.dice.pick(&contracts());
                let is_member = self.dice.below(3) == 0;
                let new = NewBudget {
                    whose: if is_member { "member" } else { "project" }.into(),
                    name: if is_member { slug.into() } else { number.to_lowercase() },
                    tenant: Some(slug.into()),
                    span: self.dice.pick(&["month", "total"]).to_string(),
                    unit: self.dice.pick(&["micro_cny", "card_ms"]).to_string(),
                    amount,
                    hard_stop: self.dice.below(4) > 0,
                    ..NewBudget::default()
                };
                self.runtime.block_on(budgets::make(&center, &self.operator, new))?;
                self.told.budgets += 1;
                Ok(())
            }
        }
    }
}
