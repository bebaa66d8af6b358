//! Members and projects of a tenant; of all tenants for the center's people.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use domain::{Role, TenantId};
use serde::Deserialize;

use super::{
    extract::{Id, Sent},
    fault::{self, Fault},
    kit::Choice,
    page::{Page, Visitor, render},
    tables::tenants_by_name,
    typed::Typed,
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
};

struct MemberLine {
    member: MemberView,
    tenant: String,
    is_self: bool,
}

struct ProjectLine {
    project: ProjectView,
    tenant: String,
    /// Those of its tenant.
    contracts: Vec<Choice>,
}

impl ProjectLine {
    fn contract(&self) -> &str {
        self.project.contract_number.as_deref().unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "people.html")]
pub struct PeoplePage {
    page: Page,
    members: Vec<MemberLine>,
    projects: Vec<ProjectLine>,
    with_tenant: bool,
    may_manage: bool,
    roles: Vec<Choice>,
    tenants: Vec<Choice>,
    contracts: Vec<Choice>,
    new_member: Typed,
    new_project: Typed,
}

type Fields = Sent<Vec<(String, String)>>;

pub async fn page(State(center): State<Center>, visitor: Visitor) -> Result<Response, Fault> {
    show(&center, &visitor, StatusCode::OK, Typed::default(), Typed::default()).await
}

async fn show(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    new_member: Typed,
    new_project: Typed,
) -> Result<Response, Fault> {
    let failed = |error| visitor.fault(error);
    let ui = visitor.front.ui;
    let own: Option<TenantId> = visitor.caller.member.tenant;
    let members = members::list(center, &visitor.caller).await.map_err(failed)?;
    let projects = projects::list(center, &visitor.caller).map_err(failed)?;
    let may_manage = visitor.may(center, Action::ManageMember, own);
    let roles = Role::ALL.into_iter().filter(|role| own.is_none() || !role.is_of_center()).map(Role::code);
    let contracts = contracts::list(center, &visitor.caller).map_err(failed)?;
    let tenants = if own.is_none() { tenants_by_name(center, ui) } else { Vec::new() };
    let name = |slug: &str| {
        let known = tenants.iter().find(|known| known.is(slug));
        known.map_or_else(|| slug.to_owned(), |known| known.word.clone())
    };
    let page = PeoplePage {
        page: visitor.page("members", ui.t("nav-members")),
        members: members
            .into_iter()
            .map(|member| MemberLine {
                tenant: member.tenant_slug.as_deref().map_or_else(|| ui.t("center"), name),
                is_self: member.id == visitor.caller.member.id,
                member,
            })
            .collect(),
        projects: projects
            .into_iter()
            .map(|project| ProjectLine {
                tenant: name(&project.tenant_slug),
                contracts: contracts
                    .iter()
                    .filter(|contract| contract.tenant_slug == project.tenant_slug)
                    .map(|contract| Choice::new(contract.number.as_str(), contract.number.as_str()))
                    .collect(),
                project,
            })
            .collect(),
        with_tenant: own.is_none(),
        may_manage,
        roles: roles.map(|role| Choice::new(role, ui.word("role", role))).collect(),
        tenants: tenants.clone(),
        contracts: contracts
            .into_iter()
            .map(|contract| Choice::new(contract.number.clone(), contract.number))
            .collect(),
        new_member,
        new_project,
    };
    Ok(render(status, &page))
}

fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

pub async fn new_member(
    State(center): State<Center>,
    visitor: Visitor,
    Sent(fields): Fields,
) -> Result<Response, Fault> {
    let mut m = Typed::of(fields);
    visitor.check_csrf(m.value("csrf"))?;
    let new = NewMember {
        login: m.value("m-login").to_owned(),
        name: m.value("m-name").to_owned(),
        role: m.value("m-role").to_owned(),
        // As it was typed, space and all.
        password: m.all("m-password").pop().unwrap_or_default(),
        tenant: given(m.value("m-tenant")),
    };
    match members::create(&center, &visitor.caller, new).await {
        Ok(_) => Ok(Redirect::to("/people").into_response()),
        Err(error) => {
            let status = fault::status(&error);
            m.take(visitor.front.ui, error, member_field).map_err(|error| visitor.fault(error))?;
            show(&center, &visitor, status, m, Typed::default()).await
        }
    }
}

fn member_field(name: &str) -> Option<&'static str> {
    Some(match name {
        "login" | "already_there" => "m-login",
        "name" => "m-name",
        "role" => "m-role",
        "password" => "m-password",
        "tenant" => "m-tenant",
        _ => return None,
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Enable {
    csrf: String,
    is_enabled: bool,
}

pub async fn change_member(
    State(center): State<Center>,
    Id(id): Id,
    visitor: Visitor,
    Sent(form): Sent<Enable>,
) -> Result<Response, Fault> {
    visitor.check_csrf(&form.csrf)?;
    let change = MemberChange { is_enabled: Some(form.is_enabled), password: None };
    members::change(&center, &visitor.caller, &id, change).await.map_err(|error| visitor.fault(error))?;
    Ok(Redirect::to("/people").into_response())
}

pub async fn new_project(
    State(center): State<Center>,
    visitor: Visitor,
    Sent(fields): Fields,
) -> Result<Response, Fault> {
    let mut j = Typed::of(fields);
    visitor.check_csrf(j.value("csrf"))?;
    let new = NewProject {
        slug: j.value("p-slug").to_owned(),
        name: j.value("p-name").to_owned(),
        contract: given(j.value("p-contract")),
        tenant: given(j.value("p-tenant")),
    };
    match projects::create(&center, &visitor.caller, new).await {
        Ok(_) => Ok(Redirect::to("/people").into_response()),
        Err(error) => {
            let status = fault::status(&error);
            j.take(visitor.front.ui, error, project_field).map_err(|error| visitor.fault(error))?;
            show(&center, &visitor, status, Typed::default(), j).await
        }
    }
}

fn project_field(name: &str) -> Option<&'static str> {
    Some(match name {
        "slug" | "already_there" => "p-slug",
        "name" => "p-name",
        "contract" => "p-contract",
        "tenant" => "p-tenant",
        _ => return None,
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewContract {
    csrf: String,
    contract: String,
}

pub async fn change_project(
    State(center): State<Center>,
    Id(id): Id,
    visitor: Visitor,
    Sent(form): Sent<NewContract>,
) -> Result<Response, Fault> {
    visitor.check_csrf(&form.csrf)?;
    let contract = given(&form.contract);
    projects::set_contract(&center, &visitor.caller, &id, contract.as_deref())
        .await
        .map_err(|error| visitor.fault(error))?;
    Ok(Redirect::to("/people").into_response())
}

#[cfg(test)]
impl super::sample::Sample for PeoplePage {
    fn samples(page: &Page) -> Vec<Self> {
        use super::sample::views;
        let member = |is_enabled: bool, is_self: bool| MemberLine {
            member: MemberView { is_enabled, ..views::member() },
            tenant: "Univ".into(),
            is_self,
        };
        let contracts = || vec![Choice::new("HZ-1", "HZ-1"), Choice::new("HZ-3", "HZ-3")];
        let project = |contract_number: Option<&str>| ProjectLine {
            project: ProjectView { contract_number: contract_number.map(str::to_owned), ..views::project() },
            tenant: "Univ".into(),
            contracts: contracts(),
        };
        let mut wrong_member = Typed::with(&[("m-login", "li".into()), ("m-role", "finance".into())]);
        for field in ["login", "name", "role", "password", "tenant"] {
            wrong_member.blame_by(page.ui, &format!("m-{field}"), field);
        }
        let mut wrong_project = Typed::with(&[("p-slug", "A".into()), ("p-tenant", "corp".into())]);
        for field in ["slug", "name", "contract", "tenant"] {
            wrong_project.blame_by(page.ui, &format!("p-{field}"), field);
        }
        let sample = |is_of_center: bool, may_manage: bool, new_member: Typed, new_project: Typed| Self {
            page: page.clone(),
            members: vec![member(true, false), member(false, false), member(true, true), member(false, true)],
            projects: if may_manage { vec![project(Some("HZ-1")), project(None)] } else { Vec::new() },
            with_tenant: is_of_center,
            may_manage,
            roles: Role::ALL.map(|role| Choice::new(role.code(), page.word("role", role.code()))).into(),
            tenants: if is_of_center { views::tenants() } else { Vec::new() },
            contracts: contracts(),
            new_member,
            new_project,
        };
        let read_only = sample(false, false, Typed::default(), Typed::default());
        vec![
            sample(true, true, Typed::default(), Typed::default()),
            sample(true, true, wrong_member, wrong_project),
            sample(false, true, Typed::default(), Typed::default()),
            Self { projects: vec![project(Some("HZ-1")), project(None)], ..read_only },
            sample(false, false, Typed::default(), Typed::default()),
        ]
    }
}
