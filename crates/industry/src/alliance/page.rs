//! Alliances in a browser: all of them with a form to found one, and one with what it lends.

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
        form::Form,
        frame::{Page, Visitor, render},
        words::Ui,
    },
    text::Text,
};
use center::center::Center;

use super::{
    ask::{self, AllianceView, NewAlliance},
    rule::MANAGE,
};

#[derive(Template)]
#[template(path = "alliance/list.html")]
pub struct AlliancesPage {
    page: Page,
    alliances: Vec<AllianceRow>,
    may_manage: bool,
    new_alliance: Form,
}

/// An alliance as the list shows it.
struct AllianceRow {
    slug: String,
    name: String,
    tenants: String,
    lends: String,
}

#[derive(Template)]
#[template(path = "alliance/show.html")]
pub struct AlliancePage {
    page: Page,
    alliance: String,
    slug: String,
    tenants: Vec<String>,
    lends: String,
    may_manage: bool,
    names: Form,
    lending: Form,
}

fn lends(ui: Ui, alliance: &AllianceView) -> String {
    alliance.lending_limit.map_or_else(|| ui.t("alliance-lends-all"), |cards| ui.t1("unit-cards", "n", cards))
}

pub async fn list(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    show_list(&center, &visitor, StatusCode::OK, Form::default()).await
}

async fn show_list(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    new_alliance: Form,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let line = |alliance: AllianceView| AllianceRow {
        name: alliance.name.in_lang(ui.lang).to_owned(),
        lends: lends(ui, &alliance),
        tenants: alliance.tenants.join(" "),
        slug: alliance.slug,
    };
    let page = AlliancesPage {
        page: visitor.page("alliances", ui.t("nav-alliances")),
        alliances: ask::list(center, &visitor.caller).await?.into_iter().map(line).collect(),
        may_manage: visitor.may(center, MANAGE, None),
        new_alliance,
    };
    Ok(render(status, &page))
}

pub async fn found(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let lending_limit = form.number_or_none(ui, "lends", 0..=u32::MAX);
    if !form.is_good() {
        return show_list(&center, &visitor, StatusCode::UNPROCESSABLE_ENTITY, form).await;
    }
    let slug = form.value("slug").to_owned();
    let name = Text { zh: form.value("name_zh").to_owned(), en: form.value("name_en").to_owned() };
    let new = NewAlliance { slug: slug.clone(), name, lending_limit };
    match ask::found(&center, &visitor.caller, new).await {
        Ok(_) => Ok(Redirect::to(&format!("/alliances/{slug}")).into_response()),
        Err(error) => {
            let status = form.explain(ui, error, |name| match name {
                "slug" | "already_there" => Some("slug"),
                "name_zh" | "name.zh" => Some("name_zh"),
                "name_en" | "name.en" => Some("name_en"),
                _ => None,
            })?;
            show_list(&center, &visitor, status, form).await
        }
    }
}

pub async fn show(
    State(center): State<Center>,
    Id(slug): Id,
    visitor: Visitor,
) -> Result<Response, AppError> {
    show_one(&center, &visitor, &slug, StatusCode::OK, None, None).await
}

async fn show_one(
    center: &Center,
    visitor: &Visitor,
    slug: &str,
    status: StatusCode,
    names: Option<Form>,
    lending: Option<Form>,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let alliance = ask::show(center, &visitor.caller, slug).await?;
    let limit = alliance.lending_limit.map(|cards| cards.to_string()).unwrap_or_default();
    let name = alliance.name.in_lang(ui.lang).to_owned();
    let as_they_are =
        || Form::with(&[("name_zh", alliance.name.zh.clone()), ("name_en", alliance.name.en.clone())]);
    let page = AlliancePage {
        names: names.unwrap_or_else(as_they_are),
        page: visitor.page("alliances", name.clone()),
        alliance: name,
        lends: lends(ui, &alliance),
        slug: alliance.slug,
        tenants: alliance.tenants,
        may_manage: visitor.may(center, MANAGE, None),
        lending: lending.unwrap_or_else(|| Form::with(&[("lends", limit)])),
    };
    Ok(render(status, &page))
}

pub async fn set_lending(
    State(center): State<Center>,
    Id(slug): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let limit = form.number_or_none(visitor.front.ui, "lends", 0..=u32::MAX);
    if !form.is_good() {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return show_one(&center, &visitor, &slug, status, None, Some(form)).await;
    }
    ask::set_lending(&center, &visitor.caller, &slug, limit).await?;
    Ok(Redirect::to(&format!("/alliances/{slug}")).into_response())
}

pub async fn rename(
    State(center): State<Center>,
    Id(slug): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let name = Text { zh: form.value("name_zh").to_owned(), en: form.value("name_en").to_owned() };
    match ask::rename(&center, &visitor.caller, &slug, name).await {
        Ok(_) => Ok(Redirect::to(&format!("/alliances/{slug}")).into_response()),
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, |name| match name {
                "name.zh" => Some("name_zh"),
                "name.en" => Some("name_en"),
                _ => None,
            })?;
            show_one(&center, &visitor, &slug, status, Some(form), None).await
        }
    }
}

#[cfg(test)]
impl AlliancesPage {
    /// With and without alliances, and with what was typed wrong.
    pub fn samples(page: &Page) -> Vec<Self> {
        let line = |name: &str| AllianceRow {
            slug: "vision".into(),
            name: name.into(),
            tenants: "univ chip".into(),
            lends: page.t("alliance-lends-all"),
        };
        let mut wrong = Form::with(&[("slug", "A B".into()), ("lends", "many".into())]);
        wrong.number_or_none(page.ui, "lends", 0..=9);
        let sample = |alliances, may_manage, new_alliance| Self {
            page: page.clone(),
            alliances,
            may_manage,
            new_alliance,
        };
        vec![sample(vec![line("V & <A>")], true, wrong), sample(Vec::new(), false, Form::default())]
    }
}

#[cfg(test)]
impl AlliancePage {
    /// With and without tenants, and for those who may and may not change it.
    pub fn samples(page: &Page) -> Vec<Self> {
        let sample = |tenants: Vec<String>, may_manage| Self {
            page: page.clone(),
            alliance: "V & <A>".into(),
            slug: "vision".into(),
            tenants,
            lends: page.t("alliance-lends-all"),
            may_manage,
            names: Form::with(&[("name_zh", "V & <A>".into()), ("name_en", "V".into())]),
            lending: Form::with(&[("lends", "4".into())]),
        };
        vec![sample(vec!["univ".into(), "chip".into()], true), sample(Vec::new(), false)]
    }
}
