//! Jobs: the list, one job with its log, submitting.

pub mod list;
pub mod log;
pub mod runs;
pub mod show;
pub mod submit;
pub mod table;
