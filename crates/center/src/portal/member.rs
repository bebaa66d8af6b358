//! One member: name and role, a new password, in or out.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::Id,
    page::{
        extract::{Asked, Sent},
        form::{Choice, Form},
        frame::{Page, Visitor, render},
    },
};
use serde::Deserialize;

use crate::{
    actions,
    app::members::{self, MemberChange, MemberView},
    center::Center,
    person::{
        ask::{self, PersonView},
        rule,
    },
    portal::people::giver,
    role::rule::least_first,
};

#[derive(Template)]
#[template(path = "member.html")]
#[allow(clippy::struct_excessive_bools, reason = "each is a part of the page that shows or not")]
pub struct MemberPage {
    page: Page,
    member: MemberView,
    /// By whom the place is given, in words; empty where somebody gave it by hand.
    given: String,
    /// For the center's people.
    person: Option<PersonView>,
    is_self: bool,
    may_manage: bool,
    /// Those who may may set the name and the password as well.
    may_name: bool,
    may_manage_persons: bool,
    is_password_set: bool,
    least_chars: usize,
    roles: Vec<Choice>,
    change: Form,
    password: Form,
}

/// What was done just now.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Done {
    done: String,
}

/// The forms of the page that came back.
#[derive(Default)]
struct Forms {
    change: Option<Form>,
    password: Form,
    is_password_set: bool,
}

pub async fn page(
    State(center): State<Center>,
    Id(id): Id,
    Asked(Done { done }): Asked<Done>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let forms = Forms { is_password_set: done == "password", ..Forms::default() };
    show(&center, &visitor, &id, StatusCode::OK, forms).await
}

async fn show(
    center: &Center,
    visitor: &Visitor,
    id: &str,
    status: StatusCode,
    forms: Forms,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let member = members::show(center, &visitor.caller, id).await?;
    let may_manage_persons = visitor.may(center, rule::MANAGE, None);
    let person = if visitor.may(center, rule::READ, None) {
        Some(ask::of_member(center, &visitor.caller, member.id).await?)
    } else {
        None
    };
    let roles = least_first(&center.policies, member.tenant.is_none());
    let as_it_is = || Form::with(&[("name", member.name.clone()), ("role", member.role.code().to_owned())]);
    let page = MemberPage {
        page: visitor.page("members", member.name.clone()),
        person,
        given: giver(center, ui, member.given_by.as_deref()),
        may_manage_persons,
        may_name: may_manage_persons || !member.keeps_account,
        is_self: member.person == visitor.caller.member.person,
        may_manage: visitor.may(center, actions::MANAGE_MEMBER, member.tenant),
        is_password_set: forms.is_password_set,
        least_chars: center.settings.sign_in.password_chars,
        roles: roles.into_iter().map(|role| Choice::new(role.code(), ui.word("role", role.code()))).collect(),
        change: forms.change.unwrap_or_else(as_it_is),
        password: forms.password,
        member,
    };
    Ok(render(status, &page))
}

pub async fn change(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    // The form has no name where the person keeps their account themself.
    let given = |name: &str| (!form.all(name).is_empty()).then(|| form.value(name).to_owned());
    let wanted = MemberChange { name: given("name"), role: given("role"), ..MemberChange::default() };
    match members::change(&center, &visitor.caller, &id, wanted).await {
        Ok(_) => Ok(Redirect::to(&format!("/people/members/{id}")).into_response()),
        Err(error) => {
            let field = |name: &str| ["name", "role"].into_iter().find(|known| *known == name);
            let status = form.explain(visitor.front.ui, error, field)?;
            let forms = Forms { change: Some(form), ..Forms::default() };
            show(&center, &visitor, &id, status, forms).await
        }
    }
}

pub async fn set_password(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, form: mut password }: Sent,
) -> Result<Response, AppError> {
    let wanted = MemberChange { password: Some(password.raw("new").to_owned()), ..MemberChange::default() };
    match members::change(&center, &visitor.caller, &id, wanted).await {
        Ok(_) => Ok(Redirect::to(&format!("/people/members/{id}?done=password")).into_response()),
        Err(error) => {
            let field = |name: &str| (name == "password").then_some("new");
            let status = password.explain(visitor.front.ui, error, field)?;
            show(&center, &visitor, &id, status, Forms { password, ..Forms::default() }).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        person::ask::MembershipView,
        portal::sample::{Sample, views},
    };
    use domain::Role;

    fn person(is_enabled: bool) -> PersonView {
        let place = |tenant_slug: Option<&str>, is_enabled: bool| MembershipView {
            member: views::id("mem_"),
            tenant_slug: tenant_slug.map(str::to_owned),
            role: Role::Developer,
            is_enabled,
        };
        PersonView {
            id: views::id("per_"),
            login: "li".into(),
            name: "Li".into(),
            email: "li@univ.example".into(),
            is_enabled,
            has_second_factor: is_enabled,
            created_at: views::AT.into(),
            memberships: vec![place(None, true), place(Some("univ"), false)],
        }
    }

    impl Sample for MemberPage {
        fn samples(page: &Page) -> Vec<Self> {
            let sample = |is_self: bool, may_manage: bool, is_enabled: bool| Self {
                page: page.clone(),
                member: MemberView { is_enabled, ..views::member() },
                person: may_manage.then(|| person(is_enabled)),
                may_name: may_manage,
                may_manage_persons: is_enabled,
                is_self,
                given: if is_self { "Univ < A".into() } else { String::new() },
                may_manage,
                is_password_set: !is_enabled,
                least_chars: 10,
                roles: vec![Choice::new("finance", page.word("role", "finance"))],
                change: Form::with(&[("name", "A < B".into()), ("role", "finance".into())]),
                password: Form::default(),
            };
            let mut wrong = sample(false, true, true);
            for field in ["name", "role"] {
                wrong.change.blame_for(page.ui, field, domain::problem::Wrong::HasNul);
            }
            wrong.password.blame_for(page.ui, "new", domain::problem::Wrong::HasNul);
            let mut wrong_self = sample(true, true, true);
            wrong_self.change.notice = "not <you>".into();
            vec![
                sample(false, true, true),
                sample(false, true, false),
                sample(true, true, true),
                wrong_self,
                sample(false, false, true),
                Self { may_name: false, ..sample(false, true, true) },
                wrong,
            ]
        }
    }
}
