//! What can be asked of secrets. Nothing gives a value back.

use base::{auth::Caller, change::Changed, error::AppError, lookup::Names, moment, params, refusal::Refused};
use domain::{
    Rfc3339, TenantId,
    limits::is_secret_name,
    problem::{JobFault, Wrong, field},
    spec::MAX_SECRET_CHARS,
    text::{InvalidLine, LineFault},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    secrets::{self as rows, SecretRow, SecretScope},
    tenants,
};

use super::rule;
use crate::{
    center::Center,
    notices::vault::{self, Opened},
};

/// A secret: its name and whose it is.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SecretView {
    pub name: String,
    pub scope: SecretScope,
    /// The project's short name, where it is a project's.
    pub project: Option<String>,
    pub changed_by_login: String,
    pub changed_at: Rfc3339,
}

/// Whose secret of one's tenant is meant.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Whose {
    /// `tenant`, `project` or `person`; where left out, `project` if one is named and `person` otherwise.
    pub scope: Option<String>,
    /// The project's short name, for the scope `project`.
    pub project: Option<String>,
}

/// A secret to keep, in place of one of the same name and scope.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    #[schema(value_type = domain::schema::SecretName)]
    pub name: String,
    /// `tenant`, `project` or `person`; where left out, `project` if one is named and `person` otherwise.
    #[schema(value_type = Option<SecretScope>)]
    pub scope: Option<String>,
    pub project: Option<String>,
    /// Text, which is never shown again.
    #[schema(write_only, min_length = 1, max_length = 16384)]
    pub value: String,
}

impl std::fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSecret").field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Rotated {
    /// How many secrets are sealed under the new key.
    pub secrets: u64,
}

/// The tenant's secrets, those of its projects, and the caller's own.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<SecretView>, AppError> {
    let tenant = own_tenant(caller)?;
    center.policies.check(caller, rule::READ, Some(tenant))?;
    let own = *caller.member.id.as_bytes();
    center
        .read(move |tx| {
            let projects = tenants::list_projects(tx, Some(tenant))?;
            let mut names = Names::of(tx);
            let most = u32::try_from(rule::MOST_OF_TENANT).unwrap_or(u32::MAX);
            let mut views = Vec::new();
            for row in rows::list_of(tx, tenant, most)? {
                if row.scope == SecretScope::Person && row.owner != own {
                    continue;
                }
                let project = projects.iter().find(|project| *project.id.as_bytes() == row.owner);
                views.push(SecretView {
                    project: project.map(|project| project.slug.clone()),
                    changed_by_login: names.login(row.changed_by)?,
                    changed_at: Rfc3339(row.changed_at),
                    name: row.name,
                    scope: row.scope,
                });
            }
            Ok(views)
        })
        .await
}

fn own_tenant(caller: &Caller) -> Result<TenantId, AppError> {
    caller.member.tenant.ok_or(AppError::Forbidden { action: rule::READ.code() })
}

/// Whose secret is meant.
struct Owner {
    id: [u8; 16],
    scope: SecretScope,
    project: Option<String>,
}

async fn owner_of(
    center: &Center,
    caller: &Caller,
    tenant: TenantId,
    name: &str,
    whose: &Whose,
) -> Result<Owner, AppError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let project = given(&whose.project);
    let known = SecretScope::ALL.map(SecretScope::code);
    let scope = match given(&whose.scope) {
        Some(text) => params::word(field::SCOPE, &text, SecretScope::from_code, &known)?,
        None if project.is_some() => SecretScope::Project,
        None => SecretScope::Person,
    };
    if !is_secret_name(name) {
        let name = name.to_owned();
        return Err(AppError::invalid(field::NAME, JobFault::SecretName { name }));
    }
    let id = match (scope, &project) {
        (SecretScope::Project, Some(slug)) => {
            let wanted = slug.clone();
            let found = center.read(move |tx| tenants::find_project(tx, tenant, &wanted)).await?;
            *found.ok_or_else(|| AppError::not_found("project", slug))?.id.as_bytes()
        }
        (SecretScope::Project, None) => {
            return Err(AppError::invalid(field::PROJECT, JobFault::ProjectNotNamed { own: Vec::new() }));
        }
        (_, Some(slug)) => {
            let fault = JobFault::NoSuchProject { slug: slug.clone(), own: Vec::new() };
            return Err(AppError::invalid(field::PROJECT, fault));
        }
        (SecretScope::Tenant, None) => *tenant.as_bytes(),
        (SecretScope::Person, None) => *caller.member.id.as_bytes(),
    };
    Ok(Owner { id, scope, project })
}

fn action_on(scope: SecretScope) -> base::auth::Action {
    if scope == SecretScope::Person { rule::KEEP_OWN } else { rule::KEEP }
}

/// Keeps a secret.
pub async fn set(center: &Center, caller: &Caller, new: NewSecret) -> Result<(), AppError> {
    let tenant = own_tenant(caller)?;
    // Before anything is looked at: whoever may not even list them may set none.
    center.policies.check(caller, rule::READ, Some(tenant))?;
    let NewSecret { name, scope, project, value } = new;
    let owner = owner_of(center, caller, tenant, &name, &Whose { scope, project }).await?;
    let may = center.policies.may(caller, action_on(owner.scope), Some(tenant))?;
    if value.contains('\0') {
        return Err(AppError::invalid(field::VALUE, Wrong::HasNul));
    }
    let chars = value.chars().count();
    if chars == 0 {
        let empty = InvalidLine { most: MAX_SECRET_CHARS, fault: LineFault::Empty };
        return Err(AppError::invalid(field::VALUE, Wrong::Line(empty)));
    }
    if chars > MAX_SECRET_CHARS {
        return Err(AppError::invalid(field::VALUE, Wrong::TooLong { chars, most: MAX_SECRET_CHARS }));
    }
    let (by, at) = (caller.member.id, moment::now());
    let for_write = center.clone();
    center
        .change(
            may,
            move |tx| {
                let known = rows::find(tx, &owner.id, &name)?;
                if known.is_none() && rows::count_of(tx, tenant)? >= rule::MOST_OF_TENANT {
                    return Err(Refused::TooManySecrets { most: rule::MOST_OF_TENANT }.into());
                }
                let is_new = vault::is_new(tx)?;
                let key = for_write.compute.keyring.in_use(&for_write.settings, is_new)?;
                let sealed = key.seal(&owner.id, &name, &value, moment::random());
                let detail = json!({ "name": name, "scope": owner.scope.code(), "project": owner.project });
                let row = SecretRow {
                    owner: owner.id,
                    name: name.clone(),
                    tenant,
                    scope: owner.scope,
                    sealed,
                    key: key.name(),
                    changed_by: by,
                    changed_at: at,
                };
                rows::put(tx, &row)?;
                Ok(Changed::new(name, detail, ()))
            },
            |_, ()| {},
        )
        .await
}

/// Removes a secret. Runs that have it keep it; jobs that name it and have not started fail with the reason.
pub async fn remove(center: &Center, caller: &Caller, name: String, whose: Whose) -> Result<(), AppError> {
    let tenant = own_tenant(caller)?;
    center.policies.check(caller, rule::READ, Some(tenant))?;
    let owner = owner_of(center, caller, tenant, &name, &whose).await?;
    let may = center.policies.may(caller, action_on(owner.scope), Some(tenant))?;
    center
        .change(
            may,
            move |tx| {
                if !rows::delete(tx, &owner.id, &name)? {
                    return Err(AppError::not_found("secret", name));
                }
                let detail = json!({ "name": name, "scope": owner.scope.code(), "project": owner.project,
                    "is_removed": true });
                Ok(Changed::new(name, detail, ()))
            },
            |_, ()| {},
        )
        .await
}

/// Seals all secrets under a new key. The old one is gone then, but for copies that somebody made.
pub async fn rotate_key(center: &Center, caller: &Caller) -> Result<Rotated, AppError> {
    let may = center.policies.may(caller, rule::ROTATE, None)?;
    let for_write = center.clone();
    let (secrets, key) = center
        .change(
            may,
            move |tx| {
                let (keyring, settings) = (&for_write.compute.keyring, &for_write.settings);
                let all = rows::list(tx)?;
                let others = Opened::of(&for_write, tx)?;
                let opened =
                    all.iter().map(|row| keyring.open(settings, row)).collect::<Result<Vec<_>, _>>()?;
                // On the disk before anything is sealed under it.
                let key = keyring.add(settings)?;
                for (row, value) in all.into_iter().zip(&opened) {
                    let sealed = key.seal(&row.owner, &row.name, value, moment::random());
                    rows::put(tx, &SecretRow { sealed, key: key.name(), ..row })?;
                }
                others.seal_again(tx, &key)?;
                let secrets = opened.len() as u64;
                Ok(Changed::new("secrets", json!({ "secrets": secrets }), (secrets, key)))
            },
            |_, _| {},
        )
        .await?;
    center.compute.keyring.keep_only(&center.settings, &key)?;
    Ok(Rotated { secrets })
}
