//! Use 用量: the card time of an interval and what it was charged, by project, member and the like.

mod api;
pub mod ask;
mod page;

use base::{
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{actions, center::Center};

#[cfg(test)]
pub(crate) use page::UsagePage;

pub const NOUN: Noun<Center> = Noun {
    actions: &[actions::READ_USAGE],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || OpenApiRouter::new().routes(routes!(api::show)),
    pages: || Routes::default().page("/usage", page::show),
    places: &[Place {
        part: Part::Money,
        key: "usage",
        href: "/usage",
        shown: |center, caller| {
            center.policies.check(caller, actions::READ_USAGE, caller.member.tenant).ok().map(|()| 0)
        },
    }],
    ..Noun::named("use")
};
