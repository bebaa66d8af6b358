//! Members and projects of a tenant; of all tenants for the center's people.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::{AppError, Unreadable},
    http::Id,
    page::{
        extract::Sent,
        form::{Choice, Form},
        frame::{Page, Visitor, render},
        words::Ui,
    },
};
use domain::{Role, TenantId};

use crate::{
    actions,
    app::{
        contracts,
        members::{self, MemberChange, MemberView, NewMember},
        projects::{self, NewProject, ProjectView},
    },
    center::Center,
    person::rule,
    portal::tenants::tenants_by_name,
    role::rule::{Right, least_first},
};

struct MemberLine {
    member: MemberView,
    tenant: String,
    is_self: bool,
    /// By whom the place is given, in words; empty where somebody gave it by hand.
    given: String,
}

struct ProjectLine {
    project: ProjectView,
    tenant: String,
    /// Those of its tenant.
    contracts: Vec<Choice>,
    /// Which contract is to pay for it.
    form: Form,
}

/// A role, and in words what it may do.
struct RoleLine {
    role: String,
    may: Vec<String>,
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
    rights: Vec<RoleLine>,
    /// The center's own people are last.
    tenants: Vec<Choice>,
    project_tenants: Vec<Choice>,
    contracts: Vec<Choice>,
    new_member: Form,
    /// Of somebody who has a login; offered to the center's people.
    known_member: Form,
    may_manage_persons: bool,
    least_chars: usize,
    new_project: Form,
}

/// The forms of the page that came back.
#[derive(Default)]
struct Forms {
    member: Form,
    known: Form,
    project: Form,
    /// The form of that project.
    change: Option<(String, Form)>,
}

pub async fn page(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    show(&center, &visitor, StatusCode::OK, Forms::default()).await
}

async fn show(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    forms: Forms,
) -> Result<Response, AppError> {
    let Forms { member: new_member, known, project: new_project, mut change } = forms;
    let ui = visitor.front.ui;
    let own: Option<TenantId> = visitor.caller.member.tenant;
    let members = members::list(center, &visitor.caller).await?;
    let projects = projects::list(center, &visitor.caller).await?;
    let may_manage = visitor.may(center, actions::MANAGE_MEMBER, own);
    let policies = &center.policies;
    // The form begins with the role that may do the least, and the center's own come last.
    let of_tenants = least_first(policies, false);
    let of_center = if own.is_none() { least_first(policies, true) } else { Vec::new() };
    let contracts = contracts::list(center, &visitor.caller).await?;
    let mut tenants = tenants_by_name(center, visitor).await?;
    let roles: Vec<Role> = match (own, tenants.is_empty()) {
        (None, true) => of_center.into_iter().chain(of_tenants).collect(),
        _ => of_tenants.into_iter().chain(of_center).collect(),
    };
    let rights = roles.iter().map(|role| RoleLine {
        role: ui.word("role", role.code()),
        may: Right::of(policies, *role).into_iter().map(|right| ui.word("right", right)).collect(),
    });
    let rights = rights.collect();
    let first_tenant = tenants.first().map(|tenant| tenant.value.clone()).unwrap_or_default();
    let is_new = new_member.all("member_login").is_empty();
    let new_member = if is_new { Form::with(&[("member_tenant", first_tenant.clone())]) } else { new_member };
    let is_new = known.all("known_login").is_empty();
    let known_member = if is_new { Form::with(&[("known_tenant", first_tenant)]) } else { known };
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
                given: giver(center, ui, member.given_by.as_deref()),
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
                form: change.take_if(|(id, _)| *id == project.id.to_string()).map_or_else(
                    || Form::with(&[("contract", project.contract_number.clone().unwrap_or_default())]),
                    |(_, form)| form,
                ),
                project,
            })
            .collect(),
        with_tenant: own.is_none(),
        may_manage,
        roles: roles.into_iter().map(|role| Choice::new(role.code(), ui.word("role", role.code()))).collect(),
        rights,
        project_tenants: tenants.clone(),
        tenants: {
            if own.is_none() {
                tenants.push(Choice::new("", ui.t("center")));
            }
            tenants
        },
        contracts: contracts
            .into_iter()
            .map(|contract| Choice::new(contract.number.clone(), contract.number))
            .collect(),
        new_member,
        known_member,
        may_manage_persons: visitor.may(center, rule::MANAGE, None),
        least_chars: center.settings.sign_in.password_chars,
        new_project,
    };
    Ok(render(status, &page))
}

/// By whom a place is given, in words; empty for a hand.
pub fn giver(center: &Center, ui: Ui, given_by: Option<&str>) -> String {
    match given_by.and_then(|giver| giver.split_once(':')) {
        Some(("oidc", name)) => {
            let label = center.issuers.named(name).map(|issuer| issuer.label(ui.lang).to_owned());
            label.unwrap_or_else(|| name.to_owned())
        }
        Some(_) => ui.t("given-by-scim"),
        None => String::new(),
    }
}

fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

pub async fn new_member(
    State(center): State<Center>,
    Sent { visitor, form: mut member }: Sent,
) -> Result<Response, AppError> {
    let new = NewMember {
        login: member.value("member_login").to_owned(),
        name: Some(member.value("member_name").to_owned()),
        role: member.value("member_role").to_owned(),
        password: Some(member.raw("member_password").to_owned()),
        tenant: given(member.value("member_tenant")),
    };
    match members::create(&center, &visitor.caller, new).await {
        Ok(_) => Ok(Redirect::to("/people").into_response()),
        Err(error) => {
            let status = member.explain(visitor.front.ui, error, member_field)?;
            show(&center, &visitor, status, Forms { member, ..Forms::default() }).await
        }
    }
}

/// Makes a member of somebody who has a login already.
pub async fn new_known_member(
    State(center): State<Center>,
    Sent { visitor, form: mut known }: Sent,
) -> Result<Response, AppError> {
    let new = NewMember {
        login: known.value("known_login").to_owned(),
        name: None,
        role: known.value("known_role").to_owned(),
        password: None,
        tenant: given(known.value("known_tenant")),
    };
    match members::create(&center, &visitor.caller, new).await {
        Ok(_) => Ok(Redirect::to("/people").into_response()),
        Err(error) => {
            let field = |name: &str| match name {
                "login" | "already_there" => Some("known_login"),
                "role" => Some("known_role"),
                "tenant" => Some("known_tenant"),
                _ => None,
            };
            let status = known.explain(visitor.front.ui, error, field)?;
            show(&center, &visitor, status, Forms { known, ..Forms::default() }).await
        }
    }
}

fn member_field(name: &str) -> Option<&'static str> {
    Some(match name {
        "login" | "already_there" => "member_login",
        "name" => "member_name",
        "role" => "member_role",
        "password" => "member_password",
        "tenant" => "member_tenant",
        _ => return None,
    })
}

pub async fn change_member(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    let is_enabled = form.value("is_enabled").parse().map_err(|_| AppError::Unreadable {
        part: Unreadable::Form,
        message: "`is_enabled` is neither `true` nor `false`".into(),
    })?;
    let change = MemberChange { is_enabled: Some(is_enabled), ..MemberChange::default() };
    members::change(&center, &visitor.caller, &id, change).await?;
    Ok(Redirect::to("/people").into_response())
}

pub async fn new_project(
    State(center): State<Center>,
    Sent { visitor, form: mut project }: Sent,
) -> Result<Response, AppError> {
    let new = NewProject {
        slug: project.value("project_slug").to_owned(),
        name: project.value("project_name").to_owned(),
        contract: given(project.value("project_contract")),
        tenant: given(project.value("project_tenant")),
    };
    match projects::create(&center, &visitor.caller, new).await {
        Ok(_) => Ok(Redirect::to("/people").into_response()),
        Err(error) => {
            let status = project.explain(visitor.front.ui, error, project_field)?;
            show(&center, &visitor, status, Forms { project, ..Forms::default() }).await
        }
    }
}

fn project_field(name: &str) -> Option<&'static str> {
    Some(match name {
        "slug" | "already_there" => "project_slug",
        "name" => "project_name",
        "contract" => "project_contract",
        "tenant" => "project_tenant",
        _ => return None,
    })
}

pub async fn change_project(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let contract = given(form.value("contract"));
    match projects::set_contract(&center, &visitor.caller, &id, contract.as_deref()).await {
        Ok(_) => Ok(Redirect::to("/people").into_response()),
        Err(error) => {
            let field = |name: &str| (name == "contract").then_some("contract");
            let status = form.explain(visitor.front.ui, error, field)?;
            show(&center, &visitor, status, Forms { change: Some((id, form)), ..Forms::default() }).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for PeoplePage {
        fn samples(page: &Page) -> Vec<Self> {
            let member = |is_enabled: bool, is_self: bool| MemberLine {
                member: MemberView { is_enabled, ..views::member() },
                tenant: "Univ".into(),
                is_self,
                given: if is_self { "Univ < A".into() } else { String::new() },
            };
            let contracts = || vec![Choice::new("HZ-1", "HZ-1"), Choice::new("HZ-3", "HZ-3")];
            let project = |contract_number: Option<&str>| ProjectLine {
                project: ProjectView {
                    contract_number: contract_number.map(str::to_owned),
                    ..views::project()
                },
                tenant: "Univ".into(),
                contracts: contracts(),
                form: Form::with(&[("contract", contract_number.unwrap_or_default().to_owned())]),
            };
            let mut wrong_contract = project(Some("HZ-1"));
            wrong_contract.form.blame_by(page.ui, "contract", "contract");
            let mut wrong_member =
                Form::with(&[("member_login", "li".into()), ("member_role", "finance".into())]);
            for field in ["login", "name", "role", "password", "tenant"] {
                wrong_member.blame_for(page.ui, &format!("member_{field}"), domain::problem::Wrong::HasNul);
            }
            let mut wrong_project =
                Form::with(&[("project_slug", "A".into()), ("project_tenant", "corp".into())]);
            for field in ["slug", "name", "contract", "tenant"] {
                wrong_project.blame_for(page.ui, &format!("project_{field}"), domain::problem::Wrong::HasNul);
            }
            let sample = |is_of_center: bool, may_manage: bool, new_member: Form, new_project: Form| Self {
                page: page.clone(),
                members: vec![
                    member(true, false),
                    member(false, false),
                    member(true, true),
                    member(false, true),
                ],
                projects: if may_manage { vec![project(Some("HZ-1")), project(None)] } else { Vec::new() },
                with_tenant: is_of_center,
                may_manage,
                roles: Role::ALL.map(|role| Choice::new(role.code(), page.word("role", role.code()))).into(),
                rights: vec![RoleLine { role: "A < B".into(), may: vec!["see".into(), "do & undo".into()] }],
                project_tenants: if is_of_center { views::tenants() } else { Vec::new() },
                tenants: if is_of_center { views::tenants() } else { Vec::new() },
                contracts: contracts(),
                known_member: Form::default(),
                may_manage_persons: is_of_center,
                least_chars: 10,
                new_member,
                new_project,
            };
            let mut wrong_known = Form::with(&[("known_login", "li".into())]);
            for field in ["login", "role", "tenant"] {
                wrong_known.blame_for(page.ui, &format!("known_{field}"), domain::problem::Wrong::HasNul);
            }
            let read_only = sample(false, false, Form::default(), Form::default());
            vec![
                sample(true, true, Form::default(), Form::default()),
                Self { known_member: wrong_known, ..sample(true, true, wrong_member, wrong_project) },
                sample(false, true, Form::default(), Form::default()),
                Self { projects: vec![project(Some("HZ-1")), project(None)], ..read_only },
                Self {
                    projects: vec![wrong_contract],
                    ..sample(false, true, Form::default(), Form::default())
                },
                sample(false, false, Form::default(), Form::default()),
            ]
        }
    }
}
