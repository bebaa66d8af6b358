//! A webhook 接收端: an endpoint elsewhere that events are posted to, by Standard Webhooks or as messages of a chat's bot. A
//! tenant's administrators keep those of the tenant, the center's operators those of the center. The engine behind it is the
//! ground's (`base::notice::endpoint`).

mod api;
pub mod ask;
mod page;
pub mod rule;
#[cfg(test)]
mod tests;

use base::{
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use center::center::Center;
use utoipa_axum::{router::OpenApiRouter, routes};

pub const NOUN: Noun<Center> = Noun {
    actions: &[rule::READ, rule::KEEP],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::list, api::make))
            .routes(routes!(api::show, api::change, api::remove))
            .routes(routes!(api::rotate))
            .routes(routes!(api::test))
            .routes(routes!(api::deliveries))
            .routes(routes!(api::replay))
    },
    pages: || {
        Routes::default()
            .page("/webhooks", page::list)
            .form("/webhooks", page::make)
            .page("/webhooks/{id}", page::show)
            .form("/webhooks/{id}", page::change)
            .form("/webhooks/{id}/rotate", page::rotate)
            .form("/webhooks/{id}/test", page::test)
            .form("/webhooks/{id}/remove", page::remove)
            .form("/webhooks/{id}/replay", page::replay)
    },
    places: &[Place {
        part: Part::Administration,
        key: "webhooks",
        href: "/webhooks",
        shown: |center, caller| {
            center.policies.check(caller, rule::READ, caller.member.tenant).ok().map(|()| 0)
        },
    }],
    ..Noun::named("webhook")
};
