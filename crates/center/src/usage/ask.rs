//! Use of an interval, by tenant, project, member and what else it can be added up by.

use std::{collections::BTreeMap, ops::Range};

use domain::{
    CardMs, JobId, MemberId, MicroCny, Month, PoolId, Rfc3339, ServiceClass, TenantId, Timestamp, Zone,
    problem::{Wrong, field},
};
use serde::{Deserialize, Serialize};
use store::{StoreError, Tx};

use crate::{
    actions,
    app::{
        csv::{self, quoted},
        statements::Format,
    },
    center::Center,
};
use base::{auth::Caller, error::AppError, moment, refusal::Refused};
use base::{lookup::Names, params};

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UsageQuery {
    /// A date, or the instant at which a day begins in the center's time zone. The last 30 days where left out.
    #[param(inline, value_type = Option<domain::schema::InstantOrNone>)]
    pub from: Option<String>,
    /// The first day no more, in the same way; today is the last one where left out.
    #[param(inline, value_type = Option<domain::schema::InstantOrNone>)]
    pub to: Option<String>,
    /// A whole month, such as `2026-11`, in place of `from` and `to`.
    #[param(inline, value_type = Option<domain::schema::MonthOrNone>)]
    pub month: Option<String>,
    /// `project` (where left out), `tenant`, `domain`, `member`, `class`, `pool` or `job`.
    #[param(inline, value_type = Option<GroupBy>)]
    pub group_by: Option<String>,
    /// `json` (where left out) or `csv`.
    #[param(inline, value_type = Option<Format>)]
    pub format: Option<String>,
}

domain::codes! {
    /// The things that use is added up by.
    #[derive(Default)]
    pub enum GroupBy {
        #[default]
        Project = "project",
        Tenant = "tenant",
        Domain = "domain",
        Member = "member",
        Class = "class",
        Pool = "pool",
        Job = "job",
    }
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct UsageView {
    pub from: Rfc3339,
    pub to: Rfc3339,
    pub group_by: GroupBy,
    pub rows: Vec<UsageRow>,
    pub total: UsageRow,
}

#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct UsageRow {
    /// The project, tenant, domain, member (by login), service class, pool or job.
    pub name: String,
    /// The job, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    pub tenant_slug: String,
    /// Runs that ended in the interval, of those that had begun: each counts once, as in statements.
    pub ended_runs: u64,
    /// Card time posted on the days of the interval, of runs that still run too.
    pub used_card_ms: CardMs,
    /// The charge for that card time.
    pub charge_micro_cny: MicroCny,
}

impl UsageRow {
    fn add(&mut self, runs: u64, used: CardMs, charge: MicroCny) {
        self.ended_runs += runs;
        self.used_card_ms += used;
        self.charge_micro_cny = MicroCny(self.charge_micro_cny.0.saturating_add(charge.0));
    }
}

/// The charges of each day of this month up to today, of all that the caller may see.
pub async fn charges_of_month(center: &Center, caller: &Caller) -> Result<Vec<MicroCny>, AppError> {
    let scope = may_read(center, caller)?;
    let (zone, now) = (center.settings.time_zone, moment::now());
    let days = days_of(zone, zone.month(now), now);
    center.read(move |tx| store::usage::charges_by_day(tx, scope, days)).await
}

/// Whose use the caller may read.
fn may_read(center: &Center, caller: &Caller) -> Result<Option<TenantId>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_USAGE, scope)?;
    Ok(scope)
}

/// The days of a month that are not to come.
fn days_of(zone: &Zone, month: Month, now: Timestamp) -> Range<i64> {
    let (first, beyond) = zone.bounds(month);
    zone.day(first)..zone.day(beyond).min(zone.day(now) + 1)
}

pub async fn usage(center: &Center, caller: &Caller, query: UsageQuery) -> Result<UsageView, AppError> {
    let scope = may_read(center, caller)?;
    let group = match query.group_by.as_deref() {
        None | Some("") => GroupBy::default(),
        Some(text) => group_by(text)?,
    };
    let zone = center.settings.time_zone;
    let query = of_month(zone, query)?;
    let days = days(zone, query.from.as_deref(), query.to.as_deref(), moment::now())?;
    let mut views = center.try_read(move |tx| sums(tx, zone, scope, &[group], days)).await?;
    views.pop().ok_or_else(|| AppError::internal("use was added up by nothing"))
}

fn group_by(text: &str) -> Result<GroupBy, AppError> {
    params::word(field::GROUP_BY, text, GroupBy::from_code, &GroupBy::ALL.map(GroupBy::code))
}

/// How many months a page offers.
const MONTHS: usize = 12;

/// A month's use, as a page shows it.
#[derive(Clone, Debug)]
pub struct MonthOfUse {
    pub month: Month,
    /// The months that there may be use of, the newest first.
    pub months: Vec<Month>,
    /// The charges of its days, up to today.
    pub days: Vec<MicroCny>,
    pub total: UsageRow,
    /// Its use by the thing that was asked for, the dearest first.
    pub view: UsageView,
    /// The things that it can be added up by.
    pub groups: Vec<GroupBy>,
}

/// The use of a month by one thing, a project where none is named; of this month where none is.
pub async fn month(center: &Center, caller: &Caller, wanted: &str, by: &str) -> Result<MonthOfUse, AppError> {
    let scope = may_read(center, caller)?;
    let (zone, now) = (center.settings.time_zone, moment::now());
    let month = if wanted.is_empty() { zone.month(now) } else { parse_month(wanted)? };
    let days = days_of(zone, month, now);
    if days.is_empty() {
        return Err(AppError::invalid(field::MONTH, Wrong::InTheFuture));
    }
    let mut groups = vec![GroupBy::Project, GroupBy::Member, GroupBy::Job, GroupBy::Class, GroupBy::Pool];
    if scope.is_none() {
        groups.splice(0..0, [GroupBy::Domain, GroupBy::Tenant]);
    }
    let by = if by.is_empty() { GroupBy::default() } else { group_by(by)? };
    let found = center.try_read(move |tx| -> Result<_, AppError> {
        let first = store::contracts::list_contracts(tx, scope)?.iter().map(|one| one.starts_at).min();
        let charges = store::usage::charges_by_day(tx, scope, days.clone())?;
        Ok((first, charges, sums(tx, zone, scope, &[by], days)?))
    });
    let (first, charges, mut views) = found.await?;
    let mut view = views.pop().ok_or_else(|| AppError::internal("use was added up by nothing"))?;
    // The order of names stays among equals.
    view.rows.sort_by_key(|row| (-row.charge_micro_cny.0, -row.used_card_ms.0));
    let first = first.map_or(month, |at| zone.month(at)).min(month);
    let back = |from: Month| std::iter::successors(Some(from), |month| Some(month.before()));
    let months = back(zone.month(now)).take_while(|month| *month >= first).take(MONTHS).collect();
    Ok(MonthOfUse { month, months, days: charges, total: view.total.clone(), view, groups })
}

/// The use of some days, by one thing after the other.
fn sums(
    tx: &Tx,
    zone: &Zone,
    scope: Option<TenantId>,
    groups: &[GroupBy],
    days: Range<i64>,
) -> Result<Vec<UsageView>, AppError> {
    let interval = (zone.day_begins(days.start), zone.day_begins(days.end));
    let kept = |group: GroupBy| matches!(group, GroupBy::Project | GroupBy::Tenant | GroupBy::Domain);
    let others: Vec<GroupBy> = groups.iter().copied().filter(|group| !kept(*group)).collect();
    let mut by_entries = by_entries(tx, scope, &others, interval)?.into_iter();
    let mut views = Vec::with_capacity(groups.len());
    for group in groups.iter().copied() {
        let sums =
            if kept(group) { Some(by_days(tx, scope, group, days.clone())?) } else { by_entries.next() };
        let Sums { rows, total } = sums.unwrap_or_default();
        let rows = rows.into_values().collect();
        let (from, to) = (interval.0.into(), interval.1.into());
        views.push(UsageView { from, to, group_by: group, rows, total });
    }
    Ok(views)
}

/// Use by one thing: by tenant, name and job.
struct Sums {
    rows: BTreeMap<(String, String, Option<JobId>), UsageRow>,
    total: UsageRow,
}

impl Default for Sums {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), total: UsageRow { name: "total".into(), ..UsageRow::default() } }
    }
}

impl Sums {
    fn row(&mut self, name: String, tenant_slug: String, job: Option<JobId>) -> &mut UsageRow {
        let key = (tenant_slug.clone(), name.clone(), job);
        self.rows.entry(key).or_insert_with(|| UsageRow { name, job, tenant_slug, ..UsageRow::default() })
    }
}

/// Use by what a sum is kept of for each day.
fn by_days(
    tx: &Tx,
    scope: Option<TenantId>,
    group_by: GroupBy,
    days: Range<i64>,
) -> Result<Sums, StoreError> {
    let mut names = Names::of(tx);
    let mut sums = Sums::default();
    for used in store::usage::use_between(tx, scope, days)? {
        let tenant = names.tenant(used.tenant)?;
        let (name, slug) = match group_by {
            GroupBy::Domain => (tenant.domain.code().to_owned(), String::new()),
            GroupBy::Tenant => (tenant.slug.clone(), tenant.slug),
            _ => (names.project(used.project)?, tenant.slug),
        };
        sums.row(name, slug, None).add(used.runs, used.used, used.charged);
        sums.total.add(used.runs, used.used, used.charged);
    }
    Ok(sums)
}

/// The most groups that are told.
const MOST_ROWS: usize = 100_000;

/// What the use of a row is of.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Member(MemberId),
    Class(ServiceClass),
    Pool(PoolId),
    Job(JobId),
}

/// Use by what no sum is kept for: from the entries of the interval, which are read once.
fn by_entries(
    tx: &Tx,
    scope: Option<TenantId>,
    groups: &[GroupBy],
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Sums>, AppError> {
    let mut all: Vec<Sums> = groups.iter().map(|_| Sums::default()).collect();
    if groups.is_empty() {
        return Ok(all);
    }
    let mut names = Names::of(tx);
    let pools: BTreeMap<PoolId, String> =
        store::pools::list_pools(tx)?.into_iter().map(|pool| (pool.id, pool.name)).collect();
    for contract in store::contracts::list_contracts(tx, scope)? {
        let slug = names.tenant(contract.tenant)?.slug;
        let mut entries: Vec<BTreeMap<Key, UsageRow>> = groups.iter().map(|_| BTreeMap::new()).collect();
        store::usage::each_use(tx, contract.id, from, to, |entry| {
            for ((group, rows), sums) in groups.iter().zip(&mut entries).zip(&mut all) {
                let key = match group {
                    GroupBy::Member => Key::Member(entry.member),
                    GroupBy::Class => Key::Class(entry.class),
                    GroupBy::Pool => Key::Pool(entry.pool),
                    _ => Key::Job(entry.job),
                };
                let of_job = || UsageRow { name: entry.job_name.clone(), ..UsageRow::default() };
                rows.entry(key).or_insert_with(of_job).add(entry.ended.into(), entry.used, entry.charged);
                sums.total.add(entry.ended.into(), entry.used, entry.charged);
            }
        })?;
        for (rows, sums) in entries.into_iter().zip(&mut all) {
            for (key, row) in rows {
                let (name, job) = match key {
                    Key::Member(member) => (names.login(member)?, None),
                    Key::Class(class) => (class.code().to_owned(), None),
                    Key::Pool(pool) => (pools.get(&pool).cloned().unwrap_or_default(), None),
                    Key::Job(job) => (row.name, Some(job)),
                };
                let kept = sums.row(name, slug.clone(), job);
                kept.add(row.ended_runs, row.used_card_ms, row.charge_micro_cny);
            }
            if sums.rows.len() > MOST_ROWS {
                return Err(Refused::TooManyRows { most: MOST_ROWS }.into());
            }
        }
    }
    Ok(all)
}

fn parse_month(text: &str) -> Result<Month, AppError> {
    text.parse().map_err(|_| AppError::invalid(field::MONTH, Wrong::NotAMonth { given: text.to_owned() }))
}

/// A month as its first day and the first of the next.
fn of_month(zone: &Zone, mut query: UsageQuery) -> Result<UsageQuery, AppError> {
    let Some(text) = query.month.take().filter(|text| !text.is_empty()) else { return Ok(query) };
    let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    if given(&query.from) || given(&query.to) {
        return Err(AppError::invalid(field::MONTH, Wrong::NotBeside { other: field::FROM }));
    }
    let (from, to) = zone.bounds(parse_month(&text)?);
    Ok(UsageQuery { from: Some(from.to_string()), to: Some(to.to_string()), ..query })
}

/// The form of the answer; `csv_accepted` where the request says nothing itself.
pub fn format(query: &UsageQuery, csv_accepted: bool) -> Result<Format, AppError> {
    match query.format.as_deref() {
        None | Some("") if csv_accepted => Ok(Format::Csv),
        None | Some("") => Ok(Format::Json),
        Some(text) => params::word(field::FORMAT, text, Format::from_code, &Format::ALL.map(Format::code)),
    }
}

/// The use as CSV: integers, instants in UTC.
pub fn as_csv(view: &UsageView) -> String {
    let mut out =
        String::from("from,to,tenant,group_by,name,job,ended_runs,used_card_ms,charge_micro_cny\r\n");
    for row in &view.rows {
        let job = row.job.map(|job| job.to_string()).unwrap_or_default();
        let numbers =
            [row.ended_runs.to_string(), row.used_card_ms.0.to_string(), row.charge_micro_cny.0.to_string()];
        let [runs, used, charge] = numbers;
        let fields = [
            view.from.to_string(),
            view.to.to_string(),
            quoted(&row.tenant_slug),
            view.group_by.code().to_owned(),
            quoted(&row.name),
            job,
            runs,
            used,
            charge,
        ];
        out.push_str(&csv::row(&fields));
    }
    out
}

/// How many days are told of where nothing is said.
const DAYS: i64 = 30;

/// The days that are asked for: whole ones, since use is kept by the day. Days to come are left out.
fn days(zone: &Zone, from: Option<&str>, to: Option<&str>, now: Timestamp) -> Result<Range<i64>, AppError> {
    let tomorrow = zone.day(now) + 1;
    let day = |field, text: Option<&str>| -> Result<Option<i64>, AppError> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
        let at = params::parse_instant(zone, field, text)?;
        let day = zone.day(at);
        if zone.day_begins(day) != at {
            return Err(AppError::invalid(field, Wrong::NotWholeDays { zone: zone.name().to_owned() }));
        }
        Ok(Some(day))
    };
    let end = day(field::TO, to)?.map_or(tomorrow, |day| day.min(tomorrow));
    let start = day(field::FROM, from)?.unwrap_or(end - DAYS);
    if start >= tomorrow {
        return Err(AppError::invalid(field::FROM, Wrong::InTheFuture));
    }
    if start >= end {
        return Err(AppError::invalid(field::TO, Wrong::NotAfter { other: field::FROM }));
    }
    Ok(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_is_told_by_whole_days_and_no_other_words() {
        let zone = Zone::default();
        let now = "2026-11-29T17:00:00Z".parse().unwrap();
        let told = |from, to| {
            days(&zone, from, to, now).ok().map(|days| {
                let at = |day| zone.clock(zone.day_begins(day))[..10].to_owned();
                (at(days.start), at(days.end))
            })
        };
        let want = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
        assert_eq!(told(None, None), want("2026-11-01", "2026-12-01"));
        assert_eq!(told(Some("2026-11-29"), None), want("2026-11-29", "2026-12-01"));
        assert_eq!(told(Some("2026-11-28"), Some("2026-11-28T16:00:00Z")), want("2026-11-28", "2026-11-29"));
        assert_eq!(told(None, Some("2030-01-01")), want("2026-11-01", "2026-12-01"));
        for (from, to) in [
            (Some("2026-11-29T01:00:00Z"), Some("2026-11-29T01:00:01Z")),
            (Some("2026-12-01"), None),
            (Some("2030-01-01"), Some("2031-01-01")),
            (Some("2026-11-28"), Some("2026-11-28")),
            (Some("2026-11-28"), Some("2026-11-27")),
            (Some("soon"), None),
        ] {
            assert_eq!(told(from, to), None, "{from:?} {to:?}");
        }
    }
}
