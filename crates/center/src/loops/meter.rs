//! The meter loop: posts what running runs use, each minute and whenever it matters, and does what is due at an instant:
//! ends contracts as their balance or their term ends, drains nodes for their maintenance.

use std::{
    collections::{BTreeMap, HashSet},
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use domain::{ContractId, ContractState, Millis, RunId, Timestamp, contract::ContractAction, run::StopCause};

use crate::{
    actions,
    amendment::force,
    app::{
        contracts, nodes,
        runs::{news, stopping},
    },
    budget::tell,
    center::Center,
    live::{BudgetsSeen, LiveRun},
    retirement::ask as retirement,
    voucher,
    wakers::{METER, sleep},
};
use base::{
    audit::{self, Change},
    error::AppError,
    moment,
};
use serde_json::json;

/// No sleep is shorter: a contract that ends now is looked at a millisecond later, not in a busy loop.
const SHORTEST: Duration = Duration::from_millis(1);

pub fn run(center: &Center, called: &Receiver<()>) {
    let every = Duration::from_millis(u64::try_from(center.settings.billing.accrue_every_ms.0).unwrap_or(0));
    let (mut accrued, mut pause) = (Instant::now(), SHORTEST);
    let mut last = (moment::now(), Instant::now());
    let mut looked = contracts::term::Looked::default();
    while sleep(called, pause) && !center.compute.wakers.is_stopping() {
        let now = moment::now();
        note_jump(center, last, now);
        last = (now, Instant::now());
        // Lengths are taken from a clock that nobody sets.
        let is_due = accrued.elapsed() >= every;
        let began = Instant::now();
        let next = step(center, now, is_due);
        if is_due {
            accrued = Instant::now();
            forget_old_answers(center, now);
            voucher::keep::expire(center, now);
            looked = contracts::term::keep(center, now, looked).unwrap_or_else(|error| {
                tracing::error!(%error, "failed to book what the passing of terms books; it is tried again");
                center.loops.failed(METER, &error);
                contracts::term::Looked::default()
            });
            center.loops.turned(METER, began.elapsed());
        }
        let until = next.map_or(every, |next| {
            Duration::from_millis(u64::try_from(next.since(moment::now()).0).unwrap_or(0))
        });
        pause = until.min(every.saturating_sub(accrued.elapsed())).max(SHORTEST);
    }
}

/// The machine's clock may be this far off what has passed before somebody is told.
const JUMP: Millis = Millis::from_secs(2);

/// Tells if the machine's clock was set between two looks.
fn note_jump(center: &Center, (wall, passed): (Timestamp, Instant), now: Timestamp) {
    let passed_us = i64::try_from(passed.elapsed().as_micros()).unwrap_or(i64::MAX);
    let off_ms = (now.as_micros() - wall.as_micros()).saturating_sub(passed_us) / 1000;
    if off_ms.abs() < JUMP.0 {
        return;
    }
    tracing::error!(off_ms, "the machine's clock was set: what begins or ends about now may be told wrongly");
    center.metrics.clock_jumps.inc();
    let detail = json!({ "by_ms": off_ms });
    let change = Change { tenant: None, action: actions::CLOCK_SET, subject: "clock".into(), detail };
    let kept = center.write_now(move |tx| audit::record_own(tx, change), |_, ()| ());
    if let Err(error) = kept {
        tracing::error!(%error, "failed to keep that the clock was set");
    }
}

/// How long the answer to a request with an idempotency key is kept.
const ANSWERS_KEPT: Millis = Millis::from_hours(48);

fn forget_old_answers(center: &Center, now: Timestamp) {
    let before = now.minus(ANSWERS_KEPT);
    let forget = move |tx: &store::Tx| -> Result<usize, AppError> {
        Ok(store::idempotency::delete_before(tx, before)?)
    };
    if let Err(error) = center.write_now(forget, |_, _| ()) {
        tracing::error!(%error, "failed to forget old answers; it is tried again");
        center.loops.failed(METER, &error);
    }
}

/// The changes that are due at one instant, and when to look again.
#[derive(Debug, Default, PartialEq, Eq)]
struct Due {
    /// Contracts whose balance has ended now.
    exhausted: Vec<ContractId>,
    /// Contracts whose term has ended now.
    expired: Vec<ContractId>,
    /// Runs whose contract's grace is over, or whose contract is not active any more.
    stop: Vec<(RunId, StopCause)>,
    /// When to look again, as far as is known.
    next: Option<Timestamp>,
}

/// One look. Gives when to look again.
pub fn step(center: &Center, now: Timestamp, accrue_all: bool) -> Option<Timestamp> {
    let maintenance = nodes::keep_maintenance(center, now);
    retirement::finish(center);
    // Before ends are looked at: one of them may be later by an amendment.
    let amendment = force::keep(center, now);
    let due = look(center, now);
    if accrue_all {
        accrue(center, now, |_| true);
    }
    for contract in &due.exhausted {
        // Up to the very instant, so that the page and the ledger show a balance that has ended.
        accrue(center, now, |run| run.run.contract == *contract);
        contracts::end_by_itself(center, *contract, ContractAction::Exhaust, now);
    }
    for contract in &due.expired {
        contracts::end_by_itself(center, *contract, ContractAction::Expire, now);
    }
    let mut by_cause: BTreeMap<&str, (StopCause, Vec<RunId>)> = BTreeMap::new();
    for (run, cause) in due.stop {
        by_cause.entry(cause.code()).or_insert_with(|| (cause, Vec::new())).1.push(run);
    }
    let has_stopped = !by_cause.is_empty();
    for (cause, ids) in by_cause.into_values() {
        stopping::stop(center, ids, cause);
    }
    // After contracts: where both end at once, the contract is the cause.
    let (budget, has_budget_changed) = keep_budgets(center, now);
    let has_changed =
        has_stopped || !due.exhausted.is_empty() || !due.expired.is_empty() || has_budget_changed;
    if has_changed {
        center.compute.wakers.plan();
        return Some(now);
    }
    due.next.into_iter().chain(maintenance).chain(amendment).chain(budget).min()
}

/// Looks at the budgets: ends what runs of those that are used up, and tells of shares that are. Gives when to look again,
/// and whether something changed.
fn keep_budgets(center: &Center, now: Timestamp) -> (Option<Timestamp>, bool) {
    let BudgetsSeen { to_meter, to_stop, crossed, has_changed, next } = center.live().look_at_budgets(now);
    if !to_meter.is_empty() {
        // As with contracts: the ledger shows a budget that is used up.
        let ended: HashSet<RunId> = to_meter.into_iter().collect();
        accrue(center, now, |run| ended.contains(&run.run.id));
    }
    let has_stopped = !to_stop.is_empty();
    if has_stopped {
        stopping::stop(center, to_stop, StopCause::BudgetEnded);
    }
    if let Err(error) = tell::tell(center, crossed, now) {
        tracing::error!(%error, "failed to tell of budgets; it is tried again");
        center.loops.failed(METER, &error);
    }
    (next, has_changed || has_stopped)
}

fn look(center: &Center, now: Timestamp) -> Due {
    let live = center.live();
    let mut due = Due::default();
    let unmetered = live.unmetered_by_contract(now);
    let mut next = |at: Timestamp| due.next = Some(due.next.map_or(at, |known| known.min(at)));
    for known in live.contracts() {
        let contract = &known.contract;
        let id = contract.id;
        if matches!(
            contract.state,
            ContractState::Active | ContractState::Exhausted | ContractState::Suspended
        ) {
            if now >= contract.ends_at {
                due.expired.push(id);
                continue;
            }
            next(contract.ends_at);
        }
        let cause = match contract.state {
            ContractState::Active => {
                let left = known.funds_after(unmetered.get(&id).copied().unwrap_or_default());
                match left.last_for(live.burns(id)) {
                    _ if left.is_exhausted() => due.exhausted.push(id),
                    Some(lasts) => next(now.plus(Millis(lasts.0 + 1))),
                    None => {}
                }
                continue;
            }
            ContractState::Exhausted => match known.grace_ends_at {
                Some(at) if now < at => {
                    next(at);
                    continue;
                }
                _ => StopCause::BalanceEnded,
            },
            _ => StopCause::ContractEnded,
        };
        let still_running = live.runs().filter(|r| r.run.contract == id && r.run.state.stop().is_none());
        due.stop.extend(still_running.map(|r| (r.run.id, cause)));
    }
    due
}

/// Posts what these running runs have used up to `now`, as far as their engine has seen them.
fn accrue(center: &Center, now: Timestamp, is_due: impl Fn(&LiveRun) -> bool) {
    let due: Vec<(RunId, Timestamp)> = {
        let live = center.live();
        let running = live.runs().filter(|r| r.run.state.started_at().is_some());
        running.filter(|r| is_due(r)).filter_map(|r| Some((r.run.id, r.may_meter_until(now)?))).collect()
    };
    if due.is_empty() {
        return;
    }
    let zone = center.settings.time_zone;
    let posted = center.write_now(
        move |tx| {
            let mut posted = Vec::with_capacity(due.len());
            for (id, until) in due {
                posted.extend(news::meter_running(tx, zone, id, until)?);
            }
            Ok(posted)
        },
        |center, posted| {
            let now = moment::now();
            let mut live = center.live();
            for news::Posted { run, metered, parts } in posted {
                live.run_metered(*run, *metered, parts, now);
            }
        },
    );
    if let Err(error) = posted {
        tracing::error!(%error, "failed to meter running runs; it is tried again");
        center.loops.failed(METER, &error);
    }
}
