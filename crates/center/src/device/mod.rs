//! A program that signs in by a browser 设备登录, by RFC 8628: it shows a code, somebody who is signed in looks who asks and
//! lets it in or not, and the program gets a token of theirs.

pub mod ask;
pub mod oauth;
mod page;
pub mod rule;
pub mod waiting;

use base::{noun::Noun, page::routes::Routes};

use crate::center::Center;

#[cfg(test)]
pub(crate) use page::DevicePage;

pub const NOUN: Noun<Center> = Noun {
    actions: &[rule::ANSWER],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    pages: || {
        Routes::default()
            .page("/device", page::show)
            .form("/device", page::look)
            .form("/device/answer", page::answer)
    },
    ..Noun::named("program that signs in by a browser")
};
