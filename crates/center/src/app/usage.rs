//! Use of an interval, by tenant, project or domain.

use std::collections::BTreeMap;

use domain::{CardMs, MicroCny, Rfc3339, Timestamp, problem::field};
use serde::{Deserialize, Serialize};
use store::StoreError;

use crate::{actions, center::Center};
use base::{auth::Caller, error::AppError, moment};
use base::{lookup::Names, params};

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct UsageQuery {
    /// RFC 3339, or a date; counted in whole days (UTC). The last 30 days where left out.
    pub from: Option<String>,
    pub to: Option<String>,
    /// `project` (where left out), `tenant` or `domain`.
    pub group_by: Option<String>,
}

domain::codes! {
    /// The things that use is added up by.
    #[derive(Default)]
    pub enum GroupBy {
        #[default]
        Project = "project",
        Tenant = "tenant",
        Domain = "domain",
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
    /// The project, tenant or domain.
    pub name: String,
    pub tenant_slug: String,
    /// Runs that ended in the interval.
    pub runs: u64,
    /// Card time metered on the days (UTC) of the interval, of runs that still run too.
    pub used_card_ms: CardMs,
    /// What that card time costs.
    pub charge_micro_cny: MicroCny,
}

impl UsageRow {
    fn add(&mut self, runs: u64, used: CardMs, charge: MicroCny) {
        self.runs += runs;
        self.used_card_ms += used;
        self.charge_micro_cny = MicroCny(self.charge_micro_cny.0.saturating_add(charge.0));
    }
}

/// The charges of each day (UTC) from `from` up to now, of all that the caller may see.
pub async fn charges_by_day(
    center: &Center,
    caller: &Caller,
    from: Timestamp,
) -> Result<Vec<MicroCny>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_USAGE, scope)?;
    let now = moment::now();
    center.read(move |tx| store::usage::charges_by_day(tx, scope, from, now)).await
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
    let (from, to) = params::interval(query.from.as_deref(), query.to.as_deref(), 30 * 24, moment::now())?;
    let used = center
        .read(move |tx| {
            let mut names = Names::of(tx);
            let used = store::usage::use_between(tx, scope, from, to)?.into_iter();
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
            GroupBy::Project => (project, tenant.slug),
        };
        total.add(row.runs, row.used, row.charged);
        let key = (tenant_slug.clone(), name.clone());
        let entry = rows.entry(key).or_insert_with(|| UsageRow { name, tenant_slug, ..UsageRow::default() });
        entry.add(row.runs, row.used, row.charged);
    }
    Ok(UsageView { from: from.into(), to: to.into(), group_by, rows: rows.into_values().collect(), total })
}
