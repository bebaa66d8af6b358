//! Members and projects of a tenant; of all tenants for the center's people.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use domain::{Role, TenantId};
use serde::Deserialize;

use super::{
    fault::{self, Fault},
    page::{Page, Visitor, render},
};
use crate::{
    app::{
        contracts,
        members::{self, MemberChange, NewMember},
        projects::{self, NewProject, ProjectView},
        sign_in::MemberView,
    },
    auth::Action,
    center::Center,
    error::AppError,
};

/// What was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct MemberForm {
    csrf: String,
    login: String,
    name: String,
    role: String,
    password: String,
    tenant: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProjectForm {
    csrf: String,
    slug: String,
    name: String,
    contract: String,
    tenant: String,
}

struct MemberLine {
    m: MemberView,
    is_self: bool,
}

#[derive(Template)]
#[template(path = "people.html")]
struct People {
    p: Page,
    members: Vec<MemberLine>,
    projects: Vec<ProjectView>,
    with_tenant: bool,
    may_manage: bool,
    roles: Vec<&'static str>,
    tenants: Vec<String>,
    contracts: Vec<(String, String)>,
    member: MemberForm,
    member_problem: String,
    project: ProjectForm,
    project_problem: String,
}

#[derive(Default)]
struct Typed {
    member: MemberForm,
    member_problem: String,
    project: ProjectForm,
    project_problem: String,
}

pub async fn page(State(center): State<Center>, visitor: Visitor) -> Result<Response, Fault> {
    show(&center, &visitor, StatusCode::OK, Typed::default()).await
}

async fn show(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    typed: Typed,
) -> Result<Response, Fault> {
    let failed = |error| visitor.fault(error);
    let ui = visitor.front.ui;
    let own: Option<TenantId> = visitor.caller.member.tenant;
    let members = members::list(center, &visitor.caller).await.map_err(failed)?;
    let projects = projects::list(center, &visitor.caller).map_err(failed)?;
    let may_manage = visitor.may(center, Action::ManageMember, own);
    let roles = Role::ALL.into_iter().filter(|role| own.is_none() || !role.is_of_center()).map(Role::code);
    let contracts = contracts::list(center, &visitor.caller).map_err(failed)?;
    let mut tenants: Vec<String> = match own {
        Some(_) => Vec::new(),
        None => center.live().tenants.values().map(|tenant| tenant.slug.clone()).collect(),
    };
    tenants.sort_unstable();
    let page = People {
        p: visitor.page("members", ui.t("nav-members")),
        members: members
            .into_iter()
            .map(|m| MemberLine { is_self: m.id == visitor.caller.member.id, m })
            .collect(),
        projects,
        with_tenant: own.is_none(),
        may_manage,
        roles: roles.collect(),
        tenants,
        contracts: contracts.into_iter().map(|c| (c.number, c.tenant_slug)).collect(),
        member: typed.member,
        member_problem: typed.member_problem,
        project: typed.project,
        project_problem: typed.project_problem,
    };
    Ok(render(status, &page))
}

/// What went wrong with a form, in one text; other errors are pages.
fn problem(visitor: &Visitor, error: AppError) -> Result<(StatusCode, String), Fault> {
    if !matches!(error, AppError::Invalid(_) | AppError::Refused { .. } | AppError::NotFound { .. }) {
        return Err(visitor.fault(error));
    }
    let told = fault::told(visitor.front.ui, &error);
    let text = if told.details.is_empty() { told.title } else { told.details.join(" ") };
    Ok((fault::status(&error), text))
}

fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

pub async fn new_member(
    State(center): State<Center>,
    visitor: Visitor,
    Form(form): Form<MemberForm>,
) -> Result<Response, Fault> {
    visitor.check_csrf(&form.csrf)?;
    let new = NewMember {
        login: form.login.trim().to_owned(),
        name: form.name.trim().to_owned(),
        role: form.role.clone(),
        password: form.password.clone(),
        tenant: given(&form.tenant),
    };
    match members::create(&center, &visitor.caller, new).await {
        Ok(_) => Ok(Redirect::to("/people").into_response()),
        Err(error) => {
            let (status, member_problem) = problem(&visitor, error)?;
            let member = MemberForm { password: String::new(), ..form };
            show(&center, &visitor, status, Typed { member, member_problem, ..Typed::default() }).await
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Enable {
    csrf: String,
    is_enabled: bool,
}

pub async fn change_member(
    State(center): State<Center>,
    Path(id): Path<String>,
    visitor: Visitor,
    Form(form): Form<Enable>,
) -> Result<Response, Fault> {
    visitor.check_csrf(&form.csrf)?;
    let change = MemberChange { is_enabled: Some(form.is_enabled), password: None };
    members::change(&center, &visitor.caller, &id, change).await.map_err(|error| visitor.fault(error))?;
    Ok(Redirect::to("/people").into_response())
}

pub async fn new_project(
    State(center): State<Center>,
    visitor: Visitor,
    Form(form): Form<ProjectForm>,
) -> Result<Response, Fault> {
    visitor.check_csrf(&form.csrf)?;
    let new = NewProject {
        slug: form.slug.trim().to_owned(),
        name: form.name.trim().to_owned(),
        contract: given(&form.contract),
        tenant: given(&form.tenant),
    };
    match projects::create(&center, &visitor.caller, new).await {
        Ok(_) => Ok(Redirect::to("/people").into_response()),
        Err(error) => {
            let (status, project_problem) = problem(&visitor, error)?;
            let typed = Typed { project: form, project_problem, ..Typed::default() };
            show(&center, &visitor, status, typed).await
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewContract {
    csrf: String,
    contract: String,
}

pub async fn change_project(
    State(center): State<Center>,
    Path(id): Path<String>,
    visitor: Visitor,
    Form(form): Form<NewContract>,
) -> Result<Response, Fault> {
    visitor.check_csrf(&form.csrf)?;
    let contract = given(&form.contract);
    projects::set_contract(&center, &visitor.caller, &id, contract.as_deref())
        .await
        .map_err(|error| visitor.fault(error))?;
    Ok(Redirect::to("/people").into_response())
}
