//! Use of an interval, by tenant, project or domain.

use std::{collections::BTreeMap, ops::Range};

use domain::{
    CardMs, JobId, MemberId, MicroCny, Month, PoolId, Rfc3339, TenantId, Timestamp, Zone,
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
    /// `project` (where left out), `tenant`, `domain`, `member`, `pool` or `job`.
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
    /// The project, tenant, domain, member (by login), pool or job.
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
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_USAGE, scope)?;
    let (zone, now) = (center.settings.time_zone, moment::now());
    let days = zone.day(zone.bounds(zone.month(now)).0)..zone.day(now) + 1;
    center.read(move |tx| store::usage::charges_by_day(tx, scope, days)).await
}

pub async fn usage(center: &Center, caller: &Caller, query: UsageQuery) -> Result<UsageView, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_USAGE, scope)?;
    let group_by = match query.group_by.as_deref() {
        None | Some("") => GroupBy::default(),
        Some(text) => {
            params::word(field::GROUP_BY, text, GroupBy::from_code, &GroupBy::ALL.map(GroupBy::code))?
        }
    };
    let zone = center.settings.time_zone;
    let query = of_month(zone, query)?;
    let days = days(zone, query.from.as_deref(), query.to.as_deref(), moment::now())?;
    let (from, to) = (zone.day_begins(days.start), zone.day_begins(days.end));
    if matches!(group_by, GroupBy::Member | GroupBy::Pool | GroupBy::Job) {
        let view = center.try_read(move |tx| by_entries(tx, scope, group_by, (from, to))).await?;
        return Ok(view);
    }
    let used = center
        .read(move |tx| {
            let mut names = Names::of(tx);
            let used = store::usage::use_between(tx, scope, days)?.into_iter();
            let with_names =
                used.map(|row| Ok((names.tenant(row.tenant)?, names.project(row.project)?, row)));
            with_names.collect::<Result<Vec<_>, StoreError>>()
        })
        .await?;
    let mut rows: BTreeMap<(String, String), UsageRow> = BTreeMap::new();
    let mut total = UsageRow { name: "total".into(), ..UsageRow::default() };
    for (tenant, project, row) in used {
        let (name, tenant_slug) = match group_by {
            GroupBy::Domain => (tenant.domain.code().to_owned(), String::new()),
            GroupBy::Tenant => (tenant.slug.clone(), tenant.slug),
            GroupBy::Project | GroupBy::Member | GroupBy::Pool | GroupBy::Job => (project, tenant.slug),
        };
        total.add(row.runs, row.used, row.charged);
        let key = (tenant_slug.clone(), name.clone());
        let entry = rows.entry(key).or_insert_with(|| UsageRow { name, tenant_slug, ..UsageRow::default() });
        entry.add(row.runs, row.used, row.charged);
    }
    Ok(UsageView { from: from.into(), to: to.into(), group_by, rows: rows.into_values().collect(), total })
}

/// The most groups that are told.
const MOST_ROWS: usize = 100_000;

/// What the use of a row is of: a member, a pool or a job.
type Key = (Option<MemberId>, Option<PoolId>, Option<JobId>);

/// Use by what no sum is kept for: from the entries of the interval.
fn by_entries(
    tx: &Tx,
    scope: Option<TenantId>,
    group_by: GroupBy,
    (from, to): (Timestamp, Timestamp),
) -> Result<UsageView, AppError> {
    let mut names = Names::of(tx);
    let pools: BTreeMap<PoolId, String> =
        store::pools::list_pools(tx)?.into_iter().map(|pool| (pool.id, pool.name)).collect();
    let mut rows: BTreeMap<(String, String, Option<JobId>), UsageRow> = BTreeMap::new();
    let mut total = UsageRow { name: "total".into(), ..UsageRow::default() };
    for contract in store::contracts::list_contracts(tx, scope)? {
        let slug = names.tenant(contract.tenant)?.slug;
        let mut entries: BTreeMap<Key, UsageRow> = BTreeMap::new();
        store::usage::each_use(tx, contract.id, from, to, |entry| {
            let key = match group_by {
                GroupBy::Member => (Some(entry.member), None, None),
                GroupBy::Pool => (None, Some(entry.pool), None),
                _ => (None, None, Some(entry.job)),
            };
            let row = entries
                .entry(key)
                .or_insert_with(|| UsageRow { name: entry.job_name, ..UsageRow::default() });
            row.add(entry.ended.into(), entry.used, entry.charged);
            total.add(entry.ended.into(), entry.used, entry.charged);
        })?;
        for ((member, pool, job), row) in entries {
            let name = match (member, pool) {
                (Some(member), _) => names.login(member)?,
                (None, Some(pool)) => pools.get(&pool).cloned().unwrap_or_default(),
                (None, None) => row.name,
            };
            let key = (slug.clone(), name.clone(), job);
            let kept = rows.entry(key).or_insert_with(|| UsageRow {
                name,
                tenant_slug: slug.clone(),
                job,
                ..UsageRow::default()
            });
            kept.add(row.ended_runs, row.used_card_ms, row.charge_micro_cny);
        }
        if rows.len() > MOST_ROWS {
            return Err(Refused::TooManyRows { most: MOST_ROWS }.into());
        }
    }
    Ok(UsageView { from: from.into(), to: to.into(), group_by, rows: rows.into_values().collect(), total })
}

/// A month as its first day and the first of the next.
fn of_month(zone: &Zone, mut query: UsageQuery) -> Result<UsageQuery, AppError> {
    let Some(text) = query.month.take().filter(|text| !text.is_empty()) else { return Ok(query) };
    let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    if given(&query.from) || given(&query.to) {
        return Err(AppError::invalid(field::MONTH, Wrong::NotBeside { other: field::FROM }));
    }
    let month: Month =
        text.parse().map_err(|_| AppError::invalid(field::MONTH, Wrong::NotAMonth { given: text }))?;
    let (from, to) = zone.bounds(month);
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
