//! The tokens of directories in a browser.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::Id,
    page::{
        extract::Sent,
        form::{Choice, Form},
        frame::{Page, Visitor, render},
    },
};

use super::{
    ask::{self, NewScimToken, ScimTokenView},
    rule,
};
use crate::{center::Center, portal::tenants::tenants_by_name, role::rule::least_first};

#[derive(Template)]
#[template(path = "scim/list.html")]
pub struct ScimPage {
    page: Page,
    tokens: Vec<ScimTokenView>,
    /// The address that a directory is given.
    address: String,
    with_tenant: bool,
    may_manage: bool,
    /// The token just made: its text is shown this once.
    made: Option<String>,
    roles: Vec<Choice>,
    /// The center's own people are last.
    tenants: Vec<Choice>,
    form: Form,
}

/// Where a new token waits for the page that shows it once.
fn kept_for(visitor: &Visitor) -> String {
    format!("scim {}", visitor.csrf)
}

pub async fn list(
    State(center): State<Center>,
    headers: HeaderMap,
    visitor: Visitor,
) -> Result<Response, AppError> {
    show(&center, &visitor, &headers, StatusCode::OK, Form::default()).await
}

async fn show(
    center: &Center,
    visitor: &Visitor,
    headers: &HeaderMap,
    status: StatusCode,
    form: Form,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let tokens = ask::list(center, &visitor.caller).await?;
    let own = visitor.caller.member.tenant;
    let of_center = if own.is_none() { least_first(&center.policies, true) } else { Vec::new() };
    let roles = least_first(&center.policies, false).into_iter().chain(of_center);
    let mut tenants = tenants_by_name(center, visitor).await?;
    if own.is_none() {
        tenants.push(Choice::new("", ui.t("center")));
    }
    let address = if let Some(url) = &center.settings.sign_in.url {
        format!("{url}/scim/v2")
    } else {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let scheme = if center.settings.has_secure_cookies() { "https" } else { "http" };
        format!("{scheme}://{host}/scim/v2")
    };
    let page = ScimPage {
        page: visitor.page("members", ui.t("scim")),
        tokens,
        address,
        with_tenant: own.is_none(),
        may_manage: visitor.may(center, rule::MANAGE, own),
        made: center.secrets.take(&kept_for(visitor)),
        roles: roles.map(|role| Choice::new(role.code(), ui.word("role", role.code()))).collect(),
        tenants,
        form,
    };
    Ok(render(status, &page))
}

pub async fn make(
    State(center): State<Center>,
    headers: HeaderMap,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let given = |name: &str| Some(form.value(name).to_owned()).filter(|text| !text.is_empty());
    let new =
        NewScimToken { name: form.value("name").to_owned(), role: given("role"), tenant: given("tenant") };
    match ask::make(&center, &visitor.caller, new).await {
        Ok(made) => {
            center.secrets.put(&kept_for(&visitor), made.token);
            Ok(Redirect::to("/people/scim").into_response())
        }
        Err(error) => {
            let fields = ["name", "role", "tenant"];
            let field = |name: &str| fields.into_iter().find(|known| *known == name);
            let status = form.explain(visitor.front.ui, error, field)?;
            show(&center, &visitor, &headers, status, form).await
        }
    }
}

pub async fn revoke(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, .. }: Sent,
) -> Result<Response, AppError> {
    ask::revoke(&center, &visitor.caller, &id).await?;
    Ok(Redirect::to("/people/scim").into_response())
}

#[cfg(test)]
mod samples {
    use domain::{Rfc3339, Role, problem::Wrong};

    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for ScimPage {
        fn samples(page: &Page) -> Vec<Self> {
            let line = |tenant: Option<&str>, is_used: bool| ScimTokenView {
                id: views::id("sct_"),
                tenant_slug: tenant.map(str::to_owned),
                name: "Entra < 1".into(),
                role: is_used.then_some(Role::Developer),
                made_by: "admin".into(),
                created_at: views::AT.into(),
                expires_at: views::LATER.into(),
                last_used_at: is_used.then_some(Rfc3339(views::AT)),
            };
            let mut form = Form::with(&[("name", " ".into())]);
            for field in ["name", "role", "tenant"] {
                form.blame_for(page.ui, field, Wrong::HasNul);
            }
            let sample =
                |tokens: Vec<ScimTokenView>, is_of_center: bool, may_manage: bool, form: Form| Self {
                    page: page.clone(),
                    tokens,
                    address: "https://center.example/scim/v2".into(),
                    with_tenant: is_of_center,
                    may_manage,
                    made: may_manage.then(|| "QT_SCIM_SECRET".to_owned()),
                    roles: vec![Choice::new("developer", "Developer < 1")],
                    tenants: views::tenants(),
                    form,
                };
            let both = || vec![line(Some("univ"), true), line(None, false)];
            vec![
                sample(both(), true, true, Form::default()),
                sample(both(), false, true, form),
                sample(both(), true, false, Form::default()),
                Self { made: None, ..sample(Vec::new(), false, true, Form::default()) },
            ]
        }
    }
}
