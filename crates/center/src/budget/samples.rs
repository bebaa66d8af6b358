//! Budgets as pages may show them, for their samples.

use base::page::words::Ui;
use domain::{
    budget::{SpanKind, WhoseKind},
    ledger::Unit,
};

use super::{
    ask::BudgetView,
    page::{BudgetBar, bars},
};
use crate::portal::sample::views::{AT, LATER, id};

/// A budget that is used up, or one that is not.
pub fn budget(is_full: bool) -> BudgetView {
    BudgetView {
        id: id("bud_"),
        tenant_slug: "univ".into(),
        whose: if is_full { WhoseKind::Project } else { WhoseKind::Member },
        name: "vision < 1".into(),
        span: if is_full { SpanKind::Month } else { SpanKind::Total },
        month: is_full.then(|| "2026-05".to_owned()),
        from: AT.into(),
        until: is_full.then_some(LATER.into()),
        unit: if is_full { Unit::MicroCny } else { Unit::CardMs },
        amount: 1_000_000_000,
        spent: if is_full { 900_000_000 } else { 0 },
        running: if is_full { 150_000_000 } else { 0 },
        left: if is_full { -50_000_000 } else { 1_000_000_000 },
        alerts: if is_full { vec![50, 80, 100] } else { Vec::new() },
        reached: if is_full { vec![50, 80, 100] } else { Vec::new() },
        hard_stop: is_full,
        is_used_up: is_full,
        created_at: AT.into(),
    }
}

pub fn budgets(ui: Ui) -> Vec<BudgetBar> {
    bars(ui, &[budget(true), budget(false)], false)
}
