//! The digital twin 孪生: what a center would have done with the jobs of a trace.

mod columns;
mod cuts;
mod drive;
pub mod fault;
pub mod figures;
pub mod forecasts;
pub mod generate;
pub mod groups;
pub mod hall;
mod lines;
mod number;
pub mod openb;
pub mod output;
pub mod own;
pub mod pack;
#[cfg(test)]
mod plain;
pub mod policy;
pub mod read;
pub mod reference;
pub mod replay;
pub mod report;
pub mod sacct;
pub mod series;
pub mod swf;
pub mod trace;

pub use fault::{Fault, Faults, Flaw};
pub use figures::{Figures, Terms, figures};
pub use policy::{Backfill, Order, Policy};
pub use read::{Format, read, read_from};
pub use replay::{Cut, Failures, Fate, Nodes, Outcome, QueueSetup, Setup, replay};
pub use trace::{JobName, Names, Trace, TraceJob};

#[cfg(test)]
mod fuzz_tests;
