//! The query for debts: who owes how much since when.

use std::collections::BTreeMap;

use base::{auth::Caller, error::AppError, lookup::Names, moment, text::Text};
use domain::{Contract, ContractId, Rfc3339, Timestamp, Zone, contract::ContractKindName, ledger::Unit};
use serde::Serialize;
use store::{
    StoreError, Tx, contracts, ledger,
    payments::{self, FeeMoved},
    periods::{self, Period},
    recent,
    settings::{self, SettingSince},
};

use super::rule::{self, Ages, AtMonthEnd, DebtKind};
use crate::{actions, center::Center, settings::DUE_DAYS};

/// Open fees and balances below 0, as they are posted.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Ageing {
    pub as_of: Rfc3339,
    pub total: Ages,
    /// Who owes, by short name.
    pub tenants: Vec<TenantDebt>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TenantDebt {
    pub tenant_slug: String,
    pub tenant_name: Text,
    pub total: Ages,
    pub debts: Vec<DebtView>,
}

/// The debts of one contract.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct DebtView {
    pub contract_id: ContractId,
    /// The contract's number.
    pub contract: String,
    pub kind: ContractKindName,
    pub what: DebtKind,
    pub ages: Ages,
}

/// The debts that the caller may see.
pub async fn list(center: &Center, caller: &Caller) -> Result<Ageing, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_LEDGER, scope)?;
    let (zone, now) = (center.settings.time_zone.clone(), moment::now());
    let due_days = i64::from(center.settings.books.due_days);
    center
        .read(move |tx| {
            let closed = closed(tx, &zone, due_days, now)?;
            let balances = ledger::balances_of_contracts(tx)?;
            let mut names = Names::of(tx);
            let mut tenants: BTreeMap<String, TenantDebt> = BTreeMap::new();
            for contract in contracts::list_contracts(tx, scope)? {
                let balance = balances.get(&contract.id).copied().unwrap_or_default().money_balance;
                let of_balance = of_balance(tx, &contract, balance.0, &closed)?;
                let of_fee = of_fee(&payments::fee_moves(tx, contract.id)?, &closed);
                let owner = names.tenant(contract.tenant)?;
                for (what, ages) in [(DebtKind::Fee, of_fee), (DebtKind::Balance, of_balance)] {
                    if ages == Ages::default() {
                        continue;
                    }
                    let tenant = tenants.entry(owner.slug.clone()).or_insert_with(|| TenantDebt {
                        tenant_slug: owner.slug.clone(),
                        tenant_name: owner.name.clone(),
                        total: Ages::default(),
                        debts: Vec::new(),
                    });
                    tenant.total.add(ages);
                    tenant.debts.push(DebtView {
                        contract_id: contract.id,
                        contract: contract.number.clone(),
                        kind: contract.kind.name(),
                        what,
                        ages,
                    });
                }
            }
            let mut total = Ages::default();
            for tenant in tenants.values() {
                total.add(tenant.total);
            }
            Ok(Ageing { as_of: now.into(), total, tenants: tenants.into_values().collect() })
        })
        .await
}

/// A closed month, and how late its statements are.
struct Closed {
    until: Timestamp,
    days_late: i64,
}

/// The closed months that matter, in their order: of those whose statements are late by more than 90 days the last alone, as what
/// was owed then is of one age.
fn closed(tx: &Tx, zone: &Zone, due_days: i64, now: Timestamp) -> Result<Vec<Closed>, StoreError> {
    let history = settings::history(tx)?;
    let mut months = Vec::new();
    for period in periods::list(tx)? {
        let due_on = zone.day(period.closed_at) + due_days_at(&history, &period, due_days);
        let month = Closed { until: period.until, days_late: zone.day(now) - due_on };
        let is_old = month.days_late > 90;
        months.push(month);
        if is_old {
            break;
        }
    }
    months.reverse();
    Ok(months)
}

/// How many days the statements of a month give to pay: as the settings said when it was closed.
fn due_days_at(history: &[SettingSince], period: &Period, now: i64) -> i64 {
    let mut then = history.iter().filter(|since| since.key == DUE_DAYS && since.at <= period.closed_at);
    then.next_back().and_then(|since| since.value.parse().ok()).unwrap_or(now)
}

fn of_balance(tx: &Tx, contract: &Contract, balance: i64, closed: &[Closed]) -> Result<Ages, StoreError> {
    if balance >= 0 {
        return Ok(Ages::default());
    }
    let at_end = |month: &Closed| {
        Ok(AtMonthEnd {
            days_late: month.days_late,
            owed: -recent::balance_at(tx, contract.id, Unit::MicroCny, month.until)?,
            paid_since: recent::credits_since(tx, contract.id, Unit::MicroCny, month.until)?,
        })
    };
    let months = closed.iter().map(at_end).collect::<Result<Vec<_>, StoreError>>()?;
    Ok(rule::ages(-balance, &months))
}

fn of_fee(moved: &[FeeMoved], closed: &[Closed]) -> Ages {
    let sum = |ours: &dyn Fn(&FeeMoved) -> bool| -> i64 {
        moved.iter().filter(|one| ours(one)).map(|one| one.amount.0).sum()
    };
    let at_end = |month: &Closed| AtMonthEnd {
        days_late: month.days_late,
        owed: sum(&|one| one.at < month.until),
        paid_since: -sum(&|one| one.at >= month.until && one.amount.0 < 0),
    };
    rule::ages(sum(&|_| true), &closed.iter().map(at_end).collect::<Vec<_>>())
}
