//! What can be asked of budgets.

use std::collections::BTreeMap;

use base::{
    auth::Caller,
    change::Changed,
    error::AppError,
    lookup::{self, Names},
    moment::{self, new_id},
    params,
    refusal::Refused,
};
use domain::{
    BudgetId, Id, JobId, MicroCny, Rfc3339, TenantId, Timestamp, Zone,
    budget::{Alerts, Budget, MOST_ALERTS, Span, SpanKind, Whose, WhoseKind},
    ledger::Unit,
    problem::{Quantity, Things, Wrong, field},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Tx, tenants};

use super::{
    books, rows,
    rule::{self, MANAGE, MOST_BUDGETS, READ},
};
use crate::{
    center::Center,
    live::{LiveBudget, Use},
};

/// A budget, and how it stands.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct BudgetView {
    pub id: BudgetId,
    pub tenant_slug: String,
    pub whose: WhoseKind,
    /// The project's short name, or the member's login.
    pub name: String,
    pub span: SpanKind,
    /// The month that it counts now; `null` where it counts all from `from` on.
    pub month: Option<String>,
    pub from: Rfc3339,
    pub until: Option<Rfc3339>,
    /// The unit of all amounts: millionths of a yuan, or card-milliseconds.
    pub unit: Unit,
    /// How much may be spent.
    pub amount: i64,
    /// What is posted.
    pub spent: i64,
    /// What runs have used that is not posted yet.
    pub running: i64,
    /// Below 0 where more was spent.
    pub left: i64,
    /// The shares, in percent, of which people are told.
    #[schema(value_type = Vec<u32>)]
    pub alerts: Vec<u8>,
    /// Those of them that are reached.
    #[schema(value_type = Vec<u32>)]
    pub reached: Vec<u8>,
    /// Whether runs end, and none starts, once it is used up.
    pub hard_stop: bool,
    pub is_used_up: bool,
    pub created_at: Rfc3339,
}

fn view(known: &LiveBudget, running: Use, tenant_slug: String) -> BudgetView {
    let LiveBudget { budget, name, stretch, .. } = known;
    let (posted, spent) = (known.spent_with(Use::default()), known.spent_with(running));
    BudgetView {
        id: budget.id,
        tenant_slug,
        whose: budget.whose.kind(),
        name: name.as_ref().to_owned(),
        span: budget.span.kind(),
        month: stretch.month.map(|month| month.to_string()),
        from: stretch.from.into(),
        until: stretch.until.map(Into::into),
        unit: budget.unit,
        amount: budget.limit,
        spent: posted,
        running: spent - posted,
        left: budget.limit.saturating_sub(spent),
        alerts: budget.alerts.shares().to_vec(),
        reached: budget.reached(spent).collect(),
        hard_stop: budget.hard_stop,
        is_used_up: budget.is_used_up(spent),
        created_at: budget.created_at.into(),
    }
}

/// The budgets that the caller sees, those of which the greatest share is used first.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<BudgetView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, READ, scope)?;
    let found: Vec<(LiveBudget, Use)> = {
        let live = center.live();
        let running = live.unmetered_by_budget(moment::now());
        let seen = live.budgets().filter(|known| {
            let Budget { tenant, whose, .. } = known.budget;
            rule::is_seen(caller, tenant, whose)
        });
        let with_use =
            |known: &LiveBudget| (known.clone(), running.get(&known.budget.id).copied().unwrap_or_default());
        seen.map(with_use).collect()
    };
    let named = move |tx: &Tx| {
        let mut names = Names::of(tx);
        let of_one = |(known, running): (LiveBudget, Use)| {
            Ok(view(&known, running, names.tenant(known.budget.tenant)?.slug))
        };
        found.into_iter().map(of_one).collect::<Result<Vec<_>, store::StoreError>>()
    };
    let mut views = center.read(named).await?;
    let share =
        |one: &BudgetView| i128::from(one.spent + one.running) * 1_000_000 / i128::from(one.amount.max(1));
    views.sort_by_cached_key(|one| (-share(one), one.tenant_slug.clone(), one.name.clone(), one.id));
    Ok(views)
}

/// How many budgets the caller sees; `None` if none may be seen.
pub fn seen(center: &Center, caller: &Caller) -> Option<usize> {
    let scope = caller.scope().ok()?.tenant();
    center.policies.check(caller, READ, scope).ok()?;
    let live = center.live();
    Some(
        live.budgets().filter(|known| rule::is_seen(caller, known.budget.tenant, known.budget.whose)).count(),
    )
}

/// A budget that the caller sees, with its use that is not posted yet.
fn found(center: &Center, caller: &Caller, id: &str) -> Result<(LiveBudget, Use), AppError> {
    let id: BudgetId = params::id(id, "budget")?;
    let live = center.live();
    let known = live.budget(id).filter(|known| {
        let Budget { tenant, whose, .. } = known.budget;
        rule::is_seen(caller, tenant, whose)
    });
    let known = known.ok_or_else(|| AppError::not_found("budget", id))?;
    let running = live.unmetered_by_budget(moment::now()).remove(&id).unwrap_or_default();
    Ok((known.clone(), running))
}

/// A budget with what was spent of it, day by day and job by job.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct BudgetDetail {
    #[serde(flatten)]
    pub budget: BudgetView,
    /// What was posted on each of its last days.
    pub days: Vec<DaySpent>,
    /// The jobs that spent most.
    pub jobs: Vec<JobSpent>,
    /// The shares that people were told of, the newest first.
    pub told: Vec<ShareTold>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct DaySpent {
    /// `2026-11-30`, by the center's calendar.
    pub day: String,
    pub spent: i64,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct JobSpent {
    pub job: JobId,
    pub name: String,
    pub spent: i64,
}

/// A share that people were told of.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ShareTold {
    #[schema(value_type = u32)]
    pub share: u8,
    pub at: Rfc3339,
    pub spent: i64,
    /// The budget as it was then.
    pub amount: i64,
}

/// The most days that are told of.
const MOST_DAYS: i64 = 31;
/// The most jobs.
const MOST_JOBS: usize = 10;
/// The most alerts.
const MOST_TOLD: u32 = 20;

pub async fn show(center: &Center, caller: &Caller, id: &str) -> Result<BudgetDetail, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, READ, scope)?;
    let (known, running) = found(center, caller, id)?;
    let (zone, now) = (center.settings.time_zone, moment::now());
    center
        .read(move |tx| {
            let tenant_slug = Names::of(tx).tenant(known.budget.tenant)?.slug;
            let (days, jobs) = spent(tx, zone, &known, now)?;
            let told = rows::alerts(tx, known.budget.id, MOST_TOLD)?.into_iter().map(|told| ShareTold {
                share: told.share,
                at: told.at.into(),
                spent: told.spent,
                amount: told.limit,
            });
            let told = told.collect();
            Ok(BudgetDetail { budget: view(&known, running, tenant_slug), days, jobs, told })
        })
        .await
}

/// What is posted of a budget's stretch: on its last days, and by the jobs that spent most.
fn spent(
    tx: &Tx,
    zone: &Zone,
    known: &LiveBudget,
    now: Timestamp,
) -> Result<(Vec<DaySpent>, Vec<JobSpent>), store::StoreError> {
    let LiveBudget { budget, stretch, .. } = known;
    let last = zone.day(now);
    let first = zone.day(stretch.from).max(last - MOST_DAYS + 1);
    let mut by_day: BTreeMap<i64, i64> = (first..=last).map(|day| (day, 0)).collect();
    let mut by_job: BTreeMap<JobId, JobSpent> = BTreeMap::new();
    let interval = (stretch.from, books::until(*stretch));
    rows::each_spent(tx, budget.tenant, budget.whose, interval, |entry| {
        let amount = budget.amount(entry.spent.used, entry.spent.charged);
        if let Some(day) = by_day.get_mut(&zone.day(entry.at)) {
            *day += amount;
        }
        let new = JobSpent { job: entry.job, name: entry.job_name, spent: 0 };
        by_job.entry(entry.job).or_insert(new).spent += amount;
    })?;
    let day = |(day, spent)| DaySpent { day: zone.date(zone.day_begins(day)), spent };
    let mut jobs: Vec<JobSpent> = by_job.into_values().filter(|job| job.spent > 0).collect();
    jobs.sort_by_key(|job| (-job.spent, job.job));
    jobs.truncate(MOST_JOBS);
    Ok((by_day.into_iter().map(day).collect(), jobs))
}

/// A new budget.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBudget {
    /// `project` or `member`.
    #[schema(value_type = WhoseKind)]
    pub whose: String,
    /// The project's short name, or the member's login; or the id.
    pub name: String,
    /// The tenant's short name, for the center's people; the caller's own where left out.
    pub tenant: Option<String>,
    /// `month`: each calendar month anew; `total`: all from a day on.
    #[schema(value_type = SpanKind)]
    pub span: String,
    /// The day from which a total counts: a date, or the instant at which it begins. Today where left out.
    #[schema(value_type = Option<domain::schema::InstantOrNone>)]
    pub from: Option<String>,
    /// `micro_cny` or `card_ms`.
    #[schema(value_type = Unit)]
    pub unit: String,
    /// In millionths of a yuan, or card-milliseconds.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000i64)]
    pub amount: i64,
    /// The shares, in percent from 1 to 100, of which people are told; 50, 80 and 100 where left out.
    pub alerts: Option<Vec<i64>>,
    /// Whether runs end, and none starts, once it is used up; else it only tells.
    pub hard_stop: bool,
}

/// What of a budget is to be otherwise; what is left out stays.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetChange {
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 1_000_000_000_000_000i64)]
    pub amount: Option<i64>,
    pub alerts: Option<Vec<i64>>,
    pub hard_stop: Option<bool>,
}

fn amount(given: i64) -> Result<i64, AppError> {
    let most = params::MOST_AMOUNT;
    if (1..=most).contains(&given) {
        return Ok(given);
    }
    Err(AppError::invalid(field::BUDGET, Wrong::OutOfRange { of: Quantity::Number, given, least: 1, most }))
}

fn alerts(given: &[i64]) -> Result<Alerts, AppError> {
    if let Some(&given) = given.iter().find(|share| !(1..=100).contains(*share)) {
        let wrong = Wrong::OutOfRange { of: Quantity::Number, given, least: 1, most: 100 };
        return Err(AppError::invalid(field::ALERTS, wrong));
    }
    let (given, known) = (given.len(), Alerts::of(given.iter().copied()));
    let wrong = Wrong::Count { of: Things::Shares, given, least: 0, most: MOST_ALERTS };
    known.ok_or_else(|| AppError::invalid(field::ALERTS, wrong))
}

/// The span that a request names.
fn span(zone: &Zone, new: &NewBudget, now: Timestamp) -> Result<Span, AppError> {
    let from = new.from.as_deref().filter(|text| !text.is_empty());
    let kind = params::word(field::SPAN, &new.span, SpanKind::from_code, &SpanKind::ALL.map(SpanKind::code))?;
    match (kind, from) {
        (SpanKind::Month, Some(_)) => {
            Err(AppError::invalid(field::FROM, Wrong::NotBeside { other: field::SPAN }))
        }
        (SpanKind::Month, None) => Ok(Span::Month),
        (SpanKind::Total, None) => Ok(Span::Total { from: zone.day_begins(zone.day(now)) }),
        (SpanKind::Total, Some(text)) => {
            let from = params::parse_instant(zone, field::FROM, text)?;
            if zone.day_begins(zone.day(from)) != from {
                let wrong = Wrong::NotWholeDays { zone: zone.name().to_owned() };
                return Err(AppError::invalid(field::FROM, wrong));
            }
            Ok(Span::Total { from })
        }
    }
}

/// The project or member of a tenant that is named so.
fn whose(tx: &Tx, tenant: TenantId, kind: WhoseKind, name: &str) -> Result<Whose, AppError> {
    let is_it = |known: &str, id: String| known == name || id == name;
    let found = match kind {
        WhoseKind::Project => {
            let all = tenants::list_projects(tx, Some(tenant))?;
            all.iter().find(|one| is_it(&one.slug, one.id.to_string())).map(|one| Whose::Project(one.id))
        }
        WhoseKind::Member => {
            let all = tenants::list_members(tx, Some(tenant))?;
            all.iter().find(|one| is_it(&one.login, one.id.to_string())).map(|one| Whose::Member(one.id))
        }
    };
    found.ok_or_else(|| AppError::invalid(field::NAME, Wrong::NoSuch { given: name.to_owned() }))
}

/// What the audit log keeps of a budget.
fn detail(budget: &Budget, name: &str) -> Value {
    let shares: Vec<String> = budget.alerts.shares().iter().map(|share| format!("{share} %")).collect();
    json!({
        "whose": budget.whose.kind(), "name": name, "span": budget.span.kind(), "unit": budget.unit,
        "budget": budget.unit.exact(budget.limit), "shares": shares.join(", "), "hard_stop": budget.hard_stop,
    })
}

/// Makes a budget. It counts from the beginning of its span.
pub async fn make(center: &Center, caller: &Caller, new: NewBudget) -> Result<BudgetView, AppError> {
    let tenant = lookup::named_or_own_required(center, caller, new.tenant.as_deref()).await?;
    let may = center.policies.may(caller, MANAGE, Some(tenant))?;
    let (zone, now) = (center.settings.time_zone, moment::now());
    let known = WhoseKind::ALL.map(WhoseKind::code);
    let kind = params::word(field::WHOSE, &new.whose, WhoseKind::from_code, &known)?;
    let span = span(zone, &new, now)?;
    let unit = params::word(field::UNIT, &new.unit, Unit::from_code, &Unit::ALL.map(Unit::code))?;
    let limit = amount(new.amount)?;
    let alerts = alerts(new.alerts.as_deref().unwrap_or(&rule::USUAL_ALERTS))?;
    let (id, by) = (new_id!(BudgetId), caller.member.id);
    let (name, hard_stop) = (new.name, new.hard_stop);
    let work = move |tx: &Tx| {
        let whose = whose(tx, tenant, kind, &name)?;
        if rows::count(tx, tenant)? >= MOST_BUDGETS {
            return Err(Refused::TooManyBudgets { most: MOST_BUDGETS }.into());
        }
        let budget = Budget { id, tenant, whose, span, unit, limit, alerts, hard_stop, created_at: now };
        rows::insert(tx, &budget, by)?;
        let made = books::stands(tx, &mut books::Sums::default(), zone, budget, now)?;
        let slug = Names::of(tx).tenant(tenant)?.slug;
        let detail = detail(&made.budget, &made.name);
        Ok(Changed::new(id, detail, (made, slug)))
    };
    let effect = |center: &Center, (made, _): &(LiveBudget, String)| {
        center.live().budget_made(made.clone());
        look_again(center);
    };
    let (made, slug) = center.change(may, work, effect).await?;
    let running = center.live().unmetered_by_budget(now).remove(&id).unwrap_or_default();
    Ok(view(&made, running, slug))
}

/// What a budget binds is looked at anew.
fn look_again(center: &Center) {
    center.compute.wakers.meter();
    center.compute.wakers.plan();
}

/// Changes a budget. A share that is not reached any more is told of again.
pub async fn change(
    center: &Center,
    caller: &Caller,
    id: &str,
    change: BudgetChange,
) -> Result<BudgetView, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, READ, scope)?;
    let (known, running) = found(center, caller, id)?;
    let may = center.policies.may(caller, MANAGE, Some(known.budget.tenant))?;
    let new_amount = change.amount.map(amount).transpose()?;
    let new_alerts = change.alerts.as_deref().map(alerts).transpose()?;
    let (spent, from, name) = (known.spent_with(running), known.stretch.from, known.name.clone());
    let id = known.budget.id;
    let work = move |tx: &Tx| {
        let mut budget = rows::get(tx, id)?;
        budget.limit = new_amount.unwrap_or(budget.limit);
        budget.alerts = new_alerts.unwrap_or(budget.alerts);
        budget.hard_stop = change.hard_stop.unwrap_or(budget.hard_stop);
        rows::change(tx, &budget)?;
        let told = rows::told(tx, id, from)?;
        let unreached: Vec<u8> = told.into_iter().filter(|share| spent < budget.amount_of(*share)).collect();
        for share in &unreached {
            rows::forget(tx, id, from, *share)?;
        }
        let slug = Names::of(tx).tenant(budget.tenant)?.slug;
        let detail = detail(&budget, &name);
        Ok(Changed::new(id, detail, (budget, unreached, slug)))
    };
    let effect = |center: &Center, (budget, unreached, _): &(Budget, Vec<u8>, String)| {
        center.live().budget_changed(budget, unreached);
        look_again(center);
    };
    let (_, _, slug) = center.change(may, work, effect).await?;
    let (known, running) = found(center, caller, &id.to_string())?;
    Ok(view(&known, running, slug))
}

/// Takes a budget away: it binds nobody any more.
pub async fn end(center: &Center, caller: &Caller, id: &str) -> Result<(), AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, READ, scope)?;
    let (known, _) = found(center, caller, id)?;
    let may = center.policies.may(caller, MANAGE, Some(known.budget.tenant))?;
    let (now, id): (_, Id<_>) = (moment::now(), known.budget.id);
    let work = move |tx: &Tx| {
        rows::end(tx, id, now)?;
        let mut detail = detail(&known.budget, &known.name);
        detail["is_removed"] = json!(true);
        Ok(Changed::new(id, detail, ()))
    };
    let effect = move |center: &Center, (): &()| {
        center.live().budget_ended(id);
        look_again(center);
    };
    center.change(may, work, effect).await
}

/// What people gave back of a run's charge is taken off the budgets that count it.
pub fn given_back(center: &Center, back: &rows::GivenBack) {
    let charged = MicroCny(-back.amount.0);
    let part = (back.at, Use { charged, ..Use::default() });
    center.live().spend((back.project, back.member), &[part]);
    look_again(center);
}
