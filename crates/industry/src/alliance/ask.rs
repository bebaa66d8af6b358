//! Operations on alliances: listing and showing them, founding one, and setting how many idle cards one
//! lends.

use base::{auth::Caller, change::Changed, error::AppError, moment::new_id, params, text::Text};
use center::center::Center;
use domain::{AllianceId, Tenant, problem::field, tenant::Alliance};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::tenants as rows;

use super::rule::{MANAGE, READ};

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AllianceView {
    pub id: AllianceId,
    pub slug: String,
    pub name: Text,
    /// Short names of the tenants in it.
    pub tenants: Vec<String>,
    /// How many of its idle guaranteed cards its contracts lend to those outside of it; all of them where left out.
    pub lending_limit: Option<u32>,
}

/// An alliance to found.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAlliance {
    #[schema(value_type = domain::schema::Slug)]
    pub slug: String,
    pub name: Text,
    /// See [`AllianceView::lending_limit`].
    #[serde(default)]
    pub lending_limit: Option<u32>,
}

fn view(alliance: Alliance, tenants: &[Tenant]) -> AllianceView {
    let members = tenants.iter().filter(|tenant| tenant.alliance == Some(alliance.id));
    AllianceView {
        id: alliance.id,
        slug: alliance.slug,
        name: Text { zh: alliance.name_zh, en: alliance.name_en },
        tenants: members.map(|tenant| tenant.slug.clone()).collect(),
        lending_limit: alliance.lending_limit,
    }
}

/// All alliances, by short name.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<AllianceView>, AppError> {
    center.policies.check(caller, READ, None)?;
    let (alliances, tenants) =
        center.read(|tx| Ok((rows::list_alliances(tx)?, rows::list_tenants(tx)?))).await?;
    Ok(alliances.into_iter().map(|alliance| view(alliance, &tenants)).collect())
}

/// The alliance of that short name.
pub async fn show(center: &Center, caller: &Caller, slug: &str) -> Result<AllianceView, AppError> {
    let found = list(center, caller).await?.into_iter().find(|alliance| alliance.slug == slug);
    found.ok_or_else(|| AppError::not_found("alliance", slug))
}

/// Sets how many of its idle cards an alliance lends to tenants outside of it: `None` is all.
pub async fn set_lending(
    center: &Center,
    caller: &Caller,
    slug: &str,
    limit: Option<u32>,
) -> Result<AllianceView, AppError> {
    let may = center.policies.may(caller, MANAGE, None)?;
    let slug = slug.to_owned();
    let (alliance, tenants) = center
        .change(
            may,
            move |tx| {
                let found = rows::list_alliances(tx)?.into_iter().find(|alliance| alliance.slug == slug);
                let mut alliance = found.ok_or_else(|| AppError::not_found("alliance", &slug))?;
                rows::set_alliance_lending(tx, alliance.id, limit)?;
                alliance.lending_limit = limit;
                let detail = json!({ "slug": slug, "lending_limit": limit });
                Ok(Changed::new(alliance.id, detail, (alliance, rows::list_tenants(tx)?)))
            },
            |center, (alliance, _)| {
                center.live().alliance_changed(alliance);
                center.compute.wakers.plan();
            },
        )
        .await?;
    Ok(view(alliance, &tenants))
}

/// Gives an alliance other names. Its short name stays.
pub async fn rename(
    center: &Center,
    caller: &Caller,
    slug: &str,
    name: Text,
) -> Result<AllianceView, AppError> {
    let may = center.policies.may(caller, MANAGE, None)?;
    let name_zh = params::line::<128>(field::NAME_IN_ZH, name.zh)?;
    let name_en = params::line::<128>(field::NAME_IN_EN, name.en)?;
    let slug = slug.to_owned();
    let work = move |tx: &store::Tx| {
        let found = rows::list_alliances(tx)?.into_iter().find(|alliance| alliance.slug == slug);
        let found = found.ok_or_else(|| AppError::not_found("alliance", &slug))?;
        let alliance = Alliance { name_zh: name_zh.into(), name_en: name_en.into(), ..found };
        rows::set_alliance_names(tx, &alliance)?;
        let detail = json!({ "slug": slug, "name_zh": alliance.name_zh, "name_en": alliance.name_en });
        Ok(Changed::new(alliance.id, detail, (alliance, rows::list_tenants(tx)?)))
    };
    let (alliance, tenants) = center.change(may, work, |_, _| ()).await?;
    Ok(view(alliance, &tenants))
}

/// Founds an alliance.
pub async fn found(center: &Center, caller: &Caller, new: NewAlliance) -> Result<AllianceId, AppError> {
    let may = center.policies.may(caller, MANAGE, None)?;
    let NewAlliance { slug, name, lending_limit } = new;
    params::slug(&slug)?;
    let alliance = Alliance {
        id: new_id!(AllianceId),
        slug,
        name_zh: params::line::<128>(field::NAME_IN_ZH, name.zh)?.into(),
        name_en: params::line::<128>(field::NAME_IN_EN, name.en)?.into(),
        lending_limit,
    };
    let founded = center.change(
        may,
        move |tx| {
            rows::insert_alliance(tx, &alliance)?;
            let detail = json!({ "slug": alliance.slug });
            Ok(Changed::new(alliance.id, detail, alliance))
        },
        |center, alliance| center.live().alliance_changed(alliance),
    );
    founded.await.map(|alliance| alliance.id)
}
