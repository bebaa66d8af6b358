//! Retirement 退役: nodes and pools that go, and what differs between the hall and the nodes that the settings, or Slurm,
//! name. The wish alone changes nothing that is here: a node goes because an operator says so.

mod api;
pub mod ask;
mod page;
pub(crate) mod rows;
mod rule;
#[cfg(test)]
mod tests;
pub mod told;
pub mod wish;

use base::{
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use rule::{
    BRING_BACK_NODE, BRING_BACK_POOL, NODE_CAME, NODE_WENT, READ, REMOVE_NODE, RETIRE_NODE, RETIRE_POOL,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;

#[cfg(test)]
pub(crate) use page::RetirementPage;

pub const NOUN: Noun<Center> = Noun {
    actions: &[
        READ,
        RETIRE_NODE,
        REMOVE_NODE,
        BRING_BACK_NODE,
        RETIRE_POOL,
        BRING_BACK_POOL,
        NODE_WENT,
        NODE_CAME,
    ],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new()
            .routes(routes!(api::look))
            .routes(routes!(api::retire_node))
            .routes(routes!(api::remove_node))
            .routes(routes!(api::bring_back_node))
            .routes(routes!(api::retire_pool))
            .routes(routes!(api::bring_back_pool))
    },
    pages: || {
        Routes::default()
            .page("/retirement", page::show)
            .form("/nodes/{name}/retire", page::retire_node)
            .form("/nodes/{name}/remove", page::remove_node)
            .form("/nodes/{name}/bring-back", page::bring_back_node)
            .form("/pools/{name}/retire", page::retire_pool)
            .form("/pools/{name}/bring-back", page::bring_back_pool)
    },
    places: &[Place {
        part: Part::Administration,
        key: "retirement",
        href: "/retirement",
        shown: ask::count_seen,
    }],
    ..Noun::named("retirement")
};
