//! Tenants in a browser: all of them, and a form to sign one up.

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
        extract::Sent,
        form::{Choice, Form},
        frame::{Page, Visitor, render},
    },
};
use domain::{Rfc3339, TenantDomain};

use super::{
    ask::{self, NewTenant, TenantView},
    rule::{MANAGE, TenantChange},
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

/// One tenant, with whom its statements are made out to.
#[derive(Template)]
#[template(path = "tenant/show.html")]
pub struct TenantPage {
    page: Page,
    tenant: TenantView,
    domain: String,
    may_manage: bool,
    names: Form,
    /// The alliances that there are, by short name.
    alliances: Vec<Choice>,
    payer: Form,
}

/// The forms of a tenant's page that came back.
#[derive(Default)]
struct Forms {
    names: Option<Form>,
    payer: Option<Form>,
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
    show_all(&center, &visitor, StatusCode::OK, Form::default()).await
}

async fn show_all(
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
        ..NewTenant::default()
    };
    match ask::create(&center, &visitor.caller, new).await {
        Ok(tenant) => Ok(Redirect::to(&format!("/tenants/{}", tenant.slug)).into_response()),
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, |name| match name {
                "slug" | "already_there" => Some("slug"),
                "name_zh" => Some("name_zh"),
                "name_en" => Some("name_en"),
                "domain" => Some("domain"),
                "alliance" => Some("alliance"),
                _ => None,
            })?;
            show_all(&center, &visitor, status, form).await
        }
    }
}

pub async fn show(
    State(center): State<Center>,
    Id(slug): Id,
    visitor: Visitor,
) -> Result<Response, AppError> {
    show_one(&center, &visitor, StatusCode::OK, &slug, Forms::default()).await
}

async fn show_one(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    slug: &str,
    forms: Forms,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let tenant = ask::show(center, &visitor.caller, slug).await?;
    let known = ask::alliances(center).await?;
    let own = known.iter().find(|alliance| Some(alliance.id) == tenant.alliance);
    let names = || {
        Form::with(&[
            ("name_zh", tenant.name.zh.clone()),
            ("name_en", tenant.name.en.clone()),
            ("alliance", own.map(|alliance| alliance.slug.clone()).unwrap_or_default()),
        ])
    };
    let payer = || {
        Form::with(&[
            ("legal_name", tenant.legal_name.clone()),
            ("tax_number", tenant.tax_number.clone()),
            ("other_tax_number", tenant.other_tax_number.clone()),
        ])
    };
    let alliances = known.iter().map(|alliance| Choice::new(alliance.slug.as_str(), alliance.slug.as_str()));
    let page = TenantPage {
        names: forms.names.unwrap_or_else(names),
        payer: forms.payer.unwrap_or_else(payer),
        alliances: alliances.collect(),
        page: visitor.page("tenants", tenant.name.in_lang(ui.lang).to_owned()),
        domain: ui.word("domain", tenant.domain),
        may_manage: visitor.may(center, MANAGE, None),
        tenant,
    };
    Ok(render(status, &page))
}

pub async fn rename(
    State(center): State<Center>,
    Id(slug): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let typed = |name: &str| Some(form.value(name).to_owned());
    let change = TenantChange {
        name_zh: typed("name_zh"),
        name_en: typed("name_en"),
        alliance: typed("alliance"),
        ..TenantChange::default()
    };
    match ask::change(&center, &visitor.caller, &slug, change).await {
        Ok(_) => Ok(Redirect::to(&format!("/tenants/{slug}")).into_response()),
        Err(error) => {
            let field =
                |name: &str| ["name_zh", "name_en", "alliance"].into_iter().find(|known| *known == name);
            let status = form.explain(visitor.front.ui, error, field)?;
            let forms = Forms { names: Some(form), ..Forms::default() };
            show_one(&center, &visitor, status, &slug, forms).await
        }
    }
}

pub async fn change(
    State(center): State<Center>,
    Id(slug): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let typed = |name: &str| Some(form.value(name).to_owned());
    let change = TenantChange {
        legal_name: typed("legal_name"),
        tax_number: typed("tax_number"),
        other_tax_number: typed("other_tax_number"),
        ..TenantChange::default()
    };
    match ask::change(&center, &visitor.caller, &slug, change).await {
        Ok(_) => Ok(Redirect::to(&format!("/tenants/{slug}")).into_response()),
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, |name| match name {
                "legal_name" => Some("legal_name"),
                "tax_number" => Some("tax_number"),
                "other_tax_number" => Some("other_tax_number"),
                _ => None,
            })?;
            let forms = Forms { payer: Some(form), ..Forms::default() };
            show_one(&center, &visitor, status, &slug, forms).await
        }
    }
}

#[cfg(test)]
mod samples {
    use base::text::Text;

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

    impl Sample for TenantPage {
        fn samples(page: &Page) -> Vec<Self> {
            let sample = |legal_name: &str, tax_number: &str, other: &str, may_manage| Self {
                page: page.clone(),
                tenant: TenantView {
                    id: views::id("ten_"),
                    slug: "univ".into(),
                    name: Text { zh: "U & <V>".into(), en: "U & <V>".into() },
                    domain: TenantDomain::Research,
                    alliance: None,
                    created_at: views::AT.into(),
                    legal_name: legal_name.into(),
                    tax_number: tax_number.into(),
                    other_tax_number: other.into(),
                    active_jobs: 2,
                },
                domain: page.word("domain", "research"),
                may_manage,
                names: Form::with(&[("name_zh", "U & <V>".into()), ("alliance", "vision".into())]),
                alliances: if may_manage { vec![Choice::new("vision", "vision")] } else { Vec::new() },
                payer: Form::with(&[("tax_number", "<1>".into())]),
            };
            vec![
                sample("", "", "", true),
                sample("U <V>", "9133", "", false),
                sample("", "", "DE <1>", false),
            ]
        }
    }
}
