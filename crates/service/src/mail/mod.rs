//! A mail that the center sent, or is to send, as its operators see it.

mod api;
mod page;
#[cfg(test)]
mod tests;

use base::{
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use center::{center::Center, notices::READ_MAIL};
use utoipa_axum::{router::OpenApiRouter, routes};

pub const NOUN: Noun<Center> = Noun {
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::list))
            .routes(routes!(api::look))
            .routes(routes!(api::test))
            .routes(routes!(api::retry))
    },
    pages: || {
        Routes::default()
            .page("/mails", page::list)
            .form("/mails/test", page::test)
            .form("/mails/{id}/retry", page::retry)
    },
    places: &[Place {
        part: Part::Administration,
        key: "mails",
        href: "/mails",
        shown: |center, caller| center.policies.check(caller, READ_MAIL, None).ok().map(|()| 0),
    }],
    ..Noun::named("mail")
};
