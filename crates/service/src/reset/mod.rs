//! A password's reset: a person who forgot their password is sent a link by which they set another.

pub mod ask;
mod page;
mod rows;
mod rule;
#[cfg(test)]
mod tests;

use base::{noun::Noun, page::routes::Routes};
use center::center::Center;

pub const NOUN: Noun<Center> = Noun {
    actions: &[rule::RESET],
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
