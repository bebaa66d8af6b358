//! The second factor 两步验证: codes that a person's device makes of a secret that it shares with the center, by RFC 6238, and
//! recovery codes for whoever loses the device.

mod api;
pub mod ask;
pub(crate) mod code;
mod page;
mod qr;
pub mod rule;

use base::{noun::Noun, page::routes::Routes};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;

#[cfg(test)]
pub(crate) use {code::CodePage, page::SecondFactorPage};

pub const NOUN: Noun<Center> = Noun {
    actions: &[rule::ENROL, rule::RENEW, rule::REMOVE, rule::RESET],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || OpenApiRouter::new().routes(routes!(api::show)).routes(routes!(api::reset)),
    pages: || {
        Routes::default()
            .page("/sign-in/code", code::page)
            .form("/sign-in/code", code::enter)
            .page("/second-factor", page::show)
            .form("/second-factor/begin", page::begin)
            .form("/second-factor/confirm", page::confirm)
            .form("/second-factor/renew", page::renew)
            .form("/second-factor/remove", page::remove)
            .form("/people/members/{id}/second-factor", page::reset)
    },
    ..Noun::named("second factor")
};
