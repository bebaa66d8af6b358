//! What cluster managers promise about quotas, lending, preemption, gangs and backfill, as situations of ours.

macro_rules! situations {
    ($($name:ident: $text:literal)*) => {
        $(#[test] fn $name() { $crate::situation::assert_situation($text); })*
    };
}

mod backfill;
mod order;
mod places;
mod quota;
mod reclaim;
