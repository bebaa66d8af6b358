//! A session 登录: a browser that a person signed in with.

mod api;
pub mod ask;
mod page;
pub mod rule;

use base::{noun::Noun, page::routes::Routes};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;

pub const NOUN: Noun<Center> = Noun {
    actions: &[rule::END],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || OpenApiRouter::new().routes(routes!(api::list)).routes(routes!(api::end)),
    pages: || Routes::default().form("/tokens/sessions/{id}/end", page::end),
    ..Noun::named("browser's session")
};
