//! Jobs: the list, one job with its log, submitting.

pub mod bulk;
pub mod list;
pub mod log;
pub mod query;
pub mod show;
pub mod submit;
pub mod table;
