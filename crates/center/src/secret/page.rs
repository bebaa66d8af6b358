//! Secrets in a browser.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    page::{
        extract::Sent,
        form::{Choice, Form},
        frame::{Page, Visitor, render},
    },
};

use super::{
    ask::{self, NewSecret, SecretView, Whose},
    rule::{self, SecretScope},
};
use crate::{app::projects, center::Center};

#[derive(Template)]
#[template(path = "secret/list.html")]
pub struct SecretsPage {
    page: Page,
    secrets: Vec<Line>,
    scopes: Vec<Choice>,
    projects: Vec<Choice>,
    form: Form,
}

struct Line {
    secret: SecretView,
    /// The reader may remove it.
    may_remove: bool,
}

pub async fn list(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    show(&center, &visitor, StatusCode::OK, Form::default()).await
}

async fn show(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    form: Form,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let found = ask::list(center, &visitor.caller).await?;
    let keeps = visitor.may(center, rule::KEEP, visitor.caller.member.tenant);
    let may = |scope: SecretScope| keeps || scope == SecretScope::Person;
    let scopes = [SecretScope::Person, SecretScope::Project, SecretScope::Tenant];
    let scopes = scopes.into_iter().filter(|scope| may(*scope));
    let projects = projects::list(center, &visitor.caller).await?;
    let page = SecretsPage {
        page: visitor.page("secrets", ui.t("nav-secrets")),
        secrets: found.into_iter().map(|secret| Line { may_remove: may(secret.scope), secret }).collect(),
        scopes: scopes
            .map(|scope| Choice::new(scope.code(), ui.word("secret-scope", scope.code())))
            .collect(),
        projects: if keeps {
            projects.into_iter().map(|project| Choice::new(project.slug.clone(), project.name)).collect()
        } else {
            Vec::new()
        },
        form,
    };
    Ok(render(status, &page))
}

pub async fn set(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let text = |name: &str| Some(form.value(name).to_owned()).filter(|text| !text.is_empty());
    let scope = text("scope");
    // The choice of a project means nothing beside another scope.
    let project = text("project").filter(|_| scope.as_deref() == Some(SecretScope::Project.code()));
    let new = NewSecret {
        name: form.value("name").to_owned(),
        scope,
        project,
        value: form.raw("value").to_owned(),
    };
    match ask::set(&center, &visitor.caller, new).await {
        Ok(()) => Ok(Redirect::to("/secrets").into_response()),
        Err(error) => {
            let fields = ["name", "scope", "project", "value"];
            let field = |name: &str| fields.into_iter().find(|field| *field == name);
            let status = form.explain(visitor.front.ui, error, field)?;
            // The value is typed again: no page holds it.
            show(&center, &visitor, status, form.without("value")).await
        }
    }
}

pub async fn remove(
    State(center): State<Center>,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    let text = |name: &str| Some(form.value(name).to_owned()).filter(|text| !text.is_empty());
    let whose = Whose { scope: text("scope"), project: text("project") };
    ask::remove(&center, &visitor.caller, form.value("name").to_owned(), whose).await?;
    Ok(Redirect::to("/secrets").into_response())
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for SecretsPage {
        fn samples(page: &Page) -> Vec<Self> {
            let line = |scope: SecretScope, project: Option<&str>, may_remove: bool| Line {
                secret: SecretView {
                    name: "HF_TOKEN".into(),
                    scope,
                    project: project.map(str::to_owned),
                    changed_by_login: "li".into(),
                    changed_at: views::AT.into(),
                },
                may_remove,
            };
            let mut form = Form::with(&[("name", "1".into())]);
            form.blame_for(page.ui, "name", domain::problem::Wrong::HasNul);
            let choices = |is_there: bool| {
                if is_there { vec![Choice::new("project", "Project <1>")] } else { Vec::new() }
            };
            vec![
                Self {
                    page: page.clone(),
                    secrets: vec![
                        line(SecretScope::Person, None, true),
                        line(SecretScope::Project, Some("vision"), false),
                    ],
                    scopes: choices(true),
                    projects: choices(true),
                    form,
                },
                Self {
                    page: page.clone(),
                    secrets: Vec::new(),
                    scopes: choices(true),
                    projects: choices(false),
                    form: Form::default(),
                },
            ]
        }
    }
}
