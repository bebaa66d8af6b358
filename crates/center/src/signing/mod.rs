//! The text of a contract 合同文本 and its signatures 签署: made from a template in both languages, frozen with a digest, signed by
//! both sides; and the renewal of a contract.

mod api;
pub mod ask;
pub mod confirm;
pub mod freeze;
mod page;
pub mod rule;
pub mod template;

use base::{noun::Noun, page::routes::Routes};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;
use rule::{MAKE, RENEW, SIGN};

#[cfg(test)]
pub(crate) use page::TextPage;

pub const NOUN: Noun<Center> = Noun {
    actions: &[MAKE, SIGN, RENEW],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::list, api::make))
            .routes(routes!(api::sign))
            .routes(routes!(api::renew))
    },
    pages: || {
        Routes::default()
            .page("/contracts/{id}/text", page::show)
            .form("/contracts/{id}/text", page::make)
            .form("/contracts/{id}/sign", page::sign)
            .form("/contracts/{id}/renew", page::renew)
    },
    ..Noun::named("contract text")
};
