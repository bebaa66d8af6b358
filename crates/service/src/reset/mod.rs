//! A password's reset: a person who forgot their password is sent a link by which they set another.

pub mod ask;
mod page;
mod rows;
#[cfg(test)]
mod tests;

use base::{auth::Action, detail::Detail, noun::Noun, page::routes::Routes};
use center::center::Center;

/// A person set another password by a link that was sent to their address.
pub const RESET: Action = Action::deed("reset_password").keeps(&[Detail::text("login")]);

pub const NOUN: Noun<Center> = Noun {
    actions: &[RESET],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    pages: || {
        Routes::default()
            .page("/forgot", page::forgot)
            .form("/forgot", page::send)
            .page("/reset/{token}", page::look)
            .form("/reset/{token}", page::set)
    },
    ..Noun::named("password's reset")
};
