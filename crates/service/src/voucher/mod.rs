//! A voucher 算力券: an authority's share of what a tenant computes for. Programmes with their rules and pots, vouchers that are
//! applied for, and claims on closed months. What moves money is the center's (`center::voucher`).

mod api;
pub mod ask;
pub mod claim;
mod effect;
mod evidence;
mod found;
mod page;
pub mod programme;
mod report;
mod rule;
#[cfg(test)]
mod tests;
mod view;

use base::{
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use center::{
    center::Center,
    voucher::{
        APPLY, AUDIT, CHANGED, CLAIM, CLAIM_CHANGED, DECIDE_FUNDING, EXPIRE, ISSUE, MANAGE_PROGRAMME, PAY,
        PROPOSE_FUNDING, READ, READ_PROGRAMME, REVOKE, VERIFY,
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub const NOUN: Noun<Center> = Noun {
    actions: &[
        READ_PROGRAMME,
        MANAGE_PROGRAMME,
        PROPOSE_FUNDING,
        DECIDE_FUNDING,
        READ,
        APPLY,
        REVOKE,
        CLAIM,
        VERIFY,
        AUDIT,
        PAY,
        ISSUE,
        EXPIRE,
    ],
    events: &[CHANGED, CLAIM_CHANGED],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::list_programmes, api::create_programme))
            .routes(routes!(api::show_programme))
            .routes(routes!(api::report))
            .routes(routes!(api::propose_funding))
            .routes(routes!(api::decide_funding))
            .routes(routes!(api::list_vouchers))
            .routes(routes!(api::show_voucher))
            .routes(routes!(api::revoke))
            .routes(routes!(api::quote))
            .routes(routes!(api::apply))
            .routes(routes!(api::list_claims, api::draw_up))
            .routes(routes!(api::show_claim))
            .routes(routes!(api::submit_claim))
            .routes(routes!(api::verify_claim))
            .routes(routes!(api::audit_claim))
            .routes(routes!(api::pay_claim))
            .routes(routes!(api::reject_claim))
            .routes(routes!(api::recover_claim))
    },
    pages: || {
        Routes::default()
            .page("/vouchers", page::list)
            .page("/vouchers/apply", page::draft)
            .form("/vouchers/apply", page::apply)
            .page("/vouchers/found", found::draft)
            .form("/vouchers/found", found::found)
            .page("/vouchers/programmes", page::whole)
            .page("/vouchers/claims", page::whole)
            .page("/vouchers/programmes/{slug}", page::programme)
            .form("/vouchers/programmes/{slug}/fund", page::propose_funding)
            .form("/vouchers/programmes/{slug}/decide", page::decide_funding)
            .page("/vouchers/{number}", page::show)
            .form("/vouchers/{number}/claim", page::draw_up)
            .form("/vouchers/{number}/revoke", page::revoke)
            .page("/vouchers/claims/{number}", page::claim)
            .form("/vouchers/claims/{number}/step", page::step)
    },
    places: &[Place {
        part: Part::Money,
        key: "vouchers",
        href: "/vouchers",
        shown: |center, caller| {
            let owner = caller.member.tenant;
            center.policies.check(caller, READ, owner).ok().map(|()| 0)
        },
    }],
    approvals: &[effect::VOUCHER],
    ..Noun::named("voucher")
};
