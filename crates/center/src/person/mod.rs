//! A person 人员: who signs in. What they may do is said by their memberships, of which a browser has one at a time.

mod api;
pub mod ask;
mod page;
pub mod password;
pub mod rule;

use base::{noun::Noun, page::routes::Routes};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;

pub const NOUN: Noun<Center> = Noun {
    actions: &[rule::READ, rule::MANAGE, rule::CHANGE_OWN],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::me, api::change_own))
            .routes(routes!(api::list))
            .routes(routes!(api::change))
    },
    pages: || {
        Routes::default()
            .form("/sign-in/as", page::go_on_as)
            .form("/tokens/email", page::set_email)
            .form("/people/members/{id}/person", page::let_in)
    },
    ..Noun::named("person")
};
