//! The local engine: runs are processes on the center's own machine.
//!
//! ```text
//! center ── socket ──> host ── fork ──> supervisor (one a run) ── clone+exec ──> the run's processes
//!    ^                                     │
//!    └──────── fifo of hints <─────────────┘     records and logs: runs/, see `record`
//! ```
//!
//! The records are the truth. A hint only says which record to look at, so that nobody has to poll.
//! Supervisors outlive the host and the center; the next center reads the same records and hears the same
//! supervisors.

mod cgroup;
mod child;
mod config;
mod descriptors;
mod doctor;
mod engine;
mod explain;
mod filter;
mod folders;
pub mod host;
mod inherited;
mod link;
mod log_files;
mod logs;
mod master_port;
mod network;
mod protocol;
mod rank_table;
mod record;
mod room;
mod sandbox;
mod supervisor;
pub(crate) mod sys;
mod tree;
mod workers;

pub use config::{Isolation, LocalConfig, Network, Outside};
pub use doctor::check_host;
pub use engine::LocalEngine;
pub(crate) use protocol::HINTS;
