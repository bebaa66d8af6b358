//! A role 角色: what a member may do. The policies say it; pages and the command line tell it from them.

mod api;
pub mod rule;

use base::noun::Noun;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;

pub const NOUN: Noun<Center> = Noun {
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || OpenApiRouter::new().routes(routes!(api::list)),
    ..Noun::named("role")
};
