//! An invitation 邀请: a link by which somebody becomes a member. Whoever invites gives it on, or has the center send it.

mod api;
pub mod ask;
mod page;
mod rows;
pub mod rule;

use base::{noun::Noun, page::routes::Routes};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;

#[cfg(test)]
pub(crate) use page::{InvitationsPage, JoinPage};

pub const NOUN: Noun<Center> = Noun {
    actions: &[rule::READ, rule::INVITE, rule::JOIN],
    events: &[rule::MEMBER_JOINED],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::list, api::invite))
            .routes(routes!(api::take_back))
            .routes(routes!(api::look))
            .routes(routes!(api::join))
    },
    pages: || {
        Routes::default()
            .page("/people/invitations", page::list)
            .form("/people/invitations", page::invite)
            .form("/people/invitations/{id}/take-back", page::take_back)
            .page("/join/{token}", page::look)
            .form("/join/{token}/new", page::join_new)
            .form("/join/{token}/known", page::join_known)
            .form("/join/{token}/own", page::join_own)
    },
    ..Noun::named("invitation")
};
