//! An amendment 合同变更: a change of an active contract's terms. One draws it up with a reason, another approves it, and from an
//! instant on its terms hold as the contract's next version; the past stays as it was.

mod api;
pub mod ask;
pub mod change;
pub mod force;
mod page;
pub mod rule;
pub mod told;

use base::{noun::Noun, page::routes::Routes};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;
use rule::{DECIDE, DRAW_UP, ENFORCE};

#[cfg(test)]
pub(crate) use page::AmendPage;

pub const NOUN: Noun<Center> = Noun {
    actions: &[DRAW_UP, DECIDE, ENFORCE],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::list, api::draw_up))
            .routes(routes!(api::versions))
            .routes(routes!(api::show))
            .routes(routes!(api::decide))
    },
    pages: || {
        Routes::default()
            .page("/contracts/{id}/amend", page::draft)
            .form("/contracts/{id}/amend", page::draw_up)
            .form("/amendments/{id}/decide", page::decide)
    },
    ..Noun::named("amendment")
};
