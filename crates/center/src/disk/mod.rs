//! Disks 磁盘: the room that the center and its runs write to. The center acts before a disk is full.

mod api;
pub mod ask;
mod page;
pub mod rule;
pub mod state;
pub mod watch;

use base::{
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;

#[cfg(test)]
pub(crate) use page::DiskPage;

pub const NOUN: Noun<Center> = Noun {
    actions: &[rule::READ],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || OpenApiRouter::new().routes(routes!(api::show)),
    pages: || Routes::default().page("/disk", page::show),
    places: &[Place {
        part: Part::Administration,
        key: "disk",
        href: "/disk",
        shown: |center, caller| {
            center.policies.check(caller, rule::READ, caller.member.tenant).ok().map(|()| 0)
        },
    }],
    ..Noun::named("disk")
};
