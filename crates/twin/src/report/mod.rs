//! The figures of a replay, and the report that shows them.

pub(crate) mod figures;
mod groups;
pub(crate) mod jobs_csv;
mod page;
mod plot;
mod series;
mod statistics;
pub mod summary;

pub use page::html;
