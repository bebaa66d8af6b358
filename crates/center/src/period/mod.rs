//! An accounting period 账期: a month of the books. It is open while it goes on, to be closed once it has ended, and
//! closed for ever: its statements are frozen then, and nothing is posted into it any more.

mod api;
pub mod ask;
mod closing;
mod entries;
mod page;
pub mod rule;
mod table;

use base::{
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;
pub use rule::READ;
use rule::{CLOSED, MANAGE};

#[cfg(test)]
pub(crate) use page::{PeriodPage, PeriodsPage};

pub const NOUN: Noun<Center> = Noun {
    actions: &[READ, MANAGE],
    events: &[CLOSED],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::list))
            .routes(routes!(api::show))
            .routes(routes!(api::accounts))
            .routes(routes!(api::entries))
            .routes(routes!(api::close))
    },
    pages: || {
        Routes::default()
            .page("/periods", page::list)
            .page("/periods/{month}", page::show)
            .page("/periods/{month}/entries", page::entries)
            .form("/periods/{month}/close", page::close)
    },
    places: &[Place {
        part: Part::Money,
        key: "periods",
        href: "/periods",
        shown: |center, caller| center.policies.check(caller, READ, None).ok().map(|()| 0),
    }],
    ..Noun::named("period")
};
