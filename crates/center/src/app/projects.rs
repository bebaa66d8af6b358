//! Projects: what a tenant's work is grouped under, and which contract pays for it.

use domain::{ContractId, Project, ProjectId, Rfc3339, TenantId, problem::field};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{StoreError, Tx, tenants as rows};

use crate::{actions, center::Center, live::Live};
use base::{
    auth::Caller,
    change::Changed,
    error::AppError,
    lookup::{self, Names},
    moment::{self, new_id},
    params,
};

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ProjectView {
    pub id: ProjectId,
    pub tenant_slug: String,
    pub slug: String,
    pub name: String,
    pub contract: Option<ContractId>,
    pub contract_number: Option<String>,
    pub created_at: Rfc3339,
}

fn view(live: &Live, project: Project, tenant_slug: String) -> ProjectView {
    let contract = project.contract.and_then(|id| live.contract(id));
    ProjectView {
        id: project.id,
        tenant_slug,
        slug: project.slug,
        name: project.name,
        contract: project.contract,
        contract_number: contract.map(|known| known.contract.number.clone()),
        created_at: project.created_at.into(),
    }
}

/// Projects that the caller may see, by tenant and short name.
pub async fn list(center: &Center, caller: &Caller) -> Result<Vec<ProjectView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_PROJECT, scope)?;
    let read = move |tx: &Tx| {
        let mut names = Names::of(tx);
        let with_owner = |project: Project| Ok((names.tenant(project.tenant)?.slug, project));
        rows::list_projects(tx, scope)?.into_iter().map(with_owner).collect::<Result<Vec<_>, StoreError>>()
    };
    let found = center.read(read).await?;
    let live = center.live();
    let mut views: Vec<ProjectView> =
        found.into_iter().map(|(tenant_slug, project)| view(&live, project, tenant_slug)).collect();
    views.sort_by(|a, b| (&a.tenant_slug, &a.slug).cmp(&(&b.tenant_slug, &b.slug)));
    Ok(views)
}

#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    #[schema(value_type = domain::schema::Slug)]
    pub slug: String,
    #[schema(value_type = domain::schema::Line128)]
    pub name: String,
    /// A contract's number or id.
    pub contract: Option<String>,
    /// The tenant's short name, for the center's people.
    pub tenant: Option<String>,
}

pub async fn create(center: &Center, caller: &Caller, new: NewProject) -> Result<ProjectView, AppError> {
    let tenant = lookup::named_or_own_required(center, caller, new.tenant.as_deref()).await?;
    let may = center.policies.may(caller, actions::MANAGE_PROJECT, Some(tenant))?;
    params::slug(&new.slug)?;
    let name = params::line::<128>(field::NAME, new.name)?;
    let contract = contract_of(center, tenant, new.contract.as_deref())?;
    let project = Project {
        id: new_id!(ProjectId),
        tenant,
        slug: new.slug,
        name: name.into(),
        contract,
        created_at: moment::now(),
    };
    let (project, tenant_slug) = center
        .change(
            may,
            move |tx| {
                rows::insert_project(tx, &project)?;
                let tenant_slug = rows::get_tenant(tx, project.tenant)?.slug;
                let detail = json!({ "slug": project.slug });
                Ok(Changed::new(project.id, detail, (project, tenant_slug)))
            },
            |center, _| center.compute.wakers.accounts(),
        )
        .await?;
    Ok(view(&center.live(), project, tenant_slug))
}

/// Makes a tenant's first project, without a contract, in the transaction of whoever asks.
pub fn first_project(tx: &Tx, tenant: TenantId, slug: &str, name: &str) -> Result<Project, AppError> {
    params::slug(slug)?;
    let project = Project {
        id: new_id!(ProjectId),
        tenant,
        slug: slug.to_owned(),
        name: params::line::<128>(field::NAME, name)?.into(),
        contract: None,
        created_at: moment::now(),
    };
    rows::insert_project(tx, &project)?;
    Ok(project)
}

/// Has a tenant's first project be charged to its first contract, in the transaction that makes both.
pub fn set_first_contract(tx: &Tx, project: ProjectId, contract: ContractId) -> Result<(), StoreError> {
    rows::set_project_contract(tx, project, Some(contract))
}

/// Gives a project another contract; for jobs submitted from now on.
pub async fn set_contract(
    center: &Center,
    caller: &Caller,
    id: &str,
    contract: Option<&str>,
) -> Result<ProjectView, AppError> {
    let id: ProjectId = params::id(id, "project")?;
    let found = Some(center.read(move |tx| rows::get_project(tx, id)).await?);
    let mut project =
        found.filter(|p| caller.sees(p.tenant)).ok_or_else(|| AppError::not_found("project", id))?;
    let may = center.policies.may(caller, actions::MANAGE_PROJECT, Some(project.tenant))?;
    project.contract = contract_of(center, project.tenant, contract)?;
    let (project, tenant_slug) = center
        .change(
            may,
            move |tx| {
                rows::set_project_contract(tx, id, project.contract)?;
                let tenant_slug = rows::get_tenant(tx, project.tenant)?.slug;
                let detail = json!({ "contract": project.contract });
                Ok(Changed::new(id, detail, (project, tenant_slug)))
            },
            |center, _| center.compute.wakers.accounts(),
        )
        .await?;
    Ok(view(&center.live(), project, tenant_slug))
}

fn contract_of(
    center: &Center,
    tenant: TenantId,
    wanted: Option<&str>,
) -> Result<Option<ContractId>, AppError> {
    let Some(wanted) = wanted.filter(|text| !text.is_empty()) else { return Ok(None) };
    let live = center.live();
    let matches =
        |c: &&domain::Contract| c.tenant == tenant && (c.number == wanted || c.id.to_string() == wanted);
    let found = live.contracts().map(|known| &known.contract).find(matches);
    found.map(|contract| Some(contract.id)).ok_or_else(|| AppError::not_found("contract", wanted))
}
