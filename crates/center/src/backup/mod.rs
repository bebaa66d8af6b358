//! A backup 备份: a copy of the center's database that was made while the center ran, and verified. The center makes one
//! each day and keeps some of them; operators make others.

mod api;
mod ask;
pub mod folder;
mod page;
mod rule;
pub mod scheduled;

use base::{
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{actions, center::Center};

#[cfg(test)]
pub(crate) use page::BackupsPage;
#[cfg(test)]
pub(crate) use rule::Keeping;
pub use rule::RESTORE;

pub const NOUN: Noun<Center> = Noun {
    actions: &[actions::BACKUP, rule::READ, RESTORE],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || OpenApiRouter::new().routes(routes!(api::make)).routes(routes!(api::list)),
    pages: || Routes::default().page("/backups", page::list).form("/backups", page::make),
    places: &[Place {
        part: Part::Administration,
        key: "backups",
        href: "/backups",
        shown: |center, caller| center.policies.check(caller, rule::READ, None).ok().map(|()| 0),
    }],
    ..Noun::named("backup")
};
