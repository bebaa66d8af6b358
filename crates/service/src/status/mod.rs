//! The state of the center 中心状态, for everybody: what runs, what is out for maintenance, and what fails. It has no things of its own;
//! all of it is what the center knows of itself, and nothing of any tenant.

mod api;
pub mod ask;
mod page;
#[cfg(test)]
mod tests;

use base::{noun::Noun, page::routes::Routes};
use center::center::Center;
use utoipa_axum::{router::OpenApiRouter, routes};

pub const NOUN: Noun<Center> = Noun {
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || OpenApiRouter::new().routes(routes!(api::show)),
    pages: || Routes::default().page("/status", page::show),
    ..Noun::named("status")
};
