//! A budget 预算: how much the jobs of a project or a member may use in a month or in all. It binds like the balance of a
//! contract: what runs ends at the instant at which it is used up, and nothing starts until there is more.

mod api;
pub mod ask;
pub mod books;
mod page;
pub mod rows;
pub mod rule;
#[cfg(test)]
pub(crate) mod samples;
pub mod tell;

use base::{
    noun::{Noun, Part, Place},
    page::routes::Routes,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::center::Center;

pub use page::{BudgetBar, bars};
#[cfg(test)]
pub(crate) use page::{BudgetPage, BudgetsPage};

pub const NOUN: Noun<Center> = Noun {
    actions: &[rule::READ, rule::MANAGE],
    events: &[rule::ALERT],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new().routes(routes!(api::list, api::make)).routes(routes!(
            api::show,
            api::change,
            api::end
        ))
    },
    pages: || {
        Routes::default()
            .page("/budgets", page::list)
            .form("/budgets", page::make)
            .page("/budgets/{id}", page::show)
            .form("/budgets/{id}", page::change)
            .form("/budgets/{id}/end", page::end)
    },
    places: &[Place { part: Part::Money, key: "budgets", href: "/budgets", shown: ask::seen }],
    ..Noun::named("budget")
};
