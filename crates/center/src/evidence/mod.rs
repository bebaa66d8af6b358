//! The evidence of a run 运行凭证: what it had, what that costs by which price, what was posted for it, and what seals that; for
//! whoever disputes a charge.

mod api;
pub mod ask;
mod page;
mod rule;

use base::{noun::Noun, page::routes::Routes};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;

#[cfg(test)]
pub(crate) use page::EvidencePage;

pub const NOUN: Noun<Center> = Noun {
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || OpenApiRouter::new().routes(routes!(api::show)),
    pages: || Routes::default().page("/runs/{id}/evidence", page::show),
    ..Noun::named("evidence")
};
