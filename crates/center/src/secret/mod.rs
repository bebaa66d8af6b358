//! Secrets 密文变量: values such as passwords and tokens, which runs get as variables and nobody reads.

mod api;
pub mod ask;
pub mod given;
pub mod keyring;
mod page;
pub mod rule;

use base::{
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;

#[cfg(test)]
pub(crate) use page::SecretsPage;

pub const NOUN: Noun<Center> = Noun {
    actions: &[rule::READ, rule::KEEP_OWN, rule::KEEP, rule::ROTATE],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::list, api::set))
            .routes(routes!(api::remove))
            .routes(routes!(api::rotate_key))
    },
    pages: || {
        Routes::default()
            .page("/secrets", page::list)
            .form("/secrets", page::set)
            .form("/secrets/remove", page::remove)
    },
    places: &[Place {
        part: Part::Work,
        key: "secrets",
        href: "/secrets",
        shown: |center, caller| {
            let tenant = caller.member.tenant?;
            center.policies.check(caller, rule::READ, Some(tenant)).ok().map(|()| 0)
        },
    }],
    ..Noun::named("secret")
};
