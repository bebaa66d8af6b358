//! A quote 报价单: what the center offers at the prices of a book, with discounts by authority, until an instant. Whoever it is for
//! accepts it, and the draft of a contract with exactly its terms comes of it.

mod api;
pub mod ask;
mod draw;
pub mod effect;
mod page;
mod rows;
pub mod rule;
mod sheet;
#[cfg(test)]
mod tests;

use base::{
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use center::center::Center;
use utoipa_axum::{router::OpenApiRouter, routes};

#[cfg(test)]
pub(crate) use page::samples;
use rule::{ACCEPT, ACCEPT_BY_SECRET, CHANGED, DRAFT, EXPIRE, GRANT, MANAGE, READ};

pub const NOUN: Noun<Center> = Noun {
    actions: &[READ, MANAGE, GRANT, ACCEPT, ACCEPT_BY_SECRET, EXPIRE, DRAFT],
    events: &[CHANGED],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::list, api::draw_up))
            .routes(routes!(api::show))
            .routes(routes!(api::grant))
            .routes(routes!(api::send))
            .routes(routes!(api::accept))
            .routes(routes!(api::withdraw))
    },
    pages: || {
        Routes::default()
            .page("/quotes", page::list)
            .page("/quotes/new", page::form)
            .form("/quotes/new", page::draw_up)
            .page("/quotes/{number}", page::show)
            .form("/quotes/{number}/act", page::act)
            .page("/apply/{number}/quote", page::of_applicant)
            .form("/apply/{number}/quote", page::accept_of_applicant)
    },
    places: &[Place {
        part: Part::Money,
        key: "quotes",
        href: "/quotes",
        shown: |center, caller| center.policies.check(caller, READ, caller.member.tenant).ok().map(|()| 0),
    }],
    expire: Some(ask::expire),
    ..Noun::named("quote")
};
