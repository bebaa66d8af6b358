//! An application 申请: what is asked of the center and decided by people, of whichever kind. This is the desk at which the
//! center's people look at applications; the engine that moves them on is the ground's (`base::approval`).

pub mod account;
mod api;
pub mod ask;
pub mod attached;
mod page;
#[cfg(test)]
pub(crate) use page::samples;
#[cfg(test)]
mod tests;

use base::{
    approval::actions::{
        APPLY, ATTACH, CHANGED, DETACH, EFFECT, EXPIRE, FIRST_PASSWORD, MAKE_LINK, READ, REVIEW,
    },
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use center::center::Center;
use utoipa_axum::{router::OpenApiRouter, routes};

pub const NOUN: Noun<Center> = Noun {
    actions: &[READ, REVIEW, MAKE_LINK, APPLY, ATTACH, DETACH, EFFECT, EXPIRE, FIRST_PASSWORD],
    events: &[CHANGED],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::list))
            .routes(routes!(api::show))
            .routes(routes!(api::judge))
            .routes(routes!(api::make_link))
            .routes(routes!(api::attachment))
    },
    pages: || {
        Routes::default()
            .page("/applications", page::list)
            .page("/applications/{number}", page::show)
            .page("/applications/{number}/attachments/{which}", attached::show)
            .form("/applications/{number}/verdict", page::judge)
            .form("/applications/{number}/link", page::make_link)
    },
    places: &[Place {
        part: Part::Administration,
        key: "applications",
        href: "/applications",
        shown: |center, caller| center.policies.check(caller, READ, None).ok().map(|()| 0),
    }],
    ..Noun::named("application")
};
