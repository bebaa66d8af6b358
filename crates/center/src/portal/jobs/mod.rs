//! Jobs: the list, one job with its log, submitting.

pub mod follow;
pub mod list;
pub mod log;
mod log_rows;
pub mod runs;
pub mod script;
pub mod settings;
pub mod show;
pub mod submit;
pub mod table;
