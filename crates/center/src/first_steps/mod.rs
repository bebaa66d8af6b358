//! First steps 开通步骤: what a new center still needs before somebody can compute in it. They stand on the overview of
//! operators until all are done.

pub mod ask;
mod rows;
pub mod rule;

use base::noun::Noun;

use crate::center::Center;

pub const NOUN: Noun<Center> =
    Noun { texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]], ..Noun::named("first step") };
