//! The digital twin 孪生: what a center would have done with the jobs of a trace.

mod columns;
pub mod fault;
mod lines;
mod number;
pub mod openb;
pub mod own;
pub mod read;
pub mod reference;
pub mod sacct;
pub mod swf;
pub mod trace;

pub use fault::{Fault, Faults, Flaw};
pub use read::{Format, read, read_from};
pub use trace::{JobName, Names, Trace, TraceJob};
