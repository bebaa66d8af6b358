//! A tenant 租户: an organisation of one of the three domains that computes here.

mod api;
pub mod ask;
mod page;
mod rule;

use base::{
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;
use rule::{MANAGE, READ};

#[cfg(test)]
pub(crate) use page::{TenantPage, TenantsPage};

pub const NOUN: Noun<Center> = Noun {
    actions: &[READ, MANAGE],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new().routes(routes!(api::list, api::sign_up)).routes(routes!(api::show, api::change))
    },
    pages: || {
        Routes::default()
            .page("/tenants", page::list)
            .form("/tenants", page::sign_up)
            .page("/tenants/{slug}", page::show)
            .form("/tenants/{slug}", page::change)
            .form("/tenants/{slug}/names", page::rename)
    },
    places: &[Place {
        part: Part::Administration,
        key: "tenants",
        href: "/tenants",
        // A tenant's own people see their tenant on every page.
        shown: |center, caller| {
            let is_of_center = caller.member.tenant.is_none();
            is_of_center.then(|| center.policies.check(caller, READ, None).ok().map(|()| 0))?
        },
    }],
    ..Noun::named("tenant")
};
