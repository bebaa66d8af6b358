//! A price book 价目: one immutable version of what a card-hour costs, by pool, service class and the tenant's domain.

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
pub(crate) use page::{DraftPage, PriceBookPage, PriceBooksPage};

pub const NOUN: Noun<Center> = Noun {
    actions: &[READ, MANAGE],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || OpenApiRouter::new().routes(routes!(api::list, api::publish)).routes(routes!(api::show)),
    pages: || {
        Routes::default()
            .page("/prices", page::list)
            .page("/prices/new", page::draft)
            .form("/prices/new", page::publish)
            .page("/prices/book/{id}", page::show)
    },
    places: &[Place {
        part: Part::Money,
        key: "prices",
        href: "/prices",
        shown: |center, caller| center.policies.check(caller, READ, None).ok().map(|()| 0),
    }],
    ..Noun::named("price book")
};
