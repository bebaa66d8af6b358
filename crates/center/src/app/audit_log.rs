//! Reading the audit log.

use domain::{
    AuditId, Rfc3339, Role, TenantId, Timestamp,
    problem::{Field, field},
};
use serde::Serialize;
use serde_json::Value;
use store::{StoreError, audit};

use crate::{actions, center::Center};
use base::{auth::Caller, error::AppError};
use base::{
    listing::{Listing, Total},
    lookup::{Names, named_or_own},
    text::Text,
};

/// A line of the audit log.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AuditView {
    pub id: AuditId,
    pub at: Rfc3339,
    /// The login, or `center`.
    pub actor: String,
    /// The actor's role, or `center`.
    pub role: String,
    pub tenant: Option<TenantId>,
    /// The tenant's name, for pages.
    #[serde(skip)]
    pub owner: Option<Text>,
    pub action: String,
    pub subject: String,
    pub from: String,
    #[schema(value_type = Object)]
    pub detail: Value,
}

/// Which lines to list.
#[derive(Clone, Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// Only this action.
    pub action: Option<String>,
    /// Only this login; `center` for what the center did by itself.
    pub actor: Option<String>,
    /// Only this tenant's things, by its short name.
    pub tenant: Option<String>,
    /// RFC 3339, or a date. The first instant, and the first one no more.
    #[param(inline, value_type = Option<domain::schema::InstantOrNone>)]
    pub from: Option<String>,
    #[param(inline, value_type = Option<domain::schema::InstantOrNone>)]
    pub to: Option<String>,
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// Also say how many there are on all pages.
    pub total: Option<bool>,
}

/// The most lines that are counted.
const MOST_COUNTED: u64 = 10_000;

/// Newest first; the whole log for the center's people, their own tenant's for its administrators.
pub async fn list(
    center: &Center,
    caller: &Caller,
    filter: AuditQuery,
) -> Result<Listing<AuditView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_AUDIT, scope)?;
    let after = base::params::parse_cursor::<AuditId>(filter.cursor.as_deref())?;
    let limit = base::params::page_limit(filter.limit)?;
    let tenant = named_or_own(center, caller, filter.tenant.as_deref()).await?;
    let [from, until] = [(field::FROM, &filter.from), (field::TO, &filter.to)]
        .map(|(field, text)| instant(center, field, text.as_deref()));
    let (from, until) = (from?, until?);
    let login = filter.actor.filter(|login| !login.is_empty());
    let with_total = filter.total == Some(true);
    let (rows, total) = center
        .read(move |tx| {
            let is_by_center = login.as_deref() == Some("center");
            let (actor, person) = match &login {
                None => (None, None),
                Some(_) if is_by_center => (None, None),
                Some(login) => match store::tenants::find_login(tx, login)? {
                    // One member is found faster than several.
                    Some((person, _)) => match &*store::tenants::memberships_of(tx, person.id)? {
                        [member] => (Some(member.id), None),
                        _ => (None, Some(person.id)),
                    },
                    None => return Ok((Vec::new(), with_total.then_some((0, false)))),
                },
            };
            let action = filter.action.filter(|action| !action.is_empty());
            let filter = audit::AuditFilter { tenant, actor, person, is_by_center, action, from, until };
            let total = with_total.then(|| audit::count(tx, &filter, MOST_COUNTED)).transpose()?;
            let mut names = Names::of(tx);
            let rows = audit::list(tx, &filter, after, limit + 1)?.into_iter();
            let with_owners = rows.map(|row| {
                let owner = row.tenant.map(|id| names.tenant(id)).transpose()?;
                Ok((row, owner.map(|owner| owner.name)))
            });
            Ok((with_owners.collect::<Result<Vec<_>, StoreError>>()?, total))
        })
        .await?;
    let page = Listing::cut(rows, limit, |(row, _)| row.id.to_string());
    let page = Listing { total: total.map(|(count, and_more)| Total { count, and_more }), ..page };
    Ok(page.map(|(row, owner)| AuditView {
        id: row.id,
        at: row.at.into(),
        actor: row.actor_login,
        role: row.role.map_or("center", Role::code).to_owned(),
        tenant: row.tenant,
        owner,
        action: row.action,
        subject: row.subject,
        from: row.from_address,
        detail: row.detail,
    }))
}

/// An instant of a filter, if one was given.
fn instant(center: &Center, field: Field, text: Option<&str>) -> Result<Option<Timestamp>, AppError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    base::params::parse_instant(center.settings.time_zone, field, text).map(Some)
}
