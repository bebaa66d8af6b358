//! FOCUS: charges in the columns of the `FinOps` Open Cost and Usage Specification, version 1.3, for programs that compare the
//! bills of several providers. It has no things of its own: its tables are made of the ledger, the statements and the invoices.

mod api;
pub mod ask;
mod charge;
mod commitments;
mod made;
mod rows;
pub mod rule;

use base::noun::Noun;
use center::center::Center;
use utoipa_axum::{router::OpenApiRouter, routes};

use rule::READ;

pub const NOUN: Noun<Center> = Noun {
    actions: &[READ],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    api: || {
        OpenApiRouter::new().routes(routes!(api::cost_and_usage)).routes(routes!(api::contract_commitments))
    },
    ..Noun::named("focus")
};
