//! Projects: what a tenant's work is grouped under, and which contract pays for it.

use domain::{ContractId, Project, ProjectId, tenant::check_slug};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::tenants as rows;

use super::{
    audit::{self, Change},
    lookup, views,
};
use crate::{
    auth::{Action, Caller},
    center::Center,
    error::AppError,
    live::Live,
    moment::{self, new_id},
};

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ProjectView {
    pub id: ProjectId,
    pub tenant_slug: String,
    pub slug: String,
    pub name: String,
    pub contract: Option<ContractId>,
    pub contract_number: Option<String>,
    pub created_at: String,
}

fn view(live: &Live, project: &Project) -> ProjectView {
    let contract = project.contract.and_then(|id| live.contracts.get(&id));
    ProjectView {
        id: project.id,
        tenant_slug: live.tenants.get(&project.tenant).map(|tenant| tenant.slug.clone()).unwrap_or_default(),
        slug: project.slug.clone(),
        name: project.name.clone(),
        contract: project.contract,
        contract_number: contract.map(|known| known.contract.number.clone()),
        created_at: project.created_at.to_string(),
    }
}

/// Projects that the caller may see.
pub fn list(center: &Center, caller: &Caller) -> Result<Vec<ProjectView>, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, Action::ReadProject, scope)?;
    let live = center.live();
    let seen = live.projects.values().filter(|project| scope.is_none_or(|own| own == project.tenant));
    let mut views: Vec<ProjectView> = seen.map(|project| view(&live, project)).collect();
    views.sort_by(|a, b| (&a.tenant_slug, &a.slug).cmp(&(&b.tenant_slug, &b.slug)));
    Ok(views)
}

#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    pub slug: String,
    pub name: String,
    /// A contract's number or id.
    pub contract: Option<String>,
    /// The tenant's short name, for the center's people.
    pub tenant: Option<String>,
}

pub async fn create(center: &Center, caller: &Caller, new: NewProject) -> Result<ProjectView, AppError> {
    let tenant = lookup::named_or_own_required(center, caller, new.tenant.as_deref())?;
    center.policies.check(caller, Action::ManageProject, Some(tenant))?;
    check_slug(&new.slug).map_err(|error| AppError::invalid("slug", error.to_string(), "choose another"))?;
    if !(1..=128).contains(&new.name.chars().count()) {
        return Err(AppError::invalid("name", "is not a name", "use 1 to 128 characters"));
    }
    let contract = contract_of(center, tenant, new.contract.as_deref())?;
    let project = Project {
        id: new_id!(ProjectId),
        tenant,
        slug: new.slug,
        name: new.name,
        contract,
        created_at: moment::now(),
    };
    let by = caller.clone();
    let project = center
        .write(
            move |tx| {
                rows::insert_project(tx, &project)?;
                let change = Change {
                    tenant: Some(tenant),
                    action: "manage_project",
                    subject: project.id.to_string(),
                    detail: json!({ "slug": project.slug }),
                };
                audit::record(tx, &by, change)?;
                Ok(project)
            },
            |center, project| {
                center.live().projects.insert(project.id, project.clone());
                center.compute.wakers.accounts();
            },
        )
        .await?;
    Ok(view(&center.live(), &project))
}

/// Gives a project another contract; for jobs submitted from now on.
pub async fn set_contract(
    center: &Center,
    caller: &Caller,
    id: &str,
    contract: Option<&str>,
) -> Result<ProjectView, AppError> {
    let id: ProjectId = views::id(id, "project")?;
    let found = center.live().projects.get(&id).cloned();
    let mut project =
        found.filter(|p| caller.sees(p.tenant)).ok_or_else(|| AppError::not_found("project", id))?;
    center.policies.check(caller, Action::ManageProject, Some(project.tenant))?;
    project.contract = contract_of(center, project.tenant, contract)?;
    let by = caller.clone();
    let project = center
        .write(
            move |tx| {
                rows::set_project_contract(tx, id, project.contract)?;
                let change = Change {
                    tenant: Some(project.tenant),
                    action: "manage_project",
                    subject: id.to_string(),
                    detail: json!({ "contract": project.contract }),
                };
                audit::record(tx, &by, change)?;
                Ok(project)
            },
            |center, project| {
                center.live().projects.insert(project.id, project.clone());
                center.compute.wakers.accounts();
            },
        )
        .await?;
    Ok(view(&center.live(), &project))
}

fn contract_of(
    center: &Center,
    tenant: domain::TenantId,
    wanted: Option<&str>,
) -> Result<Option<ContractId>, AppError> {
    let Some(wanted) = wanted.filter(|text| !text.is_empty()) else { return Ok(None) };
    let live = center.live();
    let matches =
        |c: &&domain::Contract| c.tenant == tenant && (c.number == wanted || c.id.to_string() == wanted);
    let found = live.contracts.values().map(|known| &known.contract).find(matches);
    found.map(|contract| Some(contract.id)).ok_or_else(|| AppError::not_found("contract", wanted))
}
