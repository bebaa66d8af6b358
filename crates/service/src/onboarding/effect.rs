//! What comes of an application to join: a tenant, its first project, and its first administrator; and the drafts of contracts
//! from its quotes.

use base::{
    approval::{Application, Effect, Kind},
    error::AppError,
};
use center::{
    app::{contracts, members, projects},
    center::Center,
    tenant::ask::{self as tenants, NewTenant},
};
use domain::problem::field;
use serde_json::{Value, json};
use store::Tx;

use super::{
    rule::{CODE, CONTACT, FIRST_PROJECT, FORM, login, path},
    twins,
};
use crate::{application::account, quote::effect as quotes};

pub const JOIN: Kind<Center> = Kind { code: CODE, form: FORM, title: field::LEGAL_NAME.code, path, effect };

fn effect(center: &Center, tx: &Tx, application: &Application) -> Result<Effect<Center>, AppError> {
    let granted = application.decision.as_ref().map(|decision| &decision.granted);
    let granted =
        granted.ok_or_else(|| AppError::internal("an application takes effect without a decision"))?;
    let text = |name: &str| granted.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (slug, legal_name) = (text(field::SLUG.code), text(field::LEGAL_NAME.code));
    twins::refuse_name(tx, &slug)?;
    let name_en = Some(text(field::NAME_EN.code)).filter(|name| !name.is_empty());
    let new = NewTenant {
        slug: slug.clone(),
        name_zh: legal_name.clone(),
        name_en: name_en.unwrap_or_else(|| legal_name.clone()),
        domain: application.domain.code().to_owned(),
        legal_name: legal_name.clone(),
        tax_number: text(field::TAX_NUMBER.code),
        ..NewTenant::default()
    };
    let tenant = tenants::sign_up(tx, tenants::admit(new)?)?;
    let project = projects::first_project(tx, tenant.id, FIRST_PROJECT, &legal_name)?;
    let member = members::first_administrator(tx, tenant.id, &login(&slug), &text(CONTACT.code))?;
    account::open(tx, application.id, member.id)?;
    let drafted = quotes::of_application(center, tx, application, tenant.id)?;
    if let Some(first) = drafted.first() {
        projects::set_first_contract(tx, project.id, first.id)?;
    }
    let detail =
        json!({ "number": application.number, "slug": slug, "project": project.slug, "login": member.login });
    let id = tenant.id;
    let then = move |center: &Center| {
        tenants::signed_up(center, &tenant);
        for contract in &drafted {
            contracts::drafted(center, contract);
        }
        center.compute.wakers.accounts();
    };
    Ok(Effect { tenant: Some(id), detail, then: Box::new(then) })
}
