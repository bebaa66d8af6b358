//! A correction 更正: an entry by which people put right what was booked. One proposes it with a reason, another decides, and
//! it is booked with the decision; what it corrects stays as it was.

mod api;
pub mod ask;
mod named;
mod page;
mod rule;

use base::{
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;
use rule::{DECIDE, PROPOSE, READ};

#[cfg(test)]
pub(crate) use page::{CorrectionsPage, ProposalPage};

pub const NOUN: Noun<Center> = Noun {
    actions: &[READ, PROPOSE, DECIDE],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::list, api::propose))
            .routes(routes!(api::show))
            .routes(routes!(api::decide))
    },
    pages: || {
        Routes::default()
            .page("/corrections", page::list)
            .page("/corrections/new", page::draft)
            .form("/corrections/new", page::propose)
            .form("/corrections/{id}/decide", page::decide)
    },
    places: &[Place {
        part: Part::Money,
        key: "corrections",
        href: "/corrections",
        shown: |center, caller| center.policies.check(caller, READ, None).ok().map(|()| 0),
    }],
    ..Noun::named("correction")
};
