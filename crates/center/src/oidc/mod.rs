//! Signing in by the organisations' own identity providers 单位账号登录: issuers that speak `OpenID` Connect.
//!
//! The settings name the issuers (`[[oidc]]`). A browser is sent to one with a state, a nonce and the hash of a secret
//! (PKCE), which are kept in memory for ten minutes and are good for one return of that browser. What the issuer then says
//! of who it is gives a person by issuer and subject, never by address, and by its groups the places of that person.

mod api;
pub mod ask;
mod enter;
mod fault;
mod guard;
pub mod issuer;
pub mod issuers;
pub mod logout;
pub mod onward;
mod page;
pub mod places;
pub mod rows;
pub mod rule;
mod verify;

use base::{noun::Noun, page::routes::Routes};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;

#[cfg(test)]
pub(crate) use page::{NoPlacePage, OnwardPage, PendingPage};

pub const NOUN: Noun<Center> = Noun {
    actions: &[rule::READ, rule::COME, rule::GIVE, rule::LINK, rule::END],
    events: &[rule::PERSON_PENDING, rule::CLAIM_ABSENT, rule::OPERATOR_KEPT, rule::MEMBER_OUT],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::list))
            .routes(routes!(api::identities))
            .routes(routes!(api::unlink))
            .routes(routes!(api::pending))
            .routes(routes!(api::place))
    },
    pages: || {
        Routes::default()
            .page("/sign-in/oidc", page::by_email)
            .page("/sign-in/oidc/{name}", page::begin)
            .page("/sign-in/oidc/{name}/callback", page::callback)
            .page("/sign-in/onward/{key}", page::onward_page)
            .form("/tokens/identities/link", page::link)
            .form("/tokens/identities/{id}/unlink", page::unlink)
            .page("/people/pending", page::pending)
            .form("/people/pending", page::place)
    },
    ..Noun::named("identity")
};
