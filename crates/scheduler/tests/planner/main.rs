//! The planner from outside: cases in tables, properties over random centers, and a slow planner beside it.

mod barred;
mod build;
mod events;
mod forecast;
mod limits;
mod order;
mod placement;
mod properties;
mod random;
mod reference;
mod situation;
mod situations;
mod starvation;
