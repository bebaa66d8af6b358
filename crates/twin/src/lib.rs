//! The digital twin 孪生: what a center would have done with the jobs of a trace.

pub mod generate;
mod random;
mod read;
mod replay;
pub mod report;
pub mod trace;

pub use read::{
    Format,
    fault::{Faults, Flaw, LineFault},
    node_list::{HallNode, read_nodes},
    platform_csv::write as write_trace,
    read, read_from,
};
pub use replay::{
    forecasts,
    outcome::{Interruptions, ReplayOutcome, RunTimes},
    pack,
    policy::ReplayPolicy,
    reference, replay,
    setup::{Failures, Nodes, QueueSetup, Setup},
};
pub use report::{
    figures::{Figures, Terms, figures},
    jobs_csv::write_jobs,
};
pub use scheduler::{Backfill, Order};
pub use trace::{JobName, Names, Trace, TraceJob};
