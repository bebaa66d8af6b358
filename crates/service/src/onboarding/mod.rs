//! Onboarding 入驻: the front door. Whoever has no account reads here what the center offers and for how much, and applies; what
//! is approved becomes a tenant with its first project and its first administrator.

pub mod ask;
mod attach;
mod door;
mod effect;
mod page;
pub mod rule;
#[cfg(test)]
mod tests;
pub mod twins;

use base::{noun::Noun, page::routes::Routes};
use center::center::Center;

pub const NOUN: Noun<Center> = Noun {
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    pages: || {
        Routes::default()
            .page("/welcome", door::welcome)
            .page("/apply", page::apply)
            .form("/apply", page::draw_up)
            .page("/apply/{number}", page::track)
            .form("/apply/{number}", page::change)
            .form("/apply/{number}/attachments", attach::change)
            .page("/apply/{number}/attachments/{which}", attach::show)
            .page("/apply/{number}/account", page::account)
            .form("/apply/{number}/account", page::set_password)
    },
    approvals: &[effect::JOIN],
    welcome: Some("/welcome"),
    ..Noun::named("onboarding")
};
