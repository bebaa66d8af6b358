//! Tenants in a browser: all of them, and a form to sign one up.

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
use domain::{Rfc3339, TenantDomain};

use super::{
    ask::{self, NewTenant, TenantView},
    rule::MANAGE,
};
use crate::center::Center;

#[derive(Template)]
#[template(path = "tenant/list.html")]
pub struct TenantsPage {
    page: Page,
    tenants: Vec<TenantRow>,
    may_manage: bool,
    new_tenant: Form,
    domains: Vec<Choice>,
}

/// A tenant as the list shows it.
struct TenantRow {
    slug: String,
    name: String,
    domain: String,
    since: Rfc3339,
    active_jobs: u32,
}

pub async fn list(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    show(&center, &visitor, StatusCode::OK, Form::default()).await
}

async fn show(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    new_tenant: Form,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let line = |tenant: TenantView| TenantRow {
        name: tenant.name.in_lang(ui.lang).to_owned(),
        domain: ui.word("domain", tenant.domain),
        since: tenant.created_at,
        active_jobs: tenant.active_jobs,
        slug: tenant.slug,
    };
    let domains = TenantDomain::ALL.map(TenantDomain::code);
    let page = TenantsPage {
        page: visitor.page("tenants", ui.t("nav-tenants")),
        tenants: ask::list(center, &visitor.caller).await?.into_iter().map(line).collect(),
        may_manage: visitor.may(center, MANAGE, None),
        domains: domains.map(|domain| Choice::new(domain, ui.word("domain", domain))).into(),
        new_tenant,
    };
    Ok(render(status, &page))
}

pub async fn sign_up(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let typed = |name: &str| form.value(name).to_owned();
    let new = NewTenant {
        slug: typed("slug"),
        name_zh: typed("name_zh"),
        name_en: typed("name_en"),
        domain: typed("domain"),
        alliance: Some(typed("alliance")).filter(|slug| !slug.is_empty()),
    };
    match ask::create(&center, &visitor.caller, new).await {
        Ok(_) => Ok(Redirect::to("/tenants").into_response()),
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, |name| match name {
                "slug" | "already_there" => Some("slug"),
                "name_zh" => Some("name_zh"),
                "name_en" => Some("name_en"),
                "domain" => Some("domain"),
                "alliance" => Some("alliance"),
                _ => None,
            })?;
            show(&center, &visitor, status, form).await
        }
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for TenantsPage {
        fn samples(page: &Page) -> Vec<Self> {
            let line = TenantRow {
                slug: "univ".into(),
                name: "U & <V>".into(),
                domain: page.word("domain", "research"),
                since: views::AT.into(),
                active_jobs: 2,
            };
            let sample = |tenants, may_manage| Self {
                page: page.clone(),
                tenants,
                may_manage,
                new_tenant: Form::with(&[("slug", "A B".into())]),
                domains: vec![Choice::new("research", page.word("domain", "research"))],
            };
            vec![sample(vec![line], true), sample(Vec::new(), false)]
        }
    }
}
