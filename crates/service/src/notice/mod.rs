//! A notice 通知: what happened that concerns somebody. The inbox, and what each person wants to hear of and how. The engine
//! behind it is the ground's (`base::notice`).

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
    actions: &[rule::READ_OWN, rule::SET_WISHES, rule::UNSUBSCRIBE],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::list))
            .routes(routes!(api::read))
            .routes(routes!(api::read_all))
            .routes(routes!(api::wishes, api::set_wishes))
    },
    pages: || {
        Routes::default()
            .page("/notices", page::list)
            .form("/notices/read", page::read_all)
            .form("/notices/{id}/read", page::read)
            .page("/notices/wishes", page::wishes)
            .form("/notices/wishes", page::set_wishes)
            .page("/unsubscribe", page::look)
            .form("/unsubscribe", page::unsubscribe)
    },
    places: &[Place {
        part: Part::Work,
        key: "notices",
        href: "/notices",
        shown: |center, caller| {
            Some(usize::try_from(center.unread.of(caller.member.id)).unwrap_or(usize::MAX))
        },
    }],
    ..Noun::named("notice")
};
