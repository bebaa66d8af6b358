//! Debts 欠款: what is open of fees and owed on contracts' accounts, by how long it has been due.

mod api;
pub mod ask;
mod page;
mod rule;

use base::{
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{actions, center::Center};

#[cfg(test)]
pub(crate) use page::DebtsPage;
#[cfg(test)]
pub(crate) use rule::DebtKind;

pub const NOUN: Noun<Center> = Noun {
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || OpenApiRouter::new().routes(routes!(api::list)),
    pages: || Routes::default().page("/debts", page::list),
    places: &[Place {
        part: Part::Money,
        key: "debts",
        href: "/debts",
        shown: |center, caller| center.policies.check(caller, actions::READ_LEDGER, None).ok().map(|()| 0),
    }],
    ..Noun::named("debt")
};
