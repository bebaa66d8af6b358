//! An invoice 发票: what a tenant asks of the center over statements of closed months. The tax system issues it outside of the
//! center: requests go out as a table, and the numbers come back.

mod api;
pub mod ask;
pub mod decide;
mod drawn;
mod page;
pub mod rule;
pub mod table;
#[cfg(test)]
mod tests;

use base::{
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use center::center::Center;
use utoipa_axum::{router::OpenApiRouter, routes};

use rule::{ISSUE, ISSUED, READ, REFUSE, REFUSED, REQUEST, REQUESTED, REVERSE, REVERSED, WITHDRAW};

pub const NOUN: Noun<Center> = Noun {
    actions: &[READ, REQUEST, WITHDRAW, ISSUE, REFUSE, REVERSE],
    events: &[REQUESTED, ISSUED, REVERSED, REFUSED],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::list, api::request))
            .routes(routes!(api::statements))
            .routes(routes!(api::export))
            .routes(routes!(api::import))
            .routes(routes!(api::show))
            .routes(routes!(api::issue))
            .routes(routes!(api::refuse))
            .routes(routes!(api::withdraw))
            .routes(routes!(api::reverse))
    },
    pages: || {
        Routes::default()
            .page("/invoices", page::list)
            .page("/invoices/new", page::draft)
            .page("/invoices/export", page::export)
            .page("/invoices/{request}", page::show)
            .form("/invoices/new", page::request)
            .form("/invoices/import", page::import)
            .form("/invoices/{request}/issue", page::issue)
            .form("/invoices/{request}/refuse", page::refuse)
            .form("/invoices/{request}/withdraw", page::withdraw)
            .form("/invoices/{request}/reverse", page::reverse)
    },
    places: &[Place {
        part: Part::Money,
        key: "invoices",
        href: "/invoices",
        shown: |center, caller| {
            let scope = caller.scope().ok()?.tenant();
            center.policies.check(caller, READ, scope).ok().map(|()| 0)
        },
    }],
    ..Noun::named("invoice")
};
