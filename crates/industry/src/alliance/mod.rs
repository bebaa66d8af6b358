//! An alliance 产业联盟: tenants that share, and lend each other what they do not use.
//!
//! Its rows are the store's, since the planner reads them at the start: the queues of an alliance's tenants are one cohort.

mod api;
pub mod ask;
mod page;
mod rule;
#[cfg(test)]
mod tests;

use base::{
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use center::center::Center;
use rule::{MANAGE, READ};
use utoipa_axum::{router::OpenApiRouter, routes};

pub const NOUN: Noun<Center> = Noun {
    actions: &[READ, MANAGE],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::list, api::found))
            .routes(routes!(api::show, api::rename))
            .routes(routes!(api::set_lending))
    },
    pages: || {
        Routes::default()
            .page("/alliances", page::list)
            .form("/alliances", page::found)
            .page("/alliances/{slug}", page::show)
            .form("/alliances/{slug}/names", page::rename)
            .form("/alliances/{slug}/lending", page::set_lending)
    },
    places: &[Place {
        part: Part::Industry,
        key: "alliances",
        href: "/alliances",
        shown: |center, caller| center.policies.check(caller, READ, None).ok().map(|()| 0),
    }],
    ..Noun::named("alliance")
};
