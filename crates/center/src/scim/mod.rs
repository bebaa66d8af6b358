//! Directories 目录同步: identity providers keep a tenant's people by SCIM 2.0 (RFC 7643, RFC 7644), each with a token that an
//! administrator of the tenant made, or an operator for the whole center.
//!
//! A directory sees and touches those alone whom it keeps. Whoever it says is not active has no place of its tenant's any
//! more: their sessions and tokens end, and their jobs keep running. Its groups give roles by the maps of the issuers.

mod api;
pub mod ask;
mod filter;
mod groups;
pub mod http;
mod page;
mod patch;
mod people;
pub mod rows;
pub mod rule;
mod wire;

use base::{noun::Noun, page::routes::Routes};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;

#[cfg(test)]
pub(crate) use page::ScimPage;

pub const NOUN: Noun<Center> = Noun {
    actions: &[rule::READ, rule::MANAGE, rule::KEEP],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || OpenApiRouter::new().routes(routes!(api::list, api::make)).routes(routes!(api::revoke)),
    pages: || {
        Routes::default()
            .page("/people/scim", page::list)
            .form("/people/scim", page::make)
            .form("/people/scim/{id}/revoke", page::revoke)
    },
    ..Noun::named("directory")
};
