//! The promises of cluster managers about quotas, lending, preemption, gangs and backfill, told as situations
//! of this planner.

macro_rules! situations {
    ($($name:ident: $text:literal)*) => { $(#[test] fn $name() { crate::situation::assert_situation($text); })* };
}

mod backfill;
mod gangs;
mod lending;
mod order;
mod reclaim;
